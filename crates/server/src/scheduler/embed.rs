//! `/embed.js`: the one file that runs on a business's own website.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringback_domain::phone::Phone;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::assets;
use crate::store::scheduler::{self, OfficeNumber};
use crate::words::Words;

/// So many schedulers' numbers travel with the script; it must stay small.
const NUMBERS: i64 = 40;

/// The script with its words in every locale.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let words: Map<String, Value> = Words::locales()
        .map(|locale| (locale.to_owned(), words(Words::of(locale))))
        .collect();
    assets::text("visitor/embed.js").replace("__WORDS__", &Value::Object(words).to_string())
});

fn words(w: &Words) -> Value {
    json!({
        "open": w.say("embed-open"),
        "close": w.say("button-close"),
        "title": w.say("embed-title"),
        "silent": w.say("embed-silent"),
        "call": w.with("call-now", &[("number", "#")]),
    })
}

/// `GET /embed.js`. Its address never changes, so browsers ask again after some minutes. The office's numbers are in
/// it: a website shows them where the scheduler itself does not answer.
pub async fn script(State(app): State<App>, headers: HeaderMap) -> Response {
    let numbers = app
        .store
        .read(|tx| scheduler::office_numbers(tx, NUMBERS))
        .await;
    // Without its numbers the button still works; what browsers keep stays as it is.
    let (numbers, keep) = match numbers {
        Ok(numbers) => (numbers, "public, max-age=300"),
        Err(error) => {
            tracing::warn!(%error, "the embed goes out without numbers");
            (Vec::new(), "no-store")
        }
    };
    let script = SCRIPT.replace("__NUMBERS__", &shown(&numbers).to_string());
    let hash = Sha256::digest(script.as_bytes());
    let tag: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| {
        // A proxy that compresses weakens the tag.
        value.to_str().is_ok_and(|tags| {
            tags.split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        })
    });
    let said = [
        (
            header::CONTENT_TYPE,
            "text/javascript; charset=utf-8".to_owned(),
        ),
        (header::CACHE_CONTROL, keep.to_owned()),
        (header::ETAG, tag),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin".to_owned(),
        ),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, said).into_response();
    }
    (said, script).into_response()
}

/// By scheduler: what is dialled, and as people of the region read it.
fn shown(numbers: &[OfficeNumber]) -> Value {
    let shown = numbers.iter().filter_map(|office| {
        let phone = Phone::from_e164(&office.phone)?;
        let read = phone.shown_in(office.region);
        Some((office.public_id.clone(), json!([phone.as_str(), read])))
    });
    Value::Object(shown.collect())
}
