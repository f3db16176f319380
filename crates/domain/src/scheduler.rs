//! A scheduler: one configured online scheduler of a business, and its settings ("Scheduler Details").

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::coded;
use crate::departure::Holds;
use crate::follow_up::WhyNot;
use crate::id::{BusinessId, SchedulerId};
use crate::session::{Answers, Step};

/// One configured online scheduler.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// Its row.
    pub id: SchedulerId,
    /// Whose.
    pub business: BusinessId,
    /// In URLs and in the embed snippet; 12 letters and digits, never reused.
    pub public_id: String,
    /// As staff call it.
    pub name: String,
    /// Grows with every change.
    pub version: i64,
    /// Everything else.
    pub settings: Arc<SchedulerSettings>,
}

/// Scheduler Details. Fields are only ever added, each with a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchedulerSettings {
    /// Which ready-made start it came from; words of pages follow it.
    pub start: String,
    /// Whom it serves; sent to ServiceTitan as the customer type.
    pub audience: Audience,
    /// What can be asked for.
    pub services: Vec<Service>,
    /// The business's own questions.
    pub questions: Vec<Question>,
    /// Postal codes served: exact codes, or prefixes ending in `*`. Empty: everywhere.
    pub served: Vec<String>,
    /// Whether the time is asked before the contact details.
    pub time_before_contact: bool,
    /// When contact details are saved.
    pub save_contact: SaveContact,
    /// Whether an address must be complete to book.
    pub address_required: bool,
    /// Arrival windows.
    pub windows: Vec<WindowRule>,
    /// Earliest arrival after now, in minutes.
    pub lead_time_minutes: u32,
    /// How many days ahead can be booked.
    pub horizon_days: u16,
    /// Headline of the first page; empty: the start's own words.
    pub headline: String,
    /// Words at the end; empty: the start's own words.
    pub thanks: String,
    /// Websites that may show it in a frame: origins; empty: any.
    pub allowed_sites: Vec<String>,
    /// Section *Abandoned Sessions*.
    pub abandoned: AbandonedSessions,
    /// Section *Sync to ServiceTitan*.
    pub sync: SyncToServiceTitan,
    /// Section *Follow-Up SMS*.
    pub follow_up: FollowUpSms,
    /// What is held a moment.
    pub holds: Holds,
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self {
            start: String::new(),
            audience: Audience::Residential,
            services: Vec::new(),
            questions: Vec::new(),
            served: Vec::new(),
            time_before_contact: false,
            save_contact: SaveContact::OnContinue,
            address_required: true,
            windows: vec![
                WindowRule {
                    from: Time::constant(8, 0, 0, 0),
                    to: Time::constant(12, 0, 0, 0),
                    capacity: 2,
                },
                WindowRule {
                    from: Time::constant(12, 0, 0, 0),
                    to: Time::constant(16, 0, 0, 0),
                    capacity: 2,
                },
            ],
            lead_time_minutes: 120,
            horizon_days: 30,
            headline: String::new(),
            thanks: String::new(),
            allowed_sites: Vec::new(),
            abandoned: AbandonedSessions::default(),
            sync: SyncToServiceTitan::default(),
            follow_up: FollowUpSms::default(),
            holds: Holds::default(),
        }
    }
}

impl SchedulerSettings {
    /// The steps in this scheduler's order, booked apart.
    pub fn steps(&self) -> [Step; 5] {
        if self.time_before_contact {
            [
                Step::Service,
                Step::Time,
                Step::Contact,
                Step::Place,
                Step::Review,
            ]
        } else {
            [
                Step::Service,
                Step::Contact,
                Step::Time,
                Step::Place,
                Step::Review,
            ]
        }
    }

    /// The step that follows, `None` after the review.
    pub fn after(&self, step: Step) -> Option<Step> {
        let steps = self.steps();
        let here = steps.iter().position(|s| *s == step)?;
        steps.get(here + 1).copied()
    }

    /// The step before, `None` at the first.
    pub fn before(&self, step: Step) -> Option<Step> {
        let steps = self.steps();
        let here = steps.iter().position(|s| *s == step)?;
        here.checked_sub(1).map(|i| steps[i])
    }

    /// The service of that key.
    pub fn service(&self, key: &str) -> Option<&Service> {
        self.services.iter().find(|s| s.key == key)
    }

    /// Why somebody who leaves with these answers is no lead; `None`: they are one. Where nobody comes there is
    /// nothing to follow up, just as on the first step; a postal code that was not given says nothing.
    pub fn lets_go(&self, answers: &Answers) -> Option<WhyNot> {
        if !self.abandoned.scheduler_drop_off {
            return Some(WhyNot::SwitchedOff);
        }
        let code = &answers.postal_code;
        (!code.is_empty() && !self.serves(code)).then_some(WhyNot::OutOfArea)
    }

    /// Whether the business comes to that postal code (already normalised).
    pub fn serves(&self, postal_code: &str) -> bool {
        self.served.is_empty()
            || self.served.iter().any(|rule| match rule.strip_suffix('*') {
                Some(prefix) => postal_code.starts_with(prefix),
                None => postal_code == rule || postal_code.split('-').next() == Some(rule),
            })
    }
}

coded! {
    /// Whom a scheduler serves.
    Audience {
        /// Homes.
        Residential = "residential",
        /// Businesses and managed property.
        Commercial = "commercial",
    }
}

coded! {
    /// Setting *Save contact details*.
    SaveContact {
        /// When the visitor presses Continue on the contact step.
        OnContinue = "on_continue",
        /// Also when the visitor closes; the notice then stands above the fields.
        AlsoOnClose = "also_on_close",
    }
}

/// Something a visitor can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Stable word: letters, digits, hyphens.
    pub key: String,
    /// As visitors read it.
    pub title: String,
    /// One line below the title; may be empty.
    #[serde(default)]
    pub help: String,
    /// How long a visit takes, in minutes; kept for the office.
    #[serde(default)]
    pub minutes: u32,
    /// Asks visitors to call instead of waiting.
    #[serde(default)]
    pub emergency: bool,
    /// ServiceTitan's job type, when mapped.
    #[serde(default)]
    pub job_type_id: Option<i64>,
    /// ServiceTitan's business unit, when mapped.
    #[serde(default)]
    pub business_unit_id: Option<i64>,
}

/// A question of the business's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Stable word.
    pub key: String,
    /// As visitors read it; also the accessible name.
    pub label: String,
    /// How it is answered.
    pub kind: QuestionKind,
    /// Where it is asked.
    pub step: Step,
    /// Whether it must be answered.
    pub required: bool,
}

/// How a question is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// A line of text.
    Text,
    /// One of these.
    Choice(Vec<String>),
    /// Yes or no.
    YesNo,
}

/// An arrival window offered on every open day, in the business's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRule {
    /// The earliest arrival.
    pub from: Time,
    /// The latest arrival; later than `from`.
    pub to: Time,
    /// How many visits fit into it: seats 1 to `capacity`.
    pub capacity: u16,
}

/// Section *Abandoned Sessions*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AbandonedSessions {
    /// Toggle *Scheduler Drop-off*: whether leavers are captured at all.
    pub scheduler_drop_off: bool,
}

impl Default for AbandonedSessions {
    fn default() -> Self {
        Self {
            scheduler_drop_off: true,
        }
    }
}

/// Section *Sync to ServiceTitan*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncToServiceTitan {
    /// Dropdown *Send abandoned session to me in ST*.
    pub send: SendAfter,
    /// As what.
    pub send_as: SyncAs,
    /// ServiceTitan's campaign; a Lead in ST needs one.
    pub campaign_id: Option<i64>,
    /// ServiceTitan's call reason for Leads in ST, and for dismissing them.
    pub call_reason_id: Option<i64>,
}

impl Default for SyncToServiceTitan {
    fn default() -> Self {
        Self {
            send: SendAfter::CustomerCloses,
            send_as: SyncAs::Booking,
            campaign_id: None,
            call_reason_id: None,
        }
    }
}

coded! {
    /// What an abandoned session becomes in ServiceTitan.
    SyncAs {
        /// A Booking in ST (Calls > Bookings).
        Booking = "booking",
        /// A Lead in ST (Follow Up).
        Lead = "lead",
    }
}

/// Section *Follow-Up SMS*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FollowUpSms {
    /// Dropdown *Send message after*.
    pub send: SendAfter,
    /// The text, with `{business}`, `{name}`, `{service}` and `{link}`; empty: the start's own words.
    pub text: String,
    /// What the box says besides its label; empty: the standard wording.
    pub consent: String,
}

impl Default for FollowUpSms {
    fn default() -> Self {
        Self {
            send: SendAfter::CustomerCloses,
            text: String::new(),
            consent: String::new(),
        }
    }
}

coded! {
    /// When something follows a departure. ServiceTitan's dropdown offers the first four and *Never*;
    /// the longer ones belong to the text.
    SendAfter {
        /// *Customer closes scheduler*: as soon as the holds allow.
        CustomerCloses = "customer_closes",
        /// 5 minutes after.
        Minutes5 = "5_minutes",
        /// 15 minutes after.
        Minutes15 = "15_minutes",
        /// 30 minutes after.
        Minutes30 = "30_minutes",
        /// 1 hour after.
        Hour1 = "1_hour",
        /// 4 hours after.
        Hours4 = "4_hours",
        /// 24 hours after.
        Hours24 = "24_hours",
        /// *Never*.
        Never = "never",
    }
}

impl SendAfter {
    /// The choices of *Send abandoned session to me in ST*.
    pub const FOR_SYNC: &'static [Self] = &[
        Self::CustomerCloses,
        Self::Minutes5,
        Self::Minutes15,
        Self::Minutes30,
        Self::Hour1,
        Self::Never,
    ];
    /// The choices of *Send message after*.
    pub const FOR_TEXT: &'static [Self] = Self::ALL;

    /// How long after the departure; `None` is never.
    pub const fn delay(self) -> Option<SignedDuration> {
        Some(match self {
            Self::CustomerCloses => SignedDuration::ZERO,
            Self::Minutes5 => SignedDuration::from_mins(5),
            Self::Minutes15 => SignedDuration::from_mins(15),
            Self::Minutes30 => SignedDuration::from_mins(30),
            Self::Hour1 => SignedDuration::from_hours(1),
            Self::Hours4 => SignedDuration::from_hours(4),
            Self::Hours24 => SignedDuration::from_hours(24),
            Self::Never => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_comes_before_time_unless_the_business_turns_it_round() {
        let mut settings = SchedulerSettings::default();
        assert_eq!(settings.after(Step::Service), Some(Step::Contact));
        settings.time_before_contact = true;
        assert_eq!(settings.after(Step::Service), Some(Step::Time));
        assert_eq!(settings.before(Step::Contact), Some(Step::Time));
        assert_eq!(settings.after(Step::Review), None);
        assert_eq!(settings.before(Step::Service), None);
    }

    #[test]
    fn served_codes_are_exact_or_by_prefix() {
        let settings = SchedulerSettings {
            served: vec!["85004".into(), "850*".into()],
            ..Default::default()
        };
        assert!(
            settings.serves("85004") && settings.serves("85004-1234") && settings.serves("85099")
        );
        assert!(!settings.serves("86001"));
        assert!(SchedulerSettings::default().serves("anything"));
    }

    #[test]
    fn settings_written_by_an_older_version_still_read() {
        let settings: SchedulerSettings = serde_json::from_str(r#"{"horizon_days": 7}"#).unwrap();
        assert_eq!(settings.horizon_days, 7);
        assert!(settings.abandoned.scheduler_drop_off);
    }

    #[test]
    fn nobody_is_followed_to_where_nobody_comes() {
        let mut settings = SchedulerSettings {
            served: vec!["850*".into()],
            ..SchedulerSettings::default()
        };
        let from = |code: &str| Answers {
            postal_code: code.into(),
            ..Answers::default()
        };
        assert_eq!(settings.lets_go(&from("85004")), None);
        assert_eq!(settings.lets_go(&from("")), None);
        assert_eq!(settings.lets_go(&from("90210")), Some(WhyNot::OutOfArea));
        settings.abandoned.scheduler_drop_off = false;
        let why = settings.lets_go(&from("85004"));
        assert_eq!(why, Some(WhyNot::SwitchedOff));
    }
}
