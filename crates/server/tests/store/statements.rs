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
            let statement = Statement::from_source(text.clone().leak());
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
const MAY_SCAN: &[(&str, &str)] = &[
    (
        "node.epoch <> page.epoch",
        "goes through the index of open sockets alone, which has a bound",
    ),
    (
        "settled_at < $1 AND due_at IS NULL ORDER BY id",
        "the pruner, six times an hour, oldest first",
    ),
];

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
        let mut plan = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {text}"))
            .expect("it is SQL");
        let steps = plan
            .raw_query()
            .mapped(|row| row.get::<_, String>("detail"));
        for step in steps.map(|step| step.expect("text")) {
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
