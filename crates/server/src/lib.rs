//! Ringback.

pub mod clock;
pub mod random;
pub mod store;
#[doc(hidden)]
pub mod testing;
pub mod words;
