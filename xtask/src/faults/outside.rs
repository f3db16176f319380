//! What the outside has, by its own state: the records of either kind in its ServiceTitan, the texts on its phones.

use std::collections::HashMap;

use serde_json::Value;

/// A Booking or a Lead in ST.
pub struct Record<'a> {
    /// `booking` or `lead`, as our rows write it.
    pub kind: &'static str,
    /// ServiceTitan's number.
    pub id: String,
    /// Ours: a Booking's external id, or the last line of a Lead's summary.
    pub reference: &'a str,
    /// Whose it is.
    pub name: &'a str,
    /// Where to come.
    pub street: &'a str,
    /// Whether it was set aside.
    pub dismissed: bool,
}

/// All of them.
pub fn records(state: &Value) -> Vec<Record<'_>> {
    let all = |list: &str| state["servicetitan"][list].as_array().into_iter().flatten();
    let bookings = all("bookings").map(|booking| Record {
        kind: "booking",
        id: booking["id"].to_string(),
        reference: text(&booking["externalId"]),
        name: text(&booking["name"]),
        street: text(&booking["address"]["street"]),
        dismissed: booking["status"] == "Dismissed",
    });
    let leads = all("leads").map(|lead| Record {
        kind: "lead",
        id: lead["id"].to_string(),
        reference: text(&lead["summary"]).lines().last().unwrap_or_default(),
        name: text(&lead["leadCustomerName"]),
        street: text(&lead["leadStreet"]),
        dismissed: lead["status"] == "Dismissed",
    });
    bookings.chain(leads).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every text that went out, with the number it went to.
pub fn sent(state: &Value) -> impl Iterator<Item = (&str, &Value)> {
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

/// How many each number got.
pub fn texts_by_number(state: &Value) -> HashMap<&str, usize> {
    let mut texts = HashMap::new();
    for (number, _) in sent(state) {
        *texts.entry(number).or_default() += 1;
    }
    texts
}
