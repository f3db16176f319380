//! A browser without JavaScript: forms, a cookie, redirects that are looked at before they are followed.

use std::sync::Mutex;

use jiff::SignedDuration;
use reqwest::{Client, RequestBuilder};
use ringback_domain::id::StaffId;
use ringback_domain::staff::Role;
use ringback_server::office::door;
use ringback_server::outside;
use ringback_server::random;
use ringback_server::store::Order;
use ringback_server::store::staff::{self, NewStaff};
use ringback_server::testing::TestServer;

pub struct Browser {
    /// Whoever is signed in with it; 0 is nobody.
    pub id: i64,
    url: String,
    client: Client,
    cookie: Mutex<String>,
    language: &'static str,
}

impl Browser {
    pub fn new(url: &str) -> Self {
        Self {
            id: 0,
            url: url.to_owned(),
            client: outside::client(),
            cookie: Mutex::default(),
            language: "en-US",
        }
    }

    /// One that asks for pages in these languages.
    pub fn speaking(url: &str, language: &'static str) -> Self {
        Self {
            language,
            ..Self::new(url)
        }
    }

    /// Somebody of Copperline's, signed in.
    pub async fn signed_in(world: &TestServer, name: &str, role: Role) -> Self {
        let token = random::token();
        let (hash, new) = (
            door::hash(&token),
            NewStaff {
                business: world.seeded.business,
                name: name.to_owned(),
                email: format!(
                    "{}@copperline.example",
                    name.to_lowercase().replace(' ', ".")
                ),
                role,
                password_hash: "set".into(),
            },
        );
        let made = world.app().store.write(Order::Any, move |tx| {
            let id = staff::create(tx, &new)?.unwrap();
            let member = staff::get(tx, new.business, id)?.unwrap();
            let until = tx.now() + SignedDuration::from_hours(1);
            staff::sign_in(tx, &member.staff, &hash, until)?;
            Ok(id)
        });
        let id: StaffId = made.await.unwrap();
        Self {
            id: id.get(),
            cookie: Mutex::new(format!("{}={token}", door::cookie_name(world.app()))),
            ..Self::new(&world.url)
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.address(path))).await
    }

    /// Presses the button of a form on one of our own pages.
    pub async fn post(&self, path: &str, fields: &[(&str, String)]) -> Answer {
        let request = self.client.post(self.address(path)).form(fields);
        self.send(request.header("sec-fetch-site", "same-origin"))
            .await
    }

    /// The same, brought about by a page of another website.
    pub async fn post_from_elsewhere(&self, path: &str) -> Answer {
        let request = self.client.post(self.address(path)).form(&[("name", "x")]);
        let request = request.header("sec-fetch-site", "cross-site");
        self.send(request.header("origin", "https://elsewhere.example"))
            .await
    }

    fn address(&self, path: &str) -> String {
        if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.url)
        }
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let cookie = self.cookie.lock().unwrap().clone();
        let request = request
            .header("cookie", cookie)
            .header("accept-language", self.language);
        let response = request.send().await.unwrap();
        let said = |name: &str| {
            let value = response.headers().get(name);
            value.map_or_else(String::new, |v| v.to_str().unwrap().to_owned())
        };
        if let Some((cookie, _)) = said("set-cookie").split_once(';') {
            cookie.clone_into(&mut self.cookie.lock().unwrap());
        }
        let (status, location) = (response.status().as_u16(), said("location"));
        assert!(status < 500, "a page never answers {status}");
        let body = response.text().await.unwrap();
        Answer {
            status,
            location,
            body,
        }
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    location: String,
    pub body: String,
}

impl Answer {
    /// Where it sends the browser.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Whether the page shows these words.
    pub fn says(&self, words: &str) -> bool {
        self.plain().contains(words)
    }

    /// The address on the page that holds this path.
    pub fn link(&self, path: &str) -> String {
        let plain = self.plain();
        let at = plain.find(path).expect("the page shows the link");
        let start = plain[..at].rfind("http").expect("a whole address");
        let end = plain[start..].find(['<', '"', ' ']).unwrap();
        plain[start..start + end].to_owned()
    }

    /// The word on the page that begins like this and is not cut off.
    pub fn word(&self, beginning: &str) -> String {
        let plain = self.plain();
        let words = plain.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut fitting = words.filter(|w| w.starts_with(beginning) && w.len() > beginning.len());
        fitting.next().expect("the page shows it").to_owned()
    }

    /// What stands in a field.
    pub fn field(&self, name: &str) -> String {
        let plain = self.plain();
        let (_, rest) = plain
            .split_once(&format!("name=\"{name}\" value=\""))
            .expect("the page has the field");
        rest.split('"').next().unwrap().to_owned()
    }

    /// The action of the form that ends like this.
    pub fn action(&self, end: &str) -> String {
        let mut actions = self.body.split("action=\"").skip(1);
        let found = actions.find_map(|rest| rest.split('"').next().filter(|a| a.ends_with(end)));
        found.expect("the page has the form").to_owned()
    }

    /// Entities read as a browser does.
    fn plain(&self) -> String {
        self.body
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#38;", "&")
    }
}
