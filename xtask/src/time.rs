//! Waiting by condition, with a deadline; and the wall clock, which a browser on the same machine
//! shows too. The only place here that reads it.

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

/// Milliseconds since 1970, the same clock as a page's `Date.now()`.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool outside the product, which compares with a page's Date.now()"
)]
pub fn wall_ms() -> f64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    since.as_secs_f64() * 1000.0
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
