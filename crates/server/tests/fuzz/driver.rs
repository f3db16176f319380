//! Runs properties: a few inputs in a test, or round after round for as long as is wanted.

use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

/// One kind of input and what must hold of it.
pub struct Kind {
    pub name: &'static str,
    /// Inputs of it in a round, and in an ordinary test.
    share: u32,
    run: Box<dyn Fn(u32, u64) -> Result<(), String>>,
}

/// `holds` of everything that `inputs` makes.
pub fn kind<S: Strategy + 'static>(
    name: &'static str,
    share: u32,
    inputs: S,
    holds: impl Fn(S::Value) -> TestCaseResult + 'static,
) -> Kind {
    let run = move |cases, seed| {
        let config = Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: 4_000,
            max_global_rejects: cases.saturating_mul(10),
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &spread(seed));
        let mut runner = TestRunner::new_with_rng(config, rng);
        runner.run(&inputs, &holds).map_err(|error| match error {
            TestError::Fail(why, input) => format!("{why}\nfor {input:?}"),
            TestError::Abort(why) => format!("too few inputs fit: {why}"),
        })
    };
    Kind {
        name,
        share,
        run: Box::new(run),
    }
}

/// As many inputs of one kind as an ordinary test has time for, and every time the same ones: what nobody has
/// changed does not fail by chance. New ones are looked for by [`many`].
pub fn few(kinds: Vec<Kind>, name: &str) {
    let kind = kinds.into_iter().find(|kind| kind.name == name);
    let kind = kind.unwrap_or_else(|| panic!("there is no kind {name}"));
    let seed = number("FUZZ_SEED").unwrap_or(ORDINARY_SEED);
    if let Err(found) = (kind.run)(kind.share, seed) {
        panic!("{name}: {found}\nFUZZ_SEED={seed} repeats it");
    }
}

const ORDINARY_SEED: u64 = 2026;

/// Round after round of all kinds, until `FUZZ_INPUTS` or `FUZZ_SECONDS` is reached. Prints how far it is, and
/// the resident memory after the first rounds and at the end.
pub fn many(kinds: &[Kind]) {
    let inputs = number("FUZZ_INPUTS").unwrap_or(u64::MAX);
    let time = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(u64::MAX / 4));
    let first = number("FUZZ_SEED").unwrap_or(1);
    let began = Instant::now();
    let (mut done, mut seed, mut at_start) = (0, first, None);
    let mut told = Duration::ZERO;
    // One kind alone: for whoever looks for what a kind leaves behind.
    let only = std::env::var("FUZZ_ONLY").unwrap_or_default();
    let kinds: Vec<_> = kinds
        .iter()
        .filter(|kind| kind.name.contains(&only))
        .collect();
    assert!(!kinds.is_empty(), "there is no kind {only}");
    while done < inputs && began.elapsed() < time {
        for kind in &kinds {
            if let Err(found) = (kind.run)(kind.share, seed) {
                panic!(
                    "{}: {found}\nafter {done} inputs; --seed {seed} repeats it",
                    kind.name
                );
            }
            done += u64::from(kind.share);
        }
        seed += 1;
        // Caches fill in the first rounds.
        if at_start.is_none() && seed >= first + WARM_UP {
            at_start = Some(resident());
        }
        if began.elapsed() - told >= Duration::from_secs(10) {
            told = began.elapsed();
            println!(
                "{done} inputs in {} s, {} KiB resident",
                told.as_secs(),
                resident()
            );
        }
    }
    let (start, end) = (at_start.unwrap_or_else(resident), resident());
    println!(
        "{done} inputs, seeds {first} to {}, {:.0} s; resident memory {start} KiB after {WARM_UP} rounds, {end} KiB at the end",
        seed - 1,
        began.elapsed().as_secs_f64(),
    );
    assert!(
        end <= start + MAY_GROW,
        "the memory has grown by {} KiB",
        end - start
    );
}

const WARM_UP: u64 = 10;
/// What bounded caches may still take, in KiB: the store's pages, and the patterns of phone numbers, which are read as
/// each country's first number comes. A leak of a hundred bytes an input is more in a million.
const MAY_GROW: u64 = 64 * 1024;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn spread(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
