//! `dst`: people leave while the business's clocks are set forward, or back (libfaketime, under the server and
//! PostgreSQL alike; the pretend outside's clock is moved along). The departure's grace and the holds of its
//! deliveries span the hour that is missing, or is there twice. Whoever leaves is a lead at once, the record goes
//! at once, and the text waits for 8:00 of the new time: not an hour before, not an hour after.

use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::caller::Caller;
use super::clock::Faked;
use super::ledger::Ending;
use super::report::{Finding, Report};
use super::stage::{Load, Setup, Stage};
use super::{Case, Engine};
use crate::postgres::{How, Postgres};
use crate::time::{self, Deadline};
use crate::{Tried, tally};

/// Where clocks are set.
const ZONE: &str = "America/New_York";
/// Two that are closed, and as many whose line breaks.
const VISITORS: usize = 4;
/// The server starts so long before the clocks are set, and time then passes by itself: clocks that are set are
/// no jump of time, and none may be near.
const STARTS_BEFORE: SignedDuration = SignedDuration::from_secs(75);
const EIGHT: Time = Time::constant(8, 0, 0, 0);
/// The visits are over by then, and the last of them has just left.
const LEAVE_BEFORE: SignedDuration = SignedDuration::from_secs(2);
/// A closed line is a lead after 3 s, by any clock, and the record goes 8 s later.
const RECORD_WITHIN: Duration = Duration::from_secs(30);
/// A text is held for 20 s after a lead that may be late itself.
const RULED_WITHIN: Duration = Duration::from_secs(45);
/// How long it is watched before 8:00 that no text goes, and after it that they all do.
const EARLY: SignedDuration = SignedDuration::from_secs(8);
const TEXT_WITHIN: Duration = Duration::from_secs(20);

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let mut whole: Option<Report> = None;
    let (zone, seed) = (TimeZone::get(ZONE)?, case.chance.clone());
    for number in 0..case.times {
        let case = Case {
            run: case.run,
            root: case.root,
            program: case.program,
            part: case.part,
            engine: case.engine,
            times: 1,
            chance: seed.clone(),
        };
        let change = nth_change(&zone, number)?;
        let report = across(&case, &zone, change).await?;
        whole = Some(match whole {
            None => report,
            Some(whole) => whole.and(report),
        });
    }
    whole.ok_or_else(|| "no change of the clocks was asked for".into())
}

/// The clocks are set at this instant: the n-th from now on.
fn nth_change(zone: &TimeZone, number: usize) -> Tried<Timestamp> {
    let now = Timestamp::from_millisecond(time::wall_ms() as i64)?;
    let next = zone.following(now).nth(number).ok_or("clocks are set")?;
    Ok(next.timestamp())
}

async fn across(case: &Case<'_>, zone: &TimeZone, change: Timestamp) -> Tried<Report> {
    let mut clock = Faked::new(case, "clock")?;
    let postgres = match case.engine {
        Engine::Sqlite => None,
        Engine::Postgres => {
            let how = How {
                before: clock.words(),
                ..How::default()
            };
            Some(Postgres::start_so(case.run, &how).await?)
        }
    };
    let mut ahead = Ahead::default();
    ahead.to(change - STARTS_BEFORE, &mut clock)?;
    let setup = Setup {
        before: clock.words(),
        zone: Some(ZONE.to_owned()),
        load: Load {
            visitors: VISITORS,
            ..Load::default()
        },
        ..Setup::default()
    };
    let url = postgres.as_ref().map(Postgres::url);
    let stage = Stage::on(case, setup, url, postgres).await?;
    ahead.of_the_outside(&stage).await?;
    let ready = stage.server.ready.clone();
    let visits: Vec<Caller> = (0..VISITORS)
        .map(|number| {
            let ending = match number % 2 {
                0 => Ending::Closes,
                _ => Ending::Vanishes,
            };
            let patience = Load::default().patience;
            Caller::new(&stage.client, &ready, case.part, patience).asks(ending, ZONE)
        })
        .collect();
    let arrived = try_join_all(
        visits
            .iter()
            .map(|visit| visit.gives_contact(&stage.ledger)),
    );
    let arrived = arrived.await?;
    let left = (change - LEAVE_BEFORE).duration_since(ahead.now());
    let Ok(left) = Duration::try_from(left) else {
        return Err("the clocks were set before everybody was there".into());
    };
    tokio::time::sleep(left).await;
    for (visit, (_, _, entry)) in visits.iter().zip(&arrived) {
        visit.leaves_now(&stage.ledger, *entry).await?;
    }
    println!(
        "          {VISITORS} have left before it was {}",
        zone.to_datetime(change)
    );

    let mut late = Vec::new();
    let deadline = Deadline::after(RECORD_WITHIN);
    while stage
        .calls
        .up_to_now()
        .await?
        .all
        .iter()
        .filter(|call| call.made_a_record())
        .count()
        < VISITORS
    {
        if deadline.passed() {
            late.push(format!(
                "not all had a record {} s later",
                RECORD_WITHIN.as_secs()
            ));
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    let day = zone.to_datetime(change).date();
    let morning = zone.to_timestamp(day.to_datetime(EIGHT))?;
    let mut wrong = Vec::new();
    // When their hold is over the rules are asked, and it is night.
    let due = "SELECT due_at FROM delivery WHERE kind = 'text_follow_up' AND state = 'due'";
    let deadline = Deadline::after(RULED_WITHIN);
    loop {
        let waiting = stage.server.rows().find(due).await?;
        let right = waiting
            .iter()
            .flatten()
            .filter_map(|at| at.parse::<i64>().ok());
        let right = right.filter(|at| *at == morning.as_microsecond()).count();
        if right == VISITORS {
            break;
        }
        if deadline.passed() {
            wrong.push(format!(
                "{right} of {VISITORS} texts wait until {morning}: {waiting:?}"
            ));
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    ahead.to(morning - EARLY, &mut clock)?;
    ahead.of_the_outside(&stage).await?;
    let texts = async || {
        let kept = stage.calls.up_to_now().await?;
        let asked = kept
            .all
            .iter()
            .filter(|call| call.post && call.to.is_some());
        Tried::Ok(asked.count())
    };
    tokio::time::sleep(Duration::try_from(EARLY)? - Duration::from_secs(2)).await;
    if let many @ 1.. = texts().await? {
        wrong.push(format!("{many} texts went before 8:00"));
    }
    let deadline = Deadline::after(TEXT_WITHIN);
    while texts().await? < VISITORS {
        if deadline.passed() {
            let many = texts().await?;
            wrong.push(format!(
                "{many} texts of {VISITORS} had gone {} after 8:00",
                tally::spoken(TEXT_WITHIN)
            ));
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let did = format!(
        "people left while the clocks were set to {}",
        zone.to_datetime(change)
    );
    let mut report = stage.report(did).await?;
    report.findings.extend([
        Finding::of("a departure does not notice that clocks are set", late),
        Finding::of("a text waits for 8:00 of the new time", wrong),
    ]);
    Ok(report)
}

/// How far the pretended clocks are ahead of the machine's.
#[derive(Default)]
struct Ahead {
    seconds: i64,
    outside: i64,
}

impl Ahead {
    /// What the server's clock shows now.
    fn now(&self) -> Timestamp {
        let machine = (time::wall_ms() * 1000.0) as i64;
        let machine = Timestamp::from_microsecond(machine).unwrap_or(Timestamp::UNIX_EPOCH);
        machine + SignedDuration::from_secs(self.seconds)
    }

    /// The server's and the database's clock show this instant now.
    fn to(&mut self, instant: Timestamp, clock: &mut Faked) -> Tried<()> {
        let ahead = instant.as_second() - (time::wall_ms() / 1000.0) as i64;
        clock.jump(ahead - self.seconds)?;
        self.seconds = ahead;
        Ok(())
    }

    /// And the outside's.
    async fn of_the_outside(&mut self, stage: &Stage<'_>) -> Tried<()> {
        let by = json!({ "advance_s": self.seconds - self.outside });
        stage.world.control("clock", &by).await?;
        self.outside = self.seconds;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_set_forward_and_back_at_two_in_the_morning() {
        let zone = TimeZone::get(ZONE).unwrap();
        let hour = |number| {
            let change = nth_change(&zone, number).unwrap();
            zone.to_datetime(change).hour()
        };
        // Set forward it is 3:00, set back it is 1:00.
        let mut hours = [hour(0), hour(1)];
        hours.sort_unstable();
        assert_eq!(hours, [1, 3]);
    }
}
