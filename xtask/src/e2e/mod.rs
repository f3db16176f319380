//! The product seen from outside, in a real Chromium.

mod axe;
mod departures;
mod ground;
mod host;
pub mod inbox;
pub mod leaving;
pub mod scene;
mod staying;
mod stories;
pub mod visitor;

use std::path::Path;

use crate::run::Run;
use crate::tally::Tally;
use crate::{Tried, product};

use scene::Scene;

/// What can be run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// `departures` (who leaves, who stays), `stories` (what people do) or `ground` (what the browser itself does)
    name: String,
    /// How often each row of `departures` is repeated
    #[arg(long, default_value_t = 20)]
    repeats: usize,
    /// Only rows and stories with this in their name
    #[arg(long)]
    only: Option<String>,
}

/// Runs one set by its name; true when everything held.
pub async fn run(root: &Path, options: &Options) -> Tried<bool> {
    let run = Run::open()?;
    if options.name == "ground" {
        return ground::holds(&run).await.map(|()| true);
    }
    let program = product::build(&run, root).await?;
    let only = options.only.as_deref();
    let tally = match options.name.as_str() {
        "departures" => departures(&run, root, &program, options.repeats, only).await?,
        "stories" => stories(&run, root, &program, only).await?,
        other => {
            let sets = "departures, stories and ground";
            return Err(format!("there is no e2e set {other}; there are {sets}").into());
        }
    };
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// Whether the browser does what the other sets take for granted.
pub async fn ground(run: &Run) -> Tried<Tally> {
    ground::holds(run).await.map(|()| Tally::one(true))
}

/// Who leaves and who stays; see `departures.rs`.
pub async fn departures(
    run: &Run,
    root: &Path,
    program: &Path,
    repeats: usize,
    only: Option<&str>,
) -> Tried<Tally> {
    let mut scene = Scene::open(run, root, program).await?;
    let tally = departures::departures(&scene, repeats, only).await?;
    scene.outlived()?;
    Ok(tally)
}

/// What people do; see `stories`.
pub async fn stories(run: &Run, root: &Path, program: &Path, only: Option<&str>) -> Tried<Tally> {
    let mut scene = Scene::open(run, root, program).await?;
    let tally = stories::stories(&scene, only).await?;
    scene.outlived()?;
    Ok(tally)
}
