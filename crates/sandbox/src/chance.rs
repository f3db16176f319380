//! Chance, in two kinds: names nobody can guess or meet twice (tokens, SIDs, trace ids) and dice that
//! fall the same way for the same seed (which calls a fault hits).

use std::fmt::Write;

/// `N` random bytes as lower-case hex.
pub(crate) fn hex<const N: usize>() -> String {
    let mut bytes = [0u8; N];
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that draws random bytes"
    )]
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
        .iter()
        .fold(String::with_capacity(2 * N), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Dice with a seed (SplitMix64): the same seed, the same falls.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// True in `share` of all falls; 0 is never, 1 is always.
    pub(crate) fn falls(&mut self, share: f64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
        unit < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way_and_near_its_share() {
        let falls = |seed| {
            (0..10_000)
                .scan(Dice::new(seed), |dice, _| Some(dice.falls(0.3)))
                .collect::<Vec<_>>()
        };
        assert_eq!(falls(7), falls(7));
        assert_ne!(falls(7), falls(8));
        let hits = falls(7).into_iter().filter(|hit| *hit).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert!(Dice::new(1).falls(1.0) && !Dice::new(1).falls(0.0));
    }
}
