//! What moves with a clock that jumps: patience, holds, leases, how long what waits is worth sending, and the day in
//! which a number gets one text. All of it in one transaction, across businesses,
//! and once, however many nodes notice.

use jiff::{SignedDuration, Timestamp};
use ringback_domain::appointment::HELD_FOR;
use ringback_domain::delivery::{CRM_WORKS_FOR, LEASE, lookups_in_vain};
use ringback_domain::follow_up::ONE_PER;
use ringback_domain::jump::SMALLEST_JUMP;

use super::node::ALIVE_FOR;
use super::{StoreError, Tx, sql};

/// What is held for this long at the most is held for somebody who may come back; what waits longer waits for
/// the time of day.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_secs(60);
/// What is on the wire, or is looked for, is looked at again within this time.
const LONGEST_LOOK: SignedDuration = SignedDuration::from_hours(1);

/// Moves by `by` whatever waits for a span of time to pass, for the node of this name, which has noticed. False
/// when there was nothing to do: some node has renewed itself by the present clock, so it has seen to this jump
/// already, or it was we who slept.
///
/// Retries and texts that wait for the time of day stay where they are when the clock jumps forward (their
/// rules are asked again when they go), and come nearer when it jumps back: nothing waits longer than it should.
pub fn follow(tx: &mut Tx<'_>, node: &str, by: SignedDuration) -> Result<bool, StoreError> {
    let now = tx.now();
    let by_us = i64::try_from(by.as_micros()).unwrap_or_default();
    let before = now - by;
    // First, so that another node that has noticed finds it done, or runs into us: a node that follows is alive by the
    // present clock, however long it could not renew itself. Who has begun a life since the jump has not seen to it.
    let moved = tx.execute(
        sql!(
            "UPDATE node SET until = CASE WHEN id = $5 AND until > 0 THEN $4
                                          WHEN until > $3 AND until <= $4 THEN until ELSE until + $1 END
             WHERE (until > $2 OR id = $5 OR $1 < 0 AND until > $4)
             AND NOT EXISTS (SELECT 1 FROM node AS other WHERE other.until > $3 AND other.until <= $4
                             AND (other.epoch <= $2 OR other.epoch > $3))"
        ),
        &[&by_us, &before, &now, &(now + ALIVE_FOR), &node],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    // What has been heard by the new time already, between the jump and our noticing it, stays where it is.
    let (up_to, after) = if by.is_negative() {
        (now - SMALLEST_JUMP, now)
    } else {
        (before, Timestamp::MAX)
    };
    tx.execute(
        sql!(
            "UPDATE session SET due_at = due_at + $1, departed_at = departed_at + $1, touched_at = touched_at + $1,
                    page_requested_at = page_requested_at + $1
             WHERE due_at IS NOT NULL
               AND (COALESCE(departed_at, touched_at) <= $2 OR COALESCE(departed_at, touched_at) > $3)"
        ),
        &[&by_us, &up_to, &after],
    )?;
    tx.execute(
        sql!(
            "UPDATE page SET seen_at = seen_at + $1
             WHERE line = 'post' AND session_id IN (SELECT id FROM session WHERE due_at IS NOT NULL)
               AND (seen_at <= $2 OR seen_at > $3)"
        ),
        &[&by_us, &up_to, &after],
    )?;
    tx.execute(
        sql!(
            "UPDATE appointment SET held_until = held_until + $1
             WHERE held_until IS NOT NULL AND (held_until <= $2 OR held_until > $3)"
        ),
        &[
            &by_us,
            &up_to.checked_add(HELD_FOR).unwrap_or(Timestamp::MAX),
            &after.checked_add(HELD_FOR).unwrap_or(Timestamp::MAX),
        ],
    )?;
    // What the outside may be at work on waits no shorter for a jump, whichever way: it would be asked a second time.
    let last_look = SignedDuration::from_secs(1 << lookups_in_vain(CRM_WORKS_FOR));
    let (soon, looks_after, looks_up_to) = if by.is_negative() {
        (Timestamp::MAX, now + last_look, Timestamp::MAX)
    } else {
        (before + LONGEST_HOLD, Timestamp::MIN, before + LONGEST_LOOK)
    };
    tx.execute(
        sql!(
            "UPDATE delivery SET due_at = due_at + $1
             WHERE due_at <= $2 AND state = 'due'
                OR due_at > $3 AND due_at <= $4 AND state IN ('claimed', 'sending', 'unknown')"
        ),
        &[&by_us, &soon, &looks_after, &looks_up_to],
    )?;
    // A text that its server may still send, also once it has been taken for dead: a STOP waits for it.
    tx.execute(
        sql!(
            "UPDATE delivery SET first_sent_at = first_sent_at + $1
             WHERE due_at IS NOT NULL AND state IN ('sending', 'unknown') AND first_sent_at > $2 AND first_sent_at <= $3"
        ),
        &[&by_us, &(before - LEASE), &before],
    )?;
    tx.execute(
        sql!(
            "UPDATE delivery SET expires_at = expires_at + $1
             WHERE due_at IS NOT NULL AND (created_at <= $2 OR created_at > $3)"
        ),
        &[&by_us, &up_to, &after],
    )?;
    tx.execute(
        sql!(
            "UPDATE text_cap SET last_at = last_at + $1 WHERE last_at > $4 AND (last_at <= $2 OR last_at > $3)"
        ),
        &[&by_us, &up_to, &after, &(before - ONE_PER)],
    )?;
    Ok(true)
}
