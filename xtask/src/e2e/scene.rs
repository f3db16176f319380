//! What every browser test stands in: a demo, the office's open inbox, the contractor's website.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::host::Host;
use super::inbox::Inbox;
use super::visitor::Visitor;
use crate::browser::{Browser, Frame, Manner, Person, Tab};
use crate::product::{self, Demo, Office, Ready};
use crate::run::Run;
use crate::world::World;
use crate::{Tried, net, zone};

/// The scene; everything in it ends when it is dropped.
pub struct Scene<'a> {
    pub run: &'a Run,
    pub demo: Demo,
    pub office: Office,
    pub world: World,
    pub inbox: Inbox,
    pub host: Host,
    /// A browser for visitors who do no harm to it.
    pub browser: Browser,
    /// The repository.
    pub root: PathBuf,
    /// The product's program.
    pub program: PathBuf,
    /// The tab opened last, for a picture should something fail.
    last: RefCell<Option<Tab>>,
}

/// True when the embed shows no frame, whether it took it out or hid it.
pub const NO_FRAME_IN_VIEW: &str = "![...document.querySelectorAll('*')]
    .flatMap((e) => [e, ...(e.shadowRoot?.querySelectorAll('*') ?? [])])
    .some((e) => e.tagName === 'IFRAME' && e.checkVisibility({ visibilityProperty: true }))";

/// A visitor who has given a name and a number and looks at the times.
pub struct AtTimes {
    pub visitor: Visitor,
    pub person: Person,
    pub tab: Tab,
    /// The scheduler: the page itself, or our frame in the host's page.
    pub scheduler: Frame,
}

/// Where a visitor meets the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Our own page.
    Hosted,
    /// A frame in the contractor's page, which is another site.
    Embedded,
    /// The same, in a page that keeps its visitors waiting.
    EmbeddedSlowly,
}

impl<'a> Scene<'a> {
    /// Starts the demo and opens everything.
    pub async fn open(run: &'a Run, root: &Path, program: &Path) -> Tried<Scene<'a>> {
        let manner = product::Manner {
            address: net::LOOPBACK,
            data: run.fresh("demo")?,
            port: 0,
            database_url: None,
            sandbox: None,
            zone: zone::by_day(),
            log: None,
            before: Vec::new(),
        };
        let demo = Demo::start(run, program, &manner).await?;
        let inbox = Inbox::open(run, &demo.ready).await?;
        let host = Host::start(&demo.ready.url, demo.ready.scheduler_name()).await?;
        let browser = Browser::launch(run, Manner::default()).await?;
        let office = demo.ready.office();
        let world = World::of(&demo.ready.sandbox.servicetitan)?;
        let last = RefCell::default();
        Ok(Scene {
            run,
            demo,
            office,
            world,
            inbox,
            host,
            browser,
            root: root.to_owned(),
            program: program.to_owned(),
            last,
        })
    }

    /// What the demo says about itself.
    pub fn ready(&self) -> &Ready {
        &self.demo.ready
    }

    /// A window of this person's.
    pub async fn window(&self, person: &Person) -> Tried<Tab> {
        let tab = person.window().await?;
        self.last.replace(Some(tab.clone()));
        Ok(tab)
    }

    /// A new visitor, as far as *When should we come?*, in a window of their own.
    pub async fn visitor(&self, browser: &Browser, place: Place) -> Tried<AtTimes> {
        let person = browser.person().await?;
        self.visitor_as(person, place, false).await
    }

    /// The same with the cookies of `person`; with `text_me`, they tick the box for a text.
    pub async fn visitor_as(&self, person: Person, place: Place, text_me: bool) -> Tried<AtTimes> {
        let tab = self.window(&person).await?;
        let visitor = Visitor::new();
        let reached = async {
            let scheduler = self.open_scheduler(&tab, place).await?;
            visitor.gives_contact(&scheduler, text_me).await?;
            Tried::Ok(scheduler)
        };
        match reached.await {
            Ok(scheduler) => Ok(AtTimes {
                visitor,
                person,
                tab,
                scheduler,
            }),
            Err(error) => {
                let file = self.picture_of(&tab, "visitor").await;
                Err(format!(
                    "{} did not get as far as the times: {error} ({file})",
                    visitor.name
                )
                .into())
            }
        }
    }

    /// Opens the scheduler in `tab`.
    pub async fn open_scheduler(&self, tab: &Tab, place: Place) -> Tried<Frame> {
        let page = match place {
            Place::Hosted => {
                tab.go(&self.ready().scheduler).await?;
                return Ok(tab.page());
            }
            Place::Embedded => self.host.page(),
            Place::EmbeddedSlowly => self.host.slow_page(),
        };
        tab.go(&page).await?;
        tab.page().press(super::host::OPEN).await?;
        self.embedded(tab).await
    }

    /// Our frame in a host's page.
    pub async fn embedded(&self, tab: &Tab) -> Tried<Frame> {
        tab.frame(&format!("/s/{}", self.ready().scheduler_name()))
            .await
    }

    /// The lead's own page, beside the inbox.
    pub async fn lead_tab(&self, lead: &Value) -> Tried<Tab> {
        let tab = self.inbox.another_tab().await?;
        tab.go(&format!(
            "{}/leads/{}",
            self.ready().inbox.trim_end_matches('/'),
            lead["id"]
        ))
        .await?;
        self.last.replace(Some(tab.clone()));
        Ok(tab)
    }

    /// Fails when the server has died meanwhile.
    pub fn outlived(&mut self) -> Tried<()> {
        if self.demo.lives() {
            return Ok(());
        }
        Err(format!("the server died:\n{}", self.demo.last_words()).into())
    }

    /// Fails when the page threw, logged or was refused anything.
    pub fn no_complaints(&self, tab: &Tab) -> Tried<()> {
        let complaints = tab.complaints();
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(format!("the page complains: {}", complaints.join("; ")).into())
        }
    }

    /// A picture of the tab opened last.
    pub async fn picture_of_last(&self, name: &str) -> String {
        let last = self.last.borrow().clone();
        match last {
            Some(tab) => self.picture_of(&tab, name).await,
            None => "no picture: no page was open".to_owned(),
        }
    }

    /// Takes a picture for whoever looks into a failure, and says where it is.
    pub async fn picture_of(&self, tab: &Tab, name: &str) -> String {
        let file = self.root.join(format!("target/e2e/{name}.png"));
        match tab.picture(&file).await {
            Ok(()) => format!("picture: {}", file.display()),
            Err(error) => format!("no picture: {error}"),
        }
    }
}
