//! `cargo xtask faults`: the server is hurt in every way we know, under load, and has to have kept its word.
//!
//! Each way of hurting is a [`Part`], a file of its own and one row of [`PARTS`]. All parts share one
//! harness: `stage.rs` sets up the server, the pretend outside world (a process of its own, which survives
//! and remembers) and the database, and sends visitors (`caller.rs`); `ledger.rs` holds what visitors were
//! told against what the outside has (`outside.rs`) and what our own rows (`rows.rs`) say, and gives the verdict.
//! What is not here: the faults themselves.
//!
//! # To add a part
//!
//! 1. A file with `pub async fn run(case: Case<'_>) -> Tried<Report>`:
//!
//!    ```ignore
//!    pub async fn run(mut case: Case<'_>) -> Tried<Report> {
//!        let mut stage = Stage::open(&case, Setup::default()).await?;
//!        let times = case.times;
//!        stage
//!            .under_load(async |server| {
//!                for _ in 0..times {
//!                    time_of(case.chance.between(50, 1250)).await;
//!                    server.kill().await?;
//!                    server.start().await?;
//!                }
//!                Ok(())
//!            })
//!            .await?;
//!        stage.report(format!("{times} times …")).await
//!    }
//!    ```
//!
//!    `Setup` says what is unusual about it: another folder for the rows, words before the command line
//!    (`strace …`), the load. A part that needs another kind of server altogether starts it itself and
//!    uses [`Ledger`](ledger::Ledger) and `Caller` as `stage.rs` does. A verdict of its own is a
//!    [`Finding`](report::Finding) pushed onto the report.
//! 2. One row in [`PARTS`]: its name, what it does in a sentence, how often in a full run, on which engines,
//!    and whether it works or waits: one of each run side by side.
//! 3. All its chance comes from `case.chance`, so that `--seed` repeats it.

pub mod caller;
pub mod calls;
mod case;
pub mod chance;
mod clock;
mod crashpoints;
mod deliveries;
mod disk;
mod dst;
pub mod figures;
mod hostile;
mod kills;
pub mod ledger;
mod moved;
mod network;
mod outage;
mod outside;
mod planted;
mod plants;
mod platter;
mod postgres;
mod power;
mod record;
pub mod report;
pub mod rows;
pub mod stage;
mod strace;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use crate::run::Run;
use crate::tally::{Tally, spoken};
use crate::time::{self, Deadline};
use crate::{Tried, debian, product};

pub use case::{Case, Engine};
use chance::Chance;
use record::Record;
pub use report::Report;

/// How it is to be done.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Only this part: kills, crashpoints, power, disk, planted, deliveries, outage, clock, dst, postgres, network,
    /// hostile
    #[arg(long)]
    only: Option<String>,
    /// Only this engine
    #[arg(long)]
    engine: Option<Engine>,
    /// How often each part hurts the server, instead of what is usual for it
    #[arg(long)]
    times: Option<usize>,
    /// Repeat the round, each time with the next seed, until this much time is over (90s, 25m, 2h)
    #[arg(long = "for", value_parser = time::period)]
    for_time: Option<Duration>,
    /// No two parts side by side, not even one that works and one that waits
    #[arg(long)]
    one_by_one: bool,
    /// Install what is missing (strace, libfaketime, PostgreSQL …) from Debian's packages
    #[arg(long)]
    install: bool,
    /// Write what was run into docs/reliability.md
    #[arg(long)]
    record: bool,
    /// The seed of all chance; without it a fresh one, which is printed
    #[arg(long)]
    seed: Option<u64>,
}

/// One way of hurting the server.
pub struct Part {
    /// As in `--only`.
    pub name: &'static str,
    /// Beside what it may run.
    pub pace: Pace,
    /// What it does, for people.
    pub does: &'static str,
    /// How often in a full run, per engine.
    pub times: usize,
    /// On which databases it means something.
    pub engines: &'static [Engine],
    run: for<'a> fn(Case<'a>) -> Work<'a>,
}

/// What a part leaves of the machine to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Starts servers one after the other: one such part at a time.
    Works,
    /// Waits most of the time, for holds and leases: runs beside one that works, or beside another that waits.
    Waits,
    /// Takes a rate: runs when nothing else does.
    Alone,
}

type Work<'a> = Pin<Box<dyn Future<Output = Tried<Report>> + 'a>>;

const BOTH: &[Engine] = &[Engine::Sqlite, Engine::Postgres];

/// All of them, in the order in which they run.
pub const PARTS: &[Part] = &[
    Part {
        name: "kills",
        pace: Pace::Works,
        does: "kill -9 of the server at random moments",
        times: 200,
        engines: BOTH,
        run: |case| Box::pin(kills::run(case)),
    },
    Part {
        name: "crashpoints",
        pace: Pace::Works,
        does: "SIGKILL at the n-th flush, write, send, receive and connect",
        times: 60,
        engines: BOTH,
        run: |case| Box::pin(crashpoints::run(case)),
    },
    Part {
        name: "power",
        pace: Pace::Works,
        does: "the power is cut, and the disk keeps what was flushed",
        times: 40,
        engines: BOTH,
        run: |case| Box::pin(power::run(case)),
    },
    Part {
        name: "disk",
        pace: Pace::Waits,
        does: "a flush fails, the device fails, the disk is full, the disk is slow",
        times: 3,
        engines: BOTH,
        run: |case| Box::pin(disk::run(case)),
    },
    Part {
        name: "planted",
        pace: Pace::Waits,
        does: "five bugs are planted, and each is caught",
        times: 1,
        engines: BOTH,
        run: |case| Box::pin(planted::run(case)),
    },
    Part {
        name: "deliveries",
        pace: Pace::Waits,
        does: "ServiceTitan and the carrier misbehave in every way they can",
        times: deliveries::ALL,
        engines: BOTH,
        run: |case| Box::pin(deliveries::run(case)),
    },
    Part {
        name: "outage",
        pace: Pace::Alone,
        does: "ServiceTitan is down for a day; times: how many leave meanwhile",
        times: outage::ALL,
        engines: BOTH,
        run: |case| Box::pin(outage::run(case)),
    },
    Part {
        name: "clock",
        pace: Pace::Waits,
        does: "the clock jumps by a day or an hour, or the server is stopped for 30 s",
        times: 10,
        engines: BOTH,
        run: |case| Box::pin(clock::run(case)),
    },
    Part {
        name: "dst",
        pace: Pace::Waits,
        does: "clocks are set forward, or back, while people leave",
        times: 2,
        engines: BOTH,
        run: |case| Box::pin(dst::run(case)),
    },
    Part {
        name: "postgres",
        pace: Pace::Waits,
        does: "the database is killed, restarted, failed over to a synchronous standby",
        times: 16,
        engines: &[Engine::Postgres],
        run: |case| Box::pin(postgres::run(case)),
    },
    Part {
        name: "network",
        pace: Pace::Waits,
        does: "the way to the database is cut, both ways or one way",
        times: 10,
        engines: &[Engine::Postgres],
        run: |case| Box::pin(network::run(case)),
    },
    Part {
        name: "hostile",
        pace: Pace::Works,
        does: "slow readers, drips, 10,000 silent connections, what is too long or no HTTP",
        times: 2,
        engines: BOTH,
        run: |case| Box::pin(hostile::run(case)),
    },
];

/// The command; true when every verdict of every part held.
pub async fn run(root: &Path, options: &Options) -> Tried<bool> {
    let parts: Vec<&Part> = match options.only.as_deref() {
        None => PARTS.iter().collect(),
        Some(name) => vec![part(name)?],
    };
    let rounds = rounds(&parts, options.engine)?;
    with_own_mounts()?;
    if options.times == Some(0) {
        return Err("no times are nothing at all".into());
    }
    let names: Vec<_> = parts.iter().map(|part| part.name).collect();
    debian::ready_for_faults(&names, options.install).await?;
    let run = Run::open()?;
    let program = product::build(&run, root).await?;
    let record = match options.record {
        true => Some(Record::open(root)?),
        false => None,
    };
    let mut seed = options.seed.unwrap_or_else(chance::fresh_seed);
    let until = options.for_time.map(Deadline::after);
    let (tally, took) = (Cell::new(Tally::default()), RefCell::new(Vec::new()));
    let all = time::Watch::start();
    loop {
        let of = |pace| {
            let those = rounds.iter().filter(|(part, _)| part.pace == pace);
            RefCell::new(those.copied().collect::<VecDeque<_>>())
        };
        let (works, waits, alone) = (of(Pace::Works), of(Pace::Waits), of(Pace::Alone));
        // What is left of these, one after the other.
        let lane = async |left: &RefCell<VecDeque<(&Part, Engine)>>| {
            let next = || left.borrow_mut().pop_front();
            while let Some((part, engine)) = next() {
                let times = options.times.unwrap_or(part.times);
                let began = time::Watch::start();
                let report = one(&run, root, &program, part, engine, times, seed).await;
                let line = format!("{} on {engine:?}, {times} times", part.name);
                took.borrow_mut().push((line, began.elapsed()));
                let mut sum = tally.get();
                sum.add(counted(&report));
                tally.set(sum);
                if let Some(record) = &record {
                    record.add(part, engine, times, seed, &report)?;
                }
            }
            Tried::Ok(())
        };
        // Whoever has worked helps those who wait.
        let first = async {
            lane(&works).await?;
            lane(&waits).await
        };
        if options.one_by_one {
            first.await?;
        } else {
            tokio::try_join!(first, lane(&waits))?;
        }
        lane(&alone).await?;
        if until.is_none_or(|until| until.passed()) {
            break;
        }
        seed = seed.wrapping_add(1);
    }
    println!();
    for (line, took) in took.take() {
        println!("{line}: {}", spoken(took));
    }
    println!("all of it: {}", spoken(all.elapsed()));
    let tally = tally.get();
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// Each part on each of its engines. Asking for none is a mistake, and no success.
fn rounds<'a>(parts: &[&'a Part], only: Option<Engine>) -> Tried<Vec<(&'a Part, Engine)>> {
    let asked = |engine: &Engine| only.is_none_or(|only| only == *engine);
    let rounds: Vec<_> = parts
        .iter()
        .flat_map(|part| {
            let engines = part.engines.iter().copied().filter(asked);
            engines.map(|engine| (*part, engine))
        })
        .collect();
    if rounds.is_empty() {
        let names: Vec<_> = parts.iter().map(|part| part.name).collect();
        return Err(format!("{} means nothing on that engine", names.join(", ")).into());
    }
    Ok(rounds)
}

/// Parts that mount disks do it where nobody else sees it, and where the kernel takes it away when we end,
/// whatever way: this program starts itself again in a mount namespace of its own.
fn with_own_mounts() -> Tried<()> {
    use std::os::unix::process::CommandExt as _;
    const MARK: &str = "XTASK_OWN_MOUNTS";
    if std::env::var_os(MARK).is_some() || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let mut again = std::process::Command::new("unshare");
    again.args(["--mount", "--propagation", "private", "--"]);
    again
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1));
    let error = again.env(MARK, "yes").exec();
    Err(format!("unshare: {error}").into())
}

/// The part with this name, a few times: what `cargo xtask check` runs.
pub async fn short(
    run: &Run,
    root: &Path,
    program: &Path,
    name: &str,
    engine: Engine,
    times: usize,
) -> Tried<Tally> {
    let seed = chance::fresh_seed();
    let report = one(run, root, program, part(name)?, engine, times, seed).await;
    Ok(counted(&report))
}

fn part(name: &str) -> Tried<&'static Part> {
    let found = PARTS.iter().find(|part| part.name == name);
    found.ok_or_else(|| {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        format!("there is no part {name}; there are {}", names.join(", ")).into()
    })
}

/// What cannot be carried out has failed.
fn counted(report: &Tried<Report>) -> Tally {
    report.as_ref().map_or(Tally::one(false), Report::tally)
}

/// One part on one engine: says what it does, with its seed, and every verdict.
async fn one(
    run: &Run,
    root: &Path,
    program: &Path,
    part: &Part,
    engine: Engine,
    times: usize,
    seed: u64,
) -> Tried<Report> {
    println!(
        "\n-- {} on {engine:?}: {}; {times} times, seed {seed}",
        part.name, part.does
    );
    let began = time::Watch::start();
    let case = Case {
        run,
        root,
        program,
        part: part.name,
        engine,
        times,
        chance: Chance::new(seed),
    };
    let report = (part.run)(case).await;
    // Another part may have spoken since.
    println!("\n-- {} on {engine:?}, seed {seed}:", part.name);
    match &report {
        Ok(report) => report.print(),
        Err(error) => println!("   BROKEN it could not be carried out: {error}"),
    }
    if counted(&report).failed > 0 {
        let (name, engine) = (part.name, engine.word());
        println!(
            "   again: cargo xtask faults --only {name} --engine {engine} --times {times} --seed {seed}"
        );
    }
    let took = spoken(began.elapsed());
    println!("-- {} on {engine:?}: {took}", part.name);
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_what_does_not_run_is_a_mistake() {
        let network = part("network").unwrap();
        assert!(rounds(&[network], Some(Engine::Sqlite)).is_err());
        assert_eq!(rounds(&[network], None).unwrap().len(), 1);
        let planted = part("planted").unwrap();
        assert_eq!(rounds(&[planted], Some(Engine::Postgres)).unwrap().len(), 1);
        assert!(part("nothing").is_err());
    }
}
