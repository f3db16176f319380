//! Capture: how we learn that a visitor is here, has gone, is back.
//!
//! `line.rs` is presence: the open connection of a page, and posts where connections are blocked.
//! `sweep.rs` judges sessions whose time has come (`crate::jump` notices when the clock they are judged by jumps).
//! `life.rs` keeps this server's life among others, and takes over from the dead. What a sign means is `ringback_domain::departure`'s;
//! what follows from it is written by `store::session` and `store::page`, in one transaction.

pub mod life;
pub mod line;
pub mod sweep;

pub use line::Lines;
