//! One tab: where it goes, how it looks, how it ends.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::frame::Frame;
use super::wire::{Wire, attach_automatically};
use crate::{Tried, time};

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

/// How slow a machine and its line are.
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    /// How many times slower than ours its processor is.
    pub processor: f64,
    /// Each request takes this long before its answer begins.
    pub round_trip: Duration,
    /// Bytes a second.
    pub down: u32,
    pub up: u32,
}

/// One tab of a browser. Dropping it closes nothing: a person's windows end with the person.
#[derive(Clone)]
pub struct Tab {
    pub(super) wire: Wire,
    pub(super) target: String,
    pub(super) session: String,
}

impl Tab {
    pub(super) async fn attach(wire: &Wire, target: &str) -> Tried<Tab> {
        let attached = wire
            .browser(
                "Target.attachToTarget",
                json!({ "targetId": target, "flatten": true }),
            )
            .await?;
        let session = attached["sessionId"]
            .as_str()
            .ok_or("a session has an id")?
            .to_owned();
        let tab = Tab {
            wire: wire.clone(),
            target: target.to_owned(),
            session,
        };
        for method in ["Page.enable", "Runtime.enable", "Log.enable"] {
            tab.ask(method, json!({})).await?;
        }
        tab.ask("Target.setAutoAttach", attach_automatically())
            .await?;
        Ok(tab)
    }

    /// Goes to `url` as a typed address does, and waits until the page stands.
    pub async fn go(&self, url: &str) -> Tried<()> {
        let gone = self.ask("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = gone["errorText"].as_str() {
            return Err(format!("{url}: {error}").into());
        }
        self.standing().await
    }

    /// Sets out for `url` without waiting for anything.
    pub async fn set_out(&self, url: &str) -> Tried<()> {
        self.ask("Page.navigate", json!({ "url": url })).await?;
        Ok(())
    }

    /// Reloads, as the button does; returns when the new page stands.
    pub async fn reload(&self) -> Tried<()> {
        self.page().run("window.aboutToBeReloaded = true").await?;
        self.ask("Page.reload", json!({})).await?;
        let fresh = "window.aboutToBeReloaded === undefined && document.readyState === 'complete'";
        self.page()
            .until("the page to be loaded again", fresh)
            .await
    }

    /// Back, as the button does, without waiting.
    pub async fn back(&self) -> Tried<()> {
        let history = self.ask("Page.getNavigationHistory", json!({})).await?;
        let index = history["currentIndex"].as_u64().unwrap_or_default();
        let before = usize::try_from(
            index
                .checked_sub(1)
                .ok_or("there is no page to go back to")?,
        )?;
        self.ask(
            "Page.navigateToHistoryEntry",
            json!({ "entryId": history["entries"][before]["id"] }),
        )
        .await?;
        Ok(())
    }

    /// Closes the tab; its window too, when it was the last one.
    pub async fn close(&self) -> Tried<()> {
        // The answer may be lost together with the tab.
        let _ = self.ask("Page.close", json!({})).await;
        time::until("the tab to close", Duration::from_secs(10), || async {
            let known = self.wire.browser("Target.getTargets", json!({})).await?;
            let targets = known["targetInfos"].as_array().cloned().unwrap_or_default();
            let there = targets
                .iter()
                .any(|target| target["targetId"] == self.target.as_str());
            Ok((!there).then_some(()))
        })
        .await
    }

    /// Brings this tab to the front of its window; the one before it is hidden.
    pub async fn to_front(&self) -> Tried<()> {
        self.wire
            .browser("Target.activateTarget", json!({ "targetId": self.target }))
            .await?;
        self.page()
            .until(
                "the tab to be in view",
                "document.visibilityState === 'visible'",
            )
            .await
    }

    /// The page itself.
    pub fn page(&self) -> Frame {
        Frame::main(self)
    }

    /// The frame whose address contains `part`, once it is there and its document stands.
    pub async fn frame(&self, part: &str) -> Tried<Frame> {
        let what = format!("a frame with {part} in its address");
        time::until(&what, Duration::from_secs(15), || async {
            for frame in Frame::all(self).await? {
                let address = frame
                    .evaluate("document.readyState === 'complete' ? location.href : ''")
                    .await;
                if address.is_ok_and(|address| {
                    address
                        .as_str()
                        .is_some_and(|address| address.contains(part))
                }) {
                    return Ok(Some(frame));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Waits until every frame of the page stands as well.
    pub async fn frames_stand(&self) -> Tried<()> {
        time::until("every frame to stand", Duration::from_secs(20), || async {
            for frame in Frame::all(self).await? {
                let stands = frame
                    .evaluate("document.readyState === 'complete'")
                    .await
                    .unwrap_or(Value::Null);
                if stands != true {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }

    /// Turns scripts off (or on) for every page this tab shows from now on.
    pub async fn scripts(&self, on: bool) -> Tried<()> {
        self.ask(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !on }),
        )
        .await?;
        Ok(())
    }

    /// Slows the tab down from now on, and counts what it receives.
    pub async fn slow(&self, slow: Slow) -> Tried<()> {
        self.ask("Network.enable", json!({})).await?;
        let line = json!({
            "offline": false, "latency": slow.round_trip.as_millis() as u64,
            "downloadThroughput": slow.down, "uploadThroughput": slow.up,
        });
        self.ask("Network.emulateNetworkConditions", line).await?;
        let rate = json!({ "rate": slow.processor });
        self.ask("Emulation.setCPUThrottlingRate", rate).await?;
        Ok(())
    }

    /// Requests that are done since [`Tab::slow`], and their bytes as they came over the wire.
    pub fn received(&self) -> (u64, u64) {
        self.wire.received_by(&self.session)
    }

    /// Runs `script` in every page this tab shows from now on, before the page's own.
    pub async fn before_every_page(&self, script: &str) -> Tried<()> {
        let source = json!({ "source": script });
        self.ask("Page.addScriptToEvaluateOnNewDocument", source)
            .await?;
        Ok(())
    }

    /// Lets the page believe that its window has the keyboard, as it does for the person in front of it.
    pub async fn focused(&self) -> Tried<()> {
        self.ask(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        )
        .await?;
        Ok(())
    }

    /// Sizes the page and chooses its colours.
    pub async fn look(&self, view: Viewport) -> Tried<()> {
        let size = json!({
            "width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": view.width < 600,
        });
        self.ask("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if view.dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// A picture of what is in view, as a PNG file.
    pub async fn picture(&self, file: &Path) -> Tried<()> {
        let taken = self
            .ask(
                "Page.captureScreenshot",
                json!({ "format": "png", "optimizeForSpeed": false }),
            )
            .await?;
        let data = taken["data"].as_str().ok_or("a picture has data")?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, super::frame::from_base64(data)?)?;
        Ok(())
    }

    /// What the page and its frames complained about so far.
    pub fn complaints(&self) -> Vec<String> {
        self.wire.complaints_of(&self.session)
    }

    /// Waits until the page and what it loads stand.
    pub async fn standing(&self) -> Tried<()> {
        self.page()
            .until("the page to stand", "document.readyState === 'complete'")
            .await
    }

    pub(super) async fn ask(&self, method: &str, parameters: Value) -> Tried<Value> {
        self.wire.session(&self.session, method, parameters).await
    }
}
