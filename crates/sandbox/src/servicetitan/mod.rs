//! A pretend ServiceTitan, never gentler than the real one: one tenant with its lookups, bookings and
//! leads, and the map of its operations. Where the published documents are silent it takes the strict
//! side. It is a plain value: no sockets, no clock; `now` comes in.

mod auth;
mod bookings;
mod contacts;
mod leads;
mod listing;
mod lookups;
mod opt_outs;
mod providers;
pub mod seeds;
#[cfg(test)]
mod tests;
mod validation;

use std::collections::{BTreeMap, VecDeque};

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use bookings::CREATE as BOOKING_CREATE_FIELDS;
pub use bookings::{Address, Booking, BookingStatus, UPDATE as BOOKING_UPDATE_FIELDS};
pub use contacts::Contact;
pub use leads::{
    CREATE as LEAD_CREATE_FIELDS, Lead, LeadStatus, Note, Person, UPDATE as LEAD_UPDATE_FIELDS,
};
pub use validation::{Field, Kind};

use crate::call::{Answer, Call};
use crate::options::Credentials;

use lookups::Lookups;
use providers::ProviderTag;
use validation::Problem;

/// Everything one tenant of the pretend ServiceTitan holds.
pub(crate) struct Tenant {
    credentials: Credentials,
    tokens: BTreeMap<String, Timestamp>,
    recent: VecDeque<Timestamp>,
    lookups: Lookups,
    providers: Vec<ProviderTag>,
    bookings: BTreeMap<i64, Booking>,
    leads: BTreeMap<i64, Lead>,
    opt_outs: BTreeMap<String, String>,
    last_id: i64,
}

impl Tenant {
    pub(crate) fn new(credentials: Credentials, now: Timestamp) -> Tenant {
        Tenant {
            tokens: BTreeMap::new(),
            recent: VecDeque::new(),
            lookups: Lookups::seeded(now),
            providers: vec![ProviderTag::seeded(&credentials, now)],
            bookings: BTreeMap::new(),
            leads: BTreeMap::new(),
            opt_outs: BTreeMap::new(),
            // IDs follow the clock, so that a client that remembers IDs of an earlier run meets none twice.
            last_id: now.as_second() * 1000,
            credentials,
        }
    }

    /// Whether this path is ServiceTitan's.
    pub(crate) fn owns(path: &str) -> bool {
        path == "/connect/token"
            || [
                "/crm/",
                "/jbce/",
                "/jpm/",
                "/marketing/",
                "/settings/",
                "/dispatch/",
                "/telecom/",
            ]
            .iter()
            .any(|api| path.starts_with(api))
    }

    /// Answers one call.
    pub(crate) fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        if call.path == "/connect/token" {
            return self.token(call, now);
        }
        self.operate(call, now).unwrap_or_else(Problem::answer)
    }

    /// Every operation, by the paths of the published documents.
    fn operate(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        self.admit(call, now)?;
        let segments = call.segments();
        let [api, version, "tenant", tenant, rest @ ..] = segments.as_slice() else {
            return Err(no_operation(call));
        };
        self.is_ours(tenant)?;
        match (call.method.as_str(), *api, *version, rest) {
            ("POST", "crm", "v2", ["booking-provider", provider, "bookings"]) => {
                self.create_booking(provider, call, now)
            }
            ("GET", "crm", "v2", ["booking-provider", provider, "bookings"]) => {
                self.list_bookings(Some(provider), call)
            }
            ("GET", "crm", "v2", ["booking-provider", provider, "bookings", id]) => {
                self.get_booking(Some(provider), id)
            }
            ("PATCH", "crm", "v2", ["booking-provider", provider, "bookings", id]) => {
                self.update_booking(provider, id, call, now)
            }
            ("POST", "crm", "v2", ["booking-provider", provider, "bookings", id, "dismiss"]) => {
                self.dismiss_booking(provider, id, call, now)
            }
            ("POST", "crm", "v2", ["booking-provider", provider, "bookings", id, "contacts"]) => {
                self.add_contact(provider, id, call, now)
            }
            ("GET", "crm", "v2", ["booking-provider", provider, "bookings", id, "contacts"]) => {
                self.list_contacts(Some(provider), id, call)
            }
            (
                "PATCH",
                "crm",
                "v2",
                [
                    "booking-provider",
                    provider,
                    "bookings",
                    id,
                    "contacts",
                    contact,
                ],
            ) => self.update_contact(provider, id, contact, call, now),
            (
                "DELETE",
                "crm",
                "v2",
                [
                    "booking-provider",
                    provider,
                    "bookings",
                    id,
                    "contacts",
                    contact,
                ],
            ) => self.delete_contact(provider, id, contact, now),
            ("GET", "crm", "v2", ["bookings"]) => self.list_bookings(None, call),
            ("GET", "crm", "v2", ["bookings", id]) => self.get_booking(None, id),
            ("GET", "crm", "v2", ["bookings", id, "contacts"]) => {
                self.list_contacts(None, id, call)
            }
            ("GET", "crm", "v2", ["booking-provider-tags"]) => self.list_providers(call),
            ("POST", "crm", "v2", ["booking-provider-tags"]) => self.create_provider(call, now),
            ("GET", "crm", "v2", ["booking-provider-tags", id]) => self.get_provider(id),
            ("PATCH", "crm", "v2", ["booking-provider-tags", id]) => {
                self.update_provider(id, call, now)
            }
            ("POST", "crm", "v2", ["leads"]) => self.create_lead(call, now),
            ("POST", "crm", "v2", ["leads", "form"]) => self.submit_lead_form(call, now),
            ("GET", "crm", "v2", ["leads"]) => self.list_leads(call),
            ("GET", "crm", "v2", ["leads", id]) => self.get_lead(id),
            ("PATCH", "crm", "v2", ["leads", id]) => self.update_lead(id, call, now),
            ("POST", "crm", "v2", ["leads", id, "dismiss"]) => self.dismiss_lead(id, call, now),
            ("POST", "crm", "v2", ["leads", id, "follow-up"]) => self.follow_up_lead(id, call, now),
            ("POST", "crm", "v2", ["leads", id, "notes"]) => self.add_note(id, call, now),
            ("GET", "crm", "v2", ["leads", id, "notes"]) => self.list_notes(id, call),
            ("GET", "telecom", "v3", ["optinouts", "optouts"]) => self.list_opt_outs(),
            ("POST", "telecom", "v3", ["optinouts", "optouts"]) => self.create_opt_outs(call),
            ("POST", "telecom", "v3", ["optinouts", "optouts", "getlist"]) => {
                self.find_opt_outs(call)
            }
            ("GET", "dispatch", "v2", ["business-hours"]) => {
                Ok(Answer::json(StatusCode::OK, &seeds::business_hours()))
            }
            ("GET", api, "v2", [list]) => self
                .lookups
                .list(api, list, call)
                .unwrap_or_else(|| Err(no_operation(call))),
            _ => Err(no_operation(call)),
        }
    }

    pub(crate) fn bookings(&self) -> Vec<Booking> {
        self.bookings.values().cloned().collect()
    }

    pub(crate) fn leads(&self) -> Vec<Lead> {
        self.leads.values().cloned().collect()
    }

    /// What the board shows: the newest first, with the names behind the IDs.
    pub(crate) fn board(&self, time_zone: &str) -> Value {
        let names = |record: Value| {
            let name = |list, field: &str| self.lookups.name(list, record[field].as_i64());
            let names = json!({
                "campaign": name("campaigns", "campaignId"),
                "businessUnit": name("business-units", "businessUnitId"),
                "jobType": name("job-types", "jobTypeId"),
                "callReason": name("call-reasons", "callReasonId"),
                "dismissingReason": name("call-reasons", "dismissingReasonId"),
            });
            (record, names)
        };
        let bookings = self.bookings.values().rev().map(|booking| {
            let (mut record, names) = names(booking.record());
            record["names"] = names;
            record["contacts"] = json!(booking.contacts);
            record["dismissingMemo"] = json!(booking.dismissing_memo);
            if booking.start.is_none() {
                record["start"] = Value::Null;
            }
            record
        });
        let leads = self.leads.values().rev().map(|lead| {
            let (mut record, names) = names(lead.record());
            record["names"] = names;
            record["notes"] = json!(lead.notes);
            record
        });
        json!({
            "time_zone": time_zone,
            "bookings": bookings.collect::<Vec<_>>(),
            "leads": leads.collect::<Vec<_>>(),
        })
    }

    fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// Every id a request names must be there and active.
    fn must_exist(&self, list: &str, field: &str, id: Option<i64>) -> Result<(), Problem> {
        match id {
            Some(id) if !self.lookups.is_active(list, id) => Err(Problem::field(
                field,
                format!("There is no active record with ID {id} for {field}."),
            )),
            _ => Ok(()),
        }
    }
}

/// A number in a path; anything else is a path we do not have.
fn path_id(text: &str) -> Result<i64, Problem> {
    text.parse()
        .map_err(|_| Problem::field("id", format!("The value '{text}' is not valid.")))
}

fn no_operation(call: &Call) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("There is no operation {} {}.", call.method, call.path),
    )
}

fn changed(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body).changed()
}
