//! From a configuration to a running server, and to its orderly end.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Order, Store, StoreConfig, node, session};
use crate::vault::Vault;
use crate::{duties, http, routes};

/// What cannot be started, as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CannotStart(pub String);

/// A running server.
pub struct Server {
    /// What it shares.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Opens the store, begins this node's life, listens, starts the duties.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, CannotStart> {
        let listener = listen(config.listen).await?;
        Self::start_on(listener, config, clock).await
    }

    /// [`Server::start`] on a listener that stands already (its port may be part of the public URL).
    pub async fn start_on(
        listener: TcpListener,
        config: Config,
        clock: Clock,
    ) -> Result<Self, CannotStart> {
        let app = open(config, clock).await?;
        duties::start(&app);
        Self::serve(listener, routes::routes(app.clone()), app)
    }

    /// Serves these routes for an app that has been put together already.
    pub fn serve(listener: TcpListener, routes: Router, app: App) -> Result<Self, CannotStart> {
        let address = listener
            .local_addr()
            .map_err(|e| CannotStart(format!("the listener has no address: {e}")))?;
        let accepting = tokio::spawn(http::serve(listener, routes, app.clone()));
        Ok(Self {
            app,
            address,
            accepting,
        })
    }

    /// Drains: pages are told to move, what is waiting is finished, the node's life ends.
    pub async fn stop(self) {
        self.app.drain();
        // The accept loop bounds its own drain.
        let _ = self.accepting.await;
        // So are the calls under way.
        self.app.outbox.finish().await;
        let owner = self.app.owner.clone();
        if let Err(error) = self
            .app
            .store
            .write(Order::Any, move |tx| node::end(tx, &owner))
            .await
        {
            tracing::warn!(%error, "this node's end could not be noted");
        }
        self.app.store.close().await;
    }
}

/// Binds the listener, with a sentence when it cannot.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, CannotStart> {
    TcpListener::bind(address).await.map_err(|e| {
        CannotStart(format!("cannot listen on {address}: {e}. Is another server running there? Set `listen` to another port."))
    })
}

/// Opens the store and begins this node's life.
pub async fn open(config: Config, clock: Clock) -> Result<App, CannotStart> {
    use secrecy::ExposeSecret;
    let place: StoreConfig = config
        .database_url
        .expose_secret()
        .parse()
        .map_err(|e: crate::store::StoreError| CannotStart(e.to_string()))?;
    // Before the store: without its key nothing can be sent, and nobody should find out later.
    let vault = Vault::open(&config.key_file).map_err(|e| CannotStart(e.to_string()))?;
    let opened = clock.clone();
    let store = tokio::task::spawn_blocking(move || Store::open(&place, opened))
        .await
        .expect("opening the store does not panic")
        .map_err(|e| CannotStart(e.to_string()))?;
    let name = config.node.clone();
    let owner = store
        .write(Order::Any, move |tx| {
            session::allow_reconnecting(tx)?;
            node::begin(tx, &name)
        })
        .await
        .map_err(|e| CannotStart(format!("the store opens, but cannot be written: {e}")))?;
    Ok(App::new(config, store, clock, owner, vault))
}
