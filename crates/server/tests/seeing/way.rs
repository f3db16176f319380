//! One id from the page to ServiceTitan: whoever greps for a lead's reference sees its way, and nothing about the
//! person.

use std::time::Duration;

use jiff::SignedDuration;
use ringback_server::store::Engine;
use serde_json::Value;

use crate::world::{PERSONAL, World, logged};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_grep_shows_the_way_of_a_lead_on_sqlite() {
    one_grep_shows_the_way_of_a_lead(World::begin(Engine::Sqlite).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_grep_shows_the_way_of_a_lead_on_postgresql() {
    if let Some(world) = World::begin(Engine::Postgres).await {
        one_grep_shows_the_way_of_a_lead(world).await;
    }
}

async fn one_grep_shows_the_way_of_a_lead(world: World) {
    world.somebody_leaves().await;
    world.lead(|lead| lead.stamps.crm_done_at.is_some()).await;
    world.passes(SignedDuration::from_secs(60));
    let lead = world.lead(|lead| lead.stamps.text_sent_at.is_some()).await;

    // The row is there a moment before the line is.
    let way = Way::once_it_ends_with(&lead.reference, ("event", "text_sent")).await;
    way.has_in_order(&[
        &[("message", "on the timeline"), ("event", "left")],
        &[("message", "sending"), ("kind", "crm_abandoned")],
        &[
            ("message", "called"),
            ("method", "POST"),
            ("span.kind", "crm_abandoned"),
        ],
        &[
            ("message", "settled"),
            ("kind", "crm_abandoned"),
            ("outcome", "done"),
        ],
        &[("message", "sending"), ("kind", "text_follow_up")],
        &[
            ("message", "called"),
            ("method", "POST"),
            ("span.kind", "text_follow_up"),
        ],
        &[
            ("message", "settled"),
            ("kind", "text_follow_up"),
            ("outcome", "done"),
        ],
    ]);
    // What came before the lead is under the session's number, which every line of the lead has, too.
    let session = format!("S{}", lead.session);
    for line in &way.lines {
        assert_eq!(
            field(line, "session").or(field(line, "span.session")),
            Some(&*session),
            "{line}"
        );
    }
    Way::of(&session).has_in_order(&[
        &[("message", "saved"), ("step", "contact"), ("state", "open")],
        &[
            ("message", "given up"),
            ("departure", "closed"),
            ("became", "lead"),
        ],
        &[("message", "on the timeline"), ("event", "left")],
    ]);
    for line in logged() {
        for piece in PERSONAL {
            assert!(!line.contains(piece), "{piece} is in {line}");
        }
    }
}

struct Way {
    lines: Vec<Value>,
}

impl Way {
    async fn once_it_ends_with(id: &str, (name, value): (&str, &str)) -> Self {
        for _ in 0..3_000 {
            let way = Self::of(id);
            if way
                .lines
                .last()
                .is_some_and(|line| field(line, name) == Some(value))
            {
                return way;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!(
            "{id} does not get as far as {value}: {:#?}",
            Self::of(id).lines
        )
    }

    /// `grep -w`.
    fn of(id: &str) -> Self {
        let whole = format!("\"{id}\"");
        let lines = logged().into_iter().filter(|line| line.contains(&whole));
        Self {
            lines: lines
                .map(|line| serde_json::from_str(&line).unwrap())
                .collect(),
        }
    }

    #[track_caller]
    fn has_in_order(&self, steps: &[&[(&str, &str)]]) {
        let mut lines = self.lines.iter();
        for step in steps {
            let is_it = |line: &&Value| {
                step.iter()
                    .all(|(name, value)| field(line, name) == Some(value))
            };
            assert!(
                lines.any(|line| is_it(&line)),
                "{step:?} is missing in {:#?}",
                self.lines
            );
        }
    }
}

fn field<'l>(line: &'l Value, name: &str) -> Option<&'l str> {
    match name.split_once('.') {
        Some((outer, inner)) => line.get(outer)?.get(inner)?.as_str(),
        None => line.get(name)?.as_str(),
    }
}
