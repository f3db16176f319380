//! The visitor's token: 22 letters and digits in a cookie (or, where cookies are refused, told by the page
//! in bodies), stored only as its SHA-256.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::app::App;

/// What is stored of a token.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
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

/// The token a browser sent along, if it looks like one of ours.
pub fn from_cookie(app: &App, headers: &HeaderMap, public_id: &str) -> Option<String> {
    let name = cookie_name(app, public_id);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, token)| token.to_owned())
        .filter(|token| looks_like_one(token))
}

/// 22 letters and digits: anything else was never given out.
pub fn looks_like_one(token: &str) -> bool {
    token.len() == 22 && token.bytes().all(|b| b.is_ascii_alphanumeric())
}
