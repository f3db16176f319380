//! The rules of texts: when one may go, and why it may not. One table per kind of text. Asked when the
//! lead is made (for what the inbox says) and again at the moment of sending (which decides).
//!
//! Sources: 8:00 to 21:00 at the called party's place, 47 CFR 64.1200(c)(1); one reminder per event within
//! 48 hours, carriers' rule for abandonment reminders (T-Mobile Code of Conduct as quoted by senders);
//! consent, opt-out and revocation, 47 CFR 64.1200(a)(10) and CTIA Messaging Principles.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::coded;
use crate::delivery::DeliveryKind;
use crate::departure::SaturatingAdd;

/// A follow-up goes within this time of the departure or not at all.
pub const SENDABLE_FOR: SignedDuration = SignedDuration::from_hours(48);
/// One text to a number in this time.
pub const ONE_PER: SignedDuration = SignedDuration::from_hours(24);
/// A link in a text opens its session this long.
pub const LINK_LIVES_FOR: SignedDuration = SignedDuration::from_hours(72);
/// The first minute of the day a text may arrive.
pub const EARLIEST: Time = Time::constant(8, 0, 0, 0);
/// From then on none may arrive.
pub const LATEST: Time = Time::constant(21, 0, 0, 0);
/// The last to go: from then on it waits for the morning. The carrier needs a moment, and who is given none drops it.
pub const LAST_GOES: Time = Time::constant(20, 59, 0, 0);
/// What the carrier has not passed on by then it drops: a text about somebody's visit is no news hours later.
pub const PASSED_ON_WITHIN: SignedDuration = SignedDuration::from_hours(4);

/// What is known of the person and the lead at this moment.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// Which text.
    pub kind: DeliveryKind,
    /// The box was ticked, and never unticked since.
    pub consented: bool,
    /// The number can get texts at all; else why not, as a sentence key.
    pub textable: Result<(), &'static str>,
    /// STOP was said to this business.
    pub opted_out: bool,
    /// They have booked.
    pub booked: bool,
    /// They are on the scheduler right now.
    pub back: bool,
    /// The lead was set aside or contacted by staff.
    pub staff_has_it: bool,
    /// This lead has had its text (sent, or its outcome unknown).
    pub already_texted: bool,
    /// The last text to this number by this business, of whatever lead.
    pub last_text_to_number: Option<Timestamp>,
    /// A sender is set up and its credentials work.
    pub sender_ready: bool,
    /// When they left.
    pub left_at: Timestamp,
    /// The business's zone.
    pub business_zone: TimeZone,
    /// The browser's zone, when it told us one we know.
    pub browser_zone: Option<TimeZone>,
}

impl Circumstances {
    /// What is said of it while it waits for its hour.
    pub fn planned(&self, now: Timestamp) -> TextNote {
        let until = self.left_at.saturating_add_duration(SENDABLE_FOR);
        TextNote::planned(&self.business_zone, self.browser_zone.as_ref(), now, until)
    }
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Now.
    Send {
        /// What the carrier still has after this must not arrive any more: it is night by then, or too late.
        within: SignedDuration,
    },
    /// Not before then: it is night there.
    NotBefore(Timestamp),
    /// No.
    Never(WhyNot),
}

coded! {
    /// Why no text goes. Each has its sentence in the locale files (`why-not-…`).
    WhyNot {
        /// *Send message after* is *Never*.
        SwitchedOff = "switched_off",
        /// No number was given.
        NoPhone = "no_phone",
        /// The box was not ticked.
        NoConsent = "no_consent",
        /// They said STOP.
        OptedOut = "opted_out",
        /// The number cannot get texts.
        NotTextable = "not_textable",
        /// They have booked.
        Booked = "booked",
        /// They asked for a place that the business does not serve.
        OutOfArea = "out_of_area",
        /// They are on the scheduler again.
        Back = "back",
        /// Staff contacted them or set the lead aside.
        StaffHasIt = "staff_has_it",
        /// This lead has had its text.
        AlreadyTexted = "already_texted",
        /// This number had one within 24 hours.
        RecentlyTexted = "recently_texted",
        /// No sender is set up.
        NoSender = "no_sender",
        /// 48 hours have passed.
        TooLate = "too_late",
        /// No permitted hour within 48 hours.
        NoHour = "no_hour",
    }
}

/// What the inbox says about the text of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TextNote {
    /// It goes then, if the rules still allow it.
    Planned {
        /// Microseconds since 1970 UTC.
        at: Timestamp,
        /// It waits for the morning.
        night: bool,
        /// Whose night it is, where it is theirs and not the business's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        there: Option<There>,
    },
    /// It does not go.
    Not {
        /// Why.
        why: WhyNot,
    },
    /// The carrier took it.
    Sent,
    /// The phone had it.
    Delivered,
    /// The carrier did not deliver it.
    Failed {
        /// What it said.
        said: String,
    },
    /// We cannot say.
    Unknown,
}

/// It is day at the business, and night where they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct There {
    /// The browser's zone: an IANA name.
    pub zone: String,
    /// When the text would have gone by the business's hours alone.
    pub at: Timestamp,
}

impl TextNote {
    /// What is said of a text that is due then and may go until `until`: the hours are asked as they are at the
    /// moment of sending.
    pub fn planned(
        business: &TimeZone,
        browser: Option<&TimeZone>,
        due_at: Timestamp,
        until: Timestamp,
    ) -> Self {
        let zones: Vec<&TimeZone> = std::iter::once(business).chain(browser).collect();
        let Some(at) = next_permitted(due_at, &zones, until) else {
            return Self::Not {
                why: WhyNot::NoHour,
            };
        };
        let day_here = next_permitted(due_at, &[business], until);
        let there = browser.zip(day_here).and_then(|(zone, day)| {
            opens_later(day, zone)?;
            let zone = zone.iana_name()?.to_owned();
            Some(There { zone, at: day })
        });
        Self::Planned {
            at,
            night: at > due_at,
            there,
        }
    }
}

/// The rule table. The order is the order people would give the reasons in.
pub fn rule(c: &Circumstances, now: Timestamp) -> Ruling {
    use WhyNot::{
        AlreadyTexted, Back, Booked, NoConsent, NoHour, NoSender, NotTextable, OptedOut,
        RecentlyTexted, StaffHasIt, TooLate,
    };
    // Staff asking for a link by hand have spoken to the person. What is the carrier's or the law's still holds, and
    // that a lead gets one text.
    let by_hand = c.kind == DeliveryKind::TextLink;
    let checks = [
        (c.booked, Booked),
        (c.opted_out, OptedOut),
        (!c.consented, NoConsent),
        (c.textable.is_err(), NotTextable),
        (c.already_texted, AlreadyTexted),
        (c.staff_has_it && !by_hand, StaffHasIt),
        (c.back, Back),
        (
            c.last_text_to_number
                .is_some_and(|at| now.duration_since(at) < ONE_PER),
            RecentlyTexted,
        ),
        (!c.sender_ready, NoSender),
        (now.duration_since(c.left_at) >= SENDABLE_FOR, TooLate),
    ];
    if let Some((_, why)) = checks.into_iter().find(|(holds, _)| *holds) {
        return Ruling::Never(why);
    }
    let zones: Vec<&TimeZone> = std::iter::once(&c.business_zone)
        .chain(&c.browser_zone)
        .collect();
    let until = c.left_at.saturating_add_duration(SENDABLE_FOR);
    match next_permitted(now, &zones, until) {
        Some(at) if at <= now => {
            let night = zones.iter().filter_map(|zone| closes(now, zone)).min();
            let end = night.map_or(until, |night| night.min(until));
            let within = end.duration_since(now).min(PASSED_ON_WITHIN);
            Ruling::Send { within }
        }
        Some(at) => Ruling::NotBefore(at),
        None => Ruling::Never(NoHour),
    }
}

/// The first instant from `now`, before `until`, at which a text may go in every zone: between 8:00 and shortly
/// before 21:00.
pub fn next_permitted(now: Timestamp, zones: &[&TimeZone], until: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    // Each round moves to the next opening of some zone; two days hold at most a few of them.
    for _ in 0..24 {
        if at >= until {
            return None;
        }
        match zones.iter().filter_map(|zone| opens_later(at, zone)).max() {
            None => return Some(at),
            Some(next) => at = next,
        }
    }
    None
}

/// When texts are next permitted in this zone; `None` when they are now.
fn opens_later(at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let local = at.to_zoned_datetime(zone.clone());
    let day = if local.time() < EARLIEST {
        local.date()
    } else if local.time() >= LAST_GOES {
        local.date().tomorrow().ok()?
    } else {
        return None;
    };
    Some(
        day.to_datetime(EARLIEST)
            .to_zoned_datetime(zone.clone())
            .ok()?
            .timestamp(),
    )
}

/// The end of this day's hours in this zone.
fn closes(at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let day = at.to_zoned_datetime(zone.clone()).date();
    let night = day.to_datetime(LATEST).to_zoned_datetime(zone.clone());
    Some(night.ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phoenix(civil: &str) -> Timestamp {
        let civil: jiff::civil::DateTime = civil.parse().unwrap();
        civil
            .to_zoned_datetime(TimeZone::get("America/Phoenix").unwrap())
            .unwrap()
            .timestamp()
    }

    fn fine(now: Timestamp) -> Circumstances {
        Circumstances {
            kind: DeliveryKind::TextFollowUp,
            consented: true,
            textable: Ok(()),
            opted_out: false,
            booked: false,
            back: false,
            staff_has_it: false,
            already_texted: false,
            last_text_to_number: None,
            sender_ready: true,
            left_at: now,
            business_zone: TimeZone::get("America/Phoenix").unwrap(),
            browser_zone: None,
        }
    }

    /// It goes now, and the carrier may go on trying until then.
    fn goes_until(c: &Circumstances, now: Timestamp, until: &str) {
        let within = phoenix(until).duration_since(now);
        assert_eq!(rule(c, now), Ruling::Send { within });
    }

    #[test]
    fn by_day_with_a_ticked_box_it_goes() {
        let now = phoenix("2026-11-23 10:00");
        goes_until(&fine(now), now, "2026-11-23 14:00");
    }

    #[test]
    fn the_carrier_does_not_try_into_the_night_of_either_zone() {
        let at = |hour: &str| phoenix(&format!("2026-11-23 {hour}"));
        goes_until(&fine(at("16:59")), at("16:59"), "2026-11-23 20:59");
        goes_until(&fine(at("17:01")), at("17:01"), "2026-11-23 21:00");
        goes_until(&fine(at("20:55")), at("20:55"), "2026-11-23 21:00");
        goes_until(&fine(at("20:58:59")), at("20:58:59"), "2026-11-23 21:00");
        // In the last minute it waits: nobody's carrier is that quick.
        let morning = phoenix("2026-11-24 08:00");
        let last = at("20:59");
        assert_eq!(rule(&fine(last), last), Ruling::NotBefore(morning));

        let mut east = fine(at("18:30"));
        east.browser_zone = Some(TimeZone::get("America/New_York").unwrap()); // 20:30 there
        goes_until(&east, at("18:30"), "2026-11-23 19:00");
        let mut west = fine(at("20:30"));
        west.browser_zone = Some(TimeZone::get("Pacific/Honolulu").unwrap()); // 17:30 there
        goes_until(&west, at("20:30"), "2026-11-23 21:00");

        // Nor past the two days it may take altogether.
        let old = fine(phoenix("2026-11-21 10:30"));
        goes_until(&old, at("10:00"), "2026-11-23 10:30");
    }

    #[test]
    fn at_night_it_waits_for_eight_in_the_morning() {
        let now = phoenix("2026-11-23 21:00");
        assert_eq!(
            rule(&fine(now), now),
            Ruling::NotBefore(phoenix("2026-11-24 08:00"))
        );
        let early = phoenix("2026-11-23 03:00");
        assert_eq!(
            rule(&fine(early), early),
            Ruling::NotBefore(phoenix("2026-11-23 08:00"))
        );
    }

    #[test]
    fn it_must_be_day_in_the_browsers_zone_too() {
        let now = phoenix("2026-11-23 19:30"); // 21:30 in New York
        let mut c = fine(now);
        c.browser_zone = Some(TimeZone::get("America/New_York").unwrap());
        // 8:00 in New York is 6:00 in Phoenix: the later opening decides.
        assert_eq!(
            rule(&c, now),
            Ruling::NotBefore(phoenix("2026-11-24 08:00"))
        );
    }

    #[test]
    fn what_is_said_beforehand_is_what_the_hours_will_say() {
        let zone = |name: &str| TimeZone::get(name).unwrap();
        let (here, until) = (zone("America/Los_Angeles"), SENDABLE_FOR);
        let at = |civil: &str| {
            let civil: jiff::civil::DateTime = civil.parse().unwrap();
            civil.to_zoned_datetime(here.clone()).unwrap().timestamp()
        };
        let said = |browser: &str, due: &str| {
            let browser = Some(zone(browser));
            TextNote::planned(&here, browser.as_ref(), at(due), at(due) + until)
        };
        let planned = |when: &str, night, there: Option<(&str, &str)>| TextNote::Planned {
            at: at(when),
            night,
            there: there.map(|(zone, day)| There {
                zone: zone.into(),
                at: at(day),
            }),
        };
        let (day, evening) = ("2026-11-23 14:47", "2026-11-23 22:00");
        assert_eq!(said("America/Los_Angeles", day), planned(day, false, None));
        // 22:47 in UTC; its morning is the night here.
        assert_eq!(
            said("UTC", day),
            planned("2026-11-24 08:00", true, Some(("UTC", day)))
        );
        // Night here, and day there by the time it is day here.
        assert_eq!(
            said("UTC", evening),
            planned("2026-11-24 08:00", true, None)
        );
        // Night here, and still night there when it is day here.
        assert_eq!(
            said("Pacific/Auckland", evening),
            planned(
                "2026-11-24 11:00",
                true,
                Some(("Pacific/Auckland", "2026-11-24 08:00"))
            )
        );
        let gone = TextNote::planned(&here, None, at(evening), at("2026-11-24 07:00"));
        assert_eq!(
            gone,
            TextNote::Not {
                why: WhyNot::NoHour
            }
        );
    }

    #[test]
    fn two_zones_without_a_common_hour_get_no_text() {
        let now = phoenix("2026-11-23 10:00");
        let mut c = fine(now);
        c.browser_zone = Some(TimeZone::fixed(jiff::tz::offset(7))); // 14 hours ahead: 8:00 there is 18:00 here
        assert_eq!(
            rule(&c, now),
            Ruling::NotBefore(phoenix("2026-11-23 18:00"))
        );
        c.business_zone = TimeZone::fixed(jiff::tz::offset(0));
        c.browser_zone = Some(TimeZone::fixed(jiff::tz::offset(12)));
        assert!(matches!(rule(&c, now), Ruling::NotBefore(_)));
    }

    #[test]
    fn every_reason_has_its_turn() {
        let now = phoenix("2026-11-23 10:00");
        type Change = fn(&mut Circumstances);
        let cases: [(Change, WhyNot); 9] = [
            (|c| c.booked = true, WhyNot::Booked),
            (|c| c.opted_out = true, WhyNot::OptedOut),
            (|c| c.consented = false, WhyNot::NoConsent),
            (|c| c.textable = Err("phone-toll-free"), WhyNot::NotTextable),
            (|c| c.already_texted = true, WhyNot::AlreadyTexted),
            (|c| c.staff_has_it = true, WhyNot::StaffHasIt),
            (|c| c.back = true, WhyNot::Back),
            (
                |c| c.last_text_to_number = Some(phoenix("2026-11-22 10:01")),
                WhyNot::RecentlyTexted,
            ),
            (|c| c.sender_ready = false, WhyNot::NoSender),
        ];
        for (change, why) in cases {
            let mut c = fine(now);
            change(&mut c);
            assert_eq!(rule(&c, now), Ruling::Never(why));
        }
    }

    #[test]
    fn after_two_days_it_is_too_late_and_a_day_old_text_frees_the_number() {
        let now = phoenix("2026-11-23 10:00");
        let mut c = fine(phoenix("2026-11-21 10:00"));
        assert_eq!(rule(&c, now), Ruling::Never(WhyNot::TooLate));
        c = fine(now);
        c.last_text_to_number = Some(phoenix("2026-11-22 10:00"));
        assert!(matches!(rule(&c, now), Ruling::Send { .. }));
    }

    #[test]
    fn staff_may_send_a_link_to_a_lead_they_have_contacted_but_no_second_text_and_none_after_a_stop()
     {
        let now = phoenix("2026-11-23 10:00");
        let c = Circumstances {
            kind: DeliveryKind::TextLink,
            staff_has_it: true,
            ..fine(now)
        };
        assert!(matches!(rule(&c, now), Ruling::Send { .. }));
        let texted = Circumstances {
            already_texted: true,
            ..c.clone()
        };
        assert_eq!(rule(&texted, now), Ruling::Never(WhyNot::AlreadyTexted));
        let stopped = Circumstances {
            opted_out: true,
            ..c
        };
        assert_eq!(rule(&stopped, now), Ruling::Never(WhyNot::OptedOut));
    }
}
