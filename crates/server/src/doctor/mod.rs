//! `ringback doctor`: looks at everything the server stands on and says, line by line, what is well, what is
//! not, and what to do about it. Changes nothing, and may run beside the server. Here: the order of the chain and
//! the report; each link is in a file of its own.

mod address;
mod connections;
mod database;

use std::fmt::Write;

use crate::config::Config;
use crate::vault::Vault;

/// What was found, one line each.
#[derive(Default)]
struct Report {
    lines: String,
    broken: bool,
}

impl Report {
    fn ok(&mut self, what: &str, found: &str) {
        let _ = writeln!(self.lines, "  ok      {what}: {found}");
    }

    /// It works, though not as it should; or it is not there yet.
    fn warn(&mut self, what: &str, found: &str) {
        let _ = writeln!(self.lines, "  warn    {what}: {found}");
    }

    fn broken(&mut self, what: &str, found: &str) {
        self.broken = true;
        let _ = writeln!(self.lines, "  BROKEN  {what}: {found}");
    }
}

/// Examines this machine and what it can reach. Returns the report, and whether nothing is broken.
pub async fn examine(config: Config) -> (String, bool) {
    let mut report = Report::default();
    configuration(&mut report, &config);
    let vault = key_file(&mut report, &config);
    let inside = database::examine(&mut report, &config).await;
    address::examine(&mut report, &config, vault.as_ref()).await;
    if let Some(inside) = inside {
        connections::examine(&mut report, &config, vault.as_ref(), inside).await;
    }
    (report.lines, !report.broken)
}

fn configuration(report: &mut Report, config: &Config) {
    let what = "configuration";
    report.ok(
        what,
        &format!("understood; this server is \"{}\"", config.node),
    );
    if config.is_secure() && config.trusted_proxies.is_empty() {
        report.warn(what, "public_url is https, so a proxy stands in front, but trusted_proxies names none: all visitors count as one. Set it to the proxy's address.");
    }
}

fn key_file(report: &mut Report, config: &Config) -> Option<Vault> {
    let (what, path) = ("key_file", config.key_file.display());
    if !config.key_file.exists() {
        report.warn(
            what,
            &format!("{path} is not there yet; the first start makes it."),
        );
        return None;
    }
    match Vault::open(&config.key_file) {
        Ok(vault) => {
            report.ok(
                what,
                &format!(
                    "{path} is this user's alone. Keep a copy away from the database's backup."
                ),
            );
            Some(vault)
        }
        Err(error) => {
            report.broken(
                what,
                &format!("{error} Run the server as the user that owns it."),
            );
            None
        }
    }
}
