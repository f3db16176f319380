//! The connection to an outside system as it is kept: settings in the open, secrets sealed; opened again for a
//! call or for the form that shows their endings. Whether it works is `check.rs`' to say.

use ringback_domain::id::BusinessId;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::crm::Choices;
use crate::store::integration::{self, Check, Integration};
use crate::store::{Order, StoreError, Tx};

/// Keeps settings and sealed secrets. `choices` are what can still be chosen from before the next call; what an
/// earlier call said otherwise no longer holds.
pub async fn keep(
    app: &App,
    business: BusinessId,
    kind: &'static str,
    settings: &impl Serialize,
    secrets: &impl Serialize,
    choices: Choices,
) -> Result<(), StoreError> {
    let plain = serde_json::to_vec(secrets).expect("strings are JSON");
    let sealed = app.vault.seal(business, kind, &plain);
    let settings = serde_json::to_value(settings).expect("settings are JSON");
    let write = move |tx: &mut Tx<'_>| {
        integration::save(tx, business, kind, &settings, Some(&sealed))?;
        if choices == Choices::default() {
            return Ok(());
        }
        let untested = Check {
            choices: choices.clone(),
            ..Check::default()
        };
        integration::checked(tx, business, kind, &untested)
    };
    app.store
        .write(Order::Business(business.get()), write)
        .await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_secrets_show_an_ending() {
        assert_eq!(ending("0123456789abcdef").as_deref(), Some("cdef"));
        assert_eq!(ending("short"), None);
    }
}
