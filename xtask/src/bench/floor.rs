//! Floors: what this machine can do without the product, measured beside it. A round trip over loopback, a
//! durable write on the same filesystem, and the product's own statements committed raw: taken from the
//! sources of `store/`, so that floor and product cannot drift apart.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rusqlite::config::DbConfig;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, ToSql};

use super::load::{Arrival, Ask, Verdict, histogram, open_loop};
use crate::Tried;
use crate::house::string_literals;

/// One round trip over loopback with one durable write in it.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Median of the whole, from the moment it was sent, in milliseconds.
    pub p50_ms: f64,
    /// Its 99th percentile: how quiet the machine was.
    pub p99_ms: f64,
    /// Median of the write alone, in microseconds.
    pub fsync_p50_us: f64,
}

/// Measures [`Reach`] in `folder`: the same load as the product's asks a server that does no more than hear, append
/// 4 KiB to a file as a log does, fdatasync, and answer. Counted from the moment a request was really sent: what the
/// load itself is late by (a thread that sleeps wakes up a tenth of a millisecond after its time) is no work of the
/// machine's. Once every `pause`, since a core and a disk that have rested answer later than those that are busy.
pub async fn reach(folder: &Path, times: u64, pause: Duration) -> Tried<Reach> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    let path = folder.join("floor");
    let (file, syncs) = (log(&path)?, histogram()?);
    let serving = std::thread::spawn(move || answer_durably(&listener, file, syncs));
    let arrival = Arrival {
        rate: 1.0 / pause.as_secs_f64(),
        count: times,
        connections: 1,
    };
    let ask = |_| Ask {
        bytes: [&b"POST / HTTP/1.1\r\n"[..], &[b'-'; 234], b"\r\n\r\n"].concat(),
        about: (),
    };
    let went = open_loop(to, arrival, ask, |(), answer| match answer.status {
        204 => Ok(Verdict::Good),
        other => Err(format!("the floor answered {other}").into()),
    })
    .await?;
    let syncs = serving.join().map_err(|_| "the floor panicked")??;
    fs::remove_file(path)?;
    Ok(Reach {
        p50_ms: went.sent_ms(50.0),
        p99_ms: went.sent_ms(99.0),
        fsync_p50_us: syncs.value_at_quantile(0.5) as f64 / 1e3,
    })
}

/// Answers one connection with 204, whatever it asks, until it closes: the shortest way there and back beside whatever
/// else keeps this machine busy.
pub fn answers_at_once() -> Tried<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let mut said = [0; 1024];
        while stream.read(&mut said)? > 0 {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        }
        Ok(())
    });
    Ok(address)
}

/// How often [`fsync_p50_us`] writes.
const SYNCS: usize = 200;

/// Median of so many durable writes of 4 KiB in `folder`, one right after the other, in microseconds.
pub fn fsync_p50_us(folder: &Path) -> Tried<f64> {
    let path = folder.join("fsync");
    let (mut file, mut took) = (log(&path)?, histogram()?);
    file.seek(SeekFrom::Start(0))?;
    for _ in 0..SYNCS {
        took.saturating_record(nanos(write_durably(&mut file)?));
    }
    fs::remove_file(path)?;
    Ok(took.value_at_quantile(0.5) as f64 / 1e3)
}

/// How many blocks the floor's log has.
const BLOCKS: usize = 256;

/// A log is written over and again: its blocks are there already.
fn log(path: &Path) -> Tried<fs::File> {
    let mut file = fs::File::create(path)?;
    for _ in 0..BLOCKS {
        file.write_all(&[7; 4096])?;
    }
    file.sync_all()?;
    Ok(file)
}

/// Answers one connection until it closes; notes in `syncs` how many nanoseconds the writes took.
fn answer_durably(
    listener: &TcpListener,
    mut file: fs::File,
    mut syncs: Histogram<u64>,
) -> std::io::Result<Histogram<u64>> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut said = [0; 1024];
    for block in (0..BLOCKS).cycle() {
        if stream.read(&mut said)? == 0 {
            break;
        }
        if block == 0 {
            file.seek(SeekFrom::Start(0))?;
        }
        syncs.saturating_record(nanos(write_durably(&mut file)?));
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
    Ok(syncs)
}

/// Appends 4 KiB, and says how long until they were on the disk.
fn write_durably(file: &mut fs::File) -> std::io::Result<Duration> {
    let begun = Instant::now();
    file.write_all(&[7; 4096])?;
    file.sync_data()?;
    Ok(begun.elapsed())
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// A database of the product's, opened raw and as the product opens it.
pub struct Raw {
    pub connection: Connection,
    /// The database's log; `None` where nothing has to last.
    log: Option<fs::File>,
    store: PathBuf,
    found: RefCell<HashMap<(&'static str, &'static str), String>>,
}

/// How the product opens its database for writing; a test compares them with its source.
const PRAGMAS: [(&str, &str); 7] = [
    ("journal_mode", "WAL"),
    ("synchronous", "NORMAL"),
    ("foreign_keys", "true"),
    ("temp_store", "MEMORY"),
    ("cache_size", "-16384"),
    ("journal_size_limit", "67108864"),
    ("wal_autocheckpoint", "4000"),
];
/// What differs where nothing has to last.
const IN_HASTE: [(&str, &str); 3] = [
    ("synchronous", "OFF"),
    ("foreign_keys", "false"),
    ("cache_size", "-1000000"),
];

impl Raw {
    /// Opens the database in `data`; nobody else may have it. `durable`: as in earnest, else as fast as it goes.
    pub fn open(root: &Path, data: &Path, durable: bool) -> Tried<Raw> {
        let connection = Connection::open(data.join("ringback.db"))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let haste: &[_] = if durable { &[] } else { &IN_HASTE };
        for (name, value) in PRAGMAS.iter().chain(haste) {
            connection.pragma_update(None, name, value)?;
        }
        connection.set_prepared_statement_cache_capacity(256);
        // The log is there from the first reading on.
        connection.query_row("SELECT COUNT(*) FROM business", [], |_| Ok(()))?;
        let log = fs::File::open(data.join("ringback.db-wal"));
        Ok(Raw {
            connection,
            log: durable.then_some(log).transpose()?,
            store: root.join("crates/server/src/store"),
            found: RefCell::default(),
        })
    }

    /// Ends a transaction. As in the product COMMIT leaves the disk to one fdatasync of the log, which follows.
    pub fn commit(&self) -> Tried<()> {
        self.connection.execute_batch("COMMIT")?;
        match &self.log {
            Some(log) => Ok(log.sync_data()?),
            None => Ok(()),
        }
    }

    /// Runs the statement of `file` that begins with `begins`, for its effect and to the end of its rows.
    pub fn run(
        &self,
        file: &'static str,
        begins: &'static str,
        values: &[&dyn ToSql],
    ) -> Tried<i64> {
        let mut found = self.found.borrow_mut();
        let sql = match found.entry((file, begins)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(statement(&self.store.join(file), begins)?)
            }
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        for place in 1..=statement.parameter_count() {
            let number: usize = statement
                .parameter_name(place)
                .and_then(|name| name.strip_prefix('$'))
                .ok_or("a statement with a parameter that is not $n")?
                .parse()?;
            let value: ToSqlOutput<'_> = values
                .get(number - 1)
                .ok_or_else(|| format!("{file}: {begins}: ${number} was not given"))?
                .to_sql()?;
            statement.raw_bind_parameter(place, value)?;
        }
        let mut rows = statement.raw_query();
        let mut first = 0;
        while let Some(row) = rows.next()? {
            first = row.get(0).unwrap_or_default();
        }
        Ok(first)
    }
}

/// The text of the one statement in a source file of the store that begins so.
fn statement(file: &Path, begins: &str) -> Tried<String> {
    let source = fs::read_to_string(file)?;
    let mut found = string_literals(&source)
        .into_iter()
        .map(|(_, text)| text)
        .filter(|text| text.trim_start().starts_with(begins));
    match (found.next(), found.next()) {
        (Some(text), None) => Ok(text),
        (None, _) => Err(format!("{} has no statement “{begins}…”", file.display()).into()),
        (Some(_), Some(_)) => {
            Err(format!("{} has several statements “{begins}…”", file.display()).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_in_the_sources_of_the_store() {
        let store = crate::root().join("crates/server/src/store");
        let found = statement(&store.join("session.rs"), "INSERT INTO session (").unwrap();
        assert!(found.contains("RETURNING id"), "{found}");
        assert!(statement(&store.join("session.rs"), "INSERT INTO nowhere").is_err());
        assert!(statement(&store.join("lead.rs"), "SELECT").is_err());
    }

    #[test]
    fn a_raw_database_is_opened_as_the_product_opens_its_own() {
        let store = crate::root().join("crates/server/src/store/sqlite.rs");
        let source = fs::read_to_string(store).unwrap().replace('_', "");
        let fold_in_at = source.split("const FOLDINAT: i32 = ").nth(1).unwrap();
        let fold_in_at = fold_in_at.split(';').next().unwrap();
        let (_, opening) = source
            .split_once("fn open(path: &Path, purpose: Use)")
            .unwrap();
        let opening = &opening[..opening.find("purpose == Use::Read").unwrap()];
        let mut asked = Vec::new();
        for pragma in opening.split("pragmaupdate(None, ").skip(1) {
            let (both, _) = pragma.split_once(')').unwrap();
            let (name, value) = both.split_once(", ").unwrap();
            asked.push((
                name.trim_matches('"').to_owned(),
                value.trim_matches('"').replace("FOLDINAT", fold_in_at),
            ));
        }
        let ours = PRAGMAS.map(|(name, value)| (name.replace('_', ""), value.to_owned()));
        assert_eq!(asked, ours);
        assert!(opening.contains("DbConfig::SQLITEDBCONFIGENABLEQPSG, true"));
    }

    #[test]
    fn a_raw_database_holds_what_its_pragmas_say() {
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join("ringback.db")).unwrap();
        database
            .execute_batch("CREATE TABLE business (id)")
            .unwrap();
        let raw = Raw::open(&crate::root(), folder.path(), true).unwrap();
        let number = |name| -> i64 {
            let ask = format!("PRAGMA {name}");
            raw.connection
                .query_row(&ask, [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!((number("synchronous"), number("foreign_keys")), (1, 1));
        assert_eq!((number("cache_size"), number("temp_store")), (-16_384, 2));
        assert_eq!(number("wal_autocheckpoint"), 4_000);
    }

    #[tokio::test]
    async fn a_durable_write_takes_time() {
        let folder = tempfile::tempdir().unwrap();
        let reach = reach(folder.path(), 20, Duration::from_millis(2))
            .await
            .unwrap();
        assert!(reach.fsync_p50_us > 0.0 && reach.p50_ms * 1e3 > reach.fsync_p50_us);
    }
}
