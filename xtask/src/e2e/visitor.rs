//! Somebody who wants a technician: a name and a number of their own, and the way through the steps
//! by the labels people read.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::Tried;
use crate::browser::Frame;

/// One visitor. No two of a run share a name or a number.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Two words, the first always [`FIRST_NAME`].
    pub name: String,
    /// Ten digits, from 602-555-1000 on.
    pub phone: String,
}

/// By which a watcher of the inbox knows our visitors.
pub const FIRST_NAME: &str = "Quill";

/// The label of the box that allows a text.
pub const CONSENT: &str = "Text me a link to finish if I don't book now";

static VISITORS: AtomicU32 = AtomicU32::new(0);

impl Visitor {
    /// The next one of this run.
    pub fn new() -> Visitor {
        let number = VISITORS.fetch_add(1, Ordering::Relaxed) + 1000;
        Visitor {
            name: format!("{FIRST_NAME} {}", surname(number)),
            // From 602-555-1000 on: 602-555-0100 is the business's own.
            phone: format!("602{:07}", 5_550_000 + number),
        }
    }

    /// The next one, by a name of their own.
    pub fn named(name: &str) -> Visitor {
        Visitor {
            name: name.to_owned(),
            ..Visitor::new()
        }
    }

    /// As ServiceTitan, the carrier and the API write the number.
    pub fn e164(&self) -> String {
        format!("+1{}", self.phone)
    }

    /// Through *What do you need?* and *How can we reach you?*; stops at *When should we come?*.
    pub async fn gives_contact(&self, page: &Frame, text_me: bool) -> Tried<()> {
        self.chooses_service(page).await?;
        page.shows("How can we reach you?").await?;
        self.gives_only_contact(page, text_me).await
    }

    /// Through *How can we reach you?*.
    pub async fn gives_only_contact(&self, page: &Frame, text_me: bool) -> Tried<()> {
        page.fill("Full name", &self.name).await?;
        page.fill("Mobile phone", &self.phone).await?;
        if text_me {
            page.find("checkbox", CONSENT).await?.click().await?;
        }
        page.press("Continue").await?;
        page.shows("When should we come?").await
    }

    /// Through *What do you need?*.
    pub async fn chooses_service(&self, page: &Frame) -> Tried<()> {
        page.shows("What do you need?").await?;
        page.fill("ZIP code", "85004").await?;
        page.select("input[type=radio]").await?.click().await?;
        page.press("Continue").await
    }

    /// From *When should we come?* to *You're booked*.
    pub async fn books(&self, page: &Frame) -> Tried<()> {
        self.chooses_time(page).await?;
        self.gives_place(page).await?;
        page.shows("Review").await?;
        page.press("Book now").await?;
        page.shows("You're booked").await
    }

    /// Takes the first window offered; when somebody else was quicker, the first of those offered then.
    pub async fn chooses_time(&self, page: &Frame) -> Tried<()> {
        page.shows("When should we come?").await?;
        loop {
            page.select("input[type=radio]").await?.click().await?;
            page.run("document.querySelector('input[type=radio]').dataset.asked = ''")
                .await?;
            page.press("Continue").await?;
            page.until("an answer", "!document.querySelector('[data-asked]')")
                .await?;
            if !page.text().await?.contains("taken that window") {
                return Ok(());
            }
        }
    }

    /// Through *Where?*.
    pub async fn gives_place(&self, page: &Frame) -> Tried<()> {
        page.shows("Where?").await?;
        page.fill("Street address", "1200 E Palm Lane").await?;
        page.fill("City", "Phoenix").await?;
        page.find("combobox", "State")
            .await?
            .choose("Arizona")
            .await?;
        page.press("Continue").await
    }
}

/// A name made of syllables, a different one for every number below 16^4.
fn surname(number: u32) -> String {
    const FIRST: [&str; 16] = [
        "Ba", "Da", "Fe", "Ga", "Ho", "Ka", "La", "Mo", "Ne", "Pa", "Ri", "Sa", "Ta", "Vo", "We",
        "Zu",
    ];
    const LATER: [&str; 16] = [
        "ber", "dan", "fell", "gar", "hol", "kin", "lo", "mer", "nis", "per", "ron", "sel", "tor",
        "ven", "wick", "zel",
    ];
    let digit = |place: u32| ((number >> (4 * place)) & 15) as usize;
    format!(
        "{}{}{}{}",
        FIRST[digit(0)],
        LATER[digit(1)],
        LATER[digit(2)],
        LATER[digit(3)]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_shares_a_name() {
        let names: std::collections::HashSet<String> = (0..20_000).map(surname).collect();
        assert_eq!(names.len(), 20_000);
    }
}
