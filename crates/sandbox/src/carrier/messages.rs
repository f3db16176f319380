//! Messages: the rules for sending one, and reading, redacting, deleting and listing them. Fields and
//! limits follow Twilio's published `twilio_api_v2010.json` (operation `CreateMessage`); codes follow
//! its error list. What the document does not know is refused; the real one ignores it.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded;

use super::{Account, Answer, Call, Refusal, segments};
use crate::chance;
use crate::phone::is_e164;

const API_VERSION: &str = "2010-04-01";
/// What a body may hold, in characters.
const LONGEST_BODY: usize = 1600;

/// The form fields of `CreateMessage`.
pub const SEND_FIELDS: &[&str] = &[
    "To",
    "StatusCallback",
    "ApplicationSid",
    "MaxPrice",
    "ProvideFeedback",
    "Attempt",
    "ValidityPeriod",
    "ForceDelivery",
    "ContentRetention",
    "AddressRetention",
    "SmartEncoded",
    "PersistentAction",
    "TrafficType",
    "ShortenUrls",
    "ScheduleType",
    "SendAt",
    "SendAsMms",
    "ContentVariables",
    "RiskCheck",
    "From",
    "FallbackFrom",
    "MessagingServiceSid",
    "Body",
    "MediaUrl",
    "ContentSid",
];
const LISTS: &[&str] = &["MediaUrl", "PersistentAction"];
const FLAGS: &[&str] = &[
    "ProvideFeedback",
    "ForceDelivery",
    "SmartEncoded",
    "ShortenUrls",
    "SendAsMms",
];
const CHOICES: &[(&str, &[&str])] = &[
    ("ContentRetention", &["retain", "discard"]),
    ("AddressRetention", &["retain", "obfuscate"]),
    ("RiskCheck", &["enable", "disable"]),
    ("TrafficType", &["free"]),
    ("ScheduleType", &["fixed"]),
];
/// What this sandbox does not play; asking for it is refused rather than half done.
const NOT_PLAYED: &[&str] = &[
    "ScheduleType",
    "SendAt",
    "MediaUrl",
    "SendAsMms",
    "ContentSid",
    "ContentVariables",
    "ApplicationSid",
    "PersistentAction",
    "FallbackFrom",
];

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
    our_number: String,
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
    fn record(&self, account: &str) -> Value {
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
    /// `CreateMessage`: 201 and the message, whose delivery then starts.
    pub(super) fn send(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let form = Form::read(call)?;
        let to = form
            .get("To")
            .ok_or_else(|| Refusal::bad(21604, "A 'To' phone number is required."))?;
        let service = form.get("MessagingServiceSid");
        let from = form.get("From");
        if from.is_none() && service.is_none() {
            return Err(Refusal::bad(21603, "A 'From' phone number is required."));
        }
        let body = form.get("Body").unwrap_or_default();
        if body.is_empty() {
            return Err(Refusal::bad(21602, "Message body is required."));
        }
        if body.chars().count() > LONGEST_BODY {
            return Err(Refusal::bad(
                21617,
                "The concatenated message body exceeds the 1600 character limit",
            ));
        }
        form.check()?;
        self.check_sender(from, service)?;
        check_recipient(to)?;
        let our_number = self.credentials.from_number.clone();
        if from == Some(to) || to == our_number {
            return Err(Refusal::bad(
                21266,
                format!("'To' and 'From' number cannot be the same: {to}"),
            ));
        }
        if self.opt_outs.is_out(to, &our_number) {
            return Err(Refusal::bad(
                21610,
                "Attempt to send to unsubscribed recipient",
            ));
        }
        let by_service = service.is_some();
        let message = Message {
            sid: format!("SM{}", chance::hex::<16>()),
            body: body.to_owned(),
            from: from.filter(|_| !by_service).map(str::to_owned),
            to: to.to_owned(),
            direction: Direction::OutboundApi,
            status: if by_service { "accepted" } else { "queued" },
            error_code: None,
            messaging_service_sid: service.map(str::to_owned),
            segments: if by_service { 0 } else { segments::count(body) },
            date_created: now,
            date_sent: None,
            date_updated: now,
            status_callback: form.get("StatusCallback").map(str::to_owned),
            order: self.messages.len(),
            our_number,
        };
        let mut answer = Answer::json(
            StatusCode::CREATED,
            &message.record(&self.credentials.account_sid),
        )
        .changed();
        answer.taken = Some(message.sid.clone());
        self.messages.push(message);
        Ok(answer)
    }

    /// The number must be ours, or one of the published test numbers; the service must be ours.
    fn check_sender(&self, from: Option<&str>, service: Option<&str>) -> Result<(), Refusal> {
        if service.is_some_and(|sid| sid != self.credentials.messaging_service_sid) {
            return Err(Refusal::bad(21701, "The Messaging Service does not exist."));
        }
        match from {
            None | Some("+15005550006") => Ok(()),
            Some(number) if number == self.credentials.from_number => Ok(()),
            Some("+15005550001") => Err(Refusal::bad(
                21212,
                "The 'From' number +15005550001 is not a valid phone number, shortcode, or alphanumeric sender ID.",
            )),
            Some("+15005550008") => Err(Refusal::bad(
                21611,
                "This 'From' number has exceeded the maximum number of queued messages",
            )),
            Some(number) if !is_e164(number) => Err(Refusal::bad(
                21212,
                format!(
                    "The 'From' number {number} is not a valid phone number, shortcode, or alphanumeric sender ID."
                ),
            )),
            Some(number) => {
                let message = format!(
                    "The 'From' phone number {number} is not a valid, SMS-capable inbound phone number or short code for your account."
                );
                Err(Refusal::bad(21606, message))
            }
        }
    }

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

/// The form of a send, its names known and none of them there twice.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(call: &Call) -> Result<Form, Refusal> {
        let fields = call.form();
        for (i, (name, _)) in fields.iter().enumerate() {
            if !SEND_FIELDS.contains(&name.as_str()) {
                return Err(Refusal::bad(20001, format!("Unknown parameter '{name}'.")));
            }
            if !LISTS.contains(&name.as_str())
                && fields[..i].iter().any(|(earlier, _)| earlier == name)
            {
                return Err(Refusal::bad(
                    20001,
                    format!("The parameter '{name}' is there twice."),
                ));
            }
        }
        Ok(Form(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The rules that do not depend on the account.
    fn check(&self) -> Result<(), Refusal> {
        let invalid = |name: &str, rule: &str| {
            Refusal::bad(
                20001,
                format!("The parameter '{name}' is not valid: {rule}."),
            )
        };
        for (name, value) in &self.0 {
            if FLAGS.contains(&name.as_str()) && !matches!(value.as_str(), "true" | "false") {
                return Err(invalid(name, "it must be true or false"));
            }
            if let Some((_, choices)) = CHOICES.iter().find(|(known, _)| known == name)
                && !choices.contains(&value.as_str())
            {
                return Err(invalid(
                    name,
                    &format!("it must be one of {}", choices.join(", ")),
                ));
            }
            if name == "MessagingServiceSid" && !is_sid("MG", value) {
                return Err(invalid(name, "it must be MG and 32 hex digits"));
            }
            if name == "ValidityPeriod"
                && !value
                    .parse()
                    .is_ok_and(|seconds: u32| (1..=36_000).contains(&seconds))
            {
                return Err(invalid(name, "it must be between 1 and 36000 seconds"));
            }
            if name == "Attempt" && value.parse::<u32>().is_err() {
                return Err(invalid(name, "it must be a whole number"));
            }
            if name == "MaxPrice" && value.parse::<f64>().is_err() {
                return Err(invalid(name, "it must be a number"));
            }
            if name == "StatusCallback" && !is_callback(value) {
                return Err(Refusal::bad(
                    21609,
                    "The 'StatusCallback' URL is not a valid URL.",
                ));
            }
            if NOT_PLAYED.contains(&name.as_str()) {
                return Err(invalid(name, "this sandbox does not play it"));
            }
        }
        if self.get("ShortenUrls") == Some("true") && self.get("MessagingServiceSid").is_none() {
            return Err(invalid("ShortenUrls", "it needs a MessagingServiceSid"));
        }
        Ok(())
    }
}

/// An absolute http or https URL whose host has no underscore. (The real one also wants the host to be
/// reachable from the Internet; here a loopback address does.)
fn is_callback(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    matches!(url.scheme(), "http" | "https")
        && url
            .host_str()
            .is_some_and(|host| !host.is_empty() && !host.contains('_'))
}

fn is_sid(kind: &str, text: &str) -> bool {
    text.strip_prefix(kind)
        .is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The recipient's number, and the published test numbers that stand for what can be wrong with one.
fn check_recipient(to: &str) -> Result<(), Refusal> {
    let refuse = |code, message: &str| Err(Refusal::bad(code, message.replace("{to}", to)));
    match to {
        "+15005550002" => refuse(
            21612,
            "The 'To' phone number: {to}, is not currently reachable using the 'From' phone number via SMS.",
        ),
        "+15005550003" => refuse(
            21408,
            "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}.",
        ),
        "+15005550004" => refuse(21610, "Attempt to send to unsubscribed recipient"),
        "+15005550009" => refuse(21614, "'To' number: {to}, is not a valid mobile number"),
        "+15005550001" => refuse(21211, "The 'To' number {to} is not a valid phone number."),
        to if !is_e164(to) => refuse(21211, "The 'To' number {to} is not a valid phone number."),
        _ => Ok(()),
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
