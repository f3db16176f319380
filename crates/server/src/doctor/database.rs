//! The database and the disk under it: there, readable, up to date, durable, with room; who can sign in; when it
//! was last copied.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ringback_domain::business::Business;
use ringback_domain::staff::Role;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::Report;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::integration::{self, Integration, SERVICETITAN, TEXTS};
use crate::store::{self, StoreConfig, StoreError, Tx, business, note_beside, scheduler, staff};

/// Less room than this, and the next busy day may end it.
const SCARCE: u64 = 2 * 1024 * 1024 * 1024;
/// Less than this, and the log of the database may not find room to grow.
const TOO_LITTLE: u64 = 256 * 1024 * 1024;
/// No disk that really writes answers a flush within this.
const TOO_FAST: Duration = Duration::from_micros(10);
/// Every Continue of a visitor waits for one flush.
const TOO_SLOW: Duration = Duration::from_millis(100);
/// A backup should not be older.
const BACKUP_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the database says of one business.
pub struct Inside {
    pub business: Arc<Business>,
    schedulers: usize,
    administrators: usize,
    /// ServiceTitan, when it is connected.
    pub servicetitan: Option<Integration<Value>>,
    /// The carrier, when it is connected.
    pub texts: Option<Integration<Value>>,
}

/// Reports, and returns what is inside when it can be read.
pub async fn examine(report: &mut Report, config: &Config) -> Option<Vec<Inside>> {
    let what = "database";
    let place: StoreConfig = match config.database_url.expose_secret().parse() {
        Ok(place) => place,
        Err(error) => {
            report.broken(what, &StoreError::to_string(&error));
            return None;
        }
    };
    if let StoreConfig::Sqlite { path } = &place {
        let folder = folder_of(path);
        disk(report, &folder);
        if !path.exists() {
            report.warn(
                what,
                &format!(
                    "{} is not there yet; the first start makes it.",
                    path.display()
                ),
            );
            return None;
        }
    }
    let asked = place.clone();
    let found = tokio::task::spawn_blocking(move || {
        // The synchronous client of PostgreSQL wants a thread without a runtime.
        let look = || store::look(&asked, &Clock::system(), |tx| Ok((tx.now(), inside(tx)?)));
        std::thread::scope(|scope| scope.spawn(look).join())
    });
    let found = match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) | Err(_) => Err(StoreError::Bug("looking at it panicked".into())),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            report.broken(
                what,
                &format!("{error}. Check database_url, the server behind it and the disk."),
            );
            return None;
        }
    };
    for (setting, value) in &found.promises {
        if value == "on" {
            continue;
        }
        if setting == store::LETTERS {
            report.warn(what, "it was made with the character type C, so that a search finds álvarez only when typed like that, and not as Álvarez. Make it anew with a locale of UTF-8, as C.UTF-8.");
        } else {
            report.broken(what, &format!("PostgreSQL runs with {setting} = {value}: what it has confirmed can be lost. Set it to on."));
        }
    }
    let Some((now, inside)) = found.said else {
        let steps = found.behind;
        report.warn(what, &format!("its tables are {steps} step(s) older than this version; the next start brings them up to date. Make a backup first."));
        return None;
    };
    if found.behind < 0 {
        report.warn(what, "a newer version has been here. Start that one.");
    } else {
        report.ok(what, "can be read, and its tables are up to date");
    }
    let skew = Clock::system().now().duration_since(now);
    if skew.abs() > jiff::SignedDuration::from_secs(5) {
        report.warn(
            "clock",
            &format!(
                "the database's differs from this machine's by {} s. Run NTP on both.",
                skew.as_secs()
            ),
        );
    }
    backup(report, &place);
    people(report, &inside);
    Some(inside)
}

fn inside(tx: &mut Tx<'_>) -> Result<Vec<Inside>, StoreError> {
    let mut all = Vec::new();
    for business in business::all(tx)? {
        let members = staff::list(tx, business.id)?;
        let administrators = members.iter().filter(|member| {
            member.staff.role == Role::Administrator
                && member.has_password
                && member.deactivated_at.is_none()
        });
        let connected = |found: Option<Integration<Value>>| found.filter(|i| i.secret.is_some());
        all.push(Inside {
            administrators: administrators.count(),
            schedulers: scheduler::list(tx, business.id)?.len(),
            servicetitan: connected(integration::get(tx, business.id, SERVICETITAN)?),
            texts: connected(integration::get(tx, business.id, TEXTS)?),
            business,
        });
    }
    Ok(all)
}

fn people(report: &mut Report, inside: &[Inside]) {
    if inside.is_empty() {
        report.warn(
            "business",
            "none yet. `ringback serve` prints the setup link.",
        );
    }
    for one in inside {
        let name = &one.business.name;
        match one.schedulers {
            0 => report.warn(
                name,
                "has no scheduler: nobody can book. Settings > Schedulers makes one.",
            ),
            n => report.ok(name, &format!("{n} scheduler(s)")),
        }
        match one.administrators {
            0 => report.broken(
                name,
                "no Administrator can sign in. Stop the server and run `ringback password EMAIL`.",
            ),
            n => report.ok(name, &format!("{n} Administrator(s) can sign in")),
        }
    }
}

fn backup(report: &mut Report, place: &StoreConfig) {
    let what = "backup";
    let StoreConfig::Sqlite { path } = place else {
        report.ok(
            what,
            "PostgreSQL is backed up with its own tools; whether it is cannot be seen from here.",
        );
        return;
    };
    let noted = fs::metadata(note_beside(path)).and_then(|about| about.modified());
    #[expect(
        clippy::disallowed_methods,
        reason = "beside the age of a file, no other clock will do"
    )]
    let age = noted
        .ok()
        .map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    match age {
        None => report.warn(what, "none has been made yet. Run `ringback backup FILE` every day; the server may run meanwhile."),
        Some(age) if age > BACKUP_WITHIN => {
            let days = age.as_secs() / 86_400;
            report.warn(what, &format!("the last one is {days} days old. Run `ringback backup FILE` every day."));
        }
        Some(age) => report.ok(what, &format!("the last one is {} hour(s) old", age.as_secs() / 3_600)),
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

fn disk(report: &mut Report, folder: &Path) {
    let (what, shown) = ("disk", folder.display());
    if let Some(kind) = file_system(folder) {
        match kind.as_str() {
            "tmpfs" | "ramfs" => report.broken(what, &format!("{shown} is in memory ({kind}): everything goes with the power. Put the database on a disk.")),
            "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "fuse.sshfs" => report.warn(what, &format!("{shown} is on another machine ({kind}): SQLite's locks and flushes cannot be relied on there. Use a local disk, or PostgreSQL.")),
            _ => {}
        }
    }
    match free_space(folder) {
        Ok(free) if free < TOO_LITTLE => report.broken(what, &format!("{} MiB are free in {shown}: soon nothing can be saved. Make room.", free >> 20)),
        Ok(free) if free < SCARCE => report.warn(what, &format!("{} MiB are free in {shown}. Make room before it runs out.", free >> 20)),
        Ok(free) => report.ok(what, &format!("{} GiB are free in {shown}", free >> 30)),
        Err(error) => report.broken(what, &format!("{shown} cannot be looked at: {error}. Make the folder, and let this user write there.")),
    }
    match flushes(folder) {
        Ok(flush) if flush < TOO_FAST => report.warn(what, &format!("a flush takes {:.2} ms: it seems not to reach the disk. Turn off write-back caching without a battery (in a virtual machine: cache=unsafe).", milliseconds(flush))),
        Ok(flush) if flush > TOO_SLOW => report.warn(what, &format!("a flush takes {:.0} ms, and visitors wait for it at every Continue. A faster disk helps.", milliseconds(flush))),
        Ok(flush) => report.ok(what, &format!("can be written; a flush takes {:.2} ms", milliseconds(flush))),
        Err(error) => report.broken(what, &format!("{shown} cannot be written: {error}. Run the server as the user that owns it.")),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn free_space(folder: &Path) -> io::Result<u64> {
    let about = rustix::fs::statvfs(folder)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

/// The middle of nine writes of a page with a flush each, to a file that is removed again.
fn flushes(folder: &Path) -> io::Result<Duration> {
    let mut file = tempfile::NamedTempFile::with_prefix_in(".ringback-doctor-", folder)?;
    let mut took = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.as_file().sync_data()?;
        took.push(began.elapsed());
    }
    took.sort();
    Ok(took[4])
}

/// The kind of file system a folder is on, by the longest mount point above it.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let above = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(at).then(|| (at.len(), kind.to_owned()))
    });
    above
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}
