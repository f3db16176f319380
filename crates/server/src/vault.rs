//! The vault: secrets of outside systems, encrypted before they reach the database, under a key that
//! never does. Here: the key file and the sealing. Which secrets there are is each connector's matter;
//! where the sealed bytes lie is `store/integration.rs`. Words that others keep for us (a cookie, a part of an
//! address) are sealed under the same key.
//!
//! The key file holds one key a line, `number:base64`. The last line seals; all of them open, so a key is
//! rotated by adding a line, and an old one goes once everything has been saved again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use ringback_domain::id::BusinessId;
use secrecy::{ExposeSecret as _, SecretSlice};

use crate::random;

/// First byte of everything sealed, should the form ever change.
const FORM: u8 = 1;
const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;
/// Form, key number, nonce.
const HEAD_LENGTH: usize = 1 + 4 + NONCE_LENGTH;
/// A key file is a few lines; anything longer is another file.
const LARGEST_FILE: u64 = 64 * 1024;

/// Seals and opens secrets. Clones share the keys.
#[derive(Clone)]
pub struct Vault(Arc<Keys>);

struct Keys {
    ciphers: BTreeMap<u32, XChaCha20Poly1305>,
    sealing: u32,
}

/// Why the vault, or something in it, does not open. A sentence that says what to do; never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be used as it is.
    #[error("{0}")]
    KeyFile(String),
    /// Sealed under a key that is not in the file.
    #[error(
        "a secret is sealed under key {0}, which the key file does not hold: put the key back, or enter the secret again"
    )]
    UnknownKey(u32),
    /// Damaged, or sealed for something else.
    #[error("a stored secret is damaged: enter it again")]
    Damaged,
}

impl Vault {
    /// Opens the key file; makes one, readable by this user alone, when there is none. A file that others
    /// can read is refused.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        match read_private(path) {
            Ok(text) => Self::with_keys(&text).map_err(|what| in_file(path, &what)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = fresh_key();
                match write_private(path, &text) {
                    Ok(()) => Self::with_keys(&text).map_err(|what| in_file(path, &what)),
                    // Somebody who started at the same moment was first: theirs holds.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
                    Err(error) => Err(in_file(path, &error.to_string())),
                }
            }
            Err(error) => Err(in_file(path, &error.to_string())),
        }
    }

    /// A vault under a fresh key that goes with it: for tests.
    pub fn fleeting() -> Self {
        Self::with_keys(&fresh_key()).expect("a fresh key is a key")
    }

    /// Seals a secret of a business's outside system `kind`. What it belongs to is sealed in, so that a
    /// secret moved to another row does not open.
    pub fn seal(&self, business: BusinessId, kind: &str, secret: &[u8]) -> Vec<u8> {
        let nonce = random::bytes::<NONCE_LENGTH>();
        let belongs = belongs_to(business, kind);
        let sealed = self.0.ciphers[&self.0.sealing]
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: secret,
                    aad: &belongs,
                },
            )
            .expect("a secret is far shorter than the cipher's limit");
        let mut bytes = vec![FORM];
        bytes.extend(self.0.sealing.to_be_bytes());
        bytes.extend(nonce);
        bytes.extend(sealed);
        bytes
    }

    /// Opens what [`Vault::seal`] sealed for the same business and kind.
    pub fn unseal(
        &self,
        business: BusinessId,
        kind: &str,
        sealed: &[u8],
    ) -> Result<SecretSlice<u8>, VaultError> {
        if sealed.len() < HEAD_LENGTH || sealed[0] != FORM {
            return Err(VaultError::Damaged);
        }
        let (head, body) = sealed.split_at(HEAD_LENGTH);
        let number = u32::from_be_bytes(head[1..5].try_into().expect("four bytes"));
        let nonce: [u8; NONCE_LENGTH] = head[5..].try_into().expect("the rest of the head");
        let cipher = self
            .0
            .ciphers
            .get(&number)
            .ok_or(VaultError::UnknownKey(number))?;
        let belongs = belongs_to(business, kind);
        cipher
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: body,
                    aad: &belongs,
                },
            )
            .map(SecretSlice::from)
            .map_err(|_| VaultError::Damaged)
    }

    /// [`Vault::seal`] as a word that fits a cookie or an address: what only we can read, kept by others.
    pub fn word(&self, business: BusinessId, purpose: &str, what: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(business, purpose, what))
    }

    /// Opens what [`Vault::word`] made for the same business and purpose.
    pub fn open_word(
        &self,
        business: BusinessId,
        purpose: &str,
        word: &str,
    ) -> Result<SecretSlice<u8>, VaultError> {
        let sealed = URL_SAFE_NO_PAD.decode(word);
        self.unseal(business, purpose, &sealed.map_err(|_| VaultError::Damaged)?)
    }

    /// A name of this installation that everybody may know: the same wherever the same key file is, and
    /// telling nothing of the key (an authentication tag, under a nonce that no secret is ever sealed with).
    pub fn installation(&self) -> String {
        let nothing = Payload {
            msg: &[],
            aad: b"ringback|installation",
        };
        let tag = self.0.ciphers[&self.0.sealing]
            .encrypt(&XNonce::from([0; NONCE_LENGTH]), nothing)
            .expect("nothing is short enough to be sealed");
        tag.iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn with_keys(text: &str) -> Result<Self, String> {
        let mut ciphers = BTreeMap::new();
        let mut sealing = None;
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (number, cipher) = read_key(line).ok_or("a line is not \"number:base64 key\"")?;
            if ciphers.insert(number, cipher).is_some() {
                return Err(format!("key {number} stands there twice"));
            }
            sealing = Some(number);
        }
        let sealing = sealing.ok_or("it holds no key")?;
        Ok(Self(Arc::new(Keys { ciphers, sealing })))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

fn belongs_to(business: BusinessId, kind: &str) -> Vec<u8> {
    format!("ringback|{business}|{kind}").into_bytes()
}

fn read_key(line: &str) -> Option<(u32, XChaCha20Poly1305)> {
    let (number, key) = line.split_once(':')?;
    let key: SecretSlice<u8> = STANDARD.decode(key.trim()).ok()?.into();
    let key: [u8; KEY_LENGTH] = key.expose_secret().try_into().ok()?;
    Some((
        number.trim().parse().ok()?,
        XChaCha20Poly1305::new(&Key::from(key)),
    ))
}

/// Numbered by chance, so that a secret sealed under a lost key says so instead of seeming damaged.
fn fresh_key() -> String {
    let number = u32::from_be_bytes(random::bytes()) >> 12;
    let key = STANDARD.encode(random::bytes::<KEY_LENGTH>());
    format!("{number}:{key}\n")
}

fn in_file(path: &Path, what: &str) -> VaultError {
    VaultError::KeyFile(format!("The key file {}: {what}.", path.display()))
}

fn read_private(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if about.mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "others can read it; make it yours alone with chmod 600",
        ));
    }
    if about.len() > LARGEST_FILE {
        return Err(io::Error::other("it is too large to be a key file"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Written beside and moved into place: a crash in between leaves no half key.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // A link never replaces what is there.
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    linked
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const COPPERLINE: BusinessId = BusinessId::new(1);

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_is_sealed_opens_again_after_a_restart_and_is_not_readable_between() {
        let folder = folder();
        let path = folder.path().join("ringback.key");
        let sealed = Vault::open(&path)
            .unwrap()
            .seal(COPPERLINE, "servicetitan", b"client secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let again = Vault::open(&path).unwrap();
        let opened = again.unseal(COPPERLINE, "servicetitan", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), b"client secret");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_secret_moved_to_another_row_or_changed_by_a_bit_does_not_open() {
        let vault = Vault::fleeting();
        let sealed = vault.seal(COPPERLINE, "texts", b"auth token");
        for (business, kind) in [(BusinessId::new(2), "texts"), (COPPERLINE, "servicetitan")] {
            let opened = vault.unseal(business, kind, &sealed);
            assert_eq!(opened.unwrap_err(), VaultError::Damaged);
        }
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(vault.unseal(COPPERLINE, "texts", &changed).is_err());
        assert!(vault.unseal(COPPERLINE, "texts", &sealed[..10]).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = folder();
        let path = folder.path().join("ringback.key");
        Vault::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Vault::open(&path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let old = format!("1:{}", STANDARD.encode([7; KEY_LENGTH]));
        let sealed = Vault::with_keys(&old)
            .unwrap()
            .seal(COPPERLINE, "texts", b"old");
        let rotated = format!("{old}\n2:{}\n", STANDARD.encode([8; KEY_LENGTH]));
        let vault = Vault::with_keys(&rotated).unwrap();
        assert_eq!(
            vault
                .unseal(COPPERLINE, "texts", &sealed)
                .unwrap()
                .expose_secret(),
            b"old"
        );
        let sealed = vault.seal(COPPERLINE, "texts", b"new");
        let forgotten = Vault::with_keys(&old)
            .unwrap()
            .unseal(COPPERLINE, "texts", &sealed);
        assert_eq!(forgotten.unwrap_err(), VaultError::UnknownKey(2));
    }

    #[test]
    fn nonsense_in_the_key_file_is_said_and_not_written_over() {
        let folder = folder();
        let path = folder.path().join("ringback.key");
        for nonsense in ["", "hello", "1:c2hvcnQ="] {
            write_private(&path, nonsense).unwrap();
            assert!(Vault::open(&path).is_err(), "{nonsense}");
            assert_eq!(fs::read_to_string(&path).unwrap(), nonsense);
            fs::remove_file(&path).unwrap();
        }
    }
}
