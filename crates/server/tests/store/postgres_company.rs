//! Commands that share one transaction on PostgreSQL: what one of them, a neighbour or the line does must
//! not show in the answers of the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use ringback_server::clock::Clock;
use ringback_server::store::{Engine, Order, Store, StoreError, StoreOptions, Tx, sql};
use ringback_server::testing::TestStore;

use crate::postgres_line::{Break, store_behind_a_line};
use crate::{count, hold_writer, number_of, put};

/// A store with one writer, and a second one on the same database, as another node has it.
fn two_nodes() -> Option<(TestStore, Store)> {
    let one_writer = StoreOptions {
        writers: 1,
        longest_batch: Duration::from_secs(60),
        ..StoreOptions::default()
    };
    let ours = TestStore::fresh_with(Engine::Postgres, one_writer.clone())?;
    let other = Store::open_with(ours.place().config(), Clock::system(), one_writer);
    Some((ours, other.expect("a second node on the same database")))
}

fn add_one(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let number = number_of(tx, "counter")? + 1;
    tx.execute(
        sql!("UPDATE node SET epoch = $1 WHERE id = 'counter'"),
        &[&number],
    )?;
    Ok(number)
}

/// Puts a command in line now; the answer comes with the task's end.
fn asked<T: Send + 'static>(
    store: &Store,
    command: impl Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> tokio::task::JoinHandle<Result<T, StoreError>> {
    tokio::spawn(super::asked(store, Order::Any, command))
}

/// A command that says when it runs and goes on when told to. The first time only: it may be run again.
fn waits_inside(
    store: &Store,
) -> (
    tokio::task::JoinHandle<Result<(), StoreError>>,
    mpsc::Receiver<()>,
    mpsc::Sender<()>,
) {
    let (started, has_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let write = asked(store, move |tx| {
        number_of(tx, "counter")?;
        let _ = started.send(());
        let _ = may_go_on.recv();
        Ok(())
    });
    (write, has_started, go_on)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_meets_a_neighbours_change_is_run_again_and_keeps_its_turn() {
    let Some((ours, other)) = two_nodes() else {
        return;
    };
    put(&ours.store, "counter", 0).await.unwrap();
    let (held, release) = hold_writer(&ours.store);
    let before = asked(&ours.store, |tx| {
        tx.execute(
            sql!("INSERT INTO node (id, epoch, until) VALUES ('before', 1, 0)"),
            &[],
        )
    });
    let (started, runs) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let first = asked(&ours.store, move |tx| {
        // The transaction has its snapshot. The second time nobody holds the other end any more.
        let _ = started.send(());
        let _ = may_go_on.recv();
        add_one(tx)
    });
    let second = asked(&ours.store, add_one);
    drop(release);
    held.await.unwrap().unwrap();
    tokio::task::block_in_place(|| runs.recv().unwrap());
    other.write(Order::Any, add_one).await.unwrap();
    drop(go_on);
    assert_eq!(before.await.unwrap(), Ok(1));
    assert_eq!(first.await.unwrap(), Ok(2));
    assert_eq!(second.await.unwrap(), Ok(3));
    let figures = ours.store.figures();
    assert_eq!(figures.repeats, 1, "only the one that met the change");
    assert_eq!(count(&ours.store).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_joins_a_transaction_that_has_begun() {
    let Some((ours, other)) = two_nodes() else {
        return;
    };
    put(&ours.store, "counter", 0).await.unwrap();
    let (held, release) = hold_writer(&ours.store);
    let (waits, runs, go_on) = waits_inside(&ours.store);
    let company = asked(&ours.store, |tx| number_of(tx, "counter"));
    drop(release);
    held.await.unwrap().unwrap();
    tokio::task::block_in_place(|| runs.recv().unwrap());
    // Whoever asks from here on has heard of the neighbour's row, and has to find it.
    put(&other, "news", 7).await.unwrap();
    let newcomer = asked(&ours.store, |tx| number_of(tx, "news"));
    drop(go_on);
    waits.await.unwrap().unwrap();
    assert_eq!(company.await.unwrap(), Ok(0));
    assert_eq!(newcomer.await.unwrap(), Ok(7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_in_company_who_wait_for_one_another_both_get_through() {
    let Some((ours, other)) = two_nodes() else {
        return;
    };
    put(&ours.store, "a", 0).await.unwrap();
    put(&ours.store, "b", 0).await.unwrap();
    let both_hold_one = Arc::new(Barrier::new(2));
    let mut told = Vec::new();
    let mut holding = Vec::new();
    for (store, first, second) in [(&ours.store, "a", "b"), (&other, "b", "a")] {
        holding.push(hold_writer(store));
        let (both_hold_one, runs) = (Arc::clone(&both_hold_one), AtomicUsize::new(0));
        told.push(asked(store, move |tx| {
            let changed = tx.execute(ADD, &[&first])?;
            if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                both_hold_one.wait();
            }
            Ok(changed)
        }));
        told.push(asked(store, move |tx| tx.execute(ADD, &[&second])));
    }
    for (held, release) in holding {
        drop(release);
        held.await.unwrap().unwrap();
    }
    for told in told {
        assert_eq!(told.await.unwrap(), Ok(1));
    }
    for id in ["a", "b"] {
        assert_eq!(ours.store.read(move |tx| number_of(tx, id)).await, Ok(2));
    }
}

const ADD: ringback_server::store::Statement =
    sql!("UPDATE node SET epoch = epoch + 1 WHERE id = $1");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_commit_whose_answer_got_lost_is_looked_up() {
    told_after_a_break(Break::AfterCommit, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_commit_that_never_arrived_is_run_again() {
    told_after_a_break(Break::BeforeCommit, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_transaction_the_server_still_waits_for_is_ended_and_run_again() {
    told_after_a_break(Break::WithoutAWord, 3).await;
}

/// Three in one transaction, one of whom is refused by its own fault: each is told the truth, whatever
/// became of the line.
async fn told_after_a_break(at: Break, repeats: u64) {
    let Some((_place, line, store)) = store_behind_a_line() else {
        return;
    };
    put(&store, "taken", 1).await.unwrap();
    let (held, release) = hold_writer(&store);
    let told = ["a", "taken", "b"]
        .map(|id| asked(&store, move |tx| tx.execute(crate::PUT, &[&id, &1_i64])));
    line.break_at_second_commit(at);
    drop(release);
    held.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for told in told {
        answers.push(told.await.unwrap());
    }
    assert_eq!(answers, [Ok(1), Err(StoreError::Conflict), Ok(1)]);
    assert_eq!(line.breaks_left(), None, "the line did break");
    let figures = store.figures();
    assert_eq!((figures.reconnects, figures.repeats), (1, repeats));
    assert_eq!(count(&store).await, 3);
}

/// As when the whole server is stopped for a while: PostgreSQL ends the silent transaction, and its command runs again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_silent_for_too_long_is_run_again() {
    let Some((ours, _)) = two_nodes() else {
        return;
    };
    put(&ours.store, "counter", 0).await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let silent = move |tx: &mut Tx<'_>| {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            tx.execute(
                sql!("SET LOCAL idle_in_transaction_session_timeout = '20ms'"),
                &[],
            )?;
            std::thread::sleep(Duration::from_millis(500));
        }
        add_one(tx)
    };
    assert_eq!(ours.store.write(Order::Any, silent).await, Ok(1));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}
