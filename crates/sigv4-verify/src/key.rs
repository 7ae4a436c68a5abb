//! Access keys, and where the verifier finds them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::Method;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::VerifyError;
use crate::verifier::Verified;

/// A secret text: overwritten when dropped, and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over the text. Copies that the caller has made of it are the caller's to overwrite.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// True if `other` is the same text. The time depends on the lengths only.
    #[must_use]
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(other).into()
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// An access key: the id that a request states, and the secret that signed it.
#[derive(Debug, Clone)]
pub struct AccessKey {
    id: String,
    secret: Secret,
    session: Option<Session>,
}

/// What temporary credentials have in addition.
#[derive(Debug, Clone)]
struct Session {
    token: Secret,
    expires: SystemTime,
}

impl AccessKey {
    /// A long-term key. Requests with a session token are rejected for it, as by AWS.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: Secret) -> Self {
        Self {
            id: id.into(),
            secret,
            session: None,
        }
    }

    /// Makes it a temporary key: requests need this session token (`X-Amz-Security-Token`) and are rejected from
    /// `expires` on.
    #[must_use]
    pub fn with_session(mut self, token: Secret, expires: SystemTime) -> Self {
        self.session = Some(Session { token, expires });
        self
    }

    /// The access key id, which is not secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Checks the session token of a request: `Ok` if it is the token of this key, or if neither has one.
    pub(crate) fn check_session(&self, token: Option<&[u8]>, now: SystemTime) -> Result<(), SessionError> {
        match (&self.session, token) {
            (None, None) => Ok(()),
            (Some(session), Some(token)) if session.token.matches(token) => {
                if now < session.expires {
                    Ok(())
                } else {
                    Err(SessionError::Expired)
                }
            }
            _ => Err(SessionError::WrongToken),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionError {
    WrongToken,
    Expired,
}

/// Where access keys are looked up. The lookup is in memory, as it happens for each request.
pub trait Keys: Send + Sync {
    /// The key with this id, if it may sign requests.
    fn find(&self, access_key_id: &str) -> Option<Arc<AccessKey>>;

    /// Admits a request whose signature is valid, before a write is remembered: the place of a rate limit, so that requests
    /// above it do not fill the memory of signatures. Default: all requests.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Throttled`], with the message for the client.
    fn admit(&self, _verified: &Verified, _method: &Method) -> Result<(), VerifyError> {
        Ok(())
    }
}

/// A fixed set of access keys.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: HashMap<String, Arc<AccessKey>>,
}

impl KeyRing {
    /// Adds a key, in place of one with the same id.
    pub fn insert(&mut self, key: AccessKey) {
        self.keys.insert(key.id.clone(), Arc::new(key));
    }
}

impl FromIterator<AccessKey> for KeyRing {
    fn from_iter<I: IntoIterator<Item = AccessKey>>(keys: I) -> Self {
        let mut ring = Self::default();
        for key in keys {
            ring.insert(key);
        }
        ring
    }
}

impl Keys for KeyRing {
    fn find(&self, access_key_id: &str) -> Option<Arc<AccessKey>> {
        self.keys.get(access_key_id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let key = AccessKey::new("AKIDEXAMPLE", Secret::new("hunter2".to_owned()))
            .with_session(Secret::new("token-text".to_owned()), SystemTime::UNIX_EPOCH);
        let printed = format!("{key:?}");
        assert!(
            !printed.contains("hunter2") && !printed.contains("token-text"),
            "{printed}"
        );
        assert!(printed.contains("AKIDEXAMPLE"), "{printed}");
    }

    #[test]
    fn a_token_is_needed_exactly_by_temporary_keys() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let long_term = AccessKey::new("A", Secret::new("s".to_owned()));
        assert_eq!(long_term.check_session(None, now), Ok(()));
        assert_eq!(long_term.check_session(Some(b"t"), now), Err(SessionError::WrongToken));

        let temporary = long_term.with_session(Secret::new("t".to_owned()), now + Duration::from_secs(1));
        assert_eq!(temporary.check_session(Some(b"t"), now), Ok(()));
        assert_eq!(temporary.check_session(Some(b"T"), now), Err(SessionError::WrongToken));
        assert_eq!(temporary.check_session(Some(b"tt"), now), Err(SessionError::WrongToken));
        assert_eq!(temporary.check_session(None, now), Err(SessionError::WrongToken));
        let later = now + Duration::from_secs(1);
        assert_eq!(temporary.check_session(Some(b"t"), later), Err(SessionError::Expired));
    }
}
