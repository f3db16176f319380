//! `crashpoints`: the server dies at the n-th call of one kind, between what a random moment would seldom
//! hit: after the rows are written and before they are flushed, after a request has left and before its
//! answer is read. Some die while they start; recovery must bear that, too.

use std::collections::BTreeMap;
use std::time::Duration;

use super::report::{Finding, Report};
use super::stage::{Server, Setup, Stage};
use super::{Case, Engine, strace};
use crate::Tried;
use crate::time::Deadline;

/// System calls to die at, and up to which one of a thread's. A kill at the entry of a call is a kill after
/// the one before it: at `recvfrom` the request has left and its answer is unread.
struct Point {
    calls: &'static str,
    most: u64,
}

const FLUSHED: Point = Point {
    calls: "fsync,fdatasync",
    most: 60,
};
const WRITTEN: Point = Point {
    calls: "pwrite64",
    most: 400,
};
const ANSWERED: Point = Point {
    calls: "write,writev",
    most: 120,
};
const SENT: Point = Point {
    calls: "sendto,sendmsg",
    most: 40,
};
const RECEIVED: Point = Point {
    calls: "recvfrom,recvmsg",
    most: 120,
};
const CONNECTED: Point = Point {
    calls: "connect",
    most: 4,
};

/// A server that has not met its point by then is killed, and the point looked for nearer.
const PATIENCE: Duration = Duration::from_secs(4);
/// So often, each time four times as near.
const MISSES: u32 = 4;

pub async fn run(case: Case<'_>) -> Tried<Report> {
    // On PostgreSQL the server itself writes no rows: what counts there is what it sends and reads.
    let points: &[Point] = match case.engine {
        Engine::Sqlite => &[FLUSHED, WRITTEN, ANSWERED, SENT, RECEIVED, CONNECTED],
        Engine::Postgres => &[ANSWERED, SENT, RECEIVED, CONNECTED],
    };
    let mut stage = Stage::open(&case, Setup::default()).await?;
    let (times, mut chance) = (case.times, case.chance);
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut starting, mut missed) = (0, 0);
    stage
        .under_load(async |server| {
            for n in 0..times {
                let point = &points[n % points.len()];
                for miss in 0..=MISSES {
                    let when = chance.between(1, (point.most >> (2 * miss)).max(1));
                    match meets(server, point, when).await? {
                        Met::AtItsStart => starting += 1,
                        Met::Later => {}
                        Met::Not => {
                            missed += 1;
                            continue;
                        }
                    }
                    *met.entry(point.calls).or_default() += 1;
                    break;
                }
            }
            server.kill().await?;
            server.manner.before.clear();
            server.start().await
        })
        .await?;
    let reached: usize = met.values().sum();
    let too_few = (reached < times)
        .then(|| format!("{reached} points were met, {missed} missed; {times} were to be met"));
    let met: Vec<String> = met
        .iter()
        .map(|(calls, times)| format!("{times} at {calls}"))
        .collect();
    let did = format!(
        "died {} ({starting} of them while starting); {missed} times the point was not reached",
        met.join(", ")
    );
    let mut report = stage.report(did).await?;
    report.findings.push(Finding::of(
        "as many points were met as were asked for",
        too_few.into_iter().collect(),
    ));
    Ok(report)
}

/// When a server met its point.
enum Met {
    AtItsStart,
    Later,
    Not,
}

/// Starts it so that it dies at this call, and waits until it does.
async fn meets(server: &mut Server<'_>, point: &Point, when: u64) -> Tried<Met> {
    server.kill().await?;
    server.manner.before = strace::before(point.calls, &format!("signal=KILL:when={when}"));
    if server.start().await.is_err() {
        // It is the point that ended it: anything else would stop the next start, too.
        server.manner.before.clear();
        server.start().await?;
        return Ok(Met::AtItsStart);
    }
    let deadline = Deadline::after(server.lives_for(PATIENCE));
    while server.lives() && !deadline.passed() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(match server.lives() {
        true => Met::Not,
        false => Met::Later,
    })
}
