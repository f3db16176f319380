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
use tokio::time::{Instant, MissedTickBehavior};

use crate::app::App;
use crate::http::Connection;
use crate::store::page::{self, PageSays};
use crate::store::{Order, StoreError, Tx, scheduler, session};
use crate::token;

/// A page's message is well under 200 bytes.
const LARGEST: usize = 1024;
/// A page that says more than this many things a minute is no page of ours.
const SAYINGS_A_MINUTE: u32 = 240;
/// A page attaches within this time of opening its line.
const ATTACH_WITHIN: Duration = Duration::from_secs(10);
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

    fn says(&self, page: &str) -> PageSays {
        PageSays {
            page: page.to_owned(),
            number: self.n,
            hidden: self.hidden || self.t == Word::Hidden,
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
    let cookie = token::from_cookie(&app, &headers, &public_id);
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
    let unreadable =
        || crate::error::Error::BadInput("This is not a message of a scheduler page.".into());
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
    let token = token::from_cookie(&app, &headers, &public_id).or_else(|| saying.token.clone());
    if let Some((business, id)) = find(&app, &public_id, token).await? {
        let page = saying.page.clone();
        hear(&app, business, id, &page, saying, Line::Post).await?;
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
    let mut goodbye = false;
    if hear(&app, business, session, &page, first, Line::Socket)
        .await
        .is_ok()
        && write(&mut socket, Message::text(r#"{"t":"ok"}"#)).await
    {
        goodbye = listen(&app, business, session, &page, &mut socket).await;
    }
    // A line that we end ourselves is no departure: the page reconnects, and the row of this node's ended life
    // gives it the time to.
    if app.lines.close(session, &page, line) && !goodbye && !app.is_draining() {
        let owner = app.owner.clone();
        let died = app.store.write(Order::Session(session.get()), move |tx| {
            let mut session = session::get(tx, business, session)?;
            page::line_died(tx, &mut session, &page, &owner)
        });
        if let Err(error) = died.await {
            // The row still names this line; it is freed when the node's life ends or its session turns idle.
            tracing::warn!(%error, "a closed line could not be noted");
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

/// Listens until the line ends; true when the page said goodbye first.
async fn listen(
    app: &App,
    business: BusinessId,
    session: SessionId,
    page: &str,
    socket: &mut WebSocket,
) -> bool {
    let dead_after = Duration::try_from(DEAD_AFTER).expect("a positive constant");
    let ping_every = Duration::try_from(PING_EVERY).expect("a positive constant");
    let mut ping = tokio::time::interval_at(Instant::now() + ping_every, ping_every);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let (mut minute, mut sayings) = (Instant::now(), 0);
    loop {
        tokio::select! {
            frame = socket.recv() => {
                heard = Instant::now();
                let text = match frame {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return false,
                };
                if minute.elapsed() >= Duration::from_secs(60) {
                    (minute, sayings) = (Instant::now(), 0);
                }
                sayings += 1;
                let Some(saying) = Saying::read(&text).filter(|_| sayings <= SAYINGS_A_MINUTE) else { return false };
                let goodbye = matches!(saying.t, Word::Bye | Word::Closed);
                if let Err(error) = hear(app, business, session, page, saying, Line::Socket).await {
                    tracing::warn!(%error, "a page's word could not be noted");
                    return false;
                }
                if goodbye {
                    return true;
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > dead_after || !write(socket, Message::Ping(Bytes::new())).await {
                    return false;
                }
            }
            () = app.drained() => {
                write(socket, Message::text(r#"{"t":"moved"}"#)).await;
                return false;
            }
        }
    }
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
) -> Result<(), StoreError> {
    let owner = app.owner.clone();
    let says = saying.says(page);
    let word = saying.t;
    app.store
        .write(Order::Session(session.get()), move |tx: &mut Tx<'_>| {
            let mut session: Session = session::get(tx, business, session)?;
            match word {
                Word::Attach | Word::Here => {
                    page::is_here(tx, &mut session, &says, line, &owner).map(drop)
                }
                Word::Touch => session::here(tx, &mut session).map(drop),
                Word::Hidden | Word::Shown => page::turned(tx, session.id, &says),
                Word::Bye => page::said_goodbye(tx, &mut session, &says, Departure::Left, &owner),
                Word::Closed => {
                    page::said_goodbye(tx, &mut session, &says, Departure::Closed, &owner)
                }
            }
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
            let Some(session) = session::by_token(tx, &hash)? else {
                return Ok(None);
            };
            let scheduler = scheduler::by_public_id(tx, &public_id)?;
            let ours = scheduler.is_some_and(|s| s.id == session.scheduler);
            Ok(ours.then_some((session.business, session.id)))
        })
        .await
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
