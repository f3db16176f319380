//! The link in a text.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use ringback_domain::id::StaffId;
use ringback_domain::lead::{LeadEvent, LeadState, LeadStatus, Recovery, Was};
use ringback_domain::session::SessionState;
use ringback_server::on_both_engines;
use ringback_server::store::{Order, appointment, lead, resume_link, sql};
use ringback_server::testing::TestServer;
use ringback_server::token;

use super::browser::{Browser, HOME, leads, minutes_pass, read, set};

on_both_engines!(server:
    looking_at_a_link_shows_nobody_and_does_nothing,
    a_link_goes_on_where_they_stopped_on_any_device_and_books,
    who_was_booked_by_phone_is_not_chased_when_they_leave_again,
    who_was_booked_by_phone_is_not_chased_for_a_page_left_open_elsewhere,
    whose_appointment_was_cancelled_reads_so,
    who_answers_otherwise_before_booking_is_known_by_the_new_answers,
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

/// The office books the one lead there is by phone.
async fn booked_by_phone(world: &TestServer) {
    let lead = leads(world).await.remove(0);
    let booked = world.app().store.write(Order::Any, move |tx| {
        let mut lead = lead.clone();
        lead.booked_by_staff(tx.now()).unwrap();
        lead::save(tx, &lead)
    });
    booked.await.unwrap();
}

async fn who_was_booked_by_phone_is_not_chased_for_a_page_left_open_elsewhere(world: TestServer) {
    let mut desk = Browser::new(&world);
    desk.reaches_place().await;
    left(&world).await;
    booked_by_phone(&world).await;
    desk.close().await;
    assert_eq!(leads(&world).await.len(), 1);
    // Whoever comes for the same after that wants it once more.
    let mut again = Browser::new(&world);
    again.reaches_place().await;
    again.close().await;
    assert_eq!(leads(&world).await.len(), 2);
}

async fn who_was_booked_by_phone_is_not_chased_when_they_leave_again(world: TestServer) {
    let mut ana = left(&world).await;
    booked_by_phone(&world).await;
    ana.go_on("place", HOME).await.is("review");
    ana.close().await;
    assert!(matches!(
        ana.session(&world).await.state,
        SessionState::Lapsed { .. }
    ));
    let found = leads(&world).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].state.status(), LeadStatus::Recovered);
    // Something else is another request.
    ana.go_on("place", HOME).await.is("review");
    let service = [("zip", "85004"), ("service", "heating-repair")];
    ana.go_on("service", &service).await;
    ana.close().await;
    assert_eq!(leads(&world).await.len(), 2);
}

async fn whose_appointment_was_cancelled_reads_so(world: TestServer) {
    let mut ana = left(&world).await;
    ana.go_on("place", HOME).await.is("review");
    ana.book(&[]).await.is("booked").says("You're booked");
    let session = ana.session(&world).await;
    let cancelled = world.app().store.write(Order::Any, move |tx| {
        let mut booked = appointment::booked_by(tx, &session)?.unwrap();
        appointment::cancel(tx, &mut booked, StaffId::new(1))
    });
    cancelled.await.unwrap().unwrap();
    for shown in [ana.open().await, Browser::new(&world).get(&path()).await] {
        shown
            .is("booked")
            .says("Your appointment was cancelled")
            .says_not("You're booked");
    }
}

async fn who_answers_otherwise_before_booking_is_known_by_the_new_answers(world: TestServer) {
    left(&world).await;
    let before = leads(&world).await.remove(0);
    let mut phone = Browser::new(&world);
    phone.post(&path(), &[]).await.is("place");
    phone.go_on("place", HOME).await.is("review");
    phone.step("review", "to-service", &[]).await.is("service");
    let service = [
        ("zip", "85004"),
        ("service", "heating-repair"),
        ("then", "review"),
    ];
    phone.go_on("service", &service).await;
    let contact = [
        ("name", "Ana Vega"),
        ("phone", "602-555-0143"),
        ("then", "review"),
    ];
    phone.go_on("contact", &contact).await;
    phone.open().await.is("review");
    phone.book(&[]).await.is("booked");

    let booked = phone.session(&world).await.answers;
    let lead = leads(&world).await.remove(0);
    assert_eq!(lead.id, before.id);
    assert_eq!(lead.name, "Ana Vega");
    assert_eq!(lead.phone.as_deref(), Some("+16025550143"));
    assert_eq!(lead.email, None);
    assert_eq!(lead.service, booked.service);
    assert_ne!(lead.service_title, before.service_title);
    assert_eq!(lead.answers, booked);
    let (business, id) = (lead.business, lead.id);
    let events = read(&world, move |tx| lead::events(tx, business, id)).await;
    let recovered = events
        .iter()
        .find(|event| event.kind == LeadEvent::Recovered)
        .unwrap();
    let was: Was = serde_json::from_value(recovered.detail["was"].clone()).unwrap();
    assert_eq!(was.name.as_deref(), Some("Ana Lopez"));
    assert_eq!(was.phone.as_deref(), Some("+16025550142"));
    assert_eq!(was.email.as_deref(), Some("ana@example.com"));
    assert_eq!(was.service, Some(before.service_title));
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
    let agreed = desk.session(&world).await.answers.window.unwrap();
    let mut phone = Browser::new(&world);
    // Looking says it already, and says nothing of who it was.
    let shown = phone.get(&path()).await.is("booked");
    shown
        .says("You're booked")
        .says_not("Finish your booking")
        .says_not("Ana")
        .says_not("555-0142")
        .says_not("Washington");
    assert!(shown.headers.get("set-cookie").is_none());
    let zone = jiff::tz::TimeZone::get("America/Phoenix").unwrap();
    let day = agreed.start.to_zoned_datetime(zone).strftime("%b %-d");
    shown.says(&day.to_string());
    let link = read(&world, |tx| resume_link::find(tx, &token::hash(LINK)));
    assert_eq!(link.await.unwrap().opened_at, None);
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
