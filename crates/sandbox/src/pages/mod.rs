//! The pages for people: the board of the pretend ServiceTitan and the phone. Plain files, nothing
//! inline, so that the strictest content security policy holds; any page on this machine may frame them.

use axum::http::{StatusCode, header};

use crate::call::Answer;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self' http://localhost:* http://127.0.0.1:*";

/// The page or file at this path.
pub(crate) fn page(path: &str) -> Option<Answer> {
    let (content_type, text) = match path {
        "/" => {
            return Some(
                Answer::empty(StatusCode::SEE_OTHER).with(header::LOCATION, "/servicetitan"),
            );
        }
        "/servicetitan" => (
            "text/html; charset=utf-8",
            include_str!("servicetitan.html"),
        ),
        "/phone" => ("text/html; charset=utf-8", include_str!("phone.html")),
        "/sandbox/sandbox.css" => ("text/css; charset=utf-8", include_str!("sandbox.css")),
        "/sandbox/live.js" => ("text/javascript; charset=utf-8", include_str!("live.js")),
        "/sandbox/servicetitan.js" => (
            "text/javascript; charset=utf-8",
            include_str!("servicetitan.js"),
        ),
        "/sandbox/phone.js" => ("text/javascript; charset=utf-8", include_str!("phone.js")),
        _ => return None,
    };
    let answer = Answer::text(StatusCode::OK, content_type, text)
        .with(header::CONTENT_SECURITY_POLICY, POLICY)
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(header::REFERRER_POLICY, "no-referrer")
        .with(header::CACHE_CONTROL, "no-cache");
    Some(answer)
}
