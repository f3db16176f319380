//! Who may call: OAuth client credentials for a token of 900 s, the app key beside it, the tenant they
//! belong to, and 60 calls a second for each app and tenant. The published documents do not show the
//! bodies of 401, 403 and 429; here they are problems like all others.

use axum::http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Problem, Tenant};
use crate::call::{Answer, Call};
use crate::chance;

/// How long a token is good, in seconds.
pub(crate) const TOKEN_SECONDS: i64 = 900;
/// How many calls one app and tenant may make in a second.
pub(crate) const CALLS_A_SECOND: usize = 60;

impl Tenant {
    /// `POST /connect/token`: a form with `grant_type`, `client_id` and `client_secret`; errors as in
    /// RFC 6749, section 5.2.
    pub(super) fn token(&mut self, call: &Call, now: Timestamp) -> Answer {
        let refuse =
            |error: &str| Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": error }));
        if call.method != "POST" {
            return Answer::empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let form = call.form();
        let sent = |name: &str| {
            let mut values = form
                .iter()
                .filter(|(field, _)| field == name)
                .map(|(_, value)| value.as_str());
            let first = values.next();
            if values.next().is_some() { None } else { first }
        };
        match sent("grant_type") {
            Some("client_credentials") => {}
            Some(_) => return refuse("unsupported_grant_type"),
            None => return refuse("invalid_request"),
        }
        let ours = &self.credentials;
        if sent("client_id") != Some(ours.client_id.as_str())
            || sent("client_secret") != Some(ours.client_secret.as_str())
        {
            return refuse("invalid_client");
        }
        if sent("scope").is_some_and(|scope| !scope.is_empty()) {
            return refuse("invalid_scope");
        }
        self.tokens.retain(|_, until| *until > now);
        let token = chance::hex::<32>();
        self.tokens.insert(
            token.clone(),
            now + SignedDuration::from_secs(TOKEN_SECONDS),
        );
        let body = json!({ "access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer", "scope": "" });
        Answer::json(StatusCode::OK, &body)
            .with(header::CACHE_CONTROL, "no-store, no-cache, max-age=0")
    }

    /// Lets a call in: the rate, then the token, then the app key.
    pub(super) fn admit(&mut self, call: &Call, now: Timestamp) -> Result<(), Problem> {
        self.recent
            .retain(|at| now.duration_since(*at) < SignedDuration::from_secs(1));
        if self.recent.len() >= CALLS_A_SECOND {
            return Err(Problem::too_many(1));
        }
        self.recent.push_back(now);

        let token = call
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        let good_until = token.and_then(|token| self.tokens.get(token));
        if good_until.is_none_or(|until| *until <= now) {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "The access token is missing, unknown or has ended.",
            ));
        }
        if call.header("st-app-key") != Some(self.credentials.app_key.as_str()) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "The header ST-App-Key is missing or names no application of this client.",
            ));
        }
        Ok(())
    }

    /// Whether the tenant in the path is the one these credentials belong to.
    pub(super) fn is_ours(&self, tenant: &str) -> Result<(), Problem> {
        match tenant.parse::<i64>() {
            Ok(id) if id == self.credentials.tenant => Ok(()),
            Ok(id) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                format!("The application is not connected to tenant {id}."),
            )),
            Err(_) => Err(Problem::not_found("Tenant", tenant)),
        }
    }

    /// 401 by switch: forgets the token, so that only a fresh one helps.
    pub(crate) fn expire_token(&mut self, call: &Call) -> Answer {
        if let Some(token) = call
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
        {
            self.tokens.remove(token);
        }
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "The access token is missing, unknown or has ended.",
        )
        .answer()
    }

    /// 429 by switch.
    pub(crate) fn rate_limited(retry_after: u32) -> Answer {
        Problem::too_many(retry_after).answer()
    }
}
