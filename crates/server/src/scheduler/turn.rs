//! One step's deed, as one transaction: the session of the caller, what was typed, and the screen that follows.

use std::mem;
use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use ringback_domain::consent::Consent;
use ringback_domain::departure::Departure;
use ringback_domain::person::clean_line;
use ringback_domain::places;
use ringback_domain::scheduler::SaveContact;
use ringback_domain::session::{Answers, CameFrom, ChosenWindow, Session, SessionState, Step};

use super::answers::{self, Problem, Typed};
use super::sent::{Caller, Form};
use super::view::{Mark, Place, Screen, View};
use crate::app::App;
use crate::store::{StoreError, Tx, appointment, consent, page, session};
use crate::token;
use crate::words::Words;

/// After this long without a touch a returning browser is asked whether it is the same person.
const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(30);
/// Campaign tags kept of one visit, and their longest value.
const MOST_TAGS: usize = 12;
const LONGEST_TAG: usize = 200;
const LONGEST_PAGE: usize = 300;

/// A visitor's request, read once; the transaction may run twice.
pub struct Request {
    /// Which scheduler.
    pub public_id: String,
    /// Who.
    pub caller: Arc<Caller>,
    /// In a frame on another site.
    pub embedded: bool,
    /// The fields.
    pub form: Form,
    go: Go,
    /// Which step's form it is.
    step: Step,
    /// Something of the review is being changed: Continue leads back to it, or to what the change has opened.
    /// Also by the browser's own Back and Forward, and over a reload.
    is_change: bool,
    cookie: Option<String>,
    /// The token of a session or of a browser that is new: rolled when it is wanted, and the same if the
    /// transaction runs twice.
    fresh: OnceLock<String>,
    app: App,
}

/// What a form wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Go {
    Continue,
    Back,
    To(Step),
    /// A page that knows its token (cookies are refused) asks where it was.
    Resume,
    /// *Continue as …?* Yes.
    Again,
    /// What stands in the contact fields of somebody who leaves.
    Leave(Departure),
}

impl Go {
    /// By the word of the button.
    fn of(word: &str) -> Self {
        match word {
            "back" => Self::Back,
            "resume" => Self::Resume,
            "again" => Self::Again,
            "leave-closed" => Self::Leave(Departure::Closed),
            "leave-left" => Self::Leave(Departure::Left),
            _ => match word.strip_prefix("to-").map(str::parse) {
                Some(Ok(step)) => Self::To(step),
                Some(Err(_)) => Self::Resume,
                None => Self::Continue,
            },
        }
    }
}

impl Request {
    /// Everything of a request that the transaction needs.
    pub fn new(app: &App, public_id: &str, caller: Arc<Caller>, form: Form) -> Self {
        let go = Go::of(form.get("go"));
        let step = form.get("step").parse().unwrap_or(Step::Service);
        let pressed = step == Step::Review && matches!(go, Go::To(_));
        Self {
            public_id: public_id.to_owned(),
            cookie: caller.cookie(app, public_id),
            embedded: form.get("frame") == "yes",
            is_change: pressed || form.get("then") == "review",
            go,
            step,
            fresh: OnceLock::new(),
            app: app.clone(),
            caller,
            form,
        }
    }

    /// The caller's session with this scheduler, and the token it was known by.
    pub fn session(&self, tx: &mut Tx<'_>, place: &Place) -> Result<Option<Known>, StoreError> {
        let body = Some(self.form.get("token")).filter(|token| token::looks_like_one(token));
        let tokens = [(self.cookie.as_deref(), Mark::Cookie), (body, Mark::Token)];
        for (token, mark) in tokens {
            let Some(token) = token else { continue };
            let found = session::by_token(tx, &token::hash(token))?;
            if let Some(session) = found.filter(|session| session.scheduler == place.scheduler.id) {
                return Ok(Some(Known {
                    session,
                    mark,
                    token: token.to_owned(),
                }));
            }
        }
        Ok(None)
    }

    /// Begins a session for the caller, at this step.
    fn begin(
        &self,
        tx: &mut Tx<'_>,
        place: &Place,
        step: Step,
        answers: Answers,
    ) -> Result<Known, StoreError> {
        let (token, came_from) = (self.fresh(tx), self.came_from(place));
        let hash = token::hash(token);
        let session = session::start_at(tx, &place.scheduler, &hash, came_from, step, answers)?;
        Ok(Known {
            session,
            mark: Mark::New,
            token: token.to_owned(),
        })
    }

    /// A session that the caller has proved otherwise (by the link of a text): this browser gets a token of its
    /// own, unless it has one already.
    pub fn adopt(
        &self,
        tx: &mut Tx<'_>,
        place: &Place,
        session: Session,
    ) -> Result<Known, StoreError> {
        if let Some(known) = self
            .session(tx, place)?
            .filter(|known| known.session.id == session.id)
        {
            return Ok(known);
        }
        let token = self.fresh(tx);
        session::adopt(tx, &session, &token::hash(token))?;
        Ok(Known {
            session,
            mark: Mark::New,
            token: token.to_owned(),
        })
    }

    fn fresh(&self, tx: &Tx<'_>) -> &str {
        self.fresh.get_or_init(|| token::fresh(tx.now()))
    }

    /// A screen of somebody's session, without any of their answers.
    fn view(&self, place: Place, known: Option<Known>, screen: Screen) -> Box<View> {
        let ahead = !matches!(screen, Screen::Step(Step::Review | Step::Booked));
        let mut view = View::new(place, &self.caller, self.embedded, screen);
        view.then_review = known.is_some() && ahead && self.is_change;
        match known {
            Some(known) => {
                view.mark = known.mark;
                view.token = Some(known.token);
                view.came_from = known.session.came_from;
            }
            None => view.came_from = self.came_from(&view.place),
        }
        view
    }

    fn words(&self, place: &Place) -> &'static Words {
        self.caller.words_or(&place.business.locale)
    }

    /// How the visitor came, from the embed or our own first page; nothing of it is believed beyond its form.
    fn came_from(&self, place: &Place) -> CameFrom {
        let hosted = format!("{}/s/{}", self.app.config.origin(), self.public_id);
        let tags = self.form.beginning("tag_").filter(|(name, _)| is_tag(name));
        CameFrom {
            page: without_query(self.form.get("from_page")).unwrap_or(hosted),
            referrer: origin_of(self.form.get("from_referrer")),
            tags: tags
                .take(MOST_TAGS)
                .map(|(name, value)| {
                    (
                        name.to_owned(),
                        clean_line(value).chars().take(LONGEST_TAG).collect(),
                    )
                })
                .collect(),
            zone: self.zone(),
            locale: self.words(place).locale().to_owned(),
            embedded: self.embedded,
        }
    }

    fn zone(&self) -> String {
        let zone = self.form.get("zone");
        let is_known = zone.len() <= 64 && TimeZone::get(zone).is_ok();
        if is_known {
            zone.to_owned()
        } else {
            String::new()
        }
    }
}

/// A session and how the caller proved that it is theirs.
pub struct Known {
    /// The session.
    pub session: Session,
    /// By what.
    pub mark: Mark,
    token: String,
}

/// `GET`: the screen of the session as it stands; nothing is written. `wanted` is the step of the address.
pub fn look(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    known: Option<Known>,
    wanted: Option<Step>,
) -> Result<Box<View>, StoreError> {
    let Some(known) = known else {
        return Ok(request
            .view(place, None, Screen::Step(Step::Service))
            .with_answers(Answers::default()));
    };
    let session = &known.session;
    let is_fresh = tx.now().duration_since(session.touched_at) < KNOWN_FOR;
    if let SessionState::Booked { at } = session.state
        && tx.now().duration_since(at) < KNOWN_FOR
    {
        return show(tx, request, place, known, Step::Booked);
    }
    if !is_fresh {
        if session.answers.name.is_empty() {
            // Nobody has said who they are: there is nobody to ask for, and nothing to lose.
            return look(tx, request, place, None, None);
        }
        let name = session.answers.name.clone();
        let mut view = request.view(place, Some(known), Screen::ContinueAs);
        // The name is masked; nothing else of the answers reaches the page.
        view.answers.name = name;
        return Ok(view);
    }
    let step = wanted.unwrap_or(session.step);
    let mut view = show(tx, request, place, known, step)?;
    view.returning = matches!(view.screen, Screen::Step(step) if step != Step::Booked);
    Ok(view)
}

/// `POST`: one step's form.
pub fn turn(tx: &mut Tx<'_>, request: &Request) -> Result<Option<Box<View>>, StoreError> {
    let Some(place) = Place::find(tx, &request.public_id)? else {
        return Ok(None);
    };
    let known = request.session(tx, &place)?;
    let go = request.go;
    let view = match (known, go) {
        (known, Go::Resume) => look(tx, request, place, known, None)?,
        (Some(known), Go::Again) => again(tx, request, place, known)?,
        (Some(known), _) if matches!(known.session.state, SessionState::Booked { .. }) => {
            show(tx, request, place, known, Step::Booked)?
        }
        (Some(mut known), Go::Leave(how)) => {
            leave(tx, request, &place, &mut known.session, how)?;
            let step = known.session.step;
            show(tx, request, place, known, step)?
        }
        (Some(mut known), _) => {
            // Every way on from here saves the session.
            session::came_back(tx, &mut known.session)?;
            if known.session.came_from.zone.is_empty() {
                known.session.came_from.zone = request.zone();
            }
            if known.session.answers.window.is_some() {
                appointment::renew(tx, &known.session)?;
            }
            match go {
                Go::Back => {
                    let before = place
                        .scheduler
                        .settings
                        .before(request.step)
                        .unwrap_or(Step::Service);
                    move_to(tx, request, place, known, before)?
                }
                Go::To(step) => move_to(tx, request, place, known, step)?,
                _ => go_on(tx, request, place, known)?,
            }
        }
        (None, Go::Continue) if request.step == Step::Service => first_step(tx, request, place)?,
        (None, _) => lost(request, place),
    };
    Ok(Some(view))
}

/// A step of a session, as far as it can be shown, with what it needs.
pub fn show(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    mut known: Known,
    step: Step,
) -> Result<Box<View>, StoreError> {
    let session = &known.session;
    let (settings, region) = (&place.scheduler.settings, place.business.region);
    let step = match session.state {
        SessionState::Booked { .. } => Step::Booked,
        _ => answers::reachable(step, settings, region, &session.answers),
    };
    let taken = match step {
        Step::Time => Some(appointment::taken_to_the_horizon(
            tx,
            &place.business,
            settings,
            Some(session.id),
        )?),
        _ => None,
    };
    let window = match step {
        Step::Place | Step::Review => {
            let held = appointment::held(tx, session)?;
            held.filter(|held| held.held_until.is_some_and(|until| until > tx.now()))
                .map(|held| held.window)
        }
        _ => None,
    };
    let booked = match step {
        Step::Booked => appointment::booked_by(tx, session)?,
        _ => None,
    };
    let answers = mem::take(&mut known.session.answers);
    let mut view = request
        .view(place, Some(known), Screen::Step(step))
        .with_answers(answers);
    view.taken = taken.map(|taken| (taken, tx.now()));
    view.window = window;
    if step == Step::Booked {
        view.with_booked(booked.as_ref());
    }
    Ok(carrying(
        request,
        view,
        !matches!(request.go, Go::Back | Go::To(_)),
    ))
}

/// Somebody took the window: the step (time, or the review) with the three nearest ones.
pub fn show_gone(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    mut known: Known,
    step: Step,
    wanted: ChosenWindow,
) -> Result<Box<View>, StoreError> {
    let (business, settings) = (&place.business, &place.scheduler.settings);
    let taken = appointment::taken_to_the_horizon(tx, business, settings, Some(known.session.id))?;
    let days = places::offers(business, settings, &taken, tx.now());
    // Without any other window the time step says what to do.
    let step = if days.is_empty() { Step::Time } else { step };
    let answers = mem::take(&mut known.session.answers);
    let view = request
        .view(place, Some(known), Screen::Step(step))
        .with_answers(answers);
    let mut view = carrying(request, view, false);
    view.nearest = places::nearest(&days, wanted);
    let key = if days.is_empty() {
        "window-gone-no-other"
    } else {
        "window-gone"
    };
    view.said = Some(view.w.say(key));
    view.taken = Some((taken, tx.now()));
    view.status = axum::http::StatusCode::CONFLICT;
    Ok(view)
}

/// Close was pressed, or the page went after what stood in its fields was saved: the departure counts unless
/// another page of the session is open.
pub fn depart(tx: &mut Tx<'_>, session: &mut Session, how: Departure) -> Result<(), StoreError> {
    let others = page::presence(tx, session.id)?;
    session.page_went(how, false, others, tx.now());
    match session.leaving {
        Some(leaving) if leaving.is_at_once() => session::judge_among(tx, session, others),
        _ => session::save(tx, session),
    }
}

/// The first Continue: with it the session begins.
fn first_step(tx: &mut Tx<'_>, request: &Request, place: Place) -> Result<Box<View>, StoreError> {
    let mut answers = Answers::default();
    let settings = &place.scheduler.settings;
    let problems = answers::read(
        Step::Service,
        &request.form,
        settings,
        place.business.region,
        &mut answers,
    );
    if !problems.is_empty() {
        return Ok(retyped(
            request,
            request.view(place, None, Screen::Step(Step::Service)),
            &problems,
        ));
    }
    let next = next_step(request, &place, Step::Service, &answers);
    let known = request.begin(tx, &place, next.unwrap_or(Step::Service), answers)?;
    go_to(tx, request, place, known, next)
}

/// Continue on a later step, or again on an earlier one.
fn go_on(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    mut known: Known,
) -> Result<Box<View>, StoreError> {
    let step = request.step;
    let (settings, region) = (&place.scheduler.settings, place.business.region);
    if answers::reachable(step, settings, region, &known.session.answers) != step {
        // An earlier step has come open: settings changed, or the form is from another visit.
        session::save(tx, &known.session)?;
        return Ok(carrying(
            request,
            show(tx, request, place, known, step)?,
            false,
        ));
    }
    let mut said = known.session.answers.clone();
    let problems = answers::read(step, &request.form, settings, region, &mut said);
    if !problems.is_empty() {
        session::save(tx, &known.session)?;
        let view = show(tx, request, place, known, step)?;
        return Ok(retyped(request, view, &problems));
    }
    if step == Step::Time
        && let Some(window) = said.window
        && appointment::hold(tx, &known.session, &place.business, settings, window)?.is_none()
    {
        session::save(tx, &known.session)?;
        return show_gone(tx, request, place, known, Step::Time, window);
    }
    known.session.answers = said;
    if step == Step::Contact {
        note_consent(tx, request, &place, &known.session)?;
    }
    let next = next_step(request, &place, step, &known.session.answers);
    known.session.step = next.unwrap_or(Step::Service);
    session::save(tx, &known.session)?;
    go_to(tx, request, place, known, next)
}

/// A step is answered: where it goes on; nowhere when nobody comes to that postal code.
fn next_step(request: &Request, place: &Place, step: Step, answers: &Answers) -> Option<Step> {
    let (settings, region) = (&place.scheduler.settings, place.business.region);
    if step == Step::Service && !settings.serves(&answers.postal_code) {
        return None;
    }
    Some(if request.is_change {
        answers::first_open(settings, region, answers)
    } else {
        settings.after(step).unwrap_or(Step::Review)
    })
}

/// Shows the next step, or says that nobody comes to that postal code.
fn go_to(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    mut known: Known,
    next: Option<Step>,
) -> Result<Box<View>, StoreError> {
    match next {
        Some(step) => show(tx, request, place, known, step),
        None => {
            let answers = mem::take(&mut known.session.answers);
            Ok(request
                .view(place, Some(known), Screen::OutOfArea)
                .with_answers(answers))
        }
    }
}

/// Back, or Change on the review. What was typed and not saved travels along.
fn move_to(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    mut known: Known,
    step: Step,
) -> Result<Box<View>, StoreError> {
    let (settings, region) = (&place.scheduler.settings, place.business.region);
    let step = answers::reachable(step, settings, region, &known.session.answers);
    known.session.step = step;
    session::save(tx, &known.session)?;
    show(tx, request, place, known, step)
}

/// *Continue as …?* Yes: the same visit goes on; after a booking a new one begins with the contact details.
fn again(
    tx: &mut Tx<'_>,
    request: &Request,
    place: Place,
    mut known: Known,
) -> Result<Box<View>, StoreError> {
    if let SessionState::Booked { .. } = known.session.state {
        let before = known.session.answers.clone();
        let answers = Answers {
            postal_code: before.postal_code,
            name: before.name,
            phone: before.phone,
            email: before.email,
            address: before.address,
            ..Answers::default()
        };
        known = request.begin(tx, &place, Step::Service, answers)?;
    } else {
        session::here(tx, &mut known.session)?;
        appointment::renew(tx, &known.session)?;
    }
    let step = known.session.step;
    show(tx, request, place, known, step)
}

/// *Save contact details: also when the visitor closes*. If the departure was judged before these arrived,
/// it is judged once more.
fn leave(
    tx: &mut Tx<'_>,
    request: &Request,
    place: &Place,
    session: &mut Session,
    how: Departure,
) -> Result<(), StoreError> {
    if place.scheduler.settings.save_contact != SaveContact::AlsoOnClose
        || request.step != Step::Contact
    {
        return Ok(());
    }
    let before = session.answers.clone();
    answers::read_in_passing(&request.form, place.business.region, &mut session.answers);
    if session.answers == before {
        return Ok(());
    }
    note_consent(tx, request, place, session)?;
    if session.state == SessionState::Open {
        return session::save(tx, session);
    }
    session::here(tx, session)?;
    depart(tx, session, how)
}

/// The form belongs to a session that is not there any more: what was typed stays, and the visit begins anew.
fn lost(request: &Request, place: Place) -> Box<View> {
    let view = request
        .view(place, None, Screen::Step(Step::Service))
        .with_answers(Answers::default());
    let mut view = carrying(request, view, false);
    view.said = Some(view.w.say("visit-ended"));
    view
}

/// The same step again, with what was typed and what is wrong with it.
fn retyped(request: &Request, view: Box<View>, problems: &[Problem]) -> Box<View> {
    let mut view = carrying(request, view, true);
    if let Screen::Step(step) = view.screen {
        for name in answers::fields_of(step, &view.place.scheduler.settings) {
            let typed = request.form.get(&name).to_owned();
            view.typed.insert(name, typed);
        }
    }
    view.with_problems(problems)
}

/// Nothing typed is lost: fields that were typed at another step and not saved travel along as hidden ones, and
/// stand in their own step's fields again when it is shown. `saved`: what came with this request has served.
fn carrying(request: &Request, mut view: Box<View>, saved: bool) -> Box<View> {
    let Screen::Step(shown) = view.screen else {
        return view;
    };
    let (form, settings) = (&request.form, &view.place.scheduler.settings);
    let mut kept: Typed = form
        .beginning("kept.")
        .map(|(name, value)| (name.to_owned().into(), value.to_owned()))
        .collect();
    if form.came_with("step") && request.step != shown {
        for name in answers::fields_of(request.step, settings) {
            let typed = form.get(&name);
            if saved || typed == view.value(&name) {
                kept.remove(&name);
            } else {
                kept.insert(name, typed.to_owned());
            }
        }
    }
    view.has_unsaved = !kept.is_empty();
    if !kept.is_empty() {
        for name in answers::fields_of(shown, settings) {
            if let Some(value) = kept.remove(&name) {
                view.typed.insert(name, value);
            }
        }
    }
    view.kept = kept;
    view
}

/// Keeps what the consent box said and whether it was ticked.
fn note_consent(
    tx: &mut Tx<'_>,
    request: &Request,
    place: &Place,
    session: &Session,
) -> Result<(), StoreError> {
    if session.answers.phone.is_empty() {
        return Ok(());
    }
    let w = request.words(place);
    // As shown: the label of the box, and the words below it.
    let words = w.consent(&place.scheduler.settings, &place.business.name);
    let wording = format!("{}\n{words}", w.say("field-text-link"));
    consent::note(
        tx,
        &Consent {
            business: session.business,
            session: session.id,
            phone: session.answers.phone.clone(),
            given: session.answers.text_me,
            wording,
            locale: w.locale().to_owned(),
            page_url: session.came_from.page.clone(),
            address: request.caller.address(),
            user_agent: request.caller.user_agent.clone(),
            at: tx.now(),
        },
    )?;
    Ok(())
}

/// Campaign tags that are kept: `utm_…` and the click ids of the large advertisers.
pub fn is_tag(name: &str) -> bool {
    let utm = name.strip_prefix("utm_").is_some_and(|rest| {
        (1..=20).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    });
    utm || matches!(name, "gclid" | "gbraid" | "wbraid" | "msclkid" | "fbclid")
}

fn without_query(page: &str) -> Option<String> {
    let mut url = url::Url::parse(page)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(url.as_str().chars().take(LONGEST_PAGE).collect())
}

fn origin_of(referrer: &str) -> String {
    url::Url::parse(referrer)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}
