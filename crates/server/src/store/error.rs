//! What the store can answer instead of a value.

/// Why a command or a query has no answer. Domain refusals ("already booked") are not here: commands return
/// them as values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such row.
    #[error("there is no such row")]
    NoRow,
    /// A unique or primary key is taken.
    #[error("a row with this key is there already")]
    Conflict,
    /// The disk is full: nothing of the command was written. Try later; reads go on.
    #[error("the disk is full: nothing was written")]
    Full,
    /// More is waiting than the store takes on, or a lock did not come free. Try again in a moment.
    #[error("the store is busy: try again in a moment")]
    Busy,
    /// The disk failed while writing. The process stops: only a restart knows what is on the disk.
    #[error("the disk failed while writing: the server has to stop")]
    Fatal,
    /// A stored value this build does not know.
    #[error("the store holds a value this version does not know: {0}")]
    Invalid(String),
    /// The database cannot be reached, or said it cannot serve. The sentence says which.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The store does not open as it stands: another program's, another version wrote it. The sentence
    /// says what to do.
    #[error("{0}")]
    Refused(String),
    /// Another process has the database open. The sentence says which.
    #[error("{0}")]
    InUse(String),
    /// A mistake in our own statements: a table that is not there, a parameter too few, a panic.
    #[error("a mistake in this program: {0}")]
    Bug(String),
}

impl StoreError {
    /// Whether the same command may succeed a little later, unchanged. For the web: 503 with `Retry-After`.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Full | Self::Busy | Self::Fatal | Self::Unavailable(_)
        )
    }
}
