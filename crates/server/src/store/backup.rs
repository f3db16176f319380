//! A copy of the whole database in one file, taken while the server runs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::sqlite::{beside, create_private};
use super::{StoreConfig, StoreError};

/// Copies the database into the new file `target`, readable by this user alone, and answers with its size in
/// bytes. A server may be using the database: the copy is of one moment, and writes go on meanwhile. The
/// file appears under its name only once it is whole, checked and on the disk.
///
/// SQLite only. For PostgreSQL, and for whatever stands in the way, [`StoreError::Refused`] says what to do.
pub fn backup(config: &StoreConfig, target: &Path) -> Result<u64, StoreError> {
    let StoreConfig::Sqlite { path } = config else {
        return Err(StoreError::Refused(
            "PostgreSQL is backed up with its own tools, for example: \
             pg_dump --format=custom --file=ringback.dump \"$RINGBACK_DATABASE_URL\""
                .into(),
        ));
    };
    if !path.exists() {
        return Err(StoreError::Refused(format!(
            "There is no database at {}.",
            path.display()
        )));
    }
    if target.exists() {
        return Err(StoreError::Refused(format!(
            "{} is there already, and a backup replaces nothing: name a new file.",
            target.display()
        )));
    }
    let part = beside(target, ".part");
    let copied = copy(path, &part).and_then(|()| Ok(publish(&part, target)?));
    if copied.is_ok() {
        // For the doctor, which says when the last one was; that it cannot be noted spoils no backup.
        let _ = File::create(note_beside(path));
    }
    copied.map_err(|error| {
        // What is left is of no use to anybody; that it cannot be removed matters less than why it is there.
        let _ = fs::remove_file(&part);
        StoreError::Refused(format!(
            "The backup to {} failed: {}.",
            target.display(),
            error.to_string().trim_end_matches('.')
        ))
    })
}

/// The empty file whose age is that of the last backup of the database at `path`.
pub fn note_beside(path: &Path) -> PathBuf {
    beside(path, ".backed-up")
}

fn copy(path: &Path, part: &Path) -> Result<(), Box<dyn std::error::Error>> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    create_private(part)?;
    let name = part.to_str().ok_or("its name is not UTF-8")?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let live = Connection::open_with_flags(path, flags)?;
    // After a failed disk the log may not be folded in before a start has made sure of it.
    live.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    live.execute("VACUUM INTO ?1", [name])?;
    drop(live);
    let found: String =
        Connection::open_with_flags(part, flags)?
            .query_row("PRAGMA quick_check", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(format!("the copy is damaged: {found}").into())
    }
}

/// VACUUM INTO does not wait for the disk (<https://sqlite.org/lang_vacuum.html>); a backup has to.
fn publish(part: &Path, target: &Path) -> io::Result<u64> {
    let file = File::open(part)?;
    file.sync_all()?;
    fs::rename(part, target)?;
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file.metadata()?.len())
}
