//! Whether a call is Twilio's: `X-Twilio-Signature`, HMAC-SHA1 over the public URL and the sorted form
//! fields, under the account's auth token. Twilio's published rules and vectors; which variants of a URL it
//! may have signed follows its own libraries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use url::Url;

/// Whether one of these tokens signed this call.
///
/// `public_url`: what is configured, never the Host header. `path_and_query`: as it was asked for, which has
/// no fragment. `fields`: every field of the form, known or not.
pub fn is_signed<'t>(
    tokens: impl Iterator<Item = &'t str>,
    public_url: &Url,
    path_and_query: &str,
    fields: &[(String, String)],
    signature: &str,
) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else {
        return false;
    };
    let origins = origins(public_url);
    let sorted = sorted(fields);
    tokens
        .flat_map(|token| origins.iter().map(move |origin| (token, origin)))
        .any(|(token, origin)| {
            let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes())
                .expect("HMAC takes a key of any length");
            mac.update(origin.as_bytes());
            mac.update(path_and_query.as_bytes());
            mac.update(sorted.as_bytes());
            mac.verify_slice(&signature).is_ok()
        })
}

/// With the port as configured, without it, and with the scheme's own: Twilio's servers do not agree.
fn origins(public_url: &Url) -> Vec<String> {
    let scheme = public_url.scheme();
    let host = public_url.host_str().unwrap_or_default();
    let mut origins = vec![format!("{scheme}://{host}")];
    if let Some(port) = public_url.port_or_known_default() {
        origins.push(format!("{scheme}://{host}:{port}"));
    }
    origins
}

/// Names and values without separators, by name; a repeated name's values once each, sorted.
fn sorted(fields: &[(String, String)]) -> String {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort();
    fields.dedup();
    fields
        .into_iter()
        .flat_map(|(name, value)| [name.as_str(), value.as_str()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/myapp.php?foo=1&bar=2";

    fn fields(caller: &str, from: &str) -> Vec<(String, String)> {
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", caller),
            ("Digits", "1234"),
            ("From", from),
            ("To", "+18005551212"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn holds(token: &str, url: &str, path: &str, fields: &[(String, String)], sign: &str) -> bool {
        let url = Url::parse(url).unwrap();
        is_signed([token].into_iter(), &url, path, fields, sign)
    }

    #[test]
    fn both_published_vectors_hold() {
        let url = "https://mycompany.com";
        let first = fields("+12349013030", "+12349013030");
        assert!(holds(
            "12345",
            url,
            PATH,
            &first,
            "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
        ));
        let second = fields("+14158675309", "+14158675309");
        assert!(holds(
            "12345",
            url,
            PATH,
            &second,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8="
        ));
    }

    #[test]
    fn another_token_url_or_field_does_not() {
        let url = "https://mycompany.com";
        let good = fields("+12349013030", "+12349013030");
        let sign = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=";
        assert!(!holds("12346", url, PATH, &good, sign));
        assert!(!holds("12345", "https://other.com", PATH, &good, sign));
        assert!(!holds("12345", url, "/myapp.php?foo=1", &good, sign));
        let mut more = good.clone();
        more.push(("Extra".into(), "1".into()));
        assert!(!holds("12345", url, PATH, &more, sign));
        assert!(!holds("12345", url, PATH, &good, "not base64!"));
        assert!(!holds("12345", url, PATH, &good, ""));
    }

    #[test]
    fn a_standard_port_may_or_may_not_have_been_signed() {
        let good = fields("+12349013030", "+12349013030");
        let mut mac = Hmac::<Sha1>::new_from_slice(b"12345").unwrap();
        mac.update(format!("https://mycompany.com:443{PATH}{}", sorted(&good)).as_bytes());
        let sign = STANDARD.encode(mac.finalize().into_bytes());
        assert!(holds("12345", "https://mycompany.com", PATH, &good, &sign));
    }

    #[test]
    fn a_repeated_field_counts_each_value_once() {
        let repeated = ["b", "a", "b"].map(|v| ("X".to_owned(), v.to_owned()));
        assert_eq!(sorted(&repeated), "XaXb");
    }
}
