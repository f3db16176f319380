//! Holds that nobody came back for. Whoever wants the place frees it as well; this keeps the table small.

use crate::app::App;
use crate::jump;
use crate::store::{Order, StoreError, appointment, business};

/// Frees the places of every hold whose time is over: one round of the duty.
pub async fn free_expired(app: App) -> Result<(), StoreError> {
    let businesses = app.store.read(business::all).await?;
    for business in businesses {
        let (id, looked) = (business.id, jump::look(&app).await?);
        app.store
            .write(Order::Business(id.get()), move |tx| {
                // By a clock that jumped, all of them would be over.
                match jump::is_near(tx.now(), looked) {
                    true => appointment::free_expired(tx, id),
                    false => Ok(0),
                }
            })
            .await?;
    }
    Ok(())
}
