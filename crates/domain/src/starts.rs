//! Starts: ready-made schedulers, one per trade and kind of work, that a new business begins with.
//! Here: what a start is and how it becomes settings. What each offers is in `starts/catalogue.rs`; its words
//! are in the locale files, under the keys named here.
//!
//! Services and questions are copied into the scheduler when it is set up, in the business's locale, and
//! belong to the business from then on. Headline, thanks and text stay empty there, so that they follow
//! the visitor's own locale until the business writes its own.

use crate::coded;
use crate::scheduler::{Question, QuestionKind, SchedulerSettings, Service, WindowRule};
use catalogue::{Answer, Plan};

mod catalogue;

coded! {
    /// A ready-made scheduler.
    Start {
        /// Homes: heating and cooling, service and replacement.
        HeatingCooling = "heating-cooling",
        /// Homes: plumbing, service and replacement.
        Plumbing = "plumbing",
        /// Homes: plumbing, heating and cooling by one firm.
        PlumbingHeatingCooling = "plumbing-heating-cooling",
        /// Homes: electrical, service and replacement.
        Electrical = "electrical",
        /// Managed property and companies: service and replacement of every trade.
        CommercialService = "commercial-service",
        /// Homes: building and remodelling; asks for a visit and an estimate.
        ResidentialConstruction = "residential-construction",
        /// Companies: building; asks for a site visit.
        CommercialConstruction = "commercial-construction",
    }
}

impl Start {
    /// Locale key of its name.
    pub const fn name_key(self) -> &'static str {
        match self {
            Start::HeatingCooling => "start-heating-cooling",
            Start::Plumbing => "start-plumbing",
            Start::PlumbingHeatingCooling => "start-plumbing-heating-cooling",
            Start::Electrical => "start-electrical",
            Start::CommercialService => "start-commercial-service",
            Start::ResidentialConstruction => "start-residential-construction",
            Start::CommercialConstruction => "start-commercial-construction",
        }
    }

    /// Locale key of the headline over the first page.
    pub const fn headline_key(self) -> &'static str {
        match self.asks_for() {
            AsksFor::Booking => "start-booking-headline",
            AsksFor::Service => "start-service-headline",
            AsksFor::Estimate => "start-estimate-headline",
            AsksFor::SiteVisit => "start-site-visit-headline",
        }
    }

    /// Locale key of the words at the end.
    pub const fn thanks_key(self) -> &'static str {
        match self.asks_for() {
            AsksFor::Booking => "start-booking-thanks",
            AsksFor::Service => "start-service-thanks",
            AsksFor::Estimate => "start-estimate-thanks",
            AsksFor::SiteVisit => "start-site-visit-thanks",
        }
    }

    /// Locale key of the follow-up text, a template for [`crate::wording`].
    pub const fn text_key(self) -> &'static str {
        match self.asks_for() {
            AsksFor::Booking => "start-booking-text",
            AsksFor::Service => "start-service-text",
            AsksFor::Estimate => "start-estimate-text",
            AsksFor::SiteVisit => "start-site-visit-text",
        }
    }

    /// What its words speak of.
    const fn asks_for(self) -> AsksFor {
        match self {
            Start::HeatingCooling
            | Start::Plumbing
            | Start::PlumbingHeatingCooling
            | Start::Electrical => AsksFor::Booking,
            Start::CommercialService => AsksFor::Service,
            Start::ResidentialConstruction => AsksFor::Estimate,
            Start::CommercialConstruction => AsksFor::SiteVisit,
        }
    }

    /// The settings a scheduler begins with. `say` gives the words under a key, in the business's locale
    /// and region.
    pub fn settings(self, say: impl Fn(&str) -> String) -> SchedulerSettings {
        let plan = Plan::of(self);
        let services = plan.services.iter().map(|offer| Service {
            key: offer.key.to_owned(),
            title: say(&format!("service-{}", offer.key)),
            help: say(&format!("service-{}-help", offer.key)),
            minutes: offer.minutes,
            emergency: offer.emergency,
            job_type_id: None,
            business_unit_id: None,
        });
        let questions = plan.questions.iter().map(|asked| Question {
            key: asked.key.to_owned(),
            label: say(&format!("question-{}", asked.key)),
            kind: match asked.answer {
                Answer::Text => QuestionKind::Text,
                Answer::YesNo => QuestionKind::YesNo,
                Answer::OneOf(choices) => QuestionKind::Choice(
                    choices
                        .iter()
                        .map(|choice| say(&format!("choice-{}-{choice}", asked.key)))
                        .collect(),
                ),
            },
            step: asked.step,
            required: asked.required,
        });
        SchedulerSettings {
            start: self.as_str().to_owned(),
            audience: plan.audience,
            services: services.collect(),
            questions: questions.collect(),
            windows: plan
                .windows
                .iter()
                .map(|&(from, to)| window(from, to, plan.capacity))
                .collect(),
            lead_time_minutes: plan.lead_time_minutes,
            horizon_days: plan.horizon_days,
            ..SchedulerSettings::default()
        }
    }
}

/// The four kinds of words.
enum AsksFor {
    Booking,
    Service,
    Estimate,
    SiteVisit,
}

fn window(from: i8, to: i8, capacity: u16) -> WindowRule {
    use jiff::civil::time;
    WindowRule {
        from: time(from, 0, 0, 0),
        to: time(to, 0, 0, 0),
        capacity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::OpeningHours;
    use crate::scheduler::Audience;
    use crate::session::Step;
    use jiff::civil::{Weekday, time};
    use std::collections::BTreeSet;

    fn settings(start: Start) -> SchedulerSettings {
        start.settings(str::to_owned)
    }

    #[test]
    fn every_start_offers_services_and_windows_that_can_be_booked() {
        let hours = OpeningHours::weekdays(time(8, 0, 0, 0), time(17, 0, 0, 0))
            .on(Weekday::Monday)
            .unwrap();
        for &start in Start::ALL {
            let settings = settings(start);
            assert_eq!(settings.start.parse(), Ok(start));
            assert!((4..=9).contains(&settings.services.len()), "{start}");
            assert!(
                settings
                    .services
                    .iter()
                    .all(|service| service.minutes >= 30),
                "{start}"
            );
            assert!(!settings.windows.is_empty(), "{start}");
            let mut last_end = hours.from;
            for window in &settings.windows {
                assert!(
                    last_end <= window.from && window.from < window.to && window.to <= hours.to,
                    "{start}"
                );
                assert!(window.capacity > 0, "{start}");
                last_end = window.to;
            }
        }
    }

    #[test]
    fn no_key_stands_twice_in_one_start() {
        for &start in Start::ALL {
            let settings = settings(start);
            let services: BTreeSet<_> = settings
                .services
                .iter()
                .map(|service| &service.key)
                .collect();
            let questions: BTreeSet<_> = settings
                .questions
                .iter()
                .map(|question| &question.key)
                .collect();
            assert_eq!(services.len(), settings.services.len(), "{start}");
            assert_eq!(questions.len(), settings.questions.len(), "{start}");
        }
    }

    #[test]
    fn a_property_manager_is_asked_for_company_site_contact_and_po_number() {
        for start in [Start::CommercialService, Start::CommercialConstruction] {
            let settings = settings(start);
            assert_eq!(settings.audience, Audience::Commercial);
            let asked = |key| {
                settings
                    .questions
                    .iter()
                    .find(|question| question.key == key)
                    .unwrap()
            };
            assert!(asked("company").required);
            assert_eq!(asked("company").step, Step::Contact);
            assert!(!asked("site-contact").required && !asked("po-number").required);
        }
    }

    #[test]
    fn a_home_owner_must_answer_nothing_but_what_is_needed() {
        for start in [
            Start::HeatingCooling,
            Start::Plumbing,
            Start::PlumbingHeatingCooling,
            Start::Electrical,
            Start::ResidentialConstruction,
        ] {
            let settings = settings(start);
            assert_eq!(settings.audience, Audience::Residential);
            assert!(
                settings.questions.iter().all(|question| !question.required),
                "{start}"
            );
        }
    }

    #[test]
    fn service_trades_know_their_emergencies_and_builders_have_none() {
        for &start in Start::ALL {
            let emergencies = settings(start)
                .services
                .iter()
                .filter(|service| service.emergency)
                .count();
            let builds = matches!(
                start,
                Start::ResidentialConstruction | Start::CommercialConstruction
            );
            assert_eq!(emergencies > 0, !builds, "{start}");
        }
    }
}
