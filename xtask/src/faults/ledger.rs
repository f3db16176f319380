//! Three ledgers, kept apart and compared at the end: what visitors were told (noted here as it was told),
//! what the outside has (the sandbox's own state), and what our database says (through the API, and read
//! past the server). Waiting until everything is settled is here, too.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::caller::Faults;
use super::calls::{Calls, Kept};
use super::rows::Rows;
use crate::e2e::visitor::Visitor;
use crate::product::Office;
use crate::tally::{Tally, spoken};
use crate::time::{Deadline, Watch};
use crate::world::World;
use crate::{Tried, time};

/// What must hold, as it is printed.
pub mod invariant {
    /// The run by itself: where nothing happened everything holds.
    pub const ENOUGH: &str = "enough happened for the rest to mean something";
    /// The server's answers, and its log.
    pub const ANSWERED: &str = "no answer is a fault of the server's own, and nothing panicked";
    /// Visitors, while they visit.
    pub const SERVED: &str = "every visitor gets through, and nobody loses their place";
    /// Visitors' answers against our rows.
    pub const KEPT: &str = "every acknowledged answer is in our rows";
    /// Visitors' endings against the API.
    pub const ONE_LEAD: &str = "each leaver is exactly one lead";
    /// Visitors' bookings against the API.
    pub const NOT_CHASED: &str = "whoever booked is not chased";
    /// Everybody against ServiceTitan.
    pub const ONE_RECORD: &str = "one Booking in ST each, none twice";
    /// Everybody against the carrier.
    pub const ONE_TEXT: &str = "no second text, none unasked, every unknown shown";
    /// Who has written STOP against the carrier.
    pub const STOPPED: &str = "after STOP was acknowledged no text is tried";
    /// Our rows against the outside.
    pub const AGREE: &str = "our rows and the outside name the same records and texts";
    /// Our rows by themselves.
    pub const SETTLED: &str = "nothing is left waiting or half done";
    /// The database by itself.
    pub const WHOLE: &str = "the database is whole";
}

/// How a visit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Presses close; acknowledged.
    Closes,
    /// The line is open, acknowledged, and breaks off.
    Vanishes,
    /// Books; acknowledged.
    Books,
    /// Has given name and number, and is silent: nobody is missed until the session is idle.
    Stays,
}

/// One visitor whose name and number were acknowledged.
#[derive(Clone, Debug)]
pub struct Entry {
    name: String,
    phone: String,
    text_me: bool,
    street: Option<&'static str>,
    ending: Option<Ending>,
    /// They have written STOP, and whether it was heard is not known yet.
    stops: bool,
    /// When their STOP was acknowledged, in milliseconds since 1970.
    stopped_at: Option<f64>,
}

impl Entry {
    /// A visitor whose contact step was acknowledged.
    pub fn new(visitor: &Visitor, text_me: bool) -> Entry {
        Entry {
            name: visitor.name.clone(),
            phone: visitor.e164(),
            text_me,
            street: None,
            ending: None,
            stops: false,
            stopped_at: None,
        }
    }

    fn leaves(&self) -> bool {
        matches!(self.ending, Some(Ending::Closes | Ending::Vanishes))
    }

    fn is_for_the_crm(&self) -> bool {
        self.leaves() || self.ending == Some(Ending::Books)
    }
}

/// What visitors were told.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    bookings_begun: usize,
    stumbles: Vec<String>,
}

/// What the ledger is held against.
pub struct Evidence<'a> {
    /// What the office sees.
    pub office: &'a Office,
    /// What the outside has.
    pub world: &'a World,
    /// What it was asked for.
    pub calls: &'a Calls,
    /// What our database says.
    pub rows: &'a Rows,
    /// Which answers nobody should have got.
    pub faults: &'a Faults,
    /// Whether anything was done to the server under which it may refuse: a full disk, no database.
    pub may_refuse: bool,
    /// The server's log.
    pub log: &'a Path,
    /// So many visitors have to have come for the rest to mean something; none of a stream when 0.
    pub least: usize,
}

impl Evidence<'_> {
    fn answered_wrongly(&self) -> Vec<String> {
        let mut wrong = self.faults.own.clone();
        if self.faults.refusals > 0 && !self.may_refuse {
            let many = self.faults.refusals;
            wrong.push(format!("{many} requests were refused with 503"));
        }
        // Whatever stands in it, bytes that are no text among them.
        let log = std::fs::read(self.log).unwrap_or_default();
        wrong.extend(panics(&String::from_utf8_lossy(&log)));
        wrong
    }
}

/// The lines of a log by which a panic tells of itself.
pub fn panics(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.contains("panicked"));
    lines.map(str::to_owned).collect()
}

/// After the last fault everything has to be settled within this: holds, leases of the dead, retries, looks.
const SETTLES: Duration = Duration::from_secs(240);

impl Ledger {
    /// Notes that a contact step was acknowledged; the number is for the others.
    pub fn saved(&mut self, entry: Entry) -> usize {
        self.entries.push(entry);
        self.entries.len() - 1
    }

    /// Notes that the street was acknowledged.
    pub fn placed(&mut self, entry: usize, street: &'static str) {
        self.entries[entry].street = Some(street);
    }

    /// Notes that the ending was acknowledged.
    pub fn ended(&mut self, entry: usize, ending: Ending) {
        self.entries[entry].ending = Some(ending);
    }

    /// Notes that they write STOP: from now on they may get no text.
    pub fn stops(&mut self, entry: usize) {
        self.entries[entry].stops = true;
    }

    /// Notes that their STOP was acknowledged, just now.
    pub fn stopped(&mut self, entry: usize) {
        self.entries[entry].stopped_at = Some(time::wall_ms());
    }

    /// Notes that a visitor did not get through, and how.
    pub fn stumbled(&mut self, how: String) {
        self.stumbles.push(how);
    }

    /// A calendar has only so many places: whether another visitor may book, who is counted then.
    pub fn may_book(&mut self, at_most: usize) -> bool {
        let may = self.bookings_begun < at_most;
        self.bookings_begun += usize::from(may);
        may
    }

    /// Waits until everything is settled, then compares the three ledgers. `did` is for the report.
    pub async fn verdict(&self, did: String, evidence: &Evidence<'_>) -> Tried<Report> {
        let Evidence {
            office,
            world,
            calls,
            rows,
            faults,
            ..
        } = evidence;
        let settling = Watch::start();
        let unsettled = self.settles(rows).await?;
        let settled = spoken(settling.elapsed());
        let leads = by_name(office.leads().await?);
        let state = world.state().await?;
        let findings = vec![
            Finding::of(invariant::ENOUGH, self.too_little(evidence.least, &state)),
            Finding::of(invariant::SERVED, self.stumbles.clone()),
            Finding::of(invariant::KEPT, self.not_kept(rows).await?),
            Finding::of(invariant::ONE_LEAD, self.leads(&leads)),
            Finding::of(invariant::NOT_CHASED, self.bookers(&leads)),
            Finding::of(invariant::ONE_RECORD, self.records(&leads, &state)),
            Finding::of(invariant::ONE_TEXT, self.texts(&leads, &state)),
            Finding::of(
                invariant::STOPPED,
                self.not_stopped(&*calls.up_to_now().await?),
            ),
            Finding::of(invariant::AGREE, disagreements(rows, &state).await?),
            Finding::of(invariant::SETTLED, unsettled),
            Finding::of(invariant::WHOLE, rows.faults().await?),
            Finding::of(invariant::ANSWERED, evidence.answered_wrongly()),
        ];
        let count = |ending| {
            let these = |entry: &&Entry| entry.ending == Some(ending);
            self.entries.iter().filter(these).count()
        };
        let seen = format!(
            "{} visitors: {} closed, {} vanished, {} booked, {} stayed; {} records in ST, {} texts; \
             {} requests refused with 503; settled after {settled}",
            self.entries.len(),
            count(Ending::Closes),
            count(Ending::Vanishes),
            count(Ending::Books),
            count(Ending::Stays),
            bookings(&state).count(),
            texts_by_number(&state).values().sum::<usize>(),
            faults.refusals,
        );
        Ok(Report {
            did,
            seen,
            visitors: self.entries.len(),
            findings,
        })
    }

    /// What of a stream of visitors did not happen, or of a single one.
    fn too_little(&self, least: usize, state: &Value) -> Vec<String> {
        let mut missing = Vec::new();
        let mut least_of = |what: &str, least: usize, seen: usize| {
            if seen < least {
                missing.push(format!("{seen} {what}, {least} at least were expected"));
            }
        };
        let visitors = self.entries.len();
        least_of("visitors acknowledged", least.max(1), visitors);
        if least > 0 {
            let left = self.entries.iter().filter(|entry| entry.leaves());
            least_of("visitors left", 1, left.count());
            least_of("records in ST", 1, bookings(state).count());
            least_of("texts", 1, sent(state).count());
        }
        missing
    }

    /// Waits until nothing is under way any more; says what still is when patience ends.
    async fn settles(&self, rows: &Rows) -> Tried<Vec<String>> {
        let deadline = Deadline::after(SETTLES);
        loop {
            let under_way = under_way(rows).await?;
            if under_way.is_empty() || deadline.passed() {
                return Ok(under_way);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// What a visitor was told is kept, and our rows do not have.
    async fn not_kept(&self, rows: &Rows) -> Tried<Vec<String>> {
        let mut sessions: HashMap<String, Vec<(Value, String)>> = HashMap::new();
        for row in rows.find("SELECT answers, state FROM session").await? {
            let [answers, state] = row.as_slice() else {
                continue;
            };
            let answers: Value = serde_json::from_str(answers)?;
            let name = answers["name"].as_str().unwrap_or_default().to_owned();
            let theirs = sessions.entry(name).or_default();
            theirs.push((answers, state.clone()));
        }
        let mut wrong = Vec::new();
        for entry in &self.entries {
            let (name, found) = (&entry.name, sessions.get(&entry.name));
            let [(answers, state)] = found.map_or(&[] as &[_], Vec::as_slice) else {
                let many = found.map_or(0, Vec::len);
                wrong.push(format!("{name} has {many} sessions"));
                continue;
            };
            if answers["phone"] != entry.phone.as_str() {
                wrong.push(format!("{name}'s number is {}", answers["phone"]));
            }
            if let Some(street) = entry.street
                && answers["address"]["street"] != street
            {
                wrong.push(format!(
                    "{name}'s street is {}",
                    answers["address"]["street"]
                ));
            }
            let as_told = match entry.ending {
                Some(Ending::Books) => state == "booked",
                Some(Ending::Closes | Ending::Vanishes) => state == "abandoned",
                Some(Ending::Stays) | None => state != "lapsed",
            };
            if !as_told {
                wrong.push(format!(
                    "{name} ({:?}) has a session that is {state}",
                    entry.ending
                ));
            }
        }
        const PLACED: &str =
            "SELECT s.id FROM session AS s WHERE s.state = 'booked' AND NOT EXISTS (
             SELECT 1 FROM appointment AS a JOIN place AS p ON p.appointment_id = a.id
             WHERE a.session_id = s.id AND a.state = 'agreed')";
        for row in rows.find(PLACED).await? {
            wrong.push(format!(
                "session {} is booked and has no place",
                row.join("")
            ));
        }
        Ok(wrong)
    }

    fn leads(&self, leads: &Leads) -> Vec<String> {
        let mut wrong = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.leaves()) {
            match leads.get(&entry.name).map(Vec::as_slice) {
                Some([lead]) if lead["person"]["phone"] == entry.phone.as_str() => {}
                Some([lead]) => {
                    let phone = &lead["person"]["phone"];
                    wrong.push(format!("{} has another number: {phone}", entry.name));
                }
                Some(more) => wrong.push(format!("{} has {} leads", entry.name, more.len())),
                None => wrong.push(format!("{} ({:?}) is no lead", entry.name, entry.ending)),
            }
        }
        wrong
    }

    fn bookers(&self, leads: &Leads) -> Vec<String> {
        let booked = self
            .entries
            .iter()
            .filter(|entry| entry.ending == Some(Ending::Books));
        let chased = booked.filter_map(|entry| {
            let lead = leads
                .get(&entry.name)?
                .iter()
                .find(|lead| lead["state"] != "recovered")?;
            let (name, state) = (&entry.name, &lead["state"]);
            Some(format!("{name} has booked, and is a lead that is {state}"))
        });
        chased.collect()
    }

    fn records(&self, leads: &Leads, state: &Value) -> Vec<String> {
        let mut by_reference: HashMap<&str, usize> = HashMap::new();
        for booking in bookings(state) {
            let reference = booking["externalId"].as_str().unwrap_or_default();
            *by_reference.entry(reference).or_default() += 1;
        }
        let twice = by_reference.iter().filter(|(_, count)| **count > 1);
        let mut wrong: Vec<String> = twice
            .map(|(reference, count)| format!("{reference} stands {count} times"))
            .collect();
        let mut by_name: HashMap<&str, Vec<&Value>> = HashMap::new();
        for booking in bookings(state) {
            let name = booking["name"].as_str().unwrap_or_default();
            by_name.entry(name).or_default().push(booking);
        }
        for entry in &self.entries {
            let theirs = by_name.get(entry.name.as_str());
            let theirs = theirs.map_or(&[] as &[_], Vec::as_slice);
            let right = match entry.is_for_the_crm() {
                true => theirs.len() == 1,
                false => theirs.len() <= 1,
            };
            if !right {
                let deliveries = leads
                    .get(&entry.name)
                    .map(|leads| leads[0]["deliveries"].to_string());
                wrong.push(format!(
                    "{} ({:?}) has {} Bookings in ST: {}",
                    entry.name,
                    entry.ending,
                    theirs.len(),
                    deliveries.unwrap_or_default()
                ));
            }
            if entry.ending == Some(Ending::Books)
                && let (Some(street), [booking]) = (entry.street, theirs)
                && booking["address"]["street"] != street
            {
                wrong.push(format!("{}'s Booking in ST lacks the street", entry.name));
            }
        }
        wrong
    }

    fn texts(&self, leads: &Leads, state: &Value) -> Vec<String> {
        let texts = texts_by_number(state);
        let mut wrong = Vec::new();
        for entry in &self.entries {
            let got = texts.get(entry.phone.as_str()).copied().unwrap_or_default();
            let asked = entry.text_me && entry.ending != Some(Ending::Books);
            match got {
                0 if entry.text_me && entry.leaves() && !entry.stops => {
                    let lead = leads.get(&entry.name).and_then(|leads| leads.first());
                    if !lead.is_some_and(text_is_unknown) {
                        let why = lead.map(|lead| lead["deliveries"].to_string());
                        wrong.push(format!(
                            "{} asked for a text and got none, and nothing says unknown: {}",
                            entry.name,
                            why.unwrap_or_default()
                        ));
                    }
                }
                0 => {}
                1 if asked => {}
                many => wrong.push(format!(
                    "{} got {many} texts, asked for {}",
                    entry.name,
                    u8::from(asked)
                )),
            }
        }
        wrong
    }
}

/// What has not come to its end yet, by our rows.
pub async fn under_way(rows: &Rows) -> Tried<Vec<String>> {
    // A text's unknown outcome counts as settled once it was looked up: it may stay unknown for good.
    const UNDER_WAY: &str = "SELECT 'delivery', id, kind, state, why FROM delivery
         WHERE state IN ('due', 'claimed', 'sending')
            OR (state = 'unknown' AND due_at IS NOT NULL AND (kind NOT LIKE 'text%' OR lookups = 0))
         UNION ALL
         SELECT 'session', id, state, departure, '' FROM session
         WHERE due_at IS NOT NULL AND departure IS NOT NULL AND departure <> 'idle'";
    let found = rows.find(UNDER_WAY).await?;
    Ok(found.into_iter().map(|row| row.join(" ")).collect())
}

impl Ledger {
    /// Texts that the carrier was asked for after the number's STOP had been acknowledged to it.
    fn not_stopped(&self, calls: &Kept) -> Vec<String> {
        let mut wrong = Vec::new();
        if calls.missed > 0 {
            let missed = calls.missed;
            wrong.push(format!(
                "{missed} calls were forgotten before anybody read them: nobody can say"
            ));
        }
        for entry in &self.entries {
            let Some(stopped_at) = entry.stopped_at else {
                continue;
            };
            let tried = calls.all.iter().filter(|call| {
                call.post && call.to.as_ref() == Some(&entry.phone) && call.at > stopped_at
            });
            if let many @ 1.. = tried.count() {
                wrong.push(format!(
                    "{} had stopped texts, and {many} were tried",
                    entry.name
                ));
            }
        }
        wrong
    }
}

/// What our rows say stands outside, and what stands there.
async fn disagreements(rows: &Rows, state: &Value) -> Tried<Vec<String>> {
    let ours = |sql: &'static str| async move {
        let found = rows.find(sql).await?;
        let ids = found.into_iter().flatten().filter(|id| !id.is_empty());
        Tried::Ok(ids.collect::<HashSet<String>>())
    };
    let mut wrong = Vec::new();
    let mut compare = |what: &str, ours: &HashSet<String>, theirs: &HashSet<String>| {
        for id in ours.difference(theirs) {
            wrong.push(format!("{what} {id} is in our rows and not outside"));
        }
        for id in theirs.difference(ours) {
            wrong.push(format!("{what} {id} is outside and not in our rows"));
        }
    };
    let records = ours("SELECT outside_id FROM crm_record WHERE kind = 'booking'").await?;
    let theirs = bookings(state).map(|booking| booking["id"].to_string());
    compare("Booking in ST", &records, &theirs.collect());
    let texts = ours("SELECT carrier_id FROM text_message WHERE direction = 'out'").await?;
    let theirs = sent(state).filter_map(|(_, text)| text["sid"].as_str().map(str::to_owned));
    compare("text", &texts, &theirs.collect());
    Ok(wrong)
}

type Leads = HashMap<String, Vec<Value>>;

fn by_name(all: Vec<Value>) -> Leads {
    let mut leads = Leads::new();
    for lead in all {
        let name = lead["person"]["name"].as_str().unwrap_or_default();
        leads.entry(name.to_owned()).or_default().push(lead);
    }
    leads
}

fn text_is_unknown(lead: &Value) -> bool {
    let texts = lead["deliveries"].as_array().into_iter().flatten();
    texts
        .filter(|delivery| delivery["kind"] == "text_follow_up")
        .any(|delivery| delivery["state"] == "unknown")
}

fn bookings(state: &Value) -> impl Iterator<Item = &Value> {
    let all = state["servicetitan"]["bookings"].as_array();
    all.into_iter().flatten()
}

/// Every text that went out, with the number it went to.
fn sent(state: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let conversations = state["carrier"]["conversations"].as_array();
    conversations
        .into_iter()
        .flatten()
        .flat_map(|conversation| {
            let number = conversation["number"].as_str().unwrap_or_default();
            let messages = conversation["messages"].as_array().into_iter().flatten();
            messages
                .filter(|message| message["direction"] == "outbound-api")
                .map(move |message| (number, message))
        })
}

fn texts_by_number(state: &Value) -> HashMap<&str, usize> {
    let mut texts = HashMap::new();
    for (number, _) in sent(state) {
        *texts.entry(number).or_default() += 1;
    }
    texts
}

/// One invariant, and what breaks it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What must hold.
    pub invariant: &'static str,
    /// What does not; empty when it holds.
    pub broken: Vec<String>,
}

impl Finding {
    /// An invariant and what breaks it.
    pub fn of(invariant: &'static str, broken: Vec<String>) -> Finding {
        Finding { invariant, broken }
    }
}

/// What a part has to say.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it did.
    pub did: String,
    /// Whom it met.
    pub seen: String,
    /// How many were told that their name and number are kept.
    pub visitors: usize,
    /// Every invariant.
    pub findings: Vec<Finding>,
}

impl Report {
    /// What was done, and each invariant with at most ten of what breaks it.
    pub fn print(&self) {
        println!("   {}; {}", self.did, self.seen);
        for Finding { invariant, broken } in &self.findings {
            let word = if broken.is_empty() {
                "ok    "
            } else {
                "BROKEN"
            };
            println!("   {word} {invariant}");
            for finding in broken.iter().take(10) {
                println!("          {finding}");
            }
            if broken.len() > 10 {
                println!("          and {} more", broken.len() - 10);
            }
        }
    }

    /// This one and another of the same kind, as one: what is broken in either is.
    pub fn and(mut self, other: Report) -> Report {
        self.did = format!("{}; {}", self.did, other.did);
        self.seen = format!("{}; then {}", self.seen, other.seen);
        self.visitors += other.visitors;
        for finding in other.findings {
            let same = |mine: &&mut Finding| mine.invariant == finding.invariant;
            match self.findings.iter_mut().find(same) {
                Some(mine) => mine.broken.extend(finding.broken),
                None => self.findings.push(finding),
            }
        }
        self
    }

    /// The invariants that do not hold.
    pub fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| !f.broken.is_empty())
    }

    /// One check for each invariant.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for finding in &self.findings {
            tally.add(Tally::one(finding.broken.is_empty()));
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_which_nothing_happened_proves_nothing() {
        let nothing = serde_json::json!({});
        let missing = Ledger::default().too_little(8, &nothing);
        assert_eq!(missing.len(), 4, "{missing:?}");
        assert_eq!(Ledger::default().too_little(0, &nothing).len(), 1);
    }

    #[test]
    fn a_panic_is_found_wherever_in_the_log_it_stands() {
        let log = format!(
            "thread 'x' panicked at a.rs:1\n{}",
            "INFO fine\n".repeat(1_000)
        );
        assert_eq!(panics(&log).len(), 1);
        assert!(panics("INFO fine").is_empty());
    }
}
