//! What people type about themselves.

use proptest::prelude::*;
use proptest::sample::select;
use ringback_domain::conversation::{Ask, read_reply};
use ringback_domain::person::{self, LONGEST_EMAIL, LONGEST_NAME};
use ringback_domain::phone::Phone;

use crate::driver::{Kind, kind};
use crate::inputs;

pub fn kinds() -> Vec<Kind> {
    vec![
        kind(
            "phone_numbers",
            1_500,
            (inputs::number(), inputs::region()),
            |(typed, region)| {
                let Ok(phone) = Phone::parse(&typed, region) else {
                    return Ok(());
                };
                let kept = phone.as_str();
                prop_assert_eq!(
                    Phone::from_e164(kept),
                    Some(phone.clone()),
                    "kept as {}",
                    kept
                );
                prop_assert_eq!(Phone::parse(kept, region), Ok(phone.clone()));
                let shown = phone.shown_in(region);
                prop_assert_eq!(
                    Phone::parse(&shown, region),
                    Ok(phone.clone()),
                    "shown as {}",
                    shown
                );
                let masked = phone.masked();
                let told = masked.chars().filter(char::is_ascii_digit).count();
                prop_assert!(told <= 4, "{} tells {} digits", masked, told);
                let _ = phone.can_receive_text(region);
                Ok(())
            },
        ),
        kind(
            "postal_codes",
            2_000,
            (inputs::text(), inputs::region()),
            |(typed, region)| {
                let Ok(code) = region.postal_code(&typed) else {
                    return Ok(());
                };
                prop_assert_eq!(
                    region.postal_code(&code),
                    Ok(code.clone()),
                    "kept as {:?}",
                    code
                );
                prop_assert!(code.chars().count() <= 40 && !code.chars().any(char::is_control));
                prop_assert!(code.starts_with(region.postal_area(&code)));
                Ok(())
            },
        ),
        kind("names_and_emails", 2_000, inputs::text(), |typed| {
            let name = person::clean_name(&typed);
            prop_assert_eq!(&person::clean_name(&name), &name);
            prop_assert!(
                name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control)
            );
            if let Some(greeted) = person::greeting_name(&name) {
                let a_name = |c: char| c.is_alphabetic() || "-'’".contains(c);
                prop_assert!(greeted.chars().count() <= 20 && greeted.chars().all(a_name));
            }
            prop_assert!(person::masked_name(&name).chars().count() <= 4);
            if let Ok(email) = person::email(&typed) {
                prop_assert_eq!(
                    person::email(&email),
                    Ok(email.clone()),
                    "kept as {:?}",
                    email
                );
                prop_assert!(email.len() <= LONGEST_EMAIL, "{} bytes", email.len());
                prop_assert!(!email.contains(char::is_whitespace) && !email.contains('\0'));
            }
            Ok(())
        }),
        kind(
            "states",
            1_000,
            (inputs::text(), inputs::region()),
            |(typed, region)| {
                if let Ok(state) = region.state(&typed) {
                    prop_assert_eq!(
                        region.state(&state),
                        Ok(state.clone()),
                        "kept as {:?}",
                        state
                    );
                }
                Ok(())
            },
        ),
        kind(
            "replies",
            1_000,
            (
                inputs::text(),
                select(
                    &[
                        "stop",
                        "STOP",
                        "Stop",
                        "sToP",
                        "Unsubscribe",
                        "END",
                        "quit",
                        "StopAll",
                        "cancel",
                    ][..],
                ),
                "[ \\t\\r\\n.!]{0,4}",
                "[ \\t\\r\\n.!]{0,4}",
            ),
            |(any, word, before, after)| {
                let _ = read_reply(&any);
                let said = format!("{before}{word}{after}");
                prop_assert_eq!(read_reply(&said), Ask::Stop, "{:?}", said);
                Ok(())
            },
        ),
    ]
}
