//! What has been booked, told as stories.

use ringback_domain::lead::Recovery;
use ringback_domain::session::{Answers, CameFrom};
use ringback_server::on_both_engines;
use ringback_server::random;
use ringback_server::seed::SAM;
use ringback_server::store::{Order, appointment, business, scheduler, session};
use ringback_server::testing::TestServer;

use crate::{Browser, hire_everybody};

on_both_engines!(server: what_is_booked_without_leaving_stands_in_the_list_also_without_servicetitan);

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
