//! One field of a form: its label (also its accessible name), what stands in it, what is wrong with it.

use askama::Template;
use ringback_domain::region::Region;
use ringback_domain::region::address::{AddressField, AddressPart};
use ringback_domain::scheduler::{Question, QuestionKind, Service};

use super::answers::{Filled, LONGEST_LINE, LONGEST_NOTES};
use crate::words::Words;

/// A field, ready to be shown.
#[derive(Template)]
#[template(path = "visitor/field.html")]
pub struct Field {
    name: String,
    label: String,
    value: String,
    problem: Option<String>,
    required: bool,
    kind: Kind,
}

/// How it is filled in.
enum Kind {
    Line {
        input: &'static str,
        autocomplete: &'static str,
        mode: &'static str,
        longest: usize,
        short: bool,
    },
    Lines {
        longest: usize,
    },
    /// A list to choose from; the first entry chooses nothing.
    List {
        autocomplete: &'static str,
        choices: Vec<(String, String)>,
        none: String,
    },
    /// One of these, all in view.
    Cards {
        cards: Vec<Card>,
        layout: &'static str,
    },
}

struct Card {
    value: String,
    title: String,
    help: String,
    tag: Option<String>,
}

/// What makes fields: the words, what stands in them, what is wrong with them.
pub struct Fields<'a> {
    /// The visitor's words.
    pub w: &'static Words,
    /// Decides the postal code and the address.
    pub region: Region,
    /// By field name.
    pub filled: &'a Filled,
    /// By field name: the sentence.
    pub problems: &'a [(String, String)],
}

impl Fields<'_> {
    /// The postal code.
    pub fn postal(&self) -> Field {
        let rule = self.region.postal();
        let mode = if rule.digits { "numeric" } else { "text" };
        let kind = Kind::Line {
            input: "text",
            autocomplete: "postal-code",
            mode,
            longest: 12,
            short: true,
        };
        self.field("zip", self.w.say(rule.label), rule.required, kind)
    }

    /// The services.
    pub fn service(&self, services: &[Service]) -> Field {
        let card = |service: &Service| Card {
            value: service.key.clone(),
            title: service.title.clone(),
            help: service.help.clone(),
            tag: service.emergency.then(|| self.w.say("service-call-now")),
        };
        let kind = Kind::Cards {
            cards: services.iter().map(card).collect(),
            layout: "cards two",
        };
        self.field("service", self.w.say("field-service"), true, kind)
    }

    /// Name, mobile phone, email.
    pub fn contact(&self) -> Vec<Field> {
        let line = |input, autocomplete, mode, longest| Kind::Line {
            input,
            autocomplete,
            mode,
            longest,
            short: false,
        };
        vec![
            self.field(
                "name",
                self.w.say("field-name"),
                true,
                line("text", "name", "text", 100),
            ),
            self.field(
                "phone",
                self.w.say("field-phone"),
                true,
                line("tel", "tel", "tel", 40),
            ),
            self.field(
                "email",
                self.w.say("field-email"),
                false,
                line("email", "email", "email", 254),
            ),
        ]
    }

    /// The parts of an address as the region writes them; town and state stand side by side.
    pub fn address(&self, required: bool) -> Vec<Field> {
        self.region
            .address()
            .iter()
            .map(|part| self.part(part, required))
            .collect()
    }

    /// Anything else.
    pub fn notes(&self) -> Field {
        self.field(
            "notes",
            self.w.say("field-notes"),
            false,
            Kind::Lines {
                longest: LONGEST_NOTES,
            },
        )
    }

    /// A question of the business's own: as it is kept, and as this visitor reads it.
    pub fn question(&self, question: &Question, shown: &Question) -> Field {
        let kind = match &question.kind {
            QuestionKind::Text => Kind::Line {
                input: "text",
                autocomplete: "off",
                mode: "text",
                longest: LONGEST_LINE,
                short: false,
            },
            QuestionKind::Choice(choices) => Kind::List {
                autocomplete: "off",
                choices: match &shown.kind {
                    QuestionKind::Choice(shown) => {
                        choices.iter().cloned().zip(shown.iter().cloned()).collect()
                    }
                    _ => Vec::new(),
                },
                none: self.w.say("choose"),
            },
            QuestionKind::YesNo => Kind::Cards {
                cards: ["yes", "no"]
                    .map(|value| Card {
                        value: value.into(),
                        title: yes_or_no(self.w, value),
                        help: String::new(),
                        tag: None,
                    })
                    .into(),
                layout: "row",
            },
        };
        let label = if question.required {
            shown.label.clone()
        } else {
            self.w
                .with("field-optional", &[("label", shown.label.as_str())])
        };
        self.field(
            &format!("q_{}", question.key),
            label,
            question.required,
            kind,
        )
    }

    fn part(&self, part: &AddressField, required: bool) -> Field {
        let name = match part.part {
            AddressPart::Street => "street",
            AddressPart::Unit => "unit",
            AddressPart::City => "city",
            AddressPart::State => "state",
        };
        let kind = if part.choices.is_empty() {
            Kind::Line {
                input: "text",
                autocomplete: part.autocomplete,
                mode: "text",
                longest: LONGEST_LINE,
                short: part.part == AddressPart::Unit,
            }
        } else {
            let choices = part
                .choices
                .iter()
                .map(|choice| (choice.code.to_owned(), choice.name.to_owned()));
            Kind::List {
                autocomplete: part.autocomplete,
                choices: choices.collect(),
                none: self.w.say("choose"),
            }
        };
        self.field(
            name,
            self.w.say(part.label),
            required && part.required,
            kind,
        )
    }

    fn field(&self, name: &str, label: String, required: bool, kind: Kind) -> Field {
        let problem = self.problems.iter().find(|(field, _)| field == name);
        Field {
            name: name.to_owned(),
            label,
            value: self.filled.get(name).cloned().unwrap_or_default(),
            problem: problem.map(|(_, sentence)| sentence.clone()),
            required,
            kind,
        }
    }
}

/// The answer to a yes-or-no question as people read it.
pub fn yes_or_no(w: &Words, value: &str) -> String {
    w.say(if value == "yes" {
        "answer-yes"
    } else {
        "answer-no"
    })
}
