//! The review: what they asked for and said, line by line.

use ringback_domain::phone::Phone;
use ringback_domain::scheduler::QuestionKind;
use ringback_domain::session::Step;

use super::super::field::yes_or_no;
use super::View;
use crate::words::Value;

/// A line of the review.
pub(super) struct Row {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) step: Step,
}

impl View {
    /// What they asked for and said, step by step, in the scheduler's order.
    pub(super) fn review(&self) -> Vec<Row> {
        let steps = self.place.scheduler.settings.steps();
        steps
            .into_iter()
            .filter(|step| *step != Step::Review)
            .map(|step| self.row(step))
            .collect()
    }

    fn row(&self, step: Step) -> Row {
        let a = &self.answers;
        let region = self.place.business.region;
        let mut lines: Vec<String> = match step {
            Step::Service => {
                let title = self
                    .service()
                    .map(|service| service.title.clone())
                    .unwrap_or_default();
                let code = [self.w.say(region.postal().label), a.postal_code.clone()].join(" ");
                vec![
                    title,
                    if a.postal_code.is_empty() {
                        String::new()
                    } else {
                        code
                    },
                ]
            }
            Step::Contact => {
                let phone = Phone::from_e164(&a.phone)
                    .map(|phone| phone.shown_in(region))
                    .unwrap_or_default();
                vec![a.name.clone(), phone, a.email.clone()]
            }
            Step::Time => vec![
                self.window
                    .or(a.window)
                    .map(|w| self.whole_window(w))
                    .unwrap_or_default(),
            ],
            Step::Place => {
                let street = [a.address.street.as_str(), a.address.unit.as_str()].join(" ");
                let town = [a.address.city.as_str(), a.address.state.as_str()];
                let town: Vec<&str> = town.into_iter().filter(|part| !part.is_empty()).collect();
                vec![street.trim().to_owned(), town.join(", ")]
            }
            Step::Review | Step::Booked => Vec::new(),
        };
        for (question, shown) in self.asked(step) {
            if let Some(said) = a.questions.get(&question.key) {
                let said = match (&question.kind, &shown.kind) {
                    (QuestionKind::YesNo, _) => yes_or_no(self.w, said).into_owned(),
                    (QuestionKind::Choice(kept), QuestionKind::Choice(shown)) => {
                        let place = kept.iter().position(|choice| choice == said);
                        place.map_or(said, |place| &shown[place]).clone()
                    }
                    _ => said.clone(),
                };
                let pair = [
                    ("question", shown.label.as_str()),
                    ("answer", said.as_str()),
                ];
                lines.push(self.w.with(
                    "question-answered",
                    &pair.map(|(name, value)| (name, Value::from(value))),
                ));
            }
        }
        if step == Step::Place {
            lines.push(a.notes.clone());
        }
        lines.retain(|line| !line.is_empty());
        let key = match step {
            Step::Service => "review-service",
            Step::Contact => "review-contact",
            Step::Time => "review-time",
            _ => "review-place",
        };
        Row {
            title: self.w.say(key),
            text: lines.join("\n"),
            step,
        }
    }
}
