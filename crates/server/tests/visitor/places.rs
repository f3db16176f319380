//! Two people, one window.

use reqwest::StatusCode;
use ringback_domain::scheduler::WindowRule;
use ringback_domain::session::SessionState;
use ringback_server::on_both_engines;
use ringback_server::scheduler::holds;
use ringback_server::store::{appointment, sql};
use ringback_server::testing::TestServer;

use super::browser::{ANA, Browser, HOME, minutes_pass, read, set};

on_both_engines!(server:
    the_last_place_goes_to_one_and_the_other_gets_the_three_nearest,
    a_hold_lasts_ten_minutes_and_every_step_renews_it,
    a_hold_that_ran_out_is_taken_anew_when_nobody_came,
    a_hold_that_was_lost_is_said_at_book_now,
    choosing_another_window_lets_the_first_one_go,
    only_windows_that_were_offered_can_be_had,
    twenty_want_the_last_place_at_once,
    book_now_pressed_twice_at_once_books_once,
    without_any_window_the_page_says_to_call,
);

/// One crew.
async fn one_seat(world: &TestServer) {
    set(world, |settings| {
        settings
            .windows
            .iter_mut()
            .for_each(|window: &mut WindowRule| window.capacity = 1)
    })
    .await;
}

async fn taken(world: &TestServer) -> i64 {
    read(world, |tx| {
        tx.one(sql!("SELECT COUNT(*) AS n FROM place"), &[], |row| {
            row.get("n")
        })
    })
    .await
}

async fn the_last_place_goes_to_one_and_the_other_gets_the_three_nearest(world: TestServer) {
    one_seat(&world).await;
    let (mut ana, mut bea) = (Browser::new(&world), Browser::new(&world));
    let wanted = ana.reaches_time().await.windows().remove(2);
    assert!(bea.reaches_time().await.windows().contains(&wanted));
    ana.go_on("time", &[("window", &wanted)]).await.is("place");
    let late = bea.go_on("time", &[("window", &wanted)]).await.is("time");
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.says("Somebody has just taken that window.")
        .says("Nearest free windows");
    let offered = late.windows();
    assert!(!offered.contains(&wanted));
    let (nearest, all) = offered.split_at(3);
    assert!(nearest.iter().all(|window| all.contains(window)));
    bea.go_on("time", &[("window", &nearest[0])])
        .await
        .is("place");
    for browser in [&mut ana, &mut bea] {
        browser.go_on("place", HOME).await.is("review");
        browser.book(&[]).await.is("booked");
    }
    assert_eq!(
        taken(&world).await,
        32,
        "two windows of four hours, in quarters"
    );
}

async fn a_hold_lasts_ten_minutes_and_every_step_renews_it(world: TestServer) {
    one_seat(&world).await;
    let (mut ana, mut bea) = (Browser::new(&world), Browser::new(&world));
    let wanted = ana.reaches_time().await.windows().remove(2);
    ana.go_on("time", &[("window", &wanted)])
        .await
        .is("place")
        .says("held for you for 10 minutes");
    minutes_pass(&world, 8);
    ana.go_on("place", HOME).await.is("review");
    minutes_pass(&world, 8);
    assert!(
        !bea.reaches_time().await.windows().contains(&wanted),
        "sixteen minutes on it is still held"
    );
    minutes_pass(&world, 3);
    holds::free_expired(world.app().clone()).await.unwrap();
    assert_eq!(
        taken(&world).await,
        0,
        "nobody pays for a hold that has run out"
    );
    assert!(bea.open().await.is("time").windows().contains(&wanted));
}

async fn a_hold_that_ran_out_is_taken_anew_when_nobody_came(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_review().await;
    minutes_pass(&world, 20);
    holds::free_expired(world.app().clone()).await.unwrap();
    ana.book(&[]).await.is("booked");
    assert_eq!(taken(&world).await, 16);
}

async fn a_hold_that_was_lost_is_said_at_book_now(world: TestServer) {
    one_seat(&world).await;
    let (mut ana, mut bea) = (Browser::new(&world), Browser::new(&world));
    let wanted = ana.reaches_time().await.windows().remove(2);
    ana.go_on("time", &[("window", &wanted)]).await.is("place");
    ana.go_on("place", HOME).await.is("review");
    minutes_pass(&world, 11);
    bea.reaches_time().await;
    bea.go_on("time", &[("window", &wanted)]).await.is("place");
    let late = ana.book(&[]).await.is("review");
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.says("Somebody has just taken that window.");
    let nearest = late.windows();
    assert_eq!(nearest.len(), 3);
    // The other choice is booked with the same press.
    ana.book(&[("window", &nearest[1])]).await.is("booked");
    let session = ana.session(&world).await;
    let agreed = read(&world, move |tx| appointment::booked_by(tx, &session))
        .await
        .unwrap();
    assert!(nearest[1].starts_with(&agreed.window.start.as_microsecond().to_string()));
}

async fn choosing_another_window_lets_the_first_one_go(world: TestServer) {
    let mut ana = Browser::new(&world);
    let windows = ana.reaches_time().await.windows();
    for window in [&windows[2], &windows[3], &windows[2]] {
        ana.go_on("time", &[("window", window)]).await.is("place");
        assert_eq!(taken(&world).await, 16);
    }
}

async fn only_windows_that_were_offered_can_be_had(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_time().await;
    let now = world.clock.now().as_microsecond();
    let hour = 3_600_000_000_i64;
    for (from, to) in [
        (now + 30 * hour, now + 31 * hour),
        (now - hour, now),
        (now, now + 1),
        (0, 4 * hour),
    ] {
        let crafted = format!("{from}-{to}");
        let shown = ana.go_on("time", &[("window", &crafted)]).await.is("time");
        assert!(
            shown.status == StatusCode::CONFLICT,
            "{crafted}: {}",
            shown.status
        );
    }
    for crafted in [
        "",
        "1-",
        "x-y",
        "9223372036854775807-9223372036854775807",
        "-1--1",
    ] {
        let shown = ana.go_on("time", &[("window", crafted)]).await.is("time");
        shown.says("Choose an arrival window.");
    }
    assert_eq!(taken(&world).await, 0);
}

async fn twenty_want_the_last_place_at_once(world: TestServer) {
    one_seat(&world).await;
    let mut wanted = None;
    let mut visitors = Vec::new();
    for _ in 0..20 {
        let mut visitor = Browser {
            in_place: true,
            ..Browser::new(&world)
        };
        let windows = visitor.reaches_time().await.windows();
        wanted.get_or_insert_with(|| windows[2].clone());
        visitors.push(visitor);
    }
    let wanted = wanted.unwrap();
    let tries = visitors.into_iter().map(|mut visitor| {
        let wanted = wanted.clone();
        tokio::spawn(async move { visitor.go_on("time", &[("window", &wanted)]).await })
    });
    let mut won = 0;
    for attempt in tries.collect::<Vec<_>>() {
        let shown = attempt.await.unwrap();
        if shown.html.contains("data-step=\"place\"") {
            won += 1;
        } else {
            assert_eq!(shown.status, StatusCode::CONFLICT);
            assert!(shown.is("time").windows().len() > 3);
        }
    }
    assert_eq!(won, 1);
    assert_eq!(taken(&world).await, 16);
}

async fn book_now_pressed_twice_at_once_books_once(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_review().await;
    let presses = (0..6).map(|_| {
        let mut copy = Browser {
            cookie: ana.cookie.clone(),
            ..Browser::new(&world)
        };
        tokio::spawn(async move { copy.book(&[]).await })
    });
    for press in presses.collect::<Vec<_>>() {
        press.await.unwrap().is("booked");
    }
    let session = ana.session(&world).await;
    assert!(matches!(session.state, SessionState::Booked { .. }));
    let appointments = read(&world, |tx| {
        tx.one(sql!("SELECT COUNT(*) AS n FROM appointment"), &[], |row| {
            row.get::<i64>("n")
        })
    });
    assert_eq!((appointments.await, taken(&world).await), (1, 16));
}

async fn without_any_window_the_page_says_to_call(world: TestServer) {
    set(&world, |settings| settings.windows.clear()).await;
    let mut ana = Browser::new(&world);
    ana.reaches_contact().await;
    let shown = ana.go_on("contact", ANA).await.is("time");
    shown
        .says("There is no free window to book online right now.")
        .says("Call (602) 555-0100");
    ana.step("time", "back", &[]).await.is("contact");
}
