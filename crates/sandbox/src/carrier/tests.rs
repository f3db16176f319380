//! Stories of the pretend carrier without sockets: what it takes, what it refuses and with which code,
//! and how messages are found again.

use axum::http::{HeaderMap, HeaderValue, Method};
use jiff::SignedDuration;
use serde_json::Value;
use url::form_urlencoded;

use super::*;

/// A client with good credentials and a clock of its own.
struct Client {
    account: Account,
    now: Timestamp,
}

const PHONE: &str = "+16025550123";
const OURS: &str = "+16025550100";

impl Client {
    fn new() -> Client {
        let now = "2026-05-14T16:00:00Z".parse().unwrap();
        Client {
            account: Account::new(&Options::default()),
            now,
        }
    }

    fn call(&mut self, method: Method, target: &str, user: &str, form: &[(&str, &str)]) -> Answer {
        let ours = Credentials::default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        let basic = format!("Basic {}", STANDARD.encode(user));
        headers.insert("authorization", HeaderValue::from_str(&basic).unwrap());
        headers.insert(
            "content-type",
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let call = Call {
            method,
            path: path.replace("{sid}", &ours.account_sid),
            query: query.into(),
            headers,
            body: form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish()
                .into(),
        };
        self.account.answer(&call, self.now)
    }

    fn request(&mut self, method: Method, target: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let ours = Credentials::default();
        let user = format!("{}:{}", ours.api_key, ours.api_secret);
        let answer = self.call(method, target, &user, form);
        (
            answer.status.as_u16(),
            serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
        )
    }

    fn send(&mut self, form: &[(&str, &str)]) -> (u16, Value) {
        self.request(Method::POST, MESSAGES, form)
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        self.request(Method::GET, target, &[])
    }

    fn sent(&mut self, body: &str) -> String {
        let (status, message) = self.send(&[("To", PHONE), ("From", OURS), ("Body", body)]);
        assert_eq!(status, 201, "{message}");
        let sid = message["sid"].as_str().unwrap().to_owned();
        self.account.step(&sid, "sent", None, self.now);
        self.now += SignedDuration::from_secs(60);
        sid
    }
}

const MESSAGES: &str = "/2010-04-01/Accounts/{sid}/Messages.json";

#[test]
fn a_message_is_taken_with_every_member_of_the_documents_schema() {
    let mut client = Client::new();
    let callback = "http://127.0.0.1:9000/sms/status?m=7#rc=5&rp=all";
    let form = [
        ("To", PHONE),
        ("From", OURS),
        ("Body", "Finish here: http://x/r/1"),
        ("StatusCallback", callback),
        ("ValidityPeriod", "14400"),
        ("SmartEncoded", "true"),
        ("RiskCheck", "enable"),
        ("ContentRetention", "retain"),
    ];
    let (status, message) = client.send(&form);
    assert_eq!(status, 201, "{message}");
    let mut members: Vec<&str> = message
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    let schema = "account_sid api_version body date_created date_sent date_updated direction error_code error_message from messaging_service_sid num_media num_segments price price_unit sid status subresource_uris to uri";
    assert_eq!(members.join(" "), schema);
    assert_eq!(
        (
            &message["status"],
            &message["direction"],
            &message["num_segments"]
        ),
        (&json!("queued"), &json!("outbound-api"), &json!("1"))
    );
    assert_eq!(message["date_created"], "Thu, 14 May 2026 16:00:00 +0000");
    assert_eq!(message["date_sent"], Value::Null);
    let sid = message["sid"].as_str().unwrap();
    assert_eq!(
        client
            .get(&format!("/2010-04-01/Accounts/{{sid}}/Messages/{sid}.json"))
            .1,
        message
    );
}

#[test]
fn a_messaging_service_accepts_first_and_picks_the_number_later() {
    let mut client = Client::new();
    let service = Credentials::default().messaging_service_sid;
    let (status, message) = client.send(&[
        ("To", PHONE),
        ("MessagingServiceSid", &service),
        ("Body", "x"),
    ]);
    assert_eq!(
        (
            status,
            &message["status"],
            &message["from"],
            &message["num_segments"]
        ),
        (201, &json!("accepted"), &Value::Null, &json!("0"))
    );
    let sid = message["sid"].as_str().unwrap().to_owned();
    let later = client
        .account
        .step(&sid, "queued", None, client.now)
        .unwrap();
    assert_eq!((later.from.as_deref(), later.segments), (Some(OURS), 1));
}

#[test]
fn every_rule_of_the_form_has_its_code() {
    let mut client = Client::new();
    let long = "a".repeat(1601);
    let good = [("To", PHONE), ("From", OURS), ("Body", "x")];
    let cases: &[(&[(&str, &str)], u32)] = &[
        (&[("From", OURS), ("Body", "x")], 21604),
        (&[("To", PHONE), ("Body", "x")], 21603),
        (&[("To", PHONE), ("From", OURS)], 21602),
        (&[("To", PHONE), ("From", OURS), ("Body", "")], 21602),
        (&[("To", PHONE), ("From", OURS), ("Body", &long)], 21617),
        (
            &[("To", "6025550123"), ("From", OURS), ("Body", "x")],
            21211,
        ),
        (&[("To", OURS), ("From", OURS), ("Body", "x")], 21266),
        (
            &[("To", PHONE), ("From", "+16025550777"), ("Body", "x")],
            21606,
        ),
        (&[("To", PHONE), ("From", "602"), ("Body", "x")], 21212),
        (
            &[("To", PHONE), ("MessagingServiceSid", "MG1"), ("Body", "x")],
            20001,
        ),
        (
            &[
                ("To", PHONE),
                ("MessagingServiceSid", "MG00000000000000000000000000000000"),
                ("Body", "x"),
            ],
            21701,
        ),
    ];
    for (form, code) in cases {
        let (status, refusal) = client.send(form);
        assert_eq!(
            (status, refusal["code"].as_u64()),
            (400, Some(u64::from(*code))),
            "{form:?}"
        );
        assert_eq!(
            refusal["more_info"],
            format!("https://www.twilio.com/docs/errors/{code}")
        );
    }
    for (name, value, code) in [
        ("StatusCallback", "not a url", 21609),
        ("StatusCallback", "http://my_host/x", 21609),
        ("StatusCallback", "ftp://host/x", 21609),
        ("ValidityPeriod", "0", 20001),
        ("ValidityPeriod", "36001", 20001),
        ("ValidityPeriod", "soon", 20001),
        ("RiskCheck", "on", 20001),
        ("SmartEncoded", "yes", 20001),
        ("SendAt", "2026-05-14T17:00:00Z", 20001),
        ("messageIntent", "x", 20001),
        ("body", "x", 20001),
        ("Body", "again", 20001),
        ("ShortenUrls", "true", 20001),
    ] {
        let (status, refusal) = client.send(&[&good[..], &[(name, value)]].concat());
        assert_eq!(
            (status, refusal["code"].as_u64()),
            (400, Some(code)),
            "{name}={value}"
        );
    }
    assert!(client.account.messages().is_empty());
    assert_eq!(
        client
            .send(&[("To", PHONE), ("From", OURS), ("Body", &long[..1600])])
            .0,
        201
    );
}

#[test]
fn the_published_test_numbers_stand_for_what_can_be_wrong() {
    let mut client = Client::new();
    for (to, code) in [
        ("1", 21211),
        ("2", 21612),
        ("3", 21408),
        ("4", 21610),
        ("9", 21614),
    ] {
        let to = format!("+1500555000{to}");
        assert_eq!(
            client.send(&[("To", &to), ("From", OURS), ("Body", "x")]).1["code"],
            code,
            "{to}"
        );
    }
    for (from, code) in [("1", 21212), ("7", 21606), ("8", 21611)] {
        let from = format!("+1500555000{from}");
        assert_eq!(
            client
                .send(&[("To", PHONE), ("From", &from), ("Body", "x")])
                .1["code"],
            code,
            "{from}"
        );
    }
    assert_eq!(
        client
            .send(&[("To", PHONE), ("From", "+15005550006"), ("Body", "x")])
            .0,
        201
    );
}

#[test]
fn only_the_accounts_own_keys_come_in() {
    let mut client = Client::new();
    let ours = Credentials::default();
    let token = format!("{}:{}", ours.account_sid, ours.auth_token);
    assert_eq!(client.call(Method::GET, MESSAGES, &token, &[]).status, 200);
    for wrong in [
        format!("{}:x", ours.account_sid),
        format!("{}:{}", ours.account_sid, ours.api_secret),
        String::new(),
    ] {
        let answer = client.call(Method::GET, MESSAGES, &wrong, &[]);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status.as_u16(), &body["code"]),
            (401, &json!(20003))
        );
    }
    let other = "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json";
    assert_eq!(client.call(Method::GET, other, &token, &[]).status, 401);
}

#[test]
fn who_says_stop_is_blocked_until_they_say_start() {
    let mut client = Client::new();
    client.account.receive(PHONE, "Stop", client.now).unwrap();
    let (status, refusal) = client.send(&[("To", PHONE), ("From", OURS), ("Body", "x")]);
    assert_eq!((status, &refusal["code"]), (400, &json!(21610)));
    assert_eq!(
        client
            .send(&[("To", "+16025550124"), ("From", OURS), ("Body", "x")])
            .0,
        201
    );
    client.account.receive(PHONE, "START", client.now).unwrap();
    assert_eq!(
        client
            .send(&[("To", PHONE), ("From", OURS), ("Body", "x")])
            .0,
        201
    );
}

#[test]
fn the_keyword_is_told_only_with_advanced_opt_out() {
    let mut client = Client::new();
    assert_eq!(
        client.account.receive(PHONE, "stop", client.now).unwrap().1,
        None
    );
    client.account.advanced_opt_out = true;
    assert_eq!(
        client.account.receive(PHONE, "help", client.now).unwrap().1,
        Some(opt_out::Keyword::Help)
    );
    assert_eq!(
        client
            .account
            .receive(PHONE, "please help", client.now)
            .unwrap()
            .1,
        None
    );
}

#[test]
fn an_answer_to_a_phone_that_opted_out_fails() {
    let mut client = Client::new();
    client.account.receive(PHONE, "STOP", client.now).unwrap();
    assert!(
        !client
            .account
            .answer_phone(PHONE, "Sorry to see you go", client.now)
    );
    let last = client.account.messages().pop().unwrap();
    assert_eq!((last.status, last.error_code), ("failed", Some(21610)));
}

#[test]
fn messages_are_listed_newest_first_by_number_and_day() {
    let mut client = Client::new();
    let sids: Vec<String> = (0..3).map(|i| client.sent(&format!("text {i}"))).collect();
    client.account.receive(PHONE, "thanks", client.now).unwrap();
    let listed = |page: &Value| -> Vec<String> {
        let messages = page["messages"].as_array().unwrap().iter();
        messages
            .map(|message| message["sid"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, all) = client.get(&format!("{MESSAGES}?To=%2B16025550123"));
    assert_eq!(listed(&all), [&sids[2][..], &sids[1], &sids[0]]);
    let (_, day) = client.get(&format!(
        "{MESSAGES}?To=%2B16025550123&DateSent%3E=2026-05-14"
    ));
    assert_eq!(listed(&day).len(), 3);
    let (_, since) = client.get(&format!(
        "{MESSAGES}?To=%2B16025550123&DateSent>=2026-05-14T16:01:00Z"
    ));
    assert_eq!(listed(&since), [&sids[2][..], &sids[1]]);
    assert_eq!(
        listed(&client.get(&format!("{MESSAGES}?DateSent%3E=2026-05-15")).1).len(),
        0
    );
    assert_eq!(
        listed(&client.get(&format!("{MESSAGES}?DateSent%3C=2026-05-13")).1).len(),
        0
    );
    assert_eq!(
        listed(&client.get(&format!("{MESSAGES}?From=%2B16025550123")).1).len(),
        1
    );

    let (_, first) = client.get(&format!("{MESSAGES}?To=%2B16025550123&PageSize=2"));
    assert_eq!(
        (
            listed(&first).len(),
            &first["page"],
            &first["start"],
            &first["end"]
        ),
        (2, &json!(0), &json!(0), &json!(1))
    );
    let next = first["next_page_uri"].as_str().unwrap().to_owned();
    let (_, second) = client.get(&next);
    assert_eq!(
        (listed(&second), &second["next_page_uri"]),
        (vec![sids[0].clone()], &Value::Null)
    );
    assert_eq!(second["previous_page_uri"], first["uri"]);
    for bad in [
        "PageSize=0",
        "PageSize=1001",
        "Page=1",
        "to=x",
        "DateSent=soon",
        "PageToken=PAx",
    ] {
        assert_eq!(client.get(&format!("{MESSAGES}?{bad}")).0, 400, "{bad}");
    }
}

#[test]
fn what_is_still_queued_has_no_day_and_is_not_found_by_one() {
    let mut client = Client::new();
    client.send(&[("To", PHONE), ("From", OURS), ("Body", "x")]);
    assert_eq!(
        client.get(&format!("{MESSAGES}?DateSent%3E=2026-05-14")).1["messages"],
        json!([])
    );
    assert_eq!(
        client.get(MESSAGES).1["messages"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_message_is_redacted_rated_and_deleted() {
    let mut client = Client::new();
    let sid = client.sent("hello");
    let one = format!("/2010-04-01/Accounts/{{sid}}/Messages/{sid}.json");
    assert_eq!(
        client.request(Method::POST, &one, &[("Body", "other")]).0,
        400
    );
    assert_eq!(
        client
            .request(Method::POST, &one, &[("Status", "canceled")])
            .0,
        400
    );
    assert_eq!(
        client.request(Method::POST, &one, &[("Body", "")]).1["body"],
        ""
    );
    let feedback = one.replace(".json", "/Feedback.json");
    assert_eq!(
        client
            .request(Method::POST, &feedback, &[("Outcome", "confirmed")])
            .1["outcome"],
        "confirmed"
    );
    assert_eq!(
        client
            .request(Method::POST, &feedback, &[("Outcome", "good")])
            .0,
        400
    );
    assert_eq!(
        client.get(&one.replace(".json", "/Media.json")).1["media_list"],
        json!([])
    );
    assert_eq!(client.request(Method::DELETE, &one, &[]).0, 204);
    assert_eq!(client.get(&one).1["code"], 20404);
}
