//! Connecting outside systems: what an Administrator types is checked for its shape, secrets are sealed, and
//! a field left empty keeps what is saved. Whether it works is `check.rs`' to say.

use ringback_domain::id::BusinessId;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::crm::servicetitan;
use crate::sms::twilio;
use crate::store::integration::{self, Integration, SERVICETITAN, TEXTS};
use crate::store::{Order, StoreError, Tx};

/// Why something cannot be saved: the key of a sentence below `error-`.
pub type Wrong = &'static str;

/// Saves ServiceTitan's settings and secrets.
pub async fn servicetitan(
    app: &App,
    business: BusinessId,
    settings: servicetitan::Settings,
    typed: servicetitan::Secrets,
) -> Result<Result<(), Wrong>, StoreError> {
    if let Some(wrong) = settings.wrong() {
        return Ok(Err(wrong));
    }
    let saved: servicetitan::Secrets = secrets(app, business, SERVICETITAN)
        .await?
        .unwrap_or_default();
    let secrets = servicetitan::Secrets {
        client_secret: typed_or(typed.client_secret, saved.client_secret),
        app_key: typed_or(typed.app_key, saved.app_key),
    };
    if secrets.client_secret.is_empty() || secrets.app_key.is_empty() {
        return Ok(Err("servicetitan-secrets"));
    }
    save(app, business, SERVICETITAN, settings, &secrets)
        .await
        .map(Ok)
}

/// Saves the carrier's settings and secrets.
pub async fn texts(
    app: &App,
    business: BusinessId,
    settings: twilio::Settings,
    typed: twilio::Secrets,
) -> Result<Result<(), Wrong>, StoreError> {
    if let Some(wrong) = settings.wrong() {
        return Ok(Err(wrong));
    }
    let saved: twilio::Secrets = secrets(app, business, TEXTS).await?.unwrap_or_default();
    let secrets = twilio::Secrets {
        api_key_secret: typed_or(typed.api_key_secret, saved.api_key_secret),
        auth_token: typed_or(typed.auth_token, saved.auth_token),
        auth_token_secondary: typed_or(typed.auth_token_secondary, saved.auth_token_secondary),
    };
    if secrets.auth_token.is_empty() {
        return Ok(Err("twilio-auth-token"));
    }
    if !settings.api_key_sid.is_empty() && secrets.api_key_secret.is_empty() {
        return Ok(Err("twilio-api-key-secret"));
    }
    save(app, business, TEXTS, settings, &secrets).await.map(Ok)
}

/// The saved secrets, opened; `None` where there are none, or where they do not open any more (the key file
/// is another one: they have to be typed again).
pub async fn secrets<K: DeserializeOwned>(
    app: &App,
    business: BusinessId,
    kind: &'static str,
) -> Result<Option<K>, StoreError> {
    let read = move |tx: &mut Tx<'_>| integration::get::<serde_json::Value>(tx, business, kind);
    let Some(Integration {
        secret: Some(sealed),
        ..
    }) = app.store.read(read).await?
    else {
        return Ok(None);
    };
    let opened = match app.vault.unseal(business, kind, &sealed) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(%error, kind, "a secret does not open");
            return Ok(None);
        }
    };
    Ok(serde_json::from_slice(opened.expose_secret()).ok())
}

/// What a form may show of a saved secret: its last four characters, when it is long enough to spare them.
pub fn ending(secret: &str) -> Option<String> {
    let length = secret.chars().count();
    (length >= 12).then(|| secret.chars().skip(length - 4).collect())
}

fn typed_or(typed: String, saved: String) -> String {
    let typed = typed.trim();
    if typed.is_empty() {
        saved
    } else {
        typed.to_owned()
    }
}

async fn save(
    app: &App,
    business: BusinessId,
    kind: &'static str,
    settings: impl Serialize + Send + Sync + 'static,
    secrets: &impl Serialize,
) -> Result<(), StoreError> {
    let secrets = serde_json::to_vec(secrets).expect("our own secrets are JSON");
    let sealed = app.vault.seal(business, kind, &secrets);
    app.store
        .write(Order::Business(business.get()), move |tx| {
            integration::save(tx, business, kind, &settings, Some(&sealed))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_keeps_what_is_saved_and_only_long_secrets_show_an_ending() {
        assert_eq!(typed_or("  ".into(), "saved".into()), "saved");
        assert_eq!(typed_or(" new ".into(), "saved".into()), "new");
        assert_eq!(ending("0123456789abcdef").as_deref(), Some("cdef"));
        assert_eq!(ending("short"), None);
    }
}
