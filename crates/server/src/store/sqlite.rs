//! SQLite: one writer thread that commits everything waiting together, and a few readers.
//!
//! The commands of a batch run one after the other; then one COMMIT. [`Log`] takes it to the disk and answers, while
//! the next batch runs. When a command fails, the batch is undone and run again, each command in a SAVEPOINT of its
//! own, so that the one that fails undoes itself alone (a savepoint keeps a copy of every page it touches, which is
//! dear for what seldom happens). Nobody lingers for company; who waits already goes along, and whoever comes while the
//! disk is busy.
//! The log is folded into the database when it has grown. The file belongs to one process, by a lock beside it.
//! LOWER() is ours here: SQLite's own knows ASCII alone, where PostgreSQL's knows every letter (unless the
//! database was made with the character type C).
//! Deliberately absent: ANALYZE. Without statistics the plans are the ones the tests have seen.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::log::{Log, Ran};
use super::migrate::{self, Migrations};
use super::queue::Queue;
use super::statements::Statements;
use super::tx::{Known, Link, Statement, Tx};
use super::{Job, Shared, StoreError, spawn};
use crate::clock::Clock;

/// 3.51.3 fixed a bug that could corrupt a database when its WAL was reset: <https://sqlite.org/wal.html#walresetbug>.
const OLDEST_SQLITE: i32 = 3_051_003;

/// So many commands that wait are one transaction; more only for as long as the disk is busy with the one before.
/// Measured with 512 callers: 256 makes a tenth more writes a second than 32, since neighbours share their pages and
/// what a commit costs; more makes no difference.
const BATCH: usize = 256;

/// Most commands in one transaction: keeps a burst's first caller from waiting for its last.
const LARGEST_BATCH: usize = 1_024;

/// A log of so many pages (of 4 KiB) is folded into the database.
const FOLD_IN_AT: i32 = 4_000;

/// How long to wait for a lock: only somebody else's `sqlite3` shell could hold one.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// "RBCK": how `file` and we ourselves recognise a Ringback database.
const APPLICATION_ID: i32 = 0x5242_434B;

/// A statement without values, and without a place in the test of all that both engines know.
macro_rules! plain {
    ($text:literal) => {{
        static KNOWN: Known = Known::nothing();
        Statement::from_source($text, &KNOWN)
    }};
}

type Jobs = Arc<Queue<Box<dyn Job>>>;

/// Opens the file, migrates it and starts the writer and `readers` readers.
pub(super) fn start(
    path: &Path,
    shared: &Arc<Shared>,
    writes: &Jobs,
    reads: &Jobs,
    readers: usize,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(refused(format!(
            "This build carries SQLite {}, which can corrupt a database; 3.51.3 is the oldest it may run with.",
            rusqlite::version()
        )));
    }
    create_private(path)?;
    // Where a link leads: SQLite has its log there, and ours is beside it.
    let path = &fs::canonicalize(path).map_err(|error| cannot_find(path, &error))?;
    let lock = lock_beside(path)?;
    let mut connection = open(path, Use::Write)?;
    check_owner(&connection, path)?;
    make_log_durable(&connection, path)?;
    migrate::sqlite(&mut connection, Migrations::shipped(), shared.clock.now())?;

    let log = Arc::new(Log::new(log_of(path)?, path, shared));
    let mut threads = Vec::new();
    for number in 0..readers {
        let connection = open(path, Use::Read)?;
        let (reads, log) = (Arc::clone(reads), Arc::clone(&log));
        let everybody = Arc::clone(shared);
        threads.push(spawn(format!("store-read-{number}"), shared, move || {
            let reader = Reader {
                statements: Statements::of(&connection),
                shared: everybody,
                log,
            };
            while let Some(job) = reads.next() {
                reader.answer(job);
            }
        })?);
    }
    let log_pages = Arc::new(AtomicI32::new(0));
    let seen = Arc::clone(&log_pages);
    let note = move |_: &mut Wal, pages| {
        seen.store(pages, Ordering::Relaxed);
        Ok(())
    };
    connection
        .wal_hook(Some(note))
        .map_err(|error| cannot_open(path, &error))?;
    let (jobs, writers_log) = (Arc::clone(writes), Arc::clone(&log));
    let everybody = Arc::clone(shared);
    threads.push(spawn("store-write".into(), shared, move || {
        // Held until the connection has closed.
        let _lock = lock;
        let connection = connection;
        let writer = Writer {
            statements: Statements::of(&connection),
            log_pages,
            shared: everybody,
            jobs,
            log: writers_log,
        };
        writer.run();
    })?);
    threads.push(spawn("store-log".into(), shared, move || log.run())?);
    Ok(threads)
}

/// One query on a connection of its own, beside whatever server has the file open. The log is left as it is:
/// folding it in is for [`start`] to do, after it has made sure of it.
pub(super) fn look<T>(
    path: &Path,
    clock: &Clock,
    query: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(LOCK_PATIENCE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.execute_batch("BEGIN")?;
        Ok(connection)
    };
    let connection = open().map_err(|error| cannot_open(path, &error))?;
    query(&mut Tx::new(
        Link::Sqlite(&Statements::of(&connection)),
        clock.now(),
    ))
}

struct Writer<'c> {
    statements: Statements<'c>,
    shared: Arc<Shared>,
    jobs: Jobs,
    log: Arc<Log>,
    /// Pages in the log after the last commit.
    log_pages: Arc<AtomicI32>,
}

impl Writer<'_> {
    fn run(self) {
        while let Some(first) = self.jobs.next() {
            if self.log.has_failed() {
                first.answer(Err(StoreError::Fatal));
            } else {
                self.commit_together(first);
            }
        }
    }

    /// One transaction with `first` and everything else that waits.
    fn commit_together(&self, first: Box<dyn Job>) {
        let mut batch = vec![Ran::not_yet(first)];
        let mut outcome = self.run_together(&mut batch, Self::run_bare);
        if let Err(error) = &outcome
            && batch.len() > 1
            && !is_everybodys(error)
        {
            outcome = self
                .undo()
                .and_then(|()| self.run_together(&mut batch, Self::run_in_savepoint));
        }
        match outcome {
            Ok(()) => self.commit(batch),
            Err(error) => self.give_up(batch, &error),
        }
    }

    /// Folds a log that has grown into the database. SQLite would do so inside of COMMIT, and let everybody in it
    /// wait for thousands of pages; what is in the log needs no haste.
    fn fold_in(&self) {
        if self.log_pages.load(Ordering::Relaxed) < FOLD_IN_AT || self.log.has_failed() {
            return;
        }
        if let Err(error) = self.checkpoint() {
            tracing::warn!(%error, "the log could not be folded in");
        }
    }

    /// Runs what is in `batch` and takes in newcomers while there is room. An error loses all of it.
    fn run_together(
        &self,
        batch: &mut Vec<Ran>,
        run: fn(&Self, &mut Ran) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let began = Instant::now();
        self.statements.run(plain!("BEGIN IMMEDIATE"))?;
        for next in 0..LARGEST_BATCH {
            if next == batch.len() {
                let goes_on = next < BATCH || self.log.is_busy();
                let in_time = began.elapsed() < self.shared.longest_batch;
                let newcomer = (goes_on && in_time).then(|| self.jobs.next_waiting());
                let Some(newcomer) = newcomer.flatten() else {
                    break;
                };
                batch.push(Ran::not_yet(newcomer));
            }
            run(self, &mut batch[next])?;
        }
        Ok(())
    }

    /// Runs one command. Its error loses the whole transaction.
    fn run_bare(&self, ran: &mut Ran) -> Result<(), StoreError> {
        let mut tx = Tx::new(Link::Sqlite(&self.statements), self.shared.clock.now());
        ran.outcome = ran.job.run(&mut tx);
        ran.hints = tx.into_hints();
        ran.outcome.clone()
    }

    /// Runs one command; if it fails it undoes itself alone. An error loses the whole transaction.
    fn run_in_savepoint(&self, ran: &mut Ran) -> Result<(), StoreError> {
        self.statements.run(plain!("SAVEPOINT command"))?;
        match self.run_bare(ran) {
            Ok(()) => self.statements.run(plain!("RELEASE command")),
            // The disk fails everybody. And SQLite may have rolled back everything by itself.
            Err(error @ (StoreError::Full | StoreError::Fatal)) => Err(error),
            Err(error) if self.statements.is_autocommit() => Err(error),
            Err(_) => {
                ran.hints.clear();
                self.statements.run(plain!("ROLLBACK TO command"))?;
                self.statements.run(plain!("RELEASE command"))
            }
        }
    }

    fn commit(&self, batch: Vec<Ran>) {
        let more = self.jobs.depth() > 0;
        match self
            .log
            .commit(batch, more, || self.statements.run(plain!("COMMIT")))
        {
            Ok(()) => self.fold_in(),
            Err((batch, error)) => self.give_up(batch, &error),
        }
    }

    /// The transaction is lost: undo it, and tell everybody in it the truth.
    fn give_up(&self, batch: Vec<Ran>, error: &StoreError) {
        if *error == StoreError::Fatal {
            self.log.fail();
        }
        if let Err(error) = self.undo() {
            tracing::error!(%error, "ROLLBACK");
        }
        if *error == StoreError::Full {
            self.shared.figures.disk_full();
            self.make_room();
        }
        if is_everybodys(error) || batch.len() == 1 {
            batch
                .into_iter()
                .for_each(|ran| ran.job.answer(Err(error.clone())));
            return;
        }
        // One of them spoiled it for all: each gets a transaction of its own.
        for ran in batch {
            self.shared.figures.repeated();
            let mut alone = [Ran::not_yet(ran.job)];
            let outcome = self.statements.run(plain!("BEGIN IMMEDIATE"));
            let outcome = outcome.and_then(|()| self.run_in_savepoint(&mut alone[0]));
            match outcome {
                Ok(()) => self.commit(alone.into()),
                Err(error) => self.give_up(alone.into(), &error),
            }
        }
    }

    /// Undoes what SQLite has not undone by itself.
    fn undo(&self) -> Result<(), StoreError> {
        if self.statements.is_autocommit() {
            return Ok(());
        }
        self.statements.run(plain!("ROLLBACK"))
    }

    /// Folds the log into the database: on a full disk its pages can then be written again.
    fn make_room(&self) {
        match self.checkpoint() {
            Ok(pages) => tracing::warn!(pages, "the disk is full: the log was folded in"),
            Err(error) => {
                tracing::warn!(%error, "the disk is full: the log could not be folded in")
            }
        }
    }

    /// How many pages of the log are in the database now. Where there is no room nothing is lost: the log still has it
    /// all, and the next commit tries again. Any other trouble with the disk ends everything, since SQLite would not
    /// write once more what the disk has lost.
    fn checkpoint(&self) -> Result<i64, StoreError> {
        let folded = self
            .statements
            .number(plain!("PRAGMA wal_checkpoint(PASSIVE)"), "checkpointed");
        folded.inspect_err(|error| {
            if *error == StoreError::Fatal {
                self.log.fail();
            }
        })
    }
}

impl Drop for Writer<'_> {
    /// Whatever ended it, what it has committed is taken to the disk.
    fn drop(&mut self) {
        self.log.close();
    }
}

/// Nobody's command is to blame, and none would fare better alone.
fn is_everybodys(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Full | StoreError::Fatal | StoreError::Busy
    )
}

struct Reader<'c> {
    statements: Statements<'c>,
    shared: Arc<Shared>,
    log: Arc<Log>,
}

impl Reader<'_> {
    fn answer(&self, mut job: Box<dyn Job>) {
        let outcome = self.run(job.as_mut());
        self.log.settle();
        self.shared.figures.answered();
        job.answer(outcome);
    }

    /// One consistent view; nothing to commit, so ROLLBACK ends it whatever happened.
    fn run(&self, job: &mut dyn Job) -> Result<(), StoreError> {
        self.statements.run(plain!("BEGIN"))?;
        let mut tx = Tx::new(Link::Sqlite(&self.statements), self.shared.clock.now());
        let outcome = job.run(&mut tx);
        if !self.statements.is_autocommit() {
            self.statements.run(plain!("ROLLBACK"))?;
        }
        match outcome {
            // A reader has written nothing that could be lost.
            Err(StoreError::Fatal) => {
                Err(StoreError::Unavailable("the disk could not be read".into()))
            }
            outcome => outcome,
        }
    }
}

// Opening.

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Write,
    Read,
}

fn open(path: &Path, purpose: Use) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        // A plan stays what it is whatever is bound. Without this SQLite looks at the values of `LIMIT $1` and of
        // others, and prepares such a statement anew each time it runs.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.busy_timeout(LOCK_PATIENCE)?;
        know_every_letter(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?; // COMMIT leaves the disk to `Log`
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        // 16 MB. Each commit that split a page looks through all that is cached: more would be slower, and what is
        // not here is in the kernel's cache.
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.pragma_update(None, "journal_size_limit", 67_108_864)?; // a WAL that grew shrinks again
        connection.pragma_update(None, "wal_autocheckpoint", FOLD_IN_AT)?; // the writer does so by itself
        if purpose == Use::Read {
            connection.pragma_update(None, "query_only", true)?;
        }
        Ok(connection)
    };
    open().map_err(|error| cannot_open(path, &error))
}

/// LOWER() as PostgreSQL has it: Álvarez is found as álvarez.
fn know_every_letter(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("lower", 1, flags, |called| {
        let text = called.get_raw(0).as_str_or_null()?;
        Ok(text.map(str::to_lowercase))
    })
}

fn cannot_find(path: &Path, error: &std::io::Error) -> StoreError {
    refused(format!(
        "The database {} cannot be opened: {error}.",
        path.display()
    ))
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    refused(format!(
        "The database {} cannot be opened: {error}.",
        path.display()
    ))
}

/// Other software's database must not be migrated into ours.
fn check_owner(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let owner: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| cannot_open(path, &error))?;
    let tables: i64 = connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| cannot_open(path, &error))?;
    if owner == APPLICATION_ID {
        return Ok(());
    }
    if owner != 0 || tables != 0 {
        return Err(refused(format!(
            "{} is a database of some other program. Give Ringback a file of its own.",
            path.display()
        )));
    }
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(|error| cannot_open(path, &error))
}

/// After a failed fsync the kernel may call pages clean that never reached the disk: a restart would read
/// them back, append to them, and lose both at the next power cut. So what is left of the log is written
/// once more, under the write lock, before anything is added to it; then it is folded into the database.
fn make_log_durable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let log = beside(path, "-wal");
    let rewrite = || {
        let contents = fs::read(&log)?;
        if contents.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new().write(true).open(&log)?;
        file.write_all(&contents)?;
        file.sync_all()
    };
    let failed = |error: &dyn std::fmt::Display| {
        refused(format!("{} cannot be recovered: {error}.", log.display()))
    };
    if !log.exists() {
        return Ok(());
    }
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(|error| failed(&error))?;
    let rewritten = rewrite();
    connection
        .execute_batch("ROLLBACK")
        .map_err(|error| failed(&error))?;
    rewritten.map_err(|error| failed(&error))?;
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(|error| failed(&error))
}

/// The log of an open database, to be taken to the disk. Closing it lets go of no lock: SQLite has none on it.
fn log_of(path: &Path) -> Result<File, StoreError> {
    let log = beside(path, "-wal");
    let opened = OpenOptions::new().write(true).open(&log);
    opened.map_err(|error| refused(format!("{} cannot be opened: {error}.", log.display())))
}

/// Holds `PATH.lock` for as long as the file is open. The kernel lets go of it however the process ends.
fn lock_beside(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, ".lock");
    let failed = |error: &dyn std::fmt::Display| {
        refused(format!(
            "{} cannot be locked: {error}.",
            lock_path.display()
        ))
    };
    let mut file = private()
        .read(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&lock_path).unwrap_or_default();
            return Err(StoreError::InUse(format!(
                "Another Ringback (process {}) is using {}. Stop it first, or give this one a database of its own.",
                holder.trim(),
                path.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    let note = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    note.map_err(|error| failed(&error))?;
    Ok(file)
}

/// People's names and phone numbers are in this file: nobody else on the machine reads it.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    let made = private().truncate(false).open(path);
    made.map(drop).map_err(|error| cannot_find(path, &error))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn refused(sentence: String) -> StoreError {
    StoreError::Refused(sentence)
}

/// What an error of SQLite means for the command that met it.
pub(super) fn classify(error: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return StoreError::Bug(error.to_string());
    };
    match (failure.code, failure.extended_code) {
        (
            _,
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID,
        ) => StoreError::Conflict,
        // The shared index of the log could not grow: there is no room for it.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => StoreError::Full,
        (
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted,
            _,
        ) => StoreError::Busy,
        (ErrorCode::OutOfMemory, _) | (_, ffi::SQLITE_IOERR_NOMEM) => {
            StoreError::Unavailable("out of memory".into())
        }
        (
            ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase,
            code,
        ) => {
            tracing::error!(code, %error, "SQLite cannot use the disk");
            StoreError::Fatal
        }
        (ErrorCode::CannotOpen, _) => StoreError::Unavailable(error.to_string()),
        // Messages of SQLite name tables and columns, never values.
        _ => StoreError::Bug(message.clone().unwrap_or_else(|| error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn a_statement_is_prepared_once_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ringback.db");
        create_private(&path).unwrap();
        let mut connection = open(&path, Use::Write).unwrap();
        migrate::sqlite(
            &mut connection,
            Migrations::shipped(),
            jiff::Timestamp::UNIX_EPOCH,
        )
        .unwrap();
        let sql = "SELECT id FROM session WHERE due_at <= $1 ORDER BY due_at LIMIT $2";
        let mut statement = connection.prepare(sql).unwrap();
        for limit in 1..4 {
            statement.raw_bind_parameter(1, limit * 100).unwrap();
            statement.raw_bind_parameter(2, limit).unwrap();
            assert!(statement.raw_query().next().unwrap().is_none());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
