//! Serve: App Mesh's API and the control plane of its Envoys, in one process.
//!
//! ```text
//! AWS CLI, SDKs ──► ApiServer ──► app-mesh-api: Service ──► state file, or DynamoDB
//!                                        │ meshes
//!                                        ▼
//!                  Cloud Map ──►   ControlPlane ──ADS──► Envoys
//! ```
//!
//! - [`access`]: who may reach the two ports;
//! - [`api_server`]: HTTP in front of the API, with or without TLS; `up --api` has the same;
//! - [`endpoints`]: endpoints from Cloud Map, or [`discovery`]: virtual nodes whose endpoints are not read here;
//! - [`stored`]: configurations that Envoys have accepted;
//! - `aws`: what is in an AWS account;
//! - [`exports`]: the lines that point clients and Envoys to this process.

pub(crate) mod access;
pub(crate) mod api_server;
#[cfg(feature = "aws")]
mod aws;
#[cfg(not(feature = "aws"))]
#[path = "serve/aws_disabled.rs"]
mod aws;
mod discovery;
mod endpoints;
pub(crate) mod exports;
pub(crate) mod stored;

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use app_mesh_api::auth::{KeyLocation, KeySource, KeySourceError, RateLimits};
use app_mesh_api::registry::topology::Topologies;
use app_mesh_api::service::{Extensions, OpenError};
use app_mesh_api::store::FileStoreError;
use app_mesh_api::{AuditLog, Authentication, FileStore, Service, Settings};
use config_store::{KeyError, Location, Store};
use ipnet::IpNet;
use mesh_control::access::{XdsProtection, XdsProtectionError};
use mesh_control::{Addresses, BindError, ControlPlane, HeaderLimits, MeshState, raise_open_file_limit};
use mesh_model::app_mesh::Topology;
use server_tls::{CertificateFiles, ServerTls, TlsError};
use stop_signals::{StopSignal, StopSignals};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, watch};

use self::access::{AccessError, Exposure};
use self::api_server::{ApiServer, ApiServerError};
use self::aws::Account;
use self::endpoints::Endpoints;
use self::stored::{StoreOptions, StoredConfigurations};
use crate::console::Console;
use crate::exit_code::Exit;

/// Time for open API requests once the process is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What to serve, and where.
#[derive(Debug)]
pub(crate) struct Serve {
    pub(crate) state: StateLocation,
    pub(crate) api: SocketAddr,
    pub(crate) addresses: Addresses,
    pub(crate) tls: Option<CertificateFiles>,
    /// A load balancer in front terminates TLS.
    pub(crate) is_behind_load_balancer: bool,
    /// What protects the port for Envoys.
    pub(crate) xds: XdsProtection,
    /// The key pairs that requests of the API must be signed with.
    pub(crate) keys: Option<KeyLocation>,
    /// Networks of endpoints from Cloud Map, any without one. `None`: Cloud Map is not read.
    pub(crate) cloud_map: Option<Vec<IpNet>>,
    /// Where changes through the API are logged.
    pub(crate) audit_log: Option<AuditTarget>,
    pub(crate) settings: Settings,
    /// The limits of headers that Envoys accept.
    pub(crate) header_limits: HeaderLimits,
    /// Where configurations that Envoys have accepted are stored.
    pub(crate) store: Option<StoreOptions>,
}

/// Where the meshes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StateLocation {
    File(PathBuf),
    /// A table, for several replicas.
    DynamoDb(String),
}

/// Where changes through the API are logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditTarget {
    Stderr,
    File(PathBuf),
}

impl AuditTarget {
    fn open(&self) -> Result<AuditLog, ServeError> {
        match self {
            Self::Stderr => Ok(AuditLog::stderr()),
            Self::File(path) => AuditLog::file(path).map_err(|source| ServeError::AuditLog {
                path: path.clone(),
                source,
            }),
        }
    }
}

/// Why serving did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot start the async runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Xds(#[from] XdsProtectionError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Keys(#[from] KeySourceError),
    #[error(transparent)]
    SigningKey(#[from] KeyError),
    #[cfg(feature = "aws")]
    #[error("cannot use {bucket}")]
    Bucket {
        bucket: config_store::BucketPrefix,
        #[source]
        source: io::Error,
    },
    #[cfg(not(feature = "aws"))]
    #[error("{0}")]
    AwsDisabled(String),
    #[error("cannot open the audit log {}", path.display())]
    AuditLog {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot create the directory {} of the state file", path.display())]
    Directory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    State(#[from] FileStoreError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("cannot listen on {address}; choose another with {option}")]
    Bind {
        address: SocketAddr,
        /// The option that sets it.
        option: &'static str,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Api(#[from] ApiServerError),
    #[error(transparent)]
    Control(#[from] mesh_control::ServeError),
    /// None of them ends before a signal.
    #[error("{0} has ended; see the log for the cause, and start serve again")]
    Ended(&'static str),
}

/// Serves until a signal arrives.
pub(crate) fn run(serve: &Serve) -> Result<Exit, ServeError> {
    let console = Console::new();
    console.install_service_log_subscriber();
    let runtime = tokio::runtime::Runtime::new().map_err(ServeError::Runtime)?;
    let result = runtime.block_on(serve.until_signal(&console));
    console.clear_status();
    result
}

impl Serve {
    async fn until_signal(&self, console: &Console) -> Result<Exit, ServeError> {
        // Before anything is opened: from here on a signal no longer ends this process at once.
        let mut signals = StopSignals::for_terminal().map_err(ServeError::Signals)?;
        access::check(self.api, self.addresses, &self.exposure())?;
        self.xds.check(self.addresses.xds)?;
        // Each connection is an open file.
        let _files = raise_open_file_limit();
        let tls = self.tls.clone().map(ServerTls::load).transpose()?;
        let (xds_tls, authenticator) = (self.xds.tls()?, self.xds.authenticator()?);
        // Loaded by the first that needs it.
        let cell = OnceCell::new();
        let account = || cell.get_or_try_init(|| Account::load(&self.settings));
        let keys = match &self.keys {
            Some(KeyLocation::File(path)) => Some(KeySource::File(path.clone())),
            Some(location @ KeyLocation::Secret(_)) => Some(account().await?.keys(location)),
            None => None,
        };
        let authentication = match &keys {
            Some(keys) => Some(Authentication::new(
                keys.read().await?,
                &self.settings,
                RateLimits::default(),
            )),
            None => None,
        };
        let store = self.open_store().await?;
        // Before the state: most often a second process is started by mistake, and its ports are in use.
        let api = ApiServer::bind(self.api, tls.clone()).await?;
        self.check_addresses().await?;
        let audit_log = self.audit_log.as_ref().map(AuditTarget::open).transpose()?;
        let service = match &self.state {
            StateLocation::File(path) => self.open_file(path, audit_log).await?,
            StateLocation::DynamoDb(table) => {
                let settings = self.settings.clone();
                account().await?.open_table(table, settings, audit_log).await?
            }
        };
        let endpoints = match &self.cloud_map {
            Some(networks) => Endpoints::CloudMap(Box::new(account().await?.discover(service.subscribe(), networks))),
            None => Endpoints::Unread(service.subscribe()),
        };
        let readiness = match &store {
            Some(store) => store.beside(endpoints.readiness()),
            None => endpoints.readiness(),
        };
        let mut builder = ControlPlane::builder()
            .addresses(self.addresses)
            .readiness(readiness, endpoints.known())
            .mesh_state(MeshState {
                header_limits: self.header_limits,
                ..endpoints.initial()
            });
        if let Some(tls) = xds_tls {
            builder = builder.xds_tls(tls);
        }
        if let Some(authenticator) = authenticator {
            builder = builder.xds_authenticator(Arc::new(authenticator));
        }
        if let Some(store) = &store {
            builder = store.used_by(builder);
        }
        let (control, serving) = builder.bind().await.map_err(|error| self.bind_error(error))?;
        console.clear_status();
        console.show(&exports::of_serve(&exports::Served {
            api: api.local_addr(),
            addresses: control.addresses(),
            tls: self.served_tls(tls.as_ref()),
            keys: self.keys.as_ref().map(ToString::to_string),
            region: self.settings.region.clone(),
            state: self.state.to_string(),
            resources: service.registry().len(),
        }));
        let (stop, stopped) = watch::channel(false);
        let mut requests = std::pin::pin!(api.serve(
            access::protected(app_mesh_api::router(service.clone()), authentication.as_ref()),
            stopped
        ));
        let renewing = async {
            match (&keys, &authentication) {
                (Some(keys), Some(authentication)) => keys.renew(authentication).await,
                _ => pending().await,
            }
        };
        let writing = async {
            match &store {
                Some(store) => store.write().await,
                None => pending().await,
            }
        };
        let signal = tokio::select! {
            biased;
            signal = signals.next_distinct() => signal,
            served = serving => {
                served?;
                return Err(ServeError::Ended("the server of the control plane"));
            }
            () = service.stopped() => return Err(ServeError::Ended("the task that writes the state")),
            () = &mut requests => return Err(ServeError::Ended("the server of the API")),
            () = endpoints.follow(&control) => return Err(ServeError::Ended("the source of the Envoys' configuration")),
            () = writing => return Err(ServeError::Ended("the writer of stored configurations")),
            () = renewing => return Err(ServeError::Ended("the renewal of the key pairs")),
        };
        console.progress(&format!("{signal}: stopping"));
        stop.send_replace(true);
        tokio::select! {
            served = tokio::time::timeout(GRACE, requests) => if served.is_err() {
                console.progress("open API requests were not completed in time");
            },
            signal = signals.next_distinct() => {
                console.progress(&format!("{signal} again: leaving open API requests"));
            }
        }
        // A service manager that stops a daemon by SIGTERM expects it to end without an error.
        Ok(match signal {
            StopSignal::Terminate => Exit::Done,
            _ => Exit::Interrupted,
        })
    }

    /// Opens the store of accepted configurations.
    async fn open_store(&self) -> Result<Option<StoredConfigurations>, ServeError> {
        let Some(options) = &self.store else {
            return Ok(None);
        };
        let key = options.signing_key()?;
        let store = match &options.location {
            Location::Folder(path) => Store::folder(path),
            // With AWS settings and an HTTP client of its own.
            Location::Bucket(bucket) => Account::load(&self.settings).await?.open_bucket(bucket)?,
        };
        Ok(Some(StoredConfigurations::new(store, key, options.max_age)))
    }

    /// Checks that the addresses for Envoys and of the status page are free, before anything is created.
    async fn check_addresses(&self) -> Result<(), ServeError> {
        for address in [self.addresses.xds, self.addresses.status] {
            drop(
                TcpListener::bind(address)
                    .await
                    .map_err(|source| self.bind_failed(address, source))?,
            );
        }
        Ok(())
    }

    fn bind_error(&self, BindError { address, source, .. }: BindError) -> ServeError {
        self.bind_failed(address, source)
    }

    fn bind_failed(&self, address: SocketAddr, source: io::Error) -> ServeError {
        let option = if address == self.addresses.xds {
            "--xds"
        } else {
            "--status"
        };
        ServeError::Bind {
            address,
            option,
            source,
        }
    }

    fn served_tls(&self, tls: Option<&ServerTls>) -> exports::ServedTls {
        match tls {
            Some(tls) => exports::ServedTls::Certificate(tls.dns_names()),
            None if self.is_behind_load_balancer => exports::ServedTls::LoadBalancer,
            None => exports::ServedTls::None,
        }
    }

    fn exposure(&self) -> Exposure {
        Exposure {
            has_tls: self.tls.is_some(),
            is_behind_load_balancer: self.is_behind_load_balancer,
            has_keys: self.keys.is_some(),
        }
    }

    /// Opens the state file; creates it, and its directory for this user only, if needed.
    async fn open_file(&self, state: &Path, audit_log: Option<AuditLog>) -> Result<Service, ServeError> {
        if let Some(path) = state.parent().filter(|path| !path.as_os_str().is_empty()) {
            create_directory(path).map_err(|source| ServeError::Directory {
                path: path.to_owned(),
                source,
            })?;
        }
        let state = state.to_owned();
        let opened = tokio::task::spawn_blocking(move || FileStore::open(state)).await;
        let store = opened.map_err(|error| ServeError::Runtime(io::Error::other(error)))??;
        let extensions = Extensions {
            audit_log,
            ..Extensions::default()
        };
        Ok(Service::open_with(store, self.settings.clone(), extensions).await?)
    }
}

/// The meshes as the control plane takes them.
pub(crate) fn owned(meshes: &Topologies) -> BTreeMap<String, Topology> {
    let meshes = meshes.iter();
    meshes.map(|(name, mesh)| (name.clone(), (**mesh).clone())).collect()
}

impl fmt::Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::DynamoDb(table) => write!(f, "the DynamoDB table {table}"),
        }
    }
}

#[cfg(unix)]
fn create_directory(path: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
