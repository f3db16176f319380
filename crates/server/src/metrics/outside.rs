//! Calls to outside systems: how many, how long, with which answer; by host, which the configuration names.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, histogram};

/// Calls made: `host`, and `answer` (a status, or `none`).
pub const CALLS: &str = "ringback_outside_calls_total";
/// How long they took; `host`.
pub const LATENCY: &str = "ringback_outside_call_seconds";

pub(super) fn describe() {
    describe_counter!(CALLS, "Calls to outside systems, by host and answer");
    describe_histogram!(LATENCY, "How long calls to outside systems took, by host");
}

/// One call has ended; `status` is `None` when no answer came.
pub fn called(host: &str, status: Option<u16>, took: Duration) {
    let answer = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    histogram!(LATENCY, "host" => host.to_owned()).record(took);
    counter!(CALLS, "host" => host.to_owned(), "answer" => answer).increment(1);
}
