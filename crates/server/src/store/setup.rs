//! The one-time link of the first run.

use jiff::Timestamp;

use super::{StoreError, Tx, sql};

/// Keeps a fresh link; earlier unused ones end.
pub fn make(tx: &mut Tx<'_>, token_hash: &[u8], until: Timestamp) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM setup_link WHERE used_at IS NULL"), &[])?;
    tx.execute(
        sql!("INSERT INTO setup_link (token_hash, created_at, until) VALUES ($1, $2, $3)"),
        &[&token_hash, &tx.now(), &until],
    )?;
    Ok(())
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It opens.
    Good,
    /// The set-up was made with it.
    Used,
    /// Never given out, replaced, or past its time.
    Unknown,
}

/// Where a link stands; a directory query, before there is any business.
pub fn standing(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<Standing, StoreError> {
    let found: Option<(Timestamp, Option<Timestamp>)> = tx.first(
        sql!("SELECT until, used_at FROM setup_link WHERE token_hash = $1"),
        &[&token_hash],
        |row| Ok((row.get("until")?, row.get("used_at")?)),
    )?;
    Ok(match found {
        Some((_, Some(_))) => Standing::Used,
        Some((until, None)) if until > tx.now() => Standing::Good,
        _ => Standing::Unknown,
    })
}

/// Uses a link up; false when it was not good any more.
pub fn use_up(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<bool, StoreError> {
    let used = tx.execute(
        sql!("UPDATE setup_link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND until > $2"),
        &[&token_hash, &tx.now()],
    )?;
    Ok(used == 1)
}
