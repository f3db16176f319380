//! The house rules that a compiler cannot see. Each says what it found, where, and what to do.
//! (That every route has a rule is the server's own test.)

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::Tried;
use crate::tally::Tally;

/// Checks every rule below `root`, and prints what breaks one.
pub async fn check(root: &Path) -> Tried<Tally> {
    let mut tally = Tally::default();
    for (rule, broken) in [
        (
            "SQL lives in crates/server/src/store and nowhere else",
            sql_outside_the_store(root)?,
        ),
        (
            "the domain depends on no runtime, no SQL and no HTTP",
            what_domain_must_not_use(root).await?,
        ),
        (
            "ARCHITECTURE.md names only files that exist",
            files_the_architecture_invents(root)?,
        ),
    ] {
        println!(
            "   {} {rule}",
            if broken.is_empty() {
                "ok    "
            } else {
                "BROKEN"
            }
        );
        for finding in &broken {
            println!("          {finding}");
        }
        tally.add(Tally::one(broken.is_empty()));
    }
    Ok(tally)
}

// ---- SQL only in the store

fn sql_outside_the_store(root: &Path) -> Tried<Vec<String>> {
    let store = root.join("crates/server/src/store");
    let mut found = Vec::new();
    for folder in [
        "crates/domain/src",
        "crates/server/src",
        "crates/sandbox/src",
    ] {
        for file in files_below(&root.join(folder), "rs")? {
            if file.starts_with(&store) {
                continue;
            }
            let text = fs::read_to_string(&file)?;
            for (line, literal) in string_literals(&text) {
                if reads_as_sql(&literal) {
                    let name = file.strip_prefix(root).unwrap_or(&file).display();
                    found.push(format!(
                        "{name}:{line}: {:?}: move it to crates/server/src/store",
                        shortened(&literal)
                    ));
                }
            }
        }
    }
    Ok(found)
}

/// SQL is written in one case throughout (`SELECT`, `select`); a sentence for people is not.
fn reads_as_sql(literal: &str) -> bool {
    let words: Vec<&str> = literal.split_whitespace().take(40).collect();
    let Some(first) = words.first() else {
        return false;
    };
    let shouted = *first == first.to_uppercase();
    if !shouted && *first != first.to_lowercase() {
        return false;
    }
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let second = lower.get(1).map_or("", String::as_str);
    let has = |word: &str| lower.iter().any(|other| other == word);
    match lower[0].as_str() {
        "select" => shouted && words.len() > 1 || has("from"),
        "insert" => second == "into" || second == "or",
        "delete" => second == "from",
        "update" => has("set"),
        "create" | "drop" | "alter" => matches!(second, "table" | "index" | "unique" | "view"),
        "with" => has("as") && has("select"),
        "pragma" => words.len() > 1,
        _ => false,
    }
}

/// Every string literal of a Rust source with its line, comments left out.
pub fn string_literals(source: &str) -> Vec<(usize, String)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let line_of = |at: usize| source[..at].matches('\n').count() + 1;
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if let Some(hashes) = raw_string_opening(rest)
            && !source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        {
            let open = 1 + hashes + 1;
            let close = format!("\"{}", "#".repeat(hashes));
            let end = rest[open..].find(&close).unwrap_or(rest.len() - open);
            found.push((line_of(at), rest[open..open + end].to_owned()));
            at += open + end + close.len();
        } else if rest.starts_with('"') {
            let mut end = 1;
            while end < rest.len() && rest.as_bytes()[end] != b'"' {
                end += if rest.as_bytes()[end] == b'\\' { 2 } else { 1 };
            }
            let literal = rest.get(1..end).unwrap_or_default();
            found.push((
                line_of(at),
                literal.replace("\\n", "\n").replace("\\\n", "\n"),
            ));
            at += end + 1;
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            // A character literal that would otherwise look like the start of a string.
            at += 1 + rest[2..].find('\'').map_or(2, |end| end + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        while at < bytes.len() && !source.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

/// The number of `#` when `text` starts with `r"`, `r#"`, ...
fn raw_string_opening(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn shortened(literal: &str) -> String {
    literal
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(60)
        .collect()
}

// ---- the domain's dependencies

/// Crates that would bring a runtime, a database or the network into the rules.
const NOT_FOR_RULES: [&str; 18] = [
    "tokio",
    "async-std",
    "smol",
    "futures-util",
    "hyper",
    "axum",
    "http",
    "reqwest",
    "ureq",
    "tower",
    "tungstenite",
    "tokio-tungstenite",
    "rusqlite",
    "libsqlite3-sys",
    "postgres",
    "tokio-postgres",
    "sqlx",
    "diesel",
];

async fn what_domain_must_not_use(root: &Path) -> Tried<Vec<String>> {
    let mut command = Command::new("cargo");
    command.args([
        "tree",
        "--package",
        "ringback-domain",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = command
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .await?;
    if !output.status.success() {
        return Err(format!(
            "cargo tree failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let tree = String::from_utf8(output.stdout)?;
    let mut used: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    used.sort_unstable();
    used.dedup();
    let findings = used.iter().filter(|name| NOT_FOR_RULES.contains(name));
    Ok(findings
        .map(|name| format!("crates/domain depends on {name}: take it out of its Cargo.toml"))
        .collect())
}

// ---- ARCHITECTURE.md

fn files_the_architecture_invents(root: &Path) -> Tried<Vec<String>> {
    let Ok(page) = fs::read_to_string(root.join("ARCHITECTURE.md")) else {
        return Ok(vec!["there is no ARCHITECTURE.md".to_owned()]);
    };
    let named = names_of_files(&page);
    if named.is_empty() {
        return Ok(vec!["it names no file at all".to_owned()]);
    }
    let missing = named.iter().filter(|name| !exists_somewhere(root, name));
    Ok(missing
        .map(|name| format!("{name} does not exist"))
        .collect())
}

/// The paths a page names: words with a slash or a known ending in `code`, in code blocks and in
/// links; `{a,b}` stands for both.
fn names_of_files(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let mut parts: Vec<&str> = if fenced {
            vec![line]
        } else {
            line.split('`').skip(1).step_by(2).collect()
        };
        parts.extend(
            line.split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next()),
        );
        for word in parts.iter().flat_map(|part| part.split_whitespace()) {
            let word = word
                .trim_end_matches(['.', ',', ';', ':', ')'])
                .trim_start_matches('(');
            let word = word.split('#').next().unwrap_or_default();
            if looks_like_a_file(word) {
                names.extend(braces_spelled_out(word));
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

fn looks_like_a_file(word: &str) -> bool {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "/._-{},".contains(character);
    let endings = [
        ".rs", ".md", ".toml", ".sql", ".html", ".css", ".js", ".ftl", ".sh",
    ];
    let of_a_folder = [
        "crates/",
        "xtask/",
        "migrations/",
        "docs/",
        "e2e/",
        ".ci/",
        ".cargo/",
    ];
    word.chars().all(plain)
        && !word.contains("..")
        && !word.starts_with('/')
        && (word.ends_with('/') && word.len() > 1
            || endings.iter().any(|ending| word.ends_with(ending))
            || of_a_folder.iter().any(|folder| word.starts_with(folder)))
}

fn braces_spelled_out(word: &str) -> Vec<String> {
    let Some((before, rest)) = word.split_once('{') else {
        return vec![word.to_owned()];
    };
    let Some((choices, after)) = rest.split_once('}') else {
        return vec![word.to_owned()];
    };
    choices
        .split(',')
        .flat_map(|choice| braces_spelled_out(&format!("{before}{choice}{after}")))
        .collect()
}

/// A name counts from the repository's root, or from the sources of one crate, whose files a page may
/// call by their short names: `store/lead.rs`, `domain/lead.rs`.
fn exists_somewhere(root: &Path, name: &str) -> bool {
    let mut places = vec![root.join(name), root.join("xtask/src").join(name)];
    for crate_name in ["server", "domain", "sandbox"] {
        let folder = root.join("crates").join(crate_name);
        places.push(folder.join(name));
        places.push(folder.join("src").join(name));
        places.extend(
            name.strip_prefix(crate_name)
                .and_then(|rest| rest.strip_prefix('/'))
                .map(|rest| folder.join("src").join(rest)),
        );
    }
    places.iter().any(|place| place.exists())
}

fn files_below(folder: &Path, ending: &str) -> Tried<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|other| other == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql_in(source: &str) -> bool {
        string_literals(source)
            .iter()
            .any(|(_, literal)| reads_as_sql(literal))
    }

    #[test]
    fn sql_is_recognised_however_it_is_written() {
        for sql in [
            "SELECT 1",
            "select id from lead where id = $1",
            "INSERT INTO lead (id) VALUES ($1)",
            "insert or ignore into lead values (1)",
            "UPDATE lead SET state = $1",
            "DELETE FROM lead",
            "CREATE TABLE lead (id BIGINT)",
            "WITH due AS (SELECT 1) SELECT * FROM due",
            "PRAGMA journal_mode = WAL",
        ] {
            assert!(sql_in(&format!("let sql = \"{sql}\";")), "{sql}");
            assert!(sql_in(&format!("let sql = r#\"\n   {sql}\"#;")), "{sql}");
        }
    }

    #[test]
    fn sentences_for_people_are_not_sql() {
        for sentence in [
            "Select a time from the list",
            "Update your settings",
            "Delete from the list",
            "with pleasure",
            "",
        ] {
            assert!(!sql_in(&format!("say(\"{sentence}\")")), "{sentence}");
        }
    }

    #[test]
    fn comments_and_characters_hide_nothing_and_show_nothing() {
        assert!(!sql_in("// \"SELECT 1\"\n/* \"SELECT 1\" */"));
        assert!(sql_in("let quote = '\"'; let sql = \"SELECT 1\";"));
        assert!(sql_in(
            "let quote = '\\''; let text = \"a \\\" b\"; let sql = \"SELECT 1\";"
        ));
        assert_eq!(string_literals("\n\nsay(\"ä\")"), vec![(3, "ä".to_owned())]);
    }

    #[test]
    fn a_page_names_files_in_code_blocks_and_links() {
        let page = "See `store/lead.rs`, `outbox/`, `/api/v1/`, `migrations/{sqlite,postgres}/` and [why](docs/decisions/orm.md).\n\
                    The word `Lead` is no file.\n```\ncrates/domain/src/   the rules\n```\n";
        assert_eq!(
            names_of_files(page),
            [
                "crates/domain/src/",
                "docs/decisions/orm.md",
                "migrations/postgres/",
                "migrations/sqlite/",
                "outbox/",
                "store/lead.rs"
            ]
        );
    }
}
