//! Passwords: what one must be like, and hashing them without letting a crowd at the door take the machine.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::random;

/// Fewest characters. NIST SP 800-63B asks for 8 and for no rules of composition; people who are told
/// "10" write sentences.
pub const SHORTEST: usize = 10;
/// Most bytes that are hashed.
pub const LONGEST: usize = 512;

/// Somebody at the door waits this long for their turn before they are told to come again.
const WAIT: Duration = Duration::from_secs(10);

/// Hashing and checking, as many at once as there are processors.
pub struct Passwords {
    at_once: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            at_once: Arc::new(Semaphore::new(processors)),
        }
    }
}

impl Passwords {
    /// The Argon2id string that is kept.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.in_turn(move || hash(&password)).await
    }

    /// Whether this is the password. Without a kept string (no such person, or no password yet) the same
    /// work is done for nothing, so that the answer takes as long.
    pub async fn is_right(&self, password: String, kept: Option<String>) -> Result<bool, Error> {
        self.in_turn(move || {
            let known = kept.as_deref().filter(|kept| !kept.is_empty());
            verify(&password, known.unwrap_or(&NOBODY)) && known.is_some()
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let waiting = tokio::time::timeout(WAIT, Arc::clone(&self.at_once).acquire_owned());
        let Ok(Ok(turn)) = waiting.await else {
            return Err(Error::Busy);
        };
        let done = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even if nobody waits for it any more.
            let _turn = turn;
            work()
        });
        done.await.map_err(|_| Error::Fault)
    }
}

/// The hash of no password.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash(&random::token()));

/// Hashes at once, on the thread of the caller: for seeds.
pub fn hash(password: &str) -> String {
    let hashed: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &random::bytes::<16>())
        .expect("a salt of 16 bytes and the standard cost are fine");
    hashed.to_string()
}

fn verify(password: &str, kept: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|kept| {
        Argon2::default()
            .verify_password(password.as_bytes(), &kept)
            .is_ok()
    })
}

/// What is wrong with a new password, as the key of a sentence.
pub fn trouble(password: &str, email: &str) -> Option<&'static str> {
    if password.chars().count() < SHORTEST {
        return Some("error-password-short");
    }
    if password.len() > LONGEST {
        return Some("error-password-long");
    }
    let plain = password.to_lowercase();
    let mut letters: Vec<char> = plain.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if plain == email || letters.len() < 4 {
        return Some("error-password-easy");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_opens_and_nothing_else_does() {
        let passwords = Passwords::default();
        let kept = passwords.hash("copper kettle".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$"));
        let right = |password: &str, kept: Option<String>| {
            let (password, passwords) = (password.to_owned(), &passwords);
            async move { passwords.is_right(password, kept).await.unwrap() }
        };
        assert!(right("copper kettle", Some(kept.clone())).await);
        assert!(!right("copper kettl", Some(kept)).await);
        assert!(!right("copper kettle", None).await);
        assert!(!right("", Some(String::new())).await);
    }

    #[test]
    fn a_new_password_is_long_and_not_the_email() {
        assert_eq!(
            trouble("short", "dana@example.com"),
            Some("error-password-short")
        );
        assert_eq!(
            trouble("Dana@Example.com", "dana@example.com"),
            Some("error-password-easy")
        );
        assert_eq!(trouble("aaaaaaaaaaaa", ""), Some("error-password-easy"));
        assert_eq!(
            trouble(&"x1y2".repeat(200), ""),
            Some("error-password-long")
        );
        assert_eq!(trouble("copper kettle", "dana@example.com"), None);
    }
}
