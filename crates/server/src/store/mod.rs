//! The only door to the database: one small synchronous facade over SQLite and PostgreSQL.
//!
//! A command is a plain function over [`Tx`], in the file of its noun; [`Store::write`] runs it on a store
//! thread as one transaction and answers after COMMIT. The SQL is written once, with `$1..$n`, for both
//! engines; what differs between them is named here and in `sqlite.rs` and `postgres.rs`, nowhere else.
//! Not here: rules (they are `ringback_domain`'s; SQL finds rows, it does not decide), and calls to the
//! outside while a transaction is open.
//!
//! **Written once, valid on both.** Columns are BIGINT, TEXT and bytes. `INSERT … ON CONFLICT`, `RETURNING`,
//! `CAST(x AS BIGINT)` exist on both. `SUM` of whole numbers is NUMERIC on PostgreSQL: cast it. A parameter
//! that stands alone (`$1 IS NULL`) is cast, too, so that its type can be seen.
//!
//! **Alone or not.** On SQLite commands run one after another. On PostgreSQL they run beside each other, on
//! several nodes: a command that changes a row somebody changed meanwhile is run again by itself, so read,
//! decide, write is safe for the row that is written. What a command only reads may change before it commits:
//! where that matters it says so with [`LOCKED`], or lets a unique key decide. Queues are claimed with
//! [`SKIP_LOCKED`]. Both are comments that PostgreSQL gets as clauses.

pub mod api_key;
pub mod appointment;
pub mod business;
pub mod census;
pub mod consent;
pub mod crm_record;
pub mod delivery;
pub mod integration;
pub mod json;
pub mod jump;
pub mod lead;
pub mod news;
pub mod node;
pub mod opt_out;
pub mod outbox;
pub mod page;
pub mod prune;
pub mod resume_link;
pub mod scheduler;
pub mod session;
pub mod setup;
pub mod staff;
mod statements;
pub mod task;
pub mod text_message;

mod backup;
mod error;
mod figures;
mod kept;
mod log;
mod look;
mod migrate;
mod neighbours;
mod postgres;
mod queue;
mod sqlite;
mod tx;
mod value;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ringback_domain::id::{BusinessId, LeadId, SessionId};
use secrecy::SecretString;
use tokio::sync::{broadcast, oneshot};

pub use backup::{backup, note_beside};
pub use error::StoreError;
pub use figures::Snapshot;
pub use look::{Found, LETTERS, look};
pub use tx::{Known, LOCKED, Row, SKIP_LOCKED, Statement, Tx};
pub use value::{Column, Kind, Nullable, Param, Value};

use crate::clock::Clock;
use figures::Figures;
use news::News;
use queue::{Queue, Refusal};

/// Makes a [`Statement`] of a literal, at the place of use: `sql!("SELECT name FROM lead WHERE id = $1")`.
/// A test finds every one in the source and prepares it on both engines.
#[macro_export]
macro_rules! sql {
    ($text:literal) => {{
        static KNOWN: $crate::store::Known = $crate::store::Known::nothing();
        $crate::store::Statement::from_source($text, &KNOWN)
    }};
}
pub use crate::sql;

/// Where the rows are.
#[derive(Clone, Debug)]
pub enum StoreConfig {
    /// One file, one server.
    Sqlite {
        /// The database file; made when it is not there, readable by this user alone.
        path: PathBuf,
    },
    /// One database, any number of servers.
    Postgres {
        /// `postgres://user:password@host/database`.
        url: SecretString,
    },
}

/// Reads a `database_url`: `sqlite:PATH` or `postgres://…`. The error is a sentence without the URL.
impl FromStr for StoreConfig {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(StoreError::Refused(
                    "database_url: name a file after \"sqlite:\"".into(),
                ));
            }
            return Ok(Self::Sqlite { path: path.into() });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres {
                url: url.to_owned().into(),
            });
        }
        Err(StoreError::Refused(
            "database_url must be \"sqlite:PATH\" or \"postgres://user:password@host/database\""
                .into(),
        ))
    }
}

/// Which database runs underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL, somewhere else.
    Postgres,
}

/// Which writes must not overtake one another. On PostgreSQL the same key goes to the same worker, in order,
/// which also keeps two workers from fighting over one row; SQLite has one writer anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// No order needed.
    Any,
    /// After earlier writes of this session.
    Session(i64),
    /// After earlier writes of this business.
    Business(i64),
}

/// "Look again": sent in this process after COMMIT, and about leads in the processes of other nodes as well.
/// Never the truth, and lost when nobody keeps up; polling is the guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Something about a lead has changed.
    Lead {
        /// Whose lead.
        business: BusinessId,
        /// Which.
        lead: LeadId,
    },
    /// Hints of other nodes may have been missed.
    Missed,
    /// A delivery may be due.
    Deliveries,
    /// A record of this business is due at once.
    Record {
        /// Whose.
        business: BusinessId,
    },
    /// A departure may be due.
    Sweep,
    /// Something about a session has changed.
    Session {
        /// Which.
        session: SessionId,
    },
    /// Not for listeners: what happened, for the log and the figures.
    News(Box<News>),
}

/// How much a store takes on, and what it does when the disk fails. The defaults are for a server; tests
/// turn them down.
#[derive(Clone)]
pub struct StoreOptions {
    /// Commands that may wait before [`StoreError::Busy`]. More than there are connections: a request that is refused
    /// costs half of one that is served, and comes again at once. Whoever has a connection stands in line.
    pub waiting: usize,
    /// Threads for queries. SQLite: one connection each, `query_only`.
    pub readers: usize,
    /// PostgreSQL: threads for commands, one connection each.
    pub writers: usize,
    /// How long a shared transaction goes on to its next command, those before it waiting for COMMIT and, on
    /// PostgreSQL, holding their locks until then.
    pub longest_batch: Duration,
    /// Called with a sentence when the disk failed while writing, instead of an answer to anybody. Must not
    /// return in a server: nothing after a failed fsync may be called durable.
    pub on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            waiting: 24_576,
            readers: 3,
            writers: 4,
            longest_batch: Duration::from_millis(20),
            on_fatal: Arc::new(|sentence| {
                tracing::error!("{sentence}");
                eprintln!("{sentence}");
                std::process::exit(FATAL_EXIT_CODE);
            }),
        }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            waiting,
            readers,
            writers,
            longest_batch,
            on_fatal: _,
        } = self;
        f.debug_struct("StoreOptions")
            .field("waiting", waiting)
            .field("readers", readers)
            .field("writers", writers)
            .field("longest_batch", longest_batch)
            .finish_non_exhaustive()
    }
}

/// The process's exit code after a failed fsync (`EX_IOERR` of sysexits.h), so that a supervisor can tell.
pub const FATAL_EXIT_CODE: i32 = 74;
/// Counts for badges end here: nobody reads a badge of fifty thousand, and counting them takes longer than the page.
pub const COUNTED_TO: i64 = 1_000;

/// The store, shared by everything in the server. Clones are the same store; the last one dropped (or
/// [`Store::close`]) finishes what is waiting and lets go of the database.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    /// One per writer thread.
    writes: Vec<Arc<Queue<Box<dyn Job>>>>,
    reads: Arc<Queue<Box<dyn Job>>>,
    next_writer: AtomicUsize,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the store threads share with the store.
struct Shared {
    clock: Clock,
    hints: broadcast::Sender<Hint>,
    /// Leads that other nodes are to look at.
    for_others: Queue<(BusinessId, LeadId)>,
    figures: Figures,
    longest_batch: Duration,
    on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Shared {
    /// Answers a command that has been committed. What happened is told first, so that the log has it in order; then
    /// whoever waits; then those who listen, who would otherwise be on the processors before him.
    fn answer(&self, job: Box<dyn Job>, hints: Vec<Hint>) {
        let (news, hints): (Vec<_>, Vec<_>) = hints
            .into_iter()
            .partition(|hint| matches!(hint, Hint::News(_)));
        news.into_iter().for_each(|news| self.hint(news));
        job.answer(Ok(()));
        hints.into_iter().for_each(|hint| self.hint(hint));
    }

    fn hint(&self, hint: Hint) {
        if let Hint::Lead { business, lead } = hint {
            // Where there are no others nobody takes it, and one too many may be lost.
            let _ = self.for_others.push((business, lead));
        }
        match hint {
            Hint::News(news) => news.tell(),
            hint => self.hint_here(hint),
        }
    }

    /// Nobody may be listening; that is no error.
    fn hint_here(&self, hint: Hint) {
        drop(self.hints.send(hint));
    }
}

/// Hints kept for a slow listener before it is told that it missed some.
const HINTS_KEPT: usize = 4_096;

impl Store {
    /// Opens the database, brings its tables up to date and starts the store threads. A
    /// [`StoreError::Refused`] says what to do: another server has the file, a newer version wrote it.
    pub fn open(config: &StoreConfig, clock: Clock) -> Result<Self, StoreError> {
        Self::open_with(config, clock, StoreOptions::default())
    }

    /// [`Store::open`] with other limits.
    pub fn open_with(
        config: &StoreConfig,
        clock: Clock,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            clock,
            hints: broadcast::Sender::new(HINTS_KEPT),
            for_others: Queue::new(match config {
                StoreConfig::Sqlite { .. } => 0,
                StoreConfig::Postgres { .. } => HINTS_KEPT,
            }),
            figures: Figures::default(),
            longest_batch: options.longest_batch,
            on_fatal: Arc::clone(&options.on_fatal),
        });
        let reads = Arc::new(Queue::new(options.waiting));
        let writer_count = match config {
            StoreConfig::Sqlite { .. } => 1,
            StoreConfig::Postgres { .. } => options.writers.max(1),
        };
        let writes: Vec<_> = (0..writer_count)
            .map(|_| Arc::new(Queue::new(options.waiting)))
            .collect();
        let (engine, threads) = match config {
            StoreConfig::Sqlite { path } => (
                Engine::Sqlite,
                sqlite::start(path, &shared, &writes[0], &reads, options.readers.max(1))?,
            ),
            StoreConfig::Postgres { url } => (
                Engine::Postgres,
                postgres::start(url, &shared, &writes, &reads, options.readers.max(1))?,
            ),
        };
        let threads = Mutex::new(threads);
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                writes,
                reads,
                next_writer: AtomicUsize::new(0),
                shared,
                threads,
            }),
        })
    }

    /// Runs one command as one transaction and answers after COMMIT; an error undoes all of it. The command
    /// may be run again (a deadlock, a neighbour's failure), so it keeps its hands off everything but `tx`.
    /// Runs to its end even if the caller stops waiting.
    pub async fn write<T, F>(&self, order: Order, command: F) -> Result<T, StoreError>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        ask(
            &self.inner.writes[self.inner.writer_for(order)],
            &self.inner.shared.figures,
            command,
        )
        .await
    }

    /// Runs one query on one consistent view of the database. Changing anything is an error.
    pub async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        ask(&self.inner.reads, &self.inner.shared.figures, query).await
    }

    /// The hints of all commands from now on.
    pub fn hints(&self) -> broadcast::Receiver<Hint> {
        self.inner.shared.hints.subscribe()
    }

    /// Which database runs underneath.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// How the store is doing: what waits, how large the batches are, how long commits take.
    pub fn figures(&self) -> Snapshot {
        let depth = |queue: &Arc<Queue<_>>| queue.depth() as u64;
        self.inner.shared.figures.snapshot(
            self.inner.writes.iter().map(depth).sum(),
            depth(&self.inner.reads),
        )
    }

    /// Takes nothing more, finishes what is waiting, and lets go of the database. Later calls on any clone
    /// answer [`StoreError::Unavailable`].
    pub async fn close(&self) {
        let inner = Arc::clone(&self.inner);
        let closing = tokio::task::spawn_blocking(move || inner.close());
        closing.await.expect("closing the store does not panic");
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("engine", &self.inner.engine)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn writer_for(&self, order: Order) -> usize {
        let spread = |key: i64, kind: u64| {
            // Ids come one after another: a multiplication by the golden ratio spreads them evenly.
            let mixed = (key as u64 ^ kind).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (mixed >> 32) as usize
        };
        let number = match order {
            Order::Any => self.next_writer.fetch_add(1, Ordering::Relaxed),
            Order::Session(id) => spread(id, 0),
            Order::Business(id) => spread(id, 1 << 63),
        };
        number % self.writes.len()
    }

    fn close(&self) {
        self.writes.iter().for_each(|queue| queue.close());
        self.reads.close();
        self.shared.for_others.close();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let this_thread = std::thread::current().id();
        // A command that holds the last clone would wait here for itself, or for whoever waits for it.
        if threads.iter().any(|one| one.thread().id() == this_thread) {
            return;
        }
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a store thread panicked");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// A command or a query on its way through a store thread: run (perhaps more than once), then answered once.
trait Job: Send {
    /// Runs inside a transaction and keeps the value; an error means the transaction must be undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Tells whoever asked: the value kept by the last run, or why there is none.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Ask<T, F> {
    work: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Ask<T, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.value = None;
        let run = std::panic::AssertUnwindSafe(|| (self.work)(tx));
        // A panic in one command must not take the writer, and everybody's writes, with it.
        let value = std::panic::catch_unwind(run)
            .unwrap_or_else(|_| Err(StoreError::Bug("a command panicked".into())))?;
        tx.unspoilt()?;
        self.value = Some(value);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        let missing = StoreError::Bug("a command was answered without having run".into());
        // The caller may have gone; the row stands all the same.
        let _ = reply.send(outcome.and_then(|()| value.ok_or(missing)));
    }
}

async fn ask<T, F>(queue: &Queue<Box<dyn Job>>, figures: &Figures, work: F) -> Result<T, StoreError>
where
    F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    T: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    match queue.push(Box::new(Ask {
        work,
        value: None,
        reply,
    })) {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(closing())),
        Err(Refusal::Full) => {
            figures.refused();
            Err(StoreError::Busy)
        }
        Err(Refusal::Closed) => Err(closing()),
    }
}

/// A store thread. One that panics takes the server with it: its callers would wait for ever.
fn spawn(
    name: String,
    shared: &Arc<Shared>,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    let shared = Arc::clone(shared);
    let guarded = move || {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
            (shared.on_fatal)("A thread of the store stopped by a mistake in this program.");
        }
    };
    let started = std::thread::Builder::new().name(name).spawn(guarded);
    started.map_err(|error| {
        StoreError::Refused(format!("A thread of the store cannot be started: {error}."))
    })
}

fn closing() -> StoreError {
    StoreError::Unavailable("the server is shutting down".into())
}
