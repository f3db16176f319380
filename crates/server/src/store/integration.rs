//! Outside systems of a business: their settings and secrets, and whether they are connected.

use ringback_domain::id::BusinessId;

use super::{StoreError, Tx, sql};

/// Whether a business has connected this outside system (`servicetitan`, `texts`).
pub fn connected(tx: &mut Tx<'_>, business: BusinessId, kind: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!("SELECT 1 AS one FROM integration WHERE business_id = $1 AND kind = $2 AND secret IS NOT NULL"),
        &[&business, &kind],
        |row| row.get("one"),
    )?;
    Ok(found.is_some())
}
