//! A form as it is shown again: what stands in each field, and the sentence at each field that is wrong.
//! What was typed stays; secrets never come back out of it.

use crate::office::fields::Fields;

/// A form being filled in.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    fields: Fields,
    troubles: Vec<(String, String)>,
}

impl Sheet {
    /// A form as it stands before anybody has typed.
    pub fn filled(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            fields: values.into_iter().collect(),
            troubles: Vec::new(),
        }
    }

    /// A form as it was sent.
    pub fn sent(fields: Fields) -> Self {
        Self {
            fields,
            troubles: Vec::new(),
        }
    }

    /// What stands in a field, trimmed.
    pub fn value(&self, name: &str) -> String {
        self.fields.one(name)
    }

    /// Whether the field holds this, for choices.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.fields.ticked(name)
    }

    /// Every value of a repeated field that was filled in.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.fields.all(name).map(str::trim);
        values
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The numbers of a list's rows (`service-0-…`), in the order they stand.
    pub fn rows(&self, list: &str) -> Vec<u32> {
        self.fields.rows(list)
    }

    /// Every field as it stands, for a form that is sent on.
    #[cfg(test)]
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.fields.pairs()
    }

    /// A secret, exactly as it was typed.
    pub fn secret(&self, name: &str) -> &str {
        self.fields.raw(name)
    }

    /// What is wrong with a field.
    pub fn trouble(&self, name: &str) -> Option<&str> {
        let found = self.troubles.iter().find(|(field, _)| field == name);
        found.map(|(_, sentence)| sentence.as_str())
    }

    /// Says what is wrong with a field; the first thing said of it stands.
    pub fn wrong(&mut self, name: &str, sentence: String) {
        if self.trouble(name).is_none() {
            self.troubles.push((name.to_owned(), sentence));
        }
    }

    /// Everything that is wrong: the field and the sentence, in the order it was found.
    pub fn troubles(&self) -> &[(String, String)] {
        &self.troubles
    }

    /// Whether nothing is wrong.
    pub fn is_right(&self) -> bool {
        self.troubles.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_beside_what_is_wrong_with_it() {
        let mut sheet = Sheet::sent(Fields::read(b"name=+Dana+&day=1&day=&day=+2&box=on"));
        sheet.wrong("name", "first".into());
        sheet.wrong("name", "second".into());
        assert_eq!(sheet.value("name"), "Dana");
        assert_eq!(sheet.trouble("name"), Some("first"));
        assert_eq!(sheet.troubles(), [("name".into(), "first".into())]);
        assert_eq!(sheet.all("day"), ["1", "2"]);
        assert!(sheet.ticked("box") && !sheet.ticked("other"));
        assert!(!sheet.is_right());
    }
}
