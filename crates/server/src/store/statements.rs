//! The statements of one SQLite connection: each is prepared once and found again by its number. (rusqlite's own cache
//! finds them by their text, which it reads through twice and copies once whenever one runs: a fortieth of a visitor's
//! whole step.)

use std::borrow::Cow;
use std::cell::RefCell;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, PrepFlags, ToSql};

use super::StoreError;
use super::sqlite::classify;
use super::tx::{Known, Row, Source, Statement, parameter_index, wrong_number};
use super::value::{Kind, Value};

/// A connection and what has been prepared on it.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    /// By the number of [`Known`]; nothing where it was not asked for yet, or runs just now.
    prepared: RefCell<Vec<Option<rusqlite::Statement<'c>>>>,
}

/// What a transaction asks of them. (A trait, so that a transaction need not name how long the connection lives.)
pub(super) trait Prepared {
    /// Runs a statement and counts the rows it changed.
    fn execute(&self, sql: Statement, values: &[Value<'_>]) -> Result<u64, StoreError>;

    /// An insert that ends with `RETURNING id`. SQLite would put the returned row into a table of its own, with a
    /// cache of its own, and throw both away again; it knows the id anyway.
    fn insert(&self, sql: Statement, values: &[Value<'_>]) -> Result<Option<i64>, StoreError>;

    /// Gives rows to `take` until it has had enough.
    fn query(
        &self,
        sql: Statement,
        values: &[Value<'_>],
        take: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError>;

    /// Whether SQLite understands it.
    fn prepare(&self, sql: Statement) -> Result<(), StoreError>;

    /// The file, as it will be once the log is folded in.
    fn database_bytes(&self) -> Result<i64, StoreError>;
}

impl<'c> Statements<'c> {
    /// None yet.
    pub(super) fn of(connection: &'c Connection) -> Self {
        Self {
            connection,
            prepared: RefCell::default(),
        }
    }

    /// No transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Runs one that takes no values and gives no rows.
    pub(super) fn run(&self, sql: Statement) -> Result<(), StoreError> {
        self.execute(sql, &[]).map(drop)
    }

    /// The number in a column of the only row.
    pub(super) fn number(&self, sql: Statement, column: &str) -> Result<i64, StoreError> {
        let mut number = Err(StoreError::NoRow);
        self.query(sql, &[], &mut |row| {
            number = row.get(column);
            Ok(false)
        })?;
        number
    }

    /// Does something with a statement and its values, of which `text` is the part that SQLite gets. One that fails
    /// is not kept.
    fn with<T>(
        &self,
        sql: Statement,
        text: &str,
        values: &[Value<'_>],
        act: impl FnOnce(&mut rusqlite::Statement<'c>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let number = sql.known().number();
        let kept = self
            .prepared
            .borrow_mut()
            .get_mut(number)
            .and_then(Option::take);
        let mut statement = match kept {
            Some(statement) => statement,
            None => self.made(text)?,
        };
        bind(&mut statement, sql.known(), values)?;
        let done = act(&mut statement)?;
        let mut prepared = self.prepared.borrow_mut();
        if prepared.len() <= number {
            prepared.resize_with(number + 1, || None);
        }
        prepared[number] = Some(statement);
        Ok(done)
    }

    fn made(&self, text: &str) -> Result<rusqlite::Statement<'c>, StoreError> {
        self.connection
            .prepare_with_flags(text, PrepFlags::SQLITE_PREPARE_PERSISTENT)
            .map_err(|error| classify(&error))
    }
}

impl Prepared for Statements<'_> {
    fn execute(&self, sql: Statement, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.with(sql, sql.text(), values, |statement| {
            if statement.column_count() == 0 {
                return statement
                    .raw_execute()
                    .map(|changed| changed as u64)
                    .map_err(|error| classify(&error));
            }
            // RETURNING: the rows are not wanted, their number is.
            let mut rows = statement.raw_query();
            let mut changed = 0;
            while rows.next().map_err(|error| classify(&error))?.is_some() {
                changed += 1;
            }
            Ok(changed)
        })
    }

    fn insert(&self, sql: Statement, values: &[Value<'_>]) -> Result<Option<i64>, StoreError> {
        let text = sql
            .text()
            .strip_suffix("RETURNING id")
            .ok_or_else(|| StoreError::Bug("an insert ends with RETURNING id".into()))?;
        self.with(sql, text, values, |statement| {
            let inserted = statement.raw_execute().map_err(|error| classify(&error))?;
            Ok((inserted == 1).then(|| self.connection.last_insert_rowid()))
        })
    }

    fn query(
        &self,
        sql: Statement,
        values: &[Value<'_>],
        take: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        self.with(sql, sql.text(), values, |statement| {
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().map_err(|error| classify(&error))? {
                if !take(&Row(Source::Sqlite(row, sql.known())))? {
                    break;
                }
            }
            Ok(())
        })
    }

    fn prepare(&self, sql: Statement) -> Result<(), StoreError> {
        places(&self.made(sql.text())?).map(drop)
    }

    fn database_bytes(&self) -> Result<i64, StoreError> {
        let number = |name| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .map_err(|error| classify(&error))
        };
        Ok(number("page_count")?.saturating_mul(number("page_size")?))
    }
}

/// Puts the values into their places.
fn bind(
    statement: &mut rusqlite::Statement<'_>,
    known: &Known,
    values: &[Value<'_>],
) -> Result<(), StoreError> {
    let places = match known.places.get() {
        Some(places) => places,
        None => {
            let places = places(statement)?;
            known.places.get_or_init(|| places)
        }
    };
    if places.len() != values.len() {
        return Err(wrong_number(places.len(), values.len()));
    }
    for (place, &index) in (1..).zip(places) {
        statement
            .raw_bind_parameter(place, Bound(&values[index]))
            .map_err(|error| classify(&error))?;
    }
    Ok(())
}

/// SQLite numbers `$n` by first appearance, not by `n`, so every place is asked for its name.
fn places(statement: &rusqlite::Statement<'_>) -> Result<Box<[usize]>, StoreError> {
    let count = statement.parameter_count();
    let name = |place| statement.parameter_name(place).unwrap_or("?");
    (1..=count)
        .map(|place| parameter_index(name(place), count))
        .collect()
}

struct Bound<'a>(&'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null(_) => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A column of a row by its name.
pub(super) fn column<'a>(
    row: &'a rusqlite::Row<'_>,
    known: &Known,
    name: &str,
) -> Result<Value<'a>, StoreError> {
    let columns = known.columns.get_or_init(|| {
        let names = row.as_ref().column_names();
        names.into_iter().map(Box::from).collect()
    });
    let column = columns
        .iter()
        .position(|column| **column == *name)
        .ok_or_else(|| StoreError::Bug(format!("the statement has no column {name}")))?;
    column_at(row, column)
}

/// A column of a row by its place.
pub(super) fn column_at<'a>(
    row: &'a rusqlite::Row<'_>,
    column: usize,
) -> Result<Value<'a>, StoreError> {
    let value = row.get_ref(column).map_err(|error| classify(&error))?;
    let wrong = |found| {
        let name = row.as_ref().column_name(column).unwrap_or("?");
        Err(StoreError::Invalid(format!("column {name} holds {found}")))
    };
    match value {
        ValueRef::Null => Ok(Value::Null(Kind::Int)),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => std::str::from_utf8(text).map_or_else(
            |_| wrong("text that is not UTF-8"),
            |text| Ok(Value::Text(Cow::Borrowed(text))),
        ),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(Cow::Borrowed(bytes))),
        ValueRef::Real(_) => wrong("a fraction"),
    }
}

/// Whether a column says this, without looking whether its text is one.
pub(super) fn column_says(
    row: &rusqlite::Row<'_>,
    column: usize,
    value: &Value<'_>,
) -> Result<bool, StoreError> {
    let says = row.get_ref(column).map_err(|error| classify(&error))?;
    Ok(match (says, value) {
        (ValueRef::Null, Value::Null(_)) => true,
        (ValueRef::Integer(says), Value::Int(number)) => says == *number,
        (ValueRef::Text(says), Value::Text(text)) => says == text.as_bytes(),
        (ValueRef::Blob(says), Value::Bytes(bytes)) => says == &**bytes,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    /// How often the statement was made anew, whose number this is, and how often it ran.
    fn status(statements: &Statements<'_>, sql: Statement) -> (i32, i32) {
        let prepared = statements.prepared.borrow();
        let statement = prepared[sql.known().number()].as_ref().unwrap();
        let status = |what| statement.get_status(what);
        (
            status(StatementStatus::RePrepare),
            status(StatementStatus::Run),
        )
    }

    #[test]
    fn a_statement_is_prepared_once_and_one_that_failed_anew() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT")
            .unwrap();
        let statements = Statements::of(&connection);
        // Not a statement of the product's: its own test prepares every one of those.
        static KNOWN: Known = Known::nothing();
        let insert =
            Statement::from_source("INSERT INTO one (id) VALUES ($1) RETURNING id", &KNOWN);
        for id in 1..=3 {
            assert_eq!(statements.insert(insert, &[Value::Int(id)]), Ok(Some(id)));
        }
        assert_eq!(status(&statements, insert), (0, 3));
        assert_eq!(
            statements.insert(insert, &[Value::Int(3)]),
            Err(StoreError::Conflict)
        );
        assert_eq!(statements.insert(insert, &[Value::Int(4)]), Ok(Some(4)));
        assert_eq!(status(&statements, insert), (0, 1));
    }
}
