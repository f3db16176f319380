//! `planted`: five bugs are planted (`plants.rs`), and each has to be caught by the invariant it breaks, in
//! the situation that shows it. The same situation without the bug has to be clean: the one without the
//! other would prove nothing.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::caller::Caller;
use super::chance::Chance;
use super::ledger::Ending;
use super::plants::{self, DAWDLE, PLANTS, Plant, SWITCH};
use super::report::{Finding, Report};
use super::stage::{Load, Setup, Stage};
use super::{Case, power};
use crate::Tried;

pub async fn run(mut case: Case<'_>) -> Tried<Report> {
    let program = plants::build(case.run, case.root).await?;
    let mut report = Report {
        did: format!("{} bugs planted", PLANTS.len()),
        seen: String::new(),
        visitors: 0,
        findings: Vec::new(),
    };
    for plant in PLANTS {
        let seed = case.chance.next();
        let (without, with) = tokio::join!(
            situation(&case, &program, plant, None, seed),
            situation(&case, &program, plant, Some(plant), seed)
        );
        let (mut wrong, without, with) = (Vec::new(), without?, with?);
        report.visitors += without.visitors + with.visitors;
        for finding in without.broken() {
            let (invariant, first) = (finding.invariant, &finding.broken[0]);
            wrong.push(format!("without it, too, “{invariant}” is broken: {first}"));
        }
        match with
            .broken()
            .find(|finding| finding.invariant == plant.caught_by)
        {
            Some(caught) => println!(
                "   “{}” is caught: “{}” is broken {} times, as by: {}",
                plant.name,
                caught.invariant,
                caught.broken.len(),
                caught.broken[0]
            ),
            None => {
                let others: Vec<&str> = with.broken().map(|finding| finding.invariant).collect();
                wrong.push(format!(
                    "“{}” did not catch it; these did: {}; {}; {}",
                    plant.caught_by,
                    others.join(", "),
                    with.did,
                    with.seen
                ));
            }
        }
        report.findings.push(Finding::of(plant.name, wrong));
    }
    Ok(report)
}

/// The situation in which this plant shows, with what is switched on.
async fn situation(
    case: &Case<'_>,
    program: &Path,
    shows: &Plant,
    on: Option<&Plant>,
    seed: u64,
) -> Tried<Report> {
    let mut names: Vec<&str> = on.iter().map(|plant| plant.name).collect();
    let dawdles = shows.name == "settle without fence";
    if dawdles {
        names.push(DAWDLE.name);
    }
    let case = Case {
        run: case.run,
        root: case.root,
        program,
        part: case.part,
        engine: case.engine,
        times: 6,
        chance: Chance::new(seed),
    };
    let before = vec!["env".to_owned(), format!("{SWITCH}={}", names.join(","))];
    match shows.name {
        "acknowledge before fsync" => power::with(case, before).await,
        "settle without fence" => overtaken(&case, before).await,
        "retry on 500 for texts" => {
            let fault = json!({ "party": "carrier", "kind": "server_error", "method": "POST",
                                "after_effect": true, "share": 0.5 });
            // A report of the carrier's would stop the second text before it goes; reports get lost, too.
            under_fault(
                &case,
                before,
                &[("delivery", json!({ "lost": true })), ("fault", fault)],
            )
            .await
        }
        "lookup skipped after a timeout" => {
            let fault =
                json!({ "party": "servicetitan", "kind": "dropped_after_effect", "share": 0.3 });
            under_fault(&case, before, &[("fault", fault)]).await
        }
        _ => under_fault(&case, before, &[]).await,
    }
}

/// Visitors come and go with the sandbox's switches like this, long enough for their texts.
async fn under_fault(
    case: &Case<'_>,
    before: Vec<String>,
    switches: &[(&str, serde_json::Value)],
) -> Tried<Report> {
    let setup = Setup {
        before,
        ..Setup::default()
    };
    let mut stage = Stage::open(case, setup).await?;
    let world = stage.world.clone();
    for (switch, how) in switches {
        world.control(switch, how).await?;
    }
    stage
        .under_load(async |_| {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(())
        })
        .await?;
    // Those who have just left: their texts are held for 20 s.
    tokio::time::sleep(Duration::from_secs(25)).await;
    world.control("clear", &json!({})).await?;
    stage
        .report("the outside was like this for 45 s".to_owned())
        .await
}

/// A claim whose owner dawdles past its lease: another takes it up and is on the wire when the first one
/// wakes, finds that the visitor has come back, and would withdraw what is on its way.
async fn overtaken(case: &Case<'_>, before: Vec<String>) -> Tried<Report> {
    let setup = Setup {
        before,
        load: Load {
            visitors: 0,
            sitters: 0,
            warm_up: Duration::ZERO,
            ..Load::default()
        },
        ..Setup::default()
    };
    let mut stage = Stage::open(case, setup).await?;
    let ready = stage.server.ready.clone();
    let world = stage.world.clone();
    let visitor =
        Caller::new(&stage.client, &ready, "first", Duration::from_secs(20)).who(Ending::Closes);
    let seen = RefCell::new(std::mem::take(stage.ledger.get_mut()));
    visitor.visit(&seen).await?;
    // Its lease is over after 45 s; then it is taken up again, and ServiceTitan is slow.
    tokio::time::sleep(Duration::from_secs(40)).await;
    let slow = json!({ "party": "servicetitan", "kind": "slow", "ms": 12_000 });
    world.control("fault", &slow).await?;
    tokio::time::sleep(Duration::from_secs(9)).await;
    visitor.returns("second").await?;
    seen.borrow_mut().ended(0, Ending::Returned);
    *stage.ledger.get_mut() = seen.into_inner();
    tokio::time::sleep(Duration::from_secs(12)).await;
    world.control("clear", &json!({})).await?;
    stage.report("a claim was overtaken".to_owned()).await
}
