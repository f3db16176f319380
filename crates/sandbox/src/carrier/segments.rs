//! How many segments a text takes: 160 characters of GSM 03.38 (153 when there are several; some
//! count twice), or 70 UTF-16 units (67) as soon as one character is outside it.

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const ESCAPED: &str = "^{}\\[~]|€\u{c}";

/// The number of segments, at least 1.
pub(super) fn count(body: &str) -> usize {
    let septets: Option<usize> = body
        .chars()
        .map(|c| {
            if BASIC.contains(c) {
                Some(1)
            } else if ESCAPED.contains(c) {
                Some(2)
            } else {
                None
            }
        })
        .sum();
    let (length, alone, together) = match septets {
        Some(length) => (length, 160, 153),
        None => (body.encode_utf16().count(), 70, 67),
    };
    if length <= alone {
        1
    } else {
        length.div_ceil(together)
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn the_limits_of_both_alphabets() {
        assert_eq!(count(""), 1);
        assert_eq!(count(&"a".repeat(160)), 1);
        assert_eq!(count(&"a".repeat(161)), 2);
        assert_eq!(count(&"€".repeat(80)), 1);
        assert_eq!(count(&"€".repeat(81)), 2);
        assert_eq!(count(&"ж".repeat(70)), 1);
        assert_eq!(count(&"ж".repeat(71)), 2);
        assert_eq!(count(&"👍".repeat(36)), 2);
    }
}
