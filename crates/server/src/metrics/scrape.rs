//! One scrape: what can be looked up is looked up now, then everything is written out. A store that does not
//! answer costs its own figures, not the others'.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use ringback_domain::delivery::{DeliveryKind, DeliveryStatus};
use tokio::sync::Mutex;

use super::{begin, process, seconds};
use crate::app::App;
use crate::error::Error;
use crate::store::census::{self, Census};
use crate::store::outbox::Channel;

/// A store that has not answered by then is reported as silent.
const STORE_WITHIN: Duration = Duration::from_secs(3);

const BUILD: &str = "ringback_build_info";
const STORE_ANSWERS: &str = "ringback_store_answers";
const STORE_WAITING: &str = "ringback_store_waiting";
const DELIVERIES_WAITING: &str = "ringback_deliveries_waiting";
const DELIVERIES_OVERDUE: &str = "ringback_deliveries_overdue_seconds";
const DEPARTURES_OVERDUE: &str = "ringback_departures_overdue";
const DEPARTURES_OVERDUE_FOR: &str = "ringback_departures_overdue_seconds";
const LANES: &str = "ringback_delivery_lanes";
const PRESENCE: &str = "ringback_presence_connections";
const STREAMS: &str = "ringback_event_streams";
const NODES: &str = "ringback_nodes";
const LEASE: &str = "ringback_node_lease_seconds";
const DATABASE: &str = "ringback_database_bytes";
const DRAINING: &str = "ringback_draining";

/// Counters that the store keeps itself: name, what it is.
const STORE_COUNTERS: [(&str, &str); 7] = [
    ("ringback_store_commits_total", "Transactions committed"),
    ("ringback_store_commands_total", "Commands committed"),
    ("ringback_store_queries_total", "Queries answered"),
    (
        "ringback_store_busy_total",
        "Calls refused because too much was waiting",
    ),
    (
        "ringback_store_disk_full_total",
        "Batches given up because the disk was full",
    ),
    (
        "ringback_store_repeats_total",
        "Commands run again after a deadlock or a lost connection",
    ),
    (
        "ringback_store_reconnects_total",
        "Connections to PostgreSQL made after the first ones",
    ),
];

/// Delivery states in which something is still to happen.
const WAITING: [DeliveryStatus; 4] = [
    DeliveryStatus::Due,
    DeliveryStatus::Claimed,
    DeliveryStatus::Sending,
    DeliveryStatus::Unknown,
];

pub(super) fn describe() {
    describe_gauge!(BUILD, "Always 1; the label says which version");
    describe_gauge!(STORE_ANSWERS, "1 when the database answered this scrape");
    describe_gauge!(
        STORE_WAITING,
        "Commands and queries that wait for a store thread"
    );
    describe_gauge!(
        DELIVERIES_WAITING,
        "Deliveries that are not settled, by kind and state; counted to 100000"
    );
    describe_gauge!(
        DELIVERIES_OVERDUE,
        "How long the oldest due delivery has been due, by channel"
    );
    describe_gauge!(
        DEPARTURES_OVERDUE,
        "Sessions whose grace is over and that are not judged yet; counted to 100000"
    );
    describe_gauge!(
        DEPARTURES_OVERDUE_FOR,
        "How long the oldest of them has waited"
    );
    describe_gauge!(
        LANES,
        "Businesses' connections to outside systems, by channel and state: open, narrow (after failures, one call at a time), paused"
    );
    describe_gauge!(PRESENCE, "Open presence connections of visitors' pages");
    describe_gauge!(STREAMS, "Open event streams of the office");
    describe_gauge!(
        NODES,
        "Servers by state: alive, dead (gone without an orderly end; shown for an hour), ended (stopped in good order)"
    );
    describe_gauge!(
        LEASE,
        "How long this server's own lease still runs; below 0 others take its work"
    );
    describe_gauge!(DATABASE, "Size of the database");
    describe_gauge!(DRAINING, "1 while the server drains");
    for (name, what) in STORE_COUNTERS {
        describe_counter!(name, what);
    }
}

/// The metrics address: one page and nothing else.
pub fn routes(app: App) -> Router {
    begin();
    Router::new()
        .route("/metrics", get(scrape))
        .fallback(async || Error::NotFound)
        .with_state(app)
}

async fn scrape(State(app): State<App>) -> impl IntoResponse {
    // What is looked up belongs to this scrape until it is written out.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
    process::look();
    look_around(&app);
    look_inside(&app).await;
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], begin().render())
}

/// What this process holds in memory.
fn look_around(app: &App) {
    gauge!(PRESENCE).set(app.lines.count() as f64);
    gauge!(STREAMS).set(app.office.streams.open() as f64);
    gauge!(DRAINING).set(f64::from(u8::from(app.is_leaving())));
    let figures = app.store.figures();
    gauge!(STORE_WAITING, "queue" => "writes").set(figures.writes_waiting as f64);
    gauge!(STORE_WAITING, "queue" => "reads").set(figures.reads_waiting as f64);
    let counted = [
        figures.commits,
        figures.commands,
        figures.queries,
        figures.busy,
        figures.full,
        figures.repeats,
        figures.reconnects,
    ];
    for ((name, _), value) in STORE_COUNTERS.iter().zip(counted) {
        counter!(*name).absolute(value);
    }
    for channel in Channel::ALL {
        for (state, lanes) in app.outbox.lanes_by_state(*channel, app.clock.now()) {
            gauge!(LANES, "channel" => channel.as_str(), "state" => state).set(lanes as f64);
        }
    }
}

/// What only the rows know.
async fn look_inside(app: &App) {
    let counting = app.store.read(census::take);
    let counted = tokio::time::timeout(STORE_WITHIN, counting).await;
    let census = match counted {
        Ok(Ok(census)) => census,
        Ok(Err(_)) | Err(_) => {
            gauge!(STORE_ANSWERS).set(0);
            return;
        }
    };
    gauge!(STORE_ANSWERS).set(1);
    show_deliveries(&census);
    let (overdue, oldest) = census.departures_overdue;
    gauge!(DEPARTURES_OVERDUE).set(overdue as f64);
    gauge!(DEPARTURES_OVERDUE_FOR).set(age(oldest, census.now));
    gauge!(DATABASE).set(census.database_bytes as f64);
    let mut by_state = [("alive", 0), ("dead", 0), ("ended", 0)];
    let owner = app.owner();
    for node in &census.nodes {
        let left = node.until.duration_since(census.now);
        let state = match () {
            () if node.ended => 2,
            () if left.is_negative() => 1,
            () => 0,
        };
        by_state[state].1 += 1;
        if node.name == owner.node && node.epoch == owner.epoch {
            gauge!(LEASE).set(left.as_secs_f64());
        }
    }
    for (state, nodes) in by_state {
        gauge!(NODES, "state" => state).set(f64::from(nodes));
    }
}

fn show_deliveries(census: &Census) {
    for kind in DeliveryKind::ALL {
        for state in WAITING {
            let same = |w: &&census::Waiting| w.kind == *kind && w.state == state;
            let n = census.deliveries.iter().find(same).map_or(0, |w| w.number);
            gauge!(DELIVERIES_WAITING, "kind" => kind.as_str(), "state" => state.as_str())
                .set(n as f64);
        }
    }
    for channel in Channel::ALL {
        let oldest = census
            .deliveries
            .iter()
            .filter(|w| w.state == DeliveryStatus::Due && Channel::of_kind(w.kind) == *channel);
        let oldest = oldest.map(|w| w.oldest).min();
        gauge!(DELIVERIES_OVERDUE, "channel" => channel.as_str()).set(age(oldest, census.now));
    }
}

fn age(since: Option<Timestamp>, now: Timestamp) -> f64 {
    seconds(since.map_or(SignedDuration::ZERO, |since| now.duration_since(since)))
}
