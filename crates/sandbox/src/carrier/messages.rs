//! Messages as they are kept: reading, redacting, rating, deleting and listing them, as Twilio's
//! published `twilio_api_v2010.json` describes it. Taking one from the API is in `sending.rs`.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Account, Answer, Call, Refusal, segments};
use crate::chance;

const API_VERSION: &str = "2010-04-01";

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a phone to us.
    Inbound,
    /// Sent through the API.
    OutboundApi,
    /// An answer to an inbound webhook, or the carrier's own to a keyword.
    OutboundReply,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `SM` and 32 hex digits.
    pub sid: String,
    /// Its words; empty after redaction.
    pub body: String,
    /// The sender; none until a messaging service has picked one.
    pub from: Option<String>,
    /// The recipient.
    pub to: String,
    /// Which way it went.
    pub direction: Direction,
    /// `accepted`, `queued`, `sent`, `delivered`, `undelivered`, `failed` or `received`.
    pub status: &'static str,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
    /// The messaging service it was sent through.
    pub messaging_service_sid: Option<String>,
    /// How many segments it takes; 0 while a messaging service holds it.
    pub segments: usize,
    /// When it was taken.
    pub date_created: Timestamp,
    /// When it was sent on.
    pub date_sent: Option<Timestamp>,
    /// When it last changed.
    pub date_updated: Timestamp,
    /// Where its status is told.
    pub status_callback: Option<String>,
    pub(super) order: usize,
    pub(super) our_number: String,
}

impl Message {
    /// The phone at the other end.
    pub fn customer(&self) -> &str {
        match self.direction {
            Direction::Inbound => self.from.as_deref().unwrap_or_default(),
            _ => &self.to,
        }
    }

    /// The response of the API, every member of the document's schema.
    pub(super) fn record(&self, account: &str) -> Value {
        let uri = format!("/{API_VERSION}/Accounts/{account}/Messages/{}", self.sid);
        json!({
            "account_sid": account,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc_2822(self.date_created),
            "date_sent": self.date_sent.map(rfc_2822),
            "date_updated": rfc_2822(self.date_updated),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": self.error_code.map(error_message),
            "from": self.from,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": "0",
            "num_segments": self.segments.to_string(),
            "price": null,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": { "media": format!("{uri}/Media.json"), "feedback": format!("{uri}/Feedback.json") },
            "to": self.to,
            "uri": format!("{uri}.json"),
        })
    }

    /// What the phone page shows.
    pub(super) fn bubble(&self) -> Value {
        json!({
            "sid": self.sid, "body": self.body, "direction": self.direction, "status": self.status,
            "error_code": self.error_code, "at": self.date_created,
        })
    }
}

/// The sentence that goes with an error code in callbacks and records.
pub(super) fn error_message(code: u32) -> &'static str {
    match code {
        21610 => "Attempt to send to unsubscribed recipient",
        30003 => "Unreachable destination handset",
        30004 => "Message blocked",
        30005 => "Unknown destination handset",
        30006 => "Landline or unreachable carrier",
        30007 => "Message filtered",
        30034 => "Message from an Unregistered Number",
        _ => "Unknown error",
    }
}

impl Account {
    pub(super) fn get(&self, sid: &str) -> Result<Answer, Refusal> {
        let at = self.find(sid)?;
        Ok(Answer::json(
            StatusCode::OK,
            &self.messages[at].record(&self.credentials.account_sid),
        ))
    }

    /// Redacts the body (`Body=` and nothing else). Nothing here is scheduled, so nothing can be cancelled.
    pub(super) fn update(
        &mut self,
        sid: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let at = self.find(sid)?;
        let form = call.form();
        match form.as_slice() {
            [(name, value)] if name == "Body" && value.is_empty() => {}
            [(name, _)] if name == "Body" => {
                return Err(Refusal::bad(
                    20001,
                    "To redact a message, 'Body' must be empty.",
                ));
            }
            [(name, value)] if name == "Status" && value == "canceled" => {
                return Err(Refusal::bad(
                    30409,
                    "Message cannot be canceled: it is not scheduled.",
                ));
            }
            _ => {
                return Err(Refusal::bad(
                    20001,
                    "Exactly one of 'Body' and 'Status' must be there.",
                ));
            }
        }
        let message = &mut self.messages[at];
        message.body.clear();
        message.date_updated = now;
        let record = self.messages[at].record(&self.credentials.account_sid);
        Ok(Answer::json(StatusCode::OK, &record).changed())
    }

    pub(super) fn delete(&mut self, sid: &str) -> Result<Answer, Refusal> {
        let at = self.find(sid)?;
        self.messages.remove(at);
        Ok(Answer::empty(StatusCode::NO_CONTENT).changed())
    }

    pub(super) fn feedback(
        &mut self,
        sid: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        self.find(sid)?;
        let form = call.form();
        let outcome = match form.as_slice() {
            [(name, value)]
                if name == "Outcome" && matches!(value.as_str(), "confirmed" | "unconfirmed") =>
            {
                value
            }
            _ => {
                return Err(Refusal::bad(
                    20001,
                    "'Outcome' must be confirmed or unconfirmed.",
                ));
            }
        };
        let account = &self.credentials.account_sid;
        let body = json!({
            "account_sid": account, "date_created": rfc_2822(now), "date_updated": rfc_2822(now), "message_sid": sid,
            "outcome": outcome, "uri": format!("/{API_VERSION}/Accounts/{account}/Messages/{sid}/Feedback.json"),
        });
        Ok(Answer::json(StatusCode::OK, &body).changed())
    }

    pub(super) fn media(&self, sid: &str, call: &Call) -> Result<Answer, Refusal> {
        self.find(sid)?;
        let first = format!("{}?PageSize=50&Page=0", call.path);
        let body = json!({
            "media_list": [], "page": 0, "page_size": 50, "start": 0, "end": 0,
            "first_page_uri": first, "next_page_uri": null, "previous_page_uri": null, "uri": first,
        });
        Ok(Answer::json(StatusCode::OK, &body))
    }

    /// `ListMessage`: the newest first; `DateSent>` and `DateSent<` take a day or a date-time. A page
    /// after the first needs the `PageToken` its `next_page_uri` carries.
    pub(super) fn list(&self, call: &Call) -> Result<Answer, Refusal> {
        let known = [
            "To",
            "From",
            "DateSent",
            "DateSent<",
            "DateSent>",
            "PageSize",
            "Page",
            "PageToken",
        ];
        let query = call.query();
        if let Some((name, _)) = query
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            return Err(Refusal::bad(20001, format!("Unknown parameter '{name}'.")));
        }
        let get = |name: &str| {
            query
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let number = |name: &str, default: usize, from: usize, to: usize| match get(name) {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(number) if (from..=to).contains(&number) => Ok(number),
                _ => Err(Refusal::bad(
                    20001,
                    format!("'{name}' must be between {from} and {to}."),
                )),
            },
        };
        let (size, page) = (
            number("PageSize", 50, 1, 1000)?,
            number("Page", 0, 0, usize::MAX)?,
        );
        let day = |name: &str| get(name).map(|text| Sent::read(name, text)).transpose();
        let (on, before, after) = (day("DateSent")?, day("DateSent<")?, day("DateSent>")?);
        let found: Vec<&Message> = self
            .messages
            .iter()
            .rev()
            .filter(|message| get("To").is_none_or(|to| message.to == to))
            .filter(|message| get("From").is_none_or(|from| message.from.as_deref() == Some(from)))
            .filter(|message| {
                on.as_ref().is_none_or(|on| {
                    message
                        .date_sent
                        .is_some_and(|sent| sent >= on.from && sent <= on.to)
                })
            })
            .filter(|message| {
                after
                    .as_ref()
                    .is_none_or(|after| message.date_sent.is_some_and(|sent| sent >= after.from))
            })
            .filter(|message| {
                before
                    .as_ref()
                    .is_none_or(|before| message.date_sent.is_some_and(|sent| sent <= before.to))
            })
            .collect();

        let start = match (page, get("PageToken")) {
            (0, None) => 0,
            (0, Some(_)) | (_, None) => {
                return Err(Refusal::bad(
                    20006,
                    "Page and PageToken go together: follow next_page_uri.",
                ));
            }
            (_, Some(token)) => {
                let last = found
                    .iter()
                    .position(|message| token.strip_prefix("PA") == Some(&message.sid));
                last.ok_or_else(|| Refusal::bad(20006, "Page token is not valid."))? + 1
            }
        };
        let shown: Vec<&Message> = found.iter().skip(start).take(size).copied().collect();
        let uri = |page: usize, token: Option<&str>| {
            let mut text = form_urlencoded::Serializer::new(String::new());
            for (name, value) in query
                .iter()
                .filter(|(name, _)| !["Page", "PageSize", "PageToken"].contains(&name.as_str()))
            {
                text.append_pair(name, value);
            }
            text.append_pair("PageSize", &size.to_string())
                .append_pair("Page", &page.to_string());
            if let Some(token) = token {
                text.append_pair("PageToken", token);
            }
            format!("{}?{}", call.path, text.finish())
        };
        let next = match shown.last() {
            Some(last) if found.len() > start + shown.len() => {
                Some(uri(page + 1, Some(&format!("PA{}", last.sid))))
            }
            _ => None,
        };
        // The token of the page before this one is the last message of the page before that.
        let previous = page
            .checked_sub(1)
            .map(|before| match start.checked_sub(size + 1) {
                Some(last) if before > 0 => uri(before, Some(&format!("PA{}", found[last].sid))),
                _ => uri(0, None),
            });
        let account = &self.credentials.account_sid;
        let body = json!({
            "messages": shown.iter().map(|message| message.record(account)).collect::<Vec<_>>(),
            "page": page,
            "page_size": size,
            "start": start,
            "end": (start + shown.len()).saturating_sub(1),
            "first_page_uri": uri(0, None),
            "next_page_uri": next,
            "previous_page_uri": previous,
            "uri": uri(page, get("PageToken")),
        });
        Ok(Answer::json(StatusCode::OK, &body))
    }

    fn find(&self, sid: &str) -> Result<usize, Refusal> {
        let at = self.messages.iter().position(|message| message.sid == sid);
        at.ok_or_else(|| Refusal {
            status: StatusCode::NOT_FOUND,
            code: 20404,
            message: format!("The requested resource /Messages/{sid} was not found"),
        })
    }

    /// A step in a message's delivery; the message as it is then, none when it was deleted meanwhile.
    pub(super) fn step(
        &mut self,
        sid: &str,
        status: &'static str,
        error_code: Option<u32>,
        now: Timestamp,
    ) -> Option<Message> {
        let message = self
            .messages
            .iter_mut()
            .find(|message| message.sid == sid)?;
        if message.from.is_none() {
            message.from = Some(message.our_number.clone());
            message.segments = segments::count(&message.body);
        }
        message.status = status;
        message.error_code = error_code;
        message.date_updated = now;
        if matches!(status, "sent" | "delivered" | "undelivered") && message.date_sent.is_none() {
            message.date_sent = Some(now);
        }
        Some(message.clone())
    }

    /// Adds a message that did not come through the API: a phone's, or an answer to one.
    pub(super) fn add(
        &mut self,
        direction: Direction,
        customer: &str,
        body: &str,
        now: Timestamp,
    ) -> Message {
        let ours = self.credentials.from_number.clone();
        let inbound = direction == Direction::Inbound;
        let (from, to) = if inbound {
            (customer.to_owned(), ours.clone())
        } else {
            (ours.clone(), customer.to_owned())
        };
        let message = Message {
            sid: format!("SM{}", chance::hex::<16>()),
            body: body.to_owned(),
            from: Some(from),
            to,
            direction,
            status: if inbound { "received" } else { "delivered" },
            error_code: None,
            messaging_service_sid: None,
            segments: segments::count(body),
            date_created: now,
            date_sent: Some(now),
            date_updated: now,
            status_callback: None,
            order: self.messages.len(),
            our_number: ours,
        };
        self.messages.push(message.clone());
        message
    }
}

/// The span of time a date filter names: a whole UTC day, or one moment.
struct Sent {
    from: Timestamp,
    to: Timestamp,
}

impl Sent {
    fn read(name: &str, text: &str) -> Result<Sent, Refusal> {
        let wrong = || {
            Refusal::bad(
                20001,
                format!(
                    "'{name}' must be a day like 2026-05-14 or a date-time like 2026-05-14T16:00:00Z."
                ),
            )
        };
        if text.len() > 10 {
            let moment = text.parse().map_err(|_| wrong())?;
            return Ok(Sent {
                from: moment,
                to: moment,
            });
        }
        let start: Timestamp = format!("{text}T00:00:00Z").parse().map_err(|_| wrong())?;
        let end = start
            .checked_add(SignedDuration::from_micros(86_400_000_000 - 1))
            .map_err(|_| wrong())?;
        Ok(Sent {
            from: start,
            to: end,
        })
    }
}

fn rfc_2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
