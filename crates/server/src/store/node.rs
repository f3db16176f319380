//! Nodes: running servers, which meet only here. A node's row says how long it is to be taken for alive, and
//! which of its lives this is: rows that name an earlier life belong to nobody.

use jiff::SignedDuration;

use super::page::Owner;
use super::{StoreError, Tx, sql};

/// A node that has not renewed itself for this long is taken for dead.
pub const ALIVE_FOR: SignedDuration = SignedDuration::from_secs(10);

/// Begins a new life of the node of this name.
pub fn begin(tx: &mut Tx<'_>, name: &str) -> Result<Owner, StoreError> {
    let epoch = tx.one(
        sql!(
            "INSERT INTO node (id, epoch, until) VALUES ($1, 1, $2)
             ON CONFLICT (id) DO UPDATE SET epoch = node.epoch + 1, until = $2 RETURNING epoch"
        ),
        &[&name, &(tx.now() + ALIVE_FOR)],
        |row| row.get("epoch"),
    )?;
    Ok(Owner {
        node: name.to_owned(),
        epoch,
    })
}

/// This life goes on. False when another server has begun a life under the same name: ours is over.
pub fn renew(tx: &mut Tx<'_>, owner: &Owner) -> Result<bool, StoreError> {
    let renewed = tx.execute(
        sql!("UPDATE node SET until = $3 WHERE id = $1 AND epoch = $2"),
        &[&owner.node, &owner.epoch, &(tx.now() + ALIVE_FOR)],
    )?;
    Ok(renewed == 1)
}

/// A planned end: others need not wait.
pub fn end(tx: &mut Tx<'_>, owner: &Owner) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE node SET until = 0 WHERE id = $1 AND epoch = $2"),
        &[&owner.node, &owner.epoch],
    )?;
    Ok(())
}
