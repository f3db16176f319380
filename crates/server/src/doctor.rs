//! `ringback doctor`: looks at everything the server stands on and says, line by line, what is well, what is
//! not, and what to do about it. Changes nothing.

use std::fmt::Write;
use std::time::Duration;

use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::config::Config;
use crate::outside;
use crate::store::{Store, StoreConfig, StoreError, business, integration, scheduler};

/// What was found, one line each.
#[derive(Default)]
struct Report {
    lines: String,
    ailing: bool,
}

impl Report {
    fn well(&mut self, what: &str, found: &str) {
        let _ = writeln!(self.lines, "  ok    {what}: {found}");
    }

    fn note(&mut self, what: &str, found: &str) {
        let _ = writeln!(self.lines, "  note  {what}: {found}");
    }

    fn ill(&mut self, what: &str, found: &str) {
        self.ailing = true;
        let _ = writeln!(self.lines, "  ILL   {what}: {found}");
    }
}

/// Examines this machine and what it can reach. Returns the report, and whether all is well.
pub async fn examine(config: Config) -> (String, bool) {
    let mut report = Report::default();
    examine_address(&mut report, &config).await;
    examine_key(&mut report, &config);
    examine_store(&mut report, &config).await;
    (report.lines, !report.ailing)
}

async fn examine_address(report: &mut Report, config: &Config) {
    let what = "public_url";
    let origin = config.origin();
    let local = matches!(
        config.public_url.host_str(),
        Some("localhost" | "127.0.0.1" | "[::1]")
    );
    if local {
        report.note(what, &format!("{origin} is this machine alone: visitors and the carrier cannot reach it. Set it to your own address."));
    } else if !config.is_secure() {
        report.ill(what, &format!("{origin} has no TLS: browsers refuse the scheduler's cookies in a frame. Put a TLS proxy in front and use https://."));
    }
    let answer = outside::client()
        .get(format!("{origin}/healthz"))
        .timeout(Duration::from_secs(5))
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => report.well(what, &format!("{origin} answers")),
        Ok(answer) => report.ill(what, &format!("{origin}/healthz says {}. Is the proxy pointed at {}?", answer.status(), config.listen)),
        Err(_) if local => report.note(what, "no server answers there. Start it with `ringback serve`."),
        Err(_) => report.ill(what, &format!("{origin}/healthz cannot be reached from here. Check DNS, the proxy and the firewall.")),
    }
}

fn examine_key(report: &mut Report, config: &Config) {
    use std::os::unix::fs::PermissionsExt;
    let (what, path) = ("key_file", config.key_file.display());
    match std::fs::metadata(&config.key_file) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            report.ill(
                what,
                &format!("{path} can be read by others. Run: chmod 600 {path}"),
            );
        }
        Ok(_) => report.well(
            what,
            &format!("{path} is this user's alone. Keep a copy away from the database's backup."),
        ),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            report.note(
                what,
                &format!("{path} is not there yet; the first start makes it."),
            );
        }
        Err(e) => report.ill(
            what,
            &format!("{path} cannot be read: {e}. Run the server as the user that owns it."),
        ),
    }
}

async fn examine_store(report: &mut Report, config: &Config) {
    let what = "database";
    let place: StoreConfig = match config.database_url.expose_secret().parse() {
        Ok(place) => place,
        Err(error) => return report.ill(what, &error.to_string()),
    };
    if let StoreConfig::Sqlite { path } = &place
        && !path.exists()
    {
        return report.note(
            what,
            &format!(
                "{} is not there yet; the first start makes it.",
                path.display()
            ),
        );
    }
    let opened = tokio::task::spawn_blocking(move || Store::open(&place, Clock::system())).await;
    match opened.unwrap_or_else(|_| Err(StoreError::Bug("opening it panicked".into()))) {
        // A running server holds its file: that is how it should be.
        Err(StoreError::InUse(_)) => report.well(
            what,
            "a running server has it open. Stop the server to have what is inside looked at too.",
        ),
        Err(StoreError::Refused(sentence)) => report.ill(what, &sentence),
        Err(error) => report.ill(
            what,
            &format!("{error}. Check database_url, the server behind it and the disk."),
        ),
        Ok(store) => {
            report.well(what, "opens, and its tables are up to date");
            match store.read(look_inside).await {
                Ok(findings) => findings
                    .iter()
                    .for_each(|(what, found)| report.note(what, found)),
                Err(error) => report.ill(what, &format!("cannot be read: {error}")),
            }
            store.close().await;
        }
    }
}

fn look_inside(tx: &mut crate::store::Tx<'_>) -> Result<Vec<(String, String)>, StoreError> {
    let mut findings = Vec::new();
    let businesses = business::all(tx)?;
    if businesses.is_empty() {
        findings.push((
            "business".into(),
            "none yet. `ringback serve` prints the setup link.".into(),
        ));
    }
    for business in businesses {
        let schedulers = scheduler::list(tx, business.id)?.len();
        let st = integration::connected(tx, business.id, "servicetitan")?;
        let texts = integration::connected(tx, business.id, "texts")?;
        let told = |connected, where_to| {
            if connected {
                "connected".to_owned()
            } else {
                format!("not connected (Settings > {where_to})")
            }
        };
        findings.push((
            business.name,
            format!(
                "{schedulers} scheduler(s), ServiceTitan {}, texts {}",
                told(st, "ServiceTitan"),
                told(texts, "Text messages")
            ),
        ));
    }
    Ok(findings)
}
