//! The first run: the link that is printed, the page behind it, and what stands there afterwards.

use std::sync::Arc;

use jiff::SignedDuration;
use ringback_domain::business::Business;
use ringback_domain::region::Region;
use ringback_domain::scheduler::Scheduler;
use ringback_domain::starts::Start;
use ringback_server::clock::Clock;
use ringback_server::config::Config;
use ringback_server::office::setup;
use ringback_server::on_both_engines;
use ringback_server::serve::{self, Server};
use ringback_server::store::{Engine, business, scheduler};
use ringback_server::testing::{Place, TestStore};
use tempfile::TempDir;

use super::browser::Browser;

on_both_engines!(
    every_start_and_every_region_is_set_up_by_its_link,
    a_slip_loses_nothing_and_uses_nothing_up,
    a_link_opens_once_and_for_a_day_and_only_the_newest,
    the_browser_says_where_one_is,
);

/// `ringback serve` on a store with nothing in it.
struct FirstRun {
    server: Server,
    clock: Clock,
    url: String,
    link: String,
    _keys: TempDir,
    _place: Place,
}

impl FirstRun {
    async fn begin(engine: Engine) -> Self {
        let place = Place::fresh(engine).unwrap();
        let keys = TempDir::new().unwrap();
        let listener = serve::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = Config {
            public_url: url.parse().unwrap(),
            database_url: place.database_url().into(),
            key_file: keys.path().join("ringback.key"),
            ..Config::default()
        };
        let clock = Clock::system();
        let server = Server::start_on(listener, config, clock.clone())
            .await
            .unwrap();
        let link = setup::link(&server.app).await.unwrap().unwrap();
        Self {
            server,
            clock,
            url,
            link,
            _keys: keys,
            _place: place,
        }
    }

    async fn stands(&self) -> Option<(Arc<Business>, Vec<Arc<Scheduler>>)> {
        let read = self.server.app.store.read(|tx| {
            let Some(business) = business::all(tx)?.pop() else {
                return Ok(None);
            };
            let schedulers = scheduler::list(tx, business.id)?;
            Ok(Some((business, schedulers)))
        });
        read.await.unwrap()
    }

    async fn end(self) {
        self.server.stop().await;
    }
}

fn typed(region: Region, start: Start) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("owner_name", "Dana Ruiz".to_owned()),
        ("owner_email", "Dana@Copperline.example".into()),
        ("password", "copper kettle on a stove".into()),
        ("name", "Copperline Home Services".into()),
        ("phone", String::new()),
        ("region", region.to_string()),
        ("time_zone", region.time_zones()[0].into()),
        ("locale", "en".into()),
        ("start", start.to_string()),
    ];
    for (open, from, to) in [("open-0", "from-0", "to-0"), ("open-5", "from-5", "to-5")] {
        form.extend([
            (open, "on".to_owned()),
            (from, "08:00".into()),
            (to, "16:00".into()),
        ]);
    }
    form
}

/// Every start and every region at least once.
async fn every_start_and_every_region_is_set_up_by_its_link(store: TestStore) {
    let starts = Start::ALL.iter().cycle();
    for (region, start) in Region::ALL.iter().zip(starts) {
        let first = FirstRun::begin(store.store.engine()).await;
        let browser = Browser::new(&first.url);
        // Nobody can sign in yet: the page says where the link is, and shows it to nobody.
        let told = "Its link was printed where the server was started";
        let shut = browser.get("/office/sign-in").await;
        assert!(shut.says(told) && !shut.says("Password") && !shut.says("/setup/"));
        let page = browser.get(&first.link).await;
        assert_eq!(page.status, 200);
        let done = browser.post(&first.link, &typed(*region, *start)).await;
        assert_eq!(done.location(), setup::WELCOME, "{region} {start}");

        let (business, schedulers) = first.stands().await.unwrap();
        assert_eq!(
            (business.region, business.phone.as_deref()),
            (*region, None)
        );
        assert_eq!(business.details.hours.days.iter().flatten().count(), 2);
        let [scheduler] = schedulers.as_slice() else {
            panic!("one scheduler, not {}", schedulers.len());
        };
        assert_eq!(scheduler.settings.start, start.as_str());

        // Signed in at once; the snippet and the hosted page are there, and both lead somewhere.
        let welcome = browser.get(setup::WELCOME).await;
        assert!(welcome.says(&setup::snippet(&first.url, &scheduler.public_id)));
        let hosted = format!("{}/s/{}", first.url, scheduler.public_id);
        assert!(welcome.says(&hosted));
        assert_eq!(browser.get(&hosted).await.status, 200);
        assert_eq!(browser.get("/embed.js").await.status, 200);
        assert_eq!(browser.get("/office").await.status, 200);

        // And by the password on any other browser.
        let other = Browser::new(&first.url);
        let open = other.get("/office/sign-in").await;
        assert!(!open.says(told) && open.says("Password"));
        let form = [
            ("email", "dana@copperline.example".to_owned()),
            ("password", "copper kettle on a stove".into()),
        ];
        let signed_in = other.post("/office/sign-in", &form).await;
        assert_eq!(signed_in.location(), "/office");
        first.end().await;
    }
}

async fn a_slip_loses_nothing_and_uses_nothing_up(store: TestStore) {
    let first = FirstRun::begin(store.store.engine()).await;
    let browser = Browser::new(&first.url);
    let mut form = typed(Region::UnitedStates, Start::Plumbing);
    form[1].1 = "dana".into();
    form[2].1 = "short".into();
    form[4].1 = "12".into();
    let slip = browser.post(&first.link, &form).await;
    assert_eq!(slip.status, 422);
    for sentence in [
        "Enter an email address like name@example.com.",
        "Use at least 10 characters.",
        "That phone number is too short.",
    ] {
        assert!(slip.says(sentence), "{sentence}");
    }
    assert!(slip.says("Copperline Home Services") && slip.says("16:00"));
    assert!(slip.body.contains("value=\"plumbing\" checked"));
    assert!(
        !slip.body.contains("short\""),
        "a password never comes back"
    );
    assert!(first.stands().await.is_none());

    let done = browser
        .post(&first.link, &typed(Region::UnitedStates, Start::Plumbing))
        .await;
    assert_eq!(done.location(), setup::WELCOME);
    first.end().await;
}

async fn a_link_opens_once_and_for_a_day_and_only_the_newest(store: TestStore) {
    let first = FirstRun::begin(store.store.engine()).await;
    let browser = Browser::new(&first.url);
    let form = typed(Region::Ireland, Start::Electrical);
    let newer = setup::link(&first.server.app).await.unwrap().unwrap();
    assert_ne!(newer, first.link);
    for link in [&first.link, &format!("{}/setup/guessed", first.url)] {
        assert_eq!(browser.get(link).await.status, 410);
        let told = browser.post(link, &form).await;
        assert_eq!(told.status, 410);
        assert!(told.says("A set-up link works once, for 24 hours"));
    }
    let elsewhere = browser.post_from_elsewhere(&newer).await;
    assert_eq!(elsewhere.status, 403);

    // The database's clock follows ours.
    first.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(browser.post(&newer, &form).await.status, 410);
    assert!(first.stands().await.is_none());

    let link = setup::link(&first.server.app).await.unwrap().unwrap();
    let two = Browser::new(&first.url);
    let (one, two) = tokio::join!(browser.post(&link, &form), two.post(&link, &form));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        [303, 410],
        "of two at once one makes the business"
    );
    assert!(browser.get(&link).await.says("Ringback is set up."));
    assert_eq!(setup::link(&first.server.app).await.unwrap(), None);
    first.end().await;
}

async fn the_browser_says_where_one_is(store: TestStore) {
    let first = FirstRun::begin(store.store.engine()).await;
    let kiwi = Browser::speaking(&first.url, "en-NZ,en;q=0.8");
    let page = kiwi.get(&first.link).await;
    assert!(page.body.contains("value=\"nz\" selected"));
    assert!(page.body.contains("value=\"Pacific/Auckland\" selected"));
    let dona = Browser::speaking(&first.url, "es-US,es;q=0.9");
    let page = dona.get(&first.link).await;
    assert!(page.says("Ponga en marcha Ringback"));
    assert!(page.body.contains("value=\"es\" selected"));
    first.end().await;
}
