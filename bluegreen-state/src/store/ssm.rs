//! Parameter Store: compare-and-swap by a lock parameter and version numbers, because `PutParameter` has no
//! conditional overwrite.

mod call_error;
mod lock;

use std::error::Error as StdError;
use std::ops::Range;
use std::time::SystemTime;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::ParameterType;

use self::call_error::CallError;
use self::lock::Lock;
use super::{Revision, Store, StoreError, StoreFuture, Stored};

/// Maximum length of a document in bytes: the limit of a standard parameter (AWS Systems Manager user guide,
/// "Managing parameter tiers", 2026-11-23).
const MAX_LENGTH: usize = 4096;

/// A document in a parameter. Created as type `String`; an existing parameter keeps its type.
///
/// ```no_run
/// use bluegreen_state::{Deployment, SsmClient, SsmStore};
///
/// # async fn example(client: SsmClient) -> Result<(), bluegreen_state::Error> {
/// // `client` is `aws_sdk_ssm::Client::new(&aws_config::load_from_env().await)`, of aws-sdk-ssm 1.
/// let store = SsmStore::new(client, "/shop/deployment").with_owner("ci run 42");
/// let deployment = Deployment::<String, _>::open(store).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Locking
///
/// `PutParameter` either overwrites any version or fails if the parameter exists; it cannot overwrite one specific
/// version. Therefore a save
///
/// 1. creates a second parameter, `<name>.lock`, with `Overwrite=false`, which succeeds for one writer only; its value
///    has the owner and the expiry time;
/// 2. reads the document and compares its version with the expected one;
/// 3. overwrites it and checks that the new version is the expected one plus one;
/// 4. deletes the lock.
///
/// A lock left by a crashed writer is taken over one minute after its creation by overwriting it; if two writers do
/// that at the same time, the resulting version number decides.
///
/// # Guarantees
///
/// | other writer | outcome |
/// |---|---|
/// | another `SsmStore` | one of the two saves; the other gets an error and has changed nothing |
/// | one that ignores the lock, before step 2 | this save fails and changes nothing |
/// | one that ignores the lock, between steps 2 and 3 | its document is overwritten, and this save is an error that names both versions; Parameter Store keeps the last 100 |
/// | a lock holder with a request that takes over a minute to arrive | the same: the later write overwrites and gets the error, the earlier writer gets a conflict at its next save |
/// | two writers that take over the same lock, one delayed until the other has saved and a third has begun | the same |
/// | a tool that deletes and recreates the document up to the same version number | not detected |
///
/// Expiry times come from the owner's clock. An owner relies on its lock for half a minute only, so clocks may differ
/// by half a minute. AWS does not document that a read sees every earlier write; step 3 detects it if one does not.
///
/// # Permissions
///
/// `ssm:GetParameter` and `ssm:PutParameter` for the document and its lock, `ssm:DeleteParameter` for the lock; for a
/// `SecureString`, also the permissions of its key. Any number of stores may be used at once. Dropping the future of a
/// save leaves the lock until it expires, as a crash does.
#[derive(Debug, Clone)]
pub struct SsmStore {
    client: Client,
    name: String,
    owner: String,
}

impl SsmStore {
    /// The document in the parameter of this name. Region, credentials, retries and the [HTTPS
    /// client](https://docs.rs/aws-config) are those of `client`.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
            owner: format!("process {}", std::process::id()),
        }
    }

    /// The name of the lock's holder in errors of other writers, such as `ci run 42`.
    #[must_use]
    pub fn with_owner(self, owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            ..self
        }
    }

    /// Steps 2 and 3 of a save, while holding the lock.
    async fn replace(&self, lock: &Lock, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        let found = self.load().await?.map(|stored| stored.revision);
        if found.as_ref() != expected {
            return Err(self.changed(found.as_ref(), expected));
        }
        if lock.is_unreliable() {
            return Err(self.failed("writing it before the lock expires", "Parameter Store was too slow"));
        }
        let put = self
            .client
            .put_parameter()
            .name(&self.name)
            .value(text)
            .overwrite(expected.is_some())
            // An existing parameter keeps its type.
            .set_type(expected.is_none().then_some(ParameterType::String));
        let version = match put.send().await {
            Ok(put) => put.version(),
            Err(error) if already_exists(&error) => {
                // Possibly written by this save, in a first attempt with a lost response.
                return match self.load().await? {
                    Some(stored) if stored.text == text => Ok(stored.revision),
                    other => Err(self.changed(other.map(|stored| stored.revision).as_ref(), expected)),
                };
            }
            Err(error) => return Err(self.failed("writing it", CallError::new(&error))),
        };
        let before = expected.map_or(Ok(0), |revision| revision.as_str().parse::<i64>());
        let before = before.map_err(|error| self.failed("comparing its version", error))?;
        if !self.wrote_all(&self.name, before + 1..version, text).await? {
            return Err(StoreError::Changed {
                location: self.location(),
                found: format!(
                    "a writer that ignores the lock wrote it at the same time, and version {version}, written here, \
                     replaced that; the parameter history has both"
                ),
            });
        }
        Ok(Revision::new(version.to_string()))
    }

    /// True if all of these versions have this text. The client retries after a lost response, which creates several
    /// versions with the same text.
    async fn wrote_all(&self, name: &str, versions: Range<i64>, text: &str) -> Result<bool, StoreError> {
        for version in versions {
            let found = self.get(&format!("{name}:{version}"), "reading its history").await?;
            if found.is_none_or(|(found, _)| found != text) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn changed(&self, found: Option<&Revision>, expected: Option<&Revision>) -> StoreError {
        let found = match (found, expected) {
            (Some(found), Some(expected)) => format!("version {expected} was read and now it has version {found}"),
            (Some(_), None) => "there was no document and now there is one".to_owned(),
            (None, _) => "it was removed since it was read".to_owned(),
        };
        StoreError::Changed {
            location: self.location(),
            found,
        }
    }

    fn failed(&self, operation: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
        StoreError::Failed {
            location: self.location(),
            operation,
            source: source.into(),
        }
    }

    fn location(&self) -> String {
        format!("parameter {}", self.name)
    }

    /// The value and version of a parameter, if it exists.
    async fn get(&self, name: &str, operation: &'static str) -> Result<Option<(String, i64)>, StoreError> {
        let get = self.client.get_parameter().name(name).with_decryption(true);
        let response = match get.send().await {
            Ok(response) => response,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetParameterError::is_parameter_not_found) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.failed(operation, CallError::new(&error))),
        };
        let parameter = response.parameter.and_then(|parameter| {
            let version = parameter.version();
            parameter.value.map(|value| (value, version))
        });
        match parameter {
            Some(parameter) => Ok(Some(parameter)),
            None => Err(self.failed(operation, "the response has no value")),
        }
    }
}

/// True if a parameter was not created because it exists.
fn already_exists(error: &SdkError<PutParameterError>) -> bool {
    error
        .as_service_error()
        .is_some_and(PutParameterError::is_parameter_already_exists)
}

impl Store for SsmStore {
    fn load(&self) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async move {
            let found = self.get(&self.name, "reading it").await?;
            Ok(found.map(|(text, version)| Stored {
                text,
                revision: Revision::new(version.to_string()),
            }))
        })
    }

    fn save<'a>(&'a self, expected: Option<&'a Revision>, text: &'a str) -> StoreFuture<'a, Revision> {
        Box::pin(self.replace_locked(expected, text))
    }
}

impl SsmStore {
    /// A whole save: steps 1 to 4.
    async fn replace_locked(&self, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        if text.len() > MAX_LENGTH {
            return Err(StoreError::TooLong {
                location: self.location(),
                length: text.len(),
                limit: MAX_LENGTH,
            });
        }
        let lock = self.lock(SystemTime::now()).await?;
        let result = self.replace(&lock, expected, text).await;
        let released = self.release(lock).await;
        // An error of the document is more useful than an error of the lock.
        let revision = result?;
        released.map(|()| revision)
    }
}
