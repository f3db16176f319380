//! `cargo xtask bench`: how fast, how much, how small, and beside each figure what the machine itself can do.
//!
//! The product is driven from outside, as a release build in a process of its own. Arrival is constant and
//! latency counts from the moment something was due. Five repetitions of everything, one after the other and
//! interleaved, so that a busy minute of the machine does not fall on one benchmark alone.

mod after_crash;
mod departure;
mod fill;
mod first_lead;
mod flatness;
mod floor;
mod in_browser;
mod inbox;
mod load;
mod outbox;
mod overload;
mod places;
mod presence;
mod report;
mod restart;
mod session_writes;
mod slow_phone;
mod stage;
mod visitors;
mod wire;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::ValueEnum as _;

use crate::Tried;
use crate::run::{Run, Running};
use report::{Figure, Sample};
use stage::Stage;

/// What is to be measured, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Which benchmarks; all of them when none is named
    names: Vec<Name>,
    /// Only the JSON lines, one as each benchmark ends, without the table after the last
    #[arg(long)]
    json: bool,
    /// Stored sessions of `flatness`; ten million take 8 GB of disk and minutes to make
    #[arg(long, default_value_t = 1_000_000)]
    rows: i64,
    /// Repetitions
    #[arg(long, default_value_t = 5)]
    times: usize,
}

/// Every benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    /// Durable session writes a second over HTTP
    SessionWrites,
    /// From a departure to its durable lead
    DepartureToLead,
    /// From a record being due to the CRM being asked for it
    DueToCrm,
    /// From the close button to the row in an open inbox
    CloseToRow,
    /// The same with five hundred open inboxes
    InboxFanout,
    /// Twenty departures in a real browser, to the row in another
    DepartureInBrowser,
    /// What an open page costs, 15,000 at once
    Presence,
    /// Ready over a million open sessions; a hundred thousand overdue departures to leads
    Restart,
    /// Killed while work waits: how soon the next start picks it up
    AfterCrash,
    /// The time step: sixty days, fifty technicians, ten thousand appointments
    Places,
    /// A thousand want the last place
    LastPlace,
    /// A pile of records to the CRM
    Outbox,
    /// The same work with few and with many stored sessions
    Flatness,
    /// Three times what the server can do
    Overload,
    /// The scheduler's first page on a slow phone: until interactive, and its bytes
    SlowPhone,
    /// From the start of a demo in an empty folder to the first lead
    FirstLead,
}

/// Measures; true when every goal was met.
pub async fn run(root: &Path, options: &Options) -> Tried<bool> {
    if cfg!(debug_assertions) {
        return again_as_release(root).await;
    }
    open_files();
    let stage = Stage::set(root, crate::product::built()?).await?;
    let names = match options.names.as_slice() {
        [] => Name::value_variants(),
        some => some,
    };
    let commit = commit(root);
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); names.len()];
    let mut figures = Vec::new();
    let mut failed = false;
    for repetition in 1..=options.times {
        for (name, samples) in names.iter().zip(&mut samples) {
            let (times, word) = (options.times, name.word());
            match name.measured(&stage, options).await {
                Ok(found) => {
                    for sample in &found {
                        eprintln!("   {repetition} of {times}: {}", sample.told());
                    }
                    samples.extend(found);
                }
                Err(error) => {
                    eprintln!("   {repetition} of {times}: {word} failed: {error}");
                    failed = true;
                }
            }
            if repetition == times {
                let ended = Figure::of(std::mem::take(samples));
                for figure in &ended {
                    println!("{}", figure.json(&commit, "sqlite"));
                }
                figures.extend(ended);
            }
        }
    }
    if !options.json {
        println!("\n{}", report::heading());
        for figure in &figures {
            println!("{}", figure.line());
        }
    }
    Ok(!failed && figures.iter().all(|figure| figure.met() != Some(false)))
}

impl Name {
    /// One repetition, and beside it what a durable write costs at that time where the databases lie.
    async fn measured(self, stage: &Stage, options: &Options) -> Tried<Vec<Sample>> {
        let fsync = floor::fsync_p50_us(stage.run.folder())?;
        let mut found = self.once(stage, options).await?;
        for sample in &mut found {
            sample.fsync_p50_us.get_or_insert(fsync);
        }
        Ok(found)
    }

    async fn once(self, stage: &Stage, options: &Options) -> Tried<Vec<Sample>> {
        match self {
            Name::SessionWrites => session_writes::once(stage).await,
            Name::DepartureToLead => departure::to_lead(stage).await,
            Name::DueToCrm => outbox::due_to_crm(stage).await,
            Name::CloseToRow => inbox::close_to_row(stage).await,
            Name::InboxFanout => inbox::fanout(stage).await,
            Name::DepartureInBrowser => in_browser::once(stage).await,
            Name::Presence => presence::once(stage).await,
            Name::Restart => restart::once(stage).await,
            Name::AfterCrash => after_crash::once(stage).await,
            Name::Places => places::places(stage).await,
            Name::LastPlace => places::last_place(stage).await,
            Name::Outbox => outbox::drain(stage).await,
            Name::Flatness => flatness::once(stage, options.rows).await,
            Name::Overload => overload::once(stage).await,
            Name::SlowPhone => slow_phone::once(stage).await,
            Name::FirstLead => first_lead::once(stage).await,
        }
    }

    fn word(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// Fifteen thousand connections need as many files, here and in the server, which inherits the limit.
fn open_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit
            .maximum
            .map_or(Some(65_536), |most| Some(most.min(65_536))),
        maximum: limit.maximum,
    };
    // Where it cannot be raised, opening too many says so.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised);
}

/// A load generator without optimisation measures itself: both programs are built for release, and the same
/// command runs again as that.
async fn again_as_release(root: &Path) -> Tried<bool> {
    let run = Run::open()?;
    // One after the other: together they would share features, and the product be another than the one that ships.
    for package in ["ringback", "xtask"] {
        let mut build = run.program("cargo");
        build
            .args(["build", "--quiet", "--release", "--package", package])
            .current_dir(root)
            .stdin(Stdio::null());
        if !Running::start("cargo build", build)?
            .wait()
            .await?
            .success()
        {
            return Err("the release does not build".into());
        }
    }
    let mut again = run.program(release_folder()?.join("xtask"));
    again.args(std::env::args_os().skip(1)).current_dir(root);
    let ended = Running::start("the release of this command", again)?
        .wait()
        .await?;
    Ok(ended.success())
}

/// Beside the folder of our own debug build.
fn release_folder() -> Tried<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent);
    Ok(target
        .ok_or("this program lies in no target folder")?
        .join("release"))
}

/// The commit that is measured, with a mark when there is more than it says.
fn commit(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output();
        let output = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        output.unwrap_or_default()
    };
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"]).is_empty();
    format!(
        "{}{}",
        git(&["rev-parse", "--short=10", "HEAD"]),
        if changed { "+" } else { "" }
    )
}
