//! The sweep: finds by index the sessions whose grace or patience is over, and judges each one again.
//!
//! Every node sweeps. Each takes the sessions whose last page it had, at the very moment; what is nobody's,
//! or its node's who does not come, the others take a little later and one after the other, so that no two
//! judge the same session at once. Should they all the same, one of them finds it judged.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use ringback_domain::id::{BusinessId, SessionId};
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::jump;
use crate::store::session::Due;
use crate::store::{Hint, Order, StoreError, Tx, node, session};

/// How many sessions one round takes.
const ROUND: i64 = 512;
/// However quiet it is, we look this often: hints are a help, polling is the guarantee.
const POLL: SignedDuration = SignedDuration::from_secs(1);
/// How long a node leaves to another one what is not its own, before the next in line takes it.
const LEFT_TO_OTHERS: SignedDuration = SignedDuration::from_secs(1);

/// Runs until the server drains.
pub async fn run(app: App) -> Result<(), StoreError> {
    let mut hints = app.store.hints();
    loop {
        let looked = jump::look(&app).await?;
        let (due, wait) = look(&app).await?;
        if !due.is_empty() {
            let judged = due.into_iter().map(|due| judge(&app, looked, due));
            for outcome in join_all(judged).await {
                outcome?;
            }
            continue;
        }
        let sleep = tokio::time::sleep(wait);
        tokio::pin!(sleep);
        loop {
            tokio::select! {
                () = &mut sleep => break,
                () = app.drained() => return Ok(()),
                hint = hints.recv() => match hint {
                    Ok(Hint::Sweep) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
            }
        }
    }
}

/// What this node has to judge now; and how long until there is more to be looked for.
async fn look(app: &App) -> Result<(Vec<Due>, Duration), StoreError> {
    let owner = app.owner();
    let look = move |tx: &mut Tx<'_>| {
        let others = node::others(tx, &owner)?;
        let now = tx.now();
        let due = session::due(tx, &owner, others.heard_since(now), now + POLL, ROUND)?;
        Ok((now, others, due))
    };
    let (now, others, soon) = app.store.read(look).await?;
    let later = match others.living {
        0 => SignedDuration::ZERO,
        _ => LEFT_TO_OTHERS * i32::try_from(others.before + 1).unwrap_or(i32::MAX),
    };
    let mut due = Vec::new();
    let mut wait = POLL;
    for session in soon {
        let left = session.at.duration_since(now);
        let left = if session.ours { left } else { left + later };
        if left <= SignedDuration::ZERO {
            due.push(session);
        } else {
            wait = wait.min(left);
        }
    }
    let wait = wait.max(SignedDuration::from_millis(1));
    Ok((due, Duration::try_from(wait).expect("not negative")))
}

/// One session. A row that cannot be judged is put off and reported; it must not hold up the others.
async fn judge(app: &App, looked: Timestamp, due: Due) -> Result<(), StoreError> {
    let (business, id): (BusinessId, SessionId) = (due.business, due.session);
    let judged = app.store.write(Order::Session(id.get()), move |tx| {
        if !jump::is_near(tx.now(), looked) {
            return Ok(());
        }
        let mut session = session::get(tx, business, id)?;
        session::judge(tx, &mut session)
    });
    match judged.await {
        Err(error) if !error.is_passing() => {
            tracing::error!(session = id.get(), %error, "a session could not be judged");
            app.store
                .write(Order::Session(id.get()), move |tx| {
                    session::put_off(tx, business, id)
                })
                .await
        }
        judged => judged,
    }
}
