//! `after_crash`: a server is killed while work waits, and started again at once. Counted is how long overdue work waits:
//! the first record that had waited, from the new server's first answer to the request on the CRM's wire (what was asked
//! for before that answer was seen counts as at once); and each departure that was noted before the crash, from the
//! moment at which the new server may judge it until its lead stands.
//!
//! That moment comes late by design. Pages find a new server within [`RESTART_GRACE`]; so long it judges nobody who has
//! not been heard by it, whatever their own grace was. Until then a departure is not overdue, and not counted. Nor is a
//! record that was on the wire in the crash (its outcome is unknown, and is looked up in its own time).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::future::try_join_all;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::departure::begin_visits;
use super::outbox::{close, last_number, name};
use super::presence::line;
use super::report::{Goal, Sample, median};
use super::stage::{Server, Stage};
use super::visitors::Scheduler;
use crate::Tried;
use crate::time::{self, Deadline, wall_ms};

/// Kills of one repetition.
const KILLS: usize = 10;
/// For so long after a time without any server nobody is judged who has not been heard since (`domain/departure.rs`).
const RESTART_GRACE: f64 = 8_000.0;
/// Who press close right before the crash: many more than the outbox has on the wire at a time, so that records wait.
const CLOSED: u64 = 80;
/// Who say goodbye in the second before the last crash, one after the other: their grace is a second.
const GONE: u64 = 20;
const APART: Duration = Duration::from_millis(50);
/// After which nothing is picked up any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let (mut records, mut leads) = (Vec::new(), Vec::new());
    for kill in 1..=KILLS {
        // Departures wait out the grace after a restart: once is enough.
        let going = if kill == KILLS { GONE } else { 0 };
        let picked_up = kill_and_start(stage, going).await?;
        records.push(picked_up.record);
        leads.extend(picked_up.leads);
    }
    let sample = |name, found: Vec<f64>, load| Sample {
        p50_ms: Some(median(found.clone())),
        load,
        goal: Goal::AtMost(2000.0),
        ..Sample::new(name, found.into_iter().fold(0.0, f64::max), "ms")
    };
    let record = format!(
        "the longest of {KILLS} kills, from the first answer to the first record that waited, on the wire"
    );
    let lead = format!(
        "the longest of {} departures that waited, from the end of the grace after a restart to the lead",
        leads.len()
    );
    Ok(vec![
        sample("after_crash_record", records, record),
        sample("after_crash_lead", leads, lead),
    ])
}

/// In milliseconds.
struct PickedUp {
    record: f64,
    /// Of each departure that waited.
    leads: Vec<f64>,
}

async fn kill_and_start(stage: &Stage, gone: u64) -> Tried<PickedUp> {
    let data = stage.fresh("after-crash")?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, CLOSED + gone).await?;
    let (closing, going) = cookies.split_at(cookies.len() - usize::try_from(gone)?);
    let opening = going.iter().enumerate();
    let opening = opening.map(|(number, cookie)| line(&scheduler, closing.len() + number, cookie));
    for mut line in try_join_all(opening).await? {
        let bye = json!({ "t": "bye", "n": 2, "page": "bench", "hidden": false });
        line.send(Message::text(bye.to_string())).await?;
        drop(line);
        tokio::time::sleep(APART).await;
    }
    close(&scheduler, closing, f64::INFINITY).await?;
    server.kill().await?;

    let calls = last_number(&stage.world.requests(0).await?);
    let waiting = Waiting::of(&data.join("ringback.db"))?;
    let (records, departures) = (waiting.records.len(), waiting.departures.len());
    if records == 0 || gone > 0 && departures == 0 {
        return Err(format!("{records} records and {departures} departures waited").into());
    }
    let server = stage.serve(&data).await?;
    let ready = wall_ms();
    if server.leads()? < CLOSED {
        return Err("who closed and was told so is no lead".into());
    }
    let leads = every_lead(&server, waiting.departures).await?;
    let record = first_record(stage, calls, &waiting.records).await? - ready;
    server.kill().await?;
    Ok(PickedUp {
        record: record.max(0.0),
        leads,
    })
}

/// What a dead server has left to do.
struct Waiting {
    /// Whose records were due and not on the wire.
    records: HashSet<String>,
    /// Sessions of those who had gone, and when their grace ends, in milliseconds since 1970.
    departures: HashMap<i64, f64>,
}

impl Waiting {
    /// Reads it and leaves everything as it was: the log is for the new server to find.
    fn of(database: &std::path::Path) -> Tried<Waiting> {
        let rows = Connection::open(database)?;
        rows.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        rows.pragma_update(None, "query_only", true)?;
        let now = wall_ms() * 1e3;
        let mut records = rows.prepare(
            "SELECT lead.name FROM delivery JOIN lead ON lead.id = delivery.lead_id
             WHERE delivery.kind = 'crm_abandoned'
               AND (delivery.state = 'claimed' OR delivery.state = 'due' AND delivery.due_at <= ?1)",
        )?;
        let mut departures = rows.prepare(
            "SELECT id, due_at / 1000.0 FROM session WHERE state = 'open' AND departure = 'left'",
        )?;
        Ok(Waiting {
            records: records
                .query_map([now], |row| row.get(0))?
                .collect::<Result<_, _>>()?,
            departures: departures
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?,
        })
    }
}

/// When the CRM was first asked for one of these, in milliseconds since 1970.
async fn first_record(stage: &Stage, after: u64, waiting: &HashSet<String>) -> Tried<f64> {
    time::until("a record that waited", PATIENCE, || async {
        for call in stage.world.requests(after).await? {
            let whose = name(&call["body"].to_string());
            if call["method"] == "POST" && whose.is_some_and(|whose| waiting.contains(&whose)) {
                let at: jiff::Timestamp = call["at"].as_str().unwrap_or_default().parse()?;
                return Ok(Some(at.as_microsecond() as f64 / 1e3));
            }
        }
        Ok(None)
    })
    .await
}

/// Looks until each of these sessions is a lead: how long each had to wait since it could be judged.
async fn every_lead(server: &Server, mut waiting: HashMap<i64, f64>) -> Tried<Vec<f64>> {
    let rows = server.look()?;
    // The number of a life is the time at which it began.
    let began: f64 =
        rows.query_row("SELECT MAX(epoch) / 1000.0 FROM node", [], |row| row.get(0))?;
    let mut leads =
        rows.prepare("SELECT id FROM session WHERE departure = 'left' AND lead_id IS NOT NULL")?;
    let over = Deadline::after(PATIENCE);
    let mut waited = Vec::new();
    while !waiting.is_empty() {
        let found = leads.query_map([], |row| row.get(0))?;
        let found = found.collect::<Result<HashSet<i64>, _>>()?;
        let now = wall_ms();
        waiting.retain(|session, due| {
            let is_lead = found.contains(session);
            if is_lead {
                waited.push(now - due.max(began + RESTART_GRACE));
            }
            !is_lead
        });
        if over.passed() && !waiting.is_empty() {
            return Err(format!("{} departures were never found", waiting.len()).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if let Some(early) = waited.iter().find(|waited| **waited < 0.0) {
        return Err(format!("a departure was judged {} ms before its time", -early).into());
    }
    Ok(waited)
}
