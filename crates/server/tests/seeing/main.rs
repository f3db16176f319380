//! Seeing it run: the figures a Prometheus reads, and the lines of the log, while a visitor comes, leaves and
//! is texted.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

mod doctor;
mod figures;
mod way;
mod world;
