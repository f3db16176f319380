//! Ways to leave. Each must become exactly one lead, and a row in the open inbox.

use std::time::Duration;

use super::departures::Held;
use super::scene::{AtTimes, Place, Scene};
use super::staying;
use crate::browser::{Browser, Manner};
use crate::proxy::{Line, Proxy, Way};
use crate::{Tried, time};

/// How somebody goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    CloseButton,
    TabClosed,
    WindowClosed,
    NavigatesAway,
    BrowserKilled,
    RendererKilled,
    HostPageClosed,
    FrameRemoved,
    NetworkCut,
    LongWay,
    OtherSite,
    OtherSiteCloseButton,
    BrowserTerminated,
    HiddenAndKilled,
}

/// Every way, in the order of the table.
pub const LEAVING: [Leaving; 14] = [
    Leaving::CloseButton,
    Leaving::TabClosed,
    Leaving::WindowClosed,
    Leaving::NavigatesAway,
    Leaving::BrowserKilled,
    Leaving::RendererKilled,
    Leaving::HostPageClosed,
    Leaving::FrameRemoved,
    Leaving::NetworkCut,
    Leaving::LongWay,
    Leaving::OtherSite,
    Leaving::OtherSiteCloseButton,
    Leaving::BrowserTerminated,
    Leaving::HiddenAndKilled,
];

impl Leaving {
    /// The row's name.
    pub fn name(self) -> &'static str {
        match self {
            Leaving::CloseButton => "close button",
            Leaving::TabClosed => "tab closed",
            Leaving::WindowClosed => "window closed",
            Leaving::NavigatesAway => "navigation away, page kept for going back",
            Leaving::BrowserKilled => "browser killed (SIGKILL)",
            Leaving::RendererKilled => "renderer killed (SIGKILL)",
            Leaving::HostPageClosed => "host page with our frame closed",
            Leaving::FrameRemoved => "frame removed by the host",
            Leaving::NetworkCut => "network cut without a word",
            Leaving::LongWay => "window closed over 300 ms round trips",
            Leaving::OtherSite => "other site, third-party cookies blocked",
            Leaving::OtherSiteCloseButton => "the same, close button in our frame",
            Leaving::BrowserTerminated => "browser terminated (SIGTERM)",
            Leaving::HiddenAndKilled => "hidden page, browser killed (SIGKILL)",
        }
    }

    /// The longest it may take from the act to the row: 20 s for a page in view, whatever died, and 60 s for a hidden
    /// one.
    fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Leaving::HiddenAndKilled => 60,
            _ => 20,
        })
    }

    /// The shortest: people who look something up come back to a hidden page.
    fn grace(self) -> Duration {
        match self {
            Leaving::HiddenAndKilled => SHOWS_AGAIN_WITHIN,
            _ => Duration::ZERO,
        }
    }

    /// A network fails all at once, and who waits for long waits beside the others.
    fn all_at_once(self) -> bool {
        matches!(self, Leaving::NetworkCut | Leaving::HiddenAndKilled)
    }
}

/// A hidden page that is lost may be shown again within this.
const SHOWS_AGAIN_WITHIN: Duration = Duration::from_secs(45);

/// Lets `repeats` visitors go this way, one after the other or all at once.
pub async fn repeat(scene: &Scene<'_>, way: Leaving, repeats: usize) -> Held {
    let mut held = Held::default();
    let mut names = Vec::new();
    if way.all_at_once() {
        match all_leave(scene, way, repeats).await {
            Ok((left, gone)) => {
                for visitor in &gone {
                    let name = &visitor.visitor.name;
                    held.count(seen_since(scene, name, left, way).await.map(Some));
                    names.push(name.clone());
                }
            }
            Err(error) => held.wrong.push(error.to_string()),
        }
    } else {
        let mut kept = Kept::default();
        for _ in 0..repeats {
            let outcome = one_leaves(scene, way, &mut kept).await;
            let outcome = outcome.map(|(name, took)| {
                names.push(name);
                Some(took)
            });
            held.count(outcome);
        }
        if way == Leaving::NavigatesAway {
            kept.judge(&mut held);
        }
    }
    exactly_one_lead_each(scene, &names, &mut held).await;
    held
}

/// Which of the pages that were left were kept for going back: of those that were not, the row says nothing that
/// *tab closed* does not.
#[derive(Default)]
struct Kept {
    kept: usize,
    /// The browser's reasons for the others.
    thrown_away: Vec<String>,
}

impl Kept {
    fn judge(self, held: &mut Held) {
        let of = self.kept + self.thrown_away.len();
        held.notes
            .push(format!("{} of {of} pages were kept", self.kept));
        held.notes.extend(self.thrown_away);
        if self.kept == 0 {
            held.held = 0;
            held.wrong.push("no page was kept for going back".into());
        }
    }
}

/// Why the browser did not keep the page it has loaded again, as far as it says.
const WHY_NOT_KEPT: &str =
    "JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)";

/// One visitor goes; says who, and how long it took until the row stood in the inbox.
async fn one_leaves(scene: &Scene<'_>, way: Leaving, kept: &mut Kept) -> Tried<(String, f64)> {
    let name_and_time = |gone: &AtTimes, left: f64| (gone.visitor.name.clone(), left);
    let (name, left) = match way {
        Leaving::CloseButton => {
            let gone = scene.visitor(&scene.browser, Place::Hosted).await?;
            let left = presses_close(&gone).await?;
            name_and_time(&gone, left)
        }
        Leaving::TabClosed => {
            let gone = scene.visitor(&scene.browser, Place::Hosted).await?;
            // Another tab beside it, so that the window stays; the visitor's is in front again.
            gone.person.tab().await?;
            gone.tab.to_front().await?;
            let left = time::wall_ms();
            gone.tab.close().await?;
            name_and_time(&gone, left)
        }
        Leaving::WindowClosed => {
            let gone = scene.visitor(&scene.browser, Place::Hosted).await?;
            let left = time::wall_ms();
            gone.tab.close().await?;
            name_and_time(&gone, left)
        }
        Leaving::NavigatesAway => {
            let gone = scene.visitor(&scene.browser, Place::Hosted).await?;
            gone.scheduler.run("window.kept = true").await?;
            let left = time::wall_ms();
            gone.tab.set_out(&scene.host.elsewhere()).await?;
            let took = seen_since(scene, &gone.visitor.name, left, way).await?;
            gone.tab.back().await?;
            gone.tab.page().shows("When should we come?").await?;
            if gone.tab.page().evaluate("window.kept === true").await? == true {
                kept.kept += 1;
            } else {
                let why = gone.tab.page().evaluate(WHY_NOT_KEPT).await?;
                kept.thrown_away.push(format!("not kept: {why}"));
            }
            gone.person.leave().await?;
            return Ok((gone.visitor.name, took));
        }
        Leaving::BrowserKilled | Leaving::BrowserTerminated | Leaving::RendererKilled => {
            let mut browser = Browser::launch(scene.run, Manner::default()).await?;
            let gone = scene.visitor(&browser, Place::Hosted).await?;
            let left = time::wall_ms();
            match way {
                Leaving::BrowserKilled => browser.kill().await?,
                Leaving::BrowserTerminated => browser.terminate()?,
                _ => browser.kill_renderers().await?,
            }
            // The browser stays until the row is seen: its end must not be what is noticed.
            let took = seen_since(scene, &gone.visitor.name, left, way).await?;
            return Ok((gone.visitor.name, took));
        }
        Leaving::HostPageClosed => {
            let gone = scene.visitor(&scene.browser, Place::Embedded).await?;
            let left = time::wall_ms();
            gone.tab.close().await?;
            name_and_time(&gone, left)
        }
        Leaving::FrameRemoved => {
            let gone = scene.visitor(&scene.browser, Place::Embedded).await?;
            let left = time::wall_ms();
            gone.tab.page().run(REMOVE_FRAME).await?;
            name_and_time(&gone, left)
        }
        Leaving::LongWay => {
            let address = scene.ready().address()?;
            let proxy = Proxy::start(address).await?;
            let manner = Manner {
                detour: Some((address, proxy.address())),
                ..Manner::default()
            };
            let browser = Browser::launch(scene.run, manner).await?;
            let half = Duration::from_millis(150);
            proxy.set(Way {
                there: half,
                back: half,
                ..Way::default()
            });
            let gone = scene.visitor(&browser, Place::Hosted).await?;
            let left = time::wall_ms();
            gone.tab.close().await?;
            let took = seen_since(scene, &gone.visitor.name, left, way).await?;
            return Ok((gone.visitor.name, took));
        }
        Leaving::OtherSite | Leaving::OtherSiteCloseButton => {
            let manner = Manner {
                block_third_party_cookies: true,
                ..Manner::default()
            };
            let browser = Browser::launch(scene.run, manner).await?;
            let gone = scene
                .visitor_as(browser.owner(), Place::Embedded, false)
                .await?;
            let left = if way == Leaving::OtherSite {
                browser.owner().tab().await?;
                gone.tab.to_front().await?;
                let left = time::wall_ms();
                gone.tab.close().await?;
                left
            } else {
                presses_close(&gone).await?
            };
            let took = seen_since(scene, &gone.visitor.name, left, way).await?;
            return Ok((gone.visitor.name, took));
        }
        Leaving::NetworkCut | Leaving::HiddenAndKilled => {
            return Err(format!("{} is for all at once", way.name()).into());
        }
    };
    let took = seen_since(scene, &name, left, way).await?;
    Ok((name, took))
}

/// They press the scheduler's own close button; says when.
async fn presses_close(gone: &AtTimes) -> Tried<f64> {
    let button = gone.scheduler.find("button", "Close scheduler").await?;
    let place = button.at_rest().await?;
    let left = time::wall_ms();
    button.click_at(place).await?;
    Ok(left)
}

/// Takes the embed's frame out of the host's page, wherever the embed put it.
const REMOVE_FRAME: &str = "
    const frames = (root) => [...root.querySelectorAll('iframe'),
      ...[...root.querySelectorAll('*')].filter((e) => e.shadowRoot).flatMap((e) => frames(e.shadowRoot))];
    const found = frames(document);
    if (found.length !== 1) throw new Error(`${found.length} frames`);
    found[0].remove()";

/// Brings `count` visitors to the times; then all of them go, and say nothing.
async fn all_leave(scene: &Scene<'_>, way: Leaving, count: usize) -> Tried<(f64, Vec<AtTimes>)> {
    let address = scene.ready().address()?;
    let proxy = Proxy::start(address).await?;
    let manner = Manner {
        detour: Some((address, proxy.address())),
        ..Manner::default()
    };
    let mut browser = Browser::launch(scene.run, manner).await?;
    let mut gone = Vec::new();
    for _ in 0..count {
        gone.push(scene.visitor(&browser, Place::Hosted).await?);
    }
    if way == Leaving::HiddenAndKilled {
        for visitor in &gone {
            visitor.person.tab().await?;
            staying::hidden(visitor).await?;
            // What the page has said of it before this is on the wire by the time it is answered.
            visitor.tab.page().evaluate(SAID).await?;
        }
    }
    let left = time::wall_ms();
    if way == Leaving::HiddenAndKilled {
        browser.kill().await?;
    } else {
        proxy.set(Way {
            line: Line::Silent,
            ..Way::default()
        });
    }
    for visitor in &gone {
        scene
            .inbox
            .row_of(&visitor.visitor.name, 2 * way.patience())
            .await?;
    }
    Ok((left, gone))
}

/// Something that the server answers.
const SAID: &str = "fetch('/readyz').then(() => true)";

async fn seen_since(scene: &Scene<'_>, name: &str, left: f64, way: Leaving) -> Tried<f64> {
    let patience = way.patience();
    let seen = scene
        .inbox
        .row_of(name, patience + Duration::from_secs(40))
        .await?;
    let took = seen - left;
    if took < 0.0 {
        return Err(format!("{name} was in the inbox {} ms before leaving", -took).into());
    }
    if took < way.grace().as_secs_f64() * 1000.0 {
        return Err(format!("{name} was seen after {:.1} s already", took / 1000.0).into());
    }
    if took > patience.as_secs_f64() * 1000.0 {
        return Err(format!("{name} was seen only after {:.1} s", took / 1000.0).into());
    }
    Ok(took)
}

/// Every visitor of a row has one lead, no more and no less.
async fn exactly_one_lead_each(scene: &Scene<'_>, names: &[String], held: &mut Held) {
    let leads = match scene.office.leads().await {
        Ok(leads) => leads,
        Err(error) => {
            held.held = 0;
            held.wrong.push(error.to_string());
            return;
        }
    };
    for name in names {
        let count = leads
            .iter()
            .filter(|lead| lead["person"]["name"] == name.as_str())
            .count();
        if count != 1 {
            held.held = held.held.saturating_sub(1);
            held.wrong.push(format!("{name} has {count} leads"));
        }
    }
}
