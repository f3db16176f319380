//! Booking, from the first question to the Booking in ST.

use std::time::Duration;

use crate::browser::Frame;
use crate::e2e::scene::{Place, Scene};
use crate::e2e::visitor::Visitor;
use crate::{Tried, time};

pub async fn on_our_own_page(scene: &Scene<'_>) -> Tried<()> {
    let at = scene.visitor(&scene.browser, Place::Hosted).await?;
    at.visitor.books(&at.scheduler).await?;
    scene.no_complaints(&at.tab)?;
    at.tab.close().await?;
    stands_in_st_and_is_no_lead(scene, &at.visitor).await
}

pub async fn in_a_frame(scene: &Scene<'_>) -> Tried<()> {
    let at = scene.visitor(&scene.browser, Place::Embedded).await?;
    at.visitor.books(&at.scheduler).await?;
    at.scheduler.press("Close scheduler").await?;
    at.tab
        .page()
        .until(
            "the frame to be gone from view",
            super::super::scene::NO_FRAME_IN_VIEW,
        )
        .await?;
    scene.no_complaints(&at.tab)?;
    stands_in_st_and_is_no_lead(scene, &at.visitor).await
}

pub async fn without_scripts(scene: &Scene<'_>) -> Tried<()> {
    let tab = scene.window(&scene.browser.person().await?).await?;
    tab.scripts(false).await?;
    tab.go(&scene.ready().scheduler).await?;
    let visitor = Visitor::new();
    let page = tab.page();
    visitor.gives_contact(&page, false).await?;
    visitor.books(&page).await?;
    stands_in_st_and_is_no_lead(scene, &visitor).await
}

pub async fn with_the_keyboard(scene: &Scene<'_>) -> Tried<()> {
    let tab = scene.window(&scene.browser.person().await?).await?;
    tab.focused().await?;
    tab.go(&scene.ready().scheduler).await?;
    let page = tab.page();
    let visitor = Visitor::new();
    page.shows("What do you need?").await?;
    types(&page, "ZIP code", "85004").await?;
    tab_to(
        &page,
        "document.activeElement.type === 'radio'",
        "a service",
    )
    .await?;
    page.key("Space").await?;
    activates(&page, "Continue").await?;
    page.shows("How can we reach you?").await?;
    types(&page, "Full name", &visitor.name).await?;
    types(&page, "Mobile phone", &visitor.phone).await?;
    activates(&page, "Continue").await?;
    page.shows("When should we come?").await?;
    tab_to(&page, "document.activeElement.type === 'radio'", "a time").await?;
    page.key("Space").await?;
    activates(&page, "Continue").await?;
    page.shows("Where?").await?;
    types(&page, "Street address", "1200 E Palm Lane").await?;
    types(&page, "City", "Phoenix").await?;
    tab_to(
        &page,
        "document.activeElement.tagName === 'SELECT'",
        "the list of states",
    )
    .await?;
    // A list takes what is typed quickly as the beginning of an option.
    for letter in "ariz".chars() {
        page.type_key(letter).await?;
    }
    page.until(
        "Arizona to be chosen",
        "document.activeElement.selectedOptions[0].text === 'Arizona'",
    )
    .await?;
    activates(&page, "Continue").await?;
    page.shows("Review").await?;
    activates(&page, "Book now").await?;
    page.shows("You're booked").await?;
    stands_in_st_and_is_no_lead(scene, &visitor).await
}

/// Tabs to the field of this label and types.
async fn types(page: &Frame, label: &str, text: &str) -> Tried<()> {
    let named = format!(
        "[...(document.activeElement.labels ?? [])].some((label) => label.innerText.trim().startsWith({}))",
        serde_json::Value::from(label)
    );
    tab_to(page, &named, label).await?;
    page.type_text(text).await
}

/// Tabs to the button of this name and presses Enter.
async fn activates(page: &Frame, name: &str) -> Tried<()> {
    let named = format!(
        "document.activeElement.tagName === 'BUTTON' && document.activeElement.innerText.trim() === {}",
        serde_json::Value::from(name)
    );
    tab_to(page, &named, name).await?;
    page.key("Enter").await
}

/// Presses Tab until the keyboard is where `there` is true; whatever has it must be seen to have it.
async fn tab_to(page: &Frame, there: &str, what: &str) -> Tried<()> {
    for _ in 0..40 {
        if page
            .evaluate(&format!(
                "document.activeElement !== document.body && ({there})"
            ))
            .await?
            == true
        {
            return Ok(());
        }
        page.key("Tab").await?;
    }
    Err(format!("the Tab key does not lead to {what}").into())
}

/// One Booking in ST with the visitor's number, no Lead there, and none of ours.
async fn stands_in_st_and_is_no_lead(scene: &Scene<'_>, visitor: &Visitor) -> Tried<()> {
    let number = visitor.e164();
    time::until("the Booking in ST", Duration::from_secs(15), || async {
        Ok((!scene.world.records("bookings", &number).await?.is_empty()).then_some(()))
    })
    .await?;
    let bookings = scene.world.records("bookings", &number).await?.len();
    let leads = scene.world.records("leads", &number).await?.len();
    let ours = scene.office.leads_of(&visitor.name).await?.len();
    if (bookings, leads, ours) == (1, 0, 0) {
        return Ok(());
    }
    Err(format!(
        "{} has {bookings} Bookings and {leads} Leads in ST, and {ours} leads",
        visitor.name
    )
    .into())
}
