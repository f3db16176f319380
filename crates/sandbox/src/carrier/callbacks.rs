//! What becomes of a message after it was taken, and the signed webhooks that tell it: status callbacks
//! in and out of order, twice, lost or early. The first status (`queued`, `accepted`) is never told.
//! Connection overrides in the URL's fragment (`#rc=5&rp=all`) are honoured; by default only a failed
//! connection is tried once more.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use url::form_urlencoded;

use super::messages::{Message, error_message};
use super::signature::sign;
use crate::chance;
use crate::options::Ending;
use crate::shared::Shared;

/// One webhook that was sent, and how it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct Webhook {
    /// When it was sent, by the sandbox's clock.
    pub at: Timestamp,
    /// Where to, fragment included.
    pub url: String,
    /// The form fields.
    pub fields: Vec<(String, String)>,
    /// The header `X-Twilio-Signature`.
    pub signature: String,
    /// The status of the last answer; none when there was none.
    pub status: Option<u16>,
    /// When that answer was there, by the clock that calls are logged by.
    pub answered_at: Option<Timestamp>,
    /// What went wrong, with the carrier's error code.
    pub error: Option<(u32, String)>,
    /// How often it was tried.
    pub tries: u32,
    #[serde(skip)]
    pub(super) content_type: String,
    #[serde(skip)]
    pub(super) answer: String,
}

impl Webhook {
    /// A field's value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Takes a message from *taken* to its end, step by step, and tells each step.
pub(crate) async fn deliver(shared: Arc<Shared>, sid: String) {
    let delivery = shared.carrier().delivery.clone();
    let by_service = shared
        .carrier()
        .messages()
        .iter()
        .any(|message| message.sid == sid && message.messaging_service_sid.is_some());
    let (last, code) = match delivery.ending {
        Ending::Delivered => (Some("delivered"), None),
        Ending::Sent => (None, None),
        Ending::Undelivered(code) => (Some("undelivered"), Some(code)),
        Ending::Failed(code) => (Some("failed"), Some(code)),
    };
    let never_left = matches!(delivery.ending, Ending::Failed(_));
    let steps = by_service
        .then_some("queued")
        .into_iter()
        .chain((!never_left).then_some("sent"))
        .chain(last);

    let mut kept_back = Vec::new();
    for status in steps {
        tokio::time::sleep(delivery.pause()).await;
        let code = code.filter(|_| Some(status) == last);
        let now = shared.clock.now();
        let Some(message) = shared.carrier().step(&sid, status, code, now) else {
            return;
        };
        shared.changed();
        if delivery.reversed {
            kept_back.push(message);
        } else if !delivery.lost {
            tell(&shared, &message, delivery.duplicated).await;
        }
    }
    if !delivery.lost {
        for message in kept_back.iter().rev() {
            tell(&shared, message, delivery.duplicated).await;
        }
    }
}

async fn tell(shared: &Arc<Shared>, message: &Message, twice: bool) {
    let Some(url) = &message.status_callback else {
        return;
    };
    let now = shared.clock.now();
    let fields = status_fields(message, &shared.credentials.account_sid, now);
    for _ in 0..if twice { 2 } else { 1 } {
        let webhook = post(shared, url, fields.clone()).await;
        shared.carrier().remember(webhook);
        shared.changed();
    }
}

fn status_fields(message: &Message, account: &str, now: Timestamp) -> Vec<(String, String)> {
    let mut fields = vec![
        ("AccountSid", account.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("From", message.from.clone().unwrap_or_default()),
        ("MessageSid", message.sid.clone()),
        ("MessageStatus", message.status.to_owned()),
        ("SmsSid", message.sid.clone()),
        ("SmsStatus", message.status.to_owned()),
        ("To", message.to.clone()),
    ];
    if let Some(service) = &message.messaging_service_sid {
        fields.push(("MessagingServiceSid", service.clone()));
    }
    if let Some(code) = message.error_code {
        fields.push(("ErrorCode", code.to_string()));
        fields.push(("ErrorMessage", error_message(code).to_owned()));
    }
    if matches!(message.status, "delivered" | "undelivered") {
        fields.push(("RawDlrDoneDate", now.strftime("%y%m%d%H%M").to_string()));
    }
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Sends one webhook, as often as the URL's fragment allows.
pub(super) async fn post(shared: &Shared, url: &str, fields: Vec<(String, String)>) -> Webhook {
    let (target, fragment) = url.split_once('#').unwrap_or((url, ""));
    let policy = Retries::read(fragment);
    let signature = sign(&shared.credentials.auth_token, target, &fields);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&fields)
        .finish();
    let token = chance::hex::<16>();
    let mut webhook = Webhook {
        at: shared.clock.now(),
        url: url.to_owned(),
        fields,
        signature,
        status: None,
        answered_at: None,
        error: None,
        tries: 0,
        content_type: String::new(),
        answer: String::new(),
    };
    loop {
        webhook.tries += 1;
        let request = shared
            .http
            .post(target)
            .timeout(policy.timeout)
            .header(
                "content-type",
                "application/x-www-form-urlencoded; charset=UTF-8",
            )
            .header("user-agent", "TwilioProxy/1.1")
            .header("x-twilio-signature", &webhook.signature)
            .header("i-twilio-idempotency-token", &token)
            .body(body.clone());
        let again = match request.send().await {
            Ok(response) => {
                let status = response.status();
                webhook.status = Some(status.as_u16());
                webhook.answered_at = Some(shared.clock.to_the_microsecond());
                let content_type = response.headers().get("content-type");
                webhook.content_type = content_type
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
                    .to_owned();
                webhook.answer = response.text().await.unwrap_or_default();
                webhook.error = (!status.is_success())
                    .then(|| (11200, format!("The webhook answered {status}.")));
                status.is_client_error() && policy.on("4xx")
                    || status.is_server_error() && policy.on("5xx")
            }
            Err(error) => {
                (webhook.status, webhook.answered_at) = (None, None);
                webhook.error =
                    Some((11205, format!("The webhook could not be reached: {error}.")));
                if error.is_connect() {
                    policy.on("ct")
                } else {
                    policy.on("rt")
                }
            }
        };
        if !again || webhook.tries > policy.count {
            return webhook;
        }
        tokio::time::sleep(Duration::from_millis(100 << webhook.tries.min(5))).await;
    }
}

/// `rc` (how often again, 0 to 5), `rp` (when: ct, rt, 4xx, 5xx, all) and `rt` or `tt` (milliseconds).
struct Retries<'a> {
    count: u32,
    when: Vec<&'a str>,
    timeout: Duration,
}

impl<'a> Retries<'a> {
    fn read(fragment: &'a str) -> Retries<'a> {
        let mut retries = Retries {
            count: 1,
            when: vec!["ct"],
            timeout: Duration::from_secs(15),
        };
        for (name, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "rc" => retries.count = value.parse().unwrap_or(1).min(5),
                "rp" => retries.when = value.split(',').collect(),
                "rt" | "tt" => {
                    retries.timeout =
                        Duration::from_millis(value.parse().unwrap_or(15_000).clamp(100, 15_000))
                }
                _ => {}
            }
        }
        retries
    }

    fn on(&self, what: &str) -> bool {
        self.when.iter().any(|when| *when == what || *when == "all")
    }
}
