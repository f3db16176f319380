//! `outage`: ServiceTitan is down for a day, as time is moved, while people go on leaving. The office does not feel
//! it: every lead is in its list at once. When ServiceTitan is back, what has waited drains at nine tenths of the
//! rate it allows, whoever leaves now goes before whoever has waited all day, and nothing is there twice.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde_json::json;

use super::Case;
use super::caller::{Caller, Client};
use super::calls::{Call, Calls};
use super::ledger::Ledger;
use super::moved::{self, Time};
use super::report::{Finding, Report};
use super::stage::{Load, Setup, Stage};
use crate::Tried;
use crate::product::{Office, Ready};
use crate::tally::spoken;
use crate::time::Deadline;
use crate::world::World;

/// How many leave in a full run.
pub const ALL: usize = 5_000;

/// Time goes on by so much at once; a day has so many of these.
const STEP: Duration = Duration::from_secs(300);
const STEPS: usize = 288;
/// In the office's list within this, whatever is down.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);
/// The office reads so many leads at once.
const PAGE: usize = 50;
/// How often the outside is asked what it has done.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
/// ServiceTitan allows 60 calls a second; nine tenths of it.
const CALLS_A_SECOND: f64 = 54.0;
/// A rate needs a while to be one.
const LEAST_BACKLOG: usize = 600;
/// Whoever leaves while it drains has a record within this, though thousands wait: the 5 s for which an outside
/// system is left in peace after a failure, and 2 s.
const NEW_WITHIN: Duration = Duration::from_secs(7);
const DRAINS_WITHIN: Duration = Duration::from_secs(600);
/// Texts wait for the morning.
const TEXTS_WITHIN: Duration = Duration::from_secs(30 * 3600);

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let stage = Stage::open(&case, Setup::default()).await?;
    let world = stage.world.clone();
    let day = Day {
        client: stage.client.clone(),
        ready: stage.server.ready.clone(),
        office: stage.server.ready.office(),
        part: case.part,
        ledger: &stage.ledger,
        time: Time::of(&stage.server.ready, &world),
        world,
        calls: &stage.calls,
        slowest: RefCell::default(),
    };
    let left = day.down(case.times).await?;
    let (drain, news) = day.drains(left).await?;
    let slowest = day.slowest.take();
    println!("          the slowest lead was in the list {slowest:.2?} after it was told");

    let settled = day
        .time
        .until_settled(&stage.server.rows(), TEXTS_WITHIN)
        .await?;
    let drained = moved::drained(&settled);
    let did = format!("down for 24 h by a moved clock, {left} left meanwhile");
    let mut report = stage.report(did).await?;
    let within = |what: &str, took: Duration, most: Duration| match took <= most {
        true => Vec::new(),
        false => vec![format!("{what} took {took:.2?}, more than {most:.2?}")],
    };
    report.findings.extend([
        drained,
        Finding::of(
            "the office's list does not feel it",
            within("one lead", slowest, SHOWN_WITHIN),
        ),
        Finding::of(
            "it drains at nine tenths of what ServiceTitan allows",
            drain,
        ),
        Finding::of("whoever has just left goes first", news),
    ]);
    Ok(report)
}

struct Day<'a> {
    client: Client,
    ready: Ready,
    office: Office,
    part: &'static str,
    ledger: &'a RefCell<Ledger>,
    time: Time,
    world: World,
    calls: &'a Calls,
    slowest: RefCell<Duration>,
}

impl Day<'_> {
    /// ServiceTitan is down and people leave, `many` in a day; how many did.
    async fn down(&self, many: usize) -> Tried<usize> {
        let mut left = 0;
        for step in 0..STEPS {
            // All its answers are errors at first, then nobody answers at all.
            match step {
                0 => self.breaks("server_error").await?,
                144 => self.breaks("refused").await?,
                _ => {}
            }
            while left < many * (step + 1) / STEPS {
                let three = try_join_all((0..3).map(|_| self.one_comes())).await?;
                left += three.into_iter().filter(|left| *left).count();
            }
            self.time.passes(STEP).await?;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        Ok(left)
    }

    /// Every call fails, the token's among them.
    async fn breaks(&self, kind: &str) -> Tried<()> {
        self.world.control("clear", &json!({})).await?;
        let down = json!({ "party": "servicetitan", "kind": kind, "path": "/" });
        self.world.control("fault", &down).await.map(drop)
    }

    /// Somebody comes; true when they are a lead, which is then looked for in the office's list.
    async fn one_comes(&self) -> Tried<bool> {
        let patience = Load::default().patience;
        let caller = Caller::new(&self.client, &self.ready, self.part, patience);
        caller.visit(self.ledger).await?;
        if !caller.leaves() {
            return Ok(false);
        }
        if caller.closes_it() {
            self.is_shown(caller.name()).await?;
        }
        Ok(true)
    }

    async fn is_shown(&self, name: &str) -> Tried<()> {
        let told = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(20));
        loop {
            let page = self.office.newest(PAGE).await?;
            if page.iter().any(|lead| lead["person"]["name"] == name) {
                break;
            }
            if deadline.passed() {
                return Err(format!("{name} left and is not in the office's list").into());
            }
        }
        let mut slowest = self.slowest.borrow_mut();
        *slowest = slowest.max(told.elapsed());
        Ok(())
    }

    /// ServiceTitan is back: what was too slow about the draining, and who had to wait behind the others. The
    /// outside is asked once a second, and only for what is new: it has enough to do.
    async fn drains(&self, left: usize) -> Tried<(Vec<String>, Vec<String>)> {
        let begun = self.calls.up_to_now().await?.all.len();
        self.world.control("clear", &json!({})).await?;
        let back = Instant::now();
        let deadline = Deadline::after(DRAINS_WITHIN);
        let mut waiting: Vec<(Caller, Instant)> = Vec::new();
        let (mut late, mut longest, mut seen, mut records) = (Vec::new(), Duration::ZERO, begun, 0);
        while records < left && !deadline.passed() {
            // One a second, whoever leaves now.
            waiting.push((self.closes_now().await?, Instant::now()));
            tokio::time::sleep(LOOKED_AT_EVERY).await;
            let kept = self.calls.up_to_now().await?;
            let made: HashSet<&str> = kept.all[seen..].iter().filter_map(record_of).collect();
            records += made.len();
            seen = kept.all.len();
            waiting.retain(|(caller, told)| {
                let (stands, waits) = (made.contains(caller.name()), told.elapsed());
                if stands {
                    longest = longest.max(waits);
                } else if waits > NEW_WITHIN {
                    late.push(format!("{} waited behind the others", caller.name()));
                }
                !stands && waits <= NEW_WITHIN
            });
        }
        println!(
            "          drained {} after it was back; whoever left meanwhile had a record within {longest:.1?}",
            spoken(back.elapsed())
        );
        let kept = self.calls.kept().await;
        let calls = kept.all[begun..].iter().filter(|call| is_work(call));
        let calls: Vec<f64> = calls
            .map(|call| call.at.as_microsecond() as f64 / 1e3)
            .collect();
        Ok((too_slow(&calls, left), late))
    }

    /// The next visitor who presses close.
    async fn closes_now(&self) -> Tried<Caller> {
        loop {
            let patience = Load::default().patience;
            let caller = Caller::new(&self.client, &self.ready, self.part, patience);
            if caller.closes_it() {
                caller.visit(self.ledger).await?;
                return Ok(caller);
            }
        }
    }
}

/// A call that ServiceTitan counts.
fn is_work(call: &Call) -> bool {
    call.party == "servicetitan" && !call.hit && call.path != "/connect/token"
}

/// Whose record this call has made, if it has.
fn record_of(call: &Call) -> Option<&str> {
    call.name.as_deref().filter(|_| call.made_a_record())
}

/// The rate over the middle of the draining: without the first seconds, in which the outside is tried with one
/// call at a time, and without the last, in which little is left.
fn too_slow(calls: &[f64], backlog: usize) -> Vec<String> {
    if backlog < LEAST_BACKLOG {
        return Vec::new();
    }
    let middle = &calls[calls.len() / 10..calls.len() * 9 / 10];
    let (Some(first), Some(last)) = (middle.first(), middle.last()) else {
        return vec!["there were no calls".to_owned()];
    };
    let rate = (middle.len() - 1) as f64 / ((last - first) / 1000.0);
    println!(
        "          {} calls, in the middle {rate:.1} a second",
        calls.len()
    );
    match rate >= CALLS_A_SECOND {
        true => Vec::new(),
        false => vec![format!("{rate:.1} calls a second, of 60 that are allowed")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_taken_from_the_middle() {
        let steady: Vec<f64> = (0..1_000).map(|n| f64::from(n) * 1000.0 / 56.0).collect();
        assert!(too_slow(&steady, 1_000).is_empty());
        let slow: Vec<f64> = (0..1_000).map(|n| f64::from(n) * 1000.0 / 50.0).collect();
        assert_eq!(too_slow(&slow, 1_000).len(), 1);
    }
}
