//! Texts both ways, and who was texted last. A link's token is never here: it stands as `{link}`.

use jiff::Timestamp;
use ringback_domain::conversation::TextStatus;
use ringback_domain::delivery::Delivery;
use ringback_domain::follow_up::ONE_PER;
use ringback_domain::id::{BusinessId, DeliveryId, LeadId};

use super::{Row, StoreError, Tx, sql};

ringback_domain::coded! {
    /// Which way a text went.
    Direction {
        /// To the person.
        Out = "out",
        /// From them.
        In = "in",
    }
}

/// One text of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMessage {
    /// Which way.
    pub direction: Direction,
    /// The other side's number.
    pub phone: String,
    /// What it said.
    pub body: String,
    /// The carrier's id.
    pub carrier_id: Option<String>,
    /// Where it stands at the carrier.
    pub status: TextStatus,
    /// What went wrong, in the carrier's words.
    pub error: Option<String>,
    /// When it was written or came in.
    pub at: Timestamp,
}

/// Takes the one text a number may get in 24 hours, for this delivery. False when another has taken it; one
/// that never went (tried in vain, then withdrawn, refused or expired) has not. One statement, so that of two
/// texts at once exactly one goes.
pub fn take_turn(tx: &mut Tx<'_>, text: &Delivery, phone: &str) -> Result<bool, StoreError> {
    let taken = tx.execute(
        sql!(
            "INSERT INTO text_cap (business_id, phone, last_at, delivery_id) VALUES ($1, $2, $3, $4)
             ON CONFLICT (business_id, phone) DO UPDATE SET last_at = $3, delivery_id = $4
             WHERE text_cap.last_at <= $5 OR text_cap.delivery_id = $4
                OR EXISTS (SELECT 1 FROM delivery WHERE delivery.id = text_cap.delivery_id
                           AND delivery.state IN ('withdrawn', 'refused', 'expired'))"
        ),
        &[
            &text.business,
            &phone,
            &tx.now(),
            &text.id,
            &(tx.now() - ONE_PER),
        ],
    )?;
    Ok(taken == 1)
}

/// Gives the turn back: the text certainly did not go.
pub fn give_back_turn(tx: &mut Tx<'_>, text: &Delivery) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM text_cap WHERE business_id = $1 AND delivery_id = $2"),
        &[&text.business, &text.id],
    )?;
    Ok(())
}

/// When this number was last texted for another delivery than this one, which really went or may have.
pub fn last_turn(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    except: DeliveryId,
) -> Result<Option<Timestamp>, StoreError> {
    tx.first(
        sql!(
            "SELECT last_at FROM text_cap WHERE business_id = $1 AND phone = $2 AND delivery_id <> $3
             AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.id = text_cap.delivery_id
                             AND delivery.state IN ('withdrawn', 'refused', 'expired'))"
        ),
        &[&business, &phone, &except],
        |row| row.get("last_at"),
    )
}

/// A text goes out: its row, once per delivery however often it is tried.
pub fn goes_out(
    tx: &mut Tx<'_>,
    text: &Delivery,
    phone: &str,
    body: &str,
) -> Result<(), StoreError> {
    let known = tx.execute(
        sql!(
            "UPDATE text_message SET phone = $3, body = $4, status = 'queued', error = NULL, updated_at = $5
             WHERE business_id = $1 AND delivery_id = $2"
        ),
        &[&text.business, &text.id, &phone, &body, &tx.now()],
    )?;
    if known == 0 {
        tx.execute(
            sql!(
                "INSERT INTO text_message (business_id, direction, phone, body, status, delivery_id, lead_id, at, updated_at)
                 VALUES ($1, 'out', $2, $3, 'queued', $4, $5, $6, $6)"
            ),
            &[&text.business, &phone, &body, &text.id, &text.lead, &tx.now()],
        )?;
    }
    Ok(())
}

/// It did not go: the conversation does not show it.
pub fn did_not_go(tx: &mut Tx<'_>, text: &Delivery) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "DELETE FROM text_message WHERE business_id = $1 AND delivery_id = $2 AND carrier_id IS NULL"
        ),
        &[&text.business, &text.id],
    )?;
    Ok(())
}

/// Where a delivery's text stands at the carrier.
pub fn of_delivery(tx: &mut Tx<'_>, text: &Delivery) -> Result<Option<TextMessage>, StoreError> {
    tx.first(
        sql!("SELECT * FROM text_message WHERE business_id = $1 AND delivery_id = $2"),
        &[&text.business, &text.id],
        read,
    )
}

/// Writes what the carrier says of a delivery's text.
pub fn stands(
    tx: &mut Tx<'_>,
    text: &Delivery,
    carrier_id: &str,
    status: TextStatus,
    error: Option<&str>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE text_message SET carrier_id = $3, status = $4, error = $5, updated_at = $6
             WHERE business_id = $1 AND delivery_id = $2"
        ),
        &[
            &text.business,
            &text.id,
            &carrier_id,
            &status.as_str(),
            &error,
            &tx.now(),
        ],
    )?;
    Ok(())
}

/// A text came in; false when it was told already.
pub fn came_in(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    body: &str,
    carrier_id: &str,
    lead: Option<LeadId>,
) -> Result<bool, StoreError> {
    let new = tx.execute(
        sql!(
            "INSERT INTO text_message (business_id, direction, phone, body, carrier_id, status, lead_id, at, updated_at)
             VALUES ($1, 'in', $2, $3, $4, 'received', $5, $6, $6)
             ON CONFLICT (business_id, carrier_id) WHERE carrier_id IS NOT NULL DO NOTHING"
        ),
        &[&business, &phone, &body, &carrier_id, &lead, &tx.now()],
    )?;
    Ok(new == 1)
}

/// The conversation with a number, oldest first; at most the latest `limit`.
pub fn conversation(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    limit: i64,
) -> Result<Vec<TextMessage>, StoreError> {
    let mut latest = tx.rows(
        sql!("SELECT * FROM text_message WHERE business_id = $1 AND phone = $2 ORDER BY id DESC LIMIT $3"),
        &[&business, &phone, &limit],
        read,
    )?;
    latest.reverse();
    Ok(latest)
}

fn read(row: &Row<'_>) -> Result<TextMessage, StoreError> {
    Ok(TextMessage {
        direction: row.word("direction")?,
        phone: row.get("phone")?,
        body: row.get("body")?,
        carrier_id: row.get("carrier_id")?,
        status: row.word("status")?,
        error: row.get("error")?,
        at: row.get("at")?,
    })
}
