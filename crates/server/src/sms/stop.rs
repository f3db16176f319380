//! A number says STOP: into the ledger, what waits for it is withdrawn, and it is acknowledged once nothing to it is
//! on the wire.

use std::time::{Duration, Instant};

use ringback_domain::follow_up::{TextNote, WhyNot};
use ringback_domain::id::BusinessId;
use ringback_domain::lead::LeadEvent;
use serde_json::json;

use crate::app::App;
use crate::store::{StoreError, Tx, lead, opt_out, outbox};

/// How long a STOP waits for what is on the wire. Twilio gives up on an answer after 15 s and comes again:
/// <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>.
const WIRE_PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A number says STOP, itself or through the carrier: no more texts, and its newest request says so.
pub fn opted_out(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    source: opt_out::Source,
    said: &str,
) -> Result<(), StoreError> {
    no_more_texts(tx, business, phone, source, said)?;
    // Newest first: the request that people are looking at.
    let latest = lead::of_person(tx, business, phone, "")?.into_iter().next();
    match latest {
        Some(lead) => lead::event(
            tx,
            &lead,
            LeadEvent::OptedOut,
            None,
            json!({ "source": source }),
        ),
        None => Ok(()),
    }
}

/// Into the ledger, and nothing waiting goes to the number, of whatever lead. One transaction.
pub fn no_more_texts(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    source: opt_out::Source,
    said: &str,
) -> Result<(), StoreError> {
    opt_out::note(tx, business, phone, true, source, said)?;
    for id in outbox::withdraw_texts_to(tx, business, phone, "not-opted_out")? {
        if let Some(mut lead) = lead::get(tx, business, id)? {
            let why = WhyNot::OptedOut;
            lead.text_note = Some(TextNote::Not { why });
            lead::save(tx, &lead)?;
        }
    }
    Ok(())
}

/// A STOP, or what staff were told on the phone, is acknowledged when no text to its number is on the wire any more:
/// what was put there before it may still be on its way to the carrier, and whoever has been told that it holds must
/// not see it tried afterwards. Nor while one is claimed: made and claimed while the STOP was noted, it may not have seen
/// it. The STOP stands in the ledger already, so a call that takes too long does not keep the carrier waiting.
pub async fn no_text_going(
    app: &App,
    businesses: &[BusinessId],
    phone: &str,
) -> Result<(), StoreError> {
    let until = Instant::now() + WIRE_PATIENCE;
    loop {
        let (businesses, phone) = (businesses.to_vec(), phone.to_owned());
        let sending = app.store.read(move |tx| {
            businesses.iter().try_fold(false, |sending, business| {
                Ok(sending || outbox::is_text_going(tx, *business, &phone)?)
            })
        });
        if !sending.await? || Instant::now() >= until {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
