//! What a form sent: names and values as typed, cleaned of what no keyboard makes. Repeated and numbered
//! fields (`service-0-title`) are read in order.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;

use crate::error::Error;

/// The fields of one form.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| Error::TooLarge)?;
        Ok(Self::read(&body))
    }
}

/// The number in an address such as `/office/leads/7`; what is no number names nothing.
#[derive(Clone, Copy, Debug)]
pub struct Number(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::NotFound)?;
        text.parse().map(Self).map_err(|_| Error::NotFound)
    }
}

/// The query of an address, read with the same patience: what is not understood counts as not said.
pub struct Asked(pub Fields);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(Fields::read(query.as_bytes())))
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Fields {
    /// Reads an `application/x-www-form-urlencoded` body. What is not UTF-8 is shown as such.
    pub fn read(body: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(body);
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), clean(&value)))
                .collect(),
        )
    }

    /// The value of a field, trimmed; empty when it was not sent.
    pub fn one(&self, name: &str) -> String {
        self.raw(name).trim().to_owned()
    }

    /// The value of a field as it was typed: for passwords.
    pub fn raw(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The value of a field that was filled in.
    pub fn some(&self, name: &str) -> Option<String> {
        Some(self.one(name)).filter(|value| !value.is_empty())
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let of_name = move |(key, _): &&(String, String)| key == name;
        self.0
            .iter()
            .filter(of_name)
            .map(|(_, value)| value.as_str())
    }

    /// Every field as it came.
    #[cfg(test)]
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// The numbers of a list's rows (`service-0-…`, `service-3-…`), in the order they were sent.
    pub fn rows(&self, list: &str) -> Vec<u32> {
        let mut numbers = Vec::new();
        for (key, _) in &self.0 {
            let number = key
                .strip_prefix(list)
                .and_then(|rest| rest.strip_prefix('-'))
                .and_then(|rest| rest.split_once('-'))
                .and_then(|(number, _)| number.parse().ok());
            if let Some(number) = number
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        }
        numbers
    }
}

/// Line breaks become one kind; other control characters go (PostgreSQL's TEXT cannot hold U+0000).
fn clean(value: &str) -> String {
    value
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cleaned_and_rows_keep_their_order() {
        let fields = Fields::read(
            b"name=+Dana%00+Ruiz+&note=a%0D%0Ab&service-4-title=B&service-4-help=&service-0-title=A&service-x-title=C&bad=%FF",
        );
        assert_eq!(fields.one("name"), "Dana Ruiz");
        assert_eq!(fields.one("note"), "a\nb");
        assert_eq!(fields.one("nothing"), "");
        assert_eq!(fields.rows("service"), [4, 0]);
        assert_eq!(fields.one("bad"), "\u{fffd}");
    }
}
