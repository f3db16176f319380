//! Sessions: saving answers, coming back, giving up, booking. Each is one transaction with all that follows.

use jiff::SignedDuration;
use ringback_domain::delivery::{DeliveryKind, Planned};
use ringback_domain::departure::{Presence, RESTART_GRACE, Verdict};
use ringback_domain::id::{AppointmentId, BusinessId, SessionId};
use ringback_domain::lead::{LeadEvent, Recovery};
use ringback_domain::scheduler::Scheduler;
use ringback_domain::session::{
    AlreadyBooked, Answers, CameBack, CameFrom, Leaving, Session, SessionState, Step,
};

use super::{
    Hint, Row, StoreError, Tx, appointment, delivery, integration, json, lead, page, scheduler, sql,
};

/// How long a session that could not be judged waits.
const PUT_OFF: SignedDuration = SignedDuration::from_mins(1);

/// Begins a session. `token_hash` is the SHA-256 of the visitor's token.
pub fn start(
    tx: &mut Tx<'_>,
    scheduler: &Scheduler,
    token_hash: &[u8],
    came_from: CameFrom,
) -> Result<Session, StoreError> {
    let now = tx.now();
    let mut session = Session {
        id: SessionId::new(0),
        business: scheduler.business,
        scheduler: scheduler.id,
        state: SessionState::Open,
        step: Step::Service,
        answers: Answers::default(),
        came_from,
        lead: None,
        leaving: None,
        page_requested_at: None,
        touched_at: now,
    };
    session.id = tx.one(
        sql!(
            "INSERT INTO session (business_id, scheduler_id, state, state_at, step, answers, came_from,
                                  due_at, touched_at, created_at)
             VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $3, $3) RETURNING id"
        ),
        &[
            &session.business,
            &session.scheduler,
            &now,
            &session.step.as_str(),
            &json::write(&session.answers)?,
            &json::write(&session.came_from)?,
            &session.next_look(Presence::NOBODY, now),
        ],
        |row| row.get("id"),
    )?;
    add_token(tx, &session, token_hash)?;
    Ok(session)
}

/// The session of a token; a directory query, not bound to a business.
pub fn by_token(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<Option<Session>, StoreError> {
    tx.first(
        sql!(
            "SELECT session.* FROM session JOIN session_token ON session_token.session_id = session.id
             WHERE session_token.token_hash = $1"
        ),
        &[&token_hash],
        read,
    )
}

/// A session of a business; `NoRow` when there is none.
pub fn get(tx: &mut Tx<'_>, business: BusinessId, id: SessionId) -> Result<Session, StoreError> {
    tx.one(
        sql!("SELECT * FROM session WHERE business_id = $1 AND id = $2"),
        &[&business, &id],
        read,
    )
}

/// Gives a session one more token: the browser that opened the link in a text gets its own, the first keeps its.
pub fn add_token(tx: &mut Tx<'_>, session: &Session, token_hash: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        sql!("INSERT INTO session_token (token_hash, business_id, session_id, created_at) VALUES ($1, $2, $3, $4)"),
        &[&token_hash, &session.business, &session.id, &tx.now()],
    )?;
    Ok(())
}

/// Somebody is on the page. Coming back after all withdraws what is unsent and marks the lead as back.
pub fn here(tx: &mut Tx<'_>, session: &mut Session) -> Result<CameBack, StoreError> {
    let now = tx.now();
    let came = session.come_back(now);
    if came == CameBack::Reopened
        && let Some(id) = session.lead
        && let Some(mut lead) = lead::get(tx, session.business, id)?
    {
        delivery::withdraw(tx, session, DeliveryKind::withdrawn_on_return, "back")?;
        lead.is_back(now);
        lead::save(tx, &lead)?;
        lead::event(tx, &lead, LeadEvent::Back, None, serde_json::json!({}))?;
    }
    save(tx, session)?;
    Ok(came)
}

/// A page of the session was asked for, but has not attached yet.
pub fn page_requested(tx: &mut Tx<'_>, session: &mut Session) -> Result<(), StoreError> {
    session.page_requested(tx.now());
    save(tx, session)
}

/// Judges the session now and carries the verdict out: the sweep's one deed.
pub fn judge(tx: &mut Tx<'_>, session: &mut Session) -> Result<(), StoreError> {
    let present = page::presence(tx, session.id)?;
    let Verdict::Gone { departure, left_at } = session.judge(present, tx.now()) else {
        return save(tx, session);
    };
    if session.answers.reachable() {
        lead::one_at_a_time(tx, session)?;
    }
    let scheduler = scheduler::get(tx, session.business, session.scheduler)?;
    let capture = scheduler.settings.abandoned.scheduler_drop_off
        && !appointment::booked_elsewhere(tx, session)?;
    let captured = session
        .give_up(departure, capture, tx.now())
        .map_err(|e| StoreError::Invalid(e.to_string()))?;
    save(tx, session)?;
    if captured {
        lead::capture(tx, session, &scheduler, departure, left_at)?;
    } else if let Some(id) = session.lead
        && let Some(mut lead) = lead::get(tx, session.business, id)?
    {
        // Gone again, though not captured: nobody is on the scheduler any more.
        lead.back_since = None;
        lead::save(tx, &lead)?;
    }
    Ok(())
}

/// Sessions the sweep has to look at now, and when it should come again; across businesses, by name.
pub fn due(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<(BusinessId, SessionId)>, StoreError> {
    tx.rows(
        sql!("SELECT business_id, id FROM session WHERE due_at <= $1 ORDER BY due_at LIMIT $2"),
        &[&tx.now(), &limit],
        |row| Ok((row.get("business_id")?, row.get("id")?)),
    )
}

/// The earliest time at which a session has to be looked at.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<jiff::Timestamp>, StoreError> {
    tx.first(
        sql!("SELECT due_at FROM session WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1"),
        &[],
        |row| row.get("due_at"),
    )
}

/// A session that could not be judged is looked at again in a minute.
pub fn put_off(tx: &mut Tx<'_>, business: BusinessId, id: SessionId) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE session SET due_at = $3 WHERE business_id = $1 AND id = $2"),
        &[&business, &id, &(tx.now() + PUT_OFF)],
    )?;
    Ok(())
}

/// The server was away: nobody whose time came meanwhile could tell that they are still there. They get the
/// time to find it again; across businesses, once at every start.
pub fn allow_reconnecting(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let until = tx.now() + RESTART_GRACE;
    tx.execute(
        sql!("UPDATE session SET due_at = $1 WHERE due_at < $1"),
        &[&until],
    )?;
    Ok(())
}

/// They booked: the session is booked, its lead recovered, what is unsent withdrawn, the booking on its way to
/// ServiceTitan. One transaction with the appointment that the caller has agreed.
pub fn book(
    tx: &mut Tx<'_>,
    session: &mut Session,
    appointment: AppointmentId,
    how: Recovery,
) -> Result<Result<(), AlreadyBooked>, StoreError> {
    let now = tx.now();
    if let Err(refused) = session.book(now) {
        return Ok(Err(refused));
    }
    lead::one_at_a_time(tx, session)?;
    delivery::withdraw(tx, session, DeliveryKind::withdrawn_on_booking, "booked")?;
    if let Some(id) = session.lead
        && let Some(mut lead) = lead::get(tx, session.business, id)?
    {
        lead.answers = session.answers.clone();
        lead.recover(how, appointment, now);
        lead::save(tx, &lead)?;
        lead::event(
            tx,
            &lead,
            LeadEvent::Recovered,
            None,
            serde_json::json!({ "how": how }),
        )?;
    }
    lead::settle_siblings(tx, session, appointment, how)?;
    save(tx, session)?;
    if integration::connected(tx, session.business, integration::SERVICETITAN)? {
        let kind = DeliveryKind::CrmBooked;
        let planned = Planned {
            kind,
            due_at: now,
            expires_at: now + kind.lives_for(),
        };
        delivery::plan(tx, session, Some(appointment), planned, None)?;
    }
    tx.hint(Hint::Session {
        session: session.id,
    });
    Ok(Ok(()))
}

/// Writes everything of a session that moves.
pub fn save(tx: &mut Tx<'_>, session: &Session) -> Result<(), StoreError> {
    let now = tx.now();
    let due = match (session.state, session.leaving) {
        (SessionState::Open, Some(leaving)) => Some(leaving.until),
        (SessionState::Open, None) => session.next_look(page::presence(tx, session.id)?, now),
        _ => None,
    };
    let state_at = match session.state {
        SessionState::Open => now,
        SessionState::Booked { at }
        | SessionState::Abandoned { at, .. }
        | SessionState::Lapsed { at } => at,
    };
    let departure = match (session.state, session.leaving) {
        (SessionState::Abandoned { departure, .. }, _) => Some(departure),
        (_, leaving) => leaving.map(|l| l.departure),
    };
    tx.execute(
        sql!(
            "UPDATE session SET state = $3, state_at = $4, step = $5, answers = $6, came_from = $7, lead_id = $8,
                    departure = $9, departed_at = $10, due_at = $11, page_requested_at = $12, touched_at = $13
             WHERE business_id = $1 AND id = $2"
        ),
        &[
            &session.business,
            &session.id,
            &session.state.as_str(),
            &state_at,
            &session.step.as_str(),
            &json::write(&session.answers)?,
            &json::write(&session.came_from)?,
            &session.lead,
            &departure.map(|d| d.as_str().to_owned()),
            &session.leaving.map(|l| l.at),
            &due,
            &session.page_requested_at,
            &session.touched_at,
        ],
    )?;
    if session.leaving.is_some() {
        tx.hint(Hint::Sweep);
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Session, StoreError> {
    let state: String = row.get("state")?;
    let at = row.get("state_at")?;
    let departure = row.opt_word("departure")?;
    let state = match (state.as_str(), departure) {
        ("open", _) => SessionState::Open,
        ("booked", _) => SessionState::Booked { at },
        ("abandoned", Some(departure)) => SessionState::Abandoned { at, departure },
        ("lapsed", _) => SessionState::Lapsed { at },
        _ => return Err(StoreError::Invalid(format!("session state {state:?}"))),
    };
    let departed_at: Option<jiff::Timestamp> = row.get("departed_at")?;
    let due_at: Option<jiff::Timestamp> = row.get("due_at")?;
    let leaving = match (state, departure, departed_at, due_at) {
        (SessionState::Open, Some(departure), Some(at), Some(until)) => Some(Leaving {
            departure,
            at,
            until,
        }),
        _ => None,
    };
    Ok(Session {
        id: row.get("id")?,
        business: row.get("business_id")?,
        scheduler: row.get("scheduler_id")?,
        state,
        step: row.word("step")?,
        answers: json::read(&row.get::<String>("answers")?)?,
        came_from: json::read(&row.get::<String>("came_from")?)?,
        lead: row.get("lead_id")?,
        leaving,
        page_requested_at: row.get("page_requested_at")?,
        touched_at: row.get("touched_at")?,
    })
}
