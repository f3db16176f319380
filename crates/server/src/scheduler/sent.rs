//! What a browser sends: who is calling, and the fields of a form. Whatever the bytes are, they become text
//! without control characters, or a sentence.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use url::form_urlencoded;

use crate::app::App;
use crate::error::Error;
use crate::http::{Client, LARGEST_BODY};
use crate::token;
use crate::words::Words;

/// A scheduler's largest form is a tenth of this.
const LARGEST_FORM: usize = 48 * 1024;
/// What is kept of a browser's own name, in characters.
const LONGEST_AGENT: usize = 400;
/// More fields than any scheduler asks.
const MOST_FIELDS: usize = 300;

/// Who is calling. A copy: the request's bytes stand in the connection's buffer, which is used again once nobody holds
/// any of them.
pub struct Caller {
    address: Option<IpAddr>,
    wished: Option<&'static Words>,
    /// The browser's own name.
    pub user_agent: String,
    /// Where the browser came from, as it said.
    referrer: String,
    /// The lines of cookies.
    cookies: String,
    /// Asked for by our script, which puts the step in place.
    pub in_place: bool,
    /// A page fetched or rendered on suspicion: nobody is looking.
    pub speculative: bool,
}

impl Caller {
    /// The cookie's token for a scheduler.
    pub fn cookie(&self, app: &App, public_id: &str) -> Option<String> {
        token::from_lines(app, self.cookies.lines(), public_id)
    }

    /// Words before the business is known.
    pub fn words(&self) -> &'static Words {
        self.words_or("en")
    }

    /// The caller's words, or those of the business's own locale.
    pub fn words_or(&self, locale: &str) -> &'static Words {
        self.wished.unwrap_or_else(|| Words::of(locale))
    }

    /// The network address.
    pub fn address(&self) -> String {
        self.address.map(|ip| ip.to_string()).unwrap_or_default()
    }

    /// Where the browser came from, its origin only; empty when it is ours or unknown.
    pub fn referrer(&self, app: &App) -> String {
        url::Url::parse(&self.referrer)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .map(|url| url.origin().ascii_serialization())
            .filter(|origin| *origin != app.config.origin())
            .unwrap_or_default()
    }

    fn of(parts: &Parts) -> Self {
        let text = |name: HeaderName| {
            let value = parts.headers.get(name);
            value.map_or(Cow::Borrowed(""), |value| match value.to_str() {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(value.as_bytes()),
            })
        };
        let speculates = |name| {
            let purpose = text(HeaderName::from_static(name));
            purpose.contains("prefetch") || purpose.contains("prerender")
        };
        let mut user_agent = without_controls(text(header::USER_AGENT));
        if let Some((end, _)) = user_agent.char_indices().nth(LONGEST_AGENT) {
            user_agent.truncate(end);
        }
        let mut cookies = String::new();
        for line in parts.headers.get_all(header::COOKIE) {
            cookies.push_str(line.to_str().unwrap_or_default());
            cookies.push('\n');
        }
        let client = parts.extensions.get::<Client>();
        Self {
            address: client.map(|client| client.address),
            wished: client.and_then(|client| client.wished),
            user_agent,
            referrer: text(header::REFERER).into_owned(),
            cookies,
            in_place: text(HeaderName::from_static("x-ringback")) == "step",
            speculative: speculates("sec-purpose") || speculates("purpose"),
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Error> {
        Ok(Self::of(parts))
    }
}

/// A form sent from one of our own pages, and who sent it.
pub struct Sent {
    /// Who.
    pub caller: Arc<Caller>,
    /// What.
    pub form: Form,
}

impl FromRequest<App> for Sent {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let caller = Caller::of(&parts);
        if !from_our_page(app, &parts.headers) {
            return Err(Error::BadInput(caller.words().say("error-other-site")));
        }
        let is_form = is_form(&parts.headers);
        drop(parts);
        // Read whole before it is refused: who is cut off in the middle of sending may never hear why.
        let bytes = to_bytes(body, LARGEST_BODY).await;
        let bytes = bytes.map_err(|_| Error::TooLarge)?;
        if bytes.len() > LARGEST_FORM {
            return Err(Error::TooLarge);
        }
        if !is_form {
            return Err(Error::BadInput(caller.words().say("error-not-a-form")));
        }
        Ok(Self {
            caller: Arc::new(caller),
            form: Form::read(&bytes),
        })
    }
}

/// The fields of a form; of a name that stands twice, the last counts. They stand in one text, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Form {
    text: String,
    /// Where the name ends and where the value does; it begins where the one before it has ended.
    ends: Vec<(usize, usize)>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`. Bytes that are no UTF-8 become U+FFFD, control characters
    /// but line breaks go.
    pub fn read(bytes: &[u8]) -> Self {
        Self::put_together(form_urlencoded::parse(bytes), bytes.len())
    }

    /// Fields that did not come from a form.
    pub fn of(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::put_together(fields, 0)
    }

    fn put_together<T: AsRef<str>>(
        fields: impl IntoIterator<Item = (T, T)>,
        length: usize,
    ) -> Self {
        let (mut text, mut ends) = (String::with_capacity(length), Vec::with_capacity(16));
        let mut put = |word: T| {
            text.extend(word.as_ref().split(is_unwanted));
            text.len()
        };
        for (name, value) in fields.into_iter().take(MOST_FIELDS) {
            ends.push((put(name), put(value)));
        }
        Self { text, ends }
    }

    /// What was typed, or nothing.
    pub fn get(&self, name: &str) -> &str {
        let last = self.fields().rfind(|(known, _)| *known == name);
        last.map_or("", |(_, value)| value)
    }

    /// Whether the field came along at all.
    pub fn came_with(&self, name: &str) -> bool {
        self.fields().any(|(known, _)| known == name)
    }

    /// Every field whose name begins so: the rest of the name, and the value.
    pub fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
    }

    fn fields(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.ends.iter().enumerate().map(|(at, &(name, value))| {
            let begins = at.checked_sub(1).map_or(0, |before| self.ends[before].1);
            (&self.text[begins..name], &self.text[name..value])
        })
    }
}

/// Control characters go, but line breaks and tabs.
fn is_unwanted(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

fn without_controls(text: Cow<'_, str>) -> String {
    if !text.contains(is_unwanted) {
        return text.into_owned();
    }
    text.split(is_unwanted).collect()
}

/// A form counts only when it was sent from a page of ours: the browser says so itself.
fn from_our_page(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else {
        // No browser that could be misled sends a form without either header.
        return true;
    };
    let called = origin.split_once("://").map(|(_, host)| host);
    origin == app.config.origin() || (called.is_some() && called == text(header::HOST))
}

/// A body of no kind counts as one.
fn is_form(headers: &HeaderMap) -> bool {
    const FORM: &[u8] = b"application/x-www-form-urlencoded";
    headers.get(header::CONTENT_TYPE).is_none_or(|kind| {
        let begins = kind.as_bytes().get(..FORM.len());
        begins.is_some_and(|begins| begins.eq_ignore_ascii_case(FORM))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_counts_and_unreadable_bytes_become_a_mark() {
        let form = Form::read(b"go=continue&name=Ana%00+Ruiz&go=back&notes=a%0Ab%ED%A0%80");
        assert_eq!(form.get("go"), "back");
        assert_eq!(form.get("name"), "Ana Ruiz");
        assert!(form.get("notes").starts_with("a\nb\u{fffd}"));
        assert_eq!(form.get("phone"), "");
    }

    #[test]
    fn anything_at_all_can_be_read() {
        for bytes in [
            &b"{\"name\": \"x\"}"[..],
            b"&&&=&%%%zz",
            &[0xff; 64],
            &[0; 64],
            b"",
        ] {
            let form = Form::read(bytes);
            assert!(
                form.fields()
                    .all(|(name, value)| !name.contains('\0') && !value.contains('\0'))
            );
        }
        assert_eq!(
            Form::read("a=1&".repeat(5_000).as_bytes()).ends.len(),
            MOST_FIELDS
        );
    }
}
