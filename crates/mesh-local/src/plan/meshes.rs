//! The meshes of App Mesh: from `AWS::AppMesh::…` resources, and from parameters that hold the same.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::appmesh::{kind_of, name_properties};
use mesh_infra::cfn::{ResourceType, is_part_of, is_unknown, ssm, unknown};
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use mesh_model::app_mesh::{Assembly, KeyCasing, Kind, Protocol, ResourcePath, Topology};
use serde_json::Value as Json;
use sidecar_contract::{Diagnostic, Diagnostics};

use super::container::known;
use super::reader::Reader;
use super::report;
use crate::evaluate::Resource;

/// The meshes of the templates.
pub(super) struct Meshes {
    /// By name; empty if something is wrong with one of them.
    pub(super) topologies: BTreeMap<String, Topology>,
    /// All resources, also of meshes that something is wrong with, and where the document of each stands.
    declared: BTreeMap<ResourcePath, String>,
    /// Whether there are more, whose names are not known. That was reported.
    are_more: bool,
}

/// Reads all resources of meshes. What is wrong with them is noted.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Meshes {
    let mut documents = Documents::default();
    for resource in reader.resources() {
        if kind_of(resource.kind).is_some() {
            documents.add_resource(*resource, reader);
        } else if resource.kind == ssm::Parameter::KIND {
            match resource.text("Name", reader.diagnostics) {
                Some(name) if name.starts_with(PARAMETER_PREFIX) => documents.add_parameter(*resource, &name, reader),
                Some(_) => {}
                // One whose name is not known may be ours.
                None => documents.are_more |= resource.has_property("Name"),
            }
        }
    }
    documents.finish(reader.diagnostics)
}

#[derive(Default)]
struct Documents {
    assembly: Assembly,
    declared: BTreeMap<ResourcePath, String>,
    /// The paths of values that could not be evaluated. What follows from that is no problem of its own.
    unknown: Vec<String>,
    are_more: bool,
}

impl Documents {
    fn add_resource(&mut self, resource: Resource<'_>, reader: &mut Reader<'_, '_>) {
        let (properties, path) = reader.properties(resource);
        let Some(mesh_path) = resource_path(resource, &properties, &path, reader.diagnostics) else {
            self.are_more = true;
            return;
        };
        let place = format!("{path}.Spec");
        let spec = properties.get("Spec").cloned().unwrap_or_else(|| {
            // The only kind that may say nothing at all.
            if mesh_path.kind == Kind::Mesh {
                return Json::Object(serde_json::Map::new());
            }
            report(reader.diagnostics, place.as_str(), "is missing");
            unknown()
        });
        self.add(mesh_path, &spec, KeyCasing::Pascal, place);
    }

    fn add_parameter(&mut self, resource: Resource<'_>, name: &str, reader: &mut Reader<'_, '_>) {
        let Some(parameter) = reader.read::<ssm::Parameter>(resource) else {
            self.are_more = true;
            return;
        };
        let path = format!("{}.Properties", resource.path());
        let Some(mesh_path) = ResourcePath::from_parameter(name) else {
            let message = format!(
                "is `{name}`, where no resource of a mesh is looked for; such names are like \
                 {PARAMETER_PREFIX}MESH/virtualNode/NAME"
            );
            report(reader.diagnostics, format!("{path}.Name"), message);
            self.are_more = true;
            return;
        };
        let place = format!("{path}.Value");
        let document = known(&parameter.value).map(|text| serde_json::from_str(&text));
        let document = match document {
            Some(Ok(document)) => document,
            Some(Err(error)) => {
                report(reader.diagnostics, place.as_str(), format!("is no JSON: {error}"));
                unknown()
            }
            None => unknown(),
        };
        self.add(mesh_path, &document, KeyCasing::Camel, place);
    }

    fn add(&mut self, path: ResourcePath, document: &Json, spelling: KeyCasing, place: String) {
        find_unknown(document, &place, &mut self.unknown);
        self.assembly.add(path.clone(), document, spelling, &place);
        self.declared.entry(path).or_insert(place);
    }

    fn finish(self, diagnostics: &mut Diagnostics) -> Meshes {
        let Self {
            assembly,
            declared,
            unknown,
            are_more,
        } = self;
        let topologies = assembly.finish().unwrap_or_else(|mistakes| {
            // Something that is missing may be there under a name that is not known.
            let between = (!are_more).then_some(&mistakes.references);
            let told = mistakes
                .documents
                .iter()
                .chain(between.into_iter().flat_map(Diagnostics::iter));
            for Diagnostic { path, message } in told {
                if !unknown.iter().any(|unknown| is_part_of(path, unknown)) {
                    report(diagnostics, path.as_str(), message.as_str());
                }
            }
            BTreeMap::new()
        });
        Meshes {
            topologies,
            declared,
            are_more,
        }
    }
}

impl Meshes {
    /// Whether there is such a resource, or may be one.
    pub(super) fn may_have(&self, path: &ResourcePath) -> bool {
        self.are_more || self.declared.contains_key(path)
    }

    /// The virtual nodes and virtual gateways, as a list to be shown.
    pub(super) fn members(&self) -> String {
        let paths = self.declared.keys();
        let members = paths.filter(|path| matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway));
        let members: Vec<String> = members.map(ToString::to_string).collect();
        if members.is_empty() {
            "none".to_owned()
        } else {
            members.join(", ")
        }
    }

    /// The mesh of a member. `None` if it has no such member, or could not be read.
    pub(super) fn topology_of(&self, member: &ResourcePath) -> Option<&Topology> {
        self.topologies.get(&member.mesh)
    }
}

/// The listeners of a virtual node or virtual gateway, by port.
pub(super) fn listeners(mesh: &Topology, member: &ResourcePath) -> BTreeMap<u16, Protocol> {
    let listeners = match member.kind {
        Kind::VirtualGateway => mesh
            .virtual_gateways
            .get(&member.name)
            .map(|gateway| &gateway.spec.listeners),
        _ => mesh.virtual_nodes.get(&member.name).map(|node| &node.listeners),
    };
    let mappings = listeners.into_iter().flatten().map(|listener| listener.port_mapping);
    mappings.map(|mapping| (mapping.port, mapping.protocol)).collect()
}

/// The TCP ports of the virtual services that a virtual node calls.
pub(super) fn tcp_backends(mesh: &Topology, member: &ResourcePath) -> BTreeSet<(String, u16)> {
    use mesh_model::app_mesh::virtual_node::Backend;

    let node = mesh
        .virtual_nodes
        .get(&member.name)
        .filter(|_| member.kind == Kind::VirtualNode);
    let mut ports = BTreeSet::new();
    for Backend::VirtualService(backend) in node.iter().flat_map(|node| &node.backends) {
        let name = &backend.virtual_service_name;
        let called = mesh.ports_of_service(name).into_iter();
        let tcp = called.filter(|called| called.protocol == Protocol::Tcp);
        ports.extend(tcp.map(|called| (name.clone(), called.port)));
    }
    ports
}

/// Which resource of which mesh this is. `None` if its names are not known or are none, which was noted.
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
            // CloudFormation makes up a resource's own name, but for the one that applications call.
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
