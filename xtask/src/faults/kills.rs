//! `kills`: SIGKILL at random moments, as when the process crashes or the kernel runs out of memory. The
//! machine stays up: what was written survives in the page cache, fsync or not. (`power.rs` is about that.)

use super::Case;
use super::report::Report;
use super::stage::{Setup, Stage};
use crate::Tried;

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let mut stage = Stage::open(&case, Setup::default()).await?;
    let (times, mut chance) = (case.times, case.chance);
    stage
        .under_load(async |server| {
            for _ in 0..times {
                tokio::time::sleep(server.lives_for(chance.millis(50, 1250))).await;
                server.kill().await?;
                server.start().await?;
            }
            Ok(())
        })
        .await?;
    stage.report(format!("killed {times} times")).await
}
