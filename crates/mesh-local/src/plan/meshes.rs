//! App Mesh meshes, from `AWS::AppMesh::…` resources and from SSM parameters with the same content.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::appmesh::{kind_of, name_properties};
use mesh_infra::cfn::{ResourceType, is_part_of, is_unknown, ssm, unknown};
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use mesh_model::app_mesh::{Assembly, KeyCasing, Kind, Protocol, ResourcePath, Topology};
use serde_json::Value as Json;
use sidecar_contract::{Diagnostic, Diagnostics};

use super::reader::Reader;
use super::report;
use super::values::known;
use crate::evaluate::Resource;

/// The meshes of the templates.
pub(super) struct Meshes {
    /// By name; empty if one of them is invalid.
    pub(super) topologies: BTreeMap<String, Topology>,
    /// The document path of each resource, including those of invalid meshes.
    declared: BTreeMap<ResourcePath, String>,
    /// Whether resources with unknown names exist; reported earlier.
    is_incomplete: bool,
}

/// Reads all mesh resources, and reports their errors.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Meshes {
    let mut documents = Documents::default();
    for resource in reader.resources() {
        if kind_of(resource.kind).is_some() {
            documents.add_resource(*resource, reader);
        } else if resource.kind == ssm::Parameter::KIND {
            match resource.text("Name", reader.diagnostics) {
                Some(name) if name.starts_with(PARAMETER_PREFIX) => documents.add_parameter(*resource, &name, reader),
                Some(_) => {}
                // A parameter with an unknown name may be a mesh resource.
                None => documents.is_incomplete |= resource.has_property("Name"),
            }
        }
    }
    documents.finish(reader.diagnostics)
}

#[derive(Default)]
struct Documents {
    assembly: Assembly,
    declared: BTreeMap<ResourcePath, String>,
    /// Paths of values that could not be evaluated; errors caused by them are not reported again.
    unknown: Vec<String>,
    is_incomplete: bool,
}

impl Documents {
    fn add_resource(&mut self, resource: Resource<'_>, reader: &mut Reader<'_, '_>) {
        let (properties, path) = reader.properties(resource);
        let Some(mesh_path) = resource_path(resource, &properties, &path, reader.diagnostics) else {
            self.is_incomplete = true;
            return;
        };
        let path_of_document = format!("{path}.Spec");
        let spec = properties.get("Spec").cloned().unwrap_or_else(|| {
            // Only a mesh may omit its spec.
            if mesh_path.kind == Kind::Mesh {
                return Json::Object(serde_json::Map::new());
            }
            report(reader.diagnostics, path_of_document.as_str(), "is missing");
            unknown()
        });
        self.add(mesh_path, &spec, KeyCasing::Pascal, path_of_document);
    }

    fn add_parameter(&mut self, resource: Resource<'_>, name: &str, reader: &mut Reader<'_, '_>) {
        let Some(parameter) = reader.read::<ssm::Parameter>(resource) else {
            self.is_incomplete = true;
            return;
        };
        let path = format!("{}.Properties", resource.path());
        let Some(mesh_path) = ResourcePath::from_parameter(name) else {
            let message = format!(
                "is `{name}`, which is not a mesh resource name; expected \
                 {PARAMETER_PREFIX}MESH/virtualNode/NAME"
            );
            report(reader.diagnostics, format!("{path}.Name"), message);
            self.is_incomplete = true;
            return;
        };
        let path_of_document = format!("{path}.Value");
        let document = known(&parameter.value).map(|text| serde_json::from_str(&text));
        let document = match document {
            Some(Ok(document)) => document,
            Some(Err(error)) => {
                report(
                    reader.diagnostics,
                    path_of_document.as_str(),
                    format!("is not valid JSON: {error}"),
                );
                unknown()
            }
            None => unknown(),
        };
        self.add(mesh_path, &document, KeyCasing::Camel, path_of_document);
    }

    fn add(&mut self, path: ResourcePath, document: &Json, casing: KeyCasing, path_of_document: String) {
        find_unknown(document, &path_of_document, &mut self.unknown);
        self.assembly.add(path.clone(), document, casing, &path_of_document);
        self.declared.entry(path).or_insert(path_of_document);
    }

    fn finish(self, diagnostics: &mut Diagnostics) -> Meshes {
        let Self {
            assembly,
            declared,
            unknown,
            is_incomplete,
        } = self;
        let topologies = assembly.finish().unwrap_or_else(|errors| {
            // A missing resource may exist under an unknown name.
            let between = (!is_incomplete).then_some(&errors.references);
            let all = errors
                .documents
                .iter()
                .chain(between.into_iter().flat_map(Diagnostics::iter));
            for Diagnostic { path, message } in all {
                if !unknown.iter().any(|unknown| is_part_of(path, unknown)) {
                    report(diagnostics, path.as_str(), message.as_str());
                }
            }
            BTreeMap::new()
        });
        Meshes {
            topologies,
            declared,
            is_incomplete,
        }
    }
}

impl Meshes {
    /// Whether this resource exists, or may exist under an unknown name.
    pub(super) fn may_have(&self, path: &ResourcePath) -> bool {
        self.is_incomplete || self.declared.contains_key(path)
    }

    /// The virtual nodes and virtual gateways, for error messages.
    pub(super) fn mesh_nodes(&self) -> String {
        let paths = self.declared.keys();
        let nodes = paths.filter(|path| matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway));
        let nodes: Vec<String> = nodes.map(ToString::to_string).collect();
        if nodes.is_empty() {
            "none".to_owned()
        } else {
            nodes.join(", ")
        }
    }

    /// The mesh of this resource. `None` if it does not exist or could not be read.
    pub(super) fn topology_of(&self, path: &ResourcePath) -> Option<&Topology> {
        self.topologies.get(&path.mesh)
    }
}

/// The listeners of a virtual node or virtual gateway: port and protocol.
pub(super) fn listeners(mesh: &Topology, path: &ResourcePath) -> BTreeMap<u16, Protocol> {
    let listeners = match path.kind {
        Kind::VirtualGateway => mesh
            .virtual_gateways
            .get(&path.name)
            .map(|gateway| &gateway.spec.listeners),
        _ => mesh.virtual_nodes.get(&path.name).map(|node| &node.listeners),
    };
    let mappings = listeners.into_iter().flatten().map(|listener| listener.port_mapping);
    mappings.map(|mapping| (mapping.port, mapping.protocol)).collect()
}

/// The TCP backends of a virtual node, as (virtual service, port).
pub(super) fn tcp_backends(mesh: &Topology, path: &ResourcePath) -> BTreeSet<(String, u16)> {
    use mesh_model::app_mesh::virtual_node::Backend;

    let node = mesh
        .virtual_nodes
        .get(&path.name)
        .filter(|_| path.kind == Kind::VirtualNode);
    let mut ports = BTreeSet::new();
    for Backend::VirtualService(backend) in node.iter().flat_map(|node| &node.backends) {
        let name = &backend.virtual_service_name;
        let called = mesh.ports_of_service(name).into_iter();
        let tcp = called.filter(|called| called.protocol == Protocol::Tcp);
        ports.extend(tcp.map(|called| (name.clone(), called.port)));
    }
    ports
}

/// The mesh resource that this is. `None` if its names are unknown or invalid; reported.
fn resource_path(
    resource: Resource<'_>,
    properties: &Json,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<ResourcePath> {
    let kind = kind_of(resource.kind)?;
    let names = name_properties(kind);
    let mut are_known = true;
    for (index, property) in names.iter().enumerate() {
        let is_own = index + 1 == names.len();
        match properties.get(property) {
            Some(name) => are_known &= !is_unknown(name),
            // CloudFormation generates a resource's name, except for virtual services.
            None if is_own && kind != Kind::VirtualService => {}
            None => {
                report(diagnostics, format!("{path}.{property}"), "is missing");
                are_known = false;
            }
        }
    }
    let mesh_path = resource.mesh_path(diagnostics).filter(|_| are_known)?;
    let parent = mesh_path.parent.as_ref();
    let parts = std::iter::once(&mesh_path.mesh).chain(parent);
    let mut is_sound = true;
    for (property, name) in names.iter().zip(parts.chain([&mesh_path.name])) {
        if name.is_empty() || name.contains('/') || name.chars().count() > 255 {
            let message = format!("is `{name}`; allowed are 1 to 255 characters without /");
            report(diagnostics, format!("{path}.{property}"), message);
            is_sound = false;
        }
    }
    is_sound.then_some(mesh_path)
}

fn find_unknown(json: &Json, path: &str, found: &mut Vec<String>) {
    match json {
        _ if is_unknown(json) => found.push(path.to_owned()),
        Json::Object(object) => {
            for (key, value) in object {
                find_unknown(value, &format!("{path}.{key}"), found);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_unknown(item, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}
