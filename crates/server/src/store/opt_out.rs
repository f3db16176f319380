//! The ledger of STOP and START: append-only, the newest line of a number decides, for every kind of text.

use ringback_domain::id::BusinessId;
pub use ringback_domain::opt_out::{Line, Source};

use super::prune::{self, RECORDS};
use super::{Row, StoreError, Tx, sql};

/// Writes what a number said. The same again is written again: the ledger is proof. Lines past their keeping,
/// which the new one follows, go.
pub fn note(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    opted_out: bool,
    source: Source,
    said: &str,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO opt_out (business_id, phone, opted_out, source, said, at) VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        &[&business, &phone, &opted_out, &source.as_str(), &said, &tx.now()],
    )?;
    if let Some(by) = prune::kept_time(tx)? {
        tx.execute(
            sql!("DELETE FROM opt_out WHERE business_id = $1 AND phone = $2 AND at < $3"),
            &[&business, &phone, &(by.min(tx.now()) - RECORDS)],
        )?;
    }
    Ok(())
}

/// What a number said last.
pub fn last(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
) -> Result<Option<Line>, StoreError> {
    tx.first(
        sql!(
            "SELECT * FROM opt_out WHERE business_id = $1 AND phone = $2 ORDER BY id DESC LIMIT 1"
        ),
        &[&business, &phone],
        read,
    )
}

/// What a number has said, newest first, at most 100 lines.
pub fn lines(tx: &mut Tx<'_>, business: BusinessId, phone: &str) -> Result<Vec<Line>, StoreError> {
    tx.rows(
        sql!(
            "SELECT * FROM opt_out WHERE business_id = $1 AND phone = $2 ORDER BY id DESC LIMIT 100"
        ),
        &[&business, &phone],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Line, StoreError> {
    Ok(Line {
        opted_out: row.get("opted_out")?,
        source: row.word("source")?,
        said: row.get("said")?,
        at: row.get("at")?,
    })
}

/// Whether this number must not be texted.
pub fn is_out(tx: &mut Tx<'_>, business: BusinessId, phone: &str) -> Result<bool, StoreError> {
    Ok(last(tx, business, phone)?.is_some_and(|line| line.opted_out))
}
