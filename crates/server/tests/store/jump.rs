//! The clock jumps, and only what was heard by the old time moves with it.

use jiff::{SignedDuration, Timestamp};
use ringback_domain::departure::Departure;
use ringback_domain::id::{BusinessId, SessionId};
use ringback_domain::session::{CameFrom, Session};
use ringback_server::on_both_engines;
use ringback_server::seed;
use ringback_server::store::{Order, StoreError, Tx, jump, node, page, scheduler, session};
use ringback_server::testing::TestStore;

on_both_engines!(
    who_leaves_right_after_a_jump_waits_no_longer_for_it,
    a_jump_is_seen_to_once_also_by_who_had_not_renewed_itself,
    who_begins_after_a_jump_has_not_seen_to_it,
    who_begins_after_a_jump_back_sees_it_by_who_lives,
    a_server_that_died_before_a_jump_does_not_come_to_life_by_it,
    who_says_goodbye_right_after_a_jump_is_not_judged_by_it,
);

async fn who_leaves_right_after_a_jump_waits_no_longer_for_it(world: TestStore) {
    let begin = |tx: &mut Tx<'_>| {
        node::begin(tx, "ringback")?;
        let business = seed::copperline(tx)?.business;
        let sessions = [leaves_open(tx, business, 1)?, leaves_open(tx, business, 2)?];
        Ok((business, sessions))
    };
    let (business, [before, after]) = world.store.write(Order::Any, begin).await.unwrap();
    for hours in [24, -24] {
        departs(&world, business, before).await;
        let left_before = leaving(&world, business, before).await;
        let by = SignedDuration::from_hours(hours);
        world.clock.machine_jumps(by);
        // Between the jump and its being noticed.
        departs(&world, business, after).await;
        let left_after = leaving(&world, business, after).await;
        let follow = move |tx: &mut Tx<'_>| jump::follow(tx, "ringback", by);
        assert!(world.store.write(Order::Any, follow).await.unwrap());
        let moved = leaving(&world, business, before).await;
        assert_eq!(moved, left_before + by, "{hours} hours");
        let stays = leaving(&world, business, after).await;
        assert_eq!(stays, left_after, "{hours} hours");
    }
}

async fn a_jump_is_seen_to_once_also_by_who_had_not_renewed_itself(world: TestStore) {
    let begin = |tx: &mut Tx<'_>| node::begin(tx, "ringback");
    world.store.write(Order::Any, begin).await.unwrap();
    for hours in [24, -48] {
        // As when the database was away.
        world.clock.advance(node::ALIVE_FOR * 3);
        let by = SignedDuration::from_hours(hours);
        world.clock.machine_jumps(by);
        for first in [true, false] {
            let follow = move |tx: &mut Tx<'_>| jump::follow(tx, "ringback", by);
            let followed = world.store.write(Order::Any, follow).await.unwrap();
            assert_eq!(followed, first, "{hours} hours");
        }
    }
}

async fn who_begins_after_a_jump_has_not_seen_to_it(world: TestStore) {
    let begin = |name: &'static str| move |tx: &mut Tx<'_>| node::begin(tx, name);
    let one = world.store.write(Order::Any, begin("one")).await.unwrap();
    let by = SignedDuration::from_hours(1);
    world.clock.machine_jumps(by);
    world.store.write(Order::Any, begin("two")).await.unwrap();
    let follow = move |tx: &mut Tx<'_>| jump::follow(tx, "one", by);
    assert!(world.store.write(Order::Any, follow).await.unwrap());
    assert!(!world.store.write(Order::Any, follow).await.unwrap());
    // The newcomer lives by the present clock, and no longer.
    world.clock.advance(node::ALIVE_FOR * 2);
    let others = move |tx: &mut Tx<'_>| node::others(tx, &one);
    let others = world.store.write(Order::Any, others).await.unwrap();
    assert_eq!(others.living, 0);
}

async fn who_begins_after_a_jump_back_sees_it_by_who_lives(world: TestStore) {
    let begin = |tx: &mut Tx<'_>| node::begin(tx, "one");
    world.store.write(Order::Any, begin).await.unwrap();
    let jumped = |tx: &mut Tx<'_>| node::jumped_back_while_away(tx, "two");
    assert_eq!(world.store.write(Order::Any, jumped).await, Ok(None));
    let by = SignedDuration::from_hours(-1);
    world.clock.machine_jumps(by);
    let seen = world.store.write(Order::Any, jumped).await.unwrap();
    let short = seen.unwrap() - by;
    assert!(
        short >= SignedDuration::ZERO && short <= node::ALIVE_FOR,
        "{short:?}"
    );
}

async fn a_server_that_died_before_a_jump_does_not_come_to_life_by_it(world: TestStore) {
    let begin = |tx: &mut Tx<'_>| {
        node::begin(tx, "dead")?;
        node::begin(tx, "one")
    };
    let one = world.store.write(Order::Any, begin).await.unwrap();
    // As when the database was away.
    world.clock.advance(node::ALIVE_FOR * 3);
    let by = SignedDuration::from_hours(-24);
    world.clock.machine_jumps(by);
    let follow = move |tx: &mut Tx<'_>| {
        assert!(jump::follow(tx, "one", by)?);
        node::others(tx, &one)
    };
    let others = world.store.write(Order::Any, follow).await.unwrap();
    assert_eq!(others.living, 0);
}

async fn who_says_goodbye_right_after_a_jump_is_not_judged_by_it(world: TestStore) {
    let begin = |tx: &mut Tx<'_>| {
        let business = seed::copperline(tx)?.business;
        Ok((business, leaves_open(tx, business, 1)?))
    };
    let (business, id) = world.store.write(Order::Any, begin).await.unwrap();
    departs(&world, business, id).await;
    let leaving_until = leaving(&world, business, id).await;
    world.clock.machine_jumps(SignedDuration::from_hours(24));
    let goodbye = move |tx: &mut Tx<'_>| {
        let mut session = session::get(tx, business, id)?;
        let owner = node::begin(tx, "ringback")?;
        let says = page::PageSays {
            page: "page".into(),
            number: 1,
            hidden: false,
        };
        page::said_goodbye(tx, &mut session, &says, Departure::Closed, &owner)
    };
    world.store.write(Order::Any, goodbye).await.unwrap();
    assert_eq!(leaving(&world, business, id).await, leaving_until);
}

fn leaves_open(tx: &mut Tx<'_>, business: BusinessId, token: u8) -> Result<SessionId, StoreError> {
    let scheduler = scheduler::list(tx, business)?.remove(0);
    Ok(session::start(tx, &scheduler, &[token; 32], CameFrom::default())?.id)
}

/// Their connection dies; once more when it has before.
async fn departs(world: &TestStore, business: BusinessId, id: SessionId) {
    let depart = move |tx: &mut Tx<'_>| {
        let mut session = session::get(tx, business, id)?;
        session.leaving = None;
        let others = page::presence(tx, id)?;
        session.page_went(Departure::Lost, false, others, tx.now());
        session::save(tx, &session)
    };
    world.store.write(Order::Any, depart).await.unwrap();
}

/// When the session is to be judged.
async fn leaving(world: &TestStore, business: BusinessId, id: SessionId) -> Timestamp {
    let get = move |tx: &mut Tx<'_>| session::get(tx, business, id);
    let session: Session = world.store.read(get).await.unwrap();
    session.leaving.expect("on their way out").until
}
