//! App Mesh meshes, as far as a plan reports and lists them.

use std::collections::BTreeSet;

use mesh_infra::cfn::appmesh::kind_of;
use mesh_infra::cfn::{ResourceType, closest, ssm};
use mesh_infra::model::{MeshResource, TemplateModel};
use mesh_model::app_mesh::{Kind, ResourcePath, VirtualNodeSpec};
use sidecar_contract::{Diagnostic, Diagnostics};

use super::parts::Membership;
use super::reader::Reader;
use super::{DescribedService, report};

/// Reports the errors of all mesh resources.
pub(super) fn report_errors(reader: &mut Reader<'_, '_>) {
    for resource in reader.model.resources() {
        if kind_of(resource.kind()).is_some() || resource.kind() == ssm::Parameter::KIND {
            reader.report_resource(resource);
        }
    }
    for Diagnostic { path, message } in reader.model.mesh_errors().iter() {
        report(reader.diagnostics, path.as_str(), message.as_str());
    }
    note_missing_backends(reader);
}

/// Notes the backends that no given template has: App Mesh accepts them, since they may be another team's.
fn note_missing_backends(reader: &mut Reader<'_, '_>) {
    let model = reader.model;
    for mesh in model.topologies().values() {
        for missing in mesh.missing_backends() {
            let resource = model
                .mesh_resources()
                .iter()
                .find(|known| known.path.as_ref() == Ok(&missing.resource));
            let path = resource.map_or_else(|| missing.resource.to_string(), MeshResource::document_path);
            let name = missing.message.split('`').nth(1).unwrap_or_default();
            let meant = closest(name, mesh.virtual_services.keys().map(String::as_str));
            let hint = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let note = format!(
                "{}, as far as the given templates say; calls to it fail{hint}",
                missing.message
            );
            reader.assume(path, note);
        }
    }
}

/// Notes on the virtual gateways and virtual nodes that no service runs, if there are services at all. `others` are the names
/// that something else has: load balancers, and instances that no task registers.
pub(super) fn nodes_without_service(
    model: &TemplateModel<'_>,
    services: &[DescribedService],
    zones: &BTreeSet<&str>,
    others: &BTreeSet<String>,
) -> Vec<(String, String)> {
    if services.is_empty() {
        return Vec::new();
    }
    let runs = |path: &ResourcePath| {
        services
            .iter()
            .any(|service| matches!(&service.plan.membership, Membership::Mesh(node) if node.path == *path))
    };
    let registered: BTreeSet<String> = services
        .iter()
        .filter_map(|service| service.plan.registry.as_ref())
        .map(|registry| registry.service.full_name())
        .collect();
    let is_called = |path: &ResourcePath| {
        let spec = model
            .topologies()
            .get(&path.mesh)
            .and_then(|mesh| mesh.virtual_nodes.get(&path.name));
        let host = spec
            .filter(|spec| !spec.listeners.is_empty())
            .and_then(VirtualNodeSpec::host_name);
        // Any other name may be resolved outside of the templates.
        host.is_some_and(|host| {
            let is_own = zones.iter().any(|zone| host.ends_with(&format!(".{zone}")));
            is_own && !registered.contains(&host) && !others.contains(&host)
        })
    };
    let note = |resource: &MeshResource<'_>| {
        let path = resource.path.as_ref().ok().filter(|path| !runs(path))?;
        let note = match path.kind {
            Kind::VirtualGateway => {
                "no service of the given templates runs this virtual gateway: nothing listens on its ports"
            }
            Kind::VirtualNode if is_called(path) => {
                "no service of the given templates runs this virtual node: calls to it get 503"
            }
            _ => return None,
        };
        Some((resource.document_path(), note.to_owned()))
    };
    model.mesh_resources().iter().filter_map(note).collect()
}

/// Reports unknown mesh resources in a plan without other errors: a mesh must not be run without them.
pub(super) fn report_unknown(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    if !diagnostics.is_empty() {
        return;
    }
    for resource in model.mesh_resources() {
        let unknown_names = resource.path.as_ref().err().into_iter().flatten();
        for name in unknown_names {
            let path = format!("{}.{}", resource.properties_path, name.property);
            diagnostics.add(path, "is not known");
        }
        if resource.path.is_ok() && resource.known_spec().is_none() {
            diagnostics.add(resource.document_path(), "is not known");
        }
    }
}

/// The virtual nodes and virtual gateways, for error messages.
pub(super) fn mesh_nodes(model: &TemplateModel<'_>) -> String {
    let paths = model.mesh_paths().iter();
    let nodes = paths.filter(|path| matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway));
    let nodes: Vec<String> = nodes.map(ToString::to_string).collect();
    if nodes.is_empty() {
        "none".to_owned()
    } else {
        nodes.join(", ")
    }
}
