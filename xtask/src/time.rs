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

/// How long something has taken so far.
#[derive(Clone, Copy)]
pub struct Watch(Instant);

impl Watch {
    /// From now.
    pub fn start() -> Watch {
        Watch(Instant::now())
    }

    /// Until now.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// `90s`, `25m`, `2h`, or a bare number of seconds, from a command line.
pub fn period(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.chars().next_back() {
        Some('s') => (&text[..text.len() - 1], 1),
        Some('m') => (&text[..text.len() - 1], 60),
        Some('h') => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| format!("{text} is no time; write it like 90s, 25m or 2h"))?;
    Ok(Duration::from_secs(number * unit))
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

/// The outcome of `work`; an error that names `what` when it is not done after `patience`.
pub async fn within<T>(
    what: &str,
    patience: Duration,
    work: impl Future<Output = Tried<T>>,
) -> Tried<T> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done,
        Err(_) => Err(format!("waited {} s in vain for {what}", patience.as_secs_f32()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_written_with_a_unit_or_in_seconds() {
        assert_eq!(period("25m"), Ok(Duration::from_secs(1500)));
        assert_eq!(period("90"), Ok(Duration::from_secs(90)));
        assert!(period("soon").is_err() && period("").is_err());
    }
}
