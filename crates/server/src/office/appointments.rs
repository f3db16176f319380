//! Appointments: what has been booked online, also by those who never left; whether each stands in
//! ServiceTitan, and the way to try again where it does not; calling one off, and putting it back. Without ServiceTitan this list is the calendar.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ringback_domain::appointment::{Appointment, AppointmentStatus};
use ringback_domain::delivery::{Delivery, DeliveryStatus};
use ringback_domain::id::{AppointmentId, DeliveryId, LeadId, StaffId};
use ringback_domain::lead::LeadEvent;
use serde_json::{Value, json};

use super::acts::{About, Did, answer, retry_refused};
use super::below;
use super::door::Caller;
use super::fields::{Asked, Fields, Number};
use super::page::{self, At, Shell};
use super::row::{Chip, crm_chip};
use super::timeline::still_in_crm;
use crate::app::App;
use crate::error::Error;
use crate::outbox::by_hand;
use crate::store::appointment::Which;
use crate::store::{
    Order, StoreError, Tx, appointment, business, delivery, integration, lead, scheduler, session,
    staff,
};
use crate::words::Words;

#[derive(Template)]
#[template(path = "office/appointments.html")]
struct AppointmentsPage {
    shell: Shell,
    /// Label, address, whether it is shown.
    tabs: Vec<(String, String, bool)>,
    list: &'static str,
    appointments: Vec<Line>,
    /// Address of the page below.
    more: Option<String>,
    did: Option<Did>,
}

/// One appointment on the page.
struct Line {
    id: AppointmentId,
    when: String,
    name: String,
    phone: String,
    tel: String,
    email: String,
    service: String,
    address: String,
    notes: String,
    lead: Option<LeadId>,
    crm: Option<Chip>,
    /// Agreed and not past.
    may_cancel: bool,
    /// By whom and when it was called off.
    cancelled: Option<String>,
    /// Called off, and its window is not past.
    may_put_back: bool,
    /// A record in ServiceTitan that does not say so.
    still_in_crm: String,
    retry: Option<DeliveryId>,
}

const LISTS: [(&str, Which); 3] = [
    ("to-come", Which::ToCome),
    ("past", Which::Past),
    ("cancelled", Which::Cancelled),
];

/// `GET /office/appointments`: what is to come, what has been, what was called off.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let wanted = asked.one("show");
    let (list, which) = LISTS
        .into_iter()
        .find(|(known, _)| *known == wanted)
        .unwrap_or(LISTS[0]);
    let after = asked
        .some("after")
        .as_deref()
        .map(below::read)
        .transpose()?;
    let after = after.map(|(at, id)| (at, AppointmentId::new(id)));
    let shown = app.store.read(move |tx| {
        let shell = Shell::load(tx, &me, At::Appointments)?;
        let names = staff::names(tx, me.business())?;
        let mut found = appointment::list(tx, me.business(), which, after, below::PAGE + 1)?;
        let more = below::cut(&mut found, |last| (last.window.end, last.id.get()));
        let appointments = found
            .iter()
            .map(|appointment| line(tx, &shell, &names, appointment))
            .collect::<Result<_, _>>()?;
        let tab = |(name, _): (&str, Which)| {
            let label = shell.w.say(&format!("appointments-{name}"));
            (
                label,
                format!("/office/appointments?show={name}"),
                name == list,
            )
        };
        Ok(AppointmentsPage {
            tabs: LISTS.map(tab).into(),
            list,
            appointments,
            more: more.map(|after| format!("/office/appointments?show={list}&after={after}")),
            did: Did::read(shell.w, &asked),
            shell,
        })
    });
    page::html(&shown.await?)
}

/// `POST /office/appointments/{id}/cancel`: its window is free again. What stands in ServiceTitan stays: staff are told.
pub async fn cancel(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let order = Order::Business(me.business().get());
    let done = app.store.write(order, move |tx| {
        let business = business::get(tx, me.business())?;
        let w = Words::of(&business.locale);
        let mut found = appointment::get(tx, business.id, AppointmentId::new(id))?;
        if appointment::cancel(tx, &mut found, me.staff.id)?.is_err() {
            return Ok((w, Err("refused-cancel")));
        }
        let in_crm = in_crm(&deliveries(tx, &found)?);
        let detail = json!({ "in_crm": in_crm });
        tell(tx, &found, LeadEvent::AppointmentCancelled, &me, detail)?;
        let said = match in_crm {
            Some(_) => "cancelled-crm",
            None => "cancelled",
        };
        Ok((w, Ok(said)))
    });
    told(done.await?, &headers, &fields, id)
}

/// `POST /office/appointments/{id}/undo`: it stands again, if nobody has taken its window meanwhile.
pub async fn put_back(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let order = Order::Business(me.business().get());
    let done = app.store.write(order, move |tx| {
        let business = business::get(tx, me.business())?;
        let w = Words::of(&business.locale);
        let mut found = appointment::get(tx, business.id, AppointmentId::new(id))?;
        let scheduler = scheduler::get(tx, business.id, found.scheduler)?;
        match appointment::put_back(tx, &mut found, &business, &scheduler.settings)? {
            Ok(true) => {}
            Ok(false) => return Ok((w, Err("refused-window-gone"))),
            Err(_) => return Ok((w, Err("refused-put-back"))),
        }
        tell(tx, &found, LeadEvent::AppointmentKept, &me, json!({}))?;
        Ok((w, Ok("kept")))
    });
    told(done.await?, &headers, &fields, id)
}

/// On the timeline of whoever left before booking.
fn tell(
    tx: &mut Tx<'_>,
    appointment: &Appointment,
    event: LeadEvent,
    me: &Caller,
    detail: Value,
) -> Result<(), StoreError> {
    let Some(id) = appointment.lead else {
        return Ok(());
    };
    let lead = lead::get(tx, appointment.business, id)?.ok_or(StoreError::NoRow)?;
    lead::event(tx, &lead, event, Some(me.staff.id), detail)
}

fn told(
    (w, done): (&'static Words, Result<&'static str, &'static str>),
    headers: &HeaderMap,
    fields: &Fields,
    id: i64,
) -> Result<Response, Error> {
    match done {
        Ok(act) => {
            let about = Some(About::Appointment(AppointmentId::new(id)));
            Ok(answer(w, headers, fields, act, about))
        }
        Err(refused) => Err(Error::Conflict(w.say(refused))),
    }
}

fn deliveries(tx: &mut Tx<'_>, appointment: &Appointment) -> Result<Vec<Delivery>, StoreError> {
    let session = session::get(tx, appointment.business, appointment.session)?;
    delivery::of_session(tx, &session)
}

/// The number of the record that stands in ServiceTitan.
fn in_crm(deliveries: &[Delivery]) -> Option<String> {
    let newest = deliveries
        .iter()
        .rfind(|d| !d.kind.is_text() && d.status == DeliveryStatus::Done);
    newest.and_then(|delivery| delivery.outside_id.clone())
}

/// `POST /office/deliveries/{id}/retry`: asks ServiceTitan once more.
pub async fn retry(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let business = me.business();
    let order = Order::Business(business.get());
    let again = app.store.write(order, move |tx| {
        by_hand::retry(tx, business, DeliveryId::new(id))
    });
    let again = again.await?;
    let shell = app
        .store
        .read(move |tx| Shell::load(tx, &me, At::Appointments))
        .await?;
    if let Some(refused) = retry_refused(again) {
        return Err(Error::Conflict(shell.w.say(refused)));
    }
    Ok(answer(shell.w, &headers, &fields, "retried", None))
}

fn line(
    tx: &mut Tx<'_>,
    shell: &Shell,
    names: &BTreeMap<StaffId, String>,
    appointment: &Appointment,
) -> Result<Line, StoreError> {
    let w = shell.w;
    let session = session::get(tx, appointment.business, appointment.session)?;
    let scheduler = scheduler::get(tx, appointment.business, appointment.scheduler)?;
    let deliveries = delivery::of_session(tx, &session)?;
    let connected = integration::connected(tx, appointment.business, integration::SERVICETITAN)?;
    let to_come = appointment.window.end > shell.now;
    let a = session.answers;
    let service = scheduler.settings.service(&a.service);
    let parts = [
        &a.address.street,
        &a.address.unit,
        &a.address.city,
        &a.address.state,
        &a.postal_code,
    ];
    let address: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    Ok(Line {
        id: appointment.id,
        when: w.window(
            appointment.window.start,
            appointment.window.end,
            &shell.zone(),
            shell.region(),
        ),
        name: if a.name.is_empty() {
            w.say("lead-no-name")
        } else {
            a.name
        },
        phone: shell.phone(&a.phone),
        tel: a.phone,
        email: a.email,
        service: service.map_or(a.service.clone(), |service| service.title.clone()),
        address: address.join(", "),
        notes: a.notes,
        lead: appointment.lead,
        crm: if connected || !deliveries.is_empty() {
            crm_chip(shell, connected.then_some("crm-not-then"), &deliveries)
        } else {
            None
        },
        may_cancel: appointment.status == AppointmentStatus::Agreed && to_come,
        may_put_back: appointment.cancelled.is_some() && to_come,
        cancelled: appointment.cancelled.map(|(by, at)| {
            let name = names.get(&by).cloned().unwrap_or_default();
            let when = w.ago(at, shell.now);
            w.with(
                "appointment-cancelled-by",
                &[("name", name), ("when", when)],
            )
        }),
        still_in_crm: match in_crm(&deliveries).filter(|_| appointment.cancelled.is_some()) {
            Some(id) => still_in_crm(w, &id),
            None => String::new(),
        },
        // What was called off is not sent.
        retry: by_hand::to_retry(&deliveries)
            .filter(|_| appointment.status == AppointmentStatus::Agreed)
            .map(|delivery| delivery.id),
    })
}
