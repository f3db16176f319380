//! The outbox, told as stories on both engines: a whole server, and a pretend ServiceTitan and carrier that
//! are never gentler than the real ones.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

mod clock;
mod crm;
mod faults;
mod fields;
mod hooks;
mod texts;
mod world;
