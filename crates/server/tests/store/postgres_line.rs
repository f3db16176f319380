//! What only a line to a server can do to us: break before a COMMIT, after it, or for good; two who wait for
//! one another; two nodes that start at once. A small proxy breaks the line where a test says.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use ringback_server::clock::Clock;
use ringback_server::store::{
    Engine, Order, Store, StoreConfig, StoreError, StoreOptions, Tx, sql,
};
use ringback_server::testing::{Place, TestStore};
use url::Url;

use crate::{count, number_of, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_got_lost_is_looked_up() {
    let Some((_place, line, store)) = store_behind_a_line() else {
        return;
    };
    line.break_once(Break::AfterCommit);
    assert_eq!(put(&store, "a", 1).await, Ok(1));
    assert_eq!(line.breaks_left(), None, "the line did break");
    let figures = store.figures();
    assert_eq!(
        (figures.reconnects, figures.repeats),
        (1, 0),
        "it was found committed, not run again"
    );
    assert_eq!(count(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_never_arrived_is_run_again() {
    let Some((_place, line, store)) = store_behind_a_line() else {
        return;
    };
    line.break_once(Break::BeforeCommit);
    assert_eq!(put(&store, "a", 1).await, Ok(1));
    assert_eq!(line.breaks_left(), None, "the line did break");
    let figures = store.figures();
    assert_eq!((figures.reconnects, figures.repeats), (1, 1));
    assert_eq!(count(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_the_server_still_waits_for_is_ended_and_run_again() {
    let Some((_place, line, store)) = store_behind_a_line() else {
        return;
    };
    line.break_once(Break::WithoutAWord);
    assert_eq!(put(&store, "a", 1).await, Ok(1));
    assert_eq!(line.breaks_left(), None, "the line did break");
    let figures = store.figures();
    assert_eq!((figures.reconnects, figures.repeats), (1, 1));
    assert_eq!(count(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_went_away_is_found_again() {
    let Some((_place, line, store)) = store_behind_a_line() else {
        return;
    };
    put(&store, "a", 1).await.unwrap();
    line.cut();
    let told = put(&store, "b", 1).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    let told = store.read(|tx| number_of(tx, "a")).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    line.mend();
    let back = async {
        while put(&store, "b", 1).await.is_err()
            || store.read(|tx| number_of(tx, "a")).await.is_err()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), back)
        .await
        .expect("it comes back by itself");
    assert_eq!(count(&store).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_connection_is_ended_is_run_again() {
    let Some(world) = TestStore::fresh(Engine::Postgres) else {
        return;
    };
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let written = world.store.write(Order::Any, move |tx| {
        tx.execute(
            sql!("INSERT INTO node (id, epoch, until) VALUES ('a', 1, 0)"),
            &[],
        )?;
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            // As an administrator would.
            tx.rows(
                sql!("SELECT pg_terminate_backend(pg_backend_pid()) AS ended"),
                &[],
                |_| Ok(()),
            )?;
        }
        Ok(())
    });
    assert_eq!(written.await, Ok(()));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(count(&world.store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_wait_for_one_another_both_get_through() {
    let Some(world) = TestStore::fresh(Engine::Postgres) else {
        return;
    };
    put(&world.store, "a", 0).await.unwrap();
    put(&world.store, "b", 0).await.unwrap();
    let both_hold_one = Arc::new(Barrier::new(2));
    let cross = |first: &'static str, second: &'static str| {
        let (store, both_hold_one) = (world.store.clone(), Arc::clone(&both_hold_one));
        tokio::spawn(async move {
            let runs = AtomicUsize::new(0);
            let cross = move |tx: &mut Tx<'_>| {
                let add = sql!("UPDATE node SET epoch = epoch + 1 WHERE id = $1");
                tx.execute(add, &[&first])?;
                if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                    both_hold_one.wait();
                }
                tx.execute(add, &[&second])
            };
            // In no order: the two go to different workers.
            store.write(Order::Any, cross).await
        })
    };
    let (one, other) = (cross("a", "b"), cross("b", "a"));
    assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(1), Ok(1)));
    assert!(world.store.figures().repeats >= 1);
    for id in ["a", "b"] {
        assert_eq!(world.store.read(move |tx| number_of(tx, id)).await, Ok(2));
    }
}

#[test]
fn nodes_that_start_together_migrate_once() {
    let Some(place) = Place::fresh(Engine::Postgres) else {
        return;
    };
    std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| Store::open(place.config(), Clock::system())))
            .collect();
        for node in nodes {
            node.join()
                .unwrap()
                .expect("each waits for the one that migrates");
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_or_edited_schema_is_left_alone() {
    let Some(mut world) = TestStore::fresh(Engine::Postgres) else {
        return;
    };
    let newer = world.store.write(Order::Any, |tx| {
        tx.execute(
            sql!(
                "INSERT INTO schema_migration (version, name, checksum, applied_at)
                 VALUES (9999, '9999_from_the_future', 'x', 1)"
            ),
            &[],
        )
    });
    newer.await.unwrap();
    let told = world.reopen().await.unwrap_err().to_string();
    assert!(
        told.contains("newer Ringback") && told.contains("9999"),
        "{told}"
    );
    // The version after ours has only added something, and says so: ours goes on.
    on_database(
        world.place(),
        "UPDATE schema_migration SET keeps = 1 WHERE version = 9999",
    );
    world.reopen().await.expect("an expanded database is used");
    assert_eq!(put(&world.store, "a", 1).await, Ok(1));
    on_database(
        world.place(),
        "DELETE FROM schema_migration WHERE version = 9999",
    );
    on_database(
        world.place(),
        "UPDATE schema_migration SET checksum = 'edited' WHERE version = 1",
    );
    let told = world.reopen().await.unwrap_err().to_string();
    assert!(told.contains("0001_first.sql"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_grow_under_a_running_server_do_not_stop_it() {
    let Some(world) = TestStore::fresh(Engine::Postgres) else {
        return;
    };
    // Prepared statements of every kind, then another node expands the tables.
    put(&world.store, "a", 1).await.unwrap();
    let whole = sql!("SELECT * FROM node WHERE id = $1");
    let read = move |tx: &mut Tx<'_>| tx.one(whole, &[&"a"], |row| row.get::<i64>("epoch"));
    assert_eq!(world.store.read(read).await, Ok(1));
    assert_eq!(world.store.write(Order::Any, read).await, Ok(1));
    on_database(
        world.place(),
        "ALTER TABLE node ADD COLUMN from_the_future BIGINT NOT NULL DEFAULT 7",
    );
    for number in 2..20 {
        assert_eq!(put(&world.store, &number.to_string(), 1).await, Ok(1));
        assert_eq!(world.store.read(read).await, Ok(1));
        assert_eq!(world.store.write(Order::Any, read).await, Ok(1));
    }
}

#[test]
fn a_server_that_is_not_there_is_told_without_the_password() {
    // Bound, never listening: nobody answers on this port.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://ringback:hunter2@{nobody}/ringback");
    let told = Store::open(&StoreConfig::Postgres { url: url.into() }, Clock::system());
    let told = told.unwrap_err().to_string();
    assert!(told.contains("cannot be reached"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn own_certificate_authorities_are_read_or_refused() {
    let open =
        |url: String| Store::open(&StoreConfig::Postgres { url: url.into() }, Clock::system());
    let missing = open(
        "postgres://db.example/ringback?sslmode=verify-full&sslrootcert=/nonexistent.pem".into(),
    );
    let told = missing.unwrap_err().to_string();
    assert!(told.contains("sslrootcert /nonexistent.pem"), "{told}");
    let folder = Place::fresh(Engine::Sqlite).unwrap();
    let empty = folder.file().unwrap().with_extension("pem");
    std::fs::write(&empty, "").unwrap();
    let told = open(format!(
        "postgres://db.example/ringback?sslrootcert={}",
        empty.display()
    ));
    let told = told.unwrap_err().to_string();
    assert!(told.contains("there is no certificate in it"), "{told}");
}

fn on_database(place: &Place, sql: &str) {
    let (url, sql) = (place.database_url(), sql.to_owned());
    // The synchronous client wants a thread without a runtime.
    let run = move || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        client.batch_execute(&sql).unwrap();
    };
    std::thread::spawn(run).join().unwrap();
}

/// A store with one writer and one reader, whose line to PostgreSQL can be broken.
pub fn store_behind_a_line() -> Option<(Place, Line, Store)> {
    let place = Place::fresh(Engine::Postgres)?;
    let mut url: Url = place.database_url().parse().unwrap();
    let server = url
        .socket_addrs(|| Some(5432))
        .expect("RINGBACK_TEST_POSTGRES names host and port")[0];
    let line = Line::to(server);
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(line.port())).unwrap();
    let config = StoreConfig::Postgres {
        url: String::from(url).into(),
    };
    let store =
        Store::open_with(&config, Clock::system(), one_writer()).expect("it opens over the line");
    Some((place, line, store))
}

/// One writer and one reader.
pub fn one_writer() -> StoreOptions {
    StoreOptions {
        readers: 1,
        writers: 1,
        longest_batch: Duration::from_secs(60),
        ..StoreOptions::default()
    }
}

/// Where the line breaks next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Break {
    /// The COMMIT is swallowed.
    BeforeCommit,
    /// The COMMIT is swallowed, and the server is left waiting for it.
    WithoutAWord,
    /// The same, and nobody gets through any more.
    UntilMended,
    /// The COMMIT takes effect; its answer is swallowed.
    AfterCommit,
    /// Every connection, and every new one.
    Always,
}

/// A proxy between the store and PostgreSQL.
pub struct Line {
    address: SocketAddr,
    state: Arc<Mutex<LineState>>,
}

#[derive(Default)]
struct LineState {
    next_break: Option<Break>,
    commits_let_through: usize,
    connections: Vec<TcpStream>,
}

impl Line {
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<LineState>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, state) = (client.unwrap(), Arc::clone(&shared));
                if state.lock().unwrap().next_break == Some(Break::Always) {
                    continue; // closed at once
                }
                let server = TcpStream::connect(server).unwrap();
                let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
                state.lock().unwrap().connections.extend(ends);
                std::thread::spawn(move || carry(client, server, &state));
            }
        });
        Self { address, state }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn break_once(&self, at: Break) {
        self.state.lock().unwrap().next_break = Some(at);
    }

    /// At the COMMIT after the next one.
    pub fn break_at_second_commit(&self, at: Break) {
        let mut state = self.state.lock().unwrap();
        (state.commits_let_through, state.next_break) = (1, Some(at));
    }

    pub fn breaks_left(&self) -> Option<Break> {
        self.state.lock().unwrap().next_break
    }

    fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.next_break = Some(Break::Always);
        state.connections.drain(..).for_each(close);
    }

    pub fn mend(&self) {
        self.state.lock().unwrap().next_break = None;
    }
}

/// Carries both ways until one side ends or the line breaks.
fn carry(mut client: TcpStream, mut server: TcpStream, state: &Mutex<LineState>) {
    let (mut back, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let swallow = Arc::new(Mutex::new(false));
    let swallowing = Arc::clone(&swallow);
    let answers = std::thread::spawn(move || {
        let mut bytes = [0; 16_384];
        while let Ok(length @ 1..) = back.read(&mut bytes) {
            if *swallowing.lock().unwrap() || to_client.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        close(to_client);
        close(back);
    });
    let mut bytes = [0; 16_384];
    while let Ok(length @ 1..) = client.read(&mut bytes) {
        let sent = &bytes[..length];
        if sent.windows(6).any(|word| word == b"COMMIT") {
            let next_break = {
                let mut state = state.lock().unwrap();
                if state.commits_let_through > 0 {
                    state.commits_let_through -= 1;
                    None
                } else {
                    let next_break = state.next_break.take();
                    if next_break == Some(Break::UntilMended) {
                        state.next_break = Some(Break::Always);
                    }
                    next_break
                }
            };
            match next_break {
                Some(Break::BeforeCommit) => break,
                Some(Break::WithoutAWord | Break::UntilMended) => {
                    close(client);
                    answers.join().unwrap();
                    return;
                }
                Some(Break::AfterCommit) => *swallow.lock().unwrap() = true,
                Some(Break::Always) | None => {}
            }
        }
        if server.write_all(sent).is_err() {
            break;
        }
    }
    if !*swallow.lock().unwrap() {
        close(server);
    }
    close(client);
    answers.join().unwrap();
}

fn close(stream: TcpStream) {
    // It may be closed already.
    let _ = stream.shutdown(Shutdown::Both);
}
