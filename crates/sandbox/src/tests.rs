//! Stories over real sockets: faults as a client meets them, webhooks as they arrive, the switches over
//! HTTP. Nothing here sleeps to pass; it waits for what must happen, with a deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::*;

const SOON: Duration = Duration::from_secs(10);
const PHONE: &str = "+16025550123";

/// What the pages show comes from the state: the zone they are told is the zone of their times.
#[tokio::test]
async fn the_board_and_the_phone_show_the_zone_they_were_given() {
    for (given, shown) in [
        (None, "America/Phoenix"),
        (Some("Europe/Dublin"), "Europe/Dublin"),
    ] {
        let mut options = Options::default();
        if let Some(zone) = given {
            options.time_zone = zone.into();
        }
        let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap(), options)
            .await
            .unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let state = client.get(sandbox.url() + "/control/state").send();
        let state: Value = state.await.unwrap().json().await.unwrap();
        assert_eq!(state["servicetitan"]["time_zone"], shown);
        assert_eq!(state["carrier"]["time_zone"], shown);
    }
}

/// A sandbox and a client that holds its keys.
struct Stage {
    sandbox: Sandbox,
    client: Client,
    token: String,
}

async fn stage(delivery: Delivery) -> Stage {
    let options = Options {
        delivery,
        seed: 7,
        ..Options::default()
    };
    let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap(), options)
        .await
        .unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let mut stage = Stage {
        sandbox,
        client,
        token: String::new(),
    };
    stage.token = stage.fresh_token().await;
    stage
}

fn prompt() -> Delivery {
    Delivery {
        pause_ms: 0,
        ..Delivery::default()
    }
}

impl Stage {
    async fn fresh_token(&self) -> String {
        let keys = self.sandbox.credentials();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &keys.client_id),
            ("client_secret", &keys.client_secret),
        ];
        let answer = self
            .client
            .post(self.sandbox.url() + "/connect/token")
            .form(&form)
            .send()
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn bookings(&self, method: Method, body: Option<Value>) -> reqwest::Result<Response> {
        let keys = self.sandbox.credentials();
        let url = format!(
            "{}/crm/v2/tenant/{}/booking-provider/{}/bookings",
            self.sandbox.url(),
            keys.tenant,
            keys.booking_provider
        );
        let request = self
            .client
            .request(method, url)
            .bearer_auth(&self.token)
            .header("ST-App-Key", &keys.app_key);
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    async fn book(&self) -> reqwest::Result<Response> {
        let body = json!({"source": "Ringback", "name": "Ana Morales", "summary": "AC repair", "isFirstTimeClient": true, "externalId": "rb-1"});
        self.bookings(Method::POST, Some(body)).await
    }

    async fn text(&self, callback: Option<&str>) -> reqwest::Result<Response> {
        let keys = self.sandbox.credentials();
        let url = format!(
            "{}/2010-04-01/Accounts/{}/Messages.json",
            self.sandbox.url(),
            keys.account_sid
        );
        let mut form = vec![
            ("To", PHONE),
            ("From", &keys.from_number),
            ("Body", "Finish here"),
        ];
        form.extend(callback.map(|url| ("StatusCallback", url)));
        self.client
            .post(url)
            .basic_auth(&keys.api_key, Some(&keys.api_secret))
            .form(&form)
            .send()
            .await
    }

    async fn control(&self, what: &str, body: Value) -> (StatusCode, Value) {
        let answer = self
            .client
            .post(format!("{}/control/{what}", self.sandbox.url()))
            .json(&body)
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

/// The product's side: takes webhooks, checks their signatures, answers as told.
struct Ear {
    url: String,
    heard: Heard,
}

type Heard = Arc<Mutex<Vec<HashMap<String, String>>>>;

impl Ear {
    async fn open(answer: &'static str) -> Ear {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?m=7", listener.local_addr().unwrap());
        let heard = Heard::default();
        let state = (heard.clone(), url.clone(), answer);
        let app = Router::new().route("/hook", post(hear)).with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ear { url, heard }
    }

    fn statuses(&self) -> Vec<String> {
        self.heard
            .lock()
            .unwrap()
            .iter()
            .map(|fields| fields["MessageStatus"].clone())
            .collect()
    }
}

async fn hear(
    State((heard, url, answer)): State<(Heard, String, &'static str)>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, [(&'static str, &'static str); 1], &'static str) {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let expected = signature::sign(&Credentials::default().auth_token, &url, &fields);
    if headers["x-twilio-signature"] != expected {
        return (StatusCode::FORBIDDEN, [("content-type", "text/plain")], "");
    }
    heard.lock().unwrap().push(fields.into_iter().collect());
    if answer == "500" {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            [("content-type", "text/plain")],
            "",
        );
    }
    (StatusCode::OK, [("content-type", "text/xml")], answer)
}

#[tokio::test]
async fn a_slow_answer_comes_late_but_the_call_took_effect_at_once() {
    let stage = stage(prompt()).await;
    stage
        .sandbox
        .servicetitan()
        .set_fault(Fault::new(FaultKind::Slow { ms: 300 }).times(1));
    let started = Instant::now();
    let answer = stage.book().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer.status(), 200);
    stage
        .sandbox
        .servicetitan()
        .set_fault(Fault::new(FaultKind::Slow { ms: 60_000 }));
    let (late, effect) = tokio::join!(
        tokio::time::timeout(Duration::from_millis(500), stage.book()),
        stage
            .sandbox
            .wait_until(SOON, |sandbox| sandbox.servicetitan().bookings().len() == 2)
    );
    assert!(
        late.is_err() && effect,
        "who gives up waiting has still made a booking"
    );
}

#[tokio::test]
async fn refused_and_reset_take_no_effect_and_give_no_answer() {
    let stage = stage(prompt()).await;
    let titan = stage.sandbox.servicetitan();
    for kind in [FaultKind::Refused, FaultKind::Reset] {
        titan.set_fault(Fault::new(kind.clone()).times(1));
        let error = stage.book().await.unwrap_err();
        assert!(error.is_request() && !error.is_connect(), "{error:?}");
        let last = titan.requests().pop().unwrap();
        assert_eq!(
            (last.fault, last.effect, last.status),
            (Some(kind), false, None)
        );
        assert_eq!(
            last.body.is_null(),
            last.number == 2,
            "refused reads nothing, reset reads all"
        );
    }
    assert!(titan.bookings().is_empty());
    assert_eq!(stage.book().await.unwrap().status(), 200, "both are over");
}

#[tokio::test]
async fn a_reset_reaches_the_client_as_a_reset() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stage = stage(prompt()).await;
    stage
        .sandbox
        .servicetitan()
        .set_fault(Fault::new(FaultKind::Reset));
    let mut line = tokio::net::TcpStream::connect(stage.sandbox.addr())
        .await
        .unwrap();
    line.write_all(b"GET /crm/v2/tenant/1/bookings HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let error = line.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn dropped_after_effect_makes_the_booking_and_sends_the_text_without_saying_so() {
    let stage = stage(prompt()).await;
    let (titan, carrier) = (stage.sandbox.servicetitan(), stage.sandbox.carrier());
    titan.set_fault(Fault::new(FaultKind::DroppedAfterEffect));
    carrier.set_fault(Fault::new(FaultKind::DroppedAfterEffect));
    assert!(stage.book().await.is_err());
    assert!(stage.text(None).await.is_err());
    assert_eq!((titan.bookings().len(), carrier.messages().len()), (1, 1));
    assert_eq!(
        stage.bookings(Method::GET, None).await.unwrap().status(),
        200,
        "reads are spared"
    );
    stage.sandbox.settled().await;
    assert_eq!(carrier.messages()[0].status, "delivered");
    let logged = titan.requests();
    assert!(logged.iter().any(|call| call.effect
        && call.fault == Some(FaultKind::DroppedAfterEffect)
        && call.status == Some(200)));
}

#[tokio::test]
async fn rate_limits_and_server_errors_come_in_each_partys_words() {
    let stage = stage(prompt()).await;
    let (titan, carrier) = (stage.sandbox.servicetitan(), stage.sandbox.carrier());
    titan.set_fault(Fault::new(FaultKind::RateLimited { retry_after: 7 }).times(1));
    carrier.set_fault(Fault::new(FaultKind::RateLimited { retry_after: 3 }).times(1));
    let answer = stage.book().await.unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "7")
    );
    let answer = stage.text(None).await.unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "3")
    );
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], 20429);
    assert!(titan.bookings().is_empty() && carrier.messages().is_empty());

    titan.set_fault(Fault::new(FaultKind::ServerError).times(1));
    titan.set_fault(Fault::new(FaultKind::ServerError).times(1).after_effect());
    assert_eq!(stage.book().await.unwrap().status(), 500);
    assert!(titan.bookings().is_empty());
    assert_eq!(stage.book().await.unwrap().status(), 500);
    assert_eq!(titan.bookings().len(), 1, "the second one took effect");
    carrier.set_fault(Fault::new(FaultKind::ServerError).times(1));
    assert_eq!(
        stage
            .text(None)
            .await
            .unwrap()
            .json::<Value>()
            .await
            .unwrap()["code"],
        20500
    );
}

#[tokio::test]
async fn an_expired_token_stays_expired_and_a_fresh_one_helps() {
    let mut stage = stage(prompt()).await;
    stage
        .sandbox
        .servicetitan()
        .set_fault(Fault::new(FaultKind::ExpiredToken).times(1));
    assert_eq!(stage.book().await.unwrap().status(), 401);
    assert_eq!(
        stage.book().await.unwrap().status(),
        401,
        "the same token again"
    );
    stage.token = stage.fresh_token().await;
    assert_eq!(stage.book().await.unwrap().status(), 200);
    stage.sandbox.advance_clock(SignedDuration::from_secs(900));
    assert_eq!(
        stage.book().await.unwrap().status(),
        401,
        "its time is over"
    );
}

#[tokio::test]
async fn hostile_bodies_are_what_they_say() {
    let stage = stage(prompt()).await;
    let titan = stage.sandbox.servicetitan();
    for body in [
        HostileBody::Html,
        HostileBody::Garbage,
        HostileBody::Empty,
        HostileBody::Huge,
    ] {
        titan.set_fault(Fault::new(FaultKind::Hostile { body }).times(1));
        let answer = stage.book().await.unwrap();
        assert_eq!(answer.status(), 200);
        let length = answer.bytes().await.unwrap().len();
        assert_eq!(length >= 32 << 20, body == HostileBody::Huge);
        assert_eq!(length == 0, body == HostileBody::Empty);
    }
    assert!(titan.bookings().is_empty());
}

#[tokio::test]
async fn a_torn_answer_took_effect_and_breaks_off_in_its_middle() {
    let stage = stage(prompt()).await;
    let titan = stage.sandbox.servicetitan();
    titan.set_fault(Fault::new(FaultKind::TornAnswer).times(1));
    let answer = stage.book().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.content_length().is_some_and(|length| length > 0));
    assert!(answer.bytes().await.is_err());
    assert_eq!(titan.bookings().len(), 1);
    assert_eq!(stage.book().await.unwrap().status(), 200);
}

#[tokio::test]
async fn after_hanging_up_connecting_is_refused_until_picked_up() {
    let stage = stage(prompt()).await;
    stage.sandbox.hang_up().await;
    assert!(stage.book().await.unwrap_err().is_connect());
    stage.sandbox.pick_up().await;
    assert_eq!(stage.book().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_dropped_sandbox_frees_its_port() {
    let stage = stage(prompt()).await;
    let addr = stage.sandbox.addr();
    drop(stage);
    let again = async {
        while TcpListener::bind(addr).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, again).await.unwrap();
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused() {
    let stage = stage(prompt()).await;
    let body = json!({"source": "x".repeat(2 << 20)});
    // The client may still be writing when the answer comes and the connection closes.
    match stage.bookings(Method::POST, Some(body)).await {
        Ok(answer) => assert_eq!(answer.status(), 413),
        Err(error) => assert!(error.is_request(), "{error:?}"),
    }
    assert_eq!(
        stage
            .sandbox
            .servicetitan()
            .requests()
            .pop()
            .unwrap()
            .status,
        Some(413)
    );
}

#[tokio::test]
async fn status_callbacks_come_signed_and_in_order_without_the_first_status() {
    let stage = stage(prompt()).await;
    let ear = Ear::open("").await;
    let answer = stage.text(Some(&ear.url)).await.unwrap();
    let sid = answer.json::<Value>().await.unwrap()["sid"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.sandbox.settled().await;
    assert_eq!(ear.statuses(), ["sent", "delivered"]);
    let last = ear.heard.lock().unwrap().pop().unwrap();
    assert_eq!(
        (&last["MessageSid"], &last["SmsStatus"][..], &last["To"][..]),
        (&sid, "delivered", PHONE)
    );
    assert!(
        last.contains_key("RawDlrDoneDate")
            && last.contains_key("AccountSid")
            && !last.contains_key("ErrorCode")
    );
    assert!(
        stage
            .sandbox
            .carrier()
            .webhooks()
            .iter()
            .all(|hook| hook.status == Some(200) && hook.tries == 1)
    );
}

#[tokio::test]
async fn status_callbacks_can_come_reversed_twice_early_or_never() {
    let cases: [(Delivery, &[&str]); 6] = [
        (
            Delivery {
                reversed: true,
                ..prompt()
            },
            &["delivered", "sent"],
        ),
        (
            Delivery {
                duplicated: true,
                ..prompt()
            },
            &["sent", "sent", "delivered", "delivered"],
        ),
        (
            Delivery {
                lost: true,
                ..prompt()
            },
            &[],
        ),
        (
            Delivery {
                ending: Ending::Undelivered(30003),
                ..prompt()
            },
            &["sent", "undelivered"],
        ),
        (
            Delivery {
                ending: Ending::Failed(30008),
                ..prompt()
            },
            &["failed"],
        ),
        (
            Delivery {
                ending: Ending::Sent,
                ..prompt()
            },
            &["sent"],
        ),
    ];
    for (delivery, expected) in cases {
        let stage = stage(delivery.clone()).await;
        let ear = Ear::open("").await;
        stage.text(Some(&ear.url)).await.unwrap();
        stage.sandbox.settled().await;
        assert_eq!(ear.statuses(), expected, "{delivery:?}");
        if let Ending::Undelivered(code) | Ending::Failed(code) = delivery.ending {
            assert_eq!(
                ear.heard.lock().unwrap().pop().unwrap()["ErrorCode"],
                code.to_string()
            );
        }
    }
    let stage = stage(Delivery {
        early: true,
        ..prompt()
    })
    .await;
    let ear = Ear::open("").await;
    stage.text(Some(&ear.url)).await.unwrap();
    assert_eq!(
        ear.statuses(),
        ["sent", "delivered"],
        "all there before the answer was"
    );
}

#[tokio::test]
async fn a_failing_webhook_is_tried_again_as_its_fragment_says() {
    let stage = stage(Delivery {
        ending: Ending::Sent,
        ..prompt()
    })
    .await;
    let ear = Ear::open("500").await;
    stage
        .text(Some(&format!("{}#rc=2&rp=5xx", ear.url)))
        .await
        .unwrap();
    stage.text(Some(&ear.url)).await.unwrap();
    stage.sandbox.settled().await;
    let mut tries: Vec<u32> = stage
        .sandbox
        .carrier()
        .webhooks()
        .iter()
        .map(|hook| hook.tries)
        .collect();
    tries.sort_unstable();
    assert_eq!(tries, [1, 3], "without overrides an answer of 500 is final");
    assert_eq!(
        ear.heard.lock().unwrap().len(),
        4,
        "the signature leaves the fragment out"
    );
}

#[tokio::test]
async fn a_reply_reaches_the_webhook_and_its_twiml_comes_back() {
    let stage = stage(prompt()).await;
    let ear = Ear::open("<Response><Message>We&apos;ll call you</Message></Response>").await;
    let carrier = stage.sandbox.carrier();
    carrier.set_inbound_url(Some(&ear.url));
    let reply = carrier.reply(PHONE, "Is 9 fine?").await.unwrap();
    assert_eq!(reply.answers, ["We'll call you"]);
    let heard = ear.heard.lock().unwrap().pop().unwrap();
    assert_eq!(
        (
            &heard["From"][..],
            &heard["Body"][..],
            &heard["SmsStatus"][..]
        ),
        (PHONE, "Is 9 fine?", "received")
    );
    assert!(!heard.contains_key("OptOutType"));

    carrier.set_advanced_opt_out(true);
    let reply = carrier.reply(PHONE, "STOP").await.unwrap();
    assert_eq!(
        reply.answers.len(),
        1,
        "the carrier's own answer; ours is blocked"
    );
    assert_eq!(
        ear.heard.lock().unwrap().pop().unwrap()["OptOutType"],
        "STOP"
    );
    assert_eq!(
        stage
            .text(None)
            .await
            .unwrap()
            .json::<Value>()
            .await
            .unwrap()["code"],
        21610
    );
    assert!(carrier.reply("602", "hi").await.is_err());
}

#[tokio::test]
async fn everything_can_be_switched_over_http() {
    let stage = stage(prompt()).await;
    let ear = Ear::open("<Response/>").await;
    assert_eq!(
        stage.control("inbound", json!({"url": ear.url})).await.0,
        200
    );
    assert_eq!(
        stage
            .control(
                "fault",
                json!({"party": "carrier", "kind": "500", "count": 1, "share": 1.0})
            )
            .await
            .0,
        200
    );
    assert_eq!(stage.text(None).await.unwrap().status(), 500);
    assert_eq!(
        stage
            .control(
                "fault",
                json!({"party": "servicetitan", "kind": "429", "retry_after": 2})
            )
            .await
            .0,
        200
    );
    assert_eq!(stage.book().await.unwrap().status(), 429);
    assert_eq!(
        stage
            .control("clear", json!({"party": "servicetitan"}))
            .await
            .0,
        200
    );
    let id = stage.book().await.unwrap().json::<Value>().await.unwrap()["id"]
        .as_i64()
        .unwrap();
    assert_eq!(
        stage
            .control("booking", json!({"id": id, "status": "Converted"}))
            .await
            .0,
        200
    );
    assert_eq!(
        stage
            .control("booking", json!({"id": id, "status": "Accepted"}))
            .await
            .0,
        400
    );
    assert_eq!(
        stage
            .control("reply", json!({"from": PHONE, "body": "hello"}))
            .await
            .1["webhook"]["status"],
        200
    );
    for (what, bad) in [
        ("fault", json!({"party": "carrier", "kind": "rude"})),
        (
            "fault",
            json!({"party": "carrier", "kind": "slow", "cuont": 1}),
        ),
        (
            "fault",
            json!({"party": "carrier", "kind": "slow", "share": 2}),
        ),
        ("delivery", json!({"ending": "eaten"})),
        ("reply", json!({"from": "me", "body": "x"})),
        ("inbound", json!({"url": "nowhere"})),
    ] {
        let (status, body) = stage.control(what, bad).await;
        assert!(
            status == 400 && body["error"].as_str().unwrap().ends_with('.'),
            "{what}: {body}"
        );
    }
    let state: Value = stage
        .client
        .get(stage.sandbox.url() + "/control/state")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(state["servicetitan"]["bookings"][0]["status"], "Converted");
    assert_eq!(
        state["carrier"]["conversations"][0]["messages"][0]["body"],
        "hello"
    );
    let requests: Value = stage
        .client
        .get(stage.sandbox.url() + "/control/requests?party=carrier")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(requests["requests"][0]["fault"]["kind"], "server_error");
}

#[tokio::test]
async fn who_waits_for_a_change_is_answered_by_it() {
    let stage = stage(prompt()).await;
    let url = stage.sandbox.url() + "/control/state";
    let state: Value = stage
        .client
        .get(&url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let waiting = stage
        .client
        .get(format!("{url}?after={}", state["version"]))
        .send();
    let (answer, _) = tokio::join!(waiting, stage.book());
    let later: Value = answer.unwrap().json().await.unwrap();
    assert!(later["version"].as_u64() > state["version"].as_u64());
}

#[tokio::test]
async fn the_pages_carry_a_strict_policy_and_may_be_framed_on_this_machine() {
    let stage = stage(prompt()).await;
    for path in [
        "/servicetitan",
        "/phone",
        "/sandbox/sandbox.css",
        "/sandbox/live.js",
        "/sandbox/servicetitan.js",
        "/sandbox/phone.js",
    ] {
        let answer = stage
            .client
            .get(stage.sandbox.url() + path)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.contains("script-src 'self'")
                && policy.contains("http://localhost:*")
                && !policy.contains("unsafe")
        );
        assert!(!answer.headers().contains_key("x-frame-options"));
        let text = answer.text().await.unwrap();
        assert!(
            !text.contains("style=\"") && !text.contains("<style") && !text.contains("onclick="),
            "{path}"
        );
    }
    assert_eq!(
        stage
            .client
            .get(stage.sandbox.url() + "/nothing")
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}
