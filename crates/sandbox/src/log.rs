//! What the pretend services were asked and what they answered, newest last, bounded.

use std::collections::VecDeque;

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::faults::{FaultKind, Party};

/// How many calls are remembered; older ones are forgotten.
const REMEMBERED: usize = 20_000;

/// One call.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// Counts calls from 1, over both parties.
    pub number: u64,
    /// When it arrived, by the sandbox's clock.
    pub at: Timestamp,
    /// Who was called.
    pub party: Party,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// Headers, lower-case names; of `authorization` only the scheme is kept.
    pub headers: Vec<(String, String)>,
    /// JSON as it is, a form as an object, other text as a string; `null` when it was never read.
    pub body: Value,
    /// The status the service gave, or would have given; none when a fault came first.
    pub status: Option<u16>,
    /// Whether it created or changed something.
    pub effect: bool,
    /// The fault that hit it.
    pub fault: Option<FaultKind>,
}

impl LoggedRequest {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The remembered calls.
#[derive(Debug, Default)]
pub(crate) struct Log {
    calls: VecDeque<LoggedRequest>,
    count: u64,
}

impl Log {
    pub(crate) fn add(&mut self, mut call: LoggedRequest) {
        self.count += 1;
        call.number = self.count;
        if self.calls.len() == REMEMBERED {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// Calls of one party, or of both, that came after the one of this number (0: all that are remembered).
    pub(crate) fn of(&self, party: Option<Party>, after: u64) -> Vec<LoggedRequest> {
        let known = self.calls.partition_point(|call| call.number <= after);
        self.calls
            .range(known..)
            .filter(|call| party.is_none_or(|party| call.party == party))
            .cloned()
            .collect()
    }
}

/// Headers for the log.
pub(crate) fn headers(sent: &HeaderMap) -> Vec<(String, String)> {
    sent.iter()
        .map(|(name, value)| {
            let text = value.to_str().unwrap_or("(not text)");
            let kept = if name == "authorization" {
                text.split(' ').next().unwrap_or_default()
            } else {
                text
            };
            (name.as_str().to_owned(), kept.to_owned())
        })
        .collect()
}
