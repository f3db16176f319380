//! What grows has a bound: rows past their keeping are deleted, a batch at a time, across businesses.
//!
//! What bounds each table:
//!
//! - `pruner`: one row.
//! - `node`: servers that have been away for a month are forgotten.
//! - `business`, `staff`, `scheduler`, `integration`, `api_key`: made by hand, as many as people make.
//! - `sign_in`, `password_link`: go when they end.
//! - `setup_link`: goes when it ends; the one that was used stays.
//! - `session`: forgotten after a month when it became neither a lead nor an appointment, else it goes after them.
//! - `session_token`: a month, as long as the cookie lives; the newest few of a session (`store/session.rs`).
//! - `page`: a month; while somebody is there, what went within the hour (`store/page.rs`).
//! - `consent`, `lead`, `crm_record`, `text_message`, `appointment`: the business's records, kept for `RECORDS`.
//! - `lead_event`: goes with its lead.
//! - `person`: written to put two at once in order; a day later it says nothing.
//! - `delivery`: kept for `DELIVERIES` once it is settled; the newest of all stays.
//! - `resume_link`: a month after it ended.
//! - `text_cap`: says nothing a week later.
//! - `opt_out`: a STOP has no end. A START kept for `RECORDS` goes, with all that it ended; so do older lines
//!   of a number that says something new (`store/opt_out.rs`).
//! - `place`: a week after its time; holds go with their appointment when they run out.
//! - `task`: goes with its lead; a finished one without a lead is kept for `RECORDS`.

use jiff::{SignedDuration, Timestamp};
use ringback_domain::id::BusinessId;

use super::{StoreError, Tx, sql};

/// The business's records: five years, as 16 CFR 310.5 asks of consents and of what was sent on them, and one
/// more. They outlive what they allowed or forbade.
pub(super) const RECORDS: SignedDuration = days(6 * 365);
/// A session outlives its lead and its appointment, which point to it: they end at most a year after it began.
const SESSIONS: SignedDuration = days(7 * 365 + 60);
/// A session that became neither a lead nor an appointment; also as long as the cookie of a session lives.
const FORGOTTEN: SignedDuration = days(30);
/// A settled delivery is kept this long for people to look at; its outcome stays on the lead's timeline.
const DELIVERIES: SignedDuration = days(90);
/// What only has to be there for a moment, with room to spare.
const A_WEEK: SignedDuration = days(7);
const A_DAY: SignedDuration = days(1);

const fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

/// The time by which rows are past their keeping, never later than the clock's. It is kept, and goes no further than
/// `reach`, or not on at all where there is none: a clock that is years ahead is not believed at once.
pub fn time(tx: &mut Tx<'_>, reach: Option<Timestamp>) -> Result<Timestamp, StoreError> {
    let now = tx.now();
    let Some(kept) = kept_time(tx)? else {
        return Ok(now);
    };
    let at = reach.map_or(kept, |reach| kept.max(reach)).min(now);
    tx.execute(
        sql!(
            "INSERT INTO pruner (id, at) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET at = $1 WHERE pruner.at < $1"
        ),
        &[&at],
    )?;
    Ok(at)
}

/// Where it stood last; at first, where the newest session does. Nothing where nobody has come yet.
pub(super) fn kept_time(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let kept = tx.first(sql!("SELECT at FROM pruner WHERE id = 1"), &[], |row| {
        row.get("at")
    })?;
    if kept.is_some() {
        return Ok(kept);
    }
    tx.first(
        sql!("SELECT created_at FROM session WHERE id = (SELECT MAX(id) FROM session)"),
        &[],
        |row| row.get("created_at"),
    )
}

/// Deletes what is past its keeping at that [`time`], at most `limit` rows of each kind; returns how many in all.
///
/// Where every old row goes, only the `oldest` rows are looked at, in the order they were written; elsewhere an
/// index finds what goes. So a look costs the same however much is kept.
pub fn prune(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let kinds = [
        (
            sql!(
                "DELETE FROM session WHERE id IN (
                     SELECT id FROM session WHERE created_at < $1 AND state = 'lapsed' AND lead_id IS NULL
                     ORDER BY created_at LIMIT $2)"
            ),
            now - FORGOTTEN,
        ),
        (
            sql!(
                "DELETE FROM session_token WHERE token_hash IN (
                     SELECT token_hash FROM (SELECT token_hash, created_at FROM session_token
                                             ORDER BY session_id LIMIT $2) AS oldest WHERE created_at < $1)"
            ),
            now - FORGOTTEN,
        ),
        (
            sql!(
                "DELETE FROM page WHERE (session_id, page) IN (
                     SELECT session_id, page FROM (SELECT session_id, page, seen_at FROM page
                                                   ORDER BY session_id, page LIMIT $2) AS oldest WHERE seen_at < $1)"
            ),
            now - FORGOTTEN,
        ),
        (
            // The newest one stays: SQLite would give its id again, and texts are known by it.
            sql!(
                "DELETE FROM delivery WHERE id IN (
                     SELECT id FROM (SELECT id, settled_at, due_at FROM delivery ORDER BY id LIMIT $2) AS oldest
                     WHERE settled_at < $1 AND due_at IS NULL) AND id < (SELECT MAX(id) FROM delivery)"
            ),
            now - DELIVERIES,
        ),
        (
            sql!(
                "DELETE FROM lead WHERE id IN (
                     SELECT id FROM (SELECT id, left_at FROM lead ORDER BY id LIMIT $2) AS oldest WHERE left_at < $1)"
            ),
            now - RECORDS,
        ),
        (
            sql!(
                "DELETE FROM appointment WHERE id IN (
                     SELECT id FROM (SELECT id, window_end FROM appointment ORDER BY id LIMIT $2) AS oldest
                     WHERE window_end < $1)"
            ),
            now - RECORDS,
        ),
        (
            sql!(
                "DELETE FROM crm_record WHERE id IN (
                     SELECT id FROM (SELECT id, updated_at FROM crm_record ORDER BY id LIMIT $2) AS oldest
                     WHERE updated_at < $1)"
            ),
            now - RECORDS,
        ),
        (
            sql!(
                "DELETE FROM text_message WHERE id IN (
                     SELECT id FROM (SELECT id, at FROM text_message ORDER BY id LIMIT $2) AS oldest WHERE at < $1)"
            ),
            now - RECORDS,
        ),
        (
            sql!(
                "DELETE FROM consent WHERE id IN (
                     SELECT id FROM (SELECT id, at FROM consent ORDER BY id LIMIT $2) AS oldest WHERE at < $1)"
            ),
            now - RECORDS,
        ),
        (
            sql!(
                "DELETE FROM session WHERE id IN (
                     SELECT id FROM (SELECT id, created_at FROM session ORDER BY id LIMIT $2) AS oldest
                     WHERE created_at < $1)"
            ),
            now - SESSIONS,
        ),
        (
            // By id: a STOP never outlives the START that ended it.
            sql!(
                "DELETE FROM opt_out WHERE id IN (
                     SELECT said.id FROM opt_out AS start JOIN opt_out AS said
                         ON said.business_id = start.business_id AND said.phone = start.phone AND said.id <= start.id
                     WHERE start.opted_out = 0 AND start.at < $1 ORDER BY said.id LIMIT $2)"
            ),
            now - RECORDS,
        ),
        (
            sql!("DELETE FROM task WHERE id IN (SELECT id FROM task WHERE done_at < $1 ORDER BY done_at LIMIT $2)"),
            now - RECORDS,
        ),
        (
            sql!(
                "DELETE FROM person WHERE (business_id, who) IN (
                     SELECT business_id, who FROM person WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)"
            ),
            now - A_DAY,
        ),
        (
            sql!(
                "DELETE FROM text_cap WHERE (business_id, phone) IN (
                     SELECT business_id, phone FROM text_cap WHERE last_at < $1 ORDER BY last_at LIMIT $2)"
            ),
            now - A_WEEK,
        ),
        (
            sql!(
                "DELETE FROM resume_link WHERE token_hash IN (
                     SELECT token_hash FROM resume_link WHERE until < $1 ORDER BY until LIMIT $2)"
            ),
            now - FORGOTTEN,
        ),
        (
            sql!(
                "DELETE FROM sign_in WHERE token_hash IN (
                     SELECT token_hash FROM sign_in WHERE until < $1 ORDER BY until LIMIT $2)"
            ),
            now,
        ),
        (
            sql!(
                "DELETE FROM password_link WHERE token_hash IN (
                     SELECT token_hash FROM password_link WHERE until < $1 LIMIT $2)"
            ),
            now,
        ),
        (
            sql!(
                "DELETE FROM setup_link WHERE token_hash IN (
                     SELECT token_hash FROM setup_link WHERE until < $1 AND used_at IS NULL LIMIT $2)"
            ),
            now,
        ),
        (
            // Negative where the life is over: it tells when all the same.
            sql!(
                "DELETE FROM node WHERE id IN (
                     SELECT id FROM node WHERE ABS(until) < $1
                         AND NOT EXISTS (SELECT 1 FROM page WHERE page.line = 'socket' AND page.node = node.id)
                     LIMIT $2)"
            ),
            now - FORGOTTEN,
        ),
    ];
    let mut deleted = 0;
    for (delete, before) in kinds {
        deleted += tx.execute(delete, &[&before, &limit])?;
    }
    Ok(deleted)
}

/// Deletes a business's places whose time is long over, at most `limit`; returns how many.
pub fn places(
    tx: &mut Tx<'_>,
    business: BusinessId,
    now: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    let quarter = (now - A_WEEK).as_second().div_euclid(15 * 60);
    tx.execute(
        sql!(
            "DELETE FROM place WHERE business_id = $1 AND (seat, quarter) IN (
                 SELECT seat, quarter FROM place WHERE business_id = $1 AND quarter < $2 ORDER BY quarter LIMIT $3)"
        ),
        &[&business, &quarter, &limit],
    )
}

#[cfg(test)]
mod tests {
    /// The tables that the files of `migrations/` make, in a dialect.
    fn tables() -> Vec<&'static str> {
        let files = [
            include_str!("../../../../migrations/sqlite/0001_first.sql"),
            include_str!("../../../../migrations/sqlite/0002_bounds.sql"),
            include_str!("../../../../migrations/sqlite/0008_pruner.sql"),
        ];
        let made = files
            .into_iter()
            .flat_map(|file| file.split("CREATE TABLE ").skip(1));
        made.map(|rest| rest.split(' ').next().unwrap()).collect()
    }

    #[test]
    fn every_table_says_what_bounds_it() {
        let said: Vec<&str> = include_str!("prune.rs")
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .filter_map(|line| line.strip_prefix("//! - ")?.split_once(": "))
            .flat_map(|(tables, _)| tables.split(", "))
            .map(|table| table.trim_matches('`'))
            .collect();
        let tables = tables();
        assert!(tables.contains(&"session"), "the search finds tables");
        for table in &tables {
            assert!(said.contains(table), "what bounds {table}?");
        }
        for table in said {
            assert!(tables.contains(&table), "there is no {table}");
        }
    }
}
