//! Appointments and their places: holding an arrival window, agreeing it, letting it go. The primary key of
//! `place` is what keeps two visits apart; everything here may race.

use jiff::{SignedDuration, Timestamp};
use ringback_domain::appointment::{Appointment, HELD_FOR, StandsOtherwise};
use ringback_domain::business::Business;
use ringback_domain::delivery::{DeliveryKind, Planned};
use ringback_domain::id::{AppointmentId, BusinessId, SessionId, StaffId};
use ringback_domain::lead::LEFTOVER_FOR;
use ringback_domain::places::{self, Day, Taken};
use ringback_domain::scheduler::SchedulerSettings;
use ringback_domain::session::{ChosenWindow, Session};

use super::{Row, StoreError, Tx, delivery, sql};

/// The windows that can be had now, day by day. What `session` itself holds counts as free for it.
pub fn offers(
    tx: &mut Tx<'_>,
    business: &Business,
    settings: &SchedulerSettings,
    session: Option<SessionId>,
) -> Result<Vec<Day>, StoreError> {
    let taken = taken_to_the_horizon(tx, business, settings, session)?;
    Ok(places::offers(business, settings, &taken, tx.now()))
}

/// What [`places::offers`] asks for, for who makes the calendar after the transaction.
pub fn taken_to_the_horizon(
    tx: &mut Tx<'_>,
    business: &Business,
    settings: &SchedulerSettings,
    session: Option<SessionId>,
) -> Result<Taken, StoreError> {
    taken(tx, business.id, places::span(settings, tx.now()), session)
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
    let taken = taken(tx, business.id, window, Some(session.id))?;
    if taken.free_seats(window, capacity).next().is_none() {
        return Ok(None);
    }
    release(tx, session)?;
    let now = tx.now();
    let id = tx.insert(
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
        ])?;
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

/// What the session has booked; it may have been called off since.
pub fn booked_by(tx: &mut Tx<'_>, session: &Session) -> Result<Option<Appointment>, StoreError> {
    tx.first(
        sql!(
            "SELECT * FROM appointment
             WHERE business_id = $1 AND session_id = $2 AND state IN ('agreed', 'cancelled')
             ORDER BY id DESC LIMIT 1"
        ),
        &[&session.business, &session.id],
        read,
    )
}

/// Whether the same person has booked the same elsewhere (another device, another frame) since this visit began and
/// within [`LEFTOVER_FOR`]: then it is a leftover, and its end is nobody's departure.
pub fn booked_elsewhere(tx: &mut Tx<'_>, session: &Session) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM appointment JOIN session ON session.id = $2
             WHERE appointment.business_id = $1 AND appointment.phone = $3 AND appointment.state = 'agreed'
               AND appointment.scheduler_id = $4 AND appointment.service = $5
               AND appointment.session_id <> $2 AND appointment.agreed_at >= session.created_at
               AND appointment.agreed_at >= $6 AND appointment.agreed_at <= $7 LIMIT 1"
        ),
        &[
            &session.business,
            &session.id,
            &session.answers.phone,
            &session.scheduler,
            &session.answers.service,
            &(tx.now() - LEFTOVER_FOR),
            &tx.now(),
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

/// Which appointments a list wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Agreed and still to come, soonest first.
    ToCome,
    /// Agreed and past, latest first.
    Past,
    /// Called off, latest window first.
    Cancelled,
}

/// A business's appointments; those below the one with this end of its window and this number when they are
/// given, `limit` at most.
pub fn list(
    tx: &mut Tx<'_>,
    business: BusinessId,
    which: Which,
    below: Option<(Timestamp, AppointmentId)>,
    limit: i64,
) -> Result<Vec<Appointment>, StoreError> {
    let now = tx.now();
    let (end, id) = below.unwrap_or(match which {
        Which::ToCome => (Timestamp::MIN, AppointmentId::new(0)),
        Which::Past | Which::Cancelled => (Timestamp::MAX, AppointmentId::new(i64::MAX)),
    });
    match which {
        Which::ToCome => tx.rows(
            sql!(
                "SELECT * FROM appointment WHERE business_id = $1 AND state = 'agreed' AND window_end >= $2
                   AND (window_end > $3 OR (window_end = $3 AND id > $4))
                 ORDER BY window_end, id LIMIT $5"
            ),
            &[&business, &now, &end, &id, &limit],
            read,
        ),
        Which::Past => tx.rows(
            sql!(
                "SELECT * FROM appointment WHERE business_id = $1 AND state = 'agreed' AND window_end < $2
                   AND (window_end < $3 OR (window_end = $3 AND id < $4))
                 ORDER BY window_end DESC, id DESC LIMIT $5"
            ),
            &[&business, &now, &end, &id, &limit],
            read,
        ),
        Which::Cancelled => tx.rows(
            sql!(
                "SELECT * FROM appointment WHERE business_id = $1 AND state = 'cancelled'
                   AND (window_end < $2 OR (window_end = $2 AND id < $3))
                 ORDER BY window_end DESC, id DESC LIMIT $4"
            ),
            &[&business, &end, &id, &limit],
            read,
        ),
    }
}

/// Its record in ServiceTitan is not wanted any more.
pub const CANCELLED: &str = "cancelled";

/// The office calls it off: its places are free at once, and what ServiceTitan has not been told is not told.
pub fn cancel(
    tx: &mut Tx<'_>,
    appointment: &mut Appointment,
    by: StaffId,
) -> Result<Result<(), StandsOtherwise>, StoreError> {
    if let Err(refused) = appointment.cancel(by, tx.now()) {
        return Ok(Err(refused));
    }
    tx.execute(
        sql!("DELETE FROM place WHERE business_id = $1 AND appointment_id = $2"),
        &[&appointment.business, &appointment.id],
    )?;
    save(tx, appointment)?;
    let session = super::session::get(tx, appointment.business, appointment.session)?;
    delivery::withdraw(
        tx,
        &session,
        |kind| kind == DeliveryKind::CrmBooked,
        CANCELLED,
    )?;
    Ok(Ok(()))
}

/// The appointment stands again, if its window can still be had. False: others have it.
pub fn put_back(
    tx: &mut Tx<'_>,
    appointment: &mut Appointment,
    business: &Business,
    settings: &SchedulerSettings,
) -> Result<Result<bool, StandsOtherwise>, StoreError> {
    let now = tx.now();
    if let Err(refused) = appointment.put_back(now) {
        return Ok(Err(refused));
    }
    let window = appointment.window;
    let Some(capacity) = places::capacity(business, settings, window) else {
        return Ok(Ok(false));
    };
    free_expired(tx, business.id)?;
    let taken = taken(tx, business.id, window, None)?;
    if !take(tx, business.id, appointment.id, window, capacity, &taken)? {
        return Ok(Ok(false));
    }
    save(tx, appointment)?;
    let session = super::session::get(tx, appointment.business, appointment.session)?;
    let told = delivery::of_session(tx, &session)?;
    let booking = told.iter().rfind(|d| d.kind == DeliveryKind::CrmBooked);
    if booking.is_some_and(|d| d.why.as_deref() == Some(CANCELLED)) {
        let kind = DeliveryKind::CrmBooked;
        let planned = Planned {
            kind,
            due_at: now,
            expires_at: now + kind.lives_for(),
        };
        delivery::plan(tx, &session, Some(appointment.id), planned, None)?;
    }
    Ok(Ok(true))
}

fn save(tx: &mut Tx<'_>, appointment: &Appointment) -> Result<(), StoreError> {
    let (by, at) = appointment.cancelled.unzip();
    tx.execute(
        sql!(
            "UPDATE appointment SET state = $3, cancelled_by = $4, cancelled_at = $5
             WHERE business_id = $1 AND id = $2"
        ),
        &[
            &appointment.business,
            &appointment.id,
            &appointment.status.as_str(),
            &by,
            &at,
        ],
    )?;
    Ok(())
}

/// Whether something was agreed with this person before `at`, in another session than this one.
pub fn agreed_before(
    tx: &mut Tx<'_>,
    session: &Session,
    phone: &str,
    email: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM appointment
             WHERE business_id = $1 AND phone = $2 AND state = 'agreed' AND session_id <> $3 AND agreed_at < $4
             LIMIT 1"
        ),
        &[&session.business, &phone, &session.id, &at],
        |row| row.get("one"),
    )?;
    if found.is_some() {
        return Ok(true);
    }
    // An appointment keeps no email; whoever had left before has a lead that does.
    let found: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM lead JOIN appointment ON appointment.id = lead.appointment_id
             WHERE lead.business_id = $1 AND lead.email = $2 AND appointment.state = 'agreed'
               AND appointment.session_id <> $3 AND appointment.agreed_at < $4 LIMIT 1"
        ),
        &[&session.business, &email, &session.id, &at],
        |row| row.get("one"),
    )?;
    Ok(found.is_some())
}

/// Appointments to come whose booked record neither stands in ServiceTitan nor is on its way, soonest first.
pub fn unsent(
    tx: &mut Tx<'_>,
    business: BusinessId,
    limit: i64,
) -> Result<Vec<Appointment>, StoreError> {
    tx.rows(
        sql!(
            "SELECT * FROM appointment WHERE business_id = $1 AND state = 'agreed' AND window_end >= $2
               AND NOT EXISTS (SELECT 1 FROM delivery
                               WHERE delivery.session_id = appointment.session_id
                                 AND delivery.kind = 'crm_booked' AND delivery.state <> 'withdrawn')
             ORDER BY window_end, id LIMIT $3"
        ),
        &[&business, &tx.now(), &limit],
        read,
    )
}

/// Whether ServiceTitan has not taken an appointment to come of somebody who never left: no lead says so.
pub fn not_taken(tx: &mut Tx<'_>, business: BusinessId) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.first(
        sql!(
            "SELECT 1 AS one FROM delivery JOIN appointment ON appointment.id = delivery.appointment_id
             WHERE delivery.business_id = $1 AND delivery.kind = 'crm_booked' AND delivery.lead_id IS NULL
               AND delivery.state IN ('refused', 'expired')
               AND appointment.state = 'agreed' AND appointment.window_end >= $2 LIMIT 1"
        ),
        &[&business, &tx.now()],
        |row| row.get("one"),
    )?;
    Ok(found.is_some())
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

/// The seats that others have in a span: agreed, or held and not run out. Read from the appointments and not
/// from their places, all visits of one window in one row: a calendar asks this every time it is shown.
fn taken(
    tx: &mut Tx<'_>,
    business: BusinessId,
    span: ChosenWindow,
    except: Option<SessionId>,
) -> Result<Taken, StoreError> {
    // A visit that began before the span may reach into it.
    let earliest = span.start - SignedDuration::from_hours(26);
    let taken = tx.rows(
        sql!(
            "SELECT window_start, window_end, STRING_AGG(CAST(seat AS TEXT), ',') AS seats FROM appointment
             WHERE business_id = $1 AND window_start >= $2 AND window_start < $3 AND window_end > $4
               AND (state = 'agreed' OR (state = 'held' AND held_until > $5 AND session_id <> $6))
             GROUP BY window_start, window_end"
        ),
        &[
            &business,
            &earliest,
            &span.end,
            &span.start,
            &tx.now(),
            &except.map_or(0, SessionId::get),
        ],
        |row| {
            let window = ChosenWindow {
                start: row.get("window_start")?,
                end: row.get("window_end")?,
            };
            let seats = row.text("seats", |seats| {
                let seats: Result<_, _> = seats.split(',').map(str::parse).collect();
                seats.map_err(|_| StoreError::Invalid("seats are numbers".into()))
            })?;
            Ok((window, seats))
        },
    )?;
    Ok(Taken::of(taken))
}

/// Takes every quarter of the window at the first seat where all of them can be had.
fn take(
    tx: &mut Tx<'_>,
    business: BusinessId,
    appointment: AppointmentId,
    window: ChosenWindow,
    capacity: u16,
    taken: &Taken,
) -> Result<bool, StoreError> {
    let quarters = places::quarters(window);
    for seat in taken.free_seats(window, capacity) {
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
            tx.execute(
                sql!("UPDATE appointment SET seat = $3 WHERE business_id = $1 AND id = $2"),
                &[&business, &appointment, &seat],
            )?;
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
    let by: Option<StaffId> = row.get("cancelled_by")?;
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
        cancelled: by.zip(row.get("cancelled_at")?),
    })
}
