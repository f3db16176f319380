//! `postgres`: the database is killed, stopped, started again, left without its standby, and failed over to it. The
//! standby is a synchronous one: what a primary has acknowledged stands there, too. Two places, one of which takes
//! writes; the server finds out which by itself.

use std::time::Duration;

use super::Case;
use super::chance::Chance;
use super::report::Report;
use super::rows::Rows;
use super::stage::{Load, Setup, Stage};
use crate::postgres::Postgres;
use crate::run::Run;
use crate::{Tried, time};

/// Between two faults, where a database is back within so long. A busy machine takes longer for all of it.
const REST: (u64, u64) = (2_000, 6_000);
const AT_LEISURE: Duration = Duration::from_secs(8);

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let mut places = Places::start(case.run).await?;
    let url = Some(places.url());
    let setup = Setup {
        may_refuse: true,
        load: Load {
            // Two faults in a row, each with a database that starts, recovers and is followed again.
            patience: Duration::from_secs(120),
            ..Load::default()
        },
        ..Setup::default()
    };
    let mut stage = Stage::on(&case, setup, url, None).await?;
    let (times, run, mut chance) = (case.times, case.run, case.chance);
    let (mut did, mut took) = ([0; 4], Duration::ZERO);
    stage
        .under_load(async |_| {
            for what in chance.deal(&[0, 1, 2, 3], times) {
                let slower = took.div_duration_f64(AT_LEISURE).max(1.0);
                let rest = chance.millis(REST.0, REST.1).mul_f64(slower);
                tokio::time::sleep(rest).await;
                let hurting = time::Watch::start();
                places.hurt(run, what, &mut chance).await?;
                took = hurting.elapsed();
                did[what] += 1;
            }
            Ok(())
        })
        .await?;
    let [killed, stopped, alone, failed_over] = did;
    let report = stage.report(format!(
        "killed {killed} times, stopped {stopped}, without its standby {alone}, failed over {failed_over}"
    ));
    let report = report.await;
    drop(places);
    report
}

/// The one that takes writes, and the one that follows.
struct Places {
    primary: Postgres,
    standby: Postgres,
}

impl Places {
    async fn start(run: &Run) -> Tried<Places> {
        let primary = Postgres::start(run).await?;
        // Copied with everything else: whoever takes writes waits for whoever follows.
        let ask = "ALTER SYSTEM SET synchronous_standby_names = '*'";
        Rows::Postgres(primary.url()).find(ask).await?;
        let standby = primary.standby(run).await?;
        let places = Places { primary, standby };
        Rows::Postgres(places.primary.url())
            .find("SELECT pg_reload_conf()")
            .await?;
        places.until_followed().await?;
        Ok(places)
    }

    /// Both places, whoever of them it is.
    fn url(&self) -> String {
        Postgres::url_of(&[&self.primary, &self.standby])
    }

    async fn hurt(&mut self, run: &Run, what: usize, chance: &mut Chance) -> Tried<()> {
        match what {
            0 => {
                self.primary.kill().await?;
                self.primary.start_again(run).await?;
            }
            1 => {
                self.primary.stop();
                tokio::time::sleep(chance.millis(0, 4_000)).await;
                self.primary.start_again(run).await?;
            }
            // Nothing is acknowledged meanwhile.
            2 => {
                self.standby.kill().await?;
                tokio::time::sleep(chance.millis(0, 3_000)).await;
                self.standby.start_again(run).await?;
            }
            _ => {
                self.primary.kill().await?;
                self.standby.promote(run).await?;
                std::mem::swap(&mut self.primary, &mut self.standby);
                self.standby.follow(run, &self.primary).await?;
            }
        }
        self.until_followed().await
    }

    async fn until_followed(&self) -> Tried<()> {
        let rows = Rows::Postgres(self.primary.url());
        let ask = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
        time::until("the standby to follow", Duration::from_secs(60), || async {
            Ok((!rows.find(ask).await?.is_empty()).then_some(()))
        })
        .await
    }
}
