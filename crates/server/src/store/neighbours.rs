//! Hints between nodes: what has changed here is told to the other servers on the same PostgreSQL by NOTIFY,
//! after COMMIT, from a connection of its own (inside the writers' transactions it would make them queue for
//! one lock), and what they tell is told on here. Numbers of leads and nothing else of anybody. A hint at
//! most: one that is lost costs its listeners the time until they look by themselves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ::postgres::Client;
use ::postgres::fallible_iterator::FallibleIterator;
use ringback_domain::id::{BusinessId, LeadId};

use super::postgres::{Address, describe};
use super::{Hint, Shared, StoreError, spawn};
use crate::random;

/// The channel of all nodes of one database.
const CHANNEL: &str = "ringback";
/// Leads named in one message, which PostgreSQL bounds at 8,000 bytes; two numbers are 40 at the most.
const AT_ONCE: usize = 150;
/// How long a listener waits before it looks whether the store is closing; and the rest after a failure.
const LOOK_UP: Duration = Duration::from_millis(500);
const REST: Duration = Duration::from_secs(1);
/// Sent to oneself: the store is closing.
const END: &str = "end";

/// Starts the two threads: one tells, one listens. Neither failing is anybody's error.
pub(super) fn start(
    address: &Arc<Address>,
    shared: &Arc<Shared>,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let name: Arc<str> = random::token()[..16].into();
    let teller = Teller {
        address: Arc::clone(address),
        shared: Arc::clone(shared),
        name: Arc::clone(&name),
        client: None,
    };
    let listener = Listener {
        address: Arc::clone(address),
        shared: Arc::clone(shared),
        name,
    };
    Ok(vec![
        spawn("store-tell".into(), shared, move || teller.run())?,
        spawn("store-listen".into(), shared, move || listener.run())?,
    ])
}

struct Teller {
    address: Arc<Address>,
    shared: Arc<Shared>,
    name: Arc<str>,
    client: Option<Client>,
}

impl Teller {
    fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(first) = shared.for_others.next() {
            // What came while the last message was on its way goes in one.
            let waiting = std::iter::from_fn(|| shared.for_others.next_waiting());
            let leads: BTreeSet<_> = std::iter::once(first)
                .chain(waiting.take(AT_ONCE - 1))
                .collect();
            let words: Vec<_> = leads
                .iter()
                .map(|(business, lead)| format!("{business}:{lead}"))
                .collect();
            self.tell(&words.join(" "));
        }
        self.tell(END);
    }

    fn tell(&mut self, words: &str) {
        let message = format!("{} {words}", self.name);
        let told = self
            .connected()
            .and_then(|client| client.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &message]));
        if let Err(error) = told {
            tracing::debug!(error = describe(&error), "other servers were not told");
            self.client = None;
        }
    }

    fn connected(&mut self) -> Result<&mut Client, ::postgres::Error> {
        if self.client.is_none() {
            let mut client = self.address.connect()?;
            // A hint need not survive anything.
            client.batch_execute("SET synchronous_commit = off")?;
            self.client = Some(client);
        }
        Ok(self.client.as_mut().expect("connected above"))
    }
}

struct Listener {
    address: Arc<Address>,
    shared: Arc<Shared>,
    name: Arc<str>,
}

/// Why listening ended.
enum Ended {
    Closing,
    Failed(::postgres::Error),
}

impl Listener {
    fn run(self) {
        let mut first = true;
        while !self.shared.for_others.is_closed() {
            match self.listen(first) {
                Ended::Closing => return,
                Ended::Failed(error) => {
                    tracing::debug!(error = describe(&error), "other servers are not heard");
                    std::thread::sleep(REST);
                }
            }
            first = false;
        }
    }

    fn listen(&self, first: bool) -> Ended {
        let connected = self.address.connect().and_then(|mut client| {
            client.batch_execute(&format!("LISTEN {CHANNEL}"))?;
            Ok(client)
        });
        let mut client = match connected {
            Ok(client) => client,
            Err(error) => return Ended::Failed(error),
        };
        if !first {
            self.shared.hint_here(Hint::Missed);
        }
        loop {
            let heard = client.notifications().timeout_iter(LOOK_UP).next();
            match heard {
                Ok(Some(notification)) => {
                    if !self.hear(notification.payload()) {
                        return Ended::Closing;
                    }
                }
                Ok(None) if self.shared.for_others.is_closed() => return Ended::Closing,
                Ok(None) => {}
                Err(error) => return Ended::Failed(error),
            }
        }
    }

    /// Tells on what another node said. What a later version may say besides is passed over. False when it is
    /// our own last word.
    fn hear(&self, message: &str) -> bool {
        let Some((sender, words)) = message.split_once(' ') else {
            return true;
        };
        if sender == &*self.name {
            return words != END;
        }
        for word in words.split(' ') {
            if let Some(hint) = lead(word) {
                self.shared.hint_here(hint);
            }
        }
        true
    }
}

fn lead(word: &str) -> Option<Hint> {
    let (business, lead) = word.split_once(':')?;
    Some(Hint::Lead {
        business: BusinessId::new(business.parse().ok()?),
        lead: LeadId::new(lead.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_all_we_tell_at_once_fits() {
        let longest = format!(
            "{} {}",
            "x".repeat(16),
            format!("{0}:{0} ", i64::MAX).repeat(AT_ONCE)
        );
        assert!(longest.len() < 8_000, "{}", longest.len());
    }

    #[test]
    fn what_a_later_version_says_is_passed_over() {
        let known = Hint::Lead {
            business: BusinessId::new(1),
            lead: LeadId::new(23),
        };
        assert_eq!(lead("1:23"), Some(known));
        for word in ["", "again", "1:", "x:2", "1:2:3"] {
            assert_eq!(lead(word), None, "{word}");
        }
    }
}
