//! What is shown: one screen at a time, as a whole page or (for our script) as the part that is swapped in.

mod parts;
mod review;
mod shown;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use ringback_domain::appointment::Appointment;
use ringback_domain::business::Business;
use ringback_domain::places::{Hours, Offered, Taken};
use ringback_domain::scheduler::{Scheduler, SchedulerSettings};
use ringback_domain::session::{Answers, CameFrom, ChosenWindow, Session, Step};

use super::answers::{Problem, Typed};
use super::calendar::Calendar;
use super::sent::Caller;
use crate::app::App;
use crate::error::Error;
use crate::store::{StoreError, Tx, business, scheduler};
use crate::token;
use crate::words::Words;

/// A scheduler and whose it is.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which scheduler.
    pub scheduler: Arc<Scheduler>,
    /// Its business.
    pub business: Arc<Business>,
}

impl Place {
    /// The scheduler behind a URL.
    pub fn find(tx: &mut Tx<'_>, public_id: &str) -> Result<Option<Self>, StoreError> {
        let found = scheduler::with_business(tx, public_id)?;
        Ok(found.map(|(scheduler, business)| Self {
            scheduler,
            business,
        }))
    }

    /// The scheduler of a session.
    pub fn of(tx: &mut Tx<'_>, session: &Session) -> Result<Self, StoreError> {
        let scheduler = scheduler::get(tx, session.business, session.scheduler)?;
        let business = business::get(tx, session.business)?;
        Ok(Self {
            scheduler,
            business,
        })
    }
}

/// How the session of a request was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// There is none.
    None,
    /// It has just begun: whether cookies come back is not known yet.
    New,
    /// Its cookie came.
    Cookie,
    /// Cookies are refused; the token came in the body.
    Token,
}

/// What is on the screen.
#[derive(Clone, Debug)]
pub enum Screen {
    /// One of the steps.
    Step(Step),
    /// The business does not come to that postal code.
    OutOfArea,
    /// A returning browser: is it the same person?
    ContinueAs,
    /// Close was pressed.
    Closed,
    /// Behind the link of a text, before the press that goes on.
    Link {
        /// Where that press goes.
        action: String,
    },
    /// The link of a text that is no longer good.
    LinkEnded,
}

/// A screen and everything it needs.
pub struct View {
    /// The visitor's words.
    pub w: &'static Words,
    /// Whose scheduler.
    pub place: Place,
    shown: OnceCell<Arc<SchedulerSettings>>,
    /// The business's.
    zone: TimeZone,
    /// Hours that have been put into words: every day of a calendar has the same few.
    said_hours: RefCell<Vec<(Hours, Arc<str>)>>,
    /// The window that stands chosen in the fields.
    chosen: OnceCell<Option<ChosenWindow>>,
    /// In a frame on another site.
    pub embedded: bool,
    /// How the session was known.
    pub mark: Mark,
    /// The session's token, when this answer has to carry it.
    pub token: Option<String>,
    /// What is shown.
    pub screen: Screen,
    /// The answers so far.
    pub answers: Answers,
    /// How they came; written into the first form, since nothing is stored before it is sent.
    pub came_from: CameFrom,
    /// What was typed at this step and not saved yet; it stands in the fields before the answers.
    pub typed: Typed,
    /// What was typed at other steps and not saved yet.
    pub kept: Typed,
    /// Some of what is shown was typed and not saved: only this answer has it.
    pub has_unsaved: bool,
    /// What is wrong, by field.
    pub problems: Vec<(String, String)>,
    /// A sentence above the form.
    pub said: Option<String>,
    /// Continue goes back to the review.
    pub then_review: bool,
    /// Answers of an earlier look stand here: whoever sits there now may be somebody else.
    pub returning: bool,
    /// What is taken, and when that was: of it the calendar is put together when the page is written.
    pub taken: Option<(Taken, jiff::Timestamp)>,
    /// The windows that can be had, once the page is written.
    calendar: Option<Arc<Calendar>>,
    /// The ones nearest to a window that has gone.
    pub nearest: Vec<Offered>,
    /// The window that is held or agreed.
    pub window: Option<ChosenWindow>,
    /// What they booked has been called off.
    pub cancelled: bool,
    /// The answer's status.
    pub status: StatusCode,
}

/// How long the cookie of a session lives, in seconds.
const COOKIE_LIVES_FOR: u32 = 30 * 24 * 3_600;

/// What a page may load and where it may send, up to who may show it in a frame.
macro_rules! policy {
    () => {
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors "
    };
}

impl View {
    /// A screen of a scheduler for a caller; in a box, since it goes through many hands.
    pub fn new(place: Place, caller: &Caller, embedded: bool, screen: Screen) -> Box<Self> {
        Box::new(Self {
            w: caller.words_or(&place.business.locale),
            zone: place.business.zone(),
            place,
            shown: OnceCell::new(),
            said_hours: RefCell::default(),
            chosen: OnceCell::new(),
            embedded,
            mark: Mark::None,
            token: None,
            screen,
            answers: Answers::default(),
            came_from: CameFrom::default(),
            typed: Typed::new(),
            kept: Typed::new(),
            has_unsaved: false,
            problems: Vec::new(),
            said: None,
            then_review: false,
            returning: false,
            taken: None,
            calendar: None,
            nearest: Vec::new(),
            window: None,
            cancelled: false,
            status: StatusCode::OK,
        })
    }

    /// Shows what they have booked.
    pub fn with_booked(&mut self, booked: Option<&Appointment>) {
        self.window = booked.map(|booked| booked.window);
        self.cancelled = booked.is_some_and(|booked| booked.cancelled.is_some());
    }

    /// Shows these answers in the fields.
    pub fn with_answers(mut self: Box<Self>, answers: Answers) -> Box<Self> {
        self.answers = answers;
        self
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> Cow<'_, str> {
        self.fields().value(name)
    }

    /// Says what is wrong, each at its field.
    pub fn with_problems(mut self: Box<Self>, problems: &[Problem]) -> Box<Self> {
        self.problems = problems
            .iter()
            .map(|p| (p.field.clone(), p.say(self.w)))
            .collect();
        if !problems.is_empty() {
            self.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        self
    }

    /// The answer to the browser: a fragment in place, a page, or (when all is saved and the cookie works) the
    /// way to the page, so that a reload sends nothing twice.
    pub fn answer(
        mut self: Box<Self>,
        app: &App,
        caller: &Caller,
        sent: bool,
    ) -> Result<Response, Error> {
        self.calendar = self
            .taken
            .take()
            .map(|(taken, now)| app.calendars.of(&self.place, self.w, taken, now));
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        );
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy());
        if let Some(token) = self.token.as_deref().filter(|_| self.mark != Mark::Cookie) {
            headers.insert(
                header::SET_COOKIE,
                self.cookie(app, token, COOKIE_LIVES_FOR),
            );
        }
        let afresh = self.mark == Mark::None && matches!(self.screen, Screen::Step(Step::Service));
        if sent
            && afresh
            && caller
                .cookie(app, &self.place.scheduler.public_id)
                .is_some()
        {
            headers.insert(header::SET_COOKIE, self.cookie(app, "", 0));
        }
        if sent && caller.in_place {
            headers.insert(
                HeaderName::from_static("x-ringback"),
                HeaderValue::from_static("step"),
            );
            if self.mark == Mark::New
                && let Some(token) = &self.token
                && let Ok(token) = HeaderValue::from_str(token)
            {
                headers.insert(HeaderName::from_static("x-ringback-token"), token);
            }
            return Ok(answer(self.status, headers, shown::part(&self)?));
        }
        let all_saved = !self.has_unsaved && self.problems.is_empty() && self.said.is_none();
        if sent && self.mark == Mark::Cookie && all_saved && matches!(self.screen, Screen::Step(_))
        {
            return Ok((headers, Redirect::to(&self.url())).into_response());
        }
        Ok(answer(self.status, headers, shown::whole(&self)?))
    }

    fn cookie(&self, app: &App, token: &str, lives_for: u32) -> HeaderValue {
        let name = token::cookie_name(app, &self.place.scheduler.public_id);
        let cookie = format!(
            "{name}={token}; Path=/; Max-Age={lives_for}; HttpOnly; Secure; SameSite=None; Partitioned"
        );
        HeaderValue::from_str(&cookie).expect("a cookie of letters and digits")
    }

    /// Who may show this page in a frame: the hosted page nobody else, the embedded one the sites that the
    /// business has named.
    fn policy(&self) -> HeaderValue {
        if !self.embedded {
            return HeaderValue::from_static(concat!(policy!(), "'self'"));
        }
        let sites = &self.place.scheduler.settings.allowed_sites;
        let fit = |site: &&String| url::Url::parse(site).is_ok_and(|url| url.origin().is_tuple());
        let origins: Vec<String> = sites
            .iter()
            .filter(fit)
            .filter_map(|site| Some(url::Url::parse(site).ok()?.origin().ascii_serialization()))
            .collect();
        if origins.is_empty() {
            return HeaderValue::from_static(concat!(policy!(), "http: https:"));
        }
        let policy = [policy!(), "'self' ", &origins.join(" ")].concat();
        HeaderValue::from_str(&policy).expect("origins are ASCII")
    }
}

fn answer(status: StatusCode, mut headers: HeaderMap, body: Body) -> Response {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}
