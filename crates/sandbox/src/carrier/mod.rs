//! A pretend carrier with Twilio's form API (`/2010-04-01/Accounts/{AccountSid}/Messages…`), never
//! gentler than the real one, and the phones its messages land on. The account is a plain value: `now`
//! comes in; sending webhooks is in `callbacks.rs` and `inbound.rs`.

pub(crate) mod callbacks;
pub(crate) mod inbound;
mod messages;
mod opt_out;
mod segments;
mod sending;
pub mod signature;
#[cfg(test)]
mod tests;
mod twiml;

use std::collections::{BTreeMap, VecDeque};

use axum::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use callbacks::Webhook;
pub use inbound::Reply;
pub use messages::{Direction, Message};
pub use sending::SEND_FIELDS;

use crate::call::{Answer, Call};
use crate::options::{Credentials, Delivery, Options};
use opt_out::Ledger;

/// How many webhooks are remembered; older ones are forgotten.
const REMEMBERED: usize = 20_000;

/// Everything one account of the pretend carrier holds.
pub(crate) struct Account {
    credentials: Credentials,
    /// In the order they came to be.
    messages: Vec<Message>,
    opt_outs: Ledger,
    webhooks: VecDeque<Webhook>,
    /// Where texts to each of our numbers go.
    inbound_urls: BTreeMap<String, String>,
    pub(crate) delivery: Delivery,
    pub(crate) advanced_opt_out: bool,
}

impl Account {
    pub(crate) fn new(options: &Options) -> Account {
        let credentials = options.credentials.clone();
        let inbound_urls = options
            .inbound_url
            .iter()
            .map(|url| (credentials.from_number.clone(), url.clone()))
            .collect();
        Account {
            credentials,
            messages: Vec::new(),
            opt_outs: Ledger::default(),
            webhooks: VecDeque::new(),
            inbound_urls,
            delivery: options.delivery.clone(),
            advanced_opt_out: options.advanced_opt_out,
        }
    }

    /// Whether this path is the carrier's.
    pub(crate) fn owns(path: &str) -> bool {
        path.starts_with("/2010-04-01/")
    }

    /// Answers one call.
    pub(crate) fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.operate(call, now).unwrap_or_else(Refusal::answer)
    }

    /// Every operation, by the paths of the published document.
    fn operate(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let segments = call.segments();
        let [_, "Accounts", account, rest @ ..] = segments.as_slice() else {
            return Err(Refusal::not_found(call));
        };
        self.admit(account, call)?;
        match (call.method.as_str(), rest) {
            ("POST", ["Messages.json"]) => self.send(call, now),
            ("GET", ["Messages.json"]) => self.list(call),
            ("GET", ["Messages", sid]) => self.get(file(sid, call)?),
            ("POST", ["Messages", sid]) => self.update(file(sid, call)?, call, now),
            ("DELETE", ["Messages", sid]) => self.delete(file(sid, call)?),
            ("POST", ["Messages", sid, "Feedback.json"]) => self.feedback(sid, call, now),
            ("GET", ["IncomingPhoneNumbers.json"]) => Ok(self.own_numbers(call)),
            ("GET", ["Messages", sid, "Media.json"]) => self.media(sid, call),
            _ => Err(Refusal::not_found(call)),
        }
    }

    /// The account's own numbers: the one that texts are sent from, and where what is sent to it goes.
    fn own_numbers(&self, call: &Call) -> Answer {
        let ours = &self.credentials.from_number;
        let own = json!({
            "phone_number": ours,
            "capabilities": { "sms": true, "mms": true, "voice": true, "fax": false },
            "sms_url": self.inbound_urls.get(ours).cloned().unwrap_or_default(),
            "sms_method": "POST",
        });
        let asked = call.query();
        let wanted = asked.iter().find(|(name, _)| name == "PhoneNumber");
        let is_ours = wanted.is_none_or(|(_, number)| number == ours);
        let numbers: Vec<Value> = is_ours.then_some(own).into_iter().collect();
        Answer::json(
            StatusCode::OK,
            &json!({ "incoming_phone_numbers": numbers }),
        )
    }

    /// HTTP Basic: the account SID with the auth token, or an API key with its secret.
    fn admit(&self, account: &str, call: &Call) -> Result<(), Refusal> {
        let ours = &self.credentials;
        let sent = call
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let known = [
            (&ours.account_sid, &ours.auth_token),
            (&ours.api_key, &ours.api_secret),
        ]
        .map(|(user, password)| format!("{user}:{password}"));
        match sent {
            Some(sent) if known.contains(&sent) && account == ours.account_sid => Ok(()),
            _ => Err(Refusal::authenticate()),
        }
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages.clone()
    }

    pub(crate) fn webhooks(&self) -> Vec<Webhook> {
        self.webhooks.iter().cloned().collect()
    }

    fn remember(&mut self, webhook: Webhook) {
        if self.webhooks.len() == REMEMBERED {
            self.webhooks.pop_front();
        }
        self.webhooks.push_back(webhook);
    }

    pub(crate) fn set_inbound_url(&mut self, number: &str, url: Option<String>) {
        match url {
            Some(url) => self.inbound_urls.insert(number.to_owned(), url),
            None => self.inbound_urls.remove(number),
        };
    }

    /// What the phone shows: one conversation for each number, the last spoken in first.
    pub(crate) fn phones(&self, time_zone: &str) -> Value {
        let mut conversations: Vec<(String, Vec<&Message>)> = Vec::new();
        for message in &self.messages {
            let number = message.customer();
            match conversations.iter_mut().find(|(known, _)| known == number) {
                Some((_, messages)) => messages.push(message),
                None => conversations.push((number.to_owned(), vec![message])),
            }
        }
        conversations.sort_by_key(|(_, messages)| {
            std::cmp::Reverse(
                messages
                    .last()
                    .map(|message| (message.date_created, message.order)),
            )
        });
        let shown = conversations.into_iter().map(|(number, messages)| {
            json!({
                "number": number,
                "opted_out": self.opt_outs.is_out(&number, &self.credentials.from_number),
                "messages": messages.iter().map(|message| message.bubble()).collect::<Vec<_>>(),
            })
        });
        json!({
            "time_zone": time_zone,
            "number": self.credentials.from_number,
            "conversations": shown.collect::<Vec<_>>(),
            "inbound_urls": self.inbound_urls,
            "delivery": self.delivery,
            "advanced_opt_out": self.advanced_opt_out,
        })
    }
}

/// The SID in `{Sid}.json`.
fn file<'a>(segment: &'a str, call: &Call) -> Result<&'a str, Refusal> {
    segment
        .strip_suffix(".json")
        .ok_or_else(|| Refusal::not_found(call))
}

/// A refusal in the carrier's words: `{code, message, more_info, status}`.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Refusal {
    /// 400 with one of the carrier's codes.
    pub(crate) fn bad(code: u32, message: impl Into<String>) -> Refusal {
        Refusal {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
        }
    }

    /// 401, also by switch.
    pub(crate) fn authenticate() -> Refusal {
        Refusal {
            status: StatusCode::UNAUTHORIZED,
            code: 20003,
            message: "Authenticate".into(),
        }
    }

    /// 500, by switch.
    pub(crate) fn server_error() -> Refusal {
        Refusal {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: 20500,
            message: "Internal Server Error".into(),
        }
    }

    fn not_found(call: &Call) -> Refusal {
        let message = format!("The requested resource {} was not found", call.path);
        Refusal {
            status: StatusCode::NOT_FOUND,
            code: 20404,
            message,
        }
    }

    /// 429, by switch.
    pub(crate) fn too_many(retry_after: u32) -> Answer {
        Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: 20429,
            message: "Too Many Requests".into(),
        }
        .answer()
        .with(header::RETRY_AFTER, retry_after.to_string())
    }

    pub(crate) fn answer(self) -> Answer {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        Answer::json(self.status, &body)
    }
}
