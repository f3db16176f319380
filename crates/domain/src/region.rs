//! What differs from region to region: postal codes, addresses, how dates and hours are written.
//! Here: the region itself and its short facts. Postal codes are in [`postal`], addresses in
//! [`address`]. Phone numbers have their own module, [`crate::phone`].

use jiff::civil::Weekday;

use crate::coded;

pub mod address;
pub mod postal;

coded! {
    /// Where a business works.
    Region {
        /// The United States.
        UnitedStates = "us",
        /// Canada.
        Canada = "ca",
        /// The United Kingdom.
        UnitedKingdom = "uk",
        /// Ireland.
        Ireland = "ie",
        /// Australia.
        Australia = "au",
        /// New Zealand.
        NewZealand = "nz",
        /// Anywhere else: the forgiving rules.
        Other = "other",
    }
}

/// Whether the month or the day is written first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// Mon, Nov 24.
    MonthDay,
    /// Mon 24 Nov.
    DayMonth,
}

/// How hours of the day are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HourClock {
    /// 1:00 PM.
    Twelve,
    /// 13:00.
    TwentyFour,
}

impl Region {
    /// Locale key of its name.
    pub const fn name_key(self) -> &'static str {
        match self {
            Region::UnitedStates => "region-us",
            Region::Canada => "region-ca",
            Region::UnitedKingdom => "region-uk",
            Region::Ireland => "region-ie",
            Region::Australia => "region-au",
            Region::NewZealand => "region-nz",
            Region::Other => "region-other",
        }
    }

    /// The country as ServiceTitan's addresses carry it. Its API asks for any text; public examples
    /// of its records say `USA`, so we send ISO 3166-1 alpha-3. Elsewhere the country is not known:
    /// `None`, and no address is sent.
    pub const fn country(self) -> Option<&'static str> {
        match self {
            Region::UnitedStates => Some("USA"),
            Region::Canada => Some("CAN"),
            Region::UnitedKingdom => Some("GBR"),
            Region::Ireland => Some("IRL"),
            Region::Australia => Some("AUS"),
            Region::NewZealand => Some("NZL"),
            Region::Other => None,
        }
    }

    /// Whether the month or the day comes first.
    pub const fn date_order(self) -> DateOrder {
        match self {
            Region::UnitedStates | Region::Canada => DateOrder::MonthDay,
            Region::UnitedKingdom
            | Region::Ireland
            | Region::Australia
            | Region::NewZealand
            | Region::Other => DateOrder::DayMonth,
        }
    }

    /// Twelve hours or twenty-four.
    pub const fn hour_clock(self) -> HourClock {
        match self {
            Region::UnitedStates | Region::Canada | Region::Australia | Region::NewZealand => {
                HourClock::Twelve
            }
            Region::UnitedKingdom | Region::Ireland | Region::Other => HourClock::TwentyFour,
        }
    }

    /// The first column of a calendar (CLDR's first day of the week).
    pub const fn first_weekday(self) -> Weekday {
        match self {
            Region::UnitedStates | Region::Canada => Weekday::Sunday,
            Region::UnitedKingdom
            | Region::Ireland
            | Region::Australia
            | Region::NewZealand
            | Region::Other => Weekday::Monday,
        }
    }

    /// The locale a new business starts with; every region of ours is set up in English first.
    pub const fn default_locale(self) -> &'static str {
        "en"
    }

    /// IANA time zones a set-up page offers, the most likely first. For [`Region::Other`] one per
    /// stretch of the globe; any other IANA name may be typed.
    pub const fn time_zones(self) -> &'static [&'static str] {
        match self {
            Region::UnitedStates => &[
                "America/New_York",
                "America/Chicago",
                "America/Denver",
                "America/Phoenix",
                "America/Los_Angeles",
                "America/Anchorage",
                "Pacific/Honolulu",
                "America/Detroit",
                "America/Indiana/Indianapolis",
                "America/Kentucky/Louisville",
                "America/Boise",
                "America/Puerto_Rico",
                "Pacific/Guam",
            ],
            Region::Canada => &[
                "America/Toronto",
                "America/Winnipeg",
                "America/Regina",
                "America/Edmonton",
                "America/Vancouver",
                "America/Halifax",
                "America/Moncton",
                "America/St_Johns",
                "America/Whitehorse",
                "America/Iqaluit",
            ],
            Region::UnitedKingdom => &["Europe/London"],
            Region::Ireland => &["Europe/Dublin"],
            Region::Australia => &[
                "Australia/Sydney",
                "Australia/Melbourne",
                "Australia/Brisbane",
                "Australia/Adelaide",
                "Australia/Perth",
                "Australia/Hobart",
                "Australia/Darwin",
                "Australia/Broken_Hill",
                "Australia/Lord_Howe",
            ],
            Region::NewZealand => &["Pacific/Auckland", "Pacific/Chatham"],
            Region::Other => &[
                "Europe/Madrid",
                "Europe/Paris",
                "Europe/Berlin",
                "Europe/Rome",
                "Europe/Lisbon",
                "Europe/Athens",
                "Europe/Helsinki",
                "Europe/Istanbul",
                "Africa/Cairo",
                "Africa/Johannesburg",
                "Africa/Lagos",
                "Africa/Nairobi",
                "Asia/Jerusalem",
                "Asia/Dubai",
                "Asia/Karachi",
                "Asia/Kolkata",
                "Asia/Dhaka",
                "Asia/Bangkok",
                "Asia/Singapore",
                "Asia/Manila",
                "Asia/Hong_Kong",
                "Asia/Tokyo",
                "Asia/Seoul",
                "Pacific/Fiji",
                "America/Mexico_City",
                "America/Bogota",
                "America/Lima",
                "America/Santiago",
                "America/Argentina/Buenos_Aires",
                "America/Sao_Paulo",
                "America/Santo_Domingo",
                "America/Jamaica",
                "UTC",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_kept_under_its_word() {
        for &region in Region::ALL {
            assert_eq!(region.as_str().parse(), Ok(region));
            assert_eq!(region.name_key(), format!("region-{region}"));
        }
        assert!("eu".parse::<Region>().is_err());
    }

    #[test]
    fn every_zone_offered_is_a_zone() {
        for region in Region::ALL {
            for zone in region.time_zones() {
                assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
            }
        }
    }
}
