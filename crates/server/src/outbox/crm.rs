//! Deliveries to the CRM: whether they still should go, what the record says, what became of it. How a
//! record is made, found and changed is `crate::crm`'s.

use std::sync::Arc;

use jiff::SignedDuration;
use ringback_domain::appointment::AppointmentStatus;
use ringback_domain::business::Business;
use ringback_domain::delivery::{
    CRM_WORKS_FOR, Delivery, DeliveryKind, DeliveryState, DeliveryStatus, Found, Outcome, Planned,
};
use ringback_domain::follow_up::WhyNot;
use ringback_domain::id::LeadId;
use ringback_domain::lead::{Lead, LeadEvent, LeadStatus};
use ringback_domain::scheduler::{Scheduler, SyncAs};
use ringback_domain::session::{Answers, Session, SessionState};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Health, Taken, in_time, is_look, jitter, with_its_time, write_down};
use crate::app::App;
use crate::clock::Moment;
use crate::crm::record::{self, Carried, Instead, Job, Look, Ours, Stage, as_told};
use crate::crm::servicetitan::{Account, Credentials, Hosts, Secrets, ServiceTitan, Settings};
use crate::crm::summary::{News, Told, summary};
use crate::crm::{Filing, Place, Record, RecordKind, Trouble};
use crate::on_wire::Wire;
use crate::store::integration::{Check, Integration, SERVICETITAN};
use crate::store::{
    Order, StoreError, Tx, appointment, business, consent, crm_record, delivery, integration, lead,
    outbox, scheduler, session,
};
use crate::vault::Vault;
use crate::why;
use crate::words::Words;

/// A record that was claimed alone is prepared in the transaction of its claim: one fsync less before the first byte
/// leaves. Of a pile each is prepared by itself, so that nobody waits for all of them.
pub(super) fn prepare_if_alone(
    tx: &mut Tx<'_>,
    vault: &Vault,
    claimed: Vec<Delivery>,
) -> Result<Vec<Taken>, StoreError> {
    match claimed.as_slice() {
        [alone] if !alone.kind.is_text() && !is_look(alone) => {
            let alone = alone.clone();
            Ok(vec![match prepare(tx, vault, &alone)? {
                Some(going) => Taken::OnWire(alone, Box::new(going)),
                None => Taken::Settled(alone),
            }])
        }
        _ => Ok(claimed.into_iter().map(Taken::Claimed).collect()),
    }
}

/// Carries out a delivery that is ours since then, or looks up what became of one.
pub(super) async fn deliver(
    app: &App,
    taken: Taken,
    mut since: Moment,
) -> Result<Health, StoreError> {
    let (claimed, going) = match taken {
        Taken::Claimed(claimed) => {
            // Its lease begins anew with the wire.
            since = app.clock.moment();
            let order = Order::Session(claimed.session.get());
            let vault = app.vault.clone();
            let prepared = claimed.clone();
            let prepare = move |tx: &mut Tx<'_>| prepare(tx, &vault, &prepared);
            let going = app.store.write(order, prepare).await?;
            (claimed, going)
        }
        Taken::OnWire(claimed, going) => (claimed, Some(*going)),
        Taken::Settled(claimed) => (claimed, None),
    };
    let Some(going) = going else {
        return Ok(Health::Well);
    };
    super::about_lead(&going.job.record.reference);
    let account = app.outbox.account(app, &going);
    let wire = Wire::new(app.clock.clone(), since);
    if is_look(&claimed) {
        look(app, &account, going, wire).await
    } else {
        send(app, &account, going, wire).await
    }
}

/// A delivery whose rules have been asked and whose record is written.
#[derive(Clone)]
pub(super) struct Going {
    delivery: Delivery,
    job: Job,
    credentials: Credentials,
}

async fn send(
    app: &App,
    account: &Account,
    going: Going,
    wire: Wire,
) -> Result<Health, StoreError> {
    let servicetitan = ServiceTitan::new(account);
    let carried = in_time(wire, record::carry_out(&servicetitan, &going.job))
        .await
        .unwrap_or_else(|| {
            Err(Trouble::Unknown {
                answered: false,
                said: "no answer in time".into(),
            })
        });
    let health = health(carried.as_ref().err());
    let delivery = going.delivery.clone();
    write_down(&app.store, &delivery, move |tx| {
        settle_sent(tx, &going, &carried)
    })
    .await?;
    Ok(health)
}

async fn look(
    app: &App,
    account: &Account,
    going: Going,
    wire: Wire,
) -> Result<Health, StoreError> {
    let servicetitan = ServiceTitan::new(account);
    let found = in_time(wire, record::look(&servicetitan, &going.job))
        .await
        .unwrap_or_else(|| {
            Err(Trouble::TryLater {
                after: None,
                said: "no answer in time".into(),
            })
        });
    let health = health(found.as_ref().err());
    let delivery = going.delivery.clone();
    let works_for = app.config.crm_works_for;
    write_down(&app.store, &delivery, move |tx| {
        settle_look(tx, &going, &found, works_for)
    })
    .await?;
    Ok(health)
}

// Before the call.

/// Asks the rules now, writes the record, and puts the delivery on the wire: one transaction. `None` when
/// there is nothing to send, or the claim is not ours any more.
fn prepare(
    tx: &mut Tx<'_>,
    vault: &Vault,
    claimed: &Delivery,
) -> Result<Option<Going>, StoreError> {
    let request = Request::read(tx, claimed)?;
    if !is_look(claimed)
        && let Some((state, why)) = request.not_wanted(claimed, tx.now())
    {
        outbox::settle(tx, claimed, &state, claimed.lookups, Some(why))?;
        request.tell_inboxes(tx);
        return Ok(None);
    }
    let connection = request.connection.as_ref();
    let Some(credentials) = connection.and_then(|c| credentials(vault, c)) else {
        let (state, why) = match (is_look(claimed), connection.is_some()) {
            // Nobody to ask: it stays unknown, and is asked for once somebody can be.
            (true, _) => {
                let works_for = CRM_WORKS_FOR;
                let found = Found::CouldNotLook;
                let (state, _) = claimed.after_look(found, tx.now(), jitter(), works_for);
                (state, "crm-unknown")
            }
            (false, false) => {
                let why = "not-connected";
                (DeliveryState::Withdrawn { why: why.into() }, why)
            }
            (false, true) => {
                // The key file is another one. Typing the secrets again mends it, and hurries what waits.
                let outcome = Outcome::TryLater {
                    after: Some(SignedDuration::from_mins(5)),
                    why: "crm-credentials".into(),
                };
                let state = claimed.after(outcome, tx.now(), jitter());
                (state, "crm-credentials")
            }
        };
        outbox::settle(tx, claimed, &state, claimed.lookups, Some(why))?;
        request.tell_inboxes(tx);
        return Ok(None);
    };
    let mut delivery = claimed.clone();
    if !is_look(claimed) {
        if !outbox::put_on_wire(tx, claimed, None)? {
            return Ok(None);
        }
        delivery.attempt += 1;
    }
    let job = request.job(tx, &delivery)?;
    if let Some(mut lead) = request.lead {
        lead.stamps.crm_sent_at.get_or_insert(tx.now());
        lead::save(tx, &lead)?;
    }
    Ok(Some(Going {
        delivery,
        job,
        credentials,
    }))
}

fn credentials(vault: &Vault, connection: &Integration<Settings>) -> Option<Credentials> {
    let sealed = connection.secret.as_ref()?;
    let opened = vault.unseal(connection.business, SERVICETITAN, sealed);
    let opened = opened
        .inspect_err(|error| tracing::error!(%error, "the secrets of ServiceTitan"))
        .ok()?;
    let secrets: Secrets = serde_json::from_slice(opened.expose_secret()).ok()?;
    Some(Credentials::new(&connection.settings, secrets))
}

/// Their lead was set aside before its record was due.
pub(super) const DISMISSED: &str = "dismissed";

/// Everything a delivery to the CRM is about.
struct Request {
    business: Arc<Business>,
    scheduler: Arc<Scheduler>,
    session: Session,
    lead: Option<Lead>,
    connection: Option<Integration<Settings>>,
    /// The appointment it tells of was called off.
    cancelled: bool,
}

impl Request {
    fn read(tx: &mut Tx<'_>, claimed: &Delivery) -> Result<Self, StoreError> {
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
    fn not_wanted(
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

    fn job(&self, tx: &mut Tx<'_>, delivery: &Delivery) -> Result<Job, StoreError> {
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

    fn tell_inboxes(&self, tx: &mut Tx<'_>) {
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

impl super::Outbox {
    /// The account of a business, kept over deliveries for its token and its pace; a new one when its
    /// credentials have changed.
    fn account(&self, app: &App, going: &Going) -> Arc<Account> {
        let (business, credentials) = (going.delivery.business, &going.credentials);
        let hosts = hosts(app);
        let mut accounts = self.accounts();
        if let Some(account) = accounts.get(&business)
            && account.serves(&hosts, credentials)
        {
            return Arc::clone(account);
        }
        let (calls, clock) = (app.calls.clone(), app.clock.clone());
        let account = Arc::new(Account::new(calls, hosts, clock, credentials.clone()));
        accounts.insert(business, Arc::clone(&account));
        account
    }
}

/// Where ServiceTitan answers.
pub(super) fn hosts(app: &App) -> Hosts {
    Hosts {
        auth: app.config.servicetitan_auth_url.to_string(),
        api: app.config.servicetitan_api_url.to_string(),
    }
}

// After the call.

fn settle_sent(
    tx: &mut Tx<'_>,
    going: &Going,
    carried: &Result<Carried, Trouble>,
) -> Result<(), StoreError> {
    let delivery = &going.delivery;
    let (outcome, why) = match carried {
        Ok(carried) => (
            Outcome::Done {
                outside_id: carried.record.outside_id.clone(),
            },
            None,
        ),
        Err(trouble) => {
            let (outcome, why) = outcome(trouble);
            (outcome, Some(why))
        }
    };
    let state = match carried {
        Ok(_) => delivery.after(outcome, tx.now(), jitter()),
        Err(_) => with_its_time(tx, delivery)?.after(outcome, tx.now(), jitter()),
    };
    if !outbox::settle(tx, delivery, &state, 0, why.as_deref())? {
        return Ok(());
    }
    let why = why.unwrap_or_default();
    if let Err(Trouble::Credentials | Trouble::Forbidden { .. }) = carried {
        note_not_let_in(tx, delivery, &why)?;
    }
    match carried {
        Ok(carried) => stands(tx, going, carried),
        // It will be tried again; what only people can mend is told, once.
        Err(Trouble::TryLater { .. }) if state.due_at().is_some() => tell(tx, delivery),
        Err(_) if delivery.why.as_deref() == Some(&why) => tell(tx, delivery),
        Err(_) => trouble(tx, delivery, &why),
    }
}

fn settle_look(
    tx: &mut Tx<'_>,
    going: &Going,
    found: &Result<Look, Trouble>,
    works_for: SignedDuration,
) -> Result<(), StoreError> {
    let delivery = &going.delivery;
    let (found, carried) = match found {
        Ok(Look::There(carried)) => {
            let outside_id = carried.record.outside_id.clone();
            (Found::There { outside_id }, Some(carried))
        }
        Ok(Look::AskAgain) => (Found::Harmless, None),
        Ok(Look::NotThere) => (Found::NotThere, None),
        Err(_) => (Found::CouldNotLook, None),
    };
    let (state, lookups) =
        with_its_time(tx, delivery)?.after_look(found, tx.now(), jitter(), works_for);
    let why = match carried {
        Some(_) => None,
        None => delivery.why.as_deref(),
    };
    if !outbox::settle(tx, delivery, &state, lookups, why)? {
        return Ok(());
    }
    match carried {
        Some(carried) => stands(tx, going, carried),
        None => tell(tx, delivery),
    }
}

/// It stands there: kept, told, and what follows planned.
fn stands(tx: &mut Tx<'_>, going: &Going, carried: &Carried) -> Result<(), StoreError> {
    let Going { delivery, job, .. } = going;
    let record = &carried.record;
    integration::accepted(tx, delivery.business, SERVICETITAN)?;
    crm_record::keep(
        tx,
        delivery.business,
        delivery.session,
        delivery.lead,
        record,
    )?;
    if delivery.kind == DeliveryKind::CrmDismissLead {
        crm_record::set_aside(tx, delivery.business, &job.ours)?;
    }
    if carried.acted_on == Some(Instead::MadeAnew) {
        let replaced: Vec<_> = job
            .ours
            .iter()
            .filter(|o| o.kind == record.kind)
            .cloned()
            .collect();
        crm_record::set_aside(tx, delivery.business, &replaced)?;
    }
    plan_dismissal(tx, going, carried)?;
    let Some(mut lead) = lead_of(tx, delivery)? else {
        return Ok(());
    };
    lead.stamps.crm_done_at.get_or_insert(tx.now());
    lead::save(tx, &lead)?;
    let detail = json!({ "kind": record.kind, "id": record.outside_id, "stage": record.stage });
    if let Some(instead) = carried.acted_on {
        let instead = match instead {
            Instead::MadeAnew => "made_anew",
            Instead::LeftAlone => "left_alone",
        };
        let mut detail = detail.clone();
        detail["instead"] = instead.into();
        lead::event(tx, &lead, LeadEvent::CrmActedOn, None, detail)?;
    }
    if carried.acted_on != Some(Instead::LeftAlone) {
        lead::event(tx, &lead, LeadEvent::CrmDone, None, detail)?;
    }
    Ok(())
}

/// Once they have booked, nothing there may say any more that they left: neither a Lead in ST beside the
/// booked Booking, nor a record that was made while they were booking elsewhere.
fn plan_dismissal(tx: &mut Tx<'_>, going: &Going, carried: &Carried) -> Result<(), StoreError> {
    let Going { delivery, job, .. } = going;
    let left_over = match delivery.kind {
        DeliveryKind::CrmBooked => {
            let same = |ours: &Ours| {
                ours.kind == carried.record.kind
                    && (ours.external_id == carried.record.external_id
                        || carried.acted_on == Some(Instead::MadeAnew))
            };
            job.ours
                .iter()
                .any(|ours| ours.stage == Stage::Abandoned && !same(ours))
        }
        DeliveryKind::CrmAbandoned => {
            let recovered = lead_of(tx, delivery)?
                .is_some_and(|lead| lead.state.status() == LeadStatus::Recovered);
            // A booking of the same session comes after this one, and brings it up to date.
            recovered && !booking_follows(tx, delivery)?
        }
        _ => false,
    };
    if !left_over {
        return Ok(());
    }
    let kind = DeliveryKind::CrmDismissLead;
    let planned = Planned {
        kind,
        due_at: tx.now(),
        expires_at: tx.now() + kind.lives_for(),
    };
    let session = session::get(tx, delivery.business, delivery.session)?;
    delivery::plan(tx, &session, delivery.appointment, planned, None)?;
    Ok(())
}

fn booking_follows(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<bool, StoreError> {
    let session = session::get(tx, delivery.business, delivery.session)?;
    let planned = delivery::of_session(tx, &session)?;
    Ok(planned
        .iter()
        .any(|d| d.kind == DeliveryKind::CrmBooked && !d.status.is_settled()))
}

/// It did not get there, or we do not know: on the timeline, and on open inboxes.
pub(super) fn trouble(tx: &mut Tx<'_>, delivery: &Delivery, why: &str) -> Result<(), StoreError> {
    let Some(lead) = lead_of(tx, delivery)? else {
        return Ok(());
    };
    lead::event(
        tx,
        &lead,
        LeadEvent::CrmTrouble,
        None,
        json!({ "why": why }),
    )
}

fn tell(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), StoreError> {
    if let Some(lead) = delivery.lead {
        tx.hint(crate::store::Hint::Lead {
            business: delivery.business,
            lead,
        });
    }
    Ok(())
}

fn lead_of(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<Option<Lead>, StoreError> {
    match delivery.lead {
        Some(lead) => lead::get(tx, delivery.business, lead),
        None => Ok(None),
    }
}

fn note_not_let_in(tx: &mut Tx<'_>, delivery: &Delivery, why: &str) -> Result<(), StoreError> {
    let before: Option<Integration<Settings>> =
        integration::get(tx, delivery.business, SERVICETITAN)?;
    let Some(before) = before else {
        return Ok(());
    };
    let check = Check {
        works: false,
        refused: true,
        said: why.to_owned(),
        ..before.checked.map(|(_, check)| check).unwrap_or_default()
    };
    integration::checked(tx, delivery.business, SERVICETITAN, &check)
}

/// What a trouble means for the delivery, and why, as it is kept.
fn outcome(trouble: &Trouble) -> (Outcome, String) {
    let why = match trouble {
        Trouble::TryLater { said, .. } => why::keep("crm-later", said),
        Trouble::Credentials => why::keep("crm-credentials", ""),
        Trouble::Forbidden { said } => why::keep("crm-forbidden", said),
        Trouble::Refused { said } | Trouble::Conflict { said } => why::keep("crm-refused", said),
        Trouble::Unset(key) => why::keep(key, ""),
        Trouble::Unknown { said, .. } => why::keep("crm-unknown", said),
    };
    let outcome = match trouble {
        Trouble::TryLater { after, .. } => Outcome::TryLater {
            after: *after,
            why: why.clone(),
        },
        // Ours to mend, and then it goes by itself.
        Trouble::Credentials | Trouble::Forbidden { .. } | Trouble::Unset(_) => Outcome::TryLater {
            after: None,
            why: why.clone(),
        },
        Trouble::Unknown { .. } => Outcome::Unknown { why: why.clone() },
        _ => Outcome::Refused { why: why.clone() },
    };
    (outcome, why)
}

fn health(trouble: Option<&Trouble>) -> Health {
    match trouble {
        Some(Trouble::TryLater {
            after: Some(after), ..
        }) => Health::Asks(*after),
        Some(
            Trouble::TryLater { .. }
            | Trouble::Credentials
            | Trouble::Forbidden { .. }
            | Trouble::Unknown { .. },
        ) => Health::Ailing,
        _ => Health::Well,
    }
}
