//! Postal codes: what they are called, how they look, and one way of writing each.

use super::Region;

/// What a page needs to ask for a postal code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostalRule {
    /// Locale key of the label: *ZIP code*, *Postcode*, *Eircode*, *Postal code*.
    pub label: &'static str,
    /// One that looks right.
    pub example: &'static str,
    /// Whether phones should offer digits only.
    pub digits: bool,
    /// Whether the question may be left empty: not every country has postal codes.
    pub required: bool,
    /// Locale key of the sentence for a missing or impossible one; takes `{ $example }`.
    pub sentence: &'static str,
}

/// The text is no postal code of the region. Say [`PostalRule::sentence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a postal code of this region")]
pub struct NotAPostalCode;

impl Region {
    /// How this region asks for a postal code.
    pub const fn postal(self) -> PostalRule {
        let (label, example, digits, sentence) = match self {
            Region::UnitedStates => ("field-postal-zip", "85004", true, "error-postal-zip"),
            Region::Canada => ("field-postal-code", "K1A 0B6", false, "error-postal-code"),
            Region::UnitedKingdom => (
                "field-postal-postcode",
                "SW1A 1AA",
                false,
                "error-postal-postcode",
            ),
            Region::Ireland => (
                "field-postal-eircode",
                "D02 X285",
                false,
                "error-postal-eircode",
            ),
            Region::Australia => (
                "field-postal-postcode",
                "2000",
                true,
                "error-postal-postcode",
            ),
            Region::NewZealand => (
                "field-postal-postcode",
                "6011",
                true,
                "error-postal-postcode",
            ),
            Region::Other => ("field-postal-code", "28013", false, "error-postal-code"),
        };
        let required = !matches!(self, Region::Other);
        PostalRule {
            label,
            example,
            digits,
            required,
            sentence,
        }
    }

    /// The postal code as the region writes it: `k1a0b6` becomes `K1A 0B6`. Case, spaces and hyphens
    /// of the input do not matter. Empty stays empty where the region may do without.
    pub fn postal_code(self, text: &str) -> Result<String, NotAPostalCode> {
        if text.len() > 40 {
            return Err(NotAPostalCode);
        }
        let text = text.trim().to_uppercase();
        if matches!(self, Region::Other) {
            return elsewhere(&text);
        }
        let plain: Vec<u8> = text.bytes().filter(|b| !matches!(b, b' ' | b'-')).collect();
        match self {
            Region::UnitedStates => united_states(&plain),
            Region::Canada => canada(&plain),
            Region::UnitedKingdom => united_kingdom(&plain),
            Region::Ireland => ireland(&plain),
            _ => four_digits(&plain),
        }
        .ok_or(NotAPostalCode)
    }

    /// The part of a postal code by which areas of service are named: `85004` of `85004-1234`, the
    /// sorting area `K1A`, the outward code `SW1A`, the routing key `D02`; elsewhere the whole code.
    /// Takes a code as [`Region::postal_code`] writes it.
    pub fn postal_area(self, code: &str) -> &str {
        let end = match self {
            Region::UnitedStates => code.find('-'),
            Region::Canada | Region::UnitedKingdom | Region::Ireland => code.find(' '),
            Region::Australia | Region::NewZealand | Region::Other => None,
        };
        &code[..end.unwrap_or(code.len())]
    }
}

/// Five digits, or nine. Nothing below 00501 is in use.
fn united_states(code: &[u8]) -> Option<String> {
    let digits = digits(code)?;
    match code.len() {
        _ if digits < "00501" => None,
        5 => Some(digits.to_owned()),
        9 => Some(format!("{}-{}", &digits[..5], &digits[5..])),
        _ => None,
    }
}

/// Letter digit letter, digit letter digit. Canada Post uses neither D, F, I, O, Q, U anywhere nor
/// W, Z at the beginning.
fn canada(code: &[u8]) -> Option<String> {
    let letter = |b: u8| b.is_ascii_uppercase() && !b"DFIOQU".contains(&b);
    let [a, b, c, d, e, f] = *code else {
        return None;
    };
    let fits = letter(a)
        && !b"WZ".contains(&a)
        && b.is_ascii_digit()
        && letter(c)
        && d.is_ascii_digit()
        && letter(e)
        && f.is_ascii_digit();
    fits.then(|| in_two(code, 3))
}

/// An outward code of two to four characters and an inward code of a digit and two letters (Royal
/// Mail's forms A9, A99, AA9, AA99, A9A, AA9A; C, I, K, M, O, V never stand in the inward code).
fn united_kingdom(code: &[u8]) -> Option<String> {
    if !(5..=7).contains(&code.len()) {
        return None;
    }
    let (outward, inward) = code.split_at(code.len() - 3);
    let inward_fits = inward[0].is_ascii_digit()
        && inward[1..]
            .iter()
            .all(|b| b.is_ascii_uppercase() && !b"CIKMOV".contains(b));
    let form: Vec<u8> = outward
        .iter()
        .map(|b| match b {
            b'0'..=b'9' => b'9',
            b'A'..=b'Z' => b'A',
            _ => b'?',
        })
        .collect();
    let outward_fits = matches!(
        form.as_slice(),
        b"A9" | b"A99" | b"AA9" | b"AA99" | b"A9A" | b"AA9A"
    ) && !b"QVX".contains(&outward[0]);
    let girobank = code == b"GIR0AA";
    ((outward_fits && inward_fits) || girobank).then(|| in_two(code, code.len() - 3))
}

/// A routing key (a letter and two digits, or D6W) and four characters. Eircodes use neither B, G, I,
/// J, L, M, O, Q, S, U nor Z.
fn ireland(code: &[u8]) -> Option<String> {
    let letter = |b: &u8| b"ACDEFHKNPRTVWXY".contains(b);
    if code.len() != 7 {
        return None;
    }
    let (key, rest) = code.split_at(3);
    let key_fits = (letter(&key[0]) && key[1..].iter().all(u8::is_ascii_digit)) || key == b"D6W";
    let rest_fits = rest.iter().all(|b| letter(b) || b.is_ascii_digit());
    (key_fits && rest_fits).then(|| in_two(code, 3))
}

/// Australia and New Zealand: four digits; 0000 is nowhere.
fn four_digits(code: &[u8]) -> Option<String> {
    let digits = digits(code)?;
    (digits.len() == 4 && digits != "0000").then(|| digits.to_owned())
}

/// Anything short that could be one, with single spaces.
fn elsewhere(text: &str) -> Result<String, NotAPostalCode> {
    let code = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = code.len() <= 12
        && code
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-'))
        && (code.is_empty() || code.bytes().any(|b| b.is_ascii_alphanumeric()));
    fits.then_some(code).ok_or(NotAPostalCode)
}

fn digits(code: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(code).ok()?;
    code.iter().all(u8::is_ascii_digit).then_some(text)
}

/// Checked ASCII in two groups.
fn in_two(code: &[u8], at: usize) -> String {
    let (left, right) = code.split_at(at);
    [left, b" ", right]
        .concat()
        .into_iter()
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_region_writes_its_codes_its_own_way() {
        let cases = [
            (Region::UnitedStates, "85004", "85004"),
            (Region::UnitedStates, " 85004-1234 ", "85004-1234"),
            (Region::UnitedStates, "850041234", "85004-1234"),
            (Region::Canada, "k1a0b6", "K1A 0B6"),
            (Region::Canada, "K1A-0B6", "K1A 0B6"),
            (Region::UnitedKingdom, "sw1a1aa", "SW1A 1AA"),
            (Region::UnitedKingdom, "M1 1AE", "M1 1AE"),
            (Region::UnitedKingdom, "cr2 6xh", "CR2 6XH"),
            (Region::UnitedKingdom, "DN551PT", "DN55 1PT"),
            (Region::UnitedKingdom, "w1a 0ax", "W1A 0AX"),
            (Region::UnitedKingdom, "gir 0aa", "GIR 0AA"),
            (Region::Ireland, "d02x285", "D02 X285"),
            (Region::Ireland, "D6W XY00", "D6W XY00"),
            (Region::Australia, "2000", "2000"),
            (Region::Australia, "0800", "0800"),
            (Region::NewZealand, "6011", "6011"),
            (Region::Other, "  28 013 ", "28 013"),
            (Region::Other, "", ""),
        ];
        for (region, typed, written) in cases {
            assert_eq!(
                region.postal_code(typed).as_deref(),
                Ok(written),
                "{region} {typed:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_refused() {
        let cases = [
            (Region::UnitedStates, ""),
            (Region::UnitedStates, "8500"),
            (Region::UnitedStates, "00000"),
            (Region::UnitedStates, "85004-12"),
            (Region::UnitedStates, "8500A"),
            (Region::UnitedStates, "８５００４"),
            (Region::Canada, "D1A 0B6"),
            (Region::Canada, "K1A 0O6"),
            (Region::UnitedKingdom, "SW1A"),
            (Region::UnitedKingdom, "1AA SW1A"),
            (Region::UnitedKingdom, "QW1A 1AA"),
            (Region::UnitedKingdom, "SW1A 1AC"),
            (Region::Ireland, "D02 X28"),
            (Region::Ireland, "B02 X285"),
            (Region::Australia, "200"),
            (Region::NewZealand, "0000"),
            (Region::Other, "---"),
            (Region::Other, "<b>28013"),
        ];
        for (region, typed) in cases {
            assert_eq!(
                region.postal_code(typed),
                Err(NotAPostalCode),
                "{region} {typed:?}"
            );
        }
    }

    #[test]
    fn an_area_is_the_part_before_the_street() {
        assert_eq!(Region::UnitedStates.postal_area("85004-1234"), "85004");
        assert_eq!(Region::UnitedStates.postal_area("85004"), "85004");
        assert_eq!(Region::Canada.postal_area("K1A 0B6"), "K1A");
        assert_eq!(Region::UnitedKingdom.postal_area("SW1A 1AA"), "SW1A");
        assert_eq!(Region::Ireland.postal_area("D02 X285"), "D02");
        assert_eq!(Region::NewZealand.postal_area("6011"), "6011");
    }

    #[test]
    fn every_example_is_right() {
        for region in Region::ALL {
            let example = region.postal().example;
            assert_eq!(region.postal_code(example).as_deref(), Ok(example));
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer_and_what_is_written_is_stable(text in ".{0,60}") {
            for region in Region::ALL {
                if let Ok(code) = region.postal_code(&text) {
                    prop_assert_eq!(region.postal_code(&code), Ok(code.clone()));
                    prop_assert!(code.starts_with(region.postal_area(&code)));
                }
            }
        }

        #[test]
        fn any_likely_text_gets_an_answer(text in "[A-Za-z0-9 -]{0,12}") {
            for region in Region::ALL {
                if let Ok(code) = region.postal_code(&text) {
                    prop_assert_eq!(region.postal_code(&code), Ok(code.clone()));
                }
            }
        }
    }
}
