//! Bookings of a booking provider (crm/v2). The field tables follow `Crm.V2.CreateBookingRequest`,
//! `UpdateBookingRequest`, `AddressModel`, `AddressPatchModel` and `DismissBookingModel`; contacts and
//! providers are in files of their own. `externalId` is not unique, as in the real one: two creates
//! make two bookings.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::contacts::{CONTACT, Contact, NewContact};
use super::listing::{Listed, Listing};
use super::validation::{Field, Kind, Problem, nullable, optional, read, required};
use super::{Answer, Call, Tenant, changed, path_id};

const CUSTOMER_TYPES: &[&str] = &["Residential", "Commercial"];
pub(super) const PRIORITIES: &[&str] = &["Low", "Normal", "High", "Urgent"];

const ADDRESS: &[Field] = &[
    required("street", Kind::Text),
    nullable("unit", Kind::Text),
    required("city", Kind::Text),
    required("state", Kind::Text),
    required("zip", Kind::Text),
    required("country", Kind::Text),
];

const ADDRESS_PATCH: &[Field] = &[
    required("street", Kind::Text),
    required("unit", Kind::BlankText),
    required("city", Kind::Text),
    required("state", Kind::Text),
    required("zip", Kind::Text),
    required("country", Kind::Text),
];

/// `Crm.V2.CreateBookingRequest`. `customerType` is a plain string there, but its description and the
/// response know two values, so here only those pass.
pub const CREATE: &[Field] = &[
    required("source", Kind::Text),
    required("name", Kind::Text),
    nullable("address", Kind::Object(ADDRESS)),
    nullable("contacts", Kind::List(&Kind::Object(CONTACT))),
    nullable("customerType", Kind::OneOf(CUSTOMER_TYPES)),
    nullable("start", Kind::DateTime),
    required("summary", Kind::Text),
    nullable("campaignId", Kind::Int64),
    nullable("businessUnitId", Kind::Int64),
    nullable("jobTypeId", Kind::Int64),
    nullable("priority", Kind::OneOf(PRIORITIES)),
    required("isFirstTimeClient", Kind::Bool),
    nullable("uploadedImages", Kind::List(&Kind::Text)),
    nullable("isSendConfirmationEmail", Kind::Bool),
    required("externalId", Kind::Text),
];

/// `Crm.V2.UpdateBookingRequest`: nothing is required, nothing may be `null`, and there are no
/// contacts and no status.
pub const UPDATE: &[Field] = &[
    optional("source", Kind::Text),
    optional("name", Kind::Text),
    optional("address", Kind::Object(ADDRESS_PATCH)),
    optional("customerType", Kind::OneOf(CUSTOMER_TYPES)),
    optional("start", Kind::DateTime),
    optional("summary", Kind::Text),
    optional("campaignId", Kind::Int64),
    optional("businessUnitId", Kind::Int64),
    optional("jobTypeId", Kind::Int64),
    optional("priority", Kind::OneOf(PRIORITIES)),
    optional("isFirstTimeClient", Kind::Bool),
    optional("uploadedImages", Kind::List(&Kind::Text)),
    optional("externalId", Kind::Text),
];

const DISMISS: &[Field] = &[
    nullable("callReasonId", Kind::Int64),
    nullable("dismissingMemo", Kind::Text),
];

/// Where a booking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BookingStatus {
    /// Nobody has touched it.
    New,
    /// Staff have accepted it.
    Accepted,
    /// Staff have made a job of it.
    Converted,
    /// Staff or the API have dismissed it.
    Dismissed,
}

/// An address, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the parts of an address speak for themselves")]
pub struct Address {
    pub street: String,
    pub unit: Option<String>,
    pub city: String,
    pub state: String,
    pub zip: String,
    pub country: String,
}

/// A booking; serialized it is `Crm.V2.BookingResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named and meant as in Crm.V2.BookingResponse")]
pub struct Booking {
    pub id: i64,
    pub source: String,
    pub created_on: Timestamp,
    pub name: String,
    pub address: Option<Address>,
    pub customer_type: Option<String>,
    #[serde(serialize_with = "start_or_dotnet_zero")]
    pub start: Option<Timestamp>,
    pub campaign_id: Option<i64>,
    pub business_unit_id: Option<i64>,
    pub is_first_time_client: bool,
    pub uploaded_images: Option<Vec<String>>,
    pub is_send_confirmation_email: Option<bool>,
    pub status: BookingStatus,
    pub dismissing_reason_id: Option<i64>,
    pub job_id: Option<i64>,
    pub external_id: String,
    pub priority: Option<String>,
    pub job_type_id: Option<i64>,
    pub booking_provider_id: i64,
    pub modified_on: Timestamp,
    pub summary: String,
    #[serde(skip)]
    pub contacts: Vec<Contact>,
    #[serde(skip)]
    pub dismissing_memo: Option<String>,
}

/// `start` is required in the response though optional in the request; a .NET service without a value
/// writes the year 1.
fn start_or_dotnet_zero<S: Serializer>(
    start: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match start {
        Some(start) => start.serialize(serializer),
        None => serializer.serialize_str("0001-01-01T00:00:00Z"),
    }
}

impl Booking {
    pub(super) fn record(&self) -> Value {
        serde_json::to_value(self).expect("a booking is plain data")
    }
}

impl Listed for Booking {
    fn id(&self) -> i64 {
        self.id
    }
    fn created_on(&self) -> Timestamp {
        self.created_on
    }
    fn modified_on(&self) -> Timestamp {
        self.modified_on
    }
    fn json(&self) -> Value {
        self.record()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBooking {
    source: String,
    name: String,
    address: Option<Address>,
    contacts: Option<Vec<NewContact>>,
    customer_type: Option<String>,
    start: Option<Timestamp>,
    summary: String,
    campaign_id: Option<i64>,
    business_unit_id: Option<i64>,
    job_type_id: Option<i64>,
    priority: Option<String>,
    is_first_time_client: bool,
    uploaded_images: Option<Vec<String>>,
    is_send_confirmation_email: Option<bool>,
    external_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateBooking {
    source: Option<String>,
    name: Option<String>,
    address: Option<Address>,
    customer_type: Option<String>,
    start: Option<Timestamp>,
    summary: Option<String>,
    campaign_id: Option<i64>,
    business_unit_id: Option<i64>,
    job_type_id: Option<i64>,
    priority: Option<String>,
    is_first_time_client: Option<bool>,
    uploaded_images: Option<Vec<String>>,
    external_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DismissBooking {
    call_reason_id: Option<i64>,
    dismissing_memo: Option<String>,
}

impl Tenant {
    pub(super) fn create_booking(
        &mut self,
        provider: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let provider = self.provider(provider)?;
        let new: CreateBooking = read(call, CREATE)?;
        self.must_exist("campaigns", "campaignId", new.campaign_id)?;
        self.must_exist("business-units", "businessUnitId", new.business_unit_id)?;
        self.must_exist("job-types", "jobTypeId", new.job_type_id)?;
        for (i, contact) in new.contacts.iter().flatten().enumerate() {
            contact.check(&format!("contacts[{i}].value"))?;
        }
        let contacts = new.contacts.unwrap_or_default().into_iter();
        let contacts = contacts
            .map(|contact| contact.kept(self.next_id(), now))
            .collect();
        let booking = Booking {
            id: self.next_id(),
            source: new.source,
            created_on: now,
            name: new.name,
            address: new.address,
            customer_type: new.customer_type,
            start: new.start,
            campaign_id: new.campaign_id,
            business_unit_id: new.business_unit_id,
            is_first_time_client: new.is_first_time_client,
            uploaded_images: new.uploaded_images,
            is_send_confirmation_email: new.is_send_confirmation_email,
            status: BookingStatus::New,
            dismissing_reason_id: None,
            job_id: None,
            external_id: new.external_id,
            priority: new.priority,
            job_type_id: new.job_type_id,
            booking_provider_id: provider,
            modified_on: now,
            summary: new.summary,
            contacts,
            dismissing_memo: None,
        };
        let answer = changed(&booking.record());
        self.bookings.insert(booking.id, booking);
        Ok(answer)
    }

    pub(super) fn list_bookings(
        &self,
        provider: Option<&str>,
        call: &Call,
    ) -> Result<Answer, Problem> {
        let provider = provider.map(|id| self.provider(id)).transpose()?;
        let listing = Listing::read(call, &["externalId"])?;
        let external_id = listing.text("externalId");
        listing.page(
            self.bookings
                .values()
                .filter(|booking| provider.is_none_or(|id| booking.booking_provider_id == id))
                .filter(|booking| external_id.is_none_or(|id| booking.external_id == id)),
        )
    }

    pub(super) fn get_booking(
        &mut self,
        provider: Option<&str>,
        id: &str,
    ) -> Result<Answer, Problem> {
        Ok(Answer::json(
            StatusCode::OK,
            &self.booking(provider, id)?.record(),
        ))
    }

    /// Only a booking nobody has acted on can be changed; otherwise 409.
    pub(super) fn update_booking(
        &mut self,
        provider: &str,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        self.booking(Some(provider), id)?;
        let update: UpdateBooking = read(call, UPDATE)?;
        self.must_exist("campaigns", "campaignId", update.campaign_id)?;
        self.must_exist("business-units", "businessUnitId", update.business_unit_id)?;
        self.must_exist("job-types", "jobTypeId", update.job_type_id)?;
        let booking = self.booking(Some(provider), id)?;
        if booking.status != BookingStatus::New {
            let title = format!(
                "Booking {id} is {:?} and can no longer be changed.",
                booking.status
            );
            return Err(Problem::new(StatusCode::CONFLICT, title));
        }
        fn set<T>(field: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *field = new;
            }
        }
        fn set_some<T>(field: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *field = new;
            }
        }
        set(&mut booking.source, update.source);
        set(&mut booking.name, update.name);
        set_some(&mut booking.address, update.address);
        set_some(&mut booking.customer_type, update.customer_type);
        set_some(&mut booking.start, update.start);
        set(&mut booking.summary, update.summary);
        set_some(&mut booking.campaign_id, update.campaign_id);
        set_some(&mut booking.business_unit_id, update.business_unit_id);
        set_some(&mut booking.job_type_id, update.job_type_id);
        set_some(&mut booking.priority, update.priority);
        set(
            &mut booking.is_first_time_client,
            update.is_first_time_client,
        );
        set_some(&mut booking.uploaded_images, update.uploaded_images);
        set(&mut booking.external_id, update.external_id);
        booking.modified_on = now;
        Ok(changed(&booking.record()))
    }

    /// 200 with an empty body; 400 when staff have closed it already.
    pub(super) fn dismiss_booking(
        &mut self,
        provider: &str,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        self.booking(Some(provider), id)?;
        let dismissal: DismissBooking = read(call, DISMISS)?;
        self.must_exist("call-reasons", "callReasonId", dismissal.call_reason_id)?;
        let booking = self.booking(Some(provider), id)?;
        if matches!(
            booking.status,
            BookingStatus::Converted | BookingStatus::Dismissed
        ) {
            return Err(Problem::field(
                "id",
                format!("Booking {id} is already {:?}.", booking.status),
            ));
        }
        booking.status = BookingStatus::Dismissed;
        booking.dismissing_reason_id = dismissal.call_reason_id;
        booking.dismissing_memo = dismissal.dismissing_memo;
        booking.modified_on = now;
        Ok(Answer::empty(StatusCode::OK).changed())
    }

    /// What staff do on the board: accept, convert or dismiss.
    pub(crate) fn act_on_booking(
        &mut self,
        id: i64,
        status: BookingStatus,
        now: Timestamp,
    ) -> Result<(), String> {
        let job = self.next_id();
        let booking = self
            .bookings
            .get_mut(&id)
            .ok_or_else(|| format!("There is no booking {id}."))?;
        match (booking.status, status) {
            (
                BookingStatus::New,
                BookingStatus::Accepted | BookingStatus::Converted | BookingStatus::Dismissed,
            )
            | (BookingStatus::Accepted, BookingStatus::Converted | BookingStatus::Dismissed) => {}
            (from, to) => return Err(format!("A booking that is {from:?} cannot become {to:?}.")),
        }
        booking.status = status;
        booking.modified_on = now;
        if status == BookingStatus::Converted {
            booking.job_id = Some(job);
        }
        Ok(())
    }

    pub(super) fn booking(
        &mut self,
        provider: Option<&str>,
        id: &str,
    ) -> Result<&mut Booking, Problem> {
        let provider = provider.map(|id| self.provider(id)).transpose()?;
        let id = path_id(id)?;
        let booking = self.bookings.get_mut(&id);
        booking
            .filter(|booking| {
                provider.is_none_or(|provider| booking.booking_provider_id == provider)
            })
            .ok_or_else(|| Problem::not_found("Booking", id))
    }
}
