//! Starts in a locale: the settings a new scheduler is filled with, and the words that follow the
//! visitor's own locale as long as the business has not written its own.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use ringback_domain::region::Region;
use ringback_domain::scheduler::QuestionKind::Choice;
use ringback_domain::scheduler::SchedulerSettings;
use ringback_domain::starts::Start;

use super::{Value, Words};

/// Every start, as far as it has been asked for.
static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    for locale in Words::locales() {
        for &region in Region::ALL {
            for &start in Start::ALL {
                all.insert((locale, region, start), OnceLock::new());
            }
        }
    }
    all
});

/// By locale, region and start.
type Written = BTreeMap<(&'static str, Region, Start), OnceLock<SchedulerSettings>>;

impl Words {
    /// The settings a scheduler begins with, in this locale and as the region speaks.
    pub fn begin(&self, start: Start, region: Region) -> SchedulerSettings {
        start.settings(|key| self.regional(key, region))
    }

    /// [`Words::begin`], written once and kept: every page of a scheduler compares with it.
    fn written(&self, start: Start, region: Region) -> &SchedulerSettings {
        WRITTEN[&(self.locale(), region, start)].get_or_init(|| self.begin(start, region))
    }

    /// The same settings with services and questions in this locale, where they still stand as the start
    /// wrote them in some locale; what the business wrote itself stays. Order and number stay too, so
    /// that a choice shown here is kept as the choice of the same place in `settings`.
    pub fn translated(
        &self,
        settings: &Arc<SchedulerSettings>,
        region: Region,
    ) -> Arc<SchedulerSettings> {
        let Ok(start) = settings.start.parse() else {
            return Arc::clone(settings);
        };
        let ours = self.written(start, region);
        if settings.services == ours.services && settings.questions == ours.questions {
            return Arc::clone(settings);
        }
        let mut shown = SchedulerSettings::clone(settings);
        for locale in Words::locales().filter(|locale| *locale != self.locale()) {
            let theirs = Words::of(locale).written(start, region);
            for service in &mut shown.services {
                if let Some((was, is)) =
                    same_key(&theirs.services, &ours.services, |s| s.key == service.key)
                {
                    swap(&mut service.title, &was.title, &is.title);
                    swap(&mut service.help, &was.help, &is.help);
                }
            }
            for question in &mut shown.questions {
                if let Some((was, is)) = same_key(&theirs.questions, &ours.questions, |q| {
                    q.key == question.key
                }) {
                    swap(&mut question.label, &was.label, &is.label);
                    if let (Choice(shown), Choice(was), Choice(is)) =
                        (&mut question.kind, &was.kind, &is.kind)
                    {
                        for choice in shown {
                            let standing = was.iter().position(|was| was == choice);
                            if let Some(place) = standing {
                                choice.clone_from(&is[place]);
                            }
                        }
                    }
                }
            }
        }
        Arc::new(shown)
    }

    /// The headline over a scheduler's first page: the business's own, else its start's.
    pub fn headline(&self, settings: &SchedulerSettings, region: Region) -> String {
        own_or(&settings.headline, || {
            self.regional(start_of(settings).headline_key(), region)
        })
    }

    /// The words at the end: the business's own, else its start's.
    pub fn thanks(&self, settings: &SchedulerSettings, region: Region) -> String {
        own_or(&settings.thanks, || {
            self.regional(start_of(settings).thanks_key(), region)
        })
    }

    /// The template of the follow-up text, for [`ringback_domain::wording::fill`]: the business's own,
    /// else its start's.
    pub fn follow_up_text(&self, settings: &SchedulerSettings, region: Region) -> String {
        own_or(&settings.follow_up.text, || {
            self.regional(start_of(settings).text_key(), region)
        })
    }

    /// What the consent box says besides its label: the business's own, else the standard wording. Keep
    /// it, as shown, in the consent record.
    pub fn consent(&self, settings: &SchedulerSettings, business: &str) -> String {
        own_or(&settings.follow_up.consent, || {
            self.with("consent-wording", &[("business", business)])
        })
    }

    /// A start's words. Blanks of texts stay blanks: `{ $name }` becomes `{name}`.
    fn regional(&self, key: &str, region: Region) -> String {
        self.with(
            key,
            &[
                ("region", region.as_str()),
                ("business", "{business}"),
                ("name", "{name}"),
                ("service", "{service}"),
                ("link", "{link}"),
            ]
            .map(|(name, value)| (name, Value::from(value))),
        )
    }
}

/// The start a scheduler came from; the first one where it came from none we know.
fn start_of(settings: &SchedulerSettings) -> Start {
    settings.start.parse().unwrap_or(Start::HeatingCooling)
}

/// The thing of one key in two lists that hold the same keys in the same order.
fn same_key<'a, T>(
    theirs: &'a [T],
    ours: &'a [T],
    is_it: impl Fn(&T) -> bool,
) -> Option<(&'a T, &'a T)> {
    let place = theirs.iter().position(is_it)?;
    Some((&theirs[place], &ours[place]))
}

/// Puts `is` in the place of `was`.
fn swap(text: &mut String, was: &str, is: &str) {
    if text == was {
        is.clone_into(text);
    }
}

fn own_or(own: &str, standard: impl FnOnce() -> String) -> String {
    if own.trim().is_empty() {
        standard()
    } else {
        own.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_domain::segments::{Encoding, Segments};
    use ringback_domain::wording::{Blanks, check, fill};

    fn every_start(mut story: impl FnMut(&'static Words, Region, SchedulerSettings)) {
        for locale in Words::locales() {
            let words = Words::of(locale);
            for &region in Region::ALL {
                for &start in Start::ALL {
                    story(words, region, words.begin(start, region));
                }
            }
        }
    }

    #[test]
    fn every_start_has_its_words_in_every_locale_and_region() {
        every_start(|words, region, settings| {
            let mut said = vec![
                words.headline(&settings, region),
                words.thanks(&settings, region),
            ];
            for service in &settings.services {
                said.extend([service.title.clone(), service.help.clone()]);
            }
            for question in &settings.questions {
                said.push(question.label.clone());
                if let Choice(choices) = &question.kind {
                    said.extend(choices.clone());
                }
            }
            for text in said {
                assert!(!text.is_empty() && !text.contains(['{', '}']), "{text}");
            }
        });
    }

    #[test]
    fn titles_within_a_start_differ() {
        every_start(|_, region, settings| {
            for (i, service) in settings.services.iter().enumerate() {
                let others = &settings.services[i + 1..];
                assert!(
                    others.iter().all(|other| other.title != service.title),
                    "{region} {}",
                    service.title
                );
            }
        });
    }

    #[test]
    fn every_follow_up_text_may_be_saved_and_fits_one_part() {
        every_start(|words, region, settings| {
            let template = words.follow_up_text(&settings, region);
            assert_eq!(check(&template), Ok(()), "{template}");
            assert!(template.starts_with("{business}: "), "{template}");
            for service in &settings.services {
                let text = fill(
                    &template,
                    &Blanks {
                        business: "Copperline Home Services",
                        name: "Danielle Okafor",
                        service: &service.title,
                        link: "https://book.copperline.example/r/Ab3dE6",
                    },
                );
                let Segments {
                    encoding,
                    units,
                    parts,
                } = Segments::of(&text);
                assert_eq!((encoding, parts), (Encoding::Gsm7, 1), "{units}: {text}");
                assert!(text.contains("Danielle"), "{text}");
            }
        });
    }

    #[test]
    fn the_same_trade_speaks_as_its_region_does() {
        let english = Words::of("en");
        let heating = |region| {
            english.begin(Start::HeatingCooling, region).services[1]
                .title
                .clone()
        };
        assert_eq!(heating(Region::UnitedStates), "Furnace or heating repair");
        assert_eq!(heating(Region::UnitedKingdom), "Boiler or heating repair");
        let estimate = english.begin(Start::ResidentialConstruction, Region::Australia);
        assert_eq!(
            english.headline(&estimate, Region::Australia),
            "Request a quote"
        );
    }

    #[test]
    fn a_visitor_reads_a_start_in_their_own_language_and_the_business_in_its_own() {
        let [english, spanish] = ["en", "es"].map(Words::of);
        for &start in Start::ALL {
            let kept = Arc::new(english.begin(start, Region::UnitedStates));
            assert_eq!(
                *spanish.translated(&kept, Region::UnitedStates),
                spanish.begin(start, Region::UnitedStates)
            );
            assert_eq!(english.translated(&kept, Region::UnitedStates), kept);
        }
        let mut kept = english.begin(Start::HeatingCooling, Region::UnitedStates);
        kept.services[0].title = "AC not cooling?".into();
        kept.questions[0].kind = Choice(vec!["Brand new".into(), "Not sure".into()]);
        let shown = spanish.translated(&Arc::new(kept), Region::UnitedStates);
        assert_eq!(shown.services[0].title, "AC not cooling?");
        assert_eq!(shown.services[1].title, "Calefacción");
        assert_eq!(
            shown.questions[0].kind,
            Choice(vec!["Brand new".into(), "No lo sé".into()])
        );
    }

    #[test]
    fn the_businesss_own_words_come_first() {
        let words = Words::of("es");
        let mut settings = words.begin(Start::Plumbing, Region::UnitedStates);
        assert_eq!(
            words.headline(&settings, Region::UnitedStates),
            "Reserve una visita"
        );
        settings.headline = "Copperline a su servicio".into();
        settings.follow_up.consent = "Un solo mensaje.".into();
        assert_eq!(
            words.headline(&settings, Region::UnitedStates),
            "Copperline a su servicio"
        );
        assert_eq!(words.consent(&settings, "Copperline"), "Un solo mensaje.");
    }

    #[test]
    fn the_consent_wording_names_the_business_the_way_out_and_that_it_is_not_needed() {
        for locale in Words::locales() {
            let said = Words::of(locale)
                .consent(&SchedulerSettings::default(), "Copperline Home Services");
            assert!(
                said.contains("Copperline Home Services")
                    && said.contains("STOP")
                    && said.contains("HELP")
            );
        }
    }
}
