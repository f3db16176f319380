//! What people type about themselves: their name and their email. Phone numbers have their own module,
//! [`crate::phone`].

/// A name is cut to this many characters.
pub const LONGEST_NAME: usize = 100;

/// The longest address mail servers pass on, in bytes (RFC 5321, 4.5.3.1.3, less its brackets).
pub const LONGEST_EMAIL: usize = 254;

/// A name as it is kept: trimmed, single spaces, no control characters, [`LONGEST_NAME`] characters at
/// most. Empty when nothing is left. What it says is the person's own business: pages escape it.
pub fn clean_name(typed: &str) -> String {
    let kept: String = clean_line(typed).chars().take(LONGEST_NAME).collect();
    kept.trim_end().to_owned()
}

/// One line of text: trimmed, single spaces, without control and invisible formatting characters (NUL,
/// line breaks, marks that turn the direction of writing round).
pub fn clean_line(typed: &str) -> String {
    let spaced: String = typed
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|&c| !c.is_control() && !is_invisible(c))
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first name for a greeting in a text: letters, hyphens and apostrophes only, 20 characters at most.
/// `None` when it is anything else: a stranger's phone must never get words of somebody else's making.
pub fn greeting_name(name: &str) -> Option<&str> {
    let first = name.split_whitespace().next()?;
    let fits = first.chars().count() <= 20
        && first
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'))
        && first.chars().any(char::is_alphabetic);
    fits.then_some(first)
}

/// The first letter and no more, for pages that whoever holds the device may see: `D•••`.
pub fn masked_name(name: &str) -> String {
    let first: String = name.trim().chars().take(1).collect();
    format!("{first}•••")
}

/// What is wrong with an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Not of the form `someone@somewhere.tld`.
    #[error("not an email address")]
    NotAnAddress,
    /// Longer than [`LONGEST_EMAIL`].
    #[error("the email address is too long")]
    TooLong,
}

impl EmailError {
    /// Locale key of the sentence for the person who typed it.
    pub const fn key(self) -> &'static str {
        match self {
            EmailError::NotAnAddress => "error-email",
            EmailError::TooLong => "error-email-too-long",
        }
    }
}

/// An email address as it is kept: trimmed, the domain's Latin letters in lower case. Empty stays empty: it is optional.
/// Forgiving on purpose; only delivery proves an address.
pub fn email(typed: &str) -> Result<String, EmailError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(String::new());
    }
    if typed.len() > LONGEST_EMAIL {
        return Err(EmailError::TooLong);
    }
    let (local, domain) = typed.rsplit_once('@').ok_or(EmailError::NotAnAddress)?;
    let local_fits = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .chars()
            .all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
    let labels: Vec<&str> = domain.split('.').collect();
    let domain_fits = labels.len() >= 2
        && labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
        && labels
            .last()
            .is_some_and(|last| !last.chars().all(|c| c.is_ascii_digit()));
    if local_fits && domain_fits {
        // Letters of other scripts stay: some grow longer, or come apart, when they are made small.
        Ok(format!("{local}@{}", domain.to_ascii_lowercase()))
    } else {
        Err(EmailError::NotAnAddress)
    }
}

/// Unicode's invisible formatting characters: zero-width, directional, soft hyphen, byte order mark.
/// The joiners U+200C and U+200D stay: names in Persian and several Indian scripts need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_email_that_is_kept_reads_as_itself() {
        // Made small, this letter is two, and the second is none.
        let kept = email("ana@İstanbul.Example").unwrap();
        assert_eq!(kept, "ana@İstanbul.example");
        assert_eq!(email(&kept), Ok(kept));
    }

    #[test]
    fn a_name_is_tidied_and_otherwise_left_alone() {
        assert_eq!(clean_name("  Ana \t María\r\nLópez "), "Ana María López");
        assert_eq!(clean_name("Ana\u{0} \u{202e}Ruiz\u{7}"), "Ana Ruiz");
        assert_eq!(
            clean_name("<script>alert(1)</script>"),
            "<script>alert(1)</script>"
        );
        assert_eq!(clean_name("\u{0}\u{200b} "), "");
        assert_eq!(clean_name(&"é".repeat(300)).chars().count(), LONGEST_NAME);
    }

    #[test]
    fn a_greeting_takes_a_first_name_and_nothing_that_could_be_a_message() {
        assert_eq!(greeting_name("Ana Ruiz"), Some("Ana"));
        assert_eq!(greeting_name("Jean-Luc P"), Some("Jean-Luc"));
        assert_eq!(greeting_name("O'Neil"), Some("O'Neil"));
        assert_eq!(greeting_name("José"), Some("José"));
        assert_eq!(greeting_name("Call 6025550100"), Some("Call"));
        for name in [
            "",
            "   ",
            "win.example",
            "https://win.example",
            "6025550100",
            "'-'",
            "Aaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(greeting_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_masked_name_shows_one_letter() {
        assert_eq!(masked_name("Dana Ruiz"), "D•••");
        assert_eq!(masked_name(" Émile"), "É•••");
        assert_eq!(masked_name(""), "•••");
    }

    #[test]
    fn an_email_is_checked_kindly() {
        assert_eq!(
            email(" Dana.Ruiz+hvac@Copperline.Example ").as_deref(),
            Ok("Dana.Ruiz+hvac@copperline.example")
        );
        assert_eq!(email("").as_deref(), Ok(""));
        assert_eq!(
            email("josé@correo.example").as_deref(),
            Ok("josé@correo.example")
        );
        for wrong in [
            "dana",
            "dana@",
            "@copperline.example",
            "dana@copperline",
            "dana@@copperline.example",
            "da na@copperline.example",
            "dana@copperline..example",
            ".dana@copperline.example",
            "dana@-copperline.example",
            "dana@127.0.0.1",
            "dana\u{0}@copperline.example",
            "a@b.c>",
        ] {
            assert_eq!(email(wrong), Err(EmailError::NotAnAddress), "{wrong:?}");
        }
        assert_eq!(
            email(&format!("{}@copperline.example", "a".repeat(250))),
            Err(EmailError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer_and_tidying_twice_changes_nothing(typed in ".{0,300}") {
            let name = clean_name(&typed);
            prop_assert_eq!(clean_name(&name), name.clone());
            prop_assert!(name.chars().count() <= LONGEST_NAME);
            let _ = greeting_name(&typed);
            if let Ok(kept) = email(&typed) {
                prop_assert_eq!(email(&kept), Ok(kept.clone()));
            }
        }
    }
}
