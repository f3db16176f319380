//! SQLite's log on its way to the disk, beside the writer.
//!
//! COMMIT leaves a transaction in the log, and the log with the kernel (`synchronous` is NORMAL). What makes it last is
//! here: one fdatasync for all that has been committed, and only then the answers and the hints. Meanwhile the writer
//! runs the next transaction, which may build on this one: it stands behind it in the log and lasts only if this one does.
//! A query that may have seen it waits as well.
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
    /// Held while a transaction comes in sight, until it stands in line.
    appearing: Mutex<()>,
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
            appearing: Mutex::default(),
            failed: AtomicBool::new(false),
        }
    }

    /// Takes the transactions of the writer to the disk until it is closed.
    pub(super) fn run(&self) {
        while self.wait() {
            self.to_disk();
        }
    }

    /// Runs COMMIT, and answers everybody in the transaction once it is on disk. Whoever has `more` to do need not wait
    /// for that, unless the one before still waits as well. A COMMIT that fails gives the transaction back.
    pub(super) fn commit(
        &self,
        batch: Vec<Ran>,
        more: bool,
        commit: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), (Vec<Ran>, StoreError)> {
        let began = Instant::now();
        let appearing = hold(&self.appearing);
        if let Err(error) = commit() {
            return Err((batch, error));
        }
        let mut line = self.line();
        line.committed.push(Committed { batch, began });
        let is_alone = line.committed.len() == 1;
        drop((line, appearing));
        if more && is_alone {
            self.arrival.notify_one();
        } else {
            self.to_disk();
        }
        Ok(())
    }

    /// Waits until whatever could be seen until now is on disk.
    pub(super) fn settle(&self) {
        drop(hold(&self.appearing));
        if self.is_busy() {
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
        let _turn = hold(&self.turn);
        let committed = mem::take(&mut self.line().committed);
        let Some(first) = committed.first() else {
            return;
        };
        let began = first.began;
        if !self.has_failed()
            && let Err(error) = self.file.sync_data()
        {
            self.fail();
            tracing::error!(%error, "the log cannot be brought to the disk");
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
        hold(&self.line)
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{Write as _, pipe};
    use std::os::fd::OwnedFd;
    use std::sync::{Barrier, mpsc};

    use super::*;
    use crate::clock::Clock;
    use crate::store::queue::Queue;
    use crate::store::{Figures, Tx};

    /// What everybody was told, in order, and how often the server was stopped.
    struct World {
        shared: Arc<Shared>,
        told: mpsc::Receiver<(u8, Result<(), StoreError>)>,
        tell: mpsc::Sender<(u8, Result<(), StoreError>)>,
        stopped: Arc<std::sync::atomic::AtomicUsize>,
    }

    impl World {
        fn new() -> Self {
            let stopped = Arc::<std::sync::atomic::AtomicUsize>::default();
            let count = Arc::clone(&stopped);
            let (tell, told) = mpsc::channel();
            let shared = Arc::new(Shared {
                clock: Clock::system(),
                hints: tokio::sync::broadcast::Sender::new(8),
                for_others: Queue::new(0),
                figures: Figures::default(),
                longest_batch: std::time::Duration::from_secs(60),
                on_fatal: Arc::new(move |_: &str| {
                    count.fetch_add(1, Ordering::Relaxed);
                }),
            });
            Self {
                shared,
                told,
                tell,
                stopped,
            }
        }

        fn log(&self, file: File) -> Log {
            Log::new(file, Path::new("ringback.db"), &self.shared)
        }

        fn batch(&self, names: &[u8]) -> Vec<Ran> {
            names
                .iter()
                .map(|&name| {
                    Ran::not_yet(Box::new(Asked {
                        name,
                        tell: self.tell.clone(),
                    }))
                })
                .collect()
        }

        /// A COMMIT that succeeds.
        fn commit(&self, log: &Log, batch: Vec<Ran>, more: bool) {
            assert!(log.commit(batch, more, || Ok(())).is_ok());
        }

        fn told(&self) -> Vec<(u8, Result<(), StoreError>)> {
            self.told.try_iter().collect()
        }

        fn trips(&self) -> u64 {
            self.shared.figures.snapshot(0, 0).commits
        }
    }

    struct Asked {
        name: u8,
        tell: mpsc::Sender<(u8, Result<(), StoreError>)>,
    }

    impl Job for Asked {
        fn run(&mut self, _: &mut Tx<'_>) -> Result<(), StoreError> {
            Ok(())
        }

        fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
            self.tell.send((self.name, outcome)).unwrap();
        }
    }

    #[test]
    fn who_has_nothing_else_to_do_goes_to_the_disk() {
        let (world, mut file) = (World::new(), tempfile::tempfile().unwrap());
        file.write_all(b"a transaction").unwrap();
        let log = world.log(file);
        let mut batch = world.batch(&[1, 2]);
        batch[1].outcome = Err(StoreError::NoRow);
        world.commit(&log, batch, false);
        assert_eq!(world.told(), [(1, Ok(())), (2, Err(StoreError::NoRow))]);
        assert_eq!(world.shared.figures.snapshot(0, 0).commands, 1);
    }

    #[test]
    fn one_trip_takes_all_that_has_been_committed() {
        let (world, file) = (World::new(), tempfile::tempfile().unwrap());
        let log = world.log(file);
        assert!(!log.is_busy());
        // Nobody runs it: the first waits, and whoever brings the second goes for both.
        world.commit(&log, world.batch(&[1]), true);
        assert!(
            log.is_busy() && world.told().is_empty(),
            "not on disk, so not told"
        );
        world.commit(&log, world.batch(&[2]), true);
        assert_eq!(world.told(), [(1, Ok(())), (2, Ok(()))]);
        assert_eq!(world.trips(), 1);
        assert!(!log.is_busy());
    }

    #[test]
    fn a_query_waits_for_what_it_may_have_seen() {
        let (world, file) = (World::new(), tempfile::tempfile().unwrap());
        let log = world.log(file);
        log.settle();
        assert_eq!(world.trips(), 0, "there was nothing to see");
        world.commit(&log, world.batch(&[1]), true);
        log.settle();
        assert_eq!((world.told(), world.trips()), (vec![(1, Ok(()))], 1));
    }

    #[test]
    fn a_query_waits_for_a_transaction_that_is_coming_in_sight() {
        let (world, file) = (World::new(), tempfile::tempfile().unwrap());
        let (log, figures, looks) = (world.log(file), &world.shared.figures, Barrier::new(2));
        std::thread::scope(|scope| {
            let mut query = None;
            let committed = log.commit(world.batch(&[1]), true, || {
                let query = query.insert(scope.spawn(|| {
                    looks.wait();
                    log.settle();
                    figures.snapshot(0, 0).commits
                }));
                looks.wait();
                // Time enough for a query that does not wait.
                for _ in 0..10_000 {
                    std::thread::yield_now();
                    assert!(!query.is_finished());
                }
                Ok(())
            });
            assert!(committed.is_ok());
            assert_eq!(query.unwrap().join().unwrap(), 1);
        });
    }

    #[test]
    fn a_commit_that_fails_gives_its_transaction_back() {
        let (world, file) = (World::new(), tempfile::tempfile().unwrap());
        let log = world.log(file);
        let refused = log.commit(world.batch(&[1]), true, || Err(StoreError::Full));
        let (batch, error) = refused.err().unwrap();
        assert_eq!((batch.len(), error), (1, StoreError::Full));
        assert!(!log.is_busy() && world.told().is_empty());
    }

    #[test]
    fn while_the_writer_goes_on_the_log_takes_what_it_left() {
        let (world, file) = (World::new(), tempfile::tempfile().unwrap());
        let log = world.log(file);
        std::thread::scope(|scope| {
            let running = scope.spawn(|| log.run());
            world.commit(&log, world.batch(&[1]), true);
            assert_eq!(world.told.recv(), Ok((1, Ok(()))));
            log.close();
            running.join().unwrap();
        });
    }

    #[test]
    fn what_is_left_at_the_end_is_taken_to_the_disk() {
        let (world, file) = (World::new(), tempfile::tempfile().unwrap());
        let log = world.log(file);
        world.commit(&log, world.batch(&[1]), true);
        log.close();
        assert_eq!(world.told(), [(1, Ok(()))]);
    }

    #[test]
    fn after_a_failed_trip_nothing_is_acknowledged_any_more() {
        let world = World::new();
        // A pipe has no disk below it: the kernel says so.
        let (_reader, writer) = pipe().unwrap();
        let log = world.log(File::from(OwnedFd::from(writer)));
        world.commit(&log, world.batch(&[1]), true);
        world.commit(&log, world.batch(&[2]), false);
        let mut failed = world.batch(&[3]);
        failed[0].outcome = Err(StoreError::NoRow);
        world.commit(&log, failed, false);
        let fatal = Err(StoreError::Fatal);
        assert_eq!(
            world.told(),
            [(1, fatal.clone()), (2, fatal), (3, Err(StoreError::NoRow))]
        );
        assert!(log.has_failed());
        assert_eq!(world.stopped.load(Ordering::Relaxed), 1);
        assert_eq!(world.trips(), 0);
    }
}
