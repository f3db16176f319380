//! The stage: one page that shows a contractor's website, the office, ServiceTitan and a phone side by side;
//! and the pretend website itself, on a site of its own, as in real life.

use askama::Template;
use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use jiff::SignedDuration;
use ringback_domain::staff::Staff;

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
}

#[derive(Template)]
#[template(path = "demo/stage.html")]
struct StagePage<'a> {
    website: &'a str,
    servicetitan: &'a str,
    phone: &'a str,
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
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await?;
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
