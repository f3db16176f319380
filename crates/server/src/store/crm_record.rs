//! What stands in the CRM for a request, as we know it: which record, under which id of ours, and what it says.

use ringback_domain::id::{BusinessId, LeadId, SessionId};

use super::{StoreError, Tx, sql};
use crate::crm::record::{Ours, Stage};

/// The records of a session's request and of these leads, oldest first. What the session asked for as another lead is
/// another request.
pub fn of_request(
    tx: &mut Tx<'_>,
    business: BusinessId,
    session: SessionId,
    leads: &[LeadId],
) -> Result<Vec<Ours>, StoreError> {
    let mut found: Vec<(i64, Ours)> = tx.rows(
        sql!("SELECT * FROM crm_record WHERE business_id = $1 AND session_id = $2 AND lead_id IS NULL ORDER BY id"),
        &[&business, &session],
        read,
    )?;
    for lead in leads {
        found.extend(tx.rows(
            sql!("SELECT * FROM crm_record WHERE business_id = $1 AND lead_id = $2 ORDER BY id"),
            &[&business, lead],
            read,
        )?);
    }
    found.sort_by_key(|(id, _)| *id);
    found.dedup_by_key(|(id, _)| *id);
    Ok(found.into_iter().map(|(_, ours)| ours).collect())
}

/// Keeps what stands there now.
pub fn keep(
    tx: &mut Tx<'_>,
    business: BusinessId,
    session: SessionId,
    lead: Option<LeadId>,
    ours: &Ours,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO crm_record (business_id, session_id, lead_id, kind, external_id, outside_id, stage,
                                     created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
             ON CONFLICT (business_id, kind, external_id) DO UPDATE SET outside_id = $6, stage = $7, updated_at = $8"
        ),
        &[
            &business,
            &session,
            &lead,
            &ours.kind.as_str(),
            &ours.external_id,
            &ours.outside_id,
            &ours.stage.as_str(),
            &tx.now(),
        ],
    )?;
    Ok(())
}

/// These say "set aside" from now on.
pub fn set_aside(tx: &mut Tx<'_>, business: BusinessId, ours: &[Ours]) -> Result<(), StoreError> {
    for record in ours.iter().filter(|ours| ours.stage == Stage::Abandoned) {
        tx.execute(
            sql!(
                "UPDATE crm_record SET stage = 'dismissed', updated_at = $4
                 WHERE business_id = $1 AND kind = $2 AND external_id = $3"
            ),
            &[
                &business,
                &record.kind.as_str(),
                &record.external_id,
                &tx.now(),
            ],
        )?;
    }
    Ok(())
}

fn read(row: &super::Row<'_>) -> Result<(i64, Ours), StoreError> {
    let ours = Ours {
        kind: row.word("kind")?,
        external_id: row.get("external_id")?,
        outside_id: row.get("outside_id")?,
        stage: row.word("stage")?,
    };
    Ok((row.get("id")?, ours))
}
