//! The shape of request bodies, as tables, and the check against them. The tables themselves stand
//! beside the records they make (`bookings.rs`, `leads.rs`); their source is ServiceTitan's published
//! OpenAPI documents, where every schema says `additionalProperties: false`.

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::chance;

/// One field of a request body.
#[derive(Debug)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it may be `null`.
    pub nullable: bool,
}

/// What a field may hold.
#[derive(Debug)]
pub enum Kind {
    /// A string; when required, not blank (the specification does not say; the strict reading).
    Text,
    /// A string that may be blank even where it is required.
    BlankText,
    /// A whole number of 64 bits, written as a number.
    Int64,
    /// Any number.
    Number,
    /// `true` or `false`.
    Bool,
    /// RFC 3339 with `Z` or an offset, like `2026-05-14T16:00:00Z`.
    DateTime,
    /// One of these strings, written exactly so.
    OneOf(&'static [&'static str]),
    /// An object of these fields and no others.
    Object(&'static [Field]),
    /// A list of such values.
    List(&'static Kind),
}

/// A field that must be there.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: true,
        nullable: false,
    }
}

/// A field that may be left out but not be `null`.
pub(crate) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
        nullable: false,
    }
}

/// A field that may be left out or `null`.
pub(crate) const fn nullable(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
        nullable: true,
    }
}

/// A refusal in ServiceTitan's words: `ApiErrorResponse`, all six members always there.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: String,
    errors: BTreeMap<String, Vec<String>>,
    retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: impl Into<String>) -> Problem {
        Problem {
            status,
            title: title.into(),
            errors: BTreeMap::new(),
            retry_after: None,
        }
    }

    /// 429, to be tried again after so many seconds.
    pub(crate) fn too_many(seconds: u32) -> Problem {
        let title = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
        Problem {
            retry_after: Some(seconds),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, title)
        }
    }

    /// 404 for a record that is not there.
    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            format!("{what} with ID {id} was not found."),
        )
    }

    /// 400 for one field.
    pub(crate) fn field(name: &str, sentence: impl Into<String>) -> Problem {
        Problem::fields(BTreeMap::from([(name.to_owned(), vec![sentence.into()])]))
    }

    fn fields(errors: BTreeMap<String, Vec<String>>) -> Problem {
        Problem {
            status: StatusCode::BAD_REQUEST,
            title: "One or more validation errors occurred.".into(),
            errors,
            retry_after: None,
        }
    }

    pub(crate) fn answer(self) -> Answer {
        let kind = format!("https://httpstatuses.io/{}", self.status.as_u16());
        let body = json!({
            "type": kind,
            "title": self.title,
            "status": self.status.as_u16(),
            "traceId": format!("00-{}-{}-00", chance::hex::<16>(), chance::hex::<8>()),
            "errors": self.errors,
            "data": {},
        });
        let answer = Answer::json(self.status, &body);
        match self.retry_after {
            Some(seconds) => answer.with(header::RETRY_AFTER, seconds.to_string()),
            None => answer,
        }
    }
}

/// The body as `T`, once it has the shape of the table.
pub(crate) fn read<T: DeserializeOwned>(
    call: &Call,
    table: &'static [Field],
) -> Result<T, Problem> {
    if !call.is("application/json") {
        let title = "The body must be sent with Content-Type: application/json.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, title));
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|error| Problem::field("$", format!("The body is not valid JSON: {error}.")))?;
    check(table, &body)?;
    serde_json::from_value(body).map_err(|error| Problem::field("$", error.to_string()))
}

/// Whether the value is an object of these fields; the problem names every field that is wrong.
pub(crate) fn check(table: &'static [Field], body: &Value) -> Result<(), Problem> {
    let mut errors = BTreeMap::new();
    match body {
        Value::Object(fields) => check_object(table, fields, "", &mut errors),
        _ => note(&mut errors, "$", "The body must be a JSON object."),
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::fields(errors))
    }
}

type Errors = BTreeMap<String, Vec<String>>;

fn note(errors: &mut Errors, at: &str, sentence: impl Into<String>) {
    errors
        .entry(at.to_owned())
        .or_default()
        .push(sentence.into());
}

fn check_object(
    table: &'static [Field],
    fields: &Map<String, Value>,
    at: &str,
    errors: &mut Errors,
) {
    for name in fields.keys() {
        if !table.iter().any(|field| field.name == name) {
            note(
                errors,
                &format!("{at}{name}"),
                format!("Could not find member '{name}' on this object."),
            );
        }
    }
    for field in table {
        let place = format!("{at}{}", field.name);
        match fields.get(field.name) {
            None if field.required => note(
                errors,
                &place,
                format!("The {} field is required.", field.name),
            ),
            None => {}
            Some(Value::Null) if field.nullable => {}
            Some(Value::Null) => note(
                errors,
                &place,
                format!("The {} field must not be null.", field.name),
            ),
            Some(Value::String(text))
                if field.required && matches!(field.kind, Kind::Text) && text.trim().is_empty() =>
            {
                note(
                    errors,
                    &place,
                    format!("The {} field must not be blank.", field.name),
                );
            }
            Some(value) => check_value(&field.kind, value, &place, errors),
        }
    }
}

fn check_value(kind: &'static Kind, value: &Value, at: &str, errors: &mut Errors) {
    match (kind, value) {
        (Kind::Text | Kind::BlankText, Value::String(text)) if text.contains('\0') => {
            note(errors, at, "The text must not contain NUL.");
        }
        (Kind::Text | Kind::BlankText, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => {}
        (Kind::Int64, Value::Number(number)) if number.is_i64() => {}
        (Kind::Number, Value::Number(_)) => {}
        (Kind::DateTime, Value::String(text)) if date_time(text).is_some() => {}
        (Kind::OneOf(names), Value::String(text)) if names.contains(&text.as_str()) => {}
        (Kind::OneOf(names), _) => note(
            errors,
            at,
            format!("The value must be one of {}.", names.join(", ")),
        ),
        (Kind::Object(table), Value::Object(fields)) => {
            check_object(table, fields, &format!("{at}."), errors)
        }
        (Kind::List(kind), Value::Array(values)) => {
            for (i, value) in values.iter().enumerate() {
                check_value(kind, value, &format!("{at}[{i}]"), errors);
            }
        }
        (Kind::Text | Kind::BlankText, _) => note(errors, at, "The value must be a string."),
        (Kind::Bool, _) => note(errors, at, "The value must be true or false."),
        (Kind::Int64, _) => note(errors, at, "The value must be a whole number of 64 bits."),
        (Kind::Number, _) => note(errors, at, "The value must be a number."),
        (Kind::DateTime, _) => note(
            errors,
            at,
            "The value must be a date-time like 2026-05-14T16:00:00Z.",
        ),
        (Kind::Object(_), _) => note(errors, at, "The value must be an object."),
        (Kind::List(_), _) => note(errors, at, "The value must be a list."),
    }
}

/// A date-time as RFC 3339 writes it, with `Z` or an offset; nothing looser.
pub(crate) fn date_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shaped = bytes.get(10) == Some(&b'T')
        && bytes
            .iter()
            .all(|b| b.is_ascii_digit() || b"-+:.TZ".contains(b))
        && (text.ends_with('Z')
            || bytes.len() >= 6
                && matches!(bytes[bytes.len() - 6], b'+' | b'-')
                && bytes[bytes.len() - 3] == b':');
    if shaped { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: &[Field] = &[required("zip", Kind::Text), nullable("unit", Kind::Text)];
    const TABLE: &[Field] = &[
        required("name", Kind::Text),
        optional("count", Kind::Int64),
        nullable("start", Kind::DateTime),
        nullable("address", Kind::Object(INNER)),
        nullable("kind", Kind::OneOf(&["Phone", "Email"])),
        nullable("tags", Kind::List(&Kind::Int64)),
    ];

    fn wrong(body: Value) -> Vec<String> {
        match check(TABLE, &body) {
            Ok(()) => Vec::new(),
            Err(problem) => problem.errors.into_keys().collect(),
        }
    }

    #[test]
    fn a_good_body_passes_with_nulls_where_they_may_be() {
        assert!(
            wrong(json!({"name": "Ana", "start": null, "address": null, "tags": [1, 2]}))
                .is_empty()
        );
        assert!(wrong(json!({"name": "Ana", "start": "2026-05-14T09:00:00-07:00", "address": {"zip": "85004", "unit": null}})).is_empty());
    }

    #[test]
    fn everything_wrong_is_named_by_its_place() {
        assert_eq!(wrong(json!({})), ["name"]);
        assert_eq!(wrong(json!({"name": " ", "extra": 1})), ["extra", "name"]);
        assert_eq!(wrong(json!({"name": "A", "count": null})), ["count"]);
        assert_eq!(wrong(json!({"name": "A", "count": "7"})), ["count"]);
        assert_eq!(wrong(json!({"name": "A", "count": 1.5})), ["count"]);
        assert_eq!(
            wrong(json!({"name": "A", "address": {"unit": "2", "phone": "x"}})),
            ["address.phone", "address.zip"]
        );
        assert_eq!(wrong(json!({"name": "A", "kind": "phone"})), ["kind"]);
        assert_eq!(wrong(json!({"name": "A", "tags": [1, "2"]})), ["tags[1]"]);
        assert_eq!(wrong(json!({"name": "A\u{0}"})), ["name"]);
        assert_eq!(wrong(json!([])), ["$"]);
    }

    #[test]
    fn date_times_are_rfc_3339_and_nothing_looser() {
        for good in [
            "2026-05-14T16:00:00Z",
            "2026-05-14T16:00:00.123Z",
            "2026-05-14T09:00:00-07:00",
        ] {
            assert!(date_time(good).is_some(), "{good}");
        }
        for bad in [
            "2026-05-14",
            "2026-05-14T16:00:00",
            "2026-05-14 16:00:00Z",
            "2026-05-14T16:00:00-07:00[America/Phoenix]",
            "soon",
            "2026-13-14T16:00:00Z",
        ] {
            assert!(date_time(bad).is_none(), "{bad}");
        }
    }
}
