//! Notices that the clock has jumped, before anybody is judged by it and anything is taken to be due: how far the
//! store's time went since the last look is compared with the time that really passed. What counts as a jump is
//! `ringback_domain::jump`'s; what moves with it is `store::jump`'s.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ringback_domain::jump::{self, SMALLEST_JUMP};

use crate::app::App;
use crate::clock::{Clock, Moment};
use crate::store::{Order, StoreError, Tx, jump as rows};

/// How long a look waits for the store: it keeps others from looking, and a life is renewed after one.
const PATIENCE: Duration = Duration::from_secs(4);

/// The last look at the store's clock. Clones share it.
#[derive(Clone, Default)]
pub struct Watch {
    last: Arc<Mutex<Option<Look>>>,
    /// Held by whoever looks: each look is compared with the one before it, and a jump is seen to by one.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What the clock said, and between which moments it did.
#[derive(Clone, Copy)]
struct Look {
    asked: Moment,
    now: Timestamp,
    answered: Moment,
}

impl Look {
    fn jumped_since(self, last: Self) -> Option<SignedDuration> {
        let on_purpose = SignedDuration::from_micros(self.answered.moved_us_since(last.asked));
        // Moved on purpose while somebody was asking: the next look will tell.
        let steady = self.answered.moved_us_since(self.asked) == 0
            && last.answered.moved_us_since(last.asked) == 0;
        let moved = self.now.duration_since(last.now) - on_purpose;
        let (least, most) = (
            self.asked.since(last.answered),
            self.answered.since(last.asked),
        );
        jump::jumped(moved, least, most).filter(|_| steady)
    }
}

/// The store's time. Whatever a jump since the last look asks for has been done. `Busy` where the store does not say it
/// in good time: the next look may reach it another way.
pub async fn look(app: &App) -> Result<Timestamp, StoreError> {
    let wanted = app.clock.moment();
    let _turn = app.watch.turn.lock().await;
    if let Some(now) = app.watch.looked_since(wanted) {
        return Ok(now);
    }
    loop {
        let asked = app.clock.moment();
        let read = tokio::time::timeout(PATIENCE, app.store.read(|tx| Ok(tx.now())));
        let now = read.await.unwrap_or(Err(StoreError::Busy))?;
        let look = Look {
            asked,
            now,
            answered: app.clock.moment(),
        };
        let last = *app.watch.lock();
        if let Some(by) = last.and_then(|last| look.jumped_since(last)) {
            let owner = app.owner();
            let follow = move |tx: &mut Tx<'_>| rows::follow(tx, &owner.node, by);
            let followed = app.store.write(Order::Any, follow).await?;
            if followed {
                tracing::warn!(
                    seconds = by.as_secs(),
                    "the clock jumped; what visitors and deliveries wait for moves with it"
                );
            }
            *app.watch.lock() = None;
            continue;
        }
        *app.watch.lock() = Some(look);
        return Ok(now);
    }
}

/// Whether this instant is still the time that was looked at: nothing is judged by another one.
pub fn is_near(now: Timestamp, looked: Timestamp) -> bool {
    now.duration_since(looked).abs() < SMALLEST_JUMP
}

impl Watch {
    /// Whether this instant is where the store's clock should stand now, by the last look at it. Where it is not, or
    /// where nobody has looked, [`look`] comes first.
    pub fn expects(&self, now: Timestamp, clock: &Clock) -> bool {
        let Some(last) = *self.lock() else {
            return false;
        };
        let moment = clock.moment();
        let on_purpose = SignedDuration::from_micros(moment.moved_us_since(last.answered));
        let moved = now.duration_since(last.now) - on_purpose;
        (moved - moment.since(last.answered)).abs() < SMALLEST_JUMP
    }

    /// What somebody else's look found that was begun later.
    fn looked_since(&self, wanted: Moment) -> Option<Timestamp> {
        let last = (*self.lock())?;
        (last.asked.since(wanted) > SignedDuration::ZERO).then_some(last.now)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Look>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
