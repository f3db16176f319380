//! Who gets in, how often they may try, and what is whose.

use std::net::IpAddr;

use jiff::SignedDuration;
use reqwest::StatusCode;
use ringback_domain::staff::Role;
use ringback_server::office::door::hash;
use ringback_server::office::tries::Account;
use ringback_server::on_both_engines;
use ringback_server::seed::{self, DANA, PASSWORD, SAM};
use ringback_server::store::{Order, staff};
use ringback_server::testing::TestServer;

use super::{Browser, hire_everybody, just_left, lead_of};

on_both_engines!(
    server: staff_sign_in_and_out,
    guessing_costs_waits_and_tells_nothing,
    a_hundred_guesses_at_once_are_no_more_than_a_few_in_a_row,
    a_stranger_who_guesses_does_not_keep_out_whom_the_browser_knows,
    a_link_to_set_a_password_works_once,
    an_office_employee_cannot_reach_what_is_the_administrators,
    a_stranger_sees_nothing_of_the_office,
    a_change_from_another_site_is_refused,
    somebody_who_is_let_go_is_out_at_once,
    the_last_administrator_stays,
);

async fn staff_sign_in_and_out(world: TestServer) {
    hire_everybody(&world).await;
    let mut dana = Browser::new(&world);
    let first = dana.opens("/office/leads/7").await;
    assert_eq!(first.to, "/office/sign-in?to=%2Foffice%2Fleads%2F7");
    let fields = [
        ("email", " Dana@Copperline.example "),
        ("password", PASSWORD),
        ("to", "/office/tasks"),
    ];
    let entered = dana.posts("/office/sign-in", &fields).await;
    assert_eq!(
        (entered.status, entered.to.as_str()),
        (StatusCode::SEE_OTHER, "/office/tasks")
    );
    let inbox = dana.opens("/office").await;
    assert_eq!(inbox.status, StatusCode::OK);
    assert!(inbox.text.contains("Dana Ruiz") && inbox.text.contains("Copperline Home Services"));
    assert_eq!(dana.opens("/office/sign-in").await.to, "/office");

    let kept = dana.cookie.clone();
    assert_eq!(
        dana.posts("/office/sign-out", &[]).await.to,
        "/office/sign-in"
    );
    assert_eq!(dana.cookie, None);
    dana.cookie = kept;
    assert_eq!(dana.opens("/office").await.to, "/office/sign-in");
}

async fn guessing_costs_waits_and_tells_nothing(world: TestServer) {
    hire_everybody(&world).await;
    let mut guesser = Browser::new(&world);
    let wrong = guesser.signs_in(DANA, "not the password").await;
    let unknown = guesser
        .signs_in("nobody@copperline.example", "not the password")
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(unknown.status, wrong.status);
    let without_email = |text: &str, email: &str| text.replace(email, "");
    assert_eq!(
        without_email(&wrong.text, DANA),
        without_email(&unknown.text, "nobody@copperline.example")
    );
    for _ in 0..8 {
        guesser.signs_in(DANA, "not the password").await;
    }
    let told = guesser.signs_in(DANA, PASSWORD).await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(told.text.contains("Wait half a minute") && told.text.contains(DANA));
    assert_eq!(
        guesser.signs_in(SAM, PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );

    world.clock.advance(SignedDuration::from_secs(31));
    assert_eq!(
        guesser.signs_in(DANA, PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

async fn a_hundred_guesses_at_once_are_no_more_than_a_few_in_a_row(world: TestServer) {
    hire_everybody(&world).await;
    let guesses = (0..100).map(|_| {
        let mut guesser = Browser::new(&world);
        tokio::spawn(async move { guesser.signs_in(DANA, "not the password").await.status })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        looked_at += usize::from(guess.await.unwrap() == StatusCode::UNPROCESSABLE_ENTITY);
    }
    // Eight, and one more for each half minute that a busy machine takes.
    assert!((1..=12).contains(&looked_at), "{looked_at}");
}

async fn a_stranger_who_guesses_does_not_keep_out_whom_the_browser_knows(world: TestServer) {
    hire_everybody(&world).await;
    let mut hers = Browser::of(&world, DANA).await;
    hers.posts("/office/sign-out", &[]).await;
    let mut sams = Browser::of(&world, SAM).await;
    sams.posts("/office/sign-out", &[]).await;
    let word = |browser: &Browser| {
        let known = browser.known.as_deref().unwrap().split_once('=');
        known.map(|(name, word)| (name.to_owned(), word.to_owned()))
    };
    let ((name, hers_says), (_, sams_says)) = (word(&hers).unwrap(), word(&sams).unwrap());

    let app = world.app();
    let dana = Account::Email(DANA.into());
    let guess = || {
        let from = IpAddr::from([192, 0, 2, 1]);
        app.office.tries.begin(from, dana.clone())
    };
    // Neither another person's word nor a bent one lets anybody pass, nor the right password alone.
    let mut stranger = Browser::new(&world);
    for forged in [&sams_says, &hers_says[4..], "made-up", ""] {
        stranger.known = Some(format!("{name}={forged}"));
        while guess().is_ok() {}
        let told = stranger.signs_in(DANA, PASSWORD).await;
        assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS, "{forged}");
    }
    while guess().is_ok() {}
    assert_eq!(hers.signs_in(DANA, PASSWORD).await.to, "/office");
}

async fn a_link_to_set_a_password_works_once(world: TestServer) {
    hire_everybody(&world).await;
    let business = world.seeded.business;
    let invite = move |tx: &mut ringback_server::store::Tx<'_>| {
        let new = seed::hire(
            tx,
            business,
            "Lee Park",
            "lee@copperline.example",
            Role::OfficeEmployee,
            "",
        )?;
        let lee = staff::get(tx, business, new.unwrap())?.unwrap().staff;
        let until = tx.now() + SignedDuration::from_hours(72);
        staff::invite(tx, &lee, &hash("the-token"), until)
    };
    world.app().store.write(Order::Any, invite).await.unwrap();
    let mut lee = Browser::new(&world);
    assert_eq!(
        lee.signs_in("lee@copperline.example", "").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let page = lee.opens("/office/password/the-token").await;
    assert!(page.text.contains("Welcome, Lee Park"));
    let short = lee
        .posts("/office/password/the-token", &[("password", "short")])
        .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.text.contains("Use at least 10 characters."));
    let set = lee
        .posts(
            "/office/password/the-token",
            &[("password", "copper kettle")],
        )
        .await;
    assert_eq!(set.to, "/office");
    assert_eq!(lee.opens("/office").await.status, StatusCode::OK);

    let mut thief = Browser::new(&world);
    let again = thief
        .posts("/office/password/the-token", &[("password", "another one")])
        .await;
    assert_eq!(again.status, StatusCode::GONE);
    assert!(
        thief
            .opens("/office/password/the-token")
            .await
            .text
            .contains("used up")
    );
    assert_eq!(
        thief
            .signs_in("lee@copperline.example", "copper kettle")
            .await
            .to,
        "/office"
    );
}

/// Every office route of the table, with the permission it names.
fn office_routes() -> Vec<(String, String)> {
    let table = include_str!("../../src/routes.rs");
    let found: Vec<(String, String)> = table
        .split(".office(")
        .skip(1)
        .filter_map(|call| {
            let mut words = call.split(',').map(str::trim);
            let path = words.next()?.strip_prefix('"')?.strip_suffix('"')?;
            let path = path
                .replace("{id}", "1")
                .replace("{public_id}", "x")
                .replace("{hash}", "00");
            Some((path, words.next()?.to_owned()))
        })
        .collect();
    assert!(found.len() > 15, "the search finds the table");
    found
}

async fn an_office_employee_cannot_reach_what_is_the_administrators(world: TestServer) {
    hire_everybody(&world).await;
    let mut sam = Browser::of(&world, SAM).await;
    for (path, permission) in office_routes() {
        // An answer that does not end; it has a story of its own.
        if path == "/office/stream" {
            continue;
        }
        let seen = sam.opens(&path).await.status;
        if permission == "WorkLeads" {
            assert_ne!(seen, StatusCode::FORBIDDEN, "{path}");
            continue;
        }
        assert_eq!(seen, StatusCode::FORBIDDEN, "{path}");
        let told = sam.posts(&path, &[]).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{path}");
        assert!(
            told.text.contains("This is for Administrators")
                && told.text.contains("Ask Dana Ruiz.")
        );
    }
}

async fn a_stranger_sees_nothing_of_the_office(world: TestServer) {
    hire_everybody(&world).await;
    just_left(&world, "Maria Alvarez").await;
    let mut stranger = Browser::new(&world);
    for (path, _) in office_routes() {
        for answer in [
            stranger.opens(&path).await,
            stranger.posts(&path, &[]).await,
        ] {
            assert!(answer.to.starts_with("/office/sign-in"), "{path}");
            assert!(answer.text.is_empty(), "{path}");
        }
        let told = stranger.script_posts(&path, &[]).await;
        assert_eq!(told.status, StatusCode::UNAUTHORIZED, "{path}");
        stranger.cookie = Some("rb-office=made-up".into());
        assert!(
            stranger
                .opens(&path)
                .await
                .to
                .starts_with("/office/sign-in"),
            "{path}"
        );
        stranger.cookie = None;
    }
}

async fn a_change_from_another_site_is_refused(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let url = format!("{}/office/leads/{id}/contacted", world.url);
    let said: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", &world.url)],
        &[("origin", "https://example.com")],
        &[("origin", "null")],
    ];
    for headers in said {
        let mut request = dana.http.post(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let told = dana.sends(request).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(told.text.contains("nothing was changed"));
    }
    assert!(lead_of(&world, id).await.stamps.first_contact_at.is_none());
    let mut stranger = Browser::new(&world);
    let request = stranger.http.post(format!("{}/office/sign-in", world.url));
    assert_eq!(stranger.sends(request).await.status, StatusCode::FORBIDDEN);
}

async fn somebody_who_is_let_go_is_out_at_once(world: TestServer) {
    hire_everybody(&world).await;
    let mut sam = Browser::of(&world, SAM).await;
    assert_eq!(sam.opens("/office").await.status, StatusCode::OK);
    let letting_go = |tx: &mut ringback_server::store::Tx<'_>| {
        let (sam, _) = staff::by_email(tx, SAM)?.unwrap();
        staff::deactivate(tx, &sam)
    };
    world
        .app()
        .store
        .write(Order::Any, letting_go)
        .await
        .unwrap();
    assert_eq!(sam.opens("/office").await.to, "/office/sign-in");
    let again = sam.signs_in(SAM, PASSWORD).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

async fn the_last_administrator_stays(world: TestServer) {
    hire_everybody(&world).await;
    let story = |tx: &mut ringback_server::store::Tx<'_>| {
        let (dana, _) = staff::by_email(tx, DANA)?.unwrap();
        let (sam, _) = staff::by_email(tx, SAM)?.unwrap();
        let refused = [
            staff::set_role(tx, &dana, Role::OfficeEmployee)?,
            staff::deactivate(tx, &dana)?,
        ];
        staff::set_role(tx, &sam, Role::Administrator)?;
        Ok((refused, staff::deactivate(tx, &dana)?))
    };
    let (refused, done) = world.app().store.write(Order::Any, story).await.unwrap();
    assert_eq!(refused, [staff::Changed::LastAdministrator; 2]);
    assert_eq!(done, staff::Changed::Done);
}
