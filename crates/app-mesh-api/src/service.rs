//! The API's operations over a store, for concurrent callers.
//!
//! Reads take the current registry, which is immutable, and never wait. Writes go through one task, which applies those
//! that have arrived meanwhile to the registry one after another, commits their changes together, and only then publishes
//! the new registry and responds. So many concurrent writes share one sync of the disk, and what a response says is
//! durable and visible.

mod import;
mod writer;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mesh_model::app_mesh::{Kind, ResourcePath};
use tokio::sync::{mpsc, oneshot, watch};

pub use import::{ImportError, Imported};

use crate::audit::AuditLog;
use crate::caller::Caller;
use crate::claims::{ClaimError, MeshClaims};
use crate::error::{ApiError, ErrorCode};
use crate::operation::Operation;
use crate::registry::topology::Topologies;
use crate::registry::{Change, Record, Registry, Write};
use crate::response::Output;
use crate::settings::{Environment, Settings};
use crate::store::{Store, StoreError};
use writer::{Job, Writer};

/// Writes that wait at most. More get `TooManyRequestsException`.
const MAX_WAITING: usize = 4096;

/// App Mesh's operations over a store.
///
/// A clone is a handle to the same service. The tasks of a service end when the last handle is dropped; writes that are
/// under way are finished first.
#[derive(Debug, Clone)]
pub struct Service {
    settings: Arc<Settings>,
    registry: watch::Receiver<Arc<Registry>>,
    topologies: watch::Receiver<Arc<Topologies>>,
    jobs: mpsc::Sender<Job>,
    claims: Option<Arc<dyn MeshClaims>>,
}

/// What a service has in addition to its store.
#[derive(Debug, Clone, Default)]
pub struct Extensions {
    /// A log of the changes that are made through this service.
    pub audit_log: Option<AuditLog>,
    /// Claims of meshes, if there is another source of meshes.
    pub claims: Option<Arc<dyn MeshClaims>>,
}

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store cannot be read.
    #[error("cannot read the resources")]
    Store(#[from] StoreError),
    /// A resource is in a mesh that does not exist.
    #[error("the store is inconsistent: the mesh of {0} is missing")]
    WithoutMesh(ResourcePath),
    /// The resources belong to another account or region.
    #[error("the state belongs to {stored}, not to {given}; use the former (--account, --region), or another state")]
    OtherEnvironment {
        /// The account and region of the store.
        stored: Environment,
        /// Those of the settings.
        given: Environment,
    },
}

impl Service {
    /// Reads a store, and starts the service. Must be called in a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(store: impl Store, settings: Settings) -> Result<Self, OpenError> {
        Self::open_with(store, settings, Extensions::default()).await
    }

    /// As [`open`](Self::open), with an audit log, or beside another source of meshes.
    ///
    /// Meshes that exist are claimed, too; one that another source has is logged as an error and served nonetheless.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open_with(store: impl Store, settings: Settings, extensions: Extensions) -> Result<Self, OpenError> {
        let Extensions { audit_log, claims } = extensions;
        let loaded = store.load().await?;
        check_environment(&store, &loaded.records, settings.environment()).await?;
        let registry = Registry::from_records(loaded.records).map_err(OpenError::WithoutMesh)?;
        let settings = Arc::new(settings);
        let registry = watch::Sender::new(Arc::new(registry));
        let (jobs, waiting) = mpsc::channel(MAX_WAITING);
        let readers = registry.subscribe();
        let initial = registry.borrow().topologies(None);
        let topologies = watch::Sender::new(Arc::new(initial));
        let service = Self {
            settings: Arc::clone(&settings),
            registry: readers.clone(),
            topologies: topologies.subscribe(),
            jobs,
            claims,
        };
        tokio::spawn(publish_topologies(readers, topologies));
        let writer = Writer {
            store: Box::new(store),
            revision: loaded.revision,
            registry,
            settings,
            audit_log,
            is_stale: false,
            one_by_one: 0,
            failures: 0,
            undecided: Vec::new(),
        };
        tokio::spawn(writer.run(waiting));
        service.claim_all().await;
        Ok(service)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All resources as they are now.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.borrow())
    }

    /// The meshes as the translation to Envoy reads them: now, and after each change.
    ///
    /// Changes that follow each other quickly are announced together.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Topologies>> {
        self.topologies.clone()
    }

    /// Returns when the service no longer writes: its task has ended, which only a defect makes it do while there are handles.
    pub async fn stopped(&self) {
        self.jobs.closed().await;
    }

    /// Runs an operation.
    ///
    /// Dropping the future does not undo a write: it may be stored or not.
    ///
    /// # Errors
    ///
    /// App Mesh's exceptions; `ServiceUnavailableException` if the store fails.
    pub async fn run(&self, caller: &Caller, operation: Operation) -> Result<Output, ApiError> {
        caller.authorize(&operation, &self.settings)?;
        let settings = &*self.settings;
        match &operation {
            Operation::Describe(path) => {
                let registry = self.registry();
                let record = registry.require(path, settings)?;
                return Ok(Output::Resource(Arc::clone(record)));
            }
            Operation::List { collection, page } => {
                let may_see = |record: &Record| caller.may_use_mesh(&record.path.mesh);
                let page = self.registry().list(collection, page, settings, may_see)?;
                return Ok(Output::List(collection.kind, page));
            }
            Operation::ListTags { path, page } => {
                return Ok(Output::Tags(self.registry().list_tags(path, page, settings)?));
            }
            _ => {}
        }
        let name = operation.name();
        let claimed = Claimed::of(&operation);
        let is_deletion = matches!(operation, Operation::Delete(_));
        let is_tagging = matches!(operation, Operation::Tag { .. } | Operation::Untag { .. });
        let Some(write) = Write::new(operation)? else {
            return Err(ApiError::bad_request(format!("{name} is not a writing operation")));
        };
        let applied = match claimed {
            Some(Claimed::ForCreation(mesh)) => {
                self.claim(&mesh).await?;
                let applied = self.write(vec![write], caller, &name, true).await;
                match &applied {
                    Ok(_) => self.keep_claim(&mesh).await,
                    Err(error) if error.code().status().is_client_error() => self.release_unless_present(&mesh).await,
                    // It is not known whether the mesh was created.
                    Err(_) => {}
                }
                applied?
            }
            Some(Claimed::UntilDeletion(mesh)) => {
                let applied = self.write(vec![write], caller, &name, true).await?;
                self.release_unless_present(&mesh).await;
                applied
            }
            None => self.write(vec![write], caller, &name, true).await?,
        };
        Ok(match applied.into_iter().next() {
            Some(record) if is_deletion => Output::Deleted(record),
            Some(record) if !is_tagging => Output::Resource(record),
            _ => Output::Empty,
        })
    }

    pub(super) async fn claim(&self, mesh: &str) -> Result<(), ApiError> {
        let Some(claims) = &self.claims else {
            return Ok(());
        };
        claims.claim(mesh).await.map_err(|error| match error {
            ClaimError::Taken(message) => ApiError::new(ErrorCode::Conflict, message),
            ClaimError::Failed(reason) => {
                tracing::error!("cannot claim the mesh {mesh}: {reason}");
                unavailable(None)
            }
        })
    }

    /// Claims a mesh that was created a second time: another replica that has deleted one with this name may have released
    /// the first claim before it could see the new mesh.
    pub(super) async fn keep_claim(&self, mesh: &str) {
        if let Err(error) = self.claim(mesh).await {
            tracing::error!("the mesh {mesh} is served, but not claimed: {}", error.message());
        }
    }

    /// Releases the claim of a mesh that was not created, or was deleted. It is kept if that fails: nothing is wrong
    /// then, except that a stack cannot have the name.
    ///
    /// Another replica may create the mesh meanwhile, with the claim that is released here. It claims again after its
    /// commit, and this replica looks again after the release: whichever is later leaves a claim.
    pub(super) async fn release_unless_present(&self, mesh: &str) {
        let Some(claims) = &self.claims else {
            return;
        };
        if self.is_present(mesh).await {
            return;
        }
        if let Err(error) = claims.release(mesh).await {
            tracing::warn!("the claim of the mesh {mesh} remains: {error}");
        }
        if self.is_present(mesh).await {
            self.keep_claim(mesh).await;
        }
    }

    /// True if a mesh is in the store, and also if that cannot be found out.
    async fn is_present(&self, mesh: &str) -> bool {
        // A job without writes: its response comes once the registry is that of the newest revision.
        let current = self.write(Vec::new(), &Caller::unrestricted("claims"), "", false).await;
        current.is_err() || self.registry().get(&ResourcePath::of_mesh(mesh)).is_some()
    }

    async fn claim_all(&self) {
        let registry = self.registry();
        for record in registry.records().filter(|record| record.path.kind == Kind::Mesh) {
            self.keep_claim(&record.path.mesh).await;
        }
    }

    /// Applies writes together: all or none.
    async fn write(
        &self,
        writes: Vec<Write>,
        caller: &Caller,
        operation: &str,
        checks_ports: bool,
    ) -> Result<Vec<Arc<Record>>, ApiError> {
        let (response, applied) = oneshot::channel();
        let job = Job {
            writes,
            caller: caller.name.clone(),
            origin: caller.origin.clone(),
            operation: operation.to_owned(),
            checks_ports,
            span: tracing::Span::current(),
            response,
        };
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ApiError::new(
                ErrorCode::TooManyRequests,
                format!("{MAX_WAITING} writes are waiting; try again"),
            ),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        applied.await.unwrap_or_else(|_closed| Err(stopped()))
    }
}

/// How an operation changes which meshes exist.
enum Claimed {
    ForCreation(String),
    UntilDeletion(String),
}

impl Claimed {
    fn of(operation: &Operation) -> Option<Self> {
        let path = operation.path().filter(|path| path.kind == Kind::Mesh)?;
        match operation {
            Operation::Create { .. } => Some(Self::ForCreation(path.mesh.clone())),
            Operation::Delete(_) => Some(Self::UntilDeletion(path.mesh.clone())),
            _ => None,
        }
    }
}

/// The storage failed. Its error is in the log: it may have names of tables, roles and parameters.
fn unavailable(request_id: Option<&str>) -> ApiError {
    let request = request_id.map(|id| format!(" of request {id}")).unwrap_or_default();
    ApiError::new(
        ErrorCode::ServiceUnavailable,
        format!("the storage is not available; try again. The server's log has the reason{request}"),
    )
}

fn stopped() -> ApiError {
    ApiError::new(
        ErrorCode::InternalServerError,
        "the service has stopped writing; see its log",
    )
}

/// Checks that the store has resources of this account and region. In those of other accounts, ARNs and owners would differ.
async fn check_environment(store: &impl Store, records: &[Record], given: Environment) -> Result<(), OpenError> {
    let mut owners = records.iter().map(|record| &record.stored.resource_owner);
    let other = owners.find(|owner| **owner != given.account);
    let stored = match store.environment().await? {
        Some(stored) => stored,
        // Of a store that does not keep it, or not yet, the account at least is known.
        None => match other {
            Some(owner) => Environment {
                account: owner.clone(),
                region: given.region.clone(),
            },
            None => {
                store.set_environment(&given).await?;
                given.clone()
            }
        },
    };
    if stored == given {
        Ok(())
    } else {
        Err(OpenError::OtherEnvironment { stored, given })
    }
}

/// Computes the topologies of each registry, unless a newer one is there already.
async fn publish_topologies(
    mut registries: watch::Receiver<Arc<Registry>>,
    topologies: watch::Sender<Arc<Topologies>>,
) {
    let mut current = Arc::clone(&registries.borrow());
    while registries.changed().await.is_ok() {
        let next = Arc::clone(&registries.borrow_and_update());
        let before = Arc::clone(&topologies.borrow());
        let next_topologies = next.topologies(Some((&current, &before)));
        current = next;
        if !are_equal(&next_topologies, &before) {
            topologies.send_replace(Arc::new(next_topologies));
        }
    }
}

/// Equality that first compares pointers: most meshes are shared.
fn are_equal(a: &Topologies, b: &Topologies) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|((a_name, a), (b_name, b))| a_name == b_name && (Arc::ptr_eq(a, b) || a == b))
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// One line of the audit log for each change, on the target `app_mesh_api::audit`.
///
/// Fields: `caller`, `operation`, `resource` (its ARN), `old_version` and `new_version` (0: none). Its span is that of the
/// request.
fn audit(caller: &str, operation: &str, change: &Change, settings: &Settings) {
    let version = |record: &Option<Arc<Record>>| record.as_ref().map_or(0, |record| record.version());
    tracing::info!(
        target: "app_mesh_api::audit",
        caller,
        operation,
        resource = settings.arn(&change.path),
        old_version = version(&change.before),
        new_version = version(&change.after),
        "changed"
    );
}
