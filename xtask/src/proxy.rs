//! A TCP proxy that misbehaves on demand: it stops forwarding without a word, drops everything, or
//! makes the way long.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::Tried;

/// How the way is just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub line: Line,
    /// Added to whatever travels from the browser to the server.
    pub there: Duration,
    /// Added to whatever travels back.
    pub back: Duration,
}

/// What becomes of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// They work.
    #[default]
    Up,
    /// They stay, but nothing passes; what is sent arrives when the line is up again.
    Silent,
    /// Those there are broken off, and new ones end at once.
    Dropped,
}

/// The running proxy; it and all its connections end when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port of loopback and forwards to `server`.
    pub async fn start(server: SocketAddr) -> Tried<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (way, watching) = watch::channel(Way::default());
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(forward(client, server, watching.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Proxy {
            address,
            way,
            _accepting: accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the way, for every connection there is and will be.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn forward(client: TcpStream, server: SocketAddr, way: watch::Receiver<Way>) {
    let at_first = *way.borrow();
    if at_first.line == Line::Dropped {
        return;
    }
    // Over a long way, a connection costs one round trip before its first byte can leave.
    tokio::time::sleep(at_first.there + at_first.back).await;
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut watching = way.clone();
    tokio::select! {
        () = async {
            tokio::join!(
                carry(from_client, to_server, way.clone(), |way| way.there),
                carry(from_server, to_client, way.clone(), |way| way.back),
            );
        } => {}
        _ = watching.wait_for(|way| way.line == Line::Dropped) => {}
    }
}

/// Carries bytes one way, each as late as the way is long, and none while the line is silent.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut way: watch::Receiver<Way>,
    length: fn(&Way) -> Duration,
) {
    let (travelling, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let reading = {
        let way = way.clone();
        async move {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer).await {
                let due = Instant::now() + length(&way.borrow());
                if travelling
                    .send((due, buffer[..read].to_vec()))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = arriving.recv().await {
            tokio::time::sleep_until(due.into()).await;
            if way.wait_for(|way| way.line == Line::Up).await.is_err()
                || to.write_all(&bytes).await.is_err()
            {
                return;
            }
        }
        // Even a closing passes only over a line that works.
        if way.wait_for(|way| way.line == Line::Up).await.is_ok() {
            let _ = to.shutdown().await;
        }
    };
    tokio::join!(reading, writing);
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn round(stream: &mut TcpStream) -> Duration {
        let start = Instant::now();
        stream.write_all(b"x").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
        start.elapsed()
    }

    #[tokio::test]
    async fn a_long_way_takes_its_time_both_ways() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        proxy.set(Way {
            there: Duration::from_millis(40),
            back: Duration::from_millis(60),
            ..Way::default()
        });
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(
            round(&mut stream).await >= Duration::from_millis(200),
            "a connection costs a round trip as well"
        );
        assert!(round(&mut stream).await >= Duration::from_millis(100));
    }

    #[tokio::test]
    async fn a_silent_line_keeps_the_connection_and_loses_nothing() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        round(&mut stream).await;
        proxy.set(Way {
            line: Line::Silent,
            ..Way::default()
        });
        stream.write_all(b"y").await.unwrap();
        let silent = tokio::time::timeout(Duration::from_millis(200), stream.read_u8()).await;
        assert!(silent.is_err(), "nothing passes, not even an end");
        proxy.set(Way::default());
        assert_eq!(stream.read_u8().await.unwrap(), b'y');
    }

    #[tokio::test]
    async fn a_dropped_line_ends_connections_and_refuses_new_ones() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        round(&mut stream).await;
        proxy.set(Way {
            line: Line::Dropped,
            ..Way::default()
        });
        assert!(stream.read_u8().await.is_err());
        let mut later = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(later.read_u8().await.is_err());
    }
}
