//! `/api/v1/schedulers`: which there are, and the three sections of *Scheduler Details*.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use ringback_domain::scheduler::{Scheduler, SchedulerSettings, SendAfter, SyncAs};
use ringback_domain::wording;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use super::{Caller, one_of};
use crate::app::App;
use crate::error::Error;
use crate::store::{Order, StoreError, Tx, scheduler};

/// A business's schedulers.
#[derive(Serialize, ToSchema)]
pub struct Schedulers {
    /// Oldest first.
    data: Vec<SchedulerJson>,
}

/// One scheduler.
#[derive(Serialize, ToSchema)]
struct SchedulerJson {
    /// In URLs and the embed snippet.
    id: String,
    name: String,
    /// The hosted page.
    url: String,
}

/// The three sections of *Scheduler Details*.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Send back the one you read: a change made meanwhile by somebody else is not overwritten.
    version: i64,
    abandoned_sessions: AbandonedSessions,
    sync_to_servicetitan: SyncToServiceTitan,
    follow_up_sms: FollowUpSms,
}

/// Section *Abandoned Sessions*.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AbandonedSessions {
    /// *Scheduler Drop-off*: whether leavers are captured at all.
    scheduler_drop_off: bool,
}

/// Section *Sync to ServiceTitan*.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SyncToServiceTitan {
    #[schema(schema_with = delays_of_sync)]
    send_abandoned_session_to_me_in_st: SendAfter,
    #[schema(schema_with = kinds_of_record)]
    send_as: SyncAs,
    #[serde(default)]
    campaign_id: Option<i64>,
    #[serde(default)]
    call_reason_id: Option<i64>,
}

/// Section *Follow-Up SMS*.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FollowUpSms {
    #[schema(schema_with = delays_of_text)]
    send_message_after: SendAfter,
    /// With `{business}` and `{link}`, which must be there, `{name}` and `{service}`, and the word STOP; empty: the
    /// standard words.
    #[schema(max_length = 640)]
    text: String,
}

fn delays_of_sync() -> Schema {
    one_of(SendAfter::FOR_SYNC.iter().map(|word| word.as_str()))
}

fn delays_of_text() -> Schema {
    one_of(SendAfter::FOR_TEXT.iter().map(|word| word.as_str()))
}

fn kinds_of_record() -> Schema {
    one_of(SyncAs::ALL.iter().map(|word| word.as_str()))
}

/// Lists a business's schedulers.
#[utoipa::path(get, path = "/api/v1/schedulers", security(("key" = [])), responses(
    (status = 200, body = Schedulers),
    (status = 401, body = super::Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Schedulers>, Error> {
    let all = app
        .store
        .read(move |tx| scheduler::list(tx, caller.business))
        .await?;
    let origin = app.config.origin();
    let data = all
        .into_iter()
        .map(|s| SchedulerJson {
            url: format!("{origin}/s/{}", s.public_id),
            id: s.public_id.clone(),
            name: s.name.clone(),
        })
        .collect();
    Ok(Json(Schedulers { data }))
}

/// Reads the three sections.
#[utoipa::path(get, path = "/api/v1/schedulers/{id}/settings", params(("id" = String, Path,)), security(("key" = [])), responses(
    (status = 200, body = Settings),
    (status = 401, body = super::Problem, content_type = "application/problem+json"),
    (status = 404, body = super::Problem, content_type = "application/problem+json"),
))]
pub async fn settings(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(public_id): Path<String>,
) -> Result<Json<Settings>, Error> {
    let scheduler = app
        .store
        .read(move |tx| own(tx, caller, &public_id))
        .await?;
    Ok(Json(sections(&scheduler)))
}

/// Changes the three sections, all at once.
#[utoipa::path(put, path = "/api/v1/schedulers/{id}/settings", params(("id" = String, Path,)), security(("key" = [])),
    request_body = Settings, responses(
    (status = 200, body = Settings),
    (status = 400, body = super::Problem, content_type = "application/problem+json"),
    (status = 401, body = super::Problem, content_type = "application/problem+json"),
    (status = 404, body = super::Problem, content_type = "application/problem+json"),
    (status = 409, body = super::Problem, content_type = "application/problem+json"),
    (status = 413, body = super::Problem, content_type = "application/problem+json"),
    (status = 422, body = super::Problem, content_type = "application/problem+json"),
))]
pub async fn change_settings(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(public_id): Path<String>,
    wanted: Result<Json<Settings>, JsonRejection>,
) -> Result<Json<Settings>, Error> {
    // The rejection names the field and what was expected, never what else was sent.
    let Json(wanted) = wanted.map_err(|rejection| Error::BadInput(rejection.body_text()))?;
    let (send, text) = (
        wanted
            .sync_to_servicetitan
            .send_abandoned_session_to_me_in_st,
        &wanted.follow_up_sms.text,
    );
    if !SendAfter::FOR_SYNC.contains(&send) {
        return Err(Error::BadInput(
            "send_abandoned_session_to_me_in_st offers one hour at the most, or never.".into(),
        ));
    }
    if !text.is_empty() {
        wording::check(text).map_err(|wrong| Error::BadInput(format!("text: {wrong}.")))?;
    }
    let changed = app
        .store
        .write(Order::Business(caller.business.get()), move |tx| {
            let scheduler = own(tx, caller, &public_id)?;
            let mut settings = SchedulerSettings::clone(&scheduler.settings);
            settings.abandoned.scheduler_drop_off = wanted.abandoned_sessions.scheduler_drop_off;
            settings.sync.send = send;
            settings.sync.send_as = wanted.sync_to_servicetitan.send_as;
            settings.sync.campaign_id = wanted.sync_to_servicetitan.campaign_id;
            settings.sync.call_reason_id = wanted.sync_to_servicetitan.call_reason_id;
            settings.follow_up.send = wanted.follow_up_sms.send_message_after;
            settings
                .follow_up
                .text
                .clone_from(&wanted.follow_up_sms.text);
            let saved = scheduler::save(
                tx,
                caller.business,
                scheduler.id,
                wanted.version,
                &scheduler.name,
                &settings,
            )?;
            if !saved {
                return Ok(None);
            }
            scheduler::get(tx, caller.business, scheduler.id).map(Some)
        });
    match changed.await? {
        Some(scheduler) => Ok(Json(sections(&scheduler))),
        None => Err(Error::Conflict(
            "Somebody has changed these settings since: read them again, then change them.".into(),
        )),
    }
}

/// A scheduler of the caller's own business; another's is not there.
fn own(tx: &mut Tx<'_>, caller: Caller, public_id: &str) -> Result<Arc<Scheduler>, StoreError> {
    scheduler::by_public_id(tx, public_id)?
        .filter(|s| s.business == caller.business)
        .ok_or(StoreError::NoRow)
}

fn sections(scheduler: &Scheduler) -> Settings {
    let s = &scheduler.settings;
    Settings {
        version: scheduler.version,
        abandoned_sessions: AbandonedSessions {
            scheduler_drop_off: s.abandoned.scheduler_drop_off,
        },
        sync_to_servicetitan: SyncToServiceTitan {
            send_abandoned_session_to_me_in_st: s.sync.send,
            send_as: s.sync.send_as,
            campaign_id: s.sync.campaign_id,
            call_reason_id: s.sync.call_reason_id,
        },
        follow_up_sms: FollowUpSms {
            send_message_after: s.follow_up.send,
            text: s.follow_up.text.clone(),
        },
    }
}
