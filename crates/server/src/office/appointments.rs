//! Appointments: what has been booked online, also by those who never left; whether each stands in
//! ServiceTitan, and the way to try again where it does not. Without ServiceTitan this list is the calendar.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ringback_domain::appointment::Appointment;
use ringback_domain::id::{DeliveryId, LeadId};

use super::door::Caller;
use super::fields::{Asked, Fields, Number};
use super::lead::{Did, answer};
use super::page::{self, At, Shell};
use super::row::{Chip, crm_chip};
use crate::app::App;
use crate::error::Error;
use crate::outbox::by_hand;
use crate::store::{Order, StoreError, Tx, appointment, delivery, integration, scheduler, session};

/// Appointments on one page.
const SHOWN: i64 = 200;

#[derive(Template)]
#[template(path = "office/appointments.html")]
struct AppointmentsPage {
    shell: Shell,
    past: bool,
    appointments: Vec<Line>,
    did: Option<Did>,
}

/// One appointment on the page.
struct Line {
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
    retry: Option<DeliveryId>,
}

/// `GET /office/appointments`: what is to come, or with `?show=past` what has been.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let past = asked.one("show") == "past";
    let shown = app.store.read(move |tx| {
        let shell = Shell::load(tx, &me, At::Appointments)?;
        let appointments = appointment::booked(tx, me.business(), past, SHOWN)?
            .iter()
            .map(|appointment| line(tx, &shell, appointment))
            .collect::<Result<_, _>>()?;
        let did = Did::read(shell.w, &asked);
        Ok(AppointmentsPage {
            shell,
            past,
            appointments,
            did,
        })
    });
    page::html(&shown.await?)
}

/// `POST /office/appointments/{delivery}/retry`: asks ServiceTitan once more.
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
    if !again {
        return Err(Error::Conflict(shell.w.say("refused-retry")));
    }
    Ok(answer(shell.w, &headers, &fields, "retried", None))
}

fn line(tx: &mut Tx<'_>, shell: &Shell, appointment: &Appointment) -> Result<Line, StoreError> {
    let w = shell.w;
    let session = session::get(tx, appointment.business, appointment.session)?;
    let scheduler = scheduler::get(tx, appointment.business, appointment.scheduler)?;
    let deliveries = delivery::of_session(tx, &session)?;
    let connected = integration::connected(tx, appointment.business, integration::SERVICETITAN)?;
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
            crm_chip(shell, connected, &deliveries)
        } else {
            None
        },
        retry: deliveries
            .iter()
            .rev()
            .find(|delivery| by_hand::may_retry(delivery) && delivery.why.is_some())
            .map(|delivery| delivery.id),
    })
}
