//! One lead's page: who, what they said, what happened outside, the tasks, the timeline. What staff do with a lead
//! is in `acts.rs`.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use ringback_domain::appointment::AppointmentStatus;
use ringback_domain::follow_up::Ruling;
use ringback_domain::id::{DeliveryId, LeadId};
use ringback_domain::lead::{Lead, LeadStatus};
use ringback_domain::opt_out::{Source, carrier_blocks};
use ringback_domain::scheduler::Scheduler;
use ringback_domain::session::{Address, Answers, Session};

use super::acts::{self, Did, REASONS};
use super::door::Caller;
use super::fields::{Asked, Number};
use super::inbox::Show;
use super::page::{self, At, Shell};
use super::row::{self, Around, Row};
use super::tasks::{TaskForm, TaskLine};
use super::timeline::{self, Line};
use crate::app::App;
use crate::error::Error;
use crate::outbox::by_hand;
use crate::store::text_message::Direction;
use crate::store::{
    StoreError, Tx, appointment, lead, opt_out, scheduler, session, staff, task, text_message,
};
use crate::words::Words;

#[derive(Template)]
#[template(path = "office/lead.html")]
struct LeadPage {
    shell: Shell,
    row: Row,
    answers: Vec<Answer>,
    /// What they booked.
    booked: Option<Booked>,
    stamps: Vec<Stamp>,
    timeline: Vec<Line>,
    tasks: Vec<TaskLine>,
    task_form: TaskForm,
    conversation: Vec<Text>,
    /// The caller's own newest move can be taken back, and no other button says the same.
    can_undo: bool,
    /// The list in which it stands.
    list: &'static str,
    /// Whether ServiceTitan is connected.
    connected: bool,
    /// *Text from my phone* without our script: with the scheduler's own page in it. None for who said STOP.
    sms: Option<String>,
    /// Why *Send booking link* is off.
    link_why: Option<String>,
    /// They have a number, and have not asked not to be texted.
    may_ask_for_none: bool,
    /// They asked not to be texted.
    no_texts: Option<NoTexts>,
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

/// Their appointment.
struct Booked {
    when: String,
    cancelled: bool,
    /// Where it stands in the list.
    href: String,
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

/// No text goes to their number.
struct NoTexts {
    /// Who said so, and when.
    said: String,
    /// The carrier blocks the number by itself: writing down that they want texts again would move nothing.
    carrier_blocks: bool,
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
    let origin = app.config.origin().to_owned();
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
            let ruling = by_hand::ask(tx, &lead)?;
            let no_texts = no_texts(tx, &shell, &lead)?;
            let own_page = format!("{origin}/s/{}", scheduler.public_id);
            let status = lead.state.status();
            let booked = booked(tx, &shell, &lead)?;
            let called_off = booked.as_ref().is_some_and(|booked| booked.cancelled);
            let can_undo = matches!(status, LeadStatus::Contacted | LeadStatus::Recovered)
                && acts::newest_move(&events, &me).is_some();
            Ok(LeadPage {
                row: row::row(&shell, &around, &lead),
                answers: answers(&shell, &scheduler, &session, &lead),
                booked,
                stamps: stamps(&shell, &lead),
                timeline: timeline::lines(&shell, &around, &events),
                tasks: tasks
                    .iter()
                    .map(|task| TaskLine::of(&shell, &around.names, task))
                    .collect(),
                task_form: TaskForm::of(&shell, &everybody, None),
                conversation: conversation(tx, &shell, &lead)?,
                can_undo,
                list: Show::of(status).as_str(),
                connected: around.servicetitan,
                link_why: link_why(&shell, ruling),
                retry: by_hand::to_retry(around.deliveries(lead.id))
                    .filter(|_| !called_off)
                    .map(|delivery| delivery.id),
                sms: acts::sms(shell.w, &me, &shell.business, &lead, &own_page)
                    .filter(|_| no_texts.is_none()),
                may_ask_for_none: lead.phone.is_some() && no_texts.is_none(),
                no_texts,
                others: others(&shell, &around, &lead, &same_person),
                reasons: REASONS,
                did,
                shell,
            })
        })
        .await?;
    page::html(&page)
}

fn booked(tx: &mut Tx<'_>, shell: &Shell, lead: &Lead) -> Result<Option<Booked>, StoreError> {
    let Some(id) = lead.appointment else {
        return Ok(None);
    };
    let found = appointment::get(tx, lead.business, id)?;
    let when = shell.w.window(
        found.window.start,
        found.window.end,
        &shell.zone(),
        shell.region(),
    );
    let cancelled = found.status == AppointmentStatus::Cancelled;
    let list = if cancelled {
        "?show=cancelled"
    } else if found.window.end < shell.now {
        "?show=past"
    } else {
        ""
    };
    let href = format!("/office/appointments{list}#appointment-{id}");
    Ok(Some(Booked {
        when,
        cancelled,
        href,
    }))
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
    said.push((w.say("lead-their-zone"), their_zone(shell, session, lead)));
    said.push((w.say("lead-came-from"), came_from(session)));
    said.into_iter()
        .filter(|(_, said)| !said.is_empty())
        .map(|(label, said)| Answer { label, said })
        .collect()
}

/// Where their clocks show another time than the business's: it decides when a text may go, and when to call.
fn their_zone(shell: &Shell, session: &Session, lead: &Lead) -> String {
    let Some(zone) = session.came_from.browser_zone() else {
        return String::new();
    };
    let left_at = lead.stamps.left_at;
    let (here, there) = (shell.zone().to_offset(left_at), zone.to_offset(left_at));
    if here == there {
        return String::new();
    }
    let clock = |zone| {
        shell
            .w
            .time(left_at.to_zoned_datetime(zone).time(), shell.region())
    };
    let said = [
        ("zone", session.came_from.zone.clone()),
        ("here", clock(shell.zone())),
        ("there", clock(zone)),
    ];
    shell.w.with("lead-their-zone-said", &said)
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
    shell.w.time_to_the_second(local.time(), shell.region())
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

/// That they asked not to be texted, and how we know.
fn no_texts(tx: &mut Tx<'_>, shell: &Shell, lead: &Lead) -> Result<Option<NoTexts>, StoreError> {
    let Some(phone) = &lead.phone else {
        return Ok(None);
    };
    let lines = opt_out::lines(tx, lead.business, phone)?;
    let Some(line) = lines.first().filter(|line| line.opted_out) else {
        return Ok(None);
    };
    let key = match line.source {
        Source::Staff => "no-texts-by-staff",
        _ if !line.said.is_empty() => "no-texts-by-text",
        Source::Carrier | Source::InboundText => "no-texts-by-carrier",
    };
    let said = [
        ("when", shell.moment(&line.at)),
        ("said", line.said.clone()),
    ];
    Ok(Some(NoTexts {
        said: shell.w.with(key, &said),
        carrier_blocks: carrier_blocks(&lines),
    }))
}

/// What the rules would say of a link by hand now, when it is no.
fn link_why(shell: &Shell, ruling: Ruling) -> Option<String> {
    match ruling {
        Ruling::Never(why) => Some(acts::link_why(shell.w, why)),
        Ruling::Send { .. } | Ruling::NotBefore(_) => None,
    }
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
