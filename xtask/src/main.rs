//! The project's own commands. `cargo xtask help` lists them.
//!
//! They stand outside the product: they build it, start it and look at it the way a person does,
//! over HTTP and in a real Chromium.

mod bench;
mod browser;
mod check;
mod debian;
mod e2e;
mod faults;
mod fuzz;
mod house;
mod net;
mod nodes;
mod pictures;
mod postgres;
mod product;
mod proxy;
mod run;
mod schemathesis;
mod tally;
mod time;
mod world;
mod zone;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// A result whose error is a sentence for the person at the terminal.
pub type Tried<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Subcommand)]
enum Commands {
    /// Everything a change has to pass: format, lints, all tests on both engines, a real browser
    Check {
        /// Install what is missing from Debian's packages
        #[arg(long)]
        install: bool,
    },
    /// One set of browser tests
    E2e(e2e::Options),
    /// How fast, how much, how small, beside what the machine itself can do
    Bench(bench::Options),
    /// The server hurt in every way we know, under load: nothing lost, nothing done twice
    Faults(faults::Options),
    /// Everything that faces the outside, given whatever anybody may send
    Fuzz(fuzz::Options),
    /// Three servers over one PostgreSQL, one killed and one rolled again and again: nobody lost
    Nodes(nodes::Options),
    /// Pictures of the pages, into docs/pictures
    Pictures,
    /// What /openapi.json promises, tried on a running demo
    Schemathesis(schemathesis::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The HTTP client is built with TLS, as the product's is, and wants to know which; we call loopback only.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread: programs are started from it, and the kernel ends them when it ends.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.map(|runtime| runtime.block_on(until_done_or_stopped(arguments.command))) {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("no runtime: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command; Ctrl-C and the like drop it, and everything it started goes with it.
async fn until_done_or_stopped(command: Commands) -> Tried<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        done = run(command) => done,
        _ = interrupt.recv() => Err("stopped".into()),
        _ = terminate.recv() => Err("stopped".into()),
        _ = hangup.recv() => Err("stopped".into()),
    }
}

async fn run(command: Commands) -> Tried<bool> {
    let root = root();
    match command {
        Commands::Check { install } => check::check(&root, install).await,
        Commands::Bench(options) => bench::run(&root, &options).await,
        Commands::Faults(options) => faults::run(&root, &options).await,
        Commands::Fuzz(options) => fuzz::run(&root, &options).await,
        Commands::Schemathesis(options) => schemathesis::run(&root, &options).await,
        Commands::Nodes(options) => nodes::run(&root, &options).await,
        Commands::Pictures => pictures::take(&root).await.map(|()| true),
        Commands::E2e(options) => e2e::run(&root, &options).await,
    }
}

/// The repository: where this crate's folder lies.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
