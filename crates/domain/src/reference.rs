//! A lead's reference, such as `R-7F3K`: said on the phone, and carried by every summary so that a
//! record can be found again after an unknown outcome.

/// Without 0/O, 1/I/L, 5/S, 2/Z, 8/B and U: what is read out is written down right.
const LETTERS: &[u8; 22] = b"34679ACDEFGHJKMNPQRTVW";

/// Makes a reference of four characters (234,256 of them) from random bytes; six once a business has many,
/// so that a fresh draw is free at the first try.
pub fn reference(random: [u8; 6], long: bool) -> String {
    let length = if long { 6 } else { 4 };
    let mut reference = String::from("R-");
    reference.extend(
        random[..length]
            .iter()
            .map(|b| char::from(LETTERS[usize::from(*b) % LETTERS.len()])),
    );
    reference
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_a_reference() {
        assert_eq!(reference([0, 1, 2, 3, 4, 5], false), "R-3467");
        assert_eq!(reference([255, 22, 21, 0, 1, 2], true), "R-K3W346");
    }
}
