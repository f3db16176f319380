//! Figures of the running server, as a Prometheus reads them: `GET /metrics` on an address of its own
//! (`metrics_listen`), off unless it is set. Here: what is measured and how it is called. What is counted where
//! it happens is counted there (`store/news.rs`, `http.rs`, `outside.rs`); what can be looked up is looked up
//! at each scrape (`scrape.rs`, `process.rs`). Labels are words from short lists, never personal data.
//!
//! Several servers in one process (tests) share one set of counters.

pub mod http;
pub mod outside;
mod process;
mod scrape;

use std::sync::OnceLock;
use std::time::Duration;

use jiff::SignedDuration;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use ringback_domain::delivery::DeliveryKind;
use ringback_domain::departure::Departure;

pub use scrape::routes;

/// Sessions given up: `departure` (closed, left, lost, idle) and what `became` of them (lead, lapsed).
pub const DEPARTURES: &str = "ringback_departures_total";
/// From the moment they left to their lead, grace and all; `departure`.
pub const DEPARTURE_TO_LEAD: &str = "ringback_departure_to_lead_seconds";
/// From the end of the grace to the verdict: what the server itself adds.
pub const DEPARTURE_LATENESS: &str = "ringback_departure_lateness_seconds";
/// Visitors who came back after they had been given up.
pub const RETURNS: &str = "ringback_returns_total";
/// Bookings completed online.
pub const BOOKINGS: &str = "ringback_bookings_total";
/// From a delivery's due time to the commit that puts it on the wire; `channel` (crm, text).
pub const DUE_TO_WIRE: &str = "ringback_delivery_due_to_wire_seconds";
/// What became of deliveries: `kind` and `outcome` (done, later, refused, unknown, withdrawn, expired).
pub const DELIVERIES: &str = "ringback_deliveries_total";
/// From COMMIT until it is on disk.
pub const COMMIT: &str = "ringback_store_commit_seconds";
/// Commands that get to the disk together.
pub const COMMIT_COMMANDS: &str = "ringback_store_commit_commands";
/// Rounds of a duty that failed and will be tried again; `duty`.
pub const DUTY_FAILURES: &str = "ringback_duty_failures_total";

/// Upper ends of the buckets, in seconds: from a fast COMMIT to a text that waits for the morning.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0, 300.0, 900.0, 3600.0,
];
const COMMANDS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

/// Samples of histograms wait in memory until they are sorted into their buckets: at every scrape, and this
/// often where nobody scrapes.
pub const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Outcomes in the order people read them.
const OUTCOMES: [&str; 6] = [
    "done",
    "later",
    "refused",
    "unknown",
    "withdrawn",
    "expired",
];

static READER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count; every later call is the same one. Until then nothing is counted, and counting costs nothing.
pub fn begin() -> &'static PrometheusHandle {
    READER.get_or_init(|| {
        let seconds = Matcher::Suffix("_seconds".into());
        let commands = Matcher::Full(COMMIT_COMMANDS.into());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(seconds, SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(commands, COMMANDS))
            .expect("the lists of buckets are not empty")
            .build_recorder();
        let reader = recorder.handle();
        metrics::set_global_recorder(recorder).expect("nobody else counts in this program");
        describe();
        start_at_zero();
        reader
    })
}

/// Sorts waiting samples into their buckets.
pub fn tidy() {
    if let Some(reader) = READER.get() {
        reader.run_upkeep();
    }
}

/// Seconds, as Prometheus has them; what lies in the future counts as none.
pub fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64().max(0.0)
}

fn describe() {
    use metrics::{describe_counter, describe_histogram};
    describe_counter!(
        DEPARTURES,
        "Sessions given up, by departure and what became of them"
    );
    describe_histogram!(DEPARTURE_TO_LEAD, "From leaving to the lead, grace and all");
    describe_histogram!(
        DEPARTURE_LATENESS,
        "From the end of the grace to the verdict"
    );
    describe_counter!(
        RETURNS,
        "Visitors who came back after they had been given up"
    );
    describe_counter!(BOOKINGS, "Bookings completed online");
    describe_histogram!(
        DUE_TO_WIRE,
        "From a delivery's due time to the commit that puts it on the wire"
    );
    describe_counter!(DELIVERIES, "Deliveries by kind and by what became of them");
    describe_histogram!(COMMIT, "From COMMIT until it is on disk");
    describe_histogram!(COMMIT_COMMANDS, "Commands that get to the disk together");
    describe_counter!(
        DUTY_FAILURES,
        "Rounds of a duty that failed and will be tried again"
    );
    http::describe();
    outside::describe();
    scrape::describe();
    process::describe();
}

/// Everything whose labels are known begins at zero: a counter that appears with its first event has no rate.
fn start_at_zero() {
    use metrics::{counter, histogram};
    for departure in Departure::ALL {
        for became in ["lead", "lapsed"] {
            counter!(DEPARTURES, "departure" => departure.as_str(), "became" => became)
                .increment(0);
        }
        let _ = histogram!(DEPARTURE_TO_LEAD, "departure" => departure.as_str());
    }
    for kind in DeliveryKind::ALL {
        for outcome in OUTCOMES {
            counter!(DELIVERIES, "kind" => kind.as_str(), "outcome" => outcome).increment(0);
        }
    }
    for channel in ["crm", "text"] {
        let _ = histogram!(DUE_TO_WIRE, "channel" => channel);
    }
    for duty in crate::duties::DUTIES {
        counter!(DUTY_FAILURES, "duty" => duty.name).increment(0);
    }
    for name in [RETURNS, BOOKINGS] {
        counter!(name).increment(0);
    }
    for name in [DEPARTURE_LATENESS, COMMIT, COMMIT_COMMANDS] {
        let _ = histogram!(name);
    }
}
