//! `flatness`: the same work with few and with many stored sessions.

use std::cell::Cell;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use super::fill::{Size, filled};
use super::load::{Arrival, Ask, Callers, Verdict, Went, flat_out, open_loop};
use super::report::{Goal, Sample};
use super::stage::{Server, Stage};
use super::visitors::{Scheduler, visitor_address};
use super::wire::Answer;
use crate::Tried;

const FEW: i64 = 1_000;
const CALLERS: usize = 256;
/// Both sizes take turns: a machine that others use is not the same for long.
const TURNS: u64 = 8;
const WRITES_FOR: Duration = Duration::from_millis(800);
const LOOKS: u64 = 50;
const LOOKS_A_SECOND: f64 = 100.0;
/// The office's first address: no visitor's.
const OFFICE: u64 = 1 << 23;

/// One repetition.
pub async fn once(stage: &Stage, many: i64) -> Tried<Vec<Sample>> {
    let mut few = Sized::open(stage, FEW).await?;
    let mut found = Sized::open(stage, many).await?;
    for _ in 0..TURNS {
        few.look().await?;
        found.look().await?;
    }
    for _ in 0..TURNS {
        few.write().await?;
        found.write().await?;
    }
    let load = format!("{many} stored sessions, a twentieth of them leads; floor: with {FEW}");
    let samples = vec![
        Sample {
            floor: Some(few.wrote.rate()),
            load: load.clone(),
            goal: Goal::RatioAtLeast(0.9),
            ..Sample::new("flatness_writes", found.wrote.rate(), "writes/s")
        },
        Sample {
            // As a rate, so that more is better and the ratio reads alike.
            floor: Some(1e3 / few.looked.ms(50.0)),
            p50_ms: Some(found.looked.ms(50.0)),
            p99_ms: Some(found.looked.ms(99.0)),
            load,
            goal: Goal::RatioAtLeast(0.9),
            more: vec![
                ("few_p50_ms", few.looked.ms(50.0)),
                ("few_p99_ms", few.looked.ms(99.0)),
            ],
            ..Sample::new("flatness_inbox", 1e3 / found.looked.ms(50.0), "pages/s")
        },
    ];
    few.end().await?;
    found.end().await?;
    Ok(samples)
}

/// A server over a database of a size.
struct Sized {
    server: Server,
    data: PathBuf,
    scheduler: Scheduler,
    cookie: String,
    visitors: Cell<u64>,
    looks: Cell<u64>,
    wrote: Went,
    looked: Went,
}

impl Sized {
    async fn open(stage: &Stage, sessions: i64) -> Tried<Sized> {
        let size = Size {
            open: sessions / 100,
            overdue: 0,
            lapsed: sessions - sessions / 100 - sessions / 20,
            leads: sessions / 20,
        };
        let template = filled(stage, &format!("{sessions}-sessions"), size).await?;
        let data = stage.copy(&template, &format!("flatness-{sessions}"))?;
        // What has been copied is on its way to the disk, and would be for half a minute.
        File::open(data.join("ringback.db"))?.sync_all()?;
        let server = stage.serve(&data).await?;
        let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
        let cookie = stage.sign_in(&server, visitor_address(OFFICE)).await?;
        Ok(Sized {
            server,
            data,
            scheduler,
            cookie,
            visitors: Cell::new(0),
            looks: Cell::new(0),
            wrote: Went::new()?,
            looked: Went::new()?,
        })
    }

    /// The inbox is looked at, at a constant pace.
    async fn look(&mut self) -> Tried<()> {
        let arrival = Arrival {
            rate: LOOKS_A_SECOND,
            count: LOOKS,
            connections: 8,
        };
        let (looks, scheduler, cookie) = (&self.looks, &self.scheduler, &self.cookie);
        let look = |_| Ask {
            bytes: scheduler.get(
                "/office?show=live",
                visitor_address(OFFICE + looks.replace(looks.get() + 1)),
                cookie,
            ),
            about: (),
        };
        let went = open_loop(self.server.address, arrival, look, answered).await?;
        self.looked.add(&went)
    }

    /// Visits are begun, as fast as it goes.
    async fn write(&mut self) -> Tried<()> {
        let (visitors, scheduler) = (&self.visitors, &self.scheduler);
        let step = |_| Ask {
            bytes: scheduler.first_step(visitors.replace(visitors.get() + 1)),
            about: (),
        };
        let went = flat_out(
            self.server.address,
            Callers::all(CALLERS),
            WRITES_FOR,
            step,
            answered,
        )
        .await?;
        self.wrote.add(&went)
    }

    async fn end(self) -> Tried<()> {
        self.server.kill().await?;
        Ok(fs::remove_dir_all(&self.data)?)
    }
}

fn answered((): (), answer: &Answer<'_>) -> Tried<Verdict> {
    match answer.status {
        200 => Ok(Verdict::Good),
        other => Err(format!("answered with {other}: {}", answer.text()).into()),
    }
}
