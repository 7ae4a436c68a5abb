//! Runs a control plane on AWS: polls the sources, serves Envoys, publishes the status of this replica.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{join, join_all};
use mesh_control::{Addresses, BindError, ControlPlane, ReadinessSource, ServeError};

use crate::clients::Clients;
use crate::endpoint_policy::EndpointPolicy;
use crate::poll_budget::PollIntervals;
use crate::poller::{PolledState, Poller};
use crate::publish::Publisher;

/// The meshes to serve, and how to poll AWS.
#[derive(Debug, Clone)]
pub struct Options {
    /// The names of the meshes, at least one.
    pub meshes: BTreeSet<String>,
    /// Ids or ARNs of Cloud Map namespaces, by name: for a namespace with a name that another namespace had before. Cloud
    /// Map then requires an HTTP name with a hash, which it returns for the id. Default: none.
    pub namespaces: BTreeMap<String, String>,
    /// The poll intervals.
    pub intervals: PollIntervals,
    /// Which addresses endpoints may have. Default: all that a task can have.
    pub endpoints: EndpointPolicy,
    /// The id under which this replica publishes its status for [`SyncReader`], unique among replicas, such as a
    /// [`replica_id`]. Default: none, and nothing is published.
    ///
    /// [`SyncReader`]: crate::SyncReader
    /// [`replica_id`]: crate::replica_id
    pub publish_as: Option<String>,
}

impl Options {
    /// Serves these meshes with the default intervals, and publishes nothing.
    pub fn new(meshes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            meshes: meshes.into_iter().map(Into::into).collect(),
            namespaces: BTreeMap::new(),
            intervals: PollIntervals::default(),
            endpoints: EndpointPolicy::default(),
            publish_as: None,
        }
    }
}

/// A control plane that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no mesh.
    #[error("no mesh is given; name at least one")]
    NoMesh,
    /// A name that no parameter path may contain.
    #[error("`{0}` is not a mesh name; allowed are letters, digits, and any of _.-")]
    MeshName(String),
    /// An address cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
}

/// Serves meshes of an AWS account. Returns the control plane, and its work as a future to be spawned or awaited.
///
/// Connections of Envoys are refused until every mesh is known. The work ends with an error of a server; or once `stop`
/// has ended and the published status is withdrawn. Dropping it ends it at once, and leaves the published status.
///
/// # Errors
///
/// If there is no mesh, a mesh name is invalid, or an address cannot be bound.
pub async fn serve(
    clients: Clients,
    options: Options,
    addresses: Addresses,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<
    (
        ControlPlane,
        impl Future<Output = Result<(), ServeError>> + Send + 'static,
    ),
    StartError,
> {
    check_names(&options.meshes)?;
    let polled = Arc::new(PolledState::new(&options));
    let mut is_known = polled.is_known.subscribe();
    let known = async move {
        // The sender is part of the server, so it cannot be dropped before.
        let _known = is_known.wait_for(|is_known| *is_known).await.map(drop);
    };
    let (control, serving) = ControlPlane::builder()
        .addresses(addresses)
        .readiness(Arc::clone(&polled) as Arc<dyn ReadinessSource>, known)
        .bind()
        .await?;
    let poller = Poller::new(clients, &options, control.clone(), polled);
    let work = async move {
        let publisher = options.publish_as.map(|replica| Publisher::new(&poller, replica));
        let publishing = async {
            match &publisher {
                Some(publisher) => publisher.publish(&options.meshes, stop).await,
                None => stop.await,
            }
        };
        let meshes = join_all(options.meshes.iter().map(|mesh| poller.poll_parameters(mesh)));
        let names = options.namespaces.iter();
        let namespaces = join_all(names.map(|(name, id)| poller.resolve_namespace(name, id)));
        tokio::select! {
            served = serving => served,
            _ = join(meshes, namespaces) => Ok(()),
            () = poller.poll_endpoints() => Ok(()),
            () = publishing => Ok(()),
        }
    };
    Ok((control, work))
}

fn check_names(meshes: &BTreeSet<String>) -> Result<(), StartError> {
    if meshes.is_empty() {
        return Err(StartError::NoMesh);
    }
    // The characters of a parameter name (Systems Manager API reference, `PutParameter`, read 2026-11-23).
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let is_invalid = |mesh: &&String| mesh.is_empty() || !mesh.chars().all(is_allowed);
    match meshes.iter().find(is_invalid) {
        Some(mesh) => Err(StartError::MeshName(mesh.clone())),
        None => Ok(()),
    }
}
