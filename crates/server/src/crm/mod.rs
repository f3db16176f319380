//! The CRM: what it is asked for, in words of ours, behind one small trait. How one request becomes one
//! record, whatever happens on the way, is in `record.rs`; what the record says in plain words in
//! `summary.rs`. One file per CRM: `servicetitan.rs`.
//!
//! To add a CRM: a file that implements [`Crm`], a match arm where deliveries are sent (`outbox/crm.rs`),
//! and its tests.

pub mod record;
pub mod servicetitan;
pub mod summary;

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use ringback_domain::coded;
use ringback_domain::scheduler::Audience;
use serde::{Deserialize, Serialize};

/// A CRM as deliveries use it. Each call asks the outside once; nothing is repeated in here.
pub trait Crm: Sync {
    /// The record that carries this record's [`Record::external_id`], if one stands there.
    fn find(
        &self,
        record: &Record,
    ) -> impl Future<Output = Result<Option<Standing>, Trouble>> + Send;

    /// How a record of ours stands; `None` when it is gone.
    fn look_at(
        &self,
        kind: RecordKind,
        outside_id: &str,
    ) -> impl Future<Output = Result<Option<Standing>, Trouble>> + Send;

    /// Makes the record and returns the CRM's own id.
    fn create(&self, record: &Record) -> impl Future<Output = Result<String, Trouble>> + Send;

    /// Brings a record up to date. Asking twice changes nothing more.
    fn update(
        &self,
        outside_id: &str,
        record: &Record,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Sets a record aside, because they have booked.
    fn dismiss(
        &self,
        kind: RecordKind,
        outside_id: &str,
        record: &Record,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Calls it for good, and lists by name what settings choose from.
    fn choices(&self) -> impl Future<Output = Result<Choices, Trouble>> + Send;
}

coded! {
    /// What a request stands as.
    RecordKind {
        /// A Booking in ST.
        Booking = "booking",
        /// A Lead in ST.
        Lead = "lead",
    }
}

/// What the CRM should hold of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Booking or Lead.
    pub kind: RecordKind,
    /// Ours, stable over every attempt; what it is found again by.
    pub external_id: String,
    /// What it is called on the phone; stands in the summary.
    pub reference: String,
    /// When the request began.
    pub since: Timestamp,
    /// No record of it is older: when the request began, or now, where a clock that was ahead says that it is still
    /// to begin.
    pub not_before: Timestamp,
    /// Full name, or the best there is.
    pub name: String,
    /// E.164.
    pub phone: Option<String>,
    /// Email.
    pub email: Option<String>,
    /// The whole in plain words.
    pub summary: String,
    /// Home or business.
    pub audience: Audience,
    /// As far as it is known.
    pub place: Place,
    /// The beginning of the chosen window.
    pub start: Option<Timestamp>,
    /// They should be called before the others.
    pub urgent: bool,
    /// Nothing that we know of was agreed with them before.
    pub first_time: bool,
    /// Where it is filed.
    pub filing: Filing,
}

/// An address, as far as it is known; unknown parts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// House number and street.
    pub street: String,
    /// Flat, suite, unit.
    pub unit: String,
    /// City or town.
    pub city: String,
    /// State, province, county; the town where the region has none.
    pub state: String,
    /// Postal code.
    pub postal_code: String,
    /// As the CRM writes countries.
    pub country: String,
}

impl Place {
    /// Whether it could be driven to: everything but the unit is there.
    pub fn is_complete(&self) -> bool {
        [
            &self.street,
            &self.city,
            &self.state,
            &self.postal_code,
            &self.country,
        ]
        .into_iter()
        .all(|part| !part.is_empty())
    }
}

/// Where a record is filed, by the CRM's own ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filing {
    /// Campaign; a Lead in ST needs one.
    pub campaign_id: Option<i64>,
    /// Business unit.
    pub business_unit_id: Option<i64>,
    /// Job type.
    pub job_type_id: Option<i64>,
    /// Call reason: classifies a Lead in ST, and says why one is dismissed.
    pub call_reason_id: Option<i64>,
}

/// A record as the CRM has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The CRM's own id.
    pub outside_id: String,
    /// Whose hands it is in.
    pub hands: Hands,
}

/// What staff have done with a record in the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// Nothing: it is ours to change.
    Untouched,
    /// They are working on it, or it has become a job.
    Taken,
    /// They set it aside.
    Dismissed,
}

/// Why a call to a CRM did not end well. The sentences are for people and name nothing that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Certainly without effect; the same may go well later.
    TryLater {
        /// At the earliest after this.
        after: Option<SignedDuration>,
        /// What it said.
        said: String,
    },
    /// It does not accept our credentials: without effect, and somebody must mend the settings.
    Credentials,
    /// It knows us, but does not let us do this: without effect, and somebody must give our application the right.
    Forbidden {
        /// What it said.
        said: String,
    },
    /// It will not have this.
    Refused {
        /// What it said.
        said: String,
    },
    /// Staff have changed the record at the same moment, or it is gone.
    Conflict {
        /// What it said.
        said: String,
    },
    /// Something is missing in our settings; the sentence key says what.
    Unset(&'static str),
    /// It may have taken effect.
    Unknown {
        /// It answered, though with an error: whatever it was doing, it has finished.
        answered: bool,
        /// What is known.
        said: String,
    },
}

/// What settings choose from, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// Active campaigns.
    pub campaigns: Vec<Named>,
    /// Active call reasons.
    pub call_reasons: Vec<Named>,
    /// Booking provider tags.
    pub booking_providers: Vec<Named>,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The CRM's id.
    pub id: i64,
    /// As its people call it.
    pub name: String,
}
