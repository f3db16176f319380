//! Schedulers and their settings.

use ringback_domain::id::{BusinessId, SchedulerId};
use ringback_domain::scheduler::{Scheduler, SchedulerSettings};

use super::{Row, StoreError, Tx, json, sql};

/// Makes a scheduler. `public_id` must be fresh; `Conflict` when it is taken.
pub fn create(
    tx: &mut Tx<'_>,
    business: BusinessId,
    public_id: &str,
    name: &str,
    settings: &SchedulerSettings,
) -> Result<SchedulerId, StoreError> {
    tx.one(
        sql!(
            "INSERT INTO scheduler (business_id, public_id, name, settings, version, created_at)
             VALUES ($1, $2, $3, $4, 1, $5) RETURNING id"
        ),
        &[
            &business,
            &public_id,
            &name,
            &json::write(settings)?,
            &tx.now(),
        ],
        |row| row.get("id"),
    )
}

/// The scheduler behind a URL or an embed; a directory query, not bound to a business.
/// Whatever stands in a URL may come: what is not of letters and digits was never given out.
pub fn by_public_id(tx: &mut Tx<'_>, public_id: &str) -> Result<Option<Scheduler>, StoreError> {
    if !public_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    tx.first(
        sql!("SELECT * FROM scheduler WHERE public_id = $1"),
        &[&public_id],
        read,
    )
}

/// One of a business's schedulers; `NoRow` when it is not.
pub fn get(
    tx: &mut Tx<'_>,
    business: BusinessId,
    id: SchedulerId,
) -> Result<Scheduler, StoreError> {
    tx.one(
        sql!(
            "SELECT * FROM scheduler
             WHERE business_id = $1 AND id = $2"
        ),
        &[&business, &id],
        read,
    )
}

/// A business's schedulers, oldest first.
pub fn list(tx: &mut Tx<'_>, business: BusinessId) -> Result<Vec<Scheduler>, StoreError> {
    tx.rows(
        sql!(
            "SELECT * FROM scheduler
             WHERE business_id = $1 ORDER BY id"
        ),
        &[&business],
        read,
    )
}

/// Writes name and settings if nobody has since `version`; false when the form was stale.
pub fn save(
    tx: &mut Tx<'_>,
    business: BusinessId,
    id: SchedulerId,
    version: i64,
    name: &str,
    settings: &SchedulerSettings,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        sql!(
            "UPDATE scheduler SET name = $4, settings = $5, version = version + 1
             WHERE business_id = $1 AND id = $2 AND version = $3"
        ),
        &[&business, &id, &version, &name, &json::write(settings)?],
    )?;
    Ok(changed == 1)
}

fn read(row: &Row<'_>) -> Result<Scheduler, StoreError> {
    Ok(Scheduler {
        id: row.get("id")?,
        business: row.get("business_id")?,
        public_id: row.get("public_id")?,
        name: row.get("name")?,
        version: row.get("version")?,
        settings: json::read(&row.get::<String>("settings")?)?,
    })
}
