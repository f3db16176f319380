//! `restart`: a server that was killed starts again over a million open sessions, and works off the hundred
//! thousand departures that nobody could judge meanwhile.

use std::time::{Duration, Instant};

use super::departure::begin_visits;
use super::fill::{Size, filled};
use super::report::{Goal, Sample};
use super::stage::Stage;
use super::visitors::Scheduler;
use crate::Tried;

const OPEN: u64 = 1_000_000;
const OVERDUE: u64 = 100_000;
/// Visits begun until the server is killed: more than any machine begins in that time.
const ENDLESS: u64 = 1_000_000;
const LOADED_FOR: Duration = Duration::from_secs(2);
/// Who was away while the server was gets eight seconds to find it again; then the departures count.
const PATIENCE: Duration = Duration::from_secs(600);

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let size = Size {
        open: OPEN as i64,
        overdue: OVERDUE as i64,
        lapsed: 0,
        leads: 0,
    };
    let template = filled(stage, "a-million-open", size).await?;
    let data = stage.copy(&template, "restart")?;
    let killed = stage.serve(&data).await?;
    let scheduler = Scheduler::find(killed.address, stage.ready.scheduler_name()).await?;
    let before = killed.leads()?;
    // Killed under load: there is a log to recover, and a transaction under way.
    let (load, killed) = tokio::join!(begin_visits(&scheduler, ENDLESS), async {
        tokio::time::sleep(LOADED_FOR).await;
        killed.kill().await
    });
    killed?;
    if load.is_ok() {
        return Err("the load had ended before the server was killed".into());
    }

    let server = stage.serve(&data).await?;
    let ready = server.ready_after.as_secs_f64() * 1e3;
    let begun = Instant::now();
    server.until_leads(before + 1, PATIENCE).await?;
    let first = begun.elapsed();
    server.until_leads(before + OVERDUE, PATIENCE).await?;
    let worked_off = begun.elapsed() - first;
    server.kill().await?;
    let load = format!("{OPEN} open sessions, {OVERDUE} overdue, killed under load");
    Ok(vec![
        Sample {
            load: load.clone(),
            goal: Goal::AtMost(1000.0),
            ..Sample::new("restart", ready, "ms")
        },
        Sample {
            load: format!("{OVERDUE} overdue departures to leads, from the first to the last"),
            more: vec![("first_lead_after_s", first.as_secs_f64())],
            ..Sample::new(
                "restart_overdue",
                OVERDUE as f64 / worked_off.as_secs_f64(),
                "leads/s",
            )
        },
    ])
}
