//! The office's test buttons: each really calls the outside, says what it said, and keeps it for the
//! readiness list. Nothing is sent to anybody.

use ringback_domain::id::BusinessId;
use serde::de::DeserializeOwned;

use super::connect;
use crate::app::App;
use crate::crm::servicetitan::{self, Account, Credentials, ServiceTitan};
use crate::crm::{self, Crm as _};
use crate::sms::twilio::{self, Twilio};
use crate::sms::{self, Carrier as _};
use crate::store::integration::{self, Check, Integration, SERVICETITAN, TEXTS};
use crate::store::outbox::{self as rows, Channel};
use crate::store::{Hint, Order, StoreError, Tx};
use crate::why;

/// Calls ServiceTitan with what is saved, and keeps what it said. `None` when nothing is saved yet.
pub async fn servicetitan(app: &App, business: BusinessId) -> Result<Option<Check>, StoreError> {
    let Some((settings, secrets)) = saved(app, business, SERVICETITAN).await? else {
        return Ok(None);
    };
    let check = try_servicetitan(app, &settings, &secrets).await;
    keep(app, business, SERVICETITAN, check).await.map(Some)
}

/// Calls ServiceTitan with these, as somebody who has never called, and lists campaigns, call reasons and booking
/// providers by name. Keeps nothing.
pub async fn try_servicetitan(
    app: &App,
    settings: &servicetitan::Settings,
    secrets: &servicetitan::Secrets,
) -> Check {
    let credentials = Credentials::new(settings, secrets.clone());
    let (calls, clock) = (app.calls.clone(), app.clock.clone());
    let account = Account::new(calls, super::crm::hosts(app), clock, credentials);
    match ServiceTitan::new(&account).choices().await {
        Ok(choices) => {
            let known = choices
                .booking_providers
                .iter()
                .any(|tag| tag.id == settings.booking_provider);
            Check {
                works: known,
                refused: false,
                said: if known { "" } else { "crm-unknown-provider" }.into(),
                choices,
            }
        }
        Err(trouble) => failed(
            trouble == crm::Trouble::Credentials,
            match trouble {
                crm::Trouble::Credentials => why::keep("crm-credentials", ""),
                crm::Trouble::Forbidden { said } => why::keep("crm-forbidden", &said),
                crm::Trouble::Refused { said } | crm::Trouble::Conflict { said } => {
                    why::keep("crm-refused", &said)
                }
                crm::Trouble::TryLater { said, .. } | crm::Trouble::Unknown { said, .. } => {
                    why::keep("crm-no-answer", &said)
                }
                crm::Trouble::Unset(key) => key.to_owned(),
            },
        ),
    }
}

/// Calls the carrier with what is saved, and keeps what it said. `None` when nothing is saved yet.
pub async fn texts(app: &App, business: BusinessId) -> Result<Option<Check>, StoreError> {
    let Some((settings, secrets)) = saved(app, business, TEXTS).await? else {
        return Ok(None);
    };
    let check = try_texts(app, &settings, &secrets).await;
    keep(app, business, TEXTS, check).await.map(Some)
}

/// Calls the carrier with these: with the key that sends, and with the token that only proves what the carrier
/// tells us. Keeps nothing.
pub async fn try_texts(app: &App, settings: &twilio::Settings, secrets: &twilio::Secrets) -> Check {
    let call = async |settings: &twilio::Settings| {
        let url = app.config.twilio_url.as_str();
        Twilio::new(&app.calls, url, settings, secrets)
            .check()
            .await
    };
    match call(settings).await {
        Ok(()) => {
            let without_key = twilio::Settings {
                api_key_sid: String::new(),
                ..settings.clone()
            };
            let token = call(&without_key).await;
            let wrong_token = token == Err(sms::Trouble::Credentials);
            Check {
                works: !wrong_token,
                said: if wrong_token { "text-auth-token" } else { "" }.into(),
                ..Check::default()
            }
        }
        Err(trouble) => failed(
            trouble == sms::Trouble::Credentials,
            match trouble {
                sms::Trouble::Credentials => why::keep("text-credentials", ""),
                sms::Trouble::Refused(wrong) => why::keep(wrong.why, &wrong.said),
                sms::Trouble::TryLater { said, .. } | sms::Trouble::Unknown { said } => {
                    why::keep("text-no-answer", &said)
                }
            },
        ),
    }
}

fn failed(refused: bool, said: String) -> Check {
    Check {
        works: false,
        refused,
        said,
        ..Check::default()
    }
}

/// Settings and opened secrets; `None` where either is missing.
async fn saved<S, K>(
    app: &App,
    business: BusinessId,
    kind: &'static str,
) -> Result<Option<(S, K)>, StoreError>
where
    S: DeserializeOwned + Send + 'static,
    K: DeserializeOwned,
{
    let read = move |tx: &mut Tx<'_>| integration::get::<S>(tx, business, kind);
    let settings = app.store.read(read).await?.map(|found| found.settings);
    let secrets = connect::secrets(app, business, kind).await?;
    Ok(settings.zip(secrets))
}

async fn keep(
    app: &App,
    business: BusinessId,
    kind: &'static str,
    check: Check,
) -> Result<Check, StoreError> {
    let kept = check.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut kept = kept.clone();
        if !kept.works {
            // What could be chosen before can still be chosen.
            let before: Option<Integration<serde_json::Value>> =
                integration::get(tx, business, kind)?;
            let before = before.and_then(|before| before.checked);
            if kept.choices == crm::Choices::default() {
                kept.choices = before.map(|(_, check)| check.choices).unwrap_or_default();
            }
        }
        if kept.works {
            // What waits for its next try need not wait any longer.
            let channel = if kind == TEXTS {
                Channel::Text
            } else {
                Channel::Crm
            };
            rows::hurry(tx, business, channel)?;
            tx.hint(Hint::Deliveries);
        }
        integration::checked(tx, business, kind, &kept)
    };
    app.store
        .write(Order::Business(business.get()), write)
        .await?;
    Ok(check)
}
