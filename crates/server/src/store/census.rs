//! Counts over all businesses, for the metrics page and the doctor: numbers and times alone, nothing of
//! anybody. Every count ends at [`MOST`], so that a look costs the same in a bad hour as in a good one.

use jiff::Timestamp;
use ringback_domain::delivery::{DeliveryKind, DeliveryStatus};

use super::{StoreError, Tx, sql};

/// Rows that are counted at the most.
pub const MOST: i64 = 100_000;

/// How much there is, and how long it has waited.
#[derive(Clone, Debug)]
pub struct Census {
    /// When it was taken, by the database's clock.
    pub now: Timestamp,
    /// Deliveries that are not settled.
    pub deliveries: Vec<Waiting>,
    /// Sessions whose time has come and that nobody has judged yet, and since when the oldest has waited.
    pub departures_overdue: (i64, Option<Timestamp>),
    /// Every server that has ever been.
    pub nodes: Vec<Node>,
    /// What the database takes up, in bytes.
    pub database_bytes: i64,
}

/// Deliveries of one kind in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What.
    pub kind: DeliveryKind,
    /// Where they stand.
    pub state: DeliveryStatus,
    /// How many.
    pub number: i64,
    /// Since when the oldest is due (or is to be looked at).
    pub oldest: Timestamp,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// As configured.
    pub name: String,
    /// Which of its lives.
    pub epoch: i64,
    /// Until when it is taken for alive; before 1970 when its life is over.
    pub until: Timestamp,
    /// Its life has ended in good order.
    pub ended: bool,
}

/// Counts.
pub fn take(tx: &mut Tx<'_>) -> Result<Census, StoreError> {
    let now = tx.now();
    let deliveries = tx.rows(
        sql!(
            "SELECT kind, state, COUNT(*) AS number, MIN(due_at) AS oldest
             FROM (SELECT kind, state, due_at FROM delivery WHERE due_at IS NOT NULL ORDER BY due_at LIMIT $1) AS waiting
             GROUP BY kind, state"
        ),
        &[&MOST],
        |row| {
            Ok(Waiting {
                kind: row.word("kind")?,
                state: row.word("state")?,
                number: row.get("number")?,
                oldest: row.get("oldest")?,
            })
        },
    )?;
    let departures_overdue = tx.one(
        sql!(
            "SELECT COUNT(*) AS number, MIN(due_at) AS oldest
             FROM (SELECT due_at FROM session WHERE due_at <= $1 ORDER BY due_at LIMIT $2) AS overdue"
        ),
        &[&now, &MOST],
        |row| Ok((row.get("number")?, row.get("oldest")?)),
    )?;
    let nodes = tx.rows(
        sql!("SELECT id, epoch, until, ended FROM node ORDER BY id"),
        &[],
        |row| {
            Ok(Node {
                name: row.get("id")?,
                epoch: row.get("epoch")?,
                until: row.get("until")?,
                ended: row.get("ended")?,
            })
        },
    )?;
    Ok(Census {
        now,
        deliveries,
        departures_overdue,
        nodes,
        database_bytes: tx.database_bytes()?,
    })
}
