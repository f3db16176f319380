//! A visitor without a browser: the same requests as our pages send, each repeated until the server
//! acknowledges it, as a person would press the button again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::ledger::{Ending, Entry, Ledger};
use crate::Tried;
use crate::e2e::visitor::Visitor;
use crate::product::Ready;
use crate::time::Deadline;

/// One visit.
pub struct Caller {
    client: reqwest::Client,
    url: String,
    scheduler: String,
    visitor: Visitor,
    ending: Ending,
    text_me: bool,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// A server is back within seconds of being killed; whatever takes longer than this is broken.
const PATIENCE: Duration = Duration::from_secs(60);

impl Caller {
    /// The next visitor. How they end, and whether they want a text, goes round.
    pub fn new(ready: &Ready) -> Caller {
        let visitor = Visitor::new();
        let number: u32 = visitor.phone[6..].parse().unwrap_or_default();
        Caller {
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap_or_default(),
            url: ready.url.trim_end_matches('/').to_owned(),
            scheduler: ready.scheduler_name().to_owned(),
            visitor,
            ending: ending(number),
            text_me: (number / 2).is_multiple_of(2),
            cookies: RefCell::default(),
        }
    }

    /// Through the steps, and away; notes in the ledger what the server has acknowledged.
    pub async fn visit(&self, ledger: &RefCell<Ledger>) -> Tried<()> {
        let steps = format!("/s/{}", self.scheduler);
        let first = self.get(&steps).await?;
        let service = choice(&first, "service")?;
        let mut page = self
            .send(
                &steps,
                &first,
                &[("zip", "85004"), ("service", &service), ("go", "continue")],
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
        let entry = ledger
            .borrow_mut()
            .saved(Entry::new(&self.visitor, self.text_me));
        match self.ending {
            Ending::Closes => self.closes().await?,
            Ending::Vanishes => self.vanishes().await?,
            Ending::Books => self.books(&steps, page).await?,
        }
        ledger.borrow_mut().ended(entry, self.ending);
        Ok(())
    }

    async fn books(&self, steps: &str, mut page: String) -> Tried<()> {
        let window = choice(&page, "window")?;
        page = self
            .send(steps, &page, &[("window", &window), ("go", "continue")])
            .await?;
        expect(&page, "Where?")?;
        let place = [
            ("street", "1200 E Palm Lane"),
            ("city", "Phoenix"),
            ("state", "AZ"),
            ("go", "continue"),
        ];
        page = self.send(steps, &page, &place).await?;
        expect(&page, "Review")?;
        page = self.send(&format!("{steps}/book"), &page, &[]).await?;
        expect(&page, "You're booked")
    }

    /// Presses close: the word goes by POST.
    async fn closes(&self) -> Tried<()> {
        let say = format!("/line/{}/say", self.scheduler);
        for (number, word) in [(1, "here"), (2, "closed")] {
            let said =
                json!({ "t": word, "n": number, "page": "kills", "hidden": false }).to_string();
            self.until_acknowledged(word, || async {
                let request = self
                    .client
                    .post(format!("{}{say}", self.url))
                    .header(ORIGIN, &self.url);
                let request = request
                    .header(COOKIE, self.cookie_line())
                    .header("content-type", "text/plain");
                let answer = request.body(said.clone()).send().await.ok()?;
                (answer.status() == 204).then_some(())
            })
            .await?;
        }
        Ok(())
    }

    /// Opens a line, is seen, and breaks off without a word.
    async fn vanishes(&self) -> Tried<()> {
        self.until_acknowledged("a line", || async {
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
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await.ok()?;
            let attach = json!({ "t": "attach", "n": 1, "page": "kills", "hidden": false });
            socket.send(Message::text(attach.to_string())).await.ok()?;
            let answer = tokio::time::timeout(Duration::from_secs(5), socket.next())
                .await
                .ok()??
                .ok()?;
            answer.to_text().ok()?.contains("\"ok\"").then_some(())
        })
        .await
    }

    async fn get(&self, path: &str) -> Tried<String> {
        self.until_acknowledged(path, || async {
            let answer = self
                .client
                .get(format!("{}{path}", self.url))
                .send()
                .await
                .ok()?;
            let answer = answer.error_for_status().ok()?;
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
        form.push(("zone".to_owned(), crate::zone::by_day()));
        self.until_acknowledged(path, || async {
            let request = self
                .client
                .post(format!("{}{path}", self.url))
                .header(ORIGIN, &self.url);
            let request = request
                .header(COOKIE, self.cookie_line())
                .header("x-ringback", "step")
                .form(&form);
            let answer = request.send().await.ok()?;
            let answer = answer.error_for_status().ok()?;
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
        let deadline = Deadline::after(PATIENCE);
        loop {
            if let Some(answer) = ask().await {
                return Ok(answer);
            }
            if deadline.passed() {
                let name = &self.visitor.name;
                return Err(format!(
                    "{name}: {what} was not acknowledged within {} s",
                    PATIENCE.as_secs()
                )
                .into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
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

    fn cookie_line(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

/// Every eighth books, since a calendar has only so many places; the others go, one way or the other.
fn ending(number: u32) -> Ending {
    match number % 8 {
        7 => Ending::Books,
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
