//! The little of TwiML a messaging webhook answers with: `<Response>` holding `<Message>` elements with
//! text or a `<Body>`. Anything else is an error with the carrier's code.

/// The texts an answer asks to send, or the carrier's error code and a sentence.
pub(super) fn messages(content_type: &str, body: &str) -> Result<Vec<String>, (u32, String)> {
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if body.trim().is_empty() {
        return Ok(Vec::new());
    }
    match media_type.as_str() {
        "text/xml" | "application/xml" => parse(body),
        // Plain text is sent back as it is.
        "text/plain" => Ok(vec![body.trim().to_owned()]),
        _ => Err((
            12300,
            format!("The webhook answered with Content-Type '{content_type}', not text/xml."),
        )),
    }
}

fn parse(document: &str) -> Result<Vec<String>, (u32, String)> {
    let broken = |what: &str| (12100, format!("The webhook's answer is not TwiML: {what}."));
    let mut rest = document.trim_start_matches('\u{feff}').trim();
    if let Some(after) = rest.strip_prefix("<?xml") {
        rest = after
            .split_once("?>")
            .ok_or_else(|| broken("the declaration does not end"))?
            .1
            .trim();
    }
    let (inside, after) =
        element(rest, "Response").ok_or_else(|| broken("there is no <Response>"))?;
    if !after.trim().is_empty() {
        return Err(broken("something follows </Response>"));
    }
    let mut messages = Vec::new();
    let mut rest = inside.trim();
    while !rest.is_empty() {
        let (inside, after) = element(rest, "Message")
            .ok_or_else(|| broken("there is something other than <Message>"))?;
        let text = match element(inside.trim(), "Body") {
            Some((body, _)) => body,
            None => inside,
        };
        if text.contains('<') {
            return Err(broken(
                "a message holds an element this sandbox does not know",
            ));
        }
        messages.push(
            unescape(text)
                .ok_or_else(|| broken("a message holds a bare & or an unknown entity"))?,
        );
        rest = after.trim();
    }
    Ok(messages)
}

/// The inside of the element `text` begins with, and what follows it; attributes are skipped.
fn element<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let after_name = text.strip_prefix('<')?.strip_prefix(name)?;
    let (attributes, rest) = after_name.split_once('>')?;
    if !attributes.is_empty() && !attributes.starts_with([' ', '/', '\n', '\t']) {
        return None;
    }
    if attributes.ends_with('/') {
        return Some(("", rest));
    }
    rest.split_once(format!("</{name}>").as_str())
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (entity, after) = after.split_once(';')?;
        plain.push_str(before);
        plain.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let code = entity.strip_prefix('#')?;
                let code = match code.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => code.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    plain.push_str(rest);
    Some(plain.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(body: &str) -> Result<Vec<String>, u32> {
        messages("text/xml; charset=utf-8", body).map_err(|(code, _)| code)
    }

    #[test]
    fn no_reply_and_replies() {
        assert_eq!(
            xml(r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#),
            Ok(vec![])
        );
        assert_eq!(xml("<Response></Response>"), Ok(vec![]));
        assert_eq!(xml(""), Ok(vec![]));
        assert_eq!(
            xml("<Response><Message>Hi &amp; bye</Message></Response>"),
            Ok(vec!["Hi & bye".into()])
        );
        assert_eq!(
            xml(
                "<Response>\n <Message to=\"+1\"><Body>a &#60; b</Body></Message><Message>two</Message></Response>"
            ),
            Ok(vec!["a < b".into(), "two".into()])
        );
    }

    #[test]
    fn what_is_not_twiml_is_an_error() {
        assert_eq!(xml("<html><body>Sign in</body></html>"), Err(12100));
        assert_eq!(
            xml("<Response><Message>a & b</Message></Response>"),
            Err(12100)
        );
        assert_eq!(xml("<Response><Say>hello</Say></Response>"), Err(12100));
        assert_eq!(
            messages("application/json", "{}").map_err(|(code, _)| code),
            Err(12300)
        );
    }
}
