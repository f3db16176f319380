//! Every URL, with who may call it. A route cannot be written without its rule.

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use crate::app::App;
use crate::capture::line;
use crate::error::Error;
use crate::http;

/// The whole product as a service.
pub fn routes(app: App) -> Router {
    Table::new()
        // The visitor.
        .visitor("/line/{scheduler}", get(line::open))
        .visitor("/line/{scheduler}/say", post(line::say))
        .with(app)
}

/// Collects routes by rule.
struct Table {
    router: Router<App>,
}

impl Table {
    fn new() -> Self {
        Self {
            router: Router::new(),
        }
    }

    /// Anybody with a browser.
    fn visitor(mut self, path: &str, handlers: MethodRouter<App>) -> Self {
        self.router = self.router.route(path, handlers);
        self
    }

    fn with(self, app: App) -> Router {
        let nothing_here = || async { Error::NotFound };
        http::around(
            self.router.fallback(nothing_here).with_state(app.clone()),
            &app,
        )
    }
}
