//! `session_writes`: how many steps of visitors are saved a second, each on disk before its answer.
//!
//! A visit is two writes: the first Continue (a session, its token) and name and number (the session, the
//! consent). Beside it two floors: the same rows under the same indexes committed raw, as many together as the
//! product reached, by the product's own writing statements; and requests answered by the same server without
//! touching the database, by turns with the product.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use super::departure::begin_visits;
use super::floor::{self, Raw};
use super::load::{Arrival, Ask, Callers, Verdict, Went, flat_out, open_loop};
use super::report::{Goal, Sample};
use super::stage::Stage;
use super::visitors::Scheduler;
use super::wire::Answer;
use crate::Tried;

/// Callers at a time when the capacity is looked for.
const CALLERS: usize = 512;
const TURN: Duration = Duration::from_secs(1);
const TURNS: u32 = 6;
/// How long raw rows are written.
const RAW_FOR: Duration = Duration::from_secs(4);
/// Visits that have begun before anything is measured, so that second steps find one.
const BEGUN: u64 = 2_000;
/// The constant arrival lies this much below the capacity found just before.
const SHARE: f64 = 0.9;
const STEADY_FOR: f64 = 6.0;

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("writes")?;
    let reach = floor::reach(&data, 300, Duration::from_millis(2)).await?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let visits = Visits::begin(&scheduler).await?;

    // Floor and product by turns, a second each: a machine that others use is not the same for long.
    let (mut ceiling, mut capacity) = (Went::new()?, Went::new()?);
    let (mut commits, mut processor) = (0, Duration::ZERO);
    let callers = Callers::all(CALLERS);
    for _ in 0..TURNS {
        let nothing = |n| visits.nothing(n);
        ceiling.add(&flat_out(server.address, callers, TURN, nothing, nothing_done).await?)?;
        let before = (server.commits()?, server.processor()?);
        let step = |_| visits.step();
        let saved = |about, answer: &Answer<'_>| visits.saved(about, answer);
        capacity.add(&flat_out(server.address, callers, TURN, step, saved).await?)?;
        commits += server.commits()?.wrapping_sub(before.0);
        processor += server.processor()?.saturating_sub(before.1);
    }
    let batch = capacity.good as f64 / f64::from(commits.max(1));
    let cost_us = processor.as_secs_f64() * 1e6 / capacity.good as f64;

    let rate = capacity.rate() * SHARE;
    let arrival = Arrival {
        rate,
        count: (rate * STEADY_FOR) as u64,
        connections: CALLERS,
    };
    let steady = open_loop(
        server.address,
        arrival,
        |_| visits.step(),
        |about, answer| visits.saved(about, answer),
    )
    .await?;
    server.kill().await?;

    let (root, raw_data) = (stage.root.clone(), stage.fresh("raw")?);
    let rows = tokio::task::spawn_blocking(move || {
        let like = Like::of(&data)?;
        raw(&root, &raw_data, &like, batch.round().max(1.0) as u64)
    })
    .await??;
    let floor = rows.min(ceiling.rate());
    let load = format!(
        "{CALLERS} callers, batch {batch:.0}; latencies at {:.0}/s",
        arrival.rate
    );
    Ok(vec![Sample {
        floor: Some(floor),
        p50_ms: Some(steady.ms(50.0)),
        p99_ms: Some(steady.ms(99.0)),
        fsync_p50_us: Some(reach.fsync_p50_us),
        load,
        goal: Goal::RatioAtLeast(0.5),
        more: vec![
            ("raw_rows_per_s", rows),
            ("http_204_per_s", ceiling.rate()),
            ("batch", batch),
            ("server_cpu_us_per_write", cost_us),
            ("steady_per_s", steady.rate()),
        ],
        ..Sample::new("session_writes", capacity.rate(), "writes/s")
    }])
}

/// Visits without end: every second step begins a new one, the others go on with the oldest.
struct Visits<'a> {
    scheduler: &'a Scheduler,
    waiting: RefCell<VecDeque<(u64, String)>>,
    next: Cell<u64>,
    turn: Cell<bool>,
}

/// What a step was.
enum Step {
    First(u64),
    Contact,
}

impl<'a> Visits<'a> {
    async fn begin(scheduler: &'a Scheduler) -> Tried<Visits<'a>> {
        let begun = begin_visits(scheduler, BEGUN).await?;
        Ok(Visits {
            scheduler,
            waiting: RefCell::new((0..).zip(begun).collect()),
            next: Cell::new(BEGUN),
            turn: Cell::new(false),
        })
    }

    fn step(&self) -> Ask<Step> {
        self.turn.set(!self.turn.get());
        let oldest = if self.turn.get() {
            self.waiting.borrow_mut().pop_front()
        } else {
            None
        };
        match oldest {
            Some((visitor, cookie)) => Ask {
                bytes: self.scheduler.contact_step(visitor, &cookie),
                about: Step::Contact,
            },
            None => {
                let visitor = self.next.replace(self.next.get() + 1);
                Ask {
                    bytes: self.scheduler.first_step(visitor),
                    about: Step::First(visitor),
                }
            }
        }
    }

    fn saved(&self, about: Step, answer: &Answer<'_>) -> Tried<Verdict> {
        if answer.status != 200 {
            let text = answer.text();
            return Err(format!("a step was answered with {}: {text}", answer.status).into());
        }
        if let Step::First(visitor) = about {
            let cookie = answer.cookie().ok_or("a session without a cookie")?;
            self.waiting
                .borrow_mut()
                .push_back((visitor, cookie.to_owned()));
        }
        Ok(Verdict::Good)
    }

    /// The word of a page without a session: read, checked, answered 204, no database.
    fn nothing(&self, visitor: u64) -> Ask<()> {
        Ask {
            bytes: self.scheduler.say(visitor, "", "here", 1),
            about: (),
        }
    }
}

fn nothing_done((): (), answer: &Answer<'_>) -> Tried<Verdict> {
    match answer.status {
        204 => Ok(Verdict::Good),
        other => Err(format!("a word was answered with {other}").into()),
    }
}

/// Rows as the product wrote them, to write the same again.
struct Like {
    business: i64,
    scheduler: i64,
    came_from: String,
    answers: [String; 2],
    wording: String,
    locale: String,
    page_url: String,
    user_agent: String,
}

impl Like {
    fn of(data: &Path) -> Tried<Like> {
        let connection = rusqlite::Connection::open(data.join("ringback.db"))?;
        let answers = |step: &str| -> Tried<String> {
            let sql = "SELECT answers FROM session WHERE step = ?1 ORDER BY id DESC LIMIT 1";
            Ok(connection.query_row(sql, [step], |row| row.get(0))?)
        };
        let answers = [answers("contact")?, answers("time")?];
        let sql = "SELECT session.business_id, scheduler_id, came_from, wording, consent.locale, page_url, user_agent
                   FROM consent JOIN session ON session.id = consent.session_id ORDER BY consent.id DESC LIMIT 1";
        Ok(connection.query_row(sql, [], |row| {
            Ok(Like {
                business: row.get(0)?,
                scheduler: row.get(1)?,
                came_from: row.get(2)?,
                answers,
                wording: row.get(3)?,
                locale: row.get(4)?,
                page_url: row.get(5)?,
                user_agent: row.get(6)?,
            })
        })?)
    }
}

/// The same rows raw, `batch` writes a transaction: writes a second.
fn raw(root: &Path, data: &Path, like: &Like, batch: u64) -> Tried<f64> {
    let raw = Raw::open(root, data, true)?;
    let null: Option<i64> = None;
    let now = 1_800_000_000_000_000_i64;
    let save = |id: i64, step: &str, answers: &str, at: i64| {
        let begins = "UPDATE session SET state";
        let (came, due) = (&like.came_from, at + 600_000_000);
        raw.run(
            "session.rs",
            begins,
            &[
                &like.business,
                &id,
                &"open",
                &at,
                &step,
                &answers,
                came,
                &null,
                &null,
                &null,
                &due,
                &null,
                &at,
            ],
        )
    };
    let mut begun = VecDeque::new();
    let mut writes = 0_u64;
    let clock = Instant::now();
    while clock.elapsed() < RAW_FOR {
        raw.connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..batch {
            writes += 1;
            let at = now + i64::try_from(writes)?;
            let oldest = if writes.is_multiple_of(2) {
                begun.pop_front()
            } else {
                None
            };
            match oldest {
                Some(id) => {
                    save(id, "time", &like.answers[1], at)?;
                    let phone = format!("+1602{writes:07}");
                    let (wording, locale, page) = (&like.wording, &like.locale, &like.page_url);
                    let (address, agent) = (&"10.0.0.1", &like.user_agent);
                    raw.run(
                        "consent.rs",
                        "INSERT INTO consent",
                        &[
                            &like.business,
                            &id,
                            &phone,
                            &0,
                            wording,
                            locale,
                            page,
                            address,
                            agent,
                            &at,
                        ],
                    )?;
                }
                None => {
                    let due = at + 600_000_000;
                    let (came, empty) = (&like.came_from, &like.answers[0]);
                    let id = raw.run(
                        "session.rs",
                        "INSERT INTO session (",
                        &[
                            &like.business,
                            &like.scheduler,
                            &at,
                            &"contact",
                            empty,
                            came,
                            &due,
                        ],
                    )?;
                    // The millisecond, then spread like a hash.
                    let mut hash = [0_u8; 32];
                    let time = u64::try_from(clock.elapsed().as_millis())?.to_be_bytes();
                    let mixed = writes.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
                    hash[..8].copy_from_slice(&time);
                    hash[8..16].copy_from_slice(&mixed);
                    raw.run(
                        "session.rs",
                        "INSERT INTO session_token",
                        &[&hash.as_slice(), &like.business, &id, &at],
                    )?;
                    begun.push_back(id);
                }
            }
        }
        raw.commit()?;
    }
    Ok(writes as f64 / clock.elapsed().as_secs_f64())
}
