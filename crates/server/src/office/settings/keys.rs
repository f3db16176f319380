//! Settings, *API keys*: for programs that read leads and settings. A key is shown once, when it is made; only
//! its hash is kept.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::business::line;
use super::sheet::Sheet;
use super::{Done, saved};
use crate::app::App;
use crate::error::Error;
use crate::office::door::{self, Caller};
use crate::office::fields::{Asked, Fields};
use crate::office::page::{self, At, Shell};
use crate::random;
use crate::store::Order;
use crate::store::api_key::{self, ApiKey};

const PAGE: &str = "/office/settings/keys";
const LONGEST_NAME: usize = 60;

#[derive(Template)]
#[template(path = "office/settings/keys.html")]
struct KeysPage {
    shell: Shell,
    done: Option<Done>,
    sheet: Sheet,
    keys: Vec<ApiKey>,
    /// The key just made: shown this once.
    made: Option<String>,
    /// Where programs call.
    api: String,
}

impl KeysPage {
    fn address(&self, key: &ApiKey) -> String {
        format!("{PAGE}/{}/revoke", hex(&key.hash))
    }
}

/// `GET /office/settings/keys`.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let mut page = load(&app, &me).await?;
    page.done = Done::read(&asked);
    page::html(&page)
}

/// `POST /office/settings/keys`: a new key, shown in the answer and never again.
pub async fn make(State(app): State<App>, me: Caller, fields: Fields) -> Result<Response, Error> {
    let page = load(&app, &me).await?;
    let mut sheet = Sheet::sent(fields);
    let name = line(&mut sheet, page.shell.w, "name", LONGEST_NAME);
    if name.is_empty() {
        sheet.wrong("name", page.shell.w.say("wrong-key-name"));
    }
    if !sheet.is_right() {
        let page = KeysPage { sheet, ..page };
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let key = format!("rb_{}", random::token());
    let (hash, business) = (door::hash(&key), me.business());
    app.store
        .write(Order::Business(business.get()), move |tx| {
            api_key::create(tx, business, &name, &hash)
        })
        .await?;
    let mut page = load(&app, &me).await?;
    page.made = Some(key);
    page::html(&page)
}

/// `POST /office/settings/keys/{hash}/revoke`: it opens nothing from now on.
pub async fn revoke(
    State(app): State<App>,
    me: Caller,
    Path(hash): Path<String>,
) -> Result<Response, Error> {
    let hash = unhex(&hash).ok_or(Error::NotFound)?;
    let business = me.business();
    app.store
        .write(Order::Business(business.get()), move |tx| {
            api_key::revoke(tx, business, &hash)
        })
        .await?;
    Ok(saved(PAGE, Done::Revoked))
}

async fn load(app: &App, me: &Caller) -> Result<KeysPage, Error> {
    let (me, api) = (me.clone(), format!("{}/api/v1/leads", app.config.origin()));
    let page = app.store.read(move |tx| {
        Ok(KeysPage {
            shell: Shell::load(tx, &me, At::Settings)?,
            keys: api_key::list(tx, me.business())?,
            done: None,
            sheet: Sheet::default(),
            made: None,
            api: api.clone(),
        })
    });
    Ok(page.await?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_goes_into_an_address_and_back() {
        let hash = door::hash("rb_x");
        assert_eq!(unhex(&hex(&hash)), Some(hash));
        assert_eq!(unhex("zz"), None);
        assert_eq!(unhex(&"é".repeat(32)), None);
    }
}
