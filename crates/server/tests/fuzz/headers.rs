//! What stands in headers: how long to wait, who is calling, which language. None of them is ever a reason not to
//! answer.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use ringback_server::http::{client_address, languages};
use ringback_server::outside::{moment, patience};
use ringback_server::words::Words;

use crate::driver::{Kind, kind};
use crate::inputs;

/// The three forms of a date in HTTP: today's, and two of long ago.
const DATES: &[&str] = &[
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

pub fn kinds() -> Vec<Kind> {
    vec![
        kind(
            "patience_asked_for",
            1_000,
            (retry_after(), date(), -100_000..100_000_i64, select(DATES)),
            |(said, answered, later, form)| patience_is_bounded(&said, answered, later, form),
        ),
        kind(
            "forwarded_addresses",
            1_000,
            (
                select(&["203.0.113.9", "10.0.0.1", "2001:db8::7"][..]),
                vec(claims(), 0..4),
                client(),
            ),
            |(peer, lines, client)| only_our_proxies_are_believed(peer, lines, client),
        ),
        kind("wished_languages", 1_000, inputs::bytes(), |junk| {
            a_good_wish_is_heard(&junk)
        }),
    ]
}

fn patience_is_bounded(said: &str, answered: Timestamp, later: i64, form: &str) -> TestCaseResult {
    let hour = SignedDuration::from_hours(1);
    for at in [Some(answered), None] {
        let asked = patience(said, at);
        let within = asked.is_none_or(|asked| !asked.is_negative() && asked <= hour);
        prop_assert!(within, "{:?}", asked);
        let digits = !said.trim().is_empty() && said.trim().bytes().all(|b| b.is_ascii_digit());
        if digits {
            let seconds = said.trim().parse::<i64>().unwrap_or(i64::MAX).min(3_600);
            prop_assert_eq!(asked, Some(SignedDuration::from_secs(seconds)));
        }
    }
    let until = answered + SignedDuration::from_secs(later);
    let written = until.strftime(form).to_string();
    prop_assert_eq!(moment(&written), Some(until), "{}", written);
    let asked = SignedDuration::from_secs(later.clamp(0, 3_600));
    prop_assert_eq!(patience(&written, Some(answered)), Some(asked));
    Ok(())
}

fn only_our_proxies_are_believed(
    peer: &str,
    lines: Vec<Vec<u8>>,
    client: IpAddr,
) -> TestCaseResult {
    let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
        .iter()
        .map(|net| net.parse().expect("a network"))
        .collect();
    let ours = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let peer: IpAddr = peer.parse().expect("an address");
    let headers = header_lines("x-forwarded-for", &lines);
    let found = client_address(peer, &headers, &trusted);
    if !ours(&peer) {
        prop_assert_eq!(found, peer);
        return Ok(());
    }
    let claimed = lines
        .iter()
        .any(|line| String::from_utf8_lossy(line).contains(&found.to_string()));
    let written_otherwise = matches!(found, IpAddr::V6(_));
    prop_assert!(
        claimed || written_otherwise || found == peer,
        "{} was said nowhere",
        found
    );
    // Whatever a client claims, our proxy writes at the end who it was: in the client's own line, or in one more.
    prop_assume!(!ours(&client));
    let in_one: Vec<u8> = [&lines.concat()[..], format!(", {client}").as_bytes()].concat();
    let mut in_another = lines;
    in_another.push(client.to_string().into_bytes());
    for said in [vec![in_one], in_another] {
        let headers = header_lines("x-forwarded-for", &said);
        prop_assert_eq!(client_address(peer, &headers, &trusted), client);
    }
    Ok(())
}

fn a_good_wish_is_heard(junk: &[u8]) -> TestCaseResult {
    let heard = |value: &[u8]| {
        let headers = header_lines(header::ACCEPT_LANGUAGE.as_str(), &[value.to_vec()]);
        languages(&headers).and_then(|languages| Words::wished(&languages))
    };
    if let Some(words) = heard(junk) {
        let said = String::from_utf8_lossy(junk).to_lowercase();
        prop_assert!(said.contains(words.locale()), "{}", words.locale());
    }
    let with_a_wish = [junk, b", es;q=0.5"].concat();
    let words = heard(&with_a_wish);
    prop_assert!(words.is_some(), "nothing was heard");
    Ok(())
}

/// A header's lines, without what no header can hold.
fn header_lines(name: &'static str, lines: &[Vec<u8>]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let held = |b: &u8| *b == b'\t' || (*b >= b' ' && *b != 0x7f);
        let line: Vec<u8> = line.iter().copied().filter(held).collect();
        let value = HeaderValue::from_bytes(&line).expect("what a header can hold");
        headers.append(name, value);
    }
    headers
}

// Inputs.

/// Seconds, dates, and anything else.
pub fn retry_after() -> impl Strategy<Value = String> {
    let date = (date(), select(DATES)).prop_map(|(at, form)| at.strftime(form).to_string());
    prop_oneof![
        3 => "[0-9]{1,25}",
        2 => date,
        1 => "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        2 => inputs::text(),
    ]
}

/// A moment of this century's first half, as two digits of a year mean it.
pub fn date() -> impl Strategy<Value = Timestamp> {
    (1_000_000_000..2_500_000_000_i64)
        .prop_map(|second| Timestamp::from_second(second).expect("in range"))
}

fn client() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
    ]
}

fn claims() -> impl Strategy<Value = Vec<u8>> {
    let address = select(
        &[
            "198.51.100.1",
            "10.0.0.2",
            "fd00::2",
            "2001:db8::1",
            "::ffff:10.0.0.2",
            "[2001:db8::1]:443",
            "198.51.100.1:80",
            "unknown",
            "_hidden",
            "for=198.51.100.1",
            "",
            " ",
        ][..],
    );
    let list = vec(address, 0..5).prop_map(|list| list.join(",").into_bytes());
    prop_oneof![3 => list, 1 => inputs::bytes()]
}
