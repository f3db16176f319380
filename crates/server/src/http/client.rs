//! Who is calling, and how often: the client's real address, and the limits by it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, header};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use super::LARGEST_BODY;
use crate::app::App;
use crate::error::Error;
use crate::words::Words;

/// Who is calling.
#[derive(Clone, Copy)]
pub struct Client {
    /// The client's own address: the peer's, or what our own proxies say it is.
    pub address: IpAddr,
    /// The language that the browser wishes for, if we have it.
    pub wished: Option<&'static Words>,
}

/// Requests one address may make: a burst of this many, refilled twenty a second. An office behind one
/// address with a dozen open inboxes stays far below.
const BURST: NonZeroU32 = NonZeroU32::new(600).expect("not zero");
const A_SECOND: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
/// Addresses remembered before the idle ones are forgotten, and after how many requests that is looked at: going
/// through all of them takes a millisecond, which nobody may make each request cost.
const REMEMBERED: usize = 50_000;
const LOOKED_EVERY: usize = 10_000;
static ASKED: AtomicUsize = AtomicUsize::new(0);

static REQUESTS: LazyLock<DefaultKeyedRateLimiter<IpAddr>> =
    LazyLock::new(|| RateLimiter::keyed(Quota::per_second(A_SECOND).allow_burst(BURST)));

/// Names the client for everything further in.
pub fn name(app: &App, request: &mut Request) -> Client {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let client = Client {
        address: client_address(peer, request.headers(), &app.config.trusted_proxies),
        wished: languages(request.headers()).and_then(|languages| Words::wished(&languages)),
    };
    request.extensions_mut().insert(client);
    client
}

/// What the browser says of languages. A byte that is no text spoils the wish it stands in, not the others.
pub fn languages(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let value = headers.get(header::ACCEPT_LANGUAGE)?;
    Some(String::from_utf8_lossy(value.as_bytes()))
}

/// Refuses a client that asks too often, with the seconds to wait.
pub fn not_too_often(app: &App, Client { address, .. }: Client) -> Result<(), Error> {
    // Load tests and kiosks on the same machine: loopback is ourselves unless a proxy speaks for somebody.
    if address.is_loopback() && app.config.trusted_proxies.is_empty() {
        return Ok(());
    }
    let asked = ASKED.fetch_add(1, Ordering::Relaxed);
    if asked.is_multiple_of(LOOKED_EVERY) && REQUESTS.len() > REMEMBERED {
        REQUESTS.retain_recent();
        REQUESTS.shrink_to_fit();
    }
    REQUESTS.check_key(&household(address)).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        Error::TooMany {
            retry_after: wait.as_secs() + 1,
        }
    })
}

/// Refuses a body that says it is too large before any of it is read.
pub fn body_within_bounds(headers: &HeaderMap) -> Result<(), Error> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > LARGEST_BODY as u64 => Err(Error::TooLarge),
        _ => Ok(()),
    }
}

/// The rightmost address that is not one of our proxies: everything left of it is the client's own claim.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_proxy(&peer) {
        return peer;
    }
    let lines: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        // A line that is not all text is a claim, too: what our proxy has added to it still stands at its end.
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    let said = lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    let mut nearest = peer;
    for address in said.rev().map_while(|text| text.parse().ok()) {
        nearest = address;
        if !is_proxy(&nearest) {
            break;
        }
    }
    nearest
}

/// An IPv6 client has a whole network of addresses: it counts as one.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 72 << 72)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn said(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_strangers_claim_is_not_believed() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(
            client_address(ip("203.0.113.9"), &said(&["198.51.100.1"]), &trusted),
            ip("203.0.113.9")
        );
    }

    #[test]
    fn behind_our_proxies_the_rightmost_stranger_is_the_client() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let headers = said(&["198.51.100.1, 203.0.113.9", "10.0.0.2"]);
        assert_eq!(
            client_address(ip("10.0.0.1"), &headers, &trusted),
            ip("203.0.113.9")
        );
        assert_eq!(
            client_address(ip("10.0.0.1"), &said(&[]), &trusted),
            ip("10.0.0.1")
        );
        assert_eq!(
            client_address(ip("10.0.0.1"), &said(&["198.51.100.1, nonsense"]), &trusted),
            ip("10.0.0.1")
        );
    }

    #[test]
    fn a_claim_that_is_no_text_hides_nobody() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let mut headers = said(&["198.51.100.1"]);
        let line = HeaderValue::from_bytes(b"\xff, 203.0.113.9").unwrap();
        headers.append("x-forwarded-for", line);
        let found = client_address(ip("10.0.0.1"), &headers, &trusted);
        assert_eq!(found, ip("203.0.113.9"));
    }

    #[test]
    fn a_wish_beside_a_stray_byte_is_heard() {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"fr-\xe9, es;q=0.5").unwrap();
        headers.insert(header::ACCEPT_LANGUAGE, value);
        let wished = Words::wished(&languages(&headers).unwrap());
        assert_eq!(wished.unwrap().locale(), "es");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_client() {
        assert_eq!(
            household(ip("2001:db8:1:2:3::4")),
            household(ip("2001:db8:1:ff:ffff::9"))
        );
        assert_ne!(
            household(ip("2001:db8:1:2:3::4")),
            household(ip("2001:db8:2::1"))
        );
    }
}
