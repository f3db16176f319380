//! The demo: the whole product on one machine, with a seeded business, a pretend ServiceTitan, a pretend phone
//! and a stage that shows them side by side. `stage.rs` is what people look at; this puts it together.

pub mod stage;

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ringback_sandbox::Sandbox;
use serde_json::json;

use crate::clock::Clock;
use crate::config::Config;
use crate::random;
use crate::seed::{self, Copperline};
use crate::serve::{self, CannotStart, Server};
use crate::store::{Order, api_key};
use crate::token;
use crate::{duties, routes};
use stage::Stage;

/// The pretend ServiceTitan has done what it will do the moment it is asked; this leaves it time on a machine
/// that has none. Nobody who watches the demo wants to wait for two minutes of looking in vain.
const SANDBOX_WORKS_FOR: SignedDuration = SignedDuration::from_secs(5);

/// How a demo is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Keeps its rows here; a folder of its own that goes with it when `None`.
    pub data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Written once it answers.
    pub ready_file: Option<PathBuf>,
    /// Another database than a file in `data`.
    pub database_url: Option<String>,
    /// A sandbox that runs elsewhere and outlives the demo; one of its own when `None`.
    pub sandbox: Option<url::Url>,
    /// Where Copperline's clocks are, when it is seeded.
    pub time_zone: String,
    /// The machine's own time, also by night.
    pub real_time: bool,
}

/// A running demo.
pub struct Demo {
    server: Server,
    _sandbox: Option<Sandbox>,
    _folder: Option<tempfile::TempDir>,
    /// What to look at, for people.
    pub told: String,
}

impl Demo {
    /// Starts everything; answers when all of it does.
    pub async fn start(options: Options) -> Result<Self, CannotStart> {
        known_zone(&options.time_zone)?;
        let (data, folder) = folder(options.data)?;
        let listener = serve::listen(options.listen)?;
        let address = listener
            .local_addr()
            .map_err(|e| CannotStart(e.to_string()))?;
        let url = format!("http://{address}");
        let (sandbox, at_sandbox) = match options.sandbox {
            Some(elsewhere) => (None, elsewhere),
            None => own_sandbox(&url, &options.time_zone)
                .await
                .map(|(sandbox, url)| (Some(sandbox), url))?,
        };
        let file = format!("sqlite:{}", data.join("ringback.db").display());
        let config = Config {
            public_url: url
                .parse()
                .map_err(|e| CannotStart(format!("{url}: {e}")))?,
            listen: options.listen,
            database_url: options.database_url.unwrap_or(file).into(),
            key_file: data.join("ringback.key"),
            servicetitan_auth_url: at_sandbox.clone(),
            servicetitan_api_url: at_sandbox.clone(),
            twilio_url: at_sandbox.clone(),
            crm_works_for: SANDBOX_WORKS_FOR,
            ..Config::default()
        };
        let clock = Clock::system();
        let ahead = match options.real_time {
            true => SignedDuration::ZERO,
            false => until_day(clock.now(), &options.time_zone),
        };
        clock.advance(ahead);
        if let Some(sandbox) = &sandbox {
            sandbox.advance_clock(ahead);
        }
        let app = serve::open(config, clock).await?;
        let credentials = ringback_sandbox::Credentials::default();
        let copperline = seed::demo(&app, &credentials, &options.time_zone)
            .await
            .map_err(|e| CannotStart(e.to_string()))?;
        let api_key = fresh_key(&app, &copperline).await?;

        let website = stage::open_website(&app, &copperline, &url).await?;
        let stage = Stage {
            staff: copperline.administrator.clone(),
            website: website.clone(),
            servicetitan: format!("{at_sandbox}servicetitan"),
            phone: format!("{at_sandbox}phone"),
            ahead,
        };
        let router = routes::with_stage(app.clone(), stage.clone());
        duties::start(&app);
        let server = Server::serve(listener, router, app)?;

        let ready = json!({
            "url": url,
            "scheduler": format!("{url}/s/{}", copperline.public_id),
            "inbox": format!("{url}/office"),
            "stage": format!("{url}/stage"),
            "website": website,
            "email": seed::DANA,
            "password": seed::PASSWORD,
            "api_key": api_key,
            "sandbox": { "servicetitan": stage.servicetitan, "phone": stage.phone },
        });
        if let Some(file) = options.ready_file {
            write_whole(&file, &format!("{ready:#}\n"))?;
        }
        let told = format!(
            "\n  Ringback's demo is running.\n\n  \
               Stage        {url}/stage\n  \
               Scheduler    {url}/s/{}\n  \
               Office       {url}/office      {} / {}\n  \
               ServiceTitan {}   (pretend)\n  \
               Phone        {}   (pretend)\n\n  \
             Open the stage, press Book online, choose a service, give a name and a phone number, then close the\n  \
             scheduler.{} Ctrl-C ends it.\n",
            copperline.public_id,
            seed::DANA,
            seed::PASSWORD,
            stage.servicetitan,
            stage.phone,
            stage
                .night()
                .map(|night| format!(" {night}"))
                .unwrap_or_default(),
        );
        Ok(Self {
            server,
            _sandbox: sandbox,
            _folder: folder,
            told,
        })
    }

    /// Ends it in good order.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// How far the demo's clock goes ahead: texts go out from 8:00 to 21:00, the business's time and the visitor's, and
/// whoever tries the demo by night wants to see one. The visitor's zone is this machine's.
fn until_day(now: Timestamp, business: &str) -> SignedDuration {
    let zones = [
        TimeZone::get(business).unwrap_or(TimeZone::UTC),
        TimeZone::system(),
    ];
    let (from, to) = (time(8, 0, 0, 0), time(20, 45, 0, 0));
    let is_day = |at: Timestamp| {
        let there = zones.iter().map(|zone| zone.to_datetime(at).time());
        there.into_iter().all(|time| from <= time && time < to)
    };
    let halves = (0..48).map(|halves| SignedDuration::from_mins(30 * halves));
    halves
        .into_iter()
        .find(|ahead| is_day(now + *ahead))
        .unwrap_or_default()
}

/// Fails with a sentence where there is no such time zone.
pub fn known_zone(name: &str) -> Result<(), CannotStart> {
    match TimeZone::get(name) {
        Ok(_) => Ok(()),
        Err(_) => Err(CannotStart(format!(
            "there is no time zone {name}; one is America/Phoenix"
        ))),
    }
}

async fn own_sandbox(ringback: &str, time_zone: &str) -> Result<(Sandbox, url::Url), CannotStart> {
    let options = ringback_sandbox::Options {
        inbound_url: Some(format!("{ringback}/hooks/texts/inbound")),
        time_zone: time_zone.to_owned(),
        ..ringback_sandbox::Options::default()
    };
    let sandbox = Sandbox::start(SocketAddr::from(([127, 0, 0, 1], 0)), options);
    let sandbox = sandbox
        .await
        .map_err(|e| CannotStart(format!("the sandbox cannot listen: {e}")))?;
    let url = sandbox.url().parse().expect("the sandbox's own URL");
    Ok((sandbox, url))
}

fn folder(wanted: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>), CannotStart> {
    match wanted {
        Some(folder) => {
            std::fs::create_dir_all(&folder)
                .map_err(|e| CannotStart(format!("cannot make {}: {e}", folder.display())))?;
            Ok((folder, None))
        }
        None => {
            let fresh = tempfile::TempDir::with_prefix("ringback-demo-")
                .map_err(|e| CannotStart(format!("cannot make a temporary folder: {e}")))?;
            Ok((fresh.path().to_owned(), Some(fresh)))
        }
    }
}

/// Whoever waits for the file must not read half of it.
fn write_whole(file: &std::path::Path, text: &str) -> Result<(), CannotStart> {
    let half = file.with_extension("half");
    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, file))
        .map_err(|e| CannotStart(format!("cannot write {}: {e}", file.display())))
}

/// Keys are kept hashed, so that a demo kept with `--data` gets a new one at every start.
async fn fresh_key(app: &crate::app::App, copperline: &Copperline) -> Result<String, CannotStart> {
    let key = format!("rb_{}", random::token());
    let (hash, business) = (token::hash(&key), copperline.business);
    let kept = app.store.write(Order::Any, move |tx| {
        api_key::create(tx, business, "demo", &hash)
    });
    kept.await.map_err(|e| CannotStart(e.to_string()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whenever_the_demo_is_tried_it_is_day() {
        for hour in 0..24 {
            let now: Timestamp = format!("2026-11-28T{hour:02}:20:00Z").parse().unwrap();
            let then = now + until_day(now, seed::PHOENIX);
            let phoenix = TimeZone::get(seed::PHOENIX).unwrap();
            for zone in [phoenix, TimeZone::system()] {
                let clock = zone.to_datetime(then).time();
                assert!((8..21).contains(&clock.hour()), "{hour}: {clock}");
            }
        }
        let noon = "2026-11-28T19:00:00Z".parse().unwrap();
        if TimeZone::system().to_datetime(noon).hour() == 19 {
            assert_eq!(until_day(noon, seed::PHOENIX), SignedDuration::ZERO);
        }
    }
}
