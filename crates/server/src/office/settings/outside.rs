//! What the pages of outside systems (ServiceTitan, the carrier) have in common: what is kept of one, opened; what
//! a call said of it, and of what the call was made with; letting it go. Not here: their fields.

use axum::response::Response;
use ringback_domain::id::BusinessId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::sheet::Sheet;
use super::{Done, saved};
use crate::app::App;
use crate::error::Error;
use crate::office::door::Caller;
use crate::office::page::{At, Shell};
use crate::outbox::{connect, why};
use crate::store::integration::{self, Check, Integration};
use crate::store::{Order, StoreError, Tx};
use crate::words::Words;

/// What is kept of an outside system.
pub struct Kept<S, K> {
    /// The page around it.
    pub shell: Shell,
    /// Its settings, and what the last call said.
    pub integration: Option<Integration<S>>,
    /// Its secrets, opened.
    pub secrets: Option<K>,
}

impl<S, K> Kept<S, K>
where
    S: Serialize + DeserializeOwned + Send + 'static,
    K: Serialize + DeserializeOwned,
{
    /// Reads it.
    pub async fn load(app: &App, me: &Caller, kind: &'static str) -> Result<Self, Error> {
        let (caller, business) = (me.clone(), me.business());
        let read = move |tx: &mut Tx<'_>| {
            let shell = Shell::load(tx, &caller, At::Settings)?;
            Ok((shell, integration::get(tx, business, kind)?))
        };
        let (shell, integration) = app.store.read(read).await?;
        Ok(Self {
            secrets: connect::secrets(app, business, kind).await?,
            shell,
            integration,
        })
    }

    /// The settings as they are kept.
    pub fn settings(&self) -> Option<&S> {
        self.integration.as_ref().map(|kept| &kept.settings)
    }

    /// There are secrets, whether or not they open.
    pub fn connected(&self) -> bool {
        let kept = self.integration.as_ref();
        kept.is_some_and(|kept| kept.secret.is_some())
    }

    /// The key file does not open what is stored.
    pub fn unreadable(&self) -> bool {
        self.connected() && self.secrets.is_none()
    }

    /// What the last call said; nothing kept, or never called: `None`.
    pub fn check(&self) -> Option<&Check> {
        let (_, check) = self.integration.as_ref()?.checked.as_ref()?;
        Some(check)
    }

    /// Whether these are the very ones that are kept: then what a call says of them is kept, too.
    pub fn holds(&self, settings: &S, secrets: &K) -> bool {
        let same = |a: serde_json::Result<serde_json::Value>, b: serde_json::Result<_>| {
            a.is_ok_and(|a| b.is_ok_and(|b| a == b))
        };
        let (kept, sealed) = (self.settings(), self.secrets.as_ref());
        kept.is_some_and(|kept| same(serde_json::to_value(kept), serde_json::to_value(settings)))
            && sealed
                .is_some_and(|kept| same(serde_json::to_value(kept), serde_json::to_value(secrets)))
    }

    /// What is shown of a secret: its end, or that there is one. Empty where there is none.
    pub fn shown(&self, secret: fn(&K) -> &str) -> String {
        let kept = self.secrets.as_ref();
        kept.map_or_else(String::new, |kept| saved_secret(self.shell.w, secret(kept)))
    }

    /// What is said at the top of the page: of what was just tried with the form, or of what is kept.
    /// `refused` is the sentence for credentials that are not accepted.
    pub fn told(&self, tried: Option<&Check>, refused: &'static str) -> Option<Told> {
        let kept = self.integration.as_ref().and_then(|i| i.checked.as_ref());
        let (at, check) = match (tried, kept) {
            (Some(check), _) => (None, check),
            (None, Some((at, check))) => (Some(self.shell.moment(at)), check),
            (None, None) => return None,
        };
        let w = self.shell.w;
        Some(Told {
            works: check.works,
            at,
            said: match check.said.as_str() {
                "crm-credentials" | "text-credentials" => w.say(refused),
                "" => String::new(),
                kept => why::sentence(w, kept),
            },
        })
    }
}

/// What a call to an outside system said, for the top of its page.
pub struct Told {
    /// It works.
    pub works: bool,
    /// When what is saved was tried; `None`: it was just now, with what stands in the form and is not saved.
    pub at: Option<String>,
    /// What it said; empty when all is well.
    pub said: String,
}

/// Lets an outside system go: its secrets are forgotten.
pub async fn disconnect(
    app: &App,
    business: BusinessId,
    kind: &'static str,
    page: &str,
) -> Result<Response, Error> {
    let forget = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        integration::disconnect(tx, business, kind)
    };
    app.store
        .write(Order::Business(business.get()), forget)
        .await?;
    Ok(saved(page, Done::Disconnected))
}

/// What the page says after saving, which calls, too.
pub fn after_saving(said: Option<&Check>) -> Done {
    match said {
        Some(check) if check.works => Done::Connected,
        _ => Done::NotConnected,
    }
}

/// What was typed as a secret, else what is kept.
pub fn secret(sheet: &Sheet, name: &str, kept: Option<&str>) -> String {
    match sheet.secret(name).trim() {
        "" => kept.unwrap_or_default().to_owned(),
        typed => typed.to_owned(),
    }
}

/// Says what is wrong with secrets that cannot be any, each at its field.
pub fn judge_secrets(sheet: &mut Sheet, w: &Words, longest: usize, secrets: &[(&str, &str)]) {
    for (name, value) in secrets {
        if value.len() > longest {
            sheet.wrong(name, w.with("wrong-too-long", &[("longest", longest)]));
        }
        // It travels in a header.
        if !value.bytes().all(|b| b.is_ascii_graphic()) {
            sheet.wrong(name, w.say("wrong-secret-letters"));
        }
    }
}

/// `Saved, ends in …1234`; of a short secret no letter is shown.
fn saved_secret(w: &Words, secret: &str) -> String {
    match connect::ending(secret) {
        _ if secret.is_empty() => String::new(),
        Some(end) => w.with("secret-saved-ends", &[("end", end)]),
        None => w.say("secret-saved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::fields::Fields;

    #[test]
    fn of_a_secret_only_the_end_is_shown_and_of_a_short_one_nothing() {
        let w = Words::of("en");
        assert!(saved_secret(w, "cs1.sandbox-only-1234").contains("…1234"));
        assert!(!saved_secret(w, "short-1234").contains("1234"));
        assert_eq!(saved_secret(w, ""), "");
    }

    #[test]
    fn an_empty_field_keeps_the_secret_and_a_typed_one_takes_its_place() {
        let sheet = Sheet::sent(Fields::read(b"a=++&b=+new+"));
        assert_eq!(secret(&sheet, "a", Some("kept")), "kept");
        assert_eq!(secret(&sheet, "b", Some("kept")), "new");
        assert_eq!(secret(&sheet, "c", None), "");
    }
}
