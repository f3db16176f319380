//! The office, told as stories: staff with a browser, the whole server, both engines.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

mod appointments;
mod details;
mod door;
mod leads;
mod tasks;

use jiff::SignedDuration;
use reqwest::StatusCode;
use ringback_domain::departure::Departure;
use ringback_domain::id::{BusinessId, LeadId};
use ringback_domain::lead::Lead;
use ringback_domain::session::{Answers, CameFrom, Step};
use ringback_domain::staff::Role;
use ringback_server::office::passwords;
use ringback_server::outside;
use ringback_server::random;
use ringback_server::seed::{self, DANA, PASSWORD, SAM};
use ringback_server::store::{Order, lead, scheduler, session, task};
use ringback_server::testing::TestServer;

/// Copperline with its staff.
async fn hire_everybody(world: &TestServer) {
    let business = world.seeded.business;
    let hash = passwords::hash(PASSWORD);
    world
        .app()
        .store
        .write(Order::Any, move |tx| {
            for (name, email, role) in [
                ("Dana Ruiz", DANA, Role::Administrator),
                ("Sam Okafor", SAM, Role::OfficeEmployee),
            ] {
                seed::hire(tx, business, name, email, role, &hash)?.unwrap();
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// Somebody leaves at the time step, so long ago.
async fn somebody_leaves(
    world: &TestServer,
    name: &str,
    phone: &str,
    ago: SignedDuration,
) -> LeadId {
    let (seeded, name, phone) = (world.seeded.clone(), name.to_owned(), phone.to_owned());
    world
        .app()
        .store
        .write(Order::Any, move |tx| {
            let scheduler = scheduler::get(tx, seeded.business, seeded.scheduler)?;
            let token = random::token();
            let mut visit = session::start(tx, &scheduler, token.as_bytes(), CameFrom::default())?;
            visit.step = Step::Time;
            visit.answers = Answers {
                postal_code: "85004".into(),
                service: scheduler.settings.services[0].key.clone(),
                name: name.clone(),
                phone: phone.clone(),
                notes: "The dog is friendly.".into(),
                ..Answers::default()
            };
            visit.give_up(Departure::Closed, true, tx.now()).unwrap();
            let left_at = tx.now() - ago;
            let theirs = lead::of_visitor(tx, &visit)?;
            lead::capture(
                tx,
                &mut visit,
                &scheduler,
                theirs,
                Departure::Closed,
                left_at,
            )
        })
        .await
        .unwrap()
}

async fn just_left(world: &TestServer, name: &str) -> LeadId {
    somebody_leaves(world, name, "+16025550142", SignedDuration::from_secs(3)).await
}

async fn lead_of(world: &TestServer, id: LeadId) -> Lead {
    let business = world.seeded.business;
    let found = world
        .app()
        .store
        .read(move |tx| lead::get(tx, business, id))
        .await;
    found.unwrap().unwrap()
}

async fn open_tasks(world: &TestServer) -> Vec<task::TaskRow> {
    let business: BusinessId = world.seeded.business;
    let list = move |tx: &mut ringback_server::store::Tx<'_>| {
        task::list(tx, business, task::Which::Open, None, 100)
    };
    world.app().store.read(list).await.unwrap()
}

/// A browser at the office.
struct Browser {
    url: String,
    http: reqwest::Client,
    /// Of whoever is signed in.
    cookie: Option<String>,
    /// What it is known by, once somebody has signed in.
    known: Option<String>,
}

/// What it was answered.
struct Answer {
    status: StatusCode,
    to: String,
    text: String,
}

impl Browser {
    fn new(world: &TestServer) -> Self {
        // No redirects are followed: where a form leads is part of the answer.
        let http = outside::client();
        Self {
            url: world.url.clone(),
            http,
            cookie: None,
            known: None,
        }
    }

    /// A browser in which this person is signed in.
    async fn of(world: &TestServer, email: &str) -> Self {
        let mut browser = Self::new(world);
        let answer = browser.signs_in(email, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    async fn signs_in(&mut self, email: &str, password: &str) -> Answer {
        let fields = [("email", email), ("password", password)];
        self.posts("/office/sign-in", &fields).await
    }

    async fn opens(&mut self, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url));
        self.sends(request.header("accept", "text/html")).await
    }

    /// A plain form on one of our own pages.
    async fn posts(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).form(fields);
        self.sends(request.header("sec-fetch-site", "same-origin"))
            .await
    }

    /// One of our own scripts.
    async fn script_posts(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).form(fields);
        let request = request.header("origin", self.url.clone());
        self.sends(request.header("x-ringback", "script")).await
    }

    async fn script_asks(&mut self, path: &str) -> serde_json::Value {
        let request = self.http.get(format!("{}{path}", self.url));
        let answer = self.sends(request.header("x-ringback", "script")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        serde_json::from_str(&answer.text).unwrap()
    }

    async fn sends(&mut self, mut request: reqwest::RequestBuilder) -> Answer {
        for cookie in [&self.cookie, &self.known].into_iter().flatten() {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await.unwrap();
        for set in response.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"));
            let pair = set.split(';').next().unwrap().to_owned();
            let place = if pair.starts_with("rb-known-") {
                &mut self.known
            } else {
                &mut self.cookie
            };
            *place = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        let to = response.headers().get("location");
        Answer {
            status: response.status(),
            to: to.map_or_else(String::new, |to| to.to_str().unwrap().to_owned()),
            text: response.text().await.unwrap(),
        }
    }
}
