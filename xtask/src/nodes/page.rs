//! A visitor's open page, with the manners of `line.js`: one line; another one when it is told to move or the server
//! is silent, and only then the old one let go; a moment's wait and a new one when the line breaks, and never more
//! than 5 s while none opens; goodbyes over every road. Nobody blocks its sockets, so it never takes to posting.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::header::{COOKIE, ORIGIN};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::ledger::{Ledger, Way};
use crate::faults::caller::{Caller, Client};
use crate::faults::chance::Chance;
use crate::product::Ready;
use crate::{Tried, time};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Every visitor has one page, and it is called this.
const PAGE: &str = "nodes";
/// As in `line.js`.
const FIRST_WAIT: u64 = 500;
const LONGEST_WAIT: u64 = 5_000;
const MOVES_WITHIN: u64 = 3_000;
const SILENT_AFTER: Duration = Duration::from_secs(10);
const OPENS_WITHIN: Duration = Duration::from_secs(5);
/// Somebody who reads touches the page now and then; nobody touched for ten minutes is idle.
const TOUCHED_EVERY: Duration = Duration::from_secs(120);
/// A visitor who is not let through the steps for so long has found something broken.
const PATIENCE: Duration = Duration::from_secs(120);

/// What all pages share.
pub struct Shared<'a> {
    pub client: Client,
    pub ready: &'a Ready,
    pub chance: &'a RefCell<Chance>,
    pub ledger: RefCell<Ledger>,
    /// Who may go through the steps just now.
    pub arriving: Semaphore,
    /// Nobody stays longer, in milliseconds.
    pub longest_stay: u64,
    /// Nobody leaves any more.
    pub over: Cell<bool>,
}

impl Shared<'_> {
    fn draw(&self, least: u64, most: u64) -> Duration {
        self.chance.borrow_mut().millis(least, most)
    }
}

/// One visitor after the other in one place; the last one stays.
pub async fn comes_and_goes(shared: &Shared<'_>) -> Tried<()> {
    loop {
        let caller = Caller::new(&shared.client, shared.ready, PAGE, PATIENCE);
        {
            let _place = shared.arriving.acquire().await?;
            caller.arrives().await?;
        }
        let visitor = shared.ledger.borrow_mut().arrived(caller.name());
        let mut page = Page {
            shared,
            caller,
            socket: None,
            number: 0,
            failures: 0,
        };
        let leaves = Instant::now() + shared.draw(1_000, shared.longest_stay);
        let attached = || shared.ledger.borrow_mut().attached(visitor);
        page.stays(leaves, attached).await;
        let way = match shared.chance.borrow_mut().between(0, 2) {
            0 => Way::Closes,
            1 => Way::Leaves,
            _ => Way::Vanishes,
        };
        shared
            .ledger
            .borrow_mut()
            .departs(visitor, way, time::wall_ms());
        page.goes(way).await?;
    }
}

struct Page<'a> {
    shared: &'a Shared<'a>,
    caller: Caller,
    socket: Option<Socket>,
    number: u32,
    failures: u32,
}

/// What woke a page.
enum Woken {
    Heard(Option<Message>),
    Touched,
    Moves,
    Leaves,
}

impl Page<'_> {
    /// Until `leaves`, or for good once nobody leaves any more.
    async fn stays(&mut self, leaves: Instant, attached: impl Fn()) {
        let mut touched = Instant::now() + self.shared.draw(1_000, 120_000);
        let mut moves: Option<Instant> = None;
        loop {
            if self.socket.is_none() {
                if !self.shared.over.get() && Instant::now() >= leaves {
                    return;
                }
                self.connects().await;
                if self.socket.is_some() {
                    attached();
                } else {
                    self.waits().await;
                }
                continue;
            }
            let Some(socket) = &mut self.socket else {
                continue;
            };
            // Woken for nothing now and then, so that the end is noticed.
            let leaving = leaves.max(Instant::now() + Duration::from_millis(250));
            let woken = tokio::select! {
                heard = socket.next() => Woken::Heard(heard.and_then(Result::ok)),
                () = sleep_until(touched) => Woken::Touched,
                () = sleep_until(moves.unwrap_or(touched)), if moves.is_some() => Woken::Moves,
                () = sleep_until(leaving) => Woken::Leaves,
            };
            match woken {
                Woken::Heard(None | Some(Message::Close(_))) => {
                    (self.socket, moves) = (None, None);
                    self.waits().await;
                }
                Woken::Heard(Some(Message::Text(said))) if said.contains("here") => {
                    moves = Some(Instant::now() + SILENT_AFTER);
                }
                Woken::Heard(Some(Message::Text(said))) if said.contains("moved") => {
                    moves = Some(Instant::now() + self.shared.draw(0, MOVES_WITHIN));
                }
                Woken::Heard(Some(_)) => {}
                Woken::Touched => {
                    touched = Instant::now() + TOUCHED_EVERY;
                    self.says("touch").await;
                }
                Woken::Moves => {
                    moves = None;
                    // The old line is let go once the new one stands, or has failed.
                    let _old = self.socket.take();
                    self.connects().await;
                }
                Woken::Leaves if !self.shared.over.get() && Instant::now() >= leaves => return,
                Woken::Leaves => {}
            }
        }
    }

    async fn goes(mut self, way: Way) -> Tried<()> {
        let word = match way {
            // The process died: not a word, on any road.
            Way::Vanishes => return Ok(()),
            Way::Closes => "closed",
            Way::Leaves => "bye",
        };
        self.says(word).await;
        // A browser's keepalive request is made once. Here again and again, as the line may be down just now
        // and then this one road is all there is: whether it arrived is not what is tested.
        self.caller.says(PAGE, self.number, word).await
    }

    async fn connects(&mut self) {
        let opened = timeout(OPENS_WITHIN, self.opens()).await;
        self.socket = opened.ok().flatten();
        self.failures = match self.socket {
            Some(_) => 0,
            None => self.failures + 1,
        };
    }

    async fn opens(&mut self) -> Option<Socket> {
        let ready = self.shared.ready;
        let url = ready.url.replacen("http", "ws", 1);
        let mut request = format!("{url}/line/{}", ready.scheduler_name())
            .into_client_request()
            .ok()?;
        let headers = request.headers_mut();
        headers.insert(ORIGIN, ready.url.parse().ok()?);
        headers.insert(COOKIE, self.caller.cookie_line().parse().ok()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        let attach = self.word("attach");
        socket.send(Message::text(attach)).await.ok()?;
        while let Some(Ok(message)) = socket.next().await {
            if message.to_text().is_ok_and(|said| said.contains("\"ok\"")) {
                return Some(socket);
            }
        }
        None
    }

    async fn waits(&self) {
        let longest = (FIRST_WAIT << self.failures.min(4)).min(LONGEST_WAIT);
        tokio::time::sleep(self.shared.draw(longest / 2, longest)).await;
    }

    async fn says(&mut self, word: &str) {
        let said = self.word(word);
        if let Some(socket) = &mut self.socket {
            // A line that is gone tells so by itself.
            let _ = socket.send(Message::text(said)).await;
        }
    }

    fn word(&mut self, word: &str) -> String {
        self.number += 1;
        json!({ "t": word, "n": self.number, "page": PAGE, "hidden": false }).to_string()
    }
}
