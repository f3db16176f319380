//! The ledger of STOP and START: append-only, the newest line of a number decides, for every kind of text.

use jiff::Timestamp;
use ringback_domain::coded;
use ringback_domain::id::BusinessId;

use super::{StoreError, Tx, sql};

coded! {
    /// Who said it.
    Source {
        /// The person, by text.
        InboundText = "inbound_text",
        /// The carrier: it would not send to them.
        Carrier = "carrier",
        /// Staff, for somebody who said so.
        Staff = "staff",
    }
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// STOP, or START.
    pub opted_out: bool,
    /// Who said it.
    pub source: Source,
    /// Their words.
    pub said: String,
    /// When.
    pub at: Timestamp,
}

/// Writes what a number said. The same again is written again: the ledger is proof.
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
        |row| {
            Ok(Line {
                opted_out: row.get("opted_out")?,
                source: row.word("source")?,
                said: row.get("said")?,
                at: row.get("at")?,
            })
        },
    )
}

/// Whether this number must not be texted.
pub fn is_out(tx: &mut Tx<'_>, business: BusinessId, phone: &str) -> Result<bool, StoreError> {
    Ok(last(tx, business, phone)?.is_some_and(|line| line.opted_out))
}
