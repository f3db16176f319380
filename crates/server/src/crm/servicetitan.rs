//! ServiceTitan's public API v2 as a [`Crm`]: Bookings with their contacts and Leads in ST, and the lists that
//! settings choose from. Field names and rules are those of ServiceTitan's OpenAPI documents for crm, jbce and marketing.
//! How a call is made, with token, key and pace, is in `servicetitan/account.rs`.

mod account;
mod bodies;

use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use account::{Account, Credentials, Hosts};

use super::{Choices, Crm, Hands, Named, Record, RecordKind, Standing, Trouble};
use account::Ask;
use bodies::{
    Contact, DismissBooking, DismissLead, NewBooking, NewLead, UpdateBooking, UpdateLead, contacts,
};

/// What staff see as the source of a Booking in ST.
pub const SOURCE: &str = "Ringback";

/// What is kept of the connection beside its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Tenant ID.
    pub tenant: i64,
    /// Client ID of the API application.
    pub client_id: String,
    /// ID of the booking provider tag (Settings > Integrations > Booking Providers).
    pub booking_provider: i64,
    /// Campaign where a scheduler names none.
    pub campaign_id: Option<i64>,
    /// Call reason where a scheduler names none.
    pub call_reason_id: Option<i64>,
}

/// What is sealed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// Client secret of the API application.
    pub client_secret: String,
    /// App key: which application calls.
    pub app_key: String,
}

/// One business's ServiceTitan.
pub struct ServiceTitan<'a> {
    account: &'a Account,
}

impl<'a> ServiceTitan<'a> {
    /// Speaks to ServiceTitan through an account.
    pub fn new(account: &'a Account) -> Self {
        Self { account }
    }

    fn bookings(&self) -> Result<String, Trouble> {
        let Credentials {
            tenant,
            booking_provider,
            ..
        } = self.account.credentials();
        if *booking_provider <= 0 {
            return Err(Trouble::Unset("crm-needs-provider"));
        }
        Ok(format!(
            "crm/v2/tenant/{tenant}/booking-provider/{booking_provider}/bookings"
        ))
    }

    fn leads(&self) -> String {
        format!("crm/v2/tenant/{}/leads", self.account.credentials().tenant)
    }

    async fn find_booking(&self, record: &Record) -> Result<Option<Standing>, Trouble> {
        // Not by when it was made as well: that is ST's clock, and ours may be another.
        let query = [("externalId", record.external_id.clone())];
        let path = self.bookings()?;
        // Filters have been seen ignored, so what comes back is asked again.
        let ours = |booking: &Booking| booking.external_id == record.external_id;
        let found = self.all(&path, &query).await?.into_iter().find(ours);
        Ok(found.map(Booking::standing))
    }

    /// Leads in ST carry no id of ours: the reference in the summary is what they are found by.
    async fn find_lead(&self, record: &Record) -> Result<Option<Standing>, Trouble> {
        let query = [("createdOnOrAfter", oldest(record))];
        let path = self.leads();
        let ours =
            |lead: &Lead| carries(lead.summary.as_deref().unwrap_or(""), &record.external_id);
        let found = self.all(&path, &query).await?.into_iter().find(ours);
        Ok(found.map(Lead::standing))
    }

    /// The update of a Booking takes no contacts, so they are looked at, and what is not there takes the place of
    /// what was: a mistyped number is a stranger's. What stands there already is not asked for again, also when
    /// the answer to an earlier asking was lost. One that they have taken back stays: staff may be using it.
    async fn correct_contacts(&self, booking: &str, record: &Record) -> Result<(), Trouble> {
        let wanted = contacts(record);
        if wanted.is_empty() {
            return Ok(());
        }
        let path = format!("{}/{booking}/contacts", self.bookings()?);
        let there: Vec<BookingContact> = self.all(&path, &[]).await?;
        for contact in &wanted {
            if there.iter().any(|one| one.is(contact)) {
                continue;
            }
            // Ours is the oldest of its type; what came later is staff's.
            let alike = there.iter().filter(|one| one.is_like(contact));
            let ask = match alike.min_by_key(|one| (one.kind != contact.kind, one.id)) {
                Some(one) => Ask::new(Method::PATCH, format!("{path}/{}", one.id)),
                None => Ask::new(Method::POST, path.clone()),
            };
            let asked = self.account.write_without_answer(ask.json(contact)).await;
            asked.map_err(|trouble| match trouble {
                // The Booking has our update: another one in its place would be a second of the same.
                Trouble::Conflict { said } => Trouble::TryLater { after: None, said },
                trouble => trouble,
            })?;
        }
        Ok(())
    }

    async fn named(&self, path: String, active: bool) -> Result<Vec<Named>, Trouble> {
        let query = [("active", "True".to_owned())];
        let listed: Vec<Listed> = self.all(&path, if active { &query } else { &[] }).await?;
        Ok(listed.into_iter().filter_map(Listed::named).collect())
    }

    /// Every page of a list.
    async fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Vec<T>, Trouble> {
        let mut found = Vec::new();
        for page in 1..=MOST_PAGES {
            let paging = [
                ("page", page.to_string()),
                ("pageSize", PAGE_SIZE.to_string()),
            ];
            let query: Vec<_> = query.iter().cloned().chain(paging).collect();
            let one: Page<T> = self.account.look(path, &query).await?;
            found.extend(one.data);
            if !one.has_more {
                return Ok(found);
            }
        }
        Err(Trouble::TryLater {
            after: None,
            said: format!("the list has more than {} entries", MOST_PAGES * PAGE_SIZE),
        })
    }
}

/// At most 5,000 by the specification.
const PAGE_SIZE: u32 = 500;
/// A list that goes on past this is not what we asked for.
const MOST_PAGES: u32 = 40;

impl Crm for ServiceTitan<'_> {
    async fn find(&self, record: &Record) -> Result<Option<Standing>, Trouble> {
        match record.kind {
            RecordKind::Booking => self.find_booking(record).await,
            RecordKind::Lead => self.find_lead(record).await,
        }
    }

    async fn look_at(
        &self,
        kind: RecordKind,
        outside_id: &str,
    ) -> Result<Option<Standing>, Trouble> {
        match kind {
            RecordKind::Booking => {
                let path = format!("{}/{outside_id}", self.bookings()?);
                let booking: Option<Booking> = self.account.look_if_there(&path).await?;
                Ok(booking.map(Booking::standing))
            }
            RecordKind::Lead => {
                let path = format!("{}/{outside_id}", self.leads());
                let lead: Option<Lead> = self.account.look_if_there(&path).await?;
                Ok(lead.map(Lead::standing))
            }
        }
    }

    async fn create(&self, record: &Record) -> Result<String, Trouble> {
        let made: Made = match record.kind {
            RecordKind::Booking => {
                let body = NewBooking::of(record);
                let ask = Ask::new(Method::POST, self.bookings()?).json(&body);
                self.account.write(ask).await?
            }
            RecordKind::Lead => {
                let body = NewLead::of(record).ok_or(Trouble::Unset("crm-needs-campaign"))?;
                let ask = Ask::new(Method::POST, self.leads()).json(&body);
                self.account.write(ask).await?
            }
        };
        Ok(made.id.to_string())
    }

    async fn update(&self, outside_id: &str, record: &Record) -> Result<(), Trouble> {
        let ask = match record.kind {
            RecordKind::Booking => {
                let path = format!("{}/{outside_id}", self.bookings()?);
                Ask::new(Method::PATCH, path).json(&UpdateBooking::of(record))
            }
            RecordKind::Lead => {
                let path = format!("{}/{outside_id}", self.leads());
                Ask::new(Method::PATCH, path).json(&UpdateLead::of(record))
            }
        };
        let _: Made = self.account.write(ask).await?;
        match record.kind {
            RecordKind::Booking => self.correct_contacts(outside_id, record).await,
            RecordKind::Lead => Ok(()),
        }
    }

    async fn dismiss(
        &self,
        kind: RecordKind,
        outside_id: &str,
        record: &Record,
    ) -> Result<(), Trouble> {
        let ask = match kind {
            RecordKind::Booking => {
                let path = format!("{}/{outside_id}/dismiss", self.bookings()?);
                Ask::new(Method::POST, path).json(&DismissBooking::of(record))
            }
            RecordKind::Lead => {
                let path = format!("{}/{outside_id}/dismiss", self.leads());
                let body =
                    DismissLead::of(record).ok_or(Trouble::Unset("crm-needs-call-reason"))?;
                Ask::new(Method::POST, path).json(&body)
            }
        };
        self.account.write_without_answer(ask).await
    }

    async fn choices(&self) -> Result<Choices, Trouble> {
        let tenant = self.account.credentials().tenant;
        Ok(Choices {
            campaigns: self
                .named(format!("marketing/v2/tenant/{tenant}/campaigns"), true)
                .await?,
            call_reasons: self
                .named(format!("jbce/v2/tenant/{tenant}/call-reasons"), true)
                .await?,
            booking_providers: self
                .named(
                    format!("crm/v2/tenant/{tenant}/booking-provider-tags"),
                    false,
                )
                .await?,
        })
    }
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(rename = "hasMore")]
    has_more: bool,
    data: Vec<T>,
}

#[derive(Deserialize)]
struct Made {
    id: i64,
}

/// `Crm.V2.BookingResponse`, what we read of it.
#[derive(Deserialize)]
struct Booking {
    id: i64,
    status: String,
    #[serde(rename = "externalId", default)]
    external_id: String,
}

impl Booking {
    /// Statuses: New, Converted, Dismissed, Accepted.
    fn standing(self) -> Standing {
        let hands = match self.status.as_str() {
            "New" => Hands::Untouched,
            "Dismissed" => Hands::Dismissed,
            _ => Hands::Taken,
        };
        Standing {
            outside_id: self.id.to_string(),
            hands,
        }
    }
}

/// `Crm.V2.BookingContactResponse`, what we read of it. Types: Phone, Email, Fax, MobilePhone.
#[derive(Deserialize)]
struct BookingContact {
    id: i64,
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl BookingContact {
    /// Whether it reaches them the same way.
    fn is_like(&self, contact: &Contact<'_>) -> bool {
        self.kind == contact.kind || (self.kind == "Phone" && contact.kind == "MobilePhone")
    }

    /// Whether it is the same, however it is written: `(602) 555-0142` is `+16025550142`.
    fn is(&self, contact: &Contact<'_>) -> bool {
        if contact.kind == "Email" {
            return self.is_like(contact) && self.value.eq_ignore_ascii_case(contact.value);
        }
        let digits = |number: &str| number.replace(|c: char| !c.is_ascii_digit(), "");
        let (there, wanted) = (digits(&self.value), digits(contact.value));
        let national = there.trim_start_matches('0');
        self.is_like(contact) && national.len() >= 7 && wanted.ends_with(national)
    }
}

/// `Crm.V2.LeadResponse`, what we read of it.
#[derive(Deserialize)]
struct Lead {
    id: i64,
    status: String,
    summary: Option<String>,
}

impl Lead {
    /// Statuses: Open, Dismissed, Converted.
    fn standing(self) -> Standing {
        let hands = match self.status.as_str() {
            "Open" => Hands::Untouched,
            "Dismissed" => Hands::Dismissed,
            _ => Hands::Taken,
        };
        Standing {
            outside_id: self.id.to_string(),
            hands,
        }
    }
}

/// A campaign, a call reason or a booking provider tag.
#[derive(Deserialize)]
struct Listed {
    id: i64,
    #[serde(alias = "tagName")]
    name: String,
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

impl Listed {
    fn named(self) -> Option<Named> {
        self.active.then_some(Named {
            id: self.id,
            name: self.name,
        })
    }
}

/// Whether a summary carries this reference and not a longer one: `R-7F3K` is not in `R-7F3K-2`.
fn carries(summary: &str, reference: &str) -> bool {
    summary.match_indices(reference).any(|(at, found)| {
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let before = summary[..at].chars().next_back();
        let after = summary[at + found.len()..].chars().next();
        !before.is_some_and(goes_on) && !after.is_some_and(goes_on)
    })
}

/// How long before our own time a record of ours may have been made by ST's clock. Clocks differ, and one that is set a day
/// wrong must not hide what stands there: it would be made a second time.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_hours(72);

fn oldest(record: &Record) -> String {
    let oldest = record.not_before.saturating_sub(CLOCKS_DIFFER_BY);
    as_date_time(oldest.unwrap_or(record.not_before))
}

fn as_date_time(at: Timestamp) -> String {
    let whole = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Floor);
    at.round(whole).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_found_whole_or_not_at_all() {
        assert!(carries("Reference: R-7F3K.", "R-7F3K"));
        assert!(carries("R-7F3K", "R-7F3K"));
        assert!(!carries("Reference: R-7F3K-2", "R-7F3K"));
        assert!(!carries("Reference: R-7F3KQQ", "R-7F3K"));
        assert!(carries("was R-7F3K-2, is R-7F3K", "R-7F3K"));
    }

    #[test]
    fn a_contact_is_the_same_however_it_is_written() {
        let stands = |kind: &str, value: &str, wanted: Contact<'_>| {
            let (kind, value) = (kind.to_owned(), value.to_owned());
            BookingContact { id: 1, kind, value }.is(&wanted)
        };
        let phone = |value| Contact {
            kind: "MobilePhone",
            value,
        };
        assert!(stands("MobilePhone", "+16025550142", phone("+16025550142")));
        assert!(stands("Phone", "(602) 555-0142", phone("+16025550142")));
        assert!(stands("Phone", "0491 570 156", phone("+61491570156")));
        assert!(!stands("Phone", "(602) 555-0143", phone("+16025550142")));
        assert!(!stands("Fax", "(602) 555-0142", phone("+16025550142")));
        assert!(!stands("Phone", "42", phone("+16025550142")));
        let email = |value| Contact {
            kind: "Email",
            value,
        };
        assert!(stands("Email", "Ana@example.com", email("ana@example.com")));
        assert!(!stands("Email", "an@example.com", email("ana@example.com")));
    }

    #[test]
    fn times_are_utc_without_fractions() {
        for part in ["25", "75"] {
            let at = format!("2026-11-24T08:00:00.{part}-07:00");
            assert_eq!(as_date_time(at.parse().unwrap()), "2026-11-24T15:00:00Z");
        }
    }
}
