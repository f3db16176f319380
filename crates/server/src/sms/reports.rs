//! What is heard of a text: how it stands at the carrier. Heard in its answer, in its reports, in a look-up; in
//! whatever order, and more than once.

use ringback_domain::conversation::TextStatus;
use ringback_domain::delivery::{Delivery, DeliveryState, DeliveryStatus};
use ringback_domain::follow_up::TextNote;
use ringback_domain::lead::LeadEvent;
use serde_json::json;

use super::Says;
use super::stop::opted_out;
use crate::store::{StoreError, Tx, lead, opt_out, outbox, text_message};
use crate::why;

/// The carrier has the text and says how it stands: in its answer, in a report, or when it was looked up.
/// Reports come in any order and more than once.
pub fn carrier_says(tx: &mut Tx<'_>, text: &Delivery, says: &Says) -> Result<(), StoreError> {
    let taken_now = text.status != DeliveryStatus::Done;
    if taken_now {
        let outside_id = says.carrier_id.clone();
        let state = DeliveryState::Done { outside_id };
        let why = says.wrong.as_ref().map(|wrong| wrong.why);
        if !outbox::settle(tx, text, &state, text.lookups, why)? {
            // Not ours any more: whoever has settled it has heard the same.
            return Ok(());
        }
    }
    // Whatever we know of its words: it went, and must not go again.
    let Some(before) = text_message::of_delivery(tx, text)? else {
        return Ok(());
    };
    let status = before.status.after(says.status);
    let moved = status != before.status;
    if !taken_now && !moved {
        return Ok(());
    }
    let wrong = says.wrong.as_ref();
    let error = match (moved || taken_now, wrong) {
        (true, Some(wrong)) => Some(why::keep(wrong.why, &wrong.said)),
        _ => before.error,
    };
    text_message::stands(tx, text, &says.carrier_id, status, error.as_deref())?;
    if wrong.is_some_and(|wrong| wrong.opted_out) {
        opted_out(
            tx,
            text.business,
            &before.phone,
            opt_out::Source::Carrier,
            "",
        )?;
    }
    let lead = match text.lead {
        Some(lead) => lead::get(tx, text.business, lead)?,
        None => None,
    };
    let Some(mut lead) = lead else {
        return Ok(());
    };
    if taken_now {
        lead.stamps.text_sent_at.get_or_insert(tx.now());
        lead.text_note = Some(TextNote::Sent);
        lead::event(tx, &lead, LeadEvent::TextSent, None, json!({}))?;
    }
    match status {
        TextStatus::Delivered => {
            lead.stamps.text_delivered_at.get_or_insert(tx.now());
            lead.text_note = Some(TextNote::Delivered);
            lead::event(tx, &lead, LeadEvent::TextDelivered, None, json!({}))?;
        }
        TextStatus::Undelivered | TextStatus::Failed => {
            let said = error.unwrap_or_else(|| why::keep("text-unreachable", ""));
            lead::event(tx, &lead, LeadEvent::TextNot, None, json!({ "why": said }))?;
            lead.text_note = Some(TextNote::Failed { said });
        }
        _ => {}
    }
    lead::save(tx, &lead)
}
