//! Nodes: running servers, which meet only here. A node's row says how long it is to be taken for alive, and
//! which of its lives this is: whatever names an earlier life belongs to nobody. A life is over when the row
//! says a later one, never because somebody's clock says so: who has been away a moment (the database was, or
//! the machine slept) finds its life as it was, unless others have declared it over meanwhile.

use jiff::{SignedDuration, Timestamp};

use ringback_domain::departure::{RESTART_GRACE, RESTART_SILENCE};

use super::page::Owner;
use super::{StoreError, Tx, migrate, sql};
use crate::clock::at_microsecond;

/// A node that has not renewed itself for this long may be declared dead by others.
pub const ALIVE_FOR: SignedDuration = SignedDuration::from_secs(10);

/// The row of a node whose life is over is kept this long, for people and alarms to see.
const OVER_SHOWN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// What became of a life that was to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It goes on.
    Alive,
    /// Others have declared it over and taken what it held.
    DeclaredDead,
    /// Another server lives under the same name.
    NameTaken,
}

/// Begins a new life of the node of this name. Its number is the time in microseconds, or one more than the
/// former: no life has the number of another, even if the row has been forgotten meanwhile.
pub fn begin(tx: &mut Tx<'_>, name: &str) -> Result<Owner, StoreError> {
    let epoch = tx.one(
        sql!(
            "INSERT INTO node (id, epoch, until, knows) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE
             SET epoch = CASE WHEN node.epoch < $2 THEN $2 ELSE node.epoch + 1 END, until = $3, knows = $4, ended = 0
             RETURNING epoch"
        ),
        &[&name, &tx.now(), &(tx.now() + ALIVE_FOR), &migrate::KNOWN],
        |row| row.get("epoch"),
    )?;
    Ok(Owner {
        node: name.to_owned(),
        epoch,
    })
}

/// This life goes on, if it is not over.
pub fn renew(tx: &mut Tx<'_>, owner: &Owner) -> Result<Renewal, StoreError> {
    let now = tx.now();
    let renewed = tx.execute(
        sql!("UPDATE node SET until = $3 WHERE id = $1 AND epoch = $2"),
        &[&owner.node, &owner.epoch, &(now + ALIVE_FOR)],
    )?;
    if renewed == 1 {
        return Ok(Renewal::Alive);
    }
    let somebody: Option<i64> = tx.first(
        sql!("SELECT epoch FROM node WHERE id = $1 AND until > $2"),
        &[&owner.node, &now],
        |row| row.get("epoch"),
    )?;
    Ok(match somebody {
        Some(_) => Renewal::NameTaken,
        None => Renewal::DeclaredDead,
    })
}

/// A planned end: others need not wait.
pub fn end(tx: &mut Tx<'_>, owner: &Owner) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE node SET epoch = epoch + 1, until = $3, ended = 1 WHERE id = $1 AND epoch = $2"
        ),
        &[&owner.node, &owner.epoch, &-tx.now().as_microsecond()],
    )?;
    Ok(())
}

/// The lives of those who have not renewed themselves are over. Returns their names. `until` turns negative, as
/// it does at an orderly end: it still tells when.
pub fn declare_dead(tx: &mut Tx<'_>, owner: &Owner) -> Result<Vec<String>, StoreError> {
    forget(tx)?;
    tx.rows(
        sql!(
            "UPDATE node SET epoch = epoch + 1, until = -until
             WHERE id <> $1 AND until > 0 AND until <= $2 RETURNING id"
        ),
        &[&owner.node, &tx.now()],
        |row| row.get("id"),
    )
}

/// Rows of nodes whose lives are long over go once no line names them: nodes with a new name at every start
/// must not pile up.
fn forget(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let over_before = tx.now() - OVER_SHOWN_FOR;
    tx.execute(
        sql!(
            "DELETE FROM node WHERE until <= 0 AND until > $1
               AND NOT EXISTS (SELECT 1 FROM page WHERE page.node = node.id AND page.line = 'socket')"
        ),
        &[&-over_before.as_microsecond()],
    )?;
    Ok(())
}

/// How many nodes are taken for alive besides this one, and how many of them stand before it: the first one
/// sees to what the dead have left, the others come after it in their order.
pub fn others(tx: &mut Tx<'_>, owner: &Owner) -> Result<Others, StoreError> {
    tx.one(
        sql!(
            "SELECT COUNT(*) AS living, COUNT(CASE WHEN id < $1 THEN 1 END) AS before, MIN(epoch) AS oldest
             FROM node WHERE id <> $1 AND until > $2"
        ),
        &[&owner.node, &tx.now()],
        |row| {
            let oldest: Option<i64> = row.get("oldest")?;
            Ok(Others {
                living: row.get("living")?,
                before: row.get("before")?,
                somebody_since: at_microsecond(oldest.unwrap_or(i64::MAX).min(owner.epoch)),
            })
        },
    )
}

/// The other nodes that live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    /// All of them.
    pub living: i64,
    /// Those whose name comes first.
    pub before: i64,
    /// Since when there has been a node that lives, this one included: the number of a life is the time at
    /// which it began.
    pub somebody_since: Timestamp,
}

impl Others {
    /// Whose signs count now. After a time without any server nobody could tell that they are still there: for
    /// [`RESTART_GRACE`] only those departures are judged that have been noticed since, and for [`RESTART_SILENCE`]
    /// only the silence of those who have been heard since. Nothing is written for it; a server that is ended once
    /// more in that time begins it anew.
    pub fn heard_since(&self, now: Timestamp) -> HeardSince {
        let began = now.duration_since(self.somebody_since);
        // A clock that was set back leaves a beginning that is still to come: it holds nobody up.
        let held = |grace| match (SignedDuration::ZERO..grace).contains(&began) {
            true => self.somebody_since,
            false => Timestamp::UNIX_EPOCH,
        };
        HeardSince {
            departed: held(RESTART_GRACE),
            silent: held(RESTART_SILENCE),
        }
    }
}

/// The earliest signs that count: see [`Others::heard_since`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeardSince {
    /// Of those whose departure has been noticed.
    pub departed: Timestamp,
    /// Of those who are only silent.
    pub silent: Timestamp,
}

/// The nodes whose lives are over, each with the number that is above all of its lives.
pub(super) fn dead(tx: &mut Tx<'_>) -> Result<Vec<Owner>, StoreError> {
    tx.rows(
        sql!("SELECT id, epoch FROM node WHERE until <= 0 ORDER BY id"),
        &[],
        |row| {
            Ok(Owner {
                node: row.get("id")?,
                epoch: row.get("epoch")?,
            })
        },
    )
}

/// How far the clock has jumped back, at the least, since the last life of the node of this name, or since another one
/// renewed itself: nobody can be alive for longer than [`ALIVE_FOR`] from now.
pub fn jumped_back_while_away(
    tx: &mut Tx<'_>,
    name: &str,
) -> Result<Option<SignedDuration>, StoreError> {
    let until: Option<Timestamp> = tx.one(
        sql!("SELECT MAX(ABS(until)) AS until FROM node WHERE id = $1 OR until > 0"),
        &[&name],
        |row| row.get("until"),
    )?;
    let latest = tx.now() + ALIVE_FOR;
    Ok(until
        .filter(|until| *until > latest)
        .map(|until| latest.duration_since(until)))
}
