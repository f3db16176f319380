//! The inbox and what staff do with a lead.

use futures_util::StreamExt;
use jiff::SignedDuration;
use reqwest::StatusCode;
use ringback_domain::business::BusinessDetails;
use ringback_domain::id::LeadId;
use ringback_domain::lead::{LeadState, LeadStatus};
use ringback_domain::region::Region;
use ringback_server::on_both_engines;
use ringback_server::seed::{DANA, SAM};
use ringback_server::store::business::NewBusiness;
use ringback_server::store::{Order, business, lead};
use ringback_server::testing::TestServer;

use super::{Browser, hire_everybody, just_left, lead_of, somebody_leaves};

on_both_engines!(
    server: a_leaver_appears_in_an_open_inbox,
    a_call_claims_the_lead_and_stamps_the_first_contact,
    a_slip_of_the_finger_is_taken_back,
    what_somebody_else_did_since_is_not_undone,
    a_dismissal_says_why_and_can_be_reopened,
    a_colleagues_claim_is_said,
    notes_stand_on_the_timeline,
    leads_are_found_by_name_number_and_reference,
    the_list_goes_on_below_its_first_page,
    a_name_that_is_a_script_stays_a_name,
    another_businesss_lead_is_not_there,
    bent_requests_get_a_sentence,
    a_link_that_may_not_go_says_why,
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
    assert_eq!(rows["new"], 1);
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
    for asked in ["alvarez", "ALVAR", "(602)+555-0142", "555.0142", &reference] {
        let page = dana.opens(&format!("/office?q={asked}")).await.text;
        assert!(
            page.contains("Maria Alvarez") && !page.contains("Tom Becker"),
            "{asked}"
        );
        let rows = dana
            .script_asks(&format!("/office/rows?q={asked}&ids={maria}"))
            .await;
        assert_eq!(rows["rows"].as_array().unwrap().len(), 1, "{asked}");
    }
    let page = dana.opens("/office?q=%25").await.text;
    assert!(page.contains("Nothing found") || page.contains("Maria Alvarez"));
    assert!(
        dana.opens("/office?q=Nobody")
            .await
            .text
            .contains("Nothing found")
    );
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
