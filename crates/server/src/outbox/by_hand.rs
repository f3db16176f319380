//! What staff can ask of the outbox: send the booking link of a lead, try a delivery once more. The same
//! rules hold; what they forbid is said at once.

use jiff::Timestamp;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus, Planned};
use ringback_domain::follow_up::{self, Ruling, SENDABLE_FOR, WhyNot};
use ringback_domain::id::{BusinessId, DeliveryId, StaffId};
use ringback_domain::lead::Lead;
use ringback_domain::phone::Phone;

use super::text::About;
use crate::store::{Hint, StoreError, Tx, delivery, outbox as rows};

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
    Ok(ByHand::Planned {
        at,
        night: at > tx.now(),
    })
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
