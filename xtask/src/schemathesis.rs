//! `cargo xtask schemathesis`: what `/openapi.json` promises, tried on a running demo by
//! [Schemathesis](https://schemathesis.readthedocs.io): no answer is a fault of ours, every answer matches its
//! schema, what the schema allows is taken and what it forbids is refused. It comes from PyPI, in one pinned
//! version, into a folder of its own under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::faults::figures::Figures;
use crate::faults::ledger::panics;
use crate::product::{self, Demo, Manner, Ready};
use crate::run::{Run, Running};
use crate::tally::spoken;
use crate::time::{self, Watch};
use crate::{Tried, debian, net, zone};

const VERSION: &str = "4.32.5";

/// The follow-up text has rules that no schema can say (its link, the business's name, the word STOP): there a
/// 422 is no mistake of the description.
const CONFIGURATION: &str = r#"
[[operations]]
include-name = "PUT /api/v1/schedulers/{id}/settings"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "404", "409", "422", "429"]
"#;

/// Examples for one operation in one round; more would keep it from saying anything for too long.
const MOST_EXAMPLES: u64 = 1_000;
/// Examples for one operation in each round of a run that has a time: few enough that it ends soon after that.
const EXAMPLES_IN_TIME: u64 = 100;
/// A round's cases over its examples: six operations in three phases, some of which have little to vary.
const CASES_AN_EXAMPLE: u64 = 8;

/// What a server may grow by over all cases, after the first round has filled its caches.
const GROWS_BY: u64 = 96 * 1024 * 1024;

#[derive(clap::Args)]
pub struct Options {
    /// How many cases at least, over all operations
    #[arg(long, default_value_t = 1_000)]
    cases: u64,
    /// Or for how long, like 90s, 20m or 2h
    #[arg(long = "for", value_name = "TIME", value_parser = time::period, conflicts_with = "cases")]
    time: Option<Duration>,
    /// Repeats a run
    #[arg(long)]
    seed: Option<u64>,
    /// Install what is missing (python3-venv) from Debian's packages
    #[arg(long)]
    install: bool,
}

/// Runs as many rounds as it takes; true when none found anything.
pub async fn run(root: &Path, options: &Options) -> Tried<bool> {
    debian::ready_for_schemathesis(options.install).await?;
    let run = Run::open()?;
    let program = product::build(&run, root).await?;
    let schemathesis = installed(&run, root).await?;
    let manner = Manner {
        data: run.fresh("schemathesis")?,
        address: net::LOOPBACK,
        port: 0,
        database_url: None,
        sandbox: None,
        zone: zone::by_day(),
        before: Vec::new(),
        log: None,
    };
    let mut demo = Demo::start(&run, &program, &manner).await?;
    for number in 0..5 {
        leaves(&demo.ready, number).await?;
    }
    let configuration = manner.data.join("schemathesis.toml");
    fs::write(&configuration, CONFIGURATION)?;
    let seed = options
        .seed
        .unwrap_or_else(|| u64::from(std::process::id()));
    let (mut cases, mut clean, mut round) = (0, true, 0);
    let at_first = Figures::of(demo.pid())?.now;
    let mut warm = None;
    let watch = Watch::start();
    while let Some(examples) = options.examples_next(cases, watch.elapsed())
        && clean
    {
        let round_seed = seed + round;
        println!("round {}, seed {round_seed}", round + 1);
        let mut command = run.program(&schemathesis);
        command
            .arg("--config-file")
            .arg(&configuration)
            .arg("run")
            .arg(format!("{}/openapi.json", demo.ready.url))
            .args([
                "--header",
                &format!("Authorization: Bearer {}", demo.ready.api_key),
            ])
            .args(["--max-examples", &examples.to_string()])
            .args(["--seed", &round_seed.to_string()])
            .args(["--continue-on-failure", "--no-color"])
            .args(["--generation-database", "none"])
            .current_dir(&manner.data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let found = tried(command).await?;
        cases += found.cases;
        clean &= found.clean;
        round += 1;
        warm = warm.or(Figures::of(demo.pid()).ok().map(|figures| figures.now));
    }
    let lives = demo.lives();
    let at_last = Figures::of(demo.pid()).map_or(0, |figures| figures.now);
    let leads = demo.ready.office().leads().await?.len();
    if leads < 5 {
        return Err(format!("{leads} leads were listed, 5 visitors had left").into());
    }
    let panicked = panics(&String::from_utf8_lossy(&fs::read(demo.log())?));
    for line in &panicked {
        println!("{line}");
    }
    let panicked = !panicked.is_empty();
    let warm = warm.unwrap_or(at_first);
    let mebibytes = |bytes: u64| bytes / 1024 / 1024;
    println!(
        "resident memory: {} MiB at the start, {} after the first round, {} at the end",
        mebibytes(at_first),
        mebibytes(warm),
        mebibytes(at_last)
    );
    let steady = at_last <= warm + GROWS_BY;
    if !steady {
        println!("it has grown by more than {} MiB", mebibytes(GROWS_BY));
    }
    println!(
        "{cases} cases in {round} rounds from seed {seed}, {}: {}",
        spoken(watch.elapsed()),
        match (clean, lives && !panicked) {
            (true, true) => "nothing found",
            (false, _) => "see above",
            (true, false) => "the server panicked or ended",
        }
    );
    Ok(clean && lives && !panicked && steady)
}

impl Options {
    /// Examples for one operation in the next round; none when so many cases, or so much time, are enough. There is
    /// one round at least: a run that has tried nothing has found nothing.
    fn examples_next(&self, cases: u64, elapsed: Duration) -> Option<u64> {
        match self.time {
            Some(time) => (cases == 0 || elapsed < time).then_some(EXAMPLES_IN_TIME),
            None => {
                let wanted = self.cases.max(1);
                let missing = wanted.checked_sub(cases).filter(|more| *more > 0)?;
                Some((missing / CASES_AN_EXAMPLE).clamp(10, MOST_EXAMPLES))
            }
        }
    }
}

/// A visitor passes the contact step, with the box ticked or not, and closes: something to list.
async fn leaves(demo: &Ready, number: u32) -> Tried<()> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let phone = format!("602-555-01{:02}", 40 + number);
    let ticked = if number.is_multiple_of(2) { "yes" } else { "" };
    let service = [
        ("step", "service"),
        ("go", "continue"),
        ("zip", "85004"),
        ("service", "cooling-repair"),
    ];
    let contact = [
        ("step", "contact"),
        ("go", "continue"),
        ("name", "Ana Morales"),
        ("phone", &phone),
        ("text_me", ticked),
    ];
    let steps: [(&str, &[(&str, &str)]); 3] = [("", &service), ("", &contact), ("/close", &[])];
    let mut cookie = String::new();
    for (below, form) in steps {
        let request = client
            .post(format!("{}{below}", demo.scheduler))
            .header("Origin", &demo.url)
            .header("Cookie", &cookie);
        let answer = request.form(form).send().await?.error_for_status()?;
        if let Some(set) = answer.headers().get("set-cookie") {
            let set = set.to_str()?;
            cookie = set.split(';').next().unwrap_or_default().to_owned();
        }
    }
    Ok(())
}

struct Found {
    cases: u64,
    clean: bool,
}

async fn tried(command: tokio::process::Command) -> Tried<Found> {
    let mut program = Running::start("schemathesis", command)?;
    let output = program
        .child()
        .stdout
        .take()
        .ok_or("the output was asked for")?;
    let mut lines = BufReader::new(output).lines();
    let mut cases = None;
    while let Some(line) = lines.next_line().await? {
        println!("  {line}");
        cases = cases.or_else(|| generated(&line));
    }
    let clean = program.wait().await?.success();
    let cases = cases.filter(|cases| *cases > 0);
    Ok(Found {
        cases: cases.ok_or("schemathesis did not say how many cases it tried")?,
        clean,
    })
}

/// `650 generated, 2 found 2 unique failures, 8 skipped`
fn generated(line: &str) -> Option<u64> {
    let (number, rest) = line.trim().split_once(' ')?;
    rest.starts_with("generated").then(|| number.parse().ok())?
}

/// The program, in a virtual environment of its own; made where it is not there yet.
async fn installed(run: &Run, root: &Path) -> Tried<PathBuf> {
    let target = std::env::current_exe()?;
    let target = target
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    let folder = target
        .map_or_else(|| root.join("target"), Path::to_owned)
        .join(format!("schemathesis-{VERSION}"));
    let program = folder.join("bin/schemathesis");
    if program.exists() {
        return Ok(program);
    }
    println!(
        "installing schemathesis {VERSION} into {}",
        folder.display()
    );
    let mut python = run.program("python3");
    python
        .args(["-m", "venv"])
        .arg(&folder)
        .stdin(Stdio::null());
    if !Running::start("python3", python)?.wait().await?.success() {
        return Err(
            "python3 makes no virtual environment here: add --install, or apt-get install python3-venv".into(),
        );
    }
    let mut pip = run.program(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("schemathesis=={VERSION}"))
        .stdin(Stdio::null());
    if !Running::start("pip", pip)?.wait().await?.success() {
        return Err(format!("schemathesis {VERSION} could not be installed from PyPI").into());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_go_on_until_the_cases_or_the_time_are_reached() {
        let options = |time| Options {
            cases: 1_000,
            time,
            seed: None,
            install: false,
        };
        let (early, late) = (Duration::from_secs(59), Duration::from_secs(60));
        let counted = options(None);
        assert_eq!(counted.examples_next(0, late), Some(125));
        assert_eq!(counted.examples_next(999, late), Some(10));
        assert_eq!(counted.examples_next(1_000, early), None);
        assert_eq!(counted.examples_next(1_400, early), None);
        let timed = options(Some(late));
        assert_eq!(timed.examples_next(5_000, early), Some(EXAMPLES_IN_TIME));
        assert_eq!(timed.examples_next(5_000, late), None);
        assert_eq!(timed.examples_next(0, late), Some(EXAMPLES_IN_TIME));
    }

    #[test]
    fn the_number_of_cases_is_read_from_the_summary() {
        assert_eq!(
            generated("  650 generated, 2 found 2 unique failures, 8 skipped"),
            Some(650)
        );
        assert_eq!(generated("  650 generated, 650 passed"), Some(650));
        assert_eq!(generated("Test cases:"), None);
        assert_eq!(generated("  two generated"), None);
    }
}
