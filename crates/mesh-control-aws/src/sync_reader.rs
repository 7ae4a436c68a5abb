//! For deploy tools, wherever they run: whether all Envoys of a mesh have accepted what its parameters say.

use std::time::SystemTime;

use aws_types::SdkConfig;

use crate::clients::Clients;
use crate::config_hash::ConfigHash;
use crate::error::AwsError;
use crate::parameters;
use crate::sync_status::{EndpointHealth, ReplicaStatus, STATUS_PREFIX, SyncStatus, evaluate, healthy};

/// What the copies of the control plane that publish it say of one mesh.
///
/// Nothing but Parameter Store is needed to read it: `ssm:GetParameter` on `/meshwright/MESH`, and
/// `ssm:GetParametersByPath` on that path and `/meshwright-status/MESH`. No connection to the network of the mesh.
///
/// ```no_run
/// # async fn example(config: aws_types::SdkConfig) -> Result<(), mesh_control_aws::AwsError> {
/// use mesh_control_aws::{SyncStatus, SyncReader};
///
/// match SyncReader::new(&config, "demo").read().await? {
///     SyncStatus::Synced { replicas, envoys } => println!("{envoys} Envoys of {copies} copies have it"),
///     SyncStatus::Pending { reason } => println!("not yet: {reason}"),
///     SyncStatus::Rejected { rejections: refused } => println!("refused: {}", refused.join("\n")),
///     SyncStatus::NoReports => println!("is mesh-control running, with --publish-status?"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SyncReader {
    clients: Clients,
    mesh: String,
}

impl SyncReader {
    /// Those of this mesh, in the account and region of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig, mesh: impl Into<String>) -> Self {
        Self {
            clients: Clients::new(config),
            mesh: mesh.into(),
        }
    }

    /// Reads the mesh's parameters and what copies say of them. Ask again while it is [`SyncStatus::Pending`]; every
    /// two seconds is often enough, as copies publish no more often. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// If Parameter Store cannot be read.
    pub async fn read(&self) -> Result<SyncStatus, AwsError> {
        let (configuration, said) = self.ask().await?;
        Ok(evaluate(&configuration, &said, SystemTime::now()))
    }

    /// Reads how many healthy instances a virtual node has by what copies say, whether their Envoys have accepted
    /// everything or not. Ask before weight is moved to it: Cloud Map calls a new task healthy about 30 s after ECS does.
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// If Parameter Store cannot be read.
    pub async fn healthy(&self, virtual_node: &str) -> Result<EndpointHealth, AwsError> {
        let (configuration, said) = self.ask().await?;
        Ok(healthy(&configuration, &said, virtual_node, SystemTime::now()))
    }

    async fn ask(&self) -> Result<(ConfigHash, Vec<(String, ReplicaStatus)>), AwsError> {
        let client = &self.clients.parameters;
        let configuration = ConfigHash::of(&parameters::of_mesh(client, &self.mesh).await?);
        Ok((configuration, said(client, &self.mesh).await?))
    }
}

/// What copies say of a mesh, each under its name. What is no acknowledgement is not one's word.
pub(crate) async fn said(client: &aws_sdk_ssm::Client, mesh: &str) -> Result<Vec<(String, ReplicaStatus)>, AwsError> {
    let path = format!("{STATUS_PREFIX}{mesh}");
    let parameters = parameters::below(client, &path).await?;
    let said = parameters.into_iter().filter_map(|parameter| {
        let copy = parameter.name.strip_prefix(&path)?.strip_prefix('/')?.to_owned();
        Some((copy, serde_json::from_str(&parameter.value).ok()?))
    });
    Ok(said.collect())
}
