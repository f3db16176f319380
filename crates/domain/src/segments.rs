//! How many parts a text costs, and how to cost fewer.
//!
//! A text goes as GSM-7 (3GPP TS 23.038: 160 septets, or 153 in each of several parts) when every
//! character is in that alphabet, else as UCS-2 (70 units, or 67): one curly quote more than halves it.

/// How a text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits a character, two characters' worth for a few.
    Gsm7,
    /// Sixteen bits a character, two units for emoji and their like.
    Ucs2,
}

/// What a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// How it travels.
    pub encoding: Encoding,
    /// Its length in septets (GSM-7) or UTF-16 units (UCS-2).
    pub units: usize,
    /// How many parts are paid for; 0 for an empty text.
    pub parts: usize,
}

impl Segments {
    /// Counts a text's parts.
    pub fn of(text: &str) -> Segments {
        match text.chars().map(septets).collect::<Option<Vec<usize>>>() {
            Some(widths) => Segments::counted(Encoding::Gsm7, widths.into_iter(), 160, 153),
            None => Segments::counted(Encoding::Ucs2, text.chars().map(char::len_utf16), 70, 67),
        }
    }

    /// `single`: what one part holds; `several`: what each holds when there are more, the rest being
    /// taken by the header that joins them. A character is never split over two parts.
    fn counted(
        encoding: Encoding,
        widths: impl Iterator<Item = usize> + Clone,
        single: usize,
        several: usize,
    ) -> Segments {
        let units = widths.clone().sum();
        if units <= single {
            return Segments {
                encoding,
                units,
                parts: usize::from(units > 0),
            };
        }
        let mut parts = 1;
        let mut used = 0;
        for width in widths {
            if used + width > several {
                parts += 1;
                used = 0;
            }
            used += width;
        }
        Segments {
            encoding,
            units,
            parts,
        }
    }
}

/// The same text in as few parts as may be: typographic quotes, dashes, dots and spaces become plain
/// ones, accents fall only where that saves a part.
pub fn fewest_parts(text: &str) -> String {
    let plain: String = text
        .replace('…', "...")
        .chars()
        .map(plain_punctuation)
        .collect();
    let unaccented: String = plain.chars().map(without_accent).collect();
    // The first of the cheapest. Three dots for one can cost a part where the rest needs UCS-2 anyway.
    [plain, unaccented, text.to_owned()]
        .into_iter()
        .min_by_key(|text| Segments::of(text).parts)
        .unwrap_or_default()
}

/// The basic table of GSM-7, without the escape character.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table: each costs two.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// How many septets a character takes; `None` when GSM-7 does not have it.
fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}

fn plain_punctuation(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' => '\'',
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '•' | '·' => '-',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\t' => ' ',
        other => other,
    }
}

/// The letter below the accent, for letters GSM-7 does not have.
fn without_accent(c: char) -> char {
    if septets(c).is_some() {
        return c;
    }
    match c {
        'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' => 'a',
        'Á' | 'À' | 'Â' | 'Ã' | 'Ā' | 'Ă' | 'Ą' => 'A',
        'ç' | 'ć' | 'č' | 'ĉ' | 'ċ' => 'c',
        'Ć' | 'Č' | 'Ĉ' | 'Ċ' => 'C',
        'ď' | 'đ' | 'ð' => 'd',
        'Ď' | 'Đ' | 'Ð' => 'D',
        'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'È' | 'Ê' | 'Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => 'E',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => 'G',
        'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'į' | 'ı' => 'i',
        'Í' | 'Ì' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'Į' | 'İ' => 'I',
        'ķ' => 'k',
        'Ķ' => 'K',
        'ĺ' | 'ļ' | 'ľ' | 'ł' => 'l',
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ł' => 'L',
        'ń' | 'ņ' | 'ň' => 'n',
        'Ń' | 'Ņ' | 'Ň' => 'N',
        'ó' | 'ô' | 'õ' | 'ō' | 'ő' => 'o',
        'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ō' | 'Ő' => 'O',
        'ŕ' | 'ř' => 'r',
        'Ŕ' | 'Ř' => 'R',
        'ś' | 'ş' | 'š' | 'ș' => 's',
        'Ś' | 'Ş' | 'Š' | 'Ș' => 'S',
        'ţ' | 'ť' | 'ț' => 't',
        'Ţ' | 'Ť' | 'Ț' => 'T',
        'ú' | 'û' | 'ũ' | 'ū' | 'ů' | 'ű' | 'ų' => 'u',
        'Ú' | 'Ù' | 'Û' | 'Ũ' | 'Ū' | 'Ů' | 'Ű' | 'Ų' => 'U',
        'ŵ' => 'w',
        'Ŵ' => 'W',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'Ý' | 'Ÿ' | 'Ŷ' => 'Y',
        'ź' | 'ż' | 'ž' => 'z',
        'Ź' | 'Ż' | 'Ž' => 'Z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> (Encoding, usize, usize) {
        let Segments {
            encoding,
            units,
            parts,
        } = Segments::of(text);
        (encoding, units, parts)
    }

    #[test]
    fn the_table_has_its_127_characters() {
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENDED.chars().count(), 10);
    }

    #[test]
    fn gsm_7_parts_hold_160_or_153_septets() {
        use Encoding::Gsm7;
        assert_eq!(parts(""), (Gsm7, 0, 0));
        assert_eq!(parts(&"a".repeat(160)), (Gsm7, 160, 1));
        assert_eq!(parts(&"a".repeat(161)), (Gsm7, 161, 2));
        assert_eq!(parts(&"a".repeat(306)), (Gsm7, 306, 2));
        assert_eq!(parts(&"a".repeat(307)), (Gsm7, 307, 3));
        assert_eq!(parts(&"€".repeat(80)), (Gsm7, 160, 1));
    }

    #[test]
    fn an_escaped_character_is_not_split_over_two_parts() {
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(20));
        assert_eq!(parts(&text), (Encoding::Gsm7, 174, 2));
        // 153 septets would fill the first part exactly; the pair does not fit and moves on whole.
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(152));
        assert_eq!(parts(&text), (Encoding::Gsm7, 306, 3));
    }

    #[test]
    fn ucs_2_parts_hold_70_or_67_units() {
        use Encoding::Ucs2;
        assert_eq!(parts(&"á".repeat(70)), (Ucs2, 70, 1));
        assert_eq!(parts(&"á".repeat(71)), (Ucs2, 71, 2));
        assert_eq!(parts(&"á".repeat(134)), (Ucs2, 134, 2));
        assert_eq!(parts(&"á".repeat(135)), (Ucs2, 135, 3));
        assert_eq!(parts(&"🔧".repeat(35)), (Ucs2, 70, 1));
        assert_eq!(parts(&"🔧".repeat(36)), (Ucs2, 72, 2));
    }

    #[test]
    fn what_flips_a_text_and_what_does_not() {
        for c in "‘’“”–—…`áíóúçâêîôû".chars() {
            assert_eq!(Segments::of(&c.to_string()).encoding, Encoding::Ucs2, "{c}");
        }
        for c in "éèùìòàÇñæøåäöüß£¥¿¡".chars() {
            assert_eq!(Segments::of(&c.to_string()).encoding, Encoding::Gsm7, "{c}");
        }
    }

    const ANA: &str = "Acme Heating: Hi Ana, you didn't finish booking your AC repair. Pick a time here: \
        https://book.acmeheating.com/r/Ab3dE6gH9kL Reply STOP to opt out";

    #[test]
    fn an_accent_falls_only_where_that_saves_a_part() {
        assert_eq!(parts(ANA), (Encoding::Gsm7, 146, 1));
        let maria = ANA.replace("Ana", "María");
        assert_eq!(parts(&maria), (Encoding::Ucs2, 148, 3));
        assert_eq!(fewest_parts(&maria), ANA.replace("Ana", "Maria"));
        assert_eq!(fewest_parts("Hola, María"), "Hola, María");
        assert_eq!(fewest_parts("Mañana en Ávila"), "Mañana en Ávila");
    }

    #[test]
    fn typographic_punctuation_becomes_plain() {
        assert_eq!(
            fewest_parts("“Don’t” – wait… now"),
            "\"Don't\" - wait... now"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_counted_and_never_gets_dearer(text in ".{0,400}") {
            let before = Segments::of(&text);
            prop_assert_eq!(before.parts == 0, text.is_empty());
            let cheaper = fewest_parts(&text);
            prop_assert!(Segments::of(&cheaper).parts <= before.parts);
            prop_assert_eq!(fewest_parts(&cheaper), cheaper.clone());
        }

        #[test]
        fn parts_are_neither_overfull_nor_wasted(text in "[a-z€~á🔧]{0,700}") {
            let Segments { encoding, units, parts } = Segments::of(&text);
            let (single, several) = match encoding { Encoding::Gsm7 => (160, 153), Encoding::Ucs2 => (70, 67) };
            if units <= single {
                prop_assert!(parts <= 1);
            } else {
                prop_assert!(units <= parts * several);
                // At most one unit is left over in each part.
                prop_assert!(units > (parts - 1) * (several - 1));
            }
        }
    }
}
