//! The API for programs: `/api/v1/…` with a bearer key, described by `/openapi.json`. Fields are only added.

pub mod health;
pub mod leads;
pub mod schedulers;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ringback_domain::id::BusinessId;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::app::App;
use crate::error::Error;
use crate::store::api_key;
use crate::token;

/// Whose key the caller showed.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The business that made the key.
    pub business: BusinessId,
}

/// Lets only callers with a good key through. Wraps every API route.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(hash) = shown
        .and_then(|line| line.strip_prefix("Bearer "))
        .map(token::hash)
    else {
        return Error::NotSignedIn.into_response();
    };
    match app
        .store
        .read(move |tx| api_key::business_of(tx, &hash))
        .await
    {
        Ok(Some(business)) => {
            request.extensions_mut().insert(Caller { business });
            next.run(request).await
        }
        Ok(None) => Error::NotSignedIn.into_response(),
        Err(error) => Error::from(error).into_response(),
    }
}

/// `GET /openapi.json`.
pub async fn description() -> Response {
    Json(Description::openapi()).into_response()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Ringback", description = "Leads and scheduler settings of one business."),
    paths(
        leads::list,
        schedulers::list,
        schedulers::settings,
        schedulers::change_settings,
        health::healthz,
        health::readyz
    ),
    components(schemas(Problem)),
    modifiers(&BearerKey)
)]
struct Description;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The description of a field that holds one of these words.
fn one_of(words: impl IntoIterator<Item = &'static str>) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .into()
}

/// What is told when something cannot be done: RFC 9457 problem details.
#[derive(serde::Serialize, utoipa::ToSchema)]
struct Problem {
    /// Always `about:blank`: the status says which kind it is.
    r#type: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// A sentence that says what to do.
    detail: String,
}
