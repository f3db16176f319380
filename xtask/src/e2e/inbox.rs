//! The office: Dana at her inbox, which stays open and notes when each visitor's row appears.

use std::time::Duration;

use serde_json::Value;

use super::visitor::FIRST_NAME;
use crate::browser::{Browser, Manner, Tab};
use crate::product::Ready;
use crate::run::Run;
use crate::{Tried, time};

/// An open inbox in a browser of its own.
pub struct Inbox {
    browser: Browser,
    pub tab: Tab,
}

impl Inbox {
    /// Signs in as the demo's Administrator, opens the inbox and starts watching it.
    pub async fn open(run: &Run, ready: &Ready) -> Tried<Inbox> {
        let browser = Browser::launch(run, Manner::default()).await?;
        let tab = browser.owner().window().await?;
        sign_in(&tab, ready).await?;
        tab.go(&ready.inbox).await?;
        tab.page().run(&watching()).await?;
        Ok(Inbox { browser, tab })
    }

    /// One more window of Dana's, signed in as she is.
    pub async fn another_tab(&self) -> Tried<Tab> {
        self.browser.owner().window().await
    }

    /// When the visitor's row first stood in the inbox, in milliseconds since 1970.
    pub async fn first_seen(&self, name: &str) -> Tried<Option<f64>> {
        let seen = self
            .tab
            .page()
            .evaluate(&format!("window.firstSeen[{}] ?? null", Value::from(name)))
            .await?;
        Ok(seen.as_f64())
    }

    /// Waits for the visitor's row and says when it came.
    pub async fn row_of(&self, name: &str, patience: Duration) -> Tried<f64> {
        time::until(&format!("{name} in the inbox"), patience, || {
            self.first_seen(name)
        })
        .await
    }
}

/// Signs in at the office, whatever page is asked for first.
pub async fn sign_in(tab: &Tab, ready: &Ready) -> Tried<()> {
    tab.go(&ready.inbox).await?;
    let page = tab.page();
    page.fill("Email", &ready.email).await?;
    page.fill("Password", &ready.password).await?;
    page.press("Sign in").await?;
    page.until(
        "to be signed in",
        "!document.querySelector('input[type=password]')",
    )
    .await
}

/// A script that notes when each of our visitors' names first appears in the page.
fn watching() -> String {
    format!(
        "window.firstSeen = {{}};
         const note = (text) => {{
           for (const [name] of (text ?? '').matchAll(/{FIRST_NAME} [A-Z][a-z]+/g)) window.firstSeen[name] ??= Date.now();
         }};
         note(document.body.textContent);
         new MutationObserver((changes) => {{
           for (const change of changes) {{
             if (change.type === 'characterData') note(change.target.textContent);
             for (const added of change.addedNodes) note(added.textContent);
           }}
         }}).observe(document, {{ subtree: true, childList: true, characterData: true }});"
    )
}
