//! Calendars as they were last put together. Visitors of a scheduler who come one after the other are offered the same
//! windows: they are found and written once, until somebody takes one, the clock passes one or the office changes a rule.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::body::Bytes;
use jiff::Timestamp;
use ringback_domain::id::SchedulerId;
use ringback_domain::places::{self, Day, Taken};
use ringback_domain::region::Region;

use super::view::Place;
use crate::words::Words;

/// Most calendars kept, of some fifty kilobytes each. Then all go, and those that are wanted come again.
const KEPT: usize = 256;

/// The last calendar of each scheduler, in each language.
#[derive(Default)]
pub struct Calendars(Mutex<Known>);

type Known = HashMap<(SchedulerId, &'static str), Arc<Calendar>>;

/// The windows that can be had, and how they are written while none of them is chosen.
pub struct Calendar {
    of: places::Calendar,
    region: Region,
    /// The list of days as HTML, once somebody has seen it; nothing when it could not be written.
    pub html: OnceLock<Option<Bytes>>,
}

impl Calendars {
    /// What is offered at `now`, when this is `taken`.
    pub fn of(
        &self,
        place: &Place,
        words: &'static Words,
        taken: Taken,
        now: Timestamp,
    ) -> Arc<Calendar> {
        let (business, settings) = (&place.business, &place.scheduler.settings);
        let key = (place.scheduler.id, words.locale());
        let known = self.known().get(&key).map(Arc::clone);
        if let Some(known) = known
            && known.region == business.region
            && known.of.holds(business, settings, &taken, now)
        {
            return known;
        }
        let made = Arc::new(Calendar {
            of: places::Calendar::of(business, settings, taken, now),
            region: business.region,
            html: OnceLock::new(),
        });
        let mut known = self.known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, Arc::clone(&made));
        made
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calendar {
    /// The windows, day by day.
    pub fn days(&self) -> &[Day] {
        self.of.days()
    }
}
