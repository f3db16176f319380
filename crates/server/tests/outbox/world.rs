//! What every story begins with: Copperline at ten in the morning, connected to the sandbox.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ringback_domain::consent::Consent;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus};
use ringback_domain::departure::{Departure, Presence};
use ringback_domain::id::{LeadId, SessionId};
use ringback_domain::lead::{Lead, LeadEvent, Recovery};
use ringback_domain::scheduler::SchedulerSettings;
use ringback_domain::session::{Address, Answers, CameFrom, ChosenWindow, Step};
use ringback_sandbox::{Credentials, Message, Options, Sandbox};
use ringback_server::app::App;
use ringback_server::crm::servicetitan;
use ringback_server::random;
use ringback_server::sms::twilio;
use ringback_server::store::integration::{SERVICETITAN, TEXTS};
use ringback_server::store::lead::EventRow;
use ringback_server::store::{
    Engine, Order, StoreError, Tx, appointment, business, consent, delivery, integration, lead,
    scheduler, session,
};
use ringback_server::testing::TestServer;
use ringback_server::token;

/// A Monday, ten in the morning in Phoenix and noon in New York.
pub const MORNING: &str = "2026-11-23T17:00:00Z";

/// How long a story waits for something before it has failed; nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// Not earlier (the sandbox cuts to milliseconds), and not much later however busy the machine is.
#[track_caller]
pub fn is_about(waited: SignedDuration, meant: SignedDuration) {
    let early = meant - SignedDuration::from_millis(2);
    let late = meant + SignedDuration::from_secs(20);
    assert!(waited >= early && waited < late, "{waited:?} for {meant:?}");
}

pub struct World {
    pub server: TestServer,
    pub sandbox: Sandbox,
}

/// Makes two tests of every story, one per engine.
#[macro_export]
macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                let world = $crate::world::World::begin(ringback_server::store::Engine::Sqlite).await;
                super::$story(world.expect("SQLite is always there")).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                if let Some(world) = $crate::world::World::begin(ringback_server::store::Engine::Postgres).await {
                    super::$story(world).await;
                }
            })+
        }
    };
}

impl World {
    /// Copperline, connected to both outside systems. `None` when there is no PostgreSQL.
    pub async fn begin(engine: Engine) -> Option<Self> {
        let world = Self::unconnected(engine).await?;
        world.connect_servicetitan(|_| {}).await;
        world.connect_texts().await;
        Some(world)
    }

    /// Copperline on its own.
    pub async fn unconnected(engine: Engine) -> Option<Self> {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), Options::default())
            .await
            .expect("a sandbox on a free port");
        let url: url::Url = sandbox.url().parse().expect("a URL");
        let server = TestServer::start_with(engine, |config| {
            config.servicetitan_auth_url = url.clone();
            config.servicetitan_api_url = url.clone();
            config.twilio_url = url;
        })
        .await?;
        let world = Self { server, sandbox };
        world.it_is(MORNING);
        Some(world)
    }

    pub fn app(&self) -> &App {
        self.server.app()
    }

    pub fn credentials(&self) -> &Credentials {
        self.sandbox.credentials()
    }

    pub fn now(&self) -> Timestamp {
        self.server.clock.now()
    }

    /// Moves both clocks to that instant.
    pub fn it_is(&self, when: &str) {
        let when: Timestamp = when.parse().expect("an instant");
        self.passes(when.duration_since(self.now()));
    }

    /// Time passes, for us and for the outside.
    pub fn passes(&self, time: SignedDuration) {
        self.server.clock.advance(time);
        self.sandbox.advance_clock(time);
        self.app().outbox.ring();
    }

    pub async fn write<T, F>(&self, command: F) -> T
    where
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.app()
            .store
            .write(Order::Any, command)
            .await
            .expect("written")
    }

    pub async fn read<T, F>(&self, query: F) -> T
    where
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.app().store.read(query).await.expect("read")
    }

    pub async fn connect_servicetitan(&self, change: impl FnOnce(&mut servicetitan::Settings)) {
        let known = self.credentials().clone();
        let mut settings = servicetitan::Settings {
            tenant: known.tenant,
            client_id: known.client_id,
            booking_provider: known.booking_provider,
            campaign_id: Some(ringback_sandbox::seeds::CAMPAIGN_WEBSITE),
            call_reason_id: Some(ringback_sandbox::seeds::REASON_UNFINISHED),
        };
        change(&mut settings);
        let secrets = servicetitan::Secrets {
            client_secret: known.client_secret,
            app_key: known.app_key,
        };
        self.connect(SERVICETITAN, &settings, &secrets).await;
    }

    pub async fn connect_texts(&self) {
        self.connect_texts_as(|_| {}).await;
    }

    pub async fn connect_texts_as(&self, change: impl FnOnce(&mut twilio::Settings)) {
        let known = self.credentials().clone();
        let mut settings = twilio::Settings {
            account_sid: known.account_sid,
            api_key_sid: known.api_key,
            from: known.from_number,
            messaging_service_sid: String::new(),
        };
        change(&mut settings);
        let secrets = twilio::Secrets {
            api_key_secret: known.api_secret,
            auth_token: known.auth_token,
            auth_token_secondary: String::new(),
        };
        self.connect(TEXTS, &settings, &secrets).await;
    }

    pub async fn connect(
        &self,
        kind: &'static str,
        settings: &impl serde::Serialize,
        secrets: &impl serde::Serialize,
    ) {
        let business = self.server.seeded.business;
        let secrets = serde_json::to_vec(secrets).expect("JSON");
        let sealed = self.app().vault.seal(business, kind, &secrets);
        let settings = serde_json::to_value(settings).expect("JSON");
        self.write(move |tx| integration::save(tx, business, kind, &settings, Some(&sealed)))
            .await;
    }

    /// Changes the scheduler's settings.
    pub async fn set(&self, change: fn(&mut SchedulerSettings)) {
        let (business, id) = (self.server.seeded.business, self.server.seeded.scheduler);
        self.write(move |tx| {
            let scheduler = scheduler::get(tx, business, id)?;
            let mut settings = scheduler.settings.as_ref().clone();
            change(&mut settings);
            let (version, name) = (scheduler.version, &scheduler.name);
            scheduler::save(tx, business, id, version, name, &settings)
        })
        .await;
    }

    /// A visitor who has passed the contact step.
    pub async fn visitor(&self, phone: &str, ticked: bool) -> Visitor<'_> {
        let answers = Answers {
            name: "Ana Morales".into(),
            phone: phone.into(),
            email: "ana@example.com".into(),
            service: self.first_service().await,
            postal_code: "85004".into(),
            text_me: ticked,
            ..Answers::default()
        };
        let public_id = self.server.seeded.public_id.clone();
        let session = self
            .write(move |tx| {
                let scheduler = scheduler::by_public_id(tx, &public_id)?.expect("seeded");
                let came_from = CameFrom {
                    page: "https://copperline.example/ac".into(),
                    zone: "America/Phoenix".into(),
                    locale: "en".into(),
                    ..CameFrom::default()
                };
                let token = random::token();
                let mut session = session::start(tx, &scheduler, &token::hash(&token), came_from)?;
                session.step = Step::Time;
                session.answers = answers.clone();
                session::save(tx, &session)?;
                let consent = Consent {
                    business: session.business,
                    session: session.id,
                    phone: answers.phone.clone(),
                    given: answers.text_me,
                    wording: "One text with a link.".into(),
                    locale: "en".into(),
                    page_url: session.came_from.page.clone(),
                    address: "127.0.0.1".into(),
                    user_agent: "a test".into(),
                    at: tx.now(),
                };
                consent::note(tx, &consent)?;
                Ok(session.id)
            })
            .await;
        Visitor {
            world: self,
            session,
        }
    }

    async fn first_service(&self) -> String {
        let (business, id) = (self.server.seeded.business, self.server.seeded.scheduler);
        let scheduler = self.write(move |tx| scheduler::get(tx, business, id)).await;
        scheduler.settings.services[0].key.clone()
    }

    pub async fn lead(&self, id: LeadId) -> Lead {
        let business = self.server.seeded.business;
        self.read(move |tx| lead::get(tx, business, id))
            .await
            .expect("the lead")
    }

    pub async fn deliveries(&self, lead: LeadId) -> Vec<Delivery> {
        let business = self.server.seeded.business;
        self.read(move |tx| delivery::of_lead(tx, business, lead))
            .await
    }

    /// The latest delivery of that kind.
    pub async fn delivery(&self, lead: LeadId, kind: DeliveryKind) -> Option<Delivery> {
        let all = self.deliveries(lead).await;
        all.into_iter().rfind(|delivery| delivery.kind == kind)
    }

    pub async fn events(&self, lead: LeadId) -> Vec<EventRow> {
        let business = self.server.seeded.business;
        self.read(move |tx| lead::events(tx, business, lead)).await
    }

    pub async fn has_event(&self, lead: LeadId, kind: LeadEvent) -> bool {
        self.events(lead)
            .await
            .iter()
            .any(|event| event.kind == kind)
    }

    /// Waits until the latest delivery of that kind stands so.
    pub async fn until(
        &self,
        lead: LeadId,
        kind: DeliveryKind,
        status: DeliveryStatus,
    ) -> Delivery {
        let mut last = None;
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                last = self.delivery(lead, kind).await;
                if let Some(delivery) = &last
                    && delivery.status == status
                {
                    return delivery.clone();
                }
                self.again().await;
            }
        });
        match waited.await {
            Ok(delivery) => delivery,
            Err(_) => panic!("{kind} should be {status}, is {last:?}"),
        }
    }

    /// Waits until something holds.
    pub async fn until_holds<F>(&self, what: &str, mut holds: impl FnMut() -> F)
    where
        F: Future<Output = bool>,
    {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !holds().await {
                self.again().await;
            }
        });
        assert!(waited.await.is_ok(), "{what}");
    }

    /// A moment of real time, for what is under way.
    async fn again(&self) {
        self.app().outbox.ring();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    /// Everything due has been taken up and nothing is on its way: what has not happened by now does not.
    pub async fn quiet(&self) {
        let owner = self.app().owner();
        self.until_holds("the outbox comes to rest", || {
            let owner = owner.clone();
            async move {
                let waiting = self
                    .read(move |tx| ringback_server::store::outbox::waiting(tx, &owner))
                    .await;
                self.app().outbox.finish().await;
                waiting.due.is_empty() && !waiting.left_behind
            }
        })
        .await;
        self.sandbox.settled().await;
    }

    /// Time goes by in small steps, each with what it makes due: also where lanes rest after failures.
    pub async fn spends(&self, time: SignedDuration) {
        let end = self.now() + time;
        while self.now() < end {
            self.passes(SignedDuration::from_secs(6));
            self.again().await;
            self.app().outbox.finish().await;
        }
    }

    /// The texts the carrier took.
    pub fn texts(&self) -> Vec<Message> {
        let all = self.sandbox.carrier().messages();
        all.into_iter()
            .filter(|message| message.direction == ringback_sandbox::Direction::OutboundApi)
            .collect()
    }
}

/// Somebody at the scheduler.
pub struct Visitor<'w> {
    world: &'w World,
    pub session: SessionId,
}

impl Visitor<'_> {
    /// They leave; the lead, when one is made.
    pub async fn leaves_by(&self, departure: Departure) -> Option<LeadId> {
        let (business, id) = (self.world.server.seeded.business, self.session);
        self.world
            .write(move |tx| {
                let mut session = session::get(tx, business, id)?;
                session.page_went(departure, false, Presence::NOBODY, tx.now());
                // The grace is capture's story; here it is over.
                if let Some(leaving) = &mut session.leaving {
                    leaving.until = tx.now();
                }
                session::judge(tx, &mut session)?;
                Ok(session.lead)
            })
            .await
    }

    /// They press close.
    pub async fn leaves(&self) -> LeadId {
        self.leaves_by(Departure::Closed).await.expect("a lead")
    }

    /// They are on the page again.
    pub async fn comes_back(&self) {
        let (business, id) = (self.world.server.seeded.business, self.session);
        self.world
            .write(move |tx| {
                let mut session = session::get(tx, business, id)?;
                session::here(tx, &mut session)
            })
            .await;
    }

    /// Changes their answers.
    pub async fn answers(&self, change: fn(&mut Answers)) {
        let (business, id) = (self.world.server.seeded.business, self.session);
        self.world
            .write(move |tx| {
                let mut session = session::get(tx, business, id)?;
                change(&mut session.answers);
                session::save(tx, &session)
            })
            .await;
    }

    /// They book the first window there is, at their address.
    pub async fn books(&self) -> ChosenWindow {
        let (business_id, id) = (self.world.server.seeded.business, self.session);
        self.world
            .write(move |tx| {
                let mut session = session::get(tx, business_id, id)?;
                session::here(tx, &mut session)?;
                let business = business::get(tx, business_id)?;
                let scheduler = scheduler::get(tx, business_id, session.scheduler)?;
                let settings = &scheduler.settings;
                let days = appointment::offers(tx, &business, settings, Some(id))?;
                let window = days
                    .iter()
                    .flat_map(|day| &day.windows)
                    .map(|offer| offer.window)
                    .next()
                    .expect("a free window");
                session.answers.window = Some(window);
                session.answers.address = Address {
                    street: "12 E Palm Ln".into(),
                    unit: String::new(),
                    city: "Phoenix".into(),
                    state: "AZ".into(),
                };
                let agreed = appointment::agree(tx, &session, &business, settings, window)?;
                let agreed = agreed.expect("the window is still free");
                session::book(tx, &mut session, agreed, Recovery::Themselves)?
                    .expect("booked once");
                Ok(window)
            })
            .await
    }
}

impl Visitor<'_> {
    /// Their browser says this zone.
    pub async fn is_in(&self, zone: &'static str) {
        let (business, id) = (self.world.server.seeded.business, self.session);
        self.world
            .write(move |tx| {
                let mut session = session::get(tx, business, id)?;
                session.came_from.zone = zone.to_owned();
                session::save(tx, &session)
            })
            .await;
    }

    /// They take the tick back.
    pub async fn unticks(&self) {
        let (business, id) = (self.world.server.seeded.business, self.session);
        self.world
            .write(move |tx| {
                let before = consent::newest(tx, business, id)?.expect("ticked before");
                let consent = Consent {
                    given: false,
                    at: tx.now(),
                    ..before
                };
                consent::note(tx, &consent)
            })
            .await;
    }

    /// They want another service: another request than before.
    pub async fn asks_for_something_else(&self) {
        let (business, id) = (self.world.server.seeded.business, self.session);
        self.world
            .write(move |tx| {
                let mut session = session::get(tx, business, id)?;
                let scheduler = scheduler::get(tx, business, session.scheduler)?;
                session.answers.service = scheduler.settings.services[1].key.clone();
                session::save(tx, &session)
            })
            .await;
    }
}
