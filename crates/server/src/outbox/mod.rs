//! The outbox: what is due is claimed, its rules are asked, it is put on the wire, sent and settled; what
//! became of a doubtful one is looked up. Here: the loop. What a record needs is in `crm.rs`, a text in
//! `text.rs`, how much goes at once in `lanes.rs`, what staff can ask for in `by_hand.rs`.
//!
//! No transaction is open while the outside is called, and every write after a call asks whether the claim
//! is still ours. A hint or a due time wakes the loop at once; looking every second is the guarantee.

pub mod by_hand;
pub mod check;
pub mod connect;
mod crm;
mod lanes;
mod text;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ringback_domain::delivery::{Delivery, DeliveryStatus};
use ringback_domain::id::BusinessId;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::app::App;
use crate::crm::servicetitan::Account;
use crate::jump;
use crate::on_wire::Wire;
use crate::store::news::session_name;
use crate::store::outbox::Channel;
use crate::store::{Hint, Order, StoreError, Tx, outbox as rows};
use lanes::Lanes;

pub use crate::why;

/// However quiet it is, we look this often.
const POLL: Duration = Duration::from_secs(1);
/// So often the clock is looked at for one write: twice when it has jumped, more when it goes on jumping.
const LOOKS: u32 = 8;
/// What became of a call is tried to be written until two tries would be so far apart.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// All calls of one delivery, together; ends before the lease does ([`ringback_domain::delivery::LEASE`]).
const CALLS_WITHIN: Duration = Duration::from_secs(40);

/// What the outbox keeps between deliveries. Nothing here matters: it is all found again after a restart.
#[derive(Default)]
pub struct Outbox {
    lanes: Lanes,
    accounts: Mutex<HashMap<BusinessId, Arc<Account>>>,
    bell: Notify,
}

impl Outbox {
    /// Wakes the loop: something may be due.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits until nothing is on the wire any more: before the store closes. Every call is bounded, so this is.
    pub async fn finish(&self) {
        self.lanes.empty().await;
    }

    /// How many connections to outside systems are in which state, of this channel, for the metrics page.
    pub fn lanes_by_state(&self, channel: Channel, now: Timestamp) -> [(&'static str, usize); 3] {
        self.lanes.by_state(channel, now)
    }

    fn accounts(&self) -> std::sync::MutexGuard<'_, HashMap<BusinessId, Arc<Account>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the server drains.
pub async fn run(app: App) -> Result<(), StoreError> {
    let mut hints = app.store.hints();
    loop {
        let next_in = take_up(&app).await?;
        let sleep = tokio::time::sleep(next_in.map_or(POLL, |wait| wait.min(POLL)));
        tokio::pin!(sleep);
        loop {
            tokio::select! {
                () = &mut sleep => break,
                () = app.outbox.bell.notified() => break,
                () = app.drained() => return Ok(()),
                hint = hints.recv() => match hint {
                    // Claimed at once; what else waits is looked at afterwards.
                    Ok(Hint::Record { business }) => {
                        claim(&app, business, Channel::Crm).await?;
                        break;
                    }
                    Ok(Hint::Deliveries) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
            }
        }
    }
}

/// Takes up everything that is due and says how long until the next is.
async fn take_up(app: &App) -> Result<Option<Duration>, StoreError> {
    let owner = app.owner();
    let waiting = app.store.read(move |tx| rows::waiting(tx, &owner)).await?;
    if waiting.left_behind {
        rescue(app).await?;
    }
    for (business, channel) in waiting.due {
        claim(app, business, channel).await?;
    }
    Ok(waiting
        .next_in
        .map(|wait| Duration::try_from(wait).unwrap_or(POLL)))
}

/// Takes back what a crash left behind, and shows what was on the wire as unknown.
async fn rescue(app: &App) -> Result<(), StoreError> {
    let owner = app.owner();
    let rescue = move |tx: &mut Tx<'_>| {
        for delivery in rows::rescue(tx, &owner)? {
            shown_as_unknown(tx, &delivery, "interrupted")?;
        }
        Ok(())
    };
    by_steady_clock(app, Order::Any, rescue).await
}

/// Writes by a clock that has not jumped: by one that has, what must wait seems to be due, and what is worth sending
/// past its time. `Busy` where one look after the other finds another clock.
async fn by_steady_clock<T, F>(app: &App, order: Order, command: F) -> Result<T, StoreError>
where
    F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    T: Send + 'static,
{
    for _ in 0..LOOKS {
        let (watch, clock, command) = (app.watch.clone(), app.clock.clone(), command.clone());
        let written = app
            .store
            .write(order, move |tx| match watch.expects(tx.now(), &clock) {
                true => command(tx).map(Some),
                false => Ok(None),
            });
        match written.await? {
            Some(written) => return Ok(written),
            None => jump::look(app).await?,
        };
    }
    Err(StoreError::Busy)
}

/// Claims as much as may go to an outside system now, and sends it on its way.
async fn claim(app: &App, business: BusinessId, channel: Channel) -> Result<(), StoreError> {
    let free = app.outbox.lanes.free(business, channel, app.clock.now());
    if free == 0 {
        return Ok(());
    }
    let owner = app.owner();
    let since = app.clock.moment();
    let limit = i64::try_from(free).unwrap_or(i64::MAX);
    let order = Order::Business(business.get());
    let vault = app.vault.clone();
    let at_once = by_steady_clock(app, order, {
        let owner = owner.clone();
        move |tx| {
            let claimed = rows::claim(tx, &owner, business, channel, limit)?;
            crm::prepare_if_alone(tx, &vault, claimed)
        }
    });
    let taken = match at_once.await {
        Ok(taken) => taken,
        // A record that cannot be written keeps nobody else's back.
        Err(_) => {
            let claim = move |tx: &mut Tx<'_>| rows::claim(tx, &owner, business, channel, limit);
            let claimed = by_steady_clock(app, order, claim).await?;
            claimed.into_iter().map(Taken::Claimed).collect()
        }
    };
    for taken in taken {
        let place = app.outbox.lanes.enter(business, channel);
        let app = app.clone();
        let delivery = taken.delivery();
        let (kind, id) = (delivery.kind.as_str(), delivery.id);
        let session = session_name(delivery.session);
        // The lead's reference once it has been read: every line of the calls below carries it.
        let span =
            tracing::info_span!("delivery", session, lead = Empty, delivery = id.get(), kind);
        let deed = async move {
            let went = match (channel, taken) {
                (Channel::Crm, taken) => crm::deliver(&app, taken, since).await,
                (Channel::Text, Taken::Claimed(delivery)) => text::deliver(&app, delivery).await,
                // Only records are written with their claim.
                (Channel::Text, Taken::OnWire(..) | Taken::Settled(_)) => Ok(Health::Well),
            };
            match went {
                Ok(health) => {
                    if place.leave(health, app.clock.now()) {
                        hurry(&app, business, channel).await;
                    }
                }
                Err(error) => {
                    // The lease frees it.
                    tracing::warn!(delivery = %id, %error, "a delivery could not be written");
                    drop(place);
                }
            }
            app.outbox.ring();
        };
        tokio::spawn(deed.instrument(span));
    }
    Ok(())
}

/// The outside works again: what was tried in vain need not wait out its patience.
async fn hurry(app: &App, business: BusinessId, channel: Channel) {
    let hurried = app.store.write(Order::Business(business.get()), move |tx| {
        rows::hurry(tx, business, channel)
    });
    if let Err(error) = hurried.await {
        // Each of them still has a time of its own.
        tracing::warn!(%business, %error, "what waits for an outside system could not be hurried");
    }
}

/// A delivery that is ours.
enum Taken {
    /// Its rules have still to be asked.
    Claimed(Delivery),
    /// Its record is written and its row says that it is on the wire.
    OnWire(Delivery, Box<crm::Going>),
    /// Its rules wanted nothing sent.
    Settled(Delivery),
}

impl Taken {
    fn delivery(&self) -> &Delivery {
        match self {
            Self::Claimed(delivery) | Self::OnWire(delivery, _) | Self::Settled(delivery) => {
                delivery
            }
        }
    }
}

/// How the outside system was, for the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// It answered sensibly, whatever it said; or it was not asked.
    Well,
    /// It could not be reached, or did not serve.
    Ailing,
    /// It asked for so much patience.
    Asks(SignedDuration),
}

/// Puts a lead's reference on every further line about this delivery.
fn about_lead(reference: &str) {
    tracing::Span::current().record("lead", reference);
}

/// Bounds all calls of a delivery; `None` when the time was up, with whatever was on the wire. The time is asked first:
/// whoever was stopped meanwhile does not go on with a call.
async fn in_time<T>(wire: Wire, calls: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = tokio::time::sleep(CALLS_WITHIN) => None,
        answer = wire.carry(calls) => Some(answer),
    }
}

/// Writes what became of a call. It must not be lost to a store that is busy for a moment, nor to a clock that cannot be
/// made out: as long as the lease may be ours, it is tried again, the last time by whatever clock there is.
async fn write_down<T, F>(app: &App, delivery: &Delivery, command: F) -> Result<T, StoreError>
where
    F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    T: Send + 'static,
{
    let order = Order::Session(delivery.session.get());
    let mut written = by_steady_clock(app, order, command.clone()).await;
    let mut wait = Duration::from_millis(50);
    loop {
        match written {
            Err(error) if error.is_passing() && wait < LONGEST_WAIT => {
                tokio::time::sleep(wait).await;
                wait *= 2;
                written = match wait < LONGEST_WAIT {
                    true => by_steady_clock(app, order, command.clone()).await,
                    false => app.store.write(order, command.clone()).await,
                };
            }
            answer => return answer,
        }
    }
}

/// With the end of its time as it is by now: it has moved when the clock jumped since it was claimed.
fn with_its_time(tx: &mut Tx<'_>, asked: &Delivery) -> Result<Delivery, StoreError> {
    let stands = rows::get(tx, asked.business, asked.id)?;
    Ok(Delivery {
        expires_at: stands.map_or(asked.expires_at, |stands| stands.expires_at),
        ..asked.clone()
    })
}

/// An outcome became unknown: people see it.
fn shown_as_unknown(tx: &mut Tx<'_>, delivery: &Delivery, why: &str) -> Result<(), StoreError> {
    match Channel::of(delivery) {
        Channel::Crm => crm::trouble(tx, delivery, why),
        Channel::Text => text::became_unknown(tx, delivery, why),
    }
}

/// Between 0 and 1: spreads retries.
fn jitter() -> f64 {
    f64::from(u16::from_be_bytes(crate::random::bytes())) / f64::from(u16::MAX)
}

/// Whether this is a look-up of an unknown outcome and not a first asking.
fn is_look(claimed: &Delivery) -> bool {
    claimed.status == DeliveryStatus::Unknown
}
