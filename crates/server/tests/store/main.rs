//! The store's promises, each told once and kept by both engines. What only one engine can break is told in
//! `sqlite_file.rs`, `disk.rs`, `postgres_line.rs` and `postgres_restart.rs`; `statements.rs` reads every statement of
//! the source.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bounds;
mod disk;
mod jump;
mod postgres_company;
mod postgres_line;
mod postgres_restart;
mod sqlite_file;
mod statements;

use std::collections::BTreeSet;
use std::sync::mpsc;

use futures_util::future::{Either, FutureExt as _};
use jiff::{SignedDuration, Timestamp};
use ringback_domain::id::{BusinessId, LeadId};
use ringback_server::on_both_engines;
use ringback_server::store::{
    Engine, Hint, Order, Param, Statement, Store, StoreError, StoreOptions, Tx, sql,
};
use ringback_server::testing::TestStore;
use serde_json::json;

on_both_engines!(
    what_is_written_is_read_back,
    every_kind_of_value_comes_back,
    a_value_of_the_wrong_kind_is_named_but_not_told,
    parameters_go_by_number,
    a_parameter_too_few_or_too_many_is_a_mistake,
    a_text_with_nul_is_refused,
    a_failed_command_leaves_nothing,
    an_error_ends_the_transaction_even_when_it_is_caught,
    only_taken_keys_are_conflicts,
    a_panic_is_one_commands_own,
    no_row_is_an_answer_and_no_end,
    time_stands_still_in_a_command_and_moves_with_the_clock,
    hints_follow_the_commit,
    a_query_may_not_write,
    a_query_sees_one_moment,
    a_read_sees_the_write_before_it,
    writes_of_one_session_keep_their_order,
    no_update_is_lost,
    no_row_is_claimed_twice,
    what_waits_is_committed_together_and_fails_alone,
    a_write_nobody_waits_for_is_still_made,
    too_many_waiting_are_told_to_come_back,
    closing_finishes_what_waits,
    a_restart_finds_everything,
);

/// A row to play with: its key and its number.
const PUT: Statement = sql!("INSERT INTO node (id, epoch, until) VALUES ($1, $2, 0)");
const COUNT: Statement = sql!("SELECT COUNT(*) AS count FROM node");

async fn put(store: &Store, id: &str, number: i64) -> Result<u64, StoreError> {
    let id = id.to_owned();
    store
        .write(Order::Any, move |tx| tx.execute(PUT, &[&id, &number]))
        .await
}

fn number_of(tx: &mut Tx<'_>, id: &str) -> Result<i64, StoreError> {
    tx.one(
        sql!("SELECT epoch FROM node WHERE id = $1"),
        &[&id],
        |row| row.get("epoch"),
    )
}

async fn count(store: &Store) -> i64 {
    store
        .read(|tx| tx.one(COUNT, &[], |row| row.get("count")))
        .await
        .unwrap()
}

async fn what_is_written_is_read_back(world: TestStore) {
    let written = world.store.write(Order::Any, |tx| {
        let now = tx.now();
        let insert = sql!("INSERT INTO node (id, epoch, until) VALUES ($1, $2, $3)");
        assert_eq!(tx.execute(insert, &[&"phoenix", &7_i64, &now])?, 1);
        Ok(now)
    });
    let written = written.await.unwrap();
    let read = world.store.read(|tx| {
        let select = sql!("SELECT id, epoch, until FROM node WHERE id = $1");
        tx.one(select, &[&"phoenix"], |row| {
            Ok((
                row.get::<String>("id")?,
                row.get::<i64>("epoch")?,
                row.get("until")?,
            ))
        })
    });
    assert_eq!(read.await.unwrap(), ("phoenix".to_owned(), 7, written));
}

async fn every_kind_of_value_comes_back(world: TestStore) {
    let blob = match world.store.engine() {
        Engine::Sqlite => sql!("CREATE TABLE thing (number BIGINT, word TEXT, bytes BLOB)"),
        Engine::Postgres => sql!("CREATE TABLE thing (number BIGINT, word TEXT, bytes BYTEA)"),
    };
    let played = world.store.write(Order::Any, move |tx| {
        tx.execute(blob, &[])?;
        let put = sql!("INSERT INTO thing (number, word, bytes) VALUES ($1, $2, $3)");
        let take = sql!("SELECT number, word, bytes FROM thing");
        let clear = sql!("DELETE FROM thing");

        tx.execute(put, &[&true, &json!({"zip": "85001"}), &[0_u8, 255]])?;
        let kept = tx.one(take, &[], |row| {
            Ok((
                row.get::<bool>("number")?,
                row.get::<serde_json::Value>("word")?,
                row.get("bytes")?,
            ))
        })?;
        assert_eq!(kept, (true, json!({"zip": "85001"}), vec![0_u8, 255]));
        assert_eq!(tx.execute(clear, &[])?, 1);

        let lead = Some(LeadId::new(i64::MIN));
        tx.execute(put, &[&lead, &Some("Größe 📞"), &None::<Vec<u8>>])?;
        let kept = tx.one(take, &[], |row| {
            Ok((
                row.get("number")?,
                row.get::<String>("word")?,
                row.get::<Option<[u8; 2]>>("bytes")?,
            ))
        })?;
        assert_eq!(kept, (lead, "Größe 📞".to_owned(), None));
        assert_eq!(tx.execute(clear, &[])?, 1);

        tx.execute(
            put,
            &[&None::<Timestamp>, &None::<String>, &Vec::<u8>::new()],
        )?;
        tx.one(take, &[], |row| {
            assert_eq!(row.get::<Option<Timestamp>>("number")?, None);
            assert_eq!(row.get::<Option<serde_json::Value>>("word")?, None);
            assert_eq!(row.get::<Vec<u8>>("bytes")?, Vec::<u8>::new());
            Ok(())
        })
    });
    played.await.unwrap();
}

async fn a_value_of_the_wrong_kind_is_named_but_not_told(world: TestStore) {
    put(&world.store, "602-555-0134", 7).await.unwrap();
    let row = sql!("SELECT id, epoch FROM node");
    let wrong = world
        .store
        .read(move |tx| tx.one(row, &[], |row| row.get::<i64>("id")))
        .await;
    let sentence = wrong.unwrap_err().to_string();
    assert!(sentence.contains("column id"), "{sentence}");
    assert!(!sentence.contains("0134"), "{sentence}");
    let wrong = world
        .store
        .read(move |tx| tx.one(row, &[], |row| row.get::<bool>("epoch")))
        .await;
    assert_eq!(
        wrong,
        Err(StoreError::Invalid(
            "column epoch should hold 0 or 1".into()
        ))
    );
    let missing = world
        .store
        .read(move |tx| tx.one(row, &[], |row| row.get::<i64>("phone")))
        .await;
    assert!(matches!(missing, Err(StoreError::Bug(_))), "{missing:?}");
}

async fn parameters_go_by_number(world: TestStore) {
    let read = world.store.read(|tx| {
        tx.one(
            sql!("SELECT $3 || $1 || $2 || $1 AS word, CAST($5 AS BIGINT) AS five, CAST($4 AS BIGINT) AS four"),
            &[&"a", &"b", &"c", &4_i64, &None::<i64>],
            |row| Ok((row.get("word")?, row.get("four")?, row.get("five")?)),
        )
    });
    assert_eq!(read.await.unwrap(), ("caba".to_owned(), 4_i64, None::<i64>));
}

async fn a_parameter_too_few_or_too_many_is_a_mistake(world: TestStore) {
    async fn is_a_mistake<const N: usize>(world: &TestStore, numbers: [i64; N]) {
        let told = world.store.read(move |tx| {
            let params = numbers.each_ref().map(|it| it as &dyn Param);
            let sum = sql!("SELECT CAST($1 + $2 AS BIGINT) AS sum");
            tx.one(sum, &params, |row| row.get::<i64>("sum"))
        });
        let told = told.await;
        assert!(matches!(told, Err(StoreError::Bug(_))), "{told:?}");
    }
    is_a_mistake(&world, []).await;
    is_a_mistake(&world, [1]).await;
    is_a_mistake(&world, [1, 2, 3]).await;
}

async fn a_text_with_nul_is_refused(world: TestStore) {
    assert!(matches!(
        put(&world.store, "Dana\0Ruiz", 1).await,
        Err(StoreError::Bug(_))
    ));
    assert_eq!(count(&world.store).await, 0);
}

async fn a_failed_command_leaves_nothing(world: TestStore) {
    let failed = world.store.write(Order::Any, |tx| {
        tx.execute(PUT, &[&"a", &1_i64])?;
        tx.execute(PUT, &[&"a", &2_i64])
    });
    assert_eq!(failed.await, Err(StoreError::Conflict));
    let refused = world.store.write(Order::Any, |tx| {
        tx.execute(PUT, &[&"a", &1_i64])?;
        Err::<(), _>(StoreError::NoRow)
    });
    assert_eq!(refused.await, Err(StoreError::NoRow));
    assert_eq!(count(&world.store).await, 0);
}

async fn an_error_ends_the_transaction_even_when_it_is_caught(world: TestStore) {
    put(&world.store, "a", 1).await.unwrap();
    let caught = world.store.write(Order::Any, |tx| {
        tx.execute(PUT, &[&"b", &1_i64])?;
        let _ = tx.execute(PUT, &[&"a", &2_i64]);
        assert_eq!(tx.execute(PUT, &[&"c", &1_i64]), Err(StoreError::Conflict));
        Ok(())
    });
    assert_eq!(caught.await, Err(StoreError::Conflict));
    assert_eq!(count(&world.store).await, 1);
    assert_eq!(
        put(&world.store, "b", 1).await,
        Ok(1),
        "the next command starts afresh"
    );
}

async fn only_taken_keys_are_conflicts(world: TestStore) {
    let orphan = world.store.write(Order::Any, |tx| {
        tx.execute(
            sql!(
                "INSERT INTO scheduler (business_id, public_id, name, settings, version, created_at)
                 VALUES ($1, 'p', 'Website', '{}', 1, 1)"
            ),
            &[&BusinessId::new(404)],
        )
    });
    let told = orphan.await.unwrap_err();
    assert!(matches!(told, StoreError::Bug(_)), "{told:?}");
    assert!(!told.to_string().contains("404"), "{told}");
}

async fn a_panic_is_one_commands_own(world: TestStore) {
    let panicked = world.store.write(Order::Any, |tx| {
        tx.execute(PUT, &[&"a", &1_i64])?;
        if tx.now() > Timestamp::UNIX_EPOCH {
            panic!("a test's own panic");
        }
        Ok(())
    });
    assert!(matches!(panicked.await, Err(StoreError::Bug(_))));
    assert_eq!(put(&world.store, "b", 1).await, Ok(1));
    assert_eq!(count(&world.store).await, 1);
}

async fn no_row_is_an_answer_and_no_end(world: TestStore) {
    let found = world.store.write(Order::Any, |tx| {
        assert_eq!(number_of(tx, "nobody"), Err(StoreError::NoRow));
        let first = sql!("SELECT epoch FROM node ORDER BY epoch");
        assert_eq!(tx.first(first, &[], |row| row.get::<i64>("epoch"))?, None);
        for number in [3_i64, 1, 2] {
            tx.execute(PUT, &[&number.to_string(), &number])?;
        }
        assert_eq!(
            tx.first(first, &[], |row| row.get::<i64>("epoch"))?,
            Some(1)
        );
        tx.rows(first, &[], |row| row.get::<i64>("epoch"))
    });
    assert_eq!(found.await.unwrap(), [1, 2, 3]);
}

async fn time_stands_still_in_a_command_and_moves_with_the_clock(world: TestStore) {
    let twice = |tx: &mut Tx<'_>| {
        let first = tx.now();
        tx.one(COUNT, &[], |row| row.get::<i64>("count"))?;
        assert_eq!(tx.now(), first);
        assert_eq!(first.as_nanosecond() % 1_000, 0);
        Ok(first)
    };
    let before = world.store.write(Order::Any, twice).await.unwrap();
    let apart = world.clock.now().duration_since(before).abs();
    assert!(
        apart < SignedDuration::from_mins(1),
        "the store's time is {apart} away"
    );
    world.clock.advance(SignedDuration::from_hours(72));
    for later in [
        world.store.write(Order::Any, twice).await,
        world.store.read(twice).await,
    ] {
        let passed = later.unwrap().duration_since(before);
        assert!(passed >= SignedDuration::from_hours(72), "{passed}");
        assert!(passed < SignedDuration::from_hours(73), "{passed}");
    }
}

async fn hints_follow_the_commit(world: TestStore) {
    let mut hints = world.store.hints();
    let failed = world.store.write(Order::Any, |tx| {
        tx.hint(Hint::Sweep);
        Err::<(), _>(StoreError::NoRow)
    });
    failed.await.unwrap_err();
    let lead = Hint::Lead {
        business: BusinessId::new(1),
        lead: LeadId::new(2),
    };
    let hint = lead.clone();
    let written = world.store.write(Order::Any, move |tx| {
        tx.execute(PUT, &[&"a", &1_i64])?;
        tx.hint(hint.clone());
        tx.hint(Hint::Deliveries);
        Ok(())
    });
    written.await.unwrap();
    assert_eq!(
        hints.recv().await.unwrap(),
        lead,
        "nothing was heard of the failed command"
    );
    assert_eq!(count(&world.store).await, 1, "whoever heard of it finds it");
    assert_eq!(hints.recv().await.unwrap(), Hint::Deliveries);
}

async fn a_query_may_not_write(world: TestStore) {
    let wrote = world
        .store
        .read(|tx| tx.execute(PUT, &[&"a", &1_i64]))
        .await;
    assert!(matches!(wrote, Err(StoreError::Bug(_))), "{wrote:?}");
    assert_eq!(count(&world.store).await, 0);
    assert_eq!(put(&world.store, "a", 1).await, Ok(1));
}

async fn a_query_sees_one_moment(world: TestStore) {
    let (looked, has_looked) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let store = world.store.clone();
    let query = tokio::spawn(async move {
        let twice = store.read(move |tx| {
            let before: i64 = tx.one(COUNT, &[], |row| row.get("count"))?;
            looked.send(()).unwrap();
            may_go_on.recv().unwrap();
            let after: i64 = tx.one(COUNT, &[], |row| row.get("count"))?;
            Ok((before, after))
        });
        twice.await
    });
    let mut has_looked = has_looked;
    has_looked.recv().await.unwrap();
    put(&world.store, "a", 1)
        .await
        .expect("a query keeps no command waiting");
    go_on.send(()).unwrap();
    assert_eq!(query.await.unwrap(), Ok((0, 0)));
    assert_eq!(count(&world.store).await, 1);
}

async fn a_read_sees_the_write_before_it(world: TestStore) {
    for number in 0..50 {
        put(&world.store, &number.to_string(), number)
            .await
            .unwrap();
        assert_eq!(count(&world.store).await, number + 1);
    }
}

async fn writes_of_one_session_keep_their_order(world: TestStore) {
    put(&world.store, "last", -1).await.unwrap();
    let writes: Vec<_> = (0..200)
        .map(|number: i64| {
            // Asked in this order, though nobody waits for the one before.
            asked(&world.store, Order::Session(7), move |tx| {
                let last = number_of(tx, "last")?;
                tx.execute(
                    sql!("UPDATE node SET epoch = $1 WHERE id = 'last'"),
                    &[&number],
                )?;
                Ok(last)
            })
        })
        .collect();
    for (number, write) in (0_i64..).zip(writes) {
        assert_eq!(write.await, Ok(number - 1));
    }
}

/// Read, decide, write, by many at once and in no order: each stands on the one before.
async fn no_update_is_lost(world: TestStore) {
    put(&world.store, "counter", 0).await.unwrap();
    let add_one = |tx: &mut Tx<'_>| {
        let number = number_of(tx, "counter")? + 1;
        tx.execute(
            sql!("UPDATE node SET epoch = $1 WHERE id = 'counter'"),
            &[&number],
        )
    };
    let writes: Vec<_> = (0..100)
        .map(|_| {
            let store = world.store.clone();
            tokio::spawn(async move { store.write(Order::Any, add_one).await })
        })
        .collect();
    for write in writes {
        assert_eq!(write.await.unwrap(), Ok(1));
    }
    assert_eq!(
        world.store.read(|tx| number_of(tx, "counter")).await,
        Ok(100)
    );
}

async fn no_row_is_claimed_twice(world: TestStore) {
    let filled = world.store.write(Order::Any, |tx| {
        for number in 0..60_i64 {
            tx.execute(PUT, &[&format!("job {number}"), &0_i64])?;
        }
        Ok(())
    });
    filled.await.unwrap();
    let claimers: Vec<_> = (1..=6_i64)
        .map(|claimer| {
            let store = world.store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claim = move |tx: &mut Tx<'_>| {
                        tx.rows(
                            sql!(
                                "UPDATE node SET epoch = $1 WHERE id IN (
                                     SELECT id FROM node WHERE epoch = 0 ORDER BY id LIMIT $2
                                     /* FOR UPDATE SKIP LOCKED */)
                                 RETURNING id"
                            ),
                            &[&claimer, &4_i64],
                            |row| row.get::<String>("id"),
                        )
                    };
                    let claimed = store.write(Order::Any, claim).await.unwrap();
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed);
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    assert_eq!(all.len(), 60);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 60);
}

async fn a_write_nobody_waits_for_is_still_made(world: TestStore) {
    drop(asked(&world.store, Order::Session(1), |tx| {
        tx.execute(PUT, &[&"a", &1_i64])
    }));
    let after = world
        .store
        .write(Order::Session(1), |tx| number_of(tx, "a"));
    assert_eq!(after.await, Ok(1));
}

/// Puts a command in line at once; who waits for the answer does so later. A quick writer may
/// have it ready by then.
fn asked<T: Send + 'static>(
    store: &Store,
    order: Order,
    command: impl Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
    let store = store.clone();
    let mut write = Box::pin(async move { store.write(order, command).await });
    match (&mut write).now_or_never() {
        Some(answer) => Either::Left(std::future::ready(answer)),
        None => Either::Right(write),
    }
}

/// A command that holds its writer until the sender is dropped.
fn hold_writer(
    store: &Store,
) -> (
    tokio::task::JoinHandle<Result<(), StoreError>>,
    mpsc::Sender<()>,
) {
    let (go_on, may_go_on) = mpsc::channel();
    let (started, has_started) = mpsc::channel();
    let store = store.clone();
    let held = tokio::spawn(async move {
        let hold = move |_: &mut Tx<'_>| {
            let _ = started.send(());
            let _ = may_go_on.recv();
            Ok(())
        };
        store.write(Order::Any, hold).await
    });
    tokio::task::block_in_place(|| has_started.recv().unwrap());
    (held, go_on)
}

async fn what_waits_is_committed_together_and_fails_alone(world: TestStore) {
    let engine = world.store.engine();
    drop(world);
    let options = StoreOptions {
        writers: 1,
        longest_batch: std::time::Duration::from_secs(60),
        ..StoreOptions::default()
    };
    let world = TestStore::fresh_with(engine, options).unwrap();
    let (held, go_on) = hold_writer(&world.store);
    let waiting: Vec<_> = [("a", false), ("a", false), ("b", true), ("c", false)]
        .map(|(id, panics)| {
            let store = world.store.clone();
            let mut write = Box::pin(async move {
                let put = move |tx: &mut Tx<'_>| {
                    let changed = tx.execute(PUT, &[&id, &1_i64])?;
                    assert!(!panics, "a test's own panic");
                    Ok(changed)
                };
                store.write(Order::Any, put).await
            });
            assert!((&mut write).now_or_never().is_none());
            write
        })
        .into();
    drop(go_on);
    held.await.unwrap().unwrap();
    let mut told = Vec::new();
    for write in waiting {
        told.push(write.await);
    }
    assert_eq!(told[..2], [Ok(1), Err(StoreError::Conflict)]);
    assert!(matches!(told[2], Err(StoreError::Bug(_))), "{:?}", told[2]);
    assert_eq!(told[3], Ok(1));
    assert_eq!(count(&world.store).await, 2);
    let figures = world.store.figures();
    assert_eq!(figures.commands, 3, "the one that held, and two that stand");
    if engine == Engine::Postgres {
        assert_eq!(figures.commits, 2, "{figures:?}");
    }
    assert_eq!(figures.repeats, 0);
}

async fn too_many_waiting_are_told_to_come_back(world: TestStore) {
    let engine = world.store.engine();
    drop(world);
    let options = StoreOptions {
        waiting: 3,
        writers: 1,
        ..StoreOptions::default()
    };
    let world = TestStore::fresh_with(engine, options).unwrap();
    let (held, go_on) = hold_writer(&world.store);
    let mut waiting: Vec<_> = (0..3_i64)
        .map(|number| {
            let id = number.to_string();
            Box::pin(
                world
                    .store
                    .write(Order::Any, move |tx| tx.execute(PUT, &[&id, &number])),
            )
        })
        .collect();
    for write in &mut waiting {
        assert!(write.now_or_never().is_none());
    }
    assert_eq!(world.store.figures().writes_waiting, 3);
    assert_eq!(
        put(&world.store, "one too many", 1).await,
        Err(StoreError::Busy)
    );
    assert_eq!(world.store.figures().busy, 1);
    assert_eq!(
        count(&world.store).await,
        0,
        "queries do not stand in that line"
    );
    drop(go_on);
    held.await.unwrap().unwrap();
    for write in waiting {
        assert_eq!(write.await, Ok(1));
    }
    assert_eq!(put(&world.store, "now there is room", 1).await, Ok(1));
}

async fn closing_finishes_what_waits(world: TestStore) {
    let (held, go_on) = hold_writer(&world.store);
    let writes: Vec<_> = (0..40_i64)
        .map(|number| {
            let store = world.store.clone();
            tokio::spawn(async move { put(&store, &number.to_string(), number).await })
        })
        .collect();
    while world.store.figures().writes_waiting + world.store.figures().commands < 40 {
        tokio::task::yield_now().await;
    }
    let store = world.store.clone();
    let closing = tokio::spawn(async move { store.close().await });
    // What is asked before the store closes stays in line; what is asked after is refused at once.
    let mut late = 0;
    loop {
        late += 1;
        let id = format!("late {late}");
        let write = world
            .store
            .write(Order::Any, move |tx| tx.execute(PUT, &[&id, &1_i64]));
        let told = write.now_or_never();
        if matches!(told, Some(Err(StoreError::Unavailable(_)))) {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(go_on);
    held.await.unwrap().unwrap();
    for write in writes {
        assert_eq!(write.await.unwrap(), Ok(1));
    }
    closing.await.unwrap();
    let told = world.store.read(|tx| number_of(tx, "1")).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");

    let mut world = world;
    world.reopen().await.unwrap();
    let kept = world.store.read(|tx| {
        let count = sql!("SELECT COUNT(*) AS count FROM node WHERE id NOT LIKE 'late %'");
        tx.one(count, &[], |row| row.get("count"))
    });
    assert_eq!(kept.await, Ok(40_i64));
}

async fn a_restart_finds_everything(mut world: TestStore) {
    for number in 0..10 {
        put(&world.store, &number.to_string(), number)
            .await
            .unwrap();
    }
    world.reopen().await.unwrap();
    assert_eq!(count(&world.store).await, 10);
    assert_eq!(put(&world.store, "10", 10).await, Ok(1));
}
