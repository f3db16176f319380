//! Lists: paging (from 1, 1 to 5000 a page, 50 by default), sorting and the filters every list shares.
//! A parameter the specification does not know is refused, where the real one ignores it and returns
//! everything: a misspelt filter should fail here, not in production.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::validation::{Problem, date_time};
use crate::call::{Answer, Call};

/// What lists sort and filter by.
pub(crate) trait Listed {
    fn id(&self) -> i64;
    fn created_on(&self) -> Timestamp;
    fn modified_on(&self) -> Timestamp;
    fn json(&self) -> Value;
}

/// The query of a list call, its names known.
pub(crate) struct Listing {
    query: BTreeMap<String, String>,
}

const SHARED: &[&str] = &[
    "page",
    "pageSize",
    "includeTotal",
    "ids",
    "sort",
    "createdBefore",
    "createdOnOrAfter",
    "modifiedBefore",
    "modifiedOnOrAfter",
];

impl Listing {
    /// Reads the query; `own` are the filters this list has beside the shared ones.
    pub(crate) fn read(call: &Call, own: &[&str]) -> Result<Listing, Problem> {
        let mut query = BTreeMap::new();
        for (name, value) in call.query() {
            if !SHARED.contains(&name.as_str()) && !own.contains(&name.as_str()) {
                return Err(Problem::field(
                    &name,
                    format!("This list has no parameter '{name}'."),
                ));
            }
            if query.insert(name.clone(), value).is_some() {
                return Err(Problem::field(
                    &name,
                    format!("The parameter '{name}' is there twice."),
                ));
            }
        }
        Ok(Listing { query })
    }

    /// A text filter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A number filter.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let wrong = || {
            Problem::field(
                name,
                format!("The value of '{name}' must be a whole number."),
            )
        };
        self.text(name)
            .map(|text| text.parse().map_err(|_| wrong()))
            .transpose()
    }

    /// A `true`/`false` filter.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Problem::field(
                name,
                format!("The value of '{name}' must be true or false."),
            )),
        }
    }

    /// A filter with fixed values.
    pub(crate) fn one_of(&self, name: &str, values: &[&str]) -> Result<Option<&str>, Problem> {
        match self.text(name) {
            Some(text) if !values.contains(&text) => Err(Problem::field(
                name,
                format!(
                    "The value of '{name}' must be one of {}.",
                    values.join(", ")
                ),
            )),
            text => Ok(text),
        }
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let wrong = || {
            Problem::field(
                name,
                format!("The value of '{name}' must be a date-time like 2026-05-14T16:00:00Z."),
            )
        };
        self.text(name)
            .map(|text| date_time(text).ok_or_else(wrong))
            .transpose()
    }

    fn ids(&self) -> Result<Option<Vec<i64>>, Problem> {
        let Some(text) = self.text("ids") else {
            return Ok(None);
        };
        let ids: Result<Vec<i64>, _> = text.split(',').map(|id| id.trim().parse()).collect();
        match ids {
            Ok(ids) if ids.len() <= 50 => Ok(Some(ids)),
            Ok(_) => Err(Problem::field(
                "ids",
                "At most 50 IDs can be looked up at once.",
            )),
            Err(_) => Err(Problem::field(
                "ids",
                "The value of 'ids' must be whole numbers with commas between them.",
            )),
        }
    }

    /// One page of what passes the shared filters, in the order asked for, in the paging envelope.
    pub(crate) fn page<'a, T: Listed + 'a>(
        &self,
        records: impl Iterator<Item = &'a T>,
    ) -> Result<Answer, Problem> {
        let page = self.number("page")?.unwrap_or(1);
        let size = self.number("pageSize")?.unwrap_or(50);
        if !(1..=i64::from(i32::MAX)).contains(&page) {
            return Err(Problem::field("page", "Pages are counted from 1."));
        }
        if !(1..=5000).contains(&size) {
            return Err(Problem::field(
                "pageSize",
                "The page size must be between 1 and 5000.",
            ));
        }
        let (ids, total) = (self.ids()?, self.flag("includeTotal")?.unwrap_or(false));
        let (created_from, created_before) = (
            self.moment("createdOnOrAfter")?,
            self.moment("createdBefore")?,
        );
        let (modified_from, modified_before) = (
            self.moment("modifiedOnOrAfter")?,
            self.moment("modifiedBefore")?,
        );

        let mut found: Vec<&T> = records
            .filter(|record| ids.as_ref().is_none_or(|ids| ids.contains(&record.id())))
            .filter(|record| created_from.is_none_or(|from| record.created_on() >= from))
            .filter(|record| created_before.is_none_or(|before| record.created_on() < before))
            .filter(|record| modified_from.is_none_or(|from| record.modified_on() >= from))
            .filter(|record| modified_before.is_none_or(|before| record.modified_on() < before))
            .collect();
        self.sort(&mut found)?;

        let start = usize::try_from((page - 1) * size).unwrap_or(usize::MAX);
        let size_here = usize::try_from(size).unwrap_or(usize::MAX);
        let data: Vec<Value> = found
            .iter()
            .skip(start)
            .take(size_here)
            .map(|record| record.json())
            .collect();
        let body = json!({
            "page": page,
            "pageSize": size,
            "hasMore": found.len() > start.saturating_add(size_here),
            "totalCount": total.then_some(found.len()),
            "data": data,
        });
        Ok(Answer::json(StatusCode::OK, &body))
    }

    fn sort<T: Listed>(&self, found: &mut [&T]) -> Result<(), Problem> {
        // A plus that was not percent-encoded arrives as a space.
        let wanted = self.text("sort").unwrap_or("+Id");
        let (down, field) = match wanted.strip_prefix('-') {
            Some(field) => (true, field),
            None => (false, wanted.trim_start_matches(['+', ' '])),
        };
        match field.to_ascii_lowercase().as_str() {
            "id" => found.sort_by_key(|record| record.id()),
            "createdon" => found.sort_by_key(|record| (record.created_on(), record.id())),
            "modifiedon" => found.sort_by_key(|record| (record.modified_on(), record.id())),
            _ => {
                return Err(Problem::field(
                    "sort",
                    "Sort by +Id, -Id, +CreatedOn, -CreatedOn, +ModifiedOn or -ModifiedOn.",
                ));
            }
        }
        if down {
            found.reverse();
        }
        Ok(())
    }
}
