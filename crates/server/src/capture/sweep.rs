//! The sweep: finds by index the sessions whose grace or patience is over, and judges each one again.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use ringback_domain::id::{BusinessId, SessionId};
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::store::{Hint, Order, StoreError, node, page, session};

/// How many sessions one round takes.
const ROUND: i64 = 256;
/// However quiet it is, we look this often: hints are a help, polling is the guarantee.
const POLL: Duration = Duration::from_secs(1);

/// Runs until the server drains.
pub async fn run(app: App) -> Result<(), StoreError> {
    let mut hints = app.store.hints();
    loop {
        let due = app.store.read(|tx| session::due(tx, ROUND)).await?;
        let many = due.len() as i64 == ROUND;
        let judged = due
            .into_iter()
            .map(|(business, id)| judge(&app, business, id));
        for outcome in join_all(judged).await {
            outcome?;
        }
        if many {
            continue;
        }
        let wait = match app.store.read(session::next_due).await? {
            Some(at) => {
                let left = at
                    .duration_since(app.clock.now())
                    .max(SignedDuration::from_millis(1));
                POLL.min(Duration::try_from(left).unwrap_or(POLL))
            }
            None => POLL,
        };
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

/// One session. A row that cannot be judged is put off and reported; it must not hold up the others.
async fn judge(app: &App, business: BusinessId, id: SessionId) -> Result<(), StoreError> {
    let judged = app.store.write(Order::Session(id.get()), move |tx| {
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

/// Says that this node lives, then frees the lines of dead nodes and of its own earlier lives: their sessions get
/// one grace. Both in one transaction, so that a jump of the clock does not make a node find itself dead.
pub async fn keep_node(app: App) -> Result<(), StoreError> {
    loop {
        let owner = app.owner.clone();
        let (ours, freed) = app
            .store
            .write(Order::Any, move |tx| {
                let ours = node::renew(tx, &owner)?;
                let freed = if ours {
                    page::free_orphans(tx, ROUND)?
                } else {
                    0
                };
                Ok((ours, freed))
            })
            .await?;
        if !ours {
            tracing::error!(
                node = app.owner.node,
                "another server has started under this node's name: this one stops. Give each its own `node`."
            );
            app.drain();
        }
        if freed == 0 {
            return Ok(());
        }
    }
}
