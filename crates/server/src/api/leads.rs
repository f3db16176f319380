//! `GET /api/v1/leads`: newest first, a page at a time.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus};
use ringback_domain::departure::Departure;
use ringback_domain::follow_up::TextNote;
use ringback_domain::id::LeadId;
use ringback_domain::lead::{Lead, LeadStatus, Stamps};
use ringback_domain::session::Step;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use super::{Caller, one_of};
use crate::app::App;
use crate::error::Error;
use crate::store::lead::LeadFilter;
use crate::store::{delivery, lead, scheduler};

/// Leads a page holds unless asked otherwise, and at the most.
const USUAL: i64 = 50;
const MOST: i64 = 200;

/// What can be asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Only leads in this state.
    #[param(schema_with = states)]
    state: Option<String>,
    /// 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// What the page before gave as `next`.
    #[param(pattern = "^[0-9]{1,16}-[0-9]{1,18}$")]
    after: Option<String>,
}

/// A page of leads.
#[derive(Serialize, ToSchema)]
pub struct Leads {
    /// Newest departure first.
    data: Vec<LeadJson>,
    /// Ask with `after` set to this for the next page; `null` at the end.
    next: Option<String>,
}

/// One lead.
#[derive(Serialize, ToSchema)]
struct LeadJson {
    id: i64,
    /// Such as `R-7F3K`.
    reference: String,
    #[schema(schema_with = states)]
    state: LeadStatus,
    /// They are on the scheduler again since then.
    #[schema(value_type = Option<String>, format = DateTime)]
    back_since: Option<Timestamp>,
    person: Person,
    /// The scheduler's public id.
    scheduler: String,
    service: Service,
    /// Where they stopped.
    #[schema(schema_with = steps)]
    last_step: Step,
    /// How they left last.
    #[schema(schema_with = departures)]
    departure: Departure,
    /// 3 for "3rd request from this number".
    request_number: i64,
    /// How often they left.
    times_left: i64,
    /// When what happened; `null` for what has not.
    stamps: StampsJson,
    /// Why a text was or was not sent.
    #[schema(value_type = Option<Object>)]
    text: Option<TextNote>,
    /// What went, or waits to go, to the outside.
    deliveries: Vec<DeliveryJson>,
}

/// Who it is.
#[derive(Serialize, ToSchema)]
struct Person {
    name: String,
    /// E.164.
    phone: Option<String>,
    email: Option<String>,
}

/// The stamps of a lead.
#[derive(Serialize, ToSchema)]
struct StampsJson {
    /// The last sign of the departure.
    #[schema(value_type = String, format = DateTime)]
    left_at: Timestamp,
    /// What told us.
    #[schema(schema_with = departures)]
    detected_by: Departure,
    /// The lead was on disk.
    #[schema(value_type = String, format = DateTime)]
    lead_at: Timestamp,
    /// An open inbox showed it.
    #[schema(value_type = Option<String>, format = DateTime)]
    shown_at: Option<Timestamp>,
    /// The first request to ServiceTitan.
    #[schema(value_type = Option<String>, format = DateTime)]
    crm_sent_at: Option<Timestamp>,
    /// It stands in ServiceTitan.
    #[schema(value_type = Option<String>, format = DateTime)]
    crm_done_at: Option<Timestamp>,
    /// The carrier took the text.
    #[schema(value_type = Option<String>, format = DateTime)]
    text_sent_at: Option<Timestamp>,
    /// The phone had it.
    #[schema(value_type = Option<String>, format = DateTime)]
    text_delivered_at: Option<Timestamp>,
    /// Staff first contacted them.
    #[schema(value_type = Option<String>, format = DateTime)]
    first_contact_at: Option<Timestamp>,
    /// They booked.
    #[schema(value_type = Option<String>, format = DateTime)]
    recovered_at: Option<Timestamp>,
}

/// What they wanted.
#[derive(Serialize, ToSchema)]
struct Service {
    key: String,
    title: String,
}

/// One delivery.
#[derive(Serialize, ToSchema)]
struct DeliveryJson {
    id: i64,
    #[schema(schema_with = kinds)]
    kind: DeliveryKind,
    #[schema(schema_with = delivery_states)]
    state: DeliveryStatus,
    /// When it is looked at next; `null` once settled.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    attempts: i64,
    /// The outside's own id.
    outside_id: Option<String>,
    why: Option<String>,
}

fn states() -> Schema {
    one_of(LeadStatus::ALL.iter().map(|word| word.as_str()))
}

fn steps() -> Schema {
    one_of(Step::ALL.iter().map(|word| word.as_str()))
}

fn departures() -> Schema {
    one_of(Departure::ALL.iter().map(|word| word.as_str()))
}

fn kinds() -> Schema {
    one_of(DeliveryKind::ALL.iter().map(|word| word.as_str()))
}

fn delivery_states() -> Schema {
    one_of(DeliveryStatus::ALL.iter().map(|word| word.as_str()))
}

/// Lists a business's leads, newest departure first.
#[utoipa::path(get, path = "/api/v1/leads", params(Asked), security(("key" = [])), responses(
    (status = 200, body = Leads),
    (status = 401, body = super::Problem, content_type = "application/problem+json"),
    (status = 422, body = super::Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Leads>, Error> {
    let Query(asked) =
        asked.map_err(|_| Error::BadInput("limit must be a whole number from 1 to 200.".into()))?;
    let filter = filter(&asked)?;
    let business = caller.business;
    let page = app.store.read(move |tx| {
        let leads = lead::list(tx, business, &filter)?;
        let full = leads.len() as i64 == filter.limit;
        let next = leads.last().filter(|_| full).map(cursor);
        let public_ids: std::collections::HashMap<_, _> = scheduler::list(tx, business)?
            .into_iter()
            .map(|s| (s.id, s.public_id.clone()))
            .collect();
        let mut data = Vec::with_capacity(leads.len());
        for lead in leads {
            let deliveries = delivery::of_lead(tx, business, lead.id)?;
            let scheduler = public_ids.get(&lead.scheduler).cloned().unwrap_or_default();
            data.push(lead_json(lead, scheduler, deliveries));
        }
        Ok(Leads { data, next })
    });
    Ok(Json(page.await?))
}

fn filter(asked: &Asked) -> Result<LeadFilter, Error> {
    let limit = asked.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Error::BadInput(
            "limit must be a whole number from 1 to 200.".into(),
        ));
    }
    let states = match asked.state.as_deref() {
        None => Vec::new(),
        Some(state) => vec![state.parse().map_err(|_| {
            Error::BadInput("state must be new, claimed, contacted, recovered or dismissed.".into())
        })?],
    };
    let before = asked
        .after
        .as_deref()
        .map(|text| read_cursor(text).ok_or_else(bad_cursor))
        .transpose()?;
    Ok(LeadFilter {
        states,
        before,
        limit,
        ..LeadFilter::default()
    })
}

fn bad_cursor() -> Error {
    Error::BadInput("after must be what the page before gave as next.".into())
}

fn cursor(lead: &Lead) -> String {
    format!("{}-{}", lead.stamps.left_at.as_microsecond(), lead.id)
}

fn read_cursor(text: &str) -> Option<(Timestamp, LeadId)> {
    let (at, id) = text.split_once('-')?;
    Some((
        Timestamp::from_microsecond(at.parse().ok()?).ok()?,
        LeadId::new(id.parse().ok()?),
    ))
}

fn lead_json(lead: Lead, scheduler: String, deliveries: Vec<Delivery>) -> LeadJson {
    LeadJson {
        id: lead.id.get(),
        reference: lead.reference,
        state: lead.state.status(),
        back_since: lead.back_since,
        person: Person {
            name: lead.name,
            phone: lead.phone,
            email: lead.email,
        },
        scheduler,
        service: Service {
            key: lead.service,
            title: lead.service_title,
        },
        last_step: lead.last_step,
        departure: lead.departure,
        request_number: lead.request_number,
        times_left: lead.times_left,
        stamps: stamps_json(lead.stamps),
        text: lead.text_note,
        deliveries: deliveries
            .into_iter()
            .map(|d| DeliveryJson {
                id: d.id.get(),
                kind: d.kind,
                state: d.status,
                due_at: d.due_at,
                attempts: d.attempt,
                outside_id: d.outside_id,
                why: d.why,
            })
            .collect(),
    }
}

fn stamps_json(stamps: Stamps) -> StampsJson {
    let Stamps {
        left_at,
        detected_by,
        lead_at,
        shown_at,
        crm_sent_at,
        crm_done_at,
        text_sent_at,
        text_delivered_at,
        first_contact_at,
        recovered_at,
    } = stamps;
    StampsJson {
        left_at,
        detected_by,
        lead_at,
        shown_at,
        crm_sent_at,
        crm_done_at,
        text_sent_at,
        text_delivered_at,
        first_contact_at,
        recovered_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_anything_else_is_refused() {
        let at = Timestamp::from_microsecond(1_764_000_000_000_001).unwrap();
        assert_eq!(
            read_cursor("1764000000000001-7"),
            Some((at, LeadId::new(7)))
        );
        for nonsense in ["", "-", "7", "a-7", "7-b", "99999999999999999999-1"] {
            assert_eq!(read_cursor(nonsense), None, "{nonsense}");
        }
    }
}
