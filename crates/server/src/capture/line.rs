//! The line: a page's presence. One WebSocket per open page, pinged; where sockets are blocked the same
//! words come by POST. A line's closing is the one sign that arrives for every death in every browser.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringback_domain::departure::{DEAD_AFTER, Departure, Line, PING_EVERY};
use ringback_domain::id::{BusinessId, SessionId};
use ringback_domain::session::Session;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::app::{App, Course, Standing};
use crate::http::Connection;
use crate::store::page::{self, Owner, PageSays};
use crate::store::{Order, StoreError, Tx, scheduler, session};
use crate::token;

/// A page's message is well under 200 bytes.
const LARGEST: usize = 1024;
/// A page that says more than this many things a minute is no page of ours.
const SAYINGS_A_MINUTE: u32 = 240;
/// A page attaches within this time of opening its line.
const ATTACH_WITHIN: Duration = Duration::from_secs(10);
/// Pages whose lines belong to a life that is over have this long to attach anew.
const ANEW_WITHIN: Duration = Duration::from_secs(10);
/// A store that could not hear of a line's death is told again after this, and then less and less often.
const DEATH_AGAIN: Duration = Duration::from_millis(100);
const DEATH_AGAIN_AT_LEAST_EVERY: Duration = Duration::from_secs(2);
/// A write to a peer that does not read is given up after this.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// The lines open on this server: which connection of a page is the current one, so that an old one's
/// closing means nothing once the page has reconnected.
#[derive(Default)]
pub struct Lines {
    current: Mutex<HashMap<(SessionId, String), u64>>,
    next: AtomicU64,
}

impl Lines {
    fn open(&self, session: SessionId, page: &str) -> u64 {
        let line = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert((session, page.to_owned()), line);
        line
    }

    /// Forgets the line; true when it was its page's current one.
    fn close(&self, session: SessionId, page: &str, line: u64) -> bool {
        let mut current = self.lock();
        let key = (session, page.to_owned());
        let was_current = current.get(&key) == Some(&line);
        if was_current {
            current.remove(&key);
        }
        was_current
    }

    /// Waits until none is open.
    pub async fn empty(&self) {
        while self.count() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a line of this page is open.
    fn is_open(&self, session: SessionId, page: &str) -> bool {
        self.lock().contains_key(&(session, page.to_owned()))
    }

    /// How many lines are open.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(SessionId, String), u64>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a page says, over either transport.
#[derive(Deserialize)]
struct Saying {
    t: Word,
    n: i64,
    #[serde(default)]
    page: String,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    token: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// This line is page so-and-so's.
    Attach,
    /// The page is going.
    Bye,
    /// Close was pressed.
    Closed,
    /// Out of view.
    Hidden,
    /// In view again.
    Shown,
    /// Somebody touched the page.
    Touch,
    /// Still here (posts only).
    Here,
}

impl Saying {
    fn read(text: &str) -> Option<Self> {
        let saying: Self = serde_json::from_str(text).ok()?;
        let page_is_ours =
            saying.page.len() <= 32 && saying.page.bytes().all(|b| b.is_ascii_alphanumeric());
        (page_is_ours && saying.n >= 0).then_some(saying)
    }

    /// What it means for its session.
    fn carry_out(
        &self,
        tx: &mut Tx<'_>,
        mut session: Session,
        page: &str,
        line: Line,
        owner: &Owner,
    ) -> Result<(), StoreError> {
        let says = PageSays {
            page: page.to_owned(),
            number: self.n,
            hidden: self.hidden || self.t == Word::Hidden,
        };
        let session = &mut session;
        match self.t {
            Word::Attach | Word::Here => page::is_here(tx, session, &says, line, owner).map(drop),
            Word::Touch => page::touched(tx, session, &says, line, owner),
            Word::Hidden | Word::Shown => page::turned(tx, session.id, &says),
            Word::Bye => page::said_goodbye(tx, session, &says, Departure::Left, owner),
            Word::Closed => page::said_goodbye(tx, session, &says, Departure::Closed, owner),
        }
    }
}

/// `GET /line/{scheduler}`: opens a page's line. Only from our own pages.
pub async fn open(
    State(app): State<App>,
    Path(public_id): Path<String>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !from_our_page(&app, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let cookie = token::from_cookie(&app, headers.get_all(header::COOKIE), &public_id);
    upgrade
        .read_buffer_size(LARGEST)
        .write_buffer_size(0)
        .max_write_buffer_size(16 * LARGEST)
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
        .on_upgrade(move |socket| async move {
            hold(app, public_id, cookie, socket).await;
            // Until here the line counted among the server's connections.
            drop(connection);
        })
}

/// `POST /line/{scheduler}/say`: the same words by POST, `text/plain`. 204 for anything well formed.
pub async fn say(
    State(app): State<App>,
    Path(public_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, crate::error::Error> {
    let unreadable = || crate::error::Error::Unreadable("error-not-a-page-message");
    if !from_our_page(&app, &headers) {
        return Err(crate::error::Error::NotAllowed);
    }
    let text = std::str::from_utf8(&body)
        .ok()
        .filter(|t| t.len() <= LARGEST)
        .ok_or_else(unreadable)?;
    let saying = Saying::read(text)
        .filter(|s| !s.page.is_empty())
        .ok_or_else(unreadable)?;
    let token = token::from_cookie(&app, headers.get_all(header::COOKIE), &public_id)
        .or_else(|| saying.token.clone());
    if let Some(token) = token {
        let (hash, owner) = (token::hash(&token), app.owner());
        // Found and carried out in one go: a goodbye is a lead the sooner.
        let said = app.store.write(Order::Any, move |tx: &mut Tx<'_>| {
            match of_token(tx, &public_id, &hash)? {
                Some(session) => saying.carry_out(tx, session, &saying.page, Line::Post, &owner),
                None => Ok(()),
            }
        });
        said.await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn hold(app: App, public_id: String, cookie: Option<String>, mut socket: WebSocket) {
    let Some((first, business, session)) = attach(&app, &public_id, cookie, &mut socket).await
    else {
        return;
    };
    let page = first.page.clone();
    let line = app.lines.open(session, &page);
    // The line belongs to the life in which it was opened, even if another one begins.
    let owner = app.owner();
    let mut end = End::Broken;
    if hear(&app, business, session, &page, first, Line::Socket, &owner)
        .await
        .is_ok()
        && write(&mut socket, Message::text(r#"{"t":"ok"}"#)).await
    {
        end = listen(&app, business, session, &page, &owner, &mut socket).await;
    }
    if app.lines.close(session, &page, line) && end == End::Broken {
        drop(socket);
        note_death(&app, business, session, &page, &owner).await;
    }
}

/// Notes that a page's line died. Nobody else knows: a store that is away for a while is told until it hears, or
/// until the page is here again by another line.
async fn note_death(
    app: &App,
    business: BusinessId,
    session: SessionId,
    page: &str,
    owner: &Owner,
) {
    let mut wait = DEATH_AGAIN;
    loop {
        let (owner, gone) = (owner.clone(), page.to_owned());
        let died = app.store.write(Order::Session(session.get()), move |tx| {
            let mut session = session::get(tx, business, session)?;
            page::line_died(tx, &mut session, &gone, &owner)
        });
        match died.await {
            Ok(()) => return,
            Err(error) if error.is_passing() => {}
            Err(error) => {
                // The row still names this line; it is freed when the node's life ends or its session turns idle.
                tracing::warn!(%error, "a closed line could not be noted");
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // The row of this node's ended life gives the page one grace.
            () = app.drained() => return,
        }
        wait = (wait * 2).min(DEATH_AGAIN_AT_LEAST_EVERY);
        if app.lines.is_open(session, page) {
            return;
        }
    }
}

/// The first frame says whose line this is.
async fn attach(
    app: &App,
    public_id: &str,
    cookie: Option<String>,
    socket: &mut WebSocket,
) -> Option<(Saying, BusinessId, SessionId)> {
    let frame = tokio::time::timeout(ATTACH_WITHIN, socket.recv())
        .await
        .ok()??
        .ok()?;
    let Message::Text(text) = frame else {
        return None;
    };
    let saying = Saying::read(&text).filter(|s| s.t == Word::Attach && !s.page.is_empty())?;
    let token = cookie.or_else(|| saying.token.clone());
    match find(app, public_id, token).await {
        Ok(Some((business, session))) => Some((saying, business, session)),
        Ok(None) => {
            write(socket, Message::text(r#"{"t":"gone"}"#)).await;
            None
        }
        Err(error) => {
            tracing::warn!(%error, "a line could not be attached");
            None
        }
    }
}

/// How a line ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The page said goodbye first.
    Goodbye,
    /// Without a word.
    Broken,
    /// The page had been told to move. No departure: its row names its new line by now, or that of a life
    /// that is over, whose sessions get the time to come back.
    Moved,
}

/// Listens until the line ends. A page that is told to move is listened to until it stands elsewhere.
async fn listen(
    app: &App,
    business: BusinessId,
    session: SessionId,
    page: &str,
    owner: &Owner,
    socket: &mut WebSocket,
) -> End {
    let dead_after = Duration::try_from(DEAD_AFTER).expect("a positive constant");
    let ping_every = Duration::try_from(PING_EVERY).expect("a positive constant");
    // The first at once: a page waits for the next word only after the first.
    let mut ping = tokio::time::interval(ping_every);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut ticked) = (Instant::now(), Instant::now());
    let (mut minute, mut sayings) = (Instant::now(), 0);
    let mut standing = app.standing();
    let mut moves_until = None;
    let gone = |moves_until: Option<Instant>| match moves_until {
        Some(_) => End::Moved,
        None => End::Broken,
    };
    loop {
        tokio::select! {
            frame = socket.recv() => {
                heard = Instant::now();
                let text = match frame {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return gone(moves_until),
                };
                if minute.elapsed() >= Duration::from_secs(60) {
                    (minute, sayings) = (Instant::now(), 0);
                }
                sayings += 1;
                let Some(saying) = Saying::read(&text).filter(|_| sayings <= SAYINGS_A_MINUTE) else { return gone(moves_until) };
                let goodbye = matches!(saying.t, Word::Bye | Word::Closed);
                if let Err(error) = hear(app, business, session, page, saying, Line::Socket, owner).await {
                    tracing::warn!(%error, "a page's word could not be noted");
                    return gone(moves_until);
                }
                if goodbye {
                    return End::Goodbye;
                }
            }
            _ = ping.tick() => {
                if moves_until.is_some_and(|until| Instant::now() >= until) {
                    return End::Moved;
                }
                // A server that was stopped has heard nobody; that is not the page's silence.
                if ticked.elapsed() > 2 * ping_every {
                    heard = Instant::now();
                }
                ticked = Instant::now();
                if heard.elapsed() > dead_after || !write(socket, Message::Ping(Bytes::new())).await {
                    return gone(moves_until);
                }
                // Scripts see no pings: so that a page finds another server when this one is silent.
                if moves_until.is_none() && !write(socket, Message::text(r#"{"t":"here"}"#)).await {
                    return gone(moves_until);
                }
            }
            within = told_to_move(&mut standing, owner), if moves_until.is_none() => {
                if !write(socket, Message::text(r#"{"t":"moved"}"#)).await || within.is_zero() {
                    return End::Moved;
                }
                moves_until = Some(Instant::now() + within);
                ping = tokio::time::interval(Duration::from_secs(1));
            }
        }
    }
}

/// Ends when a line of this life has to be attached elsewhere, or anew; says how long its page has for it.
async fn told_to_move(standing: &mut watch::Receiver<Standing>, owner: &Owner) -> Duration {
    let moves = |standing: &Standing| {
        standing.course > Course::Leaving || standing.owner.epoch != owner.epoch
    };
    let told = standing.wait_for(|standing| moves(standing)).await;
    told.map_or(Duration::ZERO, |standing| match standing.course {
        Course::Serving | Course::Leaving => ANEW_WITHIN,
        Course::Draining { lines_for } => lines_for,
        Course::Ended => Duration::ZERO,
    })
}

async fn write(socket: &mut WebSocket, message: Message) -> bool {
    matches!(
        tokio::time::timeout(WRITE_WITHIN, socket.send(message)).await,
        Ok(Ok(()))
    )
}

/// Carries one saying out: one transaction, after earlier ones of the same session.
async fn hear(
    app: &App,
    business: BusinessId,
    session: SessionId,
    page: &str,
    saying: Saying,
    line: Line,
    owner: &Owner,
) -> Result<(), StoreError> {
    let (owner, page) = (owner.clone(), page.to_owned());
    app.store
        .write(Order::Session(session.get()), move |tx: &mut Tx<'_>| {
            let session = session::get(tx, business, session)?;
            saying.carry_out(tx, session, &page, line, &owner)
        })
        .await
}

/// The session a token opens, if it is of this scheduler.
async fn find(
    app: &App,
    public_id: &str,
    token: Option<String>,
) -> Result<Option<(BusinessId, SessionId)>, StoreError> {
    let Some(token) = token else { return Ok(None) };
    let (hash, public_id) = (token::hash(&token), public_id.to_owned());
    app.store
        .read(move |tx| {
            let session = of_token(tx, &public_id, &hash)?;
            Ok(session.map(|session| (session.business, session.id)))
        })
        .await
}

fn of_token(tx: &mut Tx<'_>, public_id: &str, hash: &[u8]) -> Result<Option<Session>, StoreError> {
    let Some(session) = session::by_token(tx, hash)? else {
        return Ok(None);
    };
    let ours = scheduler::is_known_as(tx, session.business, session.scheduler, public_id)?;
    Ok(ours.then_some(session))
}

/// Browsers send `Origin` with every WebSocket and every POST: it must be ours, as configured or as called.
fn from_our_page(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let called = origin.split_once("://").map(|(_, authority)| authority);
    origin == app.config.origin() || called == Some(host)
}
