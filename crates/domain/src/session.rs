//! A session: one visitor's visit to one scheduler, across reloads, tabs and the link in a text.
//! Here: its states, its moves, its answers. When a silence counts is in [`crate::departure`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::coded;
use crate::departure::Departure;
use crate::id::{BusinessId, LeadId, SchedulerId, SessionId};

coded! {
    /// Where the visitor is. The order of contact, time and place is a setting of the scheduler.
    Step {
        /// What do you need?
        Service = "service",
        /// How can we reach you?
        Contact = "contact",
        /// When should we come?
        Time = "time",
        /// Where?
        Place = "place",
        /// A last look before booking.
        Review = "review",
        /// You're booked.
        Booked = "booked",
    }
}

/// The state of a session; booked is final, booking again is a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The visitor is with us, or in a grace.
    Open,
    /// Done.
    Booked {
        /// When.
        at: Timestamp,
    },
    /// Left without booking, reachable: a lead exists.
    Abandoned {
        /// When it was judged so.
        at: Timestamp,
        /// How it went quiet.
        departure: Departure,
    },
    /// Left and not to be captured: nobody to reach, or capture is off.
    Lapsed {
        /// When.
        at: Timestamp,
    },
}

impl SessionState {
    /// The stable word kept in the state column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Booked { .. } => "booked",
            Self::Abandoned { .. } => "abandoned",
            Self::Lapsed { .. } => "lapsed",
        }
    }
}

/// A session as the store holds it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its row.
    pub id: SessionId,
    /// Whose.
    pub business: BusinessId,
    /// Of which scheduler.
    pub scheduler: SchedulerId,
    /// Where it stands.
    pub state: SessionState,
    /// Where the visitor is.
    pub step: Step,
    /// What they told us.
    pub answers: Answers,
    /// How they came.
    pub came_from: CameFrom,
    /// The lead of this request, once there was one.
    pub lead: Option<LeadId>,
    /// A departure in its grace.
    pub leaving: Option<Leaving>,
    /// When a page of this session was last requested: a reload announces itself so.
    pub page_requested_at: Option<Timestamp>,
    /// The visitor's last touch.
    pub touched_at: Timestamp,
}

/// A departure that has been noticed and not judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Which kind.
    pub departure: Departure,
    /// When the sign came.
    pub at: Timestamp,
    /// When its grace ends.
    pub until: Timestamp,
}

impl Leaving {
    /// Whether there is nothing to wait for. A grace that is over is another matter: that is judged by a clock that has
    /// been looked at.
    pub fn is_at_once(self) -> bool {
        self.until <= self.at
    }
}

/// The session is booked: nothing moves it again. A second booking needs a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is booked already")]
pub struct AlreadyBooked;

/// What follows from somebody being (back) on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameBack {
    /// They were never judged gone.
    StillHere,
    /// The session is open again; unsent deliveries are to be withdrawn, the lead marked as back.
    Reopened,
    /// It is booked; there is nothing to reopen.
    Finished,
}

impl Session {
    /// Somebody is on the page: a departure in its grace is forgotten, an abandoned or lapsed session opens again.
    pub fn come_back(&mut self, now: Timestamp) -> CameBack {
        self.touched_at = now;
        match self.state {
            SessionState::Booked { .. } => CameBack::Finished,
            SessionState::Open => {
                self.leaving = None;
                CameBack::StillHere
            }
            SessionState::Abandoned { .. } | SessionState::Lapsed { .. } => {
                self.leaving = None;
                self.state = SessionState::Open;
                CameBack::Reopened
            }
        }
    }

    /// The grace is over: abandoned when it is to be captured, lapsed when not. Returns whether a lead follows.
    pub fn give_up(
        &mut self,
        departure: Departure,
        capture: bool,
        now: Timestamp,
    ) -> Result<bool, AlreadyBooked> {
        match self.state {
            SessionState::Booked { .. } => Err(AlreadyBooked),
            SessionState::Abandoned { .. } | SessionState::Lapsed { .. } => {
                self.leaving = None;
                Ok(false)
            }
            SessionState::Open => {
                self.leaving = None;
                let captured = capture && self.answers.reachable();
                self.state = if captured {
                    SessionState::Abandoned { at: now, departure }
                } else {
                    SessionState::Lapsed { at: now }
                };
                Ok(captured)
            }
        }
    }

    /// Booked, from whatever state: the visit ended well.
    pub fn book(&mut self, now: Timestamp) -> Result<(), AlreadyBooked> {
        if let SessionState::Booked { .. } = self.state {
            return Err(AlreadyBooked);
        }
        self.state = SessionState::Booked { at: now };
        self.step = Step::Booked;
        self.leaving = None;
        Ok(())
    }
}

/// Everything a visitor may have told us. Unanswered is empty; fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// Postal code, normalised for the region.
    pub postal_code: String,
    /// Key of the service.
    pub service: String,
    /// Answers to the scheduler's own questions, by question key.
    pub questions: BTreeMap<String, String>,
    /// Full name.
    pub name: String,
    /// E.164, or empty.
    pub phone: String,
    /// Email, or empty.
    pub email: String,
    /// The box *Text me a link to finish if I don't book now*.
    pub text_me: bool,
    /// The chosen arrival window.
    pub window: Option<ChosenWindow>,
    /// Where to come.
    pub address: Address,
    /// Anything else, in their words.
    pub notes: String,
}

impl Answers {
    /// Whether a person could be reached: a phone or an email.
    pub fn reachable(&self) -> bool {
        !self.phone.is_empty() || !self.email.is_empty()
    }
}

/// An arrival window somebody chose, as instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenWindow {
    /// The earliest arrival.
    pub start: Timestamp,
    /// The latest arrival.
    pub end: Timestamp,
}

/// A street address, as far as it is known. The postal code stands in [`Answers::postal_code`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// House number and street.
    pub street: String,
    /// Flat, suite, unit.
    pub unit: String,
    /// City or town.
    pub city: String,
    /// State, province, county; a code where the region has a closed list.
    pub state: String,
}

/// How the visitor came to us: for attribution, consent and the hours of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CameFrom {
    /// The page that held the scheduler (without query), or our hosted page.
    pub page: String,
    /// Where that page was linked from (origin only).
    pub referrer: String,
    /// `utm_*`, `gclid` and their like, by name; bounded in number and length.
    pub tags: BTreeMap<String, String>,
    /// The browser's IANA zone, empty when it did not say.
    pub zone: String,
    /// The locale the pages were shown in.
    pub locale: String,
    /// In a frame on another site.
    pub embedded: bool,
}

impl CameFrom {
    /// The browser's time zone, when it told us one we know.
    pub fn browser_zone(&self) -> Option<TimeZone> {
        let named = Some(self.zone.as_str()).filter(|zone| !zone.is_empty());
        named.and_then(|zone| TimeZone::get(zone).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn session(answers: Answers) -> Session {
        Session {
            id: SessionId::new(1),
            business: BusinessId::new(1),
            scheduler: SchedulerId::new(1),
            state: SessionState::Open,
            step: Step::Contact,
            answers,
            came_from: CameFrom::default(),
            lead: None,
            leaving: None,
            page_requested_at: None,
            touched_at: at(0),
        }
    }

    fn reachable() -> Answers {
        Answers {
            phone: "+16025550142".into(),
            ..Answers::default()
        }
    }

    #[test]
    fn somebody_we_can_reach_becomes_a_lead_and_somebody_we_cannot_lapses() {
        let mut known = session(reachable());
        assert_eq!(known.give_up(Departure::Closed, true, at(9)), Ok(true));
        assert_eq!(
            known.state,
            SessionState::Abandoned {
                at: at(9),
                departure: Departure::Closed
            }
        );

        let mut stranger = session(Answers::default());
        assert_eq!(stranger.give_up(Departure::Closed, true, at(9)), Ok(false));
        assert_eq!(stranger.state, SessionState::Lapsed { at: at(9) });
    }

    #[test]
    fn with_drop_off_switched_off_nobody_is_captured() {
        let mut visit = session(reachable());
        assert_eq!(visit.give_up(Departure::Left, false, at(9)), Ok(false));
        assert_eq!(visit.state, SessionState::Lapsed { at: at(9) });
    }

    #[test]
    fn coming_back_reopens_and_leaving_again_captures_again() {
        let mut visit = session(reachable());
        visit.give_up(Departure::Left, true, at(1)).unwrap();
        assert_eq!(visit.come_back(at(2)), CameBack::Reopened);
        assert_eq!(visit.state, SessionState::Open);
        assert_eq!(visit.give_up(Departure::Left, true, at(3)), Ok(true));
    }

    #[test]
    fn booked_is_final() {
        let mut visit = session(reachable());
        visit.give_up(Departure::Left, true, at(1)).unwrap();
        visit.book(at(2)).unwrap();
        assert_eq!(visit.book(at(3)), Err(AlreadyBooked));
        assert_eq!(
            visit.give_up(Departure::Left, true, at(3)),
            Err(AlreadyBooked)
        );
        assert_eq!(visit.come_back(at(3)), CameBack::Finished);
        assert_eq!(visit.state, SessionState::Booked { at: at(2) });
    }
}
