//! An appointment: an agreed arrival window. Held while the visitor decides, agreed when they book.

use jiff::{SignedDuration, Timestamp};

use crate::coded;
use crate::id::{AppointmentId, BusinessId, LeadId, SchedulerId, SessionId};
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
}
