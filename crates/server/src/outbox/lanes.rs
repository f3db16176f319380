//! Lanes: how much goes at once to one outside system of one business, and when it is left in peace. A
//! lane that fails again and again lets one through at a time until one goes well; one that asks for
//! patience gets it. All of it is in memory: it protects the outside, not the rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use ringback_domain::id::BusinessId;
use tokio::sync::Notify;

use super::Health;
use crate::store::outbox::Channel;

/// On the wire at once, per lane.
const WIDTH: usize = 16;
/// So many failures in a row, and the lane narrows to one.
const PATIENCE: u32 = 5;
/// A narrow lane rests this long after a failure.
const REST: SignedDuration = SignedDuration::from_secs(5);

/// All lanes.
#[derive(Default)]
pub(super) struct Lanes(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lanes: Mutex<HashMap<(BusinessId, Channel), Lane>>,
    emptied: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    under_way: usize,
    failures: u32,
    rest: Option<Rest>,
}

/// A lane left in peace. Before its beginning (the clock has jumped back) it is over, too.
#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Timestamp,
    until: Timestamp,
}

impl Rest {
    fn of(patience: SignedDuration, now: Timestamp) -> Option<Self> {
        let until = now.checked_add(patience).ok()?;
        Some(Self { since: now, until })
    }

    fn holds(self, now: Timestamp) -> bool {
        self.since <= now && now < self.until
    }
}

/// A place in a lane; leaving it without a word counts for nothing.
pub(super) struct Place {
    shared: Arc<Shared>,
    lane: (BusinessId, Channel),
}

impl Lanes {
    /// How many more may go now.
    pub(super) fn free(&self, business: BusinessId, channel: Channel, now: Timestamp) -> usize {
        let lanes = self.0.lanes();
        let lane = lanes.get(&(business, channel)).copied().unwrap_or_default();
        if lane.rest.is_some_and(|rest| rest.holds(now)) {
            return 0;
        }
        let width = if lane.failures < PATIENCE { WIDTH } else { 1 };
        width.saturating_sub(lane.under_way)
    }

    /// Takes a place.
    pub(super) fn enter(&self, business: BusinessId, channel: Channel) -> Place {
        let lane = (business, channel);
        self.0.lanes().entry(lane).or_default().under_way += 1;
        let shared = Arc::clone(&self.0);
        Place { shared, lane }
    }

    /// How many lanes are open, narrow and at rest.
    pub(super) fn by_state(&self, channel: Channel, now: Timestamp) -> [(&'static str, usize); 3] {
        let mut counts = [("open", 0), ("narrow", 0), ("paused", 0)];
        let lanes = self.0.lanes();
        let ours = lanes.iter().filter(|((_, of), _)| *of == channel);
        for (_, lane) in ours {
            let state = match lane {
                lane if lane.rest.is_some_and(|rest| rest.holds(now)) => 2,
                lane if lane.failures >= PATIENCE => 1,
                _ => 0,
            };
            counts[state].1 += 1;
        }
        counts
    }

    /// Waits until every place is free.
    pub(super) async fn empty(&self) {
        loop {
            let emptied = self.0.emptied.notified();
            if self.0.lanes().values().all(|lane| lane.under_way == 0) {
                return;
            }
            emptied.await;
        }
    }
}

impl Place {
    /// Leaves, and says how the outside was. True when the lane has been narrow and is wide again: the outside
    /// works.
    pub(super) fn leave(self, health: Health, now: Timestamp) -> bool {
        let mut lanes = self.shared.lanes();
        let lane = lanes.entry(self.lane).or_default();
        let was_narrow = lane.failures >= PATIENCE;
        match health {
            Health::Well => {
                (lane.failures, lane.rest) = (0, None);
                return was_narrow;
            }
            Health::Ailing => {
                lane.failures = lane.failures.saturating_add(1);
                if lane.failures >= PATIENCE {
                    lane.rest = Rest::of(REST, now);
                }
            }
            Health::Asks(patience) => lane.rest = Rest::of(patience, now),
        }
        false
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(lane) = self.shared.lanes().get_mut(&self.lane) {
            lane.under_way = lane.under_way.saturating_sub(1);
        }
        self.shared.emptied.notify_waiters();
    }
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, HashMap<(BusinessId, Channel), Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPPERLINE: BusinessId = BusinessId::new(1);
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn free(lanes: &Lanes, at: Timestamp) -> usize {
        lanes.free(COPPERLINE, Channel::Crm, at)
    }

    #[test]
    fn a_lane_is_so_wide_and_no_wider() {
        let lanes = Lanes::default();
        let places: Vec<_> = (0..WIDTH)
            .map(|_| lanes.enter(COPPERLINE, Channel::Crm))
            .collect();
        assert_eq!(free(&lanes, NOW), 0);
        assert_eq!(lanes.free(COPPERLINE, Channel::Text, NOW), WIDTH);
        drop(places);
        assert_eq!(free(&lanes, NOW), WIDTH);
    }

    #[test]
    fn after_failures_in_a_row_one_goes_at_a_time_and_the_first_success_opens_it() {
        let lanes = Lanes::default();
        for _ in 0..PATIENCE {
            let place = lanes.enter(COPPERLINE, Channel::Crm);
            place.leave(Health::Ailing, NOW);
        }
        assert_eq!(free(&lanes, NOW), 0);
        assert_eq!(free(&lanes, NOW + REST), 1);
        let place = lanes.enter(COPPERLINE, Channel::Crm);
        assert!(place.leave(Health::Well, NOW + REST));
        assert_eq!(free(&lanes, NOW + REST), WIDTH);
        let place = lanes.enter(COPPERLINE, Channel::Crm);
        assert!(!place.leave(Health::Well, NOW + REST));
    }

    #[test]
    fn a_clock_that_jumps_back_lengthens_no_rest() {
        let lanes = Lanes::default();
        let place = lanes.enter(COPPERLINE, Channel::Crm);
        place.leave(Health::Asks(SignedDuration::from_secs(30)), NOW);
        assert_eq!(free(&lanes, NOW - SignedDuration::from_hours(24)), WIDTH);
    }

    #[test]
    fn who_asks_for_patience_gets_it() {
        let lanes = Lanes::default();
        let patience = SignedDuration::from_secs(30);
        let place = lanes.enter(COPPERLINE, Channel::Crm);
        place.leave(Health::Asks(patience), NOW);
        assert_eq!(free(&lanes, NOW + SignedDuration::from_secs(29)), 0);
        assert_eq!(free(&lanes, NOW + patience), WIDTH);
    }
}
