//! Pages that everybody can use: axe-core finds nothing, and the pages complain about nothing.

use crate::Tried;
use crate::browser::Viewport;
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
    let inbox = &scene.inbox.tab;
    for view in VIEWS {
        inbox.look(view).await?;
        axe::none(scene, &inbox.page(), "inbox").await?;
    }
    scene.no_complaints(inbox)
}
