//! `/embed.js`: the one file that runs on a business's own website.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::assets;
use crate::words::Words;

/// The script with its words in every locale, and its tag.
static SCRIPT: LazyLock<(String, String)> = LazyLock::new(|| {
    let words: Map<String, Value> = Words::locales()
        .map(|locale| {
            let w = Words::of(locale);
            let said = json!({ "open": w.say("embed-open"), "close": w.say("button-close"), "title": w.say("embed-title") });
            (locale.to_owned(), said)
        })
        .collect();
    let script =
        assets::text("visitor/embed.js").replace("__WORDS__", &Value::Object(words).to_string());
    let hash = Sha256::digest(script.as_bytes());
    let tag: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    (script, format!("\"{tag}\""))
});

/// `GET /embed.js`. Its address never changes, so browsers ask again after some minutes.
pub async fn script(headers: HeaderMap) -> Response {
    let (script, tag) = &*SCRIPT;
    let said = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ETAG, tag.as_str()),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| {
        // A proxy that compresses weakens the tag.
        value.to_str().is_ok_and(|tags| {
            tags.split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        })
    });
    if known {
        return (StatusCode::NOT_MODIFIED, said).into_response();
    }
    (said, script.as_str()).into_response()
}
