//! Signing in and out, and the link with which somebody new sets a password.

use std::net::{IpAddr, Ipv4Addr};

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;
use ringback_domain::staff::Staff;

use super::door::{self, Caller};
use super::fields::{Asked, Fields};
use super::{known, page, passwords};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::http::{Client, languages};
use crate::random;
use crate::serve::{self, CannotStart};
use crate::store::{Order, business, staff};
use crate::words::Words;

/// A browser stays signed in this long.
const SIGNED_IN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A link to set a password opens this long.
pub const PASSWORD_LINK_LIVES_FOR: SignedDuration = SignedDuration::from_hours(72);

#[derive(Template)]
#[template(path = "office/sign-in.html")]
struct SignInPage {
    w: &'static Words,
    to: String,
    email: String,
    trouble: Option<String>,
    /// The database is empty: the set-up comes first.
    empty: bool,
}

/// The page. Somebody signed in already is sent on.
pub async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    if let Some(token) = door::token(&app, &headers) {
        let token_hash = door::hash(&token);
        let found = app
            .store
            .read(move |tx| staff::signed_in(tx, &token_hash))
            .await?;
        if found.is_some() {
            return Ok(Redirect::to(own_path(&asked.one("to"))).into_response());
        }
    }
    page::html(&SignInPage {
        w: words(&headers),
        to: asked.one("to"),
        email: String::new(),
        trouble: None,
        empty: is_empty(&app).await?,
    })
}

/// Whether there is nobody yet who could sign in.
async fn is_empty(app: &App) -> Result<bool, Error> {
    Ok(app.store.read(business::all).await?.is_empty())
}

/// Email and password. An unknown email gets the same answer after the same work as a wrong password.
pub async fn enter(
    State(app): State<App>,
    address: Option<Extension<Client>>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.address);
    let email = fields.one("email").to_lowercase();
    let password = fields.raw("password").to_owned();
    let w = words(&headers);
    let empty = is_empty(&app).await?;
    let again = |status, trouble: String| {
        page::html_as(
            status,
            &SignInPage {
                w,
                to: fields.one("to"),
                email: fields.one("email"),
                trouble: Some(trouble),
                empty,
            },
        )
    };
    let found = if email.len() > 254 || password.len() > passwords::LONGEST {
        None
    } else {
        let asked = email.clone();
        app.store
            .read(move |tx| staff::by_email(tx, &asked))
            .await?
    };
    let (staff, kept) = found.unzip();
    let account = known::account(&app, &headers, &email, staff.as_ref());
    let tried = match app.office.tries.begin(address, account) {
        Ok(tried) => tried,
        Err(error) => {
            let mut response = again(StatusCode::TOO_MANY_REQUESTS, w.say("sign-in-too-often"))?;
            if let Error::TooMany { retry_after } = error {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            }
            return Ok(response);
        }
    };
    let password = password.chars().take(passwords::LONGEST).collect();
    let right = app.office.passwords.is_right(password, kept).await;
    if !matches!(right, Ok(false)) {
        app.office.tries.give_back(&tried);
    }
    match staff {
        Some(staff) if right? => sign_in(&app, staff, own_path(&fields.one("to"))).await,
        _ => again(StatusCode::UNPROCESSABLE_ENTITY, w.say("sign-in-wrong")),
    }
}

/// Ends this browser's sign-in.
pub async fn leave(State(app): State<App>, me: Caller) -> Result<Response, Error> {
    let token_hash = me.token_hash;
    app.store
        .write(Order::Any, move |tx| staff::sign_out(tx, &token_hash))
        .await?;
    let gone = format!(
        "{}=; Path=/; Max-Age=0{}",
        door::cookie_name(&app),
        door::attributes(&app)
    );
    Ok((
        [(header::SET_COOKIE, gone)],
        Redirect::to("/office/sign-in"),
    )
        .into_response())
}

#[derive(Template)]
#[template(path = "office/password.html")]
struct PasswordPage {
    w: &'static Words,
    /// Whom the link is for; `None` when it opens nothing any more.
    staff: Option<Staff>,
    trouble: Option<String>,
}

/// A link to set a password, opened.
pub async fn password_link(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Response, Error> {
    let token_hash = door::hash(&token);
    let staff = app
        .store
        .read(move |tx| staff::invited(tx, &token_hash))
        .await?;
    page::html(&PasswordPage {
        w: words(&headers),
        staff,
        trouble: None,
    })
}

/// The password they chose: kept, the link used up, the person signed in.
pub async fn set_password(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, Error> {
    let w = words(&headers);
    let token_hash = door::hash(&token);
    let asked = token_hash.clone();
    let invited = app.store.read(move |tx| staff::invited(tx, &asked)).await?;
    let Some(staff) = invited else {
        return page::html_as(
            StatusCode::GONE,
            &PasswordPage {
                w,
                staff: None,
                trouble: None,
            },
        );
    };
    let password = fields.raw("password").to_owned();
    if let Some(key) = passwords::trouble(&password, &staff.email) {
        return page::html_as(
            StatusCode::UNPROCESSABLE_ENTITY,
            &PasswordPage {
                w,
                staff: Some(staff),
                trouble: Some(w.say(key)),
            },
        );
    }
    let kept = app.office.passwords.hash(password).await?;
    let person = staff.clone();
    let used = app
        .store
        .write(Order::Business(staff.business.get()), move |tx| {
            let used = staff::use_invite(tx, &token_hash)?;
            if used {
                staff::set_password(tx, &person, &kept)?;
            }
            Ok(used)
        })
        .await?;
    if !used {
        return Err(Error::NotFound);
    }
    sign_in(&app, staff, "/office").await
}

/// Signs a browser in, which is known from then on, and sends it on.
pub async fn sign_in(app: &App, staff: Staff, to: &str) -> Result<Response, Error> {
    let known = known::cookie(app, &staff);
    // Two tokens of 130 bits each: more than 256 bits.
    let token = random::token() + &random::token();
    let token_hash = door::hash(&token);
    app.store
        .write(Order::Any, move |tx| {
            let until = tx.now() + SIGNED_IN_FOR;
            staff::sign_in(tx, &staff, &token_hash, until)
        })
        .await?;
    let cookie = format!(
        "{}={token}; Path=/; Max-Age={}{}",
        door::cookie_name(app),
        SIGNED_IN_FOR.as_secs(),
        door::attributes(app)
    );
    let mut response = ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response();
    response.headers_mut().append(header::SET_COOKIE, known);
    Ok(response)
}

/// Only our own pages: an address that leads elsewhere leads to the inbox.
pub fn own_path(to: &str) -> &str {
    let ours = to == "/office" || to.starts_with("/office/") || to.starts_with("/office?");
    let plain = to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && !to.contains("//");
    if ours && plain && !to.starts_with("/office/sign-") {
        to
    } else {
        "/office"
    }
}

/// Before we know whose office it is, the browser says which language.
fn words(headers: &HeaderMap) -> &'static Words {
    Words::negotiate(languages(headers).as_deref(), "en")
}

/// How long a link made on the server's own console works.
const CONSOLE_LINK_LIVES_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A link with which this person sets a new password; `None` when nobody signs in with that email. For
/// whoever has the server's console: an Administrator who is alone has nobody else to ask.
pub async fn link_for(config: Config, email: &str) -> Result<Option<String>, CannotStart> {
    let origin = config.origin().to_owned();
    let app = serve::open(config, Clock::system()).await?;
    let token = random::token();
    let (hash, email) = (door::hash(&token), email.trim().to_lowercase());
    let made = app.store.write(Order::Any, move |tx| {
        let Some((person, _)) = staff::by_email(tx, &email)? else {
            return Ok(false);
        };
        let until = tx.now() + CONSOLE_LINK_LIVES_FOR;
        staff::invite(tx, &person, &hash, until)?;
        Ok(true)
    });
    let made = made.await.map_err(|e| CannotStart(e.to_string()))?;
    app.store.close().await;
    Ok(made.then(|| format!("{origin}/office/password/{token}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_sent_elsewhere() {
        assert_eq!(own_path("/office/leads/7"), "/office/leads/7");
        assert_eq!(own_path("/office?show=mine"), "/office?show=mine");
        for elsewhere in [
            "https://example.com/",
            "//example.com",
            "/office//example.com",
            "/officer",
            "/office/sign-out",
            "",
        ] {
            assert_eq!(own_path(elsewhere), "/office", "{elsewhere}");
        }
    }
}
