//! The ways to reach the person of a booking (crm/v2): `Crm.V2.BookingContactModel`,
//! `ContactCreateRequest` and `UpdateBookingContactRequest`.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listing::{Listed, Listing};
use super::validation::{Field, Kind, Problem, nullable, optional, read, required};
use super::{Answer, Call, Tenant, changed, path_id};

const CONTACT_TYPES: &[&str] = &["Phone", "Email", "Fax", "MobilePhone"];

pub(super) const CONTACT: &[Field] = &[
    required("type", Kind::OneOf(CONTACT_TYPES)),
    required("value", Kind::Text),
    nullable("memo", Kind::Text),
];

const CONTACT_UPDATE: &[Field] = &[
    optional("type", Kind::OneOf(CONTACT_TYPES)),
    optional("value", Kind::Text),
    optional("memo", Kind::Text),
];

/// A way to reach the person of a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// ID of the contact.
    pub id: i64,
    /// `Phone`, `Email`, `Fax` or `MobilePhone`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The number or address.
    pub value: String,
    /// A remark; empty when none was given.
    pub memo: String,
    /// When it was last changed.
    pub modified_on: Timestamp,
}

impl Listed for Contact {
    fn id(&self) -> i64 {
        self.id
    }
    fn created_on(&self) -> Timestamp {
        self.modified_on
    }
    fn modified_on(&self) -> Timestamp {
        self.modified_on
    }
    fn json(&self) -> Value {
        json!(self)
    }
}

/// A contact as a request sends it.
#[derive(Deserialize)]
pub(super) struct NewContact {
    #[serde(rename = "type")]
    kind: String,
    value: String,
    memo: Option<String>,
}

impl NewContact {
    /// Whether it can be reached; `field` is its place in the request.
    pub(super) fn check(&self, field: &str) -> Result<(), Problem> {
        reachable(&self.kind, &self.value, field)
    }

    /// The contact as it is kept.
    pub(super) fn kept(self, id: i64, now: Timestamp) -> Contact {
        let memo = self.memo.unwrap_or_default();
        Contact {
            id,
            kind: self.kind,
            value: self.value,
            memo,
            modified_on: now,
        }
    }
}

#[derive(Deserialize)]
struct ContactUpdate {
    #[serde(rename = "type")]
    kind: Option<String>,
    value: Option<String>,
    memo: Option<String>,
}

impl Tenant {
    pub(super) fn add_contact(
        &mut self,
        provider: &str,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        self.booking(Some(provider), id)?;
        let new: NewContact = read(call, CONTACT)?;
        new.check("value")?;
        let contact = new.kept(self.next_id(), now);
        let booking = self.booking(Some(provider), id)?;
        booking.contacts.push(contact.clone());
        booking.modified_on = now;
        Ok(changed(&json!(contact)))
    }

    pub(super) fn list_contacts(
        &mut self,
        provider: Option<&str>,
        id: &str,
        call: &Call,
    ) -> Result<Answer, Problem> {
        let listing = Listing::read(call, &[])?;
        listing.page(self.booking(provider, id)?.contacts.iter())
    }

    pub(super) fn update_contact(
        &mut self,
        provider: &str,
        id: &str,
        contact: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let contact_id = path_id(contact)?;
        self.booking(Some(provider), id)?;
        let update: ContactUpdate = read(call, CONTACT_UPDATE)?;
        let booking = self.booking(Some(provider), id)?;
        let contact = booking
            .contacts
            .iter_mut()
            .find(|contact| contact.id == contact_id);
        let contact = contact.ok_or_else(|| Problem::not_found("Contact", contact_id))?;
        let kind = update.kind.unwrap_or_else(|| contact.kind.clone());
        let value = update.value.unwrap_or_else(|| contact.value.clone());
        reachable(&kind, &value, "value")?;
        contact.kind = kind;
        contact.value = value;
        contact.memo = update.memo.unwrap_or_else(|| contact.memo.clone());
        contact.modified_on = now;
        let body = json!({ "type": contact.kind, "value": contact.value, "memo": contact.memo });
        booking.modified_on = now;
        Ok(changed(&body))
    }

    pub(super) fn delete_contact(
        &mut self,
        provider: &str,
        id: &str,
        contact: &str,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let contact_id = path_id(contact)?;
        let booking = self.booking(Some(provider), id)?;
        let before = booking.contacts.len();
        booking.contacts.retain(|contact| contact.id != contact_id);
        if booking.contacts.len() == before {
            return Err(Problem::not_found("Contact", contact_id));
        }
        booking.modified_on = now;
        Ok(Answer::empty(StatusCode::OK).changed())
    }
}

/// Sense in a contact's value: what rings has digits, what takes mail has an @. (The published
/// documents do not say; the strict reading.)
fn reachable(kind: &str, value: &str, field: &str) -> Result<(), Problem> {
    let fine = match kind {
        "Email" => value
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.')),
        _ => value.chars().filter(char::is_ascii_digit).count() >= 7,
    };
    if fine {
        Ok(())
    } else {
        Err(Problem::field(
            field,
            format!("The value is no valid contact of type {kind}."),
        ))
    }
}
