//! A phone answers: the text is recorded, keywords are dealt with, our inbound webhook is told, and its
//! TwiML comes back to the phone.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::callbacks::{Webhook, post};
use super::messages::{Direction, Message};
use super::opt_out::Keyword;
use super::{Account, twiml};
use crate::phone::is_e164;
use crate::shared::Shared;

/// What followed from a text a phone sent.
#[derive(Clone, Debug, Serialize)]
pub struct Reply {
    /// The SID of the phone's text.
    pub sid: String,
    /// The inbound webhook; none when no URL is set for the number.
    pub webhook: Option<Webhook>,
    /// What came back to the phone, the carrier's own answer first.
    pub answers: Vec<String>,
}

/// Lets the phone with this number text our number. Ends once the webhook has answered.
pub(crate) async fn reply(shared: &Arc<Shared>, from: &str, body: &str) -> Result<Reply, String> {
    let now = shared.clock.now();
    let (message, keyword, own_answer, url) = shared.carrier().receive(from, body, now)?;
    shared.changed();
    let mut reply = Reply {
        sid: message.sid.clone(),
        webhook: None,
        answers: own_answer.into_iter().collect(),
    };

    if let Some(url) = url {
        let fields = inbound_fields(&message, keyword, &shared.credentials.account_sid);
        let mut webhook = post(shared, &url, fields).await;
        let now = shared.clock.now();
        let mut account = shared.carrier();
        if webhook.error.is_none() {
            match twiml::messages(&webhook.content_type, &webhook.answer) {
                Ok(texts) => {
                    for text in texts {
                        if account.answer_phone(from, &text, now) {
                            reply.answers.push(text);
                        }
                    }
                }
                Err(error) => webhook.error = Some(error),
            }
        }
        account.remember(webhook.clone());
        reply.webhook = Some(webhook);
    }
    shared.changed();
    Ok(reply)
}

type Received = (Message, Option<Keyword>, Option<String>, Option<String>);

impl Account {
    /// Records a phone's text: with its keyword (when webhooks tell it), the carrier's own answer and the
    /// URL to tell.
    pub(super) fn receive(
        &mut self,
        from: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<Received, String> {
        if !is_e164(from) {
            return Err(format!("'{from}' is not a phone number like +16025550123."));
        }
        if body.is_empty() || body.chars().count() > 1600 {
            return Err("A text has 1 to 1600 characters.".into());
        }
        let ours = self.credentials.from_number.clone();
        let message = self.add(Direction::Inbound, from, body, now);
        let keyword = Keyword::of(body);
        let own_answer = keyword
            .and_then(|keyword| self.opt_outs.apply(keyword, from, &ours))
            .map(str::to_owned);
        if let Some(text) = &own_answer {
            self.add(Direction::OutboundReply, from, text, now);
        }
        let url = self.inbound_urls.get(&ours).cloned();
        Ok((
            message,
            keyword.filter(|_| self.advanced_opt_out),
            own_answer,
            url,
        ))
    }

    /// Sends an answer to the phone; false when its owner has opted out.
    pub(super) fn answer_phone(&mut self, to: &str, body: &str, now: Timestamp) -> bool {
        let out = self.opt_outs.is_out(to, &self.credentials.from_number);
        let message = self.add(Direction::OutboundReply, to, body, now);
        if out {
            self.step(&message.sid, "failed", Some(21610), now);
        }
        !out
    }
}

fn inbound_fields(
    message: &Message,
    keyword: Option<Keyword>,
    account: &str,
) -> Vec<(String, String)> {
    let from = message.from.clone().unwrap_or_default();
    // The real one fills places from the number; 602 is Phoenix, the rest stays empty.
    let place = |number: &str| {
        if number.starts_with("+1602") {
            ("PHOENIX", "AZ", "85004", "US")
        } else {
            ("", "", "", "")
        }
    };
    let (from_place, to_place) = (place(&from), place(&message.to));
    let mut fields = vec![
        ("AccountSid", account.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("Body", message.body.clone()),
        ("FromCity", from_place.0.to_owned()),
        ("FromState", from_place.1.to_owned()),
        ("FromZip", from_place.2.to_owned()),
        ("FromCountry", from_place.3.to_owned()),
        ("From", from),
        ("MessageSid", message.sid.clone()),
        ("NumMedia", "0".to_owned()),
        ("NumSegments", message.segments.to_string()),
        ("SmsMessageSid", message.sid.clone()),
        ("SmsSid", message.sid.clone()),
        ("SmsStatus", "received".to_owned()),
        ("To", message.to.clone()),
        ("ToCity", to_place.0.to_owned()),
        ("ToState", to_place.1.to_owned()),
        ("ToZip", to_place.2.to_owned()),
        ("ToCountry", to_place.3.to_owned()),
    ];
    if let Some(keyword) = keyword {
        fields.push(("OptOutType", keyword.name().to_owned()));
    }
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
