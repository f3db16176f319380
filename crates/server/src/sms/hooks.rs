//! What the carrier tells us: reports about texts we sent, and texts that people send. Both are believed
//! only when the account's auth token has signed them for our configured public URL.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use ringback_domain::conversation::{Ask, read_reply};
use ringback_domain::id::BusinessId;
use ringback_domain::lead::LeadEvent;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::reports::carrier_says;
use super::stop::{no_text_going, opted_out};
use super::twilio::{self, Secrets, Settings};
use super::{Says, signature};
use crate::app::App;
use crate::error::Error;
use crate::store::integration::{self, Integration, TEXTS};
use crate::store::{Order, StoreError, Tx, lead, opt_out, outbox, text_message};

const SIGNATURE: &str = "x-twilio-signature";
/// Twilio's forms are a few hundred bytes; a text is at most 1,600 characters.
const LARGEST_FORM: usize = 64 * 1024;
/// "No reply": Twilio answers STOP, START and HELP itself.
const NO_REPLY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

/// A report about a text: `POST /hooks/texts/status?m={our id}`.
pub async fn status(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let form = Form::read(&body)?;
    let accounts = signed_by(&app, &uri, &headers, &form).await?;
    let our_id = query(&uri, "m");
    let report = Report::of(&form);
    if let (Some(our_id), Some(report)) = (our_id, report) {
        app.store
            .write(Order::Any, move |tx| report.note(tx, &accounts, &our_id))
            .await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A text that came in: `POST /hooks/texts/inbound`.
pub async fn inbound(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let form = Form::read(&body)?;
    let accounts = signed_by(&app, &uri, &headers, &form).await?;
    if let Some(received) = Received::of(&form) {
        let addressed = addressed(&accounts, &form);
        let (stops, from) = (received.ask == Ask::Stop, received.from.clone());
        let noted = addressed.clone();
        app.store
            .write(Order::Any, move |tx| {
                noted
                    .iter()
                    .try_for_each(|business| received.note(tx, *business))
            })
            .await?;
        if stops {
            no_text_going(&app, &addressed, &from).await?;
        }
    }
    Ok((
        [(header::CONTENT_TYPE, "text/xml; charset=utf-8")],
        NO_REPLY,
    )
        .into_response())
}

/// The businesses whose account signed this call.
async fn signed_by(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Vec<Integration<Settings>>, Error> {
    let signature = headers
        .get(SIGNATURE)
        .and_then(|value| value.to_str().ok())
        .ok_or(Error::Unreadable("error-not-signed"))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let account = form.get("AccountSid").unwrap_or_default();
    let mut connections = app
        .store
        .read(|tx| integration::all::<Settings>(tx, TEXTS))
        .await?;
    connections.retain(|connection| {
        connection.settings.account_sid == account
            && secrets(app, connection).is_some_and(|secrets| {
                let url = &app.config.public_url;
                signature::is_signed(secrets.signing(), url, path, &form.fields, signature)
            })
    });
    if connections.is_empty() {
        return Err(Error::NotAllowed);
    }
    Ok(connections)
}

fn secrets(app: &App, connection: &Integration<Settings>) -> Option<Secrets> {
    let sealed = connection.secret.as_ref()?;
    let opened = app.vault.unseal(connection.business, TEXTS, sealed).ok()?;
    serde_json::from_slice(opened.expose_secret()).ok()
}

/// Whose sender a text was sent to; every business of the account where none is known by it.
fn addressed(accounts: &[Integration<Settings>], form: &Form) -> Vec<BusinessId> {
    let (to, service) = (form.get("To"), form.get("MessagingServiceSid"));
    let is_sender = |connection: &&Integration<Settings>| {
        let Settings {
            from,
            messaging_service_sid,
            ..
        } = &connection.settings;
        let is = |ours: &str, theirs: Option<&str>| !ours.is_empty() && theirs == Some(ours);
        is(from, to) || is(messaging_service_sid, service)
    };
    let known: Vec<_> = accounts.iter().filter(is_sender).collect();
    let addressed = if known.is_empty() {
        accounts.iter().collect()
    } else {
        known
    };
    addressed
        .into_iter()
        .map(|connection| connection.business)
        .collect()
}

/// What Twilio says became of a text.
#[derive(Clone)]
struct Report(Says);

impl Report {
    /// `None` for a status that did not exist when this was written: there is nothing to note.
    fn of(form: &Form) -> Option<Self> {
        let status = twilio::status(form.get("MessageStatus")?)?;
        let code = form
            .get("ErrorCode")
            .and_then(|code| code.parse::<i64>().ok())
            .filter(|code| *code != 0);
        let said = form.get("ErrorMessage").unwrap_or_default();
        Some(Self(Says {
            carrier_id: form.get("MessageSid")?.to_owned(),
            status,
            wrong: code.map(|code| twilio::wrong(code, said)),
        }))
    }

    /// A text of an account that did not sign is not touched; one we do not know (any more) is no mistake.
    fn note(
        &self,
        tx: &mut Tx<'_>,
        accounts: &[Integration<Settings>],
        our_id: &str,
    ) -> Result<(), StoreError> {
        let text = outbox::by_our_id(tx, our_id)?;
        match text {
            Some(text) if accounts.iter().any(|a| a.business == text.business) => {
                carrier_says(tx, &text, &self.0)
            }
            _ => Ok(()),
        }
    }
}

/// A text from a person.
#[derive(Clone)]
struct Received {
    from: String,
    body: String,
    carrier_id: String,
    ask: Ask,
    /// The carrier has heard it as what it is: where it was STOP, the carrier sends nothing any more either.
    source: opt_out::Source,
}

impl Received {
    fn of(form: &Form) -> Option<Self> {
        let body = form.get("Body").unwrap_or_default().to_owned();
        // The carrier's own word for it holds; ours catches what it does not know.
        let theirs = form.get("OptOutType");
        let source = match theirs {
            Some("STOP" | "START") => opt_out::Source::Carrier,
            _ => opt_out::Source::InboundText,
        };
        let ask = match (theirs, read_reply(&body)) {
            (Some("STOP"), _) | (_, Ask::Stop) => Ask::Stop,
            (Some("START"), _) | (_, Ask::Start) => Ask::Start,
            (_, ask) => ask,
        };
        Some(Self {
            from: form.get("From").filter(|from| !from.is_empty())?.to_owned(),
            body,
            carrier_id: form.get("MessageSid")?.to_owned(),
            ask,
            source,
        })
    }

    /// Into the conversation, the ledger and the timeline; once, however often it is told.
    fn note(&self, tx: &mut Tx<'_>, business: BusinessId) -> Result<(), StoreError> {
        let lead = lead::of_person(tx, business, &self.from, "")?
            .into_iter()
            .next();
        let (id, from, body) = (lead.as_ref().map(|lead| lead.id), &self.from, &self.body);
        if !text_message::came_in(tx, business, from, body, &self.carrier_id, id)? {
            return Ok(());
        }
        if let Some(lead) = &lead {
            let detail = json!({ "body": body });
            lead::event(tx, lead, LeadEvent::TextReceived, None, detail)?;
        }
        match self.ask {
            Ask::Stop => opted_out(tx, business, from, self.source, body),
            Ask::Start => opt_out::note(tx, business, from, false, self.source, body),
            Ask::Help | Ask::Other => Ok(()),
        }
    }
}

/// The fields of a form, in the order they came.
struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    fn read(body: &[u8]) -> Result<Self, Error> {
        if body.len() > LARGEST_FORM {
            return Err(Error::TooLarge);
        }
        let fields = url::form_urlencoded::parse(body).into_owned().collect();
        Ok(Self { fields })
    }

    /// A field's value, as the store can keep it.
    fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(field, _)| field == name)?;
        Some(field.1.split('\0').next().unwrap_or_default())
    }
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    url::form_urlencoded::parse(uri.query()?.as_bytes())
        .find(|(field, _)| field == name)
        .map(|(_, value)| value.replace('\0', ""))
}
