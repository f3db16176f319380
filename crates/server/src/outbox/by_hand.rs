//! What staff can ask of the outbox: send the booking link of a lead, send no text any more, or texts again, try a
//! delivery once more or all of them, send what is open. The same rules hold; what they forbid is said at once.

use jiff::Timestamp;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus, Planned};
use ringback_domain::follow_up::{self, Circumstances, Ruling, SENDABLE_FOR, TextNote, WhyNot};
use ringback_domain::id::{BusinessId, DeliveryId, StaffId};
use ringback_domain::lead::{Lead, LeadEvent, LeadStatus};
use ringback_domain::opt_out::{Source, carrier_blocks};
use ringback_domain::phone::Phone;
use ringback_domain::session::SessionState;
use serde_json::json;

use super::crm::DISMISSED;
use super::text::About;
use crate::sms::stop::no_more_texts;
use crate::store::integration::SERVICETITAN;
use crate::store::lead::LeadFilter;
use crate::store::{
    Hint, StoreError, Tx, appointment, delivery, integration, lead, opt_out, outbox as rows,
    resume_link, scheduler, session,
};

/// What comes of *Send booking link*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// On its way.
    Planned {
        /// When it goes.
        at: Timestamp,
        /// It waits for the morning.
        night: bool,
        /// For theirs alone: it is day at the business.
        there: bool,
    },
    /// The rules forbid it. Sentence: `why-not-…`.
    Never(WhyNot),
    /// One is on its way already.
    AlreadyWaiting,
}

/// *Send booking link*, pressed by staff: plans it, or says why not. The rules are asked again when it goes.
pub fn send_link(tx: &mut Tx<'_>, lead: &Lead, by: StaffId) -> Result<ByHand, StoreError> {
    let waiting = delivery::of_lead(tx, lead.business, lead.id)?;
    let on_its_way = |d: &Delivery| {
        use DeliveryStatus::{Claimed, Due, Sending};
        d.kind == DeliveryKind::TextLink && matches!(d.status, Due | Claimed | Sending)
    };
    if waiting.iter().any(on_its_way) {
        return Ok(ByHand::AlreadyWaiting);
    }
    let about = About::of_lead(tx, lead)?;
    let circumstances = match circumstances(tx, &about, lead)? {
        Ok(circumstances) => circumstances,
        Err(why) => return Ok(ByHand::Never(why)),
    };
    let at = match follow_up::rule(&circumstances, tx.now()) {
        Ruling::Never(why) => return Ok(ByHand::Never(why)),
        Ruling::NotBefore(at) => at,
        Ruling::Send { .. } => tx.now(),
    };
    let note = circumstances.planned(tx.now());
    let planned = Planned {
        kind: DeliveryKind::TextLink,
        due_at: at,
        expires_at: lead.stamps.left_at + SENDABLE_FOR,
    };
    let mut session = about.session().clone();
    session.lead = Some(lead.id);
    delivery::plan(tx, &session, None, planned, Some(by))?;
    let night = at > tx.now();
    let there = matches!(&note, TextNote::Planned { there, .. } if there.is_some());
    let mut lead = lead.clone();
    lead.text_note = Some(note);
    lead::save(tx, &lead)?;
    lead::event(tx, &lead, LeadEvent::LinkAsked, Some(by), json!({}))?;
    Ok(ByHand::Planned { at, night, there })
}

/// A link for a text that staff send from their own phone. The text is theirs, so neither hours nor caps are asked;
/// who has booked or said STOP gets none. Returns why not.
pub fn own_link(
    tx: &mut Tx<'_>,
    lead: &Lead,
    token_hash: &[u8],
) -> Result<Result<(), WhyNot>, StoreError> {
    let Some(phone) = lead.phone.as_deref() else {
        return Ok(Err(WhyNot::NoPhone));
    };
    if lead.state.status() == LeadStatus::Recovered {
        return Ok(Err(WhyNot::Booked));
    }
    if opt_out::is_out(tx, lead.business, phone)? {
        return Ok(Err(WhyNot::OptedOut));
    }
    resume_link::give(tx, lead, token_hash).map(Ok)
}

/// They told staff that they want no texts, by phone say. Returns false where there is no number, or texts are off
/// already.
pub fn no_texts(tx: &mut Tx<'_>, lead: &Lead, by: StaffId) -> Result<bool, StoreError> {
    let Some(phone) = lead.phone.as_deref() else {
        return Ok(false);
    };
    if opt_out::is_out(tx, lead.business, phone)? {
        return Ok(false);
    }
    no_more_texts(tx, lead.business, phone, Source::Staff, "")?;
    let source = json!({ "source": Source::Staff });
    lead::event(tx, lead, LeadEvent::OptedOut, Some(by), source)?;
    Ok(true)
}

/// What comes of *Wants texts again*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Written down.
    Welcome,
    /// They may be texted as it is.
    NotOut,
    /// The carrier would not send, whatever we write down: only they can lift that, with START.
    CarrierBlocks,
}

/// They told staff that they want texts after all, or never meant to stop them; `said` is the proof. The box they
/// ticked is asked for as ever.
pub fn texts_again(
    tx: &mut Tx<'_>,
    lead: &Lead,
    by: StaffId,
    said: &str,
) -> Result<Again, StoreError> {
    let Some(phone) = lead.phone.as_deref() else {
        return Ok(Again::NotOut);
    };
    let lines = opt_out::lines(tx, lead.business, phone)?;
    if !lines.first().is_some_and(|line| line.opted_out) {
        return Ok(Again::NotOut);
    }
    if carrier_blocks(&lines) {
        return Ok(Again::CarrierBlocks);
    }
    opt_out::note(tx, lead.business, phone, false, Source::Staff, said)?;
    let detail = json!({ "note": said });
    lead::event(tx, lead, LeadEvent::OptedIn, Some(by), detail)?;
    Ok(Again::Welcome)
}

/// What the rules would say of a link by hand now; for a button that says beforehand why it is off.
pub fn ask(tx: &mut Tx<'_>, lead: &Lead) -> Result<Ruling, StoreError> {
    let about = About::of_lead(tx, lead)?;
    Ok(match circumstances(tx, &about, lead)? {
        Ok(circumstances) => follow_up::rule(&circumstances, tx.now()),
        Err(why) => Ruling::Never(why),
    })
}

/// What the rules ask of a link by hand; why not, when there is no number to ask about.
fn circumstances(
    tx: &mut Tx<'_>,
    about: &About,
    lead: &Lead,
) -> Result<Result<Circumstances, WhyNot>, StoreError> {
    let Some(phone) = lead.phone.as_deref().and_then(Phone::from_e164) else {
        return Ok(Err(WhyNot::NoPhone));
    };
    let none_yet = DeliveryId::new(0);
    let asked = about.circumstances(tx, DeliveryKind::TextLink, lead, &phone, none_yet)?;
    Ok(Ok(asked))
}

/// Which of these deliveries of one request, oldest first, staff may ask for once more. None while a later one is on
/// its way.
pub fn to_retry(deliveries: &[Delivery]) -> Option<&Delivery> {
    let newest = deliveries
        .iter()
        .rfind(|delivery| may_retry(delivery) || is_on_its_way(delivery));
    newest.filter(|delivery| may_retry(delivery) && delivery.why.is_some())
}

/// It certainly had no effect, and is no text that the rules forbade (those are asked anew by *Send booking link*).
fn may_retry(delivery: &Delivery) -> bool {
    use DeliveryStatus::{Due, Expired, Refused};
    !delivery.kind.is_text() && matches!(delivery.status, Due | Refused | Expired)
}

/// A record that may still be made.
fn is_on_its_way(delivery: &Delivery) -> bool {
    !delivery.kind.is_text() && delivery.due_at.is_some()
}

/// What comes of *Try again*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is due.
    Again,
    /// A later record of the same request is on its way, or ServiceTitan may be making it: both would stand there.
    Waits,
    /// It stands otherwise by now.
    Otherwise,
}

/// Tries a delivery once more, at once.
pub fn retry(tx: &mut Tx<'_>, business: BusinessId, id: DeliveryId) -> Result<Retry, StoreError> {
    let Some(delivery) = rows::get(tx, business, id)?.filter(may_retry) else {
        return Ok(Retry::Otherwise);
    };
    // Whoever waits anyway has kept the later ones back.
    if delivery.status != DeliveryStatus::Due && later_is_on_its_way(tx, &delivery)? {
        return Ok(Retry::Waits);
    }
    let expires_at = tx.now() + delivery.kind.lives_for();
    let again = rows::due_again(tx, &delivery, expires_at)?;
    tx.hint(Hint::Deliveries);
    Ok(if again {
        Retry::Again
    } else {
        Retry::Otherwise
    })
}

fn later_is_on_its_way(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<bool, StoreError> {
    let session = session::get(tx, delivery.business, delivery.session)?;
    let mut theirs = delivery::of_session(tx, &session)?;
    if let Some(lead) = delivery.lead {
        theirs.extend(delivery::of_lead(tx, delivery.business, lead)?);
    }
    let mut later = theirs.iter().filter(|other| other.id > delivery.id);
    Ok(later.any(is_on_its_way))
}

/// How much one press sends.
const AT_ONCE: i64 = 500;

/// *Try all again*: what ServiceTitan has not taken of leads to be worked and of appointments to come. Returns how
/// many.
pub fn retry_not_taken(tx: &mut Tx<'_>, business: BusinessId) -> Result<usize, StoreError> {
    let mut again = 0;
    for delivery in rows::not_taken(tx, business, AT_ONCE)? {
        again += usize::from(retry(tx, business, delivery.id)? == Retry::Again);
    }
    Ok(again)
}

/// ServiceTitan was connected later: plans a record for what is open and has none on its way: leads to be worked, of
/// schedulers that send at all, and appointments to come. Returns how many.
pub fn send_open(tx: &mut Tx<'_>, business: BusinessId, by: StaffId) -> Result<usize, StoreError> {
    if !integration::connected(tx, business, SERVICETITAN)? {
        return Ok(0);
    }
    let open = LeadFilter {
        states: vec![LeadStatus::New, LeadStatus::Claimed, LeadStatus::Contacted],
        limit: AT_ONCE,
        ..LeadFilter::default()
    };
    let mut planned = 0;
    for lead in lead::list(tx, business, &open)? {
        let theirs = delivery::of_lead(tx, business, lead.id)?;
        let has_one = theirs
            .iter()
            .any(|d| d.kind == DeliveryKind::CrmAbandoned && d.status != DeliveryStatus::Withdrawn);
        planned += usize::from(!has_one && send_lead(tx, &lead, by)?);
    }
    for unsent in appointment::unsent(tx, business, AT_ONCE)? {
        let session = session::get(tx, business, unsent.session)?;
        let booked = now(tx, DeliveryKind::CrmBooked);
        delivery::plan(tx, &session, Some(unsent.id), booked, Some(by))?;
        planned += 1;
    }
    Ok(planned)
}

/// A dismissed lead is to be worked again: what its dismissal withdrew goes after all.
pub fn send_reopened(tx: &mut Tx<'_>, lead: &Lead, by: StaffId) -> Result<(), StoreError> {
    let theirs = delivery::of_lead(tx, lead.business, lead.id)?;
    let newest = theirs
        .iter()
        .rfind(|d| d.kind == DeliveryKind::CrmAbandoned);
    let withdrawn = newest.is_some_and(|d| {
        d.status == DeliveryStatus::Withdrawn && d.why.as_deref() == Some(DISMISSED)
    });
    if withdrawn && lead.state.is_live() && integration::connected(tx, lead.business, SERVICETITAN)?
    {
        send_lead(tx, lead, by)?;
    }
    Ok(())
}

/// Plans the record of a lead; false where its person is back, or its scheduler sends none.
fn send_lead(tx: &mut Tx<'_>, lead: &Lead, by: StaffId) -> Result<bool, StoreError> {
    let scheduler = scheduler::get(tx, lead.business, lead.scheduler)?;
    let session = session::get(tx, lead.business, lead.session)?;
    let left = matches!(session.state, SessionState::Abandoned { .. });
    if !left || scheduler.settings.sync.send.delay().is_none() {
        return Ok(false);
    }
    let record = now(tx, DeliveryKind::CrmAbandoned);
    delivery::plan(tx, &session, None, record, Some(by))?;
    Ok(true)
}

fn now(tx: &Tx<'_>, kind: DeliveryKind) -> Planned {
    Planned {
        kind,
        due_at: tx.now(),
        expires_at: tx.now() + kind.lives_for(),
    }
}
