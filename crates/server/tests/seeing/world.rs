//! One server with its metrics, connected to the sandbox; one visitor who leaves; everything that was logged.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use ringback_domain::lead::Lead;
use ringback_sandbox::{Options, Sandbox};
use ringback_server::config::{Config, LogFormat};
use ringback_server::logs;
use ringback_server::seed;
use ringback_server::store::lead::LeadFilter;
use ringback_server::store::{Engine, Order, lead};
use ringback_server::testing::TestServer;
use tracing_subscriber::fmt::MakeWriter;

/// A Monday, ten in the morning in Phoenix: texts may go.
const MORNING: &str = "2026-11-23T17:00:00Z";
/// How long a story waits for something before it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the visitor gives. Nothing of it may stand in a log or a figure; each is also written another way there.
pub const NAME: &str = "Ximena Quintanilla-Oyelaran";
pub const PHONE: &str = "602-555-0187";
pub const EMAIL: &str = "ximena.q@example.org";
pub const ZIP: &str = "85047";
/// Every piece that would give the visitor away.
pub const PERSONAL: &[&str] = &[
    "Ximena",
    "Quintanilla",
    "Oyelaran",
    "555-0187",
    "5550187",
    "ximena.q",
    "example.org",
    "85047",
];

pub struct World {
    pub server: TestServer,
    pub sandbox: Sandbox,
    pub figures: String,
}

impl World {
    pub async fn begin(engine: Engine) -> Option<Self> {
        log_everything();
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), Options::default());
        let sandbox = sandbox.await.unwrap();
        let url: url::Url = sandbox.url().parse().unwrap();
        let server = TestServer::start_with(engine, |config| {
            config.servicetitan_auth_url = url.clone();
            config.servicetitan_api_url = url.clone();
            config.twilio_url = url;
            config.metrics_listen = Some(([127, 0, 0, 1], 0).into());
        })
        .await?;
        let figures = format!("http://{}/metrics", server.server.metrics.unwrap());
        let (app, business) = (server.app().clone(), server.seeded.business);
        let known = sandbox.credentials().clone();
        let connected = server.app().store.write(Order::Any, move |tx| {
            seed::connect(tx, &app, business, &known)
        });
        connected.await.unwrap();
        let morning: Timestamp = MORNING.parse().unwrap();
        let world = Self {
            server,
            sandbox,
            figures,
        };
        world.passes(morning.duration_since(world.server.clock.now()));
        Some(world)
    }

    /// As the server was started.
    pub fn config(&self) -> Config {
        self.server.app().config.clone()
    }

    pub fn passes(&self, time: jiff::SignedDuration) {
        self.server.clock.advance(time);
        self.sandbox.advance_clock(time);
        self.server.app().outbox.ring();
    }

    /// Somebody passes the contact step with the box ticked, and presses close.
    pub async fn somebody_leaves(&self) {
        let calls = &self.server.app().calls;
        let (url, path) = (
            &self.server.url,
            format!("/s/{}", self.server.seeded.public_id),
        );
        let mut cookie = String::new();
        let forms: [(&str, &[(&str, &str)]); 3] = [
            (
                "",
                &[
                    ("step", "service"),
                    ("go", "continue"),
                    ("zip", ZIP),
                    ("service", "cooling-repair"),
                ],
            ),
            (
                "",
                &[
                    ("step", "contact"),
                    ("go", "continue"),
                    ("name", NAME),
                    ("phone", PHONE),
                    ("email", EMAIL),
                    ("text_me", "yes"),
                ],
            ),
            ("/close", &[]),
        ];
        for (below, form) in forms {
            let request = calls
                .post(format!("{url}{path}{below}"))
                .header(ORIGIN, url)
                .header(COOKIE, &cookie)
                .form(form);
            let answer = request.send().await.unwrap();
            assert!(answer.status().as_u16() < 400, "{}", answer.status());
            if let Some(set) = answer.headers().get(SET_COOKIE) {
                cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            }
        }
    }

    /// The only lead, once this holds of it.
    pub async fn lead(&self, holds: impl Fn(&Lead) -> bool) -> Lead {
        let business = self.server.seeded.business;
        let filter = LeadFilter {
            limit: 2,
            ..LeadFilter::default()
        };
        let mut last = None;
        let waiting = async {
            loop {
                let filter = filter.clone();
                let leads = self
                    .server
                    .app()
                    .store
                    .read(move |tx| lead::list(tx, business, &filter));
                last = leads.await.unwrap().pop();
                if let Some(lead) = last.as_ref().filter(|lead| holds(lead)) {
                    return lead.clone();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
                self.server.app().outbox.ring();
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(lead) => lead,
            Err(_) => panic!("it stays {last:?}"),
        }
    }

    /// What a Prometheus reads.
    pub async fn scrape(&self) -> String {
        let answer = self
            .server
            .app()
            .calls
            .get(&self.figures)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        answer.text().await.unwrap()
    }
}

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Kept;

impl Write for Kept {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut lines = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Kept {
    type Writer = Kept;

    fn make_writer(&'w self) -> Kept {
        Kept
    }
}

/// As talkative as our own code can be, as JSON; one log for the whole program.
fn log_everything() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let subscriber =
            logs::subscriber(LogFormat::Json, "info,ringback_server=trace".into(), Kept);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// Every line so far.
pub fn logged() -> Vec<String> {
    let lines = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(lines.clone())
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}
