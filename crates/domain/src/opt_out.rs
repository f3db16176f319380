//! The ledger of STOP and START, and what its lines mean. The newest line of a number says whether we text it. Whether
//! the carrier would is another matter: it keeps a list of its own, which only the person can take a number off.

use jiff::Timestamp;

use crate::coded;

coded! {
    /// Who said it.
    Source {
        /// The person, by text.
        InboundText = "inbound_text",
        /// The carrier: it does not send to them.
        Carrier = "carrier",
        /// Staff, for somebody who said so.
        Staff = "staff",
    }
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// STOP, or START.
    pub opted_out: bool,
    /// Who said it.
    pub source: Source,
    /// Their words; of staff, what they were told.
    pub said: String,
    /// When.
    pub at: Timestamp,
}

/// What a carrier takes for STOP by itself, when it is the whole of a message; these are Twilio's.
const CARRIERS_STOP: &[&str] = &[
    "stop",
    "stopall",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
];

/// Whether the carrier blocks a number, by its lines, newest first: from a STOP that it heard, or told us of, until
/// the person texts START. What staff write down moves nothing there, and a wish in other words ("wrong number") is
/// heard by us alone.
pub fn carrier_blocks(lines: &[Line]) -> bool {
    let heard = lines.iter().find(|line| match line.source {
        Source::Carrier => true,
        Source::InboundText => !line.opted_out || is_carriers_stop(&line.said),
        Source::Staff => false,
    });
    heard.is_some_and(|line| line.opted_out)
}

fn is_carriers_stop(said: &str) -> bool {
    let bare = said.trim_matches(|c: char| !c.is_alphanumeric());
    CARRIERS_STOP.contains(&bare.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newest first.
    fn blocked(lines: &[(bool, Source, &str)]) -> bool {
        let lines = lines.iter().map(|(opted_out, source, said)| Line {
            opted_out: *opted_out,
            source: *source,
            said: (*said).into(),
            at: Timestamp::UNIX_EPOCH,
        });
        carrier_blocks(&lines.collect::<Vec<_>>())
    }

    #[test]
    fn what_the_carrier_heard_it_blocks_and_what_only_we_heard_it_does_not() {
        use Source::{Carrier, InboundText, Staff};
        assert!(!blocked(&[]));
        assert!(blocked(&[(true, Carrier, "")]));
        for said in ["STOP", " Stop.", "cancel"] {
            assert!(blocked(&[(true, InboundText, said)]), "{said}");
        }
        for said in ["wrong number", "please stop texting me", "no más"] {
            assert!(!blocked(&[(true, InboundText, said)]), "{said}");
        }
        assert!(!blocked(&[(true, Staff, "")]));
    }

    #[test]
    fn only_the_person_lifts_it() {
        use Source::{Carrier, InboundText, Staff};
        let stop = (true, InboundText, "STOP");
        assert!(blocked(&[(true, Staff, ""), stop]));
        assert!(blocked(&[(false, Staff, "told me on the phone"), stop]));
        assert!(blocked(&[(true, InboundText, "wrong number"), stop]));
        assert!(!blocked(&[(false, InboundText, "START"), stop]));
        assert!(!blocked(&[
            (false, InboundText, "START"),
            (true, Carrier, "")
        ]));
    }
}
