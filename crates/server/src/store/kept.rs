//! Rows that every answer to a visitor needs and that change once a month, read once and shared.

use std::collections::HashMap;
use std::sync::Arc;

use super::value::Value;
use super::{Row, StoreError};

/// What has been made of rows of one table, by their ids. Each store thread keeps its own. It counts only while every
/// column of the row still says the same, so that nothing can be stale, whatever was rolled back.
pub(super) struct Kept<T>(HashMap<i64, (Vec<Value<'static>>, Arc<T>)>);

/// More different rows than this, and they are read afresh.
const MOST_KEPT: usize = 256;

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Kept<T> {
    /// What `make` makes of a row; it is asked once as long as the row says the same.
    pub(super) fn read(
        &mut self,
        row: &Row<'_>,
        make: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Arc<T>, StoreError> {
        let id = row.get("id")?;
        if let Some((before, known)) = self.0.get(&id)
            && row.says(before)?
        {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make(row)?);
        if self.0.len() >= MOST_KEPT {
            self.0.clear();
        }
        self.0.insert(id, (row.values()?, Arc::clone(&made)));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::super::statements::{Prepared, Statements};
    use super::super::tx::{Known, Statement};
    use super::*;

    /// A row that says this, read through what is kept.
    fn read(
        statements: &Statements<'_>,
        kept: &mut Kept<String>,
        id: i64,
        said: &str,
    ) -> Result<Arc<String>, StoreError> {
        // Not a statement of the product's: its own test prepares every one of those.
        static KNOWN: Known = Known::nothing();
        let sql = Statement::from_source("SELECT $1 AS id, $2 AS said", &KNOWN);
        let mut read = Err(StoreError::NoRow);
        statements.query(
            sql,
            &[Value::Int(id), Value::Text(said.into())],
            &mut |row| {
                read = kept.read(row, |row| match row.get::<String>("said")? {
                    said if said.is_empty() => Err(StoreError::Invalid("nothing".into())),
                    said => Ok(said),
                });
                Ok(false)
            },
        )?;
        read
    }

    #[test]
    fn what_is_kept_is_what_the_row_says_and_bounded() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let statements = Statements::of(&connection);
        let mut kept = Kept::default();
        for turn in ["once", "again"] {
            for id in 0..MOST_KEPT as i64 + 10 {
                let mut read = |said: &str| read(&statements, &mut kept, id, said).unwrap();
                assert_eq!(*read("this"), "this");
                assert_eq!(*read(turn), turn);
            }
        }
        assert!(kept.0.len() <= MOST_KEPT);
        assert!(read(&statements, &mut kept, 1, "").is_err());
    }

    #[test]
    fn what_the_row_still_says_is_not_read_again() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let statements = Statements::of(&connection);
        let mut kept = Kept::default();
        let mut read = |id, said: &str| read(&statements, &mut kept, id, said).unwrap();
        let first = read(1, "this");
        assert!(Arc::ptr_eq(&first, &read(1, "this")));
        assert!(!Arc::ptr_eq(&first, &read(2, "this")));
        assert!(!Arc::ptr_eq(&first, &read(1, "that")));
    }
}
