//! How a session goes quiet, how long a silence is allowed (the grace), and what is held a moment
//! because it cannot be taken back. The figures were measured in three browser engines.

use jiff::{SignedDuration, Timestamp};

use crate::coded;
use crate::session::{Leaving, Session, SessionState};

coded! {
    /// How a session went quiet.
    Departure {
        /// They pressed close.
        Closed = "closed",
        /// The page said it is going.
        Left = "left",
        /// The connection died without a word.
        Lost = "lost",
        /// Nobody touched the page for ten minutes.
        Idle = "idle",
    }
}

coded! {
    /// What carries a page's presence.
    Line {
        /// A WebSocket; the server's pings tell whether it lives.
        Socket = "socket",
        /// A POST every 15 seconds, where WebSockets are blocked.
        Post = "post",
        /// The page has gone.
        Gone = "gone",
    }
}

/// The server pings every open line this often, and says that it is there itself.
pub const PING_EVERY: SignedDuration = SignedDuration::from_secs(5);
/// A line without a pong for this long is dead. Shorter calls a 3 s network gap a death.
pub const DEAD_AFTER: SignedDuration = SignedDuration::from_secs(12);
/// A page without WebSockets posts this often while in view.
pub const POST_EVERY: SignedDuration = SignedDuration::from_secs(15);
/// … and is lost after this long.
pub const POST_LOST_AFTER: SignedDuration = SignedDuration::from_secs(45);
/// No touch for this long is a departure of its own kind.
pub const IDLE_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// A page that was asked for and never attached to says nothing after this long.
pub const RELOAD_SPEAKS_FOR: SignedDuration = SignedDuration::from_secs(20);
/// The pages of a server that died have this long to find another one, or its next life: they try at most 5
/// seconds apart, and a line takes a moment to open.
pub const RESTART_GRACE: SignedDuration = SignedDuration::from_secs(8);
/// After a time without any server, those of whom nothing but silence speaks have this long: a page that posts
/// does so every 15 seconds.
pub const RESTART_SILENCE: SignedDuration = SignedDuration::from_secs(20);

/// The silence allowed before a departure counts.
///
/// `hidden`: the page was out of view when it went. `reloading`: the session's page was requested
/// within [`RELOAD_SPEAKS_FOR`] and no new page has attached since.
pub fn grace(departure: Departure, hidden: bool, reloading: bool) -> SignedDuration {
    let seconds = match departure {
        Departure::Closed | Departure::Idle => 0,
        Departure::Left if reloading => 10,
        Departure::Left => 1,
        // Phones cut hidden pages off, and people look something up and return.
        Departure::Lost if hidden => 45,
        Departure::Lost if reloading => 10,
        Departure::Lost => 3,
    };
    SignedDuration::from_secs(seconds)
}

/// What is still open of a session, as the store knows it when a session is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Pages with a line that lives on a node that lives.
    pub sockets: u32,
    /// When the last page without WebSockets was heard.
    pub last_post: Option<Timestamp>,
    /// There were pages, and every one of them has gone.
    pub all_gone: bool,
}

/// What the sweep does with a session it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing now; look again then. `None`: nothing more to look for.
    Wait(Option<Timestamp>),
    /// Gone, like so, since then.
    Gone {
        /// How.
        departure: Departure,
        /// When the sign came.
        left_at: Timestamp,
    },
}

impl Session {
    /// A page of this session went. Does nothing while another page is still open.
    pub fn page_went(
        &mut self,
        departure: Departure,
        hidden: bool,
        others: Presence,
        now: Timestamp,
    ) {
        if self.state != SessionState::Open || others.is_there(now) {
            return;
        }
        let until = now.saturating_add_duration(grace(departure, hidden, self.reloading(now)));
        // The first sign of a going counts; a later one of the same going (a closed line after a bye) must not
        // lengthen it. Only a plain word may cut a running grace short.
        match self.leaving {
            Some(leaving) if leaving.until <= until => {}
            _ => {
                self.leaving = Some(Leaving {
                    departure,
                    at: now,
                    until,
                })
            }
        }
    }

    /// A page of this session was asked for: a reload announces itself so. A departure already noticed
    /// (frames and Firefox part before they ask) gets the longer grace.
    pub fn page_requested(&mut self, now: Timestamp) {
        self.page_requested_at = Some(now);
        if let Some(leaving) = &mut self.leaving
            && leaving.departure != Departure::Closed
        {
            let longer = leaving
                .at
                .saturating_add_duration(grace(leaving.departure, false, true));
            leaving.until = leaving.until.max(longer);
        }
    }

    /// Whether a page of this session has been asked for just now.
    pub fn reloading(&self, now: Timestamp) -> bool {
        self.page_requested_at
            .is_some_and(|at| now.duration_since(at) < RELOAD_SPEAKS_FOR && now >= at)
    }

    /// Judges the session now: the sweep's one question.
    pub fn judge(&self, present: Presence, now: Timestamp) -> Verdict {
        if self.state != SessionState::Open {
            return Verdict::Wait(None);
        }
        if let Some(leaving) = self.leaving {
            return if now >= leaving.until {
                Verdict::Gone {
                    departure: leaving.departure,
                    left_at: leaving.at,
                }
            } else {
                Verdict::Wait(Some(leaving.until))
            };
        }
        let idle_at = self.touched_at.saturating_add_duration(IDLE_AFTER);
        if now >= idle_at {
            return Verdict::Gone {
                departure: Departure::Idle,
                left_at: self.touched_at,
            };
        }
        if present.sockets > 0 {
            return Verdict::Wait(Some(idle_at));
        }
        // A form that overtook its page's goodbye, or was sent as the page went, is heard like a post: nobody
        // will say goodbye once more.
        let heard = match present.last_post {
            Some(heard) => heard.max(self.touched_at),
            None if present.all_gone => self.touched_at,
            // No page ever attached: a visitor without JavaScript. Idle alone tells.
            None => return Verdict::Wait(Some(idle_at)),
        };
        let lost_at = heard.saturating_add_duration(POST_LOST_AFTER);
        if now >= lost_at {
            Verdict::Gone {
                departure: Departure::Lost,
                left_at: heard,
            }
        } else {
            Verdict::Wait(Some(lost_at.min(idle_at)))
        }
    }

    /// When the sweep should look at this session next, whatever happens.
    pub fn next_look(&self, present: Presence, now: Timestamp) -> Option<Timestamp> {
        match self.judge(present, now) {
            Verdict::Wait(at) => at,
            Verdict::Gone { .. } => Some(now),
        }
    }
}

impl Presence {
    /// Nobody there.
    pub const NOBODY: Self = Self {
        sockets: 0,
        last_post: None,
        all_gone: false,
    };

    /// Whether any page is open.
    pub fn is_there(self, now: Timestamp) -> bool {
        self.sockets > 0
            || self
                .last_post
                .is_some_and(|at| now.duration_since(at) < POST_LOST_AFTER)
    }
}

/// What is held before it goes out, since it cannot be taken back. Settings of a scheduler, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Holds {
    /// CRM records and alerts after *left*, *lost* and *idle*: a host page that reloads needs seconds. 0 to 60.
    pub record_seconds: u8,
    /// The text, always. 0 to 60.
    pub text_seconds: u8,
}

impl Default for Holds {
    fn default() -> Self {
        Self {
            record_seconds: 8,
            text_seconds: 20,
        }
    }
}

impl Holds {
    /// How long a CRM record waits after this departure.
    pub fn record(self, departure: Departure) -> SignedDuration {
        match departure {
            Departure::Closed => SignedDuration::ZERO,
            _ => SignedDuration::from_secs(i64::from(self.record_seconds.min(60))),
        }
    }

    /// How long a text waits.
    pub fn text(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.text_seconds.min(60)))
    }
}

/// Adding to a time without a panic at the end of time.
pub(crate) trait SaturatingAdd {
    /// `self + span`, or the last representable instant.
    fn saturating_add_duration(self, span: SignedDuration) -> Self;
}

impl SaturatingAdd for Timestamp {
    fn saturating_add_duration(self, span: SignedDuration) -> Self {
        self.checked_add(span).unwrap_or(Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BusinessId, SchedulerId, SessionId};
    use crate::session::{Answers, CameFrom, Step};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn visit() -> Session {
        Session {
            id: SessionId::new(1),
            business: BusinessId::new(1),
            scheduler: SchedulerId::new(1),
            state: SessionState::Open,
            step: Step::Contact,
            answers: Answers::default(),
            came_from: CameFrom::default(),
            lead: None,
            leaving: None,
            page_requested_at: None,
            touched_at: at(0),
        }
    }

    const ONE_OPEN: Presence = Presence {
        sockets: 1,
        last_post: None,
        all_gone: false,
    };

    #[test]
    fn closing_counts_at_once() {
        let mut s = visit();
        s.page_went(Departure::Closed, false, Presence::NOBODY, at(5));
        assert_eq!(
            s.judge(Presence::NOBODY, at(5)),
            Verdict::Gone {
                departure: Departure::Closed,
                left_at: at(5)
            }
        );
    }

    #[test]
    fn a_bye_waits_one_second_and_ten_when_the_page_was_just_asked_for_again() {
        let mut s = visit();
        s.page_went(Departure::Left, false, Presence::NOBODY, at(5));
        assert_eq!(s.judge(Presence::NOBODY, at(5)), Verdict::Wait(Some(at(6))));

        let mut reloaded = visit();
        reloaded.page_requested(at(5));
        reloaded.page_went(Departure::Left, false, Presence::NOBODY, at(5));
        assert_eq!(
            reloaded.judge(Presence::NOBODY, at(14)),
            Verdict::Wait(Some(at(15)))
        );
        reloaded.come_back(at(7));
        assert_eq!(reloaded.leaving, None);
    }

    #[test]
    fn a_page_asked_for_after_the_bye_still_gets_the_longer_grace() {
        let mut s = visit();
        s.page_went(Departure::Left, false, Presence::NOBODY, at(5));
        s.page_requested(at(5));
        assert_eq!(
            s.judge(Presence::NOBODY, at(7)),
            Verdict::Wait(Some(at(15)))
        );
    }

    #[test]
    fn a_lost_page_in_view_waits_three_seconds_and_a_hidden_one_forty_five() {
        let mut seen = visit();
        seen.page_went(Departure::Lost, false, Presence::NOBODY, at(5));
        assert_eq!(seen.leaving.unwrap().until, at(8));
        let mut hidden = visit();
        hidden.page_went(Departure::Lost, true, Presence::NOBODY, at(5));
        assert_eq!(hidden.leaving.unwrap().until, at(50));
    }

    #[test]
    fn a_second_tab_keeps_the_session_and_the_last_one_ends_it() {
        let mut s = visit();
        s.page_went(Departure::Closed, false, ONE_OPEN, at(5));
        assert_eq!(s.leaving, None);
        s.page_went(Departure::Left, false, Presence::NOBODY, at(6));
        assert!(s.leaving.is_some());
    }

    #[test]
    fn a_closed_line_after_a_bye_does_not_lengthen_the_grace() {
        let mut s = visit();
        s.page_went(Departure::Left, false, Presence::NOBODY, at(5));
        s.page_went(Departure::Lost, true, Presence::NOBODY, at(5));
        assert_eq!(s.leaving.unwrap().departure, Departure::Left);
        assert_eq!(s.leaving.unwrap().until, at(6));
    }

    #[test]
    fn an_open_page_that_nobody_touches_is_idle_after_ten_minutes() {
        let s = visit();
        assert_eq!(s.judge(ONE_OPEN, at(599)), Verdict::Wait(Some(at(600))));
        assert_eq!(
            s.judge(ONE_OPEN, at(600)),
            Verdict::Gone {
                departure: Departure::Idle,
                left_at: at(0)
            }
        );
    }

    #[test]
    fn without_sockets_forty_five_seconds_of_silence_are_a_loss() {
        let s = visit();
        let heard = Presence {
            last_post: Some(at(30)),
            ..Presence::NOBODY
        };
        assert_eq!(s.judge(heard, at(74)), Verdict::Wait(Some(at(75))));
        assert_eq!(
            s.judge(heard, at(75)),
            Verdict::Gone {
                departure: Departure::Lost,
                left_at: at(30)
            }
        );
    }

    #[test]
    fn a_form_that_arrives_after_the_last_page_went_is_no_ten_minutes_of_patience() {
        let mut s = visit();
        s.page_went(Departure::Left, false, Presence::NOBODY, at(5));
        s.come_back(at(6));
        let gone = Presence {
            all_gone: true,
            ..Presence::NOBODY
        };
        assert_eq!(s.judge(gone, at(6)), Verdict::Wait(Some(at(51))));
        assert_eq!(
            s.judge(gone, at(51)),
            Verdict::Gone {
                departure: Departure::Lost,
                left_at: at(6)
            }
        );
    }

    #[test]
    fn only_a_press_on_close_sends_a_record_at_once() {
        let holds = Holds::default();
        assert_eq!(holds.record(Departure::Closed), SignedDuration::ZERO);
        for other in [Departure::Left, Departure::Lost, Departure::Idle] {
            assert_eq!(holds.record(other), SignedDuration::from_secs(8));
        }
    }
}
