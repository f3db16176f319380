//! The business: who it is, where, and when it is open.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::id::BusinessId;
use crate::region::Region;

/// One company; owns everything below it.
#[derive(Clone, Debug)]
pub struct Business {
    /// Its row.
    pub id: BusinessId,
    /// As customers know it; begins every text.
    pub name: String,
    /// Decides phone, postal-code, address and date rules.
    pub region: Region,
    /// Where its hours are meant; IANA name, checked when set.
    pub time_zone: String,
    /// Locale of pages and texts, such as `en` or `es`.
    pub locale: String,
    /// The office's number as customers dial it, E.164.
    pub phone: Option<String>,
    /// The rest, kept as JSON.
    pub details: BusinessDetails,
    /// Grows with every change.
    pub version: i64,
}

impl Business {
    /// The business's time zone; UTC when the stored name is unknown to this build's tzdb.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

/// What is kept of a business beside its columns. Fields are only ever added, each with a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BusinessDetails {
    /// When arrival windows may lie.
    pub hours: OpeningHours,
    /// Days without appointments, on top of the weekly hours.
    #[serde(default)]
    pub closed_days: Vec<Date>,
    /// The name for consent records where it differs from the brand.
    #[serde(default)]
    pub legal_name: String,
    /// Postal address shown on the page behind a text's link (Canada's CASL asks for it).
    #[serde(default)]
    pub mailing_address: String,
    /// Linked beside the consent box.
    #[serde(default)]
    pub privacy_url: String,
}

impl Default for BusinessDetails {
    fn default() -> Self {
        Self {
            hours: OpeningHours::weekdays(Time::constant(8, 0, 0, 0), Time::constant(17, 0, 0, 0)),
            closed_days: Vec::new(),
            legal_name: String::new(),
            mailing_address: String::new(),
            privacy_url: String::new(),
        }
    }
}

/// Weekly opening hours in the business's own time: at most one span a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningHours {
    /// Monday to Sunday; `None` is closed.
    pub days: [Option<OpenSpan>; 7],
}

/// From opening to closing on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSpan {
    /// Opens.
    pub from: Time,
    /// Closes; later than `from`.
    pub to: Time,
}

impl OpeningHours {
    /// Monday to Friday alike, closed at the weekend.
    pub fn weekdays(from: Time, to: Time) -> Self {
        let open = Some(OpenSpan { from, to });
        Self {
            days: [open, open, open, open, open, None, None],
        }
    }

    /// The span of that weekday.
    pub fn on(&self, weekday: Weekday) -> Option<OpenSpan> {
        self.days[usize::from(weekday.to_monday_zero_offset().unsigned_abs())]
    }
}
