//! What a part has to say: each invariant, and what breaks it.

use crate::tally::Tally;

/// One invariant, and what breaks it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What must hold.
    pub invariant: &'static str,
    /// What does not; empty when it holds.
    pub broken: Vec<String>,
}

impl Finding {
    /// An invariant and what breaks it.
    pub fn of(invariant: &'static str, broken: Vec<String>) -> Finding {
        Finding { invariant, broken }
    }
}

/// What a part has to say.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it did.
    pub did: String,
    /// Whom it met.
    pub seen: String,
    /// How many were told that their name and number are kept.
    pub visitors: usize,
    /// Every invariant.
    pub findings: Vec<Finding>,
}

impl Report {
    /// What was done, and each invariant with at most ten of what breaks it.
    pub fn print(&self) {
        println!("   {}; {}", self.did, self.seen);
        for Finding { invariant, broken } in &self.findings {
            let word = if broken.is_empty() {
                "ok    "
            } else {
                "BROKEN"
            };
            println!("   {word} {invariant}");
            for finding in broken.iter().take(10) {
                println!("          {finding}");
            }
            if broken.len() > 10 {
                println!("          and {} more", broken.len() - 10);
            }
        }
    }

    /// This one and another of the same kind, as one: what is broken in either is.
    pub fn and(mut self, other: Report) -> Report {
        self.did = format!("{}; {}", self.did, other.did);
        self.seen = format!("{}; then {}", self.seen, other.seen);
        self.visitors += other.visitors;
        for finding in other.findings {
            let same = |mine: &&mut Finding| mine.invariant == finding.invariant;
            match self.findings.iter_mut().find(same) {
                Some(mine) => mine.broken.extend(finding.broken),
                None => self.findings.push(finding),
            }
        }
        self
    }

    /// The invariants that do not hold.
    pub fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| !f.broken.is_empty())
    }

    /// One check for each invariant.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for finding in &self.findings {
            tally.add(Tally::one(finding.broken.is_empty()));
        }
        tally
    }
}
