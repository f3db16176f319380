//! What is shown: one screen at a time, as a whole page or (for our script) as the part that is swapped in.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ringback_domain::appointment::Appointment;
use ringback_domain::business::Business;
use ringback_domain::person::masked_name;
use ringback_domain::phone::Phone;
use ringback_domain::places::{Day, Hours, Offered, Taken};
use ringback_domain::scheduler::{
    Question, QuestionKind, SaveContact, Scheduler, SchedulerSettings, Service,
};
use ringback_domain::session::{Answers, CameFrom, ChosenWindow, Session, Step};

use super::answers::{self, Filled, Problem, Written};
use super::calendar::Calendar;
use super::field::{Field, Fields, yes_or_no};
use super::sent::Caller;
use crate::app::App;
use crate::assets;
use crate::error::Error;
use crate::store::{StoreError, Tx, business, scheduler};
use crate::token;
use crate::words::{Value, Words};

/// A scheduler and whose it is.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which scheduler.
    pub scheduler: Scheduler,
    /// Its business.
    pub business: Business,
}

impl Place {
    /// The scheduler behind a URL.
    pub fn find(tx: &mut Tx<'_>, public_id: &str) -> Result<Option<Self>, StoreError> {
        let Some(scheduler) = scheduler::by_public_id(tx, public_id)? else {
            return Ok(None);
        };
        let business = business::get(tx, scheduler.business)?;
        Ok(Some(Self {
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
    /// What stands in the fields.
    pub filled: Filled,
    /// What was typed at other steps and not saved yet.
    pub kept: Filled,
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

/// A line of the review.
struct Row {
    title: String,
    text: String,
    step: Step,
}

/// Days shown before *More days*.
const DAYS_IN_VIEW: usize = 4;
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
    /// A screen of a scheduler for a caller.
    pub fn new(place: Place, caller: &Caller, embedded: bool, screen: Screen) -> Self {
        Self {
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
            filled: Filled::new(),
            kept: Filled::new(),
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
        }
    }

    /// Shows what they have booked.
    pub fn with_booked(&mut self, booked: Option<&Appointment>) {
        self.window = booked.map(|booked| booked.window);
        self.cancelled = booked.is_some_and(|booked| booked.cancelled.is_some());
    }

    /// Shows these answers in the fields.
    pub fn with_answers(mut self, answers: Answers) -> Self {
        self.filled = answers::filled(&answers);
        // Writing a number is dear, and only one step has its field.
        if matches!(self.screen, Screen::Step(Step::Contact)) {
            let phone = answers::filled_phone(&answers, self.place.business.region);
            self.filled.insert("phone".into(), phone);
        }
        self.answers = answers;
        self
    }

    /// Says what is wrong, each at its field.
    pub fn with_problems(mut self, problems: &[Problem]) -> Self {
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
    pub fn answer(mut self, app: &App, caller: &Caller, sent: bool) -> Result<Response, Error> {
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
        if caller.in_place && sent {
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
            let html = rendered(&Fragment { v: &self })?;
            return Ok((self.status, headers, axum::response::Html(html)).into_response());
        }
        let all_saved = !self.has_unsaved && self.problems.is_empty() && self.said.is_none();
        if sent && self.mark == Mark::Cookie && all_saved && matches!(self.screen, Screen::Step(_))
        {
            return Ok((headers, Redirect::to(&self.url())).into_response());
        }
        let html = rendered(&Page { v: &self })?;
        Ok((self.status, headers, axum::response::Html(html)).into_response())
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

thread_local! {
    /// Where a screen is written: what has grown to the largest one so far need not grow again, and the answer, which
    /// may wait for a slow line, takes no more than it needs.
    static SCREEN: RefCell<String> = const { RefCell::new(String::new()) };
}

fn rendered(template: &impl Template) -> Result<String, Error> {
    SCREEN.with_borrow_mut(|screen| {
        screen.clear();
        template.render_into(screen).map_err(|error| {
            tracing::error!(%error, "a scheduler page");
            Error::Fault
        })?;
        Ok(screen.clone())
    })
}

#[derive(Template)]
#[template(path = "visitor/page.html")]
struct Page<'a> {
    v: &'a View,
}

/// The windows, day by day. Without a chosen one they are the same for everybody who is offered them.
struct Windows<'a> {
    v: &'a View,
}

impl fmt::Display for Windows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = Days { v: self.v };
        let write = |to: &mut dyn fmt::Write| days.render_into(to).map_err(|_| fmt::Error);
        let calendar = self.v.calendar.as_deref();
        let Some(html) = calendar
            .filter(|_| self.v.chosen().is_none())
            .map(|calendar| &calendar.html)
        else {
            return write(f);
        };
        if let Some(html) = html.get() {
            return f.write_str(html);
        }
        let mut written = String::new();
        write(&mut written)?;
        f.write_str(html.get_or_init(|| written))
    }
}

#[derive(Template)]
#[template(path = "visitor/days.html")]
struct Days<'a> {
    v: &'a View,
}

#[derive(Template)]
#[template(path = "visitor/screen.html")]
struct Fragment<'a> {
    v: &'a View,
}

/// What the templates ask for.
impl View {
    /// Its services and questions as this visitor reads them, in the order and number of its settings. Put
    /// together when the page is written, not while a transaction is open.
    fn shown(&self) -> &SchedulerSettings {
        let place = &self.place;
        self.shown.get_or_init(|| {
            self.w
                .translated(&place.scheduler.settings, place.business.region)
        })
    }

    fn css(&self) -> String {
        assets::url("visitor/scheduler.css")
    }

    fn js(&self) -> String {
        assets::url("visitor/scheduler.js")
    }

    fn id(&self) -> &str {
        &self.place.scheduler.public_id
    }

    fn action(&self) -> String {
        format!("/s/{}", self.id())
    }

    /// The address of this screen, without anything of the visitor in it.
    fn url(&self) -> String {
        let page = if self.embedded { "/embedded" } else { "" };
        match self.screen {
            Screen::Step(step) if step != Step::Booked => {
                let then = if self.then_review { "&then=review" } else { "" };
                format!("/s/{}{page}?step={step}{then}", self.id())
            }
            _ => format!("/s/{}{page}", self.id()),
        }
    }

    fn screen_word(&self) -> &'static str {
        match &self.screen {
            Screen::Step(step) => step.as_str(),
            Screen::OutOfArea => "out-of-area",
            Screen::ContinueAs => "continue-as",
            Screen::Closed => "closed",
            Screen::Link { .. } => "link",
            Screen::LinkEnded => "link-ended",
        }
    }

    fn mark_word(&self) -> &'static str {
        match self.mark {
            Mark::None => "none",
            Mark::New => "new",
            Mark::Cookie => "cookie",
            Mark::Token => "token",
        }
    }

    /// Nothing is open that could be closed behind a link, and after closing.
    fn can_close(&self) -> bool {
        !matches!(
            self.screen,
            Screen::Closed | Screen::Link { .. } | Screen::LinkEnded
        )
    }

    fn heading(&self) -> String {
        match &self.screen {
            Screen::Step(step) => self.w.say(match step {
                Step::Service => "step-service",
                Step::Contact => "step-contact",
                Step::Time => "step-time",
                Step::Place => "step-place",
                Step::Review => "step-review",
                Step::Booked if self.cancelled => "booked-cancelled",
                Step::Booked => "step-booked",
            }),
            Screen::OutOfArea => self.w.with(
                "out-of-area",
                &[("code", self.answers.postal_code.as_str())],
            ),
            Screen::ContinueAs => self.w.with(
                "continue-as",
                &[("name", masked_name(&self.answers.name).as_str())],
            ),
            Screen::Closed => self.w.say("closed-title"),
            Screen::Link { .. } => self.w.say("link-title"),
            Screen::LinkEnded => self.w.say("link-ended"),
        }
    }

    /// The document's title; names nobody.
    fn title(&self) -> String {
        let heading = match self.screen {
            Screen::ContinueAs | Screen::OutOfArea => self.headline(),
            _ => self.heading(),
        };
        let heading = if self.problems.is_empty() {
            heading
        } else {
            self.w.with("title-problem", &[("title", heading.as_str())])
        };
        format!("{heading} · {}", self.place.business.name)
    }

    fn headline(&self) -> String {
        self.w
            .headline(&self.place.scheduler.settings, self.place.business.region)
    }

    fn thanks(&self) -> String {
        self.w
            .thanks(&self.place.scheduler.settings, self.place.business.region)
    }

    fn business(&self) -> &str {
        &self.place.business.name
    }

    /// The office's number: as a link, and as people read it.
    fn call(&self) -> Option<(String, String)> {
        let phone = Phone::from_e164(self.place.business.phone.as_deref()?)?;
        let shown = phone.shown_in(self.place.business.region);
        Some((format!("tel:{phone}"), shown))
    }

    /// Which of the steps this is, from 1, and how many there are.
    fn progress(&self) -> Option<(usize, usize)> {
        let Screen::Step(step) = self.screen else {
            return None;
        };
        let steps = self.place.scheduler.settings.steps();
        let here = steps.iter().position(|s| *s == step)?;
        Some((here + 1, steps.len()))
    }

    fn progress_words(&self) -> String {
        let (here, all) = self.progress().unwrap_or_default();
        self.w
            .with("step-progress", &[("step", here), ("steps", all)])
    }

    fn address(&self) -> Vec<Field> {
        self.fields()
            .address(self.place.scheduler.settings.address_required)
    }

    fn is_first(&self) -> bool {
        matches!(self.progress(), Some((1, _)))
    }

    fn fields(&self) -> Fields<'_> {
        Fields {
            w: self.w,
            region: self.place.business.region,
            filled: &self.filled,
            problems: &self.problems,
        }
    }

    fn questions(&self, step: Step) -> Vec<Field> {
        self.asked(step)
            .map(|(question, shown)| self.fields().question(question, shown))
            .collect()
    }

    /// The questions of a step, as they are kept and as they are shown.
    fn asked(&self, step: Step) -> impl Iterator<Item = (&Question, &Question)> {
        let kept = self.place.scheduler.settings.questions.iter();
        kept.zip(&self.shown().questions)
            .filter(move |(question, _)| question.step == step)
    }

    fn service(&self) -> Option<&Service> {
        self.shown().service(&self.answers.service)
    }

    /// They need somebody now: say so as long as a call helps more than a form.
    fn is_urgent(&self) -> bool {
        let early = matches!(self.screen, Screen::Step(Step::Contact | Step::Time));
        early && self.service().is_some_and(|service| service.emergency) && self.call().is_some()
    }

    fn saves_on_close(&self) -> bool {
        self.place.scheduler.settings.save_contact == SaveContact::AlsoOnClose
    }

    fn consent(&self) -> String {
        self.w
            .consent(&self.place.scheduler.settings, &self.place.business.name)
    }

    fn is_ticked(&self) -> bool {
        self.filled
            .get("text_me")
            .is_some_and(|value| value == "yes")
    }

    /// `https://…` of the business's privacy page.
    fn privacy(&self) -> Option<&str> {
        let url = self.place.business.details.privacy_url.as_str();
        (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
    }

    /// Who sends the texts, for the page behind a link: the legal name and the postal address.
    fn imprint(&self) -> Vec<&str> {
        let details = &self.place.business.details;
        [
            details.legal_name.as_str(),
            details.mailing_address.as_str(),
        ]
        .into_iter()
        .filter(|text| !text.trim().is_empty())
        .collect()
    }

    fn days(&self) -> &[Day] {
        self.calendar
            .as_deref()
            .map_or(&[], |calendar| calendar.days())
    }

    fn windows(&self) -> Windows<'_> {
        Windows { v: self }
    }

    fn days_in_view(&self) -> &[Day] {
        &self.days()[..self.days().len().min(DAYS_IN_VIEW)]
    }

    fn more_days(&self) -> &[Day] {
        self.days().get(DAYS_IN_VIEW..).unwrap_or_default()
    }

    /// A chosen window among *More days* opens them.
    fn chose_later(&self) -> bool {
        self.chosen().is_some()
            && self
                .more_days()
                .iter()
                .any(|day| day.windows.iter().any(|offered| self.is_chosen(offered)))
    }

    fn is_chosen(&self, offered: &Offered) -> bool {
        self.chosen() == Some(offered.window)
    }

    fn chosen(&self) -> Option<ChosenWindow> {
        let read = || answers::window(self.filled.get("window")?);
        *self.chosen.get_or_init(read)
    }

    fn window_value(&self, offered: &Offered) -> Written {
        Written(offered.window)
    }

    fn day(&self, date: &Date) -> String {
        self.w.day(*date, self.place.business.region)
    }

    fn hours(&self, offered: &Offered) -> Arc<str> {
        let hours = offered.hours;
        let mut said = self.said_hours.borrow_mut();
        if let Some((_, known)) = said.iter().find(|(known, _)| *known == hours) {
            return Arc::clone(known);
        }
        let words = self.w.hours(hours.0, hours.1, self.place.business.region);
        let words: Arc<str> = words.into();
        said.push((hours, Arc::clone(&words)));
        words
    }

    fn whole_window(&self, window: ChosenWindow) -> String {
        self.w.window(
            window.start,
            window.end,
            &self.zone,
            self.place.business.region,
        )
    }

    fn offered_whole(&self, offered: &Offered) -> String {
        self.whole_window(offered.window)
    }

    /// The held or agreed window, in words.
    fn when(&self) -> Option<String> {
        self.window.map(|window| self.whole_window(window))
    }

    /// Whether the visitor's clock may differ from the business's: then the page says whose times these are.
    fn other_zone(&self) -> Option<String> {
        let theirs = &self.came_from.zone;
        let ours = &self.place.business.time_zone;
        if theirs.is_empty() || theirs == ours {
            return None;
        }
        let at = self.days().first()?.windows.first()?.window.start;
        let zone = TimeZone::get(theirs).ok()?;
        let same = zone.to_offset(at) == self.zone.to_offset(at);
        let city = ours.rsplit('/').next().unwrap_or(ours).replace('_', " ");
        (!same).then(|| self.w.with("times-are-local", &[("city", city.as_str())]))
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, sentence)| sentence.as_str())
    }

    /// Fields that the first form carries along.
    fn hidden(&self) -> Vec<(Cow<'static, str>, &str)> {
        let mut hidden = Vec::new();
        let mut put = |name: Cow<'static, str>, value| hidden.push((name, value));
        if let Screen::Step(step) = self.screen {
            put("step".into(), step.as_str());
        }
        if self.embedded {
            put("frame".into(), "yes");
        }
        if let Some(token) = self.token.as_deref().filter(|_| self.mark != Mark::Cookie) {
            put("token".into(), token);
        }
        if self.then_review {
            put("then".into(), "review");
        }
        for (name, value) in &self.kept {
            put(format!("kept.{name}").into(), value);
        }
        if self.mark == Mark::None {
            for (name, value) in [
                ("from_page", &self.came_from.page),
                ("from_referrer", &self.came_from.referrer),
            ] {
                if !value.is_empty() {
                    put(name.into(), value);
                }
            }
            for (name, value) in &self.came_from.tags {
                put(format!("tag_{name}").into(), value);
            }
        }
        hidden
    }

    fn has_address(&self) -> bool {
        !self.answers.address.street.is_empty()
    }

    fn masked_phone(&self) -> Option<String> {
        Phone::from_e164(&self.answers.phone).map(|phone| phone.masked())
    }

    /// What they asked for and said, step by step, in the scheduler's order.
    fn review(&self) -> Vec<Row> {
        let steps = self.place.scheduler.settings.steps();
        steps
            .into_iter()
            .filter(|step| *step != Step::Review)
            .map(|step| self.row(step))
            .collect()
    }

    fn row(&self, step: Step) -> Row {
        let a = &self.answers;
        let region = self.place.business.region;
        let mut lines: Vec<String> = match step {
            Step::Service => {
                let title = self
                    .service()
                    .map(|service| service.title.clone())
                    .unwrap_or_default();
                let code = [self.w.say(region.postal().label), a.postal_code.clone()].join(" ");
                vec![
                    title,
                    if a.postal_code.is_empty() {
                        String::new()
                    } else {
                        code
                    },
                ]
            }
            Step::Contact => {
                let phone = Phone::from_e164(&a.phone)
                    .map(|phone| phone.shown_in(region))
                    .unwrap_or_default();
                vec![a.name.clone(), phone, a.email.clone()]
            }
            Step::Time => vec![
                self.window
                    .or(a.window)
                    .map(|w| self.whole_window(w))
                    .unwrap_or_default(),
            ],
            Step::Place => {
                let street = [a.address.street.as_str(), a.address.unit.as_str()].join(" ");
                let town = [a.address.city.as_str(), a.address.state.as_str()];
                let town: Vec<&str> = town.into_iter().filter(|part| !part.is_empty()).collect();
                vec![street.trim().to_owned(), town.join(", ")]
            }
            Step::Review | Step::Booked => Vec::new(),
        };
        for (question, shown) in self.asked(step) {
            if let Some(said) = a.questions.get(&question.key) {
                let said = match (&question.kind, &shown.kind) {
                    (QuestionKind::YesNo, _) => yes_or_no(self.w, said),
                    (QuestionKind::Choice(kept), QuestionKind::Choice(shown)) => {
                        let place = kept.iter().position(|choice| choice == said);
                        place.map_or(said, |place| &shown[place]).clone()
                    }
                    _ => said.clone(),
                };
                let pair = [
                    ("question", shown.label.as_str()),
                    ("answer", said.as_str()),
                ];
                lines.push(self.w.with(
                    "question-answered",
                    &pair.map(|(name, value)| (name, Value::from(value))),
                ));
            }
        }
        if step == Step::Place {
            lines.push(a.notes.clone());
        }
        lines.retain(|line| !line.is_empty());
        let key = match step {
            Step::Service => "review-service",
            Step::Contact => "review-contact",
            Step::Time => "review-time",
            _ => "review-place",
        };
        Row {
            title: self.w.say(key),
            text: lines.join("\n"),
            step,
        }
    }
}
