//! The sandbox's own clock: the machine's time plus an offset that tests and people move. Tokens end,
//! rates are counted and records are dated by it. Pauses between status callbacks are real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A clock that can be moved forward; copies share the offset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    ahead_us: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's time plus the offset, cut to milliseconds as the records show it.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.to_the_microsecond();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The same for what is measured: the moment of a call.
    pub(crate) fn to_the_microsecond(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place of this crate that reads the machine's clock"
        )]
        let machine = Timestamp::now();
        let ahead = SignedDuration::from_micros(self.ahead_us.load(Ordering::SeqCst));
        let now = machine.checked_add(ahead).unwrap_or(Timestamp::MAX);
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Moves the clock. The whole offset is held to a century either way.
    pub(crate) fn advance(&self, by: SignedDuration) {
        const CENTURY_US: i64 = 100 * 366 * 86_400 * 1_000_000;
        let by = i64::try_from(by.as_micros()).unwrap_or(CENTURY_US);
        let moved = self.ahead_us.load(Ordering::SeqCst).saturating_add(by);
        self.ahead_us
            .store(moved.clamp(-CENTURY_US, CENTURY_US), Ordering::SeqCst);
    }
}
