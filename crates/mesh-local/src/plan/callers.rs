//! Names that programs call, and that resolve only in a network namespace.

use std::collections::BTreeSet;

use super::DescribedService;
use super::cloud_map::CloudMap;
use super::parts::ContainerPlan;
use super::reader::Reader;
use crate::network::Network;

/// Notes variables with URLs of names of the mesh, in the shared network: there, no name resolves, so that only callers
/// that use the sidecar reach them.
pub(super) fn note_names(services: &[DescribedService], cloud_map: &CloudMap<'_>, reader: &mut Reader<'_, '_>) {
    if reader.network != Network::Shared {
        return;
    }
    let names = known_names(services, cloud_map, reader);
    let mut notes = Vec::new();
    for service in services {
        for container in service
            .plan
            .containers
            .iter()
            .filter(|container| !is_demo_service(container))
        {
            for (variable, value) in &container.environment {
                if let Some(authority) = authority(value).filter(|authority| names.contains(host(authority))) {
                    let path = format!("{} {} {variable}", service.path, container.name);
                    let note = format!(
                        "`{authority}` is called through mesh-client or a proxy; a plain client does not find the name in \
                         the shared network: run with --network namespaces"
                    );
                    notes.push((path, note));
                }
            }
        }
    }
    for (path, note) in notes {
        reader.assume(path, note);
    }
}

fn known_names(services: &[DescribedService], cloud_map: &CloudMap<'_>, reader: &Reader<'_, '_>) -> BTreeSet<String> {
    let of_meshes = reader.model.topologies().values();
    let of_meshes = of_meshes.flat_map(|mesh| mesh.virtual_services.keys().cloned());
    let of_cloud_map = cloud_map.hostnames();
    let of_service_connect = services.iter().flat_map(|service| {
        let namespace = service.plan.membership.namespace();
        let offered = service
            .configuration
            .iter()
            .flat_map(|configuration| &configuration.services);
        offered.flat_map(move |offered| {
            let aliases = offered.client_aliases.iter().filter_map(|alias| alias.dns_name.clone());
            let name = offered.discovery_name.as_ref().unwrap_or(&offered.port_name);
            let default = namespace.map(|namespace| format!("{name}.{namespace}"));
            aliases.chain(default)
        })
    });
    let names = of_meshes.chain(of_cloud_map).chain(of_service_connect);
    names.map(|name| name.to_ascii_lowercase()).collect()
}

/// Whether this is the demo service, which calls through mesh-client.
fn is_demo_service(container: &ContainerPlan) -> bool {
    container.is_stub || container.image.bind_variable().is_some()
}

/// The host and port of an HTTP URL.
fn authority(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once("://")?;
    let is_http = matches!(scheme, "http" | "https" | "grpc" | "ws");
    is_http.then(|| rest.split(['/', '?', '#']).next().unwrap_or_default())
}

fn host(authority: &str) -> &str {
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}
