//! The pretend outside world, asked from outside: what stands in its ServiceTitan, what its phones got.

use std::time::Duration;

use serde_json::Value;

use crate::{Tried, time};

/// A sandbox somewhere.
#[derive(Clone)]
pub struct World {
    client: reqwest::Client,
    url: String,
}

impl World {
    /// The sandbox that has this page (`http://127.0.0.1:PORT/servicetitan`).
    pub fn of(page: &str) -> Tried<World> {
        let mut url = reqwest::Url::parse(page)?;
        url.set_path("");
        Ok(World {
            client: reqwest::Client::new(),
            url: url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// Where it answers, without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything there is: the board of its ServiceTitan, the conversations of its phones.
    pub async fn state(&self) -> Tried<Value> {
        let answer = self
            .client
            .get(format!("{}/control/state", self.url))
            .send()
            .await?;
        Ok(serde_json::from_str(
            &answer.error_for_status()?.text().await?,
        )?)
    }

    /// Moves one of its switches: `fault`, `clear`, `clock`, …
    pub async fn control(&self, switch: &str, body: &Value) -> Tried<Value> {
        let url = format!("{}/control/{switch}", self.url);
        let answer = self.client.post(url).json(body).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// The calls it got after the one with this number, oldest first.
    pub async fn requests(&self, after: u64) -> Tried<Vec<Value>> {
        let url = format!("{}/control/requests?after={after}", self.url);
        let answer = self.client.get(url).send().await?.error_for_status()?;
        let mut said: Value = answer.json().await?;
        match said["requests"].take() {
            Value::Array(requests) => Ok(requests),
            other => Err(format!("requests are a list, not {other}").into()),
        }
    }

    /// The Bookings (`bookings`) or Leads (`leads`) in ST that mention this person's number.
    pub async fn records(&self, kind: &str, number: &str) -> Tried<Vec<Value>> {
        let state = self.state().await?;
        let national = number.strip_prefix("+1").unwrap_or(number);
        let all = state["servicetitan"][kind]
            .as_array()
            .cloned()
            .unwrap_or_default();
        Ok(all
            .into_iter()
            .filter(|record| digits(record).contains(national))
            .collect())
    }

    /// The texts the person with this number (E.164) got, oldest first.
    pub async fn texts(&self, number: &str) -> Tried<Vec<String>> {
        let state = self.state().await?;
        let conversations = state["carrier"]["conversations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let theirs = conversations
            .iter()
            .find(|conversation| conversation["number"] == number);
        let messages = theirs.and_then(|conversation| conversation["messages"].as_array());
        let got = messages
            .into_iter()
            .flatten()
            .filter(|message| message["direction"] == "outbound-api");
        Ok(got
            .filter_map(|message| message["body"].as_str().map(str::to_owned))
            .collect())
    }

    /// Waits for the first text to this number.
    pub async fn first_text(&self, number: &str, patience: Duration) -> Tried<String> {
        time::until(&format!("a text to {number}"), patience, || async {
            Ok(self.texts(number).await?.into_iter().next())
        })
        .await
    }
}

/// A record's text with everything but digits taken out of each string, so that a number is found
/// however it is written.
fn digits(record: &Value) -> String {
    match record {
        Value::String(text) => text
            .chars()
            .filter(char::is_ascii_digit)
            .chain([' '])
            .collect(),
        Value::Array(items) => items.iter().map(digits).collect(),
        Value::Object(members) => members.values().map(digits).collect(),
        _ => String::new(),
    }
}
