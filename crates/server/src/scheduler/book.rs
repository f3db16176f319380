//! Book now: the hold becomes an agreement and the session is booked, in one transaction. Pressed twice, it
//! books once.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use ringback_domain::lead::Recovery;
use ringback_domain::session::{SessionState, Step};

use super::answers;
use super::sent::Sent;
use super::turn::{self, Request};
use super::view::{Place, View};
use crate::app::App;
use crate::error::Error;
use crate::store::{Order, StoreError, Tx, appointment, resume_link, session};

/// `POST /s/{scheduler}/book`.
pub async fn book(
    State(app): State<App>,
    Path(public_id): Path<String>,
    sent: Sent,
) -> Result<Response, Error> {
    let Sent { caller, form } = sent;
    let request = Request::new(&app, &public_id, Arc::clone(&caller), form);
    let view = app
        .store
        .write(Order::Any, move |tx| booked(tx, &request))
        .await?;
    view.ok_or(Error::NotFound)?.answer(&app, &caller, true)
}

fn booked(tx: &mut Tx<'_>, request: &Request) -> Result<Option<Box<View>>, StoreError> {
    let Some(place) = Place::find(tx, &request.public_id)? else {
        return Ok(None);
    };
    let Some(mut known) = request.session(tx, &place)? else {
        // The session is not there any more: the same words as at any other step.
        return turn::turn(tx, request);
    };
    if let SessionState::Booked { .. } = known.session.state {
        return turn::show(tx, request, place, known, Step::Booked).map(Some);
    }
    session::here(tx, &mut known.session)?;
    // Offered when the first window had gone: another choice comes with the press itself.
    if let Some(window) = answers::window(request.form.get("window")) {
        known.session.answers.window = Some(window);
    }
    let (settings, region) = (&place.scheduler.settings, place.business.region);
    let open = answers::first_open(settings, region, &known.session.answers);
    let window = known.session.answers.window;
    let (Step::Review, Some(window)) = (open, window) else {
        known.session.step = open;
        session::save(tx, &known.session)?;
        return turn::show(tx, request, place, known, open).map(Some);
    };
    let Some(appointment) =
        appointment::agree(tx, &known.session, &place.business, settings, window)?
    else {
        session::save(tx, &known.session)?;
        return turn::show_gone(tx, request, place, known, Step::Review, window).map(Some);
    };
    let how = if resume_link::was_opened(tx, known.session.business, known.session.id)? {
        Recovery::Link
    } else {
        Recovery::Themselves
    };
    // Booked just now is ruled out above, in this same transaction.
    if let Err(refused) = session::book(tx, &mut known.session, appointment, how)? {
        return Err(StoreError::Bug(refused.to_string()));
    }
    turn::show(tx, request, place, known, Step::Booked).map(Some)
}
