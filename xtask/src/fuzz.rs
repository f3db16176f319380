//! `cargo xtask fuzz`: the properties of `crates/server/tests/fuzz`, on and on, in one process: every parser that
//! faces the outside, given whatever anybody may send. Ends with the resident memory at the start and at the end.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::run::{Run, Running};
use crate::{Tried, time};

#[derive(clap::Args)]
pub struct Options {
    /// How many inputs
    #[arg(long, default_value_t = 1_000_000)]
    inputs: u64,
    /// Or for how long, like 90s, 20m or 2h
    #[arg(long = "for", value_name = "TIME", value_parser = time::period, conflicts_with = "inputs")]
    time: Option<Duration>,
    /// Where the inputs begin; the same seed gives the same inputs
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// True when every property held and the memory stayed where it was.
pub async fn run(root: &Path, options: &Options) -> Tried<bool> {
    let run = Run::open()?;
    let mut tests = run.program("cargo");
    tests
        .args([
            "test",
            "--package",
            "ringback",
            "--test",
            "fuzz",
            "--locked",
        ])
        .args(["--", "--ignored", "--exact", "on_and_on", "--nocapture"])
        .env("FUZZ_SEED", options.seed.to_string())
        // Nothing here is about the disk: in memory there are more inputs to a minute.
        .env(
            "TMPDIR",
            if Path::new("/dev/shm").exists() {
                "/dev/shm"
            } else {
                "/tmp"
            },
        )
        .current_dir(root)
        .stdin(Stdio::null());
    match options.time {
        Some(time) => tests.env("FUZZ_SECONDS", time.as_secs().to_string()),
        None => tests.env("FUZZ_INPUTS", options.inputs.to_string()),
    };
    Ok(Running::start("cargo test", tests)?.wait().await?.success())
}
