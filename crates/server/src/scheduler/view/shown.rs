//! How a screen is written, and what its templates ask for.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use askama::Template;
use axum::body::{Body, Bytes};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ringback_domain::person::masked_name;
use ringback_domain::phone::Phone;
use ringback_domain::places::{Day, Offered};
use ringback_domain::scheduler::{Question, SaveContact, SchedulerSettings, Service};
use ringback_domain::session::{ChosenWindow, Step};

use super::super::answers::{self, Written};
use super::super::field::{Field, Fields};
use super::parts::Parts;
use super::{Mark, Screen, View};
use crate::assets;
use crate::error::Error;

/// Days shown before *More days*.
const DAYS_IN_VIEW: usize = 4;

thread_local! {
    /// Where a screen is written: what has grown to the largest one so far need not grow again, and the answer, which
    /// may wait for a slow line, takes no more than it needs.
    static SCREEN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Stands in a screen where windows that others are shown as well belong. No text of people has one: where it comes
/// in, it goes or is refused.
const WINDOWS: char = '\0';

/// The whole page.
pub(super) fn whole(view: &View) -> Result<Body, Error> {
    rendered(&Page { v: view }, view)
}

/// The part that our script puts in place.
pub(super) fn part(view: &View) -> Result<Body, Error> {
    rendered(&Fragment { v: view }, view)
}

fn rendered(template: &impl Template, view: &View) -> Result<Body, Error> {
    SCREEN.with_borrow_mut(|screen| {
        screen.clear();
        template.render_into(screen).map_err(|error| {
            tracing::error!(%error, "a scheduler page");
            Error::Fault
        })?;
        let parts = screen.split_once(WINDOWS);
        let parts = parts.and_then(|(before, after)| {
            Some([
                Bytes::copy_from_slice(before.as_bytes()),
                view.shared_windows()?.clone(),
                Bytes::copy_from_slice(after.as_bytes()),
            ])
        });
        Ok(match parts {
            Some(parts) => Body::new(Parts::of(parts)),
            None => Body::from(screen.clone()),
        })
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
        if self.v.shared_windows().is_some() {
            return f.write_char(WINDOWS);
        }
        Days { v: self.v }.render_into(f).map_err(|_| fmt::Error)
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
    fn say(&self, key: &str) -> Cow<'static, str> {
        self.w.plain(key)
    }

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

    /// What that imports: asked for with it and not after it, a round trip earlier.
    fn line_js(&self) -> String {
        assets::url("visitor/line.js")
    }

    fn id(&self) -> &str {
        &self.place.scheduler.public_id
    }

    fn action(&self) -> String {
        format!("/s/{}", self.id())
    }

    /// The address of this screen, without anything of the visitor in it.
    pub(super) fn url(&self) -> String {
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

    fn heading(&self) -> Cow<'_, str> {
        match &self.screen {
            Screen::Step(step) => self.say(match step {
                Step::Service => "step-service",
                Step::Contact => "step-contact",
                Step::Time => "step-time",
                Step::Place => "step-place",
                Step::Review => "step-review",
                Step::Booked if self.cancelled => "booked-cancelled",
                Step::Booked => "step-booked",
            }),
            Screen::OutOfArea => {
                let code = [("code", self.answers.postal_code.as_str())];
                self.w.with("out-of-area", &code).into()
            }
            Screen::ContinueAs => {
                let name = masked_name(&self.answers.name);
                self.w
                    .with("continue-as", &[("name", name.as_str())])
                    .into()
            }
            Screen::Closed => self.say("closed-title"),
            Screen::Link { .. } => self.say("link-title"),
            Screen::LinkEnded => self.say("link-ended"),
        }
    }

    /// The document's title; names nobody.
    fn title(&self) -> String {
        let heading = match self.screen {
            Screen::ContinueAs | Screen::OutOfArea => self.headline().into(),
            _ => self.heading(),
        };
        let heading = if self.problems.is_empty() {
            heading
        } else {
            self.w.with("title-problem", &[("title", &*heading)]).into()
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
        let (here, all) = (here.to_string(), all.to_string());
        self.w
            .with("step-progress", &[("step", &*here), ("steps", &*all)])
    }

    fn address(&self) -> Vec<Field<'_>> {
        self.fields()
            .address(self.place.scheduler.settings.address_required)
    }

    fn is_first(&self) -> bool {
        matches!(self.progress(), Some((1, _)))
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        Fields {
            w: self.w,
            region: self.place.business.region,
            typed: &self.typed,
            answers: &self.answers,
            problems: &self.problems,
        }
    }

    fn questions(&self, step: Step) -> Vec<Field<'_>> {
        self.asked(step)
            .map(|(question, shown)| self.fields().question(question, shown))
            .collect()
    }

    /// The questions of a step, as they are kept and as they are shown.
    pub(super) fn asked(&self, step: Step) -> impl Iterator<Item = (&Question, &Question)> {
        let kept = self.place.scheduler.settings.questions.iter().enumerate();
        kept.filter(move |(_, question)| question.step == step)
            .map(|(place, question)| (question, &self.shown().questions[place]))
    }

    pub(super) fn service(&self) -> Option<&Service> {
        self.shown().service(&self.answers.service)
    }

    /// They need somebody now: say so as long as a call helps more than a form.
    fn is_urgent(&self) -> bool {
        let early = matches!(self.screen, Screen::Step(Step::Contact | Step::Time));
        let settings = &self.place.scheduler.settings;
        let service = settings.service(&self.answers.service);
        early && service.is_some_and(|service| service.emergency) && self.call().is_some()
    }

    fn saves_on_close(&self) -> bool {
        self.place.scheduler.settings.save_contact == SaveContact::AlsoOnClose
    }

    fn consent(&self) -> String {
        self.w
            .consent(&self.place.scheduler.settings, &self.place.business.name)
    }

    fn is_ticked(&self) -> bool {
        self.value("text_me") == "yes"
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

    /// The windows as everybody is shown them who has not chosen one of them.
    fn shared_windows(&self) -> Option<&Bytes> {
        if self.chosen().is_some() {
            return None;
        }
        let calendar = self.calendar.as_deref()?;
        if calendar.html.get().is_none() {
            // Written before it is put there: whoever comes meanwhile writes their own and need not wait.
            let written = Days { v: self }.render().ok();
            let _ = calendar.html.set(written.map(Bytes::from));
        }
        calendar.html.get()?.as_ref()
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
        let read = || match self.typed.get("window") {
            Some(typed) => answers::window(typed),
            None => self.answers.window,
        };
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

    pub(super) fn whole_window(&self, window: ChosenWindow) -> String {
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
}
