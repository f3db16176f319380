//! The link in a text: it opens one session, on any device, for three days. Looking at it (as previews do) has
//! no effect at all; a press on Continue goes on where the person stopped.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringback_domain::lead::LeadEvent;
use ringback_domain::session::{Session, SessionState, Step};

use super::sent::{Caller, Form, Sent};
use super::turn::{self, Request};
use super::view::{Place, Screen, View};
use crate::app::App;
use crate::error::Error;
use crate::store::resume_link::{self, ResumeLink};
use crate::store::{Order, StoreError, Tx, appointment, business, lead, scheduler, session};
use crate::token;

/// `GET` and `HEAD /r/{token}`: whose it is, masked, and a button; after the booking, that it is booked and when.
pub async fn look(
    State(app): State<App>,
    Path(token): Path<String>,
    caller: Caller,
) -> Result<Response, Error> {
    let caller = Arc::new(caller);
    let asker = Arc::clone(&caller);
    let view = app.store.read(move |tx| {
        let (link, place) = match good(tx, &token)? {
            Good::Yes(link, place) => (link, place),
            Good::Ended(place) => return Ok(Some(ended(place, &asker))),
            Good::Unknown => return unknown(tx, &asker),
        };
        let session = session::get(tx, link.business, link.session)?;
        if let SessionState::Booked { .. } = session.state {
            let mut view = View::new(place, &asker, false, Screen::Step(Step::Booked));
            view.with_booked(appointment::booked_by(tx, &session)?.as_ref());
            return Ok(Some(view));
        }
        let action = format!("/r/{token}");
        let mut view = View::new(place, &asker, false, Screen::Link { action });
        // Shown masked; the rest of the answers does not reach the page.
        view.answers.phone.clone_from(&session.answers.phone);
        view.answers.address.clone_from(&session.answers.address);
        Ok(Some(view))
    });
    answer(&app, &caller, view.await?, false)
}

/// `POST /r/{token}`: a person goes on. This browser gets a token of its own for the same session.
pub async fn open(
    State(app): State<App>,
    Path(token): Path<String>,
    sent: Sent,
) -> Result<Response, Error> {
    let Sent { caller, .. } = sent;
    let (asker, inner) = (Arc::clone(&caller), app.clone());
    let view = app.store.write(Order::Any, move |tx| {
        let (link, place) = match good(tx, &token)? {
            Good::Yes(link, place) => (link, place),
            Good::Ended(place) => return Ok(Some(ended(place, &asker))),
            Good::Unknown => return unknown(tx, &asker),
        };
        let session = session::get(tx, link.business, link.session)?;
        if resume_link::opened(tx, &token::hash(&token))?
            && let Some(id) = link.lead
            && let Some(lead) = lead::get(tx, link.business, id)?
        {
            lead::event(
                tx,
                &lead,
                LeadEvent::LinkOpened,
                None,
                serde_json::json!({}),
            )?;
        }
        let request = Request::new(
            &inner,
            &place.scheduler.public_id,
            Arc::clone(&asker),
            Form::default(),
        );
        go_on(tx, &request, place, session).map(Some)
    });
    answer(&app, &caller, view.await?, true)
}

/// The session as it was left: every answer, and the chosen window held again or the three nearest to it.
fn go_on(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    session: Session,
) -> Result<Box<View>, StoreError> {
    let mut known = request.adopt(tx, &place, session)?;
    if let SessionState::Booked { .. } = known.session.state {
        return turn::show(tx, request, place, known, Step::Booked);
    }
    session::here(tx, &mut known.session)?;
    let step = known.session.step;
    let Some(window) = known.session.answers.window else {
        return turn::show(tx, request, place, known, step);
    };
    if appointment::hold(
        tx,
        &known.session,
        &place.business,
        &place.scheduler.settings,
        window,
    )?
    .is_some()
    {
        return turn::show(tx, request, place, known, step);
    }
    known.session.answers.window = None;
    known.session.step = Step::Time;
    session::save(tx, &known.session)?;
    turn::show_gone(tx, request, place, known, Step::Time, window)
}

enum Good {
    Yes(ResumeLink, Place),
    Ended(Place),
    Unknown,
}

fn good(tx: &mut Tx<'_>, token: &str) -> Result<Good, StoreError> {
    if !token::looks_like_one(token) {
        return Ok(Good::Unknown);
    }
    let Some(link) = resume_link::find(tx, &token::hash(token))? else {
        return Ok(Good::Unknown);
    };
    let session = session::get(tx, link.business, link.session)?;
    let place = Place::of(tx, &session)?;
    Ok(if link.until > tx.now() {
        Good::Yes(link, place)
    } else {
        Good::Ended(place)
    })
}

fn ended(place: Place, caller: &Caller) -> Box<View> {
    let mut view = View::new(place, caller, false, Screen::LinkEnded);
    view.status = StatusCode::GONE;
    view
}

/// A link nobody knows (any more): where there is only one business, its own page says so; else a plain one.
fn unknown(tx: &mut Tx<'_>, caller: &Caller) -> Result<Option<Box<View>>, StoreError> {
    let mut all = business::all(tx)?;
    let (Some(business), true) = (all.pop(), all.is_empty()) else {
        return Ok(None);
    };
    let first = scheduler::list(tx, business.id)?.into_iter().next();
    Ok(first.map(|scheduler| {
        ended(
            Place {
                scheduler,
                business,
            },
            caller,
        )
    }))
}

fn answer(
    app: &App,
    caller: &Caller,
    view: Option<Box<View>>,
    sent: bool,
) -> Result<Response, Error> {
    match view {
        Some(view) => view.answer(app, caller, sent),
        None => Ok(Error::BadInput(caller.words().say("link-ended-plain")).into_response()),
    }
}
