//! Businesses.

use std::cell::RefCell;
use std::sync::Arc;

use ringback_domain::business::{Business, BusinessDetails};
use ringback_domain::id::BusinessId;
use ringback_domain::region::Region;

use super::kept::Kept;
use super::{Row, StoreError, Tx, json, sql};

/// What it takes to make one.
#[derive(Clone, Debug)]
pub struct NewBusiness {
    /// As customers know it.
    pub name: String,
    /// Its region.
    pub region: Region,
    /// IANA name, checked by the caller.
    pub time_zone: String,
    /// Such as `en`.
    pub locale: String,
    /// The office's number, E.164.
    pub phone: Option<String>,
    /// The rest.
    pub details: BusinessDetails,
}

/// Makes a business.
pub fn create(tx: &mut Tx<'_>, new: &NewBusiness) -> Result<BusinessId, StoreError> {
    tx.insert(
        sql!(
            "INSERT INTO business (name, region, time_zone, locale, phone, details, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"
        ),
        &[
            &new.name,
            &new.region.as_str(),
            &new.time_zone,
            &new.locale,
            &new.phone,
            &json::write(&new.details)?,
            &tx.now(),
        ],
    )
}

/// The business; `NoRow` when there is none.
pub fn get(tx: &mut Tx<'_>, business: BusinessId) -> Result<Arc<Business>, StoreError> {
    tx.one(
        sql!("SELECT * FROM business WHERE id = $1"),
        &[&business],
        read,
    )
}

/// Every business of this installation.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Arc<Business>>, StoreError> {
    tx.rows(sql!("SELECT * FROM business ORDER BY id"), &[], read)
}

/// Writes everything that can change if nobody has since its `version`; false when it was stale.
pub fn save(tx: &mut Tx<'_>, business: &Business) -> Result<bool, StoreError> {
    let changed = tx.execute(
        sql!(
            "UPDATE business SET name = $2, region = $3, time_zone = $4, locale = $5, phone = $6, details = $7,
                    version = version + 1
             WHERE id = $1 AND version = $8"
        ),
        &[
            &business.id,
            &business.name,
            &business.region.as_str(),
            &business.time_zone,
            &business.locale,
            &business.phone,
            &json::write(&business.details)?,
            &business.version,
        ],
    )?;
    Ok(changed == 1)
}

thread_local! {
    static KEPT: RefCell<Kept<Business>> = RefCell::default();
}

fn read(row: &Row<'_>) -> Result<Arc<Business>, StoreError> {
    KEPT.with_borrow_mut(|kept| kept.read(row, |row| of(row, "id", "name", "version")))
}

/// What a row says of a business, where three of its columns may be called otherwise.
pub(super) fn of(
    row: &Row<'_>,
    id: &str,
    name: &str,
    version: &str,
) -> Result<Business, StoreError> {
    Ok(Business {
        id: row.get(id)?,
        name: row.get(name)?,
        region: row.word("region")?,
        time_zone: row.get("time_zone")?,
        locale: row.get("locale")?,
        phone: row.get("phone")?,
        details: row.text("details", json::read)?,
        version: row.get(version)?,
    })
}
