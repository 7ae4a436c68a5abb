//! The lock beside a document: a parameter that only one can make, with a time after which it is anybody's.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_ssm::operation::delete_parameter::DeleteParameterError;
use aws_sdk_ssm::types::ParameterType;
use serde::{Deserialize, Serialize};

use super::{SsmStore, exists_already};
use crate::store::StoreError;
use crate::timestamp::Timestamp;

/// After how long a lock may be taken over: far more than four calls of an API take, and no long wait for whoever
/// comes after a crash.
const LOCK_TIME: Duration = Duration::from_secs(60);

/// For how long its maker relies on it. The rest is for clocks that differ and for a request that is on its way.
const USED_FOR: Duration = Duration::from_secs(30);

/// What the parameter says.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    owner: String,
    /// Tells one lock of an owner from the next.
    number: u64,
    expires: Timestamp,
}

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Lock {
    made: Instant,
}

impl Lock {
    /// True if it may be another's soon.
    pub(super) fn is_used_up(&self) -> bool {
        self.made.elapsed() >= USED_FOR
    }
}

impl SsmStore {
    /// Makes the lock, or takes over one that has been left.
    pub(super) async fn lock(&self, now: SystemTime) -> Result<Lock, StoreError> {
        let made = Instant::now();
        let now = Timestamp::from(now);
        let note = Note {
            owner: self.owner.clone(),
            // The keys of a hash map are the randomness that std has.
            number: RandomState::new().build_hasher().finish(),
            expires: now.after(LOCK_TIME),
        };
        let note = serde_json::to_string(&note).map_err(|error| self.failed("writing its lock", error))?;
        if self.put_lock(&note, false).await?.is_some() {
            return Ok(Lock { made });
        }
        let Some((found, version)) = self.get(&self.lock_name(), "reading its lock").await? else {
            // It was there a moment ago, so somebody was writing until now.
            return Err(self.held("somebody who has just ended"));
        };
        if found == note {
            // The client tried again, since the first answer was lost.
            return Ok(Lock { made });
        }
        let Ok(holder) = serde_json::from_str::<Note>(&found) else {
            let lock = self.lock_name();
            return Err(self.held(&format!(
                "an unknown holder of {lock}, which reads `{found}`; if it is no lock, delete it"
            )));
        };
        let left = holder.expires.since(now);
        if !left.is_zero() {
            let seconds = left.as_secs() + 1;
            return Err(self.held(&format!("{}, for {seconds} s at most", holder.owner)));
        }
        // Whoever else takes it over now makes another version, and only one can make the next. Should the lock have been
        // deleted meanwhile, this makes it anew, as version 1.
        let taken = self.put_lock(&note, true).await?;
        let others = version + 1..taken.unwrap_or(version + 1);
        if self.is_all_ours(&self.lock_name(), others, &note).await? {
            return Ok(Lock { made });
        }
        Err(self.held("somebody who was first to take over the lock of a writer that died"))
    }

    /// Deletes the lock, unless it may be another's by now.
    pub(super) async fn release(&self, lock: Lock) -> Result<(), StoreError> {
        if lock.made.elapsed() >= LOCK_TIME {
            return Ok(());
        }
        let deletion = self.client.delete_parameter().name(self.lock_name()).send().await;
        match deletion {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(DeleteParameterError::is_parameter_not_found) =>
            {
                Err(self.failed("deleting its lock", error))
            }
            _ => Ok(()),
        }
    }

    /// Writes the lock, and gives its version; `None` if it is there and may not be overwritten.
    async fn put_lock(&self, note: &str, overwrite: bool) -> Result<Option<i64>, StoreError> {
        let put = self
            .client
            .put_parameter()
            .name(self.lock_name())
            .value(note)
            .overwrite(overwrite)
            .r#type(ParameterType::String);
        match put.send().await {
            Ok(put) => Ok(Some(put.version())),
            Err(error) if exists_already(&error) => Ok(None),
            Err(error) => Err(self.failed("making its lock", error)),
        }
    }

    fn lock_name(&self) -> String {
        format!("{}.lock", self.name)
    }

    fn held(&self, holder: &str) -> StoreError {
        StoreError::Held {
            place: self.place(),
            holder: holder.to_owned(),
        }
    }
}
