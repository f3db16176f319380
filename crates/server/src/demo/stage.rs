//! The stage: one page that shows a contractor's website, the office, ServiceTitan and a phone side by side;
//! and the pretend website itself, on a site of its own, as in real life.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::SignedDuration;
use ringback_domain::staff::Staff;
use serde::Deserialize;

use crate::app::App;
use crate::error::Error;
use crate::office::door;
use crate::random;
use crate::seed::{self, Copperline};
use crate::serve::{self, CannotStart};
use crate::store::{Order, staff};

/// What the stage shows, and as whom the office is opened.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Dana.
    pub staff: Staff,
    /// The contractor's website.
    pub website: String,
    /// The pretend ServiceTitan's board.
    pub servicetitan: String,
    /// The pretend phone.
    pub phone: String,
    /// How far the demo's clock was set ahead, so that it is day.
    pub ahead: SignedDuration,
}

impl Stage {
    /// What to know where it was night when the demo began.
    pub fn night(&self) -> Option<String> {
        let hours = self.ahead.as_secs_f64() / 3_600.0;
        (hours > 0.0).then(|| {
            format!("Texts go out by day only, and it is night: so this demo's clock is {hours} hours ahead.")
        })
    }
}

#[derive(Template)]
#[template(path = "demo/stage.html")]
struct StagePage<'a> {
    website: &'a str,
    servicetitan: &'a str,
    phone: &'a str,
    night: Option<String>,
}

/// `GET /stage`. Signs the browser in as Dana on the way: in the demo everybody may look.
pub async fn page(
    State(app): State<App>,
    Extension(stage): Extension<Stage>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let shown = StagePage {
        website: &stage.website,
        servicetitan: &stage.servicetitan,
        phone: &stage.phone,
        night: stage.night(),
    };
    let mut response = Html(shown.render().map_err(|_| Error::Fault)?).into_response();
    let policy = format!(
        "default-src 'none'; style-src 'self'; frame-src 'self' {} {} {}; base-uri 'none'; frame-ancestors 'none'",
        site(&stage.website),
        site(&stage.servicetitan),
        site(&stage.phone)
    );
    let policy = HeaderValue::from_str(&policy).map_err(|_| Error::Fault)?;
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    if door::token(&app, &headers).is_none() {
        let token = random::token();
        let hash = door::hash(&token);
        app.store
            .write(Order::Any, move |tx| {
                let until = tx.now() + SignedDuration::from_hours(12);
                staff::sign_in(tx, &stage.staff, &hash, until)
            })
            .await?;
        let cookie = format!(
            "{}={token}; Path=/; HttpOnly; SameSite=Lax",
            door::cookie_name(&app)
        );
        let cookie = HeaderValue::from_str(&cookie).map_err(|_| Error::Fault)?;
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// How far time is to go on.
#[derive(Deserialize)]
pub struct Advance {
    advance_s: i64,
}

/// `POST /stage/clock` with `{"advance_s": 3600}`: time goes on for the demo, to see what an hour brings; says
/// what time it is. The sandbox has a clock of its own (`/control/clock`).
pub async fn clock(
    State(app): State<App>,
    Json(by): Json<Advance>,
) -> Result<Json<serde_json::Value>, Error> {
    let month = 31 * 24 * 3_600;
    if !(0..=month).contains(&by.advance_s) {
        let sentence = "Time goes on by 0 seconds to a month (2678400) at once.";
        return Err(Error::BadInput(sentence.into()));
    }
    app.clock.advance(SignedDuration::from_secs(by.advance_s));
    app.outbox.ring();
    Ok(Json(serde_json::json!({ "now": app.clock.now() })))
}

/// `GET /demo/stage.css`.
pub async fn style() -> Response {
    css(include_str!("../../assets/demo/stage.css"))
}

fn site(url: &str) -> String {
    url::Url::parse(url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

fn css(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], text).into_response()
}

#[derive(Template)]
#[template(path = "demo/website.html")]
struct Website<'a> {
    business: &'a str,
    phone: &'a str,
    ringback: &'a str,
    scheduler: &'a str,
}

/// Opens the pretend website on a free port and under another name of this machine than the product's, so
/// that it is another site; returns its address. It ends with the process.
pub async fn open_website(
    app: &App,
    copperline: &Copperline,
    ringback: &str,
) -> Result<String, CannotStart> {
    let page = Website {
        business: seed::COPPERLINE,
        phone: "(602) 555-0100",
        ringback,
        scheduler: &copperline.public_id,
    };
    let page = page.render().map_err(|e| CannotStart(e.to_string()))?;
    let routes: Router = Router::new()
        .route(
            "/",
            get(move || async move {
                (
                    [(HeaderName::from_static("cache-control"), "no-cache")],
                    Html(page),
                )
            }),
        )
        .route(
            "/website.css",
            get(|| async { css(include_str!("../../assets/demo/website.css")) }),
        );
    let listener = serve::listen(([127, 0, 0, 1], 0).into())?;
    let port = listener
        .local_addr()
        .map_err(|e| CannotStart(e.to_string()))?
        .port();
    let app = app.clone();
    tokio::spawn(async move {
        let served = axum::serve(listener, routes)
            .with_graceful_shutdown(async move { app.drained().await });
        if let Err(error) = served.await {
            tracing::error!(%error, "the pretend website ended");
        }
    });
    let name = if ringback.contains("localhost") {
        "127.0.0.1"
    } else {
        "localhost"
    };
    Ok(format!("http://{name}:{port}/"))
}
