//! How often somebody may try to sign in: by address and by email. Only failures count, so that a busy
//! office behind one address is not locked out by its own colleagues.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::error::Error;

/// Failures in a row from one address before it has to wait; then six a minute.
const PER_ADDRESS: u32 = 30;
/// Failures in a row for one email, from wherever; then one every 30 seconds.
const PER_EMAIL: u32 = 8;
/// Addresses and emails remembered before the idle ones are forgotten.
const REMEMBERED: usize = 20_000;

/// Counts failures and says who has to wait.
pub struct Tries {
    clock: Clock,
    addresses: Limit<IpAddr>,
    emails: Limit<String>,
}

impl Tries {
    /// Nobody has failed yet.
    pub fn new(clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            addresses: Limit::new(clock, PER_ADDRESS, Duration::from_secs(10)),
            emails: Limit::new(clock, PER_EMAIL, Duration::from_secs(30)),
        }
    }

    /// Whether somebody may try now; asked before any work is done. The same for emails nobody has.
    pub fn may_try(&self, address: IpAddr, email: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let until = self
            .addresses
            .waits(&household(address), now)
            .max(self.emails.waits(&email.to_owned(), now));
        match until {
            None => Ok(()),
            Some(until) => Err(Error::TooMany {
                retry_after: u64::try_from(until.duration_since(now).as_secs()).unwrap_or(0) + 1,
            }),
        }
    }

    /// They failed.
    pub fn failed(&self, address: IpAddr, email: &str) {
        let now = self.clock.now();
        self.addresses.count(household(address), now);
        self.emails.count(email.to_owned(), now);
    }
}

/// An IPv6 client has a whole network of addresses: it counts as one.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

struct Limit<K: Hash + Eq + Clone> {
    failures: RateLimiter<K, HashMapStateStore<K>, OurClock, NoOpMiddleware<Nanos>>,
    waiting: Mutex<HashMap<K, Timestamp>>,
    refill: Duration,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(clock: &Clock, burst: u32, refill: Duration) -> Self {
        let quota = Quota::with_period(refill)
            .expect("a refill of some seconds")
            .allow_burst(NonZeroU32::new(burst).expect("a burst of some"));
        Self {
            failures: RateLimiter::hashmap_with_clock(quota, OurClock(clock.clone())),
            waiting: Mutex::default(),
            refill,
        }
    }

    fn waits(&self, key: &K, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get(key).copied().filter(|until| *until > now)
    }

    /// The failure that empties the allowance, and every one after it, costs a wait.
    fn count(&self, key: K, now: Timestamp) {
        if self.failures.len() > REMEMBERED {
            self.failures.retain_recent();
        }
        if self.failures.check_key(&key).is_ok() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() > REMEMBERED {
            waiting.retain(|_, until| *until > now);
        }
        let refill = SignedDuration::try_from(self.refill).expect("some seconds");
        waiting.insert(key, now + refill);
    }
}

/// The server's clock as governor reads it, so that tests can move it.
#[derive(Clone, Debug)]
struct OurClock(Clock);

impl governor::clock::Clock for OurClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = u64::try_from(self.0.now().as_microsecond()).unwrap_or(0);
        Nanos::new(micros.saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_one_email_costs_waits_and_leaves_others_alone() {
        let clock = Clock::system();
        let tries = Tries::new(&clock);
        let address = |n| IpAddr::from([192, 0, 2, n]);
        for n in 0..20 {
            tries.failed(address(n), "dana@copperline.example");
        }
        assert!(matches!(
            tries.may_try(address(99), "dana@copperline.example"),
            Err(Error::TooMany { retry_after: 1.. })
        ));
        assert!(tries.may_try(address(99), "sam@copperline.example").is_ok());
        clock.advance(SignedDuration::from_secs(31));
        assert!(
            tries
                .may_try(address(99), "dana@copperline.example")
                .is_ok()
        );
    }

    #[test]
    fn an_address_that_tries_many_emails_has_to_wait() {
        let clock = Clock::system();
        let tries = Tries::new(&clock);
        let address = IpAddr::from([192, 0, 2, 1]);
        for n in 0..=PER_ADDRESS {
            assert!(tries.may_try(address, &n.to_string()).is_ok());
            tries.failed(address, &n.to_string());
        }
        assert!(tries.may_try(address, "another").is_err());
        assert!(
            tries
                .may_try(IpAddr::from([192, 0, 2, 2]), "another")
                .is_ok()
        );
    }
}
