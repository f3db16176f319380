//! One field of a form: its label (also its accessible name), what stands in it, what is wrong with it.

use std::borrow::Cow;

use askama::Template;
use ringback_domain::region::Region;
use ringback_domain::region::address::{AddressField, AddressPart};
use ringback_domain::scheduler::{Question, QuestionKind, Service};
use ringback_domain::session::Answers;

use super::answers::{self, LONGEST_LINE, LONGEST_NOTES, Typed};
use crate::words::Words;

/// A field, ready to be shown.
#[derive(Template)]
#[template(path = "visitor/field.html")]
pub struct Field<'a> {
    name: Cow<'a, str>,
    label: Cow<'a, str>,
    value: Cow<'a, str>,
    problem: Option<&'a str>,
    required: bool,
    kind: Kind<'a>,
}

/// How it is filled in.
enum Kind<'a> {
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
        choices: Vec<(&'a str, &'a str)>,
        none: Cow<'a, str>,
    },
    /// One of these, all in view.
    Cards {
        cards: Vec<Card<'a>>,
        layout: &'static str,
    },
}

struct Card<'a> {
    value: &'a str,
    title: Cow<'a, str>,
    help: &'a str,
    tag: Option<Cow<'a, str>>,
}

/// What makes fields: the words, what stands in them, what is wrong with them.
pub struct Fields<'a> {
    /// The visitor's words.
    pub w: &'static Words,
    /// Decides the postal code and the address.
    pub region: Region,
    /// What was typed and is not saved, by field name. It stands before an answer.
    pub typed: &'a Typed,
    /// The answers so far.
    pub answers: &'a Answers,
    /// By field name: the sentence.
    pub problems: &'a [(String, String)],
}

impl<'a> Fields<'a> {
    /// The postal code.
    pub fn postal(&self) -> Field<'a> {
        let rule = self.region.postal();
        let mode = if rule.digits { "numeric" } else { "text" };
        let kind = Kind::Line {
            input: "text",
            autocomplete: "postal-code",
            mode,
            longest: 12,
            short: true,
        };
        self.field("zip".into(), self.w.plain(rule.label), rule.required, kind)
    }

    /// The services.
    pub fn service(&self, services: &'a [Service]) -> Field<'a> {
        let card = |service: &'a Service| Card {
            value: &service.key,
            title: (&service.title).into(),
            help: &service.help,
            tag: service.emergency.then(|| self.w.plain("service-call-now")),
        };
        let kind = Kind::Cards {
            cards: services.iter().map(card).collect(),
            layout: "cards two",
        };
        self.field("service".into(), self.w.plain("field-service"), true, kind)
    }

    /// Name, mobile phone, email.
    pub fn contact(&self) -> Vec<Field<'a>> {
        let line = |input, autocomplete, mode, longest| Kind::Line {
            input,
            autocomplete,
            mode,
            longest,
            short: false,
        };
        vec![
            self.field(
                "name".into(),
                self.w.plain("field-name"),
                true,
                line("text", "name", "text", 100),
            ),
            self.field(
                "phone".into(),
                self.w.plain("field-phone"),
                true,
                line("tel", "tel", "tel", 40),
            ),
            self.field(
                "email".into(),
                self.w.plain("field-email"),
                false,
                line("email", "email", "email", 254),
            ),
        ]
    }

    /// The parts of an address as the region writes them; town and state stand side by side.
    pub fn address(&self, required: bool) -> Vec<Field<'a>> {
        self.region
            .address()
            .iter()
            .map(|part| self.part(part, required))
            .collect()
    }

    /// Anything else.
    pub fn notes(&self) -> Field<'a> {
        self.field(
            "notes".into(),
            self.w.plain("field-notes"),
            false,
            Kind::Lines {
                longest: LONGEST_NOTES,
            },
        )
    }

    /// A question of the business's own: as it is kept, and as this visitor reads it.
    pub fn question(&self, question: &'a Question, shown: &'a Question) -> Field<'a> {
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
                        let choices = choices.iter().map(String::as_str);
                        choices.zip(shown.iter().map(String::as_str)).collect()
                    }
                    _ => Vec::new(),
                },
                none: self.w.plain("choose"),
            },
            QuestionKind::YesNo => Kind::Cards {
                cards: ["yes", "no"]
                    .map(|value| Card {
                        value,
                        title: yes_or_no(self.w, value),
                        help: "",
                        tag: None,
                    })
                    .into(),
                layout: "row",
            },
        };
        let label = if question.required {
            Cow::Borrowed(shown.label.as_str())
        } else {
            let label = [("label", shown.label.as_str())];
            self.w.with("field-optional", &label).into()
        };
        self.field(
            format!("q_{}", question.key).into(),
            label,
            question.required,
            kind,
        )
    }

    fn part(&self, part: &AddressField, required: bool) -> Field<'a> {
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
            let choices = part.choices.iter().map(|choice| (choice.code, choice.name));
            Kind::List {
                autocomplete: part.autocomplete,
                choices: choices.collect(),
                none: self.w.plain("choose"),
            }
        };
        self.field(
            name.into(),
            self.w.plain(part.label),
            required && part.required,
            kind,
        )
    }

    fn field(
        &self,
        name: Cow<'a, str>,
        label: Cow<'a, str>,
        required: bool,
        kind: Kind<'a>,
    ) -> Field<'a> {
        let problem = self.problems.iter().find(|(field, _)| *field == name);
        Field {
            label,
            value: self.value(&name),
            problem: problem.map(|(_, sentence)| sentence.as_str()),
            required,
            kind,
            name,
        }
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> Cow<'a, str> {
        match self.typed.get(name) {
            Some(typed) => typed.into(),
            None => answers::stands(self.answers, name, self.region),
        }
    }
}

/// The answer to a yes-or-no question as people read it.
pub fn yes_or_no(w: &'static Words, value: &str) -> Cow<'static, str> {
    w.plain(if value == "yes" {
        "answer-yes"
    } else {
        "answer-no"
    })
}
