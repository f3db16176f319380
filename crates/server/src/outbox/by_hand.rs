//! What staff can ask of the outbox: send the booking link of a lead, try a delivery once more. The same
//! rules hold; what they forbid is said at once.

use jiff::Timestamp;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus, Planned};
use ringback_domain::follow_up::{self, Ruling, SENDABLE_FOR, TextNote, WhyNot};
use ringback_domain::id::{BusinessId, DeliveryId, StaffId};
use ringback_domain::lead::{Lead, LeadStatus};
use ringback_domain::phone::Phone;
use ringback_domain::session::SessionState;

use super::text::About;
use crate::store::integration::SERVICETITAN;
use crate::store::lead::LeadFilter;
use crate::store::{
    Hint, StoreError, Tx, delivery, integration, lead, outbox as rows, scheduler, session,
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
    let at = match ask(tx, lead)? {
        Ruling::Never(why) => return Ok(ByHand::Never(why)),
        Ruling::NotBefore(at) => at,
        Ruling::Send => tx.now(),
    };
    let planned = Planned {
        kind: DeliveryKind::TextLink,
        due_at: at,
        expires_at: lead.stamps.left_at + SENDABLE_FOR,
    };
    let about = About::of_lead(tx, lead)?;
    let mut session = about.session().clone();
    session.lead = Some(lead.id);
    delivery::plan(tx, &session, None, planned, Some(by))?;
    let night = at > tx.now();
    let mut lead = lead.clone();
    lead.text_note = Some(TextNote::Planned { at, night });
    lead::save(tx, &lead)?;
    Ok(ByHand::Planned { at, night })
}

/// What the rules would say of a link by hand now; for a button that says beforehand why it is off.
pub fn ask(tx: &mut Tx<'_>, lead: &Lead) -> Result<Ruling, StoreError> {
    let Some(phone) = lead.phone.as_deref().and_then(Phone::from_e164) else {
        return Ok(Ruling::Never(WhyNot::NoPhone));
    };
    let about = About::of_lead(tx, lead)?;
    let none_yet = DeliveryId::new(0);
    let circumstances = about.circumstances(tx, DeliveryKind::TextLink, lead, &phone, none_yet)?;
    Ok(follow_up::rule(&circumstances, tx.now()))
}

/// Whether staff may ask for this delivery once more: it certainly had no effect, and is no text that the
/// rules forbade (those are asked anew by *Send booking link*).
pub fn may_retry(delivery: &Delivery) -> bool {
    use DeliveryStatus::{Due, Expired, Refused};
    !delivery.kind.is_text() && matches!(delivery.status, Due | Refused | Expired)
}

/// Tries a delivery once more, at once. False when it stands otherwise by now.
pub fn retry(tx: &mut Tx<'_>, business: BusinessId, id: DeliveryId) -> Result<bool, StoreError> {
    let Some(delivery) = rows::get(tx, business, id)?.filter(may_retry) else {
        return Ok(false);
    };
    let expires_at = tx.now() + delivery.kind.lives_for();
    let again = rows::due_again(tx, &delivery, expires_at)?;
    tx.hint(Hint::Deliveries);
    Ok(again)
}

/// How many open leads one press sends.
const OPEN_LEADS_AT_ONCE: i64 = 500;

/// ServiceTitan was connected later: plans a record for every open lead that has none on its way, of
/// schedulers that send at all. Returns how many.
pub fn send_open_leads(
    tx: &mut Tx<'_>,
    business: BusinessId,
    by: StaffId,
) -> Result<usize, StoreError> {
    if !integration::connected(tx, business, SERVICETITAN)? {
        return Ok(0);
    }
    let open = LeadFilter {
        states: vec![LeadStatus::New, LeadStatus::Claimed, LeadStatus::Contacted],
        limit: OPEN_LEADS_AT_ONCE,
        ..LeadFilter::default()
    };
    let mut planned = 0;
    for lead in lead::list(tx, business, &open)? {
        let settings = scheduler::get(tx, business, lead.scheduler)?.settings;
        let theirs = delivery::of_lead(tx, business, lead.id)?;
        let has_one = theirs
            .iter()
            .any(|d| d.kind == DeliveryKind::CrmAbandoned && d.status != DeliveryStatus::Withdrawn);
        let session = session::get(tx, business, lead.session)?;
        let left = matches!(session.state, SessionState::Abandoned { .. });
        if has_one || !left || settings.sync.send.delay().is_none() {
            continue;
        }
        let kind = DeliveryKind::CrmAbandoned;
        let record = Planned {
            kind,
            due_at: tx.now(),
            expires_at: tx.now() + kind.lives_for(),
        };
        delivery::plan(tx, &session, None, record, Some(by))?;
        planned += 1;
    }
    Ok(planned)
}
