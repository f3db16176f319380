//! The words and the rules.

pub mod region;
