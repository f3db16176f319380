//! What a request is told when it cannot be done: a sentence that says what to do, as a small page for
//! people and as `application/problem+json` for programs. Personal data is never in it.

use std::fmt;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use crate::store::StoreError;
use crate::words::{FALLBACK, Words};

/// Why a request cannot be done. What people are told is in the locale files: [`Error::sentence`].
#[derive(Debug)]
pub enum Error {
    /// Nothing is there, or not for this caller.
    NotFound,
    /// Not signed in, or the key is unknown.
    NotSignedIn,
    /// Signed in, but the role does not allow it.
    NotAllowed,
    /// A change that another website may have caused.
    FromElsewhere,
    /// What was sent cannot be read or is out of bounds; the sentence says what to mend.
    BadInput(String),
    /// The same, where the reader's language is not known yet: the key of the sentence.
    Unreadable(&'static str),
    /// The change is not possible as things stand; the sentence says why.
    Conflict(String),
    /// Somebody else has changed the same thing meanwhile.
    Overtaken,
    /// More than anybody needs to send.
    TooLarge,
    /// Too many requests from one place.
    TooMany {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The store cannot take it just now; nothing was lost or half done.
    Busy,
    /// Our own fault.
    Fault,
}

impl Error {
    /// The HTTP status of this answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::NotAllowed | Self::FromElsewhere => StatusCode::FORBIDDEN,
            Self::BadInput(_) | Self::Unreadable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) | Self::Overtaken => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the person who asked is told.
    pub fn sentence(&self, w: &Words) -> String {
        match self {
            Self::NotFound => w.say("error-not-found"),
            Self::NotSignedIn => w.say("error-not-signed-in"),
            Self::NotAllowed => w.say("error-not-allowed"),
            Self::FromElsewhere => w.say("error-from-elsewhere"),
            Self::BadInput(sentence) | Self::Conflict(sentence) => sentence.clone(),
            Self::Unreadable(key) => w.say(key),
            Self::Overtaken => w.say("error-overtaken"),
            Self::TooLarge => w.say("error-too-large"),
            Self::TooMany { .. } => w.say("error-too-many"),
            Self::Busy => w.say("error-busy"),
            Self::Fault => w.say("error-fault"),
        }
    }

    /// The answer to a person: a small page with the sentence.
    pub fn page(&self, w: &Words) -> Response {
        let title = match self {
            Self::NotFound => w.say("told-nothing-here"),
            _ => w.say("told-not-done"),
        };
        let sentence = self.sentence(w);
        let page = Message {
            locale: w.locale(),
            title: &title,
            sentence: &sentence,
        };
        let mut response = match page.render() {
            Ok(html) => (self.status(), Html(html)).into_response(),
            Err(_) => (self.status(), sentence).into_response(),
        };
        self.add_retry_after(&mut response);
        response
    }

    /// The answer to a program: RFC 9457 problem details.
    pub fn problem(&self) -> Response {
        let status = self.status();
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        self.add_retry_after(&mut response);
        response
    }

    fn add_retry_after(&self, response: &mut Response) {
        let seconds = match self {
            Self::TooMany { retry_after } => *retry_after,
            Self::Busy => 2,
            _ => return,
        };
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

impl fmt::Display for Error {
    /// For programs and logs: the sentence in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(Words::of(FALLBACK)))
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoRow => Self::NotFound,
            StoreError::Conflict => Self::Overtaken,
            // The store counts these; under an overload there are thousands a second.
            StoreError::Busy => Self::Busy,
            passing if passing.is_passing() => {
                tracing::warn!(error = %passing, "store");
                Self::Busy
            }
            fault => {
                tracing::error!(error = %fault, "store");
                Self::Fault
            }
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    locale: &'a str,
    title: &'a str,
    sentence: &'a str,
}

impl IntoResponse for Error {
    /// The page in English; where the caller is known, [`Told`] lets it be said again as they read it.
    fn into_response(self) -> Response {
        let mut response = self.page(Words::of(FALLBACK));
        response.extensions_mut().insert(Told(Arc::new(self)));
        response
    }
}

/// Left in an answer so that the same can be said again: to a program as problem details, to a person in
/// their own language.
#[derive(Clone)]
pub struct Told(pub Arc<Error>);
