//! A document in a parameter of Parameter Store, which has no conditional overwrite: what stands in for one here, and
//! what it is worth.

mod lock;

use std::error::Error as StdError;
use std::ops::Range;
use std::time::SystemTime;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::ParameterType;

use self::lock::Lock;
use super::{Revision, Store, StoreError, Stored};

/// How long a document may be, in bytes: what a standard parameter holds (AWS Systems Manager user guide,
/// "Managing parameter tiers", 2026-11-23).
const LIMIT: usize = 4096;

/// A document in a parameter of type `String`, or in one of another type that is there already.
///
/// ```no_run
/// use bluegreen_state::aws_sdk_ssm::{Client, Config};
/// use bluegreen_state::{Deployment, SsmStore};
///
/// # async fn example(config: Config) -> Result<(), bluegreen_state::Error> {
/// // Such a configuration as the crate `aws-config` makes from the environment.
/// let client = Client::from_conf(config);
/// let store = SsmStore::new(client, "/shop/deployment").with_owner("ci run 42");
/// let deployment = Deployment::<String, _>::open(store).await?;
/// # Ok(())
/// # }
/// ```
///
/// # How it is guarded
///
/// `PutParameter` overwrites whatever is there, or refuses because something is; it cannot overwrite one version and
/// no other. So a save
///
/// 1. makes a second parameter, `<name>.lock`, with `Overwrite=false`, which only one can do, and writes into it who
///    has it and until when;
/// 2. reads the document and compares its version with the one that was expected;
/// 3. overwrites it, and compares the version that this made with the next one;
/// 4. deletes the lock.
///
/// A lock that was left by a writer who died is taken over a minute after it was made, and overwritten for that; the
/// version that this makes says to two who do it at the same time which one was first.
///
/// # What that protects against, and what not
///
/// | who else writes | outcome |
/// |---|---|
/// | another `SsmStore` | one of the two saves; the other is told, and has changed nothing |
/// | one that does not heed the lock, before step 2 | this save is refused |
/// | one that does not heed the lock, between steps 2 and 3 | its document is overwritten, and this save is an error that names both versions; Parameter Store keeps the last 100 |
/// | a holder of the lock whose request takes longer than the minute to arrive | the same: the later of the two overwrites and is told, and the earlier finds out with its next save |
/// | two who take over the same lock, one of them held up for as long as the other takes to save and a third to begin | the same |
/// | the document's deletion and creation anew by another tool, up to the same version number | is not noticed |
///
/// A lock's times are its maker's. Nobody uses a lock of their own for longer than half of its minute, so clocks may
/// differ by half a minute. AWS does not say that a read sees every write that ended before it; should it not, step 3
/// notices.
///
/// # What it needs
///
/// `ssm:GetParameter` and `ssm:PutParameter` for the document and its lock, `ssm:DeleteParameter` for the lock; and for
/// a document that is a `SecureString`, what its key demands. Any number of stores may be used at once. A future that is dropped in the middle of a save leaves the lock until its minute is
/// over, as a process that is killed does.
#[derive(Debug, Clone)]
pub struct SsmStore {
    client: Client,
    name: String,
    owner: String,
}

impl SsmStore {
    /// The document in the parameter of this name. The client says where that is, with which credentials, how often
    /// to try and [how to speak HTTPS](https://docs.rs/aws-config).
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
            owner: format!("process {}", std::process::id()),
        }
    }

    /// What others are told who find the document locked: a name that says whom to ask.
    #[must_use]
    pub fn with_owner(self, owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            ..self
        }
    }

    /// Steps 2 and 3, with the lock held.
    async fn replace(&self, lock: &Lock, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        let found = self.load().await?.map(|stored| stored.revision);
        if found.as_ref() != expected {
            return Err(self.changed(found.as_ref(), expected));
        }
        if lock.is_used_up() {
            return Err(self.failed("writing it while the lock was certain", "Parameter Store was too slow"));
        }
        let put = self
            .client
            .put_parameter()
            .name(&self.name)
            .value(text)
            .overwrite(expected.is_some())
            // One that is there keeps its type.
            .set_type(expected.is_none().then_some(ParameterType::String));
        let version = match put.send().await {
            Ok(put) => put.version(),
            Err(error) if exists_already(&error) => {
                // Perhaps it is ours, from a first try whose answer was lost.
                return match self.load().await? {
                    Some(stored) if stored.text == text => Ok(stored.revision),
                    other => Err(self.changed(other.map(|stored| stored.revision).as_ref(), expected)),
                };
            }
            Err(error) => return Err(self.failed("writing it", error)),
        };
        let before = expected.map_or(Ok(0), |revision| revision.as_str().parse::<i64>());
        let before = before.map_err(|error| self.failed("comparing its version", error))?;
        if !self.is_all_ours(&self.name, before + 1..version, text).await? {
            return Err(StoreError::Changed {
                place: self.place(),
                what: format!(
                    "somebody who does not heed the lock wrote it at the same moment, and version {version}, written \
                     here, took that one's place; its history has both"
                ),
            });
        }
        Ok(Revision::new(version.to_string()))
    }

    /// True if nothing but this text was written as these versions. The client tries again if an answer is lost, and
    /// then makes several versions of one.
    async fn is_all_ours(&self, name: &str, versions: Range<i64>, text: &str) -> Result<bool, StoreError> {
        for version in versions {
            let found = self.get(&format!("{name}:{version}"), "reading its history").await?;
            if found.is_none_or(|(found, _)| found != text) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn changed(&self, found: Option<&Revision>, expected: Option<&Revision>) -> StoreError {
        let what = match (found, expected) {
            (Some(found), Some(expected)) => format!("version {expected} was read, and now it has version {found}"),
            (Some(_), None) => "there was no document, and now there is one".to_owned(),
            (None, _) => "it was removed since it was read".to_owned(),
        };
        StoreError::Changed {
            place: self.place(),
            what,
        }
    }

    fn failed(&self, doing: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
        StoreError::Failed {
            place: self.place(),
            doing,
            source: source.into(),
        }
    }

    fn place(&self) -> String {
        format!("parameter {}", self.name)
    }

    /// A parameter's value and version, if it is there.
    async fn get(&self, name: &str, doing: &'static str) -> Result<Option<(String, i64)>, StoreError> {
        let get = self.client.get_parameter().name(name).with_decryption(true);
        let answer = match get.send().await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetParameterError::is_parameter_not_found) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.failed(doing, error)),
        };
        let parameter = answer.parameter.and_then(|parameter| {
            let version = parameter.version();
            parameter.value.map(|value| (value, version))
        });
        match parameter {
            Some(parameter) => Ok(Some(parameter)),
            None => Err(self.failed(doing, "the answer has no value")),
        }
    }
}

/// True if a parameter was not made because it is there.
fn exists_already(error: &SdkError<PutParameterError>) -> bool {
    error
        .as_service_error()
        .is_some_and(PutParameterError::is_parameter_already_exists)
}

impl Store for SsmStore {
    async fn load(&self) -> Result<Option<Stored>, StoreError> {
        let found = self.get(&self.name, "reading it").await?;
        Ok(found.map(|(text, version)| Stored {
            text,
            revision: Revision::new(version.to_string()),
        }))
    }

    async fn save(&self, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        if text.len() > LIMIT {
            return Err(StoreError::TooLong {
                place: self.place(),
                length: text.len(),
                limit: LIMIT,
            });
        }
        let lock = self.lock(SystemTime::now()).await?;
        let replaced = self.replace(&lock, expected, text).await;
        let released = self.release(lock).await;
        // What happened to the document says more than what happened to the lock.
        let revision = replaced?;
        released.map(|()| revision)
    }
}
