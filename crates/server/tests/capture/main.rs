//! Capture, told as stories: visitors over real connections, leads in a real store.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

mod nodes;
mod visitor;

use std::time::Duration;

use futures_util::SinkExt;
use jiff::SignedDuration;
use ringback_domain::departure::{Departure, POST_EVERY, RESTART_GRACE, RESTART_SILENCE};
use ringback_domain::lead::{Lead, LeadStatus};
use ringback_domain::scheduler::SchedulerSettings;
use ringback_domain::session::Step;
use ringback_server::jump;
use ringback_server::on_both_engines;
use ringback_server::random;
use ringback_server::store::lead::LeadFilter;
use ringback_server::store::{Engine, Order, StoreError, lead, scheduler, session};
use ringback_server::testing::TestServer;
use ringback_server::token;
use tokio_tungstenite::tungstenite::Message;

use visitor::Visitor;

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
    a_minute_without_a_server_is_not_the_silence_of_a_page_that_posts,
    who_left_before_a_restart_does_not_wait_for_those_who_post,
    posts_stand_in_for_a_socket,
    an_untouched_page_is_idle,
    a_clock_that_jumps_is_no_departure,
    a_grace_goes_on_by_whatever_clock,
    a_clock_set_back_while_the_server_was_away_holds_nobody_up,
    a_page_of_another_site_is_refused,
);

async fn leads(world: &TestServer) -> Vec<Lead> {
    read_leads(world).await.unwrap()
}

async fn read_leads(world: &TestServer) -> Result<Vec<Lead>, StoreError> {
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
}

/// Looks again and again until there are so many leads; a deadline, no fixed wait. A database that is just coming back
/// has none yet.
async fn until_leads(world: &TestServer, count: usize) -> Vec<Lead> {
    let look = || async {
        match read_leads(world).await {
            Err(error) if error.is_passing() => None,
            leads => Some(leads.unwrap()).filter(|leads| leads.len() == count),
        }
    };
    eventually(look).await
}

async fn eventually<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    for _ in 0..3_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to pass within half a minute");
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
            let mut settings = SchedulerSettings::clone(&scheduler.settings);
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
    // Its time counts from the moment at which the new life has seen to what the former one held.
    eventually(|| async { gone.session(&world).await.leaving }).await;
    world.clock.advance(SignedDuration::from_secs(1));
    assert!(leads(&world).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(60));
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].phone.as_deref(), Some("+16025550143"));
    assert!(stays.session_is(&world, "open").await);
}

async fn a_minute_without_a_server_is_not_the_silence_of_a_page_that_posts(world: TestServer) {
    let mut posts = Visitor::with_phone(&world, "+16025550142").await;
    let mut silent = Visitor::with_phone(&world, "+16025550143").await;
    let mut leaves = Visitor::with_phone(&world, "+16025550144").await;
    posts.posts(&world, "here").await;
    silent.posts(&world, "here").await;
    let clock = world.clock.clone();
    let world = world
        .restart_after(|| clock.advance(SignedDuration::from_secs(60)))
        .await;
    world
        .clock
        .advance(POST_EVERY - SignedDuration::from_secs(2));
    // Who leaves now and is judged tells that the others could have been.
    leaves.opens(&world).await;
    leaves.says("bye").await;
    assert_eq!(until_leads(&world, 1).await[0].departure, Departure::Left);
    for visitor in [&posts, &silent] {
        assert!(visitor.session_is(&world, "open").await);
    }
    posts.posts(&world, "here").await;
    world
        .clock
        .advance(RESTART_SILENCE - POST_EVERY + SignedDuration::from_secs(2));
    until_leads(&world, 2).await;
    assert!(silent.session_is(&world, "abandoned").await);
    assert!(posts.session_is(&world, "open").await);
}

async fn who_left_before_a_restart_does_not_wait_for_those_who_post(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    ana.dies();
    let leaving = eventually(|| async { ana.session(&world).await.leaving }).await;
    let clock = world.clock.clone();
    // Her grace ends while nobody can judge her.
    let world = world
        .restart_after(|| clock.advance(SignedDuration::from_secs(60)))
        .await;
    let back = world.app().store.read(|tx| Ok(tx.now())).await.unwrap();
    world.clock.advance(RESTART_GRACE);
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].stamps.left_at, leaving.at);
    let waited = leads[0].stamps.lead_at.duration_since(back);
    assert!(waited < RESTART_SILENCE, "{waited:#}");
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

async fn a_clock_that_jumps_is_no_departure(world: TestServer) {
    let mut stays = Visitor::with_phone(&world, "+16025550142").await;
    let mut posts = Visitor::with_phone(&world, "+16025550143").await;
    let without_script = Visitor::with_phone(&world, "+16025550144").await;
    stays.opens(&world).await;
    posts.posts(&world, "here").await;
    for hours in [24, -48] {
        let before = without_script.session(&world).await.touched_at;
        jump::look(world.app()).await.unwrap();
        let jump = SignedDuration::from_hours(hours);
        world.clock.machine_jumps(jump);
        // The sweep has noticed, and goes on judging.
        eventually(|| async {
            let moved = without_script
                .session(&world)
                .await
                .touched_at
                .duration_since(before);
            ((moved - jump).abs() < SignedDuration::from_secs(10)).then_some(())
        })
        .await;
        world.clock.advance(SignedDuration::from_secs(20));
        posts.posts(&world, "here").await;
        for visitor in [&stays, &posts, &without_script] {
            assert!(visitor.session_is(&world, "open").await, "{hours} hours");
        }
    }
    assert!(leads(&world).await.is_empty());
    // Their own time goes on as ever.
    stays.says("bye").await;
    until_leads(&world, 1).await;
    world.clock.advance(SignedDuration::from_secs(45));
    until_leads(&world, 2).await;
    world.clock.advance(SignedDuration::from_mins(10));
    until_leads(&world, 3).await;
}

async fn a_grace_goes_on_by_whatever_clock(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    jump::look(world.app()).await.unwrap();
    ana.dies();
    eventually(|| async { ana.session(&world).await.leaving }).await;
    world.clock.machine_jumps(SignedDuration::from_hours(-24));
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].departure, Departure::Lost);
}

async fn a_clock_set_back_while_the_server_was_away_holds_nobody_up(world: TestServer) {
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    let clock = world.clock.clone();
    let world = world
        .restart_after(|| clock.machine_jumps(SignedDuration::from_hours(-24)))
        .await;
    // One grace, as after any restart.
    ana.dies();
    eventually(|| async { ana.session(&world).await.leaving }).await;
    world.clock.advance(SignedDuration::from_secs(20));
    until_leads(&world, 1).await;
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

/// Nobody gets into the world's database, or everybody again. The synchronous client wants a thread without a
/// runtime.
fn database_takes_connections(world: &TestServer, yes: bool) {
    let mut server = url::Url::parse(&world.place().database_url()).unwrap();
    let name = server.path().trim_start_matches('/').to_owned();
    server.set_path("postgres");
    std::thread::spawn(move || {
        let mut client = ::postgres::Client::connect(server.as_str(), ::postgres::NoTls).unwrap();
        let allow = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {yes}");
        client.batch_execute(&allow).unwrap();
        if !yes {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
            client.execute(end, &[&name]).unwrap();
        }
    })
    .join()
    .unwrap();
}

#[tokio::test]
async fn a_line_that_dies_while_the_database_is_away_is_a_departure_all_the_same() {
    let Some(world) = TestServer::start(Engine::Postgres).await else {
        return;
    };
    let mut ana = Visitor::with_phone(&world, "+16025550142").await;
    ana.opens(&world).await;
    database_takes_connections(&world, false);
    ana.dies();
    // The server has met the closed line: the page is not among the open ones any more.
    eventually(|| async { (world.app().lines.count() == 0).then_some(()) }).await;
    let busy = || async { world.app().store.write(Order::Any, |_| Ok(())).await.err() };
    eventually(busy).await;
    database_takes_connections(&world, true);
    let leads = until_leads(&world, 1).await;
    assert_eq!(leads[0].departure, Departure::Lost);
}
