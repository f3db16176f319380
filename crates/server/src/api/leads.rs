//! `GET /api/v1/leads`: newest first, a page at a time.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use ringback_domain::delivery::Delivery;
use ringback_domain::follow_up::TextNote;
use ringback_domain::id::LeadId;
use ringback_domain::lead::{Lead, LeadStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Caller;
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
    /// Only leads in this state: `new`, `claimed`, `contacted`, `recovered` or `dismissed`.
    state: Option<String>,
    /// 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// What the page before gave as `next`.
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
    /// `new`, `claimed`, `contacted`, `recovered` or `dismissed`.
    #[schema(value_type = String)]
    state: LeadStatus,
    /// They are on the scheduler again since then.
    #[schema(value_type = Option<String>, format = DateTime)]
    back_since: Option<Timestamp>,
    person: Person,
    /// The scheduler's public id.
    scheduler: String,
    service: Service,
    /// Where they stopped: `service`, `contact`, `time`, `place`, `review`.
    last_step: String,
    /// How they left last: `closed`, `left`, `lost` or `idle`.
    departure: String,
    /// 3 for "3rd request from this number".
    request_number: i64,
    /// How often they left.
    times_left: i64,
    /// When what happened; `null` for what has not.
    #[schema(value_type = Object)]
    stamps: ringback_domain::lead::Stamps,
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
    /// `crm_abandoned`, `crm_booked`, `crm_dismiss_lead`, `text_follow_up` or `text_link`.
    kind: String,
    /// `due`, `claimed`, `sending`, `done`, `refused`, `unknown`, `withdrawn` or `expired`.
    state: String,
    /// When it is looked at next; `null` once settled.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    attempts: i64,
    /// The outside's own id.
    outside_id: Option<String>,
    why: Option<String>,
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
            .map(|s| (s.id, s.public_id))
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
        last_step: lead.last_step.to_string(),
        departure: lead.departure.to_string(),
        request_number: lead.request_number,
        times_left: lead.times_left,
        stamps: lead.stamps,
        text: lead.text_note,
        deliveries: deliveries
            .into_iter()
            .map(|d| DeliveryJson {
                id: d.id.get(),
                kind: d.kind.to_string(),
                state: d.status.to_string(),
                due_at: d.due_at,
                attempts: d.attempt,
                outside_id: d.outside_id,
                why: d.why,
            })
            .collect(),
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
