//! SQLite's log on its way to the disk, beside the writer.
//!
//! COMMIT leaves a transaction in the log, and the log with the kernel (`synchronous` is NORMAL). What makes it last is
//! here: one fdatasync for all that has been committed, and only then the answers and the hints. Meanwhile the writer
//! runs the next transaction, which may build on this one: it stands behind it in the log and lasts only if this one does.
//! Queries may see it, too, for as long as the disk takes; nobody is told of it before.
//! When nobody else waits the writer goes to the disk itself: a thread that sleeps would have to be woken first.

use std::fs::File;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use super::{Hint, Job, Shared, StoreError};

/// The way to the disk of one database.
pub(super) struct Log {
    file: File,
    database: PathBuf,
    shared: Arc<Shared>,
    line: Mutex<Line>,
    arrival: Condvar,
    /// Held by whoever is on the way to the disk.
    turn: Mutex<()>,
    failed: AtomicBool,
}

#[derive(Default)]
struct Line {
    committed: Vec<Committed>,
    closed: bool,
}

/// A transaction in the log, not yet on disk.
struct Committed {
    batch: Vec<Ran>,
    began: Instant,
}

/// A command of a transaction: how it went, and what to tell whom once it is on disk.
pub(super) struct Ran {
    pub job: Box<dyn Job>,
    pub hints: Vec<Hint>,
    pub outcome: Result<(), StoreError>,
}

impl Ran {
    pub(super) fn not_yet(job: Box<dyn Job>) -> Self {
        Self {
            job,
            hints: Vec::new(),
            outcome: Ok(()),
        }
    }
}

impl Log {
    /// `file` is the log of the `database`.
    pub(super) fn new(file: File, database: &Path, shared: &Arc<Shared>) -> Self {
        Self {
            file,
            database: database.to_owned(),
            shared: Arc::clone(shared),
            line: Mutex::default(),
            arrival: Condvar::new(),
            turn: Mutex::default(),
            failed: AtomicBool::new(false),
        }
    }

    /// Takes the transactions of the writer to the disk until it is closed.
    pub(super) fn run(&self) {
        while self.wait() {
            self.to_disk();
        }
    }

    /// Takes over a transaction whose COMMIT `began` then and has succeeded; answers everybody in it once it is on
    /// disk. Whoever has `more` to do need not wait for that, unless the one before still waits as well.
    pub(super) fn take(&self, batch: Vec<Ran>, began: Instant, more: bool) {
        let mut line = self.line();
        line.committed.push(Committed { batch, began });
        let is_alone = line.committed.len() == 1;
        drop(line);
        if more && is_alone {
            self.arrival.notify_one();
        } else {
            self.to_disk();
        }
    }

    /// Something is on the way to the disk: another transaction would only wait behind it.
    pub(super) fn is_busy(&self) -> bool {
        let is_going = matches!(self.turn.try_lock(), Err(TryLockError::WouldBlock));
        is_going || !self.line().committed.is_empty()
    }

    /// The disk has failed: nothing is safe any more, and nothing more is acknowledged.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Stops the server, once.
    pub(super) fn fail(&self) {
        if self.failed.swap(true, Ordering::AcqRel) {
            return;
        }
        (self.shared.on_fatal)(&format!(
            "The disk failed while the database {} was being written. Ringback stops now, because after \
             a failed write nothing can be called safe. Look at the disk, then start Ringback again: \
             everything it has ever acknowledged is there.",
            self.database.display()
        ));
    }

    /// Takes what is left to the disk, and ends [`Self::run`].
    pub(super) fn close(&self) {
        self.to_disk();
        self.line().closed = true;
        self.arrival.notify_one();
    }

    /// Waits for a transaction. Not any more once it is closed.
    fn wait(&self) -> bool {
        let mut line = self.line();
        while line.committed.is_empty() {
            if line.closed {
                return false;
            }
            line = self
                .arrival
                .wait(line)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// One fdatasync for all that waits, then the answers.
    fn to_disk(&self) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = mem::take(&mut self.line().committed);
        let Some(first) = committed.first() else {
            return;
        };
        let began = first.began;
        if !self.has_failed()
            && let Err(error) = self.file.sync_data()
        {
            tracing::error!(%error, "the log cannot be brought to the disk");
            self.fail();
        }
        let is_lost = self.has_failed();
        let commands: Vec<Ran> = committed.into_iter().flat_map(|one| one.batch).collect();
        if !is_lost {
            let written = commands.iter().filter(|ran| ran.outcome.is_ok()).count();
            self.shared.figures.committed(written, began.elapsed());
        }
        for Ran {
            job,
            hints,
            outcome,
        } in commands
        {
            match outcome {
                Ok(()) if is_lost => job.answer(Err(StoreError::Fatal)),
                Ok(()) => self.shared.answer(job, hints),
                Err(error) => job.answer(Err(error)),
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
