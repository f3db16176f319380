//! An appointment: an agreed arrival window. Held while the visitor decides, agreed when they book.

use jiff::{SignedDuration, Timestamp};

use crate::coded;
use crate::id::{AppointmentId, BusinessId, LeadId, SchedulerId, SessionId, StaffId};
use crate::session::ChosenWindow;

/// A window chosen at the time step is held this long; every step renews it.
pub const HELD_FOR: SignedDuration = SignedDuration::from_mins(10);

coded! {
    /// The state's word.
    AppointmentStatus {
        /// Held until a time.
        Held = "held",
        /// Agreed.
        Agreed = "agreed",
        /// Moved to another window.
        Rescheduled = "rescheduled",
        /// Called off.
        Cancelled = "cancelled",
    }
}

/// An appointment as the store holds it.
#[derive(Clone, Debug)]
pub struct Appointment {
    /// Its row.
    pub id: AppointmentId,
    /// Whose.
    pub business: BusinessId,
    /// Made through which scheduler.
    pub scheduler: SchedulerId,
    /// By which session.
    pub session: SessionId,
    /// Of which lead, when they had left before.
    pub lead: Option<LeadId>,
    /// Where it stands.
    pub status: AppointmentStatus,
    /// Until when it is held.
    pub held_until: Option<Timestamp>,
    /// When we come.
    pub window: ChosenWindow,
    /// Who called it off, and when.
    pub cancelled: Option<(StaffId, Timestamp)>,
}

/// It stands otherwise, or its time is over: the office cannot do that with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the appointment stands otherwise by now")]
pub struct StandsOtherwise;

impl Appointment {
    /// The office calls it off. Not any more once its window is past.
    pub fn cancel(&mut self, by: StaffId, now: Timestamp) -> Result<(), StandsOtherwise> {
        if self.status != AppointmentStatus::Agreed || self.window.end <= now {
            return Err(StandsOtherwise);
        }
        self.status = AppointmentStatus::Cancelled;
        self.cancelled = Some((by, now));
        Ok(())
    }

    /// Undo of [`Appointment::cancel`]; whether the window can still be had is for the places to say.
    pub fn put_back(&mut self, now: Timestamp) -> Result<(), StandsOtherwise> {
        if self.status != AppointmentStatus::Cancelled || self.window.end <= now {
            return Err(StandsOtherwise);
        }
        self.status = AppointmentStatus::Agreed;
        self.cancelled = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_agreed_and_still_to_come_is_called_off() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let agreed = Appointment {
            id: AppointmentId::new(1),
            business: BusinessId::new(1),
            scheduler: SchedulerId::new(1),
            session: SessionId::new(1),
            lead: None,
            status: AppointmentStatus::Agreed,
            held_until: None,
            window: ChosenWindow {
                start: at(100),
                end: at(200),
            },
            cancelled: None,
        };
        let dana = StaffId::new(1);
        let mut cancelled = agreed.clone();
        cancelled.cancel(dana, at(50)).unwrap();
        assert_eq!(cancelled.status, AppointmentStatus::Cancelled);
        assert_eq!(cancelled.cancelled, Some((dana, at(50))));
        assert_eq!(cancelled.cancel(dana, at(51)), Err(StandsOtherwise));
        cancelled.put_back(at(52)).unwrap();
        assert_eq!(cancelled.status, AppointmentStatus::Agreed);
        assert_eq!(cancelled.cancelled, None);
        assert_eq!(cancelled.put_back(at(53)), Err(StandsOtherwise));
        assert_eq!(agreed.clone().cancel(dana, at(200)), Err(StandsOtherwise));
    }
}
