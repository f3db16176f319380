//! Waiting by condition, with a deadline.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::Tried;

/// A moment after which we no longer wait.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// `patience` from now.
    pub fn after(patience: Duration) -> Deadline {
        Deadline(Instant::now() + patience)
    }

    /// Whether it is over.
    pub fn passed(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// Asks again and again until there is an answer; after `patience` an error that names `what`.
pub async fn until<T, F, W>(what: &str, patience: Duration, mut ask: F) -> Tried<T>
where
    F: FnMut() -> W,
    W: Future<Output = Tried<Option<T>>>,
{
    let deadline = Deadline::after(patience);
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if deadline.passed() {
            return Err(format!("waited {} s in vain for {what}", patience.as_secs_f32()).into());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
