//! What grows has a bound: what is past its keeping goes, and nothing else.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use ringback_domain::departure::Line;
use ringback_domain::session::CameFrom;
use ringback_domain::staff::Role;
use ringback_server::on_both_engines;
use ringback_server::seed::{self, Seeded};
use ringback_server::store::page::{Owner, PageSays};
use ringback_server::store::{
    Order, Statement, StoreError, Tx, node, opt_out, page, prune, scheduler, session, sql,
};
use ringback_server::testing::TestStore;

on_both_engines!(
    what_is_past_its_keeping_goes_and_nothing_else,
    what_deletes_follows_the_clock_no_faster_than_it_may,
    a_stop_outlives_everything_and_a_start_takes_it_along,
    a_link_opened_again_and_again_leaves_a_few_keys,
    a_page_loaded_again_and_again_leaves_the_last_hour,
    a_server_that_stopped_is_forgotten_after_a_month,
);

const YEAR: i64 = 365;

/// A way to write one row of a table: whose name, so many days old.
struct Kind {
    table: &'static str,
    name: &'static str,
    insert: Statement,
    /// Rows by name, with their age in days, and whether they stay.
    rows: &'static [(i64, i64, bool)],
}

/// Every row has a number for a name. `$1` the number, `$2` the business, `$3` its time.
const KINDS: &[Kind] = &[
    Kind {
        table: "lead",
        name: "id",
        insert: sql!(
            "INSERT INTO lead (id, business_id, scheduler_id, session_id, reference, name, service, service_title,
                               last_step, departure, answers, state, state_at, request_number, times_left, left_at,
                               detected_by, lead_at)
             VALUES ($1, $2, 1, 1, 'R-' || $1, 'Ana', 'x', 'X', 'time', 'closed', '{}', 'new', $3, 1, 1, $3, 'left', $3)"
        ),
        rows: &[(1, 6 * YEAR + 1, false), (2, 6 * YEAR - 1, true)],
    },
    Kind {
        table: "session",
        name: "id",
        insert: sql!(
            "INSERT INTO session (id, business_id, scheduler_id, state, state_at, step, answers, came_from,
                                  touched_at, created_at)
             VALUES ($1, $2, 1, CASE WHEN $1 < 20 THEN 'booked' ELSE 'lapsed' END, $3, 'time', '{}', '{}', $3, $3)"
        ),
        rows: &[
            (10, 8 * YEAR, false),
            (11, 6 * YEAR, true),
            (20, 31, false),
            (21, 29, true),
        ],
    },
    Kind {
        table: "session_token",
        name: "session_id",
        insert: sql!(
            "INSERT INTO session_token (token_hash, session_id, business_id, created_at)
             VALUES (CASE WHEN $1 = 11 THEN $4 ELSE $5 END, $1, $2, $3)"
        ),
        rows: &[(11, 31, false), (21, 29, true)],
    },
    Kind {
        table: "page",
        name: "session_id",
        insert: sql!(
            "INSERT INTO page (session_id, business_id, page, number, line, hidden, node, epoch, seen_at)
             VALUES ($1, $2, 'p', 1, 'socket', 0, 'n', 1, $3)"
        ),
        rows: &[(11, 31, false), (21, 29, true)],
    },
    Kind {
        table: "delivery",
        name: "id",
        insert: sql!(
            "INSERT INTO delivery (id, business_id, kind, session_id, state, due_at, fence, attempt, lookups,
                                   expires_at, created_at, settled_at)
             VALUES ($1, $2, 'crm_booked', 1, 'done', CASE WHEN $1 = 3 THEN $3 END, 1, 1, 0, $3, $3, $3)"
        ),
        rows: &[(1, 91, false), (2, 89, true), (3, 91, true)],
    },
    Kind {
        table: "appointment",
        name: "id",
        insert: sql!(
            "INSERT INTO appointment (id, business_id, scheduler_id, session_id, state, window_start, window_end,
                                      created_at)
             VALUES ($1, $2, 1, 1, 'agreed', $3, $3, $3)"
        ),
        rows: &[(1, 6 * YEAR + 1, false), (2, 6 * YEAR - 1, true)],
    },
    Kind {
        table: "crm_record",
        name: "id",
        insert: sql!(
            "INSERT INTO crm_record (id, business_id, session_id, kind, external_id, outside_id, stage, created_at,
                                     updated_at)
             VALUES ($1, $2, 1, 'booking', 'e' || $1, 'o', 'booked', $3, $3)"
        ),
        rows: &[(1, 6 * YEAR + 1, false), (2, 6 * YEAR - 1, true)],
    },
    Kind {
        table: "text_message",
        name: "id",
        insert: sql!(
            "INSERT INTO text_message (id, business_id, direction, phone, body, status, at, updated_at)
             VALUES ($1, $2, 'in', '+16025550142', 'hello', 'received', $3, $3)"
        ),
        rows: &[(1, 6 * YEAR + 1, false), (2, 6 * YEAR - 1, true)],
    },
    Kind {
        table: "consent",
        name: "id",
        insert: sql!(
            "INSERT INTO consent (id, business_id, session_id, phone, given, wording, locale, page_url, address,
                                  user_agent, at)
             VALUES ($1, $2, 1, '+16025550142', 1, 'w', 'en', 'p', 'a', 'u', $3)"
        ),
        rows: &[(1, 6 * YEAR + 1, false), (2, 6 * YEAR - 1, true)],
    },
    Kind {
        table: "person",
        name: "who",
        insert: sql!(
            "INSERT INTO person (business_id, who, seen_at) VALUES ($2, CAST($1 AS TEXT), $3)"
        ),
        rows: &[(1, 2, false), (2, 0, true)],
    },
    Kind {
        table: "text_cap",
        name: "phone",
        insert: sql!(
            "INSERT INTO text_cap (business_id, phone, last_at, delivery_id) VALUES ($2, CAST($1 AS TEXT), $3, 1)"
        ),
        rows: &[(1, 8, false), (2, 6, true)],
    },
    Kind {
        table: "task",
        name: "id",
        insert: sql!(
            "INSERT INTO task (id, business_id, title, created_by, created_at, done_at)
             VALUES ($1, $2, 'call', 1, $3, CASE WHEN $1 < 3 THEN $3 END)"
        ),
        rows: &[
            (1, 6 * YEAR + 1, false),
            (2, 6 * YEAR - 1, true),
            (3, 6 * YEAR + 1, true),
        ],
    },
    Kind {
        table: "place",
        name: "seat",
        insert: sql!(
            "INSERT INTO place (business_id, seat, quarter, appointment_id) VALUES ($2, $1, $3 / 900000000, 2)"
        ),
        rows: &[(1, 8, false), (2, 6, true)],
    },
];

async fn what_is_past_its_keeping_goes_and_nothing_else(world: TestStore) {
    let seeded = seeded(&world).await;
    let pruned = world.store.write(Order::Any, move |tx| {
        for kind in KINDS {
            for (name, days, _) in kind.rows {
                let at = tx.now() - SignedDuration::from_hours(24 * days);
                let (first, second) = ([1_u8; 32], [2_u8; 32]);
                if kind.table == "session_token" {
                    tx.execute(kind.insert, &[name, &seeded.business, &at, &first, &second])?;
                } else {
                    tx.execute(kind.insert, &[name, &seeded.business, &at])?;
                }
            }
        }
        // A batch of two: more than one round, and nothing that stays is in the way.
        let now = tx.now();
        while prune::prune(tx, now, 2)? + prune::places(tx, seeded.business, now, 2)? > 0 {}
        let mut wrong = Vec::new();
        for kind in KINDS {
            let found = names(tx, kind)?;
            let stay: BTreeSet<i64> = kind
                .rows
                .iter()
                .filter(|row| row.2)
                .map(|row| row.0)
                .collect();
            if found != stay {
                wrong.push(format!("{}: {found:?}, not {stay:?}", kind.table));
            }
        }
        Ok(wrong)
    });
    let wrong = pruned.await.unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn names(tx: &mut Tx<'_>, kind: &Kind) -> Result<BTreeSet<i64>, StoreError> {
    let text = format!(
        "SELECT CAST({} AS BIGINT) AS name FROM {}",
        kind.name, kind.table
    );
    let all = tx.rows(
        Statement::from_source(text.leak(), Box::leak(Box::default())),
        &[],
        |row| row.get("name"),
    )?;
    Ok(all.into_iter().collect())
}

/// Copperline, with Dana.
async fn seeded(world: &TestStore) -> Seeded {
    let seed = |tx: &mut Tx<'_>| {
        let seeded = seed::copperline(tx)?;
        let role = Role::Administrator;
        seed::hire(tx, seeded.business, "Dana Ruiz", seed::DANA, role, "hash")?.unwrap();
        Ok(seeded)
    };
    world.store.write(Order::Any, seed).await.unwrap()
}

async fn a_stop_outlives_everything_and_a_start_takes_it_along(mut world: TestStore) {
    const PHONES: [&str; 3] = ["+16025550101", "+16025550102", "+16025550103"];
    let seeded = seeded(&world).await;
    let business = seeded.business;
    let come = move |tx: &mut Tx<'_>| {
        let scheduler = scheduler::get(tx, business, seeded.scheduler)?;
        session::start(tx, &scheduler, &[1; 32], CameFrom::default())?;
        prune::time(tx, None)
    };
    world.store.write(Order::Any, come).await.unwrap();
    let say = |out: bool| {
        move |tx: &mut Tx<'_>| {
            for phone in &PHONES[usize::from(!out)..] {
                opt_out::note(
                    tx,
                    business,
                    phone,
                    out,
                    opt_out::Source::InboundText,
                    "STOP",
                )?;
            }
            Ok(())
        }
    };
    // All say STOP, the last two START, the last one STOP again; six years go by.
    world.store.write(Order::Any, say(true)).await.unwrap();
    world.store.write(Order::Any, say(false)).await.unwrap();
    let last = move |tx: &mut Tx<'_>| {
        opt_out::note(
            tx,
            business,
            PHONES[2],
            true,
            opt_out::Source::Staff,
            "said so",
        )
    };
    world.store.write(Order::Any, last).await.unwrap();
    let prune = |tx: &mut Tx<'_>| {
        let now = tx.now();
        while prune::prune(tx, now, 1)? > 0 {}
        let count = sql!("SELECT COUNT(*) AS count FROM opt_out");
        let lines: i64 = tx.one(count, &[], |row| row.get("count"))?;
        let out = PHONES.map(|phone| opt_out::is_out(tx, BUSINESS, phone));
        let [first, second, third] = out;
        Ok((lines, [first?, second?, third?]))
    };
    const BUSINESS: ringback_domain::id::BusinessId = ringback_domain::id::BusinessId::new(1);
    assert_eq!(business, BUSINESS);
    let now = world.store.write(Order::Any, prune).await.unwrap();
    assert_eq!(now, (6, [true, false, true]));
    world
        .clock
        .advance(SignedDuration::from_hours(24 * (6 * YEAR + 1)));
    let then = world.store.write(Order::Any, prune).await.unwrap();
    assert_eq!(then, (2, [true, false, true]));
    // Somebody who says it again leaves the new line alone, once what deletes has come as far as the clock.
    let again = move |tx: &mut Tx<'_>| {
        opt_out::note(
            tx,
            business,
            PHONES[0],
            true,
            opt_out::Source::InboundText,
            "STOP",
        )
    };
    world.store.write(Order::Any, again).await.unwrap();
    let after = world.store.write(Order::Any, prune).await.unwrap();
    assert_eq!(after, (3, [true, false, true]));
    let arrive = |tx: &mut Tx<'_>| prune::time(tx, Some(tx.now()));
    world.store.write(Order::Any, arrive).await.unwrap();
    world.store.write(Order::Any, again).await.unwrap();
    let after = world.store.write(Order::Any, prune).await.unwrap();
    assert_eq!(after, (3, [true, false, true]));
    world.reopen().await.unwrap();
}

async fn what_deletes_follows_the_clock_no_faster_than_it_may(world: TestStore) {
    let seeded = seeded(&world).await;
    let at = async |reach: Option<Timestamp>| {
        let time = world
            .store
            .write(Order::Any, move |tx| prune::time(tx, reach));
        time.await.unwrap()
    };
    // Nobody has come: there is nothing to lose, and nothing is kept of it.
    let years = SignedDuration::from_hours(24 * 7 * YEAR);
    world.clock.advance(years);
    assert!(at(None).await > world.clock.now() - SignedDuration::from_mins(1));
    world.clock.advance(-years);
    let came = world.store.write(Order::Any, move |tx| {
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        session::start(tx, &scheduler, &[1; 32], CameFrom::default())?;
        Ok(tx.now())
    });
    let came = came.await.unwrap();
    let hour = SignedDuration::from_hours(1);
    world.clock.advance(years);
    assert_eq!(at(None).await, came);
    assert_eq!(at(Some(came + hour)).await, came + hour);
    // Another server, which looked earlier, takes nothing back; one that has just started goes on from there.
    assert_eq!(at(Some(came)).await, came + hour);
    assert_eq!(at(None).await, came + hour);
    // The clock is set right.
    world.clock.advance(-years);
    assert!(at(Some(came + hour)).await < came + hour);
}

async fn a_link_opened_again_and_again_leaves_a_few_keys(world: TestStore) {
    let seeded = seeded(&world).await;
    let adopted = world.store.write(Order::Any, move |tx| {
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        let visit = session::start(tx, &scheduler, &[255; 32], CameFrom::default())?;
        for opened in 0..50_u8 {
            session::adopt(tx, &visit, &[opened; 32])?;
        }
        let known = |tx: &mut Tx<'_>, n: u8| session::by_token(tx, &[n; 32]);
        assert!(known(tx, 49)?.is_some(), "the browser that has just come");
        let mut left = 0;
        for n in 0..=255_u8 {
            left += i64::from(known(tx, n)?.is_some());
        }
        Ok(left)
    });
    assert_eq!(adopted.await.unwrap(), session::MOST_TOKENS);
}

async fn a_page_loaded_again_and_again_leaves_the_last_hour(world: TestStore) {
    let seeded = seeded(&world).await;
    let visit = world.store.write(Order::Any, move |tx| {
        let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
        session::start(tx, &scheduler, &[1; 32], CameFrom::default())
    });
    let id = visit.await.unwrap().id;
    for hour in 0..4 {
        world.clock.advance(SignedDuration::from_mins(61));
        let loaded = world.store.write(Order::Any, move |tx| {
            let mut visit = session::get(tx, seeded.business, id)?;
            let owner = node::begin(tx, "ringback")?;
            let says = |number| PageSays {
                page: format!("page-{hour}"),
                number,
                hidden: false,
            };
            assert!(page::is_here(
                tx,
                &mut visit,
                &says(1),
                Line::Socket,
                &owner
            )?);
            let left = ringback_domain::departure::Departure::Left;
            page::said_goodbye(tx, &mut visit, &says(2), left, &owner)?;
            let count = sql!("SELECT COUNT(*) AS count FROM page");
            tx.one(count, &[], |row| row.get::<i64>("count"))
        });
        assert_eq!(loaded.await.unwrap(), 1, "hour {hour}");
    }
}

async fn a_server_that_stopped_is_forgotten_after_a_month(world: TestStore) {
    let begun = world.store.write(Order::Any, |tx| {
        let owner = node::begin(tx, "pod-1")?;
        node::end(tx, &owner)?;
        let other: Owner = node::begin(tx, "pod-2")?;
        let now = tx.now();
        prune::prune(tx, now, 9)?;
        Ok(other)
    });
    let other = begun.await.unwrap();
    let count = |tx: &mut Tx<'_>| {
        let now = tx.now();
        prune::prune(tx, now, 9)?;
        let count = sql!("SELECT COUNT(*) AS count FROM node");
        tx.one(count, &[], |row| row.get::<i64>("count"))
    };
    assert_eq!(world.store.write(Order::Any, count).await.unwrap(), 2);
    world.clock.advance(SignedDuration::from_hours(24 * 31));
    // A server that lives renews its row every few seconds.
    let renewed = world
        .store
        .write(Order::Any, move |tx| node::renew(tx, &other));
    assert_eq!(renewed.await.unwrap(), node::Renewal::Alive);
    assert_eq!(world.store.write(Order::Any, count).await.unwrap(), 1);
}
