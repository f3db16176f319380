//! A bound on how long one request's head takes to arrive, from its first byte on. Between two requests a
//! connection may rest for much longer: a reverse proxy keeps its connections for a minute or two, and one that
//! we closed just as it sent the next request is an error its visitor sees.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Where a connection is: even between two requests, when whatever arrives is the head of the next; odd while one
/// runs. Every number comes once, so that the head that was late is told from the next.
#[derive(Clone, Default)]
pub struct Turn(Arc<AtomicU64>);

impl Turn {
    /// A head is complete.
    pub fn request_begins(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// What it asked is answered.
    pub fn request_ends(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// A connection that fails with `TimedOut` when a head is not complete `within` its first byte.
pub struct BoundedHead<S> {
    stream: S,
    turn: Turn,
    within: Duration,
    /// When the head that has begun in this turn is too late.
    late: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<S> BoundedHead<S> {
    /// Bounds the heads that come over `stream`.
    pub fn new(stream: S, turn: Turn, within: Duration) -> BoundedHead<S> {
        BoundedHead {
            stream,
            turn,
            within,
            late: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedHead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let turn = self.turn.now();
        self.late.take_if(|(began, _)| *began != turn);
        if turn % 2 == 1 {
            return read;
        }
        let within = self.within;
        let (_, late) = match (&mut self.late, &read) {
            (Some(late), _) => late,
            (none, Poll::Ready(Ok(()))) => none.insert((turn, Box::pin(sleep(within)))),
            (None, _) => return read,
        };
        match late.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedHead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    /// A connection to say something over, and what bounds its heads.
    fn line(turn: &Turn, within: Duration) -> (DuplexStream, BoundedHead<DuplexStream>) {
        let (client, server) = duplex(64);
        (client, BoundedHead::new(server, turn.clone(), within))
    }

    /// Until a head that drips was late.
    async fn late(within: Duration) -> io::Error {
        let (mut client, mut server) = line(&Turn::default(), within);
        client.write_all(b"G").await.unwrap();
        server.read_exact(&mut [0; 2]).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_head_that_drips_is_late() {
        assert_eq!(late(SOON).await.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_rests_or_sends_a_body_is_not_late() {
        let turn = Turn::default();
        let (mut client, mut server) = line(&turn, SOON);
        for _ in 0..2 {
            tokio::select! {
                _ = late(2 * SOON) => {}
                read = server.read_u8() => unreachable!("nothing was said, and {read:?}"),
            }
            client.write_all(b"head").await.unwrap();
            server.read_exact(&mut [0; 4]).await.unwrap();
            turn.request_begins();
            tokio::select! {
                _ = late(2 * SOON) => {}
                read = server.read_u8() => unreachable!("no body came yet, and {read:?}"),
            }
            client.write_all(b"body").await.unwrap();
            server.read_exact(&mut [0; 4]).await.unwrap();
            turn.request_ends();
        }
    }

    #[tokio::test]
    async fn a_request_that_ended_before_the_next_look_is_not_late() {
        let turn = Turn::default();
        let (mut client, mut server) = line(&turn, SOON);
        client.write_all(b"head").await.unwrap();
        server.read_exact(&mut [0; 4]).await.unwrap();
        turn.request_begins();
        turn.request_ends();
        tokio::select! {
            _ = late(2 * SOON) => {}
            read = server.read_u8() => unreachable!("nothing was said, and {read:?}"),
        }
    }
}
