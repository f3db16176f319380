//! The switches and the state over HTTP, for people, pages and programs outside: everything the Rust
//! handles can do. `GET /control/state` says how everything stands; `?after=N` waits until something
//! has changed since version `N` (20 s at most, then 304).

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::carrier::inbound;
use crate::faults::{Fault, FaultKind, HostileBody, Party};
use crate::options::Delivery;
use crate::pages;
use crate::servicetitan::{BookingStatus, LeadStatus};
use crate::shared::Shared;

/// Answers everything that is neither ServiceTitan's nor the carrier's.
pub(crate) async fn answer(shared: &Arc<Shared>, call: &Call) -> Answer {
    let done = match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/control/state") => return state(shared, call).await,
        ("GET", "/control/requests") => requests(shared, call),
        ("GET", "/control/webhooks") => Ok(json!({ "webhooks": shared.carrier().webhooks() })),
        ("POST", "/control/fault") => fault(shared, call),
        ("POST", "/control/clear") => clear(shared, call),
        ("POST", "/control/reply") => reply(shared, call).await,
        ("POST", "/control/booking") => booking(shared, call),
        ("POST", "/control/lead") => lead(shared, call),
        ("POST", "/control/inbound") => inbound_url(shared, call),
        ("POST", "/control/delivery") => delivery(shared, call),
        ("POST", "/control/clock") => clock(shared, call),
        ("POST", "/control/hang-up") => hang_up(shared, call),
        ("GET" | "HEAD", path) => {
            return pages::page(path).unwrap_or_else(|| Answer::empty(StatusCode::NOT_FOUND));
        }
        _ => return Answer::empty(StatusCode::NOT_FOUND),
    };
    match done {
        Ok(body) => Answer::json(StatusCode::OK, &body),
        Err(sentence) => Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": sentence })),
    }
}

type Done = Result<Value, String>;

/// A JSON body. The content type is asked for so that no page of another site can send one unasked.
fn read<T: DeserializeOwned>(call: &Call) -> Result<T, String> {
    if !call.is("application/json") {
        return Err("Send the body as JSON, with Content-Type: application/json.".into());
    }
    serde_json::from_slice(&call.body)
        .map_err(|error| format!("The body is not understood: {error}."))
}

async fn state(shared: &Arc<Shared>, call: &Call) -> Answer {
    let mut version = shared.version();
    let after = call
        .query()
        .into_iter()
        .find(|(name, _)| name == "after")
        .and_then(|(_, value)| value.parse::<u64>().ok());
    if let Some(after) = after {
        let wait = version.wait_for(|version| *version != after);
        if tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .is_err()
        {
            return Answer::empty(StatusCode::NOT_MODIFIED);
        }
    }
    let version = *version.borrow();
    let body = json!({
        "version": version,
        "now": shared.clock.now(),
        "servicetitan": shared.servicetitan().board(&shared.time_zone),
        "carrier": shared.carrier().phones(&shared.time_zone),
        "faults": {
            "servicetitan": shared.faults(Party::ServiceTitan).list(),
            "carrier": shared.faults(Party::Carrier).list(),
        },
    });
    Answer::json(StatusCode::OK, &body)
        .with(header::CACHE_CONTROL, "no-store")
        .with(header::ETAG, format!("\"{version}\""))
}

/// `?party=servicetitan|carrier` and `?after=NUMBER` narrow it.
fn requests(shared: &Shared, call: &Call) -> Done {
    let query = call.query();
    let get = |name: &str| {
        query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    let party = match get("party") {
        None => None,
        Some("servicetitan") => Some(Party::ServiceTitan),
        Some("carrier") => Some(Party::Carrier),
        Some(_) => return Err("The party is servicetitan or carrier.".into()),
    };
    let after: u64 = get("after")
        .unwrap_or("0")
        .parse()
        .map_err(|_| "'after' must be a whole number.")?;
    let requests = shared.log().of(party, after);
    Ok(json!({ "requests": requests }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultSwitch {
    party: Party,
    kind: String,
    ms: Option<u64>,
    retry_after: Option<u32>,
    body: Option<HostileBody>,
    share: Option<f64>,
    count: Option<u32>,
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    after_effect: bool,
}

fn fault(shared: &Shared, call: &Call) -> Done {
    let switch: FaultSwitch = read(call)?;
    let kind = match switch.kind.as_str() {
        "slow" => FaultKind::Slow {
            ms: switch.ms.unwrap_or(3_000),
        },
        "rate_limited" | "429" => FaultKind::RateLimited {
            retry_after: switch.retry_after.unwrap_or(1),
        },
        "server_error" | "500" => FaultKind::ServerError,
        "expired_token" => FaultKind::ExpiredToken,
        "refused" => FaultKind::Refused,
        "reset" => FaultKind::Reset,
        "torn_answer" => FaultKind::TornAnswer,
        "dropped_after_effect" => FaultKind::DroppedAfterEffect,
        "hostile" => FaultKind::Hostile {
            body: switch.body.unwrap_or(HostileBody::Html),
        },
        other => {
            return Err(format!(
                "There is no fault '{other}'; there are slow, rate_limited, server_error, expired_token, refused, reset, torn_answer, dropped_after_effect and hostile."
            ));
        }
    };
    let share = switch.share.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&share) {
        return Err("The share must be between 0 and 1.".into());
    }
    if switch.count == Some(0) {
        return Err("The count must be at least 1.".into());
    }
    let fault = Fault {
        kind,
        share,
        count: switch.count,
        method: switch.method,
        path: switch.path,
        after_effect: switch.after_effect,
    };
    let set = json!({ "set": fault });
    shared.faults(switch.party).set(fault);
    shared.changed();
    Ok(set)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clear {
    party: Option<Party>,
}

fn clear(shared: &Shared, call: &Call) -> Done {
    let wanted = if call.body.is_empty() {
        None
    } else {
        read::<Clear>(call)?.party
    };
    for party in [Party::ServiceTitan, Party::Carrier] {
        if wanted.is_none_or(|wanted| wanted == party) {
            shared.faults(party).clear();
        }
    }
    shared.changed();
    Ok(json!({ "cleared": wanted }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhoneReply {
    from: String,
    body: String,
}

async fn reply(shared: &Arc<Shared>, call: &Call) -> Done {
    let reply: PhoneReply = read(call)?;
    let reply = inbound::reply(shared, &reply.from, &reply.body).await?;
    Ok(json!(reply))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActOnBooking {
    id: i64,
    status: BookingStatus,
}

fn booking(shared: &Shared, call: &Call) -> Done {
    let act: ActOnBooking = read(call)?;
    shared
        .servicetitan()
        .act_on_booking(act.id, act.status, shared.clock.now())?;
    shared.changed();
    Ok(json!({ "id": act.id, "status": act.status }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActOnLead {
    id: i64,
    status: LeadStatus,
}

fn lead(shared: &Shared, call: &Call) -> Done {
    let act: ActOnLead = read(call)?;
    shared
        .servicetitan()
        .act_on_lead(act.id, act.status, shared.clock.now())?;
    shared.changed();
    Ok(json!({ "id": act.id, "status": act.status }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundUrl {
    /// The URL, or `null` for none.
    url: Option<String>,
    number: Option<String>,
    advanced_opt_out: Option<bool>,
}

fn inbound_url(shared: &Shared, call: &Call) -> Done {
    let set: InboundUrl = read(call)?;
    if let Some(url) = &set.url
        && !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        return Err("The inbound URL must be an http or https URL.".into());
    }
    let number = set
        .number
        .unwrap_or_else(|| shared.credentials.from_number.clone());
    let mut carrier = shared.carrier();
    carrier.set_inbound_url(&number, set.url.clone());
    if let Some(on) = set.advanced_opt_out {
        carrier.advanced_opt_out = on;
    }
    drop(carrier);
    shared.changed();
    Ok(json!({ "number": number, "url": set.url }))
}

fn delivery(shared: &Shared, call: &Call) -> Done {
    let delivery: Delivery = read(call)?;
    shared.carrier().delivery = delivery.clone();
    shared.changed();
    Ok(json!({ "delivery": delivery }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: i64,
}

fn clock(shared: &Shared, call: &Call) -> Done {
    let advance: Advance = read(call)?;
    shared
        .clock
        .advance(SignedDuration::from_secs(advance.advance_s));
    shared.changed();
    Ok(json!({ "now": shared.clock.now() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HangUp {
    for_ms: u64,
}

/// Closes the port for a while; nothing can turn it on again from outside meanwhile.
fn hang_up(shared: &Arc<Shared>, call: &Call) -> Done {
    let hang_up: HangUp = read(call)?;
    if !(1..=600_000).contains(&hang_up.for_ms) {
        return Err("'for_ms' must be between 1 and 600000.".into());
    }
    let later = shared.clone();
    shared.run(async move {
        // Lets the answer to this very request out first.
        tokio::time::sleep(Duration::from_millis(50)).await;
        later.wanted.send_replace(false);
        tokio::time::sleep(Duration::from_millis(hang_up.for_ms)).await;
        later.wanted.send_replace(true);
    });
    Ok(json!({ "for_ms": hang_up.for_ms }))
}
