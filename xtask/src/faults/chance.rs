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
