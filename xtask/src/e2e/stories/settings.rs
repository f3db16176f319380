//! Scheduler Details with something wrong in it: the keyboard is at the first wrong field, and every line at the
//! head of the form leads to its own.

use crate::Tried;
use crate::e2e::scene::Scene;

pub async fn wrong_fields_are_found(scene: &Scene<'_>) -> Tried<()> {
    let tab = scene.inbox.another_tab().await?;
    tab.go(&format!(
        "{}/settings/schedulers/{}",
        scene.ready().inbox.trim_end_matches('/'),
        scene.ready().scheduler_name()
    ))
    .await?;
    let page = tab.page();
    page.run("document.querySelector('[name=horizon]').value = '0'; document.querySelector('[name=hold_text]').value = 'soon'")
        .await?;
    page.press("Save").await?;
    page.until(
        "the keyboard at the first wrong field",
        "document.activeElement.name === 'horizon'",
    )
    .await?;
    let links = page
        .evaluate("[...document.querySelectorAll('[data-troubles] a')].map((a) => a.textContent).join(' | ')")
        .await?;
    let named = links.as_str().unwrap_or_default();
    if !named.contains("Days ahead that can be booked: ")
        || !named.contains("The text waits, seconds: ")
    {
        return Err(format!("the lines name their fields: {named}").into());
    }
    page.run("[...document.querySelectorAll('[data-troubles] a')].find((a) => a.hash === '#hold_text-wrong').click()")
        .await?;
    page.until(
        "the keyboard at the field of that line",
        "document.activeElement.name === 'hold_text' && document.activeElement.getBoundingClientRect().top > 0
            && document.activeElement.getBoundingClientRect().bottom < innerHeight",
    )
    .await?;
    tab.close().await
}
