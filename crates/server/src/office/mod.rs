//! The office: what staff see and do, what the Administrator sets up, and what programs are given.
//!
//! The inbox shows the database: a live message (`stream.rs`) is a hint to look again, nothing more. What a
//! lead may go through is `ringback_domain`'s to say, how it is kept is `store`'s. Not here: what the visitor
//! sees (`scheduler/`) and how deliveries are made (`outbox/`).

pub mod acts;
pub mod appointments;
mod below;
pub mod door;
pub mod fields;
pub mod inbox;
mod known;
pub mod lead;
pub mod page;
pub mod passwords;
pub mod row;
pub mod scheduler;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod stream;
pub mod tasks;
pub mod timeline;
pub mod tries;

use crate::clock::Clock;

/// What the office keeps in memory: nothing that matters.
pub struct Office {
    /// Hashing and checking of passwords, so many at once.
    pub passwords: passwords::Passwords,
    /// Who has tried to sign in too often.
    pub tries: tries::Tries,
    /// Open event streams.
    pub streams: stream::Streams,
}

impl Office {
    /// An office whose limits run on this clock.
    pub fn new(clock: &Clock) -> Self {
        Self {
            passwords: passwords::Passwords::default(),
            tries: tries::Tries::new(clock),
            streams: stream::Streams::default(),
        }
    }
}
