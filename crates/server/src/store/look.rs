//! One look into the database from outside of a server, for the doctor: nothing is migrated, locked or changed,
//! and a server may be using it meanwhile.

use super::migrate::Migrations;
use super::{StoreConfig, StoreError, Tx, postgres, sql, sqlite};
use crate::clock::Clock;

/// What was found beside what the query said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// What the query said; `None` when the tables are older than this version and may not be asked.
    pub said: Option<T>,
    /// How many steps of the schema this version would still take.
    pub behind: i64,
    /// Settings of PostgreSQL on which durability rests, and [`LETTERS`], and how they stand; empty on SQLite.
    pub promises: Vec<(String, String)>,
}

/// Whether PostgreSQL's LOWER() knows letters beyond ASCII: not in a database with the character type C.
pub const LETTERS: &str = "letters";

/// Asks `query`, once, on a connection of its own. Blocks: not for a runtime's own threads.
pub fn look<T>(
    place: &StoreConfig,
    clock: &Clock,
    query: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>,
) -> Result<Found<T>, StoreError> {
    let ask = |tx: &mut Tx<'_>| {
        let applied: Option<i64> = tx.first(
            sql!("SELECT version FROM schema_migration ORDER BY version DESC LIMIT 1"),
            &[],
            |row| row.get("version"),
        )?;
        let behind = Migrations::shipped().newest() - applied.unwrap_or(0);
        let said = match behind {
            ..=0 => Some(query(tx)?),
            _ => None,
        };
        Ok((said, behind))
    };
    let ((said, behind), promises) = match place {
        StoreConfig::Sqlite { path } => (sqlite::look(path, clock, ask)?, Vec::new()),
        StoreConfig::Postgres { url } => postgres::look(url, clock, ask)?,
    };
    Ok(Found {
        said,
        behind,
        promises,
    })
}
