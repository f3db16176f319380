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

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::error::Error as _;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::postgres::config::{Host, SslMode};
use ::postgres::error::SqlState;
use ::postgres::row::RowIndex;
use ::postgres::types::{FromSql, ToSql, Type};
use ::postgres::{Client, Config, SimpleQueryMessage};
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::migrate::{self, Migrations};
use super::neighbours;
use super::queue::Queue;
use super::tx::{Link, Row, Source, Statement, Tx, wrong_number};
use super::value::{Kind, Value};
use super::{Hint, Job, Shared, StoreError, spawn};
use crate::clock::{Clock, at_microsecond};
use crate::random;

/// Microseconds since 1970 UTC by the database's clock, when the transaction began.
pub(super) const NOW: &str =
    "SELECT CAST(EXTRACT(EPOCH FROM transaction_timestamp()) * 1000000 AS BIGINT)";

/// Transaction ids are named as we use them since version 13; 14 is the oldest still cared for.
const OLDEST_POSTGRES: i32 = 140_000;

/// How often a command is run before a deadlock or a lost connection becomes the caller's business.
const ATTEMPTS: u32 = 20;

/// Most commands in one transaction. A backend shows others 64 sub-transactions at no cost; with more, every
/// snapshot anybody takes meanwhile has to look in a file (`PGPROC_MAX_CACHED_SUBXIDS` in PostgreSQL).
const LARGEST_BATCH: usize = 60;

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may be silent under an unanswered request before it counts as dead.
const SILENCE_PATIENCE: Duration = Duration::from_secs(15);
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
        refused(format!(
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
        return Err(refused(format!(
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

/// Where the database is and how to speak to it.
pub(super) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Address {
    fn read(url: &SecretString) -> Result<Self, StoreError> {
        let (text, own_roots) = take_root_certificates(url.expose_secret());
        let mut config = Config::from_str(&text).map_err(|error| {
            refused(format!(
                "database_url is not an address of PostgreSQL: {}.",
                describe(&error)
            ))
        })?;
        config.application_name("ringback");
        config.connect_timeout(CONNECT_PATIENCE);
        config.keepalives_idle(SILENCE_PATIENCE);
        config.tcp_user_timeout(SILENCE_PATIENCE);
        // Unless told otherwise: no TLS on this very machine, and never without it to another one.
        if !text.contains("sslmode=") {
            let local = is_local(&config);
            config.ssl_mode(if local {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_root_certificates(trusted_roots(own_roots.as_deref())?)
            .with_no_client_auth();
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
        })
    }

    pub(super) fn connect(&self) -> Result<Client, ::postgres::Error> {
        let mut client = self.config.connect(self.tls.clone())?;
        client.batch_execute(
            "SET synchronous_commit = on; SET timezone = 'UTC'; SET lock_timeout = '5s'; \
             SET statement_timeout = '20s'; SET idle_in_transaction_session_timeout = '8s'",
        )?;
        Ok(client)
    }
}

/// libpq's `sslrootcert=FILE`, which the client does not know, and its `verify-…` modes, which are all this
/// client ever does: the address without them, and the file.
fn take_root_certificates(url: &str) -> (String, Option<PathBuf>) {
    let Some((address, options)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let mut file = None;
    let mut kept = Vec::new();
    for option in options.split('&') {
        match option.split_once('=') {
            Some(("sslrootcert", path)) => file = Some(PathBuf::from(path)),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(option),
        }
    }
    (format!("{address}?{}", kept.join("&")), file)
}

/// Whose signatures we believe: the usual authorities, or those in `file` alone.
fn trusted_roots(file: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let Some(file) = file else {
        return Ok(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        });
    };
    let unreadable = |error: &dyn fmt::Display| {
        refused(format!(
            "sslrootcert {} cannot be used: {error}.",
            file.display()
        ))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"there is no certificate in it"));
    }
    Ok(roots)
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Write,
    Read,
}

/// Who is in a transaction.
#[derive(Clone, Copy, PartialEq)]
enum Company {
    /// One command.
    Alone,
    /// Several, each in a savepoint. Those that have run hold their locks while another one waits for one
    /// that a neighbour's transaction may hold: that wait is cut short before both wait for each other.
    Shared,
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

/// A command of a shared transaction, and what to tell of it once that is committed.
type Ran = (Box<dyn Job>, Result<Vec<Hint>, StoreError>);

/// Why a shared transaction came to nothing.
enum Lost {
    /// It has not taken effect.
    NotCommitted,
    /// Nobody can tell what became of it, for none of those in it.
    Unknown(StoreError),
}

/// Why a run came to nothing.
enum Trouble {
    /// Running it again may help.
    Passing(StoreError),
    /// The answer stands.
    Final(StoreError),
}

/// One connection with its prepared statements.
pub(super) struct Connection {
    client: Client,
    prepared: HashMap<&'static str, ::postgres::Statement>,
    /// The last error was of the kind that another run may not meet.
    passing: bool,
    /// The transaction is a query's.
    reading: bool,
    /// The server has gone, or has told us to: no further word is to be had here.
    lost: bool,
    /// From which start or recovery of which server it is; `None` where that is not told.
    life: Option<String>,
}

struct Begun {
    now_us: i64,
    /// The transaction's id; empty for queries.
    id: String,
}

impl Connection {
    fn new(mut client: Client) -> Self {
        // A server that recovers because one of its processes was killed does not count as started anew. Where its
        // recovery ended changes then, and stands still while it takes writes.
        const LIFE: &str =
            "SELECT CONCAT_WS(' ', pg_postmaster_start_time(), pg_last_wal_replay_lsn())";
        let life = client.query_one(LIFE, &[]).map(|row| row.get(0)).ok();
        Self {
            client,
            prepared: HashMap::new(),
            passing: false,
            reading: false,
            lost: false,
            life,
        }
    }

    pub(super) fn execute(
        &mut self,
        sql: Statement,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let statement = self.prepared(sql, values)?;
        let bound: Vec<_> = values.iter().map(Bound::of).collect();
        let params: Vec<_> = bound.iter().map(Bound::as_param).collect();
        self.client
            .execute(&statement, &params)
            .map_err(|error| self.classify(&error))
    }

    pub(super) fn query(
        &mut self,
        sql: Statement,
        values: &[Value<'_>],
        take: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.prepared(sql, values)?;
        let bound: Vec<_> = values.iter().map(Bound::of).collect();
        let params: Vec<_> = bound.iter().map(Bound::as_param).collect();
        let rows = self
            .client
            .query(&statement, &params)
            .map_err(|error| self.classify(&error))?;
        for row in &rows {
            if !take(&Row(Source::Postgres(row)))? {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn database_bytes(&mut self) -> Result<i64, StoreError> {
        let size = self
            .client
            .query_one("SELECT pg_database_size(current_database())", &[]);
        size.map(|row| row.get(0))
            .map_err(|error| self.classify(&error))
    }

    pub(super) fn prepare(&mut self, sql: Statement) -> Result<(), StoreError> {
        let prepared = self.client.prepare(&sql.text_for_postgres());
        prepared.map(drop).map_err(|error| self.classify(&error))
    }

    /// The types of the parameters are said, not guessed: PostgreSQL would take `COALESCE($1, 0)` for 32 bits.
    fn prepared(
        &mut self,
        sql: Statement,
        values: &[Value<'_>],
    ) -> Result<::postgres::Statement, StoreError> {
        let types: Vec<_> = values
            .iter()
            .map(|value| postgres_type(value.kind()))
            .collect();
        if let Some(statement) = self.prepared.get(sql.text()) {
            let (wanted, given) = (statement.params(), types.as_slice());
            if wanted != given {
                return Err(StoreError::Bug(format!(
                    "a statement wants {wanted:?}, {given:?} were given"
                )));
            }
            return Ok(statement.clone());
        }
        let wanted = sql.parameters();
        if wanted != values.len() {
            return Err(wrong_number(wanted, values.len()));
        }
        let prepared = self.client.prepare_typed(&sql.text_for_postgres(), &types);
        let statement = prepared.map_err(|error| self.classify(&error))?;
        self.prepared.insert(sql.text(), statement.clone());
        Ok(statement)
    }

    /// BEGIN, the time and the transaction's id, in one round trip.
    fn begin(&mut self, purpose: Use, company: Company) -> Result<Begun, Trouble> {
        self.passing = false;
        self.reading = purpose == Use::Read;
        let rows = match purpose {
            Use::Write => {
                let shared = match company {
                    Company::Alone => "",
                    Company::Shared => "; SET LOCAL lock_timeout = '100ms'; SAVEPOINT command",
                };
                self.simple(&format!(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ; {NOW} AS now, pg_current_xact_id() AS id{shared}"
                ))?
            }
            Use::Read => self.simple(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {NOW} AS now, '' AS id"
            ))?,
        };
        let row = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let begun = row.and_then(|row| {
            Some(Begun {
                now_us: row.get(0)?.parse().ok()?,
                id: row.get(1)?.to_owned(),
            })
        });
        begun.ok_or_else(|| {
            Trouble::Final(StoreError::Bug("PostgreSQL did not tell the time".into()))
        })
    }

    /// Runs commands from the front of `waiting`, each in a savepoint; one that fails undoes itself alone. False
    /// when the next has to be run again, alone. An error loses the whole transaction.
    fn run_in_savepoints(
        &mut self,
        waiting: &mut VecDeque<Box<dyn Job>>,
        ran: &mut Vec<Ran>,
        now: Timestamp,
        longest: Duration,
    ) -> Result<bool, Trouble> {
        let began = Instant::now();
        while let Some(mut job) = waiting.pop_front() {
            self.passing = false;
            let mut tx = Tx::new(Link::Postgres(self), now);
            let outcome = job.run(&mut tx);
            let hints = tx.into_hints();
            match outcome {
                Ok(()) => ran.push((job, Ok(hints))),
                Err(error) => {
                    // `Busy`: it waited for a lock as long as one in company may. Alone it waits longer.
                    let again = self.passing || error == StoreError::Busy;
                    let undone = self.simple("ROLLBACK TO command");
                    if again || undone.is_err() {
                        waiting.push_front(job);
                        return undone.map(|_| false);
                    }
                    ran.push((job, Err(error)));
                }
            }
            if waiting.is_empty() || began.elapsed() > longest {
                break;
            }
            self.simple("RELEASE command; SAVEPOINT command")?;
        }
        Ok(true)
    }

    fn roll_back(&mut self, error: StoreError) -> Trouble {
        let passing = self.passing;
        let lost = self.is_lost() || self.simple("ROLLBACK").is_err();
        if passing || lost {
            Trouble::Passing(error)
        } else {
            Trouble::Final(error)
        }
    }

    fn commit_status(&mut self, id: &str) -> Result<Option<String>, Trouble> {
        let row = self.client.query_one(
            "SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8))",
            &[&id],
        );
        row.map(|row| row.get(0))
            .map_err(|error| self.trouble(&error))
    }

    /// A broken connection has broken off the wait for a synchronous standby, and what is committed may stand on the
    /// primary alone. A commit after it waits until the standby has both; one that says something in the log, since
    /// PostgreSQL lets others return at once.
    fn follow_to_the_standby(&mut self) -> Result<(), Trouble> {
        const SAY: &str = "SELECT pg_logical_emit_message(true, 'ringback', 'committed')";
        self.simple(SAY).map(drop)
    }

    /// Ends whatever connection of ours still holds this transaction open.
    fn end_transaction(&mut self, id: &str) -> Result<(), Trouble> {
        const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE backend_xid = CAST(CAST(CAST($1 AS TEXT) AS xid8) AS xid) \
                           AND usename = current_user";
        let ended = self.client.query(END, &[&id]).map(drop);
        ended.map_err(|error| self.trouble(&error))
    }

    fn simple(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Trouble> {
        self.client
            .simple_query(sql)
            .map_err(|error| self.trouble(&error))
    }

    fn is_lost(&self) -> bool {
        self.lost || self.client.is_closed()
    }

    fn trouble(&mut self, error: &::postgres::Error) -> Trouble {
        let meaning = self.classify(error);
        if self.passing {
            Trouble::Passing(meaning)
        } else {
            Trouble::Final(meaning)
        }
    }

    /// What an error of PostgreSQL means for the command that met it.
    fn classify(&mut self, error: &::postgres::Error) -> StoreError {
        let Some(state) = error.code() else {
            // Not the database's word but the connection's; or ours, when a value did not fit.
            self.lost = self.client.is_closed() || error.is_closed() || is_io(error);
            self.passing = self.lost;
            return if self.lost {
                connection_lost()
            } else {
                StoreError::Bug(describe(error))
            };
        };
        let (meaning, passing) = match *state {
            SqlState::UNIQUE_VIOLATION => (StoreError::Conflict, false),
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
                (StoreError::Busy, true)
            }
            SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => (StoreError::Busy, false),
            SqlState::DISK_FULL => (StoreError::Full, false),
            // Another node has changed the tables: prepare again.
            SqlState::FEATURE_NOT_SUPPORTED | SqlState::INVALID_SQL_STATEMENT_NAME => {
                self.prepared.clear();
                (StoreError::Bug(describe(error)), true)
            }
            SqlState::READ_ONLY_SQL_TRANSACTION if self.reading => {
                (StoreError::Bug(describe(error)), false)
            }
            _ if is_outage(state.code()) => {
                self.lost = true;
                (StoreError::Unavailable(describe(error)), true)
            }
            _ => (StoreError::Bug(describe(error)), false),
        };
        self.passing = passing;
        meaning
    }
}

/// Connection (08), resources (53), operator intervention such as a shutdown (57), system (58), a standby (25006), a
/// transaction that was silent for too long because we were stopped in it (25P03).
fn is_outage(code: &str) -> bool {
    ["08", "53", "57", "58"]
        .iter()
        .any(|class| code.starts_with(class))
        || matches!(code, "25006" | "25P03")
}

fn is_io(error: &::postgres::Error) -> bool {
    error
        .source()
        .is_some_and(|source| source.is::<std::io::Error>())
}

/// Between half of `most` and all of it.
fn jitter(most: Duration) -> Duration {
    let share = f64::from(u16::from_le_bytes(random::bytes())) / f64::from(u16::MAX);
    most.mul_f64(0.5 + share / 2.0)
}

fn refused(sentence: String) -> StoreError {
    StoreError::Refused(sentence)
}

fn connection_lost() -> StoreError {
    StoreError::Unavailable("the connection to PostgreSQL is lost".into())
}

/// The database's sentence without its DETAIL, which quotes values.
pub(super) fn describe(error: &::postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error
            .source()
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
    }
}

// Values.

fn postgres_type(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

/// A value in the shape the client takes.
enum Bound<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
}

impl<'a> Bound<'a> {
    fn of(value: &'a Value<'_>) -> Self {
        match value {
            Value::Null(Kind::Int) => Self::Int(None),
            Value::Null(Kind::Text) => Self::Text(None),
            Value::Null(Kind::Bytes) => Self::Bytes(None),
            Value::Int(number) => Self::Int(Some(*number)),
            Value::Text(text) => Self::Text(Some(text)),
            Value::Bytes(bytes) => Self::Bytes(Some(bytes)),
        }
    }

    fn as_param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Int(value) => value,
            Self::Text(value) => value,
            Self::Bytes(value) => value,
        }
    }
}

/// A column of a row, by its name or its place.
pub(super) fn column<'a, C>(row: &'a ::postgres::Row, column: C) -> Result<Value<'a>, StoreError>
where
    C: RowIndex + fmt::Display,
{
    match row.try_get::<_, Option<Cell<'a>>>(&column) {
        Ok(Some(Cell(value))) => Ok(value),
        Ok(None) => Ok(Value::Null(Kind::Int)),
        Err(error) => Err(StoreError::Bug(format!("column {column}: {error}"))),
    }
}

struct Cell<'a>(Value<'a>);

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let value = match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Bytes(Cow::Borrowed(raw)),
            _ => Value::Text(Cow::Borrowed(<&str>::from_sql(ty, raw)?)),
        };
        Ok(Self(value))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8 | Type::INT4 | Type::INT2 | Type::BOOL | Type::BYTEA
        ) || <&str as FromSql>::accepts(ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By their codes in PostgreSQL's Appendix A.
    #[test]
    fn what_is_over_by_itself_is_an_outage_and_a_mistake_is_none() {
        let outages = [
            "08006", "53300", "57P01", "57P03", "58030", "25006", "25P03",
        ];
        assert_eq!(outages.map(is_outage), [true; 7]);
        let mistakes = ["42601", "23503", "22001", "25P02", "40001"];
        assert_eq!(mistakes.map(is_outage), [false; 5]);
    }
}
