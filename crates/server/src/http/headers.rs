//! What every answer carries, unless its handler has said otherwise.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use crate::app::App;
use crate::error::Told;
use crate::words::{FALLBACK, Words};

/// No inline script or style anywhere; framed only by ourselves unless the handler names sites.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; frame-src 'self'; form-action 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'self'";

/// What of a request decides how its answer is put. Nothing of the request itself: its bytes stand in the connection's
/// buffer, which is used again once nobody holds any of them.
pub struct Asked {
    pub by_a_program: bool,
    pub wished: Option<&'static Words>,
}

/// Puts an error into the words of whoever asked, and adds the headers that keep pages safe. `same-origin` and not
/// `no-referrer`: the latter makes browsers send `Origin: null` with our own forms.
pub fn dressed(app: &App, asked: &Asked, mut response: Response) -> Response {
    if let Some(Told(error)) = response.extensions().get() {
        response = match asked.by_a_program {
            true => error.problem(),
            false => error.page(asked.wished.unwrap_or_else(|| Words::of(FALLBACK))),
        };
    }
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    default(header::CONTENT_SECURITY_POLICY, POLICY);
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "same-origin");
    default(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    );
    if app.config.is_secure() {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}
