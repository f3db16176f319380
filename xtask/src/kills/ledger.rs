//! What the server has acknowledged, and whether it kept every word of it.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::Tried;
use crate::e2e::visitor::Visitor;
use crate::product::Office;
use crate::tally::Tally;
use crate::time::Deadline;
use crate::world::World;

/// How a visit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Presses close; acknowledged.
    Closes,
    /// The line is open, acknowledged, and breaks off.
    Vanishes,
    /// Books; acknowledged.
    Books,
}

/// One visitor whose name and number were acknowledged.
#[derive(Clone, Debug)]
pub struct Entry {
    name: String,
    phone: String,
    text_me: bool,
    ending: Option<Ending>,
}

impl Entry {
    /// A visitor whose contact step was acknowledged.
    pub fn new(visitor: &Visitor, text_me: bool) -> Entry {
        Entry {
            name: visitor.name.clone(),
            phone: visitor.e164(),
            text_me,
            ending: None,
        }
    }
}

/// All of them.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Entry>,
}

/// After the last kill everything has to be settled within this: holds, leases of the dead, retries.
const SETTLES: Duration = Duration::from_secs(240);

impl Ledger {
    /// Notes that a contact step was acknowledged; the number is for [`Ledger::ended`].
    pub fn saved(&mut self, entry: Entry) -> usize {
        self.entries.push(entry);
        self.entries.len() - 1
    }

    /// Notes that the ending was acknowledged.
    pub fn ended(&mut self, entry: usize, ending: Ending) {
        self.entries[entry].ending = Some(ending);
    }

    /// Waits until the office's leads are settled, then compares them and the outside world with what
    /// was acknowledged.
    pub async fn verdict(&self, office: &Office, world: &World) -> Tried<Tally> {
        let leads = self.settled_leads(office).await?;
        let state = world.state().await?;
        let wrong = [
            (
                "every acknowledged name and number is kept, each leaver is one lead",
                self.leads(&leads),
            ),
            ("whoever booked is not chased", self.bookers(&leads)),
            (
                "one Booking in ST each, none twice",
                self.bookings(&leads, &state),
            ),
            (
                "no second text, none unasked, every unknown shown",
                self.texts(&leads, &state),
            ),
        ];
        let mut tally = Tally::default();
        for (what, wrong) in wrong {
            println!(
                "   {} {what}",
                if wrong.is_empty() { "ok    " } else { "BROKEN" }
            );
            for finding in wrong.iter().take(10) {
                println!("          {finding}");
            }
            if wrong.len() > 10 {
                println!("          and {} more", wrong.len() - 10);
            }
            tally.add(Tally::one(wrong.is_empty()));
        }
        let count = |ending| {
            self.entries
                .iter()
                .filter(|entry| entry.ending == Some(ending))
                .count()
        };
        let texts = texts_by_number(&state).values().sum::<usize>();
        println!(
            "          {} visitors: {} closed, {} vanished, {} booked; {texts} texts",
            self.entries.len(),
            count(Ending::Closes),
            count(Ending::Vanishes),
            count(Ending::Books),
        );
        Ok(tally)
    }

    async fn settled_leads(&self, office: &Office) -> Tried<HashMap<String, Vec<Value>>> {
        let leavers = self.entries.iter().filter(|entry| entry.leaves()).count();
        let deadline = Deadline::after(SETTLES);
        loop {
            let leads = office.leads().await?;
            if leads.len() >= leavers && leads.iter().all(is_settled) || deadline.passed() {
                let mut by_name: HashMap<String, Vec<Value>> = HashMap::new();
                for lead in leads {
                    let name = lead["person"]["name"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned();
                    by_name.entry(name).or_default().push(lead);
                }
                return Ok(by_name);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn leads(&self, leads: &HashMap<String, Vec<Value>>) -> Vec<String> {
        let mut wrong = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.leaves()) {
            match leads.get(&entry.name).map(Vec::as_slice) {
                Some([lead]) if lead["person"]["phone"] == entry.phone.as_str() => {
                    if !is_settled(lead) {
                        wrong.push(format!(
                            "{} is not settled: {}",
                            entry.name, lead["deliveries"]
                        ));
                    }
                }
                Some([lead]) => wrong.push(format!(
                    "{} has another number: {}",
                    entry.name, lead["person"]["phone"]
                )),
                Some(more) => wrong.push(format!("{} has {} leads", entry.name, more.len())),
                None => wrong.push(format!("{} ({:?}) is no lead", entry.name, entry.ending)),
            }
        }
        wrong
    }

    fn bookers(&self, leads: &HashMap<String, Vec<Value>>) -> Vec<String> {
        let booked = self
            .entries
            .iter()
            .filter(|entry| entry.ending == Some(Ending::Books));
        let chased = booked.filter_map(|entry| {
            let lead = leads
                .get(&entry.name)?
                .iter()
                .find(|lead| lead["state"] != "recovered")?;
            Some(format!(
                "{} has booked, and is a lead that is {}",
                entry.name, lead["state"]
            ))
        });
        chased.collect()
    }

    fn bookings(&self, leads: &HashMap<String, Vec<Value>>, state: &Value) -> Vec<String> {
        let bookings: Vec<&Value> = state["servicetitan"]["bookings"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let mut by_reference: HashMap<&str, usize> = HashMap::new();
        for booking in &bookings {
            *by_reference
                .entry(booking["externalId"].as_str().unwrap_or_default())
                .or_default() += 1;
        }
        let twice = by_reference.iter().filter(|(_, count)| **count > 1);
        let mut wrong: Vec<String> = twice
            .map(|(reference, count)| format!("{reference} stands {count} times"))
            .collect();
        let written: Vec<String> = bookings.iter().map(|booking| booking.to_string()).collect();
        for entry in self.entries.iter().filter(|entry| entry.ending.is_some()) {
            let mine = written
                .iter()
                .filter(|booking| booking.contains(&entry.name))
                .count();
            if mine != 1 {
                let deliveries = leads
                    .get(&entry.name)
                    .map(|leads| leads[0]["deliveries"].to_string());
                wrong.push(format!(
                    "{} ({:?}) has {mine} Bookings in ST: {}",
                    entry.name,
                    entry.ending,
                    deliveries.unwrap_or_default()
                ));
            }
        }
        wrong
    }

    fn texts(&self, leads: &HashMap<String, Vec<Value>>, state: &Value) -> Vec<String> {
        let texts = texts_by_number(state);
        let mut wrong = Vec::new();
        for entry in &self.entries {
            let got = texts.get(entry.phone.as_str()).copied().unwrap_or_default();
            let asked = entry.text_me && entry.leaves();
            match got {
                0 if asked => {
                    let lead = leads.get(&entry.name).and_then(|leads| leads.first());
                    let shown = lead.is_some_and(text_is_unknown);
                    if !shown {
                        let why = lead
                            .map(|lead| lead["deliveries"].to_string())
                            .unwrap_or_default();
                        wrong.push(format!(
                            "{} asked for a text and got none, and nothing says unknown: {why}",
                            entry.name
                        ));
                    }
                }
                0 | 1 if asked => {}
                0 => {}
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

impl Entry {
    fn leaves(&self) -> bool {
        matches!(self.ending, Some(Ending::Closes | Ending::Vanishes))
    }
}

/// Nothing is on its way any more. An unknown outcome that will be looked up still is.
fn is_settled(lead: &Value) -> bool {
    let mut deliveries = lead["deliveries"].as_array().into_iter().flatten();
    deliveries.all(
        |delivery| match delivery["state"].as_str().unwrap_or_default() {
            "due" | "claimed" | "sending" => false,
            "unknown" => delivery["due_at"].is_null(),
            _ => true,
        },
    )
}

fn text_is_unknown(lead: &Value) -> bool {
    let texts = lead["deliveries"].as_array().into_iter().flatten();
    texts
        .filter(|delivery| delivery["kind"] == "text_follow_up")
        .any(|delivery| delivery["state"] == "unknown")
}

fn texts_by_number(state: &Value) -> HashMap<&str, usize> {
    let conversations = state["carrier"]["conversations"]
        .as_array()
        .into_iter()
        .flatten();
    conversations
        .map(|conversation| {
            let messages = conversation["messages"].as_array().into_iter().flatten();
            let sent = messages
                .filter(|message| message["direction"] == "outbound-api")
                .count();
            (conversation["number"].as_str().unwrap_or_default(), sent)
        })
        .collect()
}
