//! Brings the tables up to date: every file of `migrations/` once, in order, remembered with its checksum.
//!
//! A shipped file never changes again: one that has is refused with a sentence that says what to do. A
//! database that a newer version has brought further is used all the same, as long as the newer steps say
//! that they keep what this version knows; and a step that does not keep what a running server knows waits
//! until that one has gone (docs/decisions/how-do-two-versions-share-a-database.md).

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{StoreError, postgres};

/// The files of `migrations/`, in both dialects. To add one: two files, one line here, with the oldest schema
/// that a program must know to go on using the database after it: an earlier one when it only adds what
/// earlier programs need not know, its own when it takes something away.
macro_rules! shipped {
    ($($number:literal $name:literal keeps $keeps:literal),+ $(,)?) => {
        &[$(Migration {
            version: $number,
            name: $name,
            keeps: $keeps,
            sqlite: include_str!(concat!("../../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const SHIPPED: &[Migration] = shipped![
    1 "0001_first" keeps 1,
    2 "0002_bounds" keeps 1,
    3 "0003_cancelled" keeps 1,
    4 "0004_node_knows" keeps 1,
    5 "0005_speed" keeps 5,
    6 "0006_pile" keeps 5,
    7 "0007_token" keeps 5,
    8 "0008_pruner" keeps 5,
];

/// The newest schema this program knows.
pub(super) const KNOWN: i64 = SHIPPED[SHIPPED.len() - 1].version;

/// One step of the schema, in both dialects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    pub(super) version: i64,
    pub(super) name: &'static str,
    pub(super) keeps: i64,
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// The steps in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migrations(pub(super) &'static [Migration]);

impl Migrations {
    pub(super) fn shipped() -> Self {
        Self(SHIPPED)
    }

    /// The number of the last step.
    pub(super) fn newest(self) -> i64 {
        self.0.last().map_or(0, |migration| migration.version)
    }

    /// What is still to do, given what was `applied` already; or why this build must not touch the database.
    fn missing(
        self,
        applied: &[Applied],
        text: fn(&Migration) -> &'static str,
    ) -> Result<&'static [Migration], StoreError> {
        let newest = self.0.last().map_or(0, |migration| migration.version);
        let newer = applied.iter().filter(|applied| applied.version > newest);
        if let Some(asking) = newer.clone().find(|newer| newer.keeps > newest) {
            return Err(StoreError::Refused(format!(
                "The database was written by a newer Ringback: it has schema {}, which this version, knowing {newest}, \
                 cannot use. Start the newer version, or restore a backup made before the upgrade.",
                asking.version
            )));
        }
        if let Some(newer) = newer.max_by_key(|newer| newer.version) {
            tracing::warn!(
                schema = newer.version,
                known = newest,
                "a newer Ringback has brought the database further; this one goes on using it until it is replaced"
            );
        }
        for (migration, applied) in self.0.iter().zip(applied) {
            if applied.version != migration.version || applied.checksum != checksum(text(migration))
            {
                return Err(StoreError::Refused(format!(
                    "The database was made with another {}.sql than the one in this version. Start the version that \
                     made it; a migration that has shipped must never be edited, a new one goes after it.",
                    applied.name
                )));
            }
        }
        Ok(&self.0[applied.len().min(self.0.len())..])
    }
}

struct Applied {
    version: i64,
    name: String,
    checksum: String,
    keeps: i64,
}

/// A step must not take away what a server that runs just now knows.
fn still_runs(steps: &[Migration], node: &str, knows: i64) -> Result<(), StoreError> {
    match steps.iter().find(|step| step.keeps > knows) {
        None => Ok(()),
        Some(step) => Err(StoreError::Refused(format!(
            "{}.sql would take away what the server {node} still uses: it runs a version that knows schema {knows}. \
             Stop it, or bring it to a version that knows schema {}, then start this one again.",
            step.name, step.keeps
        ))),
    }
}

/// Of the text with Unix line ends, so that a checkout on Windows is the same file.
fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.replace("\r\n", "\n"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const SELECT: &str = "SELECT version, name, checksum, keeps FROM schema_migration ORDER BY version";
const INSERT: &str = "INSERT INTO schema_migration (version, name, checksum, keeps, applied_at) \
                      VALUES ($1, $2, $3, $4, $5)";
/// Of a step that says nothing: it keeps nobody who does not know it.
const KEEPS: &str =
    "ALTER TABLE schema_migration ADD COLUMN keeps BIGINT NOT NULL DEFAULT 9223372036854775807";

/// Migrates a SQLite file; all of it in one transaction, so that half a schema never stands.
pub(super) fn sqlite(
    connection: &mut rusqlite::Connection,
    migrations: Migrations,
    now: Timestamp,
) -> Result<(), StoreError> {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER NOT NULL PRIMARY KEY, \
                         name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";
    let mut migrate = || -> rusqlite::Result<Result<(), StoreError>> {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute_batch(TABLE)?;
        if !transaction.column_exists(None, "schema_migration", "keeps")? {
            transaction.execute_batch(&KEEPS.replace("BIGINT", "INTEGER"))?;
        }
        let applied = transaction
            .prepare(SELECT)?
            .query_map([], |row| {
                Ok(Applied {
                    version: row.get(0)?,
                    name: row.get(1)?,
                    checksum: row.get(2)?,
                    keeps: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let missing = match migrations.missing(&applied, |migration| migration.sqlite) {
            Ok(missing) => missing,
            Err(refusal) => return Ok(Err(refusal)),
        };
        for migration in missing {
            transaction.execute_batch(migration.sqlite)?;
            let done = (
                migration.version,
                migration.name,
                checksum(migration.sqlite),
                migration.keeps,
                now.as_microsecond(),
            );
            transaction.execute(INSERT, done)?;
        }
        transaction.commit().map(Ok)
    };
    migrate().map_err(|error| failed(&error))?
}

/// Migrates a PostgreSQL database; other nodes that start at the same time wait for the advisory lock.
pub(super) fn postgres(
    client: &mut ::postgres::Client,
    migrations: Migrations,
) -> Result<(), StoreError> {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY, name TEXT NOT NULL, \
                         checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";
    const RUNNING: &str = "SELECT id, knows FROM node WHERE until > $1 ORDER BY knows";
    /// "RBCK", as in the SQLite file's application_id.
    const LOCK: &str = "SELECT pg_advisory_xact_lock(1380075339)";
    let mut migrate = || -> Result<Result<(), StoreError>, ::postgres::Error> {
        let mut transaction = client.transaction()?;
        transaction.batch_execute(LOCK)?;
        transaction.batch_execute(TABLE)?;
        transaction.batch_execute(&KEEPS.replace("COLUMN", "COLUMN IF NOT EXISTS"))?;
        let row = |row: ::postgres::Row| Applied {
            version: row.get(0),
            name: row.get(1),
            checksum: row.get(2),
            keeps: row.get(3),
        };
        let applied: Vec<_> = transaction
            .query(SELECT, &[])?
            .into_iter()
            .map(row)
            .collect();
        let missing = match migrations.missing(&applied, |migration| migration.postgres) {
            Ok(missing) => missing,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now: i64 = transaction.query_one(postgres::NOW, &[])?.get(0);
        // Since the fourth schema a server says what it knows.
        if applied.iter().any(|applied| applied.version == 4) && !missing.is_empty() {
            for row in transaction.query(RUNNING, &[&now])? {
                if let Err(refusal) = still_runs(missing, row.get(0), row.get(1)) {
                    return Ok(Err(refusal));
                }
            }
        }
        for migration in missing {
            transaction.batch_execute(migration.postgres)?;
            let (sum, keeps) = (checksum(migration.postgres), migration.keeps);
            let done = transaction.execute(
                INSERT,
                &[&migration.version, &migration.name, &sum, &keeps, &now],
            );
            done?;
        }
        transaction.commit().map(Ok)
    };
    migrate().map_err(|error| failed(&postgres::describe(&error)))?
}

fn failed(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Refused(format!(
        "The database could not be brought up to date: {error}. Nothing was changed."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `program` has left behind, as `reader` finds it.
    fn opened_by(reader: &'static [Migration], program: &[Migration]) -> Result<usize, StoreError> {
        let applied: Vec<_> = program
            .iter()
            .map(|step| Applied {
                version: step.version,
                name: step.name.into(),
                checksum: checksum(step.sqlite),
                keeps: step.keeps,
            })
            .collect();
        let missing = Migrations(reader).missing(&applied, |migration| migration.sqlite);
        missing.map(<[Migration]>::len)
    }

    const fn step(version: i64, name: &'static str, keeps: i64) -> Migration {
        Migration {
            version,
            name,
            keeps,
            sqlite: name,
            postgres: name,
        }
    }

    const FIRST: &[Migration] = &[step(1, "first", 1)];
    const EXPANDED: &[Migration] = &[step(1, "first", 1), step(2, "expands", 1)];
    const CONTRACTED: &[Migration] = &[
        step(1, "first", 1),
        step(2, "expands", 1),
        step(3, "contracts", 2),
    ];

    #[test]
    fn the_version_before_goes_on_after_an_expansion_and_not_after_a_contraction() {
        assert_eq!(opened_by(FIRST, EXPANDED), Ok(0));
        assert_eq!(opened_by(EXPANDED, CONTRACTED), Ok(0));
        let told = opened_by(FIRST, CONTRACTED).unwrap_err().to_string();
        assert!(
            told.contains("schema 3") && told.contains("knowing 1"),
            "{told}"
        );
        assert_eq!(opened_by(CONTRACTED, FIRST), Ok(2));
    }

    #[test]
    fn a_step_waits_for_a_running_server_that_does_not_know_enough() {
        let contracts = &CONTRACTED[2..];
        assert_eq!(still_runs(contracts, "b", 2), Ok(()));
        let told = still_runs(contracts, "b", 1).unwrap_err().to_string();
        assert!(
            told.contains("the server b") && told.contains("schema 2"),
            "{told}"
        );
        assert_eq!(still_runs(&EXPANDED[1..], "b", 1), Ok(()));
    }

    #[test]
    fn every_shipped_step_keeps_itself_or_an_earlier_one() {
        for pair in SHIPPED.windows(2) {
            assert_eq!(pair[1].version, pair[0].version + 1);
            assert!(pair[1].keeps >= pair[0].keeps, "{}", pair[1].name);
        }
        assert!(SHIPPED.iter().all(|step| step.keeps <= step.version));
    }
}
