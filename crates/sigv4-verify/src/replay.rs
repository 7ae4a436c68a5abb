//! The signatures of recent writes, so that a captured write cannot be sent again.
//!
//! A signature is remembered until it is no longer valid. Its time has a resolution of one second, and nothing in it is
//! random, so two equal requests that are signed in one second have the same signature:
//!
//! - Equal reads are normal, and a repeated read changes nothing; the [layer](crate::layer) remembers writes only.
//! - An SDK that repeats a write because it got no response, or one with status 500, signs it again. With botocore the
//!   signature is the same if both are signed in one second: it signs neither the attempt's number nor the call's id. A
//!   signature that comes again within [`RETRY_TIME`] is therefore rejected with an error that SDKs retry
//!   ([`VerifyError::Repeated`], 503), and the next attempt has another signature.
//! - Afterwards it is a replay ([`VerifyError::Replayed`], 403).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::error::VerifyError;
use crate::verifier::Verified;

/// Some 50 writes per second over the ten minutes for which a signature can be valid: the clock skew before and after
/// its time. A remembered signature takes about 150 bytes.
const PER_KEY: usize = 32_768;
/// The time in which a signature may come again from an SDK: the second in which it is made, and delays of the network.
pub const RETRY_TIME: Duration = Duration::from_secs(5);

/// A bounded memory of signatures, for one process.
///
/// Its limits: a replay to another replica, or after a restart, is not noticed within the validity of the signature. TLS
/// is what keeps signed requests from being captured.
#[derive(Debug)]
pub struct ReplayMemory {
    per_key: usize,
    keys: Mutex<HashMap<String, Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// By the end of their validity, with the time at which they were accepted.
    signatures: BTreeMap<(SystemTime, [u8; 32]), SystemTime>,
    /// Up to when signatures were forgotten. It never decreases, so a clock that is set back revives none.
    forgotten: Option<SystemTime>,
}

impl Default for ReplayMemory {
    fn default() -> Self {
        Self::new(PER_KEY)
    }
}

impl ReplayMemory {
    /// A memory for so many signatures of each access key. Default: 32,768.
    ///
    /// A full memory rejects further writes of this key until a signature expires, rather than forgetting one.
    #[must_use]
    pub fn new(per_key: usize) -> Self {
        Self {
            per_key,
            keys: Mutex::default(),
        }
    }

    /// Accepts a signature once.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Repeated`], [`VerifyError::Replayed`], [`VerifyError::ReplayMemoryFull`]; [`VerifyError::OutOfTime`] if the signature has expired
    /// since it was verified.
    pub fn accept(&self, verified: &Verified, now: SystemTime) -> Result<(), VerifyError> {
        if verified.valid_until < now {
            return Err(VerifyError::OutOfTime(
                "Signature expired while the body was read.".to_owned(),
            ));
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = keys.entry(verified.access_key_id().to_owned()).or_default();
        let current = seen.signatures.split_off(&(now, [0; 32]));
        let expired = std::mem::replace(&mut seen.signatures, current);
        seen.forgotten = seen
            .forgotten
            .max(expired.last_key_value().map(|((valid_until, _), _)| *valid_until));
        let entry = (verified.valid_until, verified.signature);
        if let Some(accepted) = seen.signatures.get(&entry) {
            let age = now.duration_since(*accepted).unwrap_or_default();
            return Err(if age < RETRY_TIME {
                VerifyError::Repeated
            } else {
                VerifyError::Replayed
            });
        }
        if seen.forgotten.is_some_and(|end| verified.valid_until <= end) {
            return Err(VerifyError::Replayed);
        }
        if seen.signatures.len() >= self.per_key {
            return Err(VerifyError::ReplayMemoryFull);
        }
        seen.signatures.insert(entry, now);
        Ok(())
    }

    /// The number of signatures in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.values().map(|seen| seen.signatures.len()).sum()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn signature(byte: u8, valid_until: u64) -> Verified {
        Verified::for_test("A", [byte; 32], at(valid_until))
    }

    #[test]
    fn a_signature_is_accepted_once() {
        let memory = ReplayMemory::default();
        assert_eq!(memory.accept(&signature(1, 300), at(0)), Ok(()));
        assert_eq!(memory.accept(&signature(1, 300), at(4)), Err(VerifyError::Repeated));
        assert_eq!(memory.accept(&signature(1, 300), at(5)), Err(VerifyError::Replayed));
        assert_eq!(memory.accept(&signature(1, 300), at(300)), Err(VerifyError::Replayed));
        assert_eq!(memory.accept(&signature(2, 300), at(0)), Ok(()));
    }

    #[test]
    fn signatures_that_are_no_longer_valid_are_forgotten() {
        let memory = ReplayMemory::new(2);
        for byte in 0..100 {
            let now = u64::from(byte) * 200;
            assert_eq!(memory.accept(&signature(byte, now + 300), at(now)), Ok(()));
        }
        assert_eq!(memory.len(), 2);
    }

    #[test]
    fn a_clock_that_is_set_back_revives_nothing() {
        let memory = ReplayMemory::default();
        memory.accept(&signature(1, 300), at(100)).unwrap();
        memory.accept(&signature(2, 700), at(400)).unwrap();
        assert_eq!(memory.len(), 1);
        assert_eq!(memory.accept(&signature(1, 300), at(100)), Err(VerifyError::Replayed));
    }

    #[test]
    fn a_full_memory_rejects_and_each_key_has_its_own() {
        let memory = ReplayMemory::new(1);
        memory.accept(&signature(1, 300), at(0)).unwrap();
        assert_eq!(
            memory.accept(&signature(2, 300), at(0)),
            Err(VerifyError::ReplayMemoryFull)
        );
        let other = Verified::for_test("B", [2; 32], at(300));
        assert_eq!(memory.accept(&other, at(0)), Ok(()));
        assert_eq!(memory.accept(&signature(2, 600), at(301)), Ok(()));
    }
}
