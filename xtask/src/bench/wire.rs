//! HTTP/1.1 as cheaply as it can be asked: one connection, prepared bytes out, the answer read where it
//! arrived. A benchmark's client must cost far less than the server it measures; what a browser does more
//! (pools, redirects, decoding) is deliberately absent.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::Tried;

/// An answer's head is never larger.
const LARGEST_HEAD: usize = 16 * 1024;

/// One connection.
pub struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer, still where it was received.
#[derive(Debug)]
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

impl Wire {
    /// Connects; `from` chooses the loopback address it comes from (each has its own ports).
    pub async fn connect(to: SocketAddr, from: Option<Ipv4Addr>) -> Tried<Wire> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind(SocketAddr::from((from, 0)))?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Wire {
            stream,
            received: Vec::with_capacity(8 * 1024),
        })
    }

    /// Sends a request and reads its answer whole.
    pub async fn ask(&mut self, request: &[u8]) -> Tried<Answer<'_>> {
        self.received.clear();
        self.stream.write_all(request).await?;
        let head = self.head().await?;
        let Head { status, length } = Head::read(std::str::from_utf8(&self.received[..head])?)?;
        match length {
            Length::Of(length) => {
                while self.received.len() < head + length {
                    self.more().await?;
                }
            }
            Length::InChunks => self.chunks(head).await?,
            Length::Unsaid if status == 204 || status == 304 || status < 200 => {}
            Length::Unsaid => return Err("an answer without a length".into()),
        }
        let (head, body) = self.received.split_at(head);
        Ok(Answer {
            status,
            head: std::str::from_utf8(head)?,
            body,
        })
    }

    /// Sends a request whose answer never ends (an event stream), and reads its head.
    pub async fn begin(&mut self, request: &[u8]) -> Tried<u16> {
        self.received.clear();
        self.stream.write_all(request).await?;
        let head = self.head().await?;
        let Head { status, .. } = Head::read(std::str::from_utf8(&self.received[..head])?)?;
        self.received.drain(..head);
        Ok(status)
    }

    /// What has come since the last call, at least one byte; for answers that never end.
    pub async fn next(&mut self) -> Tried<String> {
        if self.received.is_empty() {
            self.more().await?;
        }
        Ok(String::from_utf8_lossy(&std::mem::take(&mut self.received)).into_owned())
    }

    async fn head(&mut self) -> Tried<usize> {
        let mut looked = 0;
        loop {
            let from = looked;
            let new = &self.received[from..];
            let mut breaks = (0..new.len()).filter(|at| new[*at] == b'\n');
            // The line break before the empty line.
            if let Some(at) = breaks.find(|at| new[at + 1..].starts_with(b"\r\n")) {
                return Ok(from + at + 3);
            }
            looked = self.received.len().saturating_sub(3);
            if self.received.len() > LARGEST_HEAD {
                return Err("an answer without an end to its head".into());
            }
            self.more().await?;
        }
    }

    /// Takes the chunks' marks out of the body.
    async fn chunks(&mut self, head: usize) -> Tried<()> {
        let mut at = head;
        let mut body = Vec::new();
        loop {
            let line = loop {
                match find(&self.received[at..], b"\r\n") {
                    Some(length) => break length,
                    None => self.more().await?,
                }
            };
            let size = std::str::from_utf8(&self.received[at..at + line])?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)?;
            let start = at + line + 2;
            while self.received.len() < start + size + 2 {
                self.more().await?;
            }
            body.extend_from_slice(&self.received[start..start + size]);
            at = start + size + 2;
            if size == 0 {
                self.received.truncate(head);
                self.received.extend_from_slice(&body);
                return Ok(());
            }
        }
    }

    async fn more(&mut self) -> Tried<()> {
        if self.stream.read_buf(&mut self.received).await? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(())
    }
}

impl Answer<'_> {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    /// The value of the cookie it sets, if it sets one.
    pub fn cookie(&self) -> Option<&str> {
        let mut found =
            headers(self.head).filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let (_, cookie) = found.next()?;
        Some(cookie.split(';').next().unwrap_or_default())
    }
}

/// What of a head says how to read on; gone through once.
struct Head {
    status: u16,
    length: Length,
}

enum Length {
    Of(usize),
    InChunks,
    Unsaid,
}

impl Head {
    fn read(head: &str) -> Tried<Head> {
        let number = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        let status = number.ok_or("an answer that is not HTTP/1.1")?.parse()?;
        let mut length = Length::Unsaid;
        for (name, value) in headers(head) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Of(value.parse()?);
                break;
            }
            if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::InChunks;
                break;
            }
        }
        Ok(Head { status, length })
    }
}

fn headers(head: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = head.split('\n').skip(1);
    lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name, value.trim()))
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn answered(answer: &'static str) -> Tried<(u16, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = async {
            let (mut stream, _) = listener.accept().await?;
            let mut asked = [0; 64];
            let _ = stream.read(&mut asked).await?;
            // In two pieces: an answer may arrive any way it likes.
            let (first, second) = answer.split_at(answer.len() / 2);
            stream.write_all(first.as_bytes()).await?;
            tokio::task::yield_now().await;
            stream.write_all(second.as_bytes()).await?;
            Tried::Ok(stream)
        };
        let asking = async {
            let mut wire = Wire::connect(address, None).await?;
            let answer = wire.ask(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await?;
            Tried::Ok((answer.status, answer.text()))
        };
        let (_stream, told) = tokio::try_join!(serving, asking)?;
        Ok(told)
    }

    #[tokio::test]
    async fn answers_are_read_whole_however_they_say_their_length() {
        let told = answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
        assert_eq!(told.unwrap(), (200, "hello".into()));
        let told = answered(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        )
        .await;
        assert_eq!(told.unwrap(), (200, "hello".into()));
        let told = answered("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(told.unwrap(), (204, String::new()));
        assert!(answered("HTTP/1.1 200 OK\r\n\r\nfor ever").await.is_err());
    }
}
