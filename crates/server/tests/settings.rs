//! Settings and the set-up, told as stories: what an Administrator types, presses and reads.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

#[path = "settings/browser.rs"]
mod browser;
#[path = "settings/first_run.rs"]
mod first_run;

use browser::Browser;
use ringback_domain::delivery::{DeliveryKind, Planned};
use ringback_domain::lead::Recovery;
use ringback_domain::scheduler::SendAfter;
use ringback_domain::session::CameFrom;
use ringback_domain::staff::Role;
use ringback_domain::starts::Start;
use ringback_sandbox::{Options, Sandbox};
use ringback_server::crm::servicetitan;
use ringback_server::store::integration::{self, Integration, SERVICETITAN, TEXTS};
use ringback_server::store::{
    Engine, Order, appointment, business, delivery, scheduler, session, sql,
};
use ringback_server::testing::TestServer;

/// Copperline with Dana signed in, and the outside played by the sandbox.
struct World {
    server: TestServer,
    sandbox: Sandbox,
    dana: Browser,
}

impl World {
    async fn begin(engine: Engine) -> Option<Self> {
        Self::at(engine, None).await
    }

    /// The same at this public address.
    async fn at(engine: Engine, public_url: Option<&str>) -> Option<Self> {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), Options::default())
            .await
            .unwrap();
        let url: url::Url = sandbox.url().parse().unwrap();
        let server = TestServer::start_with(engine, |config| {
            config.servicetitan_auth_url = url.clone();
            config.servicetitan_api_url = url.clone();
            config.twilio_url = url;
            if let Some(known) = public_url {
                config.public_url = known.parse().unwrap();
            }
        })
        .await?;
        let dana = Browser::signed_in(&server, "Dana Ruiz", Role::Administrator).await;
        Some(Self {
            server,
            sandbox,
            dana,
        })
    }

    async fn kept(&self) -> Option<Integration<servicetitan::Settings>> {
        let business = self.server.seeded.business;
        let kept = self
            .server
            .app()
            .store
            .read(move |tx| integration::get(tx, business, SERVICETITAN));
        kept.await.unwrap()
    }

    fn servicetitan_form(&self) -> Vec<(&'static str, String)> {
        let known = self.sandbox.credentials();
        vec![
            ("tenant", known.tenant.to_string()),
            ("client_id", known.client_id.clone()),
            ("client_secret", known.client_secret.clone()),
            ("app_key", known.app_key.clone()),
        ]
    }

    fn texts_form(&self) -> Vec<(&'static str, String)> {
        let known = self.sandbox.credentials();
        vec![
            ("account_sid", known.account_sid.clone()),
            ("auth_token", known.auth_token.clone()),
            ("api_key_sid", known.api_key.clone()),
            ("api_key_secret", known.api_secret.clone()),
            ("from", "(602) 555-0100".into()),
        ]
    }
}

/// Makes two tests of every story, one per engine.
macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $story() {
                let world = super::World::begin(super::Engine::Sqlite).await;
                super::$story(world.expect("SQLite is always there")).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $story() {
                if let Some(world) = super::World::begin(super::Engine::Postgres).await {
                    super::$story(world).await;
                }
            })+
        }
    };
}

stories!(
    an_office_employee_is_told_whom_to_ask,
    another_website_changes_nothing,
    the_business_is_changed_and_a_slip_loses_nothing,
    a_business_that_somebody_else_has_changed_is_not_overwritten,
    servicetitan_is_connected_and_its_lists_are_chosen_from_by_name,
    wrong_credentials_are_said_and_nothing_typed_is_lost,
    a_test_is_made_with_what_stands_in_the_form_and_saves_nothing,
    a_booking_that_servicetitan_did_not_take_is_listed,
    servicetitan_that_does_not_answer_is_said,
    a_lost_key_file_is_said,
    texts_are_connected_tested_and_let_go,
    somebody_new_sets_their_own_password,
    the_last_administrator_stays,
    a_name_or_an_email_is_corrected,
    who_leaves_is_signed_out_at_once,
    a_key_is_shown_once_and_revoked_at_once,
    what_is_missing_is_listed_and_marked_in_the_navigation,
    an_address_nobody_reaches_is_marked_in_the_navigation,
    one_more_scheduler_begins_from_a_start,
);

const PAGES: &[&str] = &[
    "/office/settings",
    "/office/settings/business",
    "/office/settings/servicetitan",
    "/office/settings/texts",
    "/office/settings/staff",
    "/office/settings/keys",
    "/office/welcome",
];

const ACTS: &[&str] = &[
    "/office/settings/schedulers",
    "/office/settings/business",
    "/office/settings/servicetitan",
    "/office/settings/servicetitan/test",
    "/office/settings/servicetitan/send-open",
    "/office/settings/servicetitan/retry",
    "/office/settings/servicetitan/disconnect",
    "/office/settings/texts",
    "/office/settings/texts/test",
    "/office/settings/texts/disconnect",
    "/office/settings/staff",
    "/office/settings/staff/1",
    "/office/settings/staff/1/role",
    "/office/settings/staff/1/link",
    "/office/settings/staff/1/deactivate",
    "/office/settings/staff/1/reactivate",
    "/office/settings/keys",
    "/office/settings/keys/00/revoke",
];

async fn an_office_employee_is_told_whom_to_ask(world: World) {
    let sam = Browser::signed_in(&world.server, "Sam Okafor", Role::OfficeEmployee).await;
    let stranger = Browser::new(&world.server.url);
    for page in PAGES {
        assert_eq!(world.dana.get(page).await.status, 200, "{page}");
        let told = sam.get(page).await;
        assert_eq!(told.status, 403, "{page}");
        assert!(told.says("Dana Ruiz"), "{page}");
        let sent = stranger.get(page).await;
        assert!(
            sent.location().starts_with("/office/sign-in?to="),
            "{page}: {}",
            sent.location()
        );
    }
    for act in ACTS {
        assert_eq!(sam.post(act, &[]).await.status, 403, "{act}");
        assert_eq!(stranger.post(act, &[]).await.location(), "/office/sign-in");
    }
}

async fn another_website_changes_nothing(world: World) {
    for act in ACTS {
        let told = world.dana.post_from_elsewhere(act).await;
        assert_eq!(told.status, 403, "{act}");
    }
}

async fn the_business_is_changed_and_a_slip_loses_nothing(world: World) {
    let page = "/office/settings/business";
    let mut form = vec![
        ("name", "Copperline Home Services".to_owned()),
        ("region", "us".into()),
        ("time_zone", "America/Phoenix".into()),
        ("locale", "en".into()),
        ("phone", "602 555 01".into()),
        ("open-0", "on".into()),
        ("from-0", "07:30".into()),
        ("to-0", "19:00".into()),
        ("closed", "2026-12-25".into()),
        ("legal_name", "Copperline <LLC>".into()),
        ("version", "1".into()),
    ];
    let slip = world.dana.post(page, &form).await;
    assert_eq!(slip.status, 422);
    assert!(slip.says("That phone number is too short."));
    for typed in ["602 555 01", "07:30", "2026-12-25", "Copperline <LLC>"] {
        assert!(slip.says(typed), "{typed}");
    }
    assert!(!slip.body.contains("<LLC>"), "what is typed is escaped");

    form[4].1 = "(602) 555-0155".into();
    let done = world.dana.post(page, &form).await;
    assert_eq!(done.location(), "/office/settings/business?did=saved");
    let shown = world.dana.get(done.location()).await;
    assert!(shown.says("(602) 555-0155") && shown.says("Saved."));

    let id = world.server.seeded.business;
    let store = &world.server.app().store;
    let kept = store.read(move |tx| business::get(tx, id)).await.unwrap();
    assert_eq!(kept.phone.as_deref(), Some("+16025550155"));
    assert_eq!(kept.details.legal_name, "Copperline <LLC>");
    assert_eq!(kept.details.closed_days.len(), 1);
    assert_eq!(kept.details.hours.days.iter().flatten().count(), 1);

    form[3].1 = "es".into();
    form[10].1 = "2".into();
    let done = world.dana.post(page, &form).await;
    assert!(world.dana.get(done.location()).await.says("Guardado."));
}

async fn a_business_that_somebody_else_has_changed_is_not_overwritten(world: World) {
    let page = "/office/settings/business";
    let version = |shown: &browser::Answer| shown.field("version");
    let first = version(&world.dana.get(page).await);
    let typed = |phone: &str, version: &str| {
        form(&[
            ("name", "Copperline Home Services"),
            ("region", "us"),
            ("time_zone", "America/Phoenix"),
            ("locale", "en"),
            ("phone", phone),
            ("open-0", "on"),
            ("from-0", "08:00"),
            ("to-0", "17:00"),
            ("version", version),
        ])
    };
    let phone = async || {
        let id = world.server.seeded.business;
        let store = &world.server.app().store;
        let kept = store.read(move |tx| business::get(tx, id)).await.unwrap();
        kept.phone.clone().unwrap()
    };
    let lee = Browser::signed_in(&world.server, "Lee Park", Role::Administrator).await;
    let saved = lee.post(page, &typed("(602) 555-0155", &first)).await;
    assert_eq!(saved.location(), "/office/settings/business?did=saved");

    let told = world
        .dana
        .post(page, &typed("(602) 555-0166", &first))
        .await;
    assert_eq!(told.status, 409);
    assert!(told.says("Somebody else has changed the business since you opened it"));
    assert!(told.says("(602) 555-0166"), "what was typed is still there");
    assert_eq!(phone().await, "+16025550155");
    // A slip keeps the version it began with.
    let slip = world.dana.post(page, &typed("12", &first)).await;
    assert_eq!((slip.status, version(&slip)), (422, first));
    // Saved once more, it takes the other's place.
    let again = typed("(602) 555-0166", &version(&told));
    assert_eq!(world.dana.post(page, &again).await.status, 303);
    assert_eq!(phone().await, "+16025550166");
}

async fn servicetitan_is_connected_and_its_lists_are_chosen_from_by_name(world: World) {
    let page = "/office/settings/servicetitan";
    assert!(
        world
            .dana
            .get(page)
            .await
            .says("your leads live in the inbox")
    );

    let done = world.dana.post(page, &world.servicetitan_form()).await;
    let shown = world.dana.get(done.location()).await;
    for name in [
        "Website scheduler",
        "Google Ads",
        "Online scheduler, did not finish",
    ] {
        assert!(shown.says(name), "{name}");
    }
    assert!(
        !shown.says("Spring mailer 2024"),
        "it is not active any more"
    );
    let known = world.sandbox.credentials();
    let end = &known.client_secret[known.client_secret.len() - 4..];
    assert!(shown.says(&format!("Saved, ends in …{end}")));
    assert!(!shown.body.contains(&known.client_secret));
    assert!(!shown.body.contains(&known.app_key));

    // The rest by name; the secrets are left empty and stay.
    let form = [
        ("tenant", known.tenant.to_string()),
        ("client_id", known.client_id.clone()),
        ("client_secret", String::new()),
        ("app_key", String::new()),
        ("booking_provider", known.booking_provider.to_string()),
        (
            "campaign",
            ringback_sandbox::seeds::CAMPAIGN_WEBSITE.to_string(),
        ),
        (
            "call_reason",
            ringback_sandbox::seeds::REASON_UNFINISHED.to_string(),
        ),
    ];
    let done = world.dana.post(page, &form).await;
    assert_eq!(
        done.location(),
        "/office/settings/servicetitan?did=connected"
    );
    let kept = world.kept().await.unwrap();
    assert_eq!(kept.settings.booking_provider, known.booking_provider);
    assert_eq!(
        kept.settings.campaign_id,
        Some(ringback_sandbox::seeds::CAMPAIGN_WEBSITE)
    );
    assert!(kept.checked.unwrap().1.works);

    let calls = world.sandbox.requests().len();
    let done = world.dana.post(&format!("{page}/test"), &form).await;
    assert_eq!(done.location(), "/office/settings/servicetitan?did=tested");
    let shown = world.dana.get(done.location()).await;
    assert!(shown.says("ServiceTitan answers.") && shown.says("Tested with what is saved"));
    assert!(
        world.sandbox.requests().len() > calls,
        "the button really calls"
    );

    let done = world.dana.post(&format!("{page}/send-open"), &[]).await;
    assert!(done.location().ends_with("?did=none-to-send"));

    let done = world.dana.post(&format!("{page}/disconnect"), &[]).await;
    assert!(world.dana.get(done.location()).await.says("Disconnected."));
    assert!(world.kept().await.is_none());
}

async fn wrong_credentials_are_said_and_nothing_typed_is_lost(world: World) {
    let page = "/office/settings/servicetitan";
    let mut form = world.servicetitan_form();
    form[0].1 = "sixteen".into();
    let slip = world.dana.post(page, &form).await;
    assert_eq!(slip.status, 422);
    assert!(slip.says("Enter a whole number") && slip.says("sixteen"));
    assert!(slip.says(&form[1].1), "the client ID is still there");
    assert!(!slip.body.contains(&form[2].1), "a secret never comes back");
    assert!(world.kept().await.is_none());

    let mut form = world.servicetitan_form();
    form[2].1 = "cs1.not-the-right-one".into();
    let done = world.dana.post(page, &form).await;
    let page_then = "/office/settings/servicetitan?did=not-connected";
    assert_eq!(done.location(), page_then);
    let shown = world.dana.get(page_then).await;
    assert!(shown.says("The connection does not work yet."));
    assert!(shown.says("ServiceTitan does not accept these credentials:"));
    assert!(!shown.says("under Settings"), "this is that page");
    assert!(world.kept().await.unwrap().checked.unwrap().1.refused);
}

async fn a_test_is_made_with_what_stands_in_the_form_and_saves_nothing(world: World) {
    let keep = "Leave it empty to keep what is saved.";
    let typed = "what stands in this form. It is not saved yet.";
    let page = "/office/settings/servicetitan";
    assert!(!world.dana.get(page).await.says(keep), "nothing is saved");

    // Before anything is saved: the right ones work, and the lists can be chosen from.
    let test = format!("{page}/test");
    let tried = world.dana.post(&test, &world.servicetitan_form()).await;
    assert_eq!(tried.status, 200);
    assert!(tried.says("Choose one from the list.") && tried.says("Website scheduler"));
    assert!(tried.says(typed));
    assert!(world.kept().await.is_none());

    // Saved and working; then a slip in one secret is tried, and what is saved goes on working.
    world.dana.post(page, &world.servicetitan_form()).await;
    let before = world.kept().await.unwrap().checked;
    assert!(world.dana.get(page).await.says(keep));
    let mut slip = world.servicetitan_form();
    slip[2].1 = "cs1.not-the-right-one".into();
    let tried = world.dana.post(&test, &slip).await;
    assert!(tried.says("ServiceTitan does not accept these credentials:") && tried.says(typed));
    assert!(
        !tried.body.contains(&slip[2].1),
        "a secret never comes back"
    );
    assert!(tried.says("Website scheduler"), "the lists are still there");
    assert_eq!(world.kept().await.unwrap().checked, before);
    // What cannot be tried is said at its field.
    slip[0].1 = "sixteen".into();
    let told = world.dana.post(&test, &slip).await;
    assert_eq!(told.status, 422);
    assert!(told.says("Enter a whole number"));

    // The carrier's page does the same.
    let page = "/office/settings/texts";
    assert!(!world.dana.get(page).await.says(keep));
    let test = format!("{page}/test");
    let tried = world.dana.post(&test, &world.texts_form()).await;
    assert!(tried.says("The carrier answers.") && tried.says(typed));
    assert!(world.dana.get(page).await.says("Not connected."));
    world.dana.post(page, &world.texts_form()).await;
    let mut slip = world.texts_form();
    slip[3].1 = "not-the-secret".into();
    let tried = world.dana.post(&test, &slip).await;
    assert!(tried.says("The carrier does not accept these credentials:") && tried.says(typed));
    // The key sends; the token that proves what the carrier tells us is tried all the same.
    slip = world.texts_form();
    slip[1].1 = "5a4dbadc0ffee".into();
    let tried = world.dana.post(&test, &slip).await;
    assert!(tried.says("accepts the API key, but not the auth token") && tried.says(typed));
    let shown = world.dana.get(page).await;
    assert!(shown.says("The carrier answers.") && shown.says(keep));
}

async fn a_booking_that_servicetitan_did_not_take_is_listed(world: World) {
    let told = "ServiceTitan has not taken an appointment";
    let seeded = world.server.seeded.clone();
    let store = &world.server.app().store;
    let booked = store.write(Order::Any, move |tx| {
        let place = business::get(tx, seeded.business)?;
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        let mut visit = session::start(tx, &scheduler, &[7; 32], CameFrom::default())?;
        visit.answers.name = "Ana Morales".into();
        visit.answers.phone = "+16025550142".into();
        let days = appointment::offers(tx, &place, &scheduler.settings, None)?;
        let window = days[0].windows[0].window;
        let agreed = appointment::agree(tx, &visit, &place, &scheduler.settings, window)?.unwrap();
        session::book(tx, &mut visit, agreed, Recovery::Themselves)?.unwrap();
        let kind = DeliveryKind::CrmBooked;
        let planned = Planned {
            kind,
            due_at: tx.now(),
            expires_at: tx.now() + kind.lives_for(),
        };
        delivery::plan(tx, &visit, Some(agreed), planned, None)
    });
    booked.await.unwrap();
    let settle = async |state: &'static str| {
        let settle = move |tx: &mut ringback_server::store::Tx<'_>| {
            let set = sql!("UPDATE delivery SET state = $1, due_at = NULL, settled_at = $2");
            tx.execute(set, &[&state, &tx.now()])
        };
        assert_eq!(store.write(Order::Any, settle).await.unwrap(), 1);
        world.dana.get("/office/settings").await
    };
    assert!(!settle("done").await.says(told));
    let shown = settle("refused").await;
    assert!(shown.says(told) && shown.says("/office/appointments"));
    let all = "ServiceTitan has not taken some of your leads or appointments.";
    let retry = "/office/settings/servicetitan/retry";
    assert!(shown.says(all) && shown.says(retry));
    let done = world.dana.post(retry, &[]).await;
    let again = world.dana.get(done.location()).await;
    assert!(again.says("is being tried again.") && !again.says(all));
    assert!(settle("expired").await.says(all));
    // Once its time is over there is nothing to be done about it any more.
    world
        .server
        .clock
        .advance(jiff::SignedDuration::from_hours(24 * 40));
    let later = Browser::signed_in(&world.server, "Lee Park", Role::Administrator).await;
    assert!(!later.get("/office/settings").await.says(told));
}

async fn servicetitan_that_does_not_answer_is_said(world: World) {
    world.sandbox.hang_up().await;
    let page = "/office/settings/servicetitan";
    world.dana.post(page, &world.servicetitan_form()).await;
    assert!(
        world
            .dana
            .get(page)
            .await
            .says("ServiceTitan did not answer")
    );
    world.sandbox.pick_up().await;
    let test = format!("{page}/test");
    let done = world.dana.post(&test, &world.servicetitan_form()).await;
    assert_eq!(done.status, 303, "the very ones that are saved");
    assert!(world.dana.get(page).await.says("Website scheduler"));
}

async fn a_lost_key_file_is_said(world: World) {
    let (business, store) = (world.server.seeded.business, &world.server.app().store);
    let other = ringback_server::vault::Vault::fleeting();
    for kind in [SERVICETITAN, TEXTS] {
        let sealed = other.seal(business, kind, b"{}");
        let save = move |tx: &mut ringback_server::store::Tx<'_>| {
            integration::save(tx, business, kind, &serde_json::json!({}), Some(&sealed))
        };
        store.write(Order::Any, save).await.unwrap();
    }
    for page in ["/office/settings/servicetitan", "/office/settings/texts"] {
        let told = world.dana.post(&format!("{page}/test"), &[]).await;
        assert_eq!(told.status, 422, "{page}");
        let shown = world.dana.get(page).await;
        assert!(shown.says("the key file has changed"), "{page}");
    }
    world
        .dana
        .post("/office/settings/texts", &world.texts_form())
        .await;
    let shown = world.dana.get("/office/settings/texts").await;
    assert!(shown.says("The carrier answers."));
}

async fn texts_are_connected_tested_and_let_go(world: World) {
    let page = "/office/settings/texts";
    let first = world.dana.get(page).await;
    assert!(first.says(&format!("{}/hooks/texts/inbound", world.server.url)));
    assert!(
        first.says("A2P 10DLC"),
        "what carriers ask for in this region"
    );
    assert!(first.says("Twilio cannot reach this address"));

    let mut form = world.texts_form();
    form[4].1 = String::new();
    let slip = world.dana.post(page, &form).await;
    assert_eq!(slip.status, 422);
    assert!(slip.says("Enter the number texts come from"));
    assert!(slip.says(&form[0].1) && !slip.body.contains(&form[1].1));

    let done = world.dana.post(page, &world.texts_form()).await;
    assert_eq!(done.location(), "/office/settings/texts?did=connected");
    let shown = world.dana.get(page).await;
    assert!(shown.says("The carrier answers.") && shown.says("(602) 555-0100"));
    let known = world.sandbox.credentials();
    assert!(!shown.body.contains(&known.auth_token) && !shown.body.contains(&known.api_secret));
    assert!(
        world.sandbox.carrier().messages().is_empty(),
        "nobody got a text"
    );

    let mut form = world.texts_form();
    form[3].1 = "not-the-secret".into();
    world.dana.post(page, &form).await;
    let shown = world.dana.get(page).await;
    assert!(shown.says("The carrier does not accept these credentials:"));

    world.dana.post(&format!("{page}/disconnect"), &[]).await;
    assert!(world.dana.get(page).await.says("Not connected."));
}

async fn somebody_new_sets_their_own_password(world: World) {
    let page = "/office/settings/staff";
    let slip = world
        .dana
        .post(
            page,
            &form(&[
                ("name", "Sam Okafor"),
                ("email", "sam"),
                ("role", "office_employee"),
            ]),
        )
        .await;
    assert_eq!(slip.status, 422);
    assert!(slip.says("Enter an email address") && slip.says("Sam Okafor"));

    let sam = [
        ("name", "Sam Okafor"),
        ("email", "Sam@Copperline.example"),
        ("role", "office_employee"),
    ];
    let added = world.dana.post(page, &form(&sam)).await;
    assert_eq!(added.status, 200);
    let link = added.link("/office/password/");
    let shown = world.dana.get(page).await;
    assert!(shown.says("Has not chosen a password yet"));
    assert!(!shown.body.contains(&link), "the link is shown once");

    let taken = world.dana.post(page, &form(&sam)).await;
    assert_eq!(taken.status, 422);
    assert!(taken.says("Somebody signs in with this email already."));

    let browser = Browser::new(&world.server.url);
    let chosen = browser
        .post(&link, &form(&[("password", "copper kettle on a stove")]))
        .await;
    assert_eq!(chosen.location(), "/office");
    let again = browser
        .post(&link, &form(&[("password", "another kettle on a stove")]))
        .await;
    assert_eq!(again.status, 410);
    assert!(
        !world
            .dana
            .get(page)
            .await
            .says("Has not chosen a password yet")
    );
}

async fn the_last_administrator_stays(world: World) {
    let page = "/office/settings/staff";
    let dana = world.dana.id;
    let to_employee = form(&[("role", "office_employee")]);
    for (act, fields) in [("role", &to_employee), ("deactivate", &Vec::new())] {
        let told = world
            .dana
            .post(&format!("{page}/{dana}/{act}"), fields)
            .await;
        assert_eq!(told.status, 409, "{act}");
        assert!(told.says("This is the last Administrator."));
    }
    let sam = Browser::signed_in(&world.server, "Sam Okafor", Role::OfficeEmployee).await;
    let to_administrator = form(&[("role", "administrator")]);
    let done = world
        .dana
        .post(&format!("{page}/{}/role", sam.id), &to_administrator)
        .await;
    assert!(
        world
            .dana
            .get(done.location())
            .await
            .says("The role is changed.")
    );
    let done = world
        .dana
        .post(&format!("{page}/{dana}/role"), &to_employee)
        .await;
    assert_eq!(done.status, 303);
    assert_eq!(world.dana.get(page).await.status, 403, "it counts at once");
    assert_eq!(sam.get(page).await.status, 200);
    let nobody = sam.post(&format!("{page}/999999/role"), &to_employee).await;
    assert_eq!(nobody.status, 404);
    let nonsense = sam
        .post(&format!("{page}/{dana}/role"), &form(&[("role", "king")]))
        .await;
    assert_eq!(nonsense.status, 409);
}

async fn a_name_or_an_email_is_corrected(world: World) {
    let staff = "/office/settings/staff";
    let sam = Browser::signed_in(&world.server, "Sam Okafr", Role::OfficeEmployee).await;
    let page = format!("{staff}/{}", sam.id);
    assert!(world.dana.get(staff).await.body.contains(&page));
    assert!(world.dana.get(&page).await.says("Sam Okafr"));
    assert_eq!(sam.get(&page).await.status, 403);

    let slip = form(&[("name", ""), ("email", "sam@copperline")]);
    let slip = world.dana.post(&page, &slip).await;
    assert_eq!(slip.status, 422);
    assert!(slip.says("Enter a name") && slip.says("sam@copperline"));

    let taken = form(&[("name", "Sam Okafor"), ("email", "Kim@Copperline.example")]);
    let kim = [
        ("name", "Kim Lee"),
        ("email", "kim@copperline.example"),
        ("role", "office_employee"),
    ];
    world.dana.post(staff, &form(&kim)).await;
    let told = world.dana.post(&page, &taken).await;
    assert_eq!(told.status, 422);
    assert!(told.says("Somebody signs in with this email already.") && told.says("Sam Okafor"));

    let right = form(&[
        ("name", "Sam Okafor"),
        ("email", "S.Okafor@Copperline.example"),
    ]);
    for _ in 0..2 {
        let done = world.dana.post(&page, &right).await;
        let shown = world.dana.get(done.location()).await;
        assert!(shown.says("Saved.") && !shown.says("Sam Okafr"));
        assert!(shown.says("Sam Okafor") && shown.says("s.okafor@copperline.example"));
    }
    assert_eq!(sam.get("/office").await.status, 200, "still signed in");
    let nobody = format!("{staff}/999999");
    assert_eq!(world.dana.get(&nobody).await.status, 404);
    assert_eq!(world.dana.post(&nobody, &right).await.status, 404);
}

async fn who_leaves_is_signed_out_at_once(world: World) {
    let page = "/office/settings/staff";
    let sam = Browser::signed_in(&world.server, "Sam Okafor", Role::OfficeEmployee).await;
    assert_eq!(sam.get("/office").await.status, 200);
    let act = |act: &str| format!("{page}/{}/{act}", sam.id);
    let done = world.dana.post(&act("deactivate"), &[]).await;
    assert!(world.dana.get(done.location()).await.says("Cannot sign in"));
    assert!(
        sam.get("/office")
            .await
            .location()
            .starts_with("/office/sign-in")
    );
    let refused = world.dana.post(&act("link"), &[]).await;
    assert_eq!(refused.status, 409);
    assert_eq!(world.dana.post(&act("reactivate"), &[]).await.status, 303);
    let invited = world.dana.post(&act("link"), &[]).await;
    assert!(invited.says("A link for Sam Okafor"));
}

async fn a_key_is_shown_once_and_revoked_at_once(world: World) {
    let page = "/office/settings/keys";
    let slip = world.dana.post(page, &form(&[("name", " ")])).await;
    assert_eq!(slip.status, 422);
    assert!(slip.says("Say what the key is for."));

    let made = world.dana.post(page, &form(&[("name", "Reports")])).await;
    let key = made.word("rb_");
    let leads = |key: String| {
        let url = format!("{}/api/v1/leads", world.server.url);
        let call = world.server.app().calls.get(url).bearer_auth(key);
        async move { call.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(leads(key.clone()).await, 200);
    let shown = world.dana.get(page).await;
    assert!(shown.says("Reports") && !shown.body.contains(&key));

    let revoke = shown.action("/revoke");
    let done = world.dana.post(&revoke, &[]).await;
    assert!(world.dana.get(done.location()).await.says("Revoked"));
    assert_eq!(leads(key).await, 401);
    assert_eq!(
        world
            .dana
            .post("/office/settings/keys/zz/revoke", &[])
            .await
            .status,
        404
    );
}

async fn an_address_nobody_reaches_is_marked_in_the_navigation(world: World) {
    world
        .dana
        .post("/office/settings/texts", &world.texts_form())
        .await;
    let shown = world.dana.get("/office/settings").await;
    assert!(shown.says("Only this machine can reach the public address."));
    let mark = "Something is still to be set up";
    assert!(world.dana.get("/office").await.says(mark));
}

async fn what_is_missing_is_listed_and_marked_in_the_navigation(world: World) {
    let engine = world.server.app().store.engine();
    let world = World::at(engine, Some("https://book.copperline.example")).await;
    let world = world.expect("the engine was there a moment ago");
    let mark = "Something is still to be set up";
    let shown = world.dana.get("/office/settings").await;
    assert!(shown.says("Text messages are not set up"));
    assert!(shown.says("Not connected to ServiceTitan. That is fine"));
    assert!(shown.says("You are the only one who can sign in."));
    assert!(world.dana.get("/office").await.says(mark));

    world
        .dana
        .post("/office/settings/texts", &world.texts_form())
        .await;
    let shown = world.dana.get("/office/settings").await;
    assert!(shown.says("Text messages are connected."));
    assert!(shown.says("once your number is registered"));
    assert!(!world.dana.get("/office").await.says(mark));

    // Texts nobody wants are not missing.
    world
        .dana
        .post("/office/settings/texts/disconnect", &[])
        .await;
    assert!(world.dana.get("/office").await.says(mark));
    let (id, of) = (world.server.seeded.scheduler, world.server.seeded.business);
    let never = move |tx: &mut ringback_server::store::Tx<'_>| {
        let scheduler = scheduler::get(tx, of, id)?;
        let mut settings = scheduler.settings.as_ref().clone();
        settings.follow_up.send = SendAfter::Never;
        scheduler::save(tx, of, id, scheduler.version, &scheduler.name, &settings)
    };
    let store = &world.server.app().store;
    assert!(store.write(Order::Any, never).await.unwrap());
    assert!(!world.dana.get("/office").await.says(mark));
}

async fn one_more_scheduler_begins_from_a_start(world: World) {
    let act = "/office/settings/schedulers";
    let slip = world
        .dana
        .post(
            act,
            &form(&[("start", "moon"), ("scheduler_name", "Shops")]),
        )
        .await;
    assert_eq!(slip.status, 422);
    assert!(slip.says("Choose one to begin with.") && slip.says("Shops"));

    let fields = form(&[("start", "commercial-service"), ("scheduler_name", "Shops")]);
    let made = world.dana.post(act, &fields).await;
    let public_id = made
        .location()
        .strip_prefix("/office/settings/schedulers/")
        .unwrap()
        .to_owned();
    let store = &world.server.app().store;
    let kept = store
        .read(move |tx| scheduler::by_public_id(tx, &public_id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.business, world.server.seeded.business);
    assert_eq!(kept.name, "Shops");
    assert_eq!(kept.settings.start, Start::CommercialService.as_str());
    assert!(world.dana.get("/office/settings").await.says("Shops"));
}

fn form(fields: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}
