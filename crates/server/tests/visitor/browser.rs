//! A visitor with a browser: fills in forms, keeps cookies (or refuses them), follows redirects.

use jiff::SignedDuration;
use reqwest::{Client, Method, StatusCode, header};
use ringback_domain::lead::Lead;
use ringback_domain::session::Session;
use ringback_server::outside;
use ringback_server::store::lead::{self, LeadFilter};
use ringback_server::store::{Order, StoreError, Tx, scheduler, session};
use ringback_server::testing::TestServer;
use ringback_server::token;

/// One browser.
pub struct Browser {
    pub client: Client,
    pub url: String,
    pub path: String,
    pub cookie: Option<String>,
    /// Cookies are refused: only what stands in the page or was told to the script comes back.
    pub refuses_cookies: bool,
    /// With our script: steps come as fragments.
    pub in_place: bool,
    /// What the script was told, or what stands in the page as a hidden field.
    pub token: Option<String>,
    pub language: &'static str,
}

/// What a browser shows.
#[derive(Debug)]
pub struct Shown {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub html: String,
}

impl Browser {
    pub fn new(world: &TestServer) -> Self {
        let client = outside::client();
        Self {
            client,
            url: world.url.clone(),
            path: format!("/s/{}", world.seeded.public_id),
            cookie: None,
            refuses_cookies: false,
            in_place: false,
            token: None,
            language: "en",
        }
    }

    pub async fn open(&mut self) -> Shown {
        let path = self.path.clone();
        self.get(&path).await
    }

    pub async fn get(&mut self, path: &str) -> Shown {
        self.ask(Method::GET, path, None, &[]).await
    }

    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
        extra: &[(&str, &str)],
    ) -> Shown {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header(header::USER_AGENT, "Testbrowser/1");
        if let Some(cookie) = self.cookie.as_ref().filter(|_| !self.refuses_cookies) {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, &self.url)
                .body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(set) = headers.get(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        if let Some(told) = headers.get("x-ringback-token") {
            self.token = Some(told.to_str().unwrap().to_owned());
        }
        let html = response.text().await.unwrap();
        assert!(status.as_u16() < 500, "{path}: {status} {html}");
        assert!(
            !html.contains('\0'),
            "{path} shows where something is left out"
        );
        Shown {
            status,
            headers,
            html,
        }
    }

    /// Sends fields to a path, follows the redirect.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.token.clone().filter(|_| self.refuses_cookies);
        let token = token.as_deref().map(|token| ("token", token));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields.iter().copied().chain(token))
            .finish();
        let extra: &[(&str, &str)] = if self.in_place {
            &[("x-ringback", "step")]
        } else {
            &[]
        };
        let shown = self.ask(Method::POST, path, Some(form), extra).await;
        if shown.status == StatusCode::SEE_OTHER {
            let next = shown.headers[header::LOCATION].to_str().unwrap().to_owned();
            return self.get(&next).await;
        }
        if !self.in_place && self.refuses_cookies {
            self.token = shown.hidden("token");
        }
        shown
    }

    /// Presses Continue on a step.
    pub async fn go_on(&mut self, step: &str, fields: &[(&str, &str)]) -> Shown {
        self.step(step, "continue", fields).await
    }

    /// Presses a button of a step.
    pub async fn step(&mut self, step: &str, go: &str, fields: &[(&str, &str)]) -> Shown {
        let all = [&[("step", step), ("go", go)], fields].concat();
        let path = self.path.clone();
        self.post(&path, &all).await
    }

    pub async fn reaches_contact(&mut self) -> Shown {
        self.go_on(
            "service",
            &[("zip", "85004"), ("service", "cooling-repair")],
        )
        .await
        .is("contact")
    }

    pub async fn reaches_time(&mut self) -> Shown {
        self.reaches_contact().await;
        self.go_on("contact", ANA).await.is("time")
    }

    pub async fn reaches_place(&mut self) -> Shown {
        // Some days ahead, so that it is still ahead when a story lets a day go by.
        let window = self.reaches_time().await.windows().remove(4);
        self.go_on("time", &[("window", &window)]).await.is("place")
    }

    pub async fn reaches_review(&mut self) -> Shown {
        self.reaches_place().await;
        self.go_on("place", HOME).await.is("review")
    }

    pub async fn book(&mut self, fields: &[(&str, &str)]) -> Shown {
        let path = format!("{}/book", self.path);
        self.post(&path, &[&[("step", "review")], fields].concat())
            .await
    }

    pub async fn close(&mut self) -> Shown {
        let path = format!("{}/close", self.path);
        self.post(&path, &[]).await
    }

    pub async fn begin(&mut self) -> Shown {
        let path = format!("{}/begin", self.path);
        self.post(&path, &[]).await
    }

    /// The session in the store, by this browser's own token.
    pub async fn session(&self, world: &TestServer) -> Session {
        let token = match (&self.cookie, self.refuses_cookies) {
            (Some(cookie), false) => cookie.split_once('=').unwrap().1.to_owned(),
            _ => self.token.clone().unwrap(),
        };
        let hash = token::hash(&token);
        world
            .app()
            .store
            .read(move |tx| session::by_token(tx, &hash))
            .await
            .unwrap()
            .unwrap()
    }
}

/// A visitor's contact fields; the box is left alone.
pub const ANA: &[(&str, &str)] = &[
    ("name", "Ana Lopez"),
    ("phone", "602-555-0142"),
    ("email", "ana@example.com"),
];
/// … and address.
pub const HOME: &[(&str, &str)] = &[
    ("street", "1 W Washington St"),
    ("unit", ""),
    ("city", "Phoenix"),
    ("state", "AZ"),
    ("notes", "Two dogs."),
];

impl Shown {
    /// That this step is shown.
    #[track_caller]
    pub fn is(self, step: &str) -> Self {
        assert!(
            self.html.contains(&format!("data-step=\"{step}\"")),
            "not {step} but {} {}",
            self.status,
            self.html
        );
        self
    }

    /// That it says so. Text as people read it, not as it is escaped.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.reads().contains(text),
            "{text:?} is not in {}",
            self.html
        );
        self
    }

    #[track_caller]
    pub fn says_not(&self, text: &str) -> &Self {
        assert!(!self.reads().contains(text), "{text:?} is in {}", self.html);
        self
    }

    fn reads(&self) -> String {
        let html = self
            .html
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
        html.replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#38;", "&")
            .replace("&amp;", "&")
    }

    /// The value of every arrival window that can be chosen.
    pub fn windows(&self) -> Vec<String> {
        self.html
            .split("name=\"window\" value=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    }

    /// What stands in a field.
    pub fn field(&self, name: &str) -> Option<String> {
        let at = self.html.find(&format!("id=\"{name}\" name=\"{name}\""))?;
        let rest = &self.html[at..self.html[at..].find('>')? + at];
        Some(rest.split_once("value=\"")?.1.split('"').next()?.to_owned())
    }

    /// What a hidden field carries.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let rest = self
            .html
            .split_once(&format!("type=\"hidden\" name=\"{name}\" value=\""))?
            .1;
        Some(rest.split('"').next()?.to_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// The business's leads, newest first.
pub async fn leads(world: &TestServer) -> Vec<Lead> {
    let business = world.seeded.business;
    let filter = LeadFilter {
        limit: 50,
        ..LeadFilter::default()
    };
    world
        .app()
        .store
        .read(move |tx| lead::list(tx, business, &filter))
        .await
        .unwrap()
}

/// Changes the scheduler's settings.
pub async fn set(
    world: &TestServer,
    change: fn(&mut ringback_domain::scheduler::SchedulerSettings),
) {
    let (business, id) = (world.seeded.business, world.seeded.scheduler);
    let saved = world.app().store.write(Order::Any, move |tx| {
        let found = scheduler::get(tx, business, id)?;
        let mut settings = found.settings.as_ref().clone();
        change(&mut settings);
        scheduler::save(tx, business, id, found.version, &found.name, &settings)
    });
    assert!(saved.await.unwrap());
}

/// Asks the store.
pub async fn read<T: Send + 'static>(
    world: &TestServer,
    query: impl Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    world.app().store.read(query).await.unwrap()
}

/// Time goes by.
pub fn minutes_pass(world: &TestServer, minutes: i64) {
    world.clock.advance(SignedDuration::from_mins(minutes));
}
