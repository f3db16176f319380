//! Ringback's server: what the rules of `ringback_domain` decide is done here. Dependencies point one way:
//! routes → {scheduler, capture, office} → store → domain; duties → {capture, outbox} → {crm, sms, store} → domain.

pub mod clock;
pub mod random;
pub mod store;
#[doc(hidden)]
pub mod testing;
pub mod words;
