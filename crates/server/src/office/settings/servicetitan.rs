//! Settings, *ServiceTitan*: credentials (secrets only ever go in), the lists to choose from by name, and a
//! button that really calls. Saving calls too, so that a slip shows at once.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::business::line;
use super::outside::{self, Told, judge_secrets, secret};
use super::sheet::Sheet;
use super::{Done, saved};
use crate::app::App;
use crate::crm::servicetitan::{Secrets, Settings};
use crate::crm::{Choices, Named};
use crate::error::Error;
use crate::office::door::Caller;
use crate::office::fields::{Asked, Fields};
use crate::office::page::{self, At, Shell};
use crate::outbox::{by_hand, check, connect};
use crate::store::integration::{Check, SERVICETITAN};
use crate::store::{Order, Tx};
use crate::words::Words;

const PAGE: &str = "/office/settings/servicetitan";
/// Client IDs and keys are well below this.
const LONGEST: usize = 300;

#[derive(Template)]
#[template(path = "office/settings/servicetitan.html")]
struct ServiceTitanPage {
    shell: Shell,
    done: Option<Done>,
    sheet: Sheet,
    connected: bool,
    /// The key file does not open what is stored.
    unreadable: bool,
    told: Option<Told>,
    client_secret: String,
    app_key: String,
    choices: Choices,
}

impl ServiceTitanPage {
    fn providers(&self) -> Vec<(String, String)> {
        self.named(&self.choices.booking_providers, "booking_provider")
    }

    fn campaigns(&self) -> Vec<(String, String)> {
        self.named(&self.choices.campaigns, "campaign")
    }

    fn call_reasons(&self) -> Vec<(String, String)> {
        self.named(&self.choices.call_reasons, "call_reason")
    }

    /// By name; what stands comes along even when ServiceTitan no longer lists it.
    fn named(&self, listed: &[Named], field: &str) -> Vec<(String, String)> {
        let w = self.shell.w;
        let mut choices = vec![(String::new(), w.say("choose-none"))];
        choices.extend(
            listed
                .iter()
                .map(|one| (one.id.to_string(), one.name.clone())),
        );
        let stands = self.sheet.value(field);
        if choices.iter().all(|(id, _)| *id != stands) {
            let name = w.with("choose-unlisted", &[("id", stands.as_str())]);
            choices.push((stands, name));
        }
        choices
    }
}

type Kept = outside::Kept<Settings, Secrets>;

fn page(kept: Kept, sheet: Sheet, done: Option<Done>, tried: Option<Check>) -> ServiceTitanPage {
    let lists = |check: &Check| Some(check.choices.clone()).filter(|c| *c != Choices::default());
    let listed = tried.as_ref().and_then(lists);
    ServiceTitanPage {
        client_secret: kept.shown(|secrets| &secrets.client_secret),
        app_key: kept.shown(|secrets| &secrets.app_key),
        connected: kept.connected(),
        unreadable: kept.unreadable() && tried.is_none(),
        told: kept.told(tried.as_ref(), "crm-credentials-here"),
        choices: listed
            .or_else(|| kept.check().and_then(lists))
            .unwrap_or_default(),
        shell: kept.shell,
        sheet,
        done,
    }
}

/// `GET /office/settings/servicetitan`.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let kept = Kept::load(&app, &me, SERVICETITAN).await?;
    let sheet = filled(kept.settings());
    page::html(&page(kept, sheet, Done::read(&asked), None))
}

/// `POST /office/settings/servicetitan`: kept, then called.
pub async fn save(State(app): State<App>, me: Caller, fields: Fields) -> Result<Response, Error> {
    let kept = Kept::load(&app, &me, SERVICETITAN).await?;
    let mut sheet = Sheet::sent(fields);
    let Some((mut settings, secrets)) = read(&mut sheet, kept.shell.w, kept.secrets.as_ref())
    else {
        let page = page(kept, sheet, None, None);
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let business = me.business();
    // The same company's lists can still be chosen from, whatever the next call says.
    let same = kept.settings().is_some_and(|k| k.tenant == settings.tenant);
    let lists = kept.check().filter(|_| same);
    let lists = lists.map(|check| check.choices.clone()).unwrap_or_default();
    let keep = async |settings: &Settings, lists| {
        connect::keep(&app, business, SERVICETITAN, settings, &secrets, lists).await
    };
    keep(&settings, lists).await?;
    let mut said = check::servicetitan(&app, business).await?;
    if settings.booking_provider == 0
        && let Some(Check { choices, .. }) = &said
        && let [only] = choices.booking_providers.as_slice()
    {
        // Nothing to choose between.
        settings.booking_provider = only.id;
        keep(&settings, choices.clone()).await?;
        said = check::servicetitan(&app, business).await?;
    }
    Ok(saved(PAGE, outside::after_saving(said.as_ref())))
}

/// `POST /office/settings/servicetitan/test`: really calls, with what stands in the form. Nothing is saved.
pub async fn test(State(app): State<App>, me: Caller, fields: Fields) -> Result<Response, Error> {
    let kept = Kept::load(&app, &me, SERVICETITAN).await?;
    let mut sheet = Sheet::sent(fields);
    let Some((settings, secrets)) = read(&mut sheet, kept.shell.w, kept.secrets.as_ref()) else {
        let page = page(kept, sheet, None, None);
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    if kept.holds(&settings, &secrets) {
        check::servicetitan(&app, me.business()).await?;
        return Ok(saved(PAGE, Done::Tested));
    }
    let tried = check::try_servicetitan(&app, &settings, &secrets).await;
    page::html(&page(kept, sheet, None, Some(tried)))
}

/// `POST /office/settings/servicetitan/disconnect`: the secrets are forgotten.
pub async fn disconnect(State(app): State<App>, me: Caller) -> Result<Response, Error> {
    outside::disconnect(&app, me.business(), SERVICETITAN, PAGE).await
}

/// `POST /office/settings/servicetitan/send-open`: what is open from before it was connected goes there too.
pub async fn send_open(State(app): State<App>, me: Caller) -> Result<Response, Error> {
    let (business, staff) = (me.business(), me.staff.id);
    let sent = app
        .store
        .write(Order::Business(business.get()), move |tx| {
            by_hand::send_open(tx, business, staff)
        })
        .await?;
    let done = if sent > 0 {
        Done::Sent
    } else {
        Done::NoneToSend
    };
    Ok(saved(PAGE, done))
}

/// `POST /office/settings/servicetitan/retry`: what it has not taken is tried again, all of it.
pub async fn retry(State(app): State<App>, me: Caller) -> Result<Response, Error> {
    let business = me.business();
    let order = Order::Business(business.get());
    let retry = move |tx: &mut Tx<'_>| by_hand::retry_not_taken(tx, business);
    let again = app.store.write(order, retry).await?;
    let done = if again > 0 {
        Done::Retried
    } else {
        Done::NoneToRetry
    };
    Ok(saved("/office/settings", done))
}

fn filled(settings: Option<&Settings>) -> Sheet {
    let Some(settings) = settings else {
        return Sheet::default();
    };
    let number = |id: Option<i64>| {
        id.filter(|id| *id != 0)
            .map_or_else(String::new, |id| id.to_string())
    };
    Sheet::filled(
        [
            ("tenant", number(Some(settings.tenant))),
            ("client_id", settings.client_id.clone()),
            ("booking_provider", number(Some(settings.booking_provider))),
            ("campaign", number(settings.campaign_id)),
            ("call_reason", number(settings.call_reason_id)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}

/// Reads the form, or says what is wrong. The booking provider may be chosen after the first call.
fn read(sheet: &mut Sheet, w: &Words, kept: Option<&Secrets>) -> Option<(Settings, Secrets)> {
    let tenant = number(sheet, w, "tenant");
    if sheet.value("tenant").is_empty() {
        sheet.wrong("tenant", w.say("wrong-tenant"));
    }
    let client_id = line(sheet, w, "client_id", LONGEST);
    if client_id.is_empty() {
        sheet.wrong("client_id", w.say("wrong-client-id"));
    }
    let secrets = Secrets {
        client_secret: secret(
            sheet,
            "client_secret",
            kept.map(|k| k.client_secret.as_str()),
        ),
        app_key: secret(sheet, "app_key", kept.map(|k| k.app_key.as_str())),
    };
    for (name, value, missing) in [
        (
            "client_secret",
            &secrets.client_secret,
            "wrong-client-secret",
        ),
        ("app_key", &secrets.app_key, "wrong-app-key"),
    ] {
        if value.is_empty() {
            sheet.wrong(name, w.say(missing));
        }
    }
    let typed = [
        ("client_secret", secrets.client_secret.as_str()),
        ("app_key", secrets.app_key.as_str()),
    ];
    judge_secrets(sheet, w, LONGEST, &typed);
    let settings = Settings {
        tenant: tenant.unwrap_or_default(),
        client_id,
        booking_provider: number(sheet, w, "booking_provider").unwrap_or_default(),
        campaign_id: number(sheet, w, "campaign"),
        call_reason_id: number(sheet, w, "call_reason"),
    };
    sheet.is_right().then_some((settings, secrets))
}

/// A positive number, or nothing.
fn number(sheet: &mut Sheet, w: &Words, name: &str) -> Option<i64> {
    let typed = Some(sheet.value(name)).filter(|typed| !typed.is_empty())?;
    let number = typed.parse().ok().filter(|number| *number > 0);
    if number.is_none() {
        sheet.wrong(name, w.say("wrong-number"));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(body: &str) -> Sheet {
        Sheet::sent(Fields::read(body.as_bytes()))
    }

    #[test]
    fn the_first_time_everything_secret_must_be_typed_and_later_nothing() {
        let w = Words::of("en");
        let body = "tenant=1602555&client_id=cid.x&client_secret=cs1.x&app_key=ak1.x&campaign=7";
        let (settings, secrets) = read(&mut sheet(body), w, None).unwrap();
        assert_eq!((settings.tenant, settings.booking_provider), (1_602_555, 0));
        assert_eq!(
            (settings.campaign_id, settings.call_reason_id),
            (Some(7), None)
        );
        assert_eq!(secrets.app_key, "ak1.x");

        let mut shown = filled(Some(&settings));
        let mut bare = shown.clone();
        assert!(read(&mut bare, w, None).is_none());
        assert!(bare.trouble("client_secret").is_some() && bare.trouble("app_key").is_some());
        let (again, kept) = read(&mut shown, w, Some(&secrets)).unwrap();
        assert_eq!(again, settings);
        assert_eq!(kept.client_secret, "cs1.x");
    }

    #[test]
    fn every_slip_has_a_sentence_at_its_field() {
        let good = "tenant=1&client_id=c&client_secret=s&app_key=k";
        for (slip, field) in [
            ("tenant=", "tenant"),
            ("tenant=abc", "tenant"),
            ("tenant=-5", "tenant"),
            ("client_id=", "client_id"),
            ("client_secret=%C3%A9", "client_secret"),
            ("app_key=a+b", "app_key"),
            ("booking_provider=x", "booking_provider"),
            ("campaign=99999999999999999999", "campaign"),
        ] {
            let mut sheet = sheet(&format!("{slip}&{good}"));
            assert!(read(&mut sheet, Words::of("en"), None).is_none(), "{slip}");
            assert!(sheet.trouble(field).is_some(), "{slip}");
        }
    }
}
