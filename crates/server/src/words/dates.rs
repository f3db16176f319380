//! Days and hours as people write them: the order and the clock are the region's, the words the
//! locale's.

use std::sync::PoisonError;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use ringback_domain::region::{DateOrder, HourClock, Region};

use super::{Value, Words};

/// Days kept of one locale: years of them.
const MOST_DAYS: usize = 2_000;

impl Words {
    /// `Mon, Nov 24` or `Mon 24 Nov`. Every calendar shows the same few days again and again: they are kept.
    pub fn day(&self, date: Date, region: Region) -> String {
        let order = region.date_order();
        let mut known = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(day) = known.get(&(date, order)) {
            return day.clone();
        }
        if known.len() >= MOST_DAYS {
            known.clear();
        }
        let day = self.day_in(date, order);
        known.insert((date, order), day.clone());
        day
    }

    fn day_in(&self, date: Date, order: DateOrder) -> String {
        let key = match order {
            DateOrder::MonthDay => "date-month-day",
            DateOrder::DayMonth => "date-day-month",
        };
        self.with(
            key,
            &[
                ("weekday", Value::from(self.weekday(date.weekday()))),
                (
                    "month",
                    Value::from(self.say(MONTHS[usize::from(date.month().unsigned_abs()) - 1])),
                ),
                ("day", Value::from(date.day())),
            ],
        )
    }

    /// `Mon`, for the head of a calendar.
    pub fn weekday(&self, weekday: Weekday) -> String {
        self.say(WEEKDAYS[usize::from(weekday.to_monday_zero_offset().unsigned_abs())])
    }

    /// `1:00 PM` or `13:00`.
    pub fn time(&self, time: Time, region: Region) -> String {
        self.on_the_clock(time, &format!("{:02}", time.minute()), region)
    }

    /// `1:00:07 PM` or `13:00:07`.
    pub fn time_to_the_second(&self, time: Time, region: Region) -> String {
        let rest = format!("{:02}:{:02}", time.minute(), time.second());
        self.on_the_clock(time, &rest, region)
    }

    /// The hour as the region counts it, with what stands after it.
    fn on_the_clock(&self, time: Time, rest: &str, region: Region) -> String {
        match region.hour_clock() {
            HourClock::Twelve => {
                let key = if time.hour() < 12 {
                    "time-before-noon"
                } else {
                    "time-after-noon"
                };
                let hour = match time.hour() % 12 {
                    0 => 12,
                    hour => hour,
                };
                self.with(key, &[("time", format!("{hour}:{rest}"))])
            }
            HourClock::TwentyFour => format!("{:02}:{rest}", time.hour()),
        }
    }

    /// `8:00 AM to 12:00 PM`, both in the same zone.
    pub fn hours(&self, from: Time, to: Time, region: Region) -> String {
        self.with(
            "time-span",
            &[
                ("from", self.time(from, region)),
                ("to", self.time(to, region)),
            ],
        )
    }

    /// An arrival window as the business's zone sees it: `Mon, Nov 24, 8:00 AM to 12:00 PM`.
    pub fn window(
        &self,
        start: Timestamp,
        end: Timestamp,
        zone: &TimeZone,
        region: Region,
    ) -> String {
        let (start, end) = (
            start.to_zoned_datetime(zone.clone()),
            end.to_zoned_datetime(zone.clone()),
        );
        let hours = self.hours(start.time(), end.time(), region);
        self.with(
            "date-and-time",
            &[("day", self.day(start.date(), region)), ("time", hours)],
        )
    }

    /// An instant as the business's zone sees it: `Mon, Nov 24, 1:00 PM`.
    pub fn moment(&self, at: Timestamp, zone: &TimeZone, region: Region) -> String {
        let at = at.to_zoned_datetime(zone.clone());
        let time = self.time(at.time(), region);
        self.with(
            "date-and-time",
            &[("day", self.day(at.date(), region)), ("time", time)],
        )
    }

    /// How long ago, for a row of a list: `now`, `5 min`, `3 h`, `2 d`.
    pub fn ago(&self, then: Timestamp, now: Timestamp) -> String {
        let minutes = (now.as_second() - then.as_second()).max(0) / 60;
        match minutes {
            0 => self.say("ago-now"),
            1..60 => self.with("ago-minutes", &[("count", minutes)]),
            60..1440 => self.with("ago-hours", &[("count", minutes / 60)]),
            _ => self.with("ago-days", &[("count", minutes / 1440)]),
        }
    }
}

const WEEKDAYS: [&str; 7] = [
    "weekday-mon",
    "weekday-tue",
    "weekday-wed",
    "weekday-thu",
    "weekday-fri",
    "weekday-sat",
    "weekday-sun",
];

const MONTHS: [&str; 12] = [
    "month-jan",
    "month-feb",
    "month-mar",
    "month-apr",
    "month-may",
    "month-jun",
    "month-jul",
    "month-aug",
    "month-sep",
    "month-oct",
    "month-nov",
    "month-dec",
];

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    #[test]
    fn dates_and_hours_read_as_the_region_writes_them() {
        let w = Words::of("en");
        let day = date(2026, 11, 24);
        assert_eq!(w.day(day, Region::UnitedStates), "Tue, Nov 24");
        assert_eq!(w.day(day, Region::UnitedKingdom), "Tue 24 Nov");
        assert_eq!(w.time(time(13, 0, 0, 0), Region::UnitedStates), "1:00 PM");
        assert_eq!(w.time(time(0, 5, 0, 0), Region::Australia), "12:05 AM");
        assert_eq!(w.time(time(12, 0, 0, 0), Region::Canada), "12:00 PM");
        assert_eq!(w.time(time(13, 0, 0, 0), Region::Ireland), "13:00");
        let seconds = time(14, 48, 39, 0);
        let (here, there) = (Region::UnitedStates, Region::Ireland);
        assert_eq!(w.time_to_the_second(seconds, here), "2:48:39 PM");
        assert_eq!(w.time_to_the_second(seconds, there), "14:48:39");
        assert_eq!(
            w.hours(time(8, 0, 0, 0), time(12, 0, 0, 0), Region::UnitedKingdom),
            "08:00 to 12:00"
        );
    }

    #[test]
    fn the_words_are_the_locales() {
        let w = Words::of("es");
        let day = date(2026, 11, 24);
        assert_eq!(w.day(day, Region::UnitedStates), "mar 24 de nov");
        assert_eq!(
            w.time(time(13, 0, 0, 0), Region::UnitedStates),
            "1:00 p. m."
        );
        assert_eq!(
            w.hours(time(8, 0, 0, 0), time(12, 0, 0, 0), Region::Other),
            "08:00 a 12:00"
        );
    }

    #[test]
    fn a_window_is_told_in_the_businesss_zone() {
        let zone = TimeZone::get("America/Phoenix").unwrap();
        let at = |hour| {
            date(2026, 11, 24)
                .at(hour, 0, 0, 0)
                .to_zoned_datetime(zone.clone())
                .unwrap()
                .timestamp()
        };
        let w = Words::of("en");
        assert_eq!(
            w.window(at(8), at(12), &zone, Region::UnitedStates),
            "Tue, Nov 24, 8:00 AM to 12:00 PM"
        );
        assert_eq!(
            w.moment(at(13), &zone, Region::UnitedStates),
            "Tue, Nov 24, 1:00 PM"
        );
    }

    #[test]
    fn a_row_says_how_long_ago() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ago = |seconds: i64| {
            Words::of("en").ago(Timestamp::from_second(1_000_000 - seconds).unwrap(), now)
        };
        assert_eq!(
            [
                ago(-5),
                ago(59),
                ago(60),
                ago(3_599),
                ago(7_200),
                ago(200_000)
            ],
            [
                "just now",
                "just now",
                "1 min ago",
                "59 min ago",
                "2 h ago",
                "2 d ago"
            ]
        );
    }
}
