//! What we send to ServiceTitan, field by field: `Crm.V2.CreateBookingRequest`, `UpdateBookingRequest`,
//! `ContactCreateRequest`, `UpdateBookingContactRequest`, `DismissBookingModel`, `LeadCreateRequest`,
//! `LeadUpdateRequest` and `DismissLeadRequest`. An optional field that we do not know is left out; the update
//! bodies do not take null.

use ringback_domain::scheduler::Audience;
use serde::Serialize;

use super::super::{Place, Record};
use super::{SOURCE, as_date_time};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewBooking<'a> {
    source: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address<'a>>,
    contacts: Vec<Contact<'a>>,
    customer_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_unit_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type_id: Option<i64>,
    priority: &'static str,
    is_first_time_client: bool,
    is_send_confirmation_email: bool,
    external_id: &'a str,
}

impl<'a> NewBooking<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            source: SOURCE,
            name: &record.name,
            address: Address::of(&record.place),
            contacts: contacts(record),
            customer_type: customer_type(record.audience),
            start: record.start.map(as_date_time),
            summary: &record.summary,
            campaign_id: record.filing.campaign_id,
            business_unit_id: record.filing.business_unit_id,
            job_type_id: record.filing.job_type_id,
            priority: priority(record),
            // Of our own knowledge: nobody is looked up in ServiceTitan.
            is_first_time_client: record.first_time,
            // The business decides what it writes to somebody who left.
            is_send_confirmation_email: false,
            external_id: &record.external_id,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateBooking<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressPatch<'a>>,
    customer_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_unit_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type_id: Option<i64>,
    priority: &'static str,
}

impl<'a> UpdateBooking<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            name: &record.name,
            address: AddressPatch::of(&record.place),
            customer_type: customer_type(record.audience),
            start: record.start.map(as_date_time),
            summary: &record.summary,
            campaign_id: record.filing.campaign_id,
            business_unit_id: record.filing.business_unit_id,
            job_type_id: record.filing.job_type_id,
            priority: priority(record),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DismissBooking {
    #[serde(skip_serializing_if = "Option::is_none")]
    call_reason_id: Option<i64>,
    dismissing_memo: String,
}

impl DismissBooking {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            call_reason_id: record.filing.call_reason_id,
            dismissing_memo: format!("{SOURCE}: {}", record.reference),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewLead<'a> {
    campaign_id: i64,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_reason_id: Option<i64>,
    /// Required where no call reason is given: follow up from the moment they left.
    #[serde(skip_serializing_if = "Option::is_none")]
    follow_up_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_unit_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type_id: Option<i64>,
    priority: &'static str,
    #[serde(flatten)]
    person: LeadPerson<'a>,
}

impl<'a> NewLead<'a> {
    /// `None` without a campaign: a Lead in ST needs one.
    pub(super) fn of(record: &'a Record) -> Option<Self> {
        let call_reason_id = record.filing.call_reason_id;
        Some(Self {
            campaign_id: record.filing.campaign_id?,
            summary: &record.summary,
            call_reason_id,
            follow_up_date: call_reason_id.is_none().then(|| as_date_time(record.since)),
            business_unit_id: record.filing.business_unit_id,
            job_type_id: record.filing.job_type_id,
            priority: priority(record),
            person: LeadPerson::of(record),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateLead<'a> {
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_unit_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type_id: Option<i64>,
    priority: &'static str,
    #[serde(flatten)]
    person: LeadPerson<'a>,
}

impl<'a> UpdateLead<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            summary: &record.summary,
            campaign_id: record.filing.campaign_id,
            business_unit_id: record.filing.business_unit_id,
            job_type_id: record.filing.job_type_id,
            priority: priority(record),
            person: LeadPerson::of(record),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DismissLead {
    dismissing_reason_id: i64,
}

impl DismissLead {
    /// `None` without a call reason: a dismissal says why.
    pub(super) fn of(record: &Record) -> Option<Self> {
        Some(Self {
            dismissing_reason_id: record.filing.call_reason_id?,
        })
    }
}

/// The `lead…` fields: each part may stand alone, also of an address.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeadPerson<'a> {
    lead_customer_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_street: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_zip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_country: Option<&'a str>,
}

impl<'a> LeadPerson<'a> {
    fn of(record: &'a Record) -> Self {
        let place = &record.place;
        Self {
            lead_customer_name: &record.name,
            lead_phone: record.phone.as_deref(),
            lead_email: record.email.as_deref(),
            lead_street: known(&place.street),
            lead_unit: known(&place.unit),
            lead_city: known(&place.city),
            lead_state: known(&place.state),
            lead_zip: known(&place.postal_code),
            lead_country: known(&place.country),
        }
    }
}

/// `Crm.V2.AddressModel`: all of it, or none.
#[derive(Serialize)]
struct Address<'a> {
    street: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    city: &'a str,
    state: &'a str,
    zip: &'a str,
    country: &'a str,
}

impl<'a> Address<'a> {
    fn of(place: &'a Place) -> Option<Self> {
        place.is_complete().then(|| Self {
            street: &place.street,
            unit: known(&place.unit),
            city: &place.city,
            state: &place.state,
            zip: &place.postal_code,
            country: &place.country,
        })
    }
}

/// `Crm.V2.AddressPatchModel`: here the unit is required too.
#[derive(Serialize)]
struct AddressPatch<'a> {
    street: &'a str,
    unit: &'a str,
    city: &'a str,
    state: &'a str,
    zip: &'a str,
    country: &'a str,
}

impl<'a> AddressPatch<'a> {
    fn of(place: &'a Place) -> Option<Self> {
        place.is_complete().then(|| Self {
            street: &place.street,
            unit: &place.unit,
            city: &place.city,
            state: &place.state,
            zip: &place.postal_code,
            country: &place.country,
        })
    }
}

/// A way to reach them: in a new Booking, as a contact of its own, and in place of one that stands.
#[derive(Serialize)]
pub(super) struct Contact<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) value: &'a str,
}

pub(super) fn contacts(record: &Record) -> Vec<Contact<'_>> {
    let phone = record.phone.as_deref().map(|value| Contact {
        kind: "MobilePhone",
        value,
    });
    let email = record.email.as_deref().map(|value| Contact {
        kind: "Email",
        value,
    });
    phone.into_iter().chain(email).collect()
}

const fn customer_type(audience: Audience) -> &'static str {
    match audience {
        Audience::Residential => "Residential",
        Audience::Commercial => "Commercial",
    }
}

const fn priority(record: &Record) -> &'static str {
    if record.urgent { "Urgent" } else { "Normal" }
}

fn known(part: &str) -> Option<&str> {
    Some(part).filter(|part| !part.is_empty())
}
