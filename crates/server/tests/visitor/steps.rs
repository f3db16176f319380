//! From the first step to the last, and back, and back another day.

use reqwest::StatusCode;
use ringback_domain::departure::Departure;
use ringback_domain::lead::{LeadEvent, LeadStatus, Recovery};
use ringback_domain::scheduler::{Question, QuestionKind, SaveContact};
use ringback_domain::session::{SessionState, Step};
use ringback_server::on_both_engines;
use ringback_server::store::{appointment, consent, lead};
use ringback_server::testing::TestServer;
use ringback_server::token;

use super::browser::{ANA, Browser, HOME, leads, minutes_pass, read, set};

on_both_engines!(server:
    somebody_books_with_plain_forms,
    somebody_books_with_our_script_and_without_cookies,
    somebody_books_with_plain_forms_and_without_cookies,
    wrong_fields_are_told_and_keep_what_was_typed,
    whoever_comes_to_somebody_elses_answers_can_start_over,
    an_area_we_do_not_serve_is_a_kind_dead_end,
    who_changes_to_an_area_we_do_not_serve_is_no_lead,
    what_was_typed_survives_going_back,
    what_is_saved_and_emptied_again_stays_empty,
    a_change_on_the_review_leads_back_to_it,
    the_consent_box_is_unticked_and_every_change_of_it_is_kept,
    a_returning_browser_is_asked_before_it_is_shown_anything,
    after_a_booking_the_next_visit_is_a_new_one,
    the_close_button_alone_is_a_departure,
    what_stands_in_the_fields_is_kept_on_closing_only_where_the_business_wants_it,
    a_page_asked_for_again_is_noted_and_a_prefetch_is_not,
    where_they_came_from_is_kept_without_its_query,
    an_emergency_is_told_to_call,
    time_may_come_before_contact,
    the_page_speaks_the_visitors_language,
    who_may_frame_which_page,
    leaving_and_booking_after_all_recovers_the_lead,
);

async fn somebody_books_with_plain_forms(world: TestServer) {
    let mut ana = Browser::new(&world);
    let first = ana.open().await.is("service");
    first
        .says("What do you need?")
        .says("Step 1 of 5")
        .says("Call us")
        .says("(602) 555-0100");
    assert!(
        first.headers.get("set-cookie").is_none(),
        "looking starts no session"
    );

    ana.reaches_review()
        .await
        .says("Ana Lopez")
        .says("(602) 555-0142")
        .says("1 W Washington St")
        .says("Phoenix, AZ");
    let booked = ana.book(&[]).await.is("booked");
    booked
        .says("You're booked")
        .says("We'll come within this arrival window.");
    let again = ana.book(&[]).await.is("booked");
    assert_eq!(again.status, StatusCode::OK);

    let session = ana.session(&world).await;
    assert!(matches!(session.state, SessionState::Booked { .. }));
    let agreed = read(&world, move |tx| appointment::booked_by(tx, &session))
        .await
        .unwrap();
    assert_eq!(agreed.held_until, None);
    // A reload shows that it is booked, and nothing of who booked.
    ana.open()
        .await
        .is("booked")
        .says_not("Ana")
        .says_not("602-555")
        .says_not("Washington");
    assert!(leads(&world).await.is_empty());
}

async fn somebody_books_with_our_script_and_without_cookies(world: TestServer) {
    let mut ana = Browser {
        refuses_cookies: true,
        in_place: true,
        ..Browser::new(&world)
    };
    let contact = ana.reaches_contact().await;
    assert_eq!(contact.header("x-ringback"), "step");
    assert!(
        contact.html.starts_with("<section"),
        "a fragment, not a page"
    );
    assert!(contact.html.contains("data-session=\"new\""));
    assert!(contact.header("set-cookie").contains("Partitioned"));
    let time = ana.go_on("contact", ANA).await.is("time");
    assert!(time.html.contains("data-session=\"token\""));
    let window = time.windows().remove(3);
    ana.go_on("time", &[("window", &window)]).await.is("place");
    // The frame was loaded anew: it knows its token and asks where it was.
    ana.step("service", "resume", &[]).await.is("place");
    ana.go_on("place", HOME).await.is("review");
    ana.book(&[]).await.is("booked");
    assert!(matches!(
        ana.session(&world).await.state,
        SessionState::Booked { .. }
    ));
}

async fn somebody_books_with_plain_forms_and_without_cookies(world: TestServer) {
    let mut ana = Browser {
        refuses_cookies: true,
        ..Browser::new(&world)
    };
    let review = ana.reaches_review().await;
    assert_eq!(
        review.status,
        StatusCode::OK,
        "the page itself carries the token on"
    );
    let token = review.hidden("token").unwrap();
    assert!(token::looks_like_one(&token), "{token}");
    ana.book(&[]).await.is("booked");
    assert!(matches!(
        ana.session(&world).await.state,
        SessionState::Booked { .. }
    ));
}

async fn whoever_comes_to_somebody_elses_answers_can_start_over(world: TestServer) {
    let mut browser = Browser::new(&world);
    browser.open().await.is("service").says_not("Start over");
    browser.reaches_time().await;
    let anas = browser.session(&world).await;
    browser.open().await.is("time").says("Not you? Start over");
    let anew = browser.begin().await.is("service");
    anew.says_not("Start over").says_not("Ana Lopez");
    browser.open().await.is("service").says_not("Ana Lopez");
    browser.reaches_contact().await;
    assert_ne!(browser.session(&world).await.id, anas.id);
    // With our script only the first look asks; the steps that follow are one person's.
    let mut scripted = Browser::new(&world);
    scripted.in_place = true;
    scripted.reaches_contact().await.says_not("Start over");
    scripted
        .go_on("contact", ANA)
        .await
        .is("time")
        .says_not("Start over");
}

async fn wrong_fields_are_told_and_keep_what_was_typed(world: TestServer) {
    let mut ana = Browser::new(&world);
    let wrong = ana
        .go_on("service", &[("zip", "85o04"), ("service", "")])
        .await
        .is("service");
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong
        .says("Enter a ZIP code, like 85004.")
        .says("Choose what you need.");
    assert_eq!(wrong.field("zip").as_deref(), Some("85o04"));
    assert!(ana.cookie.is_none(), "nothing began");

    ana.reaches_contact().await;
    let typed = [
        ("name", ""),
        ("phone", "602-555"),
        ("email", "ana(at)example.com"),
    ];
    let wrong = ana.go_on("contact", &typed).await.is("contact");
    wrong
        .says("Enter your name.")
        .says("That phone number is too short.")
        .says("Enter an email address like");
    assert!(wrong.html.contains("aria-describedby=\"phone-problem\""));
    assert_eq!(wrong.field("phone").as_deref(), Some("602-555"));
    assert_eq!(wrong.field("email").as_deref(), Some("ana(at)example.com"));
    assert!(
        !ana.session(&world).await.answers.reachable(),
        "nothing of it was saved"
    );

    ana.go_on("contact", ANA).await.is("time");
    ana.go_on("time", &[])
        .await
        .is("time")
        .says("Choose an arrival window.");
    let window = ana.open().await.windows().remove(0);
    ana.go_on("time", &[("window", &window)]).await.is("place");
    let wrong = ana
        .go_on("place", &[("street", " "), ("state", "Ontario")])
        .await
        .is("place");
    wrong
        .says("Enter the street address.")
        .says("Enter the town or city.")
        .says("Choose one from the list.");
}

async fn an_area_we_do_not_serve_is_a_kind_dead_end(world: TestServer) {
    let mut ana = Browser::new(&world);
    let fields = [("zip", "90210"), ("service", "cooling-repair")];
    let shown = ana.go_on("service", &fields).await.is("out-of-area");
    shown
        .says("We don't come to 90210 yet")
        .says("Call (602) 555-0100");
    let again = ana.step("service", "to-service", &[]).await.is("service");
    assert_eq!(again.field("zip").as_deref(), Some("90210"));
    // The steps behind it stay shut, also by address.
    ana.get(&format!("/s/{}?step=review", world.seeded.public_id))
        .await
        .is("service");
    ana.reaches_contact().await;
}

async fn who_changes_to_an_area_we_do_not_serve_is_no_lead(world: TestServer) {
    let elsewhere = [("zip", "90210"), ("service", "cooling-repair")];
    let mut ana = Browser::new(&world);
    ana.reaches_time().await;
    ana.go_on("service", &elsewhere).await.is("out-of-area");
    ana.close().await;
    assert!(leads(&world).await.is_empty());
    let session = ana.session(&world).await;
    assert!(matches!(session.state, SessionState::Lapsed { .. }));

    // Back to a place we serve: a lead like any other. Away from it again: that lead stays, and says so.
    ana.reaches_contact().await;
    ana.close().await;
    assert_eq!(leads(&world).await.len(), 1);
    ana.go_on("service", &elsewhere).await.is("out-of-area");
    ana.close().await;
    let lead = leads(&world).await.remove(0);
    assert_eq!((lead.times_left, lead.back_since), (1, None));
    assert_eq!(lead.answers.postal_code, "85004");
    let (business, id) = (lead.business, lead.id);
    let events = read(&world, move |tx| lead::events(tx, business, id)).await;
    let last = events.last().unwrap();
    assert_eq!(last.kind, LeadEvent::OutOfArea);
    assert_eq!(last.detail["code"], "90210");
}

async fn what_was_typed_survives_going_back(world: TestServer) {
    for in_place in [false, true] {
        let mut ana = Browser {
            in_place,
            ..Browser::new(&world)
        };
        ana.reaches_contact().await;
        let typed = [("name", "Ana"), ("phone", "602 555"), ("text_me", "yes")];
        let back = ana.step("contact", "back", &typed).await.is("service");
        assert!(
            !ana.session(&world).await.answers.reachable(),
            "Back saves nothing"
        );
        let kept: Vec<(String, String)> = ["name", "phone", "text_me"]
            .map(|name| {
                (
                    format!("kept.{name}"),
                    back.hidden(&format!("kept.{name}")).unwrap(),
                )
            })
            .into();
        let mut fields = vec![("zip", "85004"), ("service", "thermostat")];
        fields.extend(
            kept.iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let contact = ana.go_on("service", &fields).await.is("contact");
        assert_eq!(contact.field("name").as_deref(), Some("Ana"));
        assert_eq!(contact.field("phone").as_deref(), Some("602 555"));
        assert!(
            contact
                .html
                .contains("aria-describedby=\"text-me-words\" checked")
        );
        assert_eq!(contact.hidden("kept.name"), None);
    }
    // A form whose session is gone loses nothing either.
    let mut stranger = Browser::new(&world);
    let shown = stranger.go_on("contact", ANA).await.is("service");
    shown.says("Your visit had ended.");
    assert_eq!(shown.hidden("kept.name").as_deref(), Some("Ana Lopez"));
}

async fn what_is_saved_and_emptied_again_stays_empty(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_time().await;
    let contact = ana.step("time", "back", &[]).await.is("contact");
    let saved = ["name", "phone", "email"].map(|name| (name, contact.field(name).unwrap()));
    assert_eq!(saved[1].1, "(602) 555-0142");
    let as_saved = saved
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let back = ana.step("contact", "back", &as_saved).await.is("service");
    assert!(!back.html.contains("name=\"kept."), "nothing is unsaved");

    let emptied = [as_saved[0], ("phone", "")];
    let back = ana.step("contact", "back", &emptied).await.is("service");
    assert_eq!(back.hidden("kept.phone").as_deref(), Some(""));
    let fields = [
        ("zip", "85004"),
        ("service", "thermostat"),
        ("kept.phone", ""),
    ];
    let contact = ana.go_on("service", &fields).await.is("contact");
    assert_eq!(contact.field("phone").as_deref(), Some(""));
}

async fn a_change_on_the_review_leads_back_to_it(world: TestServer) {
    let path = format!("/s/{}", world.seeded.public_id);
    for in_place in [false, true] {
        let mut ana = Browser::new(&world);
        ana.reaches_review().await;
        ana.in_place = in_place;
        let contact = ana.step("review", "to-contact", &[]).await.is("contact");
        assert_eq!(contact.field("phone").as_deref(), Some("(602) 555-0142"));
        assert_eq!(contact.hidden("then").as_deref(), Some("review"));
        let then = [("then", "review")];
        let wrong = [ANA, &then, &[("phone", "12")]].concat();
        let wrong = ana.go_on("contact", &wrong).await.is("contact");
        assert_eq!(wrong.hidden("then").as_deref(), Some("review"));
        let changed = [("name", "Ana Maria Lopez"), ("phone", "(602) 555-0143")];
        ana.go_on("contact", &[&changed[..], &then].concat())
            .await
            .is("review")
            .says("Ana Maria Lopez");

        // Over a place that is not served, too.
        ana.step("review", "to-service", &[]).await.is("service");
        let mut fields = [("zip", "90210"), ("service", "cooling-repair"), then[0]];
        let shut = ana.go_on("service", &fields).await.is("out-of-area");
        assert_eq!(shut.hidden("then").as_deref(), Some("review"));
        let open = ana.step("service", "to-service", &then).await.is("service");
        assert_eq!(open.hidden("then").as_deref(), Some("review"));
        fields[0] = ("zip", "85005");
        ana.go_on("service", &fields).await.is("review");
        // Going on step by step asks for nothing of the kind.
        let back = ana.step("review", "back", &[]).await.is("place");
        assert_eq!(back.hidden("then"), None);
        // By the browser's own Back, too.
        let time = ana.get(&format!("{path}?step=time")).await.is("time");
        assert_eq!(time.hidden("then"), None);
    }
    // A change that leaves a later step open leads there, not to the review.
    let mut ben = Browser::new(&world);
    ben.reaches_review().await;
    set(&world, |settings| {
        settings.questions.push(Question {
            key: "gate".into(),
            label: "Gate code".into(),
            kind: QuestionKind::Text,
            step: Step::Place,
            required: true,
        });
    })
    .await;
    ben.go_on("contact", &[ANA, &[("then", "review")]].concat())
        .await
        .is("place")
        .says("Gate code");
    // Asked for by an address, it is no way past what is open.
    let mut eve = Browser::new(&world);
    eve.get(&format!("{path}?step=review&then=review"))
        .await
        .is("service");
}

async fn the_consent_box_is_unticked_and_every_change_of_it_is_kept(world: TestServer) {
    let mut ana = Browser::new(&world);
    let contact = ana.reaches_contact().await;
    contact
        .says("Text me a link to finish if I don't book now")
        .says("Reply STOP to opt out");
    assert!(!contact.html.contains(" checked"), "the box is unticked");
    let mut notes = Vec::new();
    for box_is in ["", "yes", "yes", ""] {
        ana.go_on("contact", &[ANA, &[("text_me", box_is)]].concat())
            .await
            .is("time");
        let session = ana.session(&world).await;
        assert_eq!(session.answers.text_me, box_is == "yes");
        let newest = move |tx: &mut ringback_server::store::Tx<'_>| {
            consent::newest(tx, session.business, session.id)
        };
        notes.push(read(&world, newest).await.unwrap());
    }
    assert_eq!(
        notes.iter().map(|note| note.given).collect::<Vec<_>>(),
        [false, true, true, false]
    );
    assert_eq!(
        notes[1].at, notes[2].at,
        "the same again is not written twice"
    );
    let ticked = &notes[1];
    let (label, words) = ticked.wording.split_once('\n').unwrap();
    contact.says(label).says(words);
    assert_eq!(ticked.phone, "+16025550142");
    assert_eq!(ticked.address, "127.0.0.1");
    assert_eq!(ticked.user_agent, "Testbrowser/1");
    assert_eq!(ticked.locale, "en");
    assert_eq!(
        ticked.page_url,
        format!("{}/s/{}", world.url, world.seeded.public_id)
    );
}

async fn a_returning_browser_is_asked_before_it_is_shown_anything(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_review().await;
    minutes_pass(&world, 29);
    ana.open().await.is("review");
    minutes_pass(&world, 2);
    let asked = ana.open().await.is("continue-as");
    asked.says("Continue as A•••?");
    for secret in ["Ana", "Lopez", "555-0142", "Washington", "ana@"] {
        asked.says_not(secret);
    }
    let mut stranger = Browser {
        cookie: ana.cookie.clone(),
        ..Browser::new(&world)
    };
    stranger.begin().await.is("service").says_not("85004");
    assert_eq!(stranger.cookie, None);

    ana.step("", "again", &[])
        .await
        .is("review")
        .says("Ana Lopez");
    ana.open().await.is("review");
}

async fn after_a_booking_the_next_visit_is_a_new_one(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_review().await;
    ana.book(&[]).await.is("booked");
    let before = ana.session(&world).await;
    minutes_pass(&world, 31);
    ana.open()
        .await
        .is("continue-as")
        .says("Continue as A•••?")
        .says_not("Lopez");
    ana.step("", "again", &[]).await.is("service");
    let after = ana.session(&world).await;
    assert_ne!(after.id, before.id);
    assert_eq!(after.answers.phone, before.answers.phone);
    assert!(
        !after.answers.text_me
            && after.answers.window.is_none()
            && after.answers.service.is_empty()
    );
}

async fn the_close_button_alone_is_a_departure(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_contact().await;
    ana.close().await.is("closed").says("Scheduler closed");
    assert!(leads(&world).await.is_empty(), "nobody to reach");
    ana.reaches_time().await;
    ana.close().await.is("closed");
    let found = leads(&world).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].departure, found[0].last_step),
        (Departure::Closed, Step::Time)
    );
    assert_eq!(found[0].name, "Ana Lopez");
    // Open again: the same answers, the same lead, marked as back once they do something.
    ana.open().await.is("time");
    ana.step("time", "back", &[]).await.is("contact");
    assert!(leads(&world).await[0].back_since.is_some());
}

async fn what_stands_in_the_fields_is_kept_on_closing_only_where_the_business_wants_it(
    world: TestServer,
) {
    let mut ana = Browser {
        in_place: true,
        ..Browser::new(&world)
    };
    let contact = ana.reaches_contact().await;
    contact.says("We save your details when you continue");
    assert!(!contact.html.contains("data-leave"));
    ana.step("contact", "leave-closed", ANA).await;
    assert!(!ana.session(&world).await.answers.reachable());

    set(&world, |settings| {
        settings.save_contact = SaveContact::AlsoOnClose
    })
    .await;
    let contact = ana.step("contact", "resume", &[]).await.is("contact");
    contact.says("We save what you enter here, also if you close this window");
    assert!(contact.html.contains("data-leave"));
    let half = [
        ("name", "Ana Lopez"),
        ("phone", "602-555-0142"),
        ("email", "ana@"),
        ("text_me", "yes"),
    ];
    ana.step("contact", "leave-closed", &half).await;
    let session = ana.session(&world).await;
    assert_eq!(
        (
            session.answers.phone.as_str(),
            session.answers.email.as_str()
        ),
        ("+16025550142", "")
    );
    assert_eq!(
        session.state,
        SessionState::Open,
        "the page's own goodbye is still to come"
    );
    ana.close().await;
    assert_eq!(leads(&world).await.len(), 1);

    // The goodbye was quicker than the fields: the departure is judged once more.
    let mut bea = Browser {
        in_place: true,
        ..Browser::new(&world)
    };
    bea.reaches_contact().await;
    bea.close().await;
    assert!(matches!(
        bea.session(&world).await.state,
        SessionState::Lapsed { .. }
    ));
    bea.step(
        "contact",
        "leave-closed",
        &[("name", "Bea"), ("phone", "602-555-0177")],
    )
    .await;
    let found = leads(&world).await;
    assert_eq!((found.len(), found[0].name.as_str()), (2, "Bea"));
}

async fn a_page_asked_for_again_is_noted_and_a_prefetch_is_not(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_contact().await;
    let asked_at = ana.session(&world).await.page_requested_at;
    let path = format!("/s/{}", world.seeded.public_id);
    minutes_pass(&world, 1);
    for purpose in ["prefetch", "prefetch;prerender"] {
        ana.ask(
            reqwest::Method::GET,
            &path,
            None,
            &[("sec-purpose", purpose)],
        )
        .await
        .is("contact");
        assert_eq!(ana.session(&world).await.page_requested_at, asked_at);
    }
    let shown = ana.open().await;
    assert!(ana.session(&world).await.page_requested_at > asked_at);
    assert_eq!(shown.header("cache-control"), "private, no-cache");
    assert_eq!(shown.header("vary"), "accept-encoding");
}

async fn where_they_came_from_is_kept_without_its_query(world: TestServer) {
    let mut ana = Browser::new(&world);
    let query = "?utm_source=google&gclid=abc&email=ana@example.com&utm_TERM=x";
    let path = format!("/s/{}{query}", world.seeded.public_id);
    let referer = [("referer", "https://search.example/results?q=ana+lopez")];
    let first = ana.ask(reqwest::Method::GET, &path, None, &referer).await;
    assert_eq!(first.hidden("tag_utm_source").as_deref(), Some("google"));
    assert_eq!(
        first.hidden("from_referrer").as_deref(),
        Some("https://search.example")
    );
    first.says_not("ana@example.com").says_not("lopez");
    let fields = [
        ("zip", "85004"),
        ("service", "thermostat"),
        (
            "from_page",
            "https://copperline.example/cooling?name=ana#top",
        ),
        ("from_referrer", "https://search.example/x?q=1"),
        ("tag_utm_source", "google"),
        ("tag_gclid", "abc"),
        ("tag_email", "ana@example.com"),
        ("zone", "America/Denver"),
        ("frame", "yes"),
    ];
    ana.go_on("service", &fields).await.is("contact");
    let came = ana.session(&world).await.came_from;
    assert_eq!(came.page, "https://copperline.example/cooling");
    assert_eq!(came.referrer, "https://search.example");
    assert_eq!(came.zone, "America/Denver");
    assert!(came.embedded);
    let tags: Vec<_> = came
        .tags
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(tags, [("gclid", "abc"), ("utm_source", "google")]);
}

async fn an_emergency_is_told_to_call(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.open().await.says("Call now");
    let fields = [("zip", "85004"), ("service", "no-heating-or-cooling")];
    let contact = ana.go_on("service", &fields).await.is("contact");
    contact
        .says("A call is the fastest way to get help.")
        .says("tel:+16025550100");
    let fields = [("zip", "85004"), ("service", "thermostat")];
    ana.go_on("service", &fields)
        .await
        .is("contact")
        .says_not("A call is the fastest way");
}

async fn time_may_come_before_contact(world: TestServer) {
    set(&world, |settings| settings.time_before_contact = true).await;
    let mut ana = Browser::new(&world);
    let time = ana
        .go_on("service", &[("zip", "85004"), ("service", "thermostat")])
        .await
        .is("time");
    time.says("Step 2 of 5");
    let window = time.windows().remove(0);
    ana.go_on("time", &[("window", &window)])
        .await
        .is("contact")
        .says("Step 3 of 5");
    ana.go_on("contact", ANA).await.is("place");
    ana.go_on("place", HOME).await.is("review");
    ana.book(&[]).await.is("booked");
}

async fn the_page_speaks_the_visitors_language(world: TestServer) {
    let mut ana = Browser {
        language: "es-MX,es;q=0.9,en;q=0.5",
        ..Browser::new(&world)
    };
    let first = ana.open().await;
    first.says("<html lang=\"es\">").says("Continuar");
    ana.go_on("service", &[("zip", "x")])
        .await
        .says_not("Choose what you need.");
    ana.reaches_contact().await;
    assert_eq!(ana.session(&world).await.came_from.locale, "es");
}

async fn who_may_frame_which_page(world: TestServer) {
    let mut ana = Browser::new(&world);
    let embedded = format!("/s/{}/embedded", world.seeded.public_id);
    let policy = |shown: &super::browser::Shown| shown.header("content-security-policy").to_owned();
    assert!(policy(&ana.open().await).ends_with("frame-ancestors 'self'"));
    assert!(policy(&ana.get(&embedded).await).ends_with("frame-ancestors http: https:"));
    set(&world, |settings| {
        settings.allowed_sites = vec![
            "https://copperline.example".into(),
            "https://evil.example; script-src *".into(),
            "nonsense".into(),
        ];
    })
    .await;
    let shown = ana.get(&embedded).await;
    assert!(
        policy(&shown).ends_with("frame-ancestors 'self' https://copperline.example"),
        "{}",
        policy(&shown)
    );
    assert!(policy(&shown).contains("script-src 'self';"));
    assert!(shown.headers.get("x-frame-options").is_none());
}

async fn leaving_and_booking_after_all_recovers_the_lead(world: TestServer) {
    let mut ana = Browser::new(&world);
    ana.reaches_place().await;
    ana.close().await;
    assert_eq!(leads(&world).await[0].state.status(), LeadStatus::New);
    ana.go_on("place", HOME).await.is("review");
    ana.book(&[]).await.is("booked");
    let lead = leads(&world).await.remove(0);
    assert!(
        matches!(
            lead.state,
            ringback_domain::lead::LeadState::Recovered {
                how: Recovery::Themselves,
                ..
            }
        ),
        "{:?}",
        lead.state
    );
    assert!(lead.appointment.is_some());
}
