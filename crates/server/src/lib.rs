//! Ringback's server: what the rules of `ringback_domain` decide is done here. Dependencies point one way:
//! routes → {scheduler, capture, office} → store → domain; duties → {capture, outbox} → {crm, sms, store} → domain.

pub mod api;
pub mod app;
pub mod assets;
pub mod capture;
pub mod clock;
pub mod config;
pub mod crm;
pub mod demo;
pub mod doctor;
pub mod duties;
pub mod error;
pub mod http;
pub mod jump;
pub mod logs;
pub mod metrics;
pub mod office;
pub mod on_wire;
pub mod outbox;
pub mod outside;
pub mod pruner;
pub mod random;
pub mod routes;
pub mod scheduler;
pub mod seed;
pub mod serve;
pub mod sms;
pub mod store;
#[doc(hidden)]
pub mod testing;
pub mod token;
pub mod vault;
pub mod why;
pub mod words;
