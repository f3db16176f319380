//! Addresses: which parts a region asks for, what it calls them, and its states where the list is
//! closed. The postal code is asked at the first step and has its own rule, [`super::postal`].

use super::Region;

/// One part of an address, as a page asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressField {
    /// Which part.
    pub part: AddressPart,
    /// Locale key of the label.
    pub label: &'static str,
    /// Whether it must be filled in.
    pub required: bool,
    /// The `autocomplete` token browsers know it by.
    pub autocomplete: &'static str,
    /// What may be chosen; empty where it is written freely.
    pub choices: &'static [Choice],
}

/// The parts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressPart {
    /// House number and street.
    Street,
    /// Flat, suite, unit.
    Unit,
    /// City, town or suburb.
    City,
    /// State, province, territory or county.
    State,
}

/// A state, province, territory or county of a closed list. Names are proper names: not translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is stored and sent: `AZ`. Where a region has no codes, the name.
    pub code: &'static str,
    /// What people read: `Arizona`.
    pub name: &'static str,
}

/// The text names no state of the region's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state of this region")]
pub struct NotAState;

impl Region {
    /// The parts of an address in the order this region writes them, without the postal code.
    pub const fn address(self) -> &'static [AddressField] {
        match self {
            Region::UnitedStates => &US_ADDRESS,
            Region::Canada => &CA_ADDRESS,
            Region::UnitedKingdom => &UK_ADDRESS,
            Region::Ireland => &IE_ADDRESS,
            Region::Australia => &AU_ADDRESS,
            Region::NewZealand => &NZ_ADDRESS,
            Region::Other => &OTHER_ADDRESS,
        }
    }

    /// The field of one part; `None` where the region does not ask for it.
    pub fn address_field(self, part: AddressPart) -> Option<&'static AddressField> {
        self.address().iter().find(|field| field.part == part)
    }

    /// A state as it is stored: `arizona` and `az` become `AZ`. Written freely where the region has no
    /// closed list; empty stays empty (whether it may is [`AddressField::required`]).
    pub fn state(self, text: &str) -> Result<String, NotAState> {
        let text = text.trim();
        let choices = self
            .address_field(AddressPart::State)
            .map_or(&[][..], |field| field.choices);
        if text.is_empty() || choices.is_empty() {
            return Ok(text.to_owned());
        }
        choices
            .iter()
            .find(|choice| {
                choice.code.eq_ignore_ascii_case(text) || choice.name.eq_ignore_ascii_case(text)
            })
            .map(|choice| choice.code.to_owned())
            .ok_or(NotAState)
    }

    /// The state as ServiceTitan gets it. Its addresses require one, also where the post does without
    /// (the United Kingdom, New Zealand): there the town stands in.
    pub fn state_or_city<'a>(self, state: &'a str, city: &'a str) -> &'a str {
        if state.is_empty() { city } else { state }
    }
}

const fn field(
    part: AddressPart,
    label: &'static str,
    required: bool,
    autocomplete: &'static str,
) -> AddressField {
    AddressField {
        part,
        label,
        required,
        autocomplete,
        choices: &[],
    }
}

const STREET: AddressField = field(AddressPart::Street, "field-street", true, "address-line1");
const UNIT: AddressField = field(AddressPart::Unit, "field-unit", false, "address-line2");
const TOWN: AddressField = field(AddressPart::City, "field-town", true, "address-level2");

const fn state(label: &'static str, choices: &'static [Choice]) -> AddressField {
    AddressField {
        part: AddressPart::State,
        label,
        required: true,
        autocomplete: "address-level1",
        choices,
    }
}

const fn city(label: &'static str) -> AddressField {
    AddressField { label, ..TOWN }
}

static US_ADDRESS: [AddressField; 4] = [
    STREET,
    UNIT,
    city("field-city"),
    state("field-state", US_STATES),
];
static CA_ADDRESS: [AddressField; 4] = [
    STREET,
    UNIT,
    city("field-city"),
    state("field-province", CA_PROVINCES),
];
static UK_ADDRESS: [AddressField; 3] = [STREET, UNIT, TOWN];
static IE_ADDRESS: [AddressField; 4] = [STREET, UNIT, TOWN, state("field-county", IE_COUNTIES)];
static AU_ADDRESS: [AddressField; 4] = [
    STREET,
    UNIT,
    city("field-suburb"),
    state("field-state-territory", AU_STATES),
];
static NZ_ADDRESS: [AddressField; 3] = [STREET, UNIT, TOWN];
static OTHER_ADDRESS: [AddressField; 4] = [
    STREET,
    UNIT,
    TOWN,
    AddressField {
        required: false,
        ..state("field-region", &[])
    },
];

macro_rules! choices {
    ($($code:literal $name:literal),+ $(,)?) => { &[$(Choice { code: $code, name: $name }),+] };
}

macro_rules! names {
    ($($name:literal),+ $(,)?) => { &[$(Choice { code: $name, name: $name }),+] };
}

/// States, the federal district, territories and the post's own codes for the armed forces (USPS
/// Publication 28, appendix B).
const US_STATES: &[Choice] = choices![
    "AL" "Alabama", "AK" "Alaska", "AZ" "Arizona", "AR" "Arkansas", "CA" "California", "CO" "Colorado",
    "CT" "Connecticut", "DE" "Delaware", "DC" "District of Columbia", "FL" "Florida", "GA" "Georgia",
    "HI" "Hawaii", "ID" "Idaho", "IL" "Illinois", "IN" "Indiana", "IA" "Iowa", "KS" "Kansas",
    "KY" "Kentucky", "LA" "Louisiana", "ME" "Maine", "MD" "Maryland", "MA" "Massachusetts",
    "MI" "Michigan", "MN" "Minnesota", "MS" "Mississippi", "MO" "Missouri", "MT" "Montana",
    "NE" "Nebraska", "NV" "Nevada", "NH" "New Hampshire", "NJ" "New Jersey", "NM" "New Mexico",
    "NY" "New York", "NC" "North Carolina", "ND" "North Dakota", "OH" "Ohio", "OK" "Oklahoma",
    "OR" "Oregon", "PA" "Pennsylvania", "RI" "Rhode Island", "SC" "South Carolina",
    "SD" "South Dakota", "TN" "Tennessee", "TX" "Texas", "UT" "Utah", "VT" "Vermont", "VA" "Virginia",
    "WA" "Washington", "WV" "West Virginia", "WI" "Wisconsin", "WY" "Wyoming",
    "AS" "American Samoa", "GU" "Guam", "MP" "Northern Mariana Islands", "PR" "Puerto Rico",
    "VI" "U.S. Virgin Islands", "AA" "Armed Forces Americas", "AE" "Armed Forces Europe",
    "AP" "Armed Forces Pacific",
];

/// Provinces and territories (Canada Post).
const CA_PROVINCES: &[Choice] = choices![
    "AB" "Alberta", "BC" "British Columbia", "MB" "Manitoba", "NB" "New Brunswick",
    "NL" "Newfoundland and Labrador", "NT" "Northwest Territories", "NS" "Nova Scotia", "NU" "Nunavut",
    "ON" "Ontario", "PE" "Prince Edward Island", "QC" "Quebec", "SK" "Saskatchewan", "YT" "Yukon",
];

/// The twenty-six counties.
const IE_COUNTIES: &[Choice] = names![
    "Carlow",
    "Cavan",
    "Clare",
    "Cork",
    "Donegal",
    "Dublin",
    "Galway",
    "Kerry",
    "Kildare",
    "Kilkenny",
    "Laois",
    "Leitrim",
    "Limerick",
    "Longford",
    "Louth",
    "Mayo",
    "Meath",
    "Monaghan",
    "Offaly",
    "Roscommon",
    "Sligo",
    "Tipperary",
    "Waterford",
    "Westmeath",
    "Wexford",
    "Wicklow",
];

/// States and mainland territories (Australia Post).
const AU_STATES: &[Choice] = choices![
    "ACT" "Australian Capital Territory", "NSW" "New South Wales", "NT" "Northern Territory",
    "QLD" "Queensland", "SA" "South Australia", "TAS" "Tasmania", "VIC" "Victoria",
    "WA" "Western Australia",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_by_code_or_name() {
        assert_eq!(Region::UnitedStates.state("arizona").as_deref(), Ok("AZ"));
        assert_eq!(Region::UnitedStates.state(" az ").as_deref(), Ok("AZ"));
        assert_eq!(Region::UnitedStates.state("Ontario"), Err(NotAState));
        assert_eq!(Region::Canada.state("on").as_deref(), Ok("ON"));
        assert_eq!(Region::Ireland.state("dublin").as_deref(), Ok("Dublin"));
        assert_eq!(Region::Australia.state("NSW").as_deref(), Ok("NSW"));
        assert_eq!(Region::NewZealand.state("Otago").as_deref(), Ok("Otago"));
        assert_eq!(
            Region::Other.state("Comunidad de Madrid").as_deref(),
            Ok("Comunidad de Madrid")
        );
    }

    #[test]
    fn every_region_asks_for_street_and_town_and_no_part_twice() {
        for region in Region::ALL {
            let parts: Vec<_> = region.address().iter().map(|field| field.part).collect();
            assert!(parts.starts_with(&[
                AddressPart::Street,
                AddressPart::Unit,
                AddressPart::City
            ]));
            let state = region.address_field(AddressPart::State);
            assert_eq!(parts.len(), 3 + usize::from(state.is_some()));
        }
    }

    #[test]
    fn a_list_names_nothing_twice() {
        for region in Region::ALL {
            let choices = region
                .address_field(AddressPart::State)
                .map_or(&[][..], |field| field.choices);
            for (i, choice) in choices.iter().enumerate() {
                let others = &choices[i + 1..];
                assert!(
                    others
                        .iter()
                        .all(|other| other.code != choice.code && other.name != choice.name)
                );
            }
        }
        assert_eq!(US_STATES.len(), 51 + 5 + 3);
        assert_eq!(CA_PROVINCES.len(), 13);
        assert_eq!(IE_COUNTIES.len(), 26);
    }

    #[test]
    fn where_the_post_needs_no_state_the_town_stands_in() {
        assert_eq!(Region::UnitedKingdom.state_or_city("", "Leeds"), "Leeds");
        assert_eq!(Region::UnitedStates.state_or_city("AZ", "Phoenix"), "AZ");
    }
}
