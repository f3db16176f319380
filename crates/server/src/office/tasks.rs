//! Follow-up tasks: on their lead and in a list of their own. Due times are typed and shown in the
//! business's own zone.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use ringback_domain::id::{LeadId, StaffId, TaskId};
use ringback_domain::lead::LeadEvent;
use ringback_domain::task::Task;
use serde_json::json;

use super::acts::{About, Did, answer};
use super::below;
use super::door::Caller;
use super::fields::{Asked, Fields, Number};
use super::page::{self, At, Shell};
use super::sign_in::own_path;
use crate::app::App;
use crate::error::Error;
use crate::store::staff::Member;
use crate::store::task::{NewTask, TaskRow, Which};
use crate::store::{Order, StoreError, Tx, business, lead, staff, task};
use crate::words::Words;

/// Longest title, in characters.
const LONGEST: usize = 200;
/// When the working day begins, for the suggestions of the form.
const MORNING: i8 = 9;

/// A task on a page.
pub struct TaskLine {
    /// Which.
    pub id: TaskId,
    /// What is to be done.
    pub title: String,
    /// By whom; "anybody" when nobody in particular.
    pub who: String,
    /// By when, empty without a due time.
    pub due: String,
    /// Open and past due.
    pub overdue: bool,
    /// Closed by whom and when; empty while open.
    pub done: String,
    /// About whom.
    pub lead: Option<(LeadId, String)>,
}

impl TaskLine {
    /// As the page shows it.
    pub fn of(shell: &Shell, names: &BTreeMap<StaffId, String>, row: &TaskRow) -> Self {
        let w = shell.w;
        let name = |id: &StaffId| names.get(id).cloned().unwrap_or_default();
        let task = &row.task;
        Self {
            id: task.id,
            title: task.title.clone(),
            who: task
                .assignee
                .as_ref()
                .map_or_else(|| w.say("task-anybody"), name),
            due: task
                .due_at
                .as_ref()
                .map_or_else(String::new, |at| shell.moment(at)),
            overdue: task.is_overdue(shell.now),
            done: task.done.as_ref().map_or_else(String::new, |(at, by)| {
                w.with(
                    "task-done-by",
                    &[("name", name(by)), ("when", shell.moment(at))],
                )
            }),
            lead: task.lead.zip(row.lead_name.clone()).map(|(id, name)| {
                let name = if name.is_empty() {
                    w.say("lead-no-name")
                } else {
                    name
                };
                (id, name)
            }),
        }
    }
}

/// What the form of a task offers.
pub struct TaskForm {
    /// What is to be done, as it stands.
    pub title: String,
    /// By when, as it stands: the value of the field.
    pub due: String,
    /// Who can be asked: id, name, whether chosen.
    pub people: Vec<(StaffId, String, bool)>,
    /// Due times at one press: label, and the value of the field.
    pub soon: Vec<(String, String)>,
    /// The zone times are meant in.
    pub zone: String,
}

impl TaskForm {
    /// The form of a task as it stands, or an empty one for whoever looks.
    pub fn of(shell: &Shell, everybody: &[Member], task: Option<&Task>) -> Self {
        let w = shell.w;
        let now = shell.now.to_zoned_datetime(shell.zone()).datetime();
        let tomorrow = now.date().saturating_add(1.day()).at(MORNING, 0, 0, 0);
        let quarter = now
            .round(
                jiff::civil::DateTimeRound::new()
                    .smallest(jiff::Unit::Minute)
                    .increment(5),
            )
            .unwrap_or(now);
        let soon = [
            ("task-in-an-hour", quarter.saturating_add(1.hour())),
            ("task-in-two-hours", quarter.saturating_add(2.hours())),
            ("task-tomorrow", tomorrow),
        ];
        let asked = task.map_or(Some(shell.me.staff.id), |task| task.assignee);
        let due = task.and_then(|task| task.due_at);
        Self {
            title: task.map_or_else(String::new, |task| task.title.clone()),
            due: due.map_or_else(String::new, |at| {
                field(at.to_zoned_datetime(shell.zone()).datetime())
            }),
            people: everybody
                .iter()
                .filter(|member| may_do(member, task))
                .map(|member| {
                    let staff = &member.staff;
                    (staff.id, staff.name.clone(), Some(staff.id) == asked)
                })
                .collect(),
            soon: soon
                .into_iter()
                .map(|(key, at)| (w.say(key), field(at)))
                .collect(),
            zone: shell.zone_name(),
        }
    }
}

/// The value of a `datetime-local` field.
fn field(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// Who can be asked: everybody who still works here. Who was asked before they left may stay.
fn may_do(member: &Member, task: Option<&Task>) -> bool {
    let asked = task.and_then(|task| task.assignee);
    member.deactivated_at.is_none() || asked == Some(member.staff.id)
}

#[derive(Template)]
#[template(path = "office/tasks.html")]
struct TasksPage {
    shell: Shell,
    tabs: Vec<(String, String, bool)>,
    tasks: Vec<TaskLine>,
    /// Address of the page below.
    more: Option<String>,
    task_form: TaskForm,
    which: &'static str,
    did: Option<Did>,
}

impl TasksPage {
    /// Where acts lead back to.
    fn back(&self) -> String {
        format!("/office/tasks?show={}", self.which)
    }

    fn empty_title(&self) -> &'static str {
        match self.which {
            "all" => "empty-tasks-all-title",
            "overdue" => "empty-tasks-overdue-title",
            "done" => "empty-tasks-done-title",
            _ => "empty-tasks-mine-title",
        }
    }

    /// Whom a task is about.
    fn names<'a>(&self, task: &'a TaskLine) -> Option<&'a (LeadId, String)> {
        task.lead.as_ref()
    }

    /// A task made here is about nobody.
    fn about(&self) -> Option<LeadId> {
        None
    }
}

const LISTS: [&str; 4] = ["mine", "all", "overdue", "done"];

/// The list.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let wanted = asked.one("show");
    let which = LISTS
        .into_iter()
        .find(|known| *known == wanted)
        .unwrap_or("mine");
    let after = asked
        .some("after")
        .as_deref()
        .map(below::read)
        .transpose()?;
    let after = after.map(|(at, id)| (at, TaskId::new(id)));
    let page = app
        .store
        .read(move |tx| {
            let shell = Shell::load(tx, &me, At::Tasks)?;
            let list = match which {
                "all" => Which::Open,
                "overdue" => Which::Overdue,
                "done" => Which::Done,
                _ => Which::Mine(me.staff.id),
            };
            let mut tasks = task::list(tx, me.business(), list, after, below::PAGE + 1)?;
            let more = below::cut(&mut tasks, |last| {
                let (at, id) = last.place();
                (at, id.get())
            });
            let everybody = staff::list(tx, me.business())?;
            let names = staff::names(tx, me.business())?;
            let w = shell.w;
            Ok(TasksPage {
                tabs: LISTS
                    .map(|list| {
                        let label = w.say(&format!("tasks-{list}"));
                        (label, format!("/office/tasks?show={list}"), list == which)
                    })
                    .into(),
                tasks: tasks
                    .iter()
                    .map(|task| TaskLine::of(&shell, &names, task))
                    .collect(),
                more: more.map(|after| format!("/office/tasks?show={which}&after={after}")),
                task_form: TaskForm::of(&shell, &everybody, None),
                which,
                did: Did::read(w, &asked),
                shell,
            })
        })
        .await?;
    page::html(&page)
}

/// Makes a task, about a lead when one is named.
pub async fn create(
    State(app): State<App>,
    me: Caller,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let about = fields.some("lead").map(|id| id.parse().map(LeadId::new));
    let about = about.transpose().map_err(|_| Error::NotFound)?;
    let sent = fields.clone();
    let (w, made) = app
        .store
        .write(Order::Business(me.business().get()), move |tx| {
            let business = business::get(tx, me.business())?;
            let w = Words::of(&business.locale);
            let everybody = staff::list(tx, me.business())?;
            let read = read_form(w, &sent, &business.zone(), &everybody, None, tx.now());
            let (title, assignee, due_at) = match read {
                Ok(read) => read,
                Err(sentence) => return Ok((w, Err(sentence))),
            };
            let about = match about {
                Some(id) => Some(lead::get(tx, business.id, id)?.ok_or(StoreError::NoRow)?),
                None => None,
            };
            let new = NewTask {
                business: business.id,
                lead: about.as_ref().map(|lead| lead.id),
                title: title.clone(),
                assignee,
                due_at,
                by: me.staff.id,
            };
            task::create(tx, &new)?;
            if let Some(lead) = &about {
                let detail = json!({ "title": title });
                lead::event(tx, lead, LeadEvent::TaskMade, Some(me.staff.id), detail)?;
            }
            Ok((w, Ok(())))
        })
        .await?;
    match made {
        Ok(()) => {
            let about = about.map(About::Lead);
            Ok(answer(w, &headers, &fields, "task-made", about))
        }
        Err(sentence) => Err(Error::BadInput(sentence)),
    }
}

#[derive(Template)]
#[template(path = "office/task-edit.html")]
struct TaskPage {
    shell: Shell,
    id: TaskId,
    /// About whom.
    lead: Option<(LeadId, String)>,
    task_form: TaskForm,
    /// Where it leads when it is done.
    back: String,
}

/// The page on which a task is changed or deleted.
pub async fn edit(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let page = app.store.read(move |tx| {
        let shell = Shell::load(tx, &me, At::Tasks)?;
        let task = task::get(tx, me.business(), TaskId::new(id))?.ok_or(StoreError::NoRow)?;
        let everybody = staff::list(tx, me.business())?;
        let lead = match task.lead {
            Some(id) => lead::get(tx, me.business(), id)?,
            None => None,
        };
        let named = |name: String| {
            if name.is_empty() {
                shell.w.say("lead-no-name")
            } else {
                name
            }
        };
        Ok(TaskPage {
            id: task.id,
            lead: lead.map(|lead| (lead.id, named(lead.name))),
            task_form: TaskForm::of(&shell, &everybody, Some(&task)),
            back: back(&asked),
            shell,
        })
    });
    page::html(&page.await?)
}

/// The page of ours that somebody came from; the list of tasks when they name none.
fn back(asked: &Fields) -> String {
    let named = asked.some("back");
    own_path(named.as_deref().unwrap_or("/office/tasks")).to_owned()
}

/// Another title, another person, another time.
pub async fn change(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let sent = fields.clone();
    let order = Order::Business(me.business().get());
    let changed = app.store.write(order, move |tx| {
        let business = business::get(tx, me.business())?;
        let w = Words::of(&business.locale);
        let found = task::get(tx, business.id, TaskId::new(id))?;
        let mut task = found.ok_or(StoreError::NoRow)?;
        let everybody = staff::list(tx, business.id)?;
        let zone = business.zone();
        let read = read_form(w, &sent, &zone, &everybody, Some(&task), tx.now());
        let (title, assignee, due_at) = match read {
            Ok(read) => read,
            Err(sentence) => return Ok((w, Err(sentence))),
        };
        if task.change(title, assignee, due_at) {
            task::save(tx, &task)?;
            tell(tx, &task, LeadEvent::TaskChanged, &me)?;
        }
        Ok((w, Ok(())))
    });
    match changed.await? {
        (w, Ok(())) => Ok(answer(w, &headers, &fields, "task-changed", None)),
        (_, Err(sentence)) => Err(Error::BadInput(sentence)),
    }
}

/// Gone for everybody: its page has asked whether they are sure.
pub async fn delete(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let order = Order::Business(me.business().get());
    let deleted = app.store.write(order, move |tx| {
        let business = business::get(tx, me.business())?;
        let found = task::get(tx, business.id, TaskId::new(id))?;
        let task = found.ok_or(StoreError::NoRow)?;
        task::delete(tx, &task)?;
        tell(tx, &task, LeadEvent::TaskDeleted, &me)?;
        Ok(Words::of(&business.locale))
    });
    let w = deleted.await?;
    Ok(answer(w, &headers, &fields, "task-deleted", None))
}

/// On the timeline of whoever the task is about.
fn tell(tx: &mut Tx<'_>, task: &Task, event: LeadEvent, me: &Caller) -> Result<(), StoreError> {
    let Some(id) = task.lead else {
        return Ok(());
    };
    let lead = lead::get(tx, task.business, id)?.ok_or(StoreError::NoRow)?;
    let detail = json!({ "title": task.title });
    lead::event(tx, &lead, event, Some(me.staff.id), detail)
}

type NewFields = (String, Option<StaffId>, Option<Timestamp>);

fn read_form(
    w: &Words,
    fields: &Fields,
    zone: &TimeZone,
    everybody: &[Member],
    task: Option<&Task>,
    now: Timestamp,
) -> Result<NewFields, String> {
    let title = fields.one("title").replace('\n', " ");
    if title.is_empty() {
        return Err(w.say("error-task-title"));
    }
    if title.chars().count() > LONGEST {
        return Err(w.with("error-task-long", &[("longest", LONGEST)]));
    }
    let assignee = match fields.some("assignee") {
        None => None,
        Some(id) => Some(
            everybody
                .iter()
                .find(|m| may_do(m, task) && m.staff.id.to_string() == id)
                .map(|m| m.staff.id)
                .ok_or_else(|| w.say("error-task-assignee"))?,
        ),
    };
    let due_at = match fields.some("due") {
        None => None,
        Some(typed) => Some(due(&typed, zone, now).ok_or_else(|| w.say("error-task-due"))?),
    };
    Ok((title, assignee, due_at))
}

/// A time as `datetime-local` fields give it, meant in the business's zone; within ten years.
fn due(typed: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let wall: DateTime = typed.parse().ok()?;
    let at = wall.to_zoned_datetime(zone.clone()).ok()?.timestamp();
    let ten_years = SignedDuration::from_hours(10 * 366 * 24);
    (at.duration_since(now).abs() < ten_years).then_some(at)
}

/// *Done*.
pub async fn close(
    state: State<App>,
    me: Caller,
    id: Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    tick(state, me, id, headers, fields, true).await
}

/// *Reopen*.
pub async fn reopen(
    state: State<App>,
    me: Caller,
    id: Number,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    tick(state, me, id, headers, fields, false).await
}

async fn tick(
    State(app): State<App>,
    me: Caller,
    Number(id): Number,
    headers: HeaderMap,
    fields: Fields,
    close: bool,
) -> Result<Response, Error> {
    let w = app
        .store
        .write(Order::Business(me.business().get()), move |tx| {
            let business = business::get(tx, me.business())?;
            let found = task::get(tx, business.id, TaskId::new(id))?;
            let mut task = found.ok_or(StoreError::NoRow)?;
            let changed = if close {
                task.close(me.staff.id, tx.now())
            } else {
                task.reopen();
                true
            };
            task::save(tx, &task)?;
            if close && changed {
                tell(tx, &task, LeadEvent::TaskDone, &me)?;
            }
            Ok(Words::of(&business.locale))
        })
        .await?;
    let act = if close { "task-done" } else { "task-reopened" };
    Ok(answer(w, &headers, &fields, act, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_time_is_meant_on_the_businesss_wall() {
        let zone = TimeZone::get("America/Phoenix").unwrap();
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(
            due("2026-11-23T16:30", &zone, now),
            Some("2026-11-23T23:30:00Z".parse().unwrap())
        );
        for wrong in ["", "tomorrow", "2026-13-01T10:00", "9026-01-01T10:00"] {
            assert_eq!(due(wrong, &zone, now), None, "{wrong}");
        }
    }
}
