//! A delivery: one fact on its way to one outside system. Here: its kinds, states, moves and patience.

use jiff::{SignedDuration, Timestamp};

use crate::coded;
use crate::departure::SaturatingAdd;
use crate::id::{AppointmentId, BusinessId, DeliveryId, LeadId, SessionId, StaffId};

coded! {
    /// What is delivered.
    DeliveryKind {
        /// An abandoned session to ServiceTitan: a Booking or a Lead in ST, made or brought up to date.
        CrmAbandoned = "crm_abandoned",
        /// A completed booking to ServiceTitan: the existing Booking in ST brought up to date, or one made.
        CrmBooked = "crm_booked",
        /// A Lead in ST dismissed, once the booked Booking in ST stands.
        CrmDismissLead = "crm_dismiss_lead",
        /// The follow-up text of a lead.
        TextFollowUp = "text_follow_up",
        /// *Send booking link*, pressed by staff.
        TextLink = "text_link",
    }
}

impl DeliveryKind {
    /// Goes through the carrier: never sent twice.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::TextFollowUp | Self::TextLink)
    }

    /// Withdrawn when they come back before it has gone out.
    pub const fn withdrawn_on_return(self) -> bool {
        matches!(self, Self::CrmAbandoned | Self::TextFollowUp)
    }

    /// Pointless once they have booked.
    pub const fn withdrawn_on_booking(self) -> bool {
        matches!(
            self,
            Self::CrmAbandoned | Self::TextFollowUp | Self::TextLink
        )
    }

    /// How long it stays worth sending after the departure. A text: carriers allow 48 hours.
    pub const fn lives_for(self) -> SignedDuration {
        match self {
            Self::TextFollowUp | Self::TextLink => crate::follow_up::SENDABLE_FOR,
            Self::CrmAbandoned | Self::CrmBooked | Self::CrmDismissLead => {
                SignedDuration::from_hours(30 * 24)
            }
        }
    }
}

/// The state of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waits for its time.
    Due {
        /// When.
        at: Timestamp,
    },
    /// Taken up by a node; free again when the lease ends.
    Claimed {
        /// End of the lease.
        lease: Timestamp,
    },
    /// Committed before the first byte. Past its lease it is unknown, not free.
    Sending {
        /// End of the lease.
        lease: Timestamp,
    },
    /// The outside has it.
    Done {
        /// The outside's id.
        outside_id: String,
    },
    /// The outside will not have it, or our rules forbid it.
    Refused {
        /// Why.
        why: String,
    },
    /// We cannot say whether it took effect.
    Unknown {
        /// Next look-up; `None` when looking has ended.
        look_at: Option<Timestamp>,
    },
    /// No longer wanted.
    Withdrawn {
        /// Why.
        why: String,
    },
    /// Too old to be worth sending.
    Expired,
}

coded! {
    /// The state's word.
    DeliveryStatus {
        /// Waits.
        Due = "due",
        /// Taken up.
        Claimed = "claimed",
        /// On the wire.
        Sending = "sending",
        /// Done.
        Done = "done",
        /// Refused.
        Refused = "refused",
        /// Unknown.
        Unknown = "unknown",
        /// Withdrawn.
        Withdrawn = "withdrawn",
        /// Expired.
        Expired = "expired",
    }
}

impl DeliveryStatus {
    /// Nothing more will happen to it by itself (an unknown text may still be cleared up by a callback).
    pub const fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Refused | Self::Withdrawn | Self::Expired
        )
    }
}

/// A delivery as the store holds it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its row.
    pub id: DeliveryId,
    /// Whose.
    pub business: BusinessId,
    /// What.
    pub kind: DeliveryKind,
    /// Of which session.
    pub session: SessionId,
    /// Of which lead, when there is one.
    pub lead: Option<LeadId>,
    /// Of which appointment.
    pub appointment: Option<AppointmentId>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Due time, lease or next look-up, by status.
    pub due_at: Option<Timestamp>,
    /// The claim's number; settling needs the current one.
    pub fence: i64,
    /// How often a request was begun.
    pub attempt: i64,
    /// How often we looked it up.
    pub lookups: i64,
    /// Past this it is not worth sending.
    pub expires_at: Timestamp,
    /// The outside's id.
    pub outside_id: Option<String>,
    /// Ours, sent along in the StatusCallback.
    pub our_id: Option<String>,
    /// Sentence key (and what the outside said), for people.
    pub why: Option<String>,
    /// Who asked for it, when staff did.
    pub by: Option<StaffId>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A delivery that must follow a move: the store writes it in the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub kind: DeliveryKind,
    /// When.
    pub due_at: Timestamp,
    /// Until when it is worth sending.
    pub expires_at: Timestamp,
}

/// What the outside said; the closed list that every connector answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands there, under this id.
    Done {
        /// The outside's id.
        outside_id: String,
    },
    /// Certainly without effect; again later (at the earliest after this long, when it said so).
    TryLater {
        /// Retry-After, or none.
        after: Option<SignedDuration>,
        /// For people.
        why: String,
    },
    /// It will never be taken like this.
    Refused {
        /// For people.
        why: String,
    },
    /// It may or may not have taken effect.
    Unknown {
        /// For people.
        why: String,
    },
}

/// What a look-up of an unknown outcome found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It took effect, under this id.
    There {
        /// The outside's id.
        outside_id: String,
    },
    /// It is not there, or not there yet.
    NotThere,
    /// Asking again can do no harm, whether it took effect or not.
    Harmless,
    /// The outside could not be asked.
    CouldNotLook,
}

/// How long ServiceTitan works on a request at the most. A record that is not there before this is over may
/// still come.
pub const CRM_WORKS_FOR: SignedDuration = SignedDuration::from_secs(100);

/// After so many look-ups in vain a record is not there and may be asked for again: by then, with the least
/// of jitter, more has passed than a CRM that works on a request for `crm_works_for` needs.
pub fn lookups_in_vain(crm_works_for: SignedDuration) -> i64 {
    // The least waits are 1 s, 2 s, 4 s …: so many make one less than the next.
    let passed = |looks: i64| SignedDuration::from_secs((1 << looks) - 1);
    (1..32)
        .find(|looks| passed(*looks) > crm_works_for)
        .unwrap_or(32)
}

impl Delivery {
    /// A text that went, or may have: the one its lead gets.
    pub const fn is_text_that_went(&self) -> bool {
        use DeliveryStatus::{Done, Sending, Unknown};
        self.kind.is_text() && matches!(self.status, Sending | Done | Unknown)
    }

    /// Where it stands after a request was answered, or was not.
    pub fn after(&self, outcome: Outcome, now: Timestamp, jitter: f64) -> DeliveryState {
        match outcome {
            Outcome::Done { outside_id } => DeliveryState::Done { outside_id },
            Outcome::Refused { why } => DeliveryState::Refused { why },
            Outcome::TryLater { after, .. } => {
                self.due_again(retry_at(now, self.attempt, after, jitter))
            }
            Outcome::Unknown { .. } => DeliveryState::Unknown {
                look_at: look_again_at(self.kind, now, 0, jitter),
            },
        }
    }

    /// Where it stands after its unknown outcome was looked up, and how many look-ups count by now.
    /// `crm_works_for`: see [`lookups_in_vain`].
    pub fn after_look(
        &self,
        found: Found,
        now: Timestamp,
        jitter: f64,
        crm_works_for: SignedDuration,
    ) -> (DeliveryState, i64) {
        let lookups = self.lookups + 1;
        match found {
            Found::There { outside_id } => (DeliveryState::Done { outside_id }, lookups),
            Found::Harmless if !self.kind.is_text() => {
                let at = retry_at(now, self.attempt, None, jitter);
                (self.due_again(at), lookups)
            }
            Found::NotThere
                if !self.kind.is_text() && lookups >= lookups_in_vain(crm_works_for) =>
            {
                (self.due_again(now), lookups)
            }
            Found::NotThere | Found::Harmless => {
                let look_at = look_again_at(self.kind, now, lookups, jitter);
                (self.unknown_until(look_at), lookups)
            }
            // What could not be looked up is no look-up in vain.
            Found::CouldNotLook => {
                let look_at = retry_at(now, 5, None, jitter);
                (self.unknown_until(Some(look_at)), self.lookups)
            }
        }
    }

    fn due_again(&self, at: Timestamp) -> DeliveryState {
        if at < self.expires_at {
            DeliveryState::Due { at }
        } else {
            DeliveryState::Expired
        }
    }

    fn unknown_until(&self, look_at: Option<Timestamp>) -> DeliveryState {
        DeliveryState::Unknown {
            look_at: look_at.filter(|at| *at < self.expires_at),
        }
    }
}

impl DeliveryState {
    /// Its word.
    pub const fn status(&self) -> DeliveryStatus {
        match self {
            Self::Due { .. } => DeliveryStatus::Due,
            Self::Claimed { .. } => DeliveryStatus::Claimed,
            Self::Sending { .. } => DeliveryStatus::Sending,
            Self::Done { .. } => DeliveryStatus::Done,
            Self::Refused { .. } => DeliveryStatus::Refused,
            Self::Unknown { .. } => DeliveryStatus::Unknown,
            Self::Withdrawn { .. } => DeliveryStatus::Withdrawn,
            Self::Expired => DeliveryStatus::Expired,
        }
    }

    /// When it is to be looked at next: due time, end of a lease, next look-up.
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self {
            Self::Due { at } => Some(*at),
            Self::Claimed { lease } | Self::Sending { lease } => Some(*lease),
            Self::Unknown { look_at } => *look_at,
            _ => None,
        }
    }
}

/// How long a claim is ours before another may take it up.
pub const LEASE: SignedDuration = SignedDuration::from_secs(45);

/// When to try again after this many attempts: 2 s, 4 s, 8 s … one hour at the most, with jitter.
///
/// `jitter` is in `0.0..1.0`; the wait lies between one half and the whole of the step. An outside's own
/// `after` is kept as the least.
pub fn retry_at(
    now: Timestamp,
    attempt: i64,
    after: Option<SignedDuration>,
    jitter: f64,
) -> Timestamp {
    let step = 2f64
        .powi(i32::try_from(attempt.clamp(1, 12)).unwrap_or(12))
        .min(3600.0);
    let wait = SignedDuration::from_secs_f64(step * (0.5 + 0.5 * jitter.clamp(0.0, 1.0)));
    now.saturating_add_duration(wait.max(after.unwrap_or(SignedDuration::ZERO)))
}

/// When to look up an unknown outcome after so many look-ups; `None` ends the looking.
///
/// A CRM record is looked for until it expires. A text: after 15, 60 and 180 seconds and one hour, then
/// staff see "unknown" and nothing is ever resent.
pub fn look_again_at(
    kind: DeliveryKind,
    now: Timestamp,
    lookups: i64,
    jitter: f64,
) -> Option<Timestamp> {
    if kind.is_text() {
        let seconds = [15, 60, 180, 3600].get(usize::try_from(lookups).ok()?)?;
        return Some(now.saturating_add_duration(SignedDuration::from_secs(*seconds)));
    }
    Some(retry_at(now, lookups + 1, None, jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn sent(kind: DeliveryKind, lookups: i64) -> Delivery {
        Delivery {
            id: DeliveryId::new(1),
            business: BusinessId::new(1),
            kind,
            session: SessionId::new(1),
            lead: None,
            appointment: None,
            status: DeliveryStatus::Sending,
            due_at: None,
            fence: 1,
            attempt: 1,
            lookups,
            expires_at: Timestamp::from_second(86_400).unwrap(),
            outside_id: None,
            our_id: None,
            why: None,
            by: None,
            created_at: NOW,
        }
    }

    #[test]
    fn a_record_is_asked_for_again_only_when_the_crm_cannot_be_working_on_it_any_more() {
        for works_for in [5, 100] {
            let works_for = SignedDuration::from_secs(works_for);
            let mut now = NOW;
            let mut delivery = sent(DeliveryKind::CrmAbandoned, 0);
            let unknown = Outcome::Unknown { why: String::new() };
            let mut state = delivery.after(unknown, now, 0.0);
            while let DeliveryState::Unknown { look_at } = state {
                now = look_at.unwrap();
                (state, delivery.lookups) =
                    delivery.after_look(Found::NotThere, now, 0.0, works_for);
            }
            assert_eq!(state, DeliveryState::Due { at: now });
            let passed = now.duration_since(NOW);
            assert!(passed > works_for && passed < works_for * 2, "{passed}");
        }
    }

    #[test]
    fn a_text_is_never_due_again_after_an_unknown_outcome() {
        for lookups in 0..9 {
            let text = sent(DeliveryKind::TextFollowUp, lookups);
            for found in [Found::NotThere, Found::Harmless, Found::CouldNotLook] {
                let (state, _) = text.after_look(found, NOW, 0.5, CRM_WORKS_FOR);
                assert_eq!(state.status(), DeliveryStatus::Unknown);
            }
        }
    }

    #[test]
    fn looking_that_could_not_be_done_does_not_count() {
        let last = lookups_in_vain(CRM_WORKS_FOR) - 1;
        let record = sent(DeliveryKind::CrmBooked, last);
        let (state, lookups) = record.after_look(Found::CouldNotLook, NOW, 0.5, CRM_WORKS_FOR);
        assert_eq!((state.status(), lookups), (DeliveryStatus::Unknown, last));
    }

    #[test]
    fn a_retry_past_its_end_has_expired() {
        let mut old = sent(DeliveryKind::CrmAbandoned, 0);
        old.expires_at = Timestamp::from_second(1).unwrap();
        let later = Outcome::TryLater {
            after: None,
            why: String::new(),
        };
        assert_eq!(old.after(later, NOW, 1.0), DeliveryState::Expired);
    }

    #[test]
    fn waits_grow_to_an_hour_and_keep_what_the_outside_asked_for() {
        assert_eq!(retry_at(NOW, 1, None, 1.0).as_second(), 2);
        assert_eq!(retry_at(NOW, 1, None, 0.0).as_second(), 1);
        assert_eq!(retry_at(NOW, 5, None, 1.0).as_second(), 32);
        assert_eq!(retry_at(NOW, 4000, None, 1.0).as_second(), 3600);
        assert_eq!(
            retry_at(NOW, 1, Some(SignedDuration::from_secs(30)), 0.3).as_second(),
            30
        );
    }

    #[test]
    fn an_unknown_text_is_looked_up_four_times_and_a_record_until_it_expires() {
        let looks: Vec<_> = (0..6)
            .map(|n| look_again_at(DeliveryKind::TextFollowUp, NOW, n, 0.0))
            .collect();
        assert_eq!(looks.iter().flatten().count(), 4);
        assert!(look_again_at(DeliveryKind::CrmAbandoned, NOW, 400, 0.0).is_some());
    }
}
