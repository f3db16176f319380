//! `due_to_crm` and `outbox`: from the moment a record is due to the request on the CRM's wire, and how fast a
//! pile of records goes out. The pretend ServiceTitan, a process of its own, says when it was asked.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use super::departure::begin_visits;
use super::load::{Arrival, Ask, Verdict, histogram, open_loop};
use super::report::{Goal, Sample};
use super::stage::{Server, Stage};
use super::visitors::Scheduler;
use crate::{Tried, time};

/// Departures whose records become due one by one, far below what ServiceTitan allows.
const ONE_BY_ONE: u64 = 300;
const A_SECOND: f64 = 20.0;
/// Departures whose records are due all at once.
const PILE: u64 = 600;
/// What ServiceTitan allows an app of one tenant, calls a second.
const ALLOWED: f64 = 60.0;

/// `due_to_crm`.
pub async fn due_to_crm(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("due-to-crm")?;
    note_when_due(&data)?;
    let server = stage.serve(&data).await?;
    let before = last_number(&stage.world.requests(0).await?);
    begin_and_close(stage, &server, ONE_BY_ONE, A_SECOND).await?;
    let asked = records(stage, before, ONE_BY_ONE, Duration::from_secs(20)).await?;
    let due = when_due(&server)?;
    server.kill().await?;
    if due.len() as u64 != ONE_BY_ONE {
        return Err(format!("{} of {ONE_BY_ONE} records were due", due.len()).into());
    }
    let mut took = histogram()?;
    for (name, due) in due {
        let asked = asked
            .get(&name)
            .ok_or_else(|| format!("{name} has no record"))?;
        let late = u64::try_from(asked - due)
            .map_err(|_| format!("{name} was asked for {} us before it was due", due - asked))?;
        took.saturating_record(late);
    }
    let ms = |percentile| took.value_at_percentile(percentile) as f64 / 1e3;
    let sample = |name, value, most| Sample {
        p50_ms: Some(ms(50.0)),
        p99_ms: Some(ms(99.0)),
        load: format!("{A_SECOND}/s, {ONE_BY_ONE} records, each due with its lead"),
        goal: Goal::AtMost(most),
        ..Sample::new(name, value, "ms")
    };
    Ok(vec![
        sample("due_to_crm", ms(50.0), 2.0),
        sample("due_to_crm_p99", ms(99.0), 20.0),
    ])
}

/// `outbox`: six hundred records at once.
pub async fn drain(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("outbox")?;
    let server = stage.serve(&data).await?;
    let before = last_number(&stage.world.requests(0).await?);
    begin_and_close(stage, &server, PILE, f64::INFINITY).await?;
    let asked = records(stage, before, PILE, Duration::from_secs(120)).await?;
    let calls = stage.world.requests(before).await?;
    server.kill().await?;
    let (first, last) = (
        asked.values().min().copied().unwrap_or_default(),
        asked.values().max().copied().unwrap_or_default(),
    );
    let seconds = (last - first) as f64 / 1e6;
    let refused = calls.iter().filter(|call| call["status"] == 429).count();
    Ok(vec![Sample {
        floor: Some(ALLOWED),
        load: format!("{PILE} records at once; floor: the calls a second that ServiceTitan allows"),
        goal: Goal::RatioAtLeast(0.9),
        more: vec![
            ("refused_429", refused as f64),
            ("calls", calls.len() as f64),
        ],
        ..Sample::new("outbox", (PILE - 1) as f64 / seconds, "records/s")
    }])
}

/// Visitors begin, and press close at a rate.
async fn begin_and_close(stage: &Stage, server: &Server, count: u64, rate: f64) -> Tried<()> {
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, count).await?;
    close(&scheduler, &cookies, rate).await
}

/// Visitors 0 to the last of these cookies press close at a rate, each becoming a lead whose record is due at once.
pub async fn close(scheduler: &Scheduler, cookies: &[String], rate: f64) -> Tried<()> {
    let arrival = Arrival {
        rate,
        count: cookies.len() as u64,
        connections: 32,
    };
    let ask = |number: u64| Ask {
        bytes: scheduler.say(number, &cookies[number as usize], "closed", 1),
        about: (),
    };
    open_loop(scheduler.address, arrival, ask, |(), answer| {
        match answer.status {
            204 => Ok(Verdict::Good),
            other => Err(format!("closing was answered with {other}").into()),
        }
    })
    .await?;
    Ok(())
}

/// When the pretend ServiceTitan was asked to make each visitor's record, in the calls after this one: microseconds
/// since 1970, by the visitor's name.
async fn records(
    stage: &Stage,
    after: u64,
    count: u64,
    patience: Duration,
) -> Tried<HashMap<String, i64>> {
    time::until("every record", patience, || async {
        let mut asked: HashMap<String, i64> = HashMap::new();
        for call in stage.world.requests(after).await? {
            let made = call["method"] == "POST" && call["effect"] == true;
            let body = call["body"].to_string();
            if let Some(name) = made.then(|| name(&body)).flatten() {
                let at: jiff::Timestamp = call["at"].as_str().unwrap_or_default().parse()?;
                asked.entry(name).or_insert(at.as_microsecond());
            }
        }
        Ok((asked.len() as u64 >= count).then_some(asked))
    })
    .await
}

/// A delivery forgets when it was due as soon as it is claimed: the database keeps it in a table of ours.
fn note_when_due(data: &Path) -> Tried<()> {
    Connection::open(data.join("ringback.db"))?.execute_batch(
        "CREATE TABLE bench_due (lead_id INTEGER PRIMARY KEY, due_at INTEGER NOT NULL);
         CREATE TRIGGER bench_due AFTER INSERT ON delivery WHEN NEW.kind = 'crm_abandoned'
         BEGIN INSERT INTO bench_due VALUES (NEW.lead_id, NEW.due_at); END",
    )?;
    Ok(())
}

/// When each visitor's record was due: microseconds since 1970, by the visitor's name.
fn when_due(server: &Server) -> Tried<HashMap<String, i64>> {
    let rows = server.look()?;
    let mut statement = rows.prepare(
        "SELECT lead.name, bench_due.due_at FROM bench_due JOIN lead ON lead.id = bench_due.lead_id",
    )?;
    let due = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(due.collect::<Result<_, _>>()?)
}

/// The number of the last of these calls.
pub fn last_number(calls: &[Value]) -> u64 {
    calls
        .last()
        .and_then(|call| call["number"].as_u64())
        .unwrap_or_default()
}

/// The visitor's name in a body.
pub fn name(body: &str) -> Option<String> {
    let start = body.find("Quill Visitor ")?;
    let rest = &body[start..];
    let digits = &rest["Quill Visitor ".len()..];
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    Some(rest[.."Quill Visitor ".len() + end].to_owned())
}
