//! Runs a control plane on AWS: polls the sources, serves Envoys, publishes the status of this replica.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;

use futures_util::future::join_all;
use mesh_control::{Addresses, BindError, CallStatistics, ControlPlane, MeshState, ServeError};

use crate::clients::Clients;
use crate::config_store::WithStore;
use crate::options::Options;
use crate::poller::{PolledState, Poller};
use crate::publish::Publisher;

/// A control plane that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no mesh.
    #[error("no mesh is given; name at least one, or give the meshes of App Mesh's API")]
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
/// Connections of Envoys are refused until every mesh is known; with [`Options::store`], stored configurations are served
/// if that takes more than 5 s. The work ends with an error of a server; or once `stop`
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
    if options.meshes.is_empty() && options.api_meshes.is_none() {
        return Err(StartError::NoMesh);
    }
    let polled = Arc::new(PolledState::new(&options));
    let known = polled.wait_until_known();
    let calls = CallStatistics::default();
    let mut builder = ControlPlane::builder().mesh_state(MeshState {
        header_limits: options.header_limits,
        ..MeshState::default()
    });
    if let Some(tls) = &options.xds_tls {
        builder = builder.xds_tls(tls.clone());
    }
    if let Some(authenticator) = &options.xds_authenticator {
        builder = builder.xds_authenticator(Arc::clone(authenticator));
    }
    if let Some(store) = &options.store {
        builder = store.used_by(builder);
    }
    let readiness = WithStore {
        polled: Arc::clone(&polled),
        store: options.store.clone(),
    };
    let (control, serving) = builder
        .addresses(addresses)
        .call_statistics(calls.clone())
        .readiness(Arc::new(readiness), known)
        .bind()
        .await?;
    let poller = Poller::new(clients, &options, control.clone(), calls, polled);
    let work = async move {
        let publisher = options
            .publish_as
            .clone()
            .map(|replica| Publisher::new(&poller, replica));
        let publishing = async {
            match &publisher {
                Some(publisher) => publisher.publish(&options.meshes, stop).await,
                None => stop.await,
            }
        };
        let meshes = async {
            join_all(options.meshes.iter().map(|mesh| poller.poll_mesh(mesh))).await;
            // All meshes may be those of the API.
            pending::<()>().await;
        };
        let storing = async {
            match &options.store {
                Some(store) => store.write().await,
                None => pending().await,
            }
        };
        tokio::select! {
            served = serving => served,
            () = storing => Ok(()),
            () = meshes => Ok(()),
            () = poller.poll_cloud_map(&options) => Ok(()),
            () = publishing => Ok(()),
        }
    };
    Ok((control, work))
}

fn check_names(meshes: &BTreeSet<String>) -> Result<(), StartError> {
    // The characters of a parameter name (Systems Manager API reference, `PutParameter`, read 2026-11-23).
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let is_invalid = |mesh: &&String| mesh.is_empty() || !mesh.chars().all(is_allowed);
    match meshes.iter().find(is_invalid) {
        Some(mesh) => Err(StartError::MeshName(mesh.clone())),
        None => Ok(()),
    }
}
