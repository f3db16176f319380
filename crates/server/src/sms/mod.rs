//! The carrier: sending one text once, looking up what became of it, and hearing from it. One file per
//! carrier behind one small trait: `twilio.rs`. What arrives from a carrier comes through `hooks.rs`, after
//! `signature.rs` has said whose it is; what it means for a text is in `reports.rs`; what a STOP does, in
//! `stop.rs`. When a text may go is the domain's; that it goes at most once, the outbox's.
//!
//! To add a carrier: a file that implements [`Carrier`], a match arm where texts are sent (`outbox/text.rs`),
//! its hooks, and its tests.

pub mod hooks;
pub mod reports;
pub mod signature;
pub mod stop;
pub mod twilio;

use std::future::Future;

use jiff::SignedDuration;
use ringback_domain::conversation::TextStatus;

/// A carrier as deliveries use it. Nothing in here is ever repeated by itself.
pub trait Carrier: Sync {
    /// Asks the carrier to send a text, once.
    fn send(&self, text: &Text<'_>) -> impl Future<Output = Result<Says, Trouble>> + Send;

    /// Looks among what was lately sent to a number for the text whose body `is_ours`.
    fn look_up(
        &self,
        phone: &str,
        is_ours: &(dyn Fn(&str) -> bool + Sync),
    ) -> impl Future<Output = Result<Option<Says>, Trouble>> + Send;

    /// Calls the carrier for good, without sending anything.
    fn check(&self) -> impl Future<Output = Result<(), Trouble>> + Send;
}

/// A text about to go.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// E.164.
    pub to: &'a str,
    /// The words, link and all.
    pub body: &'a str,
    /// Where the carrier reports what became of it; carries our id.
    pub report_to: &'a str,
    /// What it has not passed on after this, it is to drop.
    pub within: SignedDuration,
}

/// What the carrier says of a text it has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Says {
    /// Its id.
    pub carrier_id: String,
    /// Where it stands.
    pub status: TextStatus,
    /// What went wrong with it, if anything did.
    pub wrong: Option<Wrong>,
}

/// What went wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Key of the sentence for people, below `why-`.
    pub why: &'static str,
    /// The carrier's own words or number.
    pub said: String,
    /// The carrier says that this number wants no texts.
    pub opted_out: bool,
}

/// Why a call to a carrier did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Certainly not sent; the same may go well later.
    TryLater {
        /// At the earliest after this.
        after: Option<SignedDuration>,
        /// What it said.
        said: String,
    },
    /// It does not accept our credentials: not sent, and somebody must mend the settings.
    Credentials,
    /// It will not send this.
    Refused(Wrong),
    /// It may have been sent. Never to be sent again.
    Unknown {
        /// What is known.
        said: String,
    },
}
