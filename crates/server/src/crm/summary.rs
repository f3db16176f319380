//! What a record says: in plain words, in the business's own language, what the office needs for the call.
//! Here: which lines there are, and in which order. The words are in `locales/*/outbox.ftl`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringback_domain::phone::Phone;
use ringback_domain::region::Region;
use ringback_domain::scheduler::Question;
use ringback_domain::session::{Answers, CameFrom, ChosenWindow, Step};

use crate::words::{Value, Words};

/// Everything a summary tells.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Such as `R-7F3K`; stands at the end, and is what a Lead in ST is found by.
    pub reference: &'a str,
    /// What happened.
    pub news: News,
    /// The service as the visitor read it.
    pub service: &'a str,
    /// What they answered.
    pub answers: &'a Answers,
    /// The scheduler's own questions, for their labels.
    pub questions: &'a [Question],
    /// When they asked for a text, if they did.
    pub consent_at: Option<Timestamp>,
    /// How they came.
    pub came_from: &'a CameFrom,
    /// The business's region.
    pub region: Region,
    /// The business's zone.
    pub zone: &'a TimeZone,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// They left without booking.
    Left {
        /// Where they stopped.
        step: Step,
        /// How often by now.
        times: i64,
    },
    /// They booked.
    Booked {
        /// When we come.
        window: ChosenWindow,
        /// They had left before.
        after_leaving: bool,
    },
}

/// Longer answers are cut: a summary is read on a phone call.
const LONGEST_LINE: usize = 500;

/// The summary, one line per fact.
pub fn summary(words: &Words, told: &Told<'_>) -> String {
    let mut lines = vec![headline(words, told)];
    if !told.service.is_empty() {
        lines.push(words.with("summary-wants", &[("service", plain(told.service))]));
    }
    lines.push(when(words, told));
    if let News::Left { step, .. } = told.news {
        let step = words.say(&format!("step-{step}"));
        lines.push(words.with("summary-stopped", &[("step", step)]));
    }
    lines.extend(who(words, told));
    lines.extend(place(words, told));
    lines.extend(answers(told));
    if !told.answers.notes.is_empty() {
        lines.push(words.with("summary-notes", &[("notes", plain(&told.answers.notes))]));
    }
    lines.push(consent(words, told));
    lines.extend(came_from(words, told));
    lines.push(words.with("summary-reference", &[("reference", told.reference)]));
    lines.join("\n")
}

fn headline(words: &Words, told: &Told<'_>) -> String {
    match told.news {
        News::Left { times: ..=1, .. } => words.say("summary-left"),
        News::Left { times, .. } => words.with("summary-left-again", &[("times", times)]),
        News::Booked {
            after_leaving: false,
            ..
        } => words.say("summary-booked"),
        News::Booked { .. } => words.say("summary-booked-after-leaving"),
    }
}

fn when(words: &Words, told: &Told<'_>) -> String {
    let say = |key: &str, window: ChosenWindow| {
        let window = words.window(window.start, window.end, told.zone, told.region);
        words.with(key, &[("window", window)])
    };
    match (told.news, told.answers.window) {
        (News::Booked { window, .. }, _) => say("summary-when-agreed", window),
        (News::Left { .. }, Some(window)) => say("summary-when-chosen", window),
        (News::Left { .. }, None) => words.say("summary-when-open"),
    }
}

fn who(words: &Words, told: &Told<'_>) -> Vec<String> {
    let Answers {
        name, phone, email, ..
    } = told.answers;
    let phone = Phone::from_e164(phone).map_or_else(
        || phone.clone(),
        |phone| phone.shown_in(told.region).clone(),
    );
    let known = [name, &phone, email];
    let known: Vec<_> = known.into_iter().filter(|part| !part.is_empty()).collect();
    if known.is_empty() {
        return Vec::new();
    }
    let person = known.iter().map(|part| plain(part)).collect::<Vec<_>>();
    vec![words.with("summary-who", &[("person", person.join(", "))])]
}

fn place(words: &Words, told: &Told<'_>) -> Option<String> {
    let address = &told.answers.address;
    let parts = [
        &address.street,
        &address.unit,
        &address.city,
        &address.state,
        &told.answers.postal_code,
    ];
    let known: Vec<_> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| plain(part))
        .collect();
    (!known.is_empty()).then(|| words.with("summary-where", &[("place", known.join(", "))]))
}

/// The scheduler's own questions, as they were asked; answers to questions that are gone keep their key.
fn answers(told: &Told<'_>) -> Vec<String> {
    let label = |key: &str| {
        let asked = told.questions.iter().find(|question| question.key == key);
        asked.map_or_else(|| key.to_owned(), |question| question.label.clone())
    };
    let given = told.answers.questions.iter();
    given
        .filter(|(_, answer)| !answer.is_empty())
        .map(|(key, answer)| format!("{}: {}", plain(&label(key)), plain(answer)))
        .collect()
}

fn consent(words: &Words, told: &Told<'_>) -> String {
    match told.consent_at {
        Some(at) => {
            let at = words.moment(at, told.zone, told.region);
            words.with("summary-text-yes", &[("at", at)])
        }
        None => words.say("summary-text-no"),
    }
}

fn came_from(words: &Words, told: &Told<'_>) -> Vec<String> {
    let CameFrom {
        page,
        referrer,
        tags,
        ..
    } = told.came_from;
    let mut lines = Vec::new();
    let from = [page, referrer];
    if let Some(from) = from.into_iter().find(|place| !place.is_empty()) {
        lines.push(words.with("summary-from", &[("page", plain(from))]));
    }
    if !tags.is_empty() {
        let tags = tags
            .iter()
            .map(|(name, value)| format!("{}={}", plain(name), plain(value)));
        let tags = tags.collect::<Vec<_>>().join(", ");
        lines.push(words.with("summary-campaign", &[("tags", Value::from(tags))]));
    }
    lines
}

/// A visitor's words on one line, without what a page that shows them carelessly would take for HTML.
fn plain(typed: &str) -> String {
    let visible = typed.chars().map(|c| match c {
        '<' => '‹',
        '>' => '›',
        c if c.is_control() => ' ',
        c => c,
    });
    let line: String = visible.collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST_LINE).collect()
}

#[cfg(test)]
mod tests {
    use ringback_domain::scheduler::QuestionKind;
    use ringback_domain::session::Address;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn told<'a>(answers: &'a Answers, came_from: &'a CameFrom, zone: &'a TimeZone) -> Told<'a> {
        Told {
            reference: "R-7F3K",
            news: News::Left {
                step: Step::Time,
                times: 1,
            },
            service: "AC repair",
            answers,
            questions: &[],
            consent_at: None,
            came_from,
            region: Region::UnitedStates,
            zone,
        }
    }

    fn ana() -> Answers {
        Answers {
            name: "Ana Morales".into(),
            phone: "+16025550142".into(),
            email: "ana@example.com".into(),
            postal_code: "85004".into(),
            window: Some(ChosenWindow {
                start: at("2026-11-24T15:00:00Z"),
                end: at("2026-11-24T19:00:00Z"),
            }),
            ..Answers::default()
        }
    }

    #[test]
    fn the_office_reads_who_what_when_and_where_they_stopped() {
        let zone = TimeZone::get("America/Phoenix").unwrap();
        let from = CameFrom {
            page: "https://copperline.example/ac".into(),
            tags: [("utm_source".to_owned(), "google".to_owned())].into(),
            ..CameFrom::default()
        };
        let text = summary(Words::of("en"), &told(&ana(), &from, &zone));
        assert_eq!(
            text,
            "Left the online scheduler without booking.\n\
             Wants: AC repair\n\
             When: Tue, Nov 24, 8:00 AM to 12:00 PM (chosen, not booked)\n\
             Stopped at: When should we come?\n\
             Who: Ana Morales, (602) 555-0142, ana@example.com\n\
             Where: 85004\n\
             May be texted: no\n\
             Came from: https://copperline.example/ac\n\
             Campaign: utm_source=google\n\
             Ringback reference: R-7F3K"
        );
    }

    #[test]
    fn a_booking_says_the_agreed_window_the_place_and_the_answers() {
        let zone = TimeZone::get("America/Phoenix").unwrap();
        let from = CameFrom::default();
        let mut answers = ana();
        answers.address = Address {
            street: "12 E Palm Ln".into(),
            unit: String::new(),
            city: "Phoenix".into(),
            state: "AZ".into(),
        };
        answers.questions = [("po".to_owned(), "4711".to_owned())].into();
        answers.notes = "Gate code\n 1234".into();
        let questions = [Question {
            key: "po".into(),
            label: "PO number".into(),
            kind: QuestionKind::Text,
            step: Step::Place,
            required: false,
        }];
        let told = Told {
            news: News::Booked {
                window: answers.window.unwrap(),
                after_leaving: true,
            },
            questions: &questions,
            consent_at: Some(at("2026-11-23T17:30:00Z")),
            ..told(&answers, &from, &zone)
        };
        let text = summary(Words::of("en"), &told);
        for line in [
            "Booked online after leaving the scheduler before.",
            "When: Tue, Nov 24, 8:00 AM to 12:00 PM (agreed)",
            "Where: 12 E Palm Ln, Phoenix, AZ, 85004",
            "PO number: 4711",
            "Notes: Gate code 1234",
            "May be texted: yes, asked for on Mon, Nov 23, 10:30 AM",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(!text.contains("Stopped at"));
    }

    #[test]
    fn a_name_that_is_a_script_is_a_name() {
        let zone = TimeZone::UTC;
        let from = CameFrom::default();
        let answers = Answers {
            name: "<script>alert(1)</script>".into(),
            ..Answers::default()
        };
        let text = summary(Words::of("en"), &told(&answers, &from, &zone));
        assert!(!text.contains('<') && text.contains("‹script›alert(1)‹/script›"));
    }

    #[test]
    fn every_locale_can_say_it() {
        let zone = TimeZone::UTC;
        let from = CameFrom::default();
        for locale in Words::locales() {
            let text = summary(Words::of(locale), &told(&ana(), &from, &zone));
            assert!(text.ends_with("R-7F3K"), "{text}");
        }
    }
}
