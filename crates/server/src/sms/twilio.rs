//! Twilio's Programmable Messaging as a [`Carrier`]: one form POST, one list. Field names and rules are
//! those of Twilio's OpenAPI document `twilio_api_v2010`; error codes those of its error dictionary.

use reqwest::{Client, RequestBuilder, StatusCode};
use ringback_domain::conversation::TextStatus;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{Carrier, Says, Text, Trouble, Wrong};
use crate::outside::{self, Answer, LOOK_WITHIN, NoAnswer, WRITE_WITHIN};

/// The seconds that `ValidityPeriod` takes. It bounds the wait in Twilio's queue; what a phone network keeps for a
/// phone that is off is the network's.
const VALIDITY: std::ops::RangeInclusive<i64> = 1..=36_000;

/// How many of the latest texts to a number are looked through.
const LOOK_THROUGH: u32 = 50;

/// What is kept of the connection beside its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// `SK…`, the API key that sends; empty: the auth token does.
    pub api_key_sid: String,
    /// The sender's number, E.164; may be empty with a messaging service.
    pub from: String,
    /// `MG…`; empty: none.
    pub messaging_service_sid: String,
}

/// What is sealed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// Secret of the API key.
    pub api_key_secret: String,
    /// Signs what Twilio sends us.
    pub auth_token: String,
    /// The next auth token, while it is being changed.
    pub auth_token_secondary: String,
}

impl Settings {
    /// What is missing or misshapen, as a sentence key below `error-`; `None` when it can be used.
    pub fn wrong(&self) -> Option<&'static str> {
        let sid = |text: &str, prefix: &str| {
            text.strip_prefix(prefix).is_some_and(|digits| {
                digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
            })
        };
        if !sid(&self.account_sid, "AC") {
            return Some("twilio-account-sid");
        }
        if !self.api_key_sid.is_empty() && !sid(&self.api_key_sid, "SK") {
            return Some("twilio-api-key-sid");
        }
        if !self.messaging_service_sid.is_empty() && !sid(&self.messaging_service_sid, "MG") {
            return Some("twilio-messaging-service-sid");
        }
        if self.from.is_empty() && self.messaging_service_sid.is_empty() {
            return Some("twilio-sender");
        }
        None
    }
}

impl Secrets {
    /// The tokens that may have signed a call.
    pub fn signing(&self) -> impl Iterator<Item = &str> {
        [&self.auth_token, &self.auth_token_secondary]
            .into_iter()
            .map(String::as_str)
            .filter(|token| !token.is_empty())
    }
}

/// One business's Twilio.
pub struct Twilio<'a> {
    calls: &'a Client,
    url: &'a str,
    settings: &'a Settings,
    user: &'a str,
    password: SecretString,
}

impl<'a> Twilio<'a> {
    /// `url`: `https://api.twilio.com`.
    pub fn new(
        calls: &'a Client,
        url: &'a str,
        settings: &'a Settings,
        secrets: &'a Secrets,
    ) -> Self {
        let (user, password) = if settings.api_key_sid.is_empty() {
            (&settings.account_sid, &secrets.auth_token)
        } else {
            (&settings.api_key_sid, &secrets.api_key_secret)
        };
        Self {
            calls,
            url,
            settings,
            user,
            password: password.clone().into(),
        }
    }

    fn messages(&self) -> String {
        let url = self.url.trim_end_matches('/');
        let account = &self.settings.account_sid;
        format!("{url}/2010-04-01/Accounts/{account}/Messages.json")
    }

    /// One of the account's own numbers, for the doctor; `None` when it is not there. Documented beside `Messages`:
    /// "IncomingPhoneNumber resource", *Read multiple IncomingPhoneNumber resources* with the filter `PhoneNumber`
    /// (<https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>; `ListIncomingPhoneNumber` in
    /// `twilio_api_v2010`).
    pub async fn number(&self, number: &str) -> Result<Option<OwnNumber>, Trouble> {
        let url = self
            .messages()
            .replace("/Messages.json", "/IncomingPhoneNumbers.json");
        let request = self.calls.get(url).query(&[("PhoneNumber", number)]);
        let answer = self.call(request.timeout(LOOK_WITHIN)).await;
        let answer = answer.map_err(|no| later(no.what()))?;
        if !answer.status.is_success() {
            return Err(meaning(&answer));
        }
        let found: OwnNumbers =
            read(&answer).ok_or_else(|| later("the answer could not be read"))?;
        Ok(found
            .incoming_phone_numbers
            .into_iter()
            .find(|own| own.phone_number == number))
    }

    async fn call(&self, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        let request = request.basic_auth(self.user, Some(self.password.expose_secret()));
        outside::call(request).await
    }

    async fn list(&self, query: &[(&str, &str)]) -> Result<Vec<Message>, Trouble> {
        let request = self
            .calls
            .get(self.messages())
            .query(query)
            .timeout(LOOK_WITHIN);
        let answer = self.call(request).await.map_err(|no| later(no.what()))?;
        if answer.status.is_success() {
            let list: List = read(&answer).ok_or_else(|| later("the answer could not be read"))?;
            return Ok(list.messages);
        }
        Err(match meaning(&answer) {
            // Looking has no effect, whatever became of it.
            Trouble::Unknown { said } => later(said),
            trouble => trouble,
        })
    }
}

impl Carrier for Twilio<'_> {
    async fn send(&self, text: &Text<'_>) -> Result<Says, Trouble> {
        let validity = text
            .within
            .as_secs()
            .clamp(*VALIDITY.start(), *VALIDITY.end());
        let mut form = vec![
            ("To", text.to.to_owned()),
            ("Body", text.body.to_owned()),
            ("StatusCallback", text.report_to.to_owned()),
            ("ValidityPeriod", validity.to_string()),
        ];
        for (field, value) in [
            ("From", &self.settings.from),
            ("MessagingServiceSid", &self.settings.messaging_service_sid),
        ] {
            if !value.is_empty() {
                form.push((field, value.clone()));
            }
        }
        let request = self
            .calls
            .post(self.messages())
            .form(&form)
            .timeout(WRITE_WITHIN);
        let answer = match self.call(request).await {
            Ok(answer) => answer,
            Err(NoAnswer::NeverLeft(what)) => return Err(later(what)),
            Err(NoAnswer::Lost(said)) => return Err(Trouble::Unknown { said }),
        };
        if !answer.status.is_success() {
            return Err(meaning(&answer));
        }
        let message: Option<Message> = read(&answer);
        message.map(Message::says).ok_or(Trouble::Unknown {
            said: "the answer could not be read".into(),
        })
    }

    /// Not narrowed by `DateSent`: a text that is still queued has none yet, and ours is among the latest.
    async fn look_up(
        &self,
        phone: &str,
        is_ours: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Option<Says>, Trouble> {
        let page_size = LOOK_THROUGH.to_string();
        let latest = self
            .list(&[("To", phone), ("PageSize", &page_size)])
            .await?;
        let ours = latest.into_iter().find(|message| {
            let outbound = message.direction.starts_with("outbound");
            outbound && message.body.as_deref().is_some_and(is_ours)
        });
        Ok(ours.map(Message::says))
    }

    async fn check(&self) -> Result<(), Trouble> {
        self.list(&[("PageSize", "1")]).await.map(drop)
    }
}

/// What a status word of Twilio's means; `None` for one that did not exist when this was written.
pub fn status(word: &str) -> Option<TextStatus> {
    Some(match word {
        "accepted" | "scheduled" | "queued" => TextStatus::Queued,
        "sending" => TextStatus::Sending,
        "sent" => TextStatus::Sent,
        "delivered" | "read" => TextStatus::Delivered,
        "undelivered" | "partially_delivered" => TextStatus::Undelivered,
        "failed" | "canceled" => TextStatus::Failed,
        "receiving" | "received" => TextStatus::Received,
        _ => return None,
    })
}

/// What an error code of Twilio's means for people. Codes are added without notice: an unknown one is said
/// as it came, and concerns this text alone.
pub fn wrong(code: i64, said: &str) -> Wrong {
    let why = match code {
        21211 | 21214 | 21217 | 21265 | 21421 | 21614 | 21635 | 30005 | 30006 => "text-bad-number",
        21610 => "text-opted-out",
        21408 => "text-region-off",
        21212 | 21603 | 21606 | 21612 | 21659 | 21660 | 21703 | 21705 => "text-bad-sender",
        30032 | 30034 | 30035 => "text-not-registered",
        30004 | 30007 | 30450 => "text-blocked",
        30003 | 30008 => "text-unreachable",
        21617 => "text-too-long",
        _ => "text-refused",
    };
    let said = match outside::sentence(said) {
        said if said.is_empty() => format!("error {code}"),
        said => format!("{said} (error {code})"),
    };
    Wrong {
        why,
        said,
        opted_out: code == 21610,
    }
}

fn meaning(answer: &Answer) -> Trouble {
    let problem: Problem = read(answer).unwrap_or_default();
    match (answer.status, problem.code) {
        (StatusCode::TOO_MANY_REQUESTS, _) | (_, 20429 | 21611) => Trouble::TryLater {
            after: answer.retry_after,
            said: outside::sentence(&problem.message),
        },
        (status, _) if status.is_server_error() => Trouble::Unknown {
            said: format!("status {}", status.as_u16()),
        },
        // A gateway's 408 says as little of what is behind it as its 504.
        (StatusCode::REQUEST_TIMEOUT, _) => Trouble::Unknown {
            said: "status 408".into(),
        },
        (StatusCode::UNAUTHORIZED, _) | (_, 20003) => Trouble::Credentials,
        (status, 0) => Trouble::Refused(Wrong {
            why: "text-refused",
            said: format!("status {}", status.as_u16()),
            opted_out: false,
        }),
        (_, code) => Trouble::Refused(wrong(code, &problem.message)),
    }
}

fn later(said: impl Into<String>) -> Trouble {
    Trouble::TryLater {
        after: None,
        said: said.into(),
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Option<T> {
    serde_json::from_slice(&answer.body).ok()
}

#[derive(Deserialize)]
struct List {
    messages: Vec<Message>,
}

/// `api.v2010.account.message`, what we read of it.
#[derive(Deserialize)]
struct Message {
    sid: String,
    status: String,
    #[serde(default)]
    direction: String,
    body: Option<String>,
    error_code: Option<i64>,
    error_message: Option<String>,
}

impl Message {
    fn says(self) -> Says {
        let said = self.error_message.unwrap_or_default();
        Says {
            carrier_id: self.sid,
            status: status(&self.status).unwrap_or(TextStatus::Queued),
            wrong: self.error_code.map(|code| wrong(code, &said)),
        }
    }
}

#[derive(Deserialize)]
struct OwnNumbers {
    incoming_phone_numbers: Vec<OwnNumber>,
}

/// A number of the account, what we read of it.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnNumber {
    phone_number: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Where the carrier tells of texts that come in; empty for nowhere.
    #[serde(default)]
    pub sms_url: String,
}

/// What a number can do.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Capabilities {
    /// Texts.
    pub sms: bool,
}

/// An error body, of either of Twilio's two forms.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: i64,
    #[serde(alias = "detail")]
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Trouble {
        meaning(&Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn what_may_have_been_sent_is_unknown_and_the_rest_is_certain() {
        for status in [408, 500, 502, 503, 504] {
            assert!(matches!(answered(status, ""), Trouble::Unknown { .. }));
        }
        assert!(matches!(answered(429, ""), Trouble::TryLater { .. }));
        assert!(matches!(
            answered(400, r#"{"code":21611,"message":"queue full"}"#),
            Trouble::TryLater { .. }
        ));
        assert_eq!(
            answered(401, r#"{"code":20003,"message":"Authenticate"}"#),
            Trouble::Credentials
        );
        for status in [302, 400, 404, 422] {
            assert!(matches!(answered(status, "<html>"), Trouble::Refused(_)));
        }
    }

    #[test]
    fn a_refusal_says_why_in_our_words_and_theirs() {
        let Trouble::Refused(wrong) = answered(
            400,
            r#"{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}"#,
        ) else {
            panic!("21610 is a refusal")
        };
        assert_eq!(wrong.why, "text-opted-out");
        assert!(wrong.opted_out);
        assert!(wrong.said.ends_with("(error 21610)"));
    }

    #[test]
    fn settings_that_cannot_work_are_said() {
        let good = Settings {
            account_sid: format!("AC{}", "0".repeat(32)),
            from: "+16025550100".into(),
            ..Settings::default()
        };
        assert_eq!(good.wrong(), None);
        let no_sender = Settings {
            from: String::new(),
            ..good.clone()
        };
        assert_eq!(no_sender.wrong(), Some("twilio-sender"));
        let bad_key = Settings {
            api_key_sid: "SK1".into(),
            ..good
        };
        assert_eq!(bad_key.wrong(), Some("twilio-api-key-sid"));
    }

    #[test]
    fn a_word_that_did_not_exist_yet_is_no_status() {
        assert_eq!(status("delivered"), Some(TextStatus::Delivered));
        assert_eq!(status("teleported"), None);
    }
}
