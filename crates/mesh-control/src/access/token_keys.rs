//! The keys that sign tokens, from a private file that is read again when it changes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::token::{self, Claims, Key, TokenError};

/// Bytes of a key. As many as a SHA-256 hash, which is what RFC 7518 (3.2) requires.
const KEY_BYTES: usize = 32;

/// Time between two looks at the file.
const INTERVAL: Duration = Duration::from_secs(1);

/// The keys of tokens: the first one signs, all of them verify. Clones share them.
///
/// The file has one key in each line, 32 bytes or more in hexadecimal digits; empty lines and those that begin with `#` are
/// ignored. `openssl rand -hex 32` makes a key. To renew the key, put a new one in front, issue new tokens, and remove the old
/// one.
#[derive(Clone)]
pub struct TokenKeys(Arc<Inner>);

struct Inner {
    file: Option<PathBuf>,
    current: Mutex<Current>,
}

struct Current {
    keys: Vec<Key>,
    stamp: Option<Stamp>,
    looked: Instant,
    /// The last failure since the keys were read, which was logged.
    failure: Option<String>,
}

type Stamp = (SystemTime, u64);

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenKeysError {
    /// It cannot be read.
    #[error("cannot read the token key file {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Others may read or write it.
    #[error("the token key file {} can be used by other users (mode {mode:04o}); make it private: chmod 600 {}", file.display(), file.display())]
    Public {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A line is no key.
    #[error("line {line} of the token key file {} is not a key; expected at least 64 hexadecimal digits, as from openssl rand -hex 32", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The number of the line, from 1 on.
        line: usize,
    },
    /// It has no key.
    #[error("the token key file {} has no key; make one with openssl rand -hex 32", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

impl TokenKeys {
    /// Reads a key file. Later changes are noticed within a second; while the file cannot be used, the last keys stay in use,
    /// and a warning is logged once.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not private, or has something else than keys.
    pub fn read(file: impl Into<PathBuf>) -> Result<Self, TokenKeysError> {
        let file = file.into();
        let stamp = stamp(&file);
        let keys = read(&file)?;
        Ok(Self::new(Some(file), keys, stamp))
    }

    /// A key that was made just now, for the life of a process.
    ///
    /// # Errors
    ///
    /// If the operating system has no random numbers.
    pub fn generate() -> io::Result<Self> {
        let mut secret = [0; KEY_BYTES];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        Ok(Self::new(None, vec![Key::new(&secret)], None))
    }

    fn new(file: Option<PathBuf>, keys: Vec<Key>, stamp: Option<Stamp>) -> Self {
        let current = Mutex::new(Current {
            keys,
            stamp,
            looked: Instant::now(),
            failure: None,
        });
        Self(Arc::new(Inner { file, current }))
    }

    /// Signs a token with the first key. It is a secret: its holder may act as these nodes.
    #[must_use]
    pub fn issue(&self, claims: &Claims) -> String {
        let keys = self.keys();
        // A file without keys is an error.
        keys.first().map(|key| token::sign(claims, key)).unwrap_or_default()
    }

    /// The claims of a token that is valid now.
    ///
    /// # Errors
    ///
    /// If it is no token of these keys, or has expired.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        token::verify(token, &self.keys(), SystemTime::now())
    }

    /// The keys as of the file now.
    fn keys(&self) -> Vec<Key> {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.0.file
            && current.looked.elapsed() >= INTERVAL
        {
            current.looked = Instant::now();
            current.refresh(file);
        }
        current.keys.clone()
    }
}

impl Current {
    fn refresh(&mut self, file: &Path) {
        // Before the file is read: a change in between is then seen as one.
        let stamp = stamp(file);
        if stamp.is_some() && stamp == self.stamp {
            return;
        }
        match read(file) {
            Ok(keys) => {
                let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
                tracing::info!(keys = ids.join(","), "the token keys were renewed");
                (self.keys, self.stamp, self.failure) = (keys, stamp, None);
            }
            Err(error) => {
                let failure = error.to_string();
                if self.failure.as_ref() != Some(&failure) {
                    tracing::warn!("the previous token keys stay in use: {failure}");
                    self.failure = Some(failure);
                }
            }
        }
    }
}

impl fmt::Debug for TokenKeys {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys")
            .field("file", &self.0.file)
            .finish_non_exhaustive()
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(file: &Path) -> Result<Vec<Key>, TokenKeysError> {
    let failed = |source| TokenKeysError::Read {
        file: file.to_owned(),
        source,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = std::fs::metadata(file).map_err(failed)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(TokenKeysError::Public {
                file: file.to_owned(),
                mode,
            });
        }
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let mut keys = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let secret = decode_hex(line).filter(|secret| secret.len() >= KEY_BYTES);
        let secret = secret.ok_or_else(|| TokenKeysError::Line {
            file: file.to_owned(),
            line: number + 1,
        })?;
        keys.push(Key::new(&secret));
    }
    if keys.is_empty() {
        return Err(TokenKeysError::Empty { file: file.to_owned() });
    }
    Ok(keys)
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn key_file(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("token.key");
        std::fs::write(&file, content).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        (directory, file)
    }

    fn claims() -> Claims {
        Claims {
            subject: "blue".to_owned(),
            nodes: vec![super::super::NodeGrant::All],
            expires: SystemTime::now() + Duration::from_secs(60),
        }
    }

    #[test]
    fn the_first_key_signs_and_all_verify() {
        let (old, new) = ("11".repeat(32), "Ab".repeat(32));
        let (_directory, file) = key_file(&format!("# made today\n{old}\n"), 0o600);
        let keys = TokenKeys::read(&file).expect("valid");
        let token = keys.issue(&claims());
        assert_eq!(keys.verify(&token).map(|claims| claims.subject), Ok("blue".to_owned()));
        std::fs::write(&file, format!("{new}\n\n{old}")).expect("written");
        let renewed = TokenKeys::read(&file).expect("valid");
        renewed.verify(&token).expect("the old key is still there");
        let next = renewed.issue(&claims());
        assert_eq!(keys.0.current.lock().expect("not poisoned").keys.len(), 1);
        std::fs::write(&file, &new).expect("written");
        let only = TokenKeys::read(&file).expect("valid");
        assert_eq!(only.verify(&token), Err(TokenError::Signature));
        only.verify(&next).expect("the new key");
    }

    #[test]
    fn a_changed_file_is_read_again_and_an_invalid_one_is_not_used() {
        let (_directory, file) = key_file(&"11".repeat(32), 0o600);
        let keys = TokenKeys::read(&file).expect("valid");
        let look = |content: &str| {
            std::fs::write(&file, content).expect("written");
            let mut current = keys.0.current.lock().expect("not poisoned");
            current.refresh(&file);
            current.keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>()
        };
        let first = look(&"11".repeat(32));
        assert_eq!(look("half"), first);
        let renewed = look(&"22".repeat(33));
        assert_eq!(renewed.len(), 1);
        assert_ne!(renewed, first);
    }

    #[test]
    fn other_files_are_errors() {
        let key = "11".repeat(32);
        for (content, mode, expected) in [
            (key.as_str(), 0o640, "can be used by other users (mode 0640)"),
            (key.as_str(), 0o604, "chmod 600"),
            ("", 0o600, "has no key"),
            ("# nothing\n", 0o600, "has no key"),
            (&key[..62], 0o600, "line 1 "),
            (&format!("\n{key}x"), 0o600, "line 2 "),
        ] {
            let (_directory, file) = key_file(content, mode);
            let error = TokenKeys::read(&file).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = TokenKeys::read("/nowhere/token.key").expect_err("missing").to_string();
        assert!(
            error.starts_with("cannot read the token key file /nowhere/token.key: "),
            "{error}"
        );
    }
}
