//! Ways to stay. None may become a lead; visitors of one row stay side by side, since what is tested
//! is waiting.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::departures::Held;
use super::scene::{AtTimes, Place, Scene};
use crate::Tried;
use crate::browser::{Browser, Manner};
use crate::proxy::{Line, Proxy, Way};

/// How somebody only seems to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staying {
    Reload,
    SlowReload,
    TabSwitch,
    NetworkGap,
    HiddenAndCutOff,
    SecondTabLeft,
    Booked,
    HostReload,
}

/// Every way, in the order of the table.
pub const STAYING: [Staying; 8] = [
    Staying::Reload,
    Staying::SlowReload,
    Staying::TabSwitch,
    Staying::NetworkGap,
    Staying::HiddenAndCutOff,
    Staying::SecondTabLeft,
    Staying::Booked,
    Staying::HostReload,
];

impl Staying {
    /// The row's name.
    pub fn name(self) -> &'static str {
        match self {
            Staying::Reload => "not: reload",
            Staying::SlowReload => "not: reload, server slow by 2 s",
            Staying::TabSwitch => "not: tab switch and return",
            Staying::NetworkGap => "not: 3 s network gap",
            Staying::HiddenAndCutOff => "not: hidden page cut off, back at 30 s",
            Staying::SecondTabLeft => "not: second tab left open",
            Staying::Booked => "not: booking completed",
            Staying::HostReload => "host page reloaded, its script blocks 1.5 s",
        }
    }

    /// How long after the act a false lead could still come: the longest grace that could apply, and
    /// a few seconds.
    fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Staying::Reload | Staying::SlowReload => 15,
            // The grace, and the 20 s that a text is held after it.
            Staying::HostReload => 40,
            Staying::TabSwitch | Staying::NetworkGap | Staying::SecondTabLeft | Staying::Booked => {
                20
            }
            Staying::HiddenAndCutOff => 50,
        })
    }

    fn place(self) -> Place {
        if self == Staying::HostReload {
            Place::EmbeddedSlowly
        } else {
            Place::Hosted
        }
    }
}

/// Lets `repeats` visitors stay this way, side by side.
pub async fn repeat(scene: &Scene<'_>, way: Staying, repeats: usize) -> Held {
    match all_stay(scene, way, repeats).await {
        Ok(held) => held,
        Err(error) => Held {
            wrong: vec![error.to_string()],
            ..Held::default()
        },
    }
}

async fn all_stay(scene: &Scene<'_>, way: Staying, repeats: usize) -> Tried<Held> {
    let address = scene.ready().address()?;
    let proxy = Proxy::start(address).await?;
    let manner = Manner {
        detour: Some((address, proxy.address())),
        ..Manner::default()
    };
    let browser = Browser::launch(scene.run, manner).await?;
    // Where no text may come, whoever stays has asked for one; and so has somebody who does leave, and gets it.
    let text_me = way == Staying::HostReload;
    let mut visitors = Vec::new();
    for _ in 0..repeats {
        let person = browser.person().await?;
        visitors.push(scene.visitor_as(person, way.place(), text_me).await?);
    }
    let leaver = if text_me {
        let person = browser.person().await?;
        Some(scene.visitor_as(person, way.place(), true).await?)
    } else {
        None
    };
    act(scene, way, &proxy, &visitors).await?;
    if let Some(leaver) = &leaver {
        leaver.tab.close().await?;
    }
    // Nothing to wait for by condition: what must not happen is given its time to happen.
    tokio::time::sleep(way.patience()).await;

    let mut held = Held::default();
    for visitor in &visitors {
        let outcome = if way == Staying::HostReload {
            at_most_back(scene, visitor).await
        } else {
            no_lead(scene, visitor).await
        };
        let outcome = match outcome {
            Ok(()) => still_there(scene, way, visitor).await,
            wrong => wrong,
        };
        held.count(outcome.map(|()| None));
    }
    if let Some(leaver) = leaver {
        let texts = scene.world.texts(&leaver.visitor.e164()).await?.len();
        if texts == 1 {
            held.notes.push("who left meanwhile got their text".into());
        } else {
            held.held = 0;
            let wrong = format!("who left meanwhile got {texts} texts: nothing is shown");
            held.wrong.push(wrong);
        }
    }
    Ok(held)
}

async fn act(scene: &Scene<'_>, way: Staying, proxy: &Proxy, visitors: &[AtTimes]) -> Tried<()> {
    match way {
        Staying::Reload => {
            for visitor in visitors {
                visitor.tab.reload().await?;
            }
        }
        Staying::SlowReload => {
            proxy.set(Way {
                back: Duration::from_secs(2),
                ..Way::default()
            });
            try_join_all(visitors.iter().map(|visitor| visitor.tab.reload())).await?;
            proxy.set(Way::default());
        }
        Staying::TabSwitch => {
            for visitor in visitors {
                visitor.person.tab().await?;
                hidden(visitor).await?;
            }
            for visitor in visitors {
                visitor.tab.to_front().await?;
            }
        }
        Staying::NetworkGap => {
            proxy.set(Way {
                line: Line::Silent,
                ..Way::default()
            });
            tokio::time::sleep(Duration::from_secs(3)).await;
            proxy.set(Way::default());
        }
        Staying::HiddenAndCutOff => {
            for visitor in visitors {
                visitor.person.tab().await?;
                hidden(visitor).await?;
            }
            // Phones end the connections of a page that is not looked at.
            proxy.set(Way {
                line: Line::Dropped,
                ..Way::default()
            });
            tokio::time::sleep(Duration::from_secs(30)).await;
            proxy.set(Way::default());
            for visitor in visitors {
                visitor.tab.to_front().await?;
            }
        }
        Staying::SecondTabLeft => {
            for visitor in visitors {
                let second = visitor.person.tab().await?;
                second.go(&scene.ready().scheduler).await?;
                second.page().shows("When should we come?").await?;
                visitor.tab.to_front().await?;
                second.close().await?;
            }
        }
        Staying::Booked => {
            for visitor in visitors {
                visitor.visitor.books(&visitor.scheduler).await?;
                visitor.tab.close().await?;
            }
        }
        Staying::HostReload => {
            // Side by side, as their website is slow for all of them.
            try_join_all(visitors.iter().map(|visitor| visitor.tab.reload())).await?;
        }
    }
    Ok(())
}

/// Waits until their tab is out of view.
pub async fn hidden(visitor: &AtTimes) -> Tried<()> {
    visitor
        .tab
        .page()
        .until(
            "the tab to be hidden",
            "document.visibilityState === 'hidden'",
        )
        .await
}

async fn no_lead(scene: &Scene<'_>, visitor: &AtTimes) -> Tried<()> {
    let name = &visitor.visitor.name;
    if scene.inbox.first_seen(name).await?.is_some() {
        return Err(format!("{name} stayed and was shown in the inbox").into());
    }
    let leads = scene.office.leads_of(name).await?;
    if leads.is_empty() {
        Ok(())
    } else {
        Err(format!("{name} stayed and has {} leads", leads.len()).into())
    }
}

/// No lead, or one that says *back on the scheduler*; and nothing that cannot be taken back.
async fn at_most_back(scene: &Scene<'_>, visitor: &AtTimes) -> Tried<()> {
    let name = &visitor.visitor.name;
    let leads = scene.office.leads_of(name).await?;
    let lead = match leads.as_slice() {
        [] => return Ok(()),
        [lead] => lead,
        more => return Err(format!("{name} has {} leads", more.len()).into()),
    };
    if lead["back_since"].is_null() {
        return Err(format!("{name} is back, and the lead does not say so").into());
    }
    let stamps = &lead["stamps"];
    if let Some(sent) = ["crm_sent_at", "text_sent_at"]
        .into_iter()
        .find(|stamp| !stamps[*stamp].is_null())
    {
        return Err(format!("{name} is back, and still {sent} is {}", stamps[sent]).into());
    }
    let number = visitor.visitor.e164();
    for kind in ["bookings", "leads"] {
        if !scene.world.records(kind, &number).await?.is_empty() {
            return Err(format!("{name} is back, and stands among the {kind} in ST").into());
        }
    }
    if scene.world.texts(&number).await?.is_empty() {
        Ok(())
    } else {
        Err(format!("{name} is back, and got a text").into())
    }
}

/// Whoever stayed still sees what they saw.
async fn still_there(scene: &Scene<'_>, way: Staying, visitor: &AtTimes) -> Tried<()> {
    let page = match way {
        Staying::Booked => return Ok(()),
        Staying::HostReload => scene.embedded(&visitor.tab).await?,
        _ => visitor.tab.page(),
    };
    page.shows("When should we come?")
        .await
        .map_err(|error| format!("{}: {error}", visitor.visitor.name).into())
}
