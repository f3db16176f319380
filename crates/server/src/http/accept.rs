//! The accept loop: a bound on connections, bounds on how long a request's head may take and a connection may
//! rest, and a drain that ends although event streams and presence lines are open.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::head::{BoundedHead, Turn};
use crate::app::App;

/// Connections open at a time, presence lines among them. Past it new ones wait in the kernel's queue.
const CONNECTIONS: usize = 20_000;
/// A request's head arrives within this, or the connection ends (a dripping client holds one slot, not a thread).
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// A connection may rest between two requests for this long: longer than the proxies in front of us let theirs
/// (nginx and the usual load balancers a minute, Caddy two), so that it is they who close it.
const REST_FOR: Duration = Duration::from_secs(130);
/// A drain lets running requests end for this long.
const DRAIN_FOR: Duration = Duration::from_secs(8);
/// After a failed accept (no file descriptors, say) the loop waits.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// A connection's place among `CONNECTIONS`. Whoever takes a connection over (a presence line) keeps it.
#[derive(Clone)]
pub struct Connection(#[expect(dead_code, reason = "held for its Drop")] Arc<OwnedSemaphorePermit>);

/// Serves until the app drains and what was running has ended.
pub async fn serve(listener: TcpListener, router: Router, app: App) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let permit = Arc::clone(&places).acquire_owned();
        let accepted = tokio::select! {
            accepted = async {
                let permit = permit.await.expect("the semaphore is never closed");
                (listener.accept().await, permit)
            } => accepted,
            () = app.drained() => break,
        };
        match accepted {
            (Ok((stream, address)), permit) => {
                connections.spawn(connection(
                    stream,
                    address,
                    permit,
                    rest_for(places.available_permits()),
                    router.clone(),
                    app.clone(),
                ));
            }
            (Err(error), _) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_FOR, ended).await.is_err() {
        connections.shutdown().await;
    }
}

/// How long a new connection may rest when so many places are free: whoever only sits gets half of them.
fn rest_for(free: usize) -> Duration {
    if free > CONNECTIONS / 2 {
        REST_FOR
    } else {
        HEAD_WITHIN
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    permit: OwnedSemaphorePermit,
    rest: Duration,
    router: Router,
    app: App,
) {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    let place = Connection(Arc::new(permit));
    let turn = Turn::default();
    let stream = BoundedHead::new(stream, turn.clone(), HEAD_WITHIN);
    let service = service_fn(move |mut request: Request<Incoming>| {
        turn.request_begins();
        request.extensions_mut().insert(ConnectInfo(address));
        request.extensions_mut().insert(place.clone());
        let answering = router.clone().oneshot(request.map(Body::new));
        let turn = turn.clone();
        async move {
            let answer = answering.await?;
            // What comes over a presence line afterwards is no request.
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                turn.request_ends();
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(rest)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(serving);
    tokio::select! {
        // A client that goes away in mid-request is no news.
        _ = serving.as_mut() => {}
        () = app.drained() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
