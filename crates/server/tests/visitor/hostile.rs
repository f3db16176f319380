//! Whatever is sent, there is a sentence and never a fault of ours.

use reqwest::{Method, StatusCode, header};
use ringback_server::on_both_engines;
use ringback_server::outside;
use ringback_server::testing::TestServer;

use super::browser::{Browser, leads};

on_both_engines!(server:
    a_body_of_ten_megabytes_is_refused_with_a_sentence,
    json_where_a_form_belongs_is_refused_with_a_sentence,
    a_form_from_another_site_is_refused_with_a_sentence,
    nul_and_lone_surrogates_are_text_like_any_other,
    a_name_that_is_a_script_is_shown_as_text,
    nonsense_is_answered_with_a_page,
    a_scheduler_that_is_not_there_says_so,
);

async fn raw(
    world: &TestServer,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> (StatusCode, String) {
    let mut request = outside::client()
        .post(format!("{}{path}", world.url))
        .body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn paths(world: &TestServer) -> Vec<String> {
    let page = format!("/s/{}", world.seeded.public_id);
    let link = "/r/0123456789ABCDEFGHIJKL".to_owned();
    vec![
        format!("{page}/book"),
        format!("{page}/close"),
        format!("{page}/begin"),
        page,
        link,
    ]
}

async fn a_body_of_ten_megabytes_is_refused_with_a_sentence(world: TestServer) {
    for path in paths(&world) {
        // Said beforehand, and in pieces of unknown length.
        let (status, page) = raw(&world, &path, &[FORM], vec![b'a'; 10 << 20]).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert!(page.contains("Shorten it"), "{page}");
        let pieces = (0..160).map(|_| Ok::<_, std::io::Error>(vec![b'a'; 64 << 10]));
        let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let sent = outside::client()
            .post(format!("{}{path}", world.url))
            .header(FORM.0, FORM.1)
            .body(stream)
            .send();
        // The server may hang up while more is coming: that is no answer, and no fault either.
        if let Ok(response) = sent.await {
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        }
    }
    let notes = "x".repeat(60_000);
    let (status, _) = raw(
        &world,
        &paths(&world)[3],
        &[FORM],
        format!("step=service&notes={notes}"),
    )
    .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

async fn json_where_a_form_belongs_is_refused_with_a_sentence(world: TestServer) {
    for body in ["{\"zip\": \"85004\"", "{}", "\"\\ud800\"", "[[[[["] {
        let (status, page) = raw(
            &world,
            &paths(&world)[3],
            &[("content-type", "application/json")],
            body,
        )
        .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("Open the scheduler again"), "{page}");
    }
    // The same bytes called a form are a form without any known field.
    let (status, page) = raw(&world, &paths(&world)[3], &[FORM], "{\"zip\": \"85004\"").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("Choose what you need."));
}

async fn a_form_from_another_site_is_refused_with_a_sentence(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_review().await;
    let cookie = ana.cookie.clone().unwrap();
    let book = &paths(&world)[0];
    for headers in [
        [
            ("origin", "https://evil.example"),
            ("cookie", cookie.as_str()),
        ],
        [
            ("sec-fetch-site", "cross-site"),
            ("cookie", cookie.as_str()),
        ],
        [("sec-fetch-site", "same-site"), ("cookie", cookie.as_str())],
        [("origin", "null"), ("cookie", cookie.as_str())],
    ] {
        let (status, page) = raw(
            &world,
            book,
            &[&[FORM][..], &headers].concat(),
            "step=review",
        )
        .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{headers:?}");
        assert!(page.contains("did not come from the scheduler"), "{page}");
    }
    ana.open().await.is("review");
}

async fn nul_and_lone_surrogates_are_text_like_any_other(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_contact().await;
    // NUL, a lone surrogate as CESU-8, an overlong byte, a mark that turns the direction of writing round.
    let body = "step=contact&go=continue&name=An%00a+%ED%A0%80Lopez%FF%E2%80%AE&phone=602%00-555-0142&email=";
    let path = &paths(&world)[3];
    let shown = ana.ask(Method::POST, path, Some(body.into()), &[]).await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.html);
    let answers = ana.session(&world).await.answers;
    assert_eq!(answers.phone, "+16025550142");
    assert!(
        answers.name.starts_with("Ana ") && answers.name.contains("Lopez"),
        "{:?}",
        answers.name
    );
    for body in [
        "%00=%00&step=%00",
        "step=service&zip=%ED%A0%80&service=%00",
        "step=contact&q_%00=1&kept.%00=%00",
    ] {
        let shown = ana.ask(Method::POST, path, Some(body.into()), &[]).await;
        assert!(
            shown.status.is_client_error()
                || shown.status.is_success()
                || shown.status.is_redirection()
        );
    }
    ana.close().await;
    assert_eq!(leads(&world).await.len(), 1);
}

async fn a_name_that_is_a_script_is_shown_as_text(world: TestServer) {
    let mut eve = Browser::new(&world);
    eve.reaches_contact().await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let time = eve
        .go_on("contact", &[("name", evil), ("phone", "602-555-0166")])
        .await
        .is("time");
    let window = time.windows().remove(0);
    eve.go_on("time", &[("window", &window)]).await.is("place");
    let fields = [
        ("street", evil),
        ("city", evil),
        ("state", "AZ"),
        ("notes", evil),
    ];
    let review = eve.go_on("place", &fields).await.is("review");
    assert!(
        !review.html.contains("<script>alert") && !review.html.contains("<img"),
        "{}",
        review.html
    );
    review.says(evil);
    assert_eq!(eve.session(&world).await.answers.name, evil);
    let back = eve.step("review", "to-contact", &[]).await.is("contact");
    assert!(!back.html.contains("<img"));
    minutes_later(&world);
    eve.open().await.is("continue-as").says("Continue as <•••?");
}

fn minutes_later(world: &TestServer) {
    super::browser::minutes_pass(world, 45);
}

async fn nonsense_is_answered_with_a_page(world: TestServer) {
    let mut eve = Browser::new(&world);
    eve.reaches_time().await;
    let long = "9".repeat(20_000);
    let texts = [
        "",
        "\u{0}",
        "-",
        "review",
        "booked",
        "../../etc/passwd",
        "🦆",
        "'; DROP TABLE session; --",
        &long,
    ];
    for step in [
        "service", "contact", "time", "place", "review", "booked", "none",
    ] {
        for text in texts {
            let fields = [
                ("zip", text),
                ("service", text),
                ("name", text),
                ("phone", text),
                ("email", text),
                ("window", text),
                ("street", text),
                ("state", text),
                ("q_system-age", text),
                ("then", text),
                ("zone", text),
                ("from_page", text),
                ("tag_utm_x", text),
                ("kept.name", text),
            ];
            for go in [
                "continue",
                "back",
                "to-review",
                "resume",
                "leave-left",
                text,
            ] {
                let shown = eve.step(step, go, &fields).await;
                assert!(shown.html.contains("<h1"), "{step} {go}");
            }
        }
    }
    for token in [
        "",
        "x",
        "0123456789ABCDEFGHIJKL",
        "%00",
        "%ED%A0%80",
        "..%2F..%2F",
    ] {
        let shown = eve.get(&format!("/r/{token}")).await;
        assert!(shown.status.is_client_error(), "{token}: {}", shown.status);
    }
}

async fn a_scheduler_that_is_not_there_says_so(world: TestServer) {
    let mut eve = Browser::new(&world);
    for path in ["/s/none", "/s/none/embedded", "/s/%00", "/s/a%2Fb"] {
        let shown = eve.get(path).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
        shown.says("There is nothing at this address.");
    }
    let shown = eve.post("/s/none", &[("step", "service")]).await;
    assert_eq!(shown.status, StatusCode::NOT_FOUND);
    assert!(shown.headers.get(header::SET_COOKIE).is_none());
}
