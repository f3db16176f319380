//! Sessions: saving answers, coming back, giving up, booking. Each is one transaction with all that follows.

use jiff::SignedDuration;
use ringback_domain::delivery::{DeliveryKind, Planned};
use ringback_domain::departure::{Departure, Presence, Verdict};
use ringback_domain::follow_up::WhyNot;
use ringback_domain::id::{AppointmentId, BusinessId, SessionId};
use ringback_domain::lead::{LeadEvent, Recovery};
use ringback_domain::scheduler::Scheduler;
use ringback_domain::session::{
    AlreadyBooked, Answers, CameBack, CameFrom, Leaving, Session, SessionState, Step,
};

use super::news::News;
use super::node::HeardSince;
use super::page::Owner;
use super::{
    Hint, Row, StoreError, Tx, appointment, delivery, integration, json, lead, page, scheduler, sql,
};

/// How long a session that could not be judged waits.
const PUT_OFF: SignedDuration = SignedDuration::from_mins(1);

/// How many browsers know a session at once.
pub const MOST_TOKENS: i64 = 20;

/// Begins a session. `token_hash` is the SHA-256 of the visitor's token.
pub fn start(
    tx: &mut Tx<'_>,
    scheduler: &Scheduler,
    token_hash: &[u8],
    came_from: CameFrom,
) -> Result<Session, StoreError> {
    start_at(
        tx,
        scheduler,
        token_hash,
        came_from,
        Step::Service,
        Answers::default(),
    )
}

/// [`start`] at a step, with what has been answered before it.
pub fn start_at(
    tx: &mut Tx<'_>,
    scheduler: &Scheduler,
    token_hash: &[u8],
    came_from: CameFrom,
    step: Step,
    answers: Answers,
) -> Result<Session, StoreError> {
    let now = tx.now();
    let mut session = Session {
        id: SessionId::new(0),
        business: scheduler.business,
        scheduler: scheduler.id,
        state: SessionState::Open,
        step,
        answers,
        came_from,
        lead: None,
        leaving: None,
        page_requested_at: None,
        touched_at: now,
    };
    session.id = tx.insert(
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
        ])?;
    add_token(tx, &session, token_hash)?;
    tell_saved(tx, &session, None);
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

/// The browser that opened the link in a text gets a token of its own; the others keep theirs. Of a link that is
/// opened again and again only the newest stay.
pub fn adopt(tx: &mut Tx<'_>, session: &Session, token_hash: &[u8]) -> Result<(), StoreError> {
    add_token(tx, session, token_hash)?;
    tx.execute(
        sql!(
            "DELETE FROM session_token WHERE session_id = $1 AND token_hash NOT IN (
                 SELECT token_hash FROM session_token WHERE session_id = $1
                 ORDER BY created_at DESC, CASE WHEN token_hash = $2 THEN 0 ELSE 1 END LIMIT $3)"
        ),
        &[&session.id, &token_hash, &MOST_TOKENS],
    )?;
    Ok(())
}

fn add_token(tx: &mut Tx<'_>, session: &Session, token_hash: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        sql!("INSERT INTO session_token (token_hash, business_id, session_id, created_at) VALUES ($1, $2, $3, $4)"),
        &[&token_hash, &session.business, &session.id, &tx.now()],
    )?;
    Ok(())
}

/// Somebody is on the page. Coming back after all withdraws what is unsent and marks the lead as back.
pub fn here(tx: &mut Tx<'_>, session: &mut Session) -> Result<CameBack, StoreError> {
    let came = came_back(tx, session)?;
    save(tx, session)?;
    Ok(came)
}

/// [`here`] for a caller who goes on to change the session and saves it then, once.
pub fn came_back(tx: &mut Tx<'_>, session: &mut Session) -> Result<CameBack, StoreError> {
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
    Ok(came)
}

/// When this visit began.
pub fn began_at(tx: &mut Tx<'_>, session: &Session) -> Result<jiff::Timestamp, StoreError> {
    tx.one(
        sql!("SELECT created_at FROM session WHERE business_id = $1 AND id = $2"),
        &[&session.business, &session.id],
        |row| row.get("created_at"),
    )
}

/// A page of the session was asked for, but has not attached yet.
pub fn page_requested(tx: &mut Tx<'_>, session: &mut Session) -> Result<(), StoreError> {
    session.page_requested(tx.now());
    save(tx, session)
}

/// Judges the session now and carries the verdict out: the sweep's one deed.
pub fn judge(tx: &mut Tx<'_>, session: &mut Session) -> Result<(), StoreError> {
    let present = page::presence(tx, session.id)?;
    judge_among(tx, session, present)
}

/// [`judge`] for a caller who has looked at what is open of it.
pub fn judge_among(
    tx: &mut Tx<'_>,
    session: &mut Session,
    present: Presence,
) -> Result<(), StoreError> {
    let until = session.leaving.map(|leaving| leaving.until);
    let Verdict::Gone { departure, left_at } = session.judge(present, tx.now()) else {
        return save(tx, session);
    };
    let mut theirs = Vec::new();
    if session.answers.reachable() {
        lead::one_at_a_time(tx, session)?;
        theirs = lead::of_visitor(tx, session)?;
    }
    let scheduler = scheduler::get(tx, session.business, session.scheduler)?;
    let why_not = match scheduler.settings.lets_go(&session.answers) {
        None if appointment::booked_elsewhere(tx, session)?
            || lead::booked_by_staff(tx, session, &theirs)? =>
        {
            Some(WhyNot::Booked)
        }
        why_not => why_not,
    };
    let captured = session
        .give_up(departure, why_not.is_none(), tx.now())
        .map_err(|e| StoreError::Invalid(e.to_string()))?;
    tx.tell(News::GivenUp {
        session: session.id,
        departure,
        captured,
        late: until.map(|until| tx.now().duration_since(until)),
    });
    if captured {
        // Saves the session with the lead that it finds or makes.
        lead::capture(tx, session, &scheduler, theirs, departure, left_at)?;
        return Ok(());
    }
    save(tx, session)?;
    if let Some(id) = session.lead
        && let Some(mut lead) = lead::get(tx, session.business, id)?
    {
        lead.let_go(why_not);
        lead::save(tx, &lead)?;
        if why_not == Some(WhyNot::OutOfArea) {
            let detail = serde_json::json!({ "code": session.answers.postal_code });
            lead::event(tx, &lead, LeadEvent::OutOfArea, None, detail)?;
        }
    }
    Ok(())
}

/// A session whose time has come, or is about to.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Whose.
    pub business: BusinessId,
    /// Which.
    pub session: SessionId,
    /// When.
    pub at: jiff::Timestamp,
    /// The node that asks was the last to have a page of it.
    pub ours: bool,
}

/// What the sweep has to look at until then, earliest first; across businesses, by name. Only those that have
/// given a sign (a touch, a departure) since `heard`: see [`super::node::Others::heard_since`].
pub fn due(
    tx: &mut Tx<'_>,
    owner: &Owner,
    heard: HeardSince,
    until: jiff::Timestamp,
    limit: i64,
) -> Result<Vec<Due>, StoreError> {
    tx.rows(
        sql!(
            "SELECT due.business_id, due.id, due.due_at,
                    (SELECT page.node FROM page WHERE page.session_id = due.id
                     ORDER BY page.seen_at DESC LIMIT 1) AS node
             FROM (SELECT business_id, id, due_at FROM session
                   WHERE due_at >= $1 AND due_at <= $3
                     AND CASE WHEN departed_at IS NULL THEN touched_at >= $2 ELSE departed_at >= $1 END
                   ORDER BY due_at LIMIT $4) AS due
             ORDER BY due.due_at"
        ),
        &[&heard.departed, &heard.silent, &until, &limit],
        |row| {
            let node: Option<String> = row.get("node")?;
            Ok(Due {
                business: row.get("business_id")?,
                session: row.get("id")?,
                at: row.get("due_at")?,
                ours: node.is_some_and(|node| node == owner.node),
            })
        },
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
    let mut reference = None;
    if let Some(id) = session.lead
        && let Some(mut lead) = lead::get(tx, session.business, id)?
    {
        reference = Some(lead.reference.clone());
        let scheduler = scheduler::get(tx, session.business, session.scheduler)?;
        let was = lead::says(&mut lead, session, &scheduler.settings);
        lead.recover(how, appointment, now);
        lead::save(tx, &lead)?;
        let detail = serde_json::json!({ "how": how, "was": was });
        lead::event(tx, &lead, LeadEvent::Recovered, None, detail)?;
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
    tx.tell(News::Booked {
        session: session.id,
        lead: reference,
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
            &departure.map(Departure::as_str),
            &session.leaving.map(|l| l.at),
            &due,
            &session.page_requested_at,
            &session.touched_at,
        ],
    )?;
    if session.leaving.is_some() {
        tx.hint(Hint::Sweep);
    }
    tell_saved(tx, session, departure);
    Ok(())
}

fn tell_saved(tx: &mut Tx<'_>, session: &Session, departure: Option<Departure>) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        tx.tell(News::Saved {
            session: session.id,
            state: session.state.as_str(),
            step: session.step,
            departure,
        });
    }
}

fn read(row: &Row<'_>) -> Result<Session, StoreError> {
    let at = row.get("state_at")?;
    let departure = row.opt_word("departure")?;
    let state = row.text("state", |state| match (state, departure) {
        ("open", _) => Ok(SessionState::Open),
        ("booked", _) => Ok(SessionState::Booked { at }),
        ("abandoned", Some(departure)) => Ok(SessionState::Abandoned { at, departure }),
        ("lapsed", _) => Ok(SessionState::Lapsed { at }),
        _ => Err(StoreError::Invalid(format!("session state {state:?}"))),
    })?;
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
        answers: row.text("answers", json::read)?,
        came_from: row.text("came_from", json::read)?,
        lead: row.get("lead_id")?,
        leaving,
        page_requested_at: row.get("page_requested_at")?,
        touched_at: row.get("touched_at")?,
    })
}
