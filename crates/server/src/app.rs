//! What every handler and every duty shares.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::watch;

use crate::capture::Lines;
use crate::clock::Clock;
use crate::config::Config;
use crate::office::Office;
use crate::outbox::Outbox;
use crate::outside;
use crate::store::Store;
use crate::store::page::Owner;
use crate::vault::Vault;

/// The running product. Clones are the same one.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What it is made of.
pub struct Inner {
    /// The rows.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// What was configured.
    pub config: Config,
    /// This server's name and its present life: who holds a presence line or a claim.
    pub owner: Owner,
    /// The presence lines open on this server.
    pub lines: Lines,
    /// What the office keeps in memory.
    pub office: Office,
    /// For calls to outside systems: no redirects, no retries, timeouts.
    pub calls: reqwest::Client,
    /// Seals and opens the secrets of outside systems.
    pub vault: Vault,
    /// What is on its way to outside systems.
    pub outbox: Outbox,
    draining: watch::Sender<bool>,
}

impl App {
    /// Puts the product together around an open store.
    pub fn new(config: Config, store: Store, clock: Clock, owner: Owner, vault: Vault) -> Self {
        let office = Office::new(&clock);
        Self(Arc::new(Inner {
            store,
            clock,
            config,
            owner,
            lines: Lines::default(),
            office,
            calls: outside::client(),
            vault,
            outbox: Outbox::default(),
            draining: watch::Sender::new(false),
        }))
    }

    /// Tells open pages and streams to move, and duties to end.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Whether the server drains.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Ends when the server begins to drain.
    pub async fn drained(&self) {
        let mut draining = self.draining.subscribe();
        // The sender lives in `self`: waiting cannot fail while we are borrowed.
        let _ = draining.wait_for(|draining| *draining).await;
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
