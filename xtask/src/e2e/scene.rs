//! What every browser test stands in: a demo, the office's open inbox, the contractor's website.

use std::path::{Path, PathBuf};

use super::host::Host;
use super::inbox::Inbox;
use super::visitor::Visitor;
use crate::Tried;
use crate::browser::{Browser, Frame, Manner, Person, Tab};
use crate::product::{Demo, Office, Ready};
use crate::run::Run;
use crate::world::World;

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
    pictures: PathBuf,
}

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
        let demo = Demo::start(run, program).await?;
        let inbox = Inbox::open(run, &demo.ready).await?;
        let host = Host::start(&demo.ready.url, demo.ready.scheduler_name()).await?;
        let browser = Browser::launch(run, Manner::default()).await?;
        let office = demo.ready.office();
        let world = World::of(&demo.ready.sandbox.servicetitan)?;
        Ok(Scene {
            run,
            demo,
            office,
            world,
            inbox,
            host,
            browser,
            pictures: root.join("target/e2e"),
        })
    }

    /// What the demo says about itself.
    pub fn ready(&self) -> &Ready {
        &self.demo.ready
    }

    /// A new visitor, as far as *When should we come?*, in a window of their own.
    pub async fn visitor(&self, browser: &Browser, place: Place) -> Tried<AtTimes> {
        let person = browser.person().await?;
        self.visitor_as(person, place).await
    }

    /// The same with the cookies of `person`.
    pub async fn visitor_as(&self, person: Person, place: Place) -> Tried<AtTimes> {
        let tab = person.window().await?;
        let visitor = Visitor::new();
        let reached = async {
            let scheduler = self.open_scheduler(&tab, place).await?;
            visitor.gives_contact(&scheduler, false).await?;
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

    /// Takes a picture for whoever looks into a failure, and says where it is.
    pub async fn picture_of(&self, tab: &Tab, name: &str) -> String {
        let file = self.pictures.join(format!("{name}.png"));
        match tab.picture(&file).await {
            Ok(()) => format!("picture: {}", file.display()),
            Err(error) => format!("no picture: {error}"),
        }
    }
}
