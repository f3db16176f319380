//! `--record`: what was run, seed by seed, and the totals, in `docs/reliability.md`. Two tables between two
//! marks are ours; every other word of the page is written by people.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Report;
use super::{Engine, Part};
use crate::{Tried, time};

const BEGIN: &str = "<!-- rounds: written by cargo xtask faults --record -->";
const NOT_CARRIED_OUT: &str = "not carried out";
const END: &str = "<!-- end of rounds -->";

/// The page, and what a round is told apart by besides its seed.
pub struct Record {
    page: PathBuf,
    date: String,
    commit: String,
}

/// One part on one engine with one seed: a row of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Round {
    date: String,
    commit: String,
    seed: u64,
    part: String,
    engine: String,
    times: u64,
    visitors: u64,
    verdict: String,
}

impl Record {
    /// The page of this repository, and the commit it stands at.
    pub fn open(root: &Path) -> Tried<Record> {
        let commit = commit(root);
        let now = jiff::Timestamp::from_millisecond(time::wall_ms() as i64)?;
        let record = Record {
            page: root.join("docs/reliability.md"),
            date: now.strftime("%F").to_string(),
            commit,
        };
        // Better now than after half an hour.
        rounds(&fs::read_to_string(&record.page)?)?;
        Ok(record)
    }

    /// Adds a round. The same one, run again, is one more: no two runs of a seed are alike in time, and what broke
    /// once stays on the page.
    pub fn add(
        &self,
        part: &Part,
        engine: Engine,
        times: usize,
        seed: u64,
        report: &Tried<Report>,
    ) -> Tried<()> {
        let (visitors, verdict) = match report {
            Ok(report) => (report.visitors as u64, verdict(report)),
            Err(_) => (0, NOT_CARRIED_OUT.to_owned()),
        };
        let round = Round {
            date: self.date.clone(),
            commit: self.commit.clone(),
            seed,
            part: part.name.to_owned(),
            engine: engine.word().to_owned(),
            times: times as u64,
            visitors,
            verdict,
        };
        let page = fs::read_to_string(&self.page)?;
        let mut all = rounds(&page)?;
        all.push(round);
        Ok(fs::write(&self.page, written(&page, &all)?)?)
    }
}

/// The commit, with a plus when anything but the page itself has been changed since; empty without git.
fn commit(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output()
    };
    let Ok(described) = git(&["rev-parse", "--short", "HEAD"]) else {
        return String::new();
    };
    let commit = String::from_utf8_lossy(&described.stdout).trim().to_owned();
    let unchanged = git(&[
        "diff",
        "--quiet",
        "HEAD",
        "--",
        ".",
        ":!docs/reliability.md",
    ]);
    match unchanged {
        Ok(asked) if asked.status.success() => commit,
        _ => format!("{commit}+"),
    }
}

fn verdict(report: &Report) -> String {
    let broken: Vec<&str> = report.broken().map(|finding| finding.invariant).collect();
    match broken.as_slice() {
        [] => format!("all {} held", report.findings.len()),
        broken => format!("BROKEN: {}", broken.join("; ")),
    }
}

impl Round {
    fn line(&self) -> String {
        let Round {
            date,
            commit,
            seed,
            part,
            engine,
            times,
            visitors,
            verdict,
        } = self;
        format!(
            "| {date} | {commit} | {seed} | {part} | {engine} | {times} | {visitors} | {verdict} |"
        )
    }

    fn read(line: &str) -> Option<Round> {
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [date, commit, seed, part, engine, times, visitors, verdict] = cells.as_slice() else {
            return None;
        };
        Some(Round {
            date: (*date).to_owned(),
            commit: (*commit).to_owned(),
            seed: seed.parse().ok()?,
            part: (*part).to_owned(),
            engine: (*engine).to_owned(),
            times: times.parse().ok()?,
            visitors: visitors.parse().ok()?,
            verdict: (*verdict).to_owned(),
        })
    }
}

fn parts_of(page: &str) -> Tried<(&str, &str, &str)> {
    let missing = || format!("docs/reliability.md lacks its marks: {BEGIN} … {END}");
    let (before, rest) = page.split_once(BEGIN).ok_or_else(missing)?;
    let (ours, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok((before, ours, after))
}

fn rounds(page: &str) -> Tried<Vec<Round>> {
    Ok(parts_of(page)?.1.lines().filter_map(Round::read).collect())
}

fn written(page: &str, all: &[Round]) -> Tried<String> {
    let (before, _, after) = parts_of(page)?;
    let mut totals: BTreeMap<(&str, &str), (u64, u64, u64, u64)> = BTreeMap::new();
    for round in all {
        let total = totals.entry((&round.part, &round.engine)).or_default();
        total.0 += 1;
        // What broke off was not done so often; how often, nobody knows.
        if round.verdict != NOT_CARRIED_OUT {
            total.1 += round.times;
        }
        total.2 += round.visitors;
        total.3 += u64::from(!round.verdict.starts_with("all "));
    }
    let mut ours = String::from(
        "\n\n| part | engine | rounds | times | visitors acknowledged | rounds with anything broken |\n|---|---|--:|--:|--:|--:|\n",
    );
    for ((part, engine), (rounds, times, visitors, broken)) in totals {
        ours.push_str(&format!(
            "| {part} | {engine} | {rounds} | {times} | {visitors} | {broken} |\n"
        ));
    }
    ours.push_str(
        "\n| date | commit | seed | part | engine | times | visitors | verdict |\n|---|---|--:|---|---|--:|--:|---|\n",
    );
    for round in all {
        ours.push_str(&round.line());
        ours.push('\n');
    }
    Ok(format!("{before}{BEGIN}{ours}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(seed: u64, verdict: &str) -> Round {
        Round {
            date: "2026-11-23".into(),
            commit: "abc".into(),
            seed,
            part: "kills".into(),
            engine: "sqlite".into(),
            times: 200,
            visitors: 3000,
            verdict: verdict.into(),
        }
    }

    #[test]
    fn a_page_is_read_as_it_was_written_and_peoples_words_stay() {
        let page = format!("# Title\n\n{BEGIN}\n{END}\nThe end.\n");
        let all = [
            round(1, "all 10 held"),
            round(2, "BROKEN: x"),
            round(3, NOT_CARRIED_OUT),
        ];
        let page = written(&page, &all).unwrap();
        assert_eq!(rounds(&page).unwrap(), all);
        assert!(page.starts_with("# Title") && page.ends_with("The end.\n"));
        assert!(
            page.contains("| kills | sqlite | 3 | 400 | 9000 | 2 |"),
            "{page}"
        );
        assert_eq!(written(&page, &all).unwrap(), page);
    }

    #[test]
    fn a_page_without_its_marks_is_an_error() {
        assert!(rounds("# Title").is_err());
    }
}
