//! Consent to one text: what the box said, when, where. Append-only; the newest record of a session decides.
//!
//! What is kept follows 16 CFR 310.5(a)(8): the wording as shown, the number, the purpose, the time.

use jiff::Timestamp;

use crate::id::{BusinessId, SessionId};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// To whom it was given.
    pub business: BusinessId,
    /// In which session.
    pub session: SessionId,
    /// For which number, E.164.
    pub phone: String,
    /// Ticked, or left (or taken back).
    pub given: bool,
    /// The words beside the box, verbatim.
    pub wording: String,
    /// The locale they were shown in.
    pub locale: String,
    /// The page they stood on, without query.
    pub page_url: String,
    /// The visitor's network address.
    pub address: String,
    /// The browser's own name.
    pub user_agent: String,
    /// When.
    pub at: Timestamp,
}
