//! `first_lead`: a newcomer's first minute. The demo starts in an empty folder, somebody leaves contact and presses
//! close, and the office has the lead. Without the build, and without the time in which a person reads and types.

use std::time::Duration;

use super::departure::begin_visits;
use super::outbox::close;
use super::report::{Goal, Sample};
use super::stage::Stage;
use super::visitors::Scheduler;
use crate::product::{Demo, Manner};
use crate::{Tried, net, time, zone};

const PATIENCE: Duration = Duration::from_secs(60);

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let manner = Manner {
        data: stage.run.fresh("newcomer")?,
        address: net::LOOPBACK,
        port: 0,
        database_url: None,
        sandbox: None,
        zone: zone::by_day(),
        before: Vec::new(),
        log: None,
    };
    let begun = time::Watch::start();
    let demo = Demo::start(&stage.run, &stage.program, &manner).await?;
    let ready = begun.elapsed();
    let scheduler = Scheduler::find(demo.ready.address()?, demo.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, 1).await?;
    close(&scheduler, &cookies, f64::INFINITY).await?;
    let office = demo.ready.office();
    time::until("the first lead", PATIENCE, || async {
        Ok(office.leads_of("Quill Visitor 0").await?.into_iter().next())
    })
    .await?;
    let took = begun.elapsed();
    Ok(vec![Sample {
        load: "from the start of `ringback demo` in an empty folder to the lead in the office"
            .into(),
        goal: Goal::AtMost(60.0),
        more: vec![("ready_s", ready.as_secs_f64())],
        ..Sample::new("first_lead", took.as_secs_f64(), "s")
    }])
}
