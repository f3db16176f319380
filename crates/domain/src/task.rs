//! A task: a follow-up for staff, with an assignee and a due time, usually about a lead.

use jiff::Timestamp;

use crate::id::{BusinessId, LeadId, StaffId, TaskId};

/// A task as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its row.
    pub id: TaskId,
    /// Whose.
    pub business: BusinessId,
    /// About which lead.
    pub lead: Option<LeadId>,
    /// What is to be done, one line.
    pub title: String,
    /// By whom; nobody in particular when empty.
    pub assignee: Option<StaffId>,
    /// By when.
    pub due_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: StaffId,
    /// When it was done, and by whom.
    pub done: Option<(Timestamp, StaffId)>,
}

impl Task {
    /// Open and past its due time.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.done.is_none() && self.due_at.is_some_and(|due| due <= now)
    }

    /// Closes it. Returns false when it was closed already.
    pub fn close(&mut self, by: StaffId, now: Timestamp) -> bool {
        if self.done.is_some() {
            return false;
        }
        self.done = Some((now, by));
        true
    }

    /// Says anew what is to be done, by whom and by when. Returns false when that is what it said.
    pub fn change(
        &mut self,
        title: String,
        assignee: Option<StaffId>,
        due_at: Option<Timestamp>,
    ) -> bool {
        let before = self.clone();
        self.title = title;
        self.assignee = assignee;
        self.due_at = due_at;
        *self != before
    }

    /// Undo of closing.
    pub fn reopen(&mut self) {
        self.done = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_due_and_is_closed_once() {
        let due = Timestamp::from_second(100).unwrap();
        let mut task = Task {
            id: TaskId::new(1),
            business: BusinessId::new(1),
            lead: None,
            title: "Call back after five".into(),
            assignee: Some(StaffId::new(2)),
            due_at: Some(due),
            created_by: StaffId::new(1),
            done: None,
        };
        assert!(!task.is_overdue(Timestamp::from_second(99).unwrap()));
        assert!(task.is_overdue(due));
        assert!(task.close(StaffId::new(2), due));
        assert!(!task.close(StaffId::new(1), due));
        assert!(!task.is_overdue(due));
        task.reopen();
        assert!(task.is_overdue(due));
        let sam = task.assignee;
        assert!(!task.change("Call back after five".into(), sam, Some(due)));
        assert!(task.change("Call back after six".into(), None, None));
        assert!(!task.is_overdue(due));
    }
}
