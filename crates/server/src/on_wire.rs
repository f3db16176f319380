//! How long calls may still begin for something that was put on the wire. Whoever is stopped in between (a frozen
//! machine, a long wait for the pace) may have been taken for dead, and another looks after it by then: what has not
//! left must not leave any more.

use jiff::SignedDuration;
use ringback_domain::delivery::LEASE;

use crate::clock::{Clock, Moment};
use crate::outside::WRITE_WITHIN;

tokio::task_local! {
    static WIRE: Wire;
}

/// A claim whose calls are made.
#[derive(Clone, Debug)]
pub struct Wire {
    clock: Clock,
    since: Moment,
}

impl Wire {
    /// Since this moment, which the transaction that says so comes after.
    pub const fn new(clock: Clock, since: Moment) -> Self {
        Self { clock, since }
    }

    /// Whether a call that begins now is over before the lease is.
    pub fn may_begin(&self) -> bool {
        let left = LEASE - SignedDuration::try_from(WRITE_WITHIN).unwrap_or(LEASE);
        self.clock.moment().longest_since(self.since) < left
    }

    /// Makes calls: each asks [`may_begin`] before it goes out.
    pub async fn carry<T>(self, calls: impl Future<Output = T>) -> T {
        WIRE.scope(self, calls).await
    }
}

/// Whether the claim that this call is made for is ours long enough; true of a call that is made for none.
pub fn may_begin() -> bool {
    WIRE.try_with(Wire::may_begin).unwrap_or(true)
}
