//! What every handler and every duty shares.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::capture::Lines;
use crate::clock::Clock;
use crate::config::Config;
use crate::jump::Watch;
use crate::office::Office;
use crate::outbox::Outbox;
use crate::outside;
use crate::pruner::Pace;
use crate::scheduler::Calendars;
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
    /// The presence lines open on this server.
    pub lines: Lines,
    /// Notices when the store's clock jumps.
    pub watch: Watch,
    /// How far what deletes may have come.
    pub pace: Pace,
    /// What the office keeps in memory.
    pub office: Office,
    /// What was last offered to visitors.
    pub calendars: Calendars,
    /// For calls to outside systems: no redirects, no retries, timeouts.
    pub calls: reqwest::Client,
    /// Seals and opens the secrets of outside systems.
    pub vault: Vault,
    /// What is on its way to outside systems.
    pub outbox: Outbox,
    standing: watch::Sender<Standing>,
}

/// How this server stands among the others.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its name and its present life: who holds a presence line or a claim.
    pub owner: Owner,
    /// Whether it is on its way out.
    pub course: Course,
}

/// A server's way out, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// It serves.
    Serving,
    /// It still serves, but says that it is not ready, so that whoever spreads visitors sends no more.
    Leaving,
    /// It takes nothing new. Pages are told to move and have so long to stand elsewhere.
    Draining {
        /// How long a told page's line is still listened to.
        lines_for: Duration,
    },
    /// Nothing is under way any more.
    Ended,
}

impl App {
    /// Puts the product together around an open store.
    pub fn new(config: Config, store: Store, clock: Clock, owner: Owner, vault: Vault) -> Self {
        let office = Office::new(&clock);
        Self(Arc::new(Inner {
            store,
            clock,
            config,
            lines: Lines::default(),
            watch: Watch::default(),
            pace: Pace::default(),
            office,
            calendars: Calendars::default(),
            calls: outside::client(),
            vault,
            outbox: Outbox::default(),
            standing: watch::Sender::new(Standing {
                owner,
                course: Course::Serving,
            }),
        }))
    }

    /// This server's name and its present life.
    pub fn owner(&self) -> Owner {
        self.standing.borrow().owner.clone()
    }

    /// Another life begins; the lines of the former one have to be attached anew.
    pub fn begin_life(&self, owner: Owner) {
        self.standing.send_modify(|standing| standing.owner = owner);
    }

    /// Goes on to this step of the way out; never back.
    pub fn go(&self, course: Course) {
        self.standing
            .send_modify(|standing| standing.course = standing.course.max(course));
    }

    /// Whether the server is on its way out, though it may still serve.
    pub fn is_leaving(&self) -> bool {
        self.standing.borrow().course >= Course::Leaving
    }

    /// Ends when the server begins to drain: open streams move, duties end.
    pub async fn drained(&self) {
        self.until(|standing| standing.course > Course::Leaving)
            .await;
    }

    /// Ends when nothing is under way any more.
    pub async fn ended(&self) {
        self.until(|standing| standing.course == Course::Ended)
            .await;
    }

    /// How this server stands, and whatever becomes of it.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    async fn until(&self, so: impl FnMut(&Standing) -> bool) {
        // The sender lives in `self`: waiting cannot fail while we are borrowed.
        let _ = self.standing().wait_for(so).await;
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
