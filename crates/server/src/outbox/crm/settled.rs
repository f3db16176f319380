//! What became of a call to the CRM, or of a look for it: the delivery settled, the record kept, the lead told, and
//! what follows planned; one transaction.

use jiff::SignedDuration;
use ringback_domain::delivery::{Delivery, DeliveryKind, Found, Outcome, Planned};
use ringback_domain::lead::{Lead, LeadEvent, LeadStatus};
use serde_json::json;

use super::super::{Health, jitter, with_its_time};
use super::Going;
use crate::crm::Trouble;
use crate::crm::record::{Carried, Instead, Look, Ours, Stage};
use crate::crm::servicetitan::Settings;
use crate::store::integration::{self, Check, Integration, SERVICETITAN};
use crate::store::{StoreError, Tx, crm_record, delivery, lead, outbox, session};
use crate::why;

pub(super) fn settle_sent(
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

pub(super) fn settle_look(
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
pub(in crate::outbox) fn trouble(
    tx: &mut Tx<'_>,
    delivery: &Delivery,
    why: &str,
) -> Result<(), StoreError> {
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

pub(super) fn health(trouble: Option<&Trouble>) -> Health {
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
