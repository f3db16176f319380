//! The inbox and what staff do with a lead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use jiff::SignedDuration;
use reqwest::StatusCode;
use ringback_domain::business::BusinessDetails;
use ringback_domain::delivery::{DeliveryKind, DeliveryState, DeliveryStatus, Planned};
use ringback_domain::id::LeadId;
use ringback_domain::lead::{LeadEvent, LeadState, LeadStatus, Recovery};
use ringback_domain::region::Region;
use ringback_server::crm::servicetitan::Settings;
use ringback_server::on_both_engines;
use ringback_server::seed::{DANA, SAM};
use ringback_server::store::business::NewBusiness;
use ringback_server::store::integration::{self, SERVICETITAN};
use ringback_server::store::outbox::Channel;
use ringback_server::store::{
    Order, appointment, business, delivery, lead, node, opt_out, outbox, scheduler, session,
};
use ringback_server::testing::TestServer;

use super::{Browser, hire_everybody, just_left, lead_of, somebody_leaves};

on_both_engines!(
    server: a_leaver_appears_in_an_open_inbox,
    a_call_claims_the_lead_and_stamps_the_first_contact,
    a_slip_of_the_finger_is_taken_back,
    what_somebody_else_did_since_is_not_undone,
    a_dismissal_says_why_and_can_be_reopened,
    what_a_dismissal_kept_from_servicetitan_goes_once_it_is_taken_back,
    a_colleagues_claim_is_said,
    who_booked_under_another_name_and_number_is_found_by_them,
    who_was_contacted_leaves_to_do_and_is_booked_by_phone,
    what_one_was_on_is_handed_back,
    a_dismissed_lead_offers_one_way_back_and_no_link,
    a_search_looks_through_all_leads_and_says_where_they_stand,
    a_search_goes_on_below_and_one_that_was_bent_is_none,
    a_search_knows_every_letter,
    notes_stand_on_the_timeline,
    leads_are_found_by_name_number_and_reference,
    the_list_goes_on_below_its_first_page,
    a_name_that_is_a_script_stays_a_name,
    another_businesss_lead_is_not_there,
    bent_requests_get_a_sentence,
    a_link_that_may_not_go_says_why,
    a_text_from_my_phone_carries_a_link_of_their_own,
    what_they_say_about_texts_on_the_phone_is_written_down,
    who_asks_for_no_texts_is_answered_once_none_is_on_the_wire,
    where_the_carrier_blocks_a_number_the_page_says_who_can_lift_it,
);

async fn a_leaver_appears_in_an_open_inbox(world: TestServer) {
    hire_everybody(&world).await;
    let mut dana = Browser::of(&world, DANA).await;
    let stream = dana
        .http
        .get(format!("{}/office/stream", world.url))
        .header("cookie", dana.cookie.clone().unwrap());
    let mut events = stream.send().await.unwrap().bytes_stream();
    let mut heard = String::new();
    while !heard.contains("event: hello") {
        heard += std::str::from_utf8(&events.next().await.unwrap().unwrap()).unwrap();
    }
    let id = just_left(&world, "Maria Alvarez").await;
    while !heard.contains(&format!("{{\"ids\":[{id}]}}")) {
        heard += std::str::from_utf8(&events.next().await.unwrap().unwrap()).unwrap();
    }
    let rows = dana
        .script_asks(&format!("/office/rows?show=live&ids={id}"))
        .await;
    assert_eq!(rows["new"], "1");
    assert_eq!(rows["rows"][0]["id"], id.get());
    let html = rows["rows"][0]["html"].as_str().unwrap();
    for said in [
        "Maria Alvarez",
        "(602) 555-0142",
        "tel:+16025550142",
        "When should we come?",
        "The box for a text was not ticked.",
        "data-unseen",
    ] {
        assert!(html.contains(said), "{said} in {html}");
    }

    assert!(lead_of(&world, id).await.stamps.shown_at.is_none());
    let ids = id.to_string();
    let shown = dana.script_posts("/office/shown", &[("ids", &ids)]).await;
    assert_eq!(shown.status, StatusCode::NO_CONTENT);
    let first = lead_of(&world, id).await.stamps.shown_at;
    world.clock.advance(SignedDuration::from_secs(60));
    dana.script_posts("/office/shown", &[("ids", &ids)]).await;
    assert!(first.is_some() && lead_of(&world, id).await.stamps.shown_at == first);

    dana.posts(
        &format!("/office/leads/{id}/dismiss"),
        &[("reason", "spam")],
    )
    .await;
    let rows = dana
        .script_asks(&format!("/office/rows?show=live&ids={id}"))
        .await;
    assert_eq!(rows["gone"][0], id.get());
}

async fn a_call_claims_the_lead_and_stamps_the_first_contact(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut sam = Browser::of(&world, SAM).await;
    let called = sam
        .script_posts(&format!("/office/leads/{id}/call"), &[])
        .await;
    let told: serde_json::Value = serde_json::from_str(&called.text).unwrap();
    assert_eq!(told["undo"], format!("/office/leads/{id}/undo"));
    let lead = lead_of(&world, id).await;
    assert_eq!(lead.state.status(), LeadStatus::Claimed);
    assert!(lead.stamps.first_contact_at.is_some());
    let mut dana = Browser::of(&world, DANA).await;
    assert!(
        dana.opens("/office")
            .await
            .text
            .contains("Sam Okafor on it")
    );
    assert!(
        !dana
            .opens("/office?show=mine")
            .await
            .text
            .contains("Maria Alvarez")
    );
    assert!(
        sam.opens("/office?show=mine")
            .await
            .text
            .contains("Maria Alvarez")
    );
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(page.contains("Sam Okafor called") && page.contains("The dog is friendly."));
}

async fn a_slip_of_the_finger_is_taken_back(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let act = |name: &str| format!("/office/leads/{id}/{name}");
    dana.posts(&act("claim"), &[]).await;
    let claimed = lead_of(&world, id).await.state;
    let plain = dana
        .posts(&act("contacted"), &[("back", "/office?show=mine")])
        .await;
    assert_eq!(
        plain.to,
        format!("/office?show=mine&did=contacted&lead={id}")
    );
    let page = dana.opens(&plain.to).await.text;
    assert!(page.contains("Marked as contacted.") && page.contains(&act("undo")));
    assert!(lead_of(&world, id).await.stamps.first_contact_at.is_some());

    dana.posts(&act("undo"), &[]).await;
    let lead = lead_of(&world, id).await;
    assert_eq!(lead.state, claimed);
    assert_eq!(lead.stamps.first_contact_at, None);
    let twice = dana.posts(&act("undo"), &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.text.contains("nothing of yours to undo"));
}

async fn what_somebody_else_did_since_is_not_undone(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let mut sam = Browser::of(&world, SAM).await;
    dana.posts(
        &format!("/office/leads/{id}/dismiss"),
        &[("reason", "too_far")],
    )
    .await;
    sam.posts(&format!("/office/leads/{id}/reopen"), &[]).await;
    sam.posts(&format!("/office/leads/{id}/claim"), &[]).await;
    let told = dana
        .script_posts(&format!("/office/leads/{id}/undo"), &[])
        .await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert_eq!(
        lead_of(&world, id).await.state.status(),
        LeadStatus::Claimed
    );
}

async fn a_dismissal_says_why_and_can_be_reopened(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let dismiss = format!("/office/leads/{id}/dismiss");
    let silent = dana
        .script_posts(&dismiss, &[("reason", "own"), ("own", "  ")])
        .await;
    assert_eq!(silent.status, StatusCode::CONFLICT);
    let problem: serde_json::Value = serde_json::from_str(&silent.text).unwrap();
    assert!(problem["detail"].as_str().unwrap().starts_with("Say why"));

    dana.posts(
        &dismiss,
        &[("reason", "own"), ("own", "Her brother does it")],
    )
    .await;
    assert!(!dana.opens("/office").await.text.contains("Maria Alvarez"));
    let set_aside = dana.opens("/office?show=dismissed").await.text;
    assert!(set_aside.contains("Dismissed by Dana Ruiz: Her brother does it"));
    let call = dana
        .script_posts(&format!("/office/leads/{id}/call"), &[])
        .await;
    assert!(call.text.contains("Reopen it first"));
    dana.posts(&format!("/office/leads/{id}/reopen"), &[]).await;
    assert_eq!(lead_of(&world, id).await.state, LeadState::New);
}

async fn what_a_dismissal_kept_from_servicetitan_goes_once_it_is_taken_back(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let left = lead_of(&world, id).await;
    let store = &world.app().store;
    let mut dana = Browser::of(&world, DANA).await;
    let business = left.business;
    let connect = store.write(Order::Any, move |tx| {
        integration::save(
            tx,
            business,
            SERVICETITAN,
            &Settings::default(),
            Some(b"sealed"),
        )
    });
    connect.await.unwrap();
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(
        page.contains("ServiceTitan was not connected then"),
        "{page}"
    );
    for (n, way_back) in ["reopen", "undo"].into_iter().enumerate() {
        dana.posts(
            &format!("/office/leads/{id}/dismiss"),
            &[("reason", "spam")],
        )
        .await;
        let session = left.session;
        let withdrawn = store.write(Order::Any, move |tx| {
            let visit = session::get(tx, business, session)?;
            let kind = DeliveryKind::CrmAbandoned;
            let planned = Planned {
                kind,
                due_at: tx.now(),
                expires_at: tx.now() + kind.lives_for(),
            };
            delivery::plan(tx, &visit, None, planned, None)?;
            delivery::withdraw(tx, &visit, |kind| !kind.is_text(), "dismissed")
        });
        assert!(withdrawn.await.unwrap() > 0);
        dana.posts(&format!("/office/leads/{id}/{way_back}"), &[])
            .await;
        let all = store.read(move |tx| delivery::of_lead(tx, business, id));
        let all = all.await.unwrap();
        let records = all.iter().filter(|d| d.kind == DeliveryKind::CrmAbandoned);
        let records: Vec<_> = records.map(|d| d.status).collect();
        assert_eq!(records.len(), 2 * (n + 1), "{way_back}: {records:?}");
        assert_ne!(
            records.last(),
            Some(&DeliveryStatus::Withdrawn),
            "{way_back}"
        );
    }
}

async fn a_colleagues_claim_is_said(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    Browser::of(&world, SAM)
        .await
        .posts(&format!("/office/leads/{id}/claim"), &[])
        .await;
    let mut dana = Browser::of(&world, DANA).await;
    let told = dana
        .script_posts(&format!("/office/leads/{id}/claim"), &[])
        .await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.text.contains("Sam Okafor has it."));
}

async fn who_booked_under_another_name_and_number_is_found_by_them(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let left = lead_of(&world, id).await;
    let booked = world.app().store.write(Order::Any, move |tx| {
        let mut visit = session::get(tx, left.business, left.session)?;
        visit.answers.name = "Mary Vega".into();
        visit.answers.phone = "+16025550177".into();
        let place = business::get(tx, left.business)?;
        let scheduler = scheduler::get(tx, left.business, left.scheduler)?;
        let settings = Arc::clone(&scheduler.settings);
        visit.answers.service.clone_from(&settings.services[1].key);
        let window = appointment::offers(tx, &place, &settings, None)?[0].windows[0].window;
        let agreed = appointment::agree(tx, &visit, &place, &settings, window)?.unwrap();
        session::book(tx, &mut visit, agreed, Recovery::Themselves).map(|_| settings)
    });
    let services = booked.await.unwrap().services.clone();
    let mut dana = Browser::of(&world, DANA).await;
    for wanted in ["mary vega", "555-0177"] {
        let to = searches(&mut dana, "recovered", wanted).await;
        let found = dana.opens(&to).await;
        assert!(found.text.contains("Mary Vega"), "{wanted}");
        assert!(found.text.contains(&services[1].title));
    }
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    let before = format!(
        "Before that: {}, Maria Alvarez, (602) 555-0142",
        services[0].title
    );
    assert!(page.contains(&before), "{before} in {page}");
    let appointment = lead_of(&world, id).await.appointment.unwrap();
    let anchor = format!("appointment-{appointment}");
    assert!(page.contains(&format!("href=\"/office/appointments#{anchor}\"")));
    let list = dana.opens("/office/appointments").await.text;
    assert!(list.contains(&format!("id=\"{anchor}\"")));
}

async fn who_was_contacted_leaves_to_do_and_is_booked_by_phone(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let act = |name: &str| format!("/office/leads/{id}/{name}");
    let stands_in = async |dana: &mut Browser, list: &str| {
        let page = dana.opens(&format!("/office?show={list}")).await.text;
        page.contains("Maria Alvarez")
    };
    dana.posts(&act("contacted"), &[]).await;
    assert!(!stands_in(&mut dana, "live").await);
    assert!(stands_in(&mut dana, "contacted").await && stands_in(&mut dana, "mine").await);
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(page.contains(&act("booked")) && !page.contains(&act("contacted")));
    assert!(page.contains("/office?show=contacted"));

    let booked = dana.posts(&act("booked"), &[]).await;
    let page = dana.opens(&booked.to).await.text;
    assert!(page.contains("Booked by phone. They are among the recovered now."));
    assert!(page.contains("Dana Ruiz booked them by phone"));
    assert!(page.contains("Booked by the office"));
    let lead = lead_of(&world, id).await;
    assert!(matches!(
        lead.state,
        LeadState::Recovered {
            how: Recovery::Staff,
            ..
        }
    ));
    assert!(lead.stamps.recovered_at.is_some());
    assert!(stands_in(&mut dana, "recovered").await && !stands_in(&mut dana, "contacted").await);
    let again = dana.script_posts(&act("booked"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let mut sam = Browser::of(&world, SAM).await;
    let not_his = sam.script_posts(&act("undo"), &[]).await;
    assert_eq!(not_his.status, StatusCode::CONFLICT);

    dana.posts(&act("undo"), &[]).await;
    let lead = lead_of(&world, id).await;
    assert_eq!(lead.state.status(), LeadStatus::Contacted);
    assert_eq!(lead.stamps.recovered_at, None);
}

async fn what_one_was_on_is_handed_back(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    dana.posts(&format!("/office/leads/{id}/claim"), &[]).await;
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(page.contains("Hand back"), "{page}");
    assert!(page.contains("on it, just now") && !page.contains("you on it"));
    assert!(!page.contains(&format!("/office/leads/{id}/undo")));
    let mut sam = Browser::of(&world, SAM).await;
    let his = sam.opens(&format!("/office/leads/{id}")).await.text;
    assert!(!his.contains("Hand back"));

    let back = dana.posts(&format!("/office/leads/{id}/reopen"), &[]).await;
    let page = dana.opens(&back.to).await.text;
    assert!(page.contains("Handed back.") && page.contains("Dana Ruiz handed it back"));
    assert_eq!(lead_of(&world, id).await.state, LeadState::New);
}

async fn a_dismissed_lead_offers_one_way_back_and_no_link(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let lead = id.to_string();
    let task = [("title", "Send the offer"), ("lead", lead.as_str())];
    dana.posts("/office/tasks", &task).await;
    let link = format!("/office/leads/{id}/link");
    assert!(
        dana.opens(&format!("/office/leads/{id}"))
            .await
            .text
            .contains("Send booking link")
    );

    let dismissed = dana
        .posts(
            &format!("/office/leads/{id}/dismiss"),
            &[("reason", "spam")],
        )
        .await;
    let told = dana.opens(&dismissed.to).await.text;
    assert!(told.contains("A task about them is still open."));
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(page.contains(&format!("/office/leads/{id}/reopen")));
    for gone in ["/undo\"", "Send booking link", "Text from my phone"] {
        assert!(!page.contains(gone), "{gone}");
    }
    let refused = dana.script_posts(&link, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("Reopen it first"));
}

async fn a_search_looks_through_all_leads_and_says_where_they_stand(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    somebody_leaves(&world, "Luis Prado", "+16025550177", SignedDuration::ZERO).await;
    let mut dana = Browser::of(&world, DANA).await;
    dana.posts(
        &format!("/office/leads/{id}/dismiss"),
        &[("reason", "spam")],
    )
    .await;
    for (show, q) in [("live", "alvarez"), ("", "0142"), ("mine", "maria")] {
        let to = searches(&mut dana, show, q).await;
        let page = dana.opens(&to).await.text;
        assert!(page.contains("Maria Alvarez"), "{q}");
        assert!(page.contains("Dismissed by Dana Ruiz"), "{q}");
        assert!(!page.contains("Luis Prado"), "{q}");
        assert!(page.contains("Found among all leads."), "{q}");
        assert!(page.contains(&format!("value=\"{q}\"")), "{q}");
        // The live rows ask in the page's own words.
        let asked = to.split_once('?').unwrap().1;
        let rows = dana
            .script_asks(&format!("/office/rows?{asked}&ids={id}"))
            .await;
        assert_eq!(rows["rows"][0]["id"], id.get());
    }
    let to = searches(&mut dana, "live", "nobody").await;
    let nothing = dana.opens(&to).await.text;
    assert!(nothing.contains("Nothing found") && nothing.contains("Clear the search"));
    let cleared = searches(&mut dana, "mine", " ").await;
    assert_eq!(cleared, "/office?show=mine");
}

/// The address a search leads to: what was typed does not stand in it.
async fn searches(browser: &mut Browser, show: &str, q: &str) -> String {
    let found = browser.posts("/office", &[("show", show), ("q", q)]).await;
    assert_eq!(found.status, StatusCode::SEE_OTHER);
    assert!(q.trim().is_empty() || !found.to.contains(q), "{}", found.to);
    found.to
}

async fn a_search_goes_on_below_and_one_that_was_bent_is_none(world: TestServer) {
    hire_everybody(&world).await;
    for n in 0..51 {
        let phone = format!("+16025550{n:03}");
        somebody_leaves(
            &world,
            "Maria Alvarez",
            &phone,
            SignedDuration::from_mins(n),
        )
        .await;
    }
    somebody_leaves(&world, "Luis Prado", "+16025550177", SignedDuration::ZERO).await;
    let mut dana = Browser::of(&world, DANA).await;
    let to = searches(&mut dana, "live", "alvarez").await;
    let page = dana.opens(&to).await.text;
    let (_, more) = page
        .split_once("<p class=\"more\"><a class=\"button\" href=\"")
        .unwrap();
    let more = more.split('"').next().unwrap().replace("&#38;", "&");
    let below = dana.opens(&more).await.text;
    assert_eq!(below.matches("data-open").count(), 1);
    assert!(below.contains("(602) 555-0050") && below.contains("value=\"alvarez\""));

    let list = dana.opens(&to.replace("search=", "search=x")).await.text;
    assert!(list.contains("Luis Prado") && !list.contains("value=\"alvarez\""));
}

async fn a_search_knows_every_letter(world: TestServer) {
    hire_everybody(&world).await;
    just_left(&world, "ÓSCAR Álvarez").await;
    somebody_leaves(&world, "Luis Prado", "+16025550177", SignedDuration::ZERO).await;
    let mut dana = Browser::of(&world, DANA).await;
    for q in ["álvarez", "Álvarez", "óscar", "Óscar á"] {
        let to = searches(&mut dana, "", q).await;
        let page = dana.opens(&to).await.text;
        assert!(
            page.contains("ÓSCAR Álvarez") && !page.contains("Luis Prado"),
            "{q}"
        );
    }
}

async fn notes_stand_on_the_timeline(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let note = format!("/office/leads/{id}/note");
    assert!(
        dana.posts(&note, &[("note", " ")])
            .await
            .text
            .contains("Write something first.")
    );
    assert!(
        dana.posts(&note, &[("note", &"x".repeat(3000))])
            .await
            .text
            .contains("too long")
    );
    dana.posts(&note, &[("note", "Call after five.\u{0}\nGate code 4411")])
        .await;
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(page.contains("Dana Ruiz noted") && page.contains("Call after five.\nGate code 4411"));
}

async fn leads_are_found_by_name_number_and_reference(world: TestServer) {
    hire_everybody(&world).await;
    let hour = SignedDuration::from_hours(1);
    let maria = somebody_leaves(&world, "Maria Alvarez", "+16025550142", hour).await;
    somebody_leaves(&world, "Tom Becker", "+16025550177", hour).await;
    let mut dana = Browser::of(&world, DANA).await;
    let reference = lead_of(&world, maria).await.reference;
    for asked in ["alvarez", "ALVAR", "(602) 555-0142", "555.0142", &reference] {
        let to = searches(&mut dana, "", asked).await;
        let page = dana.opens(&to).await.text;
        assert!(
            page.contains("Maria Alvarez") && !page.contains("Tom Becker"),
            "{asked}"
        );
        let rows = dana
            .script_asks(&format!(
                "{}&ids={maria}",
                to.replace("/office", "/office/rows")
            ))
            .await;
        assert_eq!(rows["rows"].as_array().unwrap().len(), 1, "{asked}");
    }
    let to = searches(&mut dana, "", "%").await;
    let page = dana.opens(&to).await.text;
    assert!(page.contains("Nothing found") || page.contains("Maria Alvarez"));
    let to = searches(&mut dana, "", "Nobody").await;
    assert!(dana.opens(&to).await.text.contains("Nothing found"));
}

async fn the_list_goes_on_below_its_first_page(world: TestServer) {
    hire_everybody(&world).await;
    for n in 0..53 {
        let phone = format!("+1602555{:04}", 200 + n);
        somebody_leaves(
            &world,
            &format!("Visitor {n:02}"),
            &phone,
            SignedDuration::from_mins(n),
        )
        .await;
    }
    let mut dana = Browser::of(&world, DANA).await;
    let page = dana.opens("/office").await.text;
    assert_eq!(page.matches("data-lead=").count(), 50);
    assert!(page.find("Visitor 00").unwrap() < page.find("Visitor 49").unwrap());
    let more = page.split("href=\"/office?").find_map(|link| {
        let query = link.split('"').next()?;
        query
            .contains("before")
            .then(|| query.replace("&#38;", "&").replace("&amp;", "&"))
    });
    let below = dana.opens(&format!("/office?{}", more.unwrap())).await.text;
    assert_eq!(below.matches("data-lead=").count(), 3);
    assert!(below.contains("Visitor 52") && !below.contains("Visitor 49"));
}

async fn a_name_that_is_a_script_stays_a_name(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "<script>alert(1)</script>\"'&").await;
    let mut dana = Browser::of(&world, DANA).await;
    for path in ["/office".to_owned(), format!("/office/leads/{id}")] {
        let page = dana.opens(&path).await.text;
        assert!(!page.contains("<script>alert"), "{path}");
        assert!(
            page.contains("script&#62;") || page.contains("script&gt;"),
            "{path}"
        );
    }
}

async fn another_businesss_lead_is_not_there(world: TestServer) {
    hire_everybody(&world).await;
    let mine = just_left(&world, "Maria Alvarez").await;
    let elsewhere = |tx: &mut ringback_server::store::Tx<'_>| {
        let new = NewBusiness {
            name: "Elsewhere".into(),
            region: Region::UnitedStates,
            time_zone: "America/Phoenix".into(),
            locale: "en".into(),
            phone: None,
            details: BusinessDetails::default(),
        };
        let other = business::create(tx, &new)?;
        let hash = ringback_server::office::passwords::hash("copperline-demo");
        let role = ringback_domain::staff::Role::Administrator;
        ringback_server::seed::hire(tx, other, "Eve", "eve@elsewhere.example", role, &hash)
    };
    world
        .app()
        .store
        .write(Order::Any, elsewhere)
        .await
        .unwrap();
    let mut eve = Browser::of(&world, "eve@elsewhere.example").await;
    assert!(!eve.opens("/office").await.text.contains("Maria"));
    let path = format!("/office/leads/{mine}");
    assert_eq!(eve.opens(&path).await.status, StatusCode::NOT_FOUND);
    for act in [
        "claim",
        "call",
        "contacted",
        "dismiss",
        "undo",
        "note",
        "link",
        "own-text",
    ] {
        let fields = [("reason", "spam"), ("note", "x")];
        let told = eve.posts(&format!("{path}/{act}"), &fields).await;
        assert_eq!(told.status, StatusCode::NOT_FOUND, "{act}");
    }
    let rows = eve.script_asks(&format!("/office/rows?ids={mine}")).await;
    assert_eq!(rows["gone"][0], mine.get());
    eve.script_posts("/office/shown", &[("ids", &mine.to_string())])
        .await;
    assert!(lead_of(&world, mine).await.stamps.shown_at.is_none());
}

async fn bent_requests_get_a_sentence(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    for (path, status) in [
        ("/office/leads/999999", StatusCode::NOT_FOUND),
        ("/office/leads/x", StatusCode::NOT_FOUND),
        ("/office/leads/99999999999999999999", StatusCode::NOT_FOUND),
        ("/office?before=bent", StatusCode::UNPROCESSABLE_ENTITY),
        ("/office/rows?ids=1,x", StatusCode::UNPROCESSABLE_ENTITY),
        ("/office?show=sideways&q=%00%ff", StatusCode::OK),
        ("/office/none", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(dana.opens(path).await.status, status, "{path}");
    }
    let reason = [("reason", "own"), ("own", "\u{0}\u{7}")];
    let told = dana
        .script_posts(&format!("/office/leads/{id}/dismiss"), &reason)
        .await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    let huge = "x".repeat(10 * 1024 * 1024);
    let told = dana
        .posts(&format!("/office/leads/{id}/note"), &[("note", &huge)])
        .await;
    assert_eq!(told.status, StatusCode::PAYLOAD_TOO_LARGE);
}

async fn a_link_that_may_not_go_says_why(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let page = dana.opens(&format!("/office/leads/{id}")).await.text;
    assert!(page.contains("No booking link can be sent:"));
    assert!(
        page.contains("sms:+16025550142?&#38;body=Hi%20Maria")
            || page.contains("sms:+16025550142?&amp;body=Hi%20Maria")
    );
    let told = dana
        .script_posts(&format!("/office/leads/{id}/link"), &[])
        .await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.text.contains("The box for a text was not ticked."));
    let business = world.seeded.business;
    let events = move |tx: &mut ringback_server::store::Tx<'_>| {
        lead::events(tx, business, LeadId::new(id.get()))
    };
    assert_eq!(world.app().store.read(events).await.unwrap().len(), 1);
}

async fn a_text_from_my_phone_carries_a_link_of_their_own(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut dana = Browser::of(&world, DANA).await;
    let page = format!("/office/leads/{id}");
    assert!(
        !dana.opens(&page).await.text.contains("%2Fr%2F"),
        "looking gives no link"
    );

    let act = format!("{page}/own-text");
    let told = dana.script_posts(&act, &[]).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    let told: serde_json::Value = serde_json::from_str(&told.text).unwrap();
    let open = told["open"].as_str().unwrap();
    assert!(open.starts_with("sms:+16025550142?&body=Hi%20Maria%2C%20this%20is%20Dana"));
    let (_, token) = open.split_once("%2Fr%2F").unwrap();
    // The link opens their session, here on a phone that has never been seen.
    let mut phone = Browser::new(&world);
    let link = format!("/r/{token}");
    let shown = phone.opens(&link).await;
    assert!(shown.text.contains("Finish your booking"));
    phone.cookie = None;
    let opened = phone
        .http
        .post(format!("{}{link}", world.url))
        .send()
        .await
        .unwrap();
    assert!(opened.text().await.unwrap().contains("data-step=\"time\""));
    let business = world.seeded.business;
    let events = move |tx: &mut ringback_server::store::Tx<'_>| lead::events(tx, business, id);
    let kinds: Vec<LeadEvent> = world
        .app()
        .store
        .read(events)
        .await
        .unwrap()
        .iter()
        .map(|event| event.kind)
        .collect();
    assert!(kinds.contains(&LeadEvent::OwnText) && kinds.contains(&LeadEvent::LinkOpened));
    let told = dana.opens(&page).await.text;
    assert!(told.contains("Dana Ruiz texts them a link from their own phone"));

    // Who said STOP gets none, and the page offers none.
    let stop = move |tx: &mut ringback_server::store::Tx<'_>| {
        let (phone, source) = ("+16025550142", opt_out::Source::InboundText);
        opt_out::note(tx, business, phone, true, source, "STOP")
    };
    world.app().store.write(Order::Any, stop).await.unwrap();
    let told = dana.script_posts(&act, &[]).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.text.contains("They asked not to be texted."));
    let page = dana.opens(&page).await.text;
    assert!(!page.contains("own-text") && !page.contains("sms:"));
}

async fn what_they_say_about_texts_on_the_phone_is_written_down(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let mut sam = Browser::of(&world, SAM).await;
    let page = format!("/office/leads/{id}");
    assert!(
        sam.opens(&page)
            .await
            .text
            .contains("Asked not to be texted")
    );
    for _ in 0..2 {
        let told = sam.script_posts(&format!("{page}/no-texts"), &[]).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
        assert!(told.text.contains("No more texts go to this number."));
    }
    let told = sam.opens(&page).await.text;
    assert!(told.contains("They asked the office not to be texted"));
    assert!(told.contains("They asked not to be texted.") && !told.contains("sms:"));
    let line = "Sam Okafor noted that they asked not to be texted.";
    assert_eq!(told.matches(line).count(), 1, "pressed twice, written once");

    // Texts are welcome again with what they said, and not without.
    let again = format!("{page}/texts-again");
    let told = sam.script_posts(&again, &[("note", " ")]).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.text.contains("Write down what they said"));
    let said = "She rang at 3: do text me.";
    let told = sam.posts(&again, &[("note", said)]).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text);
    let told = sam.opens(&told.to).await.text;
    assert!(told.contains("Texts may go to this number again."));
    assert!(told.contains("Sam Okafor noted that they want texts again") && told.contains(said));
    assert!(told.contains("Asked not to be texted") && told.contains("sms:"));
    let business = world.seeded.business;
    let ledger =
        move |tx: &mut ringback_server::store::Tx<'_>| opt_out::lines(tx, business, "+16025550142");
    let ledger = world.app().store.read(ledger).await.unwrap();
    let kept: Vec<_> = ledger
        .iter()
        .map(|line| (line.opted_out, line.source, line.said.as_str()))
        .collect();
    let staff = opt_out::Source::Staff;
    assert_eq!(kept, [(false, staff, said), (true, staff, "")]);
    let told = sam.script_posts(&again, &[("note", said)]).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
}

async fn who_asks_for_no_texts_is_answered_once_none_is_on_the_wire(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let business = world.seeded.business;
    let (mut sam, mut dana) = (
        Browser::of(&world, SAM).await,
        Browser::of(&world, DANA).await,
    );
    // Another server has put a text to them on the wire.
    let put_on_the_wire = move |tx: &mut ringback_server::store::Tx<'_>| {
        let other = node::begin(tx, "the other node")?;
        let lead = lead::get(tx, business, id)?.unwrap();
        let mut visit = session::get(tx, business, lead.session)?;
        visit.lead = Some(id);
        let text = Planned {
            kind: DeliveryKind::TextFollowUp,
            due_at: tx.now(),
            expires_at: tx.now() + SignedDuration::from_hours(48),
        };
        delivery::plan(tx, &visit, None, text, None)?;
        let text = outbox::claim(tx, &other, business, Channel::Text, 1)?.remove(0);
        assert!(outbox::put_on_wire(tx, &text, Some("our-id"))?);
        Ok(text)
    };
    let store = &world.app().store;
    let text = store.write(Order::Any, put_on_the_wire).await.unwrap();
    let page = format!("/office/leads/{id}");
    let told = AtomicBool::new(false);
    let presses = async {
        let answer = sam.script_posts(&format!("{page}/no-texts"), &[]).await;
        told.store(true, Ordering::SeqCst);
        answer
    };
    let carrier_answers = async {
        while !dana.opens(&page).await.text.contains("texts-again") {}
        // It is written down; another page later Sam is still waiting.
        dana.opens(&page).await;
        let before = told.load(Ordering::SeqCst);
        let sent = DeliveryState::Done {
            outside_id: "SM1".into(),
        };
        let settle = move |tx: &mut ringback_server::store::Tx<'_>| {
            outbox::settle(tx, &text, &sent, 0, None)
        };
        assert!(store.write(Order::Any, settle).await.unwrap());
        before
    };
    let (answer, told_before) = tokio::join!(presses, carrier_answers);
    assert!(!told_before, "a text was on its way to the carrier still");
    assert_eq!(answer.status, StatusCode::OK);
}

async fn where_the_carrier_blocks_a_number_the_page_says_who_can_lift_it(world: TestServer) {
    hire_everybody(&world).await;
    let id = just_left(&world, "Maria Alvarez").await;
    let business = world.seeded.business;
    let stop = move |tx: &mut ringback_server::store::Tx<'_>| {
        let (phone, source) = ("+16025550142", opt_out::Source::InboundText);
        opt_out::note(tx, business, phone, true, source, "CANCEL")
    };
    world.app().store.write(Order::Any, stop).await.unwrap();
    let mut sam = Browser::of(&world, SAM).await;
    let page = format!("/office/leads/{id}");
    let told = sam.opens(&page).await.text;
    assert!(told.contains("They texted “CANCEL”") && told.contains("they text START"));
    assert!(!told.contains("texts-again") && !told.contains("/no-texts"));
    let again = format!("{page}/texts-again");
    let told = sam.script_posts(&again, &[("note", "She said so.")]).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.text.contains("they text START"));
}
