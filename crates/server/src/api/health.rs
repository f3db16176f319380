//! Whether the server lives, and whether it can do its work.

use axum::extract::State;

use crate::app::App;
use crate::error::Error;
use crate::store::business;

/// The process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers: this server may be sent visitors.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 503, description = "the store does not answer", content_type = "text/html", body = String)
))]
pub async fn readyz(State(app): State<App>) -> Result<&'static str, Error> {
    app.store.read(business::all).await?;
    Ok("ready\n")
}
