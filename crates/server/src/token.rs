//! The visitor's token: letters and digits in a cookie (or, where cookies are refused, told by the page in bodies),
//! stored only as a hash. It begins with when it was given out, and so does its hash: what is in use together stands
//! together, however many millions are stored.

use axum::http::HeaderValue;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::random::{self, BASE62};

/// Letters of the time: milliseconds since 1970, in base 62, until the year 2081.
const TIME: usize = 7;
/// Letters nobody can guess.
const SECRET: usize = 22;

/// A new visitor's token.
pub fn fresh(now: Timestamp) -> String {
    let mut left = now.as_millisecond().max(0).unsigned_abs();
    let mut time = [0; TIME];
    for letter in time.iter_mut().rev() {
        *letter = BASE62[(left % 62) as usize];
        left /= 62;
    }
    let time = time.map(char::from).into_iter();
    time.chain(random::token().chars()).collect()
}

/// What is stored of a token, 32 bytes: its time, where it has one, and the rest of its SHA-256.
pub fn hash(token: &str) -> [u8; 32] {
    let mut hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    if token.len() == TIME + SECRET {
        hash[..TIME].copy_from_slice(&token.as_bytes()[..TIME]);
    }
    hash
}

/// The cookie's name for a scheduler. `__Host-` needs TLS; on one's own machine without it the name is plain.
pub fn cookie_name(app: &App, public_id: &str) -> String {
    let prefix = if app.config.is_secure() {
        "__Host-rb"
    } else {
        "rb"
    };
    format!("{prefix}-{public_id}")
}

/// The token a browser sent along in its lines of cookies, if it looks like one of ours.
pub fn from_cookie<'a>(
    app: &App,
    cookies: impl IntoIterator<Item = &'a HeaderValue>,
    public_id: &str,
) -> Option<String> {
    let lines = cookies.into_iter();
    from_lines(
        app,
        lines.filter_map(|value| value.to_str().ok()),
        public_id,
    )
}

/// [`from_cookie`] of lines that are known to be text.
pub fn from_lines<'a>(
    app: &App,
    lines: impl IntoIterator<Item = &'a str>,
    public_id: &str,
) -> Option<String> {
    let name = cookie_name(app, public_id);
    lines
        .into_iter()
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, token)| token)
        .filter(|token| looks_like_one(token))
        .map(str::to_owned)
}

/// Letters and digits, with a time or (behind the link of a text) without: anything else was never given out.
pub fn looks_like_one(token: &str) -> bool {
    let fits = [SECRET, TIME + SECRET].contains(&token.len());
    fits && token.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_what_is_stored_of_them_stand_in_the_order_of_their_time() {
        let at = |ms| fresh(Timestamp::from_millisecond(ms).unwrap());
        let times = [
            0,
            1,
            61,
            62,
            1_764_000_000_000,
            1_764_000_000_001,
            3_500_000_000_000,
        ];
        let tokens = times.map(at);
        assert!(tokens.is_sorted() && tokens.each_ref().map(|token| hash(token)).is_sorted());
        assert!(tokens.iter().all(|token| looks_like_one(token)));
        // Given out in the same millisecond, they have only that in common.
        let (one, other) = (at(1_764_000_000_000), at(1_764_000_000_000));
        assert_eq!(one[..TIME], other[..TIME]);
        assert_ne!(one[TIME..], other[TIME..]);
        assert_ne!(hash(&one)[TIME..], hash(&other)[TIME..]);
    }

    #[test]
    fn what_was_never_given_out_is_no_token() {
        for wrong in [
            "",
            "short",
            &"a".repeat(23),
            &"a".repeat(28),
            &"a".repeat(30),
            &"é".repeat(11),
        ] {
            assert!(!looks_like_one(wrong), "{wrong}");
        }
        assert!(looks_like_one(&random::token()));
    }
}
