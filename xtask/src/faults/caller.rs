//! A visitor without a browser: the same requests as our pages send, each repeated until the server
//! acknowledges it, as a person would press the button again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

use super::ledger::{Ending, Entry, Ledger};
use crate::Tried;
use crate::e2e::visitor::Visitor;
use crate::product::Ready;
use crate::time::Deadline;
use crate::world::World;

/// One visit.
pub struct Caller {
    client: Client,
    url: String,
    scheduler: String,
    page: &'static str,
    patience: Duration,
    visitor: Visitor,
    ending: Ending,
    text_me: bool,
    /// Answers STOP before any text has come.
    stops: bool,
    /// Whoever comes back is away for so long.
    away: Duration,
    zone: String,
    cookies: RefCell<BTreeMap<String, String>>,
    refusal: RefCell<String>,
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Most bookings on one stage.
const BOOKINGS: usize = 60;
/// Away for so long, nobody has told ServiceTitan yet; or long enough for a record to stand there.
const SOON: Duration = Duration::from_millis(30);
const LATER: Duration = Duration::from_secs(10);
/// The page on which somebody is back.
const BACK: &str = "back";
const ZIP: &str = "85004";
const STREET: &str = "1200 E Palm Lane";

/// What all visitors share: one client is made once. It keeps which answers nobody should have got.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    faults: Rc<RefCell<Faults>>,
}

/// Answers from 500 on.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Refusals in order: 503, with a sentence.
    pub refusals: usize,
    /// The others: a fault of the server's own.
    pub own: Vec<String>,
}

impl Client {
    /// For requests that are nobody's visit.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// What there was until now.
    pub fn faults(&self) -> Faults {
        self.faults.borrow().clone()
    }

    fn notes(&self, what: &str, status: u16, said: &str) {
        let mut faults = self.faults.borrow_mut();
        match status {
            ..500 => {}
            503 if said.chars().any(char::is_alphabetic) => faults.refusals += 1,
            503 => faults
                .own
                .push(format!("{what} was refused without a sentence")),
            _ => faults.own.push(format!("{status} to {what}: {said}")),
        }
    }
}

/// What visitors share, made anew.
pub fn client() -> Client {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10));
    Client {
        http: client.build().unwrap_or_default(),
        faults: Rc::default(),
    }
}

impl Caller {
    /// The next visitor. How they end, and whether they want a text, goes round. `page` names their page in
    /// presence; who is not acknowledged within `patience` has found something broken.
    pub fn new(client: &Client, ready: &Ready, page: &'static str, patience: Duration) -> Caller {
        let visitor = Visitor::new();
        let number = number_of(&visitor);
        Caller {
            client: client.clone(),
            url: ready.url.trim_end_matches('/').to_owned(),
            scheduler: ready.scheduler_name().to_owned(),
            page,
            patience,
            visitor,
            ending: ending(number),
            text_me: (number / 2).is_multiple_of(2),
            stops: number % 16 == 4,
            away: SOON,
            zone: crate::zone::by_day(),
            cookies: RefCell::default(),
            refusal: RefCell::default(),
        }
    }

    /// The same visitor, ending like this and wanting no text.
    pub fn who(mut self, ending: Ending) -> Caller {
        (self.ending, self.text_me, self.stops) = (ending, false, false);
        self
    }

    /// The same visitor, ending like this and asking for a text, in this time zone.
    pub fn asks(mut self, ending: Ending, zone: &str) -> Caller {
        (self.ending, self.text_me, self.stops) = (ending, true, false);
        zone.clone_into(&mut self.zone);
        self
    }

    /// The same visitor; every fourth is away for longer, if they are one who comes back.
    pub fn perhaps_later(mut self) -> Caller {
        if self.number() / 16 % 4 == 1 {
            self.away = LATER;
        }
        self
    }

    /// Comes back, on another page of the same browser.
    pub async fn returns(&self, page: &str) -> Tried<()> {
        self.says(page, 1, "here").await
    }

    /// Whether this one gives the outside nothing to do.
    pub fn only_stays(&self) -> bool {
        self.ending == Ending::Stays
    }

    /// Whose name the office sees.
    pub fn name(&self) -> &str {
        &self.visitor.name
    }

    /// Whether they press close: a lead at once.
    pub fn closes_it(&self) -> bool {
        self.ending == Ending::Closes
    }

    /// Whether the visit ends with a lead.
    pub fn leaves(&self) -> bool {
        self.ending.leaves()
    }

    fn number(&self) -> u32 {
        number_of(&self.visitor)
    }

    /// Through the steps, and away; notes in the ledger what the server has acknowledged.
    pub async fn visit(&self, ledger: &RefCell<Ledger>) -> Tried<usize> {
        let (steps, page, entry) = self.gives_contact(ledger).await?;
        let wants_a_place = matches!(self.ending, Ending::Books | Ending::Recovers);
        if !wants_a_place || !ledger.borrow_mut().may_book(BOOKINGS) {
            self.leaves_now(ledger, entry).await?;
            return Ok(entry);
        }
        // Their line is open while they book, breaks when anything happens, and closes with the page.
        let line = if self.ending == Ending::Recovers {
            self.closes(self.page).await?;
            self.is_back().await?;
            None
        } else {
            self.line(1).await
        };
        self.books(&steps, page, ledger, entry).await?;
        ledger.borrow_mut().ended(entry, self.ending);
        drop(line);
        Ok(entry)
    }

    /// Without booking: away, or stays where they are. Whoever found no place leaves as they would have before.
    pub async fn leaves_now(&self, ledger: &RefCell<Ledger>, entry: usize) -> Tried<()> {
        let ending = match self.ending {
            Ending::Books => Ending::Closes,
            Ending::Recovers => Ending::LeavesAgain,
            other => other,
        };
        match ending {
            Ending::Vanishes => self.vanishes().await?,
            Ending::LeavesAgain => {
                self.closes(self.page).await?;
                self.is_back().await?;
                self.closes(BACK).await?;
            }
            Ending::Stays | Ending::Returned => {}
            Ending::Closes | Ending::Books | Ending::Recovers => self.closes(self.page).await?,
        }
        ledger.borrow_mut().ended(entry, ending);
        Ok(())
    }

    /// The same, and whoever wants no texts after all says so.
    pub async fn visits(&self, world: &World, ledger: &RefCell<Ledger>) -> Tried<()> {
        let entry = self.visit(ledger).await?;
        if self.stops {
            ledger.borrow_mut().stops(entry);
            let at = self.stops_texts(world).await?;
            ledger.borrow_mut().stopped(entry, at);
        }
        Ok(())
    }

    /// Stays on the page with its line open, as a browser left alone does, and opens the line again when it
    /// breaks; until this is dropped.
    pub async fn sits(&self) -> Tried<()> {
        let mut number = 0;
        loop {
            number += 1;
            if let Some(mut line) = self.line(number).await {
                while let Some(Ok(_)) = line.next().await {}
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    }

    /// Through the contact step: where the steps are, the page that follows, and the entry in the ledger.
    pub async fn gives_contact(&self, ledger: &RefCell<Ledger>) -> Tried<(String, String, usize)> {
        let (page, service) = self.goes_in().await?;
        let entry =
            ledger
                .borrow_mut()
                .saved(Entry::new(&self.visitor, self.text_me, ZIP, service));
        Ok((format!("/s/{}", self.scheduler), page, entry))
    }

    /// Through the contact step: the page that follows.
    pub async fn arrives(&self) -> Tried<String> {
        Ok(self.goes_in().await?.0)
    }

    /// The same, and the service they chose.
    async fn goes_in(&self) -> Tried<(String, String)> {
        let steps = format!("/s/{}", self.scheduler);
        let first = self.get(&steps).await?;
        let service = choice(&first, "service")?;
        let mut page = self
            .send(
                &steps,
                &first,
                &[("zip", ZIP), ("service", &service), ("go", "continue")],
            )
            .await?;
        expect(&page, "How can we reach you?")?;
        let mut contact = vec![
            ("name", self.visitor.name.as_str()),
            ("phone", &self.visitor.phone),
            ("go", "continue"),
        ];
        if self.text_me {
            contact.push(("text_me", "yes"));
        }
        page = self.send(&steps, &page, &contact).await?;
        expect(&page, "When should we come?")?;
        Ok((page, service))
    }

    async fn books(
        &self,
        steps: &str,
        mut page: String,
        ledger: &RefCell<Ledger>,
        entry: usize,
    ) -> Tried<()> {
        // Another visitor may be quicker: then the page comes again, with what is left.
        let mut window = String::new();
        while !page.contains("data-step=\"place\"") {
            window = choice(&page, "window")?;
            page = self
                .send(steps, &page, &[("window", &window), ("go", "continue")])
                .await?;
        }
        expect(&page, "Where?")?;
        ledger.borrow_mut().chose(entry, window);
        let place = [
            ("street", STREET),
            ("city", "Phoenix"),
            ("state", "AZ"),
            ("go", "continue"),
        ];
        page = self.send(steps, &page, &place).await?;
        expect(&page, "Review")?;
        ledger.borrow_mut().placed(entry, STREET);
        page = self.send(&format!("{steps}/book"), &page, &[]).await?;
        expect(&page, "You're booked")
    }

    /// Presses close: the word goes by POST.
    async fn closes(&self, page: &str) -> Tried<()> {
        self.says(page, 1, "here").await?;
        self.says(page, 2, "closed").await
    }

    /// Away for a while, then on the scheduler again.
    async fn is_back(&self) -> Tried<()> {
        tokio::time::sleep(self.away).await;
        self.says(BACK, 1, "here").await
    }

    /// What a page says where sockets are blocked.
    pub async fn says(&self, page: &str, number: u32, word: &str) -> Tried<()> {
        let url = format!("{}/line/{}/say", self.url, self.scheduler);
        let said = json!({ "t": word, "n": number, "page": page, "hidden": false }).to_string();
        self.until_acknowledged(word, || async {
            let request = self.client.http.post(&url).header(ORIGIN, &self.url);
            let request = request
                .header(COOKIE, self.cookie_line())
                .header("content-type", "text/plain");
            let answer = request.body(said.clone()).send().await.ok()?;
            if answer.status() == 204 {
                return Some(());
            }
            self.is_refused(word, answer).await;
            None
        })
        .await
    }

    /// Opens a line, is seen, and breaks off without a word.
    async fn vanishes(&self) -> Tried<()> {
        self.until_acknowledged("a line", || async { self.line(1).await.map(drop) })
            .await
    }

    /// An open line, acknowledged; `number` is that of its first message.
    async fn line(&self, number: u64) -> Option<Socket> {
        let mut request = format!(
            "{}/line/{}",
            self.url.replacen("http", "ws", 1),
            self.scheduler
        )
        .into_client_request()
        .ok()?;
        request.headers_mut().insert(ORIGIN, self.url.parse().ok()?);
        request
            .headers_mut()
            .insert(COOKIE, self.cookie_line().parse().ok()?);
        let mut socket = match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => socket,
            Err(tungstenite::Error::Http(answer)) => {
                let said = answer.body().as_deref().unwrap_or_default();
                let said = String::from_utf8_lossy(said).into_owned();
                self.client.notes("a line", answer.status().as_u16(), &said);
                return None;
            }
            Err(_) => return None,
        };
        let attach = json!({ "t": "attach", "n": number, "page": self.page, "hidden": false });
        socket.send(Message::text(attach.to_string())).await.ok()?;
        let answer = tokio::time::timeout(Duration::from_secs(5), socket.next())
            .await
            .ok()??
            .ok()?;
        answer.to_text().ok()?.contains("\"ok\"").then_some(socket)
    }

    /// Texts STOP to the business, until our webhook has acknowledged it to the carrier.
    /// Writes STOP; when that was acknowledged, by the outside's clock, which may have been moved.
    async fn stops_texts(&self, world: &World) -> Tried<Timestamp> {
        let stop = json!({ "from": self.visitor.e164(), "body": "STOP" });
        self.until_acknowledged("STOP", || async {
            let reply = world.control("reply", &stop).await.ok()?;
            let status = reply["webhook"]["status"].as_u64()?;
            let at = reply["webhook"]["answered_at"].as_str()?.parse().ok()?;
            (200..300).contains(&status).then_some(at)
        })
        .await
    }

    async fn get(&self, path: &str) -> Tried<String> {
        self.until_acknowledged(path, || async {
            let answer = self
                .client
                .http
                .get(format!("{}{path}", self.url))
                .send()
                .await
                .ok()?;
            let answer = self.if_good(path, answer).await?;
            self.keep_cookies(&answer);
            answer.text().await.ok()
        })
        .await
    }

    /// Sends a step's form as our script does, with what the form carries hidden.
    async fn send(&self, path: &str, page: &str, fields: &[(&str, &str)]) -> Tried<String> {
        let mut form = hidden_fields(page);
        form.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        form.push(("zone".to_owned(), self.zone.clone()));
        self.until_acknowledged(path, || async {
            let request = self
                .client
                .http
                .post(format!("{}{path}", self.url))
                .header(ORIGIN, &self.url);
            let request = request
                .header(COOKIE, self.cookie_line())
                .header("x-ringback", "step")
                .form(&form);
            let answer = request.send().await.ok()?;
            let answer = self.if_good(path, answer).await?;
            self.keep_cookies(&answer);
            answer.text().await.ok()
        })
        .await
    }

    async fn until_acknowledged<T, F, W>(&self, what: &str, ask: F) -> Tried<T>
    where
        F: Fn() -> W,
        W: Future<Output = Option<T>>,
    {
        let deadline = Deadline::after(self.patience);
        loop {
            if let Some(answer) = ask().await {
                return Ok(answer);
            }
            if deadline.passed() {
                let name = &self.visitor.name;
                return Err(format!(
                    "{name}: {what} was not acknowledged within {} s; {}",
                    self.patience.as_secs(),
                    self.refusal.borrow()
                )
                .into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The answer, unless it is a refusal, which is kept for the report. A step that came too late for its window
    /// is an answer.
    async fn if_good(&self, what: &str, answer: reqwest::Response) -> Option<reqwest::Response> {
        let status = answer.status();
        if status.is_success() || status == StatusCode::CONFLICT {
            return Some(answer);
        }
        self.is_refused(what, answer).await;
        None
    }

    async fn is_refused(&self, what: &str, answer: reqwest::Response) {
        let status = answer.status();
        // An answer that broke off may have had its sentence.
        let Ok(said) = answer.text().await else {
            return;
        };
        let said: String = said.chars().take(300).collect();
        self.client.notes(what, status.as_u16(), &said);
        self.refusal
            .replace(format!("the last answer was {status}: {said}"));
    }

    fn keep_cookies(&self, answer: &reqwest::Response) {
        for line in answer.headers().get_all(SET_COOKIE) {
            let pair = line
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies
                    .borrow_mut()
                    .insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }

    /// What this visitor's browser sends along.
    pub fn cookie_line(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

fn number_of(visitor: &Visitor) -> u32 {
    visitor.phone[6..].parse().unwrap_or_default()
}

/// Of sixteen four close, three vanish, two leave twice, two book, one books after having left, and four stay.
fn ending(number: u32) -> Ending {
    match number % 16 {
        7 | 15 => Ending::Books,
        12 => Ending::Recovers,
        1 | 10 => Ending::LeavesAgain,
        3 | 6 | 11 | 14 => Ending::Stays,
        other if other.is_multiple_of(2) => Ending::Closes,
        _ => Ending::Vanishes,
    }
}

/// The hidden fields of the step's last form (the one that goes on; closing is the first).
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let form = page.rfind("<form").map_or(page, |at| &page[at..]);
    form.split("<input ")
        .skip(1)
        .filter(|input| input.contains("type=\"hidden\""))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect()
}

/// The first value offered for `name`.
fn choice(page: &str, name: &str) -> Tried<String> {
    let offered = page.split("<input ").find(|input| {
        input.contains(&format!("name=\"{name}\"")) && input.contains("type=\"radio\"")
    });
    let value = offered.and_then(|input| attribute(input, "value"));
    value.ok_or_else(|| format!("the page offers no {name}").into())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
    let after = &tag[tag.find(&format!("{name}=\""))? + name.len() + 2..];
    Some(
        after[..after.find('"')?]
            .replace("&#38;", "&")
            .replace("&amp;", "&"),
    )
}

fn expect(page: &str, heading: &str) -> Tried<()> {
    let page = page.replace("&#39;", "'");
    if page.contains(heading) {
        return Ok(());
    }
    let start = page.find("<h1").unwrap_or_default();
    let shown: String = page[start..].chars().take(400).collect();
    Err(format!("expected “{heading}”, got: {shown}").into())
}
