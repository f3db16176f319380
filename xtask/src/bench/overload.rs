//! `overload`: three times what the server can do. It goes on doing what it can, and does not grow; the rest stands in
//! line. Meanwhile somebody asks more often than one address may, and is refused at once.
//!
//! Nobody is refused for the load itself: a connection beyond the server's own bound waits in the kernel's queue until
//! one of those before it ends, and who has a connection stands in line. What is refused is refused by address.

use std::cell::{Cell, RefCell};
use std::thread::JoinHandle;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::floor::answers_at_once;
use super::load::{Arrival, Ask, Callers, Verdict, flat_out, histogram, open_loop};
use super::report::{Goal, Sample};
use super::stage::Stage;
use super::visitors::Scheduler;
use super::wire::Wire;
use crate::Tried;
use crate::time::{Deadline, Watch};

const CALLERS: usize = 256;
const CAPACITY_FOR: Duration = Duration::from_secs(4);
const TOO_MUCH: f64 = 3.0;
const LASTS: f64 = 8.0;
/// As many as want something at once; each waits for its own answer before it asks again.
const CROWD: usize = 12_000;

/// The number of the one who asks too often: nobody else has their address.
const GREEDY: u64 = 1 << 23;
/// Refusals until they give up (a busy machine gives them fewer), and how long they wait between two.
const REFUSALS: u64 = 500;
const BREATH: Duration = Duration::from_millis(2);

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("overload")?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let next = Cell::new(0);
    let odd = RefCell::new(Vec::new());
    let step = |_| Ask {
        bytes: scheduler.first_step(next.replace(next.get() + 1)),
        about: (),
    };
    let judged = |(), answer: &super::wire::Answer<'_>| match answer.status {
        200 => Ok(Verdict::Good),
        429 | 503 => Ok(Verdict::Refused),
        other => {
            odd.borrow_mut().push(other);
            Ok(Verdict::Refused)
        }
    };
    // Over the same connections, taking turns: what twelve thousand of them cost load and kernel is no overload.
    let capable = Callers {
        connections: CROWD,
        at_once: CALLERS,
    };
    let capacity = flat_out(server.address, capable, CAPACITY_FOR, step, judged).await?;
    let rate = capacity.rate() * TOO_MUCH;
    let arrival = Arrival {
        rate,
        count: (rate * LASTS) as u64,
        connections: CROWD,
    };
    ask_too_often(&scheduler).await?;
    let greedy = refusals(scheduler.clone());
    let (went, halfway) = tokio::join!(open_loop(server.address, arrival, step, judged), async {
        tokio::time::sleep(Duration::from_secs_f64(LASTS / 2.0)).await;
        server.memory()
    });
    let (went, halfway) = (went?, halfway? as f64 / 1_048_576.0);
    let (refused, floor) = greedy.join().map_err(|_| "who asks too often panicked")??;
    let memory = server.memory()? as f64 / 1_048_576.0;
    server.kill().await?;
    // An overload that leaves no line behind it is none.
    if went.ms(50.0) < 10.0 * capacity.ms(50.0) {
        return Err(format!(
            "half were answered within {:.0} ms: that was no overload",
            went.ms(50.0)
        )
        .into());
    }
    if let Some(status) = odd.borrow().first() {
        return Err(format!(
            "{} steps were answered otherwise, first with {status}",
            odd.borrow().len()
        )
        .into());
    }
    let load = format!("{rate:.0}/s offered for {LASTS} s over {CROWD} connections");
    if refused.is_empty() {
        return Err("nobody was refused while it lasted".into());
    }
    let ms = |of: &Histogram<u64>, percentile| of.value_at_percentile(percentile) as f64 / 1e3;
    Ok(vec![
        Sample {
            floor: Some(capacity.rate()),
            p50_ms: Some(went.ms(50.0)),
            p99_ms: Some(went.ms(99.0)),
            load: format!(
                "{load}; floor: capacity just before, {CALLERS} of them asking at a time"
            ),
            goal: Goal::RatioAtLeast(0.9),
            more: vec![
                ("refused", went.refused.len() as f64),
                ("sent_to_answered_p99_ms", went.sent_ms(99.0)),
            ],
            ..Sample::new("overload", went.rate(), "writes/s")
        },
        Sample {
            floor: Some(halfway),
            load: format!("{load}; floor: halfway through"),
            goal: Goal::RatioAtMost(1.1),
            ..Sample::new("overload_memory", memory, "MiB")
        },
        Sample {
            floor: Some(ms(&floor, 99.0)),
            p50_ms: Some(ms(&refused, 50.0)),
            p99_ms: Some(ms(&refused, 99.0)),
            load: format!(
                "{load}; {} refusals to an address that asks too often, from asking to the whole answer; floor: the \
                 same of a thread that does nothing else, in turns",
                refused.len()
            ),
            goal: Goal::AtMost(5.0),
            more: vec![
                ("p90_ms", ms(&refused, 90.0)),
                ("floor_p50_ms", ms(&floor, 50.0)),
            ],
            ..Sample::new("overload_refusal", ms(&refused, 99.0), "ms")
        },
    ])
}

/// One address asks until it is refused, before anything is measured.
async fn ask_too_often(scheduler: &Scheduler) -> Tried<()> {
    let mut wire = Wire::connect(scheduler.address, None).await?;
    let ask = scheduler.say(GREEDY, "", "here", 1);
    for _ in 0..CROWD {
        match wire.ask(&ask).await?.status {
            204 => {}
            429 => return Ok(()),
            other => return Err(format!("who asks too often was told {other}").into()),
        }
    }
    Err(format!("nobody is refused who asks {CROWD} times").into())
}

/// It goes on asking until it has been refused so often, or the overload is over, and in turns somebody who only ever
/// answers. In a thread of its own: between twelve thousand others its clock would measure the load's line, not the
/// server's answer.
fn refusals(scheduler: Scheduler) -> JoinHandle<Tried<(Histogram<u64>, Histogram<u64>)>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let (mut took, mut floor) = (histogram()?, histogram()?);
            let mut wire = Wire::connect(scheduler.address, None).await?;
            let mut at_once = Wire::connect(answers_at_once()?, None).await?;
            let ask = scheduler.say(GREEDY, "", "here", 1);
            let over = Deadline::after(Duration::from_secs_f64(LASTS));
            while took.len() < REFUSALS && !over.passed() {
                let asked = Watch::start();
                match wire.ask(&ask).await?.status {
                    429 => took.saturating_record(micros(&asked)?),
                    204 => continue,
                    other => return Err(format!("who asks too often was told {other}").into()),
                }
                tokio::time::sleep(BREATH).await;
                let asked = Watch::start();
                at_once.ask(&ask).await?;
                floor.saturating_record(micros(&asked)?);
                tokio::time::sleep(BREATH).await;
            }
            Ok((took, floor))
        })
    })
}

fn micros(since: &Watch) -> Tried<u64> {
    Ok(u64::try_from(since.elapsed().as_micros())?)
}
