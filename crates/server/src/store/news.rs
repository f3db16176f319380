//! What a transaction did to a lead, told once it is committed: one line in the log and one count. Every line
//! carries the session's number (`session=S17`) and, from the moment there is a lead, its reference
//! (`lead=R-7F3K`), so that one grep shows the way from the page to ServiceTitan. Nothing else of anybody.

use jiff::SignedDuration;
use metrics::{counter, histogram};
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus};
use ringback_domain::departure::Departure;
use ringback_domain::id::{DeliveryId, SessionId};
use ringback_domain::lead::LeadEvent;
use ringback_domain::session::Step;

use crate::metrics::{
    BOOKINGS, DELIVERIES, DEPARTURE_LATENESS, DEPARTURE_TO_LEAD, DEPARTURES, DUE_TO_WIRE, RETURNS,
    seconds,
};

/// A session's number as logs and ServiceTitan have it: `S17`.
pub fn session_name(session: SessionId) -> String {
    format!("S{session}")
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A session was saved. Told only where the log wants it.
    Saved {
        /// Which.
        session: SessionId,
        /// Its state's word.
        state: &'static str,
        /// Where they are.
        step: Step,
        /// How they went, while they are in their grace or gone.
        departure: Option<Departure>,
    },
    /// A session was given up: nobody came back within the grace.
    GivenUp {
        /// Which.
        session: SessionId,
        /// How they went.
        departure: Departure,
        /// Whether it became a lead.
        captured: bool,
        /// How long after the end of its grace it was judged, when it had one.
        late: Option<SignedDuration>,
    },
    /// A departure became a lead, or went into one that was there.
    Captured {
        /// How they went.
        departure: Departure,
        /// How long after they had left.
        after: SignedDuration,
    },
    /// Something stands on a lead's timeline.
    OnTimeline {
        /// Its latest session.
        session: SessionId,
        /// Its reference.
        lead: String,
        /// What.
        event: LeadEvent,
    },
    /// Somebody booked.
    Booked {
        /// Which session.
        session: SessionId,
        /// Their lead's reference, if they had left before.
        lead: Option<String>,
    },
    /// A delivery is about to be sent.
    OnWire {
        /// Which.
        about: About,
        /// How often, this one included.
        attempt: i64,
        /// How long after its due time.
        late: Option<SignedDuration>,
    },
    /// What became of a delivery.
    Settled {
        /// Which.
        about: About,
        /// Where it stands now; *Due* when it is tried again later.
        status: DeliveryStatus,
        /// The key of the sentence why; never what the outside said.
        why: Option<String>,
    },
}

/// A delivery, as news name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    delivery: DeliveryId,
    kind: DeliveryKind,
    session: SessionId,
    lead: Option<String>,
}

impl About {
    /// `lead`: the reference of its lead.
    pub fn new(delivery: &Delivery, lead: Option<String>) -> Self {
        Self {
            delivery: delivery.id,
            kind: delivery.kind,
            session: delivery.session,
            lead,
        }
    }

    fn channel(&self) -> &'static str {
        if self.kind.is_text() { "text" } else { "crm" }
    }
}

impl News {
    /// Logs and counts it. After COMMIT, once.
    pub(super) fn tell(self) {
        match self {
            Self::Saved {
                session,
                state,
                step,
                departure,
            } => {
                let (session, step) = (session_name(session), step.as_str());
                let departure = departure.map(Departure::as_str);
                tracing::debug!(session, state, step, departure, "saved");
            }
            Self::GivenUp {
                session,
                departure,
                captured,
                late,
            } => {
                let became = if captured { "lead" } else { "lapsed" };
                counter!(DEPARTURES, "departure" => departure.as_str(), "became" => became)
                    .increment(1);
                if let Some(late) = late {
                    histogram!(DEPARTURE_LATENESS).record(seconds(late));
                }
                let session = session_name(session);
                tracing::debug!(session, departure = departure.as_str(), became, "given up");
            }
            // The timeline says so in the log.
            Self::Captured { departure, after } => {
                histogram!(DEPARTURE_TO_LEAD, "departure" => departure.as_str())
                    .record(seconds(after));
            }
            Self::OnTimeline {
                session,
                lead,
                event,
            } => {
                if event == LeadEvent::Back {
                    counter!(RETURNS).increment(1);
                }
                let (session, event) = (session_name(session), event.as_str());
                tracing::info!(session, lead, event, "on the timeline");
            }
            Self::Booked { session, lead } => {
                counter!(BOOKINGS).increment(1);
                tracing::info!(session = session_name(session), lead, "booked");
            }
            Self::OnWire {
                about,
                attempt,
                late,
            } => {
                let late = late.unwrap_or_default();
                histogram!(DUE_TO_WIRE, "channel" => about.channel()).record(seconds(late));
                let About {
                    delivery,
                    kind,
                    session,
                    lead,
                } = about;
                let (session, late_ms) = (session_name(session), millis(late));
                let (delivery, kind) = (delivery.get(), kind.as_str());
                tracing::info!(session, lead, delivery, kind, attempt, late_ms, "sending");
            }
            Self::Settled { about, status, why } => {
                let outcome = match status {
                    DeliveryStatus::Due => "later",
                    status => status.as_str(),
                };
                let About {
                    delivery,
                    kind,
                    session,
                    lead,
                } = about;
                counter!(DELIVERIES, "kind" => kind.as_str(), "outcome" => outcome).increment(1);
                let (session, delivery, kind) =
                    (session_name(session), delivery.get(), kind.as_str());
                tracing::info!(session, lead, delivery, kind, outcome, why, "settled");
            }
        }
    }
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
