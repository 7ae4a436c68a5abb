//! Runs a control plane on AWS: polls the sources, serves Envoys, publishes the status of this replica.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{join, join_all};
use mesh_control::{Addresses, BindError, CallStatistics, ControlPlane, ReadinessSource, ServeError};

use crate::clients::Clients;
use crate::options::Options;
use crate::poller::{PolledState, Poller};
use crate::publish::Publisher;

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
    let calls = CallStatistics::default();
    let (control, serving) = ControlPlane::builder()
        .addresses(addresses)
        .call_statistics(calls.clone())
        .readiness(Arc::clone(&polled) as Arc<dyn ReadinessSource>, known)
        .bind()
        .await?;
    let poller = Poller::new(clients, &options, control.clone(), calls, polled);
    let work = async move {
        let publisher = options.publish_as.map(|replica| Publisher::new(&poller, replica));
        let publishing = async {
            match &publisher {
                Some(publisher) => publisher.publish(&options.meshes, stop).await,
                None => stop.await,
            }
        };
        let meshes = join_all(options.meshes.iter().map(|mesh| poller.poll_mesh(mesh)));
        let names = options.namespaces.iter();
        let namespaces = join_all(names.map(|(name, id)| poller.resolve_namespace(name, id)));
        let names = options.namespaces.iter();
        let listings = async {
            join_all(names.map(|(name, id)| poller.poll_listing(name, id))).await;
            // Without a namespace there is nothing to list.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            served = serving => served,
            _ = join(meshes, namespaces) => Ok(()),
            () = poller.poll_endpoints() => Ok(()),
            () = listings => Ok(()),
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
