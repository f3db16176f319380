//! A lead's timeline in words.

use serde_json::Value as Json;

use ringback_domain::lead::{LeadEvent, Was};

use super::page::Shell;
use super::row::{Around, dismissal};
use crate::outbox::why;
use crate::store::lead::EventRow;
use crate::words::Words;

/// One line.
pub struct Line {
    /// The event's word, for its mark.
    pub kind: &'static str,
    /// What happened.
    pub said: String,
    /// What belongs to it: a note, a text, what the outside said.
    pub more: String,
    /// When.
    pub at: String,
    /// How long ago.
    pub ago: String,
    /// Microseconds, for the page to count from.
    pub at_us: i64,
}

/// The timeline, newest first.
pub fn lines(shell: &Shell, around: &Around, events: &[EventRow]) -> Vec<Line> {
    events
        .iter()
        .rev()
        .map(|event| line(shell, around, event))
        .collect()
}

fn line(shell: &Shell, around: &Around, event: &EventRow) -> Line {
    let w = shell.w;
    let (said, more) = told(w, around, event);
    let more = [more, was(shell, event)];
    let more: Vec<String> = more.into_iter().filter(|part| !part.is_empty()).collect();
    Line {
        kind: event.kind.as_str(),
        said,
        more: more.join("\n"),
        at: shell.moment(&event.at),
        ago: w.ago(event.at, shell.now),
        at_us: event.at.as_microsecond(),
    }
}

fn told(w: &Words, around: &Around, event: &EventRow) -> (String, String) {
    let text = |name: &str| {
        event
            .detail
            .get(name)
            .and_then(Json::as_str)
            .unwrap_or_default()
    };
    let who = event
        .staff
        .map_or("", |staff| around.name(staff))
        .to_owned();
    let by = |key: &str| w.with(key, &[("name", who.clone())]);
    let plain = |said: String| (said, String::new());
    match event.kind {
        LeadEvent::Left | LeadEvent::LeftAgain => {
            let key = format!("event-{}", event.kind);
            let step = known(w, "step", text("step"));
            let more = known(w, "departure", text("departure"));
            (w.with(&key, &[("step", step)]), more)
        }
        LeadEvent::OutOfArea => plain(w.with("event-out_of_area", &[("code", text("code"))])),
        LeadEvent::Back => plain(w.say("event-back")),
        LeadEvent::Recovered if event.staff.is_some() => plain(by("event-booked")),
        LeadEvent::Recovered => plain(known(w, "event-recovered", text("how"))),
        LeadEvent::Claimed => plain(by("event-claimed")),
        LeadEvent::Called => plain(by("event-called")),
        LeadEvent::Contacted => plain(by("event-contacted")),
        LeadEvent::Dismissed => (by("event-dismissed"), dismissal(w, text("reason"))),
        LeadEvent::Reopened if event.detail.get("undo").is_some() => plain(by("event-undone")),
        LeadEvent::Reopened if event.detail.get("handed_back").is_some() => {
            plain(by("event-handed-back"))
        }
        LeadEvent::Reopened => plain(by("event-reopened")),
        LeadEvent::Note => (by("event-note"), text("note").to_owned()),
        LeadEvent::CrmDone => {
            let kind = known(w, "crm-kind", text("kind"));
            let stage = if text("stage") == "booked" {
                "event-crm-booked"
            } else {
                "event-crm-done"
            };
            plain(w.with(stage, &[("kind", kind), ("id", text("id").to_owned())]))
        }
        LeadEvent::CrmTrouble => (w.say("event-crm-trouble"), why::sentence(w, text("why"))),
        LeadEvent::CrmActedOn => {
            let key = match text("instead") {
                "left_alone" => "event-crm-left-alone",
                _ => "event-crm-made-anew",
            };
            plain(w.say(key))
        }
        LeadEvent::TextSent => plain(w.say("event-text-sent")),
        LeadEvent::TextDelivered => plain(w.say("event-text-delivered")),
        LeadEvent::TextNot => (w.say("event-text-not"), why::sentence(w, text("why"))),
        LeadEvent::TextReceived => (w.say("event-text-received"), text("body").to_owned()),
        LeadEvent::OptedOut if event.staff.is_some() => plain(by("event-no-texts")),
        LeadEvent::OptedOut => plain(w.say("event-opted-out")),
        LeadEvent::OptedIn => (by("event-texts-again"), text("note").to_owned()),
        LeadEvent::OwnText => plain(by("event-own_text")),
        LeadEvent::LinkAsked => plain(by("event-link_asked")),
        LeadEvent::LinkOpened => plain(w.say("event-link-opened")),
        LeadEvent::AppointmentCancelled => (
            by("event-appointment-cancelled"),
            still_in_crm(w, text("in_crm")),
        ),
        LeadEvent::AppointmentKept => plain(by("event-appointment-kept")),
        LeadEvent::TaskMade => (by("event-task-made"), text("title").to_owned()),
        LeadEvent::TaskChanged => (by("event-task-changed"), text("title").to_owned()),
        LeadEvent::TaskDeleted => (by("event-task-deleted"), text("title").to_owned()),
        LeadEvent::TaskDone => (by("event-task-done"), text("title").to_owned()),
    }
}

/// That ServiceTitan does not learn of it from us, where a record stands there.
pub fn still_in_crm(w: &Words, id: &str) -> String {
    if id.is_empty() {
        return String::new();
    }
    w.with("appointment-still-in-crm", &[("id", id)])
}

/// What stood on the lead before they said otherwise.
fn was(shell: &Shell, event: &EventRow) -> String {
    let was = event.detail.get("was").cloned().unwrap_or_default();
    let was: Was = serde_json::from_value(was).unwrap_or_default();
    let phone = was.phone.map(|phone| shell.phone(&phone));
    let before: Vec<String> = [was.service, was.name, phone, was.email]
        .into_iter()
        .flatten()
        .collect();
    if before.is_empty() {
        return String::new();
    }
    shell.w.with("event-was", &[("before", before.join(", "))])
}

/// The words of `place-word`; the bare word where another version wrote it.
fn known(w: &Words, place: &str, word: &str) -> String {
    let key = format!("{place}-{word}");
    if w.has(&key) {
        w.say(&key)
    } else {
        word.to_owned()
    }
}
