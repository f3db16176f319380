//! Browsers in which somebody has signed in before. Such a browser keeps a word that we have sealed for that
//! person, and has tries of its own (`tries.rs`): so nobody who guesses at an Administrator's password can keep
//! the Administrator out. This is the device cookie that OWASP describes. It opens nothing: it holds no name,
//! and without the password it is worth a few tries.

use axum::http::{HeaderMap, HeaderValue};
use jiff::SignedDuration;
use ringback_domain::staff::Staff;
use secrecy::ExposeSecret;

use super::door;
use super::tries::Account;
use crate::app::App;

/// What it is sealed as.
const PURPOSE: &str = "known-browser";
/// A browser is known this long after the last sign-in, signed out or not; no browser keeps a cookie much longer.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Whose tries count when this browser says it is that person; `staff` is who has the email, if anybody.
pub fn account(app: &App, headers: &HeaderMap, email: &str, staff: Option<&Staff>) -> Account {
    staff
        .and_then(|staff| known(app, headers, staff))
        .unwrap_or_else(|| Account::Email(email.to_owned()))
}

fn known(app: &App, headers: &HeaderMap, staff: &Staff) -> Option<Account> {
    let word = door::cookie(headers, &name(app, staff))?;
    let opened = app.vault.open_word(staff.business, PURPOSE, &word).ok()?;
    let theirs = opened.expose_secret() == staff.id.to_string().as_bytes();
    theirs.then_some(Account::Known(word))
}

/// The cookie that makes a browser known.
pub fn cookie(app: &App, staff: &Staff) -> HeaderValue {
    let id = staff.id.to_string();
    let word = app.vault.word(staff.business, PURPOSE, id.as_bytes());
    let set = format!(
        "{}={word}; Path=/; Max-Age={}{}",
        name(app, staff),
        KNOWN_FOR.as_secs(),
        door::attributes(app)
    );
    HeaderValue::try_from(set).expect("letters, digits and dashes")
}

/// One for each person: colleagues share browsers.
fn name(app: &App, staff: &Staff) -> String {
    let plain = format!("rb-known-{}", staff.id);
    if app.config.is_secure() {
        format!("__Host-{plain}")
    } else {
        plain
    }
}
