//! What ServiceTitan and the carrier answer, or whoever answers in their place: any status, any body. It becomes
//! one of the outcomes, with a sentence that can be shown; what may have taken effect is never called certain.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use ringback_domain::follow_up::PASSED_ON_WITHIN;
use ringback_domain::scheduler::Audience;
use ringback_server::clock::Clock;
use ringback_server::crm::servicetitan::{
    Account, Credentials, Hosts, Secrets, ServiceTitan, Settings,
};
use ringback_server::crm::{self, Crm as _, Filing, Place, Record, RecordKind};
use ringback_server::outside;
use ringback_server::sms::twilio::{self, Twilio};
use ringback_server::sms::{self, Carrier as _, Text};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::driver::{Kind, kind};
use crate::{inputs, web};

pub fn kinds() -> Vec<Kind> {
    let world: Rc<OnceCell<World>> = Rc::default();
    let other = Rc::clone(&world);
    vec![
        kind(
            "servicetitan_answers",
            60,
            (answers(), any::<bool>()),
            move |(answer, lead)| servicetitan(world.get_or_init(World::begin), &answer, lead),
        ),
        kind("carrier_answers", 100, answers(), move |answer| {
            carrier(other.get_or_init(World::begin), &answer)
        }),
    ]
}

/// A status and a body; and whether signing in works.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    signs_in: bool,
}

fn servicetitan(world: &World, answer: &Answer, lead: bool) -> TestCaseResult {
    world.answers(answer);
    let settings = Settings {
        tenant: 1,
        booking_provider: 2,
        ..Settings::default()
    };
    let credentials = Credentials::new(&settings, Secrets::default());
    let hosts = Hosts {
        auth: world.url.clone(),
        api: world.url.clone(),
    };
    let account = Account::new(outside::client(), hosts, Clock::system(), credentials);
    let st = ServiceTitan::new(&account);
    let record = record(if lead {
        RecordKind::Lead
    } else {
        RecordKind::Booking
    });
    let (found, made, changed) = world.runtime.block_on(async {
        (
            st.find(&record).await,
            st.create(&record).await,
            st.update("7", &record).await,
        )
    });
    if answer.status >= 300 || !answer.signs_in {
        prop_assert!(made.is_err(), "{:?}", made);
    }
    if answer.signs_in && answer.status >= 500 {
        let unknown = matches!(
            made,
            Err(crm::Trouble::Unknown { .. } | crm::Trouble::TryLater { .. })
        );
        prop_assert!(unknown, "{:?}", made);
    }
    for trouble in [found.err(), made.err(), changed.err()]
        .into_iter()
        .flatten()
    {
        if let crm::Trouble::TryLater { said, .. }
        | crm::Trouble::Forbidden { said }
        | crm::Trouble::Refused { said }
        | crm::Trouble::Conflict { said }
        | crm::Trouble::Unknown { said, .. } = trouble
        {
            fit_to_show(&said)?;
        }
    }
    Ok(())
}

fn carrier(world: &World, answer: &Answer) -> TestCaseResult {
    world.answers(answer);
    let (settings, secrets) = (twilio::Settings::default(), twilio::Secrets::default());
    let calls = outside::client();
    let twilio = Twilio::new(&calls, &world.url, &settings, &secrets);
    let text = Text {
        to: "+16025550142",
        body: "Finish: https://book.example/r/x",
        report_to: "https://book.example/hooks",
        within: PASSED_ON_WITHIN,
    };
    let (sent, found, checked) = world.runtime.block_on(async {
        (
            twilio.send(&text).await,
            twilio.look_up(text.to, &|_| true).await,
            twilio.check().await,
        )
    });
    match &sent {
        // Only a message with an id of its own is one that was taken.
        Ok(says) => prop_assert!(
            answer.status < 300 && answer.text().contains("sid"),
            "{:?}",
            says
        ),
        Err(trouble) if answer.status < 300 || answer.status >= 500 => {
            let never_again = matches!(
                trouble,
                sms::Trouble::Unknown { .. } | sms::Trouble::TryLater { .. }
            );
            prop_assert!(never_again, "{:?}", trouble);
        }
        Err(_) => {}
    }
    for trouble in [sent.err(), found.err(), checked.err()]
        .into_iter()
        .flatten()
    {
        match trouble {
            sms::Trouble::TryLater { said, .. } | sms::Trouble::Unknown { said } => {
                fit_to_show(&said)?
            }
            sms::Trouble::Refused(wrong) => fit_to_show(&wrong.said)?,
            sms::Trouble::Credentials => {}
        }
    }
    Ok(())
}

fn fit_to_show(said: &str) -> TestCaseResult {
    prop_assert!(
        said.chars().count() <= 400,
        "{} characters",
        said.chars().count()
    );
    prop_assert!(!said.chars().any(char::is_control), "{:?}", said);
    Ok(())
}

fn record(kind: RecordKind) -> Record {
    Record {
        kind,
        external_id: "ringback-R-7F3K".into(),
        reference: "R-7F3K".into(),
        since: Timestamp::UNIX_EPOCH,
        not_before: Timestamp::UNIX_EPOCH,
        name: "Ana Morales".into(),
        phone: Some("+16025550142".into()),
        email: None,
        summary: "Left at contact. R-7F3K".into(),
        audience: Audience::ALL[0],
        place: Place::default(),
        start: None,
        urgent: false,
        first_time: true,
        filing: Filing {
            campaign_id: Some(3),
            call_reason_id: Some(4),
            ..Filing::default()
        },
    }
}

// Whoever answers.

struct World {
    runtime: Runtime,
    url: String,
    answer: Arc<Mutex<Answer>>,
}

impl World {
    fn begin() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let answer = Arc::new(Mutex::new(Answer {
            status: 200,
            body: Vec::new(),
            signs_in: true,
        }));
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let told = Arc::clone(&answer);
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&told)));
            }
        });
        Self {
            runtime,
            url,
            answer,
        }
    }

    fn answers(&self, answer: &Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer.clone();
    }
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One request, one answer, and the connection ends.
async fn serve(mut socket: TcpStream, answer: Arc<Mutex<Answer>>) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&request) {
        match socket.read(&mut chunk).await {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let Answer {
        status,
        body,
        signs_in,
    } = answer
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let signing_in = request.starts_with(b"POST /connect/token");
    let (status, body) = match signing_in && signs_in {
        true => (
            200,
            br#"{"access_token":"t","expires_in":900,"token_type":"Bearer"}"#.to_vec(),
        ),
        false => (status, body),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = socket.write_all(&[head.as_bytes(), &body].concat()).await;
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

fn answers() -> impl Strategy<Value = Answer> {
    let status = select(
        &[
            200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503,
        ][..],
    );
    let body = prop_oneof![
        3 => nearly().prop_map(|json| json.to_string().into_bytes()),
        1 => web::any_json().prop_map(|json| json.to_string().into_bytes()),
        1 => inputs::bytes(),
    ];
    (status, body, prop::bool::weighted(0.85)).prop_map(|(status, body, signs_in)| Answer {
        // These have no body by their nature.
        body: if status == 204 { Vec::new() } else { body },
        status,
        signs_in,
    })
}

/// Their own field names with anything in them.
fn nearly() -> impl Strategy<Value = Value> {
    let name = select(
        &[
            "data",
            "hasMore",
            "page",
            "pageSize",
            "totalCount",
            "id",
            "name",
            "status",
            "summary",
            "externalId",
            "jobId",
            "active",
            "createdOn",
            "modifiedOn",
            "title",
            "errors",
            "traceId",
            "data",
            "type",
            "sid",
            "messages",
            "direction",
            "body",
            "error_code",
            "error_message",
            "code",
            "message",
            "detail",
            "access_token",
            "expires_in",
        ][..],
    );
    let value = prop_oneof![
        4 => web::any_json(),
        1 => (0..9_i64).prop_map(|n| json!(n)),
        1 => select(&["New", "Accepted", "Converted", "queued", "outbound-api", "2026-11-23T17:00:00Z"][..]).prop_map(|w| json!(w)),
    ];
    let object = vec((name, value), 0..8).prop_map(|pairs| {
        Value::Object(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    });
    let object = object.boxed();
    prop_oneof![
        2 => object.clone(),
        // A list that never ends is read to our own bound, and slowly.
        2 => (vec(object.clone(), 0..4), prop::bool::weighted(0.02))
            .prop_map(|(list, more)| json!({"data": list, "hasMore": more, "page": 1})),
        1 => vec(object, 0..4).prop_map(|list| json!({"messages": list})),
    ]
}
