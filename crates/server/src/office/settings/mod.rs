//! Settings: what an Administrator sets up. Each page reads its form into domain words or says at each field
//! what is wrong, and keeps what was typed. Scheduler Details have a file of their own beside this folder.

pub mod business;
pub mod keys;
pub mod outside;
pub mod readiness;
pub mod servicetitan;
pub mod sheet;
pub mod staff;
pub mod texts;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use ringback_domain::coded;
use ringback_domain::scheduler::Scheduler;
use ringback_domain::starts::Start;

use self::business::line;
use self::readiness::Point;
use self::sheet::Sheet;
use crate::app::App;
use crate::error::Error;
use crate::office::door::Caller;
use crate::office::fields::{Asked, Fields};
use crate::office::page::{self, At, Shell};
use crate::random;
use crate::store::{Order, scheduler};
use crate::words::Words;

/// A scheduler's name is staff's own; it stands in lists.
const LONGEST_SCHEDULER_NAME: usize = 60;
/// Letters and digits of a scheduler's public id.
const PUBLIC_ID_LENGTH: usize = 12;

coded! {
    /// What was just done, told once after the page has come back.
    Done {
        /// What was typed is kept.
        Saved = "saved",
        /// Kept, and the outside answers.
        Connected = "connected",
        /// Kept, and the outside does not take it.
        NotConnected = "not-connected",
        /// The outside was called; the page says what it said.
        Tested = "tested",
        /// An outside system is let go.
        Disconnected = "disconnected",
        /// A role changed.
        Role = "role",
        /// Somebody may not sign in any more.
        Deactivated = "deactivated",
        /// Somebody may sign in again.
        Reactivated = "reactivated",
        /// What is open goes to ServiceTitan.
        Sent = "sent",
        /// There was none to send.
        NoneToSend = "none-to-send",
        /// What ServiceTitan had not taken is tried again.
        Retried = "retried",
        /// There was none of it any more.
        NoneToRetry = "none-to-retry",
        /// A key opens nothing any more.
        Revoked = "revoked",
    }
}

impl Done {
    /// Reads `did` of an address we sent somebody to.
    pub fn read(asked: &Fields) -> Option<Self> {
        asked.one("did").parse().ok()
    }

    /// The sentence.
    pub fn said(self, w: &Words) -> String {
        w.say(&format!("done-{self}"))
    }
}

/// Back to the page, which then says what was done.
pub fn saved(page: &str, done: Done) -> Response {
    Redirect::to(&format!("{page}?did={done}")).into_response()
}

#[derive(Template)]
#[template(path = "office/settings/overview.html")]
struct OverviewPage {
    shell: Shell,
    done: Option<Done>,
    points: Vec<Point>,
    schedulers: Vec<Arc<Scheduler>>,
    sheet: Sheet,
}

impl OverviewPage {
    fn starts(&self) -> Vec<(String, String)> {
        starts(self.shell.w)
    }
}

/// `GET /office/settings`: what is ready and what is missing, the schedulers, and the way to every page.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let mut page = overview(&app, &me).await?;
    page.done = Done::read(&asked);
    page::html(&page)
}

async fn overview(app: &App, me: &Caller) -> Result<OverviewPage, Error> {
    let (me, url) = (me.clone(), app.config.public_url.clone());
    let page = app.store.read(move |tx| {
        let shell = Shell::load(tx, &me, At::Settings)?;
        Ok(OverviewPage {
            points: readiness::points(tx, &shell.business, &url)?,
            schedulers: scheduler::list(tx, me.business())?,
            done: None,
            sheet: Sheet::default(),
            shell,
        })
    });
    Ok(page.await?)
}

/// `POST /office/settings/schedulers`: one more scheduler, from a ready-made start.
pub async fn add_scheduler(
    State(app): State<App>,
    me: Caller,
    fields: Fields,
) -> Result<Response, Error> {
    let mut page = overview(&app, &me).await?;
    let w = page.shell.w;
    let mut sheet = Sheet::sent(fields);
    let start: Option<Start> = sheet.value("start").parse().ok();
    let mut name = line(&mut sheet, w, "scheduler_name", LONGEST_SCHEDULER_NAME);
    let Some(start) = start.filter(|_| sheet.is_right()) else {
        if start.is_none() {
            sheet.wrong("start", w.say("wrong-start"));
        }
        page.sheet = sheet;
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    if name.is_empty() {
        name = w.say(start.name_key());
    }
    let (business, region) = (me.business(), page.shell.region());
    let settings = w.begin(start, region);
    let public_id = public_id();
    let kept = public_id.clone();
    app.store
        .write(Order::Business(business.get()), move |tx| {
            scheduler::create(tx, business, &kept, &name, &settings)
        })
        .await?;
    let details = format!("/office/settings/schedulers/{public_id}");
    Ok(Redirect::to(&details).into_response())
}

/// A fresh id for URLs and the embed snippet.
pub fn public_id() -> String {
    random::token()[..PUBLIC_ID_LENGTH].to_owned()
}

/// The ready-made starts to choose from: word and name.
pub fn starts(w: &Words) -> Vec<(String, String)> {
    let starts = Start::ALL.iter();
    starts
        .map(|start| (start.to_string(), w.say(start.name_key())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_done_has_its_sentence() {
        for done in Done::ALL {
            assert!(done.said(Words::of("en")).ends_with('.'));
        }
    }
}
