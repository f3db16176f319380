//! *Scheduler Details*: everything about one scheduler on one page. How fields become settings is in
//! `form.rs`. A form that somebody else's change has overtaken is refused with a sentence; what was typed
//! stays.

pub mod form;

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use ringback_domain::business::Business;
use ringback_domain::id::BusinessId;
use ringback_domain::scheduler::{Audience, SaveContact, Scheduler, SendAfter, SyncAs};
use ringback_domain::segments::{Encoding, Segments};
use ringback_domain::wording::{self, Blanks};
use serde::Serialize;

use self::form::{ASKED_AT, Speaks};
use super::door::Caller;
use super::fields::{Asked, Fields};
use super::page::{self, At, Shell};
use super::settings::sheet::Sheet;
use super::settings::{Done, saved};
use super::setup::snippet;
use crate::app::App;
use crate::crm::{Named, servicetitan};
use crate::error::Error;
use crate::store::integration::{self, SERVICETITAN, TEXTS};
use crate::store::{Order, StoreError, Tx, scheduler};
use crate::words::{Value, Words};

#[derive(Template)]
#[template(path = "office/scheduler.html")]
struct SchedulerPage {
    shell: Shell,
    done: Option<Done>,
    public_id: String,
    name: String,
    version: i64,
    sheet: Sheet,
    /// Somebody else has changed it since this form was opened.
    overtaken: bool,
    outside: Outside,
    preview: Preview,
    snippet: String,
    hosted: String,
}

/// What of the outside the page chooses from.
struct Outside {
    servicetitan: bool,
    texts: bool,
    campaigns: Vec<Named>,
    call_reasons: Vec<Named>,
}

/// The follow-up text as a phone shows it, and what it costs.
#[derive(Serialize)]
struct Preview {
    shown: String,
    cost: String,
    wrong: String,
}

type Choices = Vec<(String, String)>;

impl SchedulerPage {
    fn choices<T: std::fmt::Display>(&self, place: &str, offered: &[T]) -> Choices {
        let label = |one: &T| (one.to_string(), self.shell.w.say(&format!("{place}-{one}")));
        offered.iter().map(label).collect()
    }

    fn audiences(&self) -> Choices {
        self.choices("audience", Audience::ALL)
    }

    fn save_contact(&self) -> Choices {
        self.choices("save-contact", SaveContact::ALL)
    }

    fn sync_times(&self) -> Choices {
        self.choices("send", SendAfter::FOR_SYNC)
    }

    fn text_times(&self) -> Choices {
        self.choices("send", SendAfter::FOR_TEXT)
    }

    fn kinds(&self) -> Choices {
        self.choices("sync-as", SyncAs::ALL)
    }

    fn steps(&self) -> Choices {
        self.choices("step", ASKED_AT)
    }

    fn answers(&self) -> Choices {
        self.choices("answer", &["text", "choice", "yes_no"])
    }

    fn orders(&self) -> Choices {
        self.choices("order", &["contact", "time"])
    }

    fn campaigns(&self) -> Choices {
        self.named("campaign", &self.outside.campaigns)
    }

    fn call_reasons(&self) -> Choices {
        self.named("call_reason", &self.outside.call_reasons)
    }

    /// By name; what is chosen and not in the list (any more) stays a choice under its number.
    fn named(&self, field: &str, known: &[Named]) -> Choices {
        let standard = (String::new(), self.shell.w.say("sync-as-connected"));
        let mut choices = vec![standard];
        choices.extend(
            known
                .iter()
                .map(|one| (one.id.to_string(), one.name.clone())),
        );
        let chosen = self.sheet.value(field);
        if !choices.iter().any(|(id, _)| *id == chosen) {
            choices.push((chosen.clone(), format!("#{chosen}")));
        }
        choices
    }

    fn services(&self) -> Vec<u32> {
        self.with_a_blank_one("service")
    }

    fn questions(&self) -> Vec<u32> {
        self.with_a_blank_one("question")
    }

    fn windows(&self) -> Vec<u32> {
        self.with_a_blank_one("window")
    }

    /// The rows there are, and an empty one to write the next into.
    fn with_a_blank_one(&self, list: &str) -> Vec<u32> {
        let mut rows = self.sheet.rows(list);
        rows.push(rows.iter().max().map_or(0, |last| last + 1));
        rows
    }

    fn field(&self, list: &str, n: &u32, part: &str) -> String {
        format!("{list}-{n}-{part}")
    }

    fn value(&self, list: &str, n: &u32, part: &str) -> String {
        self.sheet.value(&self.field(list, n, part))
    }

    fn trouble(&self, list: &str, n: &u32, part: &str) -> Option<&str> {
        self.sheet.trouble(&self.field(list, n, part))
    }

    fn is_on(&self, list: &str, n: &u32, part: &str) -> bool {
        self.sheet.ticked(&self.field(list, n, part))
    }

    /// What the region calls its postal code, and an example.
    fn postal_hint(&self) -> String {
        let rule = self.shell.region().postal();
        let w = self.shell.w;
        let code = w.say(rule.label);
        let values = [
            ("code", Value::from(code)),
            ("example", Value::from(rule.example)),
            ("beginning", Value::from(&rule.example[..2])),
        ];
        w.with("scheduler-served-hint", &values)
    }
}

/// `GET /office/settings/schedulers/{public_id}`.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Path(public_id): Path<String>,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let (shell, scheduler, outside) = load(&app, &me, &public_id).await?;
    let sheet = form::filled(&scheduler.name, &scheduler.settings, speaks(&shell));
    let mut page = page(&app, shell, &scheduler, outside, sheet);
    page.done = Done::read(&asked);
    page::html(&page)
}

/// `POST /office/settings/schedulers/{public_id}`: all of it at once.
pub async fn save(
    State(app): State<App>,
    me: Caller,
    Path(public_id): Path<String>,
    fields: Fields,
) -> Result<Response, Error> {
    let (shell, scheduler, outside) = load(&app, &me, &public_id).await?;
    let version: i64 = fields.one("version").parse().unwrap_or(0);
    let mut sheet = Sheet::sent(fields);
    let read = form::read(&mut sheet, &scheduler.settings, speaks(&shell));
    let Some((name, settings)) = read else {
        let mut page = page(&app, shell, &scheduler, outside, sheet);
        page.version = version;
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let (business, id) = (me.business(), scheduler.id);
    let stands = app
        .store
        .write(Order::Business(business.get()), move |tx| {
            scheduler::save(tx, business, id, version, &name, &settings)
        })
        .await?;
    if stands {
        return Ok(saved(&address(&public_id), Done::Saved));
    }
    let (shell, scheduler, outside) = load(&app, &me, &public_id).await?;
    let mut page = page(&app, shell, &scheduler, outside, sheet);
    page.overtaken = true;
    page::html_as(StatusCode::CONFLICT, &page)
}

/// `POST /office/settings/schedulers/{public_id}/text`: what the text in the form looks like and costs.
pub async fn preview_text(
    State(app): State<App>,
    me: Caller,
    Path(public_id): Path<String>,
    fields: Fields,
) -> Result<Json<impl Serialize>, Error> {
    let (shell, scheduler, _) = load(&app, &me, &public_id).await?;
    Ok(Json(preview(&app, &shell, &scheduler, &fields.one("text"))))
}

fn address(public_id: &str) -> String {
    format!("/office/settings/schedulers/{public_id}")
}

fn speaks(shell: &Shell) -> Speaks<'_> {
    Speaks {
        w: shell.w,
        region: shell.region(),
        business: &shell.business.name,
    }
}

async fn load(
    app: &App,
    me: &Caller,
    public_id: &str,
) -> Result<(Shell, Arc<Scheduler>, Outside), Error> {
    let (me, public_id) = (me.clone(), public_id.to_owned());
    let loaded = app.store.read(move |tx| {
        let shell = Shell::load(tx, &me, At::Settings)?;
        // A scheduler of another business is not there.
        let scheduler = scheduler::by_public_id(tx, &public_id)?
            .filter(|scheduler| scheduler.business == me.business())
            .ok_or(StoreError::NoRow)?;
        let outside = outside(tx, me.business())?;
        Ok((shell, scheduler, outside))
    });
    Ok(loaded.await?)
}

fn outside(tx: &mut Tx<'_>, business: BusinessId) -> Result<Outside, StoreError> {
    let servicetitan = integration::get::<servicetitan::Settings>(tx, business, SERVICETITAN)?;
    let choices = servicetitan
        .and_then(|found| found.checked)
        .map(|(_, check)| check.choices)
        .unwrap_or_default();
    Ok(Outside {
        servicetitan: integration::connected(tx, business, SERVICETITAN)?,
        texts: integration::connected(tx, business, TEXTS)?,
        campaigns: choices.campaigns,
        call_reasons: choices.call_reasons,
    })
}

fn page(
    app: &App,
    shell: Shell,
    scheduler: &Scheduler,
    outside: Outside,
    sheet: Sheet,
) -> SchedulerPage {
    let origin = app.config.origin();
    SchedulerPage {
        preview: preview(app, &shell, scheduler, &sheet.value("text")),
        snippet: snippet(origin, &scheduler.public_id),
        hosted: format!("{origin}/s/{}", scheduler.public_id),
        done: None,
        public_id: scheduler.public_id.clone(),
        name: scheduler.name.clone(),
        version: scheduler.version,
        overtaken: false,
        sheet,
        outside,
        shell,
    }
}

/// Filled in for somebody who might be real, with a link as long as links are.
fn preview(app: &App, shell: &Shell, scheduler: &Scheduler, template: &str) -> Preview {
    let w = shell.w;
    let wrong = wording::check(template).err();
    let services = &scheduler.settings.services;
    let shown = wording::fill(
        template,
        &Blanks {
            business: &brand(&shell.business),
            name: "Maria Alvarez",
            service: services
                .first()
                .map_or("", |service| service.title.as_str()),
            link: &format!("{}/r/AbCdEfGhIjKlMnOpQrStUv", app.config.origin()),
        },
    );
    let segments = Segments::of(&shown);
    Preview {
        cost: cost(w, &segments),
        wrong: wrong.map_or_else(String::new, |error| form::wrong_text(w, &error)),
        shown,
    }
}

fn brand(business: &Business) -> String {
    business.name.clone()
}

fn cost(w: &Words, segments: &Segments) -> String {
    let key = match segments.encoding {
        Encoding::Gsm7 => "text-cost",
        Encoding::Ucs2 => "text-cost-ucs2",
    };
    w.with(key, &[("parts", segments.parts), ("units", segments.units)])
}
