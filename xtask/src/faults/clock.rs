//! `clock`: the machine's clock jumps by a day or an hour, forward and back, and back again (libfaketime, under the
//! server and under PostgreSQL, together or one of them alone); and the server is stopped for half a minute and
//! goes on. Visitors who sit at the scheduler all the while are no leads; whoever leaves is one at once, by
//! whatever clock; and every delivery goes when it should.
//!
//! Nobody is in the middle of a form when the clock jumps: a browser that seems to return after a day is asked
//! *Continue as ...?*, which is right.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use rustix::process::{Signal, kill_process};

use super::caller::Caller;
use super::chance::Chance;
use super::report::{Finding, Report};
use super::stage::{Load, Setup, Stage};
use super::{Case, Engine};
use crate::postgres::{How, Postgres};
use crate::time::Deadline;
use crate::{Tried, debian};

/// How many sit at the scheduler all the while.
const SITTERS: usize = 12;
/// How many come between two faults, of whom some are still in their grace, and their deliveries held.
const VISITORS: usize = 10;
/// A stopped server is stopped for so long.
const STOPPED: Duration = Duration::from_secs(30);
/// A closed line is a lead after 3 s, a silent one after about 17, by any clock.
const LEAD_WITHIN: Duration = Duration::from_secs(25);

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const JUMPS: [i64; 4] = [DAY, -DAY, HOUR, -HOUR];

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let (mut server, mut database) = (Faked::new(&case, "server")?, Faked::new(&case, "database")?);
    let postgres = match case.engine {
        Engine::Sqlite => None,
        Engine::Postgres => {
            let how = How {
                before: database.words(),
                ..How::default()
            };
            Some(Postgres::start_so(case.run, &how).await?)
        }
    };
    let setup = Setup {
        before: server.words(),
        load: Load::default(),
        ..Setup::default()
    };
    let url = postgres.as_ref().map(Postgres::url);
    let stage = Stage::on(&case, setup, url, postgres).await?;
    let (times, part, engine, mut chance) = (case.times, case.part, case.engine, case.chance);

    let ready = stage.server.ready.clone();
    let office = ready.office();
    let patience = Load::default().patience;
    let come = || Caller::new(&stage.client, &ready, part, patience);
    let sitters: Vec<Caller> = (0..SITTERS).map(|_| come()).collect();
    for sitter in &sitters {
        sitter.gives_contact(&stage.ledger).await?;
    }
    let mut late = Vec::new();
    let mut jumps = 0;
    let mut still_to_jump = chance.deal(&JUMPS, times).into_iter();
    let mut away: Option<(i64, bool, bool)> = None;
    let hurting = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        for round in 0..times {
            let visits: Vec<Caller> = (0..VISITORS).map(|_| come()).collect();
            try_join_all(visits.iter().map(|visit| visit.visit(&stage.ledger))).await?;
            if round % 5 == 4 {
                println!("          stopped for {} s", STOPPED.as_secs());
                kill_process(stage.server.pid(), Signal::STOP)?;
                tokio::time::sleep(STOPPED).await;
                kill_process(stage.server.pid(), Signal::CONT)?;
            } else {
                // Whatever has jumped comes back before anything else jumps: nothing may grow too old to be sent.
                let (by, here, there) = match away.take() {
                    Some((by, here, there)) => (-by, here, there),
                    None => {
                        let (here, there) = whose(engine, &mut chance);
                        let jump = (still_to_jump.next().unwrap_or(DAY), here, there);
                        away = Some(jump);
                        jump
                    }
                };
                println!("          {} by {by} s", said(here, there));
                jumps += 1;
                if here {
                    server.jump(by)?;
                }
                if there {
                    database.jump(by)?;
                }
            }
            let deadline = Deadline::after(LEAD_WITHIN);
            for visit in visits.iter().filter(|visit| visit.leaves()) {
                // A connection kept from before a stop may be closed by now: that is no answer.
                while office
                    .leads_of(visit.name())
                    .await
                    .unwrap_or_default()
                    .is_empty()
                {
                    if deadline.passed() {
                        late.push(format!("{} was no lead within 25 s", visit.name()));
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
        }
        Tried::Ok(())
    };
    let sitting = join_all(sitters.iter().map(Caller::sits));
    tokio::select! {
        done = hurting => done?,
        _ = sitting => {}
    }
    let mut taken_for_gone = Vec::new();
    let leads = office.leads().await?;
    for sitter in &sitters {
        if leads
            .iter()
            .any(|lead| lead["person"]["name"] == sitter.name())
        {
            taken_for_gone.push(format!(
                "{} sits at the scheduler, and is a lead",
                sitter.name()
            ));
        }
    }
    let mut report = stage
        .report(format!(
            "{jumps} jumps of the clock, {} stops",
            times - jumps
        ))
        .await?;
    report.findings.push(Finding::of(
        "whoever sits at the scheduler is no lead",
        taken_for_gone,
    ));
    report.findings.push(Finding::of(
        "whoever left is a lead within 25 s, by any clock",
        late,
    ));
    Ok(report)
}

/// The server's clock, the database's, or both.
fn whose(engine: Engine, chance: &mut Chance) -> (bool, bool) {
    match (engine, chance.between(0, 3)) {
        (Engine::Sqlite, _) => (true, false),
        (Engine::Postgres, 0) => (true, false),
        (Engine::Postgres, 1) => (false, true),
        (Engine::Postgres, _) => (true, true),
    }
}

fn said(here: bool, there: bool) -> &'static str {
    match (here, there) {
        (true, true) => "both clocks jump",
        (true, false) => "the server's clock jumps",
        _ => "the database's clock jumps",
    }
}

/// A program's clock, moved by libfaketime; its monotonic clock stays true, as the kernel's does.
pub struct Faked {
    library: PathBuf,
    file: PathBuf,
    ahead: i64,
}

impl Faked {
    /// Shows the true time at first.
    pub fn new(case: &Case<'_>, whose: &str) -> Tried<Faked> {
        let folder = case.run.fresh("clock")?;
        // PostgreSQL runs as somebody else and reads it, too.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        let mut faked = Faked {
            library: debian::libfaketime()?,
            file: folder.join(whose),
            ahead: 0,
        };
        faked.jump(0)?;
        Ok(faked)
    }

    /// The words before a command line.
    pub fn words(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        vec![
            "/usr/bin/env".to_owned(),
            format!("LD_PRELOAD={}", path(&self.library)),
            format!("FAKETIME_TIMESTAMP_FILE={}", path(&self.file)),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
        ]
    }

    /// Forward when positive, in seconds.
    pub fn jump(&mut self, by: i64) -> Tried<()> {
        self.ahead += by;
        // Whole or not at all: it is read at every look at the clock.
        let half = self.file.with_extension("half");
        fs::write(&half, format!("{:+}\n", self.ahead))?;
        fs::set_permissions(&half, fs::Permissions::from_mode(0o644))?;
        fs::rename(&half, &self.file)?;
        Ok(())
    }
}
