//! This server's life among others: renewed every few seconds, begun anew when others have taken it for dead.
//! Also here: seeing to what the dead have left. Which row says what is `store::node`'s and `store::page`'s.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, MissedTickBehavior};

use crate::app::{App, Course};
use crate::jump;
use crate::store::node::{ALIVE_FOR, Renewal};
use crate::store::{Order, StoreError, Tx, node, page};

/// A life is renewed at least this often, three times before anybody may take it for over.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// The dead are looked for more often: the visitors who went with them wait for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many lines one round frees.
const ROUND: i64 = 256;

/// Runs until the server has ended, not only until it drains: what is still under way is held by a living node.
pub async fn keep(app: App) -> Result<(), StoreError> {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut steady = Steady::from(Instant::now());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.ended() => return Ok(()),
        }
        // The count of a steady life outlives a failure, so no error ends this loop.
        if let Err(error) = round(&app, &mut steady).await {
            tracing::warn!(%error, "this server's life will be renewed again");
        }
    }
}

async fn round(app: &App, steady: &mut Steady) -> Result<(), StoreError> {
    if steady.has_to_renew(Instant::now()) {
        renew(app, steady).await?;
    }
    see_to_the_dead(app, steady).await
}

async fn renew(app: &App, steady: &mut Steady) -> Result<(), StoreError> {
    let owner = app.owner();
    let name = owner.node.clone();
    let renewed = loop {
        let looked = jump::look(app).await?;
        let owner = owner.clone();
        let renew = move |tx: &mut Tx<'_>| {
            // Renewed by a clock that jumped, it would seem to have been seen to.
            match jump::is_near(tx.now(), looked) {
                true => node::renew(tx, &owner).map(Some),
                false => Ok(None),
            }
        };
        if let Some(renewed) = app.store.write(Order::Any, renew).await? {
            break renewed;
        }
    };
    match renewed {
        Renewal::Alive => steady.renewed(Instant::now()),
        Renewal::DeclaredDead => {
            tracing::warn!(
                node = name,
                "other servers took this one for dead and took over what it held: its pages attach anew"
            );
            let begun = move |tx: &mut Tx<'_>| node::begin(tx, &name);
            app.begin_life(app.store.write(Order::Any, begun).await?);
            *steady = Steady::from(Instant::now());
        }
        Renewal::NameTaken => {
            tracing::error!(
                node = name,
                "another server has started under this node's name: this one stops. Give each its own `node`."
            );
            app.go(Course::Draining {
                lines_for: Duration::ZERO,
            });
        }
    }
    Ok(())
}

/// Ends the lives of nodes that are silent, and frees the lines of lives that are over, ours among them: each
/// of their sessions gets one grace. The first of the living does it for all, so that no two fight.
async fn see_to_the_dead(app: &App, steady: &Steady) -> Result<(), StoreError> {
    let looked = jump::look(app).await?;
    let owner = app.owner();
    let asks = owner.clone();
    let others = app.store.read(move |tx| node::others(tx, &asks)).await?;
    let first = others.before == 0;
    if first && steady.long_enough(Instant::now()) {
        let asks = owner.clone();
        let declare = move |tx: &mut Tx<'_>| {
            // By a clock that jumped, everybody would be dead.
            match jump::is_near(tx.now(), looked) {
                true => node::declare_dead(tx, &asks),
                false => Ok(Vec::new()),
            }
        };
        for node in app.store.write(Order::Any, declare).await? {
            tracing::warn!(node, "a server is silent: this one takes over what it held");
        }
    }
    loop {
        let asks = owner.clone();
        let orphans = app
            .store
            .read(move |tx| page::orphans(tx, &asks, first, ROUND))
            .await?;
        if orphans.is_empty() {
            return Ok(());
        }
        let freed = orphans.into_iter().map(|orphan| {
            let owner = owner.clone();
            let order = Order::Session(orphan.session.get());
            app.store
                .write(order, move |tx| page::free(tx, &orphan, &owner))
        });
        for outcome in join_all(freed).await {
            outcome?;
        }
    }
}

/// Whether this server has been there all the time. Who was away itself (stopped, or cut off from the
/// database, as all of them may have been) cannot tell who else is dead, and waits until the others have had
/// the time to say that they live. By this process's own clock, which nobody sets.
struct Steady {
    last: Instant,
    since: Instant,
}

impl Steady {
    fn from(now: Instant) -> Self {
        Self {
            last: now,
            since: now,
        }
    }

    fn renewed(&mut self, now: Instant) {
        if now.duration_since(self.last) > alive_for() {
            self.since = now;
        }
        self.last = now;
    }

    /// Whether it would be late at the next look.
    fn has_to_renew(&self, now: Instant) -> bool {
        now.duration_since(self.last) + LOOK_EVERY > RENEW_EVERY
    }

    fn long_enough(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= alive_for()
    }
}

fn alive_for() -> Duration {
    Duration::try_from(ALIVE_FOR).expect("a positive constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_judges_nobody_until_the_others_could_speak() {
        let mut now = Instant::now();
        let mut steady = Steady::from(now);
        for _ in 0..4 {
            assert!(!steady.long_enough(now));
            now += RENEW_EVERY;
            steady.renewed(now);
        }
        assert!(steady.long_enough(now));
        now += Duration::from_secs(30);
        steady.renewed(now);
        assert!(!steady.long_enough(now));
        now += alive_for();
        steady.renewed(now);
        assert!(steady.long_enough(now));
    }

    #[test]
    fn a_life_is_renewed_in_time_though_the_dead_are_looked_for_more_often() {
        let mut now = Instant::now();
        let mut steady = Steady::from(now);
        let mut renewed = Vec::new();
        for second in 1..=9 {
            now += LOOK_EVERY;
            if steady.has_to_renew(now) {
                renewed.push(second);
                steady.renewed(now);
            }
        }
        assert_eq!(renewed, [3, 6, 9]);
    }
}
