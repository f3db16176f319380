//! Places: which arrival windows can still be had. A place is one quarter of an hour of one seat (a visit
//! that can go on at the same time as others); the store keeps one row per taken place under a primary
//! key, so two visits can never overlap, whoever races. Here: what is offered, and which places a visit takes.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::business::{Business, OpeningHours};
use crate::departure::SaturatingAdd;
use crate::scheduler::{SchedulerSettings, WindowRule};
use crate::session::ChosenWindow;

/// Quarters of an hour since 1970 UTC.
pub type Quarter = i64;
/// A seat, from 1 to the window's capacity.
pub type Seat = i64;

const QUARTER_SECONDS: i64 = 15 * 60;

/// The windows of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// In the business's own calendar.
    pub date: Date,
    /// In the order of their start; never empty.
    pub windows: Vec<Offered>,
}

/// From and to on a clock on the wall.
pub type Hours = (Time, Time);

/// A window that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// When.
    pub window: ChosenWindow,
    /// The same as the business's clocks show it: from and to.
    pub hours: Hours,
    /// How many visits still fit.
    pub free: u16,
    /// How many fit when it is empty.
    pub capacity: u16,
}

/// The quarters a window covers, a begun quarter whole.
pub fn quarters(window: ChosenWindow) -> std::ops::Range<Quarter> {
    let first = window.start.as_second().div_euclid(QUARTER_SECONDS);
    let end = (window.end.as_second() + QUARTER_SECONDS - 1).div_euclid(QUARTER_SECONDS);
    first..end.max(first + 1)
}

/// All the time that offers may touch: what the store has to read.
pub fn span(settings: &SchedulerSettings, now: Timestamp) -> ChosenWindow {
    let days = i64::from(settings.horizon_days) + 2;
    ChosenWindow {
        start: now,
        end: now.saturating_add_duration(SignedDuration::from_hours(24 * days)),
    }
}

/// Which seats are taken when: visits at the same time together. Ten thousand appointments of a calendar are a few
/// hundred of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken(Vec<TakenSpan>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct TakenSpan {
    quarters: std::ops::Range<Quarter>,
    seats: Vec<Seat>,
}

/// No visit is longer (a day of clock changes).
const LONGEST: Quarter = 26 * 4;

impl Taken {
    /// Of windows, each with the seats that are taken.
    pub fn of(windows: impl IntoIterator<Item = (ChosenWindow, Vec<Seat>)>) -> Self {
        let spans = windows.into_iter().map(|(window, seats)| TakenSpan {
            quarters: quarters(window),
            seats,
        });
        let mut spans: Vec<_> = spans.collect();
        spans.sort_by_key(|span| span.quarters.start);
        Self(spans)
    }

    /// The seats that are free for the whole of a window, lowest first.
    pub fn free_seats(&self, window: ChosenWindow, capacity: u16) -> impl Iterator<Item = Seat> {
        let wanted = quarters(window);
        // Most windows have nothing taken: then nothing is kept.
        let mut taken = Vec::new();
        let first = self
            .0
            .partition_point(|span| span.quarters.start <= wanted.start - LONGEST);
        let near = self.0[first..]
            .iter()
            .take_while(|span| span.quarters.start < wanted.end);
        for span in near.filter(|span| span.quarters.end > wanted.start) {
            taken.resize(usize::from(capacity) + 1, false);
            for seat in &span.seats {
                let seat = usize::try_from(*seat).unwrap_or(usize::MAX);
                if let Some(taken) = taken.get_mut(seat) {
                    *taken = true;
                }
            }
        }
        (1..=capacity)
            .filter(move |seat| !taken.get(usize::from(*seat)).is_some_and(|taken| *taken))
            .map(Seat::from)
    }
}

/// Every window that can still be had, day by day: inside the opening hours in the business's own time,
/// later than the lead time, within the horizon, with a free seat. A window that a clock change swallows
/// is not offered; one that it stretches or shortens keeps the hours on the wall.
pub fn offers(
    business: &Business,
    settings: &SchedulerSettings,
    taken: &Taken,
    now: Timestamp,
) -> Vec<Day> {
    let zone = business.zone();
    let today = now.to_zoned_datetime(zone.clone()).date();
    let earliest = now.saturating_add_duration(SignedDuration::from_mins(i64::from(
        settings.lead_time_minutes,
    )));
    let rules = rules(settings);
    DayClock::from(today, &zone)
        .take(usize::from(settings.horizon_days) + 1)
        .filter_map(|clock| {
            let date = clock.date;
            let windows: Vec<Offered> = open_on(business, &rules, date)
                .filter_map(|rule| Some((rule, clock.window(rule)?)))
                .filter(|(_, window)| window.start >= earliest)
                .filter_map(|(rule, window)| {
                    let free = taken.free_seats(window, rule.capacity).count();
                    let free = u16::try_from(free).unwrap_or(u16::MAX);
                    (free > 0).then_some(Offered {
                        window,
                        hours: clock.shows(rule, window),
                        free,
                        capacity: rule.capacity,
                    })
                })
                .collect();
            (!windows.is_empty()).then_some(Day { date, windows })
        })
        .collect()
}

/// [`offers`], and of what: most visitors of a scheduler are offered the same.
#[derive(Clone, Debug)]
pub struct Calendar {
    days: Vec<Day>,
    time_zone: String,
    hours: OpeningHours,
    closed_days: Vec<Date>,
    windows: Vec<WindowRule>,
    lead_time_minutes: u32,
    horizon_days: u16,
    taken: Taken,
    /// Neither midnight nor a window's lead time lies between.
    holds: RangeInclusive<Timestamp>,
}

impl Calendar {
    /// What can be had at `now`.
    pub fn of(
        business: &Business,
        settings: &SchedulerSettings,
        taken: Taken,
        now: Timestamp,
    ) -> Self {
        let days = offers(business, settings, &taken, now);
        let lead_time = SignedDuration::from_mins(i64::from(settings.lead_time_minutes));
        let first = days.first().and_then(|day| day.windows.first());
        let first_goes = first.and_then(|first| first.window.start.checked_sub(lead_time).ok());
        let zone = business.zone();
        let tomorrow = now.to_zoned_datetime(zone).date().tomorrow();
        let midnight = tomorrow.and_then(|date| {
            business
                .zone()
                .to_timestamp(date.to_datetime(Time::midnight()))
        });
        // The last moment of this day, or none if nobody can say when it ends.
        let day_ends = midnight.map_or(now, |midnight| {
            midnight.saturating_add_duration(-SignedDuration::from_nanos(1))
        });
        Self {
            days,
            time_zone: business.time_zone.clone(),
            hours: business.details.hours.clone(),
            closed_days: business.details.closed_days.clone(),
            windows: settings.windows.clone(),
            lead_time_minutes: settings.lead_time_minutes,
            horizon_days: settings.horizon_days,
            taken,
            holds: now..=first_goes.map_or(day_ends, |first_goes| first_goes.min(day_ends)),
        }
    }

    /// Whether the same can be had at `now`, when this is taken.
    pub fn holds(
        &self,
        business: &Business,
        settings: &SchedulerSettings,
        taken: &Taken,
        now: Timestamp,
    ) -> bool {
        self.holds.contains(&now)
            && self.taken == *taken
            && self.time_zone == business.time_zone
            && self.hours == business.details.hours
            && self.closed_days == business.details.closed_days
            && self.windows == settings.windows
            && self.lead_time_minutes == settings.lead_time_minutes
            && self.horizon_days == settings.horizon_days
    }

    /// Day by day; empty when nothing can be had.
    pub fn days(&self) -> &[Day] {
        &self.days
    }
}

/// The capacity of a window if it is one that may be booked now; `None` for any other pair of instants.
/// A visitor's choice is checked with this, so that nobody books a window that was never offered.
pub fn capacity_of(
    business: &Business,
    settings: &SchedulerSettings,
    chosen: ChosenWindow,
    now: Timestamp,
) -> Option<u16> {
    let zone = business.zone();
    let date = chosen.start.to_zoned_datetime(zone.clone()).date();
    let last = now
        .to_zoned_datetime(zone.clone())
        .date()
        .checked_add(jiff::Span::new().days(i64::from(settings.horizon_days)))
        .ok()?;
    let earliest = now.saturating_add_duration(SignedDuration::from_mins(i64::from(
        settings.lead_time_minutes,
    )));
    if date > last || chosen.start < earliest {
        return None;
    }
    capacity(business, settings, chosen)
}

/// The capacity of a window, whenever it is; `None` when there is no such window (any more).
pub fn capacity(
    business: &Business,
    settings: &SchedulerSettings,
    window: ChosenWindow,
) -> Option<u16> {
    let zone = business.zone();
    let date = window.start.to_zoned_datetime(zone.clone()).date();
    let clock = DayClock::from(date, &zone).next()?;
    open_on(business, &rules(settings), date)
        .find(|rule| clock.window(*rule) == Some(window))
        .map(|rule| rule.capacity)
}

/// The three windows nearest to the one that was wanted, for somebody whose window has gone.
pub fn nearest(days: &[Day], wanted: ChosenWindow) -> Vec<Offered> {
    let mut all: Vec<Offered> = days
        .iter()
        .flat_map(|day| day.windows.iter().copied())
        .collect();
    all.sort_by_key(|offered| {
        (
            offered.window.start.duration_since(wanted.start).abs(),
            offered.window.start,
        )
    });
    all.truncate(3);
    all.sort_by_key(|offered| offered.window.start);
    all
}

/// The windows of an open day, in the order of their start.
fn rules(settings: &SchedulerSettings) -> Vec<WindowRule> {
    let whole = |rule: &&WindowRule| rule.from < rule.to && rule.capacity > 0;
    let mut rules: Vec<WindowRule> = settings.windows.iter().filter(whole).copied().collect();
    rules.sort_by_key(|rule| (rule.from, rule.to));
    rules
}

/// Those of them that lie within a day's opening hours.
fn open_on(
    business: &Business,
    rules: &[WindowRule],
    date: Date,
) -> impl Iterator<Item = WindowRule> {
    let details = &business.details;
    let open = details
        .hours
        .on(date.weekday())
        .filter(|_| !details.closed_days.contains(&date));
    rules
        .iter()
        .filter(move |rule| open.is_some_and(|open| rule.from >= open.from && rule.to <= open.to))
        .copied()
}

/// A day as a zone's clocks show it. Two days a year have a clock change; on all others one offset holds from
/// midnight to midnight, and a calendar asks for hundreds of times.
struct DayClock<'a> {
    date: Date,
    zone: &'a TimeZone,
    steady: Option<Offset>,
}

impl<'a> DayClock<'a> {
    /// Of this day and those after it.
    fn from(first: Date, zone: &'a TimeZone) -> impl Iterator<Item = Self> {
        // A midnight that a change swallows is nobody's.
        let offset_at = |date: Date| {
            let wall = date.to_datetime(Time::midnight());
            let midnight = zone.to_timestamp(wall).ok()?;
            Some(zone.to_offset(midnight)).filter(|offset| offset.to_datetime(midnight) == wall)
        };
        let mut begins = offset_at(first);
        first.series(jiff::Span::new().days(1)).map(move |date| {
            let ends = date.tomorrow().ok().and_then(offset_at);
            let steady = begins.filter(|_| begins == ends);
            begins = ends;
            Self { date, zone, steady }
        })
    }

    fn window(&self, rule: WindowRule) -> Option<ChosenWindow> {
        let at = |time: Time| {
            let wall = self.date.to_datetime(time);
            match self.steady {
                Some(offset) => offset.to_timestamp(wall).ok(),
                None => self.zone.to_timestamp(wall).ok(),
            }
        };
        let window = ChosenWindow {
            start: at(rule.from)?,
            end: at(rule.to)?,
        };
        (window.start < window.end).then_some(window)
    }

    /// What the clocks show at both ends: the rule's own hours, unless a change swallows one of them.
    fn shows(&self, rule: WindowRule, window: ChosenWindow) -> Hours {
        match self.steady {
            Some(_) => (rule.from, rule.to),
            None => {
                let shown = |at: Timestamp| self.zone.to_datetime(at).time();
                (shown(window.start), shown(window.end))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::{BusinessDetails, OpenSpan};
    use crate::id::BusinessId;
    use crate::region::Region;
    use jiff::civil::{DateTime, time};

    fn business(zone: &str) -> Business {
        let open = Some(OpenSpan {
            from: time(0, 0, 0, 0),
            to: time(20, 0, 0, 0),
        });
        Business {
            id: BusinessId::new(1),
            name: "Copperline Home Services".into(),
            region: Region::UnitedStates,
            time_zone: zone.into(),
            locale: "en".into(),
            phone: None,
            details: BusinessDetails {
                hours: OpeningHours { days: [open; 7] },
                ..BusinessDetails::default()
            },
            version: 1,
        }
    }

    #[test]
    fn whatever_the_day_a_window_is_where_its_zone_has_it() {
        let hours = [(0, 1), (0, 3), (1, 2), (2, 3), (2, 6), (8, 12), (20, 23)];
        for zone in [
            "America/Phoenix",
            "America/New_York",
            "America/Havana",
            "Asia/Beirut",
            "Australia/Lord_Howe",
            "Europe/London",
        ] {
            let zone = TimeZone::get(zone).unwrap();
            for clock in DayClock::from(jiff::civil::date(2021, 1, 1), &zone).take(6 * 365) {
                let date = clock.date;
                for (from, to) in hours {
                    let rule = WindowRule {
                        from: time(from, 0, 0, 0),
                        to: time(to, 0, 0, 0),
                        capacity: 1,
                    };
                    let at = |time| zone.to_timestamp(date.to_datetime(time)).unwrap();
                    let (start, end) = (at(rule.from), at(rule.to));
                    let window = Some(ChosenWindow { start, end }).filter(|_| start < end);
                    assert_eq!(clock.window(rule), window, "{date} {zone:?} {rule:?}");
                    let shown = |at| zone.to_datetime(at).time();
                    if let Some(window) = window {
                        assert_eq!(clock.shows(rule, window), (shown(start), shown(end)));
                    }
                }
            }
        }
    }

    fn settings() -> SchedulerSettings {
        SchedulerSettings {
            lead_time_minutes: 60,
            horizon_days: 2,
            ..SchedulerSettings::default()
        }
    }

    fn instant(civil: &str, zone: &str) -> Timestamp {
        civil
            .parse::<DateTime>()
            .unwrap()
            .to_zoned_datetime(TimeZone::get(zone).unwrap())
            .unwrap()
            .timestamp()
    }

    #[test]
    fn offers_the_windows_after_the_lead_time_within_the_horizon() {
        let zone = "America/Phoenix";
        let now = instant("2026-11-23 07:30", zone);
        let days = offers(&business(zone), &settings(), &Taken::default(), now);
        assert_eq!(days.len(), 3);
        // 8:00 is less than an hour away.
        assert_eq!(days[0].windows.len(), 1);
        assert_eq!(
            days[0].windows[0].window.start,
            instant("2026-11-23 12:00", zone)
        );
        assert_eq!(days[1].windows.len(), 2);
    }

    #[test]
    fn a_calendar_holds_exactly_as_long_as_it_says_what_can_be_had() {
        for zone in [
            "America/Phoenix",
            "America/New_York",
            "Asia/Beirut",
            "Australia/Lord_Howe",
        ] {
            let (business, settings) = (business(zone), settings());
            let first = instant("2026-03-07 00:00", zone);
            let (mut made, mut looked) = (0, 0);
            let mut calendar = Calendar::of(&business, &settings, Taken::default(), first);
            // A week and more of minutes, over a change of clocks or two.
            for minute in 0..60 * 24 * 30 {
                let now = first + SignedDuration::from_mins(minute);
                let none = Taken::default();
                if !calendar.holds(&business, &settings, &none, now) {
                    made += 1;
                    calendar = Calendar::of(&business, &settings, none, now);
                } else if minute % 13 == 0 || minute % 60 == 59 || minute % 60 == 0 {
                    looked += 1;
                    assert_eq!(
                        calendar.days(),
                        offers(&business, &settings, &none, now),
                        "{now}"
                    );
                }
            }
            // Two windows a day and midnight.
            assert!((80..=92).contains(&made), "{zone}: {made}");
            assert!(looked > 3_000);
        }
    }

    #[test]
    fn a_calendar_of_other_rules_or_places_does_not_hold() {
        let zone = "America/Phoenix";
        let now = instant("2026-11-23 07:30", zone);
        let (b, s, none) = (business(zone), settings(), Taken::default());
        let calendar = Calendar::of(&b, &s, none.clone(), now);
        assert!(calendar.holds(&b, &s, &none, now));
        let window = calendar.days()[0].windows[0].window;
        let taken = Taken::of([(window, vec![1])]);
        assert!(!calendar.holds(&b, &s, &taken, now));
        assert!(!calendar.holds(&b, &s, &none, now - SignedDuration::from_nanos(1)));
        assert!(!calendar.holds(&business("America/Denver"), &s, &none, now));
        let mut closed = b.clone();
        closed.details.closed_days = vec![jiff::civil::date(2026, 11, 24)];
        assert!(!calendar.holds(&closed, &s, &none, now));
        let mut shorter = b.clone();
        shorter.details.hours.days[1] = None;
        assert!(!calendar.holds(&shorter, &s, &none, now));
        for change in [
            (|s| s.horizon_days += 1) as fn(&mut SchedulerSettings),
            |s| s.lead_time_minutes += 1,
            |s| s.windows[0].capacity += 1,
        ] {
            let mut changed = s.clone();
            change(&mut changed);
            assert!(!calendar.holds(&b, &changed, &none, now));
        }
    }

    #[test]
    fn closed_days_and_hours_are_kept() {
        let zone = "America/Phoenix";
        let mut b = business(zone);
        b.details.hours = OpeningHours::weekdays(time(8, 0, 0, 0), time(15, 0, 0, 0));
        b.details.closed_days = vec![jiff::civil::date(2026, 11, 26)];
        let now = instant("2026-11-25 06:00", zone);
        let wide = SchedulerSettings {
            horizon_days: 5,
            ..settings()
        };
        let dates: Vec<_> = offers(&b, &wide, &Taken::default(), now)
            .iter()
            .map(|d| (d.date.day(), d.windows.len()))
            .collect();
        // Thursday the 26th is closed, 28 and 29 are the weekend, and 12-16 ends after closing time.
        assert_eq!(dates, [(25, 1), (27, 1), (30, 1)]);
    }

    #[test]
    fn a_window_is_gone_when_every_seat_is_taken_in_any_quarter_of_it() {
        let zone = "America/Phoenix";
        let now = instant("2026-11-23 07:30", zone);
        let noon = ChosenWindow {
            start: instant("2026-11-23 12:00", zone),
            end: instant("2026-11-23 16:00", zone),
        };
        let last_quarter = ChosenWindow {
            start: noon.end - SignedDuration::from_mins(15),
            ..noon
        };
        let b = business(zone);
        let taken = Taken::of([(last_quarter, vec![1])]);
        assert_eq!(offers(&b, &settings(), &taken, now)[0].windows[0].free, 1);
        // Another visit, longer and at the other seat: together they leave nothing of the window.
        let taken = Taken::of([(noon, vec![2]), (last_quarter, vec![1])]);
        let days = offers(&b, &settings(), &taken, now);
        assert_eq!(days[0].date.day(), 24);
        assert_eq!(
            nearest(&days, noon)[0].window.start,
            instant("2026-11-24 08:00", zone)
        );
    }

    #[test]
    fn seats_beyond_the_capacity_do_not_count() {
        let zone = "America/Phoenix";
        let window = ChosenWindow {
            start: instant("2026-11-23 12:00", zone),
            end: instant("2026-11-23 16:00", zone),
        };
        let after = ChosenWindow {
            start: window.end,
            end: window.end + SignedDuration::from_hours(4),
        };
        // All of the window after it is taken as well.
        let taken = Taken::of([
            (after, (1..=99).collect()),
            (window, (1..=61).collect()),
            (window, vec![63, 62, 64]),
        ]);
        let free = |capacity| taken.free_seats(window, capacity).collect::<Vec<Seat>>();
        assert!(free(61).is_empty() && free(64).is_empty());
        assert_eq!(free(66), vec![65, 66]);
        assert_eq!(Taken::default().free_seats(window, 2).count(), 2);
    }

    #[test]
    fn days_with_a_clock_change_keep_the_hours_on_the_wall() {
        let zone = "America/New_York";
        let b = business(zone);
        let mut s = settings();
        s.windows = vec![
            WindowRule {
                from: time(1, 0, 0, 0),
                to: time(4, 0, 0, 0),
                capacity: 1,
            },
            WindowRule {
                from: time(8, 0, 0, 0),
                to: time(12, 0, 0, 0),
                capacity: 1,
            },
        ];
        // 2026-03-08: 2:00 becomes 3:00. 2026-11-01: 2:00 becomes 1:00.
        for (day, hours) in [("2026-03-08", 2), ("2026-11-01", 4)] {
            let now = instant(&format!("{day} 00:00"), zone) - SignedDuration::from_hours(3);
            let days = offers(&b, &s, &Taken::default(), now);
            let that = days.iter().find(|d| d.date.to_string() == day).unwrap();
            let short = that.windows[0].window;
            assert_eq!(
                short.end.duration_since(short.start),
                SignedDuration::from_hours(hours)
            );
            let morning = that.windows[1].window;
            assert_eq!(morning.start, instant(&format!("{day} 08:00"), zone));
            assert_eq!(quarters(morning).count(), 16);
        }
    }

    #[test]
    fn only_a_window_that_was_offered_can_be_chosen() {
        let zone = "America/Phoenix";
        let now = instant("2026-11-23 07:30", zone);
        let b = business(zone);
        let good = ChosenWindow {
            start: instant("2026-11-24 08:00", zone),
            end: instant("2026-11-24 12:00", zone),
        };
        assert_eq!(capacity_of(&b, &settings(), good, now), Some(2));
        let shifted = ChosenWindow {
            start: instant("2026-11-24 09:00", zone),
            ..good
        };
        let too_far = ChosenWindow {
            start: instant("2026-11-27 08:00", zone),
            end: instant("2026-11-27 12:00", zone),
        };
        let too_soon = ChosenWindow {
            start: instant("2026-11-23 08:00", zone),
            end: instant("2026-11-23 12:00", zone),
        };
        for bad in [shifted, too_far, too_soon] {
            assert_eq!(capacity_of(&b, &settings(), bad, now), None);
        }
    }
}
