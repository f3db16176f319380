//! Texts: whether one may go at this very moment, its words and its link, and what became of it. The
//! rules are the domain's; everything they ask is read here, in the transaction that puts the text on the
//! wire. A text whose outcome is unknown is looked up and never sent again.

use std::sync::Arc;

use jiff::SignedDuration;
use ringback_domain::business::Business;
use ringback_domain::consent::Consent;
use ringback_domain::delivery::{
    CRM_WORKS_FOR, Delivery, DeliveryKind, DeliveryState, Found, Outcome,
};
use ringback_domain::follow_up::{self, Circumstances, Ruling, TextNote, WhyNot};
use ringback_domain::id::DeliveryId;
use ringback_domain::lead::{Lead, LeadEvent, LeadStatus};
use ringback_domain::phone::Phone;
use ringback_domain::scheduler::Scheduler;
use ringback_domain::session::{Session, SessionState};
use ringback_domain::wording::{Blanks, fill};
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Health, by_steady_clock, in_time, is_look, jitter, with_its_time, write_down};
use crate::app::App;
use crate::on_wire::Wire;
use crate::random;
use crate::sms::reports::carrier_says;
use crate::sms::stop::opted_out;
use crate::sms::twilio::{Secrets, Settings, Twilio};
use crate::sms::{Carrier as _, Says, Text, Trouble};
use crate::store::integration::{Check, Integration, TEXTS};
use crate::store::{
    Order, StoreError, Tx, business, consent, delivery, integration, lead, opt_out, outbox,
    resume_link, scheduler, session, text_message,
};
use crate::vault::Vault;
use crate::why;
use crate::words::Words;

/// Sends a claimed text, or looks up what became of one.
pub(super) async fn deliver(app: &App, claimed: Delivery) -> Result<Health, StoreError> {
    let order = Order::Session(claimed.session.get());
    let (vault, origin) = (app.vault.clone(), app.config.origin().to_owned());
    let taken = claimed.clone();
    let wire = Wire::new(app.clock.clone(), app.clock.moment());
    if is_look(&claimed) {
        let prepare = move |tx: &mut Tx<'_>| prepare_look(tx, &vault, &taken);
        match by_steady_clock(app, order, prepare).await? {
            Some(looking) => look(app, looking, wire).await,
            None => Ok(Health::Well),
        }
    } else {
        let prepare = move |tx: &mut Tx<'_>| prepare(tx, &vault, &origin, &taken);
        match by_steady_clock(app, order, prepare).await? {
            Some(going) => {
                super::about_lead(&going.reference);
                send(app, going, wire).await
            }
            None => Ok(Health::Well),
        }
    }
}

/// A text on the wire. The link's token is in `body` and nowhere else.
#[derive(Clone)]
struct Going {
    delivery: Delivery,
    reference: String,
    to: String,
    body: String,
    report_to: String,
    within: SignedDuration,
    settings: Settings,
    secrets: Secrets,
}

/// A text to be found again at the carrier, by its link.
struct Looking {
    delivery: Delivery,
    to: String,
    token_hash: Vec<u8>,
    settings: Settings,
    secrets: Secrets,
}

async fn send(app: &App, going: Going, wire: Wire) -> Result<Health, StoreError> {
    let url = app.config.twilio_url.as_str();
    let carrier = Twilio::new(&app.calls, url, &going.settings, &going.secrets);
    let text = Text {
        to: &going.to,
        body: &going.body,
        report_to: &going.report_to,
        within: going.within,
    };
    let said = in_time(wire, carrier.send(&text)).await.unwrap_or_else(|| {
        Err(Trouble::Unknown {
            said: "no answer in time".into(),
        })
    });
    let health = health(said.as_ref().err());
    let delivery = going.delivery.clone();
    write_down(app, &delivery.clone(), move |tx| {
        settle_sent(tx, &delivery, &said)
    })
    .await?;
    Ok(health)
}

async fn look(app: &App, looking: Looking, wire: Wire) -> Result<Health, StoreError> {
    let url = app.config.twilio_url.as_str();
    let carrier = Twilio::new(&app.calls, url, &looking.settings, &looking.secrets);
    let is_ours = |body: &str| carries_link(body, &looking.token_hash);
    let found = in_time(wire, carrier.look_up(&looking.to, &is_ours))
        .await
        .unwrap_or_else(|| {
            Err(Trouble::TryLater {
                after: None,
                said: "no answer in time".into(),
            })
        });
    let health = health(found.as_ref().err());
    let delivery = looking.delivery.clone();
    write_down(app, &delivery.clone(), move |tx| {
        settle_look(tx, &delivery, &found)
    })
    .await?;
    Ok(health)
}

/// Whether a text carries the link whose token has this hash.
fn carries_link(body: &str, token_hash: &[u8]) -> bool {
    body.split("/r/").skip(1).any(|rest| {
        let token: String = rest
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        Sha256::digest(&token).as_slice() == token_hash
    })
}

// Before the call.

/// Asks the rules now and either puts the text on the wire, with a fresh link, or settles it: one
/// transaction, so that a STOP or a booking comes before it or after it, never between.
fn prepare(
    tx: &mut Tx<'_>,
    vault: &Vault,
    origin: &str,
    claimed: &Delivery,
) -> Result<Option<Going>, StoreError> {
    let about = About::read(tx, claimed)?;
    let Some(lead) = &about.lead else {
        withdraw(tx, claimed, None, WhyNot::NoPhone)?;
        return Ok(None);
    };
    let Some(phone) = lead.phone.as_deref().and_then(Phone::from_e164) else {
        withdraw(tx, claimed, Some(lead), WhyNot::NoPhone)?;
        return Ok(None);
    };
    if about.is_switched_off(claimed.kind) {
        withdraw(tx, claimed, Some(lead), WhyNot::SwitchedOff)?;
        return Ok(None);
    }
    let connection = about.connection.as_ref();
    let secrets = connection.and_then(|connection| secrets(vault, connection));
    let mut circumstances = about.circumstances(tx, claimed.kind, lead, &phone, claimed.id)?;
    circumstances.sender_ready &= secrets.is_some();
    let within = match follow_up::rule(&circumstances, tx.now()) {
        Ruling::Never(why) => {
            withdraw(tx, claimed, Some(lead), why)?;
            return Ok(None);
        }
        Ruling::NotBefore(at) => {
            let state = DeliveryState::Due { at };
            if outbox::settle(tx, claimed, &state, 0, None)? {
                note(tx, lead, circumstances.planned(tx.now()))?;
            }
            return Ok(None);
        }
        Ruling::Send { within } => within,
    };
    let (Some(connection), Some(secrets)) = (connection, secrets) else {
        withdraw(tx, claimed, Some(lead), WhyNot::NoSender)?;
        return Ok(None);
    };
    if !text_message::take_turn(tx, claimed, phone.as_str())? {
        withdraw(tx, claimed, Some(lead), WhyNot::RecentlyTexted)?;
        return Ok(None);
    }
    let our_id = claimed.our_id.clone().unwrap_or_else(random::token);
    if !outbox::put_on_wire(tx, claimed, Some(&our_id))? {
        return Ok(None);
    }
    let token = random::token();
    resume_link::mint(tx, claimed, &Sha256::digest(&token))?;
    let link = format!("{origin}/r/{token}");
    let body = about.words(lead, &link);
    text_message::goes_out(tx, claimed, phone.as_str(), &body.replace(&link, "{link}"))?;
    let mut delivery = claimed.clone();
    delivery.attempt += 1;
    Ok(Some(Going {
        delivery,
        reference: lead.reference.clone(),
        to: phone.as_str().to_owned(),
        body,
        // The fragment is for Twilio alone: five more attempts after any failure of ours.
        report_to: format!("{origin}/hooks/texts/status?m={our_id}#rc=5&rp=all"),
        within,
        settings: connection.settings.clone(),
        secrets,
    }))
}

fn prepare_look(
    tx: &mut Tx<'_>,
    vault: &Vault,
    claimed: &Delivery,
) -> Result<Option<Looking>, StoreError> {
    let message = text_message::of_delivery(tx, claimed)?;
    let token_hash = resume_link::hash_of(tx, claimed.business, claimed.id)?;
    let connection: Option<Integration<Settings>> = integration::get(tx, claimed.business, TEXTS)?;
    let secrets = connection.as_ref().and_then(|c| secrets(vault, c));
    match (message, token_hash, connection, secrets) {
        (Some(message), Some(token_hash), Some(connection), Some(secrets)) => Ok(Some(Looking {
            delivery: claimed.clone(),
            to: message.phone,
            token_hash,
            settings: connection.settings,
            secrets,
        })),
        // Nobody to ask, or nothing to ask for: it stays unknown, and a report may still clear it up.
        _ => {
            let state = DeliveryState::Unknown { look_at: None };
            outbox::settle(tx, claimed, &state, claimed.lookups, claimed.why.as_deref())?;
            Ok(None)
        }
    }
}

/// Everything a text is about.
pub(super) struct About {
    business: Arc<Business>,
    scheduler: Arc<Scheduler>,
    session: Session,
    lead: Option<Lead>,
    connection: Option<Integration<Settings>>,
}

impl About {
    fn read(tx: &mut Tx<'_>, claimed: &Delivery) -> Result<Self, StoreError> {
        let lead = match claimed.lead {
            Some(lead) => lead::get(tx, claimed.business, lead)?,
            None => None,
        };
        // The latest session of the request: what was said there last holds.
        let session = lead.as_ref().map_or(claimed.session, |lead| lead.session);
        Self::of(tx, claimed.business, session, lead)
    }

    /// What a text to this lead would be about.
    pub(super) fn of_lead(tx: &mut Tx<'_>, lead: &Lead) -> Result<Self, StoreError> {
        Self::of(tx, lead.business, lead.session, Some(lead.clone()))
    }

    fn of(
        tx: &mut Tx<'_>,
        business: ringback_domain::id::BusinessId,
        session: ringback_domain::id::SessionId,
        lead: Option<Lead>,
    ) -> Result<Self, StoreError> {
        let session = session::get(tx, business, session)?;
        Ok(Self {
            business: business::get(tx, business)?,
            scheduler: scheduler::get(tx, business, session.scheduler)?,
            session,
            lead,
            connection: integration::get(tx, business, TEXTS)?,
        })
    }

    /// The session a text of this lead would be planned for.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    fn is_switched_off(&self, kind: DeliveryKind) -> bool {
        let settings = &self.scheduler.settings;
        kind == DeliveryKind::TextFollowUp
            && (!settings.abandoned.scheduler_drop_off || settings.follow_up.send.delay().is_none())
    }

    /// What the rules ask, as it is at this moment. `text` is the delivery asked for: it does not count
    /// against itself.
    pub(super) fn circumstances(
        &self,
        tx: &mut Tx<'_>,
        kind: DeliveryKind,
        lead: &Lead,
        phone: &Phone,
        text: DeliveryId,
    ) -> Result<Circumstances, StoreError> {
        let consent: Option<Consent> = consent::newest(tx, lead.business, self.session.id)?;
        let consented = consent.is_some_and(|c| c.given && c.phone == phone.as_str());
        let texted = delivery::of_lead(tx, lead.business, lead.id)?;
        let already_texted = lead.was_texted()
            || texted
                .iter()
                .any(|other| other.id != text && other.is_text_that_went());
        let status = lead.state.status();
        Ok(Circumstances {
            kind,
            consented,
            textable: phone
                .can_receive_text(self.business.region)
                .map_err(|not| not.key()),
            opted_out: opt_out::is_out(tx, lead.business, phone.as_str())?,
            booked: status == LeadStatus::Recovered
                || matches!(self.session.state, SessionState::Booked { .. }),
            back: lead.back_since.is_some() || self.session.state == SessionState::Open,
            staff_has_it: matches!(status, LeadStatus::Contacted | LeadStatus::Dismissed)
                || lead.stamps.first_contact_at.is_some(),
            already_texted,
            last_text_to_number: text_message::last_turn(tx, lead.business, phone.as_str(), text)?,
            sender_ready: self
                .connection
                .as_ref()
                .is_some_and(|connection| connection.secret.is_some()),
            left_at: lead.stamps.left_at,
            business_zone: self.business.zone(),
            browser_zone: self.session.came_from.browser_zone(),
        })
    }

    /// The text's words, in the language the pages were shown in.
    fn words(&self, lead: &Lead, link: &str) -> String {
        let locale = Some(self.session.came_from.locale.as_str()).filter(|l| !l.is_empty());
        let words = Words::of(locale.unwrap_or(&self.business.locale));
        let (settings, region) = (&self.scheduler.settings, self.business.region);
        let template = words.follow_up_text(settings, region);
        let shown = words.translated(settings, region);
        let service = shown
            .service(&lead.service)
            .map(|service| service.title.as_str());
        let blanks = Blanks {
            business: &self.business.name,
            name: &lead.name,
            service: service.unwrap_or(&lead.service_title),
            link,
        };
        fill(&template, &blanks)
    }
}

fn secrets(vault: &Vault, connection: &Integration<Settings>) -> Option<Secrets> {
    let sealed = connection.secret.as_ref()?;
    let opened = vault.unseal(connection.business, TEXTS, sealed);
    let opened = opened
        .inspect_err(|error| tracing::error!(%error, "the secrets of the carrier"))
        .ok()?;
    serde_json::from_slice(opened.expose_secret()).ok()
}

/// It does not go, and the lead says why.
fn withdraw(
    tx: &mut Tx<'_>,
    claimed: &Delivery,
    lead: Option<&Lead>,
    why: WhyNot,
) -> Result<(), StoreError> {
    let kept = format!("not-{why}");
    let state = match why {
        WhyNot::Booked | WhyNot::Back | WhyNot::StaffHasIt | WhyNot::SwitchedOff => {
            DeliveryState::Withdrawn { why: kept.clone() }
        }
        WhyNot::TooLate | WhyNot::NoHour => DeliveryState::Expired,
        _ => DeliveryState::Refused { why: kept.clone() },
    };
    if !outbox::settle(tx, claimed, &state, 0, Some(&kept))? {
        return Ok(());
    }
    certainly_did_not_go(tx, claimed)?;
    let Some(lead) = lead else {
        return Ok(());
    };
    // A second text that does not go says nothing of the first, which did.
    let texts = delivery::of_lead(tx, lead.business, lead.id)?;
    if !lead.was_texted() && !texts.iter().any(Delivery::is_text_that_went) {
        note(tx, lead, TextNote::Not { why })?;
    } else if why == WhyNot::AlreadyTexted {
        // The one text they get is on the timeline: its place was taken, nothing went wrong.
        return Ok(());
    }
    lead::event(tx, lead, LeadEvent::TextNot, None, json!({ "why": kept }))
}

/// The number's turn is free again, the link is dead, the conversation does not show it.
fn certainly_did_not_go(tx: &mut Tx<'_>, text: &Delivery) -> Result<(), StoreError> {
    text_message::give_back_turn(tx, text)?;
    text_message::did_not_go(tx, text)?;
    resume_link::forget(tx, text.business, text.id)
}

fn note(tx: &mut Tx<'_>, lead: &Lead, note: TextNote) -> Result<(), StoreError> {
    let mut lead = lead.clone();
    lead.text_note = Some(note);
    lead::save(tx, &lead)
}

// After the call.

fn settle_sent(
    tx: &mut Tx<'_>,
    text: &Delivery,
    said: &Result<Says, Trouble>,
) -> Result<(), StoreError> {
    let trouble = match said {
        Ok(says) => {
            integration::accepted(tx, text.business, TEXTS)?;
            return carrier_says(tx, text, says);
        }
        Err(trouble) => trouble,
    };
    if *trouble == Trouble::Credentials {
        note_refused_credentials(tx, text)?;
    }
    let (outcome, why) = outcome(trouble);
    let state = with_its_time(tx, text)?.after(outcome, tx.now(), jitter());
    // A report of the carrier's may have been quicker than its answer.
    if !outbox::settle(tx, text, &state, 0, Some(&why))? {
        return Ok(());
    }
    match &state {
        DeliveryState::Unknown { .. } => became_unknown(tx, text, &why),
        DeliveryState::Due { .. } => planned_again(tx, text, &state),
        _ => refused(tx, text, trouble, &why),
    }
}

fn settle_look(
    tx: &mut Tx<'_>,
    text: &Delivery,
    found: &Result<Option<Says>, Trouble>,
) -> Result<(), StoreError> {
    let found = match found {
        Ok(Some(says)) => return carrier_says(tx, text, says),
        Ok(None) => Found::NotThere,
        Err(_) => Found::CouldNotLook,
    };
    let (state, lookups) =
        with_its_time(tx, text)?.after_look(found, tx.now(), jitter(), CRM_WORKS_FOR);
    outbox::settle(tx, text, &state, lookups, text.why.as_deref())?;
    Ok(())
}

/// We cannot say whether it went: staff see so, and nothing is sent again.
pub(super) fn became_unknown(
    tx: &mut Tx<'_>,
    text: &Delivery,
    why: &str,
) -> Result<(), StoreError> {
    let Some(lead) = lead_of(tx, text)? else {
        return Ok(());
    };
    note(tx, &lead, TextNote::Unknown)?;
    let why = if why == "interrupted" {
        why
    } else {
        "text-unknown"
    };
    lead::event(tx, &lead, LeadEvent::TextNot, None, json!({ "why": why }))
}

fn planned_again(
    tx: &mut Tx<'_>,
    text: &Delivery,
    state: &DeliveryState,
) -> Result<(), StoreError> {
    // Its row and its link stay until the next try: should the carrier report on it after all, it is known.
    match (lead_of(tx, text)?, state.due_at()) {
        (Some(lead), Some(at)) => {
            let planned = TextNote::Planned {
                at,
                night: false,
                there: None,
            };
            note(tx, &lead, planned)
        }
        _ => Ok(()),
    }
}

/// Staff see on every page of the settings that the credentials have to be mended.
fn note_refused_credentials(tx: &mut Tx<'_>, text: &Delivery) -> Result<(), StoreError> {
    let check = Check {
        works: false,
        refused: true,
        said: "text-credentials".into(),
        ..Check::default()
    };
    integration::checked(tx, text.business, TEXTS, &check)
}

/// The carrier will not have it, or it has become too old while we tried.
fn refused(
    tx: &mut Tx<'_>,
    text: &Delivery,
    trouble: &Trouble,
    why: &str,
) -> Result<(), StoreError> {
    certainly_did_not_go(tx, text)?;
    let Some(lead) = lead_of(tx, text)? else {
        return Ok(());
    };
    note(
        tx,
        &lead,
        TextNote::Failed {
            said: why.to_owned(),
        },
    )?;
    lead::event(tx, &lead, LeadEvent::TextNot, None, json!({ "why": why }))?;
    match (trouble, &lead.phone) {
        (Trouble::Refused(wrong), Some(phone)) if wrong.opted_out => {
            opted_out(tx, text.business, phone, opt_out::Source::Carrier, "")
        }
        _ => Ok(()),
    }
}

fn lead_of(tx: &mut Tx<'_>, text: &Delivery) -> Result<Option<Lead>, StoreError> {
    match text.lead {
        Some(lead) => lead::get(tx, text.business, lead),
        None => Ok(None),
    }
}

/// What a trouble means for the delivery, and why, as it is kept.
fn outcome(trouble: &Trouble) -> (Outcome, String) {
    match trouble {
        Trouble::TryLater { after, said } => {
            let why = why::keep("text-later", said);
            let (after, kept) = (*after, why.clone());
            (Outcome::TryLater { after, why }, kept)
        }
        // Ours to mend, and then it goes by itself, if it is not too late by then.
        Trouble::Credentials => {
            let why = why::keep("text-credentials", "");
            let (after, kept) = (None, why.clone());
            (Outcome::TryLater { after, why }, kept)
        }
        Trouble::Refused(wrong) => {
            let why = why::keep(wrong.why, &wrong.said);
            (Outcome::Refused { why: why.clone() }, why)
        }
        Trouble::Unknown { said } => {
            let why = why::keep("text-unknown", said);
            (Outcome::Unknown { why: why.clone() }, why)
        }
    }
}

fn health(trouble: Option<&Trouble>) -> Health {
    match trouble {
        Some(Trouble::TryLater {
            after: Some(after), ..
        }) => Health::Asks(*after),
        Some(Trouble::TryLater { .. } | Trouble::Credentials | Trouble::Unknown { .. }) => {
            Health::Ailing
        }
        _ => Health::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_again_by_its_link_alone() {
        let token = random::token();
        let hash = Sha256::digest(&token);
        let body = format!(
            "Copperline: Hi Ana, finish here: https://book.example/r/{token} Reply STOP to opt out"
        );
        assert!(carries_link(&body, &hash));
        let other = body.replace(&token, &random::token());
        assert!(!carries_link(&other, &hash));
        assert!(!carries_link("no link at all", &hash));
    }
}
