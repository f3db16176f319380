//! What a page weighs over the wire, and what is kept by browsers.

use reqwest::{StatusCode, header};
use ringback_server::outside;
use ringback_server::store::Engine;
use ringback_server::testing::TestServer;

async fn weight(url: &str) -> (usize, String) {
    let client = outside::client();
    let packed = client
        .get(url)
        .header(header::ACCEPT_ENCODING, "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(packed.status(), StatusCode::OK, "{url}");
    assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip", "{url}");
    let size = packed.bytes().await.unwrap().len();
    (
        size,
        client.get(url).send().await.unwrap().text().await.unwrap(),
    )
}

#[tokio::test]
async fn the_page_with_all_it_loads_is_under_thirty_kilobytes_and_the_embed_under_five() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    let (mut all, page) = weight(&format!("{}/s/{}", world.url, world.seeded.public_id)).await;
    let wanted: Vec<String> = page
        .split(['"', '\''])
        .filter(|text| text.starts_with("/assets/"))
        .map(|path| format!("{}{path}", world.url))
        .collect();
    assert_eq!(
        wanted.len(),
        3,
        "a stylesheet, a module and what it imports"
    );
    for url in wanted {
        all += weight(&url).await.0;
    }
    assert!(all < 30 * 1024, "{all} bytes");
    let (embed, script) = weight(&format!("{}/embed.js", world.url)).await;
    assert!(embed < 5 * 1024, "{embed} bytes");
    assert!(
        script.contains("Book online")
            && script.contains("Reservar en línea")
            && !script.contains("__WORDS__")
    );
    let number = format!(
        "{{\"{}\":[\"+16025550100\",\"(602) 555-0100\"]}}",
        world.seeded.public_id
    );
    assert!(script.contains(&number), "{script}");
}

#[tokio::test]
async fn the_embed_is_asked_for_again_and_not_sent_again() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    let url = format!("{}/embed.js", world.url);
    let first = outside::client().get(&url).send().await.unwrap();
    assert_eq!(
        first.headers()["cross-origin-resource-policy"],
        "cross-origin"
    );
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let again = outside::client()
            .get(&url)
            .header(header::IF_NONE_MATCH, known)
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
    let other = outside::client()
        .get(&url)
        .header(header::IF_NONE_MATCH, "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}
