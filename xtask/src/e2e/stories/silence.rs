//! A scheduler that does not answer: the website that shows it has a number to call.

use crate::Tried;
use crate::browser::{Browser, Manner};
use crate::e2e::host::OPEN;
use crate::e2e::scene::{NO_FRAME_IN_VIEW, Scene};
use crate::proxy::{Line, Proxy, Way};

/// The office's number, as the embed shows it.
const CALL: &str = "Call (602) 555-0100";

pub async fn has_a_number_to_call(scene: &Scene<'_>) -> Tried<()> {
    let address = scene.ready().address()?;
    let proxy = Proxy::start(address).await?;
    let manner = Manner {
        detour: Some((address, proxy.address())),
        ..Manner::default()
    };
    let browser = Browser::launch(scene.run, manner).await?;
    let tab = scene.window(&browser.person().await?).await?;
    tab.go(&scene.host.page()).await?;
    let page = tab.page();
    page.find("button", "Book online").await?;

    for line in [Line::Dropped, Line::Silent] {
        proxy.set(Way {
            line,
            ..Way::default()
        });
        page.press(OPEN).await?;
        let call = page.find("link", CALL).await?;
        let dials = call
            .call("function () { return this.href }", &().into())
            .await?;
        if dials != "tel:+16025550100" {
            return Err(format!("the number dials {dials}").into());
        }
        page.until("no grey box behind it", NO_FRAME_IN_VIEW)
            .await?;
        if line == Line::Silent {
            break;
        }
        page.press("Close scheduler").await?;
        page.until(
            "the dialog to be gone",
            "document.activeElement.matches('[data-ringback-open]')",
        )
        .await?;
    }

    // It comes after all: what was late is shown, and the notice is gone.
    proxy.set(Way::default());
    let scheduler = scene.embedded(&tab).await?;
    scheduler.shows("What do you need?").await?;
    page.until("the frame to be in view", &format!("!({NO_FRAME_IN_VIEW})"))
        .await?;
    if page.look_for("link", CALL).await?.is_some() {
        return Err("the notice stands before a scheduler that answers".into());
    }
    // The browser may close the dialog itself, as Android's Back does; the button opens it again.
    page.run(
        "document.querySelector('[data-ringback]').shadowRoot.querySelector('dialog').close()",
    )
    .await?;
    page.until("the frame to be gone", NO_FRAME_IN_VIEW).await?;
    page.press(OPEN).await?;
    let scheduler = scene.embedded(&tab).await?;
    scheduler.shows("What do you need?").await
}
