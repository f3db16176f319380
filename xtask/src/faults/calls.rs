//! What the outside was asked for: read on from its log once a second, as the log forgets all but the last 20,000
//! calls. What it forgot before it was read is counted, so that no verdict rests on calls nobody has seen.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use crate::Tried;
use crate::world::World;

const READ_EVERY: Duration = Duration::from_secs(1);

/// One call, as far as verdicts ask.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it came, by the outside's clock.
    pub at: Timestamp,
    /// `servicetitan` or `carrier`.
    pub party: String,
    /// Its path.
    pub path: String,
    /// Whether it asks for something to be made.
    pub post: bool,
    /// Whether something was made or changed.
    pub effect: bool,
    /// Whether a fault hit it.
    pub hit: bool,
    /// Whom a text was for.
    pub to: Option<String>,
    /// Whose record it was about.
    pub name: Option<String>,
}

impl Call {
    /// Whether ServiceTitan made a record of somebody.
    pub fn made_a_record(&self) -> bool {
        self.party == "servicetitan" && !self.hit && self.post && self.effect && self.name.is_some()
    }

    fn read(said: &Value) -> Option<Call> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let at: Timestamp = said["at"].as_str()?.parse().ok()?;
        Some(Call {
            at,
            party: text(&said["party"])?,
            path: text(&said["path"])?,
            post: said["method"] == "POST",
            effect: said["effect"] == true,
            hit: !said["fault"].is_null(),
            to: text(&said["body"]["To"]),
            name: text(&said["body"]["name"]),
        })
    }
}

/// All calls that were read, oldest first.
#[derive(Default)]
pub struct Kept {
    /// The calls.
    pub all: Vec<Call>,
    /// How many the outside had forgotten before they were read.
    pub missed: u64,
    seen: u64,
}

impl Kept {
    fn add(&mut self, said: &Value) -> Tried<()> {
        let number = said["number"].as_u64().ok_or("a call has a number")?;
        self.missed += number - self.seen - 1;
        self.seen = number;
        self.all
            .push(Call::read(said).ok_or("a call has a time, a party and a path")?);
        Ok(())
    }
}

/// Reads on until it is dropped.
pub struct Calls {
    world: World,
    kept: Arc<Mutex<Kept>>,
    reading: JoinHandle<()>,
}

impl Calls {
    /// From the first call on.
    pub fn follow(world: &World) -> Calls {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (theirs, of) = (Arc::clone(&kept), world.clone());
        let reading = tokio::spawn(async move {
            loop {
                tokio::time::sleep(READ_EVERY).await;
                // What could not be read now is read next time, or counted as missed.
                let _ = read_on(&of, &theirs).await;
            }
        });
        Calls {
            world: world.clone(),
            kept,
            reading,
        }
    }

    /// All up to now.
    pub async fn up_to_now(&self) -> Tried<MutexGuard<'_, Kept>> {
        read_on(&self.world, &self.kept).await
    }

    /// All but those of the last second.
    pub async fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().await
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read_on<'a>(world: &World, kept: &'a Mutex<Kept>) -> Tried<MutexGuard<'a, Kept>> {
    let mut kept = kept.lock().await;
    for said in world.requests(kept.seen).await? {
        kept.add(&said)?;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(number: u64) -> Value {
        json!({ "number": number, "at": "2026-11-23T17:00:00.5Z", "party": "carrier", "method": "POST",
                "path": "/2010-04-01/Accounts/AC/Messages.json", "body": { "To": "+16025551000" },
                "effect": true, "fault": null })
    }

    #[test]
    fn what_was_forgotten_unread_is_counted() {
        let mut kept = Kept::default();
        for number in [1, 2, 5] {
            kept.add(&said(number)).unwrap();
        }
        assert_eq!((kept.all.len(), kept.missed), (3, 2));
        assert_eq!(kept.all[0].to.as_deref(), Some("+16025551000"));
        assert!(kept.all[0].post && !kept.all[0].hit);
    }
}
