//! ServiceTitan and the carrier of each business, really called with the saved keys; and how far this machine's
//! clock is from theirs.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::{Client, header};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::Report;
use super::database::Inside;
use crate::clock::Clock;
use crate::config::Config;
use crate::crm::servicetitan::{Account, Credentials, Hosts, ServiceTitan, Settings};
use crate::crm::{self, Crm as _};
use crate::outside;
use crate::sms::twilio::{self, Twilio};
use crate::sms::{self, Carrier as _};
use crate::store::integration::{Integration, SERVICETITAN, TEXTS};
use crate::vault::Vault;

/// Twilio and ServiceTitan refuse tokens and signatures of another time.
const TOO_FAR: i64 = 120;
const FAR: i64 = 5;

pub async fn examine(
    report: &mut Report,
    config: &Config,
    vault: Option<&Vault>,
    all: Vec<Inside>,
) {
    let calls = outside::client();
    if all.iter().any(|one| one.servicetitan.is_some()) {
        clock(report, &calls, "ServiceTitan", &config.servicetitan_api_url).await;
    } else if all.iter().any(|one| one.texts.is_some()) {
        clock(report, &calls, "Twilio", &config.twilio_url).await;
    }
    for one in all {
        let name = &one.business.name;
        match &one.servicetitan {
            None => report.warn(name, "ServiceTitan is not connected: leads live in the inbox alone (Settings > ServiceTitan)."),
            Some(connection) => match opened(vault, connection, SERVICETITAN) {
                None => report.broken(name, "the saved keys of ServiceTitan do not open: the key file is another one. Put it back, or type them again in Settings > ServiceTitan."),
                Some((settings, secrets)) => {
                    servicetitan(report, config, &calls, name, settings, secrets).await;
                }
            },
        }
        match &one.texts {
            None => report.warn(name, "no carrier is connected: no texts go out (Settings > Text messages)."),
            Some(connection) => match opened(vault, connection, TEXTS) {
                None => report.broken(name, "the saved keys of the carrier do not open: the key file is another one. Put it back, or type them again in Settings > Text messages."),
                Some((settings, secrets)) => {
                    carrier(report, config, &calls, name, &settings, &secrets).await;
                }
            },
        }
    }
}

/// Settings and secrets, as they were saved.
fn opened<S: DeserializeOwned, K: DeserializeOwned>(
    vault: Option<&Vault>,
    connection: &Integration<Value>,
    kind: &str,
) -> Option<(S, K)> {
    let sealed = connection.secret.as_ref()?;
    let secret = vault?.unseal(connection.business, kind, sealed).ok()?;
    let settings = serde_json::from_value(connection.settings.clone()).ok()?;
    let secrets = serde_json::from_slice(secret.expose_secret()).ok()?;
    Some((settings, secrets))
}

async fn servicetitan(
    report: &mut Report,
    config: &Config,
    calls: &Client,
    name: &str,
    settings: Settings,
    secrets: crm::servicetitan::Secrets,
) {
    let credentials = Credentials::new(&settings, secrets);
    let hosts = Hosts {
        auth: config.servicetitan_auth_url.to_string(),
        api: config.servicetitan_api_url.to_string(),
    };
    let account = Account::new(calls.clone(), hosts, Clock::system(), credentials);
    let told = match ServiceTitan::new(&account).choices().await {
        Ok(choices) => {
            report.ok(name, &format!("ServiceTitan lets us in; tenant {} answers", settings.tenant));
            let provider = choices.booking_providers.iter().find(|tag| tag.id == settings.booking_provider);
            match provider {
                Some(provider) => report.ok(name, &format!("booking provider \"{}\" is there", provider.name)),
                None => report.broken(name, "ServiceTitan does not know the chosen booking provider. Choose one in Settings > ServiceTitan."),
            }
            return;
        }
        Err(crm::Trouble::Credentials) => "ServiceTitan does not accept the keys. Check client ID, client secret, app key and tenant in Settings > ServiceTitan.".to_owned(),
        Err(crm::Trouble::Forbidden { said } | crm::Trouble::Refused { said } | crm::Trouble::Conflict { said }) => format!("ServiceTitan refuses: {said}. Is the app allowed for this tenant, with its scopes?"),
        Err(crm::Trouble::TryLater { said, .. } | crm::Trouble::Unknown { said, .. }) => format!("ServiceTitan does not answer as it should: {said}. Check the network, then try again."),
        Err(crm::Trouble::Unset(_)) => "something is not filled in yet in Settings > ServiceTitan.".to_owned(),
    };
    report.broken(name, &told);
}

async fn carrier(
    report: &mut Report,
    config: &Config,
    calls: &Client,
    name: &str,
    settings: &twilio::Settings,
    secrets: &twilio::Secrets,
) {
    let carrier = Twilio::new(calls, config.twilio_url.as_str(), settings, secrets);
    let told = match carrier.check().await {
        Ok(()) => {
            report.ok(name, "the carrier lets us in");
            return number(report, config, name, settings, &carrier).await;
        }
        Err(sms::Trouble::Credentials) => "the carrier does not accept the keys. Check account SID, API key and secret in Settings > Text messages.".to_owned(),
        Err(sms::Trouble::Refused(wrong)) => format!("the carrier refuses: {}.", wrong.said),
        Err(sms::Trouble::TryLater { said, .. } | sms::Trouble::Unknown { said }) => format!("the carrier does not answer as it should: {said}. Check the network, then try again."),
    };
    report.broken(name, &told);
}

/// The number that texts come from: ours, able to send texts, and what is sent to it told to us.
async fn number(
    report: &mut Report,
    config: &Config,
    name: &str,
    settings: &twilio::Settings,
    carrier: &Twilio<'_>,
) {
    if settings.from.is_empty() {
        return report.ok(name, "texts go through a messaging service; see there that incoming ones are sent on to /hooks/texts/inbound.");
    }
    let wanted = format!("{}/hooks/texts/inbound", config.origin());
    match carrier.number(&settings.from).await {
        Ok(None) => report.broken(name, "the carrier does not know the From number in this account. Choose another in Settings > Text messages."),
        Ok(Some(number)) if !number.capabilities.sms => report.broken(name, "the From number cannot send texts. Choose another in Settings > Text messages."),
        Ok(Some(number)) if number.sms_url != wanted && settings.messaging_service_sid.is_empty() => {
            report.broken(name, &format!("texts that people send to the From number do not come here, STOP among them. At the carrier, set its webhook for incoming messages to {wanted}"));
        }
        Ok(Some(_)) => report.ok(name, "the From number sends texts, and what is sent to it comes here"),
        Err(_) => report.warn(name, &format!("the From number could not be looked up. See at the carrier that its webhook for incoming messages is {wanted}")),
    }
}

async fn clock(report: &mut Report, calls: &Client, whose: &str, url: &Url) {
    let what = "clock";
    let answer = calls
        .get(url.clone())
        .timeout(Duration::from_secs(5))
        .send()
        .await;
    let date = answer.ok().and_then(|answer| {
        answer
            .headers()
            .get(header::DATE)?
            .to_str()
            .ok()
            .map(str::to_owned)
    });
    let Some(theirs) = date.and_then(|date| rfc2822::parse(&date).ok()) else {
        return report.warn(
            what,
            &format!("could not be compared: {whose} told no time."),
        );
    };
    let ahead = Clock::system()
        .now()
        .duration_since(theirs.timestamp())
        .as_secs();
    let differs = format!("this machine's differs from {whose}'s by {ahead} s");
    match ahead.abs() {
        off if off <= FAR => report.ok(what, &format!("agrees with {whose}'s")),
        off if off <= TOO_FAR => report.warn(what, &format!("{differs}. Run NTP.")),
        _ => report.broken(
            what,
            &format!("{differs}: quiet hours, links and lookups go wrong. Run NTP."),
        ),
    }
}
