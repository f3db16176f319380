//! Taking a message from the API: every field, rule and code of it. Fields and limits follow Twilio's
//! published `twilio_api_v2010.json` (operation `CreateMessage`); codes follow its error list. What the
//! document does not know is refused; the real one ignores it.

use axum::http::StatusCode;
use jiff::Timestamp;
use url::Url;

use super::messages::{Direction, Message};
use super::{Account, Answer, Call, Refusal, segments};
use crate::chance;
use crate::phone::is_e164;

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
