//! A transaction as a command sees it: statements with `$n`, rows by column name, the time, and hints.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::news::News;
use super::statements::{self, Prepared};
use super::value::{Column, Param, Value};
use super::{Hint, StoreError, postgres};

/// One statement, written once for both engines. Made by [`sql!`](crate::sql) alone.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    text: &'static str,
    known: &'static Known,
}

/// What SQLite has said about a statement. It is asked once: names are dear to compare, and never change.
#[derive(Debug, Default)]
pub struct Known {
    /// Which one it is of all that have run.
    number: OnceLock<usize>,
    /// Which value each of its places takes.
    pub(super) places: OnceLock<Box<[usize]>>,
    /// The names of its columns.
    pub(super) columns: OnceLock<Box<[Box<str>]>>,
}

impl Known {
    /// Nothing yet.
    #[doc(hidden)]
    pub const fn nothing() -> Self {
        Self {
            number: OnceLock::new(),
            places: OnceLock::new(),
            columns: OnceLock::new(),
        }
    }

    /// Its number, from 0 on, in the order of their first use in this process.
    pub(super) fn number(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        *self
            .number
            .get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// At the end of a sub-select that claims rows: others' claims are passed over instead of waited for.
/// PostgreSQL gets the clause; SQLite reads a comment, and its one writer needs no more.
pub const SKIP_LOCKED: &str = "/* FOR UPDATE SKIP LOCKED */";

/// At the end of a select whose rows the same command goes on to change: they are locked until COMMIT.
/// PostgreSQL gets the clause; SQLite reads a comment.
pub const LOCKED: &str = "/* FOR UPDATE */";

impl Statement {
    /// For [`sql!`](crate::sql), which the tests can find in the source.
    #[doc(hidden)]
    pub const fn from_source(text: &'static str, known: &'static Known) -> Self {
        Self { text, known }
    }

    /// The text as written.
    pub(super) fn text(self) -> &'static str {
        self.text
    }

    pub(super) fn known(self) -> &'static Known {
        self.known
    }

    /// How many different `$n` stand in it outside quoted text.
    pub(super) fn parameters(self) -> usize {
        let unquoted = self.text.split('\'').step_by(2);
        let numbers = unquoted
            .flat_map(|text| text.split('$').skip(1))
            .filter_map(|after| {
                let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                after[..digits].parse::<u32>().ok()
            });
        numbers.collect::<BTreeSet<_>>().len()
    }

    /// The text as PostgreSQL gets it.
    pub(super) fn text_for_postgres(self) -> Cow<'static, str> {
        if !self.text.contains("/* FOR UPDATE") {
            return Cow::Borrowed(self.text);
        }
        Cow::Owned(
            self.text
                .replace(SKIP_LOCKED, "FOR UPDATE SKIP LOCKED")
                .replace(LOCKED, "FOR UPDATE"),
        )
    }
}

/// One open transaction. After a statement has failed the transaction is over, on both engines alike: later
/// statements repeat the error and nothing is committed. So look first or say `ON CONFLICT`; do not catch.
pub struct Tx<'a> {
    link: Link<'a>,
    now: Timestamp,
    hints: Vec<Hint>,
    spoilt: Option<StoreError>,
}

/// The connection underneath.
pub(super) enum Link<'a> {
    Sqlite(&'a dyn Prepared),
    Postgres(&'a mut postgres::Connection),
}

impl<'a> Tx<'a> {
    pub(super) fn new(link: Link<'a>, now: Timestamp) -> Self {
        Self {
            link,
            now,
            hints: Vec::new(),
            spoilt: None,
        }
    }

    /// When this transaction began, in whole microseconds; the same for its whole length. SQLite: the
    /// server's clock. PostgreSQL: the database's, so that all nodes agree.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Tells this process's listeners to look again, after COMMIT.
    pub fn hint(&mut self, hint: Hint) {
        self.hints.push(hint);
    }

    /// Says what this transaction does, for the log and the figures, after COMMIT.
    pub fn tell(&mut self, news: News) {
        self.hint(Hint::News(Box::new(news)));
    }

    /// What the database takes up, in bytes.
    pub fn database_bytes(&mut self) -> Result<i64, StoreError> {
        match &mut self.link {
            Link::Sqlite(statements) => statements.database_bytes(),
            Link::Postgres(connection) => connection.database_bytes(),
        }
    }

    /// Runs a statement and counts the rows it changed.
    pub fn execute<const N: usize>(
        &mut self,
        sql: Statement,
        params: &[&dyn Param; N],
    ) -> Result<u64, StoreError> {
        self.statement(params, |link, values| match link {
            Link::Sqlite(statements) => statements.execute(sql, values),
            Link::Postgres(connection) => connection.execute(sql, values),
        })
    }

    /// Every row, read by `read`, in the order the statement gives them.
    pub fn rows<T, const N: usize>(
        &mut self,
        sql: Statement,
        params: &[&dyn Param; N],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut take = |row: &Row<'_>| {
            found.push(read(row)?);
            Ok(true)
        };
        self.statement(params, |link, values| match link {
            Link::Sqlite(statements) => statements.query(sql, values, &mut take),
            Link::Postgres(connection) => connection.query(sql, values, &mut take),
        })?;
        Ok(found)
    }

    /// The first row, if there is any.
    pub fn first<T, const N: usize>(
        &mut self,
        sql: Statement,
        params: &[&dyn Param; N],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        let mut take = |row: &Row<'_>| {
            found = Some(read(row)?);
            Ok(false)
        };
        self.statement(params, |link, values| match link {
            Link::Sqlite(statements) => statements.query(sql, values, &mut take),
            Link::Postgres(connection) => connection.query(sql, values, &mut take),
        })?;
        Ok(found)
    }

    /// The first row; [`StoreError::NoRow`] when there is none.
    pub fn one<T, const N: usize>(
        &mut self,
        sql: Statement,
        params: &[&dyn Param; N],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.first(sql, params, read)?.ok_or(StoreError::NoRow)
    }

    /// Inserts one row and says its id: `INSERT … RETURNING id`, which this ends with.
    pub fn insert<T: Column, const N: usize>(
        &mut self,
        sql: Statement,
        params: &[&dyn Param; N],
    ) -> Result<T, StoreError> {
        self.insert_new(sql, params)?.ok_or(StoreError::NoRow)
    }

    /// The same for `ON CONFLICT … DO NOTHING RETURNING id`; nothing when there was a conflict.
    pub fn insert_new<T: Column, const N: usize>(
        &mut self,
        sql: Statement,
        params: &[&dyn Param; N],
    ) -> Result<Option<T>, StoreError> {
        let mut id: Option<i64> = None;
        self.statement(params, |link, values| match link {
            Link::Sqlite(statements) => {
                id = statements.insert(sql, values)?;
                Ok(())
            }
            Link::Postgres(connection) => connection.query(sql, values, &mut |row| {
                id = Some(row.get("id")?);
                Ok(false)
            }),
        })?;
        let read = |id| T::read(Value::Int(id));
        id.map(read)
            .transpose()
            .map_err(|wanted| StoreError::Bug(format!("an id is no {wanted}")))
    }

    /// Asks the engine whether it understands a statement, without running it. For the test of all of them.
    #[doc(hidden)]
    pub fn prepare(&mut self, sql: Statement) -> Result<(), StoreError> {
        self.statement(&[], |link, _| match link {
            Link::Sqlite(statements) => statements.prepare(sql),
            Link::Postgres(connection) => connection.prepare(sql),
        })
    }

    /// The error that ended this transaction early, if one did.
    pub(super) fn unspoilt(&self) -> Result<(), StoreError> {
        self.spoilt.clone().map_or(Ok(()), Err)
    }

    pub(super) fn into_hints(self) -> Vec<Hint> {
        self.hints
    }

    fn statement<T, const N: usize>(
        &mut self,
        params: &[&dyn Param; N],
        run: impl FnOnce(&mut Link<'_>, &[Value<'_>]) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.unspoilt()?;
        let values = params.map(|param| param.value());
        let outcome = refuse_nul(&values).and_then(|()| run(&mut self.link, &values));
        if let Err(error) = &outcome {
            self.spoilt = Some(error.clone());
        }
        outcome
    }
}

/// PostgreSQL's TEXT cannot hold U+0000, so neither engine's does here.
fn refuse_nul(values: &[Value<'_>]) -> Result<(), StoreError> {
    let has_nul = |value: &Value<'_>| matches!(value, Value::Text(text) if text.contains('\0'));
    if values.iter().any(has_nul) {
        return Err(StoreError::Bug(
            "a text with U+0000 in it reached the store: refuse it where it comes in".into(),
        ));
    }
    Ok(())
}

/// One row of an answer, read by column name.
pub struct Row<'a>(pub(super) Source<'a>);

/// The engine's row underneath.
pub(super) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>, &'static Known),
    Postgres(&'a ::postgres::Row),
}

impl Row<'_> {
    fn value(&self, name: &str) -> Result<Value<'_>, StoreError> {
        match &self.0 {
            Source::Sqlite(row, known) => statements::column(row, known, name),
            Source::Postgres(row) => postgres::column(row, name),
        }
    }

    fn at(&self, column: usize) -> Result<Value<'_>, StoreError> {
        match &self.0 {
            Source::Sqlite(row, _) => statements::column_at(row, column),
            Source::Postgres(row) => postgres::column(row, column),
        }
    }

    fn columns(&self) -> usize {
        match &self.0 {
            Source::Sqlite(row, _) => row.as_ref().column_count(),
            Source::Postgres(row) => row.len(),
        }
    }

    /// Every column's value, in their order.
    pub(super) fn values(&self) -> Result<Vec<Value<'static>>, StoreError> {
        (0..self.columns())
            .map(|column| self.at(column).map(Value::into_owned))
            .collect()
    }

    /// Whether every column says this.
    pub(super) fn says(&self, values: &[Value<'_>]) -> Result<bool, StoreError> {
        if self.columns() != values.len() {
            return Ok(false);
        }
        let mut values = values.iter().enumerate();
        match &self.0 {
            Source::Sqlite(row, _) => values.try_fold(true, |same, (column, value)| {
                Ok(same && statements::column_says(row, column, value)?)
            }),
            Source::Postgres(row) => values.try_fold(true, |same, (column, value)| {
                Ok(same && postgres::column(row, column)? == *value)
            }),
        }
    }

    /// The value of the column `name`. [`StoreError::Invalid`] names the column, never the value.
    pub fn get<T: Column>(&self, name: &str) -> Result<T, StoreError> {
        T::read(self.value(name)?).map_err(|expected| {
            StoreError::Invalid(format!("column {name} should hold {expected}"))
        })
    }

    /// A text that is read where it stands, without a copy.
    pub(super) fn text<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.value(name)? {
            Value::Text(text) => read(&text),
            _ => Err(StoreError::Invalid(format!(
                "column {name} should hold a text"
            ))),
        }
    }

    /// A column that holds one of an enum's stable words.
    pub fn word<T: std::str::FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.opt_word(name)?
            .ok_or_else(|| StoreError::Invalid(format!("column {name} should hold a word")))
    }

    /// [`Row::word`] of a column that may be NULL.
    pub fn opt_word<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let word = match self.value(name)? {
            Value::Null(_) => return Ok(None),
            Value::Text(word) => word.parse().ok(),
            _ => None,
        };
        word.map(Some).ok_or_else(|| {
            StoreError::Invalid(format!(
                "column {name} holds a word this version does not know"
            ))
        })
    }
}

/// The sentence for a statement called with too few values, or too many.
pub(super) fn wrong_number(wanted: usize, given: usize) -> StoreError {
    StoreError::Bug(format!(
        "a statement wants {wanted} parameters, {given} were given"
    ))
}

/// Which value each place of a statement takes: the `n` of every `$n`, checked against what was given.
pub(super) fn parameter_index(name: &str, given: usize) -> Result<usize, StoreError> {
    let number = name
        .strip_prefix('$')
        .and_then(|digits| digits.parse::<usize>().ok());
    match number {
        Some(number) if (1..=given).contains(&number) => Ok(number - 1),
        Some(number) => Err(StoreError::Bug(format!(
            "a statement wants ${number}, {given} parameters were given"
        ))),
        None => Err(StoreError::Bug(format!(
            "parameters are $1, $2, …, not {name}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_once_and_not_in_quotes() {
        static KNOWN: Known = Known::nothing();
        let count = |text| Statement::from_source(text, &KNOWN).parameters();
        assert_eq!(count("SELECT 1"), 0);
        assert_eq!(
            count("SELECT $2, $1, $2, $10 WHERE a = 'it''s $3' AND b = $1"),
            3
        );
    }

    #[test]
    fn only_postgres_reads_the_locking_comments() {
        static KNOWN: Known = Known::nothing();
        let statement = |text| Statement::from_source(text, &KNOWN);
        let claim = statement("SELECT id FROM delivery LIMIT $1 /* FOR UPDATE SKIP LOCKED */");
        assert_eq!(
            claim.text_for_postgres(),
            "SELECT id FROM delivery LIMIT $1 FOR UPDATE SKIP LOCKED"
        );
        let lock = statement("SELECT id FROM lead WHERE id = $1 /* FOR UPDATE */");
        assert_eq!(
            lock.text_for_postgres(),
            "SELECT id FROM lead WHERE id = $1 FOR UPDATE"
        );
    }

    #[test]
    fn places_take_the_value_of_their_number() {
        assert_eq!(parameter_index("$2", 2), Ok(1));
        assert!(parameter_index("$3", 2).is_err());
        assert!(parameter_index("$0", 2).is_err());
        assert!(parameter_index("?1", 2).is_err());
        assert!(parameter_index(":name", 2).is_err());
    }
}
