//! Deletes what is past its keeping (`store::prune`), a batch at a time, so that nobody waits behind a long
//! transaction; by a time of its own, which follows the clock but is never rushed by it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::clock::Moment;
use crate::store::{Order, StoreError, business, prune};

/// Rows of a kind that one transaction deletes, and how long it lets others through before the next.
const BATCH: i64 = 500;
const PAUSE: Duration = Duration::from_millis(50);

/// How many times as fast as real time the pruner's may go. A clock that is years ahead for a day costs 24 days of
/// keeping, no more; a server that was off for a month catches up in a day and a half.
const PACE: i32 = 24;

/// The pruner's last look at its time, and when that was. Clones share it.
#[derive(Clone, Default)]
pub struct Pace {
    last: Arc<Mutex<Option<(Moment, Timestamp)>>>,
}

impl Pace {
    /// The furthest that the pruner's time may have come by now; `None` before the first look.
    fn reach(&self, now: Moment) -> Option<Timestamp> {
        let (then, at) = (*self.last())?;
        let most = SignedDuration::from_secs(now.since(then).as_secs().saturating_mul(PACE.into()));
        Some(at.checked_add(most).unwrap_or(Timestamp::MAX))
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<(Moment, Timestamp)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One round: all that is past its keeping goes.
pub async fn run(app: App) -> Result<(), StoreError> {
    let now = time(&app).await?;
    while app
        .store
        .write(Order::Any, move |tx| prune::prune(tx, now, BATCH))
        .await?
        > 0
    {
        tokio::time::sleep(PAUSE).await;
    }
    for business in app.store.read(business::all).await? {
        let id = business.id;
        while app
            .store
            .write(Order::Business(id.get()), move |tx| {
                prune::places(tx, id, now, BATCH)
            })
            .await?
            > 0
        {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

async fn time(app: &App) -> Result<Timestamp, StoreError> {
    let moment = app.clock.moment();
    let reach = app.pace.reach(moment);
    let at = app
        .store
        .write(Order::Any, move |tx| prune::time(tx, reach))
        .await?;
    *app.pace.last() = Some((moment, at));
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn it_goes_a_day_in_an_hour_whatever_the_clock_says() {
        let clock = Clock::system();
        let (pace, then) = (Pace::default(), clock.moment());
        assert_eq!(pace.reach(then), None);
        *pace.last() = Some((then, Timestamp::UNIX_EPOCH));
        clock.machine_jumps(SignedDuration::from_hours(24 * 365));
        let soon = pace.reach(clock.moment()).unwrap();
        assert!(soon.duration_since(Timestamp::UNIX_EPOCH) < SignedDuration::from_hours(1));
        let in_an_hour = then.after(Duration::from_secs(3_600));
        assert_eq!(
            pace.reach(in_an_hour),
            Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24))
        );
        *pace.last() = Some((then, Timestamp::MAX));
        assert_eq!(pace.reach(in_an_hour), Some(Timestamp::MAX));
    }
}
