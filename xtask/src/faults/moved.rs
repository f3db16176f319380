//! Time that is moved on purpose, for the server and for the outside alike: a day of outage, the patience of a
//! retry. It is the demo's own switch; a machine's clock that jumps by accident is `clock.rs`.

use std::time::Duration;

use serde_json::json;

use super::ledger;
use super::report::Finding;
use super::rows::Rows;
use crate::Tried;
use crate::product::Ready;
use crate::tally::spoken;
use crate::time::Deadline;
use crate::world::World;

/// Both clocks.
#[derive(Clone)]
pub struct Time {
    client: reqwest::Client,
    stage: String,
    world: World,
}

/// How time is passed while waiting: less than any lease, and what is under way has a moment to go on.
const STEP: Duration = Duration::from_secs(6);
const MOMENT: Duration = Duration::from_millis(150);
/// Real time that waiting may take.
const PATIENCE: Duration = Duration::from_secs(300);

impl Time {
    /// The clocks of this demo and this outside world.
    pub fn of(ready: &Ready, world: &World) -> Time {
        Time {
            client: reqwest::Client::new(),
            stage: ready.stage.trim_end_matches('/').to_owned(),
            world: world.clone(),
        }
    }

    /// So much time passes at once.
    pub async fn passes(&self, time: Duration) -> Tried<()> {
        let by = json!({ "advance_s": time.as_secs() });
        let url = format!("{}/clock", self.stage);
        let answer = self.client.post(url).json(&by).send().await?;
        answer.error_for_status()?;
        self.world.control("clock", &by).await?;
        Ok(())
    }

    /// Lets time pass until nothing is under way any more, `at_most` so much of it; how much it took, and what
    /// is left then.
    pub async fn until_settled(
        &self,
        rows: &Rows,
        at_most: Duration,
    ) -> Tried<(Duration, Vec<String>)> {
        let mut passed = Duration::ZERO;
        let deadline = Deadline::after(PATIENCE);
        loop {
            let left = ledger::under_way(rows).await?;
            if left.is_empty() || passed >= at_most || deadline.passed() {
                return Ok((passed, left));
            }
            tokio::time::sleep(MOMENT).await;
            // What is on the wire just now takes real time, and its lease must not be over meanwhile.
            let on_the_wire = |row: &String| row.contains(" sending ") || row.contains(" claimed ");
            if left.iter().any(on_the_wire) {
                continue;
            }
            // The longer it takes, the longer the waits are: retries wait up to an hour.
            let step = if passed < Duration::from_secs(900) {
                STEP
            } else {
                STEP * 5
            };
            self.passes(step).await?;
            passed += step;
        }
    }
}

/// That everything drains, as a verdict of its own.
pub fn drained((took, left): &(Duration, Vec<String>)) -> Finding {
    println!(
        "   everything settled {} after the last fault",
        spoken(*took)
    );
    Finding::of("everything drains when the faults end", left.clone())
}
