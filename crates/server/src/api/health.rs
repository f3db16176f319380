//! Whether the server lives, and whether it can do its work.

use axum::extract::State;
use axum::response::IntoResponse;

use crate::app::App;
use crate::error::Error;
use crate::store::business;

/// Names the installation that answers, so that `ringback doctor` can tell it from another one.
pub const INSTALLATION: &str = "ringback-installation";

/// The process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn healthz(State(app): State<App>) -> impl IntoResponse {
    ([(INSTALLATION, app.vault.installation())], "ok\n")
}

/// The store answers, and the server is not about to go: it may be sent visitors.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 503, description = "the store does not answer, or the server is about to go", content_type = "text/html", body = String)
))]
pub async fn readyz(State(app): State<App>) -> Result<&'static str, Error> {
    if app.is_leaving() {
        return Err(Error::Busy);
    }
    app.store.read(business::all).await?;
    Ok("ready\n")
}
