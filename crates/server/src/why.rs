//! Why a delivery stands as it does: kept as a key and what the outside said, told as a sentence.

use crate::outside;
use crate::words::Words;

/// As it is kept: the key of a sentence below `why-`, and what the outside said, if anything.
pub fn keep(key: &str, said: &str) -> String {
    match outside::sentence(said) {
        said if said.is_empty() => key.to_owned(),
        said => format!("{key}: {said}"),
    }
}

/// The key alone, without what the outside said: for logs.
pub fn key(kept: &str) -> &str {
    kept.split_once(": ").map_or(kept, |(key, _)| key)
}

/// As people read it.
pub fn sentence(words: &Words, kept: &str) -> String {
    let (key, said) = kept.split_once(": ").unwrap_or((kept, ""));
    let known = |key: &str| Words::of(crate::words::FALLBACK).has(key);
    let (plain, saying) = (format!("why-{key}"), format!("why-{key}-said"));
    if !said.is_empty() && known(&saying) {
        words.with(&saying, &[("said", said)])
    } else if known(&plain) {
        words.say(&plain)
    } else {
        kept.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use ringback_domain::follow_up::WhyNot;

    use super::*;

    #[test]
    fn every_reason_has_its_sentence() {
        let words = Words::of("en");
        for why in WhyNot::ALL {
            let told = sentence(words, &format!("not-{why}"));
            assert!(told.ends_with('.') && told.contains(' '), "{told}");
        }
    }

    #[test]
    fn what_the_outside_said_stands_in_the_sentence() {
        let words = Words::of("en");
        let kept = keep("crm-refused", "CampaignId: does not exist\n(status 400)");
        assert_eq!(
            sentence(words, &kept),
            "ServiceTitan refused it: CampaignId: does not exist (status 400)"
        );
        assert_eq!(sentence(words, "crm-refused"), "ServiceTitan refused it.");
    }

    #[test]
    fn a_reason_of_another_version_is_shown_as_it_is() {
        assert_eq!(sentence(Words::of("en"), "moon-phase"), "moon-phase");
    }
}
