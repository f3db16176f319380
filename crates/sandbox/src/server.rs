//! The listener: one port for both pretend services, the switches and the pages. It keeps its own
//! accept loop because faults need the connection itself: to close it on sight, to tear it down with a
//! TCP RST, or to let it end without an answer.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Sleep;

use crate::call::{Answer, Call};
use crate::carrier::{Account, Refusal};
use crate::control;
use crate::faults::{FaultKind, HostileBody, Moment, Party};
use crate::log::{self, LoggedRequest};
use crate::servicetitan::Tenant;
use crate::shared::Shared;

/// What a request body may hold.
const LARGEST_BODY: usize = 1 << 20;

/// Accepts connections until it is dropped; while the line is not wanted, the port is closed.
pub(crate) async fn listen(shared: Arc<Shared>, listener: TcpListener, addr: SocketAddr) {
    let mut listener = listener;
    let mut wanted = shared.wanted.subscribe();
    loop {
        let mut conversations = JoinSet::new();
        while *wanted.borrow_and_update() {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => _ = conversations.spawn(converse(shared.clone(), stream)),
                    // Out of file descriptors, most likely: let others go first.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                _ = conversations.join_next(), if !conversations.is_empty() => {}
                _ = wanted.changed() => {}
            }
        }
        drop(listener);
        conversations.shutdown().await;
        shared.listening.send_replace(false);
        while !*wanted.borrow_and_update() {
            if wanted.changed().await.is_err() {
                return;
            }
        }
        listener = loop {
            match TcpListener::bind(addr).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        shared.listening.send_replace(true);
    }
}

/// How a fault ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HangUp {
    /// Closed in order (FIN), without an answer.
    Close,
    /// Torn down (RST).
    Reset,
}

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a fault ended the connection: {self:?}")
    }
}

impl Error for HangUp {}

async fn converse(shared: Arc<Shared>, stream: TcpStream) {
    _ = stream.set_nodelay(true);
    let torn = Arc::new(AtomicBool::new(false));
    let service = {
        let torn = torn.clone();
        service_fn(move |request| answer(shared.clone(), torn.clone(), request))
    };
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let Err(error) = (&mut connection).await else {
        return;
    };
    let hang_up = error
        .source()
        .and_then(|source| source.downcast_ref::<HangUp>());
    if hang_up == Some(&HangUp::Reset) || torn.load(Ordering::SeqCst) {
        // With no linger, closing sends RST at once.
        _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

async fn answer(
    shared: Arc<Shared>,
    torn: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Body>, HangUp> {
    let (head, body) = request.into_parts();
    let party = match head.uri.path() {
        path if Tenant::owns(path) => Some(Party::ServiceTitan),
        path if Account::owns(path) => Some(Party::Carrier),
        _ => None,
    };
    let mut call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: Bytes::new(),
    };
    let Some(party) = party else {
        let Ok(body) = to_bytes(Body::new(body), LARGEST_BODY).await else {
            return Ok(too_large());
        };
        call.body = body;
        return Ok(respond(control::answer(&shared, &call).await));
    };

    let fault = shared.draw(party, Moment::Before, &call.method, &call.path);
    let mut entry = LoggedRequest {
        number: 0,
        at: shared.clock.to_the_microsecond(),
        party,
        method: call.method.to_string(),
        path: call.path.clone(),
        query: call.query.clone(),
        headers: log::headers(&call.headers),
        body: Value::Null,
        status: None,
        effect: false,
        fault: fault.clone(),
    };
    if fault == Some(FaultKind::Refused) {
        shared.record(entry);
        return Err(HangUp::Close);
    }
    let Ok(body) = to_bytes(Body::new(body), LARGEST_BODY).await else {
        entry.status = Some(413);
        shared.record(entry);
        return Ok(too_large());
    };
    call.body = body;
    entry.body = call.logged_body();

    if let Some(fault) = fault {
        let reset = fault == FaultKind::Reset;
        let answer = bad_answer(&shared, party, fault, &call);
        entry.status = (!reset).then_some(answer.status.as_u16());
        shared.record(entry);
        return if reset {
            Err(HangUp::Reset)
        } else {
            Ok(respond(answer))
        };
    }

    let answer = shared.carry_out(party, &call);
    let fault = shared.draw(
        party,
        Moment::After {
            effect: answer.effect,
        },
        &call.method,
        &call.path,
    );
    entry.status = Some(answer.status.as_u16());
    entry.effect = answer.effect;
    entry.fault = fault.clone();
    shared.record(entry);
    if let Some(sid) = answer.taken.clone() {
        let early = shared.carrier().delivery.early;
        let arrived = shared.start_delivery(sid);
        if early {
            _ = arrived.await;
        }
    }
    match fault {
        None => Ok(respond(answer)),
        Some(FaultKind::Slow { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(respond(answer))
        }
        Some(FaultKind::DroppedAfterEffect) => Err(HangUp::Close),
        Some(FaultKind::TornAnswer) => {
            torn.store(true, Ordering::SeqCst);
            let half = Body::new(Half::of(&answer.body));
            let (head, _) = respond(answer).into_parts();
            Ok(Response::from_parts(head, half))
        }
        Some(fault) => Ok(respond(bad_answer(&shared, party, fault, &call))),
    }
}

/// What the party would say when this goes wrong.
fn bad_answer(shared: &Shared, party: Party, fault: FaultKind, call: &Call) -> Answer {
    match (fault, party) {
        (FaultKind::RateLimited { retry_after }, Party::ServiceTitan) => {
            Tenant::rate_limited(retry_after)
        }
        (FaultKind::RateLimited { retry_after }, Party::Carrier) => Refusal::too_many(retry_after),
        (FaultKind::ExpiredToken, Party::ServiceTitan) => shared.servicetitan().expire_token(call),
        (FaultKind::ExpiredToken, Party::Carrier) => Refusal::authenticate().answer(),
        (FaultKind::Hostile { body }, _) => hostile(body),
        (_, Party::Carrier) => Refusal::server_error().answer(),
        (_, Party::ServiceTitan) => {
            let page = "<!DOCTYPE html><html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>";
            Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "text/html", page)
        }
    }
}

fn hostile(body: HostileBody) -> Answer {
    match body {
        HostileBody::Html => Answer::text(
            StatusCode::OK,
            "text/html",
            "<!DOCTYPE html><title>Sign in</title><h1>Please sign in</h1>",
        ),
        HostileBody::Garbage => Answer::text(
            StatusCode::OK,
            "application/json",
            vec![0xff, 0x00, 0xc3, 0x28, b'{'],
        ),
        HostileBody::Huge => Answer::text(StatusCode::OK, "application/json", vec![b'['; 32 << 20]),
        HostileBody::Empty => Answer::text(StatusCode::OK, "application/json", ""),
    }
}

/// A body that promises the whole and breaks off after half of it.
struct Half {
    whole: u64,
    half: Option<Bytes>,
    breaks: Pin<Box<Sleep>>,
}

impl Half {
    /// The break comes a moment later, so that the first half is on its way.
    fn of(body: &Bytes) -> Half {
        Half {
            whole: body.len() as u64,
            half: Some(body.slice(..body.len() / 2)),
            breaks: Box::pin(tokio::time::sleep(Duration::from_millis(20))),
        }
    }
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = HangUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HangUp>>> {
        match self.half.take() {
            Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
            None => self
                .breaks
                .as_mut()
                .poll(context)
                .map(|()| Some(Err(HangUp::Reset))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole)
    }
}

fn too_large() -> Response<Body> {
    respond(Answer::empty(StatusCode::PAYLOAD_TOO_LARGE).with(header::CONNECTION, "close"))
}

fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
