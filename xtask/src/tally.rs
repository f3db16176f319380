//! What passed and what failed, over every kind of check, and the closing line.

use std::time::Duration;

/// The counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    /// One check.
    pub fn one(passed: bool) -> Tally {
        Tally {
            passed: u64::from(passed),
            failed: u64::from(!passed),
        }
    }

    /// Adds what another part counted.
    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// The counts in a line of Rust's own test runner, if it is one of its closing lines:
    /// `test result: ok. 12 passed; 0 failed; ...`.
    pub fn of_test_line(line: &str) -> Option<Tally> {
        let counts = line.trim().strip_prefix("test result: ")?;
        let count = |what: &str| -> Option<u64> {
            let before = &counts[..counts.find(what)?];
            before.split_whitespace().next_back()?.parse().ok()
        };
        Some(Tally {
            passed: count(" passed;")?,
            failed: count(" failed;")?,
        })
    }
}

/// `3 min 07 s`, `4.2 s`.
pub fn spoken(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{:.1} s", took.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_the_test_runner_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(
            Tally::of_test_line(line),
            Some(Tally {
                passed: 12,
                failed: 3
            })
        );
        assert_eq!(
            Tally::of_test_line("test result: ok. 0 passed; 0 failed;"),
            Some(Tally::default())
        );
    }

    #[test]
    fn other_lines_are_not() {
        assert_eq!(Tally::of_test_line("test inbox::row ... ok"), None);
        assert_eq!(Tally::of_test_line("running 12 tests"), None);
    }
}
