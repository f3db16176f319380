//! What grows has a bound: rows past their keeping are deleted, a batch at a time, across businesses.
//!
//! Leads, their timelines, tasks, consents, opt-outs and texts are the business's records and stay until it
//! erases them; consent and opt-out records have to outlive the messages they allowed or forbade
//! (16 CFR 310.5 keeps five years).

use jiff::SignedDuration;

use super::{StoreError, Tx, sql};

/// A session that became neither a lead nor an appointment is forgotten after this.
const SESSIONS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A settled delivery is kept this long for people to look at; its outcome stays on the lead's timeline.
const DELIVERIES: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Deletes what is past its keeping, at most `limit` rows of each kind; returns how many in all.
pub fn prune(tx: &mut Tx<'_>, limit: i64) -> Result<u64, StoreError> {
    let now = tx.now();
    let mut deleted = tx.execute(
        sql!(
            "DELETE FROM session WHERE id IN (
                 SELECT id FROM session WHERE created_at < $1 AND state = 'lapsed' AND lead_id IS NULL
                 ORDER BY created_at LIMIT $2)"
        ),
        &[&(now - SESSIONS), &limit],
    )?;
    deleted += tx.execute(
        sql!(
            "DELETE FROM delivery WHERE id IN (
                 SELECT id FROM delivery WHERE settled_at < $1 AND due_at IS NULL ORDER BY id LIMIT $2)"
        ),
        &[&(now - DELIVERIES), &limit],
    )?;
    deleted += tx.execute(
        sql!("DELETE FROM sign_in WHERE token_hash IN (SELECT token_hash FROM sign_in WHERE until < $1 LIMIT $2)"),
        &[&now, &limit],
    )?;
    deleted += tx.execute(
        sql!(
            "DELETE FROM resume_link WHERE token_hash IN (
                 SELECT token_hash FROM resume_link WHERE until < $1 LIMIT $2)"
        ),
        &[&(now - SESSIONS), &limit],
    )?;
    deleted += tx.execute(
        sql!("DELETE FROM setup_link WHERE until < $1 AND used_at IS NULL"),
        &[&now],
    )?;
    deleted += tx.execute(sql!("DELETE FROM password_link WHERE until < $1"), &[&now])?;
    Ok(deleted)
}
