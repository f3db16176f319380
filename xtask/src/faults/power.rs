//! `power`: the power is cut under load, and everything starts again from what the disk kept.
//!
//! The disk is one of our own making (`platter.rs`): writes lie in its cache until they are flushed, and at
//! a cut survive there by chance, sector by sector. So this is the power cut of a machine with an ordinary
//! disk whose cache is lost: page cache gone, disk cache gone in part, in any order. Each cut: the server
//! (and PostgreSQL) die, the disk loses what was not flushed, ext4 replays its journal, the database its
//! log, and the visitors go on.

use super::platter::{Cut, Disk};
use super::report::{Finding, Report};
use super::stage::{Setup, Stage};
use super::{Case, Engine};
use crate::Tried;
use crate::postgres::{How, Postgres};

/// Room for the rows of a few thousand visitors; PostgreSQL's cluster is large when it is empty.
const MEGABYTES: usize = 320;

pub async fn run(case: Case<'_>) -> Tried<Report> {
    with(case, Vec::new()).await
}

/// The same with words before the server's command line.
pub async fn with(case: Case<'_>, before: Vec<String>) -> Tried<Report> {
    let mut disk = Disk::new(case.run, MEGABYTES).await?;
    let mut postgres = match case.engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(
            Postgres::start_in(case.run, disk.folder().join("postgres"), &How::default()).await?,
        ),
    };
    // `initdb` left its files to the page cache; a cluster older than a minute has long been flushed.
    disk.sync()?;
    let setup = Setup {
        folder: Some(disk.folder().join("ringback")),
        before,
        ..Setup::default()
    };
    let url = postgres.as_ref().map(Postgres::url);
    let mut stage = Stage::on(&case, setup, url, None).await?;
    let (run, times, mut chance) = (case.run, case.times, case.chance);
    let (mut all, mut wrong) = (Cut::default(), Vec::new());
    stage
        .under_load(async |server| {
            for n in 1..=times {
                tokio::time::sleep(server.lives_for(chance.millis(300, 1500))).await;
                let cut = disk.lose_power(&mut chance).await;
                server.kill().await?;
                if let Some(postgres) = &mut postgres {
                    postgres.lose_power().await?;
                }
                all.unflushed += cut.unflushed;
                all.lost += cut.lost;
                all.at_flush += cut.at_flush;
                disk.power_up(run).await?;
                if let Some(postgres) = &mut postgres {
                    postgres.start_again(run).await?;
                }
                server.start().await?;
                let faults = server.rows().faults().await?;
                wrong.extend(faults.into_iter().map(|fault| format!("cut {n}: {fault}")));
            }
            Ok(())
        })
        .await?;
    let did = format!(
        "power cut {times} times, {} between a write and its flush; {} sectors had not been flushed, {} of them were lost",
        all.at_flush, all.unflushed, all.lost
    );
    let mut report = stage.report(did).await?;
    let every = "after every cut the database opens whole";
    report.findings.push(Finding::of(every, wrong));
    let nothing = (all.lost == 0).then(|| "no sector was lost".to_owned());
    let lost = "a cut has cost the disk something";
    report
        .findings
        .push(Finding::of(lost, nothing.into_iter().collect()));
    drop(postgres);
    drop(disk);
    Ok(report)
}
