//! Settings, *Text messages*: the Twilio account, the addresses to paste there, what carriers ask to know
//! before they let texts through, and a button that really calls with what stands in the form.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ringback_domain::phone::Phone;
use ringback_domain::region::Region;
use ringback_domain::scheduler::SchedulerSettings;
use ringback_domain::wording::{self, Blanks};

use super::business::line;
use super::outside::{self, Told, judge_secrets, secret};
use super::sheet::Sheet;
use super::{Done, saved};
use crate::app::App;
use crate::crm::Choices;
use crate::error::Error;
use crate::office::door::Caller;
use crate::office::fields::{Asked, Fields};
use crate::office::page::{self, At, Shell};
use crate::outbox::{check, connect};
use crate::sms::twilio::{Secrets, Settings};
use crate::store::integration::{Check, TEXTS};
use crate::store::scheduler;
use crate::words::Words;

const PAGE: &str = "/office/settings/texts";
/// SIDs and tokens have 34 letters and fewer.
const LONGEST: usize = 100;

#[derive(Template)]
#[template(path = "office/settings/texts.html")]
struct TextsPage {
    shell: Shell,
    done: Option<Done>,
    sheet: Sheet,
    connected: bool,
    /// The key file does not open what is stored.
    unreadable: bool,
    told: Option<Told>,
    api_key_secret: String,
    auth_token: String,
    auth_token_secondary: String,
    /// Where Twilio sends the texts that people send.
    inbound_url: String,
    /// Whether Twilio reaches us at all.
    reachable: bool,
    /// A text as it will be, for the form at the carrier.
    sample: String,
    /// What stands beside the box, for the same form.
    consent: String,
}

impl TextsPage {
    /// What carriers ask for here, as the key of a sentence.
    fn registration(&self) -> &'static str {
        match self.shell.region() {
            Region::UnitedStates => "texts-register-us",
            Region::Canada => "texts-register-ca",
            Region::Australia => "texts-register-au",
            _ => "texts-register-other",
        }
    }
}

type Kept = outside::Kept<Settings, Secrets>;

/// The page of what is kept; `tried` is what a call just said of what stands in the form.
async fn page(
    app: &App,
    kept: Kept,
    sheet: Sheet,
    done: Option<Done>,
    tried: Option<Check>,
) -> Result<TextsPage, Error> {
    let business = kept.shell.business.id;
    let schedulers = app.store.read(move |tx| scheduler::list(tx, business));
    let first = schedulers.await?.into_iter().next();
    let settings = first
        .map(|scheduler| Arc::clone(&scheduler.settings))
        .unwrap_or_default();
    let origin = app.config.origin();
    Ok(TextsPage {
        api_key_secret: kept.shown(|secrets| &secrets.api_key_secret),
        auth_token: kept.shown(|secrets| &secrets.auth_token),
        auth_token_secondary: kept.shown(|secrets| &secrets.auth_token_secondary),
        connected: kept.connected(),
        unreadable: kept.unreadable() && tried.is_none(),
        told: kept.told(tried.as_ref(), "text-credentials-here"),
        inbound_url: format!("{origin}/hooks/texts/inbound"),
        reachable: super::readiness::is_reachable(&app.config.public_url),
        sample: sample(&kept.shell, &settings, origin),
        consent: kept.shell.w.consent(&settings, &kept.shell.business.name),
        shell: kept.shell,
        sheet,
        done,
    })
}

/// A text as it will be.
fn sample(shell: &Shell, settings: &SchedulerSettings, origin: &str) -> String {
    let template = shell.w.follow_up_text(settings, shell.region());
    let service = settings.services.first();
    wording::fill(
        &template,
        &Blanks {
            business: &shell.business.name,
            name: "Alex",
            service: service.map_or("", |service| service.title.as_str()),
            link: &format!("{origin}/r/4f9c2a"),
        },
    )
}

/// `GET /office/settings/texts`.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let kept = Kept::load(&app, &me, TEXTS).await?;
    let sheet = filled(kept.settings(), kept.shell.region());
    page::html(&page(&app, kept, sheet, Done::read(&asked), None).await?)
}

/// `POST /office/settings/texts`: kept, then called.
pub async fn save(State(app): State<App>, me: Caller, fields: Fields) -> Result<Response, Error> {
    let kept = Kept::load(&app, &me, TEXTS).await?;
    let mut sheet = Sheet::sent(fields);
    let (w, region) = (kept.shell.w, kept.shell.region());
    let Some((settings, secrets)) = read(&mut sheet, w, region, kept.secrets.as_ref()) else {
        let page = page(&app, kept, sheet, None, None).await?;
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let business = me.business();
    connect::keep(
        &app,
        business,
        TEXTS,
        &settings,
        &secrets,
        Choices::default(),
    )
    .await?;
    let said = check::texts(&app, business).await?;
    Ok(saved(PAGE, outside::after_saving(said.as_ref())))
}

/// `POST /office/settings/texts/test`: really calls, with what stands in the form; nothing is saved, nor sent to
/// anybody.
pub async fn test(State(app): State<App>, me: Caller, fields: Fields) -> Result<Response, Error> {
    let kept = Kept::load(&app, &me, TEXTS).await?;
    let mut sheet = Sheet::sent(fields);
    let (w, region) = (kept.shell.w, kept.shell.region());
    let Some((settings, secrets)) = read(&mut sheet, w, region, kept.secrets.as_ref()) else {
        let page = page(&app, kept, sheet, None, None).await?;
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    if kept.holds(&settings, &secrets) {
        check::texts(&app, me.business()).await?;
        return Ok(saved(PAGE, Done::Tested));
    }
    let tried = check::try_texts(&app, &settings, &secrets).await;
    page::html(&page(&app, kept, sheet, None, Some(tried)).await?)
}

/// `POST /office/settings/texts/disconnect`: the secrets are forgotten.
pub async fn disconnect(State(app): State<App>, me: Caller) -> Result<Response, Error> {
    outside::disconnect(&app, me.business(), TEXTS, PAGE).await
}

fn filled(settings: Option<&Settings>, region: Region) -> Sheet {
    let Some(settings) = settings else {
        return Sheet::default();
    };
    let from = match settings.from.as_str() {
        "" => String::new(),
        from => page::shown_phone(from, region),
    };
    Sheet::filled(
        [
            ("account_sid", settings.account_sid.clone()),
            ("api_key_sid", settings.api_key_sid.clone()),
            ("from", from),
            (
                "messaging_service_sid",
                settings.messaging_service_sid.clone(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}

/// Reads the form, or says what is wrong.
fn read(
    sheet: &mut Sheet,
    w: &Words,
    region: Region,
    kept: Option<&Secrets>,
) -> Option<(Settings, Secrets)> {
    let from = sheet.value("from");
    let from = match (from.is_empty(), Phone::parse(&from, region)) {
        (true, _) => String::new(),
        (false, Ok(phone)) => phone.to_string(),
        (false, Err(error)) => {
            sheet.wrong("from", w.say(error.key()));
            from
        }
    };
    let settings = Settings {
        account_sid: line(sheet, w, "account_sid", LONGEST),
        api_key_sid: line(sheet, w, "api_key_sid", LONGEST),
        from,
        messaging_service_sid: line(sheet, w, "messaging_service_sid", LONGEST),
    };
    match settings.wrong() {
        Some("twilio-account-sid") => {
            sheet.wrong("account_sid", w.say("error-twilio-account-sid"));
        }
        Some("twilio-api-key-sid") => {
            sheet.wrong("api_key_sid", w.say("error-twilio-api-key-sid"));
        }
        Some("twilio-messaging-service-sid") => {
            let sentence = w.say("error-twilio-messaging-service-sid");
            sheet.wrong("messaging_service_sid", sentence);
        }
        Some(_) => sheet.wrong("from", w.say("error-twilio-sender")),
        None => {}
    }
    let second = |kept: &Secrets| kept.auth_token_secondary.clone();
    let secrets = Secrets {
        // Of another account than the key it belongs to it would only confuse.
        api_key_secret: if settings.api_key_sid.is_empty() {
            String::new()
        } else {
            secret(
                sheet,
                "api_key_secret",
                kept.map(|k| k.api_key_secret.as_str()),
            )
        },
        auth_token: secret(sheet, "auth_token", kept.map(|k| k.auth_token.as_str())),
        auth_token_secondary: if sheet.ticked("forget_secondary") {
            secret(sheet, "auth_token_secondary", None)
        } else {
            let kept = kept.map(second);
            secret(sheet, "auth_token_secondary", kept.as_deref())
        },
    };
    if secrets.auth_token.is_empty() {
        sheet.wrong("auth_token", w.say("wrong-auth-token"));
    }
    if !settings.api_key_sid.is_empty() && secrets.api_key_secret.is_empty() {
        sheet.wrong("api_key_secret", w.say("wrong-api-key-secret"));
    }
    let typed = [
        ("auth_token", secrets.auth_token.as_str()),
        ("auth_token_secondary", &secrets.auth_token_secondary),
        ("api_key_secret", &secrets.api_key_secret),
    ];
    judge_secrets(sheet, w, LONGEST, &typed);
    sheet.is_right().then_some((settings, secrets))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "account_sid=AC5a4db0c0ffee5a4db0c0ffee5a4db0c0&auth_token=5a4db0c0ffee&from=602-555-0100";

    fn sheet(body: &str) -> Sheet {
        Sheet::sent(Fields::read(body.as_bytes()))
    }

    fn read_us(sheet: &mut Sheet, kept: Option<&Secrets>) -> Option<(Settings, Secrets)> {
        read(sheet, Words::of("en"), Region::UnitedStates, kept)
    }

    #[test]
    fn the_sender_is_kept_as_the_carrier_wants_it() {
        let (settings, secrets) = read_us(&mut sheet(GOOD), None).unwrap();
        assert_eq!(settings.from, "+16025550100");
        assert_eq!(secrets.auth_token, "5a4db0c0ffee");
        let mut shown = filled(Some(&settings), Region::UnitedStates);
        assert_eq!(shown.value("from"), "(602) 555-0100");
        let (again, _) = read_us(&mut shown, Some(&secrets)).unwrap();
        assert_eq!(again, settings);
    }

    #[test]
    fn a_secondary_token_stays_until_it_is_let_go() {
        let kept = Secrets {
            auth_token_secondary: "second".into(),
            ..Secrets::default()
        };
        let (_, secrets) = read_us(&mut sheet(GOOD), Some(&kept)).unwrap();
        assert_eq!(secrets.auth_token_secondary, "second");
        let mut letting_go = sheet(&format!("{GOOD}&forget_secondary=on"));
        let (_, secrets) = read_us(&mut letting_go, Some(&kept)).unwrap();
        assert_eq!(secrets.auth_token_secondary, "");
    }

    #[test]
    fn every_slip_has_a_sentence_at_its_field() {
        for (slip, field) in [
            ("account_sid=", "account_sid"),
            (
                "account_sid=SK5a4db0c0ffee5a4db0c0ffee5a4db0c0",
                "account_sid",
            ),
            ("api_key_sid=key", "api_key_sid"),
            (
                "api_key_sid=SK5a4db0c0ffee5a4db0c0ffee5a4db0c2",
                "api_key_secret",
            ),
            ("auth_token=", "auth_token"),
            ("auth_token=two+words", "auth_token"),
            ("from=", "from"),
            ("from=12", "from"),
            ("messaging_service_sid=XX", "messaging_service_sid"),
        ] {
            let mut sheet = sheet(&format!("{slip}&{GOOD}"));
            assert!(read_us(&mut sheet, None).is_none(), "{slip}");
            assert!(sheet.trouble(field).is_some(), "{slip}");
        }
    }
}
