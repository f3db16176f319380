//! Phone numbers as both pretend services want them: E.164.

/// `+`, a country code that does not begin with 0, and 7 to 15 digits in all; in the North American
/// plan ten digits after `+1`, area code and exchange beginning with 2 to 9.
pub(crate) fn is_e164(number: &str) -> bool {
    let Some(digits) = number.strip_prefix('+') else {
        return false;
    };
    if !(7..=15).contains(&digits.len())
        || !digits.bytes().all(|b| b.is_ascii_digit())
        || digits.starts_with('0')
    {
        return false;
    }
    match digits.strip_prefix('1') {
        Some(national) => {
            let bytes = national.as_bytes();
            bytes.len() == 10 && bytes[0] >= b'2' && bytes[3] >= b'2'
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::is_e164;

    #[test]
    fn only_whole_numbers_with_a_plus() {
        for good in [
            "+16025550123",
            "+442079460000",
            "+353861234567",
            "+61412345678",
            "+6421234567",
        ] {
            assert!(is_e164(good), "{good}");
        }
        for bad in [
            "6025550123",
            "+1602555012",
            "+160255501234",
            "+11025550123",
            "+16021550123",
            "+0123456789",
            "+1 602 555 0123",
            "+1602555012a",
            "",
        ] {
            assert!(!is_e164(bad), "{bad}");
        }
    }
}
