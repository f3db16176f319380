//! Follow-up tasks.

use jiff::Timestamp;
use ringback_domain::id::{BusinessId, LeadId, StaffId, TaskId};
use ringback_domain::task::Task;

use super::{COUNTED_TO, Row, StoreError, Tx, sql};

/// What it takes to make one.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Whose.
    pub business: BusinessId,
    /// About which lead.
    pub lead: Option<LeadId>,
    /// What is to be done.
    pub title: String,
    /// By whom.
    pub assignee: Option<StaffId>,
    /// By when.
    pub due_at: Option<Timestamp>,
    /// Who makes it.
    pub by: StaffId,
}

/// A task with the name of the person it is about.
#[derive(Clone, Debug)]
pub struct TaskRow {
    /// The task.
    pub task: Task,
    /// Whom to call, when it is about a lead.
    pub lead_name: Option<String>,
}

/// Which tasks a list wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Open, all of them.
    Open,
    /// Open, this person's and those of nobody in particular.
    Mine(StaffId),
    /// Open and past due.
    Overdue,
    /// Closed, the latest first.
    Done,
}

/// Makes a task.
pub fn create(tx: &mut Tx<'_>, new: &NewTask) -> Result<TaskId, StoreError> {
    tx.insert(
        sql!(
            "INSERT INTO task (business_id, lead_id, title, assignee_id, due_at, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"
        ),
        &[
            &new.business,
            &new.lead,
            &new.title,
            &new.assignee,
            &new.due_at,
            &new.by,
            &tx.now(),
        ])
}

/// Open tasks without a due time stand below those with one.
const NO_DUE: Timestamp = Timestamp::MAX;

impl TaskRow {
    /// Where it stands in its list: what the list is sorted by, and its number.
    pub fn place(&self) -> (Timestamp, TaskId) {
        let sorted_by = match self.task.done {
            Some((at, _)) => at,
            None => self.task.due_at.unwrap_or(NO_DUE),
        };
        (sorted_by, self.task.id)
    }
}

/// A business's tasks: open ones by due time (those without one last), closed ones latest first; those below a
/// [`place`](TaskRow::place) when one is given, `limit` at most.
pub fn list(
    tx: &mut Tx<'_>,
    business: BusinessId,
    which: Which,
    below: Option<(Timestamp, TaskId)>,
    limit: i64,
) -> Result<Vec<TaskRow>, StoreError> {
    let now = tx.now();
    let (mine, due_before) = match which {
        Which::Done => {
            let (at, id) = below.unwrap_or((Timestamp::MAX, TaskId::new(i64::MAX)));
            return tx.rows(
                sql!(
                    "SELECT task.*, lead.name AS lead_name FROM task LEFT JOIN lead ON lead.id = task.lead_id
                     WHERE task.business_id = $1 AND task.done_at IS NOT NULL
                       AND (task.done_at < $2 OR (task.done_at = $2 AND task.id < $3))
                     ORDER BY task.done_at DESC, task.id DESC LIMIT $4"
                ),
                &[&business, &at, &id, &limit],
                read_row,
            );
        }
        Which::Open => (0, None),
        Which::Mine(staff) => (staff.get(), None),
        Which::Overdue => (0, Some(now)),
    };
    let (at, id) = below.unwrap_or((Timestamp::MIN, TaskId::new(0)));
    tx.rows(
        sql!(
            "SELECT task.*, lead.name AS lead_name FROM task LEFT JOIN lead ON lead.id = task.lead_id
             WHERE task.business_id = $1 AND task.done_at IS NULL
               AND ($2 = 0 OR task.assignee_id = $2 OR task.assignee_id IS NULL)
               AND (CAST($3 AS BIGINT) IS NULL OR task.due_at <= $3)
               AND (COALESCE(task.due_at, $4) > $5 OR (COALESCE(task.due_at, $4) = $5 AND task.id > $6))
             ORDER BY COALESCE(task.due_at, $4), task.id LIMIT $7"
        ),
        &[&business, &mine, &due_before, &NO_DUE, &at, &id, &limit],
        read_row,
    )
}

/// The tasks about a lead, open ones first.
pub fn of_lead(
    tx: &mut Tx<'_>,
    business: BusinessId,
    lead: LeadId,
) -> Result<Vec<TaskRow>, StoreError> {
    tx.rows(
        sql!(
            "SELECT task.*, lead.name AS lead_name FROM task LEFT JOIN lead ON lead.id = task.lead_id
             WHERE task.business_id = $1 AND task.lead_id = $2
             ORDER BY CASE WHEN task.done_at IS NULL THEN 0 ELSE 1 END, task.due_at, task.id"
        ),
        &[&business, &lead],
        read_row,
    )
}

/// How many open tasks of this person, or of nobody in particular, are past due.
pub fn overdue(tx: &mut Tx<'_>, business: BusinessId, staff: StaffId) -> Result<i64, StoreError> {
    tx.one(
        sql!(
            "SELECT COUNT(*) AS n FROM (
                 SELECT 1 AS one FROM task
                 WHERE business_id = $1 AND done_at IS NULL AND due_at <= $2
                   AND (assignee_id = $3 OR assignee_id IS NULL)
                 LIMIT $4) AS counted"
        ),
        &[&business, &tx.now(), &staff, &COUNTED_TO],
        |row| row.get("n"),
    )
}

/// One of a business's tasks.
pub fn get(tx: &mut Tx<'_>, business: BusinessId, id: TaskId) -> Result<Option<Task>, StoreError> {
    tx.first(
        sql!("SELECT * FROM task WHERE business_id = $1 AND id = $2"),
        &[&business, &id],
        read,
    )
}

/// Writes everything of a task that moves.
pub fn save(tx: &mut Tx<'_>, task: &Task) -> Result<(), StoreError> {
    let (done_at, done_by) = task.done.unzip();
    tx.execute(
        sql!(
            "UPDATE task SET title = $3, assignee_id = $4, due_at = $5, done_at = $6, done_by = $7
             WHERE business_id = $1 AND id = $2"
        ),
        &[
            &task.business,
            &task.id,
            &task.title,
            &task.assignee,
            &task.due_at,
            &done_at,
            &done_by,
        ],
    )?;
    Ok(())
}

/// It was not wanted after all.
pub fn delete(tx: &mut Tx<'_>, task: &Task) -> Result<(), StoreError> {
    tx.execute(
        sql!("DELETE FROM task WHERE business_id = $1 AND id = $2"),
        &[&task.business, &task.id],
    )?;
    Ok(())
}

fn read_row(row: &Row<'_>) -> Result<TaskRow, StoreError> {
    Ok(TaskRow {
        task: read(row)?,
        lead_name: row.get("lead_name")?,
    })
}

fn read(row: &Row<'_>) -> Result<Task, StoreError> {
    let done_at: Option<Timestamp> = row.get("done_at")?;
    Ok(Task {
        id: row.get("id")?,
        business: row.get("business_id")?,
        lead: row.get("lead_id")?,
        title: row.get("title")?,
        assignee: row.get("assignee_id")?,
        due_at: row.get("due_at")?,
        created_by: row.get("created_by")?,
        done: done_at.zip(row.get("done_by")?),
    })
}
