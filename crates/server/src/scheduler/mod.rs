//! The visitor's side: the pages of a scheduler, saving answers, holding and booking a window.
//!
//! `sent` reads what a browser sends, `answers` turns a step's fields into answers, `turn` is one step's deed,
//! `book` the last, `link` the way back from a text; `view`, `field` and `calendar` are what is shown. Not here: presence
//! (`capture`), and the SQL of places (`store/appointment.rs`).

mod answers;
mod calendar;
mod field;
mod sent;
mod turn;
mod view;

pub use calendar::Calendars;

pub mod book;
pub mod embed;
pub mod holds;
pub mod link;
pub mod page;
