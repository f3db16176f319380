//! From the fields of a step to answers, and what is wrong with them; which steps are answered.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use ringback_domain::person::{self, clean_line, clean_name};
use ringback_domain::phone::Phone;
use ringback_domain::region::Region;
use ringback_domain::region::address::AddressPart;
use ringback_domain::scheduler::{Question, QuestionKind, SchedulerSettings};
use ringback_domain::session::{Answers, ChosenWindow, Step};

use super::sent::Form;
use crate::words::Words;

/// Longest answers, in characters; the fields say so too.
pub const LONGEST_LINE: usize = 120;
/// Longest notes, in characters.
pub const LONGEST_NOTES: usize = 1_000;

/// Something wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field's name.
    pub field: String,
    key: &'static str,
    example: &'static str,
}

impl Problem {
    /// A problem of a field, with the key of its sentence.
    pub fn new(field: &str, key: &'static str) -> Self {
        Self {
            field: field.to_owned(),
            key,
            example: "",
        }
    }

    /// The sentence: what to do.
    pub fn say(&self, w: &Words) -> String {
        if self.example.is_empty() {
            w.say(self.key)
        } else {
            w.with(self.key, &[("example", self.example)])
        }
    }
}

/// Reads what was typed at `step` over the answers so far. What cannot be kept is a problem and stays as it was.
pub fn read(
    step: Step,
    form: &Form,
    settings: &SchedulerSettings,
    region: Region,
    answers: &mut Answers,
) -> Vec<Problem> {
    let mut problems = match step {
        Step::Service => service(form, settings, region, answers),
        Step::Contact => contact(form, region, answers),
        Step::Time => time(form, answers),
        Step::Place => place(form, settings, region, answers),
        Step::Review | Step::Booked => Vec::new(),
    };
    for question in settings
        .questions
        .iter()
        .filter(|question| question.step == step)
    {
        problems.extend(answer(form, question, answers));
    }
    problems
}

/// The first step that is not answered yet; the review when all are.
pub fn first_open(settings: &SchedulerSettings, region: Region, answers: &Answers) -> Step {
    let open = settings
        .steps()
        .into_iter()
        .find(|step| !is_answered(*step, settings, region, answers));
    open.unwrap_or(Step::Review)
}

/// A step as far as it can be shown: the one wanted, or the first that lies open before it.
pub fn reachable(
    wanted: Step,
    settings: &SchedulerSettings,
    region: Region,
    answers: &Answers,
) -> Step {
    let order = settings.steps();
    let position = |step: Step| order.iter().position(|s| *s == step).unwrap_or(order.len());
    let open = first_open(settings, region, answers);
    if position(wanted) < position(open) {
        wanted
    } else {
        open
    }
}

/// What was typed and is not saved, by the names of the fields.
pub type Typed = BTreeMap<Cow<'static, str>, String>;

/// The names of a step's fields.
pub fn fields_of(
    step: Step,
    settings: &SchedulerSettings,
) -> impl Iterator<Item = Cow<'static, str>> {
    let own: &[&'static str] = match step {
        Step::Service => &["zip", "service"],
        Step::Contact => &["name", "phone", "email", "text_me"],
        Step::Time => &["window"],
        Step::Place => &["street", "unit", "city", "state", "notes"],
        Step::Review | Step::Booked => &[],
    };
    let asked = settings
        .questions
        .iter()
        .filter(move |question| question.step == step);
    own.iter()
        .map(|name| Cow::Borrowed(*name))
        .chain(asked.map(|question| format!("q_{}", question.key).into()))
}

/// An answer as it stands in its field; a number the way the region writes numbers.
pub fn stands<'a>(answers: &'a Answers, name: &str, region: Region) -> Cow<'a, str> {
    let address = &answers.address;
    let text = match name {
        "zip" => &answers.postal_code,
        "service" => &answers.service,
        "name" => &answers.name,
        "email" => &answers.email,
        "street" => &address.street,
        "unit" => &address.unit,
        "city" => &address.city,
        "state" => &address.state,
        "notes" => &answers.notes,
        "text_me" if answers.text_me => return "yes".into(),
        "phone" => {
            let phone = Phone::from_e164(&answers.phone);
            return phone.map_or("".into(), |phone| phone.shown_in(region).into());
        }
        "window" => {
            let window = answers.window;
            return window.map_or("".into(), |window| Written(window).to_string().into());
        }
        _ => {
            let key = name.strip_prefix("q_").unwrap_or_default();
            return answers.questions.get(key).map_or("", String::as_str).into();
        }
    };
    text.into()
}

/// A window as a field carries it: two instants in microseconds.
pub struct Written(pub ChosenWindow);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChosenWindow { start, end } = self.0;
        write!(f, "{}-{}", start.as_microsecond(), end.as_microsecond())
    }
}

/// The window that a field carries.
pub fn window(text: &str) -> Option<ChosenWindow> {
    let (start, end) = text.split_once('-')?;
    let at = |text: &str| Timestamp::from_microsecond(text.parse().ok()?).ok();
    let window = ChosenWindow {
        start: at(start)?,
        end: at(end)?,
    };
    // Longer than a day is no arrival window, and nobody's places are counted for years.
    let length = window.end.duration_since(window.start);
    (length.is_positive() && length.as_hours() <= 24).then_some(window)
}

/// What can be kept of the contact fields of somebody who closes: no sentence reaches them any more.
pub fn read_in_passing(form: &Form, region: Region, answers: &mut Answers) {
    contact(form, region, answers);
}

fn service(
    form: &Form,
    settings: &SchedulerSettings,
    region: Region,
    answers: &mut Answers,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let rule = region.postal();
    match region.postal_code(form.get("zip")) {
        Ok(code) if rule.required && code.is_empty() => problems.push(postal(region)),
        Ok(code) => answers.postal_code = code,
        Err(_) => problems.push(postal(region)),
    }
    match settings.service(form.get("service")) {
        Some(service) => answers.service.clone_from(&service.key),
        None => problems.push(Problem::new("service", "error-service")),
    }
    problems
}

fn postal(region: Region) -> Problem {
    let rule = region.postal();
    Problem {
        field: "zip".into(),
        key: rule.sentence,
        example: rule.example,
    }
}

fn contact(form: &Form, region: Region, answers: &mut Answers) -> Vec<Problem> {
    let mut problems = Vec::new();
    match clean_name(form.get("name")) {
        name if name.is_empty() => problems.push(Problem::new("name", "error-name")),
        name => answers.name = name,
    }
    match Phone::parse(form.get("phone"), region) {
        Ok(phone) => {
            phone.as_str().clone_into(&mut answers.phone);
            answers.text_me = form.get("text_me") == "yes";
        }
        Err(error) => problems.push(Problem::new("phone", error.key())),
    }
    match person::email(form.get("email")) {
        Ok(email) => answers.email = email,
        Err(error) => problems.push(Problem::new("email", error.key())),
    }
    problems
}

fn time(form: &Form, answers: &mut Answers) -> Vec<Problem> {
    match window(form.get("window")) {
        Some(window) => {
            answers.window = Some(window);
            Vec::new()
        }
        None => vec![Problem::new("window", "error-window")],
    }
}

fn place(
    form: &Form,
    settings: &SchedulerSettings,
    region: Region,
    answers: &mut Answers,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for field in region.address() {
        let (name, into, key) = match field.part {
            AddressPart::Street => ("street", &mut answers.address.street, "error-street"),
            AddressPart::Unit => ("unit", &mut answers.address.unit, "error-street"),
            AddressPart::City => ("city", &mut answers.address.city, "error-city"),
            AddressPart::State => ("state", &mut answers.address.state, "error-state"),
        };
        let typed: String = clean_line(form.get(name))
            .chars()
            .take(LONGEST_LINE)
            .collect();
        let kept = if field.part == AddressPart::State {
            region.state(&typed)
        } else {
            Ok(typed)
        };
        match kept {
            Ok(text) if text.is_empty() && field.required && settings.address_required => {
                problems.push(Problem::new(name, key));
            }
            Ok(text) => *into = text,
            Err(_) => problems.push(Problem::new(name, key)),
        }
    }
    answers.notes = clean_text(form.get("notes"));
    problems
}

/// Several lines: each one tidied, no more than one empty one between two.
fn clean_text(typed: &str) -> String {
    let mut kept = String::new();
    let mut gap = false;
    for line in typed.lines().map(clean_line) {
        if line.is_empty() {
            gap = !kept.is_empty();
            continue;
        }
        if !kept.is_empty() {
            kept.push_str(if gap { "\n\n" } else { "\n" });
        }
        gap = false;
        kept.push_str(&line);
    }
    kept.chars().take(LONGEST_NOTES).collect()
}

fn answer(form: &Form, question: &Question, answers: &mut Answers) -> Option<Problem> {
    let name = format!("q_{}", question.key);
    let said: String = clean_line(form.get(&name))
        .chars()
        .take(LONGEST_LINE)
        .collect();
    let (fits, key) = match &question.kind {
        QuestionKind::Text => (true, "error-answer"),
        QuestionKind::Choice(choices) => {
            (said.is_empty() || choices.contains(&said), "error-choice")
        }
        QuestionKind::YesNo => (matches!(said.as_str(), "" | "yes" | "no"), "error-choice"),
    };
    if !fits || (question.required && said.is_empty()) {
        return Some(Problem::new(&name, key));
    }
    if said.is_empty() {
        answers.questions.remove(&question.key);
    } else {
        answers.questions.insert(question.key.clone(), said);
    }
    None
}

fn is_answered(
    step: Step,
    settings: &SchedulerSettings,
    region: Region,
    answers: &Answers,
) -> bool {
    let own = match step {
        Step::Service => {
            let code = &answers.postal_code;
            let has_code = !code.is_empty() || !region.postal().required;
            has_code && settings.serves(code) && settings.service(&answers.service).is_some()
        }
        Step::Contact => !answers.name.is_empty() && !answers.phone.is_empty(),
        Step::Time => answers.window.is_some(),
        Step::Place => !settings.address_required || has_address(region, answers),
        Step::Review => return false,
        Step::Booked => return true,
    };
    own && settings
        .questions
        .iter()
        .filter(|question| question.step == step && question.required)
        .all(|question| answers.questions.contains_key(&question.key))
}

fn has_address(region: Region, answers: &Answers) -> bool {
    region
        .address()
        .iter()
        .filter(|field| field.required)
        .all(|field| {
            let text = match field.part {
                AddressPart::Street => &answers.address.street,
                AddressPart::Unit => &answers.address.unit,
                AddressPart::City => &answers.address.city,
                AddressPart::State => &answers.address.state,
            };
            !text.is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_domain::starts::Start;

    const US: Region = Region::UnitedStates;

    fn settings() -> SchedulerSettings {
        Words::of("en").begin(Start::HeatingCooling, US)
    }

    fn keys(problems: &[Problem]) -> Vec<&str> {
        problems.iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn a_step_is_read_and_the_next_one_lies_open() {
        let settings = settings();
        let mut answers = Answers::default();
        assert_eq!(first_open(&settings, US, &answers), Step::Service);
        let form = Form::read(b"zip=85004&service=cooling-repair&q_system-age=Not+sure");
        assert!(read(Step::Service, &form, &settings, US, &mut answers).is_empty());
        assert_eq!(answers.questions["system-age"], "Not sure");
        assert_eq!(first_open(&settings, US, &answers), Step::Contact);
        let form = Form::read(b"name=Ana+Ruiz&phone=602-555-0142&text_me=yes");
        assert!(read(Step::Contact, &form, &settings, US, &mut answers).is_empty());
        assert_eq!(
            (answers.phone.as_str(), answers.text_me),
            ("+16025550142", true)
        );
        assert_eq!(reachable(Step::Review, &settings, US, &answers), Step::Time);
        assert_eq!(
            reachable(Step::Service, &settings, US, &answers),
            Step::Service
        );
    }

    #[test]
    fn each_wrong_field_gets_its_own_sentence_and_changes_nothing() {
        let settings = settings();
        let mut answers = Answers {
            name: "Ana".into(),
            ..Answers::default()
        };
        let form = Form::read(b"zip=phoenix&service=rocketry&q_system-age=young");
        let problems = read(Step::Service, &form, &settings, US, &mut answers);
        assert_eq!(
            keys(&problems),
            ["error-postal-zip", "error-service", "error-choice"]
        );
        let form = Form::read(b"name=+&phone=12&email=ana&text_me=yes");
        let problems = read(Step::Contact, &form, &settings, US, &mut answers);
        assert_eq!(
            keys(&problems),
            ["error-name", "error-phone-too-short", "error-email"]
        );
        assert_eq!(
            answers,
            Answers {
                name: "Ana".into(),
                ..Answers::default()
            }
        );
        for w in [Words::of("en"), Words::of("es")] {
            assert!(problems.iter().all(|problem| !problem.say(w).is_empty()));
        }
    }

    #[test]
    fn what_is_shown_in_the_fields_reads_back_the_same() {
        let settings = settings();
        let window = ChosenWindow {
            start: Timestamp::UNIX_EPOCH,
            end: "1970-01-01T04:00:00Z".parse().unwrap(),
        };
        let answers = Answers {
            postal_code: "85004".into(),
            service: "cooling-repair".into(),
            questions: BTreeMap::from([("system-age".into(), "Not sure".into())]),
            name: "<script>alert(1)</script>".into(),
            phone: "+16025550142".into(),
            email: "ana@example.com".into(),
            text_me: true,
            window: Some(window),
            address: ringback_domain::session::Address {
                street: "1 W Washington St".into(),
                unit: "4".into(),
                city: "Phoenix".into(),
                state: "AZ".into(),
            },
            notes: "Two dogs.\n\nRing twice.".into(),
        };
        let steps = settings.steps();
        let fields = steps.iter().flat_map(|step| fields_of(*step, &settings));
        let fields = fields.map(|name| {
            let stands = stands(&answers, &name, US).into_owned();
            (name, stands)
        });
        let mut body = form_urlencoded_of(fields);
        body.push_str("&unknown=1");
        let mut again = Answers::default();
        for step in steps {
            assert_eq!(
                read(
                    step,
                    &Form::read(body.as_bytes()),
                    &settings,
                    US,
                    &mut again
                ),
                [],
                "{step}"
            );
        }
        assert_eq!(again, answers);
    }

    #[test]
    fn an_address_that_is_not_asked_for_may_stay_empty() {
        let mut settings = settings();
        let mut answers = Answers::default();
        assert_eq!(
            keys(&read(
                Step::Place,
                &Form::default(),
                &settings,
                US,
                &mut answers
            )),
            ["error-street", "error-city", "error-state"]
        );
        settings.address_required = false;
        assert!(read(Step::Place, &Form::default(), &settings, US, &mut answers).is_empty());
    }

    #[test]
    fn only_a_span_of_time_is_a_window() {
        assert!(window("0-14400000000").is_some());
        for text in [
            "",
            "-",
            "5",
            "a-b",
            "14400000000-0",
            "0-0",
            "0-9223372036854775807",
            "0-999999999999999",
        ] {
            assert_eq!(window(text), None, "{text}");
        }
    }

    fn form_urlencoded_of(fields: impl Iterator<Item = (Cow<'static, str>, String)>) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish()
    }
}
