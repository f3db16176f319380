//! Faults by switch: which calls go wrong, how, and how often. What a fault does to the connection is
//! in `server.rs`; here is only who is hit.

use axum::http::Method;
use serde::{Deserialize, Serialize};

use crate::chance::Dice;

/// Who a call is for, and whose faults it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The pretend ServiceTitan: `/connect/token` and the API below `/crm`, `/jbce`, `/jpm`, …
    ServiceTitan,
    /// The pretend carrier: everything below `/2010-04-01`.
    Carrier,
}

/// One switch: calls that match go wrong until the count is used up or the faults are cleared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// The share of matching calls that are hit, 0 to 1, by dice with the sandbox's seed.
    pub share: f64,
    /// How many calls it hits before it is over; without one it stays.
    pub count: Option<u32>,
    /// Only calls with this method, like `POST`.
    pub method: Option<String>,
    /// Only calls whose path contains this text. Without it `/connect/token` is spared, so that a fault
    /// of the API does not starve the client of tokens first.
    pub path: Option<String>,
    /// For *server error* and *hostile*: the call takes effect first, and only its answer is bad.
    pub after_effect: bool,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The call is carried out, then its answer waits so many milliseconds.
    Slow {
        /// How long the answer waits, in milliseconds.
        ms: u64,
    },
    /// 429 without effect.
    RateLimited {
        /// The `Retry-After` header, in seconds.
        retry_after: u32,
    },
    /// 500, without effect unless `after_effect`.
    ServerError,
    /// 401. ServiceTitan forgets the token, too, so that only a fresh one helps.
    ExpiredToken,
    /// The connection is closed on sight of the call's head: nothing is read, nothing takes effect.
    /// (For a connection that is refused outright see `Sandbox::hang_up`.)
    Refused,
    /// The call is read whole, then the connection is torn down (TCP RST), without effect.
    Reset,
    /// The call takes effect, then the connection is torn down (TCP RST) in the middle of the answer.
    /// Calls that change nothing are spared and not counted.
    TornAnswer,
    /// The call takes effect, then the connection is closed without an answer. Calls that change
    /// nothing (reads, refusals) are spared and not counted.
    DroppedAfterEffect,
    /// 200 with a body no client should trust, without effect unless `after_effect`.
    Hostile {
        /// Which body.
        body: HostileBody,
    },
}

/// Bodies no client should trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostileBody {
    /// A login page, as a proxy gives.
    Html,
    /// Bytes that are no UTF-8, called JSON.
    Garbage,
    /// 32 MiB of JSON that never ends.
    Huge,
    /// Nothing at all.
    Empty,
}

impl Fault {
    /// A fault that hits every call of its party (but `/connect/token`) until cleared.
    pub fn new(kind: FaultKind) -> Fault {
        Fault {
            kind,
            share: 1.0,
            count: None,
            method: None,
            path: None,
            after_effect: false,
        }
    }

    /// Hits only this share of the calls, 0 to 1.
    pub fn share(mut self, share: f64) -> Fault {
        self.share = share;
        self
    }

    /// Hits so many calls, then is over.
    pub fn times(mut self, count: u32) -> Fault {
        self.count = Some(count);
        self
    }

    /// Hits only calls with this method.
    pub fn method(mut self, method: &str) -> Fault {
        self.method = Some(method.to_owned());
        self
    }

    /// Hits only calls whose path contains this text.
    pub fn path(mut self, part: &str) -> Fault {
        self.path = Some(part.to_owned());
        self
    }

    /// Lets the call take effect before the bad answer (*server error* and *hostile*).
    pub fn after_effect(mut self) -> Fault {
        self.after_effect = true;
        self
    }

    fn matches(&self, moment: Moment, method: &Method, path: &str) -> bool {
        let when = match self.kind {
            FaultKind::Slow { .. } => matches!(moment, Moment::After { .. }),
            FaultKind::DroppedAfterEffect | FaultKind::TornAnswer => {
                moment == Moment::After { effect: true }
            }
            FaultKind::ServerError | FaultKind::Hostile { .. } if self.after_effect => {
                moment == Moment::After { effect: true }
            }
            _ => moment == Moment::Before,
        };
        let place = match &self.path {
            Some(part) => path.contains(part.as_str()),
            None => path != "/connect/token",
        };
        when && place
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
    }
}

/// When a fault is asked for: at the head of the call, or once it has been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After { effect: bool },
}

/// The switches of one party.
#[derive(Debug)]
pub(crate) struct Faults {
    dice: Dice,
    set: Vec<Fault>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Faults {
        Faults {
            dice: Dice::new(seed),
            set: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, fault: Fault) {
        self.set.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.set.clear();
    }

    pub(crate) fn list(&self) -> &[Fault] {
        &self.set
    }

    /// The first fault that hits this call now, if any; its count goes down by one.
    pub(crate) fn draw(
        &mut self,
        moment: Moment,
        method: &Method,
        path: &str,
    ) -> Option<FaultKind> {
        let dice = &mut self.dice;
        let hit = self
            .set
            .iter()
            .position(|fault| fault.matches(moment, method, path) && dice.falls(fault.share))?;
        let fault = &mut self.set[hit];
        let kind = fault.kind.clone();
        if let Some(left) = &mut fault.count {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.set.remove(hit);
            }
        }
        Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_what_it_matches_and_is_over_when_counted_out() {
        let mut faults = Faults::new(1);
        faults.set(
            Fault::new(FaultKind::ServerError)
                .times(2)
                .method("post")
                .path("/bookings"),
        );
        let mut draw = |method, path| faults.draw(Moment::Before, &method, path).is_some();
        assert!(!draw(Method::GET, "/crm/v2/tenant/1/bookings"));
        assert!(!draw(Method::POST, "/crm/v2/tenant/1/leads"));
        assert!(draw(Method::POST, "/crm/v2/tenant/1/bookings"));
        assert!(draw(Method::POST, "/crm/v2/tenant/1/bookings"));
        assert!(!draw(Method::POST, "/crm/v2/tenant/1/bookings"));
    }

    #[test]
    fn dropped_after_effect_spares_what_changed_nothing_and_the_token() {
        let mut faults = Faults::new(1);
        faults.set(Fault::new(FaultKind::DroppedAfterEffect));
        let mut draw = |moment, path| faults.draw(moment, &Method::POST, path).is_some();
        assert!(!draw(Moment::Before, "/x"));
        assert!(!draw(Moment::After { effect: false }, "/x"));
        assert!(!draw(Moment::After { effect: true }, "/connect/token"));
        assert!(draw(Moment::After { effect: true }, "/x"));
    }
}
