//! Brings the tables up to date: every file of `migrations/` once, in order, remembered with its checksum.
//!
//! A shipped file never changes again; a database from a newer version is left alone. Both are refused with
//! a sentence that says what to do.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{StoreError, postgres};

/// The files of `migrations/`, in both dialects. To add one: two files, one line here.
macro_rules! shipped {
    ($($number:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            version: $number,
            name: $name,
            sqlite: include_str!(concat!("../../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const SHIPPED: &[Migration] = shipped![1 "0001_first"];

/// One step of the schema, in both dialects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    pub(super) version: i64,
    pub(super) name: &'static str,
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

    /// What is still to do, given what was `applied` already; or why this build must not touch the database.
    fn missing(
        self,
        applied: &[Applied],
        text: fn(&Migration) -> &'static str,
    ) -> Result<&'static [Migration], StoreError> {
        let newest = self.0.last().map_or(0, |migration| migration.version);
        if let Some(newer) = applied.iter().find(|applied| applied.version > newest) {
            return Err(StoreError::Refused(format!(
                "The database was written by a newer Ringback: it has schema {}, this version knows {newest}. Start the \
                 newer version, or restore a backup made before the upgrade.",
                newer.version
            )));
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
}

/// Of the text with Unix line ends, so that a checkout on Windows is the same file.
fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.replace("\r\n", "\n"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const SELECT: &str = "SELECT version, name, checksum FROM schema_migration ORDER BY version";
const INSERT: &str =
    "INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";

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
        let applied = transaction
            .prepare(SELECT)?
            .query_map([], |row| {
                Ok(Applied {
                    version: row.get(0)?,
                    name: row.get(1)?,
                    checksum: row.get(2)?,
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
    /// "RBCK", as in the SQLite file's application_id.
    const LOCK: &str = "SELECT pg_advisory_xact_lock(1380075339)";
    let mut migrate = || -> Result<Result<(), StoreError>, ::postgres::Error> {
        let mut transaction = client.transaction()?;
        transaction.batch_execute(LOCK)?;
        transaction.batch_execute(TABLE)?;
        let row = |row: ::postgres::Row| Applied {
            version: row.get(0),
            name: row.get(1),
            checksum: row.get(2),
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
        for migration in missing {
            transaction.batch_execute(migration.postgres)?;
            let now: i64 = transaction.query_one(postgres::NOW, &[])?.get(0);
            let sum = checksum(migration.postgres);
            transaction.execute(INSERT, &[&migration.version, &migration.name, &sum, &now])?;
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
