//! What the business sets: the words of its texts, and `ringback.toml`. Also what only looks like a setting: a
//! visitor's token, the carrier's signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ringback_domain::wording::{self, Blanks, LONGEST_TEXT};
use ringback_server::config::{Config, KEYS};
use ringback_server::sms::signature;
use ringback_server::{random, token};
use sha1::Sha1;
use url::Url;

use crate::driver::{Kind, kind};
use crate::inputs;

/// As long as a business's name may be.
const BUSINESS: &str = "Copperline Home Services of Phoenix and all of Maricopa, LLC";
const LINK: &str = "https://book.copperline.example/r/0123456789abcdefghijKL";
/// Stands where a password would; must never be told.
const PASSWORD: &str = "hunter2xyzzy";

pub fn kinds() -> Vec<Kind> {
    vec![
        kind(
            "templates",
            1_500,
            (template(), inputs::text(), inputs::text()),
            |(template, name, service)| {
                let service: String = service.chars().take(80).collect();
                let blanks = Blanks {
                    business: BUSINESS,
                    name: &name,
                    service: &service,
                    link: LINK,
                };
                let text = wording::fill(&template, &blanks);
                prop_assert!(text.chars().count() <= LONGEST_TEXT);
                prop_assert!(
                    !text.chars().any(|c| c.is_control() && c != '\n'),
                    "{:?}",
                    text
                );
                if wording::check(&template).is_ok() {
                    prop_assert!(text.contains(LINK), "the link is not whole in {:?}", text);
                    prop_assert!(text.contains(BUSINESS), "{:?}", text);
                    prop_assert!(text.to_ascii_uppercase().contains("STOP"), "{:?}", text);
                }
                Ok(())
            },
        ),
        kind(
            "configuration",
            800,
            (vec(line(), 0..5), vec(variable(), 0..3)),
            |(lines, variables)| {
                match Config::read(&lines.join("\n"), variables.into_iter()) {
                    Ok(config) => {
                        let origin = Url::parse(config.origin());
                        prop_assert!(origin.is_ok_and(|origin| origin.path() == "/"));
                        prop_assert!((1..=64).contains(&config.node.len()));
                        let kept = format!("{:?}", config.database_url);
                        prop_assert!(!kept.contains(PASSWORD), "{}", kept);
                    }
                    Err(refused) => {
                        let told = refused.to_string();
                        prop_assert!(!told.to_lowercase().contains(PASSWORD), "{}", told);
                        prop_assert!(told.contains(' ') && told.len() < 4_000, "{}", told);
                    }
                }
                Ok(())
            },
        ),
        kind(
            "tokens",
            1_000,
            // Behind a text's link 22 letters; in a cookie seven of the time before them.
            prop_oneof![inputs::text(), "[0-9A-Za-z]{21,23}", "[0-9A-Za-z]{28,30}"],
            |shown| {
                let has_a_length = matches!(shown.len(), 22 | 29);
                let fits = has_a_length && shown.chars().all(|c| c.is_ascii_alphanumeric());
                prop_assert_eq!(token::looks_like_one(&shown), fits);
                prop_assert!(token::looks_like_one(&random::token()));
                prop_assert!(token::looks_like_one(&token::fresh(Timestamp::UNIX_EPOCH)));
                prop_assert_eq!(token::hash(&shown).len(), 32);
                Ok(())
            },
        ),
        kind(
            "signatures",
            1_500,
            (
                inputs::fields(&["From", "To", "Body", "MessageSid"]),
                inputs::text(),
                inputs::text(),
                any::<prop::sample::Index>(),
            ),
            |(fields, secret, other, at)| {
                let url = Url::parse("https://book.copperline.example").expect("a URL");
                let path = "/hooks/texts/inbound?a=1";
                let sign = signed(
                    &secret,
                    &format!("https://book.copperline.example{path}"),
                    &fields,
                );
                let holds = |secret: &str, path: &str, fields: &[(String, String)], sign: &str| {
                    signature::is_signed([secret].into_iter(), &url, path, fields, sign)
                };
                prop_assert!(holds(&secret, path, &fields, &sign));
                // A key is filled up with zeros: those at its end do not count.
                if other.trim_end_matches('\0') != secret.trim_end_matches('\0')
                    && other.len() <= 64
                    && secret.len() <= 64
                {
                    prop_assert!(!holds(&other, path, &fields, &sign));
                }
                prop_assert!(!holds(&secret, "/hooks/texts/status?a=1", &fields, &sign));
                if !fields.is_empty() {
                    let mut changed = fields.clone();
                    at.get_mut(&mut changed[..]).1.push('!');
                    prop_assert!(!holds(&secret, path, &changed, &sign));
                }
                // Whatever a stranger writes there.
                prop_assert!(!holds(&secret, path, &fields, &other) || other.trim() == sign);
                Ok(())
            },
        ),
    ]
}

/// Twilio's rule, written once more: the URL, then names and values by name, each pair once.
fn signed(secret: &str, url: &str, fields: &[(String, String)]) -> String {
    let pairs: std::collections::BTreeSet<_> = fields.iter().cloned().collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(url.as_bytes());
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fn template() -> impl Strategy<Value = String> {
    let good = (inputs::text(), inputs::text(), inputs::text());
    prop_oneof![
        1 => inputs::text(),
        1 => good.prop_map(|(a, b, c)| format!("{{business}}{a} {{link}} {b} STOP {c}")),
        1 => (1..64_usize).prop_map(|n| format!("STOP {} {{link}}", "{business}".repeat(n))),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let key = prop_oneof![8 => select(KEYS).prop_map(str::to_owned), 1 => inputs::text()];
    (key, value()).prop_map(|(key, value)| format!("{key} = {value}"))
}

fn value() -> impl Strategy<Value = String> {
    let secret = format!("postgres://u:{PASSWORD}@h/d");
    prop_oneof![
        2 => inputs::text().prop_map(|text| format!("{text:?}")),
        2 => inputs::text(),
        2 => Just(format!("\"{secret}\"")),
        1 => Just(format!("\"{secret}")),
        1 => Just(format!("[\"{secret}\"")),
        1 => Just("\"127.0.0.1:80\"".to_owned()),
        1 => Just("[\"10.0.0.0/8\"]".to_owned()),
        1 => Just("\"https://book.example.com\"".to_owned()),
    ]
}

fn variable() -> impl Strategy<Value = (String, String)> {
    let key = prop_oneof![8 => select(KEYS).prop_map(str::to_owned), 1 => inputs::text()];
    let value = prop_oneof![
        2 => inputs::text(),
        1 => Just(format!("postgres://u:{PASSWORD}@h/d")),
    ];
    (key, value).prop_map(|(key, value)| (format!("RINGBACK_{}", key.to_uppercase()), value))
}
