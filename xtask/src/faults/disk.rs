//! `disk`: the disk fails, is full, is slow. One time is all four, one after the other, under load:
//!
//! - a flush fails, injected by strace into the server's own call (SQLite; PostgreSQL flushes for itself);
//! - the device itself fails, and works again after the machine was started anew;
//! - the file system is full, and has room again: writing is answered with 503 and a page still opens
//!   meanwhile, and nobody has to start anything afterwards (but PostgreSQL, if it has ended);
//! - every flush takes long.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;

use super::caller::Client;
use super::platter::Disk;
use super::report::{Finding, Report};
use super::stage::{Server, Setup, Stage};
use super::{Case, Engine, strace};
use crate::postgres::{How, Postgres};
use crate::run::Run;
use crate::{Tried, time};

const MEGABYTES: usize = 320;
/// Of every flush, for a while.
const SLOW: Duration = Duration::from_millis(150);
/// A step waits for the flush under way and for its own, each of a journal and of what it describes.
const SLOW_AT_MOST: Duration = Duration::from_secs(5);
/// How long each trouble lasts.
const LASTS: Duration = Duration::from_secs(5);
/// Within this a server whose disk fails has ended.
const ENDS: Duration = Duration::from_secs(20);

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let mut disk = Disk::new(case.run, MEGABYTES).await?;
    let mut postgres = match case.engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(
            Postgres::start_in(case.run, disk.folder().join("postgres"), &How::default()).await?,
        ),
    };
    disk.sync()?;
    let setup = Setup {
        folder: Some(disk.folder().join("ringback")),
        may_refuse: true,
        ..Setup::default()
    };
    let url = postgres.as_ref().map(Postgres::url);
    let mut stage = Stage::on(&case, setup, url, None).await?;
    let (run, times, engine, mut chance) = (case.run, case.times, case.engine, case.chance);
    let client = stage.client.clone();
    let mut wrong = Wrong::default();
    stage
        .under_load(async |server| {
            for _ in 0..times {
                if engine == Engine::Sqlite {
                    let when = chance.between(5, 60);
                    flush_fails(server, when, &mut wrong).await?;
                }
                device_fails(run, server, &mut disk, &mut postgres, &mut wrong).await?;
                disk_is_full(run, &client, server, &disk, &mut postgres, &mut wrong).await?;
                disk_is_slow(&client, server, &disk, &mut wrong).await?;
            }
            Ok(())
        })
        .await?;
    let did = format!("a failed flush, a failed device, a full disk and a slow one, {times} times");
    let mut report = stage.report(did).await?;
    if engine == Engine::Sqlite {
        let stops = "after a failed flush the process stops with a sentence";
        report.findings.push(Finding::of(stops, wrong.stopping));
    }
    let full = match engine {
        Engine::Sqlite => {
            "a full disk is answered with 503, pages still open, and it goes on by itself"
        }
        // Without room PostgreSQL ends, and pages are its rows.
        Engine::Postgres => {
            "a full disk is answered with 503, and it goes on by itself once PostgreSQL does"
        }
    };
    report.findings.push(Finding::of(full, wrong.full));
    let slow = "a slow disk makes it slow, and nobody is refused";
    report.findings.push(Finding::of(slow, wrong.slow));
    drop(postgres);
    drop(disk);
    Ok(report)
}

/// What was not as it should be.
#[derive(Default)]
struct Wrong {
    stopping: Vec<String>,
    full: Vec<String>,
    slow: Vec<String>,
}

impl Wrong {
    /// The server has ended by itself and has said why, and that it is safe to start it again.
    fn unless_it_stopped(&mut self, server: &mut Server<'_>, ended: bool) {
        let words = server.last_words();
        if !ended {
            self.stopping
                .push(format!("it went on for {} s", ENDS.as_secs()));
        } else if !words.contains("The disk failed") {
            self.stopping
                .push(format!("it ended without its sentence: {words}"));
        }
    }
}

async fn flush_fails(server: &mut Server<'_>, when: u64, wrong: &mut Wrong) -> Tried<()> {
    server.kill().await?;
    let inject = format!("error=EIO:when={when}+");
    server.manner.before = strace::before("fsync,fdatasync", &inject);
    // It may meet the failure while it starts.
    let ended = server.start().await.is_err() || has_ended(server).await;
    wrong.unless_it_stopped(server, ended);
    server.kill().await?;
    server.manner.before.clear();
    server.start().await
}

async fn device_fails(
    run: &Run,
    server: &mut Server<'_>,
    disk: &mut Disk,
    postgres: &mut Option<Postgres>,
    wrong: &mut Wrong,
) -> Tried<()> {
    disk.fail(true);
    match postgres {
        // It is PostgreSQL that meets it and ends; the server waits for it.
        Some(_) => tokio::time::sleep(LASTS).await,
        None => {
            let ended = has_ended(server).await;
            wrong.unless_it_stopped(server, ended);
        }
    }
    server.kill().await?;
    if let Some(postgres) = postgres {
        postgres.lose_power().await?;
    }
    // Somebody changes the cable and starts the machine again. What was never flushed is gone.
    disk.lose_everything_unflushed();
    disk.fail(false);
    disk.power_up(run).await?;
    if let Some(postgres) = postgres {
        postgres.start_again(run).await?;
    }
    server.start().await
}

async fn disk_is_full(
    run: &Run,
    client: &Client,
    server: &mut Server<'_>,
    disk: &Disk,
    postgres: &mut Option<Postgres>,
    wrong: &mut Wrong,
) -> Tried<()> {
    let filling = disk.folder().join("filling");
    fill(&filling)?;
    let page = page(server);
    let refused = time::until("a 503", Duration::from_secs(20), || async {
        // The log of the database may have a little room of its own left.
        fill(&filling)?;
        Ok((first_step(client, server).await? == 503).then_some(()))
    });
    if let Err(error) = refused.await {
        wrong.full.push(error.to_string());
    }
    if postgres.is_none() {
        match client.http().get(&page).send().await {
            Ok(answer) if answer.status() == 200 => {}
            Ok(answer) => wrong
                .full
                .push(format!("a page is answered with {}", answer.status())),
            Err(error) => wrong.full.push(format!("a page does not open: {error}")),
        }
    }
    tokio::time::sleep(LASTS).await;
    fs::remove_file(&filling)?;
    if let Some(postgres) = postgres
        && !postgres.lives()
    {
        postgres.start_again(run).await?;
    }
    if !server.lives() {
        wrong
            .full
            .push(format!("it has ended: {}", server.last_words()));
        server.start().await?;
    }
    Ok(())
}

/// Every step takes as long as its flushes, and is answered.
async fn disk_is_slow(
    client: &Client,
    server: &Server<'_>,
    disk: &Disk,
    wrong: &mut Wrong,
) -> Tried<()> {
    disk.slow(SLOW);
    let over = time::Deadline::after(LASTS);
    let mut slowest = Duration::ZERO;
    while !over.passed() {
        let asked = time::Watch::start();
        match first_step(client, server).await {
            Ok(status) if status.is_success() => {}
            Ok(status) => wrong.slow.push(format!("a step is answered with {status}")),
            Err(error) => wrong.slow.push(format!("a step is not answered: {error}")),
        }
        slowest = slowest.max(asked.elapsed());
    }
    disk.slow(Duration::ZERO);
    println!("          on the slow disk the slowest step took {slowest:.2?}");
    if !(SLOW..SLOW_AT_MOST).contains(&slowest) {
        wrong
            .slow
            .push(format!("the slowest step took {slowest:.2?}"));
    }
    Ok(())
}

fn page(server: &Server<'_>) -> String {
    format!("{}/s/{}", server.ready.url, server.ready.scheduler_name())
}

/// Somebody new presses Continue at the first step.
async fn first_step(client: &Client, server: &Server<'_>) -> Tried<StatusCode> {
    let step = [
        ("step", "service"),
        ("zip", "85004"),
        ("service", "thermostat"),
        ("go", "continue"),
    ];
    let request = client.http().post(page(server));
    let request = request
        .header("origin", &server.ready.url)
        .header("x-ringback", "step");
    Ok(request.form(&step).send().await?.status())
}

/// Writes until there is no room.
fn fill(file: &Path) -> Tried<()> {
    use std::io::Write as _;
    let mut file = fs::File::options().create(true).append(true).open(file)?;
    for piece in [1 << 20, 4096, 512] {
        let zeros = vec![0; piece];
        while file.write_all(&zeros).is_ok() {}
    }
    Ok(())
}

async fn has_ended(server: &mut Server<'_>) -> bool {
    let deadline = time::Deadline::after(ENDS);
    while server.lives() && !deadline.passed() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    !server.lives()
}
