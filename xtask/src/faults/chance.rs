//! Chance that can be repeated: everything random in a run comes from its seed.

use std::time::Duration;

/// A stream of numbers (xorshift64*); the same seed gives the same ones.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Chance {
        // Neighbouring seeds must not give neighbouring streams, and nought would give nothing at all.
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// One of them.
    pub fn one_of<'a, T>(&mut self, these: &'a [T]) -> &'a T {
        let last = these.len() as u64 - 1;
        &these[usize::try_from(self.between(0, last)).unwrap_or_default()]
    }

    /// So many of them, in some order: none comes again before each of the others has come as often.
    pub fn deal<T: Clone>(&mut self, these: &[T], many: usize) -> Vec<T> {
        let mut dealt = Vec::new();
        while dealt.len() < many && !these.is_empty() {
            let mut deck = these.to_vec();
            for last in (1..deck.len()).rev() {
                deck.swap(last, self.between(0, last as u64) as usize);
            }
            dealt.extend(deck);
        }
        dealt.truncate(many);
        dealt
    }

    /// A time from `least` to `most` milliseconds.
    pub fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }
}

/// A seed nobody chose: short enough to type.
pub fn fresh_seed() -> u64 {
    crate::time::wall_ms() as u64 % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dealt_leaves_nothing_out() {
        let mut chance = Chance::new(7);
        for many in 0..9 {
            let dealt = chance.deal(&[0, 1, 2, 3], many);
            assert_eq!(dealt.len(), many);
            for card in 0..4 {
                let times = dealt.iter().filter(|dealt| **dealt == card).count();
                assert!((many / 4..=many.div_ceil(4)).contains(&times), "{dealt:?}");
            }
        }
    }

    #[test]
    fn the_same_seed_repeats_itself_and_its_neighbour_does_not() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            (0..8).map(|_| chance.between(10, 1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(0).iter().all(|n| (10..=1000).contains(n)));
    }
}
