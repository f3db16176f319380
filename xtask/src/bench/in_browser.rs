//! `departure_in_browser`: people leave a real Chromium, and a real Chromium shows the inbox. The ways and the inbox
//! are those of `cargo xtask e2e departures`.

use super::report::{Goal, Sample, median};
use super::stage::Stage;
use crate::Tried;
use crate::e2e::leaving::{self, Leaving};
use crate::e2e::scene::Scene;

/// Each so often: twenty departures.
const WAYS: [Leaving; 2] = [Leaving::TabClosed, Leaving::CloseButton];
const EACH: usize = 10;

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let mut scene = Scene::open(&stage.run, &stage.root, &stage.program).await?;
    let mut took = Vec::new();
    let mut more = Vec::new();
    for (way, middle) in WAYS
        .into_iter()
        .zip(["tab_closed_p50_ms", "close_button_p50_ms"])
    {
        let held = leaving::repeat(&scene, way, EACH).await;
        if held.held != EACH {
            let (name, wrong) = (way.name(), held.wrong.join("; "));
            return Err(format!("{name}: {} of {EACH} held: {wrong}", held.held).into());
        }
        more.push((middle, median(held.took.clone())));
        took.extend(held.took);
    }
    scene.outlived()?;
    Ok(vec![Sample {
        p50_ms: Some(median(took.clone())),
        load: format!(
            "the longest of {}, half by closing the tab, half by the close button; from the act to the row in an open inbox",
            took.len()
        ),
        goal: Goal::AtMost(20_000.0),
        more,
        ..Sample::new(
            "departure_in_browser",
            took.into_iter().fold(0.0, f64::max),
            "ms",
        )
    }])
}
