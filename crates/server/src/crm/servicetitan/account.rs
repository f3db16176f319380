//! A business's account at ServiceTitan: OAuth client credentials, the token kept until shortly before its
//! end and renewed once after a 401, the app key, 60 requests a second, and what each status means.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::ACCEPT;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::super::Trouble;
use super::{Secrets, Settings};
use crate::clock::Clock;
use crate::outside::{self, Answer, LOOK_WITHIN, NoAnswer, WRITE_WITHIN};

/// A token is renewed this long before it ends.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// What a token lives when the answer does not say; ServiceTitan's live 900 s.
const USUAL_LIFE: i64 = 900;

/// Where ServiceTitan is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// `https://auth.servicetitan.io`
    pub auth: String,
    /// `https://api.servicetitan.io`
    pub api: String,
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Tenant ID.
    pub tenant: i64,
    /// Booking provider tag.
    pub booking_provider: i64,
    client_id: String,
    client_secret: SecretString,
    app_key: SecretString,
}

impl Credentials {
    /// Of stored settings and opened secrets.
    pub fn new(settings: &Settings, secrets: Secrets) -> Self {
        Self {
            tenant: settings.tenant,
            booking_provider: settings.booking_provider,
            client_id: settings.client_id.clone(),
            client_secret: secrets.client_secret.into(),
            app_key: secrets.app_key.into(),
        }
    }

    fn same(&self, other: &Self) -> bool {
        let secrets = |c: &Self| {
            let (secret, key) = (c.client_secret.expose_secret(), c.app_key.expose_secret());
            (secret.to_owned(), key.to_owned())
        };
        self.tenant == other.tenant
            && self.booking_provider == other.booking_provider
            && self.client_id == other.client_id
            && secrets(self) == secrets(other)
    }
}

/// One business's account: kept, so that its token and its pace outlive a delivery.
pub struct Account {
    calls: Client,
    hosts: Hosts,
    clock: Clock,
    credentials: Credentials,
    token: Mutex<Option<Token>>,
    pace: governor::DefaultDirectRateLimiter,
}

struct Token {
    bearer: SecretString,
    until: Timestamp,
}

/// A call: method, path below the API host, and a body.
pub(super) struct Ask {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            body: None,
        }
    }

    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body).expect("our own bodies are JSON"));
        self
    }
}

impl Account {
    /// An account that has not called yet.
    pub fn new(calls: Client, hosts: Hosts, clock: Clock, credentials: Credentials) -> Self {
        Self {
            calls,
            hosts,
            clock,
            credentials,
            token: Mutex::new(None),
            pace: governor::RateLimiter::direct(pace()),
        }
    }

    /// Whether this account serves these credentials at these hosts still.
    pub fn serves(&self, hosts: &Hosts, credentials: &Credentials) -> bool {
        self.hosts == *hosts && self.credentials.same(credentials)
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Asks for something; asking has no effect.
    pub(super) async fn look<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Trouble> {
        let url = self.url(path);
        let answer = self
            .ask(&|| self.calls.get(&url).query(query).timeout(LOOK_WITHIN))
            .await;
        match answer.map_err(Failed::of_a_look)? {
            answer if answer.status.is_success() => read(&answer).ok_or_else(unreadable),
            answer => Err(meaning(&answer, Purpose::Look)),
        }
    }

    /// [`Account::look`] at something that may be gone.
    pub(super) async fn look_if_there<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, Trouble> {
        let url = self.url(path);
        let answer = self
            .ask(&|| self.calls.get(&url).timeout(LOOK_WITHIN))
            .await;
        match answer.map_err(Failed::of_a_look)? {
            answer if answer.status.is_success() => read(&answer).ok_or_else(unreadable).map(Some),
            answer if answer.status == StatusCode::NOT_FOUND => Ok(None),
            answer => Err(meaning(&answer, Purpose::Look)),
        }
    }

    /// Changes something and reads the answer.
    pub(super) async fn write<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Trouble> {
        read(&self.change(&ask).await?).ok_or_else(in_doubt)
    }

    /// Changes something whose answer says nothing. A page of whoever stands between is no answer.
    pub(super) async fn write_without_answer(&self, ask: Ask) -> Result<(), Trouble> {
        let answer = self.change(&ask).await?;
        if answer.body.trim_ascii().is_empty() {
            return Ok(());
        }
        let _: IgnoredAny = read(&answer).ok_or_else(in_doubt)?;
        Ok(())
    }

    async fn change(&self, ask: &Ask) -> Result<Answer, Trouble> {
        let url = self.url(&ask.path);
        let request = || {
            let request = self
                .calls
                .request(ask.method.clone(), &url)
                .timeout(WRITE_WITHIN);
            match &ask.body {
                Some(body) => request
                    .header(reqwest::header::CONTENT_TYPE, "application/json")
                    .body(body.clone()),
                None => request,
            }
        };
        match self.ask(&request).await.map_err(Failed::of_a_write)? {
            answer if answer.status.is_success() => Ok(answer),
            answer => Err(meaning(&answer, Purpose::Write)),
        }
    }

    /// One call with a token; a 401 has no effect, so the same call is made again under a new one.
    async fn ask(&self, request: &(dyn Fn() -> RequestBuilder + Sync)) -> Result<Answer, Failed> {
        let token = self.token(None).await?;
        let answer = self.call(request(), &token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let token = self.token(Some(&token)).await?;
        let answer = self.call(request(), &token).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(Failed::Token(Trouble::Credentials));
        }
        Ok(answer)
    }

    async fn call(&self, request: RequestBuilder, token: &SecretString) -> Result<Answer, Failed> {
        self.pace.until_ready().await;
        let request = request
            .bearer_auth(token.expose_secret())
            .header("ST-App-Key", self.credentials.app_key.expose_secret())
            .header(ACCEPT, "application/json");
        outside::call(request).await.map_err(Failed::Call)
    }

    /// The token, renewed before its end; or a new one where `refused` was the last we had. One renewal at
    /// a time: the others wait for it.
    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, Failed> {
        let mut kept = self.token.lock().await;
        let now = self.clock.now();
        if let Some(token) = &*kept
            && now < token.until
            && refused.is_none_or(|r| r.expose_secret() != token.bearer.expose_secret())
        {
            return Ok(token.bearer.clone());
        }
        *kept = None;
        let fresh = self.fresh_token(now).await.map_err(Failed::Token)?;
        let bearer = fresh.bearer.clone();
        *kept = Some(fresh);
        Ok(bearer)
    }

    async fn fresh_token(&self, now: Timestamp) -> Result<Token, Trouble> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.credentials.client_id),
            (
                "client_secret",
                self.credentials.client_secret.expose_secret(),
            ),
        ];
        let url = format!("{}/connect/token", self.hosts.auth.trim_end_matches('/'));
        let request = self.calls.post(url).form(&form).timeout(LOOK_WITHIN);
        let answer = outside::call(request)
            .await
            .map_err(|no| Failed::Call(no).of_a_look())?;
        match answer.status {
            status if status.is_success() => {
                let token: TokenAnswer = read(&answer).ok_or_else(unreadable)?;
                let life = SignedDuration::from_secs(token.expires_in.clamp(0, 86_400));
                Ok(Token {
                    bearer: token.access_token.into(),
                    until: now + (life - RENEW_BEFORE).max(SignedDuration::ZERO),
                })
            }
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Trouble::Credentials)
            }
            _ => Err(meaning(&answer, Purpose::Look)),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.hosts.api.trim_end_matches('/'))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// ServiceTitan takes 60 requests a second per application and tenant. Three at once and then 56 a second
/// stay below it in every second, however the seconds are cut, and use nine tenths of it when much waits.
fn pace() -> governor::Quota {
    let number = |n: u32| std::num::NonZeroU32::new(n).expect("not zero");
    governor::Quota::per_second(number(56)).allow_burst(number(3))
}

/// A call that brought no answer, or for which no token could be had.
enum Failed {
    Call(NoAnswer),
    /// Before the call: certainly without effect.
    Token(Trouble),
}

impl Failed {
    fn of_a_look(self) -> Trouble {
        match self {
            Self::Call(no) => later(no.what()),
            Self::Token(trouble) => trouble,
        }
    }

    fn of_a_write(self) -> Trouble {
        match self {
            Self::Call(NoAnswer::NeverLeft(what)) => later(what),
            Self::Call(NoAnswer::Lost(said)) => Trouble::Unknown {
                answered: false,
                said,
            },
            Self::Token(trouble) => trouble,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Look,
    Write,
}

/// What a status other than success means.
fn meaning(answer: &Answer, purpose: Purpose) -> Trouble {
    let said = said(answer);
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => Trouble::TryLater {
            after: answer.retry_after,
            said,
        },
        StatusCode::UNAUTHORIZED => Trouble::Credentials,
        StatusCode::FORBIDDEN => Trouble::Forbidden { said },
        StatusCode::CONFLICT | StatusCode::NOT_FOUND if purpose == Purpose::Write => {
            Trouble::Conflict { said }
        }
        status if says_nothing(status) && purpose == Purpose::Look => Trouble::TryLater {
            after: answer.retry_after,
            said,
        },
        status if says_nothing(status) => Trouble::Unknown {
            answered: status == StatusCode::INTERNAL_SERVER_ERROR,
            said,
        },
        _ => Trouble::Refused { said },
    }
}

/// A gateway's 408, 502, 503 and 504 say nothing of what is behind it.
fn says_nothing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
}

/// ServiceTitan's own sentence: the title of its problem body and what it says of each field.
fn said(answer: &Answer) -> String {
    let problem: Problem = read(answer).unwrap_or_default();
    let mut sentence = problem.title;
    for (field, errors) in &problem.errors {
        let errors = errors.join(", ");
        sentence.push_str(if sentence.is_empty() { "" } else { "; " });
        sentence.push_str(&match field.as_str() {
            "" => errors,
            field => format!("{field}: {errors}"),
        });
    }
    let status = answer.status.as_u16();
    match outside::sentence(&sentence) {
        sentence if sentence.is_empty() => format!("status {status}"),
        sentence => format!("{sentence} (status {status})"),
    }
}

fn later(said: String) -> Trouble {
    Trouble::TryLater { after: None, said }
}

const UNREADABLE: &str = "the answer could not be read";

fn unreadable() -> Trouble {
    later(UNREADABLE.into())
}

/// A change was answered, and with what cannot be read.
fn in_doubt() -> Trouble {
    Trouble::Unknown {
        answered: true,
        said: UNREADABLE.into(),
    }
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    serde_json::from_slice(&answer.body).ok()
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default = "usual_life")]
    expires_in: i64,
}

const fn usual_life() -> i64 {
    USUAL_LIFE
}

/// `ApiErrorResponse`, read leniently: gateways answer with HTML.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    errors: std::collections::BTreeMap<String, Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_says_leaves_a_write_in_doubt_and_a_look_for_later() {
        for status in [408, 502, 503, 504] {
            let answer = Answer {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after: None,
                body: Vec::new(),
            };
            let written = meaning(&answer, Purpose::Write);
            assert!(
                matches!(
                    written,
                    Trouble::Unknown {
                        answered: false,
                        ..
                    }
                ),
                "{status}: {written:?}"
            );
            let looked = meaning(&answer, Purpose::Look);
            assert!(matches!(looked, Trouble::TryLater { .. }), "{looked:?}");
        }
    }
}
