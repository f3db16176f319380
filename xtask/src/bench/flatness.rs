//! `flatness`: the same work with few and with many stored sessions.

use std::time::Duration;

use super::fill::{Size, filled};
use super::load::{Arrival, Ask, Verdict, flat_out, open_loop};
use super::report::{Goal, Sample};
use super::stage::Stage;
use super::visitors::{Scheduler, visitor_address};
use crate::Tried;

const FEW: i64 = 1_000;
const CALLERS: usize = 256;
const WRITES_FOR: Duration = Duration::from_secs(6);
const LOOKS: u64 = 400;
const LOOKS_A_SECOND: f64 = 100.0;

/// What a database of a size can do.
struct Found {
    writes: f64,
    inbox_p50_ms: f64,
    inbox_p99_ms: f64,
}

/// One repetition.
pub async fn once(stage: &Stage, many: i64) -> Tried<Vec<Sample>> {
    let few = with(stage, FEW).await?;
    let found = with(stage, many).await?;
    let load = format!("{many} stored sessions, a twentieth of them leads; floor: with {FEW}");
    Ok(vec![
        Sample {
            floor: Some(few.writes),
            load: load.clone(),
            goal: Goal::RatioAtLeast(0.9),
            ..Sample::new("flatness_writes", found.writes, "writes/s")
        },
        Sample {
            // As a rate, so that more is better and the ratio reads alike.
            floor: Some(1e3 / few.inbox_p50_ms),
            p50_ms: Some(found.inbox_p50_ms),
            p99_ms: Some(found.inbox_p99_ms),
            load,
            goal: Goal::RatioAtLeast(0.9),
            more: vec![
                ("few_p50_ms", few.inbox_p50_ms),
                ("few_p99_ms", few.inbox_p99_ms),
            ],
            ..Sample::new("flatness_inbox", 1e3 / found.inbox_p50_ms, "pages/s")
        },
    ])
}

async fn with(stage: &Stage, sessions: i64) -> Tried<Found> {
    let size = Size {
        open: sessions / 100,
        overdue: 0,
        lapsed: sessions - sessions / 100 - sessions / 20,
        leads: sessions / 20,
    };
    let template = filled(stage, &format!("{sessions}-sessions"), size).await?;
    let data = stage.copy(&template, "flatness")?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let from = visitor_address(1 << 20);
    let cookie = stage.sign_in(&server, from).await?;
    let ok = |(), answer: &super::wire::Answer<'_>| match answer.status {
        200 => Ok(Verdict::Good),
        other => Err(format!("answered with {other}: {}", answer.text()).into()),
    };
    let arrival = Arrival {
        rate: LOOKS_A_SECOND,
        count: LOOKS,
        connections: 8,
    };
    let look = |number| Ask {
        bytes: scheduler.get(
            "/office?show=live",
            visitor_address((1 << 20) + number),
            &cookie,
        ),
        about: (),
    };
    let looked = open_loop(server.address, arrival, look, ok).await?;
    let step = |number| Ask {
        bytes: scheduler.first_step(number),
        about: (),
    };
    let wrote = flat_out(server.address, CALLERS, WRITES_FOR, step, ok).await?;
    server.kill().await?;
    std::fs::remove_dir_all(&data)?;
    Ok(Found {
        writes: wrote.rate(),
        inbox_p50_ms: looked.ms(50.0),
        inbox_p99_ms: looked.ms(99.0),
    })
}
