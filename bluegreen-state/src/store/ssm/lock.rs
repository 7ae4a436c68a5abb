//! Lock parameter of a document: created by one writer, expires after a minute.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_ssm::operation::delete_parameter::DeleteParameterError;
use aws_sdk_ssm::types::ParameterType;
use serde::{Deserialize, Serialize};

use super::{CallError, SsmStore, already_exists};
use crate::store::StoreError;
use crate::timestamp::Timestamp;

/// Time until a lock may be taken over: far more than four API calls take, and a short wait after a crash.
const LIFETIME: Duration = Duration::from_secs(60);

/// Time for which the owner relies on its lock. The remainder allows for clock skew and a request in flight.
const RELIABLE_FOR: Duration = Duration::from_secs(30);

/// The value of the parameter.
#[derive(Debug, Serialize, Deserialize)]
struct LockValue {
    owner: String,
    /// Random number that distinguishes the locks of an owner.
    number: u64,
    expires: Timestamp,
}

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Lock {
    created: Instant,
}

impl Lock {
    /// True if another writer may take the lock over soon.
    pub(super) fn is_unreliable(&self) -> bool {
        self.created.elapsed() >= RELIABLE_FOR
    }
}

impl SsmStore {
    /// Creates the lock, or takes over an expired one.
    pub(super) async fn lock(&self, now: SystemTime) -> Result<Lock, StoreError> {
        let created = Instant::now();
        let now = Timestamp::from(now);
        let value = LockValue {
            owner: self.owner.clone(),
            // The standard library's only source of randomness is the key of its hash maps.
            number: RandomState::new().build_hasher().finish(),
            expires: now.after(LIFETIME),
        };
        let value = serde_json::to_string(&value).map_err(|error| self.failed("serializing its lock", error))?;
        if self.put_lock(&value, false).await?.is_some() {
            return Ok(Lock { created });
        }
        let Some((found, version)) = self.get(&self.lock_name(), "reading its lock").await? else {
            // The lock existed a moment ago and was released since.
            return Err(self.locked("a writer that has just finished"));
        };
        if found == value {
            // Created by a first attempt with a lost response.
            return Ok(Lock { created });
        }
        let Ok(holder) = serde_json::from_str::<LockValue>(&found) else {
            let lock = self.lock_name();
            return Err(self.locked(&format!(
                "an unknown holder of {lock}, which contains `{found}`; if that is not a lock, delete it"
            )));
        };
        let remaining = holder.expires.since(now);
        if !remaining.is_zero() {
            let seconds = remaining.as_secs() + 1;
            return Err(self.locked(&format!("{}, for at most {seconds} s", holder.owner)));
        }
        // Each takeover creates another version, and only one writer creates the next one. If the lock was deleted in the
        // meantime, this creates it again, as version 1.
        let overwritten = self.put_lock(&value, true).await?;
        let others = version + 1..overwritten.unwrap_or(version + 1);
        if self.wrote_all(&self.lock_name(), others, &value).await? {
            return Ok(Lock { created });
        }
        Err(self.locked("another writer that took over the lock of a crashed one"))
    }

    /// Deletes the lock, unless another writer may have taken it over.
    pub(super) async fn release(&self, lock: Lock) -> Result<(), StoreError> {
        if lock.created.elapsed() >= LIFETIME {
            return Ok(());
        }
        let deletion = self.client.delete_parameter().name(self.lock_name()).send().await;
        match deletion {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(DeleteParameterError::is_parameter_not_found) =>
            {
                Err(self.failed("deleting its lock", CallError::new(&error)))
            }
            _ => Ok(()),
        }
    }

    /// Writes the lock and returns its version; `None` if it exists and `overwrite` is false.
    async fn put_lock(&self, value: &str, overwrite: bool) -> Result<Option<i64>, StoreError> {
        let put = self
            .client
            .put_parameter()
            .name(self.lock_name())
            .value(value)
            .overwrite(overwrite)
            .r#type(ParameterType::String);
        match put.send().await {
            Ok(put) => Ok(Some(put.version())),
            Err(error) if already_exists(&error) => Ok(None),
            Err(error) => Err(self.failed("writing its lock", CallError::new(&error))),
        }
    }

    fn lock_name(&self) -> String {
        format!("{}.lock", self.name)
    }

    fn locked(&self, holder: &str) -> StoreError {
        StoreError::Locked {
            location: self.location(),
            holder: holder.to_owned(),
        }
    }
}
