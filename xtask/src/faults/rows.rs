//! Our own rows, read past the server: what the database says, whatever the product says of it.

use std::path::PathBuf;

use crate::Tried;

/// Where they are.
#[derive(Clone, Debug)]
pub enum Rows {
    /// The file.
    Sqlite(PathBuf),
    /// The URL.
    Postgres(String),
}

impl Rows {
    /// What a statement finds; every column as text, NULL as an empty one. The same text must do for both.
    pub async fn find(&self, sql: &str) -> Tried<Vec<Vec<String>>> {
        let (rows, sql) = (self.clone(), sql.to_owned());
        // The PostgreSQL client runs a runtime of its own, which no thread of ours may already have.
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || tell.send(rows.find_here(&sql)));
        told.await?
    }

    fn find_here(&self, sql: &str) -> Tried<Vec<Vec<String>>> {
        match self {
            Rows::Sqlite(file) => sqlite(file, sql),
            Rows::Postgres(url) => postgres(url, sql),
        }
    }

    /// What is wrong with the database itself; nothing, when it is whole.
    pub async fn faults(&self) -> Tried<Vec<String>> {
        match self {
            Rows::Sqlite(_) => {
                let mut wrong = Vec::new();
                for check in ["PRAGMA integrity_check", "PRAGMA foreign_key_check"] {
                    let said = self.find(check).await?.into_iter().map(|row| row.join(" "));
                    wrong.extend(said.filter(|line| line != "ok"));
                }
                Ok(wrong)
            }
            // Every block of every table and index of ours, by PostgreSQL's own checker.
            Rows::Postgres(_) => {
                self.find("CREATE EXTENSION IF NOT EXISTS amcheck").await?;
                let of_ours = "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                               WHERE n.nspname = 'public'";
                let heaps = format!(
                    "SELECT f.* FROM (SELECT c.oid {of_ours} AND c.relkind = 'r') AS t,
                     LATERAL verify_heapam(t.oid) AS f"
                );
                let wrong = self.find(&heaps).await?;
                let indexes = format!(
                    "SELECT bt_index_check(c.oid, true) {of_ours} AND c.relkind = 'i'
                     AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')"
                );
                self.find(&indexes).await?;
                Ok(wrong.into_iter().map(|row| row.join(" ")).collect())
            }
        }
    }
}

fn sqlite(file: &std::path::Path, sql: &str) -> Tried<Vec<Vec<String>>> {
    use rusqlite::types::ValueRef;
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| {
        (0..columns)
            .map(|column| {
                Ok(match row.get_ref(column)? {
                    ValueRef::Null => String::new(),
                    ValueRef::Integer(number) => number.to_string(),
                    ValueRef::Real(number) => number.to_string(),
                    ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
                })
            })
            .collect::<rusqlite::Result<Vec<String>>>()
    };
    let found = statement.query_map([], read)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn postgres(url: &str, sql: &str) -> Tried<Vec<Vec<String>>> {
    let mut client = postgres::Client::connect(url, postgres::NoTls)?;
    let answer = client.simple_query(sql)?;
    let rows = answer.iter().filter_map(|message| match message {
        postgres::SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|column| row.get(column).unwrap_or_default().to_owned())
                .collect(),
        ),
        _ => None,
    });
    Ok(rows.collect())
}
