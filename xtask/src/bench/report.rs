//! What a benchmark has found: figures of several repetitions become one line each, for people and for
//! programs. Medians with the least and the most; nothing is left out.

use serde_json::{Value, json};

/// What one repetition found.
#[derive(Clone, Debug)]
pub struct Sample {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    /// What the machine itself can do, in the same unit, measured in the same repetition.
    pub floor: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub fsync_p50_us: Option<f64>,
    /// What was done, for people.
    pub load: String,
    pub goal: Goal,
    /// Further figures of this repetition, by name.
    pub more: Vec<(&'static str, f64)>,
}

/// What the figure has to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// The value, in its unit.
    AtMost(f64),
    /// Value ÷ floor.
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// Only looked at.
    None,
}

/// The figures of all repetitions of one sample's name.
#[derive(Clone, Debug)]
pub struct Figure {
    samples: Vec<Sample>,
}

impl Sample {
    /// A value with nothing beside it yet.
    pub fn new(name: &'static str, value: f64, unit: &'static str) -> Sample {
        Sample {
            name,
            value,
            unit,
            floor: None,
            p50_ms: None,
            p99_ms: None,
            fsync_p50_us: None,
            load: String::new(),
            goal: Goal::None,
            more: Vec::new(),
        }
    }

    /// One line while the others are still to come.
    pub fn told(&self) -> String {
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
        let more: Vec<String> = self
            .more
            .iter()
            .map(|(name, value)| format!("{name} {}", short(*value)))
            .collect();
        format!(
            "{} {} {} (floor {}, p50 {} ms, p99 {} ms) {}; {}",
            self.name,
            short(self.value),
            self.unit,
            shown(self.floor),
            shown(self.p50_ms),
            shown(self.p99_ms),
            more.join(", "),
            self.load,
        )
    }
}

impl Figure {
    /// Puts the samples of several repetitions together, in the order in which names first came.
    pub fn of(samples: Vec<Sample>) -> Vec<Figure> {
        let mut figures: Vec<Figure> = Vec::new();
        for sample in samples {
            match figures
                .iter_mut()
                .find(|figure| figure.first().name == sample.name)
            {
                Some(figure) => figure.samples.push(sample),
                None => figures.push(Figure {
                    samples: vec![sample],
                }),
            }
        }
        figures
    }

    fn first(&self) -> &Sample {
        &self.samples[0]
    }

    fn values(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.value).collect()
    }

    fn middle(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let all: Option<Vec<f64>> = self.samples.iter().map(of).collect();
        all.map(median)
    }

    /// The median of the repetitions' own ratios.
    pub fn ratio(&self) -> Option<f64> {
        self.middle(|sample| Some(sample.value / sample.floor?))
    }

    /// Whether the goal is met; nothing where there is none.
    pub fn met(&self) -> Option<bool> {
        let value = median(self.values());
        Some(match self.first().goal {
            Goal::AtMost(most) => value <= most,
            Goal::RatioAtLeast(least) => self.ratio()? >= least,
            Goal::RatioAtMost(most) => self.ratio()? <= most,
            Goal::None => return None,
        })
    }

    /// One line for programs.
    pub fn json(&self, commit: &str, engine: &str) -> Value {
        let first = self.first();
        let values = self.values();
        let mut more = serde_json::Map::new();
        for (name, _) in &first.more {
            let of = |sample: &Sample| {
                sample
                    .more
                    .iter()
                    .find_map(|(known, value)| (known == name).then_some(*value))
            };
            more.insert((*name).to_owned(), rounded(self.middle(of)));
        }
        json!({
            "name": first.name,
            "value": rounded(Some(median(values.clone()))),
            "min": rounded(Some(least(&values))),
            "max": rounded(Some(most(&values))),
            "unit": first.unit,
            "floor": rounded(self.middle(|sample| sample.floor)),
            "ratio": rounded(self.ratio()),
            "p50_ms": rounded(self.middle(|sample| sample.p50_ms)),
            "p99_ms": rounded(self.middle(|sample| sample.p99_ms)),
            "fsync_p50_us": rounded(self.middle(|sample| sample.fsync_p50_us)),
            "load": first.load,
            "repetitions": self.samples.len(),
            "met": self.met(),
            "commit": commit,
            "engine": engine,
            "more": more,
        })
    }

    /// One line of the table for people.
    pub fn line(&self) -> String {
        let first = self.first();
        let values = self.values();
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
        let goal = match (first.goal, self.met()) {
            (_, None) => "",
            (_, Some(true)) => "met",
            (_, Some(false)) => "MISSED",
        };
        format!(
            "{:<26} {:>9} {:<11} {:>17} {:>9} {:>6} {:>8} {:>8}  {:<6} {}",
            first.name,
            short(median(values.clone())),
            first.unit,
            format!("{} to {}", short(least(&values)), short(most(&values))),
            shown(self.middle(|sample| sample.floor)),
            self.ratio()
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
            shown(self.middle(|sample| sample.p50_ms)),
            shown(self.middle(|sample| sample.p99_ms)),
            goal,
            first.load,
        )
    }
}

/// Above the lines.
pub fn heading() -> String {
    format!(
        "{:<26} {:>9} {:<11} {:>17} {:>9} {:>6} {:>8} {:>8}  {:<6} {}",
        "", "median", "", "least to most", "floor", "ratio", "p50 ms", "p99 ms", "goal", "load"
    )
}

/// The middle one; of an even number the mean of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length.is_multiple_of(2) => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn rounded(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| {
        json!((value * 1000.0).round() / 1000.0)
    })
}

/// Three figures, or whole.
fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: f64, floor: f64) -> Sample {
        Sample {
            floor: Some(floor),
            goal: Goal::RatioAtLeast(0.5),
            ..Sample::new("writes", value, "1/s")
        }
    }

    #[test]
    fn repetitions_become_their_median_and_a_goal_is_judged_by_it() {
        let figures = Figure::of(vec![
            sample(40.0, 100.0),
            sample(60.0, 100.0),
            sample(55.0, 100.0),
        ]);
        assert_eq!(figures.len(), 1);
        let line = figures[0].json("abc", "sqlite");
        assert_eq!(
            (&line["value"], &line["min"], &line["max"]),
            (&json!(55.0), &json!(40.0), &json!(60.0))
        );
        assert_eq!((&line["ratio"], &line["met"]), (&json!(0.55), &json!(true)));
        let missed = Figure::of(vec![sample(40.0, 100.0), sample(60.0, 130.0)]);
        assert_eq!(missed[0].met(), Some(false));
    }

    #[test]
    fn every_key_is_always_there() {
        let line = Figure::of(vec![Sample::new("bare", 1.0, "ms")])[0].json("abc", "sqlite");
        for key in [
            "name",
            "value",
            "unit",
            "floor",
            "ratio",
            "p50_ms",
            "p99_ms",
            "fsync_p50_us",
            "load",
            "commit",
            "engine",
        ] {
            assert!(line.get(key).is_some(), "{key}");
        }
        assert!(line["floor"].is_null() && line["p99_ms"].is_null());
    }

    #[test]
    fn a_figure_that_was_not_always_measured_is_none() {
        let mut second = sample(60.0, 100.0);
        second.floor = None;
        let figures = Figure::of(vec![sample(40.0, 100.0), second]);
        assert_eq!(figures[0].met(), None);
        assert!(figures[0].json("abc", "sqlite")["ratio"].is_null());
    }
}
