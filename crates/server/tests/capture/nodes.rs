//! Several servers over one PostgreSQL: what one of them holds when it dies, is stopped, or is taken for dead.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::SignedDuration;
use ringback_domain::departure::{Departure, RESTART_GRACE};
use ringback_server::serve::Server;
use ringback_server::store::{Engine, Hint, Order, node};
use ringback_server::testing::TestServer;

use crate::visitor::Visitor;
use crate::{eventually, leads, until_leads};

async fn first_node() -> Option<TestServer> {
    TestServer::start(Engine::Postgres).await
}

/// What the server says of itself every few seconds.
const HERE: &str = r#"{"t":"here"}"#;

/// What the server says next on this visitor's line, beside that it is there; `None` when the line has ended.
async fn hears(visitor: &mut Visitor) -> Option<String> {
    let next = async {
        while let Some(Ok(message)) = visitor.socket.as_mut().unwrap().next().await {
            if message.is_text() && message.to_text().unwrap() != HERE {
                return Some(message.into_text().unwrap().to_string());
            }
        }
        None
    };
    let heard = tokio::time::timeout(Duration::from_secs(20), next).await;
    heard.expect("the server says something, or ends the line")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_captured_on_one_node_is_hinted_on_another() {
    let Some(world) = first_node().await else {
        return;
    };
    let (second, second_url) = world.another_node("second").await;
    let mut hints = world.app().store.hints();
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens_at(&world, &second_url).await;
    ana.says("closed").await;
    let lead = async {
        loop {
            if let Hint::Lead { lead, .. } = hints.recv().await.unwrap() {
                return lead;
            }
        }
    };
    let hinted = tokio::time::timeout(Duration::from_secs(10), lead)
        .await
        .expect("a hint of the other node's lead");
    let leads = leads(&world).await;
    assert_eq!((leads.len(), leads[0].id), (1, hinted));
    second.stop().await;
}

/// A node that ends like a process that is killed: nothing of it runs on, nobody is told.
struct Mortal {
    runtime: tokio::runtime::Runtime,
    _server: Server,
    url: String,
}

impl Mortal {
    async fn start(world: &TestServer) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let started = tokio::task::block_in_place(|| handle.block_on(world.another_node("second")));
        let (server, url) = started;
        Self {
            runtime,
            _server: server,
            url,
        }
    }

    fn dies(self) {
        self.runtime.shutdown_background();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_nodes_pages_get_one_grace_and_who_left_is_a_lead_within_twenty_seconds() {
    let Some(world) = first_node().await else {
        return;
    };
    let second = Mortal::start(&world).await;
    let mut stays = Visitor::with_phone(&world, "+16025550142").await;
    let mut gone = Visitor::with_phone(&world, "+16025550143").await;
    stays.opens_at(&world, &second.url).await;
    gone.opens_at(&world, &second.url).await;
    second.dies();
    gone.dies();
    let died = world.app().store.read(|tx| Ok(tx.now())).await.unwrap();
    eventually_patiently(|| async { gone.session(&world).await.leaving }).await;
    let leaving = gone.session(&world).await.leaving.unwrap();
    assert_eq!(leaving.departure, Departure::Lost);
    assert_eq!(leaving.until.duration_since(leaving.at), RESTART_GRACE);
    assert!(leads(&world).await.is_empty());
    stays.opens(&world).await;
    world.clock.advance(RESTART_GRACE);
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].phone.as_deref(), Some("+16025550143"));
    assert_eq!(leads[0].times_left, 1);
    let took = leads[0].stamps.lead_at.duration_since(died);
    assert!(took <= SignedDuration::from_secs(20), "it took {took:#}");
    assert!(stays.session_is(&world, "open").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_taken_for_dead_lives_anew_and_its_pages_attach_anew() {
    let Some(world) = first_node().await else {
        return;
    };
    let (second, second_url) = world.another_node("second").await;
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens_at(&world, &second_url).await;
    let former = second.app.owner();
    // As if it had been stopped for longer than it is believed to live.
    world.clock.advance(node::ALIVE_FOR);
    let first = world.app().owner();
    let declared = world
        .app()
        .store
        .write(Order::Any, move |tx| node::declare_dead(tx, &first))
        .await
        .unwrap();
    assert_eq!(declared, ["second"]);
    // What it holds is another's business by now; what it says late of it does not count.
    let freed = eventually(|| async { ana.session(&world).await.leaving }).await;
    assert_eq!(hears(&mut ana).await.as_deref(), Some(r#"{"t":"moved"}"#));
    assert!(second.app.owner().epoch > former.epoch);
    let stale = former.clone();
    let renewed = world
        .app()
        .store
        .write(Order::Any, move |tx| node::renew(tx, &stale));
    assert_ne!(renewed.await.unwrap(), node::Renewal::Alive);
    // A touch that lay in its hands while the others took it for dead, and then the end of her page.
    ana.says("touch").await;
    ana.dies();
    eventually(|| async { (second.app.lines.count() == 0).then_some(()) }).await;
    let after = ana.session(&world).await.leaving;
    assert_eq!(after, Some(freed), "neither of them changes anything");
    ana.opens_at(&world, &second_url).await;
    world.clock.advance(SignedDuration::from_secs(60));
    eventually(|| async {
        let left = ana.session(&world).await.leaving;
        left.is_none().then_some(())
    })
    .await;
    assert!(leads(&world).await.is_empty());
    assert!(ana.session_is(&world, "open").await);
    second.stop().await;
}

#[tokio::test]
async fn a_server_says_on_every_line_that_it_is_there() {
    let Some(world) = first_node().await else {
        return;
    };
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    let next = async {
        while let Some(Ok(message)) = ana.socket.as_mut().unwrap().next().await {
            if message.is_text() {
                return message.to_text().unwrap().to_owned();
            }
        }
        String::new()
    };
    // At once, as it may be stopped at once.
    let said = tokio::time::timeout(Duration::from_secs(4), next).await;
    assert_eq!(said.expect("it is not silent"), HERE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_beside_others_moves_the_pages_and_nobody_departs() {
    let Some(world) = first_node().await else {
        return;
    };
    let (second, second_url) = world.another_node("second").await;
    let mut stays = Visitor::with_phone(&world, "+16025550142").await;
    let mut leaves = Visitor::with_phone(&world, "+16025550143").await;
    let mut lost = Visitor::with_phone(&world, "+16025550144").await;
    for visitor in [&mut stays, &mut leaves, &mut lost] {
        visitor.opens_at(&world, &second_url).await;
    }
    let ready = format!("{second_url}/readyz");
    let app = second.app.clone();
    let stopping = tokio::spawn(second.stop());
    eventually(|| async { app.is_leaving().then_some(()) }).await;
    let answer = world.app().calls.get(&ready).send().await.unwrap();
    assert_eq!(answer.status(), 503, "it still answers, and says no");
    for visitor in [&mut stays, &mut leaves, &mut lost] {
        assert_eq!(hears(visitor).await.as_deref(), Some(r#"{"t":"moved"}"#));
    }
    // One opens elsewhere and lets go of the old line; one says goodbye over it; one is never heard again.
    let old = stays.socket.take();
    stays.opens(&world).await;
    drop(old);
    leaves.says("closed").await;
    until_leads(&world, 1).await;
    lost.dies();
    stopping.await.unwrap();
    eventually(|| async { lost.session(&world).await.leaving }).await;
    world.clock.advance(RESTART_GRACE);
    let mut left: Vec<_> = until_leads(&world, 2).await;
    left.sort_by_key(|lead| lead.phone.clone());
    assert_eq!(left[0].departure, Departure::Closed);
    assert_eq!(left[1].departure, Departure::Lost);
    assert!(stays.session_is(&world, "open").await);
}

/// [`eventually`], for what takes a dead node's time.
async fn eventually_patiently<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    for _ in 0..600 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to pass within half a minute");
}
