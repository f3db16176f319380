//! Links in texts. Only the SHA-256 of a token is here: the token itself lives in the text alone.

use jiff::Timestamp;
use ringback_domain::delivery::Delivery;
use ringback_domain::follow_up::LINK_LIVES_FOR;
use ringback_domain::id::{BusinessId, DeliveryId, LeadId, SessionId};
use ringback_domain::lead::Lead;

use super::{StoreError, Tx, sql};

/// A link that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeLink {
    /// Whose scheduler it leads to.
    pub business: BusinessId,
    /// The one session it opens.
    pub session: SessionId,
    /// Of which lead.
    pub lead: Option<LeadId>,
    /// Dead from then on.
    pub until: Timestamp,
    /// When a person first went on (a POST; previews only GET).
    pub opened_at: Option<Timestamp>,
}

/// Keeps the hash of a link's token, in the transaction that puts its text on the wire. A link of an earlier
/// attempt of the same delivery, which certainly did not go, is forgotten.
pub fn mint(tx: &mut Tx<'_>, delivery: &Delivery, token_hash: &[u8]) -> Result<(), StoreError> {
    forget(tx, delivery.business, delivery.id)?;
    let Delivery {
        business,
        session,
        lead,
        id,
        ..
    } = *delivery;
    keep(tx, token_hash, business, session, lead, id)
}

/// Keeps the hash of a link that staff send from their own phone: it goes in no delivery of ours.
pub fn give(tx: &mut Tx<'_>, lead: &Lead, token_hash: &[u8]) -> Result<(), StoreError> {
    let (session, id) = (lead.session, Some(lead.id));
    keep(
        tx,
        token_hash,
        lead.business,
        session,
        id,
        DeliveryId::new(0),
    )
}

fn keep(
    tx: &mut Tx<'_>,
    token_hash: &[u8],
    business: BusinessId,
    session: SessionId,
    lead: Option<LeadId>,
    delivery: DeliveryId,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO resume_link (token_hash, business_id, session_id, lead_id, delivery_id, created_at, until)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        &[
            &token_hash,
            &business,
            &session,
            &lead,
            &delivery,
            &tx.now(),
            &(tx.now() + LINK_LIVES_FOR),
        ],
    )?;
    Ok(())
}

/// The link of a delivery that did not go after all.
pub fn forget(
    tx: &mut Tx<'_>,
    business: BusinessId,
    delivery: DeliveryId,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM resume_link WHERE business_id = $1 AND delivery_id = $2"),
        &[&business, &delivery],
    )?;
    Ok(())
}

/// The link behind a token, also a dead one; a directory query. Looking has no effect.
pub fn find(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<Option<ResumeLink>, StoreError> {
    tx.first(
        sql!("SELECT * FROM resume_link WHERE token_hash = $1"),
        &[&token_hash],
        |row| {
            Ok(ResumeLink {
                business: row.get("business_id")?,
                session: row.get("session_id")?,
                lead: row.get("lead_id")?,
                until: row.get("until")?,
                opened_at: row.get("opened_at")?,
            })
        },
    )
}

/// A person went on; true the first time.
pub fn opened(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<bool, StoreError> {
    let first = tx.execute(
        sql!("UPDATE resume_link SET opened_at = $2 WHERE token_hash = $1 AND opened_at IS NULL"),
        &[&token_hash, &tx.now()],
    )?;
    Ok(first == 1)
}

/// The hash of a delivery's link, for finding its text at the carrier.
pub fn hash_of(
    tx: &mut Tx<'_>,
    business: BusinessId,
    delivery: DeliveryId,
) -> Result<Option<Vec<u8>>, StoreError> {
    tx.first(
        sql!("SELECT token_hash FROM resume_link WHERE business_id = $1 AND delivery_id = $2"),
        &[&business, &delivery],
        |row| row.get("token_hash"),
    )
}

/// Whether a person has come to this session by a link.
pub fn was_opened(
    tx: &mut Tx<'_>,
    business: BusinessId,
    session: SessionId,
) -> Result<bool, StoreError> {
    let opened: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM resume_link
             WHERE business_id = $1 AND session_id = $2 AND opened_at IS NOT NULL"
        ),
        &[&business, &session],
        |row| row.get("one"),
    )?;
    Ok(opened.is_some())
}
