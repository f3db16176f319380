//! A small TCP balancer: each new connection goes to the next server that says it is ready. It remembers
//! nobody: any page may land anywhere.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Tried;

/// How often each server is asked whether it is ready, and how long it may take to answer.
const ASKED_EVERY: Duration = Duration::from_millis(500);
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// The running balancer; it and its connections end when it is dropped.
pub struct Balancer {
    _tasks: JoinSet<()>,
}

struct Server {
    address: SocketAddr,
    ready: AtomicBool,
}

impl Balancer {
    /// Spreads what this listener gets over these servers.
    pub fn start(listener: TcpListener, servers: &[SocketAddr]) -> Balancer {
        let mut tasks = JoinSet::new();
        let servers: Vec<_> = servers
            .iter()
            .map(|address| {
                Arc::new(Server {
                    address: *address,
                    ready: AtomicBool::new(false),
                })
            })
            .collect();
        for server in &servers {
            tasks.spawn(ask(Arc::clone(server)));
        }
        tasks.spawn(accept(listener, servers));
        Balancer { _tasks: tasks }
    }
}

async fn ask(server: Arc<Server>) {
    let client = reqwest::Client::builder()
        .timeout(ANSWERS_WITHIN)
        .pool_max_idle_per_host(0)
        .build()
        .unwrap_or_default();
    let url = format!("http://{}/readyz", server.address);
    loop {
        let answer = client.get(&url).send().await;
        let ready = answer.is_ok_and(|answer| answer.status().is_success());
        server.ready.store(ready, Ordering::Relaxed);
        tokio::time::sleep(ASKED_EVERY).await;
    }
}

async fn accept(listener: TcpListener, servers: Vec<Arc<Server>>) {
    let mut connections = JoinSet::new();
    let mut first = 0;
    while let Ok((client, _)) = listener.accept().await {
        first = (first + 1) % servers.len();
        let mut in_turn = servers.clone();
        in_turn.rotate_left(first);
        connections.spawn(forward(client, in_turn));
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(mut client: TcpStream, servers: Vec<Arc<Server>>) {
    for server in servers {
        if !server.ready.load(Ordering::Relaxed) {
            continue;
        }
        let Ok(mut upstream) = TcpStream::connect(server.address).await else {
            continue;
        };
        let _ = client.set_nodelay(true);
        let _ = upstream.set_nodelay(true);
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
        return;
    }
}

/// A listener on a free port of loopback.
pub async fn listen() -> Tried<TcpListener> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?)
}
