//! How often somebody may try to sign in. A try counts when it begins, so that a crowd of guesses at once is no
//! more than as many in a row; one that was right is given back, so that a busy office behind one address is not
//! locked out by its own colleagues.
//!
//! It counts against the address it comes from, and against the email. Whoever fails often enough makes everybody
//! wait who tries that email, the person it belongs to among them; so a browser in which they have signed in
//! before (`known.rs`) has tries of its own for them, which no stranger can use up.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::error::Error;

/// Failures in a row from one address before it has to wait; then six a minute.
const PER_ADDRESS: u16 = 30;
/// Failures in a row for one email, from wherever; then one every 30 seconds. So for a known browser.
const PER_EMAIL: u16 = 8;
/// Addresses and emails remembered before the idle ones are forgotten.
const REMEMBERED: usize = 20_000;

/// Counts tries and says who has to wait.
pub struct Tries {
    clock: Clock,
    addresses: Limit<IpAddr>,
    accounts: Limit<Account>,
}

/// Whose tries these are, beside the address's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// Of anybody who names this email; the same for emails nobody has.
    Email(String),
    /// Of one browser in which the person has signed in before.
    Known(String),
}

/// A try that has been counted.
#[must_use = "a try that turns out to be right is given back"]
#[derive(Debug)]
pub struct Try {
    address: IpAddr,
    account: Account,
}

impl Tries {
    /// Nobody has failed yet.
    pub fn new(clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            addresses: Limit::new(PER_ADDRESS, SignedDuration::from_secs(10)),
            accounts: Limit::new(PER_EMAIL, SignedDuration::from_secs(30)),
        }
    }

    /// Somebody tries, if they may; asked before a password is looked at.
    pub fn begin(&self, address: IpAddr, account: Account) -> Result<Try, Error> {
        let (now, address) = (self.clock.now(), household(address));
        let begun = self.addresses.take(&address, now).and_then(|()| {
            let taken = self.accounts.take(&account, now);
            // Whoever waits for an email has not tried.
            taken.inspect_err(|_| self.addresses.give_back(&address))
        });
        match begun {
            Ok(()) => Ok(Try { address, account }),
            Err(until) => Err(Error::TooMany {
                retry_after: u64::try_from(until.duration_since(now).as_secs()).unwrap_or(0) + 1,
            }),
        }
    }

    /// It was right, or no password was looked at.
    pub fn give_back(&self, tried: &Try) {
        self.addresses.give_back(&tried.address);
        self.accounts.give_back(&tried.account);
    }
}

/// An IPv6 client has a whole network of addresses: it counts as one.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

/// So many at once, then one each time its pay is worked off. The limits of `governor` cannot give back.
struct Limit<K> {
    at_once: SignedDuration,
    each: SignedDuration,
    /// When the last try of each will be worked off.
    worked_off: Mutex<HashMap<K, Timestamp>>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(at_once: u16, each: SignedDuration) -> Self {
        Self {
            at_once: each * i32::from(at_once),
            each,
            worked_off: Mutex::default(),
        }
    }

    /// Takes one, or says when there will be one.
    fn take(&self, key: &K, now: Timestamp) -> Result<(), Timestamp> {
        let mut all = self
            .worked_off
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if all.len() > REMEMBERED {
            all.retain(|_, at| *at > now);
        }
        let then = all.get(key).copied().unwrap_or(now).max(now) + self.each;
        let from = then - self.at_once;
        if from > now {
            return Err(from);
        }
        all.insert(key.clone(), then);
        Ok(())
    }

    fn give_back(&self, key: &K) {
        let mut all = self
            .worked_off
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.get_mut(key) {
            *at -= self.each;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dana() -> Account {
        Account::Email("dana@copperline.example".into())
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    #[test]
    fn guessing_one_email_costs_waits_and_leaves_others_alone() {
        let clock = Clock::system();
        let tries = Tries::new(&clock);
        let sam = || Account::Email("sam@copperline.example".into());
        let begun = (0..20).filter(|n| tries.begin(address(*n), dana()).is_ok());
        assert_eq!(begun.count(), usize::from(PER_EMAIL));
        assert!(matches!(
            tries.begin(address(99), dana()),
            Err(Error::TooMany { retry_after: 1.. })
        ));
        assert!(tries.begin(address(99), sam()).is_ok());
        clock.advance(SignedDuration::from_secs(31));
        assert!(tries.begin(address(99), dana()).is_ok());
        assert!(tries.begin(address(99), dana()).is_err());
    }

    #[test]
    fn a_known_browser_does_not_wait_for_strangers_and_is_bounded_itself() {
        let tries = Tries::new(&Clock::system());
        let hers = || Account::Known("a cookie".into());
        while tries.begin(address(1), dana()).is_ok() {}
        for _ in 0..PER_EMAIL {
            assert!(tries.begin(address(2), hers()).is_ok());
        }
        assert!(tries.begin(address(2), hers()).is_err());
    }

    #[test]
    fn an_address_that_tries_many_emails_has_to_wait() {
        let tries = Tries::new(&Clock::system());
        let email = |n: u16| Account::Email(n.to_string());
        for n in 0..PER_ADDRESS {
            assert!(tries.begin(address(1), email(n)).is_ok());
        }
        assert!(tries.begin(address(1), email(99)).is_err());
        assert!(tries.begin(address(2), email(99)).is_ok());
    }

    #[test]
    fn a_busy_office_behind_one_address_is_not_locked_out() {
        let tries = Tries::new(&Clock::system());
        for _ in 0..100 {
            let right = tries.begin(address(1), dana()).unwrap();
            tries.give_back(&right);
        }
    }
}
