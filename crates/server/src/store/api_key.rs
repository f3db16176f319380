//! Keys for programs. Only their SHA-256 is kept; it also names them on the page that revokes them.

use jiff::Timestamp;
use ringback_domain::id::BusinessId;

use super::{StoreError, Tx, sql};

/// A key as the page shows it.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// SHA-256 of the key.
    pub hash: Vec<u8>,
    /// What it is for, in staff's words.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

/// Keeps a new key.
pub fn create(
    tx: &mut Tx<'_>,
    business: BusinessId,
    name: &str,
    hash: &[u8],
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO api_key (key_hash, business_id, name, created_at) VALUES ($1, $2, $3, $4)"
        ),
        &[&hash, &business, &name, &tx.now()],
    )?;
    Ok(())
}

/// A business's keys, newest first; revoked ones too.
pub fn list(tx: &mut Tx<'_>, business: BusinessId) -> Result<Vec<ApiKey>, StoreError> {
    tx.rows(
        sql!("SELECT * FROM api_key WHERE business_id = $1 ORDER BY created_at DESC LIMIT 100"),
        &[&business],
        |row| {
            Ok(ApiKey {
                hash: row.get("key_hash")?,
                name: row.get("name")?,
                created_at: row.get("created_at")?,
                revoked_at: row.get("revoked_at")?,
            })
        },
    )
}

/// Revokes a key at once; false when there is none like it.
pub fn revoke(tx: &mut Tx<'_>, business: BusinessId, hash: &[u8]) -> Result<bool, StoreError> {
    let revoked = tx.execute(
        sql!("UPDATE api_key SET revoked_at = $3 WHERE business_id = $1 AND key_hash = $2 AND revoked_at IS NULL"),
        &[&business, &hash, &tx.now()],
    )?;
    Ok(revoked == 1)
}

/// Whose key it is, while it is good; a directory query, not bound to a business.
pub fn business_of(tx: &mut Tx<'_>, hash: &[u8]) -> Result<Option<BusinessId>, StoreError> {
    tx.first(
        sql!("SELECT business_id FROM api_key WHERE key_hash = $1 AND revoked_at IS NULL"),
        &[&hash],
        |row| row.get("business_id"),
    )
}
