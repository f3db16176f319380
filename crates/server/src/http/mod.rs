//! The web server around the routes: connections and their limits (`accept.rs`, `head.rs`), who is calling and
//! how often (`client.rs`), what every answer carries (`headers.rs`).

mod accept;
mod client;
mod head;
mod headers;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

pub use accept::{Connection, serve};
pub use client::{Client, client_address, languages};

use crate::app::App;
use crate::metrics;

/// The largest body anybody may send: an office form with every setting is a tenth of it.
pub const LARGEST_BODY: usize = 256 * 1024;
/// A handler that has not answered by then is given up with 503; event streams answer at once and go on.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Puts what every request needs around the routes: first what stands outermost. In one piece, since a router copies
/// for each request as many boxes as it has been given layers, each with all that is within it.
pub fn around(routes: Router, app: &App) -> Router {
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), every_request))
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            ANSWER_WITHIN,
        ))
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    let around = routes.layer(around);
    match app.config.metrics_listen {
        Some(_) => around.layer(from_fn(metrics::http::measure)),
        None => around,
    }
}

/// Names the client, turns away whoever asks too much, and gives every answer its headers.
async fn every_request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let client = client::name(&app, &mut request);
    let asked = headers::Asked {
        by_a_program: request.uri().path().starts_with("/api/"),
        wished: client.wished,
    };
    let admitted = client::not_too_often(&app, client)
        .and_then(|()| client::body_within_bounds(request.headers()));
    let answer = match admitted {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    headers::dressed(&app, &asked, answer)
}
