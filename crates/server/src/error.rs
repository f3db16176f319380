//! What a request is told when it cannot be done: a sentence that says what to do, as a small page for
//! people and as `application/problem+json` for programs. Personal data is never in it.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use crate::store::StoreError;

/// Why a request cannot be done. Every sentence is for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is there, or not for this caller.
    #[error(
        "There is nothing at this address. Check the link, or start again from the first page."
    )]
    NotFound,
    /// Not signed in, or the key is unknown.
    #[error("Sign in first, or send a valid API key.")]
    NotSignedIn,
    /// Signed in, but the role does not allow it.
    #[error("Your role does not include this. Ask an Administrator.")]
    NotAllowed,
    /// A change that another website may have caused.
    #[error(
        "That did not come from one of our own pages, so nothing was changed. Open the page itself and try there."
    )]
    FromElsewhere,
    /// What was sent cannot be read or is out of bounds.
    #[error("{0}")]
    BadInput(String),
    /// The change is not possible as things stand.
    #[error("{0}")]
    Conflict(String),
    /// More than anybody needs to send.
    #[error("That is more than we can take in one go. Shorten it, then send it again.")]
    TooLarge,
    /// Too many requests from one place.
    #[error("That was a lot in a short time. Wait a moment, then try again.")]
    TooMany {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The store cannot take it just now; nothing was lost or half done.
    #[error("We could not save that just now. Nothing is lost: try again in a moment.")]
    Busy,
    /// Our own fault.
    #[error("Something went wrong on our side. It has been noted; try again in a moment.")]
    Fault,
}

impl Error {
    /// The HTTP status of this answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::NotAllowed | Self::FromElsewhere => StatusCode::FORBIDDEN,
            Self::BadInput(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
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

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoRow => Self::NotFound,
            StoreError::Conflict => {
                Self::Conflict("Somebody else was quicker. Look again, then try once more.".into())
            }
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
    title: &'a str,
    sentence: &'a str,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        let sentence = self.to_string();
        let page = Message {
            title: status.canonical_reason().unwrap_or("Error"),
            sentence: &sentence,
        };
        let mut response = match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => (status, sentence.clone()).into_response(),
        };
        self.add_retry_after(&mut response);
        response.extensions_mut().insert(Told(Arc::new(self)));
        response
    }
}

/// Left in an answer so that a program can be told the same as problem details.
#[derive(Clone)]
pub struct Told(pub Arc<Error>);
