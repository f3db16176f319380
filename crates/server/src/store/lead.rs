//! Leads: captured in one transaction with all that follows, worked by staff, listed for the inbox.

use jiff::Timestamp;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus, Planned};
use ringback_domain::departure::Departure;
use ringback_domain::follow_up::{SENDABLE_FOR, TextNote, WhyNot};
use ringback_domain::id::{AppointmentId, BusinessId, LeadId, StaffId};
use ringback_domain::lead::{
    LEFTOVER_FOR, Lead, LeadEvent, LeadState, LeadStatus, Recovery, Stamps, Was,
};
use ringback_domain::reference::reference;
use ringback_domain::scheduler::{Scheduler, SchedulerSettings};
use ringback_domain::session::Session;

use super::news::News;
use super::{COUNTED_TO, Hint, Row, StoreError, Tx, delivery, integration, json, sql};
use crate::random;

/// A session has been given up and is to be captured: the lead (a new one, or the live one it joins), its
/// timeline and every delivery that follows, each with its due time. The caller has said [`one_at_a_time`], and read
/// the person's leads after that.
pub fn capture(
    tx: &mut Tx<'_>,
    session: &mut Session,
    scheduler: &Scheduler,
    theirs: Vec<Lead>,
    departure: Departure,
    left_at: Timestamp,
) -> Result<LeadId, StoreError> {
    let requests = theirs.len();
    let joined = going_on(tx, session, theirs)?;
    let is_new = joined.is_none();
    let nothing_waits = is_new && session.lead.is_none();
    let mut lead = match joined {
        Some(mut lead) => {
            lead.left_again(session.id, session.step, departure, left_at);
            let was = says(&mut lead, session, &scheduler.settings);
            save(tx, &lead)?;
            let mut detail = left_detail(session, departure);
            detail["was"] = serde_json::json!(was);
            event(tx, &lead, LeadEvent::LeftAgain, None, detail)?;
            lead
        }
        None => {
            let lead = create(tx, session, scheduler, departure, left_at, requests)?;
            event(
                tx,
                &lead,
                LeadEvent::Left,
                None,
                left_detail(session, departure),
            )?;
            lead
        }
    };
    if session.lead != Some(lead.id) {
        session.lead = Some(lead.id);
        if !nothing_waits {
            // Left in another session before: what waits there would tell of, and lead back to, the older visit.
            delivery::withdraw(tx, session, DeliveryKind::withdrawn_on_return, "back")?;
        }
    }
    super::session::save(tx, session)?;
    plan_record(tx, session, &scheduler.settings, departure, left_at)?;
    let theirs = match is_new {
        true => Vec::new(),
        false => delivery::of_lead(tx, lead.business, lead.id)?,
    };
    let settings = &scheduler.settings;
    lead.text_note = Some(plan_text(tx, session, &lead, &theirs, settings, left_at)?);
    save_text_note(tx, &lead)?;
    tx.tell(News::Captured {
        departure,
        after: tx.now().duration_since(left_at),
    });
    Ok(lead.id)
}

fn left_detail(session: &Session, departure: Departure) -> serde_json::Value {
    serde_json::json!({ "step": session.step, "departure": departure })
}

/// Whether staff have booked this session's person for what it asks, by phone say: its end is nobody's departure.
/// On whatever device they had left it; where it is another one than this session's, since this visit began and within
/// [`LEFTOVER_FOR`].
pub fn booked_by_staff(
    tx: &mut Tx<'_>,
    session: &Session,
    theirs: &[Lead],
) -> Result<bool, StoreError> {
    let by_staff = |lead: &&Lead| {
        let how = Recovery::Staff;
        matches!(lead.state, LeadState::Recovered { how: by, .. } if by == how)
            && lead.asks_the_same(session.scheduler, &session.answers)
    };
    let mut booked = theirs.iter().filter(by_staff).peekable();
    if booked.peek().is_none() {
        return Ok(false);
    }
    let now = tx.now();
    let since = super::session::began_at(tx, session)?.max(now - LEFTOVER_FOR);
    let lately = |at| since <= at && at <= now;
    Ok(booked
        .any(|lead| session.lead == Some(lead.id) || lead.stamps.recovered_at.is_some_and(lately)))
}

/// What the session's person said last stands on the lead; returns what stood there before.
pub fn says(lead: &mut Lead, session: &Session, settings: &SchedulerSettings) -> Was {
    let answers = session.answers.clone();
    let title = service_title(settings, &answers.service);
    lead.says(answers, title)
}

fn service_title(settings: &SchedulerSettings, key: &str) -> String {
    settings
        .service(key)
        .map_or_else(|| key.to_owned(), |service| service.title.clone())
}

/// Puts everything about one person one after the other: two sessions judged at the same moment must not both
/// find that there is no lead yet. On PostgreSQL the later one runs into this row and begins again.
pub fn one_at_a_time(tx: &mut Tx<'_>, session: &Session) -> Result<(), StoreError> {
    let answers = &session.answers;
    let who = if answers.phone.is_empty() {
        &answers.email
    } else {
        &answers.phone
    };
    tx.execute(
        sql!(
            "INSERT INTO person (business_id, who, seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (business_id, who) DO UPDATE SET seen_at = $3"
        ),
        &[&session.business, who, &tx.now()],
    )?;
    Ok(())
}

/// The lead this session goes on with: its own, unless that one ended well, or a live one of the same request.
fn going_on(
    tx: &mut Tx<'_>,
    session: &Session,
    theirs: Vec<Lead>,
) -> Result<Option<Lead>, StoreError> {
    if let Some(id) = session.lead
        && let Some(lead) = get(tx, session.business, id)?
        && lead.state.status() != LeadStatus::Recovered
    {
        return Ok(Some(lead));
    }
    let now = tx.now();
    Ok(theirs
        .into_iter()
        .find(|lead| lead.joins(session.scheduler, &session.answers, now)))
}

fn create(
    tx: &mut Tx<'_>,
    session: &Session,
    scheduler: &Scheduler,
    departure: Departure,
    left_at: Timestamp,
    requests: usize,
) -> Result<Lead, StoreError> {
    let now = tx.now();
    let answers = session.answers.clone();
    let mut lead = Lead {
        id: LeadId::new(0),
        business: session.business,
        scheduler: session.scheduler,
        session: session.id,
        reference: String::new(),
        name: answers.name.clone(),
        phone: Some(answers.phone.clone()).filter(|p| !p.is_empty()),
        email: Some(answers.email.clone()).filter(|e| !e.is_empty()),
        service: answers.service.clone(),
        service_title: service_title(&scheduler.settings, &answers.service),
        last_step: session.step,
        departure,
        answers,
        state: LeadState::New,
        back_since: None,
        request_number: i64::try_from(requests).unwrap_or(i64::MAX) + 1,
        times_left: 1,
        appointment: None,
        text_note: None,
        stamps: Stamps {
            left_at,
            detected_by: departure,
            lead_at: now,
            shown_at: None,
            crm_sent_at: None,
            crm_done_at: None,
            text_sent_at: None,
            text_delivered_at: None,
            first_contact_at: None,
            recovered_at: None,
        },
    };
    // A taken reference is drawn again; after a few unlucky draws the longer ones begin.
    for draw in 0..12 {
        lead.reference = reference(random::bytes(), draw >= 4);
        let id = tx.insert_new(
            sql!(
                "INSERT INTO lead (business_id, scheduler_id, session_id, reference, name, phone, email, service,
                                   service_title, last_step, departure, answers, state, state_at, request_number,
                                   times_left, left_at, detected_by, lead_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'new', $13, $14, 1, $15, $11, $13)
                 ON CONFLICT (business_id, reference) DO NOTHING RETURNING id"
            ),
            &[
                &lead.business,
                &lead.scheduler,
                &lead.session,
                &lead.reference,
                &lead.name,
                &lead.phone,
                &lead.email,
                &lead.service,
                &lead.service_title,
                &lead.last_step.as_str(),
                &departure.as_str(),
                &json::write(&lead.answers)?,
                &now,
                &lead.request_number,
                &left_at,
            ])?;
        if let Some(id) = id {
            lead.id = id;
            return Ok(lead);
        }
    }
    Err(StoreError::Invalid(
        "no free reference after twelve draws".into(),
    ))
}

/// *Send abandoned session to me in ST*: plans the record, unless one waits already.
fn plan_record(
    tx: &mut Tx<'_>,
    session: &Session,
    settings: &SchedulerSettings,
    departure: Departure,
    left_at: Timestamp,
) -> Result<(), StoreError> {
    let Some(delay) = settings.sync.send.delay() else {
        return Ok(());
    };
    if !integration::connected(tx, session.business, integration::SERVICETITAN)? {
        return Ok(());
    }
    let kind = DeliveryKind::CrmAbandoned;
    let waits = delivery::of_session(tx, session)?.iter().any(|d| {
        d.kind == kind && matches!(d.status, DeliveryStatus::Due | DeliveryStatus::Claimed)
    });
    if !waits {
        let due_at = (left_at + delay).max(tx.now() + settings.holds.record(departure));
        delivery::plan(
            tx,
            session,
            None,
            Planned {
                kind,
                due_at,
                expires_at: left_at + kind.lives_for(),
            },
            None,
        )?;
    }
    Ok(())
}

/// *Send message after*: plans the follow-up, or says why there is none. The rules are asked again when it is due.
fn plan_text(
    tx: &mut Tx<'_>,
    session: &Session,
    lead: &Lead,
    theirs: &[Delivery],
    settings: &SchedulerSettings,
    left_at: Timestamp,
) -> Result<TextNote, StoreError> {
    let kind = DeliveryKind::TextFollowUp;
    // Of whatever kind: a lead gets one text, and what is said of that one stands.
    if lead.was_texted() || theirs.iter().any(Delivery::is_text_that_went) {
        return Ok(lead.text_note.clone().unwrap_or(TextNote::Not {
            why: WhyNot::AlreadyTexted,
        }));
    }
    let Some(delay) = settings.follow_up.send.delay() else {
        return Ok(TextNote::Not {
            why: WhyNot::SwitchedOff,
        });
    };
    if lead.phone.is_none() {
        return Ok(TextNote::Not {
            why: WhyNot::NoPhone,
        });
    }
    if !session.answers.text_me {
        return Ok(TextNote::Not {
            why: WhyNot::NoConsent,
        });
    }
    if !integration::connected(tx, session.business, integration::TEXTS)? {
        return Ok(TextNote::Not {
            why: WhyNot::NoSender,
        });
    }
    let due_at = (left_at + delay).max(tx.now() + settings.holds.text());
    let business = super::business::get(tx, session.business)?.zone();
    let browser = session.came_from.browser_zone();
    let note = TextNote::planned(&business, browser.as_ref(), due_at, left_at + SENDABLE_FOR);
    let goes = matches!(note, TextNote::Planned { .. });
    // It is due when it may be asked: what forbids it by then is said then, not in the morning.
    let waits = theirs.iter().any(|d| {
        d.kind == kind && matches!(d.status, DeliveryStatus::Due | DeliveryStatus::Claimed)
    });
    if goes && !waits {
        delivery::plan(
            tx,
            session,
            None,
            Planned {
                kind,
                due_at,
                expires_at: left_at + kind.lives_for(),
            },
            None,
        )?;
    }
    Ok(note)
}

/// Somebody booked in another session than the one they left: the live leads of the same request end well too.
pub fn settle_siblings(
    tx: &mut Tx<'_>,
    session: &Session,
    appointment: AppointmentId,
    how: Recovery,
) -> Result<(), StoreError> {
    let now = tx.now();
    for mut lead in of_visitor(tx, session)? {
        let ends = lead.state.is_live() && lead.asks_the_same(session.scheduler, &session.answers);
        if Some(lead.id) == session.lead || !ends {
            continue;
        }
        let mut theirs = super::session::get(tx, lead.business, lead.session)?;
        theirs.lead = Some(lead.id);
        delivery::withdraw(tx, &theirs, DeliveryKind::withdrawn_on_booking, "booked")?;
        lead.recover(how, appointment, now);
        save(tx, &lead)?;
        event(
            tx,
            &lead,
            LeadEvent::Recovered,
            None,
            serde_json::json!({ "how": how }),
        )?;
    }
    Ok(())
}

/// Which leads a list wants.
#[derive(Clone, Debug, Default)]
pub struct LeadFilter {
    /// Any of these; empty: all.
    pub states: Vec<LeadStatus>,
    /// Claimed or contacted by this person.
    pub by: Option<StaffId>,
    /// Name, phone digits, email or reference containing this, lower case; empty: all.
    pub search: String,
    /// Continue below this one (its `left_at` and id).
    pub before: Option<(Timestamp, LeadId)>,
    /// At most so many.
    pub limit: i64,
}

/// A business's leads, newest departure first.
pub fn list(
    tx: &mut Tx<'_>,
    business: BusinessId,
    filter: &LeadFilter,
) -> Result<Vec<Lead>, StoreError> {
    let states = |status: LeadStatus| filter.states.is_empty() || filter.states.contains(&status);
    let before = filter.before.map_or(Timestamp::MAX, |(at, _)| at);
    let before_id = filter.before.map_or(i64::MAX, |(_, id)| id.get());
    tx.rows(
        sql!(
            "SELECT * FROM lead
             WHERE business_id = $1 AND (left_at < $2 OR (left_at = $2 AND id < $3))
               AND (($4 = 1 AND state = 'new') OR ($5 = 1 AND state = 'claimed') OR ($6 = 1 AND state = 'contacted')
                    OR ($7 = 1 AND state = 'recovered') OR ($8 = 1 AND state = 'dismissed'))
               AND ($9 = 0 OR state_by = $9)
               AND ($10 = '' OR LOWER(name) LIKE $11 ESCAPE '!' OR phone LIKE $11 ESCAPE '!'
                    OR LOWER(email) LIKE $11 ESCAPE '!' OR LOWER(reference) LIKE $11 ESCAPE '!')
             ORDER BY left_at DESC, id DESC LIMIT $12"
        ),
        &[
            &business,
            &before,
            &before_id,
            &states(LeadStatus::New),
            &states(LeadStatus::Claimed),
            &states(LeadStatus::Contacted),
            &states(LeadStatus::Recovered),
            &states(LeadStatus::Dismissed),
            &filter.by.map_or(0, StaffId::get),
            &filter.search,
            &containing(&filter.search),
            &filter.limit,
        ],
        read,
    )
}

/// A pattern of LIKE that means just these letters; `!` is its ESCAPE.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// How many leads are new, for the badge; nobody counts further than [`COUNTED_TO`].
pub fn count_new(tx: &mut Tx<'_>, business: BusinessId) -> Result<i64, StoreError> {
    tx.one(
        sql!(
            "SELECT COUNT(*) AS n FROM (
                 SELECT 1 AS one FROM lead WHERE business_id = $1 AND state = 'new' LIMIT $2) AS counted"
        ),
        &[&business, &COUNTED_TO],
        |row| row.get("n"),
    )
}

/// One lead of a business.
pub fn get(tx: &mut Tx<'_>, business: BusinessId, id: LeadId) -> Result<Option<Lead>, StoreError> {
    tx.first(
        sql!("SELECT * FROM lead WHERE business_id = $1 AND id = $2"),
        &[&business, &id],
        read,
    )
}

/// The leads of one person: by phone, or by email where there is no phone. Newest first, at most 50.
pub fn of_person(
    tx: &mut Tx<'_>,
    business: BusinessId,
    phone: &str,
    email: &str,
) -> Result<Vec<Lead>, StoreError> {
    if phone.is_empty() && email.is_empty() {
        return Ok(Vec::new());
    }
    if phone.is_empty() {
        return tx.rows(
            sql!(
                "SELECT * FROM lead WHERE business_id = $1 AND email = $2 ORDER BY id DESC LIMIT 50"
            ),
            &[&business, &email],
            read,
        );
    }
    tx.rows(
        sql!("SELECT * FROM lead WHERE business_id = $1 AND phone = $2 ORDER BY id DESC LIMIT 50"),
        &[&business, &phone],
        read,
    )
}

/// The leads of whoever this session is about: [`of_person`].
pub fn of_visitor(tx: &mut Tx<'_>, session: &Session) -> Result<Vec<Lead>, StoreError> {
    let (phone, email) = (&session.answers.phone, &session.answers.email);
    of_person(tx, session.business, phone, email)
}

/// Writes what is said of the text, and nothing else: the rest stands there already.
fn save_text_note(tx: &mut Tx<'_>, lead: &Lead) -> Result<(), StoreError> {
    let text_note = lead.text_note.as_ref().map(json::write).transpose()?;
    tx.execute(
        sql!("UPDATE lead SET text_note = $3 WHERE business_id = $1 AND id = $2"),
        &[&lead.business, &lead.id, &text_note],
    )?;
    Ok(())
}

/// Writes everything of a lead that moves, and tells open inboxes to look.
pub fn save(tx: &mut Tx<'_>, lead: &Lead) -> Result<(), StoreError> {
    let (state_at, state_by, state_note): (Timestamp, Option<StaffId>, Option<String>) = match &lead
        .state
    {
        LeadState::New => (lead.stamps.lead_at, None, None),
        LeadState::Claimed { by, at } | LeadState::Contacted { by, at } => (*at, Some(*by), None),
        LeadState::Recovered { how, at } => (*at, None, Some(how.as_str().to_owned())),
        LeadState::Dismissed { reason, by, at } => (*at, Some(*by), Some(reason.clone())),
    };
    let text_note = lead.text_note.as_ref().map(json::write).transpose()?;
    tx.execute(
        sql!(
            "UPDATE lead SET session_id = $3, name = $4, phone = $5, email = $6, service = $7, service_title = $8,
                    last_step = $9, departure = $10, answers = $11, state = $12, state_at = $13, state_by = $14,
                    state_note = $15, back_since = $16, times_left = $17, appointment_id = $18, text_note = $19,
                    left_at = $20, detected_by = $21, crm_sent_at = $22, crm_done_at = $23, text_sent_at = $24,
                    text_delivered_at = $25, first_contact_at = $26, recovered_at = $27
             WHERE business_id = $1 AND id = $2"
        ),
        &[
            &lead.business,
            &lead.id,
            &lead.session,
            &lead.name,
            &lead.phone,
            &lead.email,
            &lead.service,
            &lead.service_title,
            &lead.last_step.as_str(),
            &lead.departure.as_str(),
            &json::write(&lead.answers)?,
            &lead.state.status().as_str(),
            &state_at,
            &state_by,
            &state_note,
            &lead.back_since,
            &lead.times_left,
            &lead.appointment,
            &text_note,
            &lead.stamps.left_at,
            &lead.stamps.detected_by.as_str(),
            &lead.stamps.crm_sent_at,
            &lead.stamps.crm_done_at,
            &lead.stamps.text_sent_at,
            &lead.stamps.text_delivered_at,
            &lead.stamps.first_contact_at,
            &lead.stamps.recovered_at,
        ],
    )?;
    tx.hint(Hint::Lead {
        business: lead.business,
        lead: lead.id,
    });
    Ok(())
}

/// An open inbox has shown these; the first time counts.
pub fn mark_shown(
    tx: &mut Tx<'_>,
    business: BusinessId,
    leads: &[LeadId],
) -> Result<(), StoreError> {
    for lead in leads {
        tx.execute(
            sql!("UPDATE lead SET shown_at = $3 WHERE business_id = $1 AND id = $2 AND shown_at IS NULL"),
            &[&business, lead, &tx.now()],
        )?;
    }
    Ok(())
}

/// A line of a timeline.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: LeadEvent,
    /// By whom, when staff did it.
    pub staff: Option<StaffId>,
    /// What belongs to it.
    pub detail: serde_json::Value,
}

/// Writes a line of the timeline.
pub fn event(
    tx: &mut Tx<'_>,
    lead: &Lead,
    kind: LeadEvent,
    staff: Option<StaffId>,
    detail: serde_json::Value,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO lead_event (business_id, lead_id, at, kind, staff_id, detail) VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        &[&lead.business, &lead.id, &tx.now(), &kind.as_str(), &staff, &json::write(&detail)?],
    )?;
    tx.hint(Hint::Lead {
        business: lead.business,
        lead: lead.id,
    });
    tx.tell(News::OnTimeline {
        session: lead.session,
        lead: lead.reference.clone(),
        event: kind,
    });
    Ok(())
}

/// A lead's timeline, oldest first.
pub fn events(
    tx: &mut Tx<'_>,
    business: BusinessId,
    lead: LeadId,
) -> Result<Vec<EventRow>, StoreError> {
    tx.rows(
        sql!(
            "SELECT at, kind, staff_id, detail FROM lead_event WHERE business_id = $1 AND lead_id = $2 ORDER BY id"
        ),
        &[&business, &lead],
        |row| {
            Ok(EventRow {
                at: row.get("at")?,
                kind: row.word("kind")?,
                staff: row.get("staff_id")?,
                detail: json::read(&row.get::<String>("detail")?)?,
            })
        },
    )
}

fn read(row: &Row<'_>) -> Result<Lead, StoreError> {
    let at = row.get("state_at")?;
    let by: Option<StaffId> = row.get("state_by")?;
    let note: Option<String> = row.get("state_note")?;
    let status: LeadStatus = row.word("state")?;
    let state = match (status, by, note) {
        (LeadStatus::New, ..) => LeadState::New,
        (LeadStatus::Claimed, Some(by), _) => LeadState::Claimed { by, at },
        (LeadStatus::Contacted, Some(by), _) => LeadState::Contacted { by, at },
        (LeadStatus::Recovered, _, Some(how)) => {
            let how = how
                .parse()
                .map_err(|e| StoreError::Invalid(format!("{e}")))?;
            LeadState::Recovered { how, at }
        }
        (LeadStatus::Dismissed, Some(by), Some(reason)) => LeadState::Dismissed { reason, by, at },
        _ => {
            return Err(StoreError::Invalid(format!(
                "lead state {status} lacks its data"
            )));
        }
    };
    let text_note: Option<String> = row.get("text_note")?;
    Ok(Lead {
        id: row.get("id")?,
        business: row.get("business_id")?,
        scheduler: row.get("scheduler_id")?,
        session: row.get("session_id")?,
        reference: row.get("reference")?,
        name: row.get("name")?,
        phone: row.get("phone")?,
        email: row.get("email")?,
        service: row.get("service")?,
        service_title: row.get("service_title")?,
        last_step: row.word("last_step")?,
        departure: row.word("departure")?,
        answers: json::read(&row.get::<String>("answers")?)?,
        state,
        back_since: row.get("back_since")?,
        request_number: row.get("request_number")?,
        times_left: row.get("times_left")?,
        appointment: row.get("appointment_id")?,
        text_note: text_note.as_deref().map(json::read).transpose()?,
        stamps: Stamps {
            left_at: row.get("left_at")?,
            detected_by: row.word("detected_by")?,
            lead_at: row.get("lead_at")?,
            shown_at: row.get("shown_at")?,
            crm_sent_at: row.get("crm_sent_at")?,
            crm_done_at: row.get("crm_done_at")?,
            text_sent_at: row.get("text_sent_at")?,
            text_delivered_at: row.get("text_delivered_at")?,
            first_contact_at: row.get("first_contact_at")?,
            recovered_at: row.get("recovered_at")?,
        },
    })
}
