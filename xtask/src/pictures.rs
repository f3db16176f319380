//! `cargo xtask pictures`: the pages as people see them, into docs/pictures, at the width of a phone and
//! of a desk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::browser::{Tab, Viewport};
use crate::e2e::scene::{Place, Scene};
use crate::e2e::visitor::Visitor;
use crate::run::Run;
use crate::{Tried, product};

const PHONE: Viewport = Viewport {
    width: 390,
    height: 844,
    dark: false,
};
const DESK: Viewport = Viewport {
    width: 1280,
    height: 900,
    dark: false,
};
const DESK_AT_NIGHT: Viewport = Viewport {
    width: 1280,
    height: 900,
    dark: true,
};

/// Takes every picture anew.
pub async fn take(root: &Path) -> Tried<()> {
    let run = Run::open()?;
    let program = product::build(&run, root).await?;
    let scene = Scene::open(&run, root, &program).await?;
    let pictures = Pictures {
        folder: root.join("docs/pictures"),
    };
    for view in [PHONE, DESK] {
        scheduler(&scene, &pictures, view).await?;
    }
    embed(&scene, &pictures).await?;
    let visitor = somebody_leaves(&scene).await?;
    office(&scene, &pictures, &visitor).await?;
    stage(&scene, &pictures).await
}

/// Every step of the scheduler.
async fn scheduler(scene: &Scene<'_>, pictures: &Pictures, view: Viewport) -> Tried<()> {
    let tab = scene.window(&scene.browser.person().await?).await?;
    tab.look(view).await?;
    let page = scene.open_scheduler(&tab, Place::Hosted).await?;
    let visitor = Visitor::named("Maya Lindqvist");
    pictures.take(&tab, "scheduler-1-service", view).await?;
    visitor.chooses_service(&page).await?;
    page.shows("How can we reach you?").await?;
    pictures.take(&tab, "scheduler-2-contact", view).await?;
    visitor.gives_only_contact(&page, true).await?;
    pictures.take(&tab, "scheduler-3-time", view).await?;
    visitor.chooses_time(&page).await?;
    page.shows("Where?").await?;
    pictures.take(&tab, "scheduler-4-place", view).await?;
    visitor.gives_place(&page).await?;
    page.shows("Review").await?;
    pictures.take(&tab, "scheduler-5-review", view).await?;
    page.press("Book now").await?;
    page.shows("You're booked").await?;
    pictures.take(&tab, "scheduler-6-booked", view).await?;
    tab.close().await
}

/// The contractor's page with the scheduler open on it.
async fn embed(scene: &Scene<'_>, pictures: &Pictures) -> Tried<()> {
    for view in [PHONE, DESK] {
        let tab = scene.window(&scene.browser.person().await?).await?;
        tab.look(view).await?;
        scene
            .open_scheduler(&tab, Place::Embedded)
            .await?
            .shows("What do you need?")
            .await?;
        pictures.take(&tab, "embed", view).await?;
        tab.close().await?;
    }
    Ok(())
}

/// A lead for the office to see, all the way to the text.
async fn somebody_leaves(scene: &Scene<'_>) -> Tried<Visitor> {
    let tab = scene.window(&scene.browser.person().await?).await?;
    let page = scene.open_scheduler(&tab, Place::Hosted).await?;
    let visitor = Visitor::named("Theo Marsh");
    visitor.gives_contact(&page, true).await?;
    visitor.chooses_time(&page).await?;
    page.shows("Where?").await?;
    tab.close().await?;
    scene.inbox.tab.page().shows(&visitor.name).await?;
    Ok(visitor)
}

async fn office(scene: &Scene<'_>, pictures: &Pictures, visitor: &Visitor) -> Tried<()> {
    let leads = scene.office.leads_of(&visitor.name).await?;
    let lead = leads.first().ok_or("whoever left is a lead")?;
    scene
        .world
        .first_text(&visitor.e164(), Duration::from_secs(60))
        .await?;
    for view in [PHONE, DESK, DESK_AT_NIGHT] {
        scene.inbox.tab.look(view).await?;
        pictures.take(&scene.inbox.tab, "inbox", view).await?;
    }
    let tab = scene.lead_tab(lead).await?;
    for view in [PHONE, DESK] {
        tab.look(view).await?;
        pictures.take(&tab, "lead", view).await?;
    }
    Ok(())
}

/// The demo's stage, with what has happened so far on it.
async fn stage(scene: &Scene<'_>, pictures: &Pictures) -> Tried<()> {
    for view in [PHONE, DESK] {
        let tab = scene.inbox.another_tab().await?;
        tab.look(view).await?;
        tab.go(&scene.ready().stage).await?;
        tab.frames_stand().await?;
        pictures.take(&tab, "stage", view).await?;
        tab.close().await?;
    }
    Ok(())
}

struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    /// Takes `NAME-WIDTH.png`, at night `NAME-WIDTH-dark.png`.
    async fn take(&self, tab: &Tab, name: &str, view: Viewport) -> Tried<()> {
        let night = if view.dark { "-dark" } else { "" };
        let file = self
            .folder
            .join(format!("{name}-{}{night}.png", view.width));
        tab.page().still().await?;
        tab.picture(&file).await?;
        println!(
            "   {} ({} KB)",
            file.display(),
            std::fs::metadata(&file)?.len() / 1024
        );
        Ok(())
    }
}
