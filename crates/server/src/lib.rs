//! Ringback.

pub mod words;
