//! Staff at work: what only a real browser shows, where scripts and styles meet the pages.

use std::time::Duration;

use crate::browser::Viewport;
use crate::e2e::scene::{Place, Scene};
use crate::{Tried, browser::Tab};

const ROW: Duration = Duration::from_secs(20);

/// A half-written note, a dismissal without a reason, a tab out of view, an appointment called off.
pub async fn at_a_lead(scene: &Scene<'_>) -> Tried<()> {
    let at = scene.visitor(&scene.browser, Place::Hosted).await?;
    at.tab.go(&scene.host.page()).await?;
    scene.inbox.row_of(&at.visitor.name, ROW).await?;
    let leads = scene.office.leads_of(&at.visitor.name).await?;
    let tab = scene
        .lead_tab(leads.first().ok_or("whoever left is a lead")?)
        .await?;
    a_note_is_kept(&tab).await?;
    a_dismissal_says_why(&tab).await?;

    let office = scene.ready().inbox.trim_end_matches('/').to_owned();
    let narrow = Viewport {
        width: 390,
        height: 844,
        dark: false,
    };
    tab.look(narrow).await?;
    tab.go(&format!("{office}?show=all")).await?;
    tab.page()
        .until(
            "the current tab to be in view",
            "(() => { const tab = document.querySelector('.tabs [aria-current]').getBoundingClientRect();
                return tab.left >= 0 && tab.right <= innerWidth; })()",
        )
        .await?;

    at.tab.go(&scene.ready().scheduler).await?;
    at.visitor.books(&at.tab.page()).await?;
    tab.go(&format!("{office}/appointments")).await?;
    let page = tab.page();
    let name = &at.visitor.name;
    page.press(&format!("Cancel the appointment of {name}"))
        .await?;
    page.shows("Let them know").await?;
    let gone = format!(
        "!document.querySelector('#appointments').innerText.includes({})",
        serde_json::Value::from(name.as_str())
    );
    page.until("the appointment to be gone from the list", &gone)
        .await
}

async fn a_note_is_kept(tab: &Tab) -> Tried<()> {
    let page = tab.page();
    page.fill("Write a note", "Gate code 44").await?;
    page.shows("It is kept in this tab").await?;
    tab.reload().await?;
    let page = tab.page();
    page.until(
        "the note to be there still",
        "document.querySelector('[data-note]').value === 'Gate code 44'",
    )
    .await?;
    page.run(
        "document.querySelector('[data-note]').dispatchEvent(
             new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true }))",
    )
    .await?;
    page.until(
        "the note on the timeline, and its field empty",
        "document.querySelector('.event--note')?.innerText.includes('Gate code 44')
             && document.querySelector('[data-note]').value === ''",
    )
    .await
}

async fn a_dismissal_says_why(tab: &Tab) -> Tried<()> {
    let page = tab.page();
    page.find("link", "Dismiss").await?.click().await?;
    page.until(
        "the sheet",
        "document.querySelector('dialog[open]') !== null",
    )
    .await?;
    page.press("Dismiss").await?;
    page.until(
        "the sentence in the sheet, and the reasons in focus",
        "document.querySelector('dialog[open] [data-sheet-trouble]:not([hidden])')?.innerText.startsWith('Say why')
             && document.activeElement.name === 'reason'
             && document.querySelector('.toast') === null",
    )
    .await?;
    page.press("Cancel").await
}
