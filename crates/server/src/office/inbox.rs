//! The inbox: the newest departures first, live, filtered and searched. The page is the first fifty rows;
//! `rows` gives the rows that changed, or more below.

use std::collections::BTreeSet;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use ringback_domain::id::LeadId;
use ringback_domain::lead::{Lead, LeadStatus};
use serde::Serialize;

use super::door::Caller;
use super::fields::{Asked, Fields};
use super::page::{self, At, Shell};
use super::row::{self, Around, Row};
use crate::app::App;
use crate::error::Error;
use crate::store::lead::LeadFilter;
use crate::store::{Order, StoreError, Tx, lead};
use crate::words::Words;

/// Rows on one page.
const PAGE: i64 = 50;
/// Rows asked for by number in one go.
const MOST_IDS: usize = 200;

/// Which leads somebody looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Still to be worked.
    #[default]
    Live,
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
    const EVERY: [Self; 5] = [
        Self::Live,
        Self::Mine,
        Self::Recovered,
        Self::Dismissed,
        Self::All,
    ];

    /// In URLs, and at the end of its label's key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Mine => "mine",
            Self::Recovered => "recovered",
            Self::Dismissed => "dismissed",
            Self::All => "all",
        }
    }

    fn states(self) -> &'static [LeadStatus] {
        match self {
            Self::Live | Self::Mine => {
                &[LeadStatus::New, LeadStatus::Claimed, LeadStatus::Contacted]
            }
            Self::Recovered => &[LeadStatus::Recovered],
            Self::Dismissed => &[LeadStatus::Dismissed],
            Self::All => &[],
        }
    }
}

/// What the inbox is asked for.
#[derive(Clone, Debug, Default)]
struct Wanted {
    show: Show,
    q: String,
    /// `left_us-id` of the last row above.
    before: Option<String>,
    /// Only these, by number, separated by commas.
    ids: Option<String>,
}

impl Wanted {
    fn read(asked: &Fields) -> Self {
        let show = asked.one("show");
        Self {
            show: Show::EVERY
                .into_iter()
                .find(|known| known.as_str() == show)
                .unwrap_or_default(),
            q: asked.one("q"),
            before: asked.some("before"),
            ids: asked.some("ids"),
        }
    }

    fn filter(&self, me: &Caller) -> Result<LeadFilter, Error> {
        let before = self.before.as_deref().map(cursor).transpose()?;
        Ok(LeadFilter {
            states: self.show.states().to_vec(),
            by: (self.show == Show::Mine).then_some(me.staff.id),
            search: search(&self.q),
            before,
            limit: PAGE + 1,
        })
    }
}

fn cursor(text: &str) -> Result<(Timestamp, LeadId), Error> {
    let read = || {
        let (left, id) = text.split_once('-')?;
        let left = Timestamp::from_microsecond(left.parse().ok()?).ok()?;
        Some((left, LeadId::new(id.parse().ok()?)))
    };
    read().ok_or_else(|| {
        Error::BadInput("That link to further rows cannot be read. Open the inbox again.".into())
    })
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
        .take(100)
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
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    /// Query of the page below; `None` at the end.
    more: Option<String>,
    first: bool,
    reasons: &'static [&'static str],
    did: Option<super::lead::Did>,
}

impl InboxPage {
    /// The same search among all leads: a number may be that of somebody who booked long ago.
    fn everywhere(&self) -> String {
        query(Show::All, &self.q, None)
    }

    fn empty_title(&self) -> &'static str {
        match self.show {
            Show::Live => "empty-live-title",
            Show::Mine => "empty-mine-title",
            Show::Recovered => "empty-recovered-title",
            Show::Dismissed => "empty-dismissed-title",
            Show::All => "empty-all-title",
        }
    }

    fn empty_sentence(&self) -> &'static str {
        match self.show {
            Show::Live | Show::All => "empty-live",
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

/// The page.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(fields): Asked,
) -> Result<Response, Error> {
    let asked = Wanted::read(&fields);
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
    let did = super::lead::Did::read(shell.w, &fields);
    page::html(&InboxPage {
        tabs: tabs(shell.w, &asked),
        show: asked.show,
        rows,
        more,
        first: asked.before.is_none(),
        reasons: super::lead::REASONS,
        did,
        q: asked.q,
        shell,
    })
}

fn tabs(w: &Words, asked: &Wanted) -> Vec<Tab> {
    let tab = |show: Show| Tab {
        label: w.say(&format!("inbox-{}", show.as_str())),
        href: format!("/office?{}", query(show, &asked.q, None)),
        current: show == asked.show,
    };
    Show::EVERY.map(tab).into()
}

fn query(show: Show, q: &str, before: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("show", show.as_str());
    if !q.is_empty() {
        query.append_pair("q", q);
    }
    if let Some(before) = before {
        query.append_pair("before", before);
    }
    query.finish()
}

/// One row more than a page was read: it tells whether there is a page below.
fn cut(leads: &mut Vec<Lead>, asked: &Wanted) -> Option<String> {
    let page = usize::try_from(PAGE).expect("a small number");
    if leads.len() <= page {
        return None;
    }
    leads.truncate(page);
    let last = leads.last()?;
    let before = format!("{}-{}", last.stamps.left_at.as_microsecond(), last.id);
    Some(query(asked.show, &asked.q, Some(&before)))
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
    pub new: i64,
    /// Tasks past due.
    pub overdue: i64,
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
    let asked = Wanted::read(&fields);
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
    read.ok_or_else(|| Error::BadInput("Leads are asked for by their numbers.".into()))
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

    #[test]
    fn a_cursor_that_was_bent_is_refused_with_a_sentence() {
        assert!(cursor("1700000000000000-7").is_ok());
        for bent in ["", "7", "x-7", "7-x", "99999999999999999999-7"] {
            assert!(matches!(cursor(bent), Err(Error::BadInput(_))), "{bent}");
        }
    }
}
