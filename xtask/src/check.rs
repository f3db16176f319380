//! `cargo xtask check`: everything a change has to pass, in the order in which it is cheapest to fail.
//! Every step runs, whatever failed before; the last line is the count over all of them.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::faults::{self, Engine};
use crate::postgres::Postgres;
use crate::run::{Run, Running};
use crate::tally::{Tally, spoken};
use crate::{Tried, debian, e2e, house, product};

/// How often each departure is repeated here, and how often the server is killed on each engine.
const REPEATS: usize = 2;
const KILLS: usize = 8;

/// Runs every step; true when nothing failed.
pub async fn check(root: &Path, install: bool) -> Tried<bool> {
    let start = Instant::now();
    debian::ready(install).await?;
    let mut tally = Tally::default();
    let left;
    {
        let run = Run::open()?;
        tally.add(every_step(root, &run).await);
        left = end_what_is_left(&run);
    }
    if !left.is_empty() {
        println!("\nleft running, and ended now:\n  {}", left.join("\n  "));
    }
    tally.add(Tally::one(left.is_empty()));
    println!("\ndone in {}", spoken(start.elapsed()));
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

async fn every_step(root: &Path, run: &Run) -> Tally {
    let mut tally = Tally::default();
    let cargo = |arguments: &[&str]| {
        let mut command = run.program("cargo");
        command
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::null());
        command
    };
    tally.add(step("house rules", house::check(root)).await);
    tally.add(
        step(
            "format",
            one("cargo fmt", cargo(&["fmt", "--all", "--check"])),
        )
        .await,
    );
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    tally.add(step("lints", one("cargo clippy", cargo(&lints))).await);
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    tally.add(step("links in the docs", one("cargo doc", docs)).await);
    // The same targets as the tests: one build, whose binary the browser tests drive.
    let build = ["build", "--workspace", "--all-targets", "--locked"];
    let built = step("build", one("cargo build", cargo(&build))).await;
    tally.add(built);
    if built.failed > 0 {
        return tally;
    }
    let postgres = match Postgres::start(run).await {
        Ok(postgres) => postgres,
        Err(error) => {
            println!("PostgreSQL did not start: {error}");
            tally.add(Tally::one(false));
            return tally;
        }
    };
    let mut tests = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    tests.env("RINGBACK_TEST_POSTGRES", postgres.url());
    tally.add(step("tests, on SQLite and PostgreSQL", counted(tests)).await);
    drop(postgres);
    tally.add(outside(root, run).await);
    tally
}

/// The product from outside: a real browser, and kill -9. The longer runs are commands of their own.
async fn outside(root: &Path, run: &Run) -> Tally {
    let mut tally = Tally::default();
    let program = match product::built() {
        Ok(program) => program,
        Err(error) => {
            println!("{error}");
            return Tally::one(false);
        }
    };
    tally.add(step("the browser itself", e2e::ground(run)).await);
    let departures = e2e::departures(run, root, &program, REPEATS, None);
    tally.add(step("departures, in a real browser", departures).await);
    tally.add(
        step(
            "stories, in a real browser",
            e2e::stories(run, root, &program, None),
        )
        .await,
    );
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let kills = faults::short(run, root, &program, "kills", engine, KILLS);
        tally.add(step(&format!("kill -9 under load, on {engine:?}"), kills).await);
    }
    tally
}

/// Announces a step, runs it, says how long it took; an error is one failure.
async fn step(name: &str, work: impl Future<Output = Tried<Tally>>) -> Tally {
    println!("\n== {name}");
    let start = Instant::now();
    let tally = work.await.unwrap_or_else(|error| {
        println!("   {error}");
        Tally::one(false)
    });
    println!(
        "== {name}: {} passed, {} failed, {}",
        tally.passed,
        tally.failed,
        spoken(start.elapsed())
    );
    tally
}

/// A program that passes or fails as a whole.
async fn one(name: &str, command: Command) -> Tried<Tally> {
    let status = Running::start(name, command)?.wait().await?;
    Ok(Tally::one(status.success()))
}

/// Rust's own tests: shows their output and adds up their closing lines.
async fn counted(mut command: Command) -> Tried<Tally> {
    command.stdout(Stdio::piped());
    let mut tests = Running::start("cargo test", command)?;
    let output = tests
        .child()
        .stdout
        .take()
        .ok_or("the output was asked for")?;
    let mut lines = BufReader::new(output).lines();
    let mut tally = Tally::default();
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        tally.add(Tally::of_test_line(&line).unwrap_or_default());
    }
    let status = tests.wait().await?;
    if !status.success() && tally.failed == 0 {
        // A test that did not compile, or a test program that crashed, prints no closing line.
        println!("cargo test ended with {status}");
        tally.failed += 1;
    }
    Ok(tally)
}

fn end_what_is_left(run: &Run) -> Vec<String> {
    let left = run.left_running();
    for (pid, _) in &left {
        let _ = rustix::process::kill_process(*pid, rustix::process::Signal::KILL);
    }
    left.into_iter()
        .map(|(pid, line)| format!("{pid} {line}"))
        .collect()
}
