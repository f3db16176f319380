//! The visitor's side: pages, holding and booking.

pub mod token;
