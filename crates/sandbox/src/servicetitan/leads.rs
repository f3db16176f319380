//! Leads and their notes (crm/v2). The field tables follow `Crm.V2.LeadCreateRequest`,
//! `LeadUpdateRequest`, `DismissLeadRequest`, `CreateFollowUpRequest`, `LeadNoteCreateRequest` and
//! `SubmitLeadFormRequest`. There is no external id: finding one's own lead again is the client's work.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bookings::{BookingStatus, PRIORITIES};
use super::listing::{Listed, Listing};
use super::validation::{Field, Kind, Problem, nullable, optional, read, required};
use super::{Answer, Call, Tenant, changed, path_id, seeds};

const STATUSES: &[&str] = &["Open", "Dismissed", "Converted"];

/// `Crm.V2.LeadCreateRequest`; beyond the table, one of `callReasonId` and `followUpDate` must be there.
pub const CREATE: &[Field] = &[
    nullable("customerId", Kind::Int64),
    nullable("locationId", Kind::Int64),
    required("campaignId", Kind::Int64),
    nullable("businessUnitId", Kind::Int64),
    nullable("jobTypeId", Kind::Int64),
    required("summary", Kind::Text),
    nullable("tagTypeIds", Kind::List(&Kind::Int64)),
    nullable("priority", Kind::OneOf(PRIORITIES)),
    nullable("callReasonId", Kind::Int64),
    nullable("followUpDate", Kind::DateTime),
    nullable("bookingId", Kind::Int64),
    nullable("leadCustomerName", Kind::Text),
    nullable("leadPhone", Kind::Text),
    nullable("leadEmail", Kind::Text),
    nullable("leadStreet", Kind::Text),
    nullable("leadUnit", Kind::Text),
    nullable("leadCity", Kind::Text),
    nullable("leadState", Kind::Text),
    nullable("leadZip", Kind::Text),
    nullable("leadCountry", Kind::Text),
];

/// `Crm.V2.LeadUpdateRequest`: nothing is required, nothing may be `null`.
pub const UPDATE: &[Field] = &[
    optional("campaignId", Kind::Int64),
    optional("priority", Kind::OneOf(PRIORITIES)),
    optional("businessUnitId", Kind::Int64),
    optional("jobTypeId", Kind::Int64),
    optional("summary", Kind::Text),
    optional("leadCustomerName", Kind::Text),
    optional("leadPhone", Kind::Text),
    optional("leadEmail", Kind::Text),
    optional("leadStreet", Kind::Text),
    optional("leadUnit", Kind::Text),
    optional("leadCity", Kind::Text),
    optional("leadState", Kind::Text),
    optional("leadZip", Kind::Text),
    optional("leadCountry", Kind::Text),
];

const DISMISS: &[Field] = &[required("dismissingReasonId", Kind::Int64)];
const FOLLOW_UP: &[Field] = &[
    required("followUpDate", Kind::DateTime),
    nullable("text", Kind::Text),
    nullable("pinToTop", Kind::Bool),
];
const NOTE: &[Field] = &[
    required("text", Kind::Text),
    nullable("pinToTop", Kind::Bool),
];
const FORM_ADDRESS: &[Field] = &[
    required("street", Kind::Text),
    nullable("unit", Kind::Text),
    required("city", Kind::Text),
    required("state", Kind::Text),
    required("zip", Kind::Text),
    required("country", Kind::Text),
    nullable("latitude", Kind::Number),
    nullable("longitude", Kind::Number),
];
const FORM: &[Field] = &[
    required("name", Kind::Text),
    nullable("email", Kind::Text),
    nullable("phoneNumber", Kind::Text),
    nullable("address", Kind::Object(FORM_ADDRESS)),
    nullable("summary", Kind::Text),
];

/// Where a lead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeadStatus {
    /// Waiting to be called.
    Open,
    /// Closed without a job.
    Dismissed,
    /// A job was made of it.
    Converted,
}

/// The person and place of a lead, each part on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named and meant as in Crm.V2.LeadResponse")]
pub struct Person {
    pub lead_customer_name: Option<String>,
    pub lead_phone: Option<String>,
    pub lead_email: Option<String>,
    pub lead_street: Option<String>,
    pub lead_unit: Option<String>,
    pub lead_city: Option<String>,
    pub lead_state: Option<String>,
    pub lead_zip: Option<String>,
    pub lead_country: Option<String>,
}

impl Person {
    fn update(&mut self, new: Person) {
        let pairs = [
            (&mut self.lead_customer_name, new.lead_customer_name),
            (&mut self.lead_phone, new.lead_phone),
            (&mut self.lead_email, new.lead_email),
            (&mut self.lead_street, new.lead_street),
            (&mut self.lead_unit, new.lead_unit),
            (&mut self.lead_city, new.lead_city),
            (&mut self.lead_state, new.lead_state),
            (&mut self.lead_zip, new.lead_zip),
            (&mut self.lead_country, new.lead_country),
        ];
        for (field, new) in pairs {
            if new.is_some() {
                *field = new;
            }
        }
    }
}

/// A remark on a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named and meant as in Crm.V2.NoteResponse")]
pub struct Note {
    pub id: i64,
    pub text: String,
    pub is_pinned: bool,
    pub created_by_id: i64,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// A lead; serialized it is `Crm.V2.LeadResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named and meant as in Crm.V2.LeadResponse")]
pub struct Lead {
    pub id: i64,
    pub status: LeadStatus,
    pub priority: String,
    pub customer_id: Option<i64>,
    pub location_id: Option<i64>,
    pub business_unit_id: Option<i64>,
    pub job_type_id: Option<i64>,
    pub campaign_id: i64,
    pub follow_up_date: Option<Timestamp>,
    pub created_by_id: i64,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
    pub tag_type_ids: Vec<i64>,
    pub dismissing_reason_id: Option<i64>,
    pub summary: Option<String>,
    pub call_reason_id: Option<i64>,
    pub call_id: Option<i64>,
    pub booking_id: Option<i64>,
    pub manual_call_id: Option<i64>,
    pub lead_url: Option<String>,
    #[serde(flatten)]
    pub person: Person,
    pub capture_source: Option<String>,
    #[serde(skip)]
    pub notes: Vec<Note>,
}

impl Lead {
    /// A new lead of which only the person and the campaign are known.
    fn open(id: i64, campaign_id: i64, person: Person, now: Timestamp) -> Lead {
        Lead {
            id,
            status: LeadStatus::Open,
            priority: "Normal".into(),
            customer_id: None,
            location_id: None,
            business_unit_id: None,
            job_type_id: None,
            campaign_id,
            follow_up_date: None,
            created_by_id: seeds::API_USER,
            created_on: now,
            modified_on: now,
            tag_type_ids: Vec::new(),
            dismissing_reason_id: None,
            summary: None,
            call_reason_id: None,
            call_id: None,
            booking_id: None,
            manual_call_id: None,
            lead_url: None,
            person,
            capture_source: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn record(&self) -> Value {
        serde_json::to_value(self).expect("a lead is plain data")
    }
}

impl Listed for Lead {
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

impl Listed for Note {
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
        json!(self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateLead {
    customer_id: Option<i64>,
    location_id: Option<i64>,
    campaign_id: i64,
    business_unit_id: Option<i64>,
    job_type_id: Option<i64>,
    summary: String,
    tag_type_ids: Option<Vec<i64>>,
    priority: Option<String>,
    call_reason_id: Option<i64>,
    follow_up_date: Option<Timestamp>,
    booking_id: Option<i64>,
    #[serde(flatten)]
    person: Person,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateLead {
    campaign_id: Option<i64>,
    priority: Option<String>,
    business_unit_id: Option<i64>,
    job_type_id: Option<i64>,
    summary: Option<String>,
    #[serde(flatten)]
    person: Person,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DismissLead {
    dismissing_reason_id: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FollowUp {
    follow_up_date: Timestamp,
    text: Option<String>,
    pin_to_top: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewNote {
    text: String,
    pin_to_top: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeadForm {
    name: String,
    email: Option<String>,
    phone_number: Option<String>,
    address: Option<super::Address>,
    summary: Option<String>,
}

impl Tenant {
    pub(super) fn create_lead(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let new: CreateLead = read(call, CREATE)?;
        if new.call_reason_id.is_none() && new.follow_up_date.is_none() {
            return Err(Problem::field(
                "callReasonId",
                "One of callReasonId and followUpDate is required.",
            ));
        }
        self.must_exist("campaigns", "campaignId", Some(new.campaign_id))?;
        self.must_exist("business-units", "businessUnitId", new.business_unit_id)?;
        self.must_exist("job-types", "jobTypeId", new.job_type_id)?;
        self.must_exist("call-reasons", "callReasonId", new.call_reason_id)?;
        for tag in new.tag_type_ids.iter().flatten() {
            self.must_exist("tag-types", "tagTypeIds", Some(*tag))?;
        }
        if new
            .call_reason_id
            .is_some_and(|id| !self.lookups.is_lead_reason(id))
        {
            return Err(Problem::field(
                "callReasonId",
                "This call reason is not one for leads.",
            ));
        }
        // The sandbox knows no customers and no locations.
        self.must_exist("customers", "customerId", new.customer_id)?;
        self.must_exist("locations", "locationId", new.location_id)?;
        if let Some(id) = new.booking_id {
            let booking = self.bookings.get_mut(&id);
            let booking = booking
                .ok_or_else(|| Problem::field("bookingId", format!("There is no booking {id}.")))?;
            if matches!(
                booking.status,
                BookingStatus::Converted | BookingStatus::Dismissed
            ) {
                return Err(Problem::field(
                    "bookingId",
                    format!("Booking {id} is already {:?}.", booking.status),
                ));
            }
            booking.status = BookingStatus::Dismissed;
            booking.modified_on = now;
        }
        let mut lead = Lead::open(self.next_id(), new.campaign_id, new.person, now);
        lead.priority = new.priority.unwrap_or(lead.priority);
        lead.customer_id = new.customer_id;
        lead.location_id = new.location_id;
        lead.business_unit_id = new.business_unit_id;
        lead.job_type_id = new.job_type_id;
        lead.follow_up_date = new.follow_up_date;
        lead.tag_type_ids = new.tag_type_ids.unwrap_or_default();
        lead.summary = Some(new.summary);
        lead.call_reason_id = new.call_reason_id;
        lead.booking_id = new.booking_id;
        let answer = changed(&lead.record());
        self.leads.insert(lead.id, lead);
        Ok(answer)
    }

    /// `POST /leads/form`: a lead of the default campaign, as a web form makes it.
    pub(super) fn submit_lead_form(
        &mut self,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        for (name, value) in call.query() {
            if name != "id" || value.parse::<i64>().is_err() {
                return Err(Problem::field(
                    &name,
                    "The only parameter is id, a whole number.",
                ));
            }
        }
        let form: LeadForm = read(call, FORM)?;
        let mut person = Person {
            lead_customer_name: Some(form.name),
            lead_phone: form.phone_number,
            lead_email: form.email,
            ..Person::default()
        };
        if let Some(address) = form.address {
            person.lead_street = Some(address.street);
            person.lead_unit = address.unit;
            person.lead_city = Some(address.city);
            person.lead_state = Some(address.state);
            person.lead_zip = Some(address.zip);
            person.lead_country = Some(address.country);
        }
        let mut lead = Lead::open(self.next_id(), seeds::CAMPAIGN_WEBSITE, person, now);
        lead.summary = form.summary;
        lead.capture_source = Some("Form".into());
        let answer = changed(&json!({ "leadId": lead.id }));
        self.leads.insert(lead.id, lead);
        Ok(answer)
    }

    pub(super) fn list_leads(&self, call: &Call) -> Result<Answer, Problem> {
        const OF_CUSTOMERS: &[&str] = &[
            "customerCity",
            "customerState",
            "customerZip",
            "customerCreatedOnOrAfter",
            "customerCreatedBefore",
            "customerModifiedOnOrAfter",
        ];
        let own = [
            "customerId",
            "isProspect",
            "withoutCustomer",
            "status",
            "genPermUrl",
            "leadCustomerName",
            "leadPhone",
            "isCaptureSourceForm",
        ];
        let listing = Listing::read(call, &[&own[..], OF_CUSTOMERS].concat())?;
        let customer = listing.number("customerId")?;
        let (prospect, without_customer) = (
            listing.flag("isProspect")?,
            listing.flag("withoutCustomer")?,
        );
        let (form, url) = (
            listing.flag("isCaptureSourceForm")?,
            listing.flag("genPermUrl")?.unwrap_or(false),
        );
        let status = listing.one_of("status", STATUSES)?;
        let (name, phone) = (listing.text("leadCustomerName"), listing.text("leadPhone"));
        let about_customers = OF_CUSTOMERS
            .iter()
            .any(|filter| listing.text(filter).is_some());
        let found: Vec<Lead> = self
            .leads
            .values()
            .filter(|lead| customer.is_none_or(|id| lead.customer_id == Some(id)))
            .filter(|lead| prospect.is_none_or(|wanted| wanted == lead.customer_id.is_none()))
            .filter(|lead| {
                without_customer.is_none_or(|wanted| wanted == lead.customer_id.is_none())
            })
            .filter(|lead| {
                form.is_none_or(|wanted| wanted == (lead.capture_source.as_deref() == Some("Form")))
            })
            .filter(|lead| status.is_none_or(|wanted| format!("{:?}", lead.status) == wanted))
            .filter(|lead| {
                name.is_none_or(|wanted| lead.person.lead_customer_name.as_deref() == Some(wanted))
            })
            .filter(|lead| {
                phone.is_none_or(|wanted| lead.person.lead_phone.as_deref() == Some(wanted))
            })
            .filter(|lead| !about_customers || lead.customer_id.is_some())
            .cloned()
            .map(|mut lead| {
                if url {
                    lead.lead_url = Some(format!("https://go.servicetitan.com/#/Lead/{}", lead.id));
                }
                lead
            })
            .collect();
        listing.page(found.iter())
    }

    pub(super) fn get_lead(&mut self, id: &str) -> Result<Answer, Problem> {
        Ok(Answer::json(StatusCode::OK, &self.lead(id)?.record()))
    }

    /// Only an open lead can be changed.
    pub(super) fn update_lead(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        self.lead(id)?;
        let update: UpdateLead = read(call, UPDATE)?;
        self.must_exist("campaigns", "campaignId", update.campaign_id)?;
        self.must_exist("business-units", "businessUnitId", update.business_unit_id)?;
        self.must_exist("job-types", "jobTypeId", update.job_type_id)?;
        let lead = self.open_lead(id)?;
        lead.campaign_id = update.campaign_id.unwrap_or(lead.campaign_id);
        lead.priority = update.priority.unwrap_or_else(|| lead.priority.clone());
        lead.business_unit_id = update.business_unit_id.or(lead.business_unit_id);
        lead.job_type_id = update.job_type_id.or(lead.job_type_id);
        lead.summary = update.summary.or_else(|| lead.summary.take());
        lead.person.update(update.person);
        lead.modified_on = now;
        Ok(changed(&lead.record()))
    }

    pub(super) fn dismiss_lead(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        self.lead(id)?;
        let dismissal: DismissLead = read(call, DISMISS)?;
        self.must_exist(
            "call-reasons",
            "dismissingReasonId",
            Some(dismissal.dismissing_reason_id),
        )?;
        let lead = self.open_lead(id)?;
        lead.status = LeadStatus::Dismissed;
        lead.dismissing_reason_id = Some(dismissal.dismissing_reason_id);
        lead.modified_on = now;
        Ok(Answer::empty(StatusCode::OK).changed())
    }

    pub(super) fn follow_up_lead(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        self.lead(id)?;
        let follow_up: FollowUp = read(call, FOLLOW_UP)?;
        let (lead_id, pinned) = (
            self.open_lead(id)?.id,
            follow_up.pin_to_top.unwrap_or(false),
        );
        if let Some(text) = follow_up.text.clone() {
            self.note(id, text, pinned, now)?;
        }
        let lead = self.open_lead(id)?;
        lead.follow_up_date = Some(follow_up.follow_up_date);
        lead.modified_on = now;
        let body = json!({
            "leadId": lead_id, "followUpDate": follow_up.follow_up_date, "text": follow_up.text, "pinToTop": pinned,
        });
        Ok(changed(&body))
    }

    pub(super) fn add_note(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        self.lead(id)?;
        let new: NewNote = read(call, NOTE)?;
        let note = self.note(id, new.text, new.pin_to_top.unwrap_or(false), now)?;
        Ok(changed(&json!(note)))
    }

    pub(super) fn list_notes(&mut self, id: &str, call: &Call) -> Result<Answer, Problem> {
        let listing = Listing::read(call, &[])?;
        listing.page(self.lead(id)?.notes.iter())
    }

    /// What staff do on the board: convert or dismiss an open lead.
    pub(crate) fn act_on_lead(
        &mut self,
        id: i64,
        status: LeadStatus,
        now: Timestamp,
    ) -> Result<(), String> {
        let lead = self
            .leads
            .get_mut(&id)
            .ok_or_else(|| format!("There is no lead {id}."))?;
        if lead.status != LeadStatus::Open || status == LeadStatus::Open {
            return Err(format!(
                "A lead that is {:?} cannot become {status:?}.",
                lead.status
            ));
        }
        lead.status = status;
        lead.modified_on = now;
        Ok(())
    }

    fn note(
        &mut self,
        id: &str,
        text: String,
        is_pinned: bool,
        now: Timestamp,
    ) -> Result<Note, Problem> {
        let note_id = self.next_id();
        let note = Note {
            id: note_id,
            text,
            is_pinned,
            created_by_id: seeds::API_USER,
            created_on: now,
            modified_on: now,
        };
        let lead = self.lead(id)?;
        lead.notes.push(note.clone());
        lead.modified_on = now;
        Ok(note)
    }

    fn lead(&mut self, id: &str) -> Result<&mut Lead, Problem> {
        let id = path_id(id)?;
        self.leads
            .get_mut(&id)
            .ok_or_else(|| Problem::not_found("Lead", id))
    }

    fn open_lead(&mut self, id: &str) -> Result<&mut Lead, Problem> {
        let lead = self.lead(id)?;
        match lead.status {
            LeadStatus::Open => Ok(lead),
            status => Err(Problem::field(
                "id",
                format!("Lead {id} is already {status:?}."),
            )),
        }
    }
}
