//! Opting out as the carrier does it by itself: the whole text must be the keyword, in any case. The
//! carrier answers, blocks later messages from that number of ours (21610), and still tells us.

use std::collections::BTreeSet;

/// What a text asks of the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Stop,
    Start,
    Help,
}

impl Keyword {
    /// The keyword this text is, if it is one.
    pub(super) fn of(body: &str) -> Option<Keyword> {
        match body.trim().to_ascii_uppercase().as_str() {
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE"
            | "OPTOUT" => Some(Keyword::Stop),
            "START" | "UNSTOP" | "YES" => Some(Keyword::Start),
            "HELP" | "INFO" => Some(Keyword::Help),
            _ => None,
        }
    }

    /// The value of `OptOutType`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Keyword::Stop => "STOP",
            Keyword::Start => "START",
            Keyword::Help => "HELP",
        }
    }
}

/// Who has opted out of which of our numbers.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeSet<(String, String)>);

impl Ledger {
    pub(super) fn is_out(&self, customer: &str, ours: &str) -> bool {
        self.0.contains(&(customer.to_owned(), ours.to_owned()))
    }

    /// Applies the keyword; what the carrier texts back, if anything. Saying STOP or START again gets
    /// no second answer.
    pub(super) fn apply(
        &mut self,
        keyword: Keyword,
        customer: &str,
        ours: &str,
    ) -> Option<&'static str> {
        let pair = (customer.to_owned(), ours.to_owned());
        match keyword {
            Keyword::Stop => self.0.insert(pair).then_some(
                "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.",
            ),
            Keyword::Start => self.0.remove(&pair).then_some(
                "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
            ),
            Keyword::Help => Some("Reply STOP to unsubscribe. Msg&Data Rates May Apply."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bare_word_is_a_keyword() {
        assert_eq!(Keyword::of(" stop "), Some(Keyword::Stop));
        assert_eq!(Keyword::of("StopAll"), Some(Keyword::Stop));
        assert_eq!(Keyword::of("Stop please"), None);
        assert_eq!(Keyword::of("unstop"), Some(Keyword::Start));
    }

    #[test]
    fn out_is_for_one_pair_and_answered_once() {
        let mut ledger = Ledger::default();
        assert!(ledger.apply(Keyword::Stop, "+1", "+2").is_some());
        assert!(ledger.apply(Keyword::Stop, "+1", "+2").is_none());
        assert!(
            ledger.is_out("+1", "+2") && !ledger.is_out("+1", "+3") && !ledger.is_out("+4", "+2")
        );
        assert!(ledger.apply(Keyword::Start, "+1", "+2").is_some());
        assert!(ledger.apply(Keyword::Start, "+1", "+2").is_none());
        assert!(!ledger.is_out("+1", "+2"));
    }
}
