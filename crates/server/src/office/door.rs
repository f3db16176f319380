//! The door: who is calling, whether their role allows it, and whether a change comes from our own pages.
//! Every office route goes through here; `routes.rs` says with which permission.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use ringback_domain::id::BusinessId;
use ringback_domain::staff::{Permission, Staff};
use sha2::{Digest, Sha256};

use super::page;
use super::settings::readiness::{self, Standing};
use crate::app::App;
use crate::error::{Error, Told};
use crate::store::staff;

/// Who is signed in, for handlers.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person.
    pub staff: Staff,
    /// What is stored of this browser's token.
    pub token_hash: Vec<u8>,
    /// This installation answers at an address that visitors can use; see [`readiness::address`].
    pub address_is_ready: bool,
}

impl Caller {
    /// Whose leads they see.
    pub fn business(&self) -> BusinessId {
        self.staff.business
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or(Error::NotSignedIn)
    }
}

/// Lets signed-in staff through whose role may do it. Strangers are shown the way to the sign-in page;
/// an Office employee at an Administrator's door reads whom to ask.
pub async fn office(
    State((app, permission)): State<(App, Permission)>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(error) = from_our_pages(&app, request.method(), request.headers()) {
        return error.into_response();
    }
    let Some(token) = token(&app, request.headers()) else {
        return to_the_sign_in_page(&request);
    };
    let token_hash = hash(&token);
    let asked = token_hash.clone();
    let found = app.store.read(move |tx| staff::signed_in(tx, &asked)).await;
    match found {
        Err(error) => Error::from(error).into_response(),
        Ok(None) => to_the_sign_in_page(&request),
        Ok(Some(staff)) => {
            let address = readiness::address(&app.config.public_url);
            let caller = Caller {
                staff,
                token_hash,
                address_is_ready: address.standing != Standing::Missing,
            };
            if !caller.staff.role.may(permission) {
                return page::not_allowed(&app, &caller).await.into_response();
            }
            let for_script = is_ours(request.headers());
            request.extensions_mut().insert(caller.clone());
            let response = next.run(request).await;
            match response.extensions().get() {
                Some(Told(error)) if for_script => error.problem(),
                Some(Told(error)) => page::told(&app, &caller, &error.clone()).await,
                None => response,
            }
        }
    }
}

/// For pages before anybody is signed in: changes must come from our own pages there, too.
pub async fn stranger(State(app): State<App>, request: Request, next: Next) -> Response {
    match from_our_pages(&app, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// A change counts only if the browser says it comes from our own origin: by `Sec-Fetch-Site`, or by an
/// `Origin` that is the one visitors know or the host that was asked for. Silence is a refusal.
fn from_our_pages(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let said = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = match said(header::HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => said(header::ORIGIN).is_some_and(|origin| {
            let host = origin.split_once("://").map(|(_, host)| host);
            origin == app.config.origin() || (host.is_some() && host == said(header::HOST))
        }),
    };
    if ours {
        Ok(())
    } else {
        Err(Error::FromElsewhere)
    }
}

fn to_the_sign_in_page(request: &Request) -> Response {
    let is_page = request.method() == Method::GET && wants_a_page(request.headers());
    if is_ours(request.headers()) {
        return Error::NotSignedIn.problem();
    }
    if !is_page {
        return Redirect::to("/office/sign-in").into_response();
    }
    let wanted = request.uri().path_and_query().map_or("", |p| p.as_str());
    if wanted.is_empty() || wanted == "/office" {
        return Redirect::to("/office/sign-in").into_response();
    }
    let to: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    Redirect::to(&format!("/office/sign-in?to={to}")).into_response()
}

/// A person follows a link; our own scripts ask for parts and say so.
fn wants_a_page(headers: &HeaderMap) -> bool {
    !is_ours(headers)
        && headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"))
}

/// Asked for by our own scripts: they want a part or a word, not a page.
pub fn is_ours(headers: &HeaderMap) -> bool {
    headers.contains_key("x-ringback")
}

/// What is stored of a secret: its SHA-256. The secrets are long and random, so nothing slower is needed.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// The cookie's name. `__Host-` needs TLS; on one's own machine without it the name is plain.
pub fn cookie_name(app: &App) -> &'static str {
    if app.config.is_secure() {
        "__Host-rb-office"
    } else {
        "rb-office"
    }
}

/// What our cookies have in common. `Lax`: a link to a lead in an email or a chat opens signed in; changes check
/// their origin besides.
pub fn attributes(app: &App) -> &'static str {
    if app.config.is_secure() {
        "; HttpOnly; SameSite=Lax; Secure"
    } else {
        "; HttpOnly; SameSite=Lax"
    }
}

/// The token a browser sent along.
pub fn token(app: &App, headers: &HeaderMap) -> Option<String> {
    cookie(headers, cookie_name(app))
}

/// The cookie of this name that a browser sent along.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}
