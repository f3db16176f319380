//! Outside systems of a business: their settings, their sealed secrets, whether they are connected, and what
//! the last call said. What the settings and secrets are is each connector's matter.

use jiff::Timestamp;
use ringback_domain::id::BusinessId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, Tx, json, sql};

/// The kind of ServiceTitan's row.
pub const SERVICETITAN: &str = "servicetitan";
/// The kind of the carrier's row.
pub const TEXTS: &str = "texts";

/// A business's outside system as it is stored.
#[derive(Clone, Debug)]
pub struct Integration<S> {
    /// Whose.
    pub business: BusinessId,
    /// Nothing secret.
    pub settings: S,
    /// Sealed by the vault.
    pub secret: Option<Vec<u8>>,
    /// What the last call said of the connection, and when.
    pub checked: Option<(Timestamp, Check)>,
}

/// What a call said of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Check {
    /// It works.
    pub works: bool,
    /// The outside does not accept our credentials: what waits is tried again now and then.
    pub refused: bool,
    /// What it said, for people.
    pub said: String,
    /// What settings choose from, by name (ServiceTitan).
    pub choices: crate::crm::Choices,
}

/// Whether a business has connected this outside system (`servicetitan`, `texts`).
pub fn connected(tx: &mut Tx<'_>, business: BusinessId, kind: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!("SELECT 1 AS one FROM integration WHERE business_id = $1 AND kind = $2 AND secret IS NOT NULL"),
        &[&business, &kind],
        |row| row.get("one"),
    )?;
    Ok(found.is_some())
}

/// A business's outside system, when anything of it is set.
pub fn get<S: DeserializeOwned>(
    tx: &mut Tx<'_>,
    business: BusinessId,
    kind: &str,
) -> Result<Option<Integration<S>>, StoreError> {
    tx.first(
        sql!("SELECT * FROM integration WHERE business_id = $1 AND kind = $2"),
        &[&business, &kind],
        read,
    )
}

/// Every business's outside system of a kind; a directory query, for finding whose a carrier's call is.
pub fn all<S: DeserializeOwned>(
    tx: &mut Tx<'_>,
    kind: &str,
) -> Result<Vec<Integration<S>>, StoreError> {
    tx.rows(
        sql!("SELECT * FROM integration WHERE kind = $1 ORDER BY business_id"),
        &[&kind],
        read,
    )
}

/// Writes settings, and the sealed secret where there is a new one; without one the old stays. What an
/// earlier call said no longer holds.
pub fn save(
    tx: &mut Tx<'_>,
    business: BusinessId,
    kind: &str,
    settings: &impl Serialize,
    secret: Option<&[u8]>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO integration (business_id, kind, settings, secret) VALUES ($1, $2, $3, $4)
             ON CONFLICT (business_id, kind) DO UPDATE
             SET settings = $3, secret = COALESCE($4, integration.secret), checked_at = NULL, check_result = NULL"
        ),
        &[&business, &kind, &json::write(settings)?, &secret],
    )?;
    Ok(())
}

/// Disconnects it and forgets its secret.
pub fn disconnect(tx: &mut Tx<'_>, business: BusinessId, kind: &str) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM integration WHERE business_id = $1 AND kind = $2"),
        &[&business, &kind],
    )?;
    Ok(())
}

/// Keeps what a call said of the connection.
pub fn checked(
    tx: &mut Tx<'_>,
    business: BusinessId,
    kind: &str,
    check: &Check,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE integration SET checked_at = $3, check_result = $4 WHERE business_id = $1 AND kind = $2"),
        &[&business, &kind, &tx.now(), &json::write(check)?],
    )?;
    Ok(())
}

/// The outside has taken something: the credentials that it refused before are good.
pub fn accepted(tx: &mut Tx<'_>, business: BusinessId, kind: &str) -> Result<(), StoreError> {
    let before: Option<Integration<serde_json::Value>> = get(tx, business, kind)?;
    match before.and_then(|before| before.checked) {
        Some((_, check)) if check.refused => {
            let check = Check {
                works: true,
                refused: false,
                said: String::new(),
                ..check
            };
            checked(tx, business, kind, &check)
        }
        _ => Ok(()),
    }
}

fn read<S: DeserializeOwned>(row: &super::Row<'_>) -> Result<Integration<S>, StoreError> {
    let at: Option<Timestamp> = row.get("checked_at")?;
    let result: Option<String> = row.get("check_result")?;
    Ok(Integration {
        business: row.get("business_id")?,
        settings: json::read(&row.get::<String>("settings")?)?,
        secret: row.get("secret")?,
        checked: at.zip(result.as_deref().map(json::read).transpose()?),
    })
}
