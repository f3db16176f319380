//! The hosted page and the page in the frame, their steps, closing and beginning anew.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use ringback_domain::departure::Departure;
use ringback_domain::session::{Answers, SessionState, Step};

use super::sent::{Caller, Form, Sent};
use super::turn::{self, Request, is_tag};
use super::view::{Mark, Place, Screen, View};
use crate::app::App;
use crate::error::Error;
use crate::store::{Order, StoreError, Tx, session};

/// `GET /s/{scheduler}`: the step where the visitor is; `?step=` an earlier one. Known sessions note that
/// their page was asked for: a reload announces itself so.
pub async fn hosted(
    State(app): State<App>,
    Path(public_id): Path<String>,
    RawQuery(query): RawQuery,
    caller: Caller,
) -> Result<Response, Error> {
    show(app, public_id, query, caller, false).await
}

/// `GET /s/{scheduler}/embedded`: the same for the frame.
pub async fn embedded(
    State(app): State<App>,
    Path(public_id): Path<String>,
    RawQuery(query): RawQuery,
    caller: Caller,
) -> Result<Response, Error> {
    show(app, public_id, query, caller, true).await
}

/// `POST /s/{scheduler}`: one step's form.
pub async fn step(
    State(app): State<App>,
    Path(public_id): Path<String>,
    sent: Sent,
) -> Result<Response, Error> {
    let Sent { caller, form } = sent;
    let request = Request::new(&app, &public_id, Arc::clone(&caller), form);
    let view = app
        .store
        .write(Order::Any, move |tx| turn::turn(tx, &request))
        .await?;
    view.ok_or(Error::NotFound)?.answer(&app, &caller, true)
}

/// `POST /s/{scheduler}/close`: the close button; without JavaScript this alone is the departure.
pub async fn close(
    State(app): State<App>,
    Path(public_id): Path<String>,
    sent: Sent,
) -> Result<Response, Error> {
    let Sent { caller, form } = sent;
    let request = Request::new(&app, &public_id, Arc::clone(&caller), form);
    let view = app.store.write(Order::Any, move |tx| {
        let Some(place) = Place::find(tx, &request.public_id)? else {
            return Ok(None);
        };
        let known = request.session(tx, &place)?;
        let mut view = View::new(
            place.clone(),
            &request.caller,
            request.embedded,
            Screen::Closed,
        );
        if let Some(mut known) = known {
            view.mark = known.mark;
            if known.session.state == SessionState::Open {
                turn::depart(tx, &mut known.session, Departure::Closed)?;
            }
        }
        Ok(Some(view))
    });
    view.await?
        .ok_or(Error::NotFound)?
        .answer(&app, &caller, true)
}

/// `POST /s/{scheduler}/begin`: "not me", or another visit. The browser forgets its session; the session
/// itself stays as it is.
pub async fn begin(
    State(app): State<App>,
    Path(public_id): Path<String>,
    sent: Sent,
) -> Result<Response, Error> {
    let Sent { caller, form } = sent;
    let request = Request::new(&app, &public_id, Arc::clone(&caller), form);
    let place = app
        .store
        .read(move |tx| Place::find(tx, &public_id))
        .await?
        .ok_or(Error::NotFound)?;
    let view = View::new(
        place,
        &caller,
        request.embedded,
        Screen::Step(Step::Service),
    );
    view.with_answers(Answers::default())
        .answer(&app, &caller, true)
}

async fn show(
    app: App,
    public_id: String,
    query: Option<String>,
    caller: Caller,
    embedded: bool,
) -> Result<Response, Error> {
    let caller = Arc::new(caller);
    let query = query.unwrap_or_default();
    let asked = Form::read(query.as_bytes());
    let wanted: Option<Step> = asked.get("step").parse().ok();
    let mut request = Request::new(
        &app,
        &public_id,
        Arc::clone(&caller),
        arrived(&app, &asked, &caller),
    );
    request.embedded = embedded;
    let looked = app.store.read(move |tx| {
        let Some(place) = Place::find(tx, &request.public_id)? else {
            return Ok(None);
        };
        let known = request.session(tx, &place)?;
        let session = known
            .as_ref()
            .map(|known| (known.session.business, known.session.id));
        let view = turn::look(tx, &request, place, known, wanted)?;
        Ok(Some((view, session)))
    });
    let (view, session) = looked.await?.ok_or(Error::NotFound)?;
    let is_theirs = view.mark != Mark::None && !caller.speculative;
    let Some((business, id)) = session.filter(|_| is_theirs) else {
        return view.answer(&app, &caller, false);
    };
    let store = app.store.clone();
    let noting = tokio::spawn(async move {
        let note = move |tx: &mut Tx<'_>| {
            let mut session = session::get(tx, business, id)?;
            if session.state != SessionState::Open {
                return Ok(());
            }
            session::page_requested(tx, &mut session)
        };
        store.write(Order::Session(id.get()), note).await
    });
    // While the page is written for the visitor, the request is written to disk.
    let answer = view.answer(&app, &caller, false);
    if let Err(error) = noting.await.map_err(|_| Error::Fault)? {
        // A full disk must not keep people from reading their page; the reload then looks like a departure.
        tracing::warn!(error = %passing(error)?, "a page request could not be noted");
    }
    answer
}

fn passing(error: StoreError) -> Result<StoreError, Error> {
    if error.is_passing() {
        Ok(error)
    } else {
        Err(error.into())
    }
}

/// Where a visitor of the hosted page came from, as its first form will say; and whether a change of the review
/// goes on.
fn arrived(app: &App, asked: &Form, caller: &Caller) -> Form {
    let tags = asked.beginning("").filter(|(name, _)| is_tag(name));
    let tags = tags.map(|(name, value)| (format!("tag_{name}"), value.to_owned()));
    Form::of(tags.chain([
        ("from_referrer".to_owned(), caller.referrer(app)),
        ("then".to_owned(), asked.get("then").to_owned()),
    ]))
}
