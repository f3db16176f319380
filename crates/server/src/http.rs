//! The accept loop.

use axum::Router;
use tokio::net::TcpListener;

use crate::app::App;

/// Serves until the app drains.
pub async fn serve(listener: TcpListener, router: Router, app: App) {
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    let served =
        axum::serve(listener, service).with_graceful_shutdown(async move { app.drained().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the accept loop ended");
    }
}
