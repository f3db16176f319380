//! What only a file can do to us: be locked, be somebody else's, be from the future, be copied.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ringback_server::clock::Clock;
use ringback_server::store::{
    Engine, Order, Store, StoreConfig, StoreError, StoreOptions, backup, sql,
};
use ringback_server::testing::{Place, TestStore};

use crate::{count, hold_writer, put};

fn open(place: &Place) -> Result<Store, StoreError> {
    Store::open(place.config(), Clock::system())
}

/// The sentence with which the store does not open.
fn refusal(place: &Place) -> String {
    match open(place) {
        Err(StoreError::Refused(sentence) | StoreError::InUse(sentence)) => sentence,
        other => panic!("it should not have opened: {other:?}"),
    }
}

/// Somebody at the file with another tool.
fn by_hand(place: &Place, sql: &str) {
    let file = place.file().expect("SQLite is a file");
    rusqlite::Connection::open(file)
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_cannot_share_a_file() {
    let mut world = TestStore::fresh(Engine::Sqlite).unwrap();
    let sentence = refusal(world.place());
    assert!(sentence.contains("Another Ringback"), "{sentence}");
    assert!(
        sentence.contains(&std::process::id().to_string()),
        "{sentence}"
    );
    put(&world.store, "a", 1)
        .await
        .expect("the first one is not disturbed");
    world.reopen().await.expect("the lock goes with its holder");
}

/// SQLite follows a link and has its log where the link leads; so must whatever takes the log to the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_to_the_file_and_all_that_stands_beside_it() {
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    put(&world.store, "a", 1).await.unwrap();
    world.store.close().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("linked.db");
    std::os::unix::fs::symlink(world.place().file().unwrap(), &path).unwrap();
    // What stood beside the link once is not its log.
    fs::write(elsewhere.path().join("linked.db-wal"), b"something old").unwrap();
    let linked = StoreConfig::Sqlite { path: path.clone() };
    let store = Store::open(&linked, Clock::system()).unwrap();
    put(&store, "b", 2).await.unwrap();
    assert_eq!(count(&store).await, 2);
    let old = fs::read(elsewhere.path().join("linked.db-wal")).unwrap();
    assert_eq!(old, b"something old");
    assert!(refusal(world.place()).contains("Another Ringback"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_reads_the_file() {
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    put(&world.store, "a", 1).await.unwrap();
    let file = world.place().file().unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(
            mode & 0o077,
            0,
            "{:?} is open to others: {mode:o}",
            entry.path()
        );
        seen += 1;
    }
    assert!(
        seen >= 3,
        "the database, its log and its lock, at least; not {seen}"
    );
}

#[test]
fn another_programs_file_is_left_alone() {
    let place = Place::fresh(Engine::Sqlite).unwrap();
    by_hand(&place, "CREATE TABLE photo (id INTEGER PRIMARY KEY)");
    let sentence = refusal(&place);
    assert!(sentence.contains("some other program"), "{sentence}");
    fs::write(
        place.file().unwrap(),
        "Dear diary, this is no database at all.",
    )
    .unwrap();
    let sentence = refusal(&place);
    assert!(sentence.contains("cannot be opened"), "{sentence}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let config = StoreConfig::Sqlite {
        path: "/nonexistent/ringback.db".into(),
    };
    let told = Store::open(&config, Clock::system())
        .unwrap_err()
        .to_string();
    assert!(told.contains("/nonexistent/ringback.db"), "{told}");
}

#[test]
fn a_newer_schema_is_left_alone() {
    let place = Place::fresh(Engine::Sqlite).unwrap();
    drop(open(&place).unwrap());
    by_hand(
        &place,
        "INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES (9999, '9999_from_the_future', 'x', 1)",
    );
    let sentence = refusal(&place);
    assert!(sentence.contains("newer Ringback"), "{sentence}");
    assert!(sentence.contains("9999"), "{sentence}");
}

#[test]
fn an_edited_migration_is_refused() {
    let place = Place::fresh(Engine::Sqlite).unwrap();
    drop(open(&place).unwrap());
    by_hand(
        &place,
        "UPDATE schema_migration SET checksum = 'edited' WHERE version = 1",
    );
    let sentence = refusal(&place);
    assert!(sentence.contains("0001_first.sql"), "{sentence}");
}

/// The files as they lie there while the server runs are what a crash leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_in_the_log_is_folded_in_before_anything_is_added() {
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    for number in 0..30 {
        put(&world.store, &number.to_string(), number)
            .await
            .unwrap();
    }
    let after_crash = Place::fresh(Engine::Sqlite).unwrap();
    let [crashed, found] = [world.place(), &after_crash].map(|place| place.file().unwrap());
    let log = found.with_file_name("ringback.db-wal");
    fs::copy(&crashed, &found).unwrap();
    fs::copy(crashed.with_file_name("ringback.db-wal"), &log).unwrap();
    assert!(
        fs::metadata(&log).unwrap().len() > 0,
        "the rows are in the log alone"
    );

    let store = open(&after_crash).unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    assert_eq!(count(&store).await, 30);
    assert_eq!(put(&store, "after", 1).await, Ok(1));
}

/// The log is folded in after the answers, and so it begins anew: it does not grow with all that is ever written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_grown_is_folded_in() {
    const MIB: u64 = 1 << 20;
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    let log = world.place().file().unwrap();
    let log = log.with_file_name("ringback.db-wal");
    let mut longest = 0;
    for number in 0..40 {
        // Twice: in its row and in the index.
        let id = format!("{number}{}", "x".repeat(MIB as usize));
        put(&world.store, &id, number).await.unwrap();
        longest = longest.max(fs::metadata(&log).unwrap().len());
    }
    assert!(longest > 15 * MIB, "it is left alone at first: {longest}");
    assert!(longest < 24 * MIB, "{longest} of 80 MiB written");
    assert_eq!(count(&world.store).await, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fsync_serves_many_who_wait() {
    let world = TestStore::fresh_with(Engine::Sqlite, patient()).unwrap();
    let before = world.store.figures();
    write_together(&world.store, 100, |_| true).await;
    let after = world.store.figures();
    assert_eq!(
        after.commands - before.commands,
        101,
        "and the one that held the writer"
    );
    assert!(after.commits - before.commits <= 5, "{after:?}");
    assert!(after.largest_batch >= 32, "{after:?}");
    assert!(
        after.commit_us > 0 && after.longest_commit_us <= after.commit_us,
        "{after:?}"
    );
}

/// What waits behind a commit that took long is all one batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_disk_is_slow_one_fsync_serves_all() {
    let world = TestStore::fresh_with(Engine::Sqlite, patient()).unwrap();
    let (held, go_on) = hold_writer(&world.store);
    let store = world.store.clone();
    let large = tokio::spawn(async move {
        let large = sql!("CREATE TABLE large AS SELECT zeroblob(33554432) AS bytes");
        store
            .write(Order::Any, move |tx| tx.execute(large, &[]))
            .await
    });
    while world.store.figures().writes_waiting < 1 {
        tokio::task::yield_now().await;
    }
    let small: Vec<_> = (0..100)
        .map(|number: i64| {
            let store = world.store.clone();
            tokio::spawn(async move { put(&store, &number.to_string(), number).await })
        })
        .collect();
    while world.store.figures().writes_waiting < 101 {
        tokio::task::yield_now().await;
    }
    drop(go_on);
    held.await.unwrap().unwrap();
    large.await.unwrap().unwrap();
    for write in small {
        assert_eq!(write.await.unwrap(), Ok(1));
    }
    let figures = world.store.figures();
    assert!(
        figures.largest_batch > 32,
        "more than on a quick one: {figures:?}"
    );
}

/// A batch closes after a while, however many still come: they are the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_commands_lose_nobody_behind_them() {
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    let (held, go_on) = hold_writer(&world.store);
    let writes: Vec<_> = (0..20_i64)
        .map(|number| {
            let store = world.store.clone();
            let slow = move |tx: &mut ringback_server::store::Tx<'_>| {
                std::thread::sleep(std::time::Duration::from_millis(5));
                tx.execute(crate::PUT, &[&number.to_string(), &number])
            };
            tokio::spawn(async move { store.write(Order::Any, slow).await })
        })
        .collect();
    while world.store.figures().writes_waiting < 20 {
        tokio::task::yield_now().await;
    }
    drop(go_on);
    held.await.unwrap().unwrap();
    for write in writes {
        assert_eq!(write.await.unwrap(), Ok(1));
    }
    assert!(
        world.store.figures().commits > 2,
        "one batch did not take them all"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_neighbour_spoils_only_itself() {
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    write_together(&world.store, 60, |number| number % 3 != 0).await;
    assert_eq!(count(&world.store).await, 40);
}

/// A deferred foreign key is looked at only by COMMIT, which then fails for the whole batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_that_spoils_the_commit_is_found_out() {
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    let tables = world.store.write(Order::Any, |tx| {
        tx.execute(
            sql!(
                "CREATE TABLE child (parent TEXT NOT NULL
                     REFERENCES node (id) DEFERRABLE INITIALLY DEFERRED)"
            ),
            &[],
        )
    });
    tables.await.unwrap();
    let (held, go_on) = hold_writer(&world.store);
    let good: Vec<_> = (0..10)
        .map(|number| {
            let store = world.store.clone();
            tokio::spawn(async move { put(&store, &number.to_string(), 1).await })
        })
        .collect();
    let store = world.store.clone();
    let bad = tokio::spawn(async move {
        let orphan = sql!("INSERT INTO child (parent) VALUES ('nobody')");
        store
            .write(Order::Any, move |tx| tx.execute(orphan, &[]))
            .await
    });
    while world.store.figures().writes_waiting < 11 {
        tokio::task::yield_now().await;
    }
    drop(go_on);
    held.await.unwrap().unwrap();
    for write in good {
        assert_eq!(write.await.unwrap(), Ok(1));
    }
    let told = bad.await.unwrap();
    assert!(matches!(told, Err(StoreError::Bug(_))), "{told:?}");
    assert_eq!(count(&world.store).await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_a_whole_store_of_one_moment() {
    let world = TestStore::fresh(Engine::Sqlite).unwrap();
    for number in 0..20 {
        put(&world.store, &number.to_string(), number)
            .await
            .unwrap();
    }
    let place = Place::fresh(Engine::Sqlite).unwrap();
    let copy = place.file().unwrap();
    let bytes = backup(world.place().config(), &copy).unwrap();
    put(&world.store, "after", 1)
        .await
        .expect("the server goes on");

    let metadata = fs::metadata(&copy).unwrap();
    assert_eq!(metadata.len(), bytes);
    assert_eq!(metadata.permissions().mode() & 0o077, 0);
    assert_eq!(
        fs::read_dir(copy.parent().unwrap()).unwrap().count(),
        1,
        "nothing else is left behind"
    );
    let restored = open(&place).expect("a backup opens as a store");
    assert_eq!(count(&restored).await, 20);

    let again = backup(world.place().config(), &copy)
        .unwrap_err()
        .to_string();
    assert!(again.contains("is there already"), "{again}");
}

#[test]
fn a_backup_that_cannot_be_says_why() {
    let place = Place::fresh(Engine::Sqlite).unwrap();
    let target = place.file().unwrap().with_file_name("copy.db");
    let told = backup(place.config(), &target).unwrap_err().to_string();
    assert!(told.contains("There is no database"), "{told}");
    drop(open(&place).unwrap());
    let nowhere = backup(place.config(), std::path::Path::new("/nonexistent/copy.db"));
    let told = nowhere.unwrap_err().to_string();
    assert!(told.contains("/nonexistent/copy.db"), "{told}");
    let postgres = StoreConfig::Postgres {
        url: "postgres://dana:secret@db/ringback".to_owned().into(),
    };
    let told = backup(&postgres, &target).unwrap_err().to_string();
    assert!(
        told.contains("pg_dump") && !told.contains("secret"),
        "{told}"
    );
}

/// Closes no batch because the machine has other things to do.
fn patient() -> StoreOptions {
    StoreOptions {
        longest_batch: std::time::Duration::from_secs(60),
        ..StoreOptions::default()
    }
}

/// `number` commands that wait together, `fine` or failing.
async fn write_together(store: &Store, number: i64, fine: fn(i64) -> bool) {
    let (held, go_on) = hold_writer(store);
    let writes: Vec<_> = (0..number)
        .map(|number| {
            let store = store.clone();
            let write = move |tx: &mut ringback_server::store::Tx<'_>| {
                tx.execute(crate::PUT, &[&number.to_string(), &number])?;
                if fine(number) {
                    Ok(())
                } else {
                    Err(StoreError::NoRow)
                }
            };
            (
                fine(number),
                tokio::spawn(async move { store.write(Order::Any, write).await }),
            )
        })
        .collect();
    while store.figures().writes_waiting < number as u64 {
        tokio::task::yield_now().await;
    }
    drop(go_on);
    held.await.unwrap().unwrap();
    for (fine, write) in writes {
        assert_eq!(
            write.await.unwrap(),
            if fine { Ok(()) } else { Err(StoreError::NoRow) }
        );
    }
}
