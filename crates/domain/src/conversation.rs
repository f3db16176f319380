//! Conversations: texts both ways with one phone number. Here: what a reply means for consent, and how
//! a carrier's reports about a text are ordered.
//!
//! Revocation by any reasonable means: 47 CFR 64.1200(a)(10), in force since 2025-04-11.

use crate::coded;

coded! {
    /// What an inbound text asks for, as far as it concerns consent.
    Ask {
        /// Stop texting.
        Stop = "stop",
        /// Texts are welcome again.
        Start = "start",
        /// Who is this?
        Help = "help",
        /// Something for a person to read.
        Other = "other",
    }
}

/// Words that mean stop as the whole of a message, after folding.
const STOP: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "end",
    "quit",
    "cancel",
    "unsubscribe",
    "revoke",
    "optout",
    "opt out",
    "remove",
    "alto",
    "baja",
    "parar",
    "arret",
    "arreter",
    "no mas",
];
/// Phrases that mean stop wherever they stand. To err is to stop.
const STOP_PHRASES: &[&str] = &[
    "stop texting",
    "stop messaging",
    "stop sending",
    "do not text",
    "dont text",
    "do not contact",
    "dont contact",
    "leave me alone",
    "remove me",
    "take me off",
    "unsubscribe",
    "wrong number",
    "no more texts",
    "no mas mensajes",
    "opt out",
];
const START: &[&str] = &["start", "unstop", "yes start"];
const HELP: &[&str] = &["help", "info", "aide", "ayuda"];

/// Reads what a reply asks for. Case, punctuation and accents do not matter.
pub fn read_reply(body: &str) -> Ask {
    let folded = fold(body);
    if STOP.contains(&folded.as_str())
        || folded.split(' ').next() == Some("stop")
        || STOP_PHRASES.iter().any(|phrase| folded.contains(phrase))
    {
        Ask::Stop
    } else if START.contains(&folded.as_str()) {
        Ask::Start
    } else if HELP.contains(&folded.as_str()) {
        Ask::Help
    } else {
        Ask::Other
    }
}

fn fold(body: &str) -> String {
    let plain: String = body
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(|c| match c {
            'á' | 'à' | 'â' => Some('a'),
            'é' | 'è' | 'ê' => Some('e'),
            'í' => Some('i'),
            'ó' => Some('o'),
            'ú' => Some('u'),
            '\'' | '’' => None,
            c if c.is_alphanumeric() => Some(c),
            _ => Some(' '),
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

coded! {
    /// Where a text stands at the carrier; Twilio's own words where they differ are in its connector.
    TextStatus {
        /// Accepted by the carrier's API.
        Queued = "queued",
        /// On its way.
        Sending = "sending",
        /// Handed to the phone network.
        Sent = "sent",
        /// On the phone.
        Delivered = "delivered",
        /// Not delivered.
        Undelivered = "undelivered",
        /// Failed before it left.
        Failed = "failed",
        /// Came in.
        Received = "received",
    }
}

impl TextStatus {
    /// Reports come in any order: a lower rank never overwrites a higher one, and the last rank is final.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Queued => 1,
            Self::Sending => 2,
            Self::Sent => 3,
            Self::Delivered | Self::Undelivered | Self::Failed | Self::Received => 9,
        }
    }

    /// What stands after this report.
    pub const fn after(self, report: Self) -> Self {
        if report.rank() > self.rank() {
            report
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_is_understood_however_it_is_said() {
        for said in [
            "STOP",
            "Stop.",
            " stop ",
            "stopall",
            "Stop please",
            "Unsubscribe!",
            "please don't text me",
            "No más",
            "wrong number",
            "OPT-OUT",
            "arrêter",
        ] {
            assert_eq!(read_reply(said), Ask::Stop, "{said}");
        }
    }

    #[test]
    fn an_ordinary_answer_is_for_a_person_and_start_must_be_said_alone() {
        for said in [
            "Yes",
            "can you come at 5?",
            "start the heater please",
            "the bus stop is outside",
            "",
        ] {
            assert_eq!(read_reply(said), Ask::Other, "{said}");
        }
        assert_eq!(read_reply("START"), Ask::Start);
        assert_eq!(read_reply("help"), Ask::Help);
    }

    #[test]
    fn a_late_report_never_takes_back_a_final_one() {
        assert_eq!(
            TextStatus::Delivered.after(TextStatus::Sent),
            TextStatus::Delivered
        );
        assert_eq!(
            TextStatus::Queued.after(TextStatus::Delivered),
            TextStatus::Delivered
        );
        assert_eq!(
            TextStatus::Failed.after(TextStatus::Delivered),
            TextStatus::Failed
        );
    }
}
