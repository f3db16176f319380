//! From a departure to what follows: the durable lead.

use std::cell::RefCell;
use std::time::Duration;

use super::floor;
use super::load::{Arrival, Ask, Verdict, open_loop};
use super::report::{Goal, Sample};
use super::stage::Stage;
use super::visitors::Scheduler;
use crate::Tried;

/// Departures of one repetition, and how many a second: fewer than ServiceTitan takes, so that no pile of records
/// stands behind them, and a thousand times more than a trade's website sees.
const DEPARTURES: u64 = 1_000;
const A_SECOND: f64 = 40.0;

/// `departure_to_lead`: somebody presses close; the answer comes when the lead is on disk.
///
/// Value and floor count from the moment a request was really sent. The load is late by itself (a thread that sleeps
/// wakes up some tenths of a millisecond after its time); counted from the planned moment that would stand in both of
/// them and pull their ratio towards one. `p50_ms` and `p99_ms` are counted from the planned moment, so that a server
/// that stalls is still charged for whoever waited: they show it if the value hides it.
pub async fn to_lead(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("departures")?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, DEPARTURES).await?;
    let pause = Duration::from_secs_f64(1.0 / A_SECOND);
    let before = floor::reach(&data, 300, pause).await?;
    let arrival = Arrival {
        rate: A_SECOND,
        count: DEPARTURES,
        connections: 32,
    };
    let went = open_loop(
        server.address,
        arrival,
        |number| Ask {
            bytes: scheduler.say(number, &cookies[place(number)], "closed", 1),
            about: (),
        },
        |(), answer| match answer.status {
            204 => Ok(Verdict::Good),
            other => Err(format!("closing was answered with {other}").into()),
        },
    )
    .await?;
    let after = floor::reach(&data, 300, pause).await?;
    let leads = server.leads()?;
    if leads != DEPARTURES {
        return Err(format!("{DEPARTURES} departures, {leads} leads").into());
    }
    let floor_p50 = f64::midpoint(before.p50_ms, after.p50_ms);
    let floor_p99 = f64::midpoint(before.p99_ms, after.p99_ms);
    let fsync = f64::midpoint(before.fsync_p50_us, after.fsync_p50_us);
    let load = format!(
        "{A_SECOND}/s, {DEPARTURES} departures, each a lead, from sent to answered; floor: the same percentile at the same pace; p50 and p99 from when it was due"
    );
    let sample = |name, value, floor, most| Sample {
        floor: Some(floor),
        p50_ms: Some(went.ms(50.0)),
        p99_ms: Some(went.ms(99.0)),
        fsync_p50_us: Some(fsync),
        load: load.clone(),
        goal: Goal::RatioAtMost(most),
        more: vec![
            ("floor_p50_ms", floor_p50),
            ("floor_p99_ms", floor_p99),
            ("max_ms", went.ms(100.0)),
        ],
        ..Sample::new(name, value, "ms")
    };
    Ok(vec![
        sample("departure_to_lead", went.sent_ms(50.0), floor_p50, 3.0),
        sample("departure_to_lead_p99", went.sent_ms(99.0), floor_p99, 5.0),
    ])
}

/// Visitors 0 to `count`, each past the contact step: their cookies.
pub async fn begin_visits(scheduler: &Scheduler, count: u64) -> Tried<Vec<String>> {
    let cookies = RefCell::new(vec![String::new(); place(count)]);
    let arrival = Arrival {
        rate: f64::INFINITY,
        count,
        connections: 32,
    };
    let good = |status: u16, what: &str| match status {
        200 => Ok(Verdict::Good),
        other => Err(format!("{what} was answered with {other}").into()),
    };
    let first = |number| Ask {
        bytes: scheduler.first_step(number),
        about: number,
    };
    open_loop(scheduler.address, arrival, first, |number, answer| {
        let cookie = answer.cookie().ok_or("a session without a cookie")?;
        cookie.clone_into(&mut cookies.borrow_mut()[place(number)]);
        good(answer.status, "the first step")
    })
    .await?;
    let contact = |number| Ask {
        bytes: scheduler.contact_step(number, &cookies.borrow()[place(number)]),
        about: (),
    };
    open_loop(scheduler.address, arrival, contact, |(), answer| {
        good(answer.status, "the contact step")
    })
    .await?;
    Ok(cookies.into_inner())
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
