//! The one place that rolls dice: bytes from the operating system, and tokens made of them.

/// Letters and digits, in the order of their bytes.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Length of a [`token`]: 62^22 is a little over 2^130.
const TOKEN_LENGTH: usize = 22;

/// `N` bytes nobody can guess.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "the one place that rolls dice")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A secret for a cookie or a link: 22 letters and digits, more than 128 bits.
pub fn token() -> String {
    let mut token = String::with_capacity(TOKEN_LENGTH);
    while token.len() < TOKEN_LENGTH {
        // 248 is the largest multiple of 62 in a byte: taking the rest would favour the first letters.
        let usable = bytes::<32>().into_iter().filter(|byte| *byte < 248);
        let letters = usable.map(|byte| char::from(BASE62[usize::from(byte % 62)]));
        token.extend(letters.take(TOKEN_LENGTH - token.len()));
    }
    token
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_are_long_plain_and_all_different() {
        let tokens: HashSet<String> = (0..1_000).map(|_| token()).collect();
        assert_eq!(tokens.len(), 1_000);
        for token in &tokens {
            assert_eq!(token.len(), TOKEN_LENGTH);
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn every_letter_comes_up_about_as_often() {
        let mut counts = [0_u32; 128];
        for _ in 0..2_000 {
            token()
                .bytes()
                .for_each(|byte| counts[usize::from(byte)] += 1);
        }
        let expected = 2_000 * 22 / 62; // about 710; one standard deviation is about 27
        for letter in BASE62 {
            let count = counts[usize::from(*letter)];
            assert!(
                count.abs_diff(expected) < 200,
                "{} came up {count} times",
                char::from(*letter)
            );
        }
    }
}
