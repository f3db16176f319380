//! `close_to_row` and `inbox_fanout`: from a departure to the rows in open inboxes. An inbox here does what the
//! office's page does: it listens to the event stream and asks for the rows that the stream names.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::departure::begin_visits;
use super::load::histogram;
use super::presence::{Line, line};
use super::report::{Goal, Sample};
use super::stage::{Server, Stage};
use super::visitors::Scheduler;
use super::wire::Wire;
use crate::Tried;

/// Departures of one repetition.
const DEPARTURES: u64 = 10_000;
const A_SECOND: f64 = 100.0;
/// A line is open for this long before its visitor goes: shorter than the server waits before it pings, since nobody
/// here would answer.
const STANDS: Duration = Duration::from_secs(2);
/// Where they sign in from.
const OFFICE: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 1);
/// Open inboxes.
const INBOXES: usize = 500;
const FANNED_OUT: u64 = 30;
const FANNED_OUT_A_SECOND: f64 = 1.0;
/// After the last departure everything has to be there within this.
const PATIENCE: Duration = Duration::from_secs(20);

/// `close_to_row`: visitors with open lines go at a constant rate, a third each by the close button, with a
/// goodbye and without a word; one inbox is open. Counted from the end of the grace that is theirs.
pub async fn close_to_row(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("close-to-row")?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, DEPARTURES).await?;
    let inbox = Inbox::open(&server, &stage.sign_in(&server, OFFICE).await?, 0).await?;
    let due = RefCell::new(HashMap::new());
    let begun = Instant::now() + STANDS;
    let each = cookies.iter().enumerate();
    let leaving = try_join_all(each.map(|(number, cookie)| {
        let at = begun + Duration::from_secs_f64(number as f64 / A_SECOND);
        leave(&scheduler, number, cookie, at, &due)
    }));
    let watching = watch(inbox, &scheduler, DEPARTURES, &due);
    let (_, took) = tokio::try_join!(leaving, watching)?;
    server.kill().await?;
    let ms = |percentile| took.value_at_percentile(percentile) as f64 / 1e3;
    Ok(vec![Sample {
        p50_ms: Some(ms(50.0)),
        p99_ms: Some(ms(99.0)),
        load: format!(
            "{A_SECOND}/s, {DEPARTURES} departures (close button, goodbye, no word), from the end of the grace; one inbox"
        ),
        goal: Goal::AtMost(100.0),
        more: vec![("max_ms", ms(100.0))],
        ..Sample::new("close_to_row_p99", ms(99.0), "ms")
    }])
}

/// `inbox_fanout`: the same with five hundred inboxes open; counted is the last one that hears.
pub async fn fanout(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("fanout")?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, FANNED_OUT).await?;
    let signed_in = stage.sign_in(&server, OFFICE).await?;
    let mut inboxes = Vec::new();
    for number in 0..INBOXES {
        inboxes.push(Inbox::open(&server, &signed_in, number).await?);
    }
    let mut all = histogram()?;
    let mut last = histogram()?;
    let mut seen = HashSet::new();
    let begun = Instant::now();
    for (number, cookie) in (0..).zip(&cookies) {
        let at = begun + Duration::from_secs_f64(number as f64 / FANNED_OUT_A_SECOND);
        tokio::time::sleep_until(at.into()).await;
        let mut wire = Wire::connect(server.address, None).await?;
        wire.ask(&scheduler.say(number, cookie, "closed", 1))
            .await?;
        let known = &seen;
        let heard = try_join_all(inboxes.iter_mut().map(|inbox| async {
            let lead = tokio::time::timeout(PATIENCE, inbox.until_new(known));
            let lead = lead
                .await
                .map_err(|_| "an inbox was not told of a lead")??;
            Tried::Ok((lead, at.elapsed()))
        }));
        let mut latest = Duration::ZERO;
        for (lead, heard) in heard.await? {
            seen.insert(lead);
            all.saturating_record(micros(heard));
            latest = latest.max(heard);
        }
        last.saturating_record(micros(latest));
    }
    server.kill().await?;
    let ms = |histogram: &Histogram<u64>, percentile| {
        histogram.value_at_percentile(percentile) as f64 / 1e3
    };
    Ok(vec![Sample {
        p50_ms: Some(ms(&all, 50.0)),
        p99_ms: Some(ms(&all, 99.0)),
        load: format!(
            "{INBOXES} inboxes, {FANNED_OUT} departures at {FANNED_OUT_A_SECOND}/s; until the last has heard"
        ),
        goal: Goal::AtMost(100.0),
        more: vec![("last_max_ms", ms(&last, 100.0))],
        ..Sample::new("inbox_fanout", ms(&last, 50.0), "ms")
    }])
}

/// A visitor's line opens, and they go when they are due; it is noted when their grace ends.
async fn leave(
    scheduler: &Scheduler,
    number: usize,
    cookie: &str,
    at: Instant,
    due: &RefCell<HashMap<u64, Instant>>,
) -> Tried<()> {
    tokio::time::sleep_until((at - STANDS).into()).await;
    let mut line: Line = line(scheduler, number, cookie).await?;
    tokio::time::sleep_until(at.into()).await;
    let (word, grace) = match number % 3 {
        0 => (Some("closed"), Duration::ZERO),
        1 => (Some("bye"), Duration::from_secs(1)),
        _ => (None, Duration::from_secs(3)),
    };
    due.borrow_mut().insert(number as u64, at + grace);
    if let Some(word) = word {
        let said = json!({ "t": word, "n": 2, "page": "bench", "hidden": false });
        line.send(Message::text(said.to_string())).await?;
    }
    // The connection ends with the line.
    Ok(())
}

/// Until every visitor's row has come: from the moment they were due to leave, in microseconds.
async fn watch(
    mut inbox: Inbox,
    scheduler: &Scheduler,
    count: u64,
    due: &RefCell<HashMap<u64, Instant>>,
) -> Tried<Histogram<u64>> {
    let mut took = histogram()?;
    let mut asking = Wire::connect(scheduler.address, None).await?;
    let mut asks = 0;
    while took.len() < count {
        let ids = tokio::time::timeout(PATIENCE, inbox.next())
            .await
            .map_err(|_| format!("only {} of {count} rows came", took.len()))??;
        for some in ids.chunks(100) {
            let ids: Vec<String> = some.iter().map(ToString::to_string).collect();
            let path = format!("/office/rows?show=all&ids={}", ids.join(","));
            // One browser may ask twenty times a second; this one stands for an office full of them.
            let from = Ipv4Addr::from_bits(0x0afe_0000 + asks % 256);
            asks += 1;
            let asked = scheduler.get(&path, from, &inbox.cookie);
            let answer = asking.ask(&asked).await?;
            if answer.status != 200 {
                return Err(format!("rows were answered with {}", answer.status).into());
            }
            let rows: Value = serde_json::from_slice(answer.body)?;
            for row in rows["rows"].as_array().ok_or("rows are a list")? {
                let html = row["html"].as_str().unwrap_or_default();
                let visitor = visitor(html).ok_or("a row without a visitor of ours")?;
                // Later hints of the same lead find nobody any more.
                if let Some(due) = due.borrow_mut().remove(&visitor) {
                    took.saturating_record(micros(due.elapsed()));
                }
            }
        }
    }
    Ok(took)
}

/// The number in the visitor's name.
fn visitor(html: &str) -> Option<u64> {
    let after = html.split("Quill Visitor ").nth(1)?;
    let digits = after.find(|c: char| !c.is_ascii_digit())?;
    after[..digits].parse().ok()
}

/// An open inbox: somebody signed in, and their event stream.
struct Inbox {
    cookie: String,
    stream: Wire,
    unread: String,
}

impl Inbox {
    async fn open(server: &Server, cookie: &str, number: usize) -> Tried<Inbox> {
        let from = Ipv4Addr::from_bits(0x0aff_0000 + number as u32);
        let mut stream = Wire::connect(server.address, None).await?;
        let asked = format!(
            "GET /office/stream HTTP/1.1\r\nhost: {}\r\nx-forwarded-for: {from}\r\ncookie: {cookie}\r\n\r\n",
            server.address
        );
        let status = stream.begin(asked.as_bytes()).await?;
        if status != 200 {
            return Err(format!("the event stream was answered with {status}").into());
        }
        Ok(Inbox {
            cookie: cookie.to_owned(),
            stream,
            unread: String::new(),
        })
    }

    /// The lead that this inbox is told of and that nobody has been told of before; what else it hears meanwhile
    /// (the outbox at work on earlier ones) passes.
    async fn until_new(&mut self, seen: &HashSet<u64>) -> Tried<u64> {
        loop {
            let told = self.next().await?;
            if let Some(lead) = told.into_iter().find(|lead| !seen.contains(lead)) {
                return Ok(lead);
            }
        }
    }

    /// The numbers of the leads that the next event names. Safe to be dropped half-way.
    async fn next(&mut self) -> Tried<Vec<u64>> {
        loop {
            while let Some(end) = self.unread.find("\n\n") {
                let event: String = self.unread.drain(..end + 2).collect();
                let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else {
                    continue;
                };
                let data: Value = serde_json::from_str(data)?;
                if let Some(ids) = data["ids"].as_array() {
                    return Ok(ids.iter().filter_map(Value::as_u64).collect());
                }
            }
            let more = self.stream.next().await?;
            self.unread.push_str(&more);
        }
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
