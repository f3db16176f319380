//! The event stream: one per browser, however many tabs. It says which leads have changed, nothing about
//! them; whoever listens asks the database. A lost or late hint costs nothing but time: pages look again
//! whenever a stream begins, and every half minute besides.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use ringback_domain::id::{BusinessId, LeadId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, Interval};

use super::door::Caller;
use crate::app::App;
use crate::error::Error;
use crate::store::{Hint, staff};

/// Open streams at most: offices of a few hundred people, each with a browser or two.
const MOST: usize = 2_000;
/// How often it is asked whether the person is still signed in.
const SIGNED_IN_EVERY: Duration = Duration::from_secs(20);

/// How many streams are open.
#[derive(Clone, Default)]
pub struct Streams(Arc<AtomicUsize>);

impl Streams {
    /// How many.
    pub fn open(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn begin(&self) -> Option<OneOfThem> {
        let one = OneOfThem(Arc::clone(&self.0));
        (self.0.fetch_add(1, Ordering::Relaxed) < MOST).then_some(one)
    }
}

/// Counts down when its stream ends, whatever way it ends.
struct OneOfThem(Arc<AtomicUsize>);

impl Drop for OneOfThem {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens a stream: `hello`, then `leads` with the numbers of changed leads, `again` when some were missed,
/// `moved` when the server is about to go, `out` when the person is not signed in any more.
pub async fn open(State(app): State<App>, me: Caller) -> Result<impl IntoResponse, Error> {
    let one = app
        .office
        .streams
        .begin()
        .ok_or(Error::TooMany { retry_after: 30 })?;
    let listener = Listener {
        hints: app.store.hints(),
        app,
        me,
        ask: tokio::time::interval_at(Instant::now() + SIGNED_IN_EVERY, SIGNED_IN_EVERY),
        next: Next::Hello,
        _one: one,
    };
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(events(listener)).keep_alive(alive))
}

struct Listener {
    app: App,
    me: Caller,
    hints: Receiver<Hint>,
    /// When it is time to ask whether they are still signed in.
    ask: Interval,
    next: Next,
    _one: OneOfThem,
}

enum Next {
    Hello,
    Listen,
    End,
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(listener, |mut listener| async move {
        match listener.next {
            Next::End => None,
            Next::Hello => {
                listener.next = Next::Listen;
                Some((Ok(Event::default().event("hello").data("{}")), listener))
            }
            Next::Listen => {
                let event = listener.listen().await;
                Some((Ok(event), listener))
            }
        }
    })
}

impl Listener {
    async fn listen(&mut self) -> Event {
        loop {
            let hint = tokio::select! {
                hint = self.hints.recv() => hint,
                () = self.app.drained() => return self.last("moved"),
                _ = self.ask.tick() => match self.still_signed_in().await {
                    true => continue,
                    false => return self.last("out"),
                },
            };
            match hint {
                Ok(hint) => {
                    if let Some(event) = self.told(hint) {
                        return event;
                    }
                }
                Err(RecvError::Lagged(_)) => return Event::default().event("again").data("{}"),
                Err(RecvError::Closed) => return self.last("moved"),
            }
        }
    }

    /// One transaction gives several hints of one lead, and a busy moment many: what is waiting goes as one.
    fn told(&mut self, first: Hint) -> Option<Event> {
        let again = || Some(Event::default().event("again").data("{}"));
        if first == Hint::Missed {
            return again();
        }
        let mut leads = BTreeSet::new();
        leads.extend(lead_of(self.me.business(), &first));
        loop {
            match self.hints.try_recv() {
                Ok(Hint::Missed) => return again(),
                Ok(hint) => leads.extend(lead_of(self.me.business(), &hint)),
                Err(TryRecvError::Lagged(_)) => return again(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if leads.is_empty() {
            return None;
        }
        let ids: Vec<i64> = leads.into_iter().map(LeadId::get).collect();
        let data = serde_json::json!({ "ids": ids }).to_string();
        Some(Event::default().event("leads").data(data))
    }

    fn last(&mut self, event: &str) -> Event {
        self.next = Next::End;
        Event::default().event(event).data("{}")
    }

    async fn still_signed_in(&self) -> bool {
        let token_hash = self.me.token_hash.clone();
        let found = self
            .app
            .store
            .read(move |tx| staff::signed_in(tx, &token_hash))
            .await;
        // A store that cannot answer just now signs nobody out.
        !matches!(found, Ok(None))
    }
}

fn lead_of(business: BusinessId, hint: &Hint) -> Option<LeadId> {
    match hint {
        Hint::Lead {
            business: whose,
            lead,
        } if *whose == business => Some(*lead),
        _ => None,
    }
}
