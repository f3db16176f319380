//! What a delivery to the CRM is about: whether it still should go, and what the record says.

use std::sync::Arc;

use ringback_domain::appointment::AppointmentStatus;
use ringback_domain::business::Business;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryState, DeliveryStatus};
use ringback_domain::follow_up::WhyNot;
use ringback_domain::id::LeadId;
use ringback_domain::lead::{Lead, LeadStatus};
use ringback_domain::scheduler::{Scheduler, SyncAs};
use ringback_domain::session::{Answers, Session, SessionState};

use crate::crm::record::{Job, Ours, as_told};
use crate::crm::servicetitan::Settings;
use crate::crm::summary::{News, Told, summary};
use crate::crm::{Filing, Place, Record, RecordKind};
use crate::store::integration::{self, Integration, SERVICETITAN};
use crate::store::{
    StoreError, Tx, appointment, business, consent, crm_record, delivery, lead, scheduler, session,
};
use crate::words::Words;

/// Their lead was set aside before its record was due.
pub(in crate::outbox) const DISMISSED: &str = "dismissed";

/// Everything a delivery to the CRM is about.
pub(super) struct Request {
    business: Arc<Business>,
    scheduler: Arc<Scheduler>,
    session: Session,
    pub(super) lead: Option<Lead>,
    pub(super) connection: Option<Integration<Settings>>,
    /// The appointment it tells of was called off.
    cancelled: bool,
}

impl Request {
    pub(super) fn read(tx: &mut Tx<'_>, claimed: &Delivery) -> Result<Self, StoreError> {
        let session = session::get(tx, claimed.business, claimed.session)?;
        let lead = match claimed.lead {
            Some(id) => lead::get(tx, claimed.business, id)?,
            None => None,
        };
        let cancelled = match claimed.appointment {
            Some(id) => {
                let found = appointment::get(tx, claimed.business, id)?;
                found.status == AppointmentStatus::Cancelled
            }
            None => false,
        };
        Ok(Self {
            business: business::get(tx, claimed.business)?,
            scheduler: scheduler::get(tx, claimed.business, session.scheduler)?,
            session,
            lead,
            connection: integration::get(tx, claimed.business, SERVICETITAN)?,
            cancelled,
        })
    }

    /// Why this should not go any more, and what it is instead.
    pub(super) fn not_wanted(
        &self,
        claimed: &Delivery,
        now: jiff::Timestamp,
    ) -> Option<(DeliveryState, &'static str)> {
        let withdrawn = |why: &'static str| (DeliveryState::Withdrawn { why: why.into() }, why);
        if now >= claimed.expires_at {
            return Some((DeliveryState::Expired, "expired"));
        }
        // What is booked reaches ServiceTitan whatever else holds, unless it was called off.
        match claimed.kind {
            DeliveryKind::CrmAbandoned => {}
            DeliveryKind::CrmBooked if self.cancelled => {
                return Some(withdrawn(appointment::CANCELLED));
            }
            _ => return None,
        }
        let settings = &self.scheduler.settings;
        let status = self.lead.as_ref().map(|lead| lead.state.status());
        if matches!(self.session.state, SessionState::Booked { .. })
            || status == Some(LeadStatus::Recovered)
        {
            Some(withdrawn(WhyNot::Booked.as_str()))
        } else if self.session.state == SessionState::Open {
            Some(withdrawn(WhyNot::Back.as_str()))
        } else if !settings.abandoned.scheduler_drop_off || settings.sync.send.delay().is_none() {
            Some(withdrawn("switched-off"))
        } else if status == Some(LeadStatus::Dismissed) {
            Some(withdrawn(DISMISSED))
        } else {
            None
        }
    }

    pub(super) fn job(&self, tx: &mut Tx<'_>, delivery: &Delivery) -> Result<Job, StoreError> {
        let leads = self.leads(tx, delivery)?;
        let ours = crm_record::of_request(tx, delivery.business, self.session.id, &leads)?;
        let (now, before) = match (delivery.kind, self.scheduler.settings.sync.send_as) {
            (DeliveryKind::CrmAbandoned, SyncAs::Lead) => {
                (RecordKind::Lead, Some(RecordKind::Booking))
            }
            (DeliveryKind::CrmAbandoned, SyncAs::Booking) => {
                (RecordKind::Booking, Some(RecordKind::Lead))
            }
            // What is booked is a Booking, whatever the setting was.
            _ => (RecordKind::Booking, None),
        };
        let otherwise = match before {
            Some(kind) => Some(self.record(tx, delivery, kind, &ours)?),
            None => None,
        };
        Ok(Job {
            kind: delivery.kind,
            doubtful: self.is_doubtful(tx, delivery)?,
            record: self.record(tx, delivery, now, &ours)?,
            otherwise,
            ours,
        })
    }

    /// The request's own lead, and those that the same booking ended.
    fn leads(&self, tx: &mut Tx<'_>, delivery: &Delivery) -> Result<Vec<LeadId>, StoreError> {
        let mut leads: Vec<_> = delivery.lead.into_iter().collect();
        if delivery.appointment.is_some() {
            let Answers { phone, email, .. } = &self.session.answers;
            let theirs = lead::of_person(tx, delivery.business, phone, email)?;
            let ended = theirs
                .iter()
                .filter(|lead| lead.appointment == delivery.appointment);
            leads.extend(ended.map(|lead| lead.id));
        }
        Ok(leads)
    }

    /// Whether an earlier attempt, of this delivery or of another of the same request, may have made a
    /// record that we do not know of.
    fn is_doubtful(&self, tx: &mut Tx<'_>, delivery: &Delivery) -> Result<bool, StoreError> {
        let mut asked = delivery::of_session(tx, &self.session)?;
        if let Some(lead) = delivery.lead {
            asked.extend(delivery::of_lead(tx, delivery.business, lead)?);
        }
        let others = asked.iter().filter(|d| d.id != delivery.id);
        let mut crm = others.filter(|d| !d.kind.is_text());
        Ok(delivery.attempt > 1 || crm.any(|d| d.attempt > 0 && d.status != DeliveryStatus::Done))
    }

    fn record(
        &self,
        tx: &mut Tx<'_>,
        delivery: &Delivery,
        kind: RecordKind,
        ours: &[Ours],
    ) -> Result<Record, StoreError> {
        let settings = &self.scheduler.settings;
        // A lead keeps what they left with; a booking is the session's own.
        let answers = match (&self.lead, delivery.kind) {
            (Some(lead), DeliveryKind::CrmAbandoned) => &lead.answers,
            _ => &self.session.answers,
        };
        let service = settings.service(&answers.service);
        let service_title = service.map_or(answers.service.as_str(), |s| s.title.as_str());
        let reference = match &self.lead {
            Some(lead) => lead.reference.clone(),
            None => format!("S{}", self.session.id),
        };
        let base = match kind {
            RecordKind::Booking => format!("ringback-{reference}"),
            RecordKind::Lead => reference.clone(),
        };
        let external_id = next_external_id(&base, kind, ours);
        let agreed = match delivery.appointment {
            Some(id) => Some(appointment::get(tx, delivery.business, id)?.window),
            None => None,
        };
        let window = agreed.or(answers.window);
        let news = match (delivery.kind, window) {
            (DeliveryKind::CrmBooked, Some(window)) => News::Booked {
                window,
                after_leaving: self.lead.is_some(),
            },
            _ => News::Left {
                step: self
                    .lead
                    .as_ref()
                    .map_or(self.session.step, |l| l.last_step),
                times: self.lead.as_ref().map_or(1, |l| l.times_left),
            },
        };
        let (phone, email) = (&answers.phone, &answers.email);
        let known =
            appointment::agreed_before(tx, &self.session, phone, email, delivery.created_at)?;
        let consent = consent::newest(tx, delivery.business, self.session.id)?;
        let zone = self.business.zone();
        let told = Told {
            // A second record of the same request must be told from the first.
            reference: as_told(&external_id),
            news,
            service: service_title,
            answers,
            questions: &settings.questions,
            consent_at: consent
                .filter(|c| c.given && c.phone == answers.phone)
                .map(|c| c.at),
            came_from: &self.session.came_from,
            region: self.business.region,
            zone: &zone,
        };
        let summary = summary(Words::of(&self.business.locale), &told);
        let connected = self.connection.as_ref().map(|c| &c.settings);
        let lead_at = self.lead.as_ref().map(|lead| lead.stamps.lead_at);
        let since = lead_at.unwrap_or(delivery.created_at);
        Ok(Record {
            kind,
            external_id,
            reference,
            since,
            not_before: since.min(tx.now()),
            name: called(answers),
            phone: Some(answers.phone.clone()).filter(|p| !p.is_empty()),
            email: Some(answers.email.clone()).filter(|e| !e.is_empty()),
            summary,
            audience: settings.audience,
            place: self.place(answers),
            start: window.map(|window| window.start),
            urgent: service.is_some_and(|service| service.emergency),
            first_time: !known,
            filing: Filing {
                campaign_id: settings
                    .sync
                    .campaign_id
                    .or(connected.and_then(|s| s.campaign_id)),
                call_reason_id: settings
                    .sync
                    .call_reason_id
                    .or(connected.and_then(|s| s.call_reason_id)),
                business_unit_id: service.and_then(|service| service.business_unit_id),
                job_type_id: service.and_then(|service| service.job_type_id),
            },
        })
    }

    fn place(&self, answers: &Answers) -> Place {
        let region = self.business.region;
        let address = &answers.address;
        let state = region.state_or_city(&address.state, &address.city);
        Place {
            street: address.street.clone(),
            unit: address.unit.clone(),
            city: address.city.clone(),
            state: state.to_owned(),
            postal_code: answers.postal_code.clone(),
            country: region.country().unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn tell_inboxes(&self, tx: &mut Tx<'_>) {
        if let Some(lead) = &self.lead {
            tx.hint(crate::store::Hint::Lead {
                business: lead.business,
                lead: lead.id,
            });
        }
    }
}

/// Stable over every attempt: it changes only once a record stands under it.
fn next_external_id(base: &str, kind: RecordKind, ours: &[Ours]) -> String {
    let of_base = |ours: &&Ours| {
        let rest = ours.external_id.strip_prefix(base);
        ours.kind == kind && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    match ours.iter().filter(of_base).count() {
        0 => base.to_owned(),
        n => format!("{base}-{}", n + 1),
    }
}

/// A record needs a name; where none was given, how they are reached.
fn called(answers: &Answers) -> String {
    [&answers.name, &answers.phone, &answers.email]
        .into_iter()
        .find(|part| !part.is_empty())
        .cloned()
        .unwrap_or_default()
}
