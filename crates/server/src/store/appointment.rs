//! Appointments and their places: holding an arrival window, agreeing it, letting it go. The primary key of
//! `place` is what keeps two visits apart; everything here may race.

use std::collections::HashSet;

use ringback_domain::appointment::{Appointment, HELD_FOR};
use ringback_domain::business::Business;
use ringback_domain::id::{AppointmentId, BusinessId, SessionId};
use ringback_domain::places::{self, Day, Quarter, Seat};
use ringback_domain::scheduler::SchedulerSettings;
use ringback_domain::session::{ChosenWindow, Session};

use super::{Row, StoreError, Tx, sql};

/// The windows that can be had now, day by day. What `session` itself holds counts as free for it.
pub fn offers(
    tx: &mut Tx<'_>,
    business: &Business,
    settings: &SchedulerSettings,
    session: Option<SessionId>,
) -> Result<Vec<Day>, StoreError> {
    let taken = taken(tx, business.id, places::span(settings, tx.now()), session)?;
    Ok(places::offers(business, settings, &taken, tx.now()))
}

/// Holds a window for a session, in place of what it held before; held already, the hold starts anew.
/// `None`: it cannot be had (any more), and what was held before stays held.
pub fn hold(
    tx: &mut Tx<'_>,
    session: &Session,
    business: &Business,
    settings: &SchedulerSettings,
    window: ChosenWindow,
) -> Result<Option<AppointmentId>, StoreError> {
    let before = held(tx, session)?;
    if let Some(own) = &before
        && own.window == window
        && own.held_until.is_some_and(|until| until > tx.now())
    {
        renew(tx, session)?;
        return Ok(Some(own.id));
    }
    let Some(capacity) = places::capacity_of(business, settings, window, tx.now()) else {
        return Ok(None);
    };
    if let Some(own) = &before
        && own.window == window
    {
        // Its time was over, but nobody has wanted the places: they are still ours.
        renew(tx, session)?;
        return Ok(Some(own.id));
    }
    free_expired(tx, business.id)?;
    let taken = taken(tx, business.id, places::quarters(window), Some(session.id))?;
    if places::free_seats(window, capacity, &taken)
        .next()
        .is_none()
    {
        return Ok(None);
    }
    release(tx, session)?;
    let now = tx.now();
    let id = tx.one(
        sql!(
            "INSERT INTO appointment (business_id, scheduler_id, session_id, lead_id, state, held_until,
                                      window_start, window_end, created_at)
             VALUES ($1, $2, $3, $4, 'held', $5, $6, $7, $8) RETURNING id"
        ),
        &[
            &session.business,
            &session.scheduler,
            &session.id,
            &session.lead,
            &(now + HELD_FOR),
            &window.start,
            &window.end,
            &now,
        ],
        |row| row.get("id"),
    )?;
    if take(tx, session.business, id, window, capacity, &taken)? {
        return Ok(Some(id));
    }
    // Others were quicker at every seat, between our look and our taking.
    delete(tx, session.business, id)?;
    Ok(None)
}

/// Whatever the session holds, for another [`HELD_FOR`]. Nothing when it holds nothing.
pub fn renew(tx: &mut Tx<'_>, session: &Session) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE appointment SET held_until = $3
             WHERE business_id = $1 AND session_id = $2 AND state = 'held'"
        ),
        &[&session.business, &session.id, &(tx.now() + HELD_FOR)],
    )?;
    Ok(())
}

/// The hold becomes an agreement; when it has run out, the places are taken anew. `None`: the window has gone.
pub fn agree(
    tx: &mut Tx<'_>,
    session: &Session,
    business: &Business,
    settings: &SchedulerSettings,
    window: ChosenWindow,
) -> Result<Option<AppointmentId>, StoreError> {
    let Some(id) = hold(tx, session, business, settings, window)? else {
        return Ok(None);
    };
    let agreed = tx.execute(
        sql!(
            "UPDATE appointment SET state = 'agreed', held_until = NULL, agreed_at = $3, lead_id = $4,
                    phone = $5, service = $6
             WHERE business_id = $1 AND id = $2 AND state = 'held'"
        ),
        &[
            &session.business,
            &id,
            &tx.now(),
            &session.lead,
            &Some(session.answers.phone.clone()).filter(|phone| !phone.is_empty()),
            &session.answers.service,
        ],
    )?;
    Ok((agreed == 1).then_some(id))
}

/// What the session holds, if anything; its time may be over.
pub fn held(tx: &mut Tx<'_>, session: &Session) -> Result<Option<Appointment>, StoreError> {
    tx.first(
        sql!(
            "SELECT * FROM appointment
             WHERE business_id = $1 AND session_id = $2 AND state = 'held' ORDER BY id DESC LIMIT 1"
        ),
        &[&session.business, &session.id],
        read,
    )
}

/// What the session has booked.
pub fn agreed(tx: &mut Tx<'_>, session: &Session) -> Result<Option<Appointment>, StoreError> {
    tx.first(
        sql!(
            "SELECT * FROM appointment
             WHERE business_id = $1 AND session_id = $2 AND state = 'agreed' ORDER BY id DESC LIMIT 1"
        ),
        &[&session.business, &session.id],
        read,
    )
}

/// Whether the same person has booked the same elsewhere (another device, another frame) since this visit began:
/// then it is a leftover, and its end is nobody's departure.
pub fn booked_elsewhere(tx: &mut Tx<'_>, session: &Session) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM appointment JOIN session ON session.id = $2
             WHERE appointment.business_id = $1 AND appointment.phone = $3 AND appointment.state = 'agreed'
               AND appointment.scheduler_id = $4 AND appointment.service = $5
               AND appointment.session_id <> $2 AND appointment.agreed_at >= session.created_at LIMIT 1"
        ),
        &[
            &session.business,
            &session.id,
            &session.answers.phone,
            &session.scheduler,
            &session.answers.service,
        ],
        |row| row.get("one"),
    )?;
    Ok(found.is_some())
}

/// One appointment of a business; `NoRow` when there is none.
pub fn get(
    tx: &mut Tx<'_>,
    business: BusinessId,
    id: AppointmentId,
) -> Result<Appointment, StoreError> {
    tx.one(
        sql!("SELECT * FROM appointment WHERE business_id = $1 AND id = $2"),
        &[&business, &id],
        read,
    )
}

/// A business's agreed appointments: those to come, soonest first, or those that have been, latest first.
pub fn booked(
    tx: &mut Tx<'_>,
    business: BusinessId,
    past: bool,
    limit: i64,
) -> Result<Vec<Appointment>, StoreError> {
    let now = tx.now();
    if past {
        return tx.rows(
            sql!(
                "SELECT * FROM appointment WHERE business_id = $1 AND state = 'agreed' AND window_end < $2
                 ORDER BY window_end DESC, id DESC LIMIT $3"
            ),
            &[&business, &now, &limit],
            read,
        );
    }
    tx.rows(
        sql!(
            "SELECT * FROM appointment WHERE business_id = $1 AND state = 'agreed' AND window_end >= $2
             ORDER BY window_end, id LIMIT $3"
        ),
        &[&business, &now, &limit],
        read,
    )
}

/// Lets go of what the session holds.
pub fn release(tx: &mut Tx<'_>, session: &Session) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "DELETE FROM appointment WHERE business_id = $1 AND session_id = $2 AND state = 'held'"
        ),
        &[&session.business, &session.id],
    )?;
    Ok(())
}

/// Frees the places of a business's holds whose time is over; returns how many holds there were.
pub fn free_expired(tx: &mut Tx<'_>, business: BusinessId) -> Result<u64, StoreError> {
    tx.execute(
        sql!(
            "DELETE FROM appointment WHERE business_id = $1 AND state = 'held' AND held_until <= $2"
        ),
        &[&business, &tx.now()],
    )
}

/// The places of a span that others have: agreed, or held and not run out.
fn taken(
    tx: &mut Tx<'_>,
    business: BusinessId,
    span: std::ops::Range<Quarter>,
    except: Option<SessionId>,
) -> Result<HashSet<(Seat, Quarter)>, StoreError> {
    let places = tx.rows(
        sql!(
            "SELECT place.seat, place.quarter FROM place
             JOIN appointment ON appointment.id = place.appointment_id
             WHERE place.business_id = $1 AND place.quarter >= $2 AND place.quarter < $3
               AND NOT (appointment.state = 'held'
                        AND (appointment.held_until <= $4 OR appointment.session_id = $5))"
        ),
        &[
            &business,
            &span.start,
            &span.end,
            &tx.now(),
            &except.map_or(0, SessionId::get),
        ],
        |row| Ok((row.get("seat")?, row.get("quarter")?)),
    )?;
    Ok(places.into_iter().collect())
}

/// Takes every quarter of the window at the first seat where all of them can be had.
fn take(
    tx: &mut Tx<'_>,
    business: BusinessId,
    appointment: AppointmentId,
    window: ChosenWindow,
    capacity: u16,
    taken: &HashSet<(Seat, Quarter)>,
) -> Result<bool, StoreError> {
    let quarters = places::quarters(window);
    for seat in places::free_seats(window, capacity, taken) {
        let got = tx.execute(
            sql!(
                "INSERT INTO place (business_id, seat, quarter, appointment_id)
                 WITH RECURSIVE span (quarter) AS (
                     SELECT CAST($3 AS BIGINT) UNION ALL SELECT quarter + 1 FROM span WHERE quarter + 1 < $4)
                 SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), quarter, CAST($5 AS BIGINT) FROM span WHERE 1 = 1
                 ON CONFLICT (business_id, seat, quarter) DO NOTHING"
            ),
            &[
                &business,
                &seat,
                &quarters.start,
                &quarters.end,
                &appointment,
            ],
        )?;
        if i64::try_from(got) == Ok(quarters.end - quarters.start) {
            return Ok(true);
        }
        tx.execute(
            sql!("DELETE FROM place WHERE business_id = $1 AND appointment_id = $2"),
            &[&business, &appointment],
        )?;
    }
    Ok(false)
}

fn delete(tx: &mut Tx<'_>, business: BusinessId, id: AppointmentId) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM appointment WHERE business_id = $1 AND id = $2"),
        &[&business, &id],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Appointment, StoreError> {
    Ok(Appointment {
        id: row.get("id")?,
        business: row.get("business_id")?,
        scheduler: row.get("scheduler_id")?,
        session: row.get("session_id")?,
        lead: row.get("lead_id")?,
        status: row.word("state")?,
        held_until: row.get("held_until")?,
        window: ChosenWindow {
            start: row.get("window_start")?,
            end: row.get("window_end")?,
        },
    })
}
