//! For deploy tools: whether all Envoys of a mesh have ACKed its parameters.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use aws_types::SdkConfig;

use crate::call_report::{ReportedCalls, reported};
use crate::clients::Clients;
use crate::config_hash::ConfigHash;
use crate::error::{AwsError, ErrorKind};
use crate::known_configuration::KnownConfiguration;
use crate::parameters;
use crate::revision_markers::RevisionMarkers;
use crate::sync_status::{EndpointHealth, ReplicaStatus, STATUS_PREFIX, SyncStatus, evaluate, healthy};

/// Reads the published statuses of all replicas for one mesh.
///
/// It needs Parameter Store only: `ssm:GetParameter` on `/meshwright/MESH`, and `ssm:GetParametersByPath` on that path,
/// `/meshwright-status/MESH` and `/meshwright-revision/MESH`. No connection to the network of the mesh.
///
/// A read is two calls (more from ten replicas on) while the mesh has revision markers and they do not change. All parameters,
/// one call per ten of them, are read by the first read, after a change of a marker, every 60 s, and every 10 s while a replica
/// serves another configuration. Without markers, or without the permission to read them, each read reads all. Clones share
/// what they have read, so use one reader, or clones of it.
///
/// ```no_run
/// # async fn example(config: aws_types::SdkConfig) -> Result<(), mesh_control_aws::AwsError> {
/// use mesh_control_aws::{SyncStatus, SyncReader};
///
/// match SyncReader::new(&config, "demo").read().await? {
///     SyncStatus::Synced { replicas, envoys } => println!("{envoys} Envoys of {replicas} replicas are in sync"),
///     SyncStatus::Pending { reason } => println!("not yet: {reason}"),
///     SyncStatus::Rejected { rejections } => println!("rejected: {}", rejections.join("\n")),
///     SyncStatus::NoReports => println!("is mesh-control running, with --publish-status?"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SyncReader {
    clients: Clients,
    mesh: String,
    ignored: Vec<String>,
    known: Arc<Mutex<Option<KnownConfiguration>>>,
}

impl SyncReader {
    /// A reader for this mesh, in the account and region of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig, mesh: impl Into<String>) -> Self {
        Self {
            clients: Clients::new(config),
            mesh: mesh.into(),
            ignored: Vec::new(),
            known: Arc::default(),
        }
    }

    /// Does not wait for Envoys with these node ids or task names. Default: none.
    #[must_use]
    pub fn ignoring(mut self, envoys: impl IntoIterator<Item = String>) -> Self {
        self.ignored.extend(envoys);
        self
    }

    /// Reads the mesh's parameters and the statuses of replicas. Poll while it is [`SyncStatus::Pending`], every two
    /// seconds at most, as replicas publish no more often. Cancel safe.
    ///
    /// # Errors
    ///
    /// If Parameter Store cannot be read.
    pub async fn read(&self) -> Result<SyncStatus, AwsError> {
        let (configuration, statuses) = self.fetch().await?;
        Ok(evaluate(&configuration, &statuses, &self.ignored, SystemTime::now()))
    }

    /// Reads the number of healthy instances of a virtual node, whether Envoys have ACKed everything or not. Check it
    /// before weight is moved to it: Cloud Map reports a new task as healthy about 30 s after ECS. Cancel safe.
    ///
    /// # Errors
    ///
    /// If Parameter Store cannot be read.
    pub async fn healthy(&self, virtual_node: &str) -> Result<EndpointHealth, AwsError> {
        let (configuration, statuses) = self.fetch().await?;
        Ok(healthy(&configuration, &statuses, virtual_node, SystemTime::now()))
    }

    /// Reads the calls to these virtual nodes that all replicas have counted, for a canary analysis: compare two reads by
    /// [`NodeStatistics::since`](mesh_control::NodeStatistics::since). Only virtual nodes that share a route with others
    /// are counted. Replicas publish every 10 s while the traffic of such a route is divided, and every 30 s otherwise.
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// If Parameter Store cannot be read.
    pub async fn calls(&self, virtual_nodes: &[&str]) -> Result<ReportedCalls, AwsError> {
        let statuses = replica_statuses(&self.clients.parameters, &self.mesh).await?;
        Ok(reported(&statuses, virtual_nodes, SystemTime::now()))
    }

    async fn fetch(&self) -> Result<(ConfigHash, Vec<(String, ReplicaStatus)>), AwsError> {
        let client = &self.clients.parameters;
        let markers = match parameters::markers_of(client, &self.mesh).await {
            Ok(markers) => RevisionMarkers::of(&markers),
            // A role of before the markers.
            Err(error) if error.reason == ErrorKind::Denied => RevisionMarkers::of(&[]),
            Err(error) => return Err(error),
        };
        let mut configuration = match self.known() {
            Some(known) if known.is_current(&markers, Instant::now()) => known,
            _ => self.read_configuration(&markers).await?,
        };
        let statuses = replica_statuses(client, &self.mesh).await?;
        let now = SystemTime::now();
        let fresh = statuses.iter().filter(|(_, status)| status.is_fresh(now));
        let reported = fresh.map(|(_, status)| &status.configuration);
        if configuration.is_disputed(reported, Instant::now()) {
            configuration = self.read_configuration(&markers).await?;
        }
        Ok((configuration.hash().clone(), statuses))
    }

    fn known(&self) -> Option<KnownConfiguration> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads all parameters, after these markers.
    async fn read_configuration(&self, markers: &RevisionMarkers) -> Result<KnownConfiguration, AwsError> {
        let start = Instant::now();
        let parameters = parameters::of_mesh(&self.clients.parameters, &self.mesh).await?;
        let read = KnownConfiguration::new(ConfigHash::of(&parameters), markers.clone(), start);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
        Ok(read)
    }
}

/// The statuses of replicas, by id. Invalid ones are ignored.
pub(crate) async fn replica_statuses(
    client: &aws_sdk_ssm::Client,
    mesh: &str,
) -> Result<Vec<(String, ReplicaStatus)>, AwsError> {
    let path = format!("{STATUS_PREFIX}{mesh}");
    let parameters = parameters::below(client, &path).await?;
    let statuses = parameters.into_iter().filter_map(|parameter| {
        let replica = parameter.name.strip_prefix(&path)?.strip_prefix('/')?.to_owned();
        Some((replica, serde_json::from_str(&parameter.value).ok()?))
    });
    Ok(statuses.collect())
}
