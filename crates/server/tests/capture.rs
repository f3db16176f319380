//! Capture, told as stories: visitors over real connections, leads in a real store.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::SignedDuration;
use ringback_domain::departure::Departure;
use ringback_domain::lead::{Lead, LeadStatus};
use ringback_domain::session::{Answers, CameFrom, Session, Step};
use ringback_server::on_both_engines;
use ringback_server::random;
use ringback_server::store::lead::LeadFilter;
use ringback_server::store::{Order, lead, scheduler, session};
use ringback_server::testing::TestServer;
use ringback_server::token;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

on_both_engines!(
    server: closing_makes_one_lead_at_once,
    a_bye_makes_a_lead_after_a_second,
    a_silent_death_makes_a_lead,
    the_same_word_over_both_transports_counts_once,
    a_second_tab_keeps_the_session,
    a_reload_is_no_departure,
    coming_back_marks_the_lead_and_leaving_again_goes_on_with_it,
    nobody_to_reach_is_no_lead,
    drop_off_switched_off_captures_nobody,
    after_a_restart_an_open_page_gets_one_grace,
    posts_stand_in_for_a_socket,
    an_untouched_page_is_idle,
    a_page_of_another_site_is_refused,
);

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A visitor who has passed the contact step.
struct Visitor {
    token: String,
    page: String,
    said: i64,
    socket: Option<Socket>,
}

impl Visitor {
    async fn with_phone(world: &TestServer, phone: &str) -> Self {
        let answers = Answers {
            name: "Ana Morales".into(),
            phone: phone.into(),
            service: "cooling-repair".into(),
            postal_code: "85004".into(),
            ..Answers::default()
        };
        let token = random::token();
        let hash = token::hash(&token);
        let public_id = world.seeded.public_id.clone();
        world
            .app()
            .store
            .write(Order::Any, move |tx| {
                let scheduler =
                    scheduler::by_public_id(tx, &public_id)?.expect("the seeded scheduler");
                let mut session = session::start(tx, &scheduler, &hash, CameFrom::default())?;
                session.step = Step::Time;
                session.answers = answers.clone();
                session::save(tx, &session)
            })
            .await
            .unwrap();
        Self {
            token,
            page: random::token()[..16].into(),
            said: 0,
            socket: None,
        }
    }

    fn word(&mut self, word: &str) -> String {
        self.said += 1;
        format!(
            r#"{{"t":"{word}","n":{},"page":"{}","token":"{}"}}"#,
            self.said, self.page, self.token
        )
    }

    async fn opens(&mut self, world: &TestServer) {
        let url = format!(
            "{}/line/{}",
            world.url.replace("http", "ws"),
            world.seeded.public_id
        );
        let mut request = url.into_client_request().unwrap();
        request
            .headers_mut()
            .insert("origin", world.url.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket
            .send(Message::text(self.word("attach")))
            .await
            .unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer.to_text().unwrap(), r#"{"t":"ok"}"#);
        self.socket = Some(socket);
    }

    async fn says(&mut self, word: &str) {
        let word = self.word(word);
        self.socket
            .as_mut()
            .unwrap()
            .send(Message::text(word))
            .await
            .unwrap();
    }

    async fn posts(&mut self, world: &TestServer, word: &str) {
        let body = self.word(word);
        self.post(world, body, &world.url)
            .await
            .error_for_status()
            .unwrap();
    }

    async fn post(&self, world: &TestServer, body: String, origin: &str) -> reqwest::Response {
        let url = format!("{}/line/{}/say", world.url, world.seeded.public_id);
        let client = &world.app().calls;
        client
            .post(url)
            .header("origin", origin)
            .header("content-type", "text/plain")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// The process dies: the connection ends without a word.
    fn dies(&mut self) {
        self.socket = None;
    }

    async fn session(&self, world: &TestServer) -> Session {
        let hash = token::hash(&self.token);
        world
            .app()
            .store
            .read(move |tx| session::by_token(tx, &hash))
            .await
            .unwrap()
            .expect("her session")
    }

    async fn session_is(&self, world: &TestServer, state: &str) -> bool {
        self.session(world).await.state.as_str() == state
    }
}

async fn leads(world: &TestServer) -> Vec<Lead> {
    let business = world.seeded.business;
    let all = LeadFilter {
        limit: 100,
        ..LeadFilter::default()
    };
    world
        .app()
        .store
        .read(move |tx| lead::list(tx, business, &all))
        .await
        .unwrap()
}

/// Looks again at every hint until there are so many leads; a deadline, no fixed wait.
async fn until_leads(world: &TestServer, count: usize) -> Vec<Lead> {
    eventually(|| async { Some(leads(world).await).filter(|leads| leads.len() == count) }).await
}

async fn eventually<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    for _ in 0..1_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to pass within ten seconds");
}

async fn closing_makes_one_lead_at_once(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    ana.says("closed").await;
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].departure, Departure::Closed);
    assert_eq!(leads[0].name, "Ana Morales");
    assert_eq!(leads[0].last_step, Step::Time);
    assert_eq!(leads[0].service_title, "Air conditioning repair");
    assert!(leads[0].reference.starts_with("R-"));
    assert!(ana.session_is(&world, "abandoned").await);
}

async fn a_bye_makes_a_lead_after_a_second(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    ana.says("bye").await;
    let leads = until_leads(&world, 1).await;
    let stamps = leads[0].stamps;
    assert_eq!(leads[0].departure, Departure::Left);
    assert!(stamps.lead_at.duration_since(stamps.left_at) >= SignedDuration::from_secs(1));
}

async fn a_silent_death_makes_a_lead(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    ana.dies();
    let leads = until_leads(&world, 1).await;
    let stamps = leads[0].stamps;
    assert_eq!(leads[0].departure, Departure::Lost);
    assert!(stamps.lead_at.duration_since(stamps.left_at) >= SignedDuration::from_secs(3));
}

async fn the_same_word_over_both_transports_counts_once(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    let closed = ana.word("closed");
    ana.post(&world, closed.clone(), &world.url)
        .await
        .error_for_status()
        .unwrap();
    ana.socket
        .as_mut()
        .unwrap()
        .send(Message::text(closed))
        .await
        .unwrap();
    ana.dies();
    let first = until_leads(&world, 1).await;
    world.clock.advance(SignedDuration::from_mins(5));
    let same = until_leads(&world, 1).await;
    assert_eq!(same[0].times_left, 1);
    assert_eq!(same[0].departure, first[0].departure);
}

async fn a_second_tab_keeps_the_session(world: TestServer) {
    let mut first = Visitor::with_phone(&world, "+16025550142").await;
    let mut second = Visitor {
        token: first.token.clone(),
        page: random::token()[..16].into(),
        said: 0,
        socket: None,
    };
    first.opens(&world).await;
    second.opens(&world).await;
    first.says("closed").await;
    // The word has been heard once the session's page is gone from the registry.
    eventually(|| async { (world.app().lines.count() == 1).then_some(()) }).await;
    assert!(second.session_is(&world, "open").await);
    assert!(leads(&world).await.is_empty());
    second.says("closed").await;
    until_leads(&world, 1).await;
}

async fn a_reload_is_no_departure(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    let hash = token::hash(&ana.token);
    world
        .app()
        .store
        .write(Order::Any, move |tx| {
            let mut session = session::by_token(tx, &hash)?.expect("her session");
            session::page_requested(tx, &mut session)
        })
        .await
        .unwrap();
    ana.says("bye").await;
    eventually(|| async { (world.app().lines.count() == 0).then_some(()) }).await;
    world.clock.advance(SignedDuration::from_secs(8));
    let mut reloaded = Visitor {
        token: ana.token.clone(),
        page: random::token()[..16].into(),
        said: 0,
        socket: None,
    };
    reloaded.opens(&world).await;
    world.clock.advance(SignedDuration::from_secs(5));
    assert!(reloaded.session_is(&world, "open").await);
    assert!(leads(&world).await.is_empty());
}

async fn coming_back_marks_the_lead_and_leaving_again_goes_on_with_it(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    ana.says("closed").await;
    let first = until_leads(&world, 1).await;
    ana.opens(&world).await;
    let back = leads(&world).await;
    assert!(back[0].back_since.is_some());
    assert!(ana.session_is(&world, "open").await);
    ana.says("closed").await;
    let again = eventually(|| async {
        let leads = leads(&world).await;
        (leads[0].times_left == 2).then_some(leads)
    })
    .await;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].reference, first[0].reference);
    assert_eq!(again[0].back_since, None);
    assert_eq!(again[0].state.status(), LeadStatus::New);
}

async fn nobody_to_reach_is_no_lead(world: TestServer) {
    let mut stranger = Visitor::with_phone(&world, "").await;
    stranger.opens(&world).await;
    stranger.says("closed").await;
    eventually(|| async { stranger.session_is(&world, "lapsed").await.then_some(()) }).await;
    assert!(leads(&world).await.is_empty());
}

async fn drop_off_switched_off_captures_nobody(world: TestServer) {
    let (business, id) = (world.seeded.business, world.seeded.scheduler);
    world
        .app()
        .store
        .write(Order::Any, move |tx| {
            let scheduler = scheduler::get(tx, business, id)?;
            let mut settings = scheduler.settings;
            settings.abandoned.scheduler_drop_off = false;
            scheduler::save(
                tx,
                business,
                id,
                scheduler.version,
                &scheduler.name,
                &settings,
            )
        })
        .await
        .unwrap();
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    ana.says("closed").await;
    eventually(|| async { ana.session_is(&world, "lapsed").await.then_some(()) }).await;
    assert!(leads(&world).await.is_empty());
}

async fn after_a_restart_an_open_page_gets_one_grace(world: TestServer) {
    let mut stays = Visitor::with_phone(&world, "+16025550142").await;
    let mut gone = Visitor::with_phone(&world, "+16025550143").await;
    stays.opens(&world).await;
    gone.opens(&world).await;
    let world = world.restart().await;
    gone.dies();
    stays.opens(&world).await;
    world.clock.advance(SignedDuration::from_secs(1));
    assert!(leads(&world).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(60));
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].phone.as_deref(), Some("+16025550143"));
    assert!(stays.session_is(&world, "open").await);
}

async fn posts_stand_in_for_a_socket(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.posts(&world, "here").await;
    world.clock.advance(SignedDuration::from_secs(40));
    ana.posts(&world, "here").await;
    world.clock.advance(SignedDuration::from_secs(40));
    assert!(leads(&world).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(6));
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].departure, Departure::Lost);
}

async fn an_untouched_page_is_idle(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    let arrived = ana.session(&world).await.touched_at;
    world.clock.advance(SignedDuration::from_secs(595));
    ana.says("touch").await;
    eventually(|| async { (ana.session(&world).await.touched_at > arrived).then_some(()) }).await;
    world.clock.advance(SignedDuration::from_secs(590));
    assert!(leads(&world).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(10));
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].departure, Departure::Idle);
    ana.says("touch").await;
    eventually(|| async { ana.session_is(&world, "open").await.then_some(()) }).await;
}

async fn a_page_of_another_site_is_refused(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    let body = ana.word("closed");
    let refused = ana.post(&world, body, "https://elsewhere.example").await;
    assert_eq!(refused.status(), 403);
    let nonsense = ana
        .post(&world, "{\"t\":\"closed\"".into(), &world.url)
        .await;
    assert_eq!(nonsense.status(), 422);
    assert!(leads(&world).await.is_empty());
}
