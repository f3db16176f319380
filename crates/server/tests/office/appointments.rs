//! What has been booked, told as stories.

use jiff::SignedDuration;
use reqwest::StatusCode;
use ringback_domain::appointment::{Appointment, AppointmentStatus};
use ringback_domain::delivery::{DeliveryKind, DeliveryState, DeliveryStatus, Planned};
use ringback_domain::lead::Recovery;
use ringback_domain::session::{Answers, CameFrom, ChosenWindow};
use ringback_server::on_both_engines;
use ringback_server::random;
use ringback_server::seed::SAM;
use ringback_server::store::{Order, appointment, business, delivery, outbox, scheduler, session};
use ringback_server::testing::TestServer;

use crate::tasks::more;
use crate::{Browser, hire_everybody, just_left, lead_of};

on_both_engines!(server:
    what_is_booked_without_leaving_stands_in_the_list_also_without_servicetitan,
    what_the_office_cancels_frees_its_window_and_can_be_put_back,
    what_is_cancelled_does_not_reach_servicetitan_any_more,
    what_is_cancelled_is_not_tried_again,
    a_window_that_somebody_else_took_meanwhile_is_not_put_back,
    only_what_is_to_come_is_cancelled,
    a_long_list_goes_on_below,
);

async fn what_is_booked_without_leaving_stands_in_the_list_also_without_servicetitan(
    world: TestServer,
) {
    hire_everybody(&world).await;
    let mut sam = Browser::of(&world, SAM).await;
    let empty = sam.opens("/office/appointments").await;
    assert!(empty.text.contains("No appointments yet"));

    let seeded = world.seeded.clone();
    let booked = world.app().store.write(Order::Any, move |tx| {
        let place = business::get(tx, seeded.business)?;
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        let token = random::token();
        let mut visit = session::start(tx, &scheduler, token.as_bytes(), CameFrom::default())?;
        visit.answers = Answers {
            name: "Ana Morales".into(),
            phone: "+16025550142".into(),
            service: "cooling-repair".into(),
            notes: "The dog is friendly".into(),
            ..Answers::default()
        };
        let days = appointment::offers(tx, &place, &scheduler.settings, None)?;
        let window = days[0].windows[0].window;
        let agreed = appointment::agree(tx, &visit, &place, &scheduler.settings, window)?;
        let how = Recovery::Themselves;
        session::book(tx, &mut visit, agreed.expect("a free window"), how)
    });
    booked.await.unwrap().unwrap();

    let list = sam.opens("/office/appointments").await;
    for told in [
        "Ana Morales",
        "(602) 555-0142",
        "Air conditioning repair",
        "The dog is friendly",
    ] {
        assert!(list.text.contains(told), "{told}");
    }
    let past = sam.opens("/office/appointments?show=past").await;
    assert!(!past.text.contains("Ana Morales"));
}

async fn a_long_list_goes_on_below(world: TestServer) {
    hire_everybody(&world).await;
    let seeded = world.seeded.clone();
    let booked = world.app().store.write(Order::Any, move |tx| {
        let place = business::get(tx, seeded.business)?;
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        let mut settings = scheduler.settings.as_ref().clone();
        for window in &mut settings.windows {
            window.capacity = 60;
        }
        let days = appointment::offers(tx, &place, &settings, None)?;
        for n in 0..52 {
            let window = days[usize::from(n > 48)].windows[0].window;
            let token = random::token();
            let mut visit = session::start(tx, &scheduler, token.as_bytes(), CameFrom::default())?;
            visit.answers.name = format!("Visitor {n}.");
            visit.answers.phone = format!("+16025550{n:03}");
            visit.answers.service = "cooling-repair".into();
            let agreed = appointment::agree(tx, &visit, &place, &settings, window)?;
            let how = Recovery::Themselves;
            session::book(tx, &mut visit, agreed.expect("a free window"), how)?.unwrap();
        }
        Ok(())
    });
    booked.await.unwrap();
    let mut sam = Browser::of(&world, SAM).await;
    let came_and_went = async |sam: &mut Browser, list: &str| {
        let page = sam
            .opens(&format!("/office/appointments?show={list}"))
            .await
            .text;
        let below = sam.opens(&more(&page)).await.text;
        assert_eq!(page.matches("appointment__when").count(), 50, "{list}");
        assert_eq!(below.matches("appointment__when").count(), 2, "{list}");
        assert!(!below.contains("More appointments"), "{list}");
        (page, below)
    };
    let (page, below) = came_and_went(&mut sam, "to-come").await;
    assert!(page.contains("Visitor 0.") && page.contains("Visitor 49."));
    assert!(below.contains("Visitor 50.") && below.contains("Visitor 51."));
    world.clock.advance(SignedDuration::from_hours(24 * 14));
    // The latest first.
    let (page, below) = came_and_went(&mut sam, "past").await;
    assert!(page.contains("Visitor 51.") && below.contains("Visitor 0."));
}

/// Somebody who left has booked after all, a window of which there is one.
async fn booked(world: &TestServer) -> Appointment {
    hire_everybody(world).await;
    let id = just_left(world, "Maria Alvarez").await;
    let left = lead_of(world, id).await;
    let one_each = world.app().store.write(Order::Any, move |tx| {
        let found = scheduler::get(tx, left.business, left.scheduler)?;
        let mut settings = found.settings.as_ref().clone();
        for window in &mut settings.windows {
            window.capacity = 1;
        }
        let (id, version) = (left.scheduler, found.version);
        scheduler::save(tx, left.business, id, version, &found.name, &settings)?;
        let mut visit = session::get(tx, left.business, left.session)?;
        let place = business::get(tx, left.business)?;
        // Some days ahead, so that it is still ahead when a story lets time go by.
        let window = appointment::offers(tx, &place, &settings, None)?[3].windows[0].window;
        let agreed = appointment::agree(tx, &visit, &place, &settings, window)?;
        let agreed = agreed.expect("a free window");
        session::book(tx, &mut visit, agreed, Recovery::Themselves)?.expect("not booked before");
        appointment::get(tx, left.business, agreed)
    });
    one_each.await.unwrap()
}

async fn is_offered(world: &TestServer, window: ChosenWindow) -> bool {
    let seeded = world.seeded.clone();
    let days = world.app().store.read(move |tx| {
        let place = business::get(tx, seeded.business)?;
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        appointment::offers(tx, &place, &scheduler.settings, None)
    });
    let days = days.await.unwrap();
    let mut offered = days.iter().flat_map(|day| &day.windows);
    offered.any(|offered| offered.window == window)
}

async fn as_it_stands(world: &TestServer, appointment: &Appointment) -> Appointment {
    let (business, id) = (appointment.business, appointment.id);
    let found = world
        .app()
        .store
        .read(move |tx| appointment::get(tx, business, id));
    found.await.unwrap()
}

async fn what_the_office_cancels_frees_its_window_and_can_be_put_back(world: TestServer) {
    let appointment = booked(&world).await;
    let mut sam = Browser::of(&world, SAM).await;
    let act = |name: &str| format!("/office/appointments/{}/{name}", appointment.id);
    assert!(!is_offered(&world, appointment.window).await);
    assert!(
        sam.opens("/office/appointments")
            .await
            .text
            .contains(&act("cancel"))
    );

    let back = ("back", "/office/appointments");
    let cancelled = sam.posts(&act("cancel"), &[back]).await;
    let page = sam.opens(&cancelled.to).await.text;
    assert!(page.contains("The window is free again") && page.contains(&act("undo")));
    assert!(!page.contains("Maria Alvarez"));
    let list = sam.opens("/office/appointments?show=cancelled").await.text;
    assert!(list.contains("Maria Alvarez") && list.contains("Cancelled by Sam Okafor, just now"));
    assert!(is_offered(&world, appointment.window).await);
    let lead = format!("/office/leads/{}", appointment.lead.unwrap());
    let page = sam.opens(&lead).await.text;
    assert!(page.contains("Sam Okafor cancelled the appointment"));
    assert!(page.contains("</s> cancelled"));
    let twice = sam.script_posts(&act("cancel"), &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.text.contains("cancelled already"));

    let kept = sam.posts(&act("undo"), &[back]).await;
    let page = sam.opens(&kept.to).await.text;
    assert!(page.contains("stands again") && page.contains("Maria Alvarez"));
    assert!(!is_offered(&world, appointment.window).await);
    let stands = as_it_stands(&world, &appointment).await;
    assert_eq!(stands.status, AppointmentStatus::Agreed);
    assert_eq!(stands.cancelled, None);
    let twice = sam.script_posts(&act("undo"), &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
}

async fn what_is_cancelled_does_not_reach_servicetitan_any_more(world: TestServer) {
    let appointment = booked(&world).await;
    let (business, session) = (appointment.business, appointment.session);
    let id = appointment.id;
    let waits = world.app().store.write(Order::Any, move |tx| {
        let visit = session::get(tx, business, session)?;
        let hour = SignedDuration::from_hours(1);
        let planned = Planned {
            kind: DeliveryKind::CrmBooked,
            due_at: tx.now() + hour,
            expires_at: tx.now() + hour * 9,
        };
        delivery::plan(tx, &visit, Some(id), planned, None)
    });
    waits.await.unwrap();
    let stand = async || {
        let found = world.app().store.read(move |tx| {
            let visit = session::get(tx, business, session)?;
            delivery::of_session(tx, &visit)
        });
        let found = found.await.unwrap();
        found
            .iter()
            .filter(|d| d.kind == DeliveryKind::CrmBooked)
            .map(|d| (d.status, d.why.clone()))
            .collect::<Vec<_>>()
    };
    let mut sam = Browser::of(&world, SAM).await;
    sam.posts(&format!("/office/appointments/{id}/cancel"), &[])
        .await;
    let withdrawn = (DeliveryStatus::Withdrawn, Some("cancelled".to_owned()));
    assert_eq!(stand().await, std::slice::from_ref(&withdrawn));
    sam.posts(&format!("/office/appointments/{id}/undo"), &[])
        .await;
    let all = stand().await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[0], withdrawn);
}

async fn what_is_cancelled_is_not_tried_again(world: TestServer) {
    let appointment = booked(&world).await;
    let (business, session, id) = (appointment.business, appointment.session, appointment.id);
    let refused = world.app().store.write(Order::Any, move |tx| {
        let visit = session::get(tx, business, session)?;
        let planned = Planned {
            kind: DeliveryKind::CrmBooked,
            due_at: tx.now(),
            expires_at: tx.now() + SignedDuration::from_hours(1),
        };
        let planned = delivery::plan(tx, &visit, Some(id), planned, None)?;
        let planned = outbox::get(tx, business, planned)?.expect("just planned");
        let why = "crm-refused".to_owned();
        let state = DeliveryState::Refused { why: why.clone() };
        outbox::settle(tx, &planned, &state, 0, Some(&why))
    });
    assert!(refused.await.unwrap());
    let mut sam = Browser::of(&world, SAM).await;
    let lead = format!("/office/leads/{}", appointment.lead.unwrap());
    for page in ["/office/appointments", &lead] {
        assert!(sam.opens(page).await.text.contains("/retry"), "{page}");
    }
    sam.posts(&format!("/office/appointments/{id}/cancel"), &[])
        .await;
    for page in ["/office/appointments?show=cancelled", &lead] {
        assert!(!sam.opens(page).await.text.contains("/retry"), "{page}");
    }
}

async fn a_window_that_somebody_else_took_meanwhile_is_not_put_back(world: TestServer) {
    let appointment = booked(&world).await;
    let mut sam = Browser::of(&world, SAM).await;
    sam.posts(
        &format!("/office/appointments/{}/cancel", appointment.id),
        &[],
    )
    .await;
    let (seeded, window) = (world.seeded.clone(), appointment.window);
    let other = world.app().store.write(Order::Any, move |tx| {
        let place = business::get(tx, seeded.business)?;
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        let token = random::token();
        let visit = session::start(tx, &scheduler, token.as_bytes(), CameFrom::default())?;
        appointment::agree(tx, &visit, &place, &scheduler.settings, window)
    });
    assert!(other.await.unwrap().is_some());
    let refused = sam
        .script_posts(
            &format!("/office/appointments/{}/undo", appointment.id),
            &[],
        )
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("not free any more"));
    let stands = as_it_stands(&world, &appointment).await;
    assert_eq!(stands.status, AppointmentStatus::Cancelled);
}

async fn only_what_is_to_come_is_cancelled(world: TestServer) {
    let appointment = booked(&world).await;
    world.clock.advance(SignedDuration::from_hours(24 * 14));
    let mut sam = Browser::of(&world, SAM).await;
    let past = sam.opens("/office/appointments?show=past").await.text;
    assert!(past.contains("Maria Alvarez") && !past.contains("/cancel\""));
    for (id, status) in [
        (appointment.id.get(), StatusCode::CONFLICT),
        (999_999, StatusCode::NOT_FOUND),
    ] {
        let refused = sam
            .script_posts(&format!("/office/appointments/{id}/cancel"), &[])
            .await;
        assert_eq!(refused.status, status, "{}", refused.text);
    }
}
