//! What arrives over HTTP, at the whole product with a database behind it.

use std::cell::{OnceCell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use ringback_domain::person;
use ringback_domain::phone::Phone;
use ringback_domain::region::Region;
use ringback_domain::session::Session;
use ringback_server::app::App;
use ringback_server::store::{Engine, Order, api_key, session};
use ringback_server::testing::TestServer;
use ringback_server::{routes, seed, token};
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};

use crate::driver::{Kind, kind};
use crate::{inputs, line};

const FIELDS: &[&str] = &[
    "step", "go", "zip", "service", "name", "phone", "email", "text_me", "window", "street",
    "unit", "city", "state", "notes", "token", "page", "zone", "embedded", "q_", "back", "nearest",
];
const REPORTED: &[&str] = &[
    "MessageSid",
    "MessageStatus",
    "ErrorCode",
    "ErrorMessage",
    "To",
    "From",
    "SmsStatus",
];
const RECEIVED: &[&str] = &[
    "MessageSid",
    "From",
    "To",
    "Body",
    "OptOutType",
    "MessagingServiceSid",
    "NumMedia",
];

/// Steps as a visitor fills them in.
const RIGHT: &[&[(&str, &str)]] = &[
    &[
        ("step", "service"),
        ("go", "continue"),
        ("zip", "85004"),
        ("service", "cooling-repair"),
    ],
    &[
        ("step", "contact"),
        ("go", "continue"),
        ("name", "Ana Morales"),
        ("phone", "602-555-0142"),
    ],
    &[
        ("step", "place"),
        ("go", "continue"),
        ("street", "1 W Washington St"),
        ("city", "Phoenix"),
        ("state", "AZ"),
    ],
    &[("step", "time"), ("go", "continue")],
    &[("step", "review"), ("go", "continue")],
    &[],
];

pub fn kinds() -> Vec<Kind> {
    let world: Rc<OnceCell<World>> = Rc::default();
    let with = |holds: fn(&World, Input) -> TestCaseResult| {
        let world = Rc::clone(&world);
        move |input: Input| holds(world.get_or_init(World::begin), input)
    };
    vec![
        kind("addresses", 300, addresses(), with(an_address_is_an_answer)),
        kind(
            "scheduler_forms",
            500,
            forms(),
            with(a_form_is_kept_in_normal_form),
        ),
        kind(
            "presence",
            300,
            words_of_a_page(),
            with(a_word_is_taken_or_refused),
        ),
        kind("lines", 40, line::talks(), {
            let world = Rc::clone(&world);
            move |talk| line::a_line_ends_in_order(world.get_or_init(World::begin), &talk)
        }),
        kind(
            "carrier_reports",
            200,
            called(REPORTED),
            with(a_report_is_noted),
        ),
        kind(
            "carrier_texts",
            200,
            called(RECEIVED),
            with(a_text_is_noted),
        ),
        kind(
            "api_questions",
            200,
            addresses(),
            with(the_api_answers_in_its_own_words),
        ),
        kind(
            "api_bodies",
            200,
            json_texts(),
            with(a_body_is_taken_or_refused),
        ),
    ]
}

/// One request: where to, which fields, which bytes, whether it shows who it is.
type Input = (String, Vec<(String, String)>, Vec<u8>, bool);

pub struct World {
    pub runtime: Runtime,
    server: RefCell<Option<TestServer>>,
    router: Router,
    pub url: String,
    pub scheduler: String,
    key: String,
    auth_token: String,
    account: String,
    /// The visitor's present token.
    visitor: RefCell<Option<String>>,
}

impl World {
    fn begin() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sandbox = ringback_sandbox::Credentials::default();
        let known = sandbox.clone();
        let key = "rb_fuzz".to_owned();
        let hash = token::hash(&key);
        let server = runtime.block_on(async {
            // Nobody listens there: what falls due in a long run stays on this machine.
            let nobody: Url = "http://127.0.0.1:1".parse().expect("a URL");
            let server = TestServer::start_with(Engine::Sqlite, |config| {
                config.servicetitan_auth_url = nobody.clone();
                config.servicetitan_api_url = nobody.clone();
                config.twilio_url = nobody;
            });
            let server = server.await.expect("SQLite is always there");
            let (app, business) = (server.app().clone(), server.seeded.business);
            let set_up = server.app().store.write(Order::Any, move |tx| {
                seed::connect(tx, &app, business, &known)?;
                api_key::create(tx, business, "fuzz", &hash)
            });
            set_up.await.expect("set up");
            server
        });
        Self {
            router: routes::routes(server.app().clone()),
            url: server.url.clone(),
            scheduler: server.seeded.public_id.clone(),
            key,
            auth_token: sandbox.auth_token,
            account: sandbox.account_sid,
            visitor: RefCell::default(),
            server: RefCell::new(Some(server)),
            runtime,
        }
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ORIGIN, &self.url)
            .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4_000))));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // What is no request at all never gets this far.
        let request = request.body(Body::from(body)).ok()?;
        Some(self.runtime.block_on(async {
            let answer = self
                .router
                .clone()
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            let (head, body) = answer.into_parts();
            let header = |name| {
                head.headers
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
            };
            Answer {
                status: head.status.as_u16(),
                kind: header(header::CONTENT_TYPE).to_owned(),
                cookie: header(header::SET_COOKIE).to_owned(),
                body: to_bytes(body, usize::MAX)
                    .await
                    .expect("a whole answer")
                    .to_vec(),
            }
        }))
    }

    /// The visitor's token; of a new visitor where there is none yet.
    pub fn somebody(&self) -> String {
        if self.visitor.borrow().is_none() {
            let fields = RIGHT[0]
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let first = (String::new(), fields.collect(), Vec::new(), false);
            a_form_is_kept_in_normal_form(self, first).expect("a first step");
        }
        self.visitor.borrow().clone().expect("a token")
    }

    /// Everything in the server; it runs until the world ends.
    pub fn app(&self) -> App {
        let server = self.server.borrow();
        server.as_ref().expect("it runs").app().clone()
    }

    fn session(&self) -> Option<Session> {
        let hash = token::hash(self.visitor.borrow().as_ref()?);
        let server = self.server.borrow();
        let store = &server.as_ref()?.app().store;
        self.runtime
            .block_on(store.read(move |tx| session::by_token(tx, &hash)))
            .expect("read")
    }

    /// As Twilio signs.
    fn signed(&self, path: &str, fields: &[(String, String)]) -> String {
        let pairs: std::collections::BTreeSet<_> = fields.iter().collect();
        let mut mac = Hmac::<Sha1>::new_from_slice(self.auth_token.as_bytes()).expect("any key");
        mac.update(format!("{}{path}", self.url).as_bytes());
        for (name, value) in pairs {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(TestServer { server, .. }) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

struct Answer {
    status: u16,
    kind: String,
    cookie: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn an_address_is_an_answer(world: &World, (path, _, _, get): Input) -> TestCaseResult {
    // A presence line is taken over from a real connection: tests/capture.rs and the browser have those.
    prop_assume!(!(get && path.starts_with("/line/")));
    let method = if get { Method::GET } else { Method::POST };
    if let Some(answer) = world.ask(method, &path, &[], Vec::new()) {
        prop_assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
    }
    Ok(())
}

fn a_form_is_kept_in_normal_form(
    world: &World,
    (below, fields, _, known): Input,
) -> TestCaseResult {
    let path = format!("/s/{}{below}", world.scheduler);
    let cookie = format!("rb-{}", world.scheduler);
    let shown = world
        .visitor
        .borrow()
        .clone()
        .filter(|_| known)
        .unwrap_or_default();
    let headers = [
        ("cookie", &*format!("{cookie}={shown}")),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let Some(answer) = world.ask(Method::POST, &path, &headers, form(&fields)) else {
        return Ok(());
    };
    prop_assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
    prop_assert!(!answer.text().contains("<script>"), "{}", answer.text());
    if let Some(fresh) = answer.cookie.strip_prefix(&format!("{cookie}=")) {
        let fresh = fresh.split(';').next().unwrap_or_default();
        if token::looks_like_one(fresh) {
            world.visitor.replace(Some(fresh.to_owned()));
        }
    }
    let Some(session) = world.session() else {
        return Ok(());
    };
    let a = session.answers;
    let region = Region::UnitedStates;
    prop_assert!(
        a.phone.is_empty() || Phone::from_e164(&a.phone).is_some(),
        "{:?}",
        a.phone
    );
    prop_assert!(
        a.postal_code.is_empty()
            || region.postal_code(&a.postal_code).as_ref() == Ok(&a.postal_code)
    );
    prop_assert_eq!(&person::clean_name(&a.name), &a.name);
    prop_assert_eq!(person::email(&a.email), Ok(a.email.clone()));
    let address = [
        &a.address.street,
        &a.address.unit,
        &a.address.city,
        &a.address.state,
    ];
    for line in address.into_iter().chain(a.questions.values()) {
        prop_assert!(
            line.chars().count() <= 120 && !line.chars().any(char::is_control),
            "{:?}",
            line
        );
    }
    prop_assert!(
        a.notes.chars().count() <= 1_000 && !a.notes.contains('\0'),
        "{:?}",
        a.notes
    );
    Ok(())
}

fn a_word_is_taken_or_refused(world: &World, (_, _, body, ours): Input) -> TestCaseResult {
    let path = format!("/line/{}/say", world.scheduler);
    let shown = world.visitor.borrow().clone().unwrap_or_default();
    let cookie = format!("rb-{}={shown}", world.scheduler);
    let headers: &[_] = if ours {
        &[("cookie", cookie.as_str())]
    } else {
        &[]
    };
    let given = String::from_utf8_lossy(&body).into_owned();
    if let Some(answer) = world.ask(Method::POST, &path, headers, body) {
        prop_assert!(
            matches!(answer.status, 204 | 413 | 422),
            "{}: {}",
            answer.status,
            answer.text()
        );
        let repeats = given.len() > 12 && answer.text().contains(&given);
        prop_assert!(!repeats, "the answer repeats what was said");
    }
    Ok(())
}

fn a_report_is_noted(world: &World, (_, fields, _, signed): Input) -> TestCaseResult {
    a_call_of_the_carrier(
        world,
        "/hooks/texts/status?m=0123456789abcdefghijKL",
        fields,
        signed,
    )
}

fn a_text_is_noted(world: &World, (_, fields, _, signed): Input) -> TestCaseResult {
    a_call_of_the_carrier(world, "/hooks/texts/inbound", fields, signed)
}

fn a_call_of_the_carrier(
    world: &World,
    path: &str,
    mut fields: Vec<(String, String)>,
    is_signed: bool,
) -> TestCaseResult {
    fields.insert(0, ("AccountSid".into(), world.account.clone()));
    let sign = if is_signed {
        world.signed(path, &fields)
    } else {
        "bm8=".into()
    };
    let headers = [
        ("x-twilio-signature", sign.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = form(&fields);
    let fits = body.len() <= 64 * 1024;
    let answer = world.ask(Method::POST, path, &headers, body);
    let status = answer.map_or(0, |answer| answer.status);
    match (is_signed, fits) {
        (true, true) => prop_assert!(matches!(status, 200 | 204), "{}", status),
        (_, false) => prop_assert_eq!(status, 422),
        (false, true) => prop_assert_eq!(status, 403),
    }
    Ok(())
}

fn the_api_answers_in_its_own_words(
    world: &World,
    (path, fields, _, keyed): Input,
) -> TestCaseResult {
    let query = String::from_utf8(form(&fields)).expect("a form is ASCII");
    let path = format!("/api/v1/{}?{query}", path.trim_start_matches('/'));
    api(world, Method::GET, &path, Vec::new(), keyed)
}

fn a_body_is_taken_or_refused(world: &World, (_, _, body, keyed): Input) -> TestCaseResult {
    let path = format!("/api/v1/schedulers/{}/settings", world.scheduler);
    api(world, Method::PUT, &path, body, keyed)
}

fn api(world: &World, method: Method, path: &str, body: Vec<u8>, keyed: bool) -> TestCaseResult {
    let key = format!("Bearer {}", if keyed { &world.key } else { "rb_other" });
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    let Some(answer) = world.ask(method, path, &headers, body) else {
        return Ok(());
    };
    prop_assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
    if answer.status == 200 {
        prop_assert!(
            answer.kind.starts_with("application/json"),
            "{}",
            answer.kind
        );
    } else {
        prop_assert_eq!(
            &answer.kind,
            "application/problem+json",
            "status {}",
            answer.status
        );
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        prop_assert_eq!(&problem["status"], &json!(answer.status));
        prop_assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|told| told.contains(' ')),
            "{}",
            problem
        );
    }
    Ok(())
}

fn form(fields: &[(String, String)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
        .into_bytes()
}

// Inputs.

fn addresses() -> impl Strategy<Value = Input> {
    let part = prop_oneof![
        3 => select(&["s", "r", "office", "api", "v1", "leads", "schedulers", "settings", "assets", "line", "say", "hooks",
                      "embed.js", "healthz", "..", ".", "%00", "%FF", "%2e%2e%2f", "-1", "9223372036854775808"][..])
            .prop_map(str::to_owned),
        1 => inputs::bytes().prop_map(|bytes| form_urlencoded::byte_serialize(&bytes).collect()),
    ];
    let path = vec(part, 0..5).prop_map(|parts| format!("/{}", parts.join("/")));
    let asked = inputs::fields(&["state", "limit", "after", "q", "step", "cursor"]);
    (path, asked, Just(Vec::new()), any::<bool>())
}

fn forms() -> impl Strategy<Value = Input> {
    let below = select(&["", "", "", "", "/close", "/begin", "/book"][..]).prop_map(str::to_owned);
    let right = select(RIGHT);
    let fields = (right, inputs::fields(FIELDS)).prop_map(|(right, wrong)| {
        let right = right
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        right.chain(wrong).collect()
    });
    (below, fields, Just(Vec::new()), prop::bool::weighted(0.95))
}

fn words_of_a_page() -> impl Strategy<Value = Input> {
    let word = select(
        &[
            "attach", "bye", "closed", "hidden", "shown", "touch", "here", "dance",
        ][..],
    );
    let said = (
        word,
        any::<i64>(),
        "[a-zA-Z0-9]{0,40}",
        any::<bool>(),
        inputs::text(),
    )
        .prop_map(|(t, n, page, hidden, token)| {
            json!({"t": t, "n": n, "page": page, "hidden": hidden, "token": token})
                .to_string()
                .into_bytes()
        });
    let small = (select(&["attach", "bye", "here"][..]), 0..1_000_i64).prop_map(|(t, n)| {
        json!({"t": t, "n": n, "page": "p1"})
            .to_string()
            .into_bytes()
    });
    let body = prop_oneof![2 => said, 2 => small, 1 => inputs::bytes()];
    (Just(String::new()), Just(Vec::new()), body, any::<bool>())
}

fn called(names: &'static [&'static str]) -> impl Strategy<Value = Input> {
    (
        Just(String::new()),
        inputs::fields(names),
        Just(Vec::new()),
        prop::bool::weighted(0.8),
    )
}

fn json_texts() -> impl Strategy<Value = Input> {
    let delay = prop_oneof![
        3 => select(&["customer_closes", "5_minutes", "4_hours", "never"][..]).prop_map(|word| json!(word)),
        1 => any_json(),
    ];
    let text = prop_oneof![1 => Just(json!("")), 2 => inputs::text().prop_map(|text| json!(text)), 1 => any_json()];
    let settings = (0..40_i64, delay.clone(), delay, text, any_json()).prop_map(|(version, sync, send, text, id)| {
        json!({
            "version": version,
            "abandoned_sessions": {"scheduler_drop_off": true},
            "sync_to_servicetitan": {
                "send_abandoned_session_to_me_in_st": sync, "send_as": "booking", "campaign_id": id, "call_reason_id": null
            },
            "follow_up_sms": {"send_message_after": send, "text": text},
        })
        .to_string()
        .into_bytes()
    });
    let body = prop_oneof![
        3 => settings,
        1 => any_json().prop_map(|json| json.to_string().into_bytes()),
        1 => inputs::bytes(),
    ];
    (
        Just(String::new()),
        Just(Vec::new()),
        body,
        prop::bool::weighted(0.9),
    )
}

/// Any JSON, a few levels deep.
pub fn any_json() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        inputs::text().prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|list| json!(list)),
            vec((inputs::text(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
    .boxed()
}
