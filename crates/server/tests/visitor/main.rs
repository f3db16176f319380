//! The visitor's side, told as stories over HTTP, on both engines.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod browser;
mod hostile;
mod link;
mod places;
mod steps;
mod weight;
