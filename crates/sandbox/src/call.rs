//! A call as the pretend services read it and the answer they give; no sockets here.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value};
use url::form_urlencoded;

/// One HTTP request, read whole.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// The path's parts between slashes.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }

    /// The query's names and values, decoded, in the order sent.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// A header's text, if it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body says it is of this media type (parameters aside).
    pub(crate) fn is(&self, media_type: &str) -> bool {
        let sent = self.header("content-type").unwrap_or_default();
        sent.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case(media_type)
    }

    /// The fields of a form, decoded, in the order sent; none when the body is no form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        if !self.is("application/x-www-form-urlencoded") {
            return Vec::new();
        }
        form_urlencoded::parse(&self.body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// The body for the log: JSON as it is, a form as an object, other text as a string.
    pub(crate) fn logged_body(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        if self.is("application/x-www-form-urlencoded") {
            let mut fields = Map::new();
            for (name, value) in self.form() {
                match fields.get_mut(&name) {
                    None => _ = fields.insert(name, Value::String(value)),
                    Some(Value::Array(several)) => several.push(Value::String(value)),
                    Some(one) => *one = Value::Array(vec![one.take(), Value::String(value)]),
                }
            }
            return Value::Object(fields);
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()))
    }
}

/// What a pretend service answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(header::HeaderName, Cow<'static, str>)>,
    pub(crate) body: Bytes,
    /// Something was created or changed.
    pub(crate) effect: bool,
    /// The SID of a message the carrier has just taken, whose delivery starts now.
    pub(crate) taken: Option<String>,
}

impl Answer {
    /// An answer with a JSON body.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Answer {
        Answer::text(status, "application/json; charset=utf-8", body.to_string())
    }

    /// An answer with a body of the given content type.
    pub(crate) fn text(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Answer {
        Answer {
            status,
            headers: vec![(header::CONTENT_TYPE, content_type.into())],
            body: body.into(),
            effect: false,
            taken: None,
        }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            effect: false,
            taken: None,
        }
    }

    /// Says that something was created or changed.
    pub(crate) fn changed(mut self) -> Answer {
        self.effect = true;
        self
    }

    /// Adds a header.
    pub(crate) fn with(
        mut self,
        name: header::HeaderName,
        value: impl Into<Cow<'static, str>>,
    ) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}
