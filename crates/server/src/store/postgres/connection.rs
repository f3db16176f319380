//! One connection: statements, the transaction's beginning and end, and what an error of PostgreSQL means.

use std::collections::{HashMap, VecDeque};
use std::error::Error as _;
use std::time::{Duration, Instant};

use ::postgres::error::SqlState;
use ::postgres::{Client, SimpleQueryMessage};
use jiff::Timestamp;

use super::super::tx::{Link, Row, Source, Statement, Tx, wrong_number};
use super::super::value::Value;
use super::super::{Hint, Job, StoreError};
use super::values::{Bound, postgres_type};

/// Microseconds since 1970 UTC by the database's clock, when the transaction began.
pub(in crate::store) const NOW: &str =
    "SELECT CAST(EXTRACT(EPOCH FROM transaction_timestamp()) * 1000000 AS BIGINT)";

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Use {
    Write,
    Read,
}

/// Who is in a transaction.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Company {
    /// One command.
    Alone,
    /// Several, each in a savepoint. Those that have run hold their locks while another one waits for one
    /// that a neighbour's transaction may hold: that wait is cut short before both wait for each other.
    Shared,
}

/// A command of a shared transaction, and what to tell of it once that is committed.
pub(super) type Ran = (Box<dyn Job>, Result<Vec<Hint>, StoreError>);

/// Why a run came to nothing.
pub(super) enum Trouble {
    /// Running it again may help.
    Passing(StoreError),
    /// The answer stands.
    Final(StoreError),
}

/// One connection with its prepared statements.
pub(in crate::store) struct Connection {
    client: Client,
    prepared: HashMap<&'static str, ::postgres::Statement>,
    /// The last error was of the kind that another run may not meet.
    passing: bool,
    /// The transaction is a query's.
    reading: bool,
    /// The server has gone, or has told us to: no further word is to be had here.
    lost: bool,
    /// From which start or recovery of which server it is; `None` where that is not told.
    pub(super) life: Option<String>,
}

/// A transaction that has begun.
pub(super) struct Begun {
    pub(super) now_us: i64,
    /// The transaction's id; empty for queries.
    pub(super) id: String,
}

impl Connection {
    pub(super) fn new(mut client: Client) -> Self {
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

    pub(in crate::store) fn execute(
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

    pub(in crate::store) fn query(
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

    pub(in crate::store) fn database_bytes(&mut self) -> Result<i64, StoreError> {
        let size = self
            .client
            .query_one("SELECT pg_database_size(current_database())", &[]);
        size.map(|row| row.get(0))
            .map_err(|error| self.classify(&error))
    }

    pub(in crate::store) fn prepare(&mut self, sql: Statement) -> Result<(), StoreError> {
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
    pub(super) fn begin(&mut self, purpose: Use, company: Company) -> Result<Begun, Trouble> {
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
    pub(super) fn run_in_savepoints(
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

    pub(super) fn roll_back(&mut self, error: StoreError) -> Trouble {
        let passing = self.passing;
        let lost = self.is_lost() || self.simple("ROLLBACK").is_err();
        if passing || lost {
            Trouble::Passing(error)
        } else {
            Trouble::Final(error)
        }
    }

    pub(super) fn commit_status(&mut self, id: &str) -> Result<Option<String>, Trouble> {
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
    pub(super) fn follow_to_the_standby(&mut self) -> Result<(), Trouble> {
        const SAY: &str = "SELECT pg_logical_emit_message(true, 'ringback', 'committed')";
        self.simple(SAY).map(drop)
    }

    /// Ends whatever connection of ours still holds this transaction open.
    pub(super) fn end_transaction(&mut self, id: &str) -> Result<(), Trouble> {
        const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE backend_xid = CAST(CAST(CAST($1 AS TEXT) AS xid8) AS xid) \
                           AND usename = current_user";
        let ended = self.client.query(END, &[&id]).map(drop);
        ended.map_err(|error| self.trouble(&error))
    }

    pub(super) fn simple(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Trouble> {
        self.client
            .simple_query(sql)
            .map_err(|error| self.trouble(&error))
    }

    pub(super) fn is_lost(&self) -> bool {
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

pub(super) fn connection_lost() -> StoreError {
    StoreError::Unavailable("the connection to PostgreSQL is lost".into())
}

/// The database's sentence without its DETAIL, which quotes values.
pub(in crate::store) fn describe(error: &::postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error
            .source()
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
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
