//! The one place that reads the clock. Rules take `now` as an argument; whoever calls them asks a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The time of day, in whole microseconds of UTC (what the store keeps). Clones share one offset, so that
/// a test moves the time of everything it has started.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    moved_us: Arc<AtomicI64>,
    jumped_us: Arc<AtomicI64>,
}

/// A moment by the monotonic clock, which no jump of the other one touches.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    at: Instant,
    time_of_day: Timestamp,
    moved_us: i64,
}

impl Moment {
    /// The time that passed since `earlier`; none when it is the later one.
    pub fn since(self, earlier: Self) -> SignedDuration {
        SignedDuration::try_from(self.at.saturating_duration_since(earlier.at))
            .unwrap_or(SignedDuration::MAX)
    }

    /// The most that can have passed since `earlier`. While a machine sleeps or is frozen, its monotonic clock may stand
    /// still; the time of day is set right when it wakes, so whichever says more holds. What the clock was moved on
    /// purpose does not count.
    pub fn longest_since(self, earlier: Self) -> SignedDuration {
        let moved = SignedDuration::from_micros(self.moved_us_since(earlier));
        let by_day = self.time_of_day.duration_since(earlier.time_of_day);
        self.since(earlier).max(by_day.saturating_sub(moved))
    }

    #[cfg(test)]
    pub(crate) fn after(mut self, passed: std::time::Duration) -> Self {
        self.at += passed;
        self
    }

    /// How far the clock was moved on purpose since `earlier`, in microseconds.
    pub fn moved_us_since(self, earlier: Self) -> i64 {
        self.moved_us.saturating_sub(earlier.moved_us)
    }
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// This moment, to measure by what really passes.
    pub fn moment(&self) -> Moment {
        Moment {
            at: Instant::now(),
            time_of_day: self.now(),
            moved_us: self.moved_us.load(Ordering::SeqCst),
        }
    }

    /// Now, truncated to microseconds, moved by whatever [`Clock::advance`] has added up.
    pub fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the clock"
        )]
        let machine = Timestamp::now();
        at_microsecond(machine.as_microsecond().saturating_add(self.offset_us()))
    }

    /// Moves this clock and all its clones; back, too, when `by` is negative. For tests and the demo.
    pub fn advance(&self, by: SignedDuration) {
        self.moved_us.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// What [`Clock::advance`] does on purpose, as an accident of the machine: nobody is told. For tests.
    pub fn machine_jumps(&self, by: SignedDuration) {
        self.jumped_us.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// How far this clock has been moved, in microseconds. Zero outside tests and the demo.
    pub fn offset_us(&self) -> i64 {
        let moved = self.moved_us.load(Ordering::SeqCst);
        moved.saturating_add(self.jumped_us.load(Ordering::SeqCst))
    }
}

fn micros(by: SignedDuration) -> i64 {
    i64::try_from(by.as_micros()).unwrap_or(if by.is_negative() { i64::MIN } else { i64::MAX })
}

/// The instant `micros` microseconds after 1970 UTC; the nearest there is when that is out of range.
pub(crate) fn at_microsecond(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together_and_keep_whole_microseconds() {
        let clock = Clock::system();
        let other = clock.clone();
        let before = other.now();
        clock.advance(SignedDuration::from_hours(24));
        let after = other.now();
        assert!(after.duration_since(before) >= SignedDuration::from_hours(24));
        assert!(after.duration_since(before) < SignedDuration::from_hours(25));
        assert_eq!(after.as_nanosecond() % 1_000, 0);
        assert_eq!(clock.offset_us(), 24 * 3_600 * 1_000_000);
    }

    #[test]
    fn what_a_machine_slept_has_passed_and_what_was_moved_on_purpose_has_not() {
        let clock = Clock::system();
        let before = clock.moment();
        let passed = || clock.moment().longest_since(before);
        clock.advance(SignedDuration::from_hours(1));
        assert!(passed() < SignedDuration::from_mins(1));
        clock.machine_jumps(SignedDuration::from_hours(2));
        assert!(passed() >= SignedDuration::from_hours(2));
        clock.machine_jumps(SignedDuration::from_hours(-9));
        assert!(passed() >= SignedDuration::ZERO);
    }

    #[test]
    fn out_of_range_is_clamped_instead_of_a_panic() {
        assert_eq!(at_microsecond(i64::MAX), Timestamp::MAX);
        assert_eq!(at_microsecond(i64::MIN), Timestamp::MIN);
        let clock = Clock::system();
        clock.advance(SignedDuration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
