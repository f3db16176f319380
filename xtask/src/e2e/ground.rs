//! The ground the other tests stand on: that this browser does what they take for granted. When this
//! fails, it is the browser or its driver, not the product.

use std::time::Duration;

use super::host::Host;
use crate::browser::{Browser, Manner, Viewport};
use crate::proxy::{Line, Proxy, Way};
use crate::run::Run;
use crate::{Tried, time};

/// Tries everything; the first thing that is not so is the error.
pub async fn holds(run: &Run) -> Tried<()> {
    // Nothing listens there: the pages carry an embed that does not load.
    let host = Host::start("http://127.0.0.1:9", "none").await?;
    let browser = Browser::launch(run, Manner::default()).await?;
    println!("   names and clicks");
    names_and_clicks(&browser, &host).await?;
    println!("   frames of another site");
    frames_of_another_site(&browser, &host).await?;
    println!("   hidden tabs and the back/forward cache");
    hidden_tabs(&browser, &host).await?;
    back_and_forward(&browser, &host).await?;
    println!("   closing windows");
    closing(&browser, &host).await?;
    drop(browser);
    println!("   third-party cookies");
    third_party_cookies(run, &host).await?;
    println!("   killing");
    killing(run, &host).await?;
    println!("   the detour");
    detour(run, &host).await
}

async fn names_and_clicks(browser: &Browser, host: &Host) -> Tried<()> {
    let tab = browser.person().await?.window().await?;
    tab.go(&host.elsewhere()).await?;
    let page = tab.page();
    page.run(
        "document.body.innerHTML = `<label>Full name <input></label><p style='height:2000px'></p>
         <label><input type=checkbox> Agree</label><button aria-label='Send it'>x</button>
         <label>State <select><option>Utah<option>Arizona</select></label><p id=out></p>`;
         document.querySelector('button').onclick = (event) => {
           document.querySelector('#out').textContent = [document.querySelector('input').value,
             document.querySelector('[type=checkbox]').checked, document.querySelector('select').value,
             event.isTrusted].join(' ');
         }",
    )
    .await?;
    page.fill("Full name", "Ann Other").await?;
    page.fill("Full name", "Wren Ash").await?;
    page.find("checkbox", "Agree").await?.click().await?;
    page.find("combobox", "State")
        .await?
        .choose("Arizona")
        .await?;
    page.press("Send it").await?;
    page.shows("Wren Ash true Arizona true").await?;
    tab.focused().await?;
    page.find("textbox", "Full name")
        .await?
        .call("function () { this.focus() }", &().into())
        .await?;
    page.key("Tab").await?;
    page.key("Space").await?;
    page.key("Tab").await?;
    page.key("Enter").await?;
    page.shows("Wren Ash false Arizona true").await?;
    tab.look(Viewport {
        width: 390,
        height: 800,
        dark: true,
    })
    .await?;
    page.until(
        "a dark narrow page",
        "innerWidth === 390 && matchMedia('(prefers-color-scheme: dark)').matches",
    )
    .await?;
    let file = std::env::temp_dir().join(format!("ringback-ground-{}.png", std::process::id()));
    tab.picture(&file).await?;
    let picture = std::fs::read(&file)?;
    std::fs::remove_file(&file)?;
    expect(picture.starts_with(b"\x89PNG"), "a picture is a PNG file")
}

async fn frames_of_another_site(browser: &Browser, host: &Host) -> Tried<()> {
    let tab = browser.person().await?.window().await?;
    tab.go(&host.page()).await?;
    let other = host.elsewhere().replace("localhost", "127.0.0.1");
    for address in [other, host.elsewhere()] {
        tab.page().run(&format!("document.body.innerHTML = `<p style='height:50px'></p><iframe src='{address}'></iframe>`")).await?;
        let frame = tab.frame(&address).await?;
        frame.run("document.body.innerHTML = '<button onclick=\"this.textContent = event.isTrusted\">Press</button>'").await?;
        frame.press("Press").await?;
        frame.shows("true").await?;
    }
    Ok(())
}

async fn hidden_tabs(browser: &Browser, host: &Host) -> Tried<()> {
    let person = browser.person().await?;
    let first = person.window().await?;
    first.go(&host.elsewhere()).await?;
    let second = person.tab().await?;
    first
        .page()
        .until(
            "the first tab to be hidden",
            "document.visibilityState === 'hidden'",
        )
        .await?;
    first.to_front().await?;
    second
        .page()
        .until(
            "the second tab to be hidden",
            "document.visibilityState === 'hidden'",
        )
        .await
}

async fn back_and_forward(browser: &Browser, host: &Host) -> Tried<()> {
    let tab = browser.person().await?.window().await?;
    tab.go(&host.elsewhere()).await?;
    tab.page().run("window.kept = true").await?;
    tab.go(&host.elsewhere().replace("localhost", "127.0.0.1"))
        .await?;
    tab.back().await?;
    tab.page()
        .until("the page to come back as it was", "window.kept === true")
        .await
}

async fn closing(browser: &Browser, host: &Host) -> Tried<()> {
    let person = browser.person().await?;
    let first = person.window().await?;
    let beside = person.tab().await?;
    beside.go(&host.elsewhere()).await?;
    beside.close().await?;
    first
        .page()
        .until("the other tab to live on", "true")
        .await?;
    first.close().await
}

async fn third_party_cookies(run: &Run, host: &Host) -> Tried<()> {
    for (block, outcome) in [(false, "cookie came"), (true, "cookie missing")] {
        let manner = Manner {
            block_third_party_cookies: block,
            ..Manner::default()
        };
        let browser = Browser::launch(run, manner).await?;
        let tab = browser.owner().window().await?;
        tab.go(&host.cookie_trial()).await?;
        tab.frame("/cookie-told").await?.shows(outcome).await?;
    }
    Ok(())
}

async fn killing(run: &Run, host: &Host) -> Tried<()> {
    let mut browser = Browser::launch(run, Manner::default()).await?;
    let tab = browser.owner().window().await?;
    tab.go(&host.elsewhere()).await?;
    browser.kill_renderers().await?;
    // Only a page that lives answers at all.
    let dead = tokio::time::timeout(Duration::from_millis(500), tab.page().evaluate("1")).await;
    expect(
        !matches!(dead, Ok(Ok(_))),
        "a page without its renderer is dead",
    )?;
    browser.kill().await?;
    expect(
        tab.page().evaluate("1").await.is_err(),
        "a killed browser answers no more",
    )
}

async fn detour(run: &Run, host: &Host) -> Tried<()> {
    let address = host
        .page()
        .replace("http://localhost", "127.0.0.1")
        .trim_end_matches('/')
        .parse()?;
    let proxy = Proxy::start(address).await?;
    let manner = Manner {
        detour: Some((address, proxy.address())),
        ..Manner::default()
    };
    let browser = Browser::launch(run, manner).await?;
    let tab = browser.owner().window().await?;
    let page = format!("http://{address}/elsewhere");
    proxy.set(Way {
        there: Duration::from_millis(200),
        back: Duration::from_millis(300),
        ..Way::default()
    });
    let start = time::wall_ms();
    tab.go(&page).await?;
    expect(time::wall_ms() - start > 900.0, "a long way takes its time")?;
    proxy.set(Way {
        line: Line::Dropped,
        ..Way::default()
    });
    expect(
        tab.go(&page).await.is_err(),
        "nothing passes a dropped line",
    )
}

fn expect(so: bool, what: &str) -> Tried<()> {
    if so {
        Ok(())
    } else {
        Err(format!("not so: {what}").into())
    }
}
