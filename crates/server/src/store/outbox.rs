//! The outbox's own moves: claimed with a lease and a fence, put on the wire, settled, rescued from a node
//! that died. What a delivery is and when it is planned or withdrawn is in `delivery.rs`; which
//! state follows from an outcome is the domain's.
//!
//! Looking for what is due crosses businesses, by name.

use jiff::Timestamp;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryState, LEASE};
use ringback_domain::id::{BusinessId, DeliveryId, LeadId};

use super::news::{About, News};
use super::page::Owner;
use super::{StoreError, Tx, delivery, sql};
use crate::why;

ringback_domain::coded! {
    /// Which kind of outside system a delivery goes to. One at a time and in order per session and channel.
    Channel {
        /// ServiceTitan.
        Crm = "crm",
        /// The carrier.
        Text = "text",
    }
}

impl Channel {
    /// The channel of a delivery.
    pub const fn of(delivery: &Delivery) -> Self {
        Self::of_kind(delivery.kind)
    }

    /// The channel of a kind of delivery.
    pub const fn of_kind(kind: DeliveryKind) -> Self {
        if kind.is_text() {
            Self::Text
        } else {
            Self::Crm
        }
    }

    const fn is_text(self) -> bool {
        matches!(self, Self::Text)
    }
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// A claim was left behind by a node that died, or by this one's earlier life.
    pub left_behind: bool,
    /// Who has something due.
    pub due: Vec<(BusinessId, Channel)>,
    /// How long until the next is due.
    pub next_in: Option<jiff::SignedDuration>,
}

/// What waits, across businesses. However long the pile is, each business and kind is looked up once.
pub fn waiting(tx: &mut Tx<'_>, owner: &Owner) -> Result<Waiting, StoreError> {
    let now = tx.now();
    let mut due = Vec::new();
    for kind in DeliveryKind::ALL {
        let channel = Channel::of_kind(*kind);
        due.extend(tx.rows(
            sql!(
                "SELECT id FROM business
                 WHERE EXISTS (SELECT 1 FROM delivery
                               WHERE delivery.business_id = business.id AND kind = $1 AND due_at <= $2)"
            ),
            &[&kind.as_str(), &now],
            |row| Ok((row.get::<BusinessId>("id")?, channel)),
        )?);
    }
    due.sort_unstable();
    due.dedup();
    let next: Option<Timestamp> = tx.first(
        sql!("SELECT due_at FROM delivery WHERE due_at > $1 ORDER BY due_at LIMIT 1"),
        &[&now],
        |row| row.get("due_at"),
    )?;
    Ok(Waiting {
        left_behind: left_behind(tx, owner)?,
        due,
        next_in: next.map(|at| at.duration_since(now)),
    })
}

/// What nodes that have died hold, and this one's earlier lives; or a lease that has run out, whoever holds it.
/// `node` is empty in a row that nobody holds, so that few are looked at.
fn left_behind(tx: &mut Tx<'_>, owner: &Owner) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM delivery
             WHERE node > '' AND due_at IS NOT NULL
               AND (due_at <= $3 AND state IN ('claimed', 'sending')
                    OR NOT (node = $1 AND epoch = $2)
                       AND NOT EXISTS (SELECT 1 FROM node
                                       WHERE node.id = delivery.node AND node.epoch = delivery.epoch
                                         AND node.until > $3))
             LIMIT 1"
        ),
        &[&owner.node, &owner.epoch, &tx.now()],
        |row| row.get("one"),
    )?;
    Ok(found.is_some())
}

/// Takes back what dead nodes and run-out leases hold: a dead claim is due again; what was on the wire is
/// unknown, and is returned so that it can be shown as such.
pub fn rescue(tx: &mut Tx<'_>, owner: &Owner) -> Result<Vec<Delivery>, StoreError> {
    let now = tx.now();
    tx.execute(
        sql!(
            "UPDATE delivery SET due_at = $1
             WHERE node > '' AND due_at > $1 AND NOT (node = $2 AND epoch = $3)
               AND NOT EXISTS (SELECT 1 FROM node
                               WHERE node.id = delivery.node AND node.epoch = delivery.epoch AND node.until > $1)"
        ),
        &[&now, &owner.node, &owner.epoch],
    )?;
    tx.execute(
        sql!(
            "UPDATE delivery SET state = 'due', fence = fence + 1, node = NULL, epoch = NULL
             WHERE node > '' AND due_at <= $1 AND state = 'claimed'"
        ),
        &[&now],
    )?;
    tx.rows(
        sql!(
            "UPDATE delivery SET state = 'unknown', fence = fence + 1, lookups = 0, node = NULL, epoch = NULL,
                    why = 'interrupted'
             WHERE node > '' AND due_at <= $1 AND state = 'sending' RETURNING *"
        ),
        &[&now],
        delivery::read,
    )
}

/// Claims up to `limit` of a business's due deliveries of a channel, and unknown ones whose look-up is due.
/// An earlier one of the same session or lead that is not settled keeps a later one back: a record must stand
/// before it is brought up to date. A text waits only for one that is on the wire; its rules see to the rest.
/// What is claimed keeps the time at which it was due as its `due_at`.
///
/// What has not been tried yet goes first, and of that whoever left last: after a long outage they are worth more
/// than the thousands who have waited all day anyway. Then what has been tried, in the order of its patience.
///
/// (`+d.business_id`: a planner that looked for the business first would sort its whole pile at every claim. This
/// way the index of `due_at` gives the order, and the first few are enough.)
pub fn claim(
    tx: &mut Tx<'_>,
    owner: &Owner,
    business: BusinessId,
    channel: Channel,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let now = tx.now();
    tx.rows(
        sql!(
            "WITH fresh AS MATERIALIZED (
                 SELECT d.id, d.due_at FROM delivery AS d
                 WHERE d.due_at <= $1 AND +d.business_id = $2 AND d.state = 'due' AND d.attempt = 0
                   AND (d.kind LIKE 'text%') = ($3 = 1)
                   AND NOT EXISTS (
                       SELECT 1 FROM delivery AS e
                       WHERE e.session_id = d.session_id AND e.id < d.id AND e.due_at IS NOT NULL
                         AND (e.kind LIKE 'text%') = ($3 = 1) AND ($3 = 0 OR e.state IN ('claimed', 'sending')))
                   AND NOT EXISTS (
                       SELECT 1 FROM delivery AS e
                       WHERE e.lead_id = d.lead_id AND e.id < d.id AND e.due_at IS NOT NULL
                         AND (e.kind LIKE 'text%') = ($3 = 1) AND ($3 = 0 OR e.state IN ('claimed', 'sending')))
                 ORDER BY d.due_at DESC, d.id DESC LIMIT $4 /* FOR UPDATE SKIP LOCKED */),
             tried AS MATERIALIZED (
                 SELECT d.id, d.due_at FROM delivery AS d
                 WHERE d.due_at <= $1 AND +d.business_id = $2 AND d.state IN ('due', 'unknown') AND d.attempt > 0
                   AND (d.kind LIKE 'text%') = ($3 = 1)
                   AND NOT EXISTS (
                       SELECT 1 FROM delivery AS e
                       WHERE e.session_id = d.session_id AND e.id < d.id AND e.due_at IS NOT NULL
                         AND (e.kind LIKE 'text%') = ($3 = 1) AND ($3 = 0 OR e.state IN ('claimed', 'sending')))
                   AND NOT EXISTS (
                       SELECT 1 FROM delivery AS e
                       WHERE e.lead_id = d.lead_id AND e.id < d.id AND e.due_at IS NOT NULL
                         AND (e.kind LIKE 'text%') = ($3 = 1) AND ($3 = 0 OR e.state IN ('claimed', 'sending')))
                 ORDER BY d.due_at, d.id LIMIT $4 - (SELECT COUNT(*) FROM fresh) /* FOR UPDATE SKIP LOCKED */),
             ready AS (SELECT id, due_at FROM fresh UNION ALL SELECT id, due_at FROM tried)
             UPDATE delivery SET state = CASE WHEN state = 'due' THEN 'claimed' ELSE state END,
                    fence = fence + 1, node = $5, epoch = $6, due_at = $7
             WHERE id IN (SELECT id FROM ready)
             RETURNING *, (SELECT ready.due_at FROM ready WHERE ready.id = delivery.id) AS was_due"
        ),
        &[
            &now,
            &business,
            &channel.is_text(),
            &limit,
            &owner.node,
            &owner.epoch,
            &(now + LEASE),
        ],
        |row| {
            Ok(Delivery {
                due_at: row.get("was_due")?,
                ..delivery::read(row)?
            })
        },
    )
}

/// Puts a claimed delivery on the wire, before the first byte. False when the claim is not ours any more.
pub fn put_on_wire(
    tx: &mut Tx<'_>,
    claimed: &Delivery,
    our_id: Option<&str>,
) -> Result<bool, StoreError> {
    let now = tx.now();
    let ours = tx.first(
        sql!(
            "UPDATE delivery SET state = 'sending', attempt = attempt + 1, due_at = $4, our_id = COALESCE(our_id, $5),
                    first_sent_at = COALESCE(first_sent_at, $6), why = NULL
             WHERE business_id = $1 AND id = $2 AND fence = $3 AND state = 'claimed'
             RETURNING (SELECT reference FROM lead WHERE lead.id = delivery.lead_id) AS reference"
        ),
        &[
            &claimed.business,
            &claimed.id,
            &claimed.fence,
            &(now + LEASE),
            &our_id,
            &now,
        ],
        |row| row.get("reference"),
    )?;
    let Some(reference) = ours else {
        return Ok(false);
    };
    tx.tell(News::OnWire {
        about: About::new(claimed, reference),
        attempt: claimed.attempt + 1,
        late: claimed.due_at.map(|due| now.duration_since(due)),
    });
    Ok(true)
}

/// Settles a delivery of ours (or says when it is to be looked at again). Writes only while the fence is ours
/// and nobody has settled it meanwhile; false when it is not. (*Due* is among the states for a carrier's report
/// about a text that seemed not to have left: it must not go again.)
pub fn settle(
    tx: &mut Tx<'_>,
    ours: &Delivery,
    state: &DeliveryState,
    lookups: i64,
    why: Option<&str>,
) -> Result<bool, StoreError> {
    let outside_id = match state {
        DeliveryState::Done { outside_id } => Some(outside_id.as_str()),
        _ => None,
    };
    // An unknown one that nobody looks up any more is kept as long as a settled one.
    let settled_at = state.due_at().is_none().then(|| tx.now());
    let changed = tx.first(
        sql!(
            "UPDATE delivery SET state = $4, due_at = $5, lookups = $6, outside_id = COALESCE($7, outside_id), why = $8,
                    settled_at = $9, node = NULL, epoch = NULL
             WHERE business_id = $1 AND id = $2 AND fence = $3 AND state IN ('due', 'claimed', 'sending', 'unknown')
             RETURNING (SELECT reference FROM lead WHERE lead.id = delivery.lead_id) AS reference"
        ),
        &[
            &ours.business,
            &ours.id,
            &ours.fence,
            &state.status().as_str(),
            &state.due_at(),
            &lookups,
            &outside_id,
            &why,
            &settled_at,
        ],
        |row| row.get("reference"),
    )?;
    let Some(reference) = changed else {
        return Ok(false);
    };
    tx.tell(News::Settled {
        about: About::new(ours, reference),
        status: state.status(),
        why: why.map(|why| why::key(why).to_owned()),
    });
    Ok(true)
}

/// What has been tried in vain and waits for its next try is due now: the outside works again.
pub fn hurry(tx: &mut Tx<'_>, business: BusinessId, channel: Channel) -> Result<u64, StoreError> {
    tx.execute(
        sql!(
            "UPDATE delivery SET due_at = $3
             WHERE business_id = $1 AND (kind LIKE 'text%') = ($2 = 1) AND state = 'due' AND due_at > $3
               AND why IS NOT NULL"
        ),
        &[&business, &channel.is_text(), &tx.now()],
    )
}

/// What ServiceTitan has not taken and would still be wanted there: records of leads to be worked and of appointments
/// to come, oldest first.
pub fn not_taken(
    tx: &mut Tx<'_>,
    business: BusinessId,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let mut found = tx.rows(
        sql!(
            "SELECT d.* FROM lead JOIN delivery AS d ON d.lead_id = lead.id
             WHERE lead.business_id = $1 AND lead.state IN ('new', 'claimed', 'contacted')
               AND d.kind = 'crm_abandoned' AND d.state IN ('refused', 'expired')
               AND NOT EXISTS (SELECT 1 FROM delivery AS later
                               WHERE later.lead_id = lead.id AND later.kind = 'crm_abandoned' AND later.id > d.id)
             ORDER BY d.id LIMIT $2"
        ),
        &[&business, &limit],
        delivery::read,
    )?;
    found.extend(tx.rows(
        sql!(
            "SELECT d.* FROM appointment JOIN delivery AS d ON d.session_id = appointment.session_id
             WHERE appointment.business_id = $1 AND appointment.state = 'agreed' AND appointment.window_end >= $2
               AND d.kind = 'crm_booked' AND d.state IN ('refused', 'expired')
             ORDER BY d.id LIMIT $3"
        ),
        &[&business, &tx.now(), &limit],
        delivery::read,
    )?);
    Ok(found)
}

/// Due again because staff asked for it: of a delivery that certainly had no effect. False when it stands
/// otherwise.
pub fn due_again(
    tx: &mut Tx<'_>,
    delivery: &Delivery,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        sql!(
            "UPDATE delivery SET state = 'due', due_at = $4, expires_at = $5, why = NULL, settled_at = NULL
             WHERE business_id = $1 AND id = $2 AND fence = $3 AND state IN ('due', 'refused', 'expired')"
        ),
        &[
            &delivery.business,
            &delivery.id,
            &delivery.fence,
            &tx.now(),
            &expires_at,
        ],
    )?;
    Ok(changed == 1)
}

/// Withdraws every text that waits for this number, and names the leads they were for.
pub fn withdraw_texts_to(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    why: &str,
) -> Result<Vec<LeadId>, StoreError> {
    tx.rows(
        sql!(
            "UPDATE delivery SET state = 'withdrawn', due_at = NULL, why = $3, settled_at = $4
             WHERE business_id = $1 AND kind LIKE 'text%' AND state IN ('due', 'claimed')
               AND lead_id IN (SELECT id FROM lead WHERE business_id = $1 AND phone = $2)
             RETURNING lead_id"
        ),
        &[&business, &phone, &why, &tx.now()],
        |row| row.get("lead_id"),
    )
}

/// Whether a text to this number is on the wire, or may be there in a moment: claimed, its rules being asked. Or it was
/// when its server was taken for dead: that one may only have been stopped, and go on until its lease is over.
pub fn is_text_going(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM lead JOIN delivery ON delivery.lead_id = lead.id
             WHERE lead.business_id = $1 AND lead.phone = $2 AND delivery.kind LIKE 'text%'
               AND (delivery.state IN ('claimed', 'sending')
                    OR delivery.state = 'unknown' AND delivery.why = 'interrupted' AND delivery.first_sent_at > $3)
             LIMIT 1"
        ),
        &[&business, &phone, &(tx.now() - LEASE)],
        |row| row.get("one"),
    )?;
    Ok(found.is_some())
}

/// One delivery of a business.
pub fn get(
    tx: &mut Tx<'_>,
    business: BusinessId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    tx.first(
        sql!("SELECT * FROM delivery WHERE business_id = $1 AND id = $2"),
        &[&business, &id],
        delivery::read,
    )
}

/// The text that carries this id of ours in its StatusCallback; a directory query.
pub fn by_our_id(tx: &mut Tx<'_>, our_id: &str) -> Result<Option<Delivery>, StoreError> {
    tx.first(
        sql!("SELECT * FROM delivery WHERE our_id = $1"),
        &[&our_id],
        delivery::read,
    )
}
