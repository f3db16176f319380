//! How the store is doing, as plain counters; how long commits take, one by one, for the metrics page.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use metrics::histogram;

use crate::metrics::{COMMIT, COMMIT_COMMANDS};

/// Counters the store threads keep up; read them with [`Figures::snapshot`].
#[derive(Debug, Default)]
pub(super) struct Figures {
    commits: AtomicU64,
    commands: AtomicU64,
    largest_batch: AtomicU64,
    commit_us: AtomicU64,
    longest_commit_us: AtomicU64,
    queries: AtomicU64,
    busy: AtomicU64,
    full: AtomicU64,
    repeats: AtomicU64,
    reconnects: AtomicU64,
}

/// The counters at one moment; all but the depths since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Commands waiting now.
    pub writes_waiting: u64,
    /// Queries waiting now.
    pub reads_waiting: u64,
    /// Commits that reached the disk; what reached it together counts once. `commands / commits` is the mean batch size.
    pub commits: u64,
    /// Commands committed.
    pub commands: u64,
    /// Most commands ever committed together.
    pub largest_batch: u64,
    /// Microseconds from COMMIT until it was on disk, all told.
    pub commit_us: u64,
    /// The longest of these, microseconds.
    pub longest_commit_us: u64,
    /// Queries answered.
    pub queries: u64,
    /// Calls refused because too much was waiting.
    pub busy: u64,
    /// Batches given up because the disk was full.
    pub full: u64,
    /// Commands run again after a deadlock, a lost connection or a neighbour's failure.
    pub repeats: u64,
    /// Connections to PostgreSQL made after the first ones.
    pub reconnects: u64,
}

impl Figures {
    /// What was committed together, `commands` in all, took `duration` until it was on disk.
    pub(super) fn committed(&self, commands: usize, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let commands = commands as u64;
        self.commits.fetch_add(1, Relaxed);
        self.commands.fetch_add(commands, Relaxed);
        self.largest_batch.fetch_max(commands, Relaxed);
        self.commit_us.fetch_add(micros, Relaxed);
        self.longest_commit_us.fetch_max(micros, Relaxed);
        histogram!(COMMIT).record(duration);
        histogram!(COMMIT_COMMANDS).record(commands as f64);
    }

    pub(super) fn answered(&self) {
        self.queries.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) {
        self.busy.fetch_add(1, Relaxed);
    }

    pub(super) fn disk_full(&self) {
        self.full.fetch_add(1, Relaxed);
    }

    pub(super) fn repeated(&self) {
        self.repeats.fetch_add(1, Relaxed);
    }

    pub(super) fn reconnected(&self) {
        self.reconnects.fetch_add(1, Relaxed);
    }

    pub(super) fn snapshot(&self, writes_waiting: u64, reads_waiting: u64) -> Snapshot {
        Snapshot {
            writes_waiting,
            reads_waiting,
            commits: self.commits.load(Relaxed),
            commands: self.commands.load(Relaxed),
            largest_batch: self.largest_batch.load(Relaxed),
            commit_us: self.commit_us.load(Relaxed),
            longest_commit_us: self.longest_commit_us.load(Relaxed),
            queries: self.queries.load(Relaxed),
            busy: self.busy.load(Relaxed),
            full: self.full.load(Relaxed),
            repeats: self.repeats.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
        }
    }
}
