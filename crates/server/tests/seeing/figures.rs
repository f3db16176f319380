//! What a Prometheus reads: the figures move with what happens, keep to the conventions, name nobody; and every
//! figure that an alert rule watches is there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use ringback_server::store::Engine;

use crate::world::{PERSONAL, World};

const RULES: &str = include_str!("../../../../docs/alerts.yml");
const PAGE: &str = include_str!("../../../../docs/seeing.md");
/// Prometheus's own figure of a scrape: whether anybody answered.
const UP: &str = "up";
/// The figure whose absence means that no server is there.
const ALWAYS: &str = "ringback_build_info";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_departure_moves_its_figures_on_sqlite() {
    a_departure_moves_its_figures(World::begin(Engine::Sqlite).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_departure_moves_its_figures_on_postgresql() {
    if let Some(world) = World::begin(Engine::Postgres).await {
        a_departure_moves_its_figures(world).await;
    }
}

async fn a_departure_moves_its_figures(world: World) {
    let before = Figures::read(&world.scrape().await);
    world.somebody_leaves().await;
    world.lead(|lead| lead.stamps.crm_done_at.is_some()).await;
    let after = Figures::read(&world.scrape().await);
    // Other tests in this program add to the same counters: at least what happened here.
    let moved = |series: &str| after.value(series) - before.value(series);
    for series in [
        r#"ringback_departures_total{departure="closed",became="lead"}"#,
        r#"ringback_departure_to_lead_seconds_count{departure="closed"}"#,
        r#"ringback_deliveries_total{kind="crm_abandoned",outcome="done"}"#,
        r#"ringback_delivery_due_to_wire_seconds_count{channel="crm"}"#,
        r#"ringback_outside_calls_total{host="127.0.0.1",answer="200"}"#,
        r#"ringback_http_requests_total{method="POST",route="/s/{scheduler}/close",status="200"}"#,
        "ringback_store_commit_seconds_count",
    ] {
        assert!(moved(series) >= 1.0, "{series} moved by {}", moved(series));
    }
    let pages = r#"ringback_http_request_seconds_count{route="/s/{scheduler}"}"#;
    assert!(moved(pages) >= 2.0, "{pages} moved by {}", moved(pages));
    // The text waits for its hold: it stands in the outbox.
    assert!(
        after.value(r#"ringback_deliveries_waiting{kind="text_follow_up",state="due"}"#) >= 1.0
    );
    assert_eq!(after.value("ringback_store_answers"), 1.0);
    assert_eq!(after.value(r#"ringback_nodes{state="alive"}"#), 1.0);
    assert!(after.value("ringback_node_lease_seconds") > 0.0);
    assert!(after.value("ringback_database_bytes") > 100_000.0);
    assert!(after.value("process_resident_memory_bytes") > 1_000_000.0);
    assert!(after.value("process_open_fds") > 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_watched_or_written_about_is_there_and_names_nobody() {
    let world = World::begin(Engine::Sqlite).await.unwrap();
    world.somebody_leaves().await;
    world.passes(SignedDuration::from_secs(60));
    world.lead(|lead| lead.stamps.text_sent_at.is_some()).await;
    let text = world.scrape().await;
    let figures = Figures::read(&text);
    for (alert, names) in watched() {
        for name in names.iter().filter(|name| *name != UP) {
            assert!(
                figures.has(name),
                "{alert} watches {name}, which no scrape has"
            );
        }
    }
    let documented: BTreeSet<_> = words_like(PAGE, &["ringback_", "process_"]).collect();
    assert!(documented.len() > 20, "{documented:?}");
    for name in &documented {
        assert!(
            figures.has(name),
            "docs/seeing.md has {name}, which no scrape has"
        );
    }
    for name in figures.kinds.keys() {
        let page = PAGE.contains(name.trim_start_matches("ringback_store"))
            || PAGE.contains(name.trim_start_matches("ringback_departures"));
        assert!(page, "{name} is not in docs/seeing.md");
    }
    for piece in PERSONAL {
        assert!(!text.contains(piece), "{piece} is in a figure");
    }
    figures.keeps_to_the_conventions();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_is_a_figure_too() {
    let world = World::begin(Engine::Sqlite).await.unwrap();
    world.server.app().store.close().await;
    let figures = Figures::read(&world.scrape().await);
    assert_eq!(figures.value("ringback_store_answers"), 0.0);
    let version = env!("CARGO_PKG_VERSION");
    let always = format!("{ALWAYS}{{version=\"{version}\"}}");
    assert_eq!(figures.value(&always), 1.0);
}

#[test]
fn a_server_that_is_not_there_is_noticed() {
    let watching = |what: &str| RULES.contains(&format!("expr: {what}"));
    assert!(watching(&format!(r#"{UP}{{job="ringback"}} == 0"#)));
    assert!(watching(&format!(r#"absent({ALWAYS}{{job="ringback"}})"#)));
    for job in RULES.split("job=\"").skip(1) {
        let job = job.split('"').next().unwrap();
        let scraped = format!("job_name: {job}\n");
        assert!(PAGE.contains(&scraped), "docs/seeing.md has no job {job}");
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let alerts: Vec<_> = RULES.split("- alert: ").skip(1).collect();
    let names: BTreeSet<_> = alerts.iter().map(|rule| rule.lines().next()).collect();
    assert_eq!(names.len(), alerts.len(), "two alerts of one name");
    for alert in alerts {
        for part in [
            "expr: ",
            "labels: { severity: ",
            "summary: ",
            "description: ",
        ] {
            assert_eq!(alert.matches(part).count(), 1, "{part:?} in {alert}");
        }
    }
}

/// Alert by alert, the figures its expression names.
fn watched() -> Vec<(String, BTreeSet<String>)> {
    let rules = RULES.split("- alert: ").skip(1);
    let watched: Vec<_> = rules
        .map(|rule| {
            let expr = rule.split_once("expr: ").unwrap().1.lines().next().unwrap();
            let ours = words_like(expr, &["ringback_", "process_"]);
            let up = words_like(expr, &[UP]).filter(|name| name == UP);
            let names = ours.chain(up).collect();
            (rule.lines().next().unwrap().to_owned(), names)
        })
        .collect();
    assert!(
        watched
            .iter()
            .all(|(_, names): &(_, BTreeSet<_>)| !names.is_empty())
    );
    watched
}

fn words_like<'t>(text: &'t str, beginnings: &'t [&str]) -> impl Iterator<Item = String> + 't {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(move |c| !word(c))
        .filter(move |name| {
            beginnings
                .iter()
                .any(|beginning| name.starts_with(beginning))
        })
        // `ringback_server=debug` in RUST_LOG is a module of ours, not a figure.
        .filter(|name| *name != "ringback_server")
        .map(str::to_owned)
}

/// A scrape, read.
struct Figures {
    kinds: BTreeMap<String, String>,
    values: BTreeMap<String, f64>,
}

impl Figures {
    fn read(text: &str) -> Self {
        let mut figures = Self {
            kinds: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                figures.kinds.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let value = value
                    .parse()
                    .unwrap_or_else(|_| panic!("no number in {line}"));
                assert!(
                    figures.values.insert(series.to_owned(), value).is_none(),
                    "twice: {series}"
                );
            }
        }
        figures
    }

    /// Zero for a series that has not begun.
    fn value(&self, series: &str) -> f64 {
        self.values.get(series).copied().unwrap_or(0.0)
    }

    /// As a figure, or as one of a histogram's series.
    fn has(&self, name: &str) -> bool {
        let whole = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        self.kinds.contains_key(name)
            || whole.is_some_and(|whole| {
                self.kinds
                    .get(whole)
                    .is_some_and(|kind| kind == "histogram")
            })
    }

    /// <https://prometheus.io/docs/practices/naming/>: base units, counters end in `_total`.
    fn keeps_to_the_conventions(&self) {
        for (name, kind) in &self.kinds {
            assert!(
                name.starts_with("ringback_") || name.starts_with("process_"),
                "{name}"
            );
            assert_eq!(
                kind == "counter",
                name.ends_with("_total"),
                "{name} is a {kind}"
            );
            let odd = [
                "_ms", "_us", "_millis", "_kb", "_mb", "_minutes", "_percent",
            ];
            assert!(
                !odd.iter().any(|unit| name.ends_with(unit)),
                "{name} is in no base unit"
            );
        }
        for series in self.values.keys() {
            let name = series.split('{').next().unwrap();
            assert!(self.has(name), "{series} has no # TYPE");
        }
    }
}
