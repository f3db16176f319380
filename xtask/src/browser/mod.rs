//! A real Chromium, driven over its DevTools protocol: browsers, windows, tabs.
//! What is done inside a page is in `frame.rs`; the protocol's wire is in `wire.rs`.

mod frame;
mod tab;
mod wire;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

pub use frame::Frame;
pub use tab::{Slow, Tab, Viewport};
use wire::Wire;

use crate::run::{Run, Running};
use crate::{Tried, debian, time, zone};

/// How a browser is to be started.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// Sends connections for the first address to the second: a proxy of ours in the middle, while
    /// every URL, origin and cookie stays what it is.
    pub detour: Option<(SocketAddr, SocketAddr)>,
    /// Refuses cookies to frames of another site, as most browsers do by now. A [`Browser::person`] is
    /// refused them in any case; this is about the browser's owner.
    pub block_third_party_cookies: bool,
}

/// A running browser; killed when dropped.
pub struct Browser {
    program: Running,
    wire: Wire,
    folder: PathBuf,
}

impl Browser {
    /// Starts Chromium with a profile of its own and connects to it.
    pub async fn launch(run: &Run, manner: Manner) -> Tried<Browser> {
        let folder = run.fresh("chromium")?;
        let block = manner.block_third_party_cookies;
        fs::create_dir_all(folder.join("Default"))?;
        let settings = json!({ "profile": { "block_third_party_cookies": block, "cookie_controls_mode": u8::from(block) } });
        fs::write(folder.join("Default/Preferences"), settings.to_string())?;
        let mut command = run.program(debian::CHROMIUM);
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", folder.display()));
        command.arg(format!(
            "--host-resolver-rules={}",
            loopback_only(manner.detour)
        ));
        // Visitors sit where the business is: its hours are theirs.
        command.env("TZ", zone::by_day()).env("HOME", &folder);
        let log = fs::File::create(folder.join("log"))?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut program = Running::start("Chromium", command)?;
        let address = address_of(&mut program, &folder).await?;
        Ok(Browser {
            wire: Wire::connect(&address).await?,
            program,
            folder,
        })
    }

    /// A person of their own: cookies and storage shared with nobody.
    pub async fn person(&self) -> Tried<Person> {
        let made = self
            .wire
            .browser(
                "Target.createBrowserContext",
                json!({ "disposeOnDetach": true }),
            )
            .await?;
        let context = made["browserContextId"]
            .as_str()
            .ok_or("a context has an id")?
            .to_owned();
        Ok(Person {
            wire: self.wire.clone(),
            context: Some(context),
        })
    }

    /// The browser's own profile, with the settings it was started with.
    pub fn owner(&self) -> Person {
        Person {
            wire: self.wire.clone(),
            context: None,
        }
    }

    /// SIGKILL to the browser's main process, as when it crashes or is ended by force.
    pub async fn kill(&mut self) -> Tried<()> {
        self.program.kill().await
    }

    /// SIGTERM to the browser's main process, as at logging out.
    pub fn terminate(&self) -> Tried<()> {
        Ok(kill_process(self.program.pid(), Signal::TERM)?)
    }

    /// SIGKILL to every process that renders pages; the browser itself lives on.
    pub async fn kill_renderers(&self) -> Tried<()> {
        let known = self
            .wire
            .browser("SystemInfo.getProcessInfo", json!({}))
            .await?;
        let processes = known["processInfo"]
            .as_array()
            .ok_or("the browser lists its processes")?;
        let renderers: Vec<Pid> = processes
            .iter()
            .filter(|process| process["type"] == "renderer")
            .filter_map(|process| Pid::from_raw(i32::try_from(process["id"].as_i64()?).ok()?))
            .collect();
        if renderers.is_empty() {
            return Err("the browser has no process that renders pages".into());
        }
        for pid in renderers {
            // One may have ended by itself in between: not what is tested.
            let _ = kill_process(pid, Signal::KILL);
        }
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.program.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// One person in a browser: a cookie jar and the windows that share it.
#[derive(Clone)]
pub struct Person {
    wire: Wire,
    context: Option<String>,
}

impl Person {
    /// Opens a window of its own with one tab.
    pub async fn window(&self) -> Tried<Tab> {
        self.open(true).await
    }

    /// Opens one more tab in this person's window; the tab before it is hidden from then on.
    pub async fn tab(&self) -> Tried<Tab> {
        self.open(false).await
    }

    /// Closes every window of this person and forgets their cookies.
    pub async fn leave(self) -> Tried<()> {
        let Some(context) = self.context else {
            return Ok(());
        };
        self.wire
            .browser(
                "Target.disposeBrowserContext",
                json!({ "browserContextId": context }),
            )
            .await?;
        Ok(())
    }

    async fn open(&self, new_window: bool) -> Tried<Tab> {
        let mut wanted = json!({ "url": "about:blank", "newWindow": new_window });
        if new_window {
            wanted["width"] = 1280.into();
            wanted["height"] = 900.into();
        }
        if let Some(context) = &self.context {
            wanted["browserContextId"] = Value::from(context.as_str());
        }
        let made = self.wire.browser("Target.createTarget", wanted).await?;
        let target = made["targetId"].as_str().ok_or("a tab has an id")?;
        Tab::attach(&self.wire, target).await
    }
}

/// Headless, without anything that talks to the outside or asks questions. What matters to how a page
/// dies (throttling of hidden tabs, the back/forward cache, site isolation) stays as people have it.
const FLAGS: [&str; 22] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--lang=en-US",
    "--mute-audio",
    "--no-pings",
    "--password-store=basic",
];

/// Names resolve to loopback or not at all.
fn loopback_only(detour: Option<(SocketAddr, SocketAddr)>) -> String {
    let Some((from, to)) = detour else {
        return "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1".to_owned();
    };
    format!("MAP {from} {to}, MAP 127.0.0.1 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost")
}

/// Waits until the browser has written where it listens.
async fn address_of(program: &mut Running, folder: &std::path::Path) -> Tried<String> {
    let file = folder.join("DevToolsActivePort");
    let deadline = time::Deadline::after(Duration::from_secs(60));
    loop {
        let written = fs::read_to_string(&file).unwrap_or_default();
        if let Some((port, path)) = written.trim().split_once('\n') {
            return Ok(format!("ws://127.0.0.1:{port}{path}"));
        }
        if let Some(status) = program.ended() {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            return Err(format!("Chromium ended with {status}:\n{log}").into());
        }
        if deadline.passed() {
            return Err("Chromium did not say within 60 s where it listens".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
