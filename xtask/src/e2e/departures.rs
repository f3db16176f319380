//! `cargo xtask e2e departures`: whoever leaves becomes exactly one lead, in sight of an open inbox;
//! whoever stays becomes none. Every row is repeated, and every repeat is another visitor.
//! How people leave is in `leaving.rs`, how they stay in `staying.rs`.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::leaving::{self, LEAVING};
use super::scene::Scene;
use super::staying::{self, STAYING, Staying};
use crate::Tried;
use crate::tally::{Tally, spoken};

/// What became of the repeats of one row.
#[derive(Default)]
pub struct Held {
    /// How many did what they should.
    pub held: usize,
    /// From the act to the row in the inbox, in milliseconds, of those that were to be seen.
    pub took: Vec<f64>,
    /// What went wrong, in words.
    pub wrong: Vec<String>,
    /// What is worth knowing though nothing went wrong.
    pub notes: Vec<String>,
}

impl Held {
    /// Counts one repeat.
    pub fn count(&mut self, outcome: Tried<Option<f64>>) {
        match outcome {
            Ok(took) => {
                self.held += 1;
                self.took.extend(took);
            }
            Err(error) => self.wrong.push(error.to_string()),
        }
    }
}

/// Up to so many repeats, the rows of those who stay run at the same time.
const FEW: usize = 3;

/// Runs every row (or those whose name contains `only`) and prints the table.
pub async fn departures(scene: &Scene<'_>, repeats: usize, only: Option<&str>) -> Tried<Tally> {
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let mut table: Vec<(&str, Held)> = Vec::new();
    for way in LEAVING.into_iter().filter(|way| wanted(way.name())) {
        let held = timed(way.name(), leaving::repeat(scene, way, repeats)).await;
        table.push((way.name(), held));
    }
    let staying: Vec<Staying> = STAYING
        .into_iter()
        .filter(|way| wanted(way.name()))
        .collect();
    let row = |way: Staying| timed(way.name(), staying::repeat(scene, way, repeats));
    if repeats <= FEW {
        // Waiting costs nothing: few enough visitors can wait side by side.
        let held = join_all(staying.iter().map(|way| row(*way))).await;
        table.extend(staying.iter().map(|way| way.name()).zip(held));
    } else {
        for way in staying {
            table.push((way.name(), row(way).await));
        }
    }
    if table.is_empty() {
        let names: Vec<&str> = LEAVING
            .iter()
            .map(|way| way.name())
            .chain(STAYING.iter().map(|way| way.name()))
            .collect();
        return Err(format!(
            "no row has this in its name; there are: {}",
            names.join(", ")
        )
        .into());
    }
    print(&table, repeats);
    let mut tally = Tally::default();
    for (_, held) in &table {
        tally.add(Tally::one(held.held == repeats));
    }
    Ok(tally)
}

async fn timed(name: &str, row: impl Future<Output = Held>) -> Held {
    let start = Instant::now();
    let held = row.await;
    println!("   {name}: {} held, {}", held.held, spoken(start.elapsed()));
    for wrong in &held.wrong {
        println!("      {wrong}");
    }
    for note in &held.notes {
        println!("      {note}");
    }
    held
}

fn print(table: &[(&str, Held)], repeats: usize) {
    println!("\n   {:<52} {:>8} {:>10} {:>10}", "", "held", "p50", "max");
    for (name, held) in table {
        let count = format!("{}/{repeats}", held.held);
        let (p50, max) = middle_and_most(&held.took);
        println!("   {name:<52} {count:>8} {p50:>10} {max:>10}");
    }
    println!("   (times: from the act to the row in an open inbox)");
}

fn middle_and_most(took: &[f64]) -> (String, String) {
    let mut sorted = took.to_vec();
    sorted.sort_by(f64::total_cmp);
    let say = |ms: Option<&f64>| match ms {
        Some(ms) => spoken_ms(Duration::from_secs_f64(ms.max(0.0) / 1000.0)),
        None => "-".to_owned(),
    };
    (
        say(sorted.get(sorted.len().saturating_sub(1) / 2)),
        say(sorted.last()),
    )
}

fn spoken_ms(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f32())
    }
}
