//! Every string people read, by locale.
//!
//! The strings are Fluent files in `locales/{locale}/*.ftl`, embedded in the binary; a new language is
//! a new folder. Keys read `place-thing` (`step-contact`, `inbox-title`), one file per audience.
//! What a business may change later (its services, headings, texts) is copied out of here when the
//! scheduler is set up, and is data from then on.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use jiff::civil::Date;
use ringback_domain::region::DateOrder;
use rust_embed::Embed;
use unic_langid::LanguageIdentifier;

mod dates;
mod starts;
#[cfg(test)]
mod whole;

/// What may stand in a placeable: text or a number (numbers choose plurals).
pub use fluent_bundle::FluentValue as Value;

/// The locale that is always whole; every other falls back to it, key by key.
pub const FALLBACK: &str = "en";

/// The strings of one locale. Get one with [`Words::of`] or [`Words::negotiate`].
pub struct Words {
    locale: String,
    bundle: FluentBundle<FluentResource>,
    /// Days that have been put into words.
    days: Mutex<HashMap<(Date, DateOrder), String>>,
}

impl Words {
    /// The words of a locale such as `es` or `es-MX`: the exact one, else its language, else English.
    pub fn of(locale: &str) -> &'static Words {
        known(locale).unwrap_or_else(english)
    }

    /// The words a visitor's browser asks for (`Accept-Language: es-MX,es;q=0.9,en;q=0.8`), else the
    /// business's own. A header that makes no sense counts as none.
    pub fn negotiate(accept_language: Option<&str>, business_default: &str) -> &'static Words {
        let wished = Words::wished(accept_language.unwrap_or_default());
        wished.unwrap_or_else(|| Words::of(business_default))
    }

    /// The words that an `Accept-Language` wishes for most among those there are.
    pub fn wished(accept_language: &str) -> Option<&'static Words> {
        let mut most: Option<(f32, &Words)> = None;
        for (quality, language) in wishes(accept_language) {
            if most.is_none_or(|(before, _)| quality > before)
                && let Some(words) = known(language)
            {
                most = Some((quality, words));
            }
        }
        most.map(|(_, words)| words)
    }

    /// Every locale there is, sorted: `en`, `es`.
    pub fn locales() -> impl Iterator<Item = &'static str> {
        LOCALES.keys().map(String::as_str)
    }

    /// This locale's name, as it goes into `<html lang>`.
    pub fn locale(&self) -> &str {
        &self.locale
    }

    /// Whether this locale itself has the key.
    pub fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    /// The string under `key`. A key that exists nowhere is a mistake of ours: it panics where debug
    /// assertions are on, and shows the key itself where they are off.
    pub fn say(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// The string under `key` with its `{ $name }` placeables filled in:
    /// `w.with("ago-minutes", &[("count", 3)])`. Text and numbers together: `Value::from(...)` each.
    pub fn with<'a, V>(&self, key: &str, values: &[(&'a str, V)]) -> String
    where
        V: Clone + Into<Value<'a>>,
    {
        let args: FluentArgs<'a> = values
            .iter()
            .map(|(name, value)| (Cow::Borrowed(*name), value.clone()))
            .collect();
        self.format(key, Some(&args))
    }

    /// [`Self::say`] without a copy, where there is nothing to fill in: for a page that is being written.
    pub fn plain(&self, key: &str) -> Cow<'_, str> {
        self.formatted(key, None)
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        self.formatted(key, args).into_owned()
    }

    fn formatted(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'_, str> {
        let found = [self, english()]
            .into_iter()
            .find_map(|words| Some((words, words.bundle.get_message(key)?.value()?)));
        let Some((words, pattern)) = found else {
            debug_assert!(false, "no locale file has the key {key:?}");
            return Cow::Owned(key.to_owned());
        };
        let mut errors = Vec::new();
        let text = words.bundle.format_pattern(pattern, args, &mut errors);
        debug_assert!(errors.is_empty(), "{key:?} in {}: {errors:?}", words.locale);
        text
    }
}

#[derive(Embed)]
#[folder = "src/locales/"]
struct LocaleFiles;

static LOCALES: LazyLock<BTreeMap<String, Words>> = LazyLock::new(|| {
    let mut locales = BTreeMap::new();
    for path in LocaleFiles::iter() {
        let (locale, _) = path
            .split_once('/')
            .expect("locale files lie in a folder per locale");
        let words = locales
            .entry(locale.to_owned())
            .or_insert_with(|| Words::empty(locale));
        words.read(&path);
    }
    locales
});

impl Words {
    fn empty(locale: &str) -> Words {
        let language: LanguageIdentifier = locale
            .parse()
            .expect("a locale folder is named for its locale");
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The invisible marks that isolate right-to-left text would count in a text message and
        // travel into ServiceTitan; no locale here needs them.
        bundle.set_use_isolating(false);
        Words {
            locale: locale.to_owned(),
            bundle,
            days: Mutex::default(),
        }
    }

    fn read(&mut self, path: &str) {
        let file = LocaleFiles::get(path).expect("the path came from the listing");
        let text = String::from_utf8(file.data.into_owned()).expect("locale files are UTF-8");
        let resource = match FluentResource::try_new(text) {
            Ok(resource) => resource,
            Err((_, errors)) => panic!("locales/{path}: {errors:?}"),
        };
        if let Err(errors) = self.bundle.add_resource(resource) {
            panic!("locales/{path}: {errors:?}");
        }
    }
}

fn english() -> &'static Words {
    &LOCALES[FALLBACK]
}

fn known(locale: &str) -> Option<&'static Words> {
    let locale = locale.trim();
    let language = locale.split(['-', '_']).next().unwrap_or_default();
    [locale, language].into_iter().find_map(|name| {
        LOCALES
            .iter()
            .find_map(|(known, words)| known.eq_ignore_ascii_case(name).then_some(words))
    })
}

/// The languages of an `Accept-Language` header, and how much each is wished for; `q=0` means "not this one".
fn wishes(header: &str) -> impl Iterator<Item = (f32, &str)> {
    header.split(',').filter_map(|wish| {
        let (quality, language) = match wish.split_once(';') {
            Some((language, quality)) => {
                (quality.trim().strip_prefix("q=")?.parse().ok()?, language)
            }
            None => (1.0, wish),
        };
        (quality > 0.0).then_some((quality, language))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_found_by_its_language_and_english_is_the_floor() {
        assert_eq!(Words::of("es").locale(), "es");
        assert_eq!(Words::of("es-MX").locale(), "es");
        assert_eq!(Words::of("ES_us").locale(), "es");
        assert_eq!(Words::of("tlh").locale(), "en");
        assert_eq!(Words::of("").locale(), "en");
    }

    #[test]
    fn a_visitor_gets_the_language_they_ask_for_most() {
        let asked = |header| Words::negotiate(Some(header), "en").locale();
        assert_eq!(asked("es-MX,es;q=0.9,en;q=0.8"), "es");
        assert_eq!(asked("en;q=0.2, es;q=0.7"), "es");
        assert_eq!(asked("fr, es;q=0"), "en");
        assert_eq!(asked("de;q=x,;;,\u{0}"), "en");
        assert_eq!(Words::negotiate(Some("fr"), "es").locale(), "es");
        assert_eq!(Words::negotiate(None, "es-US").locale(), "es");
    }

    #[test]
    fn names_go_in_as_they_are() {
        assert_eq!(
            Words::of("en").with("continue-as", &[("name", "D•••")]),
            "Continue as D•••?"
        );
    }
}
