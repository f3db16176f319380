//! The product seen from outside, in a real Chromium.

mod ground;
mod host;

use crate::Tried;
use crate::run::Run;

/// What can be run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// `departures`, `stories` or `ground`
    name: String,
}

/// Runs one set by its name; true when everything held.
pub async fn run(options: &Options) -> Tried<bool> {
    let run = Run::open()?;
    match options.name.as_str() {
        "ground" => ground::holds(&run).await.map(|()| true),
        other => Err(format!("there is no e2e set {other}").into()),
    }
}
