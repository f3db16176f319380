//! Every `sql!` of the source, prepared on both engines: no statement reaches a customer unread.

use std::fs;
use std::path::{Path, PathBuf};

use ringback_server::clock::Clock;
use ringback_server::store::{Engine, Statement, Store};
use ringback_server::testing::{Place, TestStore};

#[tokio::test]
async fn every_statement_is_understood_by_both_engines() {
    let found = statements_in(&source());
    let in_store = |found: &Found| found.place.starts_with("store/");
    let elsewhere: Vec<_> = found.iter().filter(|found| !in_store(found)).collect();
    assert!(
        elsewhere.is_empty(),
        "SQL stands in src/store/ alone, not in {elsewhere:?}"
    );
    assert!(
        found.len() > 20,
        "only {} statements found: is the search broken?",
        found.len()
    );

    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(world) = TestStore::fresh(engine) else {
            continue;
        };
        let mut refused = Vec::new();
        for Found { place, text } in &found {
            let statement = Statement::from_source(text.clone().leak(), Box::leak(Box::default()));
            if let Err(error) = world.store.read(move |tx| tx.prepare(statement)).await {
                refused.push(format!("{place}: {error}\n    {text}"));
            }
        }
        assert!(
            refused.is_empty(),
            "{engine:?} does not understand:\n{}",
            refused.join("\n")
        );
    }
}

/// Tables that grow with the visitors. A statement that reads one of them from end to end is fast on the
/// day it is written and slow in a year.
const GROWING: &[&str] = &[
    "appointment",
    "consent",
    "crm_record",
    "delivery",
    "lead",
    "lead_event",
    "opt_out",
    "page",
    "place",
    "resume_link",
    "session",
    "text_message",
];

/// Statements that may all the same, by words of theirs, and why.
const MAY_SCAN: &[(&str, &str)] = &[(
    "LIMIT $2) AS oldest",
    "the pruner looks at the oldest rows alone, a batch of them",
)];

#[test]
fn no_statement_reads_a_growing_table_from_end_to_end() {
    let place = Place::fresh(Engine::Sqlite).expect("SQLite is always there");
    drop(Store::open(place.config(), Clock::system()).expect("it opens"));
    let connection = rusqlite::Connection::open(place.file().expect("a file")).expect("it opens");
    let mut scans = Vec::new();
    for Found { place, text } in statements_in(&source()) {
        // The plan of an INSERT shows checks of foreign keys that never run.
        let may =
            text.starts_with("INSERT") || MAY_SCAN.iter().any(|(words, _)| text.contains(words));
        for step in plan(&connection, &text) {
            let scanned = step
                .strip_prefix("SCAN ")
                .and_then(|rest| rest.split(' ').next());
            if !may && scanned.is_some_and(|table| GROWING.contains(&table)) {
                scans.push(format!("{place}: {step}\n    {text}"));
            }
        }
    }
    let advice = "give it an index, or a line in MAY_SCAN that says why it may";
    assert!(scans.is_empty(), "{advice}:\n{}", scans.join("\n"));
}

fn plan(connection: &rusqlite::Connection, text: &str) -> Vec<String> {
    let mut plan = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {text}"))
        .expect("it is SQL");
    let steps = plan
        .raw_query()
        .mapped(|row| row.get::<_, String>("detail"));
    steps.map(|step| step.expect("text")).collect()
}

/// However long the pile, a claim takes the first few of an index.
#[test]
fn a_claim_sorts_no_pile() {
    let place = Place::fresh(Engine::Sqlite).expect("SQLite is always there");
    drop(Store::open(place.config(), Clock::system()).expect("it opens"));
    let connection = rusqlite::Connection::open(place.file().expect("a file")).expect("it opens");
    let all = statements_in(&source());
    let claim = all
        .iter()
        .find(|found| found.text.starts_with("WITH fresh"));
    let steps = plan(&connection, &claim.expect("the claim").text);
    let sorts = |step: &String| step.contains("TEMP B-TREE");
    assert!(!steps.iter().any(sorts), "{}", steps.join("\n"));
}

/// The same on PostgreSQL, whose planner takes a full scan only where no index helps once it is told so.
#[tokio::test]
async fn no_statement_reads_a_growing_table_from_end_to_end_on_postgresql_either() {
    let Some(world) = TestStore::fresh(Engine::Postgres) else {
        return;
    };
    let database = world.place().database_url();
    let explained = std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&database, postgres::NoTls).expect("it answers");
        let settings = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
        client.batch_execute(settings).expect("settings");
        let mut scans = Vec::new();
        let slow = Found {
            place: "slow".into(),
            text: "SELECT id FROM text_message WHERE body = $1".into(),
        };
        let all = statements_in(&source()).into_iter().chain([slow]);
        for (n, Found { place, text }) in all.enumerate() {
            let prepared = client.prepare(&text).expect("it is SQL").params().len();
            let nulls = vec!["NULL"; prepared].join(", ");
            let values = if prepared == 0 {
                String::new()
            } else {
                format!("({nulls})")
            };
            let prepare = format!("PREPARE s{n} AS {text}");
            client.batch_execute(&prepare).expect("it is SQL");
            let plan = client
                .query(&format!("EXPLAIN EXECUTE s{n}{values}"), &[])
                .expect("a plan");
            let steps = plan.iter().map(|row| row.get::<_, String>(0));
            for step in steps.filter(|step| step.contains("Seq Scan on ")) {
                let table = step.split("Seq Scan on ").nth(1).unwrap_or_default();
                if GROWING.contains(&table.split(' ').next().unwrap_or_default()) {
                    scans.push(format!("{place}: {}\n    {text}", step.trim()));
                }
            }
        }
        scans
    });
    let mut scans = explained.join().expect("no panic");
    assert!(
        scans
            .pop()
            .is_some_and(|last| last.starts_with("slow: Seq Scan")),
        "the search finds what it looks for"
    );
    assert!(scans.is_empty(), "give it an index:\n{}", scans.join("\n"));
}

#[test]
fn the_search_reads_literals_as_the_compiler_does() {
    let source = r####"
        tx.execute(sql!("UPDATE a SET b = \"c\" \
                         WHERE d = 'e'"), &[]);
        // sql!("in a comment")
        tx.rows(sql!(
            r#"SELECT "quoted" FROM t"#
        ), &[]);
    "####;
    let texts: Vec<_> = literals(source).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        [
            "UPDATE a SET b = \"c\" WHERE d = 'e'",
            "SELECT \"quoted\" FROM t"
        ]
    );
}

#[derive(Debug)]
struct Found {
    /// `store/lead.rs:17`
    place: String,
    text: String,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn statements_in(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the source is there") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path
                    .strip_prefix(root)
                    .expect("below the root")
                    .display()
                    .to_string();
                let source = fs::read_to_string(&path).expect("UTF-8");
                let literals = literals(&source).into_iter();
                found.extend(literals.map(|(line, text)| Found {
                    place: format!("{name}:{line}"),
                    text,
                }));
            }
        }
    }
    found
}

/// The literal in every `sql!(…)` outside comments, with its line.
fn literals(source: &str) -> Vec<(usize, String)> {
    let calls = source.match_indices("sql!(").filter(|(at, _)| {
        let line = source[..*at].rsplit('\n').next().unwrap_or_default();
        !line.contains("//")
    });
    calls
        .map(|(at, call)| {
            let line = source[..at].matches('\n').count() + 1;
            let text = literal(source[at + call.len()..].trim_start());
            (
                line,
                text.unwrap_or_else(|| panic!("line {line}: sql! takes a string literal")),
            )
        })
        .collect()
}

/// The value of the string literal `source` begins with.
fn literal(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('r') {
        let fences = raw.bytes().take_while(|byte| *byte == b'#').count();
        let end = format!("\"{}", "#".repeat(fences));
        return raw[fences..]
            .strip_prefix('"')?
            .split_once(&end)
            .map(|(text, _)| text.to_owned());
    }
    let mut rest = source.strip_prefix('"')?;
    let mut text = String::new();
    loop {
        let special = rest.find(['"', '\\'])?;
        text.push_str(&rest[..special]);
        let escaped = rest[special..].strip_prefix('\\');
        let Some(escaped) = escaped else {
            return Some(text);
        };
        let code = escaped.chars().next()?;
        rest = &escaped[code.len_utf8()..];
        match code {
            '\n' => rest = rest.trim_start(),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            '"' | '\\' | '\'' => text.push(code),
            _ => return None,
        }
    }
}
