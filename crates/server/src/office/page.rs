//! The frame around every office page: navigation, counts, the message after an act.

use std::fmt;
use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringback_domain::business::Business;
use ringback_domain::follow_up;
use ringback_domain::region::Region;
use ringback_domain::staff::{Permission, Role};
use serde::{Serialize, Serializer};

use super::door::Caller;
use super::settings::readiness;
use crate::app::App;
use crate::error::Error;
use crate::store::{COUNTED_TO, StoreError, Tx, business, lead, staff, task};
use crate::words::Words;

/// Which entry of the navigation is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The inbox and its leads.
    Inbox,
    /// What has been booked.
    Appointments,
    /// The list of tasks.
    Tasks,
    /// Everything an Administrator sets up.
    Settings,
    /// None of them.
    Elsewhere,
}

/// What every page of the office shows around its own content.
pub struct Shell {
    /// The business's language.
    pub w: &'static Words,
    /// The business.
    pub business: Arc<Business>,
    /// Who is signed in.
    pub me: Caller,
    /// The current entry.
    pub at: At,
    /// Leads nobody has taken up.
    pub new_leads: Badge,
    /// Tasks past due, mine or nobody's.
    pub overdue: Badge,
    /// Something is missing that an Administrator should set up.
    pub unready: bool,
    /// Now, by the store's clock.
    pub now: Timestamp,
}

/// A count beside an entry of the navigation, as it is read: `7`, and `999+` where counting stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Badge(i64);

impl Badge {
    /// There is nothing to show.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n < COUNTED_TO => write!(f, "{n}"),
            _ => write!(f, "{}+", COUNTED_TO - 1),
        }
    }
}

impl Serialize for Badge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What scripts say, by key; the blank in them is `#`.
const SCRIPT_WORDS: &[&str] = &[
    "ago-now",
    "ago-seconds",
    "ago-minutes",
    "ago-hours",
    "ago-days",
    "undo",
    "not-reached",
    "line-down",
    "line-out",
    "sign-in",
    "copied",
];

impl Shell {
    /// Reads what the frame shows, in the transaction that reads the page.
    pub fn load(tx: &mut Tx<'_>, me: &Caller, at: At) -> Result<Self, StoreError> {
        let business = business::get(tx, me.business())?;
        Ok(Self {
            w: Words::of(&business.locale),
            new_leads: Badge(lead::count_new(tx, business.id)?),
            overdue: Badge(task::overdue(tx, business.id, me.staff.id)?),
            unready: me.staff.role.may(Permission::SeeSettings)
                && (!me.address_is_ready || !readiness::open_points(tx, &business)?.is_empty()),
            now: tx.now(),
            me: me.clone(),
            business,
            at,
        })
    }

    /// The business's region.
    pub fn region(&self) -> Region {
        self.business.region
    }

    /// The business's zone.
    pub fn zone(&self) -> TimeZone {
        self.business.zone()
    }

    /// Whether the signed-in person sets things up.
    pub fn may_set_up(&self) -> bool {
        self.me.staff.role.may(Permission::SeeSettings)
    }

    /// For `aria-current`.
    pub fn is_at(&self, at: At) -> bool {
        self.at == at
    }

    /// An instant as the business writes it.
    pub fn moment(&self, at: &Timestamp) -> String {
        self.w.moment(*at, &self.zone(), self.region())
    }

    /// A sentence about the hours of texts, as the region writes them; `consent` stands in one of them.
    pub fn text_hours(&self, key: &str, consent: &str) -> String {
        let hour = |time| self.w.time(time, self.region());
        let (from, to) = (hour(follow_up::EARLIEST), hour(follow_up::LATEST));
        let said = [("from", from), ("to", to), ("consent", consent.to_owned())];
        self.w.with(key, &said)
    }

    /// What people call the business's zone: by its city.
    pub fn zone_name(&self) -> String {
        let name = self.business.time_zone.as_str();
        let city = name.rsplit_once('/').map_or(name, |(_, city)| city);
        city.replace('_', " ")
    }

    /// A phone number as the business's region writes it.
    pub fn phone(&self, e164: &str) -> String {
        shown_phone(e164, self.region())
    }

    /// The key of what the signed-in person's role is called.
    pub fn role_key(&self) -> &'static str {
        match self.me.staff.role {
            Role::Administrator => "role-administrator",
            Role::OfficeEmployee => "role-office_employee",
        }
    }

    /// What scripts say, as JSON.
    pub fn words_for_scripts(&self) -> String {
        let words: serde_json::Map<String, serde_json::Value> = SCRIPT_WORDS
            .iter()
            .map(|key| {
                (
                    (*key).to_owned(),
                    self.w.with(key, &[("count", "#")]).into(),
                )
            })
            .collect();
        serde_json::Value::Object(words).to_string()
    }

    /// Letters for the round badge of the signed-in person.
    pub fn initials(&self) -> String {
        let words = self.me.staff.name.split_whitespace();
        words
            .filter_map(|word| word.chars().next())
            .take(2)
            .collect()
    }
}

/// A phone number as a region writes it; as it is stored, when it cannot be read.
pub fn shown_phone(e164: &str, region: Region) -> String {
    ringback_domain::phone::Phone::from_e164(e164)
        .map_or_else(|| e164.to_owned(), |phone| phone.shown_in(region))
}

/// A rendered page. Office pages hold people's details: shared caches keep none of them.
pub fn html(template: &impl Template) -> Result<Response, Error> {
    html_as(StatusCode::OK, template)
}

/// [`html`] with another status.
pub fn html_as(status: StatusCode, template: &impl Template) -> Result<Response, Error> {
    let body = template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        Error::Fault
    })?;
    let mut response = (status, Html(body)).into_response();
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    Ok(response)
}

#[derive(Template)]
#[template(path = "office/message.html")]
struct MessagePage {
    shell: Shell,
    title: String,
    sentence: String,
    /// Whom to ask, when it is about what one may do.
    ask: Vec<String>,
}

/// An Office employee at an Administrator's door: a clear page that names whom to ask.
pub async fn not_allowed(app: &App, caller: &Caller) -> Result<Response, Error> {
    let me = caller.clone();
    let (shell, ask) = app
        .store
        .read(move |tx| {
            let shell = Shell::load(tx, &me, At::Elsewhere)?;
            let everybody = staff::list(tx, me.business())?;
            let administrators = everybody
                .into_iter()
                .filter(|m| m.deactivated_at.is_none() && m.staff.role == Role::Administrator)
                .map(|m| m.staff.name)
                .collect();
            Ok((shell, administrators))
        })
        .await?;
    let page = MessagePage {
        title: shell.w.say("not-allowed-title"),
        sentence: shell.w.say("not-allowed-sentence"),
        ask,
        shell,
    };
    html_as(StatusCode::FORBIDDEN, &page)
}

/// An address of the office that leads nowhere.
pub async fn nothing_here() -> Error {
    Error::NotFound
}

/// An error as a page of the office: the sentence, and the way back.
pub async fn told(app: &App, caller: &Caller, error: &Error) -> Response {
    let me = caller.clone();
    let shell = app
        .store
        .read(move |tx| Shell::load(tx, &me, At::Elsewhere))
        .await;
    let Ok(shell) = shell else {
        // The store itself is what is wrong.
        return Error::Busy.into_response();
    };
    let title = match error {
        Error::NotFound => "told-nothing-here",
        _ => "told-not-done",
    };
    let page = MessagePage {
        title: shell.w.say(title),
        sentence: error.sentence(shell.w),
        ask: Vec::new(),
        shell,
    };
    html_as(error.status(), &page).unwrap_or_else(IntoResponse::into_response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_reads_as_a_number_until_counting_stops() {
        let read = |n| Badge(n).to_string();
        assert_eq!(
            [read(0), read(7), read(999), read(1_000)],
            ["0", "7", "999", "999+"]
        );
        assert!(Badge(0).is_empty() && !Badge(1).is_empty());
    }
}
