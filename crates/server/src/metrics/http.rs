//! Requests: how many, how long, with which answer; by the route's pattern, never by what was asked for.

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, describe_counter, describe_histogram, histogram};
use tokio::time::Instant;

/// Requests answered: `method`, `route` (its pattern; `none` for an address that is not there), `status`.
pub const REQUESTS: &str = "ringback_http_requests_total";
/// How long until an answer began; `route`. An event stream and a presence line answer at once and go on.
pub const LATENCY: &str = "ringback_http_request_seconds";

pub(super) fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route and status");
    describe_histogram!(LATENCY, "How long until an answer began, by route");
}

/// Measures one request.
pub async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = word(request.method());
    let began = Instant::now();
    let response = next.run(request).await;
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let status = response.status().as_u16().to_string();
    histogram!(LATENCY, "route" => route.clone()).record(began.elapsed());
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
    response
}

/// A client can invent methods; a label must not.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
