//! Whether the locales are whole: read from the sources themselves, so that a key cannot be used without
//! being written, nor written in one language alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{LocaleFiles, Words};
use ringback_domain::follow_up::WhyNot;
use ringback_domain::person::EmailError;
use ringback_domain::phone::{NotTextable, PhoneError};
use ringback_domain::region::Region;
use ringback_domain::session::Step;
use ringback_domain::starts::Start;
use ringback_domain::wording::WordingError;

/// A locale's keys, each with the variables it takes.
fn keys(locale: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in LocaleFiles::iter().filter(|path| path.starts_with(&format!("{locale}/"))) {
        let text = String::from_utf8(LocaleFiles::get(&path).unwrap().data.into_owned()).unwrap();
        let mut key = String::new();
        for line in text.lines() {
            if let Some((name, _)) = line
                .split_once('=')
                .filter(|(name, _)| is_key(name.trim_end()))
            {
                key = name.trim_end().to_owned();
                let first = keys.insert(key.clone(), BTreeSet::new()).is_none();
                assert!(first, "{path}: {key} stands twice");
            }
            for rest in line.split('$').skip(1) {
                let name = rest
                    .split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
                    .next()
                    .unwrap();
                if let Some(variables) = keys.get_mut(&key) {
                    variables.insert(name.to_owned());
                }
            }
        }
    }
    keys
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

/// Every file of ours below `folder` with one of these endings.
fn sources(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if endings
                .iter()
                .any(|ending| path.extension().is_some_and(|e| e == *ending))
            {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The server's own sources and templates.
fn ours() -> Vec<(PathBuf, String)> {
    [sources("src", &["rs"]), sources("templates", &["html"])].concat()
}

/// The keys a source asks for by name: `say("key")`, `with("key"`, `has("key")`, `Unreadable("key")`.
fn asked_for(source: &str) -> impl Iterator<Item = &str> {
    [".say(", ".with(", ".has(", "::Unreadable("]
        .into_iter()
        .flat_map(move |call| literals(source, call))
        .filter(|key| is_key(key))
}

/// The texts that stand in the code as the first argument of a call.
fn literals<'a>(source: &'a str, call: &'static str) -> impl Iterator<Item = &'a str> {
    source.match_indices(call).filter_map(|(at, call)| {
        let argument = source[at + call.len()..].trim_start();
        argument.strip_prefix('"')?.split('"').next()
    })
}

#[test]
fn no_sentence_for_people_stands_in_the_code() {
    let mut found = Vec::new();
    let mut seen = 0;
    let others =
        |(path, _): &(PathBuf, String)| !path.ends_with(file!().rsplit('/').next().unwrap());
    for (path, source) in sources("src", &["rs"]).into_iter().filter(others) {
        // What programs read is in English.
        let for_programs = path.components().any(|part| part.as_os_str() == "api");
        for call in ["Error::BadInput(", "Error::Conflict("] {
            seen += source.matches(call).count();
            let sentences = literals(&source, call).filter(|_| !for_programs);
            found.extend(sentences.map(|text| format!("{text:?} in {}", path.display())));
        }
    }
    assert!(seen > 5, "the scan finds what it looks for");
    assert!(found.is_empty(), "move to the locale files: {found:#?}");
}

#[test]
fn every_key_that_is_asked_for_is_written() {
    let english = keys("en");
    let mut asked = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for (path, source) in ours() {
        for key in asked_for(&source) {
            asked.insert(key.to_owned());
            if !english.contains_key(key) {
                missing.insert(format!("{key} in {}", path.display()));
            }
        }
    }
    assert!(
        asked.contains("time-span"),
        "the scan finds what it looks for"
    );
    assert!(missing.is_empty(), "locales/en lacks: {missing:#?}");
}

#[test]
fn the_locales_have_the_same_keys_and_take_the_same_variables() {
    let english = keys("en");
    for locale in Words::locales() {
        let translated = keys(locale);
        for (key, variables) in &translated {
            let Some(known) = english.get(key) else {
                panic!("{key} is in {locale} and not in en")
            };
            assert!(
                variables.is_subset(known),
                "{key} in {locale} takes {variables:?}, in en {known:?}"
            );
        }
        let missing: Vec<_> = english
            .keys()
            .filter(|key| !translated.contains_key(*key))
            .collect();
        assert!(missing.is_empty(), "{locale} lacks {missing:#?}");
    }
}

#[test]
fn what_the_rules_can_say_is_written() {
    let mut said: Vec<String> = Vec::new();
    let mut say = |key: &str| said.push(key.to_owned());
    for error in [
        PhoneError::Empty,
        PhoneError::NotANumber,
        PhoneError::TooShort,
        PhoneError::TooLong,
        PhoneError::NoSuchNumber,
        PhoneError::UnknownCountry,
        PhoneError::CountryMissing,
    ] {
        say(error.key());
    }
    for why in [
        NotTextable::TollFree,
        NotTextable::Premium,
        NotTextable::Landline,
        NotTextable::NotMobile,
        NotTextable::OtherCountry,
    ] {
        say(why.key());
    }
    for error in [EmailError::NotAnAddress, EmailError::TooLong] {
        say(error.key());
    }
    for error in [
        WordingError::TooLong,
        WordingError::UnknownBlank(String::new()),
        WordingError::Control,
        WordingError::LoneBrace,
        WordingError::LinkMissing,
        WordingError::BusinessMissing,
        WordingError::StopMissing,
    ] {
        say(error.key());
    }
    for region in Region::ALL {
        say(region.name_key());
        say(region.postal().label);
        say(region.postal().sentence);
        region.address().iter().for_each(|field| say(field.label));
    }
    for start in Start::ALL {
        say(start.name_key());
    }
    for step in Step::ALL {
        say(&format!("step-{step}"));
    }
    for why in WhyNot::ALL {
        say(&format!("why-not-{why}"));
    }
    for locale in Words::locales() {
        let words = Words::of(locale);
        for key in &said {
            assert!(words.has(key), "{locale} lacks {key}");
        }
    }
}

/// Prints keys that nothing seems to ask for. Not a failure: keys are also put together from parts.
#[test]
fn keys_nobody_asks_for_are_listed() {
    let mut literals = BTreeSet::new();
    for (_, source) in ours().into_iter().chain(sources("../domain/src", &["rs"])) {
        let pieces = source
            .split('"')
            .map(|piece| piece.split('{').next().unwrap_or_default().to_owned());
        literals.extend(pieces.filter(|piece| is_key(piece)));
    }
    let used = |key: &str| {
        literals
            .iter()
            .any(|l| l == key || (l.ends_with('-') && key.starts_with(l.as_str())))
    };
    let english = keys("en");
    let unused: Vec<_> = english.keys().filter(|key| !used(key)).collect();
    eprintln!(
        "{} of {} keys are not asked for by name: {unused:#?}",
        unused.len(),
        english.len()
    );
    assert!(unused.len() < english.len());
}
