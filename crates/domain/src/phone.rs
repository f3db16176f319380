//! Phone numbers: read as the business's region writes them, kept as E.164, shown as people dial them,
//! and whether a text could reach them. Whether one may be sent is [`crate::follow_up`]'s question.

use rlibphonenumber::{
    NumberLengthType, ParseError, PhoneNumber, PhoneNumberFormat, PhoneNumberType,
    Region as Country, ValidationError,
};
use serde::{Deserialize, Serialize};

use crate::region::Region;

/// A phone number that can exist, in E.164: `+16025550142`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// What is wrong with what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing was typed.
    #[error("no phone number")]
    Empty,
    /// Not a phone number at all.
    #[error("not a phone number")]
    NotANumber,
    /// Digits are missing.
    #[error("the phone number is too short")]
    TooShort,
    /// There are digits too many.
    #[error("the phone number is too long")]
    TooLong,
    /// The right length, but no such number is given out.
    #[error("no such phone number")]
    NoSuchNumber,
    /// It begins with a country code that no country has.
    #[error("unknown country code")]
    UnknownCountry,
    /// Where we do not know the business's country, a number must begin with its own.
    #[error("the phone number needs its country code")]
    CountryMissing,
}

/// Why a text could not reach a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTextable {
    /// The caller pays nothing, the owner is a company.
    #[error("a toll-free number")]
    TollFree,
    /// Calls cost extra: premium rate, shared cost, personal numbers.
    #[error("a premium-rate number")]
    Premium,
    /// A landline, where the number tells.
    #[error("a landline")]
    Landline,
    /// A pager, a voicemail box, a company's access number, a number over the internet.
    #[error("not a mobile phone")]
    NotMobile,
    /// Of another country than the business: texts stay at home, which also keeps fraud out.
    #[error("a number of another country")]
    OtherCountry,
}

impl Phone {
    /// Reads what somebody typed: `(602) 555-0142`, `602.555.0142`, `+44 7700 900123`. An extension is
    /// left out.
    pub fn parse(typed: &str, region: Region) -> Result<Phone, PhoneError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(PhoneError::Empty);
        }
        if typed.len() > LONGEST_TYPED {
            return Err(PhoneError::TooLong);
        }
        let digits = typed.chars().filter(|c| c.is_numeric()).count();
        if digits == 0 {
            return Err(PhoneError::NotANumber);
        }
        if let Some(phone) = north_american(typed, region) {
            return Ok(phone);
        }
        let number = PhoneNumber::parse(typed, country(region))
            .map_err(|error| refusal(&error, region, digits))?;
        exists(&number)?;
        // Germany has given out longer ones than E.164 allows; no carrier takes them.
        Phone::from_e164(&number.format_as(PhoneNumberFormat::E164)).ok_or(PhoneError::TooLong)
    }

    /// A number as it is stored or as a carrier sends it: `+` and 7 to 15 digits.
    pub fn from_e164(text: &str) -> Option<Phone> {
        let digits = text.strip_prefix('+')?;
        let fits = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        fits.then(|| Phone(text.to_owned()))
    }

    /// E.164: what is stored and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people of `region` dial it: `(602) 555-0142` at home, `+44 7700 900123` for a foreign one.
    pub fn shown_in(&self, region: Region) -> String {
        let Some(number) = self.number() else {
            return self.0.clone();
        };
        let home = calling_code(region) == Some(number.country_code);
        let format = if home {
            PhoneNumberFormat::National
        } else {
            PhoneNumberFormat::International
        };
        number.format_as(format).into_owned()
    }

    /// Enough to recognise one's own number and no more: `•••-•••-0142`.
    pub fn masked(&self) -> String {
        let last_four = &self.0[self.0.len() - 4..];
        format!("•••-•••-{last_four}")
    }

    /// Whether a text of a business in `region` could reach it. North American numbers do not tell
    /// landlines from mobiles; there the carrier is the one to say.
    pub fn can_receive_text(&self, region: Region) -> Result<(), NotTextable> {
        let Some(number) = self.number() else {
            return Err(NotTextable::NotMobile);
        };
        let kind = if is_for_fiction(&number) {
            PhoneNumberType::Mobile
        } else {
            number.get_type()
        };
        match kind {
            PhoneNumberType::TollFree => return Err(NotTextable::TollFree),
            PhoneNumberType::PremiumRate | PhoneNumberType::SharedCost => {
                return Err(NotTextable::Premium);
            }
            // In North America these are virtual mobile numbers (Twilio's test numbers among them);
            // elsewhere callers pay for the forwarding.
            PhoneNumberType::PersonalNumber if !is_north_american(&number) => {
                return Err(NotTextable::Premium);
            }
            PhoneNumberType::FixedLine if !is_north_american(&number) => {
                return Err(NotTextable::Landline);
            }
            PhoneNumberType::VoIP
            | PhoneNumberType::Pager
            | PhoneNumberType::UAN
            | PhoneNumberType::VoiceMail => return Err(NotTextable::NotMobile),
            PhoneNumberType::FixedLine
            | PhoneNumberType::Mobile
            | PhoneNumberType::FixedLineOrMobile
            | PhoneNumberType::PersonalNumber
            | PhoneNumberType::Unknown => {}
        }
        if is_at_home(&number, region) {
            Ok(())
        } else {
            Err(NotTextable::OtherCountry)
        }
    }

    fn number(&self) -> Option<PhoneNumber> {
        PhoneNumber::parse(&self.0, None).ok()
    }
}

impl PhoneError {
    /// Locale key of the sentence for the person who typed it.
    pub const fn key(self) -> &'static str {
        match self {
            PhoneError::Empty => "error-phone-empty",
            PhoneError::NotANumber => "error-phone-not-a-number",
            PhoneError::TooShort => "error-phone-too-short",
            PhoneError::TooLong => "error-phone-too-long",
            PhoneError::NoSuchNumber => "error-phone-no-such-number",
            PhoneError::UnknownCountry => "error-phone-unknown-country",
            PhoneError::CountryMissing => "error-phone-country-missing",
        }
    }
}

impl NotTextable {
    /// Locale key of the sentence for staff.
    pub const fn key(self) -> &'static str {
        match self {
            NotTextable::TollFree => "phone-toll-free",
            NotTextable::Premium => "phone-premium",
            NotTextable::Landline => "phone-landline",
            NotTextable::NotMobile => "phone-not-mobile",
            NotTextable::OtherCountry => "phone-other-country",
        }
    }
}

impl std::fmt::Display for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> String {
        phone.0
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Phone, PhoneError> {
        Phone::from_e164(&text).ok_or(PhoneError::NotANumber)
    }
}

/// Longer than any number with its punctuation and an extension.
const LONGEST_TYPED: usize = 64;

/// The country whose numbers are written without a country code.
fn country(region: Region) -> Option<Country> {
    Some(match region {
        Region::UnitedStates => Country::US,
        Region::Canada => Country::CA,
        Region::UnitedKingdom => Country::GB,
        Region::Ireland => Country::IE,
        Region::Australia => Country::AU,
        Region::NewZealand => Country::NZ,
        Region::Other => return None,
    })
}

/// What stands after the `+` of the region's numbers (ITU E.164).
const fn calling_code(region: Region) -> Option<i32> {
    Some(match region {
        Region::UnitedStates | Region::Canada => NORTH_AMERICA,
        Region::UnitedKingdom => 44,
        Region::Ireland => 353,
        Region::Australia => 61,
        Region::NewZealand => 64,
        Region::Other => return None,
    })
}

const NORTH_AMERICA: i32 = 1;

fn is_north_american(number: &PhoneNumber) -> bool {
    number.country_code == NORTH_AMERICA
}

/// Texts stay in the business's country; the United States (with their territories) and Canada are one
/// network. Where the country is not known, wherever it is.
fn is_at_home(number: &PhoneNumber, region: Region) -> bool {
    let Some(home) = calling_code(region) else {
        return true;
    };
    number.country_code == home
        && (home != NORTH_AMERICA
            || number
                .get_region_code()
                .is_none_or(|country| UNITED_STATES_AND_CANADA.contains(&country)))
}

const UNITED_STATES_AND_CANADA: &[Country] = &[
    Country::US,
    Country::CA,
    Country::PR,
    Country::VI,
    Country::GU,
    Country::AS,
    Country::MP,
];

fn refusal(error: &ParseError, region: Region, digits: usize) -> PhoneError {
    match error {
        ParseError::InvalidCountryCode if country(region).is_none() => PhoneError::CountryMissing,
        ParseError::InvalidCountryCode => PhoneError::UnknownCountry,
        ParseError::NotANumber(_) if digits <= 2 => PhoneError::TooShort,
        ParseError::NotANumber(_) => PhoneError::NotANumber,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneError::TooShort,
        ParseError::TooLongNsn => PhoneError::TooLong,
    }
}

/// Whether such a number can be somebody's: by the library's plan. Numbering plans grow faster than libraries, so
/// in North America the shape is enough.
fn exists(number: &PhoneNumber) -> Result<(), PhoneError> {
    // The library, which is dear, last.
    if has_north_american_shape(number) || is_for_fiction(number) || number.is_valid() {
        return Ok(());
    }
    Err(match number.is_possible_with_reason() {
        Err(ValidationError::TooShort) | Ok(NumberLengthType::IsPossibleLocalOnly) => {
            PhoneError::TooShort
        }
        Err(ValidationError::TooLong) => PhoneError::TooLong,
        Err(ValidationError::InvalidCountryCode) => PhoneError::UnknownCountry,
        Err(ValidationError::InvalidLength) | Ok(NumberLengthType::IsPossible) => {
            PhoneError::NoSuchNumber
        }
    })
}

/// A North American number as most people there type it: ten digits, perhaps a 1 before them, and nothing but spaces
/// and `().-` between. The library, which reads everything else, would say the same, and takes a hundred times as long.
fn north_american(typed: &str, region: Region) -> Option<Phone> {
    if calling_code(region) != Some(NORTH_AMERICA) {
        return None;
    }
    let mut digits = String::with_capacity(11);
    for character in typed.chars() {
        match character {
            '0'..='9' if digits.len() < 11 => digits.push(character),
            ' ' | '(' | ')' | '.' | '-' if !digits.is_empty() || character == '(' => {}
            _ => return None,
        }
    }
    let national = match digits.len() {
        10 => digits.as_str(),
        11 => digits.strip_prefix('1')?,
        _ => return None,
    };
    has_north_american_digits(national).then(|| Phone(format!("+1{national}")))
}

fn has_north_american_shape(number: &PhoneNumber) -> bool {
    is_north_american(number) && has_north_american_digits(&number.national_number.to_string())
}

/// `NXX NXX XXXX`: N from 2 to 9, neither area nor exchange ending in 11, no area with a 9 in the
/// middle (North American Numbering Plan).
fn has_north_american_digits(digits: &str) -> bool {
    let [a, b, c, d, e, f, ..] = *digits.as_bytes() else {
        return false;
    };
    digits.len() == 10
        && a >= b'2'
        && b != b'9'
        && [b, c] != *b"11"
        && d >= b'2'
        && [e, f] != *b"11"
}

/// Numbers a plan keeps free for drama, where the library calls them invalid: Ofcom's mobile ones,
/// 07700 900000 to 900999. (North America's 555-01xx pass as they are.)
fn is_for_fiction(number: &PhoneNumber) -> bool {
    number.country_code == 44 && (7_700_900_000..=7_700_900_999).contains(&number.national_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Region::{Australia, Canada, Ireland, NewZealand, Other, UnitedKingdom, UnitedStates};
    use proptest::prelude::*;

    fn phone(typed: &str, region: Region) -> Phone {
        Phone::parse(typed, region).unwrap()
    }

    #[test]
    fn a_number_longer_than_e164_allows_is_too_long() {
        let long = Phone::parse("+4920100000000000", UnitedStates);
        assert_eq!(long, Err(PhoneError::TooLong));
    }

    #[test]
    fn each_region_types_its_numbers_its_own_way() {
        let cases = [
            (
                UnitedStates,
                "602-555-0142",
                "+16025550142",
                "(602) 555-0142",
            ),
            (
                UnitedStates,
                " (602) 555.1234 ",
                "+16025551234",
                "(602) 555-1234",
            ),
            (
                UnitedStates,
                "1 602 555 0100 ext. 7",
                "+16025550100",
                "(602) 555-0100",
            ),
            (
                UnitedStates,
                "+44 7700 900123",
                "+447700900123",
                "+44 7700 900123",
            ),
            (Canada, "416-555-0123", "+14165550123", "(416) 555-0123"),
            (
                UnitedKingdom,
                "07700 900123",
                "+447700900123",
                "07700 900123",
            ),
            (
                UnitedKingdom,
                "020 7946 0018",
                "+442079460018",
                "020 7946 0018",
            ),
            (Ireland, "085 012 3456", "+353850123456", "085 012 3456"),
            (Australia, "0491 570 156", "+61491570156", "0491 570 156"),
            (NewZealand, "021 123 4567", "+64211234567", "021 123 4567"),
            (Other, "+34 612 345 678", "+34612345678", "+34 612 34 56 78"),
        ];
        for (region, typed, kept, shown) in cases {
            let phone = phone(typed, region);
            assert_eq!(phone.as_str(), kept, "{region} {typed}");
            assert_eq!(phone.shown_in(region), shown, "{region} {typed}");
        }
    }

    #[test]
    fn the_short_way_is_for_plain_north_american_numbers() {
        for typed in [
            "6025550142",
            "(602) 555-0142",
            "1 602.555.0142",
            "1-602-555-0142",
        ] {
            let short = north_american(typed, Canada);
            assert_eq!(short, Phone::from_e164("+16025550142"), "{typed}");
        }
        for typed in [
            "+16025550142",
            "602-555-014",
            "602-555-01422",
            "602-555-0142 x7",
            "911-555-0142",
        ] {
            assert_eq!(north_american(typed, Canada), None, "{typed}");
        }
        assert_eq!(north_american("602-555-0142", UnitedKingdom), None);
    }

    #[test]
    fn every_fictional_number_of_the_demo_is_a_number() {
        for last in 0..10_000 {
            let phone = phone(&format!("602-555-{last:04}"), UnitedStates);
            assert_eq!(phone.as_str(), format!("+1602555{last:04}"));
            assert_eq!(phone.can_receive_text(UnitedStates), Ok(()));
        }
        // A new area code the library has not heard of.
        assert!(Phone::parse("(555) 555-0142", UnitedStates).is_ok());
    }

    #[test]
    fn a_wrong_number_is_refused_with_its_reason() {
        let long = "6".repeat(2_000_000);
        let cases = [
            (UnitedStates, "", PhoneError::Empty),
            (UnitedStates, "   ", PhoneError::Empty),
            (UnitedStates, "call me", PhoneError::NotANumber),
            (
                UnitedStates,
                "<script>1234567</script>",
                PhoneError::NotANumber,
            ),
            (UnitedStates, "6", PhoneError::TooShort),
            (UnitedStates, "555-0142", PhoneError::TooShort),
            (UnitedStates, "602-555-014", PhoneError::TooShort),
            (UnitedStates, "602-555-01422", PhoneError::TooLong),
            (UnitedStates, &long, PhoneError::TooLong),
            (UnitedStates, "102-555-0142", PhoneError::NoSuchNumber),
            (UnitedStates, "911-555-0142", PhoneError::NoSuchNumber),
            (UnitedStates, "602-155-0142", PhoneError::NoSuchNumber),
            (UnitedStates, "+999 123 456 78", PhoneError::UnknownCountry),
            (UnitedKingdom, "07700 9001", PhoneError::NoSuchNumber),
            (UnitedKingdom, "602-555-0142", PhoneError::NoSuchNumber),
            (Other, "612 345 678", PhoneError::CountryMissing),
        ];
        for (region, typed, wrong) in cases {
            assert_eq!(
                Phone::parse(typed, region),
                Err(wrong),
                "{region} {:.40}",
                typed
            );
        }
    }

    #[test]
    fn not_every_number_can_get_a_text() {
        let cases = [
            (UnitedStates, "1 800 356 9377", Err(NotTextable::TollFree)),
            (UnitedStates, "900-555-0142", Err(NotTextable::Premium)),
            (
                UnitedStates,
                "+1 876 555 0142",
                Err(NotTextable::OtherCountry),
            ),
            (UnitedStates, "416-555-0123", Ok(())),
            (UnitedStates, "787-555-0123", Ok(())),
            // Twilio's own test number.
            (UnitedStates, "+15005550006", Ok(())),
            (
                UnitedStates,
                "+44 7700 900123",
                Err(NotTextable::OtherCountry),
            ),
            (UnitedKingdom, "07700 900123", Ok(())),
            (Ireland, "085 012 3456", Ok(())),
            (Australia, "0491 570 156", Ok(())),
            (NewZealand, "021 123 4567", Ok(())),
            (UnitedKingdom, "020 7946 0018", Err(NotTextable::Landline)),
            (UnitedKingdom, "0800 123 4567", Err(NotTextable::TollFree)),
            (UnitedKingdom, "070 1234 5678", Err(NotTextable::Premium)),
            (
                UnitedKingdom,
                "+353 85 012 3456",
                Err(NotTextable::OtherCountry),
            ),
            (Australia, "02 5550 1234", Err(NotTextable::Landline)),
            (Australia, "1300 975 707", Err(NotTextable::Premium)),
            (Other, "+34 612 345 678", Ok(())),
        ];
        for (region, typed, textable) in cases {
            assert_eq!(
                phone(typed, region).can_receive_text(region),
                textable,
                "{region} {typed}"
            );
        }
    }

    #[test]
    fn a_masked_number_shows_its_last_four_digits() {
        assert_eq!(phone("602-555-0142", UnitedStates).masked(), "•••-•••-0142");
        assert_eq!(
            phone("07700 900123", UnitedKingdom).masked(),
            "•••-•••-0123"
        );
    }

    #[test]
    fn a_stored_number_is_read_back_and_nothing_else_is() {
        let kept = phone("602-555-0142", UnitedStates);
        let json = serde_json::to_string(&kept).unwrap();
        assert_eq!(json, r#""+16025550142""#);
        assert_eq!(serde_json::from_str::<Phone>(&json).unwrap(), kept);
        for wrong in [
            "6025550142",
            "+",
            "+0123456789",
            "+1602555014x",
            "+1234567890123456",
            "12345",
            "+٣٣٣٣٣٣٣٣",
        ] {
            assert_eq!(Phone::from_e164(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(typed in ".{0,80}") {
            answers(&typed)?;
        }

        #[test]
        fn any_likely_text_gets_an_answer(typed in "[+＋]?[0-9٠-٩ ().;=#*x,/~a-z-]{0,40}") {
            answers(&typed)?;
        }

        #[test]
        fn the_short_way_reads_what_the_library_reads(typed in "[(]?1?[-(). ]{0,2}[2-9][0-9]{2}[-(). ]{0,3}[2-9][0-9]{2}[-(). ]{0,2}[0-9]{4}[-. )]{0,2}") {
            for region in [UnitedStates, Canada] {
                if let Some(phone) = north_american(&typed, region) {
                    let number = PhoneNumber::parse(&typed, country(region)).unwrap();
                    prop_assert!(exists(&number).is_ok());
                    prop_assert_eq!(number.format_as(PhoneNumberFormat::E164), phone.as_str());
                }
            }
        }

        #[test]
        fn any_stored_number_can_be_shown(digits in "[1-9][0-9]{6,14}") {
            let phone = Phone::from_e164(&format!("+{digits}")).unwrap();
            for &region in Region::ALL {
                prop_assert!(!phone.shown_in(region).is_empty());
                let _ = phone.can_receive_text(region);
            }
            prop_assert!(phone.masked().ends_with(&digits[digits.len() - 4..]));
        }
    }

    /// No panic, and a number that was taken once is taken again.
    fn answers(typed: &str) -> Result<(), TestCaseError> {
        for &region in Region::ALL {
            if let Ok(phone) = Phone::parse(typed, region) {
                prop_assert_eq!(Phone::from_e164(phone.as_str()), Some(phone.clone()));
                prop_assert_eq!(Phone::parse(phone.as_str(), region), Ok(phone.clone()));
            }
        }
        Ok(())
    }
}
