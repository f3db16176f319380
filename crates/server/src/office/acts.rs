//! What staff do with a lead. Every act is one transaction of a domain move, the lead's row and a line of its
//! timeline; what can be pressed by mistake can be taken back. The lead's page is in `lead.rs`.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use ringback_domain::business::Business;
use ringback_domain::follow_up::WhyNot;
use ringback_domain::id::{AppointmentId, DeliveryId, LeadId, StaffId};
use ringback_domain::lead::{Before, Lead, LeadEvent, LeadState, MoveRefused, Recovery};
use ringback_domain::person::greeting_name;
use serde::Serialize;
use serde_json::{Value, json};

use super::door::{self, Caller};
use super::fields::{Fields, Number};
use super::sign_in::own_path;
use crate::app::App;
use crate::error::Error;
use crate::outbox::by_hand::{self, Again, ByHand, Retry};
use crate::sms::stop::no_text_going;
use crate::store::lead::EventRow;
use crate::store::{Hint, Order, StoreError, Tx, business, delivery, lead, staff, task};
use crate::words::Words;
use crate::{random, token};

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

/// *Claim*: "I am on it".
pub async fn claim(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let done = scene.moves(tx, lead, LeadEvent::Claimed, json!({}), |lead, me, now| {
            lead.claim(me, now)
        })?;
        Ok(done.map(|()| "claimed"))
    })
    .await
}

/// The call button was pressed: the lead is the caller's, the first contact is stamped.
pub async fn call(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let done = scene.moves(tx, lead, LeadEvent::Called, json!({}), |lead, me, now| {
            lead.call(me, now)
        })?;
        Ok(done.map(|()| "called"))
    })
    .await
}

/// *Contacted*: somebody reached them.
pub async fn contacted(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let done = scene.moves(
            tx,
            lead,
            LeadEvent::Contacted,
            json!({}),
            |lead, me, now| lead.contacted(me, now),
        )?;
        Ok(done.map(|()| "contacted"))
    })
    .await
}

/// *Booked by phone*: staff have agreed it with them outside of the scheduler.
pub async fn booked(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let detail = json!({ "how": Recovery::Staff });
        let done = scene.moves(tx, lead, LeadEvent::Recovered, detail, |lead, _, now| {
            lead.booked_by_staff(now)
        })?;
        let said = if has_open_task(tx, lead)? {
            "booked-task"
        } else {
            "booked"
        };
        Ok(done.map(|()| said))
    })
    .await
}

fn has_open_task(tx: &mut Tx<'_>, lead: &Lead) -> Result<bool, StoreError> {
    let tasks = task::of_lead(tx, lead.business, lead.id)?;
    Ok(tasks.iter().any(|row| row.task.done.is_none()))
}

/// *Dismiss*, with one of our reasons or staff's own words.
pub async fn dismiss(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let chosen = scene.fields.one("reason");
        let known = REASONS.contains(&chosen.as_str());
        let reason = if known {
            chosen
        } else {
            scene.fields.one("own")
        };
        let reason: String = reason.chars().take(LONGEST_NOTE).collect();
        let detail = json!({ "reason": reason });
        let done = scene.moves(tx, lead, LeadEvent::Dismissed, detail, |lead, me, now| {
            lead.dismiss(&reason, me, now)
        })?;
        let said = if has_open_task(tx, lead)? {
            "dismissed-task"
        } else {
            "dismissed"
        };
        Ok(done.map(|()| said))
    })
    .await
}

/// *Reopen* what was set aside, or *Hand back* what somebody was on: to be worked by whoever takes it up.
pub async fn reopen(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let (detail, said) = match lead.state {
            LeadState::Claimed { .. } => (json!({ "handed_back": true }), "handed-back"),
            _ => (json!({}), "reopened"),
        };
        let done = scene.moves(tx, lead, LeadEvent::Reopened, detail, |lead, _, _| {
            lead.reopen()
        })?;
        by_hand::send_reopened(tx, lead, scene.me.staff.id)?;
        Ok(done.map(|()| said))
    })
    .await
}

/// *Undo*: the caller's own newest move is taken back, if nothing has moved the lead since.
pub async fn undo(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let events = lead::events(tx, lead.business, lead.id)?;
        let Some(before) = newest_move(&events, scene.me) else {
            return Ok(Err(scene.w.say("refused-undo")));
        };
        if let Err(refused) = lead.take_back(before) {
            return scene.refused(tx, &refused).map(Err);
        }
        lead::save(tx, lead)?;
        scene.notes(tx, lead, LeadEvent::Reopened, json!({ "undo": true }))?;
        by_hand::send_reopened(tx, lead, scene.me.staff.id)?;
        Ok(Ok("undone"))
    })
    .await
}

/// How the lead stood before the caller's move, when that move is the newest one.
pub fn newest_move(events: &[EventRow], me: &Caller) -> Option<Before> {
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
pub async fn note(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let typed = match scene.note("refused-empty-note") {
            Ok(typed) => typed,
            Err(sentence) => return Ok(Err(sentence)),
        };
        scene.notes(tx, lead, LeadEvent::Note, json!({ "note": typed }))?;
        Ok(Ok("noted"))
    })
    .await
}

/// *Send booking link*: planned under the same rules as every text, or the reason why not.
pub async fn send_link(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        if let LeadState::Dismissed { .. } = lead.state {
            return Ok(Err(scene.w.say("refused-dismissed")));
        }
        let sentence = match by_hand::send_link(tx, lead, scene.me.staff.id)? {
            ByHand::Planned { night: false, .. } => return Ok(Ok("link-planned")),
            ByHand::Planned { there: true, .. } => return Ok(Ok("link-night-there")),
            ByHand::Planned { night: true, .. } => return Ok(Ok("link-night")),
            ByHand::Never(why) => link_why(scene.w, why),
            ByHand::AlreadyWaiting => scene.w.say("refused-link-waits"),
        };
        Ok(Err(sentence))
    })
    .await
}

/// *Asked not to be texted*: they said so to staff, by phone say. Pressed again it changes nothing. What staff pass on
/// must hold, so they too are answered once nothing is on the wire.
pub async fn no_texts(act: Act) -> Result<Response, Error> {
    let (app, business, id) = (act.app.clone(), act.me.business(), act.lead);
    let answer = act.run(|tx, scene, lead| {
        if lead.phone.is_none() {
            return Ok(Err(why_not(scene.w, WhyNot::NoPhone)));
        }
        by_hand::no_texts(tx, lead, scene.me.staff.id)?;
        Ok(Ok("no-texts"))
    });
    let answer = answer.await?;
    let lead = app
        .store
        .read(move |tx| lead::get(tx, business, id))
        .await?;
    if let Some(phone) = lead.and_then(|lead| lead.phone) {
        no_text_going(&app, &[business], &phone).await?;
    }
    Ok(answer)
}

/// *Wants texts again*, with what they said.
pub async fn texts_again(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let said = match scene.note("refused-texts-again-note") {
            Ok(said) => said,
            Err(sentence) => return Ok(Err(sentence)),
        };
        Ok(
            match by_hand::texts_again(tx, lead, scene.me.staff.id, &said)? {
                Again::Welcome => Ok("texts-again"),
                Again::NotOut => Err(scene.w.say("refused-texts-again")),
                Again::CarrierBlocks => Err(scene.w.say("no-texts-carrier-blocks")),
            },
        )
    })
    .await
}

/// *Text from my phone*: a link of its own for a text that the staff member's own phone sends, and the `sms:`
/// address that opens it there with the words filled in.
pub async fn own_text(act: Act) -> Result<Response, Error> {
    let token = random::token();
    let link = format!("{}/r/{token}", act.app.config.origin());
    let (caller, id) = (act.me.clone(), act.lead);
    let order = Order::Business(caller.business().get());
    let written = act.app.store.write(order, move |tx| {
        let business = business::get(tx, caller.business())?;
        let lead = lead::get(tx, business.id, id)?.ok_or(StoreError::NoRow)?;
        let w = Words::of(&business.locale);
        if let Err(why) = by_hand::own_link(tx, &lead, &token::hash(&token))? {
            return Ok((w, Err(why)));
        }
        let by = Some(caller.staff.id);
        lead::event(tx, &lead, LeadEvent::OwnText, by, json!({}))?;
        let open = sms(w, &caller, &business, &lead, &link);
        Ok((w, open.ok_or(WhyNot::NoPhone)))
    });
    match written.await? {
        (w, Ok(open)) => Ok(Json(Answered {
            said: w.say("did-own-text"),
            undo: None,
            open: Some(open),
        })
        .into_response()),
        (w, Err(why)) => Err(Error::Conflict(why_not(w, why))),
    }
}

fn why_not(w: &Words, why: WhyNot) -> String {
    w.say(&format!("why-not-{why}"))
}

/// Why *Send booking link* is off; where only ours have to stop at one text, which way is left.
pub fn link_why(w: &Words, why: WhyNot) -> String {
    let mut said = why_not(w, why);
    if matches!(why, WhyNot::AlreadyTexted | WhyNot::RecentlyTexted) {
        said.push(' ');
        said.push_str(&w.say("link-not-own-phone"));
    }
    said
}

/// The `sms:` address of a text to a lead. The staff member's own phone sends it, so it greets in their name.
pub fn sms(w: &Words, me: &Caller, business: &Business, lead: &Lead, link: &str) -> Option<String> {
    let phone = lead.phone.as_deref()?;
    let first = me.staff.name.split(' ').next().unwrap_or_default();
    let words = w.with(
        "sms-from-my-phone",
        &[
            ("name", greeting_name(&lead.name).unwrap_or_default()),
            ("staff", first),
            ("business", &business.name),
            ("service", &lead.service_title),
            ("link", link),
        ],
    );
    let body: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
    Some(format!("sms:{phone}?&body={}", body.replace('+', "%20")))
}

/// *Try again*: a record that ServiceTitan certainly did not take.
pub async fn retry(act: Act) -> Result<Response, Error> {
    act.run(|tx, scene, lead| {
        let asked = scene.fields.one("delivery").parse().map(DeliveryId::new);
        let deliveries = delivery::of_lead(tx, lead.business, lead.id)?;
        let theirs = deliveries.iter().find(|d| Ok(d.id) == asked);
        let again = match theirs {
            Some(delivery) => by_hand::retry(tx, lead.business, delivery.id)?,
            None => Retry::Otherwise,
        };
        if let Some(refused) = retry_refused(again) {
            return Ok(Err(scene.w.say(refused)));
        }
        tx.hint(Hint::Lead {
            business: lead.business,
            lead: lead.id,
        });
        Ok(Ok("retried"))
    })
    .await
}

/// What is said where *Try again* did nothing.
pub const fn retry_refused(retry: Retry) -> Option<&'static str> {
    match retry {
        Retry::Again => None,
        Retry::Waits => Some("refused-retry-waits"),
        Retry::Otherwise => Some("refused-retry"),
    }
}

/// Somebody's act on a lead, as it was sent.
pub struct Act {
    app: App,
    me: Caller,
    lead: LeadId,
    headers: HeaderMap,
    fields: Fields,
}

impl FromRequest<App> for Act {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let me = Caller::from_request_parts(&mut parts, app).await?;
        let Number(lead) = Number::from_request_parts(&mut parts, app).await?;
        Ok(Self {
            app: app.clone(),
            me,
            lead: LeadId::new(lead),
            headers: parts.headers.clone(),
            fields: Fields::from_request(Request::from_parts(parts, body), app).await?,
        })
    }
}

/// What was done, or why it cannot be.
type Acted = Result<&'static str, String>;

impl Act {
    /// Does it in one transaction, and tells whoever acted what was done.
    async fn run<F>(self, work: F) -> Result<Response, Error>
    where
        F: Fn(&mut Tx<'_>, &Scene<'_>, &mut Lead) -> Result<Acted, StoreError> + Send + 'static,
    {
        let (me, id, fields) = (self.me.clone(), self.lead, self.fields.clone());
        let order = Order::Business(me.business().get());
        let done = self.app.store.write(order, move |tx| {
            let business = business::get(tx, me.business())?;
            let mut lead = lead::get(tx, business.id, id)?.ok_or(StoreError::NoRow)?;
            let scene = Scene {
                me: &me,
                w: Words::of(&business.locale),
                fields: &fields,
            };
            Ok((scene.w, work(tx, &scene, &mut lead)?))
        });
        match done.await? {
            (w, Ok(act)) => {
                let about = Some(About::Lead(self.lead));
                Ok(answer(w, &self.headers, &self.fields, act, about))
            }
            (_, Err(sentence)) => Err(Error::Conflict(sentence)),
        }
    }
}

/// Who acts, and in which words they are told.
struct Scene<'a> {
    me: &'a Caller,
    w: &'static Words,
    fields: &'a Fields,
}

impl Scene<'_> {
    /// Makes a move, and keeps what it changed with a line of the timeline that remembers how it was before. A call
    /// and a contact are told each time.
    fn moves(
        &self,
        tx: &mut Tx<'_>,
        lead: &mut Lead,
        event: LeadEvent,
        mut detail: Value,
        step: impl FnOnce(&mut Lead, StaffId, Timestamp) -> Result<(), MoveRefused>,
    ) -> Result<Result<(), String>, StoreError> {
        let before = lead.before();
        if let Err(refused) = step(lead, self.me.staff.id, tx.now()) {
            return self.refused(tx, &refused).map(Err);
        }
        let told_each_time = matches!(event, LeadEvent::Called | LeadEvent::Contacted);
        if lead.state != before.state || told_each_time {
            detail["before"] = json!(before);
            lead::save(tx, lead)?;
            self.notes(tx, lead, event, detail)?;
        }
        Ok(Ok(()))
    }

    /// The note that was typed, or why it will not do.
    fn note(&self, missing: &str) -> Result<String, String> {
        let typed = self.fields.one("note");
        if typed.is_empty() {
            return Err(self.w.say(missing));
        }
        if typed.chars().count() > LONGEST_NOTE {
            let longest = [("longest", LONGEST_NOTE)];
            return Err(self.w.with("refused-long-note", &longest));
        }
        Ok(typed)
    }

    fn notes(
        &self,
        tx: &mut Tx<'_>,
        lead: &Lead,
        event: LeadEvent,
        detail: Value,
    ) -> Result<(), StoreError> {
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

/// What an act was about.
#[derive(Clone, Copy, Debug)]
pub enum About {
    /// A lead.
    Lead(LeadId),
    /// What somebody booked.
    Appointment(AppointmentId),
}

impl About {
    fn read(asked: &Fields) -> Option<Self> {
        let number = |name: &str| asked.one(name).parse().ok();
        let lead = number("lead").map(|id| Self::Lead(LeadId::new(id)));
        lead.or_else(|| number("appointment").map(|id| Self::Appointment(AppointmentId::new(id))))
    }

    /// Its address: acts on it stand below.
    fn path(self) -> String {
        match self {
            Self::Lead(id) => format!("/office/leads/{id}"),
            Self::Appointment(id) => format!("/office/appointments/{id}"),
        }
    }

    /// As the address we send somebody to names it.
    fn asked(self) -> String {
        match self {
            Self::Lead(id) => format!("&lead={id}"),
            Self::Appointment(id) => format!("&appointment={id}"),
        }
    }
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
    ("dismissed-task", true),
    ("booked", true),
    ("booked-task", true),
    ("reopened", true),
    ("handed-back", true),
    ("cancelled", true),
    ("cancelled-crm", true),
    ("kept", false),
    ("undone", false),
    ("noted", false),
    ("task-made", false),
    ("task-done", false),
    ("task-reopened", false),
    ("task-changed", false),
    ("task-deleted", false),
    ("link-planned", false),
    ("link-night", false),
    ("link-night-there", false),
    ("no-texts", false),
    ("texts-again", false),
    ("retried", false),
    ("saved", false),
];

impl Did {
    /// Reads `did` and what it was about from an address we sent somebody to.
    pub fn read(w: &Words, asked: &Fields) -> Option<Self> {
        let did = asked.one("did");
        let (act, _) = ACTS.iter().find(|(act, _)| *act == did)?;
        Some(Self::of(w, act, About::read(asked)))
    }

    fn of(w: &Words, act: &str, about: Option<About>) -> Self {
        let undoable = ACTS.iter().any(|(known, undo)| *known == act && *undo);
        Self {
            said: w.say(&format!("did-{act}")),
            undo: about
                .filter(|_| undoable)
                .map(|about| format!("{}/undo", about.path())),
        }
    }
}

/// The answer to an act: for our script what to say, for a plain form the page it came from.
#[derive(Serialize)]
struct Answered {
    said: String,
    undo: Option<String>,
    /// Where the browser goes next: to the phone's own texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<String>,
}

/// Tells whoever acted what was done.
pub fn answer(
    w: &Words,
    headers: &HeaderMap,
    fields: &Fields,
    act: &str,
    about: Option<About>,
) -> Response {
    let did = Did::of(w, act, about);
    if door::is_ours(headers) {
        return Json(Answered {
            said: did.said,
            undo: did.undo,
            open: None,
        })
        .into_response();
    }
    let back = fields.some("back").or_else(|| Some(about?.path()));
    let back = own_path(back.as_deref().unwrap_or_default()).to_owned();
    let joint = if back.contains('?') { '&' } else { '?' };
    let about = about.map_or_else(String::new, About::asked);
    Redirect::to(&format!("{back}{joint}did={act}{about}")).into_response()
}
