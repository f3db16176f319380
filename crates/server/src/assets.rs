//! Stylesheets and scripts, embedded in the binary. Their addresses carry a hash of all of them, so that a
//! browser may keep each for ever and still never mixes two versions: modules import one another by relative
//! address and stay under one hash.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;
use sha2::{Digest, Sha256};

use crate::error::Error;

#[derive(Embed)]
#[folder = "assets/"]
struct Files;

/// Of every name and every byte: the first 48 bits of SHA-256, in hexadecimal.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut all = Sha256::new();
    for name in names {
        let file = Files::get(&name).expect("the name came from the listing");
        all.update(name.as_bytes());
        all.update(file.metadata.sha256_hash());
    }
    all.finalize()[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
});

/// The address of an asset: `url("visitor/scheduler.css")`.
pub fn url(name: &str) -> String {
    debug_assert!(Files::get(name).is_some(), "there is no asset {name:?}");
    format!("/assets/{}/{name}", *HASH)
}

/// The text of an asset that is ours and UTF-8.
pub fn text(name: &str) -> Cow<'static, str> {
    let file = Files::get(name).unwrap_or_else(|| panic!("there is no asset {name:?}"));
    match file.data {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// `GET /assets/{hash}/{*name}`. A page of an older version gets the present file, not to be kept.
pub async fn serve(Path((hash, name)): Path<(String, String)>) -> Result<Response, Error> {
    let file = Files::get(&name).ok_or(Error::NotFound)?;
    let kept = if hash == *HASH {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, kind(&name)),
        (header::CACHE_CONTROL, kept),
    ];
    Ok((headers, file.data.into_owned()).into_response())
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    async fn get(hash: &str, name: &str) -> Response {
        serve(Path((hash.to_owned(), name.to_owned())))
            .await
            .into_response()
    }

    #[tokio::test]
    async fn an_asset_is_kept_for_ever_under_its_hash_and_not_at_all_under_another() {
        let cached = |response: &Response| {
            response.headers()[header::CACHE_CONTROL]
                .to_str()
                .unwrap()
                .to_owned()
        };
        let address = url("visitor/scheduler.js");
        let hash = address.split('/').nth(2).unwrap();
        let present = get(hash, "visitor/scheduler.js").await;
        assert_eq!(
            present.headers()[header::CONTENT_TYPE],
            "text/javascript; charset=utf-8"
        );
        assert!(cached(&present).contains("immutable"));
        assert_eq!(
            cached(&get("0123456789ab", "visitor/scheduler.js").await),
            "no-cache"
        );
    }

    #[test]
    fn every_module_that_is_imported_is_there() {
        let mut imports = 0;
        for name in Files::iter().filter(|name| name.ends_with(".js")) {
            let source = String::from_utf8(Files::get(&name).unwrap().data.into_owned()).unwrap();
            let (folder, _) = name.rsplit_once('/').unwrap();
            let modules = source
                .split(['"', '\''])
                .filter_map(|text| text.strip_prefix("./"));
            for module in modules.filter(|module| module.ends_with(".js")) {
                imports += 1;
                let known = Files::get(&format!("{folder}/{module}"));
                assert!(known.is_some(), "{name} imports {module}");
            }
        }
        assert!(imports > 5, "the search finds imports");
    }

    #[tokio::test]
    async fn nothing_but_assets_is_served() {
        for name in [
            "",
            "visitor",
            "../Cargo.toml",
            "visitor/../../Cargo.toml",
            "none.css",
        ] {
            assert_eq!(
                get("x", name).await.status(),
                StatusCode::NOT_FOUND,
                "{name}"
            );
        }
    }
}
