//! A clock that jumps: somebody sets it, a laptop wakes up, a database fails over to a machine whose clock is
//! another. What is counted in spans of a visitor's time (a grace, a hold, a lease) moves with the clock, so
//! that the jump is neither a departure nor a day of silence. Here: what counts as a jump.

use jiff::SignedDuration;

/// The least difference that is a jump. Below it a clock is being set right, and a grace is that much shorter
/// or longer, once. As long as a node lives without renewing itself: what the nodes have noted then tells a
/// jump from one that has been seen to.
pub const SMALLEST_JUMP: SignedDuration = SignedDuration::from_secs(10);

/// How far a clock has jumped that went `moved` further while between `least` and `most` passed (a monotonic
/// clock's word; asking takes time, hence two). Forward when positive; `None` when it just went on.
pub fn jumped(
    moved: SignedDuration,
    least: SignedDuration,
    most: SignedDuration,
) -> Option<SignedDuration> {
    let by = if moved > most {
        moved - most
    } else if moved < least {
        moved - least
    } else {
        SignedDuration::ZERO
    };
    (by.abs() >= SMALLEST_JUMP).then_some(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_clock_that_goes_on_has_not_jumped() {
        assert_eq!(jumped(s(1), s(1), s(1)), None);
        // It is being set right, or it was asked slowly.
        assert_eq!(jumped(s(10), s(1), s(1)), None);
        assert_eq!(jumped(s(1), s(1), s(31)), None);
        assert_eq!(jumped(s(31), s(1), s(31)), None);
    }

    #[test]
    fn a_jump_is_what_the_time_that_passed_does_not_explain() {
        assert_eq!(jumped(s(86_401), s(1), s(1)), Some(s(86_400)));
        assert_eq!(jumped(s(-86_399), s(1), s(2)), Some(s(-86_400)));
        assert_eq!(jumped(s(11), s(0), s(1)), Some(s(10)));
    }
}
