//! Presence rows: the open pages of a session, and which node holds each one's line.

use jiff::SignedDuration;
use ringback_domain::departure::{Departure, Line, Presence, RESTART_GRACE};
use ringback_domain::id::{BusinessId, SessionId};
use ringback_domain::session::Session;

use super::{StoreError, Tx, node, session, sql};

/// A page that has gone is forgotten this long after it was seen, once the session has another.
const GONE_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Who holds a page's line.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The node's name.
    pub node: String,
    /// Its present life.
    pub epoch: i64,
}

/// What a page says of itself in every message.
#[derive(Clone, Debug)]
pub struct PageSays {
    /// The document's own random id, 16 letters and digits.
    pub page: String,
    /// Grows with every message of the document.
    pub number: i64,
    /// Out of view.
    pub hidden: bool,
}

/// A page is there: attached its line, posted, or came back into view. Returns false when the message
/// is older than one that counted already.
pub fn is_here(
    tx: &mut Tx<'_>,
    session: &mut Session,
    says: &PageSays,
    line: Line,
    owner: &Owner,
) -> Result<bool, StoreError> {
    let known: Option<i64> = tx.first(
        sql!("SELECT number FROM page WHERE session_id = $1 AND page = $2"),
        &[&session.id, &says.page],
        |row| row.get("number"),
    )?;
    if known.is_some_and(|number| says.number <= number) {
        return Ok(false);
    }
    tx.execute(
        sql!(
            "INSERT INTO page (session_id, business_id, page, number, line, hidden, node, epoch, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (session_id, page) DO UPDATE
             SET number = $4, line = $5, hidden = $6, node = $7, epoch = $8, seen_at = $9"
        ),
        &[
            &session.id,
            &session.business,
            &says.page,
            &says.number,
            &line.as_str(),
            &says.hidden,
            &owner.node,
            &owner.epoch,
            &tx.now(),
        ],
    )?;
    if known.is_none() {
        // Only a new document ends "being reloaded": a dying Firefox page attaches once more before it goes.
        session.page_requested_at = None;
        // Pages that went long ago say nothing any more, however often this one is loaded anew.
        tx.execute(
            sql!("DELETE FROM page WHERE session_id = $1 AND line = 'gone' AND seen_at < $2"),
            &[&session.id, &(tx.now() - GONE_FOR)],
        )?;
    }
    session::here(tx, session)?;
    Ok(true)
}

/// Somebody touched the page. Not when it has said goodbye meanwhile, perhaps to another node: the word is older
/// than that, and would only make its visitor stay. Nor over a line that has been freed or replaced: the word may
/// have lain in a stopped server's hands while its page died, and who is there attaches anew.
pub fn touched(
    tx: &mut Tx<'_>,
    session: &mut Session,
    says: &PageSays,
    line: Line,
    owner: &Owner,
) -> Result<(), StoreError> {
    let counted = tx.execute(
        sql!(
            "UPDATE page SET number = $3 WHERE session_id = $1 AND page = $2 AND number < $3
               AND ($4 = 'post' OR (line = 'socket' AND node = $5 AND epoch = $6))"
        ),
        &[
            &session.id,
            &says.page,
            &says.number,
            &line.as_str(),
            &owner.node,
            &owner.epoch,
        ],
    )?;
    if counted == 1 {
        session::here(tx, session)?;
    }
    Ok(())
}

/// A page went out of view or back: noted for the grace of a line that dies later.
pub fn turned(tx: &mut Tx<'_>, session: SessionId, says: &PageSays) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE page SET hidden = $4, number = $3, seen_at = $5
             WHERE session_id = $1 AND page = $2 AND number < $3 AND line <> 'gone'"
        ),
        &[&session, &says.page, &says.number, &says.hidden, &tx.now()],
    )?;
    Ok(())
}

/// A page said that it goes. Copies over a second transport carry the same number and do nothing. The node that
/// heard it first sees to the departure, whoever held the line.
pub fn said_goodbye(
    tx: &mut Tx<'_>,
    session: &mut Session,
    says: &PageSays,
    departure: Departure,
    owner: &Owner,
) -> Result<(), StoreError> {
    let counted = tx.execute(
        sql!(
            "INSERT INTO page (session_id, business_id, page, number, line, hidden, node, epoch, seen_at)
             VALUES ($1, $2, $3, $4, 'gone', $5, $6, $7, $8)
             ON CONFLICT (session_id, page) DO UPDATE
             SET number = $4, line = 'gone', hidden = $5, node = $6, epoch = $7, seen_at = $8
             WHERE page.number < $4"
        ),
        &[
            &session.id,
            &session.business,
            &says.page,
            &says.number,
            &says.hidden,
            &owner.node,
            &owner.epoch,
            &tx.now(),
        ],
    )?;
    if counted == 1 {
        went(tx, session, departure, says.hidden)?;
    }
    Ok(())
}

/// A page's line died without a word. Counts only while the row still names this owner and a live line.
pub fn line_died(
    tx: &mut Tx<'_>,
    session: &mut Session,
    page: &str,
    owner: &Owner,
) -> Result<(), StoreError> {
    let hidden: Option<bool> = tx.first(
        sql!(
            "UPDATE page SET line = 'gone' WHERE session_id = $1 AND page = $2 AND line = 'socket'
             AND node = $3 AND epoch = $4 RETURNING hidden"
        ),
        &[&session.id, &page, &owner.node, &owner.epoch],
        |row| row.get("hidden"),
    )?;
    match hidden {
        Some(hidden) => went(tx, session, Departure::Lost, hidden),
        None => Ok(()),
    }
}

fn went(
    tx: &mut Tx<'_>,
    session: &mut Session,
    departure: Departure,
    hidden: bool,
) -> Result<(), StoreError> {
    let others = presence(tx, session.id)?;
    session.page_went(departure, hidden, others, tx.now());
    match session.leaving {
        // No grace, no waiting for the sweep.
        Some(leaving) if leaving.is_at_once() => session::judge_among(tx, session, others),
        _ => session::save(tx, session),
    }
}

/// What is open of a session: lines of lives that are not over, and the last post.
pub fn presence(tx: &mut Tx<'_>, session: SessionId) -> Result<Presence, StoreError> {
    tx.one(
        sql!(
            "SELECT COUNT(CASE WHEN page.line = 'socket' AND node.epoch = page.epoch THEN 1 END) AS sockets,
                    MAX(CASE WHEN page.line = 'post' THEN page.seen_at END) AS last_post,
                    COUNT(page.page) AS pages, COUNT(CASE WHEN page.line = 'gone' THEN 1 END) AS gone
             FROM page LEFT JOIN node ON node.id = page.node
             WHERE page.session_id = $1"
        ),
        &[&session],
        |row| {
            Ok(Presence {
                sockets: u32::try_from(row.get::<i64>("sockets")?).unwrap_or(u32::MAX),
                last_post: row.get("last_post")?,
                all_gone: {
                    let pages: i64 = row.get("pages")?;
                    pages > 0 && row.get::<i64>("gone")? == pages
                },
            })
        },
    )
}

/// A line of a life that is over: nobody's.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// Whose page it was.
    pub business: BusinessId,
    /// Of which visit.
    pub session: SessionId,
    page: String,
    held_by: Owner,
}

/// Lines of this node's earlier lives, and with `and_of_the_dead` of nodes whose lives are over; `limit` of each
/// at the most.
pub fn orphans(
    tx: &mut Tx<'_>,
    owner: &Owner,
    and_of_the_dead: bool,
    limit: i64,
) -> Result<Vec<Orphan>, StoreError> {
    let mut over = vec![owner.clone()];
    if and_of_the_dead {
        over.extend(node::dead(tx)?);
    }
    let mut orphans = Vec::new();
    for Owner { node, epoch } in over {
        orphans.extend(tx.rows(
            sql!(
                "SELECT business_id, session_id, page, node, epoch FROM page
                 WHERE line = 'socket' AND node = $1 AND epoch < $2 LIMIT $3"
            ),
            &[&node, &epoch, &limit],
            |row| {
                Ok(Orphan {
                    business: row.get("business_id")?,
                    session: row.get("session_id")?,
                    page: row.get("page")?,
                    held_by: Owner {
                        node: row.get("node")?,
                        epoch: row.get("epoch")?,
                    },
                })
            },
        )?);
    }
    Ok(orphans)
}

/// Frees one of [`orphans`]: its session gets one grace, which this node sees to. Does nothing when the page
/// has found another line meanwhile, or somebody else was quicker.
pub fn free(tx: &mut Tx<'_>, orphan: &Orphan, owner: &Owner) -> Result<(), StoreError> {
    let hidden: Option<bool> = tx.first(
        sql!(
            "UPDATE page SET line = 'gone', node = $5, epoch = $6
             WHERE session_id = $1 AND page = $2 AND line = 'socket' AND node = $3 AND epoch = $4
             RETURNING hidden"
        ),
        &[
            &orphan.session,
            &orphan.page,
            &orphan.held_by.node,
            &orphan.held_by.epoch,
            &owner.node,
            &owner.epoch,
        ],
        |row| row.get("hidden"),
    )?;
    let Some(hidden) = hidden else { return Ok(()) };
    let mut session = session::get(tx, orphan.business, orphan.session)?;
    let others = presence(tx, session.id)?;
    let now = tx.now();
    session.page_went(Departure::Lost, hidden, others, now);
    if let Some(leaving) = &mut session.leaving {
        leaving.until = leaving.until.max(now + RESTART_GRACE);
    }
    session::save(tx, &session)
}
