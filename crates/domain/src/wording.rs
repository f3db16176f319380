//! The words of a text: a template of the business's own with blanks, checked when it is saved and
//! filled in when it is sent. What it costs is [`crate::segments`]' to say.

use crate::person::greeting_name;
use crate::segments::{Segments, fewest_parts};

/// Carriers take no longer body (Twilio: 1600 characters).
pub const LONGEST_TEXT: usize = 1600;

/// A template may be this long, in characters, so that its blanks still fit.
pub const LONGEST_TEMPLATE: usize = 640;

/// Room kept for what fills a blank, in characters: names of businesses and titles of services are no longer.
/// Links are the public address and 25 characters.
const ROOM_FOR_A_BLANK: usize = 160;

/// What stands in for the blanks of a template.
#[derive(Clone, Copy, Debug)]
pub struct Blanks<'a> {
    /// `{business}`: the name customers know.
    pub business: &'a str,
    /// `{name}`: the person's full name; the text greets with the first, or not at all.
    pub name: &'a str,
    /// `{service}`: the title of what they asked for.
    pub service: &'a str,
    /// `{link}`: the whole address.
    pub link: &'a str,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordingError {
    /// Longer than [`LONGEST_TEMPLATE`], or with more blanks than fit into a text when they are filled in.
    #[error("the text is too long")]
    TooLong,
    /// A control character, which nobody can read.
    #[error("a control character does not belong there")]
    Control,
    /// A blank we cannot fill in, such as `{phone}`.
    #[error("no blank is called {{{0}}}")]
    UnknownBlank(String),
    /// A brace that opens or closes nothing.
    #[error("a brace stands alone")]
    LoneBrace,
    /// Without `{link}` nobody can finish.
    #[error("{{link}} is missing")]
    LinkMissing,
    /// A text must say whom it is from (CTIA Messaging Principles 5.1.2; CASL s. 6(2)).
    #[error("{{business}} is missing")]
    BusinessMissing,
    /// A text must say how to stop them (CTIA Messaging Principles 5.1.2): the word STOP.
    #[error("the word STOP is missing")]
    StopMissing,
}

impl WordingError {
    /// Locale key of the sentence; [`WordingError::UnknownBlank`] takes `{ $blank }`.
    pub const fn key(&self) -> &'static str {
        match self {
            WordingError::TooLong => "error-wording-too-long",
            WordingError::Control => "error-wording-control",
            WordingError::UnknownBlank(_) => "error-wording-unknown-blank",
            WordingError::LoneBrace => "error-wording-lone-brace",
            WordingError::LinkMissing => "error-wording-link-missing",
            WordingError::BusinessMissing => "error-wording-business-missing",
            WordingError::StopMissing => "error-wording-stop-missing",
        }
    }
}

/// Whether a template may be saved.
pub fn check(template: &str) -> Result<(), WordingError> {
    if template.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(WordingError::Control);
    }
    if template.chars().count() > LONGEST_TEMPLATE {
        return Err(WordingError::TooLong);
    }
    let mut blanks = Vec::new();
    for piece in pieces(template) {
        match piece {
            Piece::Blank(name) if !BLANKS.contains(&name) => {
                return Err(WordingError::UnknownBlank(name.to_owned()));
            }
            Piece::Blank(name) => blanks.push(name),
            Piece::Words(words) if words.contains(['{', '}']) => {
                return Err(WordingError::LoneBrace);
            }
            Piece::Words(_) => {}
        }
    }
    // What does not fit is cut off: it must not be the link.
    if template.chars().count() + blanks.len() * ROOM_FOR_A_BLANK > LONGEST_TEXT {
        return Err(WordingError::TooLong);
    }
    if !blanks.contains(&"link") {
        return Err(WordingError::LinkMissing);
    }
    if !blanks.contains(&"business") {
        return Err(WordingError::BusinessMissing);
    }
    let says_stop = template
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case("stop"));
    if says_stop {
        Ok(())
    } else {
        Err(WordingError::StopMissing)
    }
}

/// The text as it goes out, in as few parts as may be: without typographic marks, without accents where
/// they would cost a part, without the name where it would. A name that is not plainly a name never
/// goes in ([`greeting_name`]): anybody can type a stranger's number.
pub fn fill(template: &str, blanks: &Blanks<'_>) -> String {
    let greeted = greeting_name(blanks.name).map(|name| filled(template, blanks, name));
    let nameless = filled(template, blanks, "");
    match greeted {
        Some(greeted) if Segments::of(&greeted).parts <= Segments::of(&nameless).parts => greeted,
        _ => nameless,
    }
}

fn filled(template: &str, blanks: &Blanks<'_>, name: &str) -> String {
    let mut text = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Blank("business") => text.push_str(blanks.business.trim()),
            Piece::Blank("service") => text.push_str(blanks.service.trim()),
            Piece::Blank("link") => text.push_str(blanks.link),
            // "Hi {name}," without a name is "Hi,".
            Piece::Blank("name") if name.is_empty() => {
                text.truncate(text.trim_end_matches(' ').len())
            }
            Piece::Blank("name") => text.push_str(name),
            Piece::Blank(unknown) => {
                text.push('{');
                text.push_str(unknown);
                text.push('}');
            }
            Piece::Words(words) => text.push_str(words),
        }
    }
    let one_line = text.replace("\r\n", "\n");
    let kept: String = one_line
        .chars()
        .filter(|&c| c == '\n' || !c.is_control())
        .collect();
    fewest_parts(kept.trim())
        .chars()
        .take(LONGEST_TEXT)
        .collect()
}

const BLANKS: &[&str] = &["business", "name", "service", "link"];

enum Piece<'a> {
    Words(&'a str),
    Blank(&'a str),
}

/// A template's words and blanks in order. Braces that hold no word stay words.
fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let inside = &rest[open + 1..];
        let Some(close) = inside
            .find(['{', '}'])
            .filter(|&close| inside[close..].starts_with('}'))
        else {
            pieces.push(Piece::Words(&rest[..=open]));
            rest = inside;
            continue;
        };
        pieces.push(Piece::Words(&rest[..open]));
        pieces.push(Piece::Blank(inside[..close].trim()));
        rest = &inside[close + 1..];
    }
    pieces.push(Piece::Words(rest));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::Encoding;
    use proptest::prelude::*;

    const TEMPLATE: &str =
        "{business}: Hi {name}, finish your booking ({service}): {link} Reply STOP to opt out";

    const ANA: Blanks<'static> = Blanks {
        business: "Copperline Home Services",
        name: "Ana Ruiz",
        service: "Air conditioning repair",
        link: "https://book.copperline.example/r/Ab3dE6",
    };

    #[test]
    fn blanks_that_would_push_the_link_out_are_too_many() {
        let blanks = |n| format!("STOP {} {{link}}", "{business}".repeat(n));
        assert_eq!(check(&blanks(8)), Ok(()));
        assert_eq!(check(&blanks(25)), Err(WordingError::TooLong));
    }

    #[test]
    fn the_blanks_are_filled_in() {
        assert_eq!(
            fill(TEMPLATE, &ANA),
            "Copperline Home Services: Hi Ana, finish your booking (Air conditioning repair): \
             https://book.copperline.example/r/Ab3dE6 Reply STOP to opt out"
        );
    }

    #[test]
    fn without_a_name_the_greeting_closes_up() {
        let nameless = fill(TEMPLATE, &Blanks { name: "", ..ANA });
        assert!(
            nameless.starts_with("Copperline Home Services: Hi, finish"),
            "{nameless}"
        );
        assert_eq!(
            fill("{name}, hello {link}", &Blanks { name: "", ..ANA }),
            format!(", hello {}", ANA.link)
        );
    }

    #[test]
    fn a_name_that_is_a_message_never_reaches_a_strangers_phone() {
        let nameless = fill(TEMPLATE, &Blanks { name: "", ..ANA });
        for name in [
            "https://win.example now",
            "win.example",
            "<b>Ana</b>",
            "{link}",
            "1234567",
        ] {
            assert_eq!(fill(TEMPLATE, &Blanks { name, ..ANA }), nameless, "{name}");
        }
    }

    #[test]
    fn a_name_that_would_cost_a_part_loses_its_accent_or_stays_out() {
        let maria = fill(
            TEMPLATE,
            &Blanks {
                name: "María López",
                ..ANA
            },
        );
        assert!(maria.contains("Hi Maria,"), "{maria}");
        assert_eq!(Segments::of(&maria).parts, 1);
        let wei = fill(
            TEMPLATE,
            &Blanks {
                name: "伟 王",
                ..ANA
            },
        );
        assert!(wei.contains("Hi, finish"), "{wei}");
        assert_eq!(Segments::of(&wei).encoding, Encoding::Gsm7);
        // Where the business's own words need UCS-2 anyway, the name stays as it is.
        let chinese = fill(
            "{business}：{name}您好，{link} STOP",
            &Blanks {
                name: "伟 王",
                ..ANA
            },
        );
        assert!(chinese.contains("伟您好"), "{chinese}");
    }

    #[test]
    fn a_template_is_checked_before_it_is_saved() {
        assert_eq!(check(TEMPLATE), Ok(()));
        assert_eq!(check("{ business }: {link}. Responda STOP"), Ok(()));
        assert_eq!(
            check("{business} {link} {phone} STOP"),
            Err(WordingError::UnknownBlank("phone".into()))
        );
        assert_eq!(check("{business} {link STOP"), Err(WordingError::LoneBrace));
        assert_eq!(check("{business}\0{link} STOP"), Err(WordingError::Control));
        assert_eq!(check("{business}\r\n\t{link} STOP"), Ok(()));
        assert_eq!(
            check("{business} }{link} STOP"),
            Err(WordingError::LoneBrace)
        );
        assert_eq!(
            check("{business} {{link}} STOP"),
            Err(WordingError::LoneBrace)
        );
        assert_eq!(
            check("{business} Reply STOP"),
            Err(WordingError::LinkMissing)
        );
        assert_eq!(
            check("Finish: {link} Reply STOP"),
            Err(WordingError::BusinessMissing)
        );
        assert_eq!(
            check("{business} {link} nonstop"),
            Err(WordingError::StopMissing)
        );
        assert_eq!(check(""), Err(WordingError::LinkMissing));
        assert_eq!(check(&"a".repeat(641)), Err(WordingError::TooLong));
    }

    proptest! {
        #[test]
        fn any_template_and_any_answers_make_a_text(
            template in ".{0,200}", business in ".{0,50}", name in ".{0,50}", service in ".{0,50}",
        ) {
            let blanks = Blanks { business: &business, name: &name, service: &service, link: ANA.link };
            let text = fill(&template, &blanks);
            prop_assert!(text.chars().count() <= LONGEST_TEXT);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
            let _ = check(&template);
        }

        #[test]
        fn a_template_that_passes_sends_its_link(words in "[a-zá {}]{0,40}", name in "[A-Za-zé王.]{0,12}") {
            let template = format!("{{business}} {words} {{link}} STOP");
            if check(&template).is_ok() {
                let text = fill(&template, &Blanks { name: &name, ..ANA });
                prop_assert!(text.contains(ANA.link));
                let braces = text.contains(['{', '}']);
                prop_assert!(!braces);
            }
        }
    }
}
