//! Schedulers and their settings.

use std::cell::RefCell;
use std::sync::Arc;

use ringback_domain::business::Business;
use ringback_domain::id::{BusinessId, SchedulerId};
use ringback_domain::region::Region;
use ringback_domain::scheduler::{Scheduler, SchedulerSettings};

use super::kept::Kept;
use super::{Row, StoreError, Tx, business, json, sql};

/// Makes a scheduler. `public_id` must be fresh; `Conflict` when it is taken.
pub fn create(
    tx: &mut Tx<'_>,
    business: BusinessId,
    public_id: &str,
    name: &str,
    settings: &SchedulerSettings,
) -> Result<SchedulerId, StoreError> {
    tx.insert(
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
    )
}

/// The scheduler behind a URL or an embed; a directory query, not bound to a business.
pub fn by_public_id(
    tx: &mut Tx<'_>,
    public_id: &str,
) -> Result<Option<Arc<Scheduler>>, StoreError> {
    if !could_be_one(public_id) {
        return Ok(None);
    }
    tx.first(
        sql!("SELECT * FROM scheduler WHERE public_id = $1"),
        &[&public_id],
        read,
    )
}

/// A scheduler and its business.
pub type WithBusiness = (Arc<Scheduler>, Arc<Business>);

/// [`by_public_id`] with its business, in one look.
pub fn with_business(tx: &mut Tx<'_>, public_id: &str) -> Result<Option<WithBusiness>, StoreError> {
    thread_local! {
        static KEPT: RefCell<Kept<WithBusiness>> = RefCell::default();
    }
    if !could_be_one(public_id) {
        return Ok(None);
    }
    let found = tx.first(
        sql!(
            "SELECT scheduler.id, business_id, public_id, scheduler.name, settings, scheduler.version,
                    business.name AS business_name, region, time_zone, locale, phone, details,
                    business.version AS business_version
             FROM scheduler JOIN business ON business.id = scheduler.business_id WHERE public_id = $1"
        ),
        &[&public_id],
        |row| {
            KEPT.with_borrow_mut(|kept| {
                kept.read(row, |row| {
                    let business = business::of(row, "business_id", "business_name", "business_version")?;
                    Ok((Arc::new(of(row)?), Arc::new(business)))
                })
            })
        },
    )?;
    Ok(found.map(|found| (*found).clone()))
}

/// Whether a scheduler is the one behind this URL.
pub fn is_known_as(
    tx: &mut Tx<'_>,
    business: BusinessId,
    id: SchedulerId,
    public_id: &str,
) -> Result<bool, StoreError> {
    let one = tx.first(
        sql!(
            "SELECT 1 AS one FROM scheduler WHERE business_id = $1 AND id = $2 AND public_id = $3"
        ),
        &[&business, &id, &public_id],
        |row| row.get::<i64>("one"),
    )?;
    Ok(one.is_some())
}

/// The number to call where a scheduler does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeNumber {
    /// The scheduler, as in URLs.
    pub public_id: String,
    /// E.164.
    pub phone: String,
    /// Decides how it is written.
    pub region: Region,
}

/// The office's number of every scheduler, newest first, at most `limit`; a directory query, not bound to a
/// business: the script on a website is one for all of them.
pub fn office_numbers(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<OfficeNumber>, StoreError> {
    tx.rows(
        sql!(
            "SELECT scheduler.public_id, business.phone, business.region
             FROM scheduler JOIN business ON business.id = scheduler.business_id
             WHERE business.phone IS NOT NULL ORDER BY scheduler.id DESC LIMIT $1"
        ),
        &[&limit],
        |row| {
            Ok(OfficeNumber {
                public_id: row.get("public_id")?,
                phone: row.get("phone")?,
                region: row.word("region")?,
            })
        },
    )
}

/// One of a business's schedulers; `NoRow` when it is not.
pub fn get(
    tx: &mut Tx<'_>,
    business: BusinessId,
    id: SchedulerId,
) -> Result<Arc<Scheduler>, StoreError> {
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
pub fn list(tx: &mut Tx<'_>, business: BusinessId) -> Result<Vec<Arc<Scheduler>>, StoreError> {
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

thread_local! {
    static KEPT: RefCell<Kept<Scheduler>> = RefCell::default();
}

fn read(row: &Row<'_>) -> Result<Arc<Scheduler>, StoreError> {
    KEPT.with_borrow_mut(|kept| kept.read(row, of))
}

fn of(row: &Row<'_>) -> Result<Scheduler, StoreError> {
    Ok(Scheduler {
        id: row.get("id")?,
        business: row.get("business_id")?,
        public_id: row.get("public_id")?,
        name: row.get("name")?,
        version: row.get("version")?,
        settings: Arc::new(row.text("settings", json::read)?),
    })
}

/// Whatever stands in a URL may come: what is not of letters and digits was never given out.
fn could_be_one(public_id: &str) -> bool {
    public_id.bytes().all(|b| b.is_ascii_alphanumeric())
}
