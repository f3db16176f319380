//! Three ledgers, kept apart and compared at the end: what visitors were told (noted here as it was told),
//! what the outside has (the sandbox's own state, `outside.rs`), and what our database says (through the API, and
//! read past the server). Waiting until everything is settled is here, too.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::caller::Faults;
use super::calls::{Calls, Kept};
use super::outside::{self, Record, sent, texts_by_number};
use super::report::{Finding, Report};
use super::rows::Rows;
use crate::Tried;
use crate::e2e::visitor::Visitor;
use crate::product::Office;
use crate::tally::spoken;
use crate::time::{Deadline, Watch};
use crate::world::World;

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
    /// Visitors who are still there against the API.
    pub const STILL_THERE: &str = "whoever is still there is not taken for gone";
    /// Everybody against ServiceTitan.
    pub const ONE_RECORD: &str = "one record in ST each, Booking or Lead, none twice";
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
    /// Leaves, comes back and books; acknowledged.
    Recovers,
    /// Leaves, comes back and leaves again; acknowledged.
    LeavesAgain,
    /// Has left, is back, and still there.
    Returned,
    /// Has given name and number, and is silent: nobody is missed until the session is idle.
    Stays,
}

impl Ending {
    /// Whether it ends with a lead that waits to be called.
    pub fn leaves(self) -> bool {
        matches!(self, Self::Closes | Self::Vanishes | Self::LeavesAgain)
    }

    fn books(self) -> bool {
        matches!(self, Self::Books | Self::Recovers)
    }
}

/// One visitor whose name and number were acknowledged.
#[derive(Clone, Debug)]
pub struct Entry {
    name: String,
    phone: String,
    text_me: bool,
    zip: &'static str,
    service: String,
    /// As the page's field has it: two instants in microseconds.
    window: Option<String>,
    street: Option<&'static str>,
    ending: Option<Ending>,
    /// They have written STOP, and whether it was heard is not known yet.
    stops: bool,
    /// When their STOP was acknowledged, by the outside's clock.
    stopped_at: Option<Timestamp>,
}

impl Entry {
    /// A visitor whose contact step was acknowledged.
    pub fn new(visitor: &Visitor, text_me: bool, zip: &'static str, service: String) -> Entry {
        Entry {
            name: visitor.name.clone(),
            phone: visitor.e164(),
            text_me,
            zip,
            service,
            window: None,
            street: None,
            ending: None,
            stops: false,
            stopped_at: None,
        }
    }

    fn leaves(&self) -> bool {
        self.ending.is_some_and(Ending::leaves)
    }

    fn books(&self) -> bool {
        self.ending.is_some_and(Ending::books)
    }

    fn is_for_the_crm(&self) -> bool {
        self.leaves() || self.books()
    }
}

/// What visitors were told.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    bookings_begun: usize,
    stumbles: Vec<String>,
    /// Who was a lead while their page was open.
    pub gone_too_early: Vec<String>,
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

    /// Notes that the window was acknowledged.
    pub fn chose(&mut self, entry: usize, window: String) {
        self.entries[entry].window = Some(window);
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

    /// Notes when their STOP was acknowledged, by the outside's clock.
    pub fn stopped(&mut self, entry: usize, at: Timestamp) {
        self.entries[entry].stopped_at = Some(at);
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
            Finding::of(invariant::STILL_THERE, self.taken_for_gone(&leads)),
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
        let records = outside::records(&state);
        let leads_in_st = records
            .iter()
            .filter(|record| record.kind == "lead")
            .count();
        let seen = format!(
            "{} visitors: {} closed, {} vanished, {} left again, {} booked, {} came back and booked, {} stayed; \
             {} Bookings and {leads_in_st} Leads in ST, {} texts; {} requests refused with 503; settled after {settled}",
            self.entries.len(),
            count(Ending::Closes),
            count(Ending::Vanishes),
            count(Ending::LeavesAgain),
            count(Ending::Books),
            count(Ending::Recovers),
            count(Ending::Stays),
            records.len() - leads_in_st,
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
            least_of("records in ST", 1, outside::records(state).len());
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
            let told = [
                ("number", Some(json!(entry.phone)), &answers["phone"]),
                ("ZIP code", Some(json!(entry.zip)), &answers["postal_code"]),
                ("service", Some(json!(entry.service)), &answers["service"]),
                (
                    "wish for a text",
                    Some(json!(entry.text_me)),
                    &answers["text_me"],
                ),
                (
                    "window",
                    entry.window.as_deref().map(window),
                    &answers["window"],
                ),
                (
                    "street",
                    entry.street.map(Value::from),
                    &answers["address"]["street"],
                ),
            ];
            for (what, told, kept) in told {
                if told.is_some_and(|told| told != *kept) {
                    wrong.push(format!("{name}'s {what} is {kept}"));
                }
            }
            let as_told = match entry.ending {
                Some(ending) if ending.books() => state == "booked",
                Some(ending) if ending.leaves() => state == "abandoned",
                _ => state != "lapsed",
            };
            if !as_told {
                wrong.push(format!(
                    "{name} ({:?}) has a session that is {state}",
                    entry.ending
                ));
            }
        }
        const ASKED: &str = "SELECT phone, given FROM consent ORDER BY id";
        let mut asked = HashMap::new();
        for row in rows.find(ASKED).await? {
            if let Ok([phone, given]) = <[String; 2]>::try_from(row) {
                asked.insert(phone, given != "0" && given != "f");
            }
        }
        for entry in self.entries.iter().filter(|entry| entry.text_me) {
            if asked.get(&entry.phone) != Some(&true) {
                wrong.push(format!("{}'s consent is not in our rows", entry.name));
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
        let booked = self.entries.iter().filter(|entry| entry.books());
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

    /// Who says nothing for ten minutes is a lead of another kind, as that should be.
    fn taken_for_gone(&self, leads: &Leads) -> Vec<String> {
        let there = |entry: &&Entry| entry.ending == Some(Ending::Stays);
        let gone = self.entries.iter().filter(there).filter_map(|entry| {
            let theirs = leads.get(&entry.name)?;
            let lead = theirs.iter().find(|lead| lead["departure"] != "idle")?;
            let (name, how) = (&entry.name, &lead["departure"]);
            Some(format!("{name} is still there, and a lead: {how}"))
        });
        self.gone_too_early.iter().cloned().chain(gone).collect()
    }

    /// One each that stands, whatever kind it was made as. A Lead in ST cannot become a Booking: it is set aside.
    fn records(&self, leads: &Leads, state: &Value) -> Vec<String> {
        let all = outside::records(state);
        let mut by_reference: HashMap<(&str, &str), usize> = HashMap::new();
        let mut by_name: HashMap<&str, Vec<&Record<'_>>> = HashMap::new();
        for record in &all {
            let (kind, reference) = (record.kind, record.reference);
            *by_reference.entry((kind, reference)).or_default() += 1;
            by_name.entry(record.name).or_default().push(record);
        }
        let twice = by_reference.iter().filter(|(_, count)| **count > 1);
        let mut wrong: Vec<String> = twice
            .map(|((kind, reference), count)| format!("{kind} {reference} stands {count} times"))
            .collect();
        for entry in &self.entries {
            let theirs = by_name.get(entry.name.as_str());
            let theirs = theirs.map_or(&[] as &[_], Vec::as_slice);
            let (aside, stand): (Vec<&Record<'_>>, _) =
                theirs.iter().copied().partition(|record| record.dismissed);
            let right = match (entry.is_for_the_crm(), entry.ending) {
                (true, _) => stand.len() == 1,
                (false, Some(Ending::Returned) | None) => stand.len() <= 1,
                // Silent for ten minutes they are a lead as well, and only then.
                (false, _) => stand.len() <= leads.get(&entry.name).map_or(0, Vec::len),
            };
            let set_aside = aside.len() <= usize::from(entry.books())
                && aside.iter().all(|record| record.kind == "lead");
            if !right || !set_aside {
                let deliveries = leads
                    .get(&entry.name)
                    .map(|leads| leads[0]["deliveries"].to_string());
                wrong.push(format!(
                    "{} ({:?}) has {} records in ST, and {} set aside: {}",
                    entry.name,
                    entry.ending,
                    stand.len(),
                    aside.len(),
                    deliveries.unwrap_or_default()
                ));
            }
            if entry.books()
                && let (Some(street), [record]) = (entry.street, stand.as_slice())
                && (record.kind != "booking" || record.street != street)
            {
                let kind = record.kind;
                wrong.push(format!(
                    "{}'s {kind} in ST is none with a street",
                    entry.name
                ));
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
            let may_have_none = entry.stops || !entry.leaves();
            match got {
                0 if entry.text_me && !may_have_none => {
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
    let records = ours("SELECT kind || ' ' || outside_id FROM crm_record").await?;
    let theirs = outside::records(state).into_iter();
    let theirs = theirs.map(|record| format!("{} {}", record.kind, record.id));
    compare("record in ST, a", &records, &theirs.collect());
    let texts = ours("SELECT carrier_id FROM text_message WHERE direction = 'out'").await?;
    let theirs = sent(state).filter_map(|(_, text)| text["sid"].as_str().map(str::to_owned));
    compare("text", &texts, &theirs.collect());
    Ok(wrong)
}

/// A window as an answer has it, from two instants in microseconds.
fn window(field: &str) -> Value {
    let at = |text: &str| Timestamp::from_microsecond(text.parse().ok()?).ok();
    let window = field.split_once('-');
    let window = window.and_then(|(start, end)| Some((at(start)?, at(end)?)));
    window.map_or(
        Value::Null,
        |(start, end)| json!({ "start": start.to_string(), "end": end.to_string() }),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_which_nothing_happened_proves_nothing() {
        let nothing = json!({});
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
