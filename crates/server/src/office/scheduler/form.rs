//! *Scheduler Details* as a form: settings become fields, fields become settings, and at each field that is
//! wrong stands a sentence. Words that still are the start's own are not kept as the business's.

use std::collections::BTreeSet;

use jiff::civil::Time;
use ringback_domain::person::clean_line;
use ringback_domain::region::Region;
use ringback_domain::scheduler::{
    Audience, Question, QuestionKind, SaveContact, SchedulerSettings, SendAfter, Service, SyncAs,
    WindowRule,
};
use ringback_domain::session::Step;
use ringback_domain::wording;
use url::Url;

use crate::office::settings::business::line;
use crate::office::settings::sheet::Sheet;
use crate::words::{Value, Words};

/// Longest name of a scheduler, as staff call it.
const LONGEST_NAME: usize = 60;
/// Longest headline, thanks, service or question, in characters.
const LONGEST_LINE: usize = 160;
/// Longest wording beside the consent box.
const LONGEST_CONSENT: usize = 600;
/// More rows than anybody reads.
const MOST_ROWS: usize = 40;
/// Visits at the same time.
const MOST_SEATS: u16 = 99;
/// Postal codes, and websites.
const MOST_PLACES: usize = 500;

/// Whose words and rules the form follows.
#[derive(Clone, Copy)]
pub struct Speaks<'a> {
    /// The office's language.
    pub w: &'static Words,
    /// The business's region.
    pub region: Region,
    /// The business's name, for the standard wording.
    pub business: &'a str,
}

/// The form as the settings stand.
pub fn filled(name: &str, s: &SchedulerSettings, speaks: Speaks<'_>) -> Sheet {
    let Speaks {
        w,
        region,
        business,
    } = speaks;
    let mut values: Vec<(String, String)> = Vec::new();
    let mut set = |field: &str, value: String| values.push((field.to_owned(), value));
    let id = |id: Option<i64>| id.map_or_else(String::new, |id| id.to_string());
    set("name", name.to_owned());
    set("audience", s.audience.to_string());
    set("headline", w.headline(s, region));
    set("thanks", w.thanks(s, region));
    if s.abandoned.scheduler_drop_off {
        set("drop_off", "on".into());
    }
    set("save_contact", s.save_contact.to_string());
    set("sync_send", s.sync.send.to_string());
    set("sync_as", s.sync.send_as.to_string());
    set("campaign", id(s.sync.campaign_id));
    set("call_reason", id(s.sync.call_reason_id));
    set("text_send", s.follow_up.send.to_string());
    set("text", w.follow_up_text(s, region));
    set("consent", w.consent(s, business));
    set("hold_record", s.holds.record_seconds.to_string());
    set("hold_text", s.holds.text_seconds.to_string());
    for (n, service) in s.services.iter().enumerate() {
        set(&format!("service-{n}-key"), service.key.clone());
        set(&format!("service-{n}-title"), service.title.clone());
        set(&format!("service-{n}-help"), service.help.clone());
        set(&format!("service-{n}-minutes"), service.minutes.to_string());
        if service.emergency {
            set(&format!("service-{n}-emergency"), "on".into());
        }
    }
    for (n, question) in s.questions.iter().enumerate() {
        let (kind, choices) = match &question.kind {
            QuestionKind::Text => ("text", String::new()),
            QuestionKind::YesNo => ("yes_no", String::new()),
            QuestionKind::Choice(choices) => ("choice", choices.join("\n")),
        };
        set(&format!("question-{n}-key"), question.key.clone());
        set(&format!("question-{n}-label"), question.label.clone());
        set(&format!("question-{n}-kind"), kind.into());
        set(&format!("question-{n}-choices"), choices);
        set(&format!("question-{n}-step"), question.step.to_string());
        if question.required {
            set(&format!("question-{n}-required"), "on".into());
        }
    }
    for (n, window) in s.windows.iter().enumerate() {
        set(&format!("window-{n}-from"), hours(window.from));
        set(&format!("window-{n}-to"), hours(window.to));
        set(&format!("window-{n}-capacity"), window.capacity.to_string());
    }
    set("lead_time", s.lead_time_minutes.to_string());
    set("horizon", s.horizon_days.to_string());
    set(
        "order",
        if s.time_before_contact {
            "time"
        } else {
            "contact"
        }
        .into(),
    );
    if s.address_required {
        set("address_required", "on".into());
    }
    set("served", s.served.join(" "));
    set("allowed_sites", s.allowed_sites.join("\n"));
    Sheet::filled(values)
}

/// As `<input type="time">` has it.
fn hours(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

/// Name and settings as they were typed over the ones before, or `None` with a sentence at each wrong field.
pub fn read(
    sheet: &mut Sheet,
    before: &SchedulerSettings,
    speaks: Speaks<'_>,
) -> Option<(String, SchedulerSettings)> {
    let Speaks {
        w,
        region,
        business,
    } = speaks;
    let mut s = before.clone();
    let name = line(sheet, w, "name", LONGEST_NAME);
    if name.is_empty() {
        sheet.wrong("name", w.say("wrong-scheduler-name"));
    }
    let standard = SchedulerSettings {
        start: s.start.clone(),
        ..SchedulerSettings::default()
    };
    s.audience = choice(sheet, w, "audience", Audience::ALL, s.audience);
    s.headline = own(
        line(sheet, w, "headline", LONGEST_LINE),
        w.headline(&standard, region),
    );
    s.thanks = own(
        line(sheet, w, "thanks", LONGEST_LINE),
        w.thanks(&standard, region),
    );
    s.abandoned.scheduler_drop_off = sheet.ticked("drop_off");
    s.save_contact = choice(sheet, w, "save_contact", SaveContact::ALL, s.save_contact);
    s.sync.send = choice(sheet, w, "sync_send", SendAfter::FOR_SYNC, s.sync.send);
    s.sync.send_as = choice(sheet, w, "sync_as", SyncAs::ALL, s.sync.send_as);
    s.sync.campaign_id = id(sheet, w, "campaign");
    s.sync.call_reason_id = id(sheet, w, "call_reason");
    s.follow_up.send = choice(sheet, w, "text_send", SendAfter::FOR_TEXT, s.follow_up.send);
    s.follow_up.text = own(text(sheet, w), w.follow_up_text(&standard, region));
    s.follow_up.consent = own(consent(sheet, w), w.consent(&standard, business));
    s.holds.record_seconds = number(sheet, w, "hold_record", 0, 60);
    s.holds.text_seconds = number(sheet, w, "hold_text", 0, 60);
    s.services = services(sheet, w, &before.services);
    s.questions = questions(sheet, w, &before.questions);
    s.windows = windows(sheet, w);
    s.lead_time_minutes = number(sheet, w, "lead_time", 0, 14 * 24 * 60);
    s.horizon_days = number(sheet, w, "horizon", 1, 365);
    s.time_before_contact = sheet.is("order", "time");
    s.address_required = sheet.ticked("address_required");
    s.served = served(sheet, w, region);
    s.allowed_sites = allowed_sites(sheet, w);
    sheet.is_right().then_some((name, s))
}

/// Empty where it says what the start says anyway: then it follows the visitor's language.
fn own(typed: String, standard: String) -> String {
    if typed == standard {
        String::new()
    } else {
        typed
    }
}

fn choice<T: Copy + std::fmt::Display>(
    sheet: &mut Sheet,
    w: &Words,
    field: &str,
    offered: &[T],
    before: T,
) -> T {
    let sent = sheet.value(field);
    match offered.iter().find(|one| one.to_string() == sent) {
        Some(one) => *one,
        None => {
            sheet.wrong(field, w.say("wrong-choice"));
            before
        }
    }
}

fn id(sheet: &mut Sheet, w: &Words, field: &str) -> Option<i64> {
    let sent = sheet.value(field);
    if sent.is_empty() {
        return None;
    }
    let id = sent.parse().ok().filter(|id: &i64| *id > 0);
    if id.is_none() {
        sheet.wrong(field, w.say("wrong-choice"));
    }
    id
}

fn number<T: TryFrom<u32> + Default>(
    sheet: &mut Sheet,
    w: &Words,
    field: &str,
    least: u32,
    most: u32,
) -> T {
    let typed: Option<u32> = sheet.value(field).parse().ok();
    match typed.filter(|n| (least..=most).contains(n)) {
        Some(n) => T::try_from(n).unwrap_or_default(),
        None => {
            let bounds = [("least", least), ("most", most)];
            sheet.wrong(field, w.with("wrong-number-between", &bounds));
            T::default()
        }
    }
}

/// The follow-up text. While texts are switched off it may be anything that could be sent later.
fn text(sheet: &mut Sheet, w: &Words) -> String {
    let typed = sheet.value("text");
    if let Err(error) = wording::check(&typed) {
        sheet.wrong("text", wrong_text(w, &error));
    }
    typed
}

/// What is wrong with a text, as a sentence.
pub fn wrong_text(w: &Words, error: &wording::WordingError) -> String {
    let blank = match error {
        wording::WordingError::UnknownBlank(blank) => blank.as_str(),
        _ => "",
    };
    let values = [
        ("blank", Value::from(blank)),
        ("longest", Value::from(wording::LONGEST_TEMPLATE)),
    ];
    w.with(error.key(), &values)
}

fn consent(sheet: &mut Sheet, w: &Words) -> String {
    let typed = clean_line(&sheet.value("consent"));
    if typed.chars().count() > LONGEST_CONSENT {
        let longest = [("longest", LONGEST_CONSENT)];
        sheet.wrong("consent", w.with("wrong-too-long", &longest));
    }
    // CTIA Messaging Principles 5.1.3: the way out stands beside the box.
    if !typed.to_uppercase().contains("STOP") {
        sheet.wrong("consent", w.say("wrong-consent-stop"));
    }
    typed
}

/// Rows whose title was left empty are taken for removed.
fn services(sheet: &mut Sheet, w: &Words, before: &[Service]) -> Vec<Service> {
    let mut keys = BTreeSet::new();
    let mut services = Vec::new();
    for n in sheet.rows("service").into_iter().take(MOST_ROWS) {
        let field = |part: &str| format!("service-{n}-{part}");
        let title = line(sheet, w, &field("title"), LONGEST_LINE);
        if title.is_empty() {
            continue;
        }
        let key = sheet.value(&field("key"));
        let known = before.iter().find(|service| service.key == key);
        services.push(Service {
            key: match known {
                Some(known) if keys.insert(known.key.clone()) => known.key.clone(),
                _ => fresh_key(&title, before.iter().map(|s| &s.key), &mut keys),
            },
            title,
            help: line(sheet, w, &field("help"), LONGEST_LINE),
            minutes: number(sheet, w, &field("minutes"), 0, 24 * 60),
            emergency: sheet.ticked(&field("emergency")),
            job_type_id: known.and_then(|known| known.job_type_id),
            business_unit_id: known.and_then(|known| known.business_unit_id),
        });
    }
    if services.is_empty() {
        sheet.wrong("services", w.say("wrong-no-service"));
    }
    services
}

/// A word for URLs and reports that no other service or question has, or had before.
fn fresh_key<'a>(
    title: &str,
    taken: impl Iterator<Item = &'a String> + Clone,
    keys: &mut BTreeSet<String>,
) -> String {
    let mut slug = String::new();
    for c in title.to_lowercase().chars().take(40) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = match slug.trim_end_matches('-') {
        "" => "other",
        slug => slug,
    };
    let candidates = std::iter::once(slug.to_owned()).chain((2..).map(|n| format!("{slug}-{n}")));
    let key = candidates
        .into_iter()
        .find(|key| !keys.contains(key) && !taken.clone().any(|other| other == key))
        .expect("numbers do not end");
    keys.insert(key.clone());
    key
}

fn questions(sheet: &mut Sheet, w: &Words, before: &[Question]) -> Vec<Question> {
    let mut keys = BTreeSet::new();
    let mut questions = Vec::new();
    for n in sheet.rows("question").into_iter().take(MOST_ROWS) {
        let field = |part: &str| format!("question-{n}-{part}");
        let label = line(sheet, w, &field("label"), LONGEST_LINE);
        if label.is_empty() {
            continue;
        }
        let key = sheet.value(&field("key"));
        let known = before.iter().find(|question| question.key == key);
        let kind = match sheet.value(&field("kind")).as_str() {
            "yes_no" => QuestionKind::YesNo,
            "choice" => QuestionKind::Choice(choices(sheet, w, &field("choices"))),
            _ => QuestionKind::Text,
        };
        questions.push(Question {
            key: match known {
                Some(known) if keys.insert(known.key.clone()) => known.key.clone(),
                _ => fresh_key(&label, before.iter().map(|q| &q.key), &mut keys),
            },
            label,
            kind,
            step: choice(sheet, w, &field("step"), ASKED_AT, Step::Service),
            required: sheet.ticked(&field("required")),
        });
    }
    questions
}

/// The steps on which questions can be asked.
pub const ASKED_AT: &[Step] = &[Step::Service, Step::Contact, Step::Place];

fn choices(sheet: &mut Sheet, w: &Words, field: &str) -> Vec<String> {
    let typed = sheet.value(field);
    let mut choices: Vec<String> = Vec::new();
    for choice in typed.lines().map(clean_line) {
        if !choice.is_empty() && !choices.contains(&choice) {
            choices.push(choice.chars().take(LONGEST_LINE).collect());
        }
    }
    if choices.len() < 2 || choices.len() > MOST_ROWS {
        sheet.wrong(field, w.say("wrong-choices"));
    }
    choices
}

fn windows(sheet: &mut Sheet, w: &Words) -> Vec<WindowRule> {
    let mut windows = Vec::new();
    for n in sheet.rows("window").into_iter().take(MOST_ROWS) {
        let field = |part: &str| format!("window-{n}-{part}");
        let (from, to) = (sheet.value(&field("from")), sheet.value(&field("to")));
        if from.is_empty() && to.is_empty() {
            continue;
        }
        let times = from.parse::<Time>().ok().zip(to.parse::<Time>().ok());
        let Some((from, to)) = times.filter(|(from, to)| from < to) else {
            sheet.wrong(&field("from"), w.say("wrong-window"));
            continue;
        };
        let capacity = number(sheet, w, &field("capacity"), 1, u32::from(MOST_SEATS));
        windows.push(WindowRule { from, to, capacity });
    }
    windows.sort_by_key(|window| (window.from, window.to));
    if windows.is_empty() {
        sheet.wrong("windows", w.say("wrong-no-window"));
    }
    windows
}

/// Whole codes, or beginnings with a star. Spaces belong to some regions' codes, so lines and commas part them;
/// where codes have no space, spaces do too.
fn served(sheet: &mut Sheet, w: &Words, region: Region) -> Vec<String> {
    let typed = sheet.value("served");
    let spaced = region.postal().example.contains(' ');
    let parts = typed.split(|c: char| matches!(c, '\n' | ',' | ';') || (!spaced && c == ' '));
    let mut served: Vec<String> = Vec::new();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let code = match part.strip_suffix('*') {
            Some(beginning) => beginning_of_code(beginning),
            None => region.postal_code(part).ok(),
        };
        match code {
            Some(code) if served.contains(&code) => {}
            Some(code) => served.push(code),
            None => sheet.wrong("served", w.with("wrong-served", &[("code", part)])),
        }
    }
    if served.len() > MOST_PLACES {
        sheet.wrong("served", w.say("wrong-too-many"));
    }
    served
}

fn beginning_of_code(typed: &str) -> Option<String> {
    let beginning = typed.trim().to_uppercase();
    let fits = (1..=8).contains(&beginning.chars().count())
        && beginning
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-'));
    fits.then(|| format!("{beginning}*"))
}

/// Websites as people write them, kept as origins.
fn allowed_sites(sheet: &mut Sheet, w: &Words) -> Vec<String> {
    let typed = sheet.value("allowed_sites");
    let mut sites: Vec<String> = Vec::new();
    for part in typed
        .split([' ', '\n', ','])
        .map(str::trim)
        .filter(|p| !p.is_empty())
    {
        match origin(part) {
            Some(site) if sites.contains(&site) => {}
            Some(site) => sites.push(site),
            None => sheet.wrong("allowed_sites", w.with("wrong-site", &[("site", part)])),
        }
    }
    if sites.len() > MOST_PLACES {
        sheet.wrong("allowed_sites", w.say("wrong-too-many"));
    }
    sites
}

fn origin(typed: &str) -> Option<String> {
    let whole = if typed.contains("://") {
        typed.to_owned()
    } else {
        format!("https://{typed}")
    };
    let url = Url::parse(&whole).ok()?;
    let host = url.host_str()?;
    let is_site = matches!(url.scheme(), "http" | "https")
        && (host.contains('.') || host == "localhost" || host.starts_with('['));
    is_site.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::fields::Fields;
    use ringback_domain::starts::Start;

    fn speaks() -> Speaks<'static> {
        Speaks {
            w: Words::of("en"),
            region: Region::UnitedStates,
            business: "Copperline",
        }
    }

    fn body(change: &[(&str, &str)], before: &SchedulerSettings) -> Sheet {
        let sheet = filled("Home service", before, speaks());
        let mut pairs = sheet.pairs();
        pairs.retain(|(field, _)| !change.iter().any(|(changed, _)| changed == field));
        pairs.extend(
            change
                .iter()
                .map(|(f, v)| ((*f).to_owned(), (*v).to_owned())),
        );
        Sheet::sent(pairs.into_iter().collect::<Fields>())
    }

    #[test]
    fn what_is_shown_and_sent_back_unchanged_changes_nothing() {
        for &start in Start::ALL {
            for &region in Region::ALL {
                let speaks = Speaks { region, ..speaks() };
                let before = speaks.w.begin(start, region);
                let mut sheet = filled("Home service", &before, speaks);
                let read = read(&mut sheet, &before, speaks);
                assert_eq!(
                    read,
                    Some(("Home service".into(), before)),
                    "{start} {region}"
                );
            }
        }
    }

    #[test]
    fn a_new_service_gets_a_key_of_its_own_and_an_emptied_one_goes() {
        let before = speaks().w.begin(Start::Plumbing, Region::UnitedStates);
        let change = [
            ("service-0-title", ""),
            ("service-90-title", "Gas line"),
            ("service-90-minutes", "60"),
            ("service-91-title", "Gas  Line!"),
            ("service-91-minutes", "45"),
            ("service-91-emergency", "on"),
        ];
        let mut sheet = body(&change, &before);
        let (_, after) = read(&mut sheet, &before, speaks()).unwrap();
        assert_eq!(after.services.len(), before.services.len() + 1);
        assert!(
            after
                .services
                .iter()
                .all(|s| s.key != before.services[0].key)
        );
        let [first, second] = &after.services[after.services.len() - 2..] else {
            panic!("two new ones")
        };
        assert_eq!(
            (first.key.as_str(), second.key.as_str()),
            ("gas-line", "gas-line-2")
        );
        assert!(second.emergency && second.title == "Gas Line!");
    }

    #[test]
    fn each_wrong_field_gets_its_sentence() {
        let before = speaks().w.begin(Start::Plumbing, Region::UnitedStates);
        for (field, value, at) in [
            ("name", " ", "name"),
            ("sync_send", "24_hours", "sync_send"),
            ("text_send", "sometimes", "text_send"),
            ("text", "Finish here: {link}", "text"),
            ("text", "{business} {link} {phone} STOP", "text"),
            ("consent", "Text me.", "consent"),
            ("hold_record", "61", "hold_record"),
            ("horizon", "0", "horizon"),
            ("lead_time", "soon", "lead_time"),
            ("window-0-to", "07:00", "window-0-from"),
            ("window-0-capacity", "0", "window-0-capacity"),
            ("served", "850, 85004", "served"),
            ("allowed_sites", "not a site", "allowed_sites"),
            ("campaign", "-4", "campaign"),
        ] {
            let mut sheet = body(&[(field, value)], &before);
            assert_eq!(read(&mut sheet, &before, speaks()), None, "{field}");
            let told = sheet.trouble(at).unwrap_or_default();
            assert!(told.ends_with('.'), "{field}: {told:?}");
        }
        let mut empty = Sheet::sent(Fields::default());
        assert_eq!(read(&mut empty, &before, speaks()), None);
        assert!(empty.trouble("services").is_some() && empty.trouble("windows").is_some());
    }

    #[test]
    fn places_and_sites_are_kept_as_they_are_compared() {
        let before = speaks().w.begin(Start::Plumbing, Region::UnitedStates);
        let change = [
            ("served", "85004 850*, 85004\n85254-1234"),
            (
                "allowed_sites",
                "copperline.example/book, https://www.copperline.example\nhttp://localhost:3000",
            ),
        ];
        let (_, after) = read(&mut body(&change, &before), &before, speaks()).unwrap();
        assert_eq!(after.served, ["85004", "850*", "85254-1234"]);
        assert_eq!(
            after.allowed_sites,
            [
                "https://copperline.example",
                "https://www.copperline.example",
                "http://localhost:3000"
            ]
        );
        let uk = Speaks {
            region: Region::UnitedKingdom,
            ..speaks()
        };
        let before = uk.w.begin(Start::Plumbing, Region::UnitedKingdom);
        let mut sheet = body(&[("served", "sw1a 1aa, SW1*")], &before);
        let (_, after) = read(&mut sheet, &before, uk).unwrap();
        assert_eq!(after.served, ["SW1A 1AA", "SW1*"]);
    }
}
