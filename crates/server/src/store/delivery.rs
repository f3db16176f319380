//! Deliveries as the rest of the house sees them: planned with the change that causes them, withdrawn when
//! they are no longer wanted, listed for people. How they are claimed, sent and settled is in `outbox.rs`.

use ringback_domain::delivery::{Delivery, DeliveryKind, Planned};
use ringback_domain::id::{AppointmentId, BusinessId, DeliveryId, LeadId, StaffId};
use ringback_domain::session::Session;

use super::{Hint, Row, StoreError, Tx, sql};

/// Writes a delivery that follows from a change, in the change's own transaction.
pub fn plan(
    tx: &mut Tx<'_>,
    session: &Session,
    appointment: Option<AppointmentId>,
    planned: Planned,
    by: Option<StaffId>,
) -> Result<DeliveryId, StoreError> {
    let id = tx.insert(
        sql!(
            "INSERT INTO delivery (business_id, kind, session_id, lead_id, appointment_id, state, due_at, fence,
                                   attempt, lookups, expires_at, by_staff, created_at)
             VALUES ($1, $2, $3, $4, $5, 'due', $6, 0, 0, 0, $7, $8, $9) RETURNING id"
        ),
        &[
            &session.business,
            &planned.kind.as_str(),
            &session.id,
            &session.lead,
            &appointment,
            &planned.due_at,
            &planned.expires_at,
            &by,
            &tx.now(),
        ])?;
    tx.hint(if planned.due_at <= tx.now() && !planned.kind.is_text() {
        Hint::Record {
            business: session.business,
        }
    } else {
        Hint::Deliveries
    });
    Ok(id)
}

/// Withdraws what a session and its lead have waiting, of the kinds that `which` names; a lead may have been
/// left in another session before. What is on the wire stays. Returns how many.
pub fn withdraw(
    tx: &mut Tx<'_>,
    session: &Session,
    which: fn(DeliveryKind) -> bool,
    why: &str,
) -> Result<u64, StoreError> {
    let mut withdrawn = 0;
    for kind in DeliveryKind::ALL.iter().filter(|kind| which(**kind)) {
        withdrawn += tx.execute(
            sql!(
                "UPDATE delivery SET state = 'withdrawn', due_at = NULL, why = $4, settled_at = $5
                 WHERE business_id = $1 AND session_id = $2 AND kind = $3 AND state IN ('due', 'claimed')"
            ),
            &[&session.business, &session.id, &kind.as_str(), &why, &tx.now()],
        )?;
        if let Some(lead) = session.lead {
            withdrawn += tx.execute(
                sql!(
                    "UPDATE delivery SET state = 'withdrawn', due_at = NULL, why = $4, settled_at = $5
                     WHERE business_id = $1 AND lead_id = $2 AND kind = $3 AND state IN ('due', 'claimed')"
                ),
                &[&session.business, &lead, &kind.as_str(), &why, &tx.now()],
            )?;
        }
    }
    Ok(withdrawn)
}

/// What a lead's deliveries are, oldest first.
pub fn of_lead(
    tx: &mut Tx<'_>,
    business: BusinessId,
    lead: LeadId,
) -> Result<Vec<Delivery>, StoreError> {
    tx.rows(
        sql!("SELECT * FROM delivery WHERE business_id = $1 AND lead_id = $2 ORDER BY id"),
        &[&business, &lead],
        read,
    )
}

/// What the deliveries of several leads are, oldest first.
pub fn of_leads(
    tx: &mut Tx<'_>,
    business: BusinessId,
    leads: &[LeadId],
) -> Result<Vec<Delivery>, StoreError> {
    let mut found = Vec::new();
    for some in leads.chunks(10) {
        let id = |n: usize| some.get(n).copied().unwrap_or(LeadId::new(0));
        found.extend(tx.rows(
            sql!(
                "SELECT * FROM delivery
                 WHERE business_id = $1 AND lead_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ORDER BY id"
            ),
            &[
                &business, &id(0), &id(1), &id(2), &id(3), &id(4), &id(5), &id(6), &id(7), &id(8), &id(9),
            ],
            read,
        )?);
    }
    Ok(found)
}

/// A session's deliveries, oldest first.
pub fn of_session(tx: &mut Tx<'_>, session: &Session) -> Result<Vec<Delivery>, StoreError> {
    tx.rows(
        sql!("SELECT * FROM delivery WHERE business_id = $1 AND session_id = $2 ORDER BY id"),
        &[&session.business, &session.id],
        read,
    )
}

/// Reads a row with all of a delivery's columns.
pub fn read(row: &Row<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.get("id")?,
        business: row.get("business_id")?,
        kind: row.word("kind")?,
        session: row.get("session_id")?,
        lead: row.get("lead_id")?,
        appointment: row.get("appointment_id")?,
        status: row.word("state")?,
        due_at: row.get("due_at")?,
        fence: row.get("fence")?,
        attempt: row.get("attempt")?,
        lookups: row.get("lookups")?,
        expires_at: row.get("expires_at")?,
        outside_id: row.get("outside_id")?,
        our_id: row.get("our_id")?,
        why: row.get("why")?,
        by: row.get("by_staff")?,
        created_at: row.get("created_at")?,
    })
}
