//! Calls to outside systems: the one client, answers of bounded size, and what a failed call means for
//! whoever made it. What an answer says is each connector's matter (`crm/`, `sms/`).

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Client, Request, RequestBuilder, StatusCode, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

use crate::{metrics, on_wire};

/// A connection that takes longer is no connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Looking something up may be done again, so it need not wait long.
pub const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// A write is given longer: giving up on it leaves an unknown.
pub const WRITE_WITHIN: Duration = Duration::from_secs(20);
/// More of an answer is not read: nothing we ask for comes near.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// More patience than this nobody gets at once, which is also our own longest step between two tries: a header that is
/// wrong must not hold leads for days, and whoever means it says it again an hour later.
const MOST_PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// The client of every outside call. It never sends anything twice by itself, follows no redirect, and
/// trusts the roots it was built with.
pub fn client() -> Client {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("Ringback/", env!("CARGO_PKG_VERSION")))
        .retry(retry::never())
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_WITHIN)
        // Shorter than servers keep idle connections: a request into a dying one may or may not have arrived.
        .pool_idle_timeout(Duration::from_secs(15))
        .build()
        .expect("the settings above fit together")
}

/// An answer, whatever it says.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// What `Retry-After` asks for, see [`patience`].
    pub retry_after: Option<SignedDuration>,
    /// The body, at most `LARGEST_ANSWER`.
    pub body: Vec<u8>,
}

/// No answer. The sentence names no address and nothing that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The request certainly never arrived: no name, no connection, no handshake.
    NeverLeft(String),
    /// It may have arrived and taken effect.
    Lost(String),
}

impl NoAnswer {
    /// What happened, for people.
    pub fn what(self) -> String {
        match self {
            Self::NeverLeft(what) | Self::Lost(what) => what,
        }
    }

    fn why(&self) -> &str {
        match self {
            Self::NeverLeft(what) | Self::Lost(what) => what,
        }
    }
}

/// Makes one call, once.
pub async fn call(request: RequestBuilder) -> Result<Answer, NoAnswer> {
    let (client, request) = request.build_split();
    let request = request.map_err(|error| no_answer(&error))?;
    if !on_wire::may_begin() {
        return Err(NoAnswer::NeverLeft("it could not be sent in time".into()));
    }
    let (method, url) = (request.method().clone(), request.url().clone());
    let began = Instant::now();
    let answer = carry_out(&client, request).await;
    let took = began.elapsed();
    let host = url.host_str().unwrap_or_default();
    let status = answer.as_ref().ok().map(|answer| answer.status.as_u16());
    metrics::outside::called(host, status, took);
    // Without the query: people are looked up by their phone number.
    let (path, took_ms) = (url.path(), took.as_millis() as u64);
    match &answer {
        Ok(_) => tracing::info!(%method, host, path, status, took_ms, "called"),
        Err(no) => tracing::warn!(%method, host, path, took_ms, why = no.why(), "no answer"),
    }
    answer
}

async fn carry_out(client: &Client, request: Request) -> Result<Answer, NoAnswer> {
    let sent = client.execute(request).await;
    let mut response = sent.map_err(|error| no_answer(&error))?;
    let status = response.status();
    let retry_after = asked_patience(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(&error))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(NoAnswer::Lost("the answer was too long".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        retry_after,
        body,
    })
}

fn asked_patience(headers: &HeaderMap) -> Option<SignedDuration> {
    let said = |name: HeaderName| headers.get(name)?.to_str().ok();
    patience(said(RETRY_AFTER)?, said(DATE).and_then(moment))
}

/// What a `Retry-After` asks for, an hour at the most: seconds, or a date (RFC 9110, 10.2.3). A date is counted from
/// the answer's own `Date`, so that the two clocks need not agree; without that it says nothing.
pub fn patience(retry_after: &str, answered_at: Option<Timestamp>) -> Option<SignedDuration> {
    let said = retry_after.trim();
    let asked = if !said.is_empty() && said.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a long time all the same.
        SignedDuration::from_secs(said.parse().unwrap_or(i64::MAX))
    } else {
        moment(said)?.duration_since(answered_at?)
    };
    Some(asked.clamp(SignedDuration::ZERO, MOST_PATIENCE))
}

/// A date as HTTP writes it, in any of its three forms.
pub fn moment(date: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(date.trim()).ok()?).ok()
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    if error.is_builder() {
        NoAnswer::NeverLeft("the address is not one that can be called".into())
    } else if error.is_dns() {
        NoAnswer::NeverLeft("its name was not found".into())
    } else if error.is_connect() {
        NoAnswer::NeverLeft("no connection".into())
    } else if error.is_timeout() {
        NoAnswer::Lost("no answer in time".into())
    } else {
        NoAnswer::Lost("the connection broke before the answer".into())
    }
}

/// A stranger's sentence, made fit to show: one line, at most 300 characters, nothing invisible.
pub fn sentence(said: &str) -> String {
    let visible: String = said
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn answered_with(bytes: &'static [u8]) -> Result<Answer, NoAnswer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serve = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(socket.read(&mut request).await.unwrap() > 0);
            socket.write_all(bytes).await.unwrap();
        };
        let request = client().get(url);
        tokio::join!(call(request), serve).0
    }

    #[tokio::test]
    async fn an_answer_comes_with_its_status_and_patience() {
        let answer = answered_with(
            b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno",
        )
        .await;
        let answer = answer.ok().unwrap();
        assert_eq!(answer.status, 429);
        assert_eq!(answer.retry_after, Some(SignedDuration::from_secs(7)));
        assert_eq!(answer.body, b"no");
    }

    #[tokio::test]
    async fn patience_until_a_date_is_counted_from_the_answers_own() {
        let answer = answered_with(
            b"HTTP/1.1 503 Busy\r\nDate: Mon, 23 Nov 2026 16:59:30 GMT\r\n\
              Retry-After: Mon, 23 Nov 2026 17:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        let asked = answer.ok().unwrap().retry_after;
        assert_eq!(asked, Some(SignedDuration::from_secs(30)));
    }

    #[test]
    fn patience_is_asked_for_in_seconds_or_until_a_date_and_is_bounded() {
        let at = moment("Mon, 23 Nov 2026 17:00:00 GMT");
        let secs = |n| Some(SignedDuration::from_secs(n));
        for (said, asked) in [
            ("120", secs(120)),
            (" 7 ", secs(7)),
            ("0", secs(0)),
            ("86400", secs(3600)),
            ("99999999999999999999", secs(3600)),
            ("Mon, 23 Nov 2026 17:02:00 GMT", secs(120)),
            ("Monday, 23-Nov-26 17:02:00 GMT", secs(120)),
            ("Mon Nov 23 17:02:00 2026", secs(120)),
            ("Mon, 23 Nov 2026 16:00:00 GMT", secs(0)),
            ("Tue, 24 Nov 2026 17:00:00 GMT", secs(3600)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(patience(said, at), asked, "{said:?}");
        }
        assert_eq!(patience("Mon, 23 Nov 2026 17:02:00 GMT", None), None);
    }

    #[tokio::test]
    async fn a_connection_that_breaks_after_the_request_may_have_taken_effect() {
        let broken = answered_with(b"").await.err().unwrap();
        assert!(matches!(broken, NoAnswer::Lost(_)), "{broken:?}");
        let half = answered_with(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf").await;
        assert!(matches!(half.err().unwrap(), NoAnswer::Lost(_)));
    }

    #[tokio::test]
    async fn a_closed_door_means_that_nothing_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let refused = call(client().get(url)).await.err().unwrap();
        assert_eq!(refused, NoAnswer::NeverLeft("no connection".into()));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let answer = answered_with(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        assert_eq!(answer.ok().unwrap().status, 302);
    }

    #[test]
    fn a_strangers_sentence_is_one_short_line() {
        assert_eq!(sentence(" a\u{0}b\n c "), "a b c");
        assert_eq!(sentence(&"x".repeat(1000)).len(), 300);
    }
}
