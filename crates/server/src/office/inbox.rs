//! The inbox: the newest departures first, live, filtered and searched. The page is the first fifty rows;
//! `rows` gives the rows that changed, or more below.

use std::collections::BTreeSet;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use ringback_domain::id::LeadId;
use ringback_domain::lead::{Lead, LeadStatus};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::below;
use super::door::Caller;
use super::fields::{Asked, Fields};
use super::page::{self, At, Badge, Shell};
use super::row::{self, Around, Row};
use crate::app::App;
use crate::error::Error;
use crate::store::lead::LeadFilter;
use crate::store::{Order, StoreError, Tx, lead};
use crate::words::Words;

/// Rows asked for by number in one go.
const MOST_IDS: usize = 200;

/// Which leads somebody looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Nobody has spoken to them yet.
    #[default]
    Live,
    /// Somebody has, and nothing has come of it yet.
    Contacted,
    /// Claimed or contacted by whoever looks.
    Mine,
    /// Booked after all.
    Recovered,
    /// Set aside.
    Dismissed,
    /// Everything.
    All,
}

impl Show {
    const EVERY: [Self; 6] = [
        Self::Live,
        Self::Contacted,
        Self::Mine,
        Self::Recovered,
        Self::Dismissed,
        Self::All,
    ];

    /// In URLs, and at the end of its label's key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Contacted => "contacted",
            Self::Mine => "mine",
            Self::Recovered => "recovered",
            Self::Dismissed => "dismissed",
            Self::All => "all",
        }
    }

    /// The list in which a lead of this state stands.
    pub const fn of(status: LeadStatus) -> Self {
        match status {
            LeadStatus::New | LeadStatus::Claimed => Self::Live,
            LeadStatus::Contacted => Self::Contacted,
            LeadStatus::Recovered => Self::Recovered,
            LeadStatus::Dismissed => Self::Dismissed,
        }
    }

    fn states(self) -> &'static [LeadStatus] {
        match self {
            Self::Live => &[LeadStatus::New, LeadStatus::Claimed],
            Self::Contacted => &[LeadStatus::Contacted],
            Self::Mine => &[LeadStatus::New, LeadStatus::Claimed, LeadStatus::Contacted],
            Self::Recovered => &[LeadStatus::Recovered],
            Self::Dismissed => &[LeadStatus::Dismissed],
            Self::All => &[],
        }
    }
}

/// What searches are sealed as: an address stands in histories and in the logs of proxies, and what people
/// search for is names and numbers.
const SEARCH: &str = "inbox-search";
/// Longest search, in characters.
const LONGEST: usize = 100;

/// What the inbox is asked for.
#[derive(Clone, Debug, Default)]
struct Wanted {
    show: Show,
    /// What is looked for.
    q: String,
    /// The same as the address has it: sealed.
    search: String,
    /// `left_us-id` of the last row above.
    before: Option<String>,
    /// Only these, by number, separated by commas.
    ids: Option<String>,
}

impl Wanted {
    /// A search that does not open (its key is gone) is none.
    fn read(app: &App, me: &Caller, asked: &Fields) -> Self {
        let search = asked.one("search");
        let opened = app.vault.open_word(me.business(), SEARCH, &search);
        let q = opened.map(|q| String::from_utf8_lossy(q.expose_secret()).into_owned());
        Self {
            show: shown_list(asked),
            search: if q.is_ok() { search } else { String::new() },
            q: q.unwrap_or_default(),
            before: asked.some("before"),
            ids: asked.some("ids"),
        }
    }

    /// A search looks through all leads: nobody knows beforehand in which list somebody stands.
    fn filter(&self, me: &Caller) -> Result<LeadFilter, Error> {
        let before = self.before.as_deref().map(below::read).transpose()?;
        let search = search(&self.q);
        let show = if search.is_empty() {
            self.show
        } else {
            Show::All
        };
        Ok(LeadFilter {
            states: show.states().to_vec(),
            by: (show == Show::Mine).then_some(me.staff.id),
            search,
            before: before.map(|(at, id)| (at, LeadId::new(id))),
            limit: below::PAGE + 1,
        })
    }
}

fn shown_list(asked: &Fields) -> Show {
    let show = asked.one("show");
    let mut every = Show::EVERY.into_iter();
    every
        .find(|known| known.as_str() == show)
        .unwrap_or_default()
}

/// What is looked for, as the store compares it. A number is looked for by its digits, however it was typed
/// and with the leading zero of a national number left out.
/// A second record of one request is called `R-7F3K-2` in the CRM: its lead is `R-7F3K`.
fn search(typed: &str) -> String {
    let typed = typed.trim().to_lowercase();
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let is_number = digits.len() >= 3
        && typed
            .chars()
            .all(|c| c.is_ascii_digit() || " +-()./".contains(c));
    let wanted = if is_number {
        digits.trim_start_matches('0').to_owned()
    } else {
        first_of_its_records(&typed).unwrap_or(&typed).to_owned()
    };
    wanted
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}

fn first_of_its_records(typed: &str) -> Option<&str> {
    let (reference, record) = typed.rsplit_once('-')?;
    let numbered = record.bytes().all(|b| b.is_ascii_digit());
    (reference.starts_with("r-") && numbered).then_some(reference)
}

#[derive(Template)]
#[template(path = "office/inbox.html")]
struct InboxPage {
    shell: Shell,
    show: Show,
    q: String,
    /// The same as addresses have it.
    search: String,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    /// Query of the page below; `None` at the end.
    more: Option<String>,
    first: bool,
    reasons: &'static [&'static str],
    did: Option<super::acts::Did>,
}

impl InboxPage {
    fn empty_title(&self) -> &'static str {
        match self.show {
            Show::Live => "empty-live-title",
            Show::Contacted => "empty-contacted-title",
            Show::Mine => "empty-mine-title",
            Show::Recovered => "empty-recovered-title",
            Show::Dismissed => "empty-dismissed-title",
            Show::All => "empty-all-title",
        }
    }

    fn empty_sentence(&self) -> &'static str {
        match self.show {
            Show::Live | Show::All => "empty-live",
            Show::Contacted => "empty-contacted",
            Show::Mine => "empty-mine",
            Show::Recovered => "empty-recovered",
            Show::Dismissed => "empty-dismissed",
        }
    }
}

struct Tab {
    label: String,
    href: String,
    current: bool,
}

/// `POST /office`: a search, which goes on at an address that tells nothing of it and can be gone back to.
pub async fn find(State(app): State<App>, me: Caller, fields: Fields) -> Redirect {
    let q: String = fields.one("q").chars().take(LONGEST).collect();
    let search = match q.as_str() {
        "" => String::new(),
        q => app.vault.word(me.business(), SEARCH, q.as_bytes()),
    };
    let query = query(shown_list(&fields), &search, None);
    Redirect::to(&format!("/office?{query}"))
}

/// The page.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(fields): Asked,
) -> Result<Response, Error> {
    let asked = Wanted::read(&app, &me, &fields);
    let (filter, caller) = (asked.filter(&me)?, me.clone());
    let (shell, around, mut leads) = app
        .store
        .read(move |tx| {
            let shell = Shell::load(tx, &caller, At::Inbox)?;
            let leads = lead::list(tx, caller.business(), &filter)?;
            let around = Around::load(tx, &shell, &leads)?;
            Ok((shell, around, leads))
        })
        .await?;
    let more = cut(&mut leads, &asked);
    let rows = leads
        .iter()
        .map(|lead| row::row(&shell, &around, lead))
        .collect();
    let did = super::acts::Did::read(shell.w, &fields);
    page::html(&InboxPage {
        tabs: tabs(shell.w, &asked),
        show: asked.show,
        rows,
        more,
        first: asked.before.is_none(),
        reasons: super::acts::REASONS,
        did,
        q: asked.q,
        search: asked.search,
        shell,
    })
}

fn tabs(w: &Words, asked: &Wanted) -> Vec<Tab> {
    let tab = |show: Show| Tab {
        label: w.say(&format!("inbox-{}", show.as_str())),
        href: format!("/office?{}", query(show, "", None)),
        current: asked.q.is_empty() && show == asked.show,
    };
    Show::EVERY.map(tab).into()
}

fn query(show: Show, search: &str, before: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("show", show.as_str());
    if !search.is_empty() {
        query.append_pair("search", search);
    }
    if let Some(before) = before {
        query.append_pair("before", before);
    }
    query.finish()
}

/// Query of the page below, if there is one.
fn cut(leads: &mut Vec<Lead>, asked: &Wanted) -> Option<String> {
    let place = |last: &Lead| (last.stamps.left_at, last.id.get());
    let below = below::cut(leads, place)?;
    Some(query(asked.show, &asked.search, Some(&below)))
}

/// Rows for the page's script.
#[derive(Serialize)]
pub struct Rows {
    rows: Vec<RowPart>,
    /// Of the rows asked for: not in this list any more.
    gone: Vec<i64>,
    /// Query of the rows below.
    more: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Serialize)]
struct RowPart {
    id: i64,
    left: i64,
    html: String,
}

/// The figures in the navigation, and the server's time.
#[derive(Serialize)]
pub struct Counts {
    /// Leads nobody has taken up.
    pub new: Badge,
    /// Tasks past due.
    pub overdue: Badge,
    /// Microseconds since 1970 UTC.
    pub now: i64,
}

impl Counts {
    fn of(shell: &Shell) -> Self {
        Self {
            new: shell.new_leads,
            overdue: shell.overdue,
            now: shell.now.as_microsecond(),
        }
    }
}

#[derive(Template)]
#[template(path = "office/row.html")]
struct RowTemplate<'a> {
    shell: &'a Shell,
    row: Row,
}

/// The rows asked for by number, or the first page of the list.
pub async fn rows(
    State(app): State<App>,
    me: Caller,
    Asked(fields): Asked,
) -> Result<Json<Rows>, Error> {
    let asked = Wanted::read(&app, &me, &fields);
    let filter = asked.filter(&me)?;
    let ids = asked.ids.as_deref().map(numbers).transpose()?;
    let (wanted, caller) = (ids.clone(), me.clone());
    let (shell, around, mut leads) = app
        .store
        .read(move |tx| {
            let shell = Shell::load(tx, &caller, At::Inbox)?;
            let leads = match &wanted {
                Some(ids) => those(tx, &caller, &filter, ids)?,
                None => lead::list(tx, caller.business(), &filter)?,
            };
            let around = Around::load(tx, &shell, &leads)?;
            Ok((shell, around, leads))
        })
        .await?;
    let more = if ids.is_none() {
        cut(&mut leads, &asked)
    } else {
        None
    };
    let mut gone: BTreeSet<LeadId> = ids.unwrap_or_default().into_iter().collect();
    let mut rows = Vec::new();
    for lead in &leads {
        gone.remove(&lead.id);
        let html = RowTemplate {
            shell: &shell,
            row: row::row(&shell, &around, lead),
        };
        rows.push(RowPart {
            id: lead.id.get(),
            left: lead.stamps.left_at.as_microsecond(),
            html: html.render().map_err(|_| Error::Fault)?,
        });
    }
    Ok(Json(Rows {
        rows,
        gone: gone.into_iter().map(LeadId::get).collect(),
        more,
        counts: Counts::of(&shell),
    }))
}

fn numbers(text: &str) -> Result<Vec<LeadId>, Error> {
    let read: Option<Vec<LeadId>> = text
        .split(',')
        .take(MOST_IDS)
        .map(|id| id.parse().ok().map(LeadId::new))
        .collect();
    read.ok_or(Error::Unreadable("error-lead-numbers"))
}

/// Those of the named leads that belong in the list.
fn those(
    tx: &mut Tx<'_>,
    me: &Caller,
    filter: &LeadFilter,
    ids: &[LeadId],
) -> Result<Vec<Lead>, StoreError> {
    let mut leads = Vec::new();
    for id in ids {
        leads.extend(lead::get(tx, me.business(), *id)?.filter(|lead| belongs(lead, filter)));
    }
    Ok(leads)
}

/// The same question the list's SQL asks, for one lead.
fn belongs(lead: &Lead, filter: &LeadFilter) -> bool {
    use ringback_domain::lead::LeadState::{Claimed, Contacted, Dismissed, New, Recovered};
    let by = match &lead.state {
        Claimed { by, .. } | Contacted { by, .. } | Dismissed { by, .. } => Some(*by),
        New | Recovered { .. } => None,
    };
    let holds = |text: &str| text.to_lowercase().contains(&filter.search);
    (filter.states.is_empty() || filter.states.contains(&lead.state.status()))
        && (filter.by.is_none() || filter.by == by)
        && (filter.search.is_empty()
            || holds(&lead.name)
            || holds(&lead.reference)
            || lead.phone.as_deref().is_some_and(holds)
            || lead.email.as_deref().is_some_and(holds))
}

/// The counts alone, for pages without rows.
pub async fn counts(State(app): State<App>, me: Caller) -> Result<Json<Counts>, Error> {
    let shell = app
        .store
        .read(move |tx| Shell::load(tx, &me, At::Inbox))
        .await?;
    Ok(Json(Counts::of(&shell)))
}

/// An open inbox has really shown these rows: their first showing is stamped.
pub async fn shown(
    State(app): State<App>,
    me: Caller,
    fields: Fields,
) -> Result<StatusCode, Error> {
    let ids = numbers(&fields.one("ids"))?;
    app.store
        .write(Order::Business(me.business().get()), move |tx| {
            lead::mark_shown(tx, me.business(), &ids)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_however_it_is_typed() {
        assert_eq!(search(" (602) 555-0142 "), "6025550142");
        assert_eq!(search("07911 123456"), "7911123456");
        assert_eq!(search("R-7F3K"), "r-7f3k");
        assert_eq!(search("R-7F3K-2"), "r-7f3k");
        assert_eq!(search("R-3467"), "r-3467");
        assert_eq!(search("O'Neil 2"), "o'neil 2");
        assert_eq!(search("42"), "42");
    }
}
