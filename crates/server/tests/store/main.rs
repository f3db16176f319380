//! The store's promises, each told once and kept by both engines.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod statements;

use ringback_server::on_both_engines;
use ringback_server::store::{Order, StoreError, sql};
use ringback_server::testing::TestStore;

on_both_engines!(
    what_is_written_is_read_back,
    a_failed_command_leaves_nothing,
    parameters_go_by_number
);

async fn what_is_written_is_read_back(world: TestStore) {
    let name = world.store.write(Order::Any, |tx| {
        let now = tx.now();
        tx.execute(
            sql!("INSERT INTO node (id, epoch, until) VALUES ($1, $2, $3)"),
            &[&"phoenix", &7_i64, &now],
        )?;
        Ok(now)
    });
    let written = name.await.unwrap();
    let read = world.store.read(|tx| {
        tx.one(
            sql!("SELECT id, epoch, until FROM node WHERE id = $1"),
            &[&"phoenix"],
            |row| {
                Ok((
                    row.get::<String>("id")?,
                    row.get::<i64>("epoch")?,
                    row.get::<jiff::Timestamp>("until")?,
                ))
            },
        )
    });
    assert_eq!(read.await.unwrap(), ("phoenix".to_owned(), 7, written));
}

async fn a_failed_command_leaves_nothing(world: TestStore) {
    let failed = world.store.write(Order::Any, |tx| {
        tx.execute(
            sql!("INSERT INTO node (id, epoch, until) VALUES ('a', 1, 1)"),
            &[],
        )?;
        tx.execute(
            sql!("INSERT INTO node (id, epoch, until) VALUES ('a', 2, 2)"),
            &[],
        )
    });
    assert_eq!(failed.await, Err(StoreError::Conflict));
    let left = world.store.read(|tx| {
        tx.one(sql!("SELECT COUNT(*) AS count FROM node"), &[], |row| {
            row.get("count")
        })
    });
    assert_eq!(left.await, Ok(0_i64));
}

async fn parameters_go_by_number(world: TestStore) {
    let read = world.store.read(|tx| {
        tx.one(
            sql!("SELECT $3 || $1 || $2 || $1 AS word, CAST($4 AS BIGINT) AS number"),
            &[&"a", &"b", &"c", &None::<i64>],
            |row| {
                Ok((
                    row.get::<String>("word")?,
                    row.get::<Option<i64>>("number")?,
                ))
            },
        )
    });
    assert_eq!(read.await.unwrap(), ("caba".to_owned(), None));
}
