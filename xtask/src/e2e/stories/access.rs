//! Pages that everybody can use: axe-core finds nothing, and the pages complain about nothing.

use std::time::Duration;

use crate::Tried;
use crate::browser::{Frame, Viewport};
use crate::e2e::axe;
use crate::e2e::scene::{Place, Scene};
use crate::e2e::visitor::Visitor;

const VIEWS: [Viewport; 3] = [
    Viewport {
        width: 390,
        height: 844,
        dark: false,
    },
    Viewport {
        width: 1280,
        height: 900,
        dark: false,
    },
    Viewport {
        width: 1280,
        height: 900,
        dark: true,
    },
];

pub async fn of_the_scheduler(scene: &Scene<'_>) -> Tried<()> {
    for view in VIEWS {
        let tab = scene.window(&scene.browser.person().await?).await?;
        tab.look(view).await?;
        let page = scene.open_scheduler(&tab, Place::Hosted).await?;
        let visitor = Visitor::new();
        axe::none(scene, &page, "What do you need?").await?;
        visitor.chooses_service(&page).await?;
        page.shows("How can we reach you?").await?;
        axe::none(scene, &page, "How can we reach you?").await?;
        visitor.gives_only_contact(&page, false).await?;
        axe::none(scene, &page, "When should we come?").await?;
        visitor.chooses_time(&page).await?;
        page.shows("Where?").await?;
        axe::none(scene, &page, "Where?").await?;
        visitor.gives_place(&page).await?;
        page.shows("Review").await?;
        axe::none(scene, &page, "Review").await?;
        page.press("Book now").await?;
        page.shows("You're booked").await?;
        axe::none(scene, &page, "You're booked").await?;
        scene.no_complaints(&tab)?;
        tab.close().await?;
    }
    Ok(())
}

pub async fn of_the_office(scene: &Scene<'_>) -> Tried<()> {
    let at = scene.visitor(&scene.browser, Place::Hosted).await?;
    at.tab.close().await?;
    scene
        .inbox
        .row_of(&at.visitor.name, Duration::from_secs(20))
        .await?;
    let leads = scene.office.leads_of(&at.visitor.name).await?;
    let lead = leads.first().ok_or("whoever left is a lead")?;
    let office = scene.ready().inbox.trim_end_matches('/').to_owned();
    let tab = scene.lead_tab(lead).await?;
    for path in [
        String::new(),
        format!("/leads/{}", lead["id"]),
        "/tasks".into(),
        "/settings".into(),
    ] {
        for view in VIEWS {
            tab.look(view).await?;
            tab.go(&format!("{office}{path}")).await?;
            let name = format!("/office{path} at {} px", view.width);
            fits(&tab.page(), &name).await?;
            axe::none(scene, &tab.page(), &name).await?;
        }
    }
    scene.no_complaints(&tab)
}

/// Nothing is wider than the window, or is cut off where nobody can scroll.
async fn fits(page: &Frame, name: &str) -> Tried<()> {
    let wide = page
        .evaluate(
            "[...document.querySelectorAll('body *')].filter((e) => {
                const scrolls = (p) => p && (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX) || scrolls(p.parentElement));
                const box = e.getBoundingClientRect();
                return box.width > 1 && box.right > innerWidth + 1 && e.checkVisibility({ visibilityProperty: true })
                    && !scrolls(e.parentElement);
             }).slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join('; ')",
        )
        .await?;
    match wide.as_str() {
        Some("") => Ok(()),
        wide => Err(format!("{name}: wider than its window: {}", wide.unwrap_or("?")).into()),
    }
}
