//! For deploy tools, wherever they run: whether all Envoys of a mesh have accepted what its parameters say.

use std::time::SystemTime;

use aws_types::SdkConfig;

use super::acknowledgement::{Acknowledged, Acknowledgement, Healthy, STATUS_PREFIX, healthy, judge};
use super::clients::Clients;
use super::digest::Digest;
use super::failure::Failure;
use super::parameters;

/// What the copies of the control plane that publish it say of one mesh.
///
/// Nothing but Parameter Store is needed to read it: `ssm:GetParameter` on `/meshwright/MESH`, and
/// `ssm:GetParametersByPath` on that path and `/meshwright-status/MESH`. No connection to the network of the mesh.
///
/// ```no_run
/// # async fn example(config: aws_types::SdkConfig) -> Result<(), mesh_control::aws::Failure> {
/// use mesh_control::aws::{Acknowledged, Acknowledgements};
///
/// match Acknowledgements::new(&config, "demo").read().await? {
///     Acknowledged::Settled { copies, envoys } => println!("{envoys} Envoys of {copies} copies have it"),
///     Acknowledged::Waiting { reason } => println!("not yet: {reason}"),
///     Acknowledged::Refused { refused } => println!("refused: {}", refused.join("\n")),
///     Acknowledged::NobodyReports => println!("is mesh-control running, with --publish-status?"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Acknowledgements {
    clients: Clients,
    mesh: String,
}

impl Acknowledgements {
    /// Those of this mesh, in the account and region of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig, mesh: impl Into<String>) -> Self {
        Self {
            clients: Clients::new(config),
            mesh: mesh.into(),
        }
    }

    /// Reads the mesh's parameters and what copies say of them. Ask again while it is [`Acknowledged::Waiting`]; every
    /// two seconds is often enough, as copies publish no more often. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// If Parameter Store cannot be read.
    pub async fn read(&self) -> Result<Acknowledged, Failure> {
        let (configuration, said) = self.ask().await?;
        Ok(judge(&configuration, &said, SystemTime::now()))
    }

    /// Reads how many healthy instances a virtual node has by what copies say, whether their Envoys have accepted
    /// everything or not. Ask before weight is moved to it: Cloud Map calls a new task healthy about 30 s after ECS does.
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// If Parameter Store cannot be read.
    pub async fn healthy(&self, virtual_node: &str) -> Result<Healthy, Failure> {
        let (configuration, said) = self.ask().await?;
        Ok(healthy(&configuration, &said, virtual_node, SystemTime::now()))
    }

    async fn ask(&self) -> Result<(Digest, Vec<(String, Acknowledgement)>), Failure> {
        let client = &self.clients.parameters;
        let configuration = Digest::of(&parameters::of_mesh(client, &self.mesh).await?);
        Ok((configuration, said(client, &self.mesh).await?))
    }
}

/// What copies say of a mesh, each under its name. What is no acknowledgement is not one's word.
pub(super) async fn said(client: &aws_sdk_ssm::Client, mesh: &str) -> Result<Vec<(String, Acknowledgement)>, Failure> {
    let path = format!("{STATUS_PREFIX}{mesh}");
    let parameters = parameters::below(client, &path).await?;
    let said = parameters.into_iter().filter_map(|parameter| {
        let copy = parameter.name.strip_prefix(&path)?.strip_prefix('/')?.to_owned();
        Some((copy, serde_json::from_str(&parameter.value).ok()?))
    });
    Ok(said.collect())
}
