//! The lists an administrator picks from (jbce, marketing, settings, jpm, dispatch), seeded and
//! read-only, and the check that an id in a request is one of them.

use jiff::Timestamp;
use serde_json::Value;

use super::listing::{Listed, Listing};
use super::seeds;
use super::validation::Problem;
use crate::call::{Answer, Call};

/// The seeded lists, each under the API and the path the documents give it.
pub(super) struct Lookups {
    lists: Vec<List>,
}

struct List {
    api: &'static str,
    path: &'static str,
    filters: &'static [&'static str],
    records: Vec<Record>,
}

struct Record {
    id: i64,
    active: bool,
    seeded: Timestamp,
    json: Value,
}

impl Listed for Record {
    fn id(&self) -> i64 {
        self.id
    }
    fn created_on(&self) -> Timestamp {
        self.seeded
    }
    fn modified_on(&self) -> Timestamp {
        self.seeded
    }
    fn json(&self) -> Value {
        self.json.clone()
    }
}

impl Lookups {
    pub(super) fn seeded(now: Timestamp) -> Lookups {
        let list = |api, path, filters, seeds: Vec<Value>| List {
            api,
            path,
            filters,
            records: seeds
                .into_iter()
                .map(|json| record(path, json, now))
                .collect(),
        };
        Lookups {
            lists: vec![
                list("jbce", "call-reasons", &["active"], seeds::call_reasons()),
                list(
                    "marketing",
                    "campaigns",
                    &["active", "name", "campaignPhoneNumber"],
                    seeds::campaigns(),
                ),
                list(
                    "settings",
                    "business-units",
                    &["active", "name", "externalDataApplicationGuid"],
                    seeds::business_units(),
                ),
                list("settings", "tag-types", &["active"], seeds::tag_types()),
                list(
                    "jpm",
                    "job-types",
                    &[
                        "active",
                        "name",
                        "priority",
                        "minDuration",
                        "maxDuration",
                        "orderBy",
                        "orderByDirection",
                        "externalDataApplicationGuid",
                    ],
                    seeds::job_types(),
                ),
                list("dispatch", "zones", &["active"], seeds::zones()),
                list(
                    "dispatch",
                    "arrival-windows",
                    &["active"],
                    seeds::arrival_windows(),
                ),
            ],
        }
    }

    /// One page of a list; none when there is no such list.
    pub(super) fn list(
        &self,
        api: &str,
        path: &str,
        call: &Call,
    ) -> Option<Result<Answer, Problem>> {
        let list = self
            .lists
            .iter()
            .find(|list| list.api == api && list.path == path)?;
        Some(list.page(call))
    }

    pub(super) fn is_active(&self, path: &str, id: i64) -> bool {
        self.find(path, id).is_some_and(|record| record.active)
    }

    pub(super) fn is_lead_reason(&self, id: i64) -> bool {
        self.find("call-reasons", id)
            .is_some_and(|record| record.json["isLead"] == true)
    }

    /// The name behind an id, for the board.
    pub(super) fn name(&self, path: &str, id: Option<i64>) -> Option<&str> {
        self.find(path, id?)?.json["name"].as_str()
    }

    fn find(&self, path: &str, id: i64) -> Option<&Record> {
        self.lists
            .iter()
            .find(|list| list.path == path)?
            .records
            .iter()
            .find(|record| record.id == id)
    }
}

impl List {
    fn page(&self, call: &Call) -> Result<Answer, Problem> {
        let listing = Listing::read(call, self.filters)?;
        let active = listing
            .one_of("active", &["True", "Any", "False"])?
            .unwrap_or("True");
        let name = listing.text("name").map(str::to_lowercase);
        let priority = listing.text("priority");
        let (min, max) = (
            listing.number("minDuration")?,
            listing.number("maxDuration")?,
        );
        listing.page(
            self.records
                .iter()
                .filter(|record| active == "Any" || record.active == (active == "True"))
                .filter(|record| {
                    let text = record.json["name"]
                        .as_str()
                        .unwrap_or_default()
                        .to_lowercase();
                    name.as_ref()
                        .is_none_or(|name| text.contains(name.as_str()))
                })
                .filter(|record| priority.is_none_or(|wanted| record.json["priority"] == wanted))
                .filter(|record| {
                    min.is_none_or(|min| record.json["duration"].as_i64() >= Some(min))
                })
                .filter(|record| {
                    max.is_none_or(|max| record.json["duration"].as_i64() <= Some(max))
                }),
        )
    }
}

fn record(path: &str, mut json: Value, now: Timestamp) -> Record {
    // Arrival windows are the one list the documents give no dates.
    if path != "arrival-windows" {
        json["createdOn"] = Value::String(now.to_string());
        json["modifiedOn"] = Value::String(now.to_string());
    }
    let (id, active) = (
        json["id"].as_i64().unwrap_or_default(),
        json["active"] != false,
    );
    Record {
        id,
        active,
        seeded: now,
        json,
    }
}
