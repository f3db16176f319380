//! Leaving and coming back: by the page, by the link in a text.

use std::time::Duration;

use serde_json::Value;

use crate::browser::{Browser, Manner};
use crate::e2e::scene::{Place, Scene};
use crate::e2e::visitor::Visitor;
use crate::proxy::{Line, Proxy, Way};
use crate::{Tried, time};

pub async fn after_a_reload(scene: &Scene<'_>) -> Tried<()> {
    let at = scene.visitor(&scene.browser, Place::Embedded).await?;
    at.tab.reload().await?;
    let frame = scene.embedded(&at.tab).await?;
    frame.shows("When should we come?").await?;
    at.visitor.books(&frame).await
}

pub async fn soon(scene: &Scene<'_>) -> Tried<()> {
    let (visitor, person) = leaves(scene, true).await?;
    scene
        .inbox
        .row_of(&visitor.name, Duration::from_secs(20))
        .await?;
    let tab = scene.window(&person).await?;
    tab.go(&scene.ready().scheduler).await?;
    tab.page().shows("Where?").await?;
    time::until(
        "the lead to say that they are back",
        Duration::from_secs(5),
        || async {
            let lead = only_lead(scene, &visitor).await?;
            Ok((!lead["back_since"].is_null()).then_some(()))
        },
    )
    .await?;
    // Longer than any hold: what must not go out has had its time.
    tokio::time::sleep(Duration::from_secs(30)).await;
    only_lead(scene, &visitor).await?;
    let texts = scene.world.texts(&visitor.e164()).await?;
    if texts.is_empty() {
        Ok(())
    } else {
        Err(format!("{} is back, and got a text", visitor.name).into())
    }
}

/// Who waits for a page after a restart waits for 8 s.
const BACK_WITHIN: Duration = Duration::from_secs(8);

pub async fn after_an_outage(scene: &Scene<'_>) -> Tried<()> {
    let address = scene.ready().address()?;
    let proxy = Proxy::start(address).await?;
    let manner = Manner {
        detour: Some((address, proxy.address())),
        ..Manner::default()
    };
    let browser = Browser::launch(scene.run, manner).await?;
    let at = scene.visitor(&browser, Place::Hosted).await?;
    proxy.set(Way {
        line: Line::Dropped,
        ..Way::default()
    });
    scene
        .inbox
        .row_of(&at.visitor.name, Duration::from_secs(20))
        .await?;
    // Long enough for a page that took to posting meanwhile to be far from its next post.
    tokio::time::sleep(Duration::from_secs(17)).await;
    proxy.set(Way::default());
    time::until("the page to be back", BACK_WITHIN, || async {
        let lead = only_lead(scene, &at.visitor).await?;
        Ok((!lead["back_since"].is_null()).then_some(()))
    })
    .await
}

pub async fn not_asked_for(scene: &Scene<'_>) -> Tried<()> {
    let (visitor, _person) = leaves(scene, false).await?;
    scene
        .inbox
        .row_of(&visitor.name, Duration::from_secs(20))
        .await?;
    let lead = only_lead(scene, &visitor).await?;
    let tab = scene.lead_tab(&lead).await?;
    tab.page()
        .shows("The box for a text was not ticked")
        .await?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let texts = scene.world.texts(&visitor.e164()).await?;
    if texts.is_empty() {
        Ok(())
    } else {
        Err(format!("{} did not ask for a text, and got one", visitor.name).into())
    }
}

pub async fn by_the_link(scene: &Scene<'_>) -> Tried<()> {
    let (visitor, _person) = leaves(scene, true).await?;
    let number = visitor.e164();
    scene
        .inbox
        .row_of(&visitor.name, Duration::from_secs(20))
        .await?;
    let text = scene
        .world
        .first_text(&number, Duration::from_secs(60))
        .await?;
    if !text.contains("Copperline") || !text.contains("STOP") {
        return Err(
            format!("the text must name the business and say how to opt out: {text}").into(),
        );
    }
    let link = text
        .split_whitespace()
        .find(|word| word.contains("/r/"))
        .ok_or(format!("no link in the text: {text}"))?;

    let elsewhere = Browser::launch(scene.run, Manner::default()).await?;
    let tab = scene.window(&elsewhere.owner()).await?;
    tab.go(link).await?;
    let page = tab.page();
    page.shows("Finish your booking").await?;
    let digits: String = page
        .text()
        .await?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if digits.contains(&visitor.phone) {
        return Err("the link shows the whole number before anything is asked".into());
    }
    page.press("Continue").await?;
    visitor.gives_place(&page).await?;
    page.shows("Review").await?;
    page.press("Book now").await?;
    page.shows("You're booked").await?;

    time::until(
        "the lead to be recovered",
        Duration::from_secs(10),
        || async {
            let lead = only_lead(scene, &visitor).await?;
            Ok((lead["state"] == "recovered").then_some(()))
        },
    )
    .await?;
    let lead = only_lead(scene, &visitor).await?;
    let tab = scene.lead_tab(&lead).await?;
    tab.page()
        .shows("Booked through the link in the text")
        .await?;
    time::until(
        "the one Booking in ST to be the booked one",
        Duration::from_secs(20),
        || async {
            let bookings = scene.world.records("bookings", &number).await?;
            let [booking] = bookings.as_slice() else {
                return Err(
                    format!("{} has {} Bookings in ST", visitor.name, bookings.len()).into(),
                );
            };
            Ok(
                (!booking["start"].is_null() && booking["address"]["street"] == "1200 E Palm Lane")
                    .then_some(()),
            )
        },
    )
    .await?;
    let texts = scene.world.texts(&number).await?.len();
    if texts == 1 {
        Ok(())
    } else {
        Err(format!("{} got {texts} texts", visitor.name).into())
    }
}

/// Chooses a time, and closes the window at *Where?*.
async fn leaves(scene: &Scene<'_>, text_me: bool) -> Tried<(Visitor, crate::browser::Person)> {
    let person = scene.browser.person().await?;
    let tab = scene.window(&person).await?;
    let visitor = Visitor::new();
    let page = scene.open_scheduler(&tab, Place::Hosted).await?;
    visitor.gives_contact(&page, text_me).await?;
    if text_me {
        visitor.chooses_time(&page).await?;
        page.shows("Where?").await?;
    }
    tab.close().await?;
    Ok((visitor, person))
}

async fn only_lead(scene: &Scene<'_>, visitor: &Visitor) -> Tried<Value> {
    let mut leads = scene.office.leads_of(&visitor.name).await?;
    if leads.len() == 1 {
        Ok(leads.remove(0))
    } else {
        Err(format!("{} has {} leads", visitor.name, leads.len()).into())
    }
}
