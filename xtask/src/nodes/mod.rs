//! `cargo xtask nodes`: three servers over one PostgreSQL behind a balancer, open pages spread over them, and again and
//! again one server killed and one rolled; then, a few times, one stopped until the others take it for dead. Every visitor who departs has
//! to become exactly one lead, and nobody who is still there; the longest it took is printed.
//!
//! `cluster.rs` runs the servers, `balancer.rs` spreads connections, `page.rs` is a visitor's page with the
//! manners of `line.js`, `ledger.rs` knows who did what and gives the verdict.

mod balancer;
mod cluster;
mod ledger;
mod page;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::faults::caller;
use crate::faults::chance::{self, Chance};
use crate::run::Run;
use crate::tally::Tally;
use crate::time::{self, Deadline};
use crate::{Tried, debian, product};

use cluster::Cluster;
use ledger::Ledger;
use page::Shared;

/// How it is to be done.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How long visitors come and go (90s, 10m)
    #[arg(long = "for", value_parser = time::period, default_value = "3m")]
    for_time: Duration,
    /// Pages open at a time
    #[arg(long, default_value_t = 2000)]
    connections: usize,
    /// Departures a second
    #[arg(long, default_value_t = 5)]
    departures: u64,
    /// One server is killed and one rolled this often
    #[arg(long, value_parser = time::period, default_value = "30s")]
    every: Duration,
    /// How often after that one is stopped for longer than it lives unseen, and goes on
    #[arg(long, default_value_t = 3)]
    stops: u32,
    /// The seed of all chance; without it a fresh one, which is printed
    #[arg(long)]
    seed: Option<u64>,
    /// The program of an earlier version, which one of the three then runs
    #[arg(long, value_name = "PROGRAM")]
    old: Option<PathBuf>,
    /// Install what is missing (PostgreSQL) from Debian's packages
    #[arg(long)]
    install: bool,
}

/// Visitors on their way through the steps at a time.
const ARRIVING: usize = 12;
/// The visitors we know have numbers of their own; there are so many.
const MOST_VISITORS: u64 = 8_900;

/// The command; true when every verdict held.
pub async fn run(root: &Path, options: &Options) -> Tried<bool> {
    let lasts = options.for_time + options.every * options.stops;
    let visitors = options.connections as u64 + options.departures * lasts.as_secs();
    if visitors > MOST_VISITORS {
        return Err(format!(
            "that makes {visitors} visitors, and there are numbers for {MOST_VISITORS}: ask for a shorter time, \
             fewer departures or fewer connections"
        )
        .into());
    }
    debian::ready_for_nodes(options.install).await?;
    let old = match &options.old {
        Some(program) => Some(program.canonicalize()?),
        None => None,
    };
    let run = Run::open()?;
    let program = product::build(&run, root).await?;
    let seed = options.seed.unwrap_or_else(chance::fresh_seed);
    println!(
        "-- nodes: 3 servers, {} open pages, {} departures a second for {} s, a kill and a roll every {} s, seed {seed}",
        options.connections,
        options.departures,
        options.for_time.as_secs(),
        options.every.as_secs()
    );
    let chance = RefCell::new(Chance::new(seed));
    let cluster = Cluster::start(&run, &program, old.as_deref()).await?;
    let shared = Shared {
        client: caller::client(),
        ready: cluster.ready(),
        chance: &chance,
        ledger: RefCell::new(Ledger::default()),
        arriving: tokio::sync::Semaphore::new(ARRIVING),
        // Long enough on average that so many leave in a second.
        longest_stay: 2 * options.connections as u64 * 1000 / options.departures.max(1),
        over: Cell::new(false),
    };
    let over = async {
        let everybody = async {
            while shared.ledger.borrow().present() < options.connections {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Tried::Ok(())
        };
        time::within("every page to be open", Duration::from_secs(600), everybody).await?;
        println!("   {} pages are open", shared.ledger.borrow().present());
        let hurt = hurt(&cluster, &chance, options).await?;
        shared.over.set(true);
        Tried::Ok(hurt)
    };
    let pages = async {
        let mut pages: FuturesUnordered<_> = (0..options.connections)
            .map(|_| page::comes_and_goes(&shared))
            .collect();
        // A page ends with an error or not at all: those that are open at the end stay open for the verdict.
        match pages.next().await {
            Some(Err(error)) => Tried::<()>::Err(error),
            _ => Err("a page ended by itself".into()),
        }
    };
    let verdict = async {
        let hurt = over.await?;
        // Nobody comes or goes any more, though the pages that are open go on.
        let ledger = shared.ledger.borrow().clone();
        let left = ledger.settled(&cluster).await?;
        let faults = shared.client.faults();
        let not_fenced = match cluster.fenced() >= hurt.stops {
            true => Vec::new(),
            false => vec![format!("{} of {} did", cluster.fenced(), hurt.stops)],
        };
        let ours = [
            ("everything is settled at the end", left),
            ("no answer is a fault of a server's own", faults.own),
            (
                "a server that was stopped for too long finds itself taken for dead",
                not_fenced,
            ),
        ];
        println!("   {} requests refused with 503", faults.refusals);
        ledger.verdict(&cluster, ours).await
    };
    let tally: Tally = tokio::select! {
        verdict = verdict => verdict?,
        broken = pages => return broken.map(|()| false),
    };
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// What was done to the servers.
#[derive(Default)]
struct Hurt {
    kills: usize,
    rolls: usize,
    stops: usize,
    longest_roll: Duration,
}

/// Kills one and rolls one of the servers, again and again; then, as often as was asked for, one is stopped, longer than
/// it may be silent, and goes on as if it had not been.
async fn hurt(cluster: &Cluster<'_>, chance: &RefCell<Chance>, options: &Options) -> Tried<Hurt> {
    let until = Deadline::after(options.for_time);
    let mut hurt = Hurt::default();
    while !until.passed() {
        let round = time::Watch::start();
        let (victim, away) = {
            let mut chance = chance.borrow_mut();
            // Back under the same name before or after the others have taken it for dead.
            let away = match chance.between(0, 1) {
                0 => chance.millis(200, 2_000),
                _ => chance.millis(14_000, 18_000),
            };
            (chance.between(0, 2) as usize, away)
        };
        cluster.kill(victim).await?;
        hurt.kills += 1;
        let back = async {
            tokio::time::sleep(away).await;
            cluster.start_again(victim).await
        };
        let roll = async {
            tokio::time::sleep(options.every / 6).await;
            let roll = time::Watch::start();
            cluster.roll((victim + 1) % 3).await?;
            Tried::Ok(roll.elapsed())
        };
        let ((), took) = tokio::try_join!(back, roll)?;
        hurt.rolls += 1;
        hurt.longest_roll = hurt.longest_roll.max(took);
        tokio::time::sleep(options.every.saturating_sub(round.elapsed())).await;
    }
    for _ in 0..options.stops {
        let round = time::Watch::start();
        let (victim, lasts) = {
            let mut chance = chance.borrow_mut();
            (chance.between(0, 2) as usize, chance.millis(16_000, 20_000))
        };
        cluster.stop(victim, lasts).await?;
        hurt.stops += 1;
        tokio::time::sleep(options.every.saturating_sub(round.elapsed())).await;
    }
    println!(
        "   {} kills, {} rolls, the longest {:.1} s, {} stops",
        hurt.kills,
        hurt.rolls,
        hurt.longest_roll.as_secs_f32(),
        hurt.stops
    );
    Ok(hurt)
}
