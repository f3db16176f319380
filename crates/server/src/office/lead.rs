//! One lead: its page, and what staff do with it. Every act is one transaction of a domain move, the lead's
//! row and a line of its timeline; what can be pressed by mistake can be taken back.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use ringback_domain::follow_up::Ruling;
use ringback_domain::id::{DeliveryId, LeadId};
use ringback_domain::lead::{Before, Lead, LeadEvent, MoveRefused};
use ringback_domain::person::greeting_name;
use ringback_domain::scheduler::Scheduler;
use ringback_domain::session::{Address, Answers, Session};
use serde::Serialize;
use serde_json::{Value, json};

use super::door::{self, Caller};
use super::fields::{Asked, Fields, Number};
use super::page::{self, At, Shell};
use super::row::{self, Around, Row};
use super::sign_in::own_path;
use super::tasks::{TaskForm, TaskLine};
use super::timeline::{self, Line};
use crate::app::App;
use crate::error::Error;
use crate::outbox::by_hand::{self, ByHand};
use crate::store::lead::EventRow;
use crate::store::text_message::Direction;
use crate::store::{
    Hint, Order, StoreError, Tx, business, delivery, lead, scheduler, session, staff, task,
    text_message,
};
use crate::words::Words;

/// Reasons to set a lead aside; each has its words under `dismiss-…`.
pub const REASONS: &[&str] = &[
    "not_our_work",
    "too_far",
    "no_answer",
    "went_elsewhere",
    "wrong_number",
    "spam",
];
/// Longest note, and longest reason in staff's own words, in characters.
const LONGEST_NOTE: usize = 2_000;

#[derive(Template)]
#[template(path = "office/lead.html")]
struct LeadPage {
    shell: Shell,
    row: Row,
    answers: Vec<Answer>,
    stamps: Vec<Stamp>,
    timeline: Vec<Line>,
    tasks: Vec<TaskLine>,
    task_form: TaskForm,
    conversation: Vec<Text>,
    can_undo: bool,
    sms: Option<String>,
    /// Why *Send booking link* is off.
    link_why: Option<String>,
    /// A record for ServiceTitan that can be tried once more.
    retry: Option<DeliveryId>,
    others: Vec<Other>,
    reasons: &'static [&'static str],
    did: Option<Did>,
}

impl LeadPage {
    /// Where acts lead back to.
    fn back(&self) -> String {
        format!("/office/leads/{}", self.row.id)
    }

    /// Every task here is about the one person the page is about.
    fn names<'a>(&self, _: &'a TaskLine) -> Option<&'a (LeadId, String)> {
        None
    }

    /// Whom a task made here is about.
    fn about(&self) -> Option<LeadId> {
        Some(self.row.id)
    }
}

/// Something they said, under its label.
struct Answer {
    label: String,
    said: String,
}

struct Stamp {
    label: String,
    at: String,
    /// After they left.
    after: String,
}

/// A text of the conversation.
struct Text {
    ours: bool,
    body: String,
    at: String,
    status: String,
}

/// Another request of the same person.
struct Other {
    id: LeadId,
    reference: String,
    service: String,
    left: String,
    state: String,
}

/// The page.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let public_url = app.config.public_url.clone();
    let page = app
        .store
        .read(move |tx| {
            let shell = Shell::load(tx, &me, At::Inbox)?;
            let Some(lead) = lead::get(tx, me.business(), LeadId::new(id))? else {
                return Err(StoreError::NoRow);
            };
            let around = Around::load(tx, &shell, std::slice::from_ref(&lead))?;
            let scheduler = scheduler::get(tx, me.business(), lead.scheduler)?;
            let session = session::get(tx, me.business(), lead.session)?;
            let events = lead::events(tx, me.business(), lead.id)?;
            let tasks = task::of_lead(tx, me.business(), lead.id)?;
            let everybody = staff::list(tx, me.business())?;
            let same_person = lead::of_person(
                tx,
                me.business(),
                lead.phone.as_deref().unwrap_or_default(),
                lead.email.as_deref().unwrap_or_default(),
            )?;
            let did = Did::read(shell.w, &asked);
            let can_undo = newest_move(&events, &me).is_some();
            Ok(LeadPage {
                row: row::row(&shell, &around, &lead),
                answers: answers(&shell, &scheduler, &session, &lead),
                stamps: stamps(&shell, &lead),
                timeline: timeline::lines(&shell, &around, &events),
                tasks: tasks
                    .iter()
                    .map(|task| TaskLine::of(&shell, &around.names, task))
                    .collect(),
                task_form: TaskForm::blank(&shell, &everybody),
                conversation: conversation(tx, &shell, &lead)?,
                can_undo,
                link_why: link_why(tx, &shell, &lead)?,
                retry: around
                    .deliveries(lead.id)
                    .iter()
                    .rev()
                    .find(|delivery| by_hand::may_retry(delivery) && delivery.why.is_some())
                    .map(|delivery| delivery.id),
                sms: text_from_my_phone(&shell, &scheduler, &public_url, &lead),
                others: others(&shell, &around, &lead, &same_person),
                reasons: REASONS,
                did,
                shell,
            })
        })
        .await?;
    page::html(&page)
}

/// Everything they said, in the order of the steps, under the labels they read.
fn answers(shell: &Shell, scheduler: &Scheduler, session: &Session, lead: &Lead) -> Vec<Answer> {
    let w = shell.w;
    let a = &lead.answers;
    let region = shell.region();
    let mut said: Vec<(String, String)> = vec![
        (w.say(region.postal().label), a.postal_code.clone()),
        (w.say("field-service"), lead.service_title.clone()),
    ];
    for question in &scheduler.settings.questions {
        let answer = a.questions.get(&question.key).cloned().unwrap_or_default();
        said.push((question.label.clone(), answer));
    }
    let window = a.window.map_or_else(String::new, |chosen| {
        w.window(chosen.start, chosen.end, &shell.zone(), region)
    });
    said.push((w.say("lead-window"), window));
    said.push((w.say("lead-address"), address(a)));
    said.push((w.say("lead-their-notes"), a.notes.clone()));
    let may_text = if a.text_me {
        "lead-may-text-yes"
    } else {
        "lead-may-text-no"
    };
    said.push((w.say("lead-may-text"), w.say(may_text)));
    said.push((w.say("lead-came-from"), came_from(session)));
    said.into_iter()
        .filter(|(_, said)| !said.is_empty())
        .map(|(label, said)| Answer { label, said })
        .collect()
}

/// On one line, as far as it is known.
fn address(a: &Answers) -> String {
    let Address {
        street,
        unit,
        city,
        state,
    } = &a.address;
    let known = [street, unit, city, state].map(String::as_str);
    let known: Vec<&str> = known.into_iter().filter(|part| !part.is_empty()).collect();
    known.join(", ")
}

fn came_from(session: &Session) -> String {
    let from = &session.came_from;
    let bare = |url: &str| {
        url.split_once("://")
            .map_or(url, |(_, rest)| rest)
            .to_owned()
    };
    let tags = from
        .tags
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    [bare(&from.page), bare(&from.referrer)]
        .into_iter()
        .chain(tags)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// When what happened, and how long after they left.
fn stamps(shell: &Shell, lead: &Lead) -> Vec<Stamp> {
    let s = &lead.stamps;
    let left_at = s.left_at;
    let stamps = [
        ("stamp-left", Some(s.left_at)),
        ("stamp-lead", Some(s.lead_at)),
        ("stamp-shown", s.shown_at),
        ("stamp-crm-sent", s.crm_sent_at),
        ("stamp-crm-done", s.crm_done_at),
        ("stamp-text-sent", s.text_sent_at),
        ("stamp-text-delivered", s.text_delivered_at),
        ("stamp-first-contact", s.first_contact_at),
        ("stamp-recovered", s.recovered_at),
    ];
    let mut shown: Vec<(&str, Timestamp)> = stamps
        .into_iter()
        .filter_map(|(key, at)| Some((key, at?)))
        .collect();
    shown.sort_by_key(|(_, at)| *at);
    shown
        .into_iter()
        .map(|(key, at)| Stamp {
            label: shell.w.say(key),
            at: clock_time(shell, at),
            after: after(shell.w, at.duration_since(left_at)),
        })
        .collect()
}

/// The time of day with seconds: stamps are about seconds.
fn clock_time(shell: &Shell, at: Timestamp) -> String {
    let local = at.to_zoned_datetime(shell.zone());
    format!(
        "{}:{:02}",
        shell.w.time(local.time(), shell.region()),
        local.second()
    )
}

/// "+0.4 s", "+12 s", "+3 min": how long after; empty at or before.
fn after(w: &Words, span: jiff::SignedDuration) -> String {
    let seconds = span.as_secs_f64();
    if seconds <= 0.0 {
        return String::new();
    }
    if seconds < 10.0 {
        return w.with("after-seconds", &[("count", format!("{seconds:.1}"))]);
    }
    if seconds < 120.0 {
        return w.with("after-seconds", &[("count", format!("{seconds:.0}"))]);
    }
    if seconds < 7200.0 {
        return w.with(
            "after-minutes",
            &[("count", format!("{:.0}", seconds / 60.0))],
        );
    }
    w.with(
        "after-hours",
        &[("count", format!("{:.0}", seconds / 3600.0))],
    )
}

/// *Text from my phone*: an `sms:` link with the words filled in. The staff member's own phone sends it, so
/// it greets in their name; the link in it is the scheduler's own page.
fn text_from_my_phone(
    shell: &Shell,
    scheduler: &Scheduler,
    public_url: &url::Url,
    lead: &Lead,
) -> Option<String> {
    let phone = lead.phone.as_deref()?;
    let first = |name: &str| name.split(' ').next().unwrap_or_default().to_owned();
    let link = public_url
        .join(&format!("/s/{}", scheduler.public_id))
        .ok()?;
    let words = shell.w.with(
        "sms-from-my-phone",
        &[
            (
                "name",
                greeting_name(&lead.name).unwrap_or_default().to_owned(),
            ),
            ("staff", first(&shell.me.staff.name)),
            ("business", shell.business.name.clone()),
            ("service", lead.service_title.clone()),
            ("link", link.to_string()),
        ],
    );
    let body: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
    Some(format!("sms:{phone}?&body={}", body.replace('+', "%20")))
}

/// The texts both ways with their number.
fn conversation(tx: &mut Tx<'_>, shell: &Shell, lead: &Lead) -> Result<Vec<Text>, StoreError> {
    let Some(phone) = &lead.phone else {
        return Ok(Vec::new());
    };
    let texts = text_message::conversation(tx, lead.business, phone, 100)?;
    let w = shell.w;
    Ok(texts
        .into_iter()
        .map(|text| Text {
            ours: text.direction == Direction::Out,
            body: text.body.replace("{link}", &w.say("text-link-stands-here")),
            at: shell.moment(&text.at),
            status: w.say(&format!("text-status-{}", text.status)),
        })
        .collect())
}

/// What the rules would say of a link by hand now, when it is no.
fn link_why(tx: &mut Tx<'_>, shell: &Shell, lead: &Lead) -> Result<Option<String>, StoreError> {
    Ok(match by_hand::ask(tx, lead)? {
        Ruling::Never(why) => Some(shell.w.say(&format!("why-not-{why}"))),
        Ruling::Send | Ruling::NotBefore(_) => None,
    })
}

fn others(shell: &Shell, around: &Around, lead: &Lead, same_person: &[Lead]) -> Vec<Other> {
    same_person
        .iter()
        .filter(|other| other.id != lead.id)
        .take(10)
        .map(|other| Other {
            id: other.id,
            reference: other.reference.clone(),
            service: other.service_title.clone(),
            left: shell.moment(&other.stamps.left_at),
            state: row::state_said(shell, around, other),
        })
        .collect()
}

/// The message after an act, with its way back.
pub struct Did {
    /// What was done.
    pub said: String,
    /// Where Undo is posted to.
    pub undo: Option<String>,
}

/// What can have been done, and whether it can be taken back.
const ACTS: &[(&str, bool)] = &[
    ("claimed", true),
    ("called", true),
    ("contacted", true),
    ("dismissed", true),
    ("reopened", true),
    ("undone", false),
    ("noted", false),
    ("task-made", false),
    ("task-done", false),
    ("task-reopened", false),
    ("link-planned", false),
    ("link-night", false),
    ("retried", false),
    ("saved", false),
];

impl Did {
    /// Reads `did` and `lead` of an address we sent somebody to.
    pub fn read(w: &Words, asked: &Fields) -> Option<Self> {
        let did = asked.one("did");
        let lead = asked.one("lead").parse().ok();
        let (act, _) = ACTS.iter().find(|(act, _)| *act == did)?;
        Some(Self::of(w, act, lead.map(LeadId::new)))
    }

    fn of(w: &Words, act: &str, lead: Option<LeadId>) -> Self {
        let undoable = ACTS.iter().any(|(known, undo)| *known == act && *undo);
        Self {
            said: w.say(&format!("did-{act}")),
            undo: lead
                .filter(|_| undoable)
                .map(|lead| format!("/office/leads/{lead}/undo")),
        }
    }
}

/// The answer to an act: for our script what to say, for a plain form the page it came from.
#[derive(Serialize)]
struct Answered {
    said: String,
    undo: Option<String>,
}

/// Tells whoever acted what was done.
pub fn answer(
    w: &Words,
    headers: &HeaderMap,
    fields: &Fields,
    act: &str,
    lead: Option<LeadId>,
) -> Response {
    let did = Did::of(w, act, lead);
    if door::is_ours(headers) {
        return Json(Answered {
            said: did.said,
            undo: did.undo,
        })
        .into_response();
    }
    let back = fields.some("back").or_else(|| {
        let lead = lead?;
        Some(format!("/office/leads/{lead}"))
    });
    let back = own_path(back.as_deref().unwrap_or_default()).to_owned();
    let joint = if back.contains('?') { '&' } else { '?' };
    let lead = lead.map_or_else(String::new, |lead| format!("&lead={lead}"));
    Redirect::to(&format!("{back}{joint}did={act}{lead}")).into_response()
}

/// What was done, or why it cannot be.
type Acted = Result<&'static str, String>;

/// Runs one act on a lead in one transaction.
async fn act<F>(
    app: App,
    me: Caller,
    id: i64,
    headers: HeaderMap,
    fields: Fields,
    work: F,
) -> Result<Response, Error>
where
    F: Fn(&mut Tx<'_>, &Scene<'_>, &mut Lead) -> Result<Acted, StoreError> + Send + 'static,
{
    let (caller, sent) = (me.clone(), fields.clone());
    let (w, acted) = app
        .store
        .write(Order::Business(me.business().get()), move |tx| {
            let business = business::get(tx, caller.business())?;
            let Some(mut lead) = lead::get(tx, business.id, LeadId::new(id))? else {
                return Err(StoreError::NoRow);
            };
            let scene = Scene {
                me: &caller,
                w: Words::of(&business.locale),
                fields: &sent,
            };
            let acted = work(tx, &scene, &mut lead)?;
            Ok((scene.w, acted))
        })
        .await?;
    match acted {
        Ok(act) => Ok(answer(w, &headers, &fields, act, Some(LeadId::new(id)))),
        Err(sentence) => Err(Error::Conflict(sentence)),
    }
}

struct Scene<'a> {
    me: &'a Caller,
    w: &'static Words,
    fields: &'a Fields,
}

impl Scene<'_> {
    /// Saves what a move has changed, with a line of the timeline that remembers how it was before.
    fn keep(
        &self,
        tx: &mut Tx<'_>,
        lead: &Lead,
        event: LeadEvent,
        before: &Before,
        mut detail: Value,
    ) -> Result<(), StoreError> {
        detail["before"] = json!(before);
        lead::save(tx, lead)?;
        lead::event(tx, lead, event, Some(self.me.staff.id), detail)
    }

    fn refused(&self, tx: &mut Tx<'_>, refused: &MoveRefused) -> Result<String, StoreError> {
        Ok(match refused {
            MoveRefused::Recovered => self.w.say("refused-recovered"),
            MoveRefused::Dismissed => self.w.say("refused-dismissed"),
            MoveRefused::NoReason => self.w.say("refused-no-reason"),
            MoveRefused::ClaimedBy(who) => {
                let names = staff::names(tx, self.me.business())?;
                let name = names.get(who).cloned().unwrap_or_default();
                self.w.with("refused-claimed", &[("name", name)])
            }
        })
    }
}

/// *Claim*: "I am on it".
pub async fn claim(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let before = lead.before();
        if let Err(refused) = lead.claim(scene.me.staff.id, tx.now()) {
            return scene.refused(tx, &refused).map(Err);
        }
        if lead.state != before.state {
            scene.keep(tx, lead, LeadEvent::Claimed, &before, json!({}))?;
        }
        Ok(Ok("claimed"))
    })
    .await
}

/// The call button was pressed: the lead is the caller's, the first contact is stamped.
pub async fn call(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let before = lead.before();
        if let Err(refused) = lead.call(scene.me.staff.id, tx.now()) {
            return scene.refused(tx, &refused).map(Err);
        }
        scene.keep(tx, lead, LeadEvent::Called, &before, json!({}))?;
        Ok(Ok("called"))
    })
    .await
}

/// *Contacted*: somebody reached them.
pub async fn contacted(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let before = lead.before();
        if let Err(refused) = lead.contacted(scene.me.staff.id, tx.now()) {
            return scene.refused(tx, &refused).map(Err);
        }
        scene.keep(tx, lead, LeadEvent::Contacted, &before, json!({}))?;
        Ok(Ok("contacted"))
    })
    .await
}

/// *Dismiss*, with one of our reasons or staff's own words.
pub async fn dismiss(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let before = lead.before();
        let own = scene.fields.one("own");
        let chosen = scene.fields.one("reason");
        let known = REASONS.contains(&chosen.as_str());
        let reason = if known { chosen } else { own };
        let reason: String = reason.chars().take(LONGEST_NOTE).collect();
        if let Err(refused) = lead.dismiss(&reason, scene.me.staff.id, tx.now()) {
            return scene.refused(tx, &refused).map(Err);
        }
        if lead.state != before.state {
            let detail = json!({ "reason": reason });
            scene.keep(tx, lead, LeadEvent::Dismissed, &before, detail)?;
        }
        Ok(Ok("dismissed"))
    })
    .await
}

/// *Reopen*: to be worked again, by whoever takes it up.
pub async fn reopen(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let before = lead.before();
        if let Err(refused) = lead.reopen() {
            return scene.refused(tx, &refused).map(Err);
        }
        if lead.state != before.state {
            scene.keep(tx, lead, LeadEvent::Reopened, &before, json!({}))?;
        }
        Ok(Ok("reopened"))
    })
    .await
}

/// *Undo*: the caller's own newest move is taken back, if nothing has moved the lead since.
pub async fn undo(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let events = lead::events(tx, lead.business, lead.id)?;
        let Some(before) = newest_move(&events, scene.me) else {
            return Ok(Err(scene.w.say("refused-undo")));
        };
        if let Err(refused) = lead.take_back(before) {
            return scene.refused(tx, &refused).map(Err);
        }
        lead::save(tx, lead)?;
        let detail = json!({ "undo": true });
        lead::event(
            tx,
            lead,
            LeadEvent::Reopened,
            Some(scene.me.staff.id),
            detail,
        )?;
        Ok(Ok("undone"))
    })
    .await
}

/// How the lead stood before the caller's move, when that move is the newest one.
fn newest_move(events: &[EventRow], me: &Caller) -> Option<Before> {
    use LeadEvent::{Called, Claimed, Contacted, Dismissed, Left, LeftAgain, Recovered, Reopened};
    let newest = events.iter().rev().find(|event| {
        matches!(
            event.kind,
            Left | LeftAgain | Recovered | Claimed | Called | Contacted | Dismissed | Reopened
        )
    })?;
    if newest.staff != Some(me.staff.id) {
        return None;
    }
    serde_json::from_value(newest.detail.get("before")?.clone()).ok()
}

/// A note of staff's own.
pub async fn note(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let typed = fields.one("note");
    act(app, me, id, headers, fields, move |tx, scene, lead| {
        if typed.is_empty() {
            return Ok(Err(scene.w.say("refused-empty-note")));
        }
        if typed.chars().count() > LONGEST_NOTE {
            return Ok(Err(scene
                .w
                .with("refused-long-note", &[("longest", LONGEST_NOTE)])));
        }
        let detail = json!({ "note": typed });
        lead::event(tx, lead, LeadEvent::Note, Some(scene.me.staff.id), detail)?;
        Ok(Ok("noted"))
    })
    .await
}

/// *Send booking link*: planned under the same rules as every text, or the reason why not.
pub async fn send_link(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let sentence = match by_hand::send_link(tx, lead, scene.me.staff.id)? {
            ByHand::Planned { night: false, .. } => return Ok(Ok("link-planned")),
            ByHand::Planned { night: true, .. } => return Ok(Ok("link-night")),
            ByHand::Never(why) => scene.w.say(&format!("why-not-{why}")),
            ByHand::AlreadyWaiting => scene.w.say("refused-link-waits"),
        };
        Ok(Err(sentence))
    })
    .await
}

/// *Try again*: a record that ServiceTitan certainly did not take.
pub async fn retry(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    act(app, me, id, headers, fields, |tx, scene, lead| {
        let asked = scene.fields.one("delivery").parse().map(DeliveryId::new);
        let deliveries = delivery::of_lead(tx, lead.business, lead.id)?;
        let theirs = deliveries.iter().find(|d| Ok(d.id) == asked);
        let again = match theirs {
            Some(delivery) => by_hand::retry(tx, lead.business, delivery.id)?,
            None => false,
        };
        if !again {
            return Ok(Err(scene.w.say("refused-retry")));
        }
        tx.hint(Hint::Lead {
            business: lead.business,
            lead: lead.id,
        });
        Ok(Ok("retried"))
    })
    .await
}
