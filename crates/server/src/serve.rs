//! From a configuration to a running server, and to its orderly end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};

use crate::app::{App, Course};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Order, Store, StoreConfig, Tx, jump, node};
use crate::vault::Vault;
use crate::{duties, http, metrics, routes};

/// Pages that are told to move stand elsewhere within this time, or the line ends.
const MOVE_WITHIN: Duration = Duration::from_secs(8);

/// Connections that wait to be accepted, as far as the kernel allows so many (`net.core.somaxconn`). The usual 128
/// are soon full, and whoever comes then tries again a second later, in the kernel and without a word.
const BACKLOG: u32 = 4_096;

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
    /// Where its metrics are, when that is configured.
    pub metrics: Option<SocketAddr>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Opens the store, begins this node's life, listens, starts the duties.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, CannotStart> {
        let listener = listen(config.listen)?;
        Self::start_on(listener, config, clock).await
    }

    /// [`Server::start`] on a listener that stands already (its port may be part of the public URL).
    pub async fn start_on(
        listener: TcpListener,
        config: Config,
        clock: Clock,
    ) -> Result<Self, CannotStart> {
        // Before the store: what it does from now on is counted.
        let figures = match config.metrics_listen {
            Some(address) => {
                metrics::begin();
                Some(listen_for(address, "metrics_listen")?)
            }
            None => None,
        };
        let app = open(config, clock).await?;
        duties::start(&app);
        let mut server = Self::serve(listener, routes::routes(app.clone()), app.clone())?;
        if let Some(figures) = figures {
            server.metrics = figures.local_addr().ok();
            // Ends with the drain, like the other one.
            tokio::spawn(http::serve(figures, metrics::routes(app.clone()), app));
        }
        Ok(server)
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
            metrics: None,
            accepting,
        })
    }

    /// Drains. Where other servers run: readiness says no until whoever spreads visitors has noticed, then
    /// pages are told to move and are listened to until they stand elsewhere. What is under way is finished;
    /// the node's life ends, which frees what it still holds.
    pub async fn stop(self) {
        let app = &self.app;
        let lines_for = if others_run(app).await {
            app.go(Course::Leaving);
            tokio::time::sleep(Duration::from_secs(app.config.drain_seconds)).await;
            MOVE_WITHIN
        } else {
            Duration::ZERO
        };
        app.go(Course::Draining { lines_for });
        // The accept loop bounds its own drain, and so do the lines and the calls under way.
        let _ = self.accepting.await;
        let lines = lines_for + Duration::from_secs(2);
        let _ = tokio::time::timeout(lines, app.lines.empty()).await;
        app.outbox.finish().await;
        app.go(Course::Ended);
        let owner = app.owner();
        let end = move |tx: &mut Tx<'_>| node::end(tx, &owner);
        if let Err(error) = app.store.write(Order::Any, end).await {
            tracing::warn!(%error, "this node's end could not be noted");
        }
        app.store.close().await;
    }

    /// Ends when the server has begun to stop by itself, and has said why.
    pub async fn gives_up(&self) {
        self.app.drained().await;
    }
}

/// Whether there is another server for visitors to go to.
async fn others_run(app: &App) -> bool {
    let owner = app.owner();
    let others = app.store.read(move |tx| node::others(tx, &owner)).await;
    others.is_ok_and(|others| others.living > 0)
}

/// Binds the listener, with a sentence when it cannot.
pub fn listen(address: SocketAddr) -> Result<TcpListener, CannotStart> {
    listen_for(address, "listen")
}

fn listen_for(address: SocketAddr, setting: &str) -> Result<TcpListener, CannotStart> {
    listen_at(address).map_err(|e| {
        CannotStart(format!("cannot listen on {address}: {e}. Is another server running there? Set `{setting}` to another port."))
    })
}

fn listen_at(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that is started again need not wait until the last one's connections are forgotten. (Elsewhere the
    // option means something else: two could listen at once.)
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
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
            if let Some(by) = node::jumped_back_while_away(tx, &name)? {
                jump::follow(tx, &name, by)?;
            }
            node::begin(tx, &name)
        })
        .await
        .map_err(|e| CannotStart(format!("the store opens, but cannot be written: {e}")))?;
    Ok(App::new(config, store, clock, owner, vault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_of_visitors_need_not_knock_twice() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
        let allowed = allowed.ok().and_then(|most| most.trim().parse().ok());
        let visitors = allowed.unwrap_or(1_000_usize).min(1_000);
        let mut burst = Vec::new();
        // Nobody is accepted meanwhile.
        for visitor in 0..visitors {
            let connected = tokio::net::TcpStream::connect(address);
            let connected = tokio::time::timeout(Duration::from_secs(10), connected).await;
            burst.push(
                connected
                    .unwrap_or_else(|_| panic!("visitor {visitor}"))
                    .unwrap(),
            );
        }
        assert_eq!(burst.len(), visitors);
    }
}
