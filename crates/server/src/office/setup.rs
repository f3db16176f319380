//! The first run: a one-time link, one page that asks for the owner, the business and a ready-made scheduler,
//! and then what goes onto the website. Everything is made in one transaction that also uses the link up.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use ringback_domain::business::BusinessDetails;
use ringback_domain::region::Region;
use ringback_domain::scheduler::Scheduler;
use ringback_domain::staff::{Role, Staff};
use ringback_domain::starts::Start;

use super::door::{self, Caller};
use super::fields::Fields;
use super::page::{self, At, Shell};
use super::settings::business::{self as business_form, Day, ZoneGroup};
use super::settings::readiness::{self, Point};
use super::settings::sheet::Sheet;
use super::settings::staff::read_person;
use super::settings::{public_id, starts};
use super::{passwords, sign_in};
use crate::app::App;
use crate::error::Error;
use crate::http::languages;
use crate::random;
use crate::store::business::NewBusiness;
use crate::store::setup::{self, Standing};
use crate::store::staff::NewStaff;
use crate::store::{Order, StoreError, Tx, business, scheduler, staff};
use crate::words::Words;

/// How long a link opens the set-up.
const LINK_LIVES_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The page after the set-up; also from the settings.
pub const WELCOME: &str = "/office/welcome";

/// A fresh link to the set-up while there is no business yet, for whoever started the server to open. Earlier
/// links end.
pub async fn link(app: &App) -> Result<Option<String>, StoreError> {
    let token = random::token();
    let hash = door::hash(&token);
    let made = app
        .store
        .write(Order::Any, move |tx| {
            if !business::all(tx)?.is_empty() {
                return Ok(false);
            }
            let until = tx.now() + LINK_LIVES_FOR;
            setup::make(tx, &hash, until)?;
            Ok(true)
        })
        .await?;
    Ok(made.then(|| format!("{}/setup/{token}", app.config.origin())))
}

#[derive(Template)]
#[template(path = "office/setup.html")]
struct SetupPage {
    w: &'static Words,
    sheet: Sheet,
    now: Timestamp,
    /// Whether anything was typed: then nothing is suggested any more.
    typed: bool,
}

impl SetupPage {
    fn regions(&self) -> Vec<(String, String)> {
        business_form::regions(self.w)
    }

    fn locales(&self) -> Vec<(String, String)> {
        business_form::locales()
    }

    fn zones(&self) -> Vec<ZoneGroup> {
        business_form::zones(self.w, &self.sheet.value("time_zone"), self.now)
    }

    fn days(&self) -> Vec<Day> {
        business_form::days(self.w, &self.sheet)
    }

    fn starts(&self) -> Vec<(String, String)> {
        starts(self.w)
    }

    fn shortest_password(&self) -> usize {
        passwords::SHORTEST
    }
}

#[derive(Template)]
#[template(path = "office/setup-ended.html")]
struct EndedPage {
    w: &'static Words,
    used: bool,
}

/// `GET /setup/{token}`.
pub async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Response, Error> {
    let w = words(&headers);
    let hash = door::hash(&token);
    match app.store.read(move |tx| setup::standing(tx, &hash)).await? {
        Standing::Good => page::html(&SetupPage {
            w,
            sheet: suggested(w, &headers),
            now: app.clock.now(),
            typed: false,
        }),
        other => ended(w, other),
    }
}

/// `POST /setup/{token}`: everything is made, the owner is signed in.
pub async fn make(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, Error> {
    let w = words(&headers);
    let hash = door::hash(&token);
    let asked = hash.clone();
    let standing = app
        .store
        .read(move |tx| setup::standing(tx, &asked))
        .await?;
    if standing != Standing::Good {
        return ended(w, standing);
    }
    let mut sheet = Sheet::sent(fields);
    let Some(wanted) = Wanted::read(&mut sheet, w) else {
        let page = SetupPage {
            w,
            sheet,
            now: app.clock.now(),
            typed: true,
        };
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let password = sheet.secret("password").to_owned();
    let password_hash = app.office.passwords.hash(password).await?;
    let public_id = public_id();
    let owner = app
        .store
        .write(Order::Any, move |tx| {
            wanted.make(tx, &hash, &password_hash, &public_id)
        })
        .await?;
    match owner {
        Some(owner) => {
            tracing::info!("the set-up is done");
            // Signed in at once, and past the pages that only the inbox leads to.
            let mut response = sign_in::sign_in(&app, owner, "/office").await?;
            response
                .headers_mut()
                .insert(header::LOCATION, header::HeaderValue::from_static(WELCOME));
            Ok(response)
        }
        None => ended(w, Standing::Used),
    }
}

/// What the page asked for, read.
struct Wanted {
    name: String,
    email: String,
    business: NewBusiness,
    start: Start,
}

impl Wanted {
    fn read(sheet: &mut Sheet, w: &Words) -> Option<Self> {
        let start = sheet.value("start").parse().ok();
        if start.is_none() {
            sheet.wrong("start", w.say("wrong-start"));
        }
        let email = sheet.value("owner_email").to_lowercase();
        if let Some(key) = passwords::trouble(sheet.secret("password"), &email) {
            sheet.wrong("password", w.say(key));
        }
        // Both are read whatever is wrong with the other: every sentence shows at once.
        let person = read_person(sheet, w, "owner_name", "owner_email");
        let business = business_form::read(sheet, w);
        let (name, email) = person?;
        Some(Self {
            name,
            email,
            business: business?,
            start: start?,
        })
    }

    /// `None` when somebody was quicker.
    fn make(
        &self,
        tx: &mut Tx<'_>,
        link: &[u8],
        password_hash: &str,
        public_id: &str,
    ) -> Result<Option<Staff>, StoreError> {
        if !setup::use_up(tx, link)? || !business::all(tx)?.is_empty() {
            return Ok(None);
        }
        let made = business::create(tx, &self.business)?;
        let words = Words::of(&self.business.locale);
        let settings = words.begin(self.start, self.business.region);
        let name = words.say(self.start.name_key());
        scheduler::create(tx, made, public_id, &name, &settings)?;
        let new = NewStaff {
            business: made,
            name: self.name.clone(),
            email: self.email.clone(),
            role: Role::Administrator,
            password_hash: password_hash.to_owned(),
        };
        let id = staff::create(tx, &new)?.ok_or(StoreError::Conflict)?;
        let member = staff::get(tx, made, id)?.ok_or(StoreError::NoRow)?;
        Ok(Some(member.staff))
    }
}

#[derive(Template)]
#[template(path = "office/welcome.html")]
struct WelcomePage {
    shell: Shell,
    scheduler: Arc<Scheduler>,
    origin: String,
    points: Vec<Point>,
}

impl WelcomePage {
    fn snippet(&self) -> String {
        snippet(&self.origin, &self.scheduler.public_id)
    }

    fn hosted(&self) -> String {
        format!("{}/s/{}", self.origin, self.scheduler.public_id)
    }
}

/// The line that goes onto the business's website.
pub fn snippet(origin: &str, public_id: &str) -> String {
    format!(r#"<script src="{origin}/embed.js" data-scheduler="{public_id}" async></script>"#)
}

/// `GET /office/welcome`: the snippet, the hosted page, the inbox.
pub async fn welcome(State(app): State<App>, me: Caller) -> Result<Response, Error> {
    let (url, origin) = (
        app.config.public_url.clone(),
        app.config.origin().to_owned(),
    );
    let page = app.store.read(move |tx| {
        let shell = Shell::load(tx, &me, At::Settings)?;
        let Some(scheduler) = scheduler::list(tx, me.business())?.into_iter().next() else {
            return Ok(None);
        };
        let mut points = readiness::points(tx, &shell.business, &url)?;
        points.retain(|point| point.standing != readiness::Standing::Ready);
        Ok(Some(WelcomePage {
            shell,
            scheduler,
            origin: origin.clone(),
            points,
        }))
    });
    match page.await? {
        Some(page) => page::html(&page),
        None => Ok(Redirect::to("/office/settings").into_response()),
    }
}

fn ended(w: &'static Words, standing: Standing) -> Result<Response, Error> {
    let used = standing == Standing::Used;
    page::html_as(StatusCode::GONE, &EndedPage { w, used })
}

/// What the browser lets us guess: region and zone from its language; the zone again by script, from its clock.
fn suggested(w: &Words, headers: &HeaderMap) -> Sheet {
    let region = region_of(&languages(headers).unwrap_or_default());
    let zone = region.time_zones().first().copied().unwrap_or("UTC");
    let hours = BusinessDetails::default().hours;
    let mut values = vec![
        ("region".to_owned(), region.to_string()),
        ("time_zone".to_owned(), zone.to_owned()),
        ("locale".to_owned(), w.locale().to_owned()),
        ("start".to_owned(), Start::HeatingCooling.to_string()),
    ];
    values.extend(business_form::filled_hours(&hours));
    Sheet::filled(values)
}

/// The region of the first language that names one of ours: `en-AU,en;q=0.9` is Australia.
fn region_of(accept_language: &str) -> Region {
    let named = accept_language.split(',').find_map(|wish| {
        let tag = wish.split(';').next()?.trim();
        let country = tag.rsplit_once('-')?.1.to_ascii_lowercase();
        match country.as_str() {
            "us" => Some(Region::UnitedStates),
            "ca" => Some(Region::Canada),
            "gb" => Some(Region::UnitedKingdom),
            "ie" => Some(Region::Ireland),
            "au" => Some(Region::Australia),
            "nz" => Some(Region::NewZealand),
            _ => None,
        }
    });
    named.unwrap_or(Region::UnitedStates)
}

fn words(headers: &HeaderMap) -> &'static Words {
    Words::negotiate(languages(headers).as_deref(), "en")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_language_suggests_the_region() {
        assert_eq!(region_of("en-AU,en;q=0.9"), Region::Australia);
        assert_eq!(region_of("fr-FR, en-gb;q=0.5"), Region::UnitedKingdom);
        assert_eq!(region_of("es"), Region::UnitedStates);
        assert_eq!(region_of(";;,-,"), Region::UnitedStates);
    }

    #[test]
    fn every_slip_shows_at_once() {
        let fields = b"owner_name=&owner_email=dana&password=short&name=&region=us&time_zone=America/Phoenix&start=";
        let mut sheet = Sheet::sent(Fields::read(fields));
        assert!(Wanted::read(&mut sheet, Words::of("en")).is_none());
        for field in [
            "owner_name",
            "owner_email",
            "password",
            "name",
            "hours-0",
            "start",
        ] {
            assert!(sheet.trouble(field).is_some(), "{field}");
        }
    }
}
