//! The web server around the routes: connections and their limits (`accept.rs`, `head.rs`), who is calling and
//! how often (`client.rs`), what every answer carries (`headers.rs`).

mod accept;
mod client;
mod head;
mod headers;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

pub use accept::{Connection, serve};
pub use client::ClientAddress;

use crate::app::App;
use crate::metrics;

/// The largest body anybody may send: an office form with every setting is a tenth of it.
pub const LARGEST_BODY: usize = 256 * 1024;
/// A handler that has not answered by then is given up with 503; event streams answer at once and go on.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Puts what every request needs around the routes.
pub fn around(routes: Router, app: &App) -> Router {
    let around = routes
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            ANSWER_WITHIN,
        ))
        .layer(CompressionLayer::new())
        .layer(from_fn(client::bodies_within_bounds))
        .layer(from_fn_with_state(app.clone(), client::not_too_often))
        .layer(from_fn_with_state(app.clone(), client::name))
        .layer(from_fn_with_state(app.clone(), headers::on_every_answer));
    match app.config.metrics_listen {
        Some(_) => around.layer(from_fn(metrics::http::measure)),
        None => around,
    }
}
