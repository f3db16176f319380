//! PostgreSQL: a small pool of worker threads, each with its own synchronous connection.
//!
//! Commands with the same [`Order`](super::Order) go to the same worker, one after another. What waits for a
//! worker when it begins shares one transaction, each command in a SAVEPOINT of its own, and one COMMIT;
//! only then do the answers and the hints leave. Nobody joins a transaction that has begun: its snapshot may
//! be older than what the newcomer's caller has been told. A command that has to be run again ends the
//! company: what went before it is committed, it begins anew alone, and those behind it follow.
//!
//! Transactions are REPEATABLE READ: a command that changes a row somebody else has changed since it began is
//! run again, so no update is lost. (SERIALIZABLE would also forbid two commands to pass each other by
//! reading what the other writes, but it takes neighbours in one index page for rivals: a quarter of all
//! writes of unrelated sessions had to be run again.) A lost connection is made again, and a COMMIT whose
//! answer got lost is looked up by its transaction id before anybody is told anything: by that alone as long as the
//! server has not recovered meanwhile.

mod address;
mod connection;
mod values;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use secrecy::SecretString;

pub(super) use self::address::Address;
use self::connection::{Company, Ran, Trouble, Use, connection_lost};
pub(super) use self::connection::{Connection, NOW, describe};
pub(super) use self::values::column;
use super::migrate::{self, Migrations};
use super::neighbours;
use super::queue::Queue;
use super::tx::{Link, Tx};
use super::{Hint, Job, Shared, StoreError, spawn};
use crate::clock::{Clock, at_microsecond};
use crate::random;

/// Transaction ids are named as we use them since version 13; 14 is the oldest still cared for.
const OLDEST_POSTGRES: i32 = 140_000;

/// How often a command is run before a deadlock or a lost connection becomes the caller's business.
const ATTEMPTS: u32 = 20;

/// Most commands in one transaction. A backend shows others 64 sub-transactions at no cost; with more, every
/// snapshot anybody takes meanwhile has to look in a file (`PGPROC_MAX_CACHED_SUBXIDS` in PostgreSQL).
const LARGEST_BATCH: usize = 60;

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(3);

/// How long to look for the fate of a COMMIT before saying that it cannot be told.
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(10);

type Jobs = Arc<Queue<Box<dyn Job>>>;

/// Migrates the database and starts one writer per queue of `writes` and `readers` readers.
pub(super) fn start(
    url: &SecretString,
    shared: &Arc<Shared>,
    writes: &[Jobs],
    reads: &Jobs,
    readers: usize,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let address = Arc::new(Address::read(url)?);
    // The synchronous client runs a runtime of its own, which the caller's thread may have already.
    std::thread::scope(|scope| scope.spawn(|| prepare(&address)).join())
        .unwrap_or_else(|_| Err(StoreError::Bug("migrating panicked".into())))?;

    let mut threads = Vec::new();
    let mut start = |name: String, jobs: &Jobs, purpose: Use| {
        let mut worker = Worker::new(&address, shared, purpose);
        let jobs = Arc::clone(jobs);
        threads.push(spawn(name, shared, move || {
            worker.warm_up();
            while let Some(job) = jobs.next() {
                match purpose {
                    Use::Write => worker.serve_waiting(job, &jobs),
                    Use::Read => worker.serve(job),
                }
            }
        })?);
        Ok::<_, StoreError>(())
    };
    for (number, jobs) in writes.iter().enumerate() {
        start(format!("store-write-{number}"), jobs, Use::Write)?;
    }
    for number in 0..readers {
        start(format!("store-read-{number}"), reads, Use::Read)?;
    }
    threads.extend(neighbours::start(&address, shared)?);
    Ok(threads)
}

/// Checks the server and migrates, however long that takes.
fn prepare(address: &Address) -> Result<(), StoreError> {
    let mut client = address.connect().map_err(|error| {
        StoreError::Refused(format!(
            "The PostgreSQL database cannot be reached: {}.",
            describe(&error)
        ))
    })?;
    let version = client.query_one(
        "SELECT CAST(current_setting('server_version_num') AS INTEGER)",
        &[],
    );
    let version: i32 = version
        .map_err(|error| StoreError::Unavailable(describe(&error)))?
        .get(0);
    if version < OLDEST_POSTGRES {
        return Err(StoreError::Refused(format!(
            "PostgreSQL {} is too old: Ringback needs version 14 or later.",
            version / 10_000
        )));
    }
    client
        .batch_execute("SET lock_timeout = 0; SET statement_timeout = 0")
        .map_err(|error| StoreError::Unavailable(describe(&error)))?;
    migrate::postgres(&mut client, Migrations::shipped())
}

/// What a look brings: what the query said, and settings with how they stand.
type Seen<T> = (T, Vec<(String, String)>);

/// One query on a connection of its own, and how the settings stand on which durability rests, and search.
pub(super) fn look<T>(
    url: &SecretString,
    clock: &Clock,
    query: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>,
) -> Result<Seen<T>, StoreError> {
    // A database with the character type C lowers ASCII alone.
    const PROMISES: &str = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') \
                            UNION ALL SELECT 'letters', CASE WHEN lower('Á') = 'á' THEN 'on' ELSE 'off' END \
                            ORDER BY name";
    let unavailable = |error: &::postgres::Error| StoreError::Unavailable(describe(error));
    let mut client = Address::read(url)?
        .connect()
        .map_err(|error| unavailable(&error))?;
    let promises = client
        .query(PROMISES, &[])
        .map_err(|error| unavailable(&error))?;
    let promises = promises
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let mut connection = Connection::new(client);
    let begun = connection
        .begin(Use::Read, Company::Alone)
        .map_err(|trouble| match trouble {
            Trouble::Passing(error) | Trouble::Final(error) => error,
        })?;
    let now = at_microsecond(begun.now_us.saturating_add(clock.offset_us()));
    let said = query(&mut Tx::new(Link::Postgres(&mut connection), now))?;
    Ok((said, promises))
}

/// One thread's connection, and how to get it back.
struct Worker {
    address: Arc<Address>,
    shared: Arc<Shared>,
    purpose: Use,
    connection: Option<Connection>,
    /// Not before then; and how long to wait after the next failure.
    next_try: Instant,
    backoff: Duration,
    has_connected: bool,
}

impl Worker {
    fn new(address: &Arc<Address>, shared: &Arc<Shared>, purpose: Use) -> Self {
        Self {
            address: Arc::clone(address),
            shared: Arc::clone(shared),
            purpose,
            connection: None,
            next_try: Instant::now(),
            backoff: FIRST_BACKOFF,
            has_connected: false,
        }
    }

    /// Connects before the first command needs it. A failure shows when one does.
    fn warm_up(&mut self) {
        let _ = self.connected();
    }

    /// Serves `first` and everything that waits behind it, in order.
    fn serve_waiting(&mut self, first: Box<dyn Job>, jobs: &Jobs) {
        let mut waiting = VecDeque::from([first]);
        waiting.extend(std::iter::from_fn(|| jobs.next_waiting()).take(LARGEST_BATCH - 1));
        let mut together = true;
        while let Some(first) = waiting.pop_front() {
            if waiting.is_empty() {
                self.serve(first);
            } else if together {
                waiting.push_front(first);
                together = self.serve_together(&mut waiting);
            } else {
                self.shared.figures.repeated();
                self.serve(first);
                together = true;
            }
        }
    }

    fn serve(&mut self, mut job: Box<dyn Job>) {
        let outcome = self.run(job.as_mut());
        if self.purpose == Use::Read {
            self.shared.figures.answered();
        }
        self.answer(job, outcome);
    }

    fn answer(&self, job: Box<dyn Job>, outcome: Result<Vec<Hint>, StoreError>) {
        match outcome {
            Ok(hints) => self.shared.answer(job, hints),
            Err(error) => job.answer(Err(error)),
        }
    }

    /// One transaction with as many from the front as go well; those are answered, the others stay waiting.
    /// False when the first of these is to be run alone.
    fn serve_together(&mut self, waiting: &mut VecDeque<Box<dyn Job>>) -> bool {
        let mut ran = Vec::new();
        match self.run_together(waiting, &mut ran) {
            Ok(goes_on) => {
                for (job, outcome) in ran {
                    self.answer(job, outcome);
                }
                goes_on
            }
            Err(Lost::NotCommitted) => {
                // Each gets a transaction of its own, in their order.
                let behind = std::mem::take(waiting);
                for job in ran.into_iter().map(|(job, _)| job).chain(behind) {
                    self.shared.figures.repeated();
                    self.serve(job);
                }
                true
            }
            Err(Lost::Unknown(error)) => {
                for (job, _) in ran {
                    job.answer(Err(error.clone()));
                }
                true
            }
        }
    }

    /// Moves the commands that the transaction holds from `waiting` to `ran`, and commits it. False when the
    /// next one is to be run alone.
    fn run_together(
        &mut self,
        waiting: &mut VecDeque<Box<dyn Job>>,
        ran: &mut Vec<Ran>,
    ) -> Result<bool, Lost> {
        let offset = self.shared.clock.offset_us();
        let longest = self.shared.longest_batch;
        let connection = self.connected().map_err(|_| Lost::NotCommitted)?;
        let begun = connection.begin(Use::Write, Company::Shared);
        let begun = begun.map_err(|_| Lost::NotCommitted)?;
        let now = at_microsecond(begun.now_us.saturating_add(offset));
        let Ok(goes_on) = connection.run_in_savepoints(waiting, ran, now, longest) else {
            // A connection that is lost rolls back by itself.
            let _ = connection.simple("ROLLBACK");
            return Err(Lost::NotCommitted);
        };
        let written = ran.iter().filter(|(_, outcome)| outcome.is_ok()).count();
        if written == 0 {
            let _ = connection.simple("ROLLBACK");
            return Ok(goes_on);
        }
        let began = Instant::now();
        let life = connection.life.clone();
        match connection.simple("COMMIT") {
            Ok(_) => {}
            Err(_) if connection.is_lost() => match self.look_up_commit(&begun.id, life.as_deref())
            {
                Ok(()) => {}
                Err(Trouble::Passing(_)) => return Err(Lost::NotCommitted),
                Err(Trouble::Final(error)) => return Err(Lost::Unknown(error)),
            },
            // The server's own no: nothing of it stands.
            Err(_) => return Err(Lost::NotCommitted),
        }
        self.shared.figures.committed(written, began.elapsed());
        Ok(goes_on)
    }

    /// Runs the command until it is committed, has failed by itself, or has used up its attempts.
    fn run(&mut self, job: &mut dyn Job) -> Result<Vec<Hint>, StoreError> {
        let mut attempt = 1;
        loop {
            match self.run_once(job) {
                Ok(hints) => return Ok(hints),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing(error)) if attempt == ATTEMPTS => return Err(error),
                Err(Trouble::Passing(_)) => {
                    // Whoever was in the way should be through; never both again at the same instant.
                    std::thread::sleep(jitter(Duration::from_millis(1 << attempt.min(6))));
                    attempt += 1;
                    self.shared.figures.repeated();
                }
            }
        }
    }

    fn run_once(&mut self, job: &mut dyn Job) -> Result<Vec<Hint>, Trouble> {
        let purpose = self.purpose;
        let offset = self.shared.clock.offset_us();
        let connection = self.connected().map_err(Trouble::Final)?;
        let begun = connection.begin(purpose, Company::Alone)?;
        let now = at_microsecond(begun.now_us.saturating_add(offset));
        let mut tx = Tx::new(Link::Postgres(connection), now);
        let outcome = job.run(&mut tx);
        let hints = tx.into_hints();
        if let Err(error) = outcome {
            return Err(connection.roll_back(error));
        }
        if purpose == Use::Read {
            return connection.simple("ROLLBACK").map(|_| hints);
        }
        let began = Instant::now();
        let life = connection.life.clone();
        match connection.simple("COMMIT") {
            Ok(_) => {}
            Err(_) if connection.is_lost() => self.look_up_commit(&begun.id, life.as_deref())?,
            Err(trouble) => return Err(trouble),
        }
        self.shared.figures.committed(1, began.elapsed());
        Ok(hints)
    }

    /// The connection broke while COMMIT was on its way. Only the database knows whether it took effect.
    ///
    /// PostgreSQL logs no id when it hands it out: what dies before any of it is on disk, or at the standby, leaves
    /// its id to be handed out again. In another life of the server `committed` may be somebody else's. `aborted` is
    /// true in any: had ours been committed, its record would have survived, and with it the id would be spent.
    fn look_up_commit(&mut self, id: &str, life: Option<&str>) -> Result<(), Trouble> {
        let unknown = || {
            Trouble::Final(StoreError::Unavailable(
                "the connection was lost while committing, and whether it took effect cannot be told".into(),
            ))
        };
        let until = Instant::now() + LOOK_UP_PATIENCE;
        while Instant::now() < until {
            let Ok(connection) = self.connected() else {
                std::thread::sleep(FIRST_BACKOFF);
                continue;
            };
            let same_life = life.is_some() && life == connection.life.as_deref();
            match connection.commit_status(id) {
                Ok(Some(status)) if status == "committed" && same_life => {
                    match connection.follow_to_the_standby() {
                        Ok(()) => return Ok(()),
                        Err(Trouble::Passing(_)) => std::thread::sleep(FIRST_BACKOFF),
                        Err(Trouble::Final(_)) => return Err(unknown()),
                    }
                }
                Ok(Some(status)) if status == "committed" => return Err(unknown()),
                Ok(Some(status)) if status == "aborted" => {
                    return Err(Trouble::Passing(connection_lost()));
                }
                // Still open: the server has not noticed that we are gone. It has to, before we ask again. In
                // another life it is somebody else's, who is let be.
                Ok(Some(_)) => {
                    if same_life {
                        let _ = connection.end_transaction(id);
                    }
                    std::thread::sleep(FIRST_BACKOFF);
                }
                Err(Trouble::Passing(_)) => std::thread::sleep(FIRST_BACKOFF),
                Ok(None) | Err(Trouble::Final(_)) => return Err(unknown()),
            }
        }
        Err(unknown())
    }

    fn connected(&mut self) -> Result<&mut Connection, StoreError> {
        if self.connection.as_ref().is_some_and(Connection::is_lost) {
            self.connection = None;
        }
        if self.connection.is_none() {
            if Instant::now() < self.next_try {
                return Err(connection_lost());
            }
            match self.address.connect() {
                Ok(client) => {
                    if self.has_connected {
                        self.shared.figures.reconnected();
                    }
                    self.has_connected = true;
                    self.backoff = FIRST_BACKOFF;
                    self.connection = Some(Connection::new(client));
                }
                Err(error) => {
                    tracing::warn!(error = describe(&error), "PostgreSQL cannot be reached");
                    self.next_try = Instant::now() + self.backoff;
                    self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
                    return Err(StoreError::Unavailable(describe(&error)));
                }
            }
        }
        Ok(self.connection.as_mut().expect("connected above"))
    }
}

/// Why a shared transaction came to nothing.
enum Lost {
    /// It has not taken effect.
    NotCommitted,
    /// Nobody can tell what became of it, for none of those in it.
    Unknown(StoreError),
}

/// Between half of `most` and all of it.
fn jitter(most: Duration) -> Duration {
    let share = f64::from(u16::from_le_bytes(random::bytes())) / f64::from(u16::MAX);
    most.mul_f64(0.5 + share / 2.0)
}
