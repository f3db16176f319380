//! A lead: one request by a person we can reach who left without booking.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::coded;
use crate::departure::Departure;
use crate::follow_up::{TextNote, WhyNot};
use crate::id::{AppointmentId, BusinessId, LeadId, SchedulerId, SessionId, StaffId};
use crate::session::{Answers, Step};

/// A session joins a live lead only while it is younger than this.
pub const JOINS_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What stands open on one device when its person has booked on another is a leftover for so long: whoever comes back
/// to it after that, since sessions are gone on with for weeks, wants it once more.
pub const LEFTOVER_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A lead as the store holds it.
#[derive(Clone, Debug)]
pub struct Lead {
    /// Its row.
    pub id: LeadId,
    /// Whose.
    pub business: BusinessId,
    /// Of which scheduler.
    pub scheduler: SchedulerId,
    /// The latest session of this request.
    pub session: SessionId,
    /// Such as `R-7F3K`.
    pub reference: String,
    /// Full name.
    pub name: String,
    /// E.164.
    pub phone: Option<String>,
    /// Email.
    pub email: Option<String>,
    /// Service key.
    pub service: String,
    /// The service as the visitor read it.
    pub service_title: String,
    /// Where they stopped.
    pub last_step: Step,
    /// How they went.
    pub departure: Departure,
    /// The answers as they stood.
    pub answers: Answers,
    /// Where it stands.
    pub state: LeadState,
    /// They are on the scheduler again since then.
    pub back_since: Option<Timestamp>,
    /// 1 for the first request from this number, 3 for "3rd request from this number".
    pub request_number: i64,
    /// How often they have left.
    pub times_left: i64,
    /// What they booked.
    pub appointment: Option<AppointmentId>,
    /// Why a text was or was not sent, as it stands now.
    pub text_note: Option<TextNote>,
    /// When what happened.
    pub stamps: Stamps,
}

/// The stamps every lead carries; the product's own figures come from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamps {
    /// The (last) sign of the departure.
    pub left_at: Timestamp,
    /// What told us.
    pub detected_by: Departure,
    /// The lead was on disk.
    pub lead_at: Timestamp,
    /// An open inbox showed it.
    pub shown_at: Option<Timestamp>,
    /// The first request to ServiceTitan.
    pub crm_sent_at: Option<Timestamp>,
    /// It stands in ServiceTitan.
    pub crm_done_at: Option<Timestamp>,
    /// The carrier took the text.
    pub text_sent_at: Option<Timestamp>,
    /// The phone had it.
    pub text_delivered_at: Option<Timestamp>,
    /// Staff first contacted them.
    pub first_contact_at: Option<Timestamp>,
    /// They booked.
    pub recovered_at: Option<Timestamp>,
}

/// The state of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LeadState {
    /// Nobody has taken it up.
    New,
    /// Somebody is on it.
    Claimed {
        /// Who.
        by: StaffId,
        /// Since.
        at: Timestamp,
    },
    /// Somebody spoke or wrote to them.
    Contacted {
        /// Who.
        by: StaffId,
        /// When.
        at: Timestamp,
    },
    /// They booked after all. Final.
    Recovered {
        /// By which way.
        how: Recovery,
        /// When.
        at: Timestamp,
    },
    /// Set aside. Leaving again reopens it.
    Dismissed {
        /// Why, in staff's words.
        reason: String,
        /// Who.
        by: StaffId,
        /// When.
        at: Timestamp,
    },
}

coded! {
    /// The state's word, for lists, filters and the API.
    LeadStatus {
        /// [`LeadState::New`].
        New = "new",
        /// [`LeadState::Claimed`].
        Claimed = "claimed",
        /// [`LeadState::Contacted`].
        Contacted = "contacted",
        /// [`LeadState::Recovered`].
        Recovered = "recovered",
        /// [`LeadState::Dismissed`].
        Dismissed = "dismissed",
    }
}

coded! {
    /// How a lead was recovered.
    Recovery {
        /// Through the link in a text.
        Link = "link",
        /// They came back by themselves.
        Themselves = "themselves",
        /// Staff booked them.
        Staff = "staff",
    }
}

impl LeadState {
    /// Its word.
    pub const fn status(&self) -> LeadStatus {
        match self {
            Self::New => LeadStatus::New,
            Self::Claimed { .. } => LeadStatus::Claimed,
            Self::Contacted { .. } => LeadStatus::Contacted,
            Self::Recovered { .. } => LeadStatus::Recovered,
            Self::Dismissed { .. } => LeadStatus::Dismissed,
        }
    }

    /// Still to be worked.
    pub const fn is_live(&self) -> bool {
        matches!(
            self,
            Self::New | Self::Claimed { .. } | Self::Contacted { .. }
        )
    }
}

/// What stood on a lead before its person said otherwise; `None` where it is the same, or where nothing stood.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Was {
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Their email.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The service, as they read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// How a lead stood before somebody moved it, so that a slip of the finger can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Its state.
    pub state: LeadState,
    /// Whether staff had contacted them.
    pub first_contact_at: Option<Timestamp>,
    /// Whether they were on the scheduler.
    #[serde(default)]
    pub back_since: Option<Timestamp>,
}

/// A move that this lead's state does not allow, as the person who tried it should read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveRefused {
    /// They have booked; there is nothing left to do.
    #[error("they have booked already")]
    Recovered,
    /// Set aside; reopen it first.
    #[error("the lead is dismissed")]
    Dismissed,
    /// A colleague has it.
    #[error("a colleague has claimed it")]
    ClaimedBy(StaffId),
    /// A dismissal says why.
    #[error("say why")]
    NoReason,
}

impl Lead {
    /// Whether a session that leaves now, asking for this, goes on with this lead.
    /// Same phone (or, without one, the same email), scheduler and service, and under 24 h old.
    pub fn joins(&self, scheduler: SchedulerId, answers: &Answers, now: Timestamp) -> bool {
        self.asks_the_same(scheduler, answers)
            && self.state.is_live()
            && now.duration_since(self.stamps.lead_at) < JOINS_FOR
    }

    /// Whether these answers are the same person's, asking the same scheduler for the same service. Somebody
    /// who has booked that is not to be chased for it, however old the lead is.
    pub fn asks_the_same(&self, scheduler: SchedulerId, answers: &Answers) -> bool {
        let same_person = match (&self.phone, answers.phone.is_empty()) {
            (Some(phone), false) => *phone == answers.phone,
            (None, true) => self
                .email
                .as_deref()
                .is_some_and(|e| !e.is_empty() && e == answers.email),
            _ => false,
        };
        same_person && self.scheduler == scheduler && self.service == answers.service
    }

    /// Whether its one text went, or may have, as the lead itself says: its deliveries are not kept as long.
    pub fn was_texted(&self) -> bool {
        self.stamps.text_sent_at.is_some() || self.text_note == Some(TextNote::Unknown)
    }

    /// What they said last is what stands, all of it: who answers one question anew may answer every other so.
    /// `service_title` is the service as they read it. Returns what stood before.
    pub fn says(&mut self, answers: Answers, service_title: String) -> Was {
        let mut was = Was::default();
        if self.name != answers.name {
            let before = std::mem::replace(&mut self.name, answers.name.clone());
            was.name = Some(before).filter(|name| !name.is_empty());
        }
        let phone = Some(answers.phone.clone()).filter(|p| !p.is_empty());
        if self.phone != phone {
            was.phone = std::mem::replace(&mut self.phone, phone);
        }
        let email = Some(answers.email.clone()).filter(|e| !e.is_empty());
        if self.email != email {
            was.email = std::mem::replace(&mut self.email, email);
        }
        let before = std::mem::replace(&mut self.service_title, service_title);
        if self.service != answers.service {
            self.service.clone_from(&answers.service);
            was.service = Some(before);
        }
        self.answers = answers;
        was
    }

    /// They left (again): the same lead goes on; a dismissed one is new again, and one that a colleague had spoken to
    /// is that colleague's to take up again. What they said goes with [`Lead::says`].
    pub fn left_again(
        &mut self,
        session: SessionId,
        step: Step,
        departure: Departure,
        left_at: Timestamp,
    ) {
        self.session = session;
        self.last_step = step;
        self.departure = departure;
        self.back_since = None;
        self.times_left += 1;
        self.stamps.left_at = left_at;
        self.stamps.detected_by = departure;
        match self.state {
            LeadState::Dismissed { .. } => self.state = LeadState::New,
            LeadState::Contacted { by, at } => self.state = LeadState::Claimed { by, at },
            LeadState::New | LeadState::Claimed { .. } | LeadState::Recovered { .. } => {}
        }
    }

    /// They left again and nothing follows from it: nobody is on the scheduler any more, and a text that waited
    /// does not go.
    pub fn let_go(&mut self, why: Option<WhyNot>) {
        self.back_since = None;
        if let (Some(why), Some(TextNote::Planned { .. })) = (why, &self.text_note) {
            self.text_note = Some(TextNote::Not { why });
        }
    }

    /// They are on the scheduler again. Stands beside the state, so that it hides nothing.
    pub fn is_back(&mut self, now: Timestamp) {
        if self.state.status() != LeadStatus::Recovered {
            self.back_since = Some(now);
        }
    }

    /// A staff member takes it up. Claiming one's own again changes nothing.
    pub fn claim(&mut self, by: StaffId, now: Timestamp) -> Result<(), MoveRefused> {
        match &self.state {
            LeadState::New => self.state = LeadState::Claimed { by, at: now },
            LeadState::Claimed { by: who, .. } if *who == by => {}
            LeadState::Claimed { by: who, .. } => return Err(MoveRefused::ClaimedBy(*who)),
            LeadState::Contacted { .. } => {}
            LeadState::Recovered { .. } => return Err(MoveRefused::Recovered),
            LeadState::Dismissed { .. } => return Err(MoveRefused::Dismissed),
        }
        Ok(())
    }

    /// The call button: claims the lead for the caller and stamps the first contact. A colleague's
    /// claim does not stop a call; it is said beforehand.
    pub fn call(&mut self, by: StaffId, now: Timestamp) -> Result<(), MoveRefused> {
        match self.state {
            LeadState::New => self.state = LeadState::Claimed { by, at: now },
            LeadState::Recovered { .. } => return Err(MoveRefused::Recovered),
            LeadState::Dismissed { .. } => return Err(MoveRefused::Dismissed),
            LeadState::Claimed { .. } | LeadState::Contacted { .. } => {}
        }
        self.stamps.first_contact_at.get_or_insert(now);
        Ok(())
    }

    /// Somebody reached them.
    pub fn contacted(&mut self, by: StaffId, now: Timestamp) -> Result<(), MoveRefused> {
        match self.state {
            LeadState::Recovered { .. } => return Err(MoveRefused::Recovered),
            LeadState::Dismissed { .. } => return Err(MoveRefused::Dismissed),
            _ => self.state = LeadState::Contacted { by, at: now },
        }
        self.stamps.first_contact_at.get_or_insert(now);
        Ok(())
    }

    /// Set aside, with a reason.
    pub fn dismiss(
        &mut self,
        reason: &str,
        by: StaffId,
        now: Timestamp,
    ) -> Result<(), MoveRefused> {
        if reason.trim().is_empty() {
            return Err(MoveRefused::NoReason);
        }
        match self.state {
            LeadState::Recovered { .. } => Err(MoveRefused::Recovered),
            LeadState::Dismissed { .. } => Ok(()),
            _ => {
                self.state = LeadState::Dismissed {
                    reason: reason.trim().to_owned(),
                    by,
                    at: now,
                };
                Ok(())
            }
        }
    }

    /// Staff have booked them, by phone say: recovered by staff, with an appointment that we do not know.
    pub fn booked_by_staff(&mut self, now: Timestamp) -> Result<(), MoveRefused> {
        if let LeadState::Recovered { .. } = self.state {
            return Err(MoveRefused::Recovered);
        }
        self.state = LeadState::Recovered {
            how: Recovery::Staff,
            at: now,
        };
        self.back_since = None;
        self.stamps.first_contact_at.get_or_insert(now);
        self.stamps.recovered_at = Some(now);
        Ok(())
    }

    /// Whether it is only staff's word that they have booked: that can be taken back, an appointment cannot.
    fn booked_by_word(&self) -> bool {
        let by_staff = matches!(
            self.state,
            LeadState::Recovered {
                how: Recovery::Staff,
                ..
            }
        );
        by_staff && self.appointment.is_none()
    }

    /// Undo of a claim, a contact or a dismissal: as if nobody had taken it up.
    pub fn reopen(&mut self) -> Result<(), MoveRefused> {
        match self.state {
            LeadState::Recovered { .. } => Err(MoveRefused::Recovered),
            _ => {
                self.state = LeadState::New;
                Ok(())
            }
        }
    }

    /// What [`Lead::take_back`] needs later.
    pub fn before(&self) -> Before {
        Before {
            state: self.state.clone(),
            first_contact_at: self.stamps.first_contact_at,
            back_since: self.back_since,
        }
    }

    /// Undo of the newest claim, contact, dismissal or booking by phone: everything as it was, the stamp of a first
    /// contact included. Who booked meanwhile stays recovered.
    pub fn take_back(&mut self, before: Before) -> Result<(), MoveRefused> {
        if let LeadState::Recovered { .. } = self.state {
            if !self.booked_by_word() {
                return Err(MoveRefused::Recovered);
            }
            self.stamps.recovered_at = None;
            self.back_since = before.back_since;
        }
        self.state = before.state;
        self.stamps.first_contact_at = before.first_contact_at;
        Ok(())
    }

    /// They booked. From whatever state; a second time changes nothing, but where staff had said so before, the
    /// appointment is known now.
    pub fn recover(&mut self, how: Recovery, appointment: AppointmentId, now: Timestamp) {
        if self.state.status() == LeadStatus::Recovered {
            self.appointment.get_or_insert(appointment);
            return;
        }
        self.state = LeadState::Recovered { how, at: now };
        self.appointment = Some(appointment);
        self.back_since = None;
        self.stamps.recovered_at = Some(now);
    }
}

coded! {
    /// What a line of the timeline tells.
    LeadEvent {
        /// They left; the lead exists.
        Left = "left",
        /// They left once more.
        LeftAgain = "left_again",
        /// They left once more, asking for a place that is not served: nothing follows.
        OutOfArea = "out_of_area",
        /// Back on the scheduler.
        Back = "back",
        /// They booked.
        Recovered = "recovered",
        /// A colleague took it up.
        Claimed = "claimed",
        /// A colleague pressed call.
        Called = "called",
        /// A colleague reached them.
        Contacted = "contacted",
        /// Set aside.
        Dismissed = "dismissed",
        /// Taken up again.
        Reopened = "reopened",
        /// A note by staff.
        Note = "note",
        /// It stands in ServiceTitan.
        CrmDone = "crm_done",
        /// ServiceTitan did not take it, or we do not know.
        CrmTrouble = "crm_trouble",
        /// Staff had acted in ServiceTitan already; a new record was made.
        CrmActedOn = "crm_acted_on",
        /// The carrier took the text.
        TextSent = "text_sent",
        /// The phone had it.
        TextDelivered = "text_delivered",
        /// No text, or an unknown outcome, and why.
        TextNot = "text_not",
        /// They wrote back.
        TextReceived = "text_received",
        /// STOP, or staff wrote down that they asked not to be texted.
        OptedOut = "opted_out",
        /// Staff wrote down that they want texts again.
        OptedIn = "opted_in",
        /// A colleague texts them a link from their own phone.
        OwnText = "own_text",
        /// A colleague pressed *Send booking link*, and it was planned.
        LinkAsked = "link_asked",
        /// A person opened the link.
        LinkOpened = "link_opened",
        /// A colleague called their appointment off.
        AppointmentCancelled = "appointment_cancelled",
        /// The appointment stands again.
        AppointmentKept = "appointment_kept",
        /// A follow-up task was made.
        TaskMade = "task_made",
        /// A follow-up task says something else, or has somebody else to do it, or another time.
        TaskChanged = "task_changed",
        /// A follow-up task was deleted.
        TaskDeleted = "task_deleted",
        /// A follow-up task was closed.
        TaskDone = "task_done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn new_lead() -> Lead {
        Lead {
            id: LeadId::new(1),
            business: BusinessId::new(1),
            scheduler: SchedulerId::new(1),
            session: SessionId::new(1),
            reference: "R-7F3K".into(),
            name: "Maria Alvarez".into(),
            phone: Some("+16025550142".into()),
            email: None,
            service: "cooling-repair".into(),
            service_title: "Air conditioning repair".into(),
            last_step: Step::Time,
            departure: Departure::Closed,
            answers: Answers::default(),
            state: LeadState::New,
            back_since: None,
            request_number: 1,
            times_left: 1,
            appointment: None,
            text_note: None,
            stamps: Stamps {
                left_at: at(0),
                detected_by: Departure::Closed,
                lead_at: at(0),
                shown_at: None,
                crm_sent_at: None,
                crm_done_at: None,
                text_sent_at: None,
                text_delivered_at: None,
                first_contact_at: None,
                recovered_at: None,
            },
        }
    }

    const DANA: StaffId = StaffId::new(1);
    const SAM: StaffId = StaffId::new(2);

    #[test]
    fn what_was_taken_back_stands_as_if_it_had_not_been() {
        let mut lead = new_lead();
        lead.claim(SAM, at(5)).unwrap();
        let before = lead.before();
        lead.contacted(DANA, at(9)).unwrap();
        assert_eq!(lead.stamps.first_contact_at, Some(at(9)));
        lead.take_back(before).unwrap();
        assert_eq!(lead.state, LeadState::Claimed { by: SAM, at: at(5) });
        assert_eq!(lead.stamps.first_contact_at, None);
    }

    #[test]
    fn what_staff_booked_by_phone_is_taken_back_only_while_no_appointment_is_known() {
        let mut lead = new_lead();
        lead.contacted(SAM, at(4)).unwrap();
        lead.is_back(at(5));
        let before = lead.before();
        lead.booked_by_staff(at(7)).unwrap();
        assert_eq!(
            lead.state,
            LeadState::Recovered {
                how: Recovery::Staff,
                at: at(7)
            }
        );
        assert_eq!(lead.stamps.recovered_at, Some(at(7)));
        assert_eq!(lead.back_since, None);
        assert_eq!(lead.booked_by_staff(at(8)), Err(MoveRefused::Recovered));

        let mut known = lead.clone();
        known.recover(Recovery::Link, AppointmentId::new(3), at(9));
        assert_eq!(known.appointment, Some(AppointmentId::new(3)));
        assert_eq!(known.state, lead.state);
        assert_eq!(known.take_back(before.clone()), Err(MoveRefused::Recovered));

        lead.take_back(before).unwrap();
        assert_eq!(lead.state, LeadState::Contacted { by: SAM, at: at(4) });
        assert_eq!(lead.stamps.recovered_at, None);
        assert_eq!(lead.back_since, Some(at(5)));
    }

    #[test]
    fn who_leaves_again_after_a_contact_is_to_be_taken_up_again() {
        let mut lead = new_lead();
        lead.contacted(SAM, at(4)).unwrap();
        lead.left_again(SessionId::new(1), Step::Place, Departure::Left, at(60));
        assert_eq!(lead.state, LeadState::Claimed { by: SAM, at: at(4) });
        assert_eq!(lead.stamps.first_contact_at, Some(at(4)));
    }

    #[test]
    fn what_they_said_last_stands_and_what_they_said_before_is_known() {
        let mut lead = new_lead();
        let answers = Answers {
            name: "Maria Vega".into(),
            phone: "+16025550142".into(),
            email: "maria@example.com".into(),
            service: "furnace".into(),
            ..Answers::default()
        };
        let was = lead.says(answers.clone(), "Furnace repair".into());
        assert_eq!(
            was,
            Was {
                name: Some("Maria Alvarez".into()),
                service: Some("Air conditioning repair".into()),
                ..Was::default()
            }
        );
        assert_eq!(lead.name, "Maria Vega");
        assert_eq!(lead.email.as_deref(), Some("maria@example.com"));
        assert_eq!(lead.service_title, "Furnace repair");
        assert_eq!(lead.answers, answers);
        assert_eq!(lead.says(answers, "Furnace".into()), Was::default());
    }

    #[test]
    fn somebody_who_booked_meanwhile_stays_recovered() {
        let mut lead = new_lead();
        let before = lead.before();
        lead.dismiss("spam", DANA, at(3)).unwrap();
        lead.recover(Recovery::Themselves, AppointmentId::new(4), at(6));
        assert_eq!(lead.take_back(before), Err(MoveRefused::Recovered));
        assert_eq!(lead.state.status(), LeadStatus::Recovered);
    }

    #[test]
    fn who_is_let_go_gets_no_text_and_what_was_said_before_stands() {
        let mut waiting = new_lead();
        waiting.is_back(at(5));
        waiting.text_note = Some(TextNote::Planned {
            at: at(9),
            night: false,
            there: None,
        });
        waiting.let_go(Some(WhyNot::OutOfArea));
        let why = WhyNot::OutOfArea;
        assert_eq!(waiting.text_note, Some(TextNote::Not { why }));
        assert_eq!(waiting.back_since, None);

        let mut texted = new_lead();
        texted.text_note = Some(TextNote::Delivered);
        texted.let_go(Some(WhyNot::OutOfArea));
        assert_eq!(texted.text_note, Some(TextNote::Delivered));
    }
}
