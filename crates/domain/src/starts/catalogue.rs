//! What each start offers: services with how long a visit takes, questions, arrival windows. The words
//! are under `service-KEY`, `service-KEY-help`, `question-KEY` and `choice-KEY-CHOICE`.

use super::Start;
use crate::scheduler::Audience;
use crate::session::Step;

/// A start as data.
pub(super) struct Plan {
    pub audience: Audience,
    pub services: &'static [Offer],
    pub questions: &'static [Asked],
    /// From hour, to hour.
    pub windows: &'static [(i8, i8)],
    /// Visits per window.
    pub capacity: u16,
    pub lead_time_minutes: u32,
    pub horizon_days: u16,
}

pub(super) struct Offer {
    pub key: &'static str,
    pub minutes: u32,
    pub emergency: bool,
}

pub(super) struct Asked {
    pub key: &'static str,
    pub answer: Answer,
    pub step: Step,
    pub required: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Answer {
    Text,
    YesNo,
    OneOf(&'static [&'static str]),
}

impl Plan {
    pub(super) const fn of(start: Start) -> Plan {
        match start {
            Start::HeatingCooling => HEATING_COOLING,
            Start::Plumbing => PLUMBING,
            Start::PlumbingHeatingCooling => PLUMBING_HEATING_COOLING,
            Start::Electrical => ELECTRICAL,
            Start::CommercialService => COMMERCIAL_SERVICE,
            Start::ResidentialConstruction => RESIDENTIAL_CONSTRUCTION,
            Start::CommercialConstruction => COMMERCIAL_CONSTRUCTION,
        }
    }
}

const fn offer(key: &'static str, minutes: u32) -> Offer {
    Offer {
        key,
        minutes,
        emergency: false,
    }
}

const fn emergency(key: &'static str, minutes: u32) -> Offer {
    Offer {
        key,
        minutes,
        emergency: true,
    }
}

const fn optional(key: &'static str, step: Step, answer: Answer) -> Asked {
    Asked {
        key,
        answer,
        step,
        required: false,
    }
}

/// What most companies visit in: a morning and an afternoon, two crews.
const SERVICE: Plan = Plan {
    audience: Audience::Residential,
    services: &[],
    questions: &[],
    windows: &[(8, 12), (12, 16)],
    capacity: 2,
    lead_time_minutes: 2 * 60,
    horizon_days: 30,
};

const HEATING_COOLING: Plan = Plan {
    services: &[
        offer("cooling-repair", 90),
        offer("heating-repair", 90),
        emergency("no-heating-or-cooling", 90),
        offer("heating-cooling-tune-up", 60),
        offer("heating-cooling-replacement", 60),
        offer("thermostat", 60),
        offer("something-else", 60),
    ],
    questions: &[optional(
        "system-age",
        Step::Service,
        Answer::OneOf(&["under-5", "5-to-10", "10-to-15", "over-15", "not-sure"]),
    )],
    ..SERVICE
};

const PLUMBING: Plan = Plan {
    services: &[
        offer("leak", 60),
        offer("drain", 90),
        emergency("burst-pipe", 90),
        offer("toilet", 60),
        offer("water-heater-repair", 90),
        offer("water-heater-replacement", 180),
        offer("plumbing-fixture", 120),
        offer("something-else", 60),
    ],
    questions: &[optional("water-off", Step::Service, Answer::YesNo)],
    ..SERVICE
};

const PLUMBING_HEATING_COOLING: Plan = Plan {
    services: &[
        offer("leak", 60),
        offer("drain", 90),
        offer("water-heater-repair", 90),
        emergency("burst-pipe", 90),
        offer("cooling-repair", 90),
        offer("heating-repair", 90),
        emergency("no-heating-or-cooling", 90),
        offer("heating-cooling-tune-up", 60),
        offer("something-else", 60),
    ],
    ..SERVICE
};

const ELECTRICAL: Plan = Plan {
    services: &[
        offer("outlet-or-switch", 60),
        offer("lighting", 90),
        emergency("power-out", 90),
        offer("panel", 120),
        offer("car-charger", 120),
        offer("safety-inspection", 90),
        offer("something-else", 60),
    ],
    questions: &[optional(
        "home-age",
        Step::Service,
        Answer::OneOf(&["under-20", "20-to-50", "over-50", "not-sure"]),
    )],
    ..SERVICE
};

const COMPANY: Asked = Asked {
    required: true,
    ..optional("company", Step::Contact, Answer::Text)
};
const SITE_CONTACT: Asked = optional("site-contact", Step::Place, Answer::Text);
const PO_NUMBER: Asked = optional("po-number", Step::Place, Answer::Text);

const COMMERCIAL_SERVICE: Plan = Plan {
    audience: Audience::Commercial,
    services: &[
        offer("commercial-heating-cooling", 120),
        offer("commercial-plumbing", 120),
        offer("commercial-electrical", 120),
        offer("commercial-refrigeration", 120),
        emergency("commercial-urgent", 120),
        offer("commercial-maintenance", 120),
        offer("commercial-replacement", 90),
        offer("something-else", 60),
    ],
    questions: &[
        COMPANY,
        SITE_CONTACT,
        PO_NUMBER,
        optional("site-access", Step::Place, Answer::Text),
    ],
    lead_time_minutes: 4 * 60,
    ..SERVICE
};

const RESIDENTIAL_CONSTRUCTION: Plan = Plan {
    services: &[
        offer("kitchen", 60),
        offer("bathroom", 60),
        offer("extension", 90),
        offer("new-home", 90),
        offer("roof", 60),
        offer("windows-and-doors", 60),
        offer("outdoor-living", 60),
        offer("something-else", 60),
    ],
    questions: &[
        optional("project", Step::Service, Answer::Text),
        optional(
            "begin",
            Step::Service,
            Answer::OneOf(&[
                "soon",
                "within-3-months",
                "within-6-months",
                "later",
                "not-sure",
            ]),
        ),
        optional("plans", Step::Service, Answer::YesNo),
    ],
    windows: &[(9, 11), (11, 13), (13, 15), (15, 17)],
    capacity: 1,
    lead_time_minutes: 24 * 60,
    horizon_days: 45,
    ..SERVICE
};

const COMMERCIAL_CONSTRUCTION: Plan = Plan {
    audience: Audience::Commercial,
    services: &[
        offer("fit-out", 90),
        offer("commercial-renovation", 90),
        offer("new-building", 120),
        offer("building-services", 90),
        offer("design-build", 120),
        offer("invitation-to-bid", 60),
        offer("something-else", 60),
    ],
    questions: &[
        COMPANY,
        optional("project", Step::Service, Answer::Text),
        optional("area", Step::Service, Answer::Text),
        optional("bid-due", Step::Service, Answer::Text),
        SITE_CONTACT,
        PO_NUMBER,
    ],
    windows: &[(9, 12), (13, 16)],
    capacity: 1,
    lead_time_minutes: 2 * 24 * 60,
    horizon_days: 60,
};
