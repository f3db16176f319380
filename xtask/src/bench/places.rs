//! `places` and `last_place`: what can be booked, and who gets the last of it.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::Duration;

use rusqlite::named_params;
use serde_json::{Value, json};

use super::departure::begin_visits;
use super::load::{Arrival, Ask, Verdict, open_loop};
use super::report::{Goal, Sample};
use super::stage::{Server, Stage};
use super::visitors::{Scheduler, visitor_address};
use super::wire::Wire;
use crate::Tried;

const DAYS: u64 = 60;
const TECHNICIANS: u64 = 50;
const APPOINTMENTS: u64 = 10_000;
/// Arrival windows of every day.
const HOURS: [(&str, &str); 5] = [
    ("08:00:00", "10:00:00"),
    ("10:00:00", "12:00:00"),
    ("12:00:00", "14:00:00"),
    ("14:00:00", "16:00:00"),
    ("16:00:00", "18:00:00"),
];
/// Visitors who look at the calendar, and how many a second.
const LOOKERS: u64 = 400;
const A_SECOND: f64 = 40.0;
/// Who want the last place at once.
const RIVALS: u64 = 1_000;

/// `places`: the time step of a scheduler with sixty days, fifty technicians and ten thousand appointments.
pub async fn places(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("places")?;
    set_windows(&data, &HOURS, TECHNICIANS)?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, LOOKERS).await?;
    let offered = windows(&time_step(&scheduler, &cookies[0], 0).await?);
    fill(&server, &offered)?;
    let path = format!("/s/{}?step=time", scheduler.name);
    let arrival = Arrival {
        rate: A_SECOND,
        count: LOOKERS,
        connections: 16,
    };
    let left = offered.len();
    let went = open_loop(
        server.address,
        arrival,
        |number| Ask {
            bytes: scheduler.get(&path, visitor_address(number), &cookies[number as usize]),
            about: (),
        },
        |(), answer| {
            let shown = windows(&answer.text()).len();
            if answer.status != 200 || shown < left / 2 {
                return Err(format!("{}: {shown} of {left} windows", answer.status).into());
            }
            Ok(Verdict::Good)
        },
    )
    .await?;
    server.kill().await?;
    Ok(vec![Sample {
        p50_ms: Some(went.ms(50.0)),
        p99_ms: Some(went.ms(99.0)),
        load: format!(
            "{A_SECOND}/s whole pages; {DAYS} days, {TECHNICIANS} technicians, {APPOINTMENTS} appointments, {left} windows"
        ),
        goal: Goal::AtMost(10.0),
        ..Sample::new("places_p99", went.ms(99.0), "ms")
    }])
}

/// `last_place`: a thousand visitors choose the same window at once, and one visit fits in.
pub async fn last_place(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("last-place")?;
    set_windows(&data, &HOURS[..1], 1)?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, RIVALS).await?;
    let offered = windows(&time_step(&scheduler, &cookies[0], 0).await?);
    let wanted = offered.last().ok_or("no window is offered")?;
    let arrival = Arrival {
        rate: f64::INFINITY,
        count: RIVALS,
        connections: RIVALS as usize,
    };
    let (winners, losers) = (Cell::new(0), Cell::new(0));
    let odd = RefCell::new(Vec::new());
    let went = open_loop(
        server.address,
        arrival,
        |number| Ask {
            bytes: scheduler.time_step(number, &cookies[number as usize], wanted),
            about: (),
        },
        |(), answer| {
            match answer.status {
                200 => winners.set(winners.get() + 1),
                409 => losers.set(losers.get() + 1),
                other => odd.borrow_mut().push(other),
            }
            Ok(Verdict::Good)
        },
    )
    .await?;
    let held: i64 = server.look()?.query_row(
        "SELECT COUNT(*) FROM appointment WHERE state = 'held'",
        [],
        |row| row.get(0),
    )?;
    server.kill().await?;
    if (winners.get(), losers.get(), held) != (1, RIVALS - 1, 1) {
        return Err(format!(
            "{} won, {} were told that it is gone, {held} are held, others got {:?}",
            winners.get(),
            losers.get(),
            odd.borrow()
        )
        .into());
    }
    Ok(vec![Sample {
        p50_ms: Some(went.ms(50.0)),
        p99_ms: Some(went.ms(99.0)),
        load: format!("{RIVALS} at once, until the last has its answer"),
        goal: Goal::AtMost(1.0),
        more: vec![("all_answered_ms", went.lasted.as_secs_f64() * 1e3)],
        ..Sample::new("last_place", f64::from(winners.get()), "winner")
    }])
}

/// Gives the scheduler these windows, open every day; nobody else has the database.
fn set_windows(data: &Path, hours: &[(&str, &str)], capacity: u64) -> Tried<()> {
    let connection = rusqlite::Connection::open(data.join("ringback.db"))?;
    let read = |sql: &str| -> Tried<Value> {
        let text: String = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(serde_json::from_str(&text)?)
    };
    let mut settings = read("SELECT settings FROM scheduler")?;
    let windows = hours
        .iter()
        .map(|(from, to)| json!({ "from": from, "to": to, "capacity": capacity }));
    settings["windows"] = windows.collect();
    settings["horizon_days"] = json!(DAYS);
    let mut details = read("SELECT details FROM business")?;
    details["hours"]["days"] = (0..7)
        .map(|_| json!({ "from": "08:00:00", "to": "18:00:00" }))
        .collect();
    connection.execute("UPDATE scheduler SET settings = ?1", [settings.to_string()])?;
    connection.execute("UPDATE business SET details = ?1", [details.to_string()])?;
    Ok(())
}

async fn time_step(scheduler: &Scheduler, cookie: &str, visitor: u64) -> Tried<String> {
    let path = format!("/s/{}?step=time", scheduler.name);
    let mut wire = Wire::connect(scheduler.address, None).await?;
    let asked = scheduler.get(&path, visitor_address(visitor), cookie);
    Ok(wire.ask(&asked).await?.text())
}

/// The windows that a page offers, as its fields carry them.
fn windows(page: &str) -> Vec<String> {
    page.split("<input ")
        .filter(|input| input.contains("name=\"window\""))
        .filter_map(|input| {
            Some(
                input
                    .split("value=\"")
                    .nth(1)?
                    .split('"')
                    .next()?
                    .to_owned(),
            )
        })
        .collect()
}

/// Appointments spread evenly over the windows, each with the places that the product would take for it.
fn fill(server: &Server, offered: &[String]) -> Tried<()> {
    let connection = rusqlite::Connection::open(server.data.join("ringback.db"))?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for number in 0..APPOINTMENTS {
        let window = &offered[number as usize % offered.len()];
        let (start, end) = window.split_once('-').ok_or("a window without an end")?;
        let (start, end): (i64, i64) = (start.parse()?, end.parse()?);
        let seat = 1 + number / offered.len() as u64;
        if seat > TECHNICIANS {
            return Err("more appointments than places".into());
        }
        connection.execute(
            "INSERT INTO appointment (business_id, scheduler_id, session_id, state, window_start, window_end,
                                      created_at, agreed_at, seat)
             SELECT business_id, id, 0, 'agreed', :start, :end, created_at, created_at, :seat FROM scheduler LIMIT 1",
            named_params! { ":start": start, ":end": end, ":seat": seat as i64 },
        )?;
        let appointment = connection.last_insert_rowid();
        let quarter = 15 * 60 * 1_000_000;
        connection.execute(
            "INSERT INTO place (business_id, seat, quarter, appointment_id)
             WITH RECURSIVE n (quarter) AS (SELECT :first UNION ALL SELECT quarter + 1 FROM n WHERE quarter + 1 < :end)
             SELECT business_id, :seat, quarter, :appointment FROM n, (SELECT business_id FROM scheduler LIMIT 1)",
            named_params! {
                ":first": start.div_euclid(quarter),
                ":end": (end + quarter - 1).div_euclid(quarter),
                ":seat": seat as i64,
                ":appointment": appointment,
            },
        )?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}
