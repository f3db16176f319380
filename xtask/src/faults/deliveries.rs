//! `deliveries`: ServiceTitan and the carrier misbehave, in every way a service over HTTP can, on all of their
//! calls or on a fifth of them. Whatever they did, what comes of it is one record, at most one text, and every
//! doubt shown; when they behave again, everything drains.

use std::time::Duration;

use serde_json::{Value, json};

use super::Case;
use super::calls::Calls;
use super::chance::Chance;
use super::moved::{self, Time};
use super::report::{Finding, Report};
use super::stage::{Load, Setup, Stage};
use crate::Tried;
use crate::time::Deadline;

/// In words, and as the sandbox's switch.
const FAULTS: [(&str, &str); 12] = [
    ("slow by 3 s", r#"{"kind": "slow", "ms": 3000}"#),
    (
        "429 for 2 s",
        r#"{"kind": "rate_limited", "retry_after": 2}"#,
    ),
    ("500", r#"{"kind": "server_error"}"#),
    (
        "500 after it took effect",
        r#"{"kind": "server_error", "after_effect": true}"#,
    ),
    ("closed on sight", r#"{"kind": "refused"}"#),
    ("expired token", r#"{"kind": "expired_token"}"#),
    ("reset before the answer", r#"{"kind": "reset"}"#),
    ("reset within the answer", r#"{"kind": "torn_answer"}"#),
    (
        "answer dropped after it took effect",
        r#"{"kind": "dropped_after_effect"}"#,
    ),
    (
        "a login page",
        r#"{"kind": "hostile", "body": "html", "after_effect": true}"#,
    ),
    ("garbage", r#"{"kind": "hostile", "body": "garbage"}"#),
    (
        "32 MiB that never end",
        r#"{"kind": "hostile", "body": "huge", "after_effect": true}"#,
    ),
];
const SHARES: [f64; 2] = [1.0, 0.2];

/// Each with all shares once.
pub const ALL: usize = FAULTS.len() * SHARES.len();

/// Visitors come for so long under each; then the texts' hold is over.
const LASTS: Duration = Duration::from_secs(5);
const LASTS_AT_MOST: Duration = Duration::from_secs(15);
const HOLD: Duration = Duration::from_secs(21);
/// The last of it has to be gone when an unknown record has been looked for in vain, and asked for again.
const DRAINS_WITHIN: Duration = Duration::from_secs(30 * 60);

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let load = Load {
        warm_up: Duration::from_secs(1),
        ..Load::default()
    };
    let setup = Setup {
        load,
        ..Setup::default()
    };
    let mut stage = Stage::open(&case, setup).await?;
    let (times, mut chance) = (case.times, case.chance);
    let world = stage.world.clone();
    let time = Time::of(&stage.server.ready, &world);
    let calls = Calls::follow(&world);
    let mut idle = Vec::new();
    stage
        .under_load(async |_| {
            for (what, share, switch) in in_some_order(&mut chance, times) {
                let before = calls.up_to_now().await?.all.len();
                for party in ["servicetitan", "carrier"] {
                    let mut switch = switch.clone();
                    switch["party"] = party.into();
                    world.control("fault", &switch).await?;
                }
                tokio::time::sleep(LASTS).await;
                time.passes(HOLD).await?;
                // Each of them has to meet it, and where it meets every fifth call that may take longer.
                let over = Deadline::after(LASTS_AT_MOST);
                tokio::time::sleep(LASTS).await;
                let (crm, carrier) = loop {
                    let kept = calls.up_to_now().await?;
                    let these = kept.all.iter().skip(before).filter(|call| call.hit);
                    let hit = |party| these.clone().filter(|call| call.party == party).count();
                    let both = (hit("servicetitan"), hit("carrier"));
                    if (both.0 > 0 && both.1 > 0) || over.passed() {
                        break both;
                    }
                    drop(kept);
                    tokio::time::sleep(Duration::from_millis(500)).await;
                };
                world.control("clear", &json!({})).await?;
                let fault = format!("{what}, on {} % of the calls", share * 100.0);
                println!("          {fault}: {crm} calls to ServiceTitan were hit, {carrier} to the carrier");
                for (whose, hit) in [("ServiceTitan", crm), ("the carrier", carrier)] {
                    if hit == 0 {
                        idle.push(format!("{fault}: no call to {whose} was hit"));
                    }
                }
            }
            Ok(())
        })
        .await?;
    let settled = time
        .until_settled(&stage.server.rows(), DRAINS_WITHIN)
        .await?;
    let drained = moved::drained(&settled);
    let mut report = stage
        .report(format!("{times} kinds of trouble on both outside systems"))
        .await?;
    report.findings.push(drained);
    report
        .findings
        .push(Finding::of("every fault has hit something", idle));
    Ok(report)
}

/// Every fault with every share, before any comes again; half of them meet the token's address, too.
fn in_some_order(chance: &mut Chance, times: usize) -> Vec<(&'static str, f64, Value)> {
    let every = FAULTS
        .into_iter()
        .flat_map(|fault| SHARES.map(|share| (fault, share)));
    let every: Vec<_> = every.collect();
    let dealt = chance.deal(&every, times).into_iter();
    dealt
        .map(|((what, switch), share)| {
            let mut switch: Value = serde_json::from_str(switch).unwrap_or_default();
            switch["share"] = share.into();
            if chance.between(0, 1) == 1 {
                switch["path"] = "/".into();
            }
            (what, share, switch)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_is_one_the_sandbox_can_read() {
        let all = in_some_order(&mut Chance::new(1), ALL);
        assert_eq!(all.len(), ALL);
        assert!(all.iter().all(|(_, _, switch)| switch["kind"].is_string()));
    }
}
