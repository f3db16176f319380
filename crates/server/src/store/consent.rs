//! Consent to one text: rows are only ever added; the newest of a session decides.

use ringback_domain::consent::Consent;
use ringback_domain::id::{BusinessId, SessionId};

use super::{Row, StoreError, Tx, sql};

/// Keeps what the box said and whether it was ticked. Nothing is added when the newest row says the same of
/// the same number in the same words. Returns whether a row was added.
pub fn note(tx: &mut Tx<'_>, consent: &Consent) -> Result<bool, StoreError> {
    let same = newest(tx, consent.business, consent.session)?.is_some_and(|before| {
        before.given == consent.given
            && before.phone == consent.phone
            && before.wording == consent.wording
    });
    if same {
        return Ok(false);
    }
    tx.execute(
        sql!(
            "INSERT INTO consent (business_id, session_id, phone, given, wording, locale, page_url, address,
                                  user_agent, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        &[
            &consent.business,
            &consent.session,
            &consent.phone,
            &consent.given,
            &consent.wording,
            &consent.locale,
            &consent.page_url,
            &consent.address,
            &consent.user_agent,
            &consent.at,
        ],
    )?;
    Ok(true)
}

/// What the visitor said last in this session.
pub fn newest(
    tx: &mut Tx<'_>,
    business: BusinessId,
    session: SessionId,
) -> Result<Option<Consent>, StoreError> {
    tx.first(
        sql!(
            "SELECT * FROM consent WHERE business_id = $1 AND session_id = $2 ORDER BY id DESC LIMIT 1"
        ),
        &[&business, &session],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Consent, StoreError> {
    Ok(Consent {
        business: row.get("business_id")?,
        session: row.get("session_id")?,
        phone: row.get("phone")?,
        given: row.get("given")?,
        wording: row.get("wording")?,
        locale: row.get("locale")?,
        page_url: row.get("page_url")?,
        address: row.get("address")?,
        user_agent: row.get("user_agent")?,
        at: row.get("at")?,
    })
}
