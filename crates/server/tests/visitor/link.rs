//! The link in a text.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use ringback_domain::lead::{LeadEvent, LeadState, Recovery};
use ringback_domain::session::SessionState;
use ringback_server::on_both_engines;
use ringback_server::store::{Order, lead, resume_link, sql};
use ringback_server::testing::TestServer;
use ringback_server::token;

use super::browser::{Browser, HOME, leads, minutes_pass, read, set};

on_both_engines!(server:
    looking_at_a_link_shows_nobody_and_does_nothing,
    a_link_goes_on_where_they_stopped_on_any_device_and_books,
    a_window_that_has_gone_meanwhile_is_said_with_the_three_nearest,
    a_link_that_ended_leads_to_a_fresh_start,
    a_link_of_somebody_who_has_booked_says_so,
);

const LINK: &str = "0123456789abcdefghijkl";

/// Somebody left at the place step; the text with their link went out.
async fn left(world: &TestServer) -> Browser {
    let mut ana = Browser::new(world);
    ana.reaches_place().await;
    ana.close().await;
    let session = ana.session(world).await;
    let minted = world.app().store.write(Order::Any, move |tx| {
        let now = tx.now();
        tx.execute(
            sql!(
                "INSERT INTO resume_link (token_hash, business_id, session_id, lead_id, delivery_id, created_at, until)
                 VALUES ($1, $2, $3, $4, 1, $5, $6)"
            ),
            &[
                &token::hash(LINK),
                &session.business,
                &session.id,
                &session.lead,
                &now,
                &(now + SignedDuration::from_hours(72)),
            ],
        )
    });
    minted.await.unwrap();
    ana
}

fn path() -> String {
    format!("/r/{LINK}")
}

async fn looking_at_a_link_shows_nobody_and_does_nothing(world: TestServer) {
    let ana = left(&world).await;
    let before = ana.session(&world).await;
    let mut phone = Browser::new(&world);
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let shown = phone.ask(method.clone(), &path(), None, &[]).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(shown.headers.get("set-cookie").is_none());
        for secret in [
            "Ana",
            "Lopez",
            "555-0142",
            "Washington",
            "ana@example",
            "85004",
        ] {
            shown.says_not(secret);
        }
        if method == Method::GET {
            shown
                .is("link")
                .says("Finish your booking")
                .says("•••-•••-0142")
                .says("Copperline Home Services");
        }
    }
    let after = ana.session(&world).await;
    assert_eq!(
        (after.state, after.touched_at),
        (before.state, before.touched_at)
    );
    let link = read(&world, |tx| resume_link::find(tx, &token::hash(LINK)))
        .await
        .unwrap();
    assert_eq!(link.opened_at, None);
    assert!(leads(&world).await[0].back_since.is_none());
}

async fn a_link_goes_on_where_they_stopped_on_any_device_and_books(world: TestServer) {
    let mut desk = left(&world).await;
    minutes_pass(&world, 24 * 60);
    let mut phone = Browser::new(&world);
    phone
        .post(&path(), &[])
        .await
        .is("place")
        .says("held for you for 10 minutes");
    assert!(leads(&world).await[0].back_since.is_some());
    phone.open().await.is("place");
    // Pressed again (a reload): the same session, the same place.
    phone.post(&path(), &[]).await.is("place");
    assert_eq!(
        phone.session(&world).await.id,
        desk.session(&world).await.id
    );
    phone
        .go_on("place", HOME)
        .await
        .is("review")
        .says("Ana Lopez")
        .says("(602) 555-0142");
    phone.book(&[]).await.is("booked");
    let found = leads(&world).await;
    assert!(
        matches!(
            found[0].state,
            LeadState::Recovered {
                how: Recovery::Link,
                ..
            }
        ),
        "{:?}",
        found[0].state
    );
    let (business, id) = (found[0].business, found[0].id);
    let events = read(&world, move |tx| lead::events(tx, business, id)).await;
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind == LeadEvent::LinkOpened)
            .count(),
        1
    );
    desk.open().await.is("booked");
}

async fn a_window_that_has_gone_meanwhile_is_said_with_the_three_nearest(world: TestServer) {
    set(&world, |settings| {
        settings
            .windows
            .iter_mut()
            .for_each(|window| window.capacity = 1)
    })
    .await;
    let ana = left(&world).await;
    let wanted = ana.session(&world).await.answers.window.unwrap();
    minutes_pass(&world, 15);
    let mut bea = Browser::new(&world);
    bea.reaches_time().await;
    let same = format!(
        "{}-{}",
        wanted.start.as_microsecond(),
        wanted.end.as_microsecond()
    );
    bea.go_on("time", &[("window", &same)]).await.is("place");
    let mut phone = Browser::new(&world);
    let shown = phone.post(&path(), &[]).await.is("time");
    shown
        .says("Somebody has just taken that window.")
        .says("Nearest free windows");
    let window = shown.windows().remove(0);
    phone
        .go_on("time", &[("window", &window)])
        .await
        .is("place");
}

async fn a_link_that_ended_leads_to_a_fresh_start(world: TestServer) {
    left(&world).await;
    let mut phone = Browser::new(&world);
    minutes_pass(&world, 73 * 60);
    for method in [Method::GET, Method::POST] {
        let body = (method == Method::POST).then(String::new);
        let shown = phone.ask(method, &path(), body, &[]).await.is("link-ended");
        assert_eq!(shown.status, StatusCode::GONE);
        shown
            .says("This link has ended")
            .says("start again")
            .says("(602) 555-0100")
            .says_not("Ana");
        assert!(
            shown
                .html
                .contains(&format!("href=\"/s/{}\"", world.seeded.public_id))
        );
    }
    let shown = phone
        .get("/r/ZZZZZZZZZZZZZZZZZZZZZZ")
        .await
        .is("link-ended");
    shown.says("This link has ended");
}

async fn a_link_of_somebody_who_has_booked_says_so(world: TestServer) {
    let mut desk = left(&world).await;
    desk.go_on("place", HOME).await.is("review");
    desk.book(&[]).await.is("booked");
    let mut phone = Browser::new(&world);
    phone.get(&path()).await.is("link");
    phone
        .post(&path(), &[])
        .await
        .is("booked")
        .says("You're booked");
    assert!(matches!(
        phone.session(&world).await.state,
        SessionState::Booked { .. }
    ));
}
