//! A page's line, over a real socket: frames that are a page's words, frames that are none, and bytes that are no
//! frame. Whatever comes, the server says one of its few words, forgets the line when it has ended, and goes on.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::inputs;
use crate::web::{self, World};

/// A line that has not ended by then hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// What comes over one line: perhaps a page that attaches as it should, then anything.
#[derive(Clone, Debug)]
pub struct Talk {
    attaches: bool,
    /// Its word comes in two frames.
    in_pieces: bool,
    said: Vec<Said>,
}

#[derive(Clone, Debug)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    /// A frame that a client library would not send: pieces out of order, codes and bits that mean nothing.
    Frame(u8, Vec<u8>),
    /// No frame.
    Raw(Vec<u8>),
}

pub fn a_line_ends_in_order(world: &World, talk: &Talk) -> TestCaseResult {
    let (app, token) = (world.app(), world.somebody());
    let before = app.lines.count();
    let heard = world
        .runtime
        .block_on(async { timeout(PATIENCE, carry_on(world, &token, talk)).await });
    let Ok(heard) = heard else {
        return Err(TestCaseError::fail("the line does not end"));
    };
    for word in &heard {
        let ours = matches!(
            word.as_str(),
            r#"{"t":"ok"}"# | r#"{"t":"gone"}"# | r#"{"t":"moved"}"#
        );
        prop_assert!(ours, "the server said {:?}", word);
    }
    if talk.attaches {
        let first = heard.first().map(String::as_str);
        prop_assert_eq!(first, Some(r#"{"t":"ok"}"#));
    }
    // A line whose task broke would stand here for good.
    let ended = async {
        while app.lines.count() > before {
            tokio::task::yield_now().await;
        }
    };
    let forgotten = world
        .runtime
        .block_on(async { timeout(PATIENCE, ended).await });
    prop_assert!(forgotten.is_ok(), "the line is not forgotten");
    Ok(())
}

/// Says everything, hangs up, and returns what the server said until it did, too.
async fn carry_on(world: &World, token: &str, talk: &Talk) -> Vec<String> {
    let address = world.url.trim_start_matches("http://");
    let url = format!("ws://{address}/line/{}", world.scheduler);
    let mut request = url.into_client_request().expect("a request");
    let headers = request.headers_mut();
    headers.insert("origin", world.url.parse().expect("a header"));
    let cookie = format!("rb-{}={token}", world.scheduler);
    headers.insert("cookie", cookie.parse().expect("a header"));
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut socket, _) = client_async(request, stream).await.expect("a line");
    if talk.attaches {
        let attach = json!({"t": "attach", "n": 0, "page": "p1"}).to_string();
        if talk.in_pieces {
            let (begun, rest) = attach.as_bytes().split_at(9);
            let pieces = [frame(0x01, begun), frame(0x80, rest)].concat();
            let _ = socket.get_mut().write_all(&pieces).await;
        } else {
            let _ = socket.send(Message::text(attach)).await;
        }
    }
    // The server may have hung up at any of these: then the rest goes nowhere.
    for said in &talk.said {
        let sent = match said {
            Said::Text(text) => socket.send(Message::text(text.as_str())).await.is_ok(),
            Said::Binary(bytes) => socket.send(Message::binary(bytes.clone())).await.is_ok(),
            Said::Ping(bytes) => socket
                .send(Message::Ping(bytes.clone().into()))
                .await
                .is_ok(),
            Said::Frame(first, bytes) => {
                let frame = frame(*first, bytes);
                socket.get_mut().write_all(&frame).await.is_ok()
            }
            Said::Raw(bytes) => socket.get_mut().write_all(bytes).await.is_ok(),
        };
        if !sent {
            break;
        }
    }
    let _ = socket.get_mut().shutdown().await;
    let mut heard = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            heard.push(text.to_string());
        }
    }
    heard
}

/// As RFC 6455 writes it: the first byte, a length of 16 bits, a mask that changes nothing.
fn frame(first: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let head = [&[first, 0x80 | 126][..], &length.to_be_bytes(), &[0; 4]];
    [&head.concat()[..], bytes].concat()
}

// Inputs.

pub fn talks() -> impl Strategy<Value = Talk> {
    let begins = (prop::bool::weighted(0.7), any::<bool>());
    (begins, vec(said(), 0..6)).prop_map(|((attaches, in_pieces), said)| Talk {
        attaches,
        in_pieces,
        said,
    })
}

fn said() -> impl Strategy<Value = Said> {
    // Begins a text, goes on, ends it, is whole; a binary one, a close, a ping.
    let usual = select(&[0x01, 0x00, 0x80, 0x81, 0x02, 0x88, 0x89][..]);
    let frame = (prop_oneof![4 => usual, 1 => any::<u8>()], piece());
    prop_oneof![
        4 => word().prop_map(Said::Text),
        1 => web::any_json().prop_map(|json| Said::Text(json.to_string())),
        1 => inputs::text().prop_map(Said::Text),
        1 => inputs::bytes().prop_map(Said::Binary),
        1 => vec(any::<u8>(), 0..125).prop_map(Said::Ping),
        3 => frame.prop_map(|(first, bytes)| Said::Frame(first, bytes)),
        1 => vec(any::<u8>(), 0..40).prop_map(Said::Raw),
    ]
}

/// Of a word, or of nothing.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let cut = (word(), any::<prop::sample::Index>()).prop_map(|(word, at)| {
        let at = at.index(word.len() + 1);
        word.into_bytes()[..at].to_vec()
    });
    prop_oneof![2 => cut, 1 => inputs::bytes()]
}

fn word() -> impl Strategy<Value = String> {
    let word = select(
        &[
            "attach", "bye", "closed", "hidden", "shown", "touch", "here", "dance",
        ][..],
    );
    (word, prop_oneof![0..1_000_i64, any::<i64>()])
        .prop_map(|(t, n)| json!({"t": t, "n": n, "page": "p1"}).to_string())
}
