//! A lead in the words of the inbox: who, what for, how long ago, where they stopped, what happened in
//! ServiceTitan and with the text, and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryStatus};
use ringback_domain::follow_up::{TextNote, There, WhyNot};
use ringback_domain::id::{LeadId, SchedulerId, StaffId};
use ringback_domain::lead::{Lead, LeadState};
use ringback_domain::phone::Phone;

use super::page::Shell;
use crate::outbox::why;
use crate::store::{StoreError, Tx, delivery, integration, scheduler, staff};
use crate::words::Words;

/// What rows need besides the lead itself, read once for all of them.
pub struct Around {
    /// Everybody's name.
    pub names: BTreeMap<StaffId, String>,
    /// Whether ServiceTitan is connected.
    pub servicetitan: bool,
    /// Schedulers that send ServiceTitan nobody who left.
    never: BTreeSet<SchedulerId>,
    deliveries: BTreeMap<LeadId, Vec<Delivery>>,
}

impl Around {
    /// Reads it for these leads.
    pub fn load(tx: &mut Tx<'_>, shell: &Shell, leads: &[Lead]) -> Result<Self, StoreError> {
        let business = shell.business.id;
        let ids: Vec<LeadId> = leads.iter().map(|lead| lead.id).collect();
        let mut deliveries: BTreeMap<LeadId, Vec<Delivery>> = BTreeMap::new();
        for delivery in delivery::of_leads(tx, business, &ids)? {
            if let Some(lead) = delivery.lead {
                deliveries.entry(lead).or_default().push(delivery);
            }
        }
        let mut schedulers = scheduler::list(tx, business)?;
        schedulers.retain(|scheduler| scheduler.settings.sync.send.delay().is_none());
        Ok(Self {
            names: staff::names(tx, business)?,
            servicetitan: integration::connected(tx, business, "servicetitan")?,
            never: schedulers.iter().map(|scheduler| scheduler.id).collect(),
            deliveries,
        })
    }

    /// A lead's deliveries, oldest first.
    pub fn deliveries(&self, lead: LeadId) -> &[Delivery] {
        self.deliveries.get(&lead).map_or(&[], Vec::as_slice)
    }

    /// Why a lead without a record in ServiceTitan has none; `None` where none is to be expected.
    fn why_no_record(&self, lead: &Lead) -> Option<&'static str> {
        let why = match lead.appointment {
            Some(_) => "crm-not-then",
            None if self.never.contains(&lead.scheduler) => "crm-never",
            None => "crm-not-then-or-never",
        };
        self.servicetitan.then_some(why)
    }

    /// What a colleague is called.
    pub fn name(&self, staff: StaffId) -> &str {
        self.names.get(&staff).map_or("—", String::as_str)
    }
}

/// A short word with a colour, and the whole story behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// `good`, `wait`, `quiet` or `bad`.
    pub tone: &'static str,
    /// On the chip.
    pub said: String,
    /// Why; empty when the chip says it all.
    pub why: String,
}

/// One row.
pub struct Row {
    /// Which lead.
    pub id: LeadId,
    /// Such as `R-7F3K`.
    pub reference: String,
    /// Who; "Somebody" when they gave no name.
    pub name: String,
    /// E.164, for `tel:`.
    pub tel: String,
    /// As the region writes it.
    pub phone: String,
    /// Where there is no phone.
    pub email: String,
    /// What for.
    pub service: String,
    /// Where they stopped.
    pub stopped: String,
    /// How they went.
    pub departure: String,
    /// Microseconds: rows are ordered by it, and the page counts from it.
    pub left_us: i64,
    /// How long ago, when the page was made.
    pub ago: String,
    /// The moment itself, as the business writes it.
    pub left: String,
    /// The moment for machines.
    pub left_iso: String,
    /// Whether an open inbox has shown it before.
    pub shown: bool,
    /// `new`, `claimed`, `contacted`, `recovered`, `dismissed`.
    pub state: &'static str,
    /// The state in words, with who and when.
    pub state_said: String,
    /// Still to be worked.
    pub live: bool,
    /// Claimed or contacted by whoever looks.
    pub mine: bool,
    /// On the scheduler again.
    pub back: bool,
    /// "3rd request from this number", "left 2 times".
    pub notes: Vec<String>,
    /// What happened in ServiceTitan; nothing when it is not connected and never was.
    pub crm: Option<Chip>,
    /// What happened with the text.
    pub text: Option<Chip>,
}

/// Makes the row of a lead.
pub fn row(shell: &Shell, around: &Around, lead: &Lead) -> Row {
    let w = shell.w;
    let deliveries = around.deliveries(lead.id);
    let mut notes = Vec::new();
    if lead.request_number > 1 {
        notes.push(request_number(w, lead.request_number));
    }
    if lead.times_left > 1 {
        notes.push(w.with("lead-times-left", &[("count", lead.times_left)]));
    }
    Row {
        id: lead.id,
        reference: lead.reference.clone(),
        name: name_of(w, lead),
        tel: lead.phone.clone().unwrap_or_default(),
        phone: lead
            .phone
            .as_deref()
            .map_or_else(String::new, |phone| shell.phone(phone)),
        email: lead.email.clone().unwrap_or_default(),
        service: lead.service_title.clone(),
        stopped: w.with("lead-stopped", &[("step", step(w, lead))]),
        departure: w.say(&format!("departure-{}", lead.departure)),
        left_us: lead.stamps.left_at.as_microsecond(),
        ago: w.ago(lead.stamps.left_at, shell.now),
        left: shell.moment(&lead.stamps.left_at),
        left_iso: lead.stamps.left_at.to_string(),
        shown: lead.stamps.shown_at.is_some(),
        state: lead.state.status().as_str(),
        state_said: state_said(shell, around, lead),
        live: lead.state.is_live(),
        mine: held_by(&lead.state) == Some(shell.me.staff.id),
        back: lead.back_since.is_some(),
        notes,
        crm: crm_chip(shell, around.why_no_record(lead), deliveries),
        text: text_chip(shell, lead, deliveries),
    }
}

/// What a lead's person is called on a page.
pub fn name_of(w: &Words, lead: &Lead) -> String {
    if lead.name.is_empty() {
        w.say("lead-no-name")
    } else {
        lead.name.clone()
    }
}

/// The heading of the step they stopped at, as they read it.
pub fn step(w: &Words, lead: &Lead) -> String {
    w.say(&format!("step-{}", lead.last_step))
}

fn held_by(state: &LeadState) -> Option<StaffId> {
    match state {
        LeadState::Claimed { by, .. } | LeadState::Contacted { by, .. } => Some(*by),
        LeadState::New | LeadState::Recovered { .. } | LeadState::Dismissed { .. } => None,
    }
}

/// "3rd request from this number".
fn request_number(w: &Words, number: i64) -> String {
    let form = match (number % 10, number % 100) {
        (_, 11..=13) => "other",
        (1, _) => "one",
        (2, _) => "two",
        (3, _) => "few",
        _ => "other",
    };
    w.with(&format!("lead-request-{form}"), &[("count", number)])
}

/// Where the lead stands, in a sentence.
pub fn state_said(shell: &Shell, around: &Around, lead: &Lead) -> String {
    let w = shell.w;
    let by_at = |key: &str, by: StaffId, at: Timestamp| {
        let when = ("when", w.ago(at, shell.now));
        if by == shell.me.staff.id {
            return w.with(&format!("{key}-you"), &[when]);
        }
        w.with(key, &[("name", around.name(by).to_owned()), when])
    };
    match &lead.state {
        LeadState::New => w.say("state-new"),
        LeadState::Claimed { by, at } => by_at("state-claimed", *by, *at),
        LeadState::Contacted { by, at } => by_at("state-contacted", *by, *at),
        LeadState::Recovered { how, at } => w.with(
            &format!("state-recovered-{how}"),
            &[("when", w.ago(*at, shell.now))],
        ),
        LeadState::Dismissed { reason, by, .. } => w.with(
            "state-dismissed",
            &[
                ("name", around.name(*by).to_owned()),
                ("reason", dismissal(w, reason)),
            ],
        ),
    }
}

/// A dismissal's reason: one of ours by its key, or staff's own words.
pub fn dismissal(w: &Words, reason: &str) -> String {
    let key = format!("dismiss-{reason}");
    if w.has(&key) {
        w.say(&key)
    } else {
        reason.to_owned()
    }
}

/// What stands in ServiceTitan, or will: the newest of the lead's record deliveries tells. `none` is the sentence where
/// there is none of them.
pub fn crm_chip(
    shell: &Shell,
    none: Option<&'static str>,
    deliveries: &[Delivery],
) -> Option<Chip> {
    let w = shell.w;
    let newest = deliveries
        .iter()
        .rev()
        .find(|d| matches!(d.kind, DeliveryKind::CrmAbandoned | DeliveryKind::CrmBooked));
    let Some(delivery) = newest else {
        return none.map(|why| Chip {
            tone: "quiet",
            said: w.say("crm-off"),
            why: w.say(why),
        });
    };
    // A withdrawn update leaves standing what an earlier delivery made.
    let stands = deliveries.iter().rev().find(|d| {
        d.status == DeliveryStatus::Done
            && matches!(d.kind, DeliveryKind::CrmAbandoned | DeliveryKind::CrmBooked)
    });
    let told = delivery
        .why
        .as_deref()
        .map_or_else(String::new, |kept| why::sentence(w, kept));
    let (tone, key) = match delivery.status {
        DeliveryStatus::Due if delivery.attempt > 0 => ("wait", "crm-again"),
        DeliveryStatus::Due => ("wait", "crm-due"),
        DeliveryStatus::Claimed | DeliveryStatus::Sending => ("wait", "crm-sending"),
        DeliveryStatus::Done if delivery.kind == DeliveryKind::CrmBooked => ("good", "crm-booked"),
        DeliveryStatus::Done => ("good", "crm-done"),
        DeliveryStatus::Unknown => ("bad", "crm-unknown"),
        DeliveryStatus::Withdrawn | DeliveryStatus::Expired if stands.is_some() => {
            ("good", "crm-done")
        }
        DeliveryStatus::Withdrawn => ("quiet", "crm-withdrawn"),
        DeliveryStatus::Refused => ("bad", "crm-refused"),
        DeliveryStatus::Expired => ("bad", "crm-expired"),
    };
    let when = delivery
        .due_at
        .map_or_else(String::new, |at| soon(shell, at));
    Some(Chip {
        tone,
        said: w.with(key, &[("when", when)]),
        why: told,
    })
}

/// What happened with the text, or why there was none.
pub fn text_chip(shell: &Shell, lead: &Lead, deliveries: &[Delivery]) -> Option<Chip> {
    let w = shell.w;
    // The rules are asked again when it is due; what they will say of staff's own acts can be said now. A link that
    // staff asked for goes all the same.
    let by_hand = deliveries.iter().any(|d| {
        use DeliveryStatus::{Claimed, Due, Sending};
        d.kind == DeliveryKind::TextLink && matches!(d.status, Due | Claimed | Sending)
    });
    let staff_has_it = !by_hand
        && matches!(
            lead.state,
            LeadState::Contacted { .. } | LeadState::Dismissed { .. }
        );
    let booked = matches!(lead.state, LeadState::Recovered { .. });
    let note = match lead.text_note.as_ref()? {
        TextNote::Planned { .. } if booked => &TextNote::Not {
            why: WhyNot::Booked,
        },
        TextNote::Planned { .. } if staff_has_it => &TextNote::Not {
            why: WhyNot::StaffHasIt,
        },
        TextNote::Planned { .. } if lead.back_since.is_some() => {
            &TextNote::Not { why: WhyNot::Back }
        }
        note => note,
    };
    let chip = |tone, said: String, why: String| Some(Chip { tone, said, why });
    match note {
        TextNote::Planned { at, night, there } => {
            let key = match (night, there) {
                (false, _) => "text-planned",
                (true, None) => "text-night",
                (true, Some(_)) => "text-night-there",
            };
            let said = w.with(key, &[("when", soon(shell, *at))]);
            let why = there.as_ref().map(|there| two_clocks(shell, there));
            chip("wait", said, why.unwrap_or_default())
        }
        TextNote::Not {
            why: WhyNot::NotTextable,
        } => chip("quiet", w.say("text-not"), not_textable(shell, lead)),
        TextNote::Not { why } => chip("quiet", w.say("text-not"), w.say(&format!("why-not-{why}"))),
        TextNote::Sent => chip("good", w.say("text-sent"), String::new()),
        TextNote::Delivered => chip("good", w.say("text-delivered"), String::new()),
        TextNote::Failed { said } => chip("bad", w.say("text-failed"), why::sentence(w, said)),
        TextNote::Unknown => chip("bad", w.say("text-unknown"), w.say("text-unknown-why")),
    }
}

/// "2:47 PM here is 10:47 PM where they are (UTC)."
fn two_clocks(shell: &Shell, there: &There) -> String {
    let clock = |zone: TimeZone| {
        let local = there.at.to_zoned_datetime(zone);
        shell.w.time(local.time(), shell.region())
    };
    let theirs = TimeZone::get(&there.zone).map_or_else(|_| there.zone.clone(), clock);
    let (here, zone) = (clock(shell.zone()), there.zone.clone());
    let said = [("here", here), ("there", theirs), ("zone", zone)];
    shell.w.with("text-night-there-why", &said)
}

/// The time of day; with the day, when that is not today.
fn soon(shell: &Shell, at: Timestamp) -> String {
    let day = |at: Timestamp| at.to_zoned_datetime(shell.zone()).date();
    if day(at) == day(shell.now) {
        let local = at.to_zoned_datetime(shell.zone());
        shell.w.time(local.time(), shell.region())
    } else {
        shell.moment(&at)
    }
}

/// The reason lies in the number itself.
fn not_textable(shell: &Shell, lead: &Lead) -> String {
    let phone = lead.phone.as_deref().and_then(Phone::from_e164);
    let key = phone
        .and_then(|phone| phone.can_receive_text(shell.region()).err())
        .map_or("why-not-not_textable", |why| why.key());
    shell.w.say(key)
}
