//! Everything that faces the outside, given whatever anybody may send: text that is nearly right, text that is
//! nothing at all. Nothing panics, nothing answers with a fault of ours, what is accepted is in its normal form
//! and within its bounds, and a refusal does not repeat what was given.
//!
//! The ordinary tests take a few hundred or thousand inputs of each kind, other ones each time; a failure names
//! its seed, which `FUZZ_SEED` repeats. `cargo xtask fuzz` runs all kinds in turn for as long as it is told, and
//! watches the memory.

mod driver;
mod headers;
mod inputs;
mod line;
mod outside;
mod people;
mod settings;
mod web;

use driver::Kind;

/// Every kind of input, with its share of a long run.
fn kinds() -> Vec<Kind> {
    [
        people::kinds(),
        settings::kinds(),
        headers::kinds(),
        web::kinds(),
        outside::kinds(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

macro_rules! few_of_each {
    ($($kind:ident),+ $(,)?) => {
        $(#[test]
        fn $kind() {
            driver::few(kinds(), stringify!($kind));
        })+

        #[test]
        fn every_kind_has_its_test() {
            let tested = [$(stringify!($kind)),+];
            let kinds: Vec<_> = kinds().into_iter().map(|kind| kind.name).collect();
            assert_eq!(kinds, tested);
        }
    };
}

few_of_each!(
    phone_numbers,
    postal_codes,
    names_and_emails,
    states,
    replies,
    templates,
    configuration,
    tokens,
    signatures,
    patience_asked_for,
    forwarded_addresses,
    wished_languages,
    addresses,
    scheduler_forms,
    presence,
    lines,
    carrier_reports,
    carrier_texts,
    api_questions,
    api_bodies,
    servicetitan_answers,
    carrier_answers,
);

/// `cargo xtask fuzz`.
#[test]
#[ignore = "as long as it is told: cargo xtask fuzz"]
fn on_and_on() {
    driver::many(&kinds());
}
