//! Builds meshes from the documents of their resources, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::kind::Kind;
use super::resource_path::ResourcePath;
use super::resource_spec::ResourceSpec;
use super::topology::{Topology, TopologyError, VirtualGateway, VirtualRouter};
use crate::key_casing::KeyCasing;
use sidecar_contract::{Diagnostics, ValidationErrors};

/// A builder of meshes. It collects the errors of each document and reads the others.
#[derive(Debug, Default)]
pub struct Assembly {
    specs: BTreeMap<ResourcePath, (String, ResourceSpec)>,
    errors: AssemblyErrors,
    /// Existing resources with invalid or unknown documents; references to them are not errors.
    unread: BTreeSet<ResourcePath>,
    allows_missing_backends: bool,
}

/// All errors of meshes. Never empty as an error.
///
/// Each path starts with the path to the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssemblyErrors {
    /// Errors in single documents: invalid specs, and second documents of a resource.
    pub documents: Diagnostics,
    /// Errors between documents: resources in a mesh, virtual router or virtual gateway that does not exist, and, if
    /// every document is valid, the errors of [`Topology::validate`]. A caller that has only some of the documents may
    /// ignore them.
    pub references: Diagnostics,
}

impl AssemblyErrors {
    fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.references.is_empty()
    }
}

impl From<AssemblyErrors> for Diagnostics {
    fn from(errors: AssemblyErrors) -> Self {
        let mut all = errors.documents;
        all.extend(errors.references);
        all
    }
}

impl fmt::Display for AssemblyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Diagnostics::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for AssemblyErrors {}

impl Assembly {
    /// A builder without meshes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts backends that no virtual service of the mesh has, as App Mesh does: they may be created elsewhere. Without
    /// this they are errors, which are mostly typing errors.
    #[must_use]
    pub fn allowing_missing_backends(mut self) -> Self {
        self.allows_missing_backends = true;
        self
    }

    /// Adds a resource. `location` is the path to its document, with which the path of every error starts.
    pub fn add(&mut self, path: ResourcePath, document: &Value, casing: KeyCasing, location: &str) {
        let spec = ResourceSpec::read(path.kind, document, casing, location);
        self.add_spec(path, spec, location);
    }

    /// Adds a resource whose document was read before, by [`ResourceSpec::read`] with the same `location`.
    pub fn add_spec(&mut self, path: ResourcePath, spec: Result<ResourceSpec, ValidationErrors>, location: &str) {
        match spec {
            Err(diagnostics) => {
                self.errors.documents.extend(diagnostics);
                self.unread.insert(path);
            }
            Ok(spec) => match self.specs.get(&path) {
                Some((first, _)) => {
                    let diagnostic = format!("describes the {}, which {first} does already", path.description());
                    self.errors.documents.add(location, diagnostic);
                }
                None => drop(self.specs.insert(path, (location.to_owned(), spec))),
            },
        }
    }

    /// Adds a resource that exists, with an unknown spec. The meshes lack it; references to it are not errors, and
    /// [`Topology::validate`] is left out.
    pub fn add_unknown(&mut self, path: ResourcePath) {
        self.unread.insert(path);
    }

    /// Builds the meshes, by name.
    ///
    /// # Errors
    ///
    /// All errors, in single documents and between them.
    pub fn finish(self) -> Result<BTreeMap<String, Topology>, AssemblyErrors> {
        let Self {
            specs,
            mut errors,
            unread,
            allows_missing_backends,
        } = self;
        let mut meshes: BTreeMap<String, Topology> = BTreeMap::new();
        let locations: BTreeMap<ResourcePath, String> = specs
            .iter()
            .map(|(path, (location, _))| (path.clone(), location.clone()))
            .collect();
        // Containers first: meshes, then resources that are not in a router or a gateway.
        let mut ordered: Vec<(ResourcePath, (String, ResourceSpec))> = specs.into_iter().collect();
        ordered.sort_by_key(|(path, _)| (path.kind != Kind::Mesh, path.parent.is_some()));
        for (path, (location, parsed)) in ordered {
            if path.kind == Kind::Mesh {
                meshes.entry(path.mesh.clone()).or_default();
            }
            let Some(mesh) = meshes.get_mut(&path.mesh) else {
                if !unread.contains(&ResourcePath::of_mesh(&path.mesh)) {
                    let diagnostic = format!("is in the mesh `{}`, which does not exist", path.mesh);
                    errors.references.add(location, diagnostic);
                }
                continue;
            };
            mesh.name.clone_from(&path.mesh);
            let container = container_of(&path);
            if mesh.insert(path, parsed).is_none()
                && let Some(container) = container
                && !unread.contains(&container)
            {
                let diagnostic = format!("is in the {}, which does not exist", container.description());
                errors.references.add(location, diagnostic);
            }
        }
        if errors.is_empty() && unread.is_empty() {
            let validate = if allows_missing_backends {
                Topology::validate_accepting_missing_backends
            } else {
                Topology::validate
            };
            for TopologyError { resource, message } in meshes.values().flat_map(validate) {
                // Every resource of these meshes has a document.
                let location = locations
                    .get(&resource)
                    .cloned()
                    .unwrap_or_else(|| resource.to_string());
                errors.references.add(location, message);
            }
        }
        if errors.is_empty() { Ok(meshes) } else { Err(errors) }
    }
}

/// The container of a resource: the router of a route, the gateway of a gateway route.
fn container_of(path: &ResourcePath) -> Option<ResourcePath> {
    let parent = path.parent.as_ref()?;
    let kind = match path.kind {
        Kind::GatewayRoute => Kind::VirtualGateway,
        _ => Kind::VirtualRouter,
    };
    Some(ResourcePath::new(&path.mesh, kind, parent))
}

impl Topology {
    /// Inserts a resource. `None` if its container does not exist.
    fn insert(&mut self, path: ResourcePath, parsed: ResourceSpec) -> Option<()> {
        let (name, parent) = (path.name, path.parent.unwrap_or_default());
        match parsed {
            ResourceSpec::Mesh(spec) => self.mesh = spec,
            ResourceSpec::VirtualNode(spec) => drop(self.virtual_nodes.insert(name, spec)),
            ResourceSpec::VirtualService(spec) => drop(self.virtual_services.insert(name, spec)),
            ResourceSpec::VirtualRouter(spec) => {
                let router = VirtualRouter {
                    spec,
                    routes: BTreeMap::new(),
                };
                self.virtual_routers.insert(name, router);
            }
            ResourceSpec::VirtualGateway(spec) => {
                let gateway = VirtualGateway {
                    spec,
                    gateway_routes: BTreeMap::new(),
                };
                self.virtual_gateways.insert(name, gateway);
            }
            ResourceSpec::Route(spec) => {
                let router = self.virtual_routers.get_mut(&parent)?;
                router.routes.insert(name, spec);
            }
            ResourceSpec::GatewayRoute(spec) => {
                let gateway = self.virtual_gateways.get_mut(&parent)?;
                gateway.gateway_routes.insert(name, spec);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn add(assembly: &mut Assembly, path: &str, document: Value) {
        let path = ResourcePath::parse(path).expect("a path");
        let location = path.to_string();
        assembly.add(path, &document, KeyCasing::Camel, &location);
    }

    #[test]
    fn documents_can_be_added_in_any_order() {
        let mut assembly = Assembly::new();
        let route = json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": [
            {"virtualNode": "blue", "weight": 1}]}}});
        add(&mut assembly, "mesh/demo/virtualRouter/split/route/all", route);
        let http = json!({"portMapping": {"port": 80, "protocol": "http"}});
        add(
            &mut assembly,
            "mesh/demo/virtualRouter/split",
            json!({"listeners": [http]}),
        );
        let discovery = json!({"dns": {"hostname": "blue.appmesh"}});
        let node = json!({"listeners": [http], "serviceDiscovery": discovery});
        add(&mut assembly, "mesh/demo/virtualNode/blue", node);
        add(&mut assembly, "mesh/demo", json!({}));
        let meshes = assembly.finish().expect("a complete mesh");
        assert_eq!(meshes["demo"].name, "demo");
        assert!(meshes["demo"].virtual_routers["split"].routes.contains_key("all"));
    }

    #[test]
    fn the_specs_of_a_mesh_build_the_same_mesh() {
        let mut assembly = Assembly::new();
        let http = json!({"portMapping": {"port": 80, "protocol": "http"}});
        let listeners = json!({ "listeners": [http] });
        let target = json!({"target": {"virtualService": {"virtualServiceName": "shop.demo"}}});
        let discovery = json!({"dns": {"hostname": "blue.demo"}});
        for (path, document) in [
            ("mesh/demo", json!({"egressFilter": {"type": "ALLOW_ALL"}})),
            (
                "mesh/demo/virtualNode/blue",
                json!({"listeners": [http], "serviceDiscovery": discovery}),
            ),
            ("mesh/demo/virtualRouter/split", listeners.clone()),
            (
                "mesh/demo/virtualRouter/split/route/all",
                json!({"httpRoute": {"match": {"prefix": "/"},
                    "action": {"weightedTargets": [{"virtualNode": "blue", "weight": 1}]}}}),
            ),
            (
                "mesh/demo/virtualService/shop.demo",
                json!({"provider": {"virtualRouter": {"virtualRouterName": "split"}}}),
            ),
            ("mesh/demo/virtualGateway/door", listeners),
            (
                "mesh/demo/virtualGateway/door/gatewayRoute/shop",
                json!({"httpRoute": {"match": {"prefix": "/"}, "action": target}}),
            ),
        ] {
            add(&mut assembly, path, document);
        }
        let meshes = assembly.finish().expect("a valid mesh");
        let specs = meshes["demo"].specs();
        assert_eq!(specs.len(), 7);
        let mut again = Assembly::new();
        for (path, spec) in specs {
            let location = path.to_string();
            again.add(path, &spec.write(KeyCasing::Camel), KeyCasing::Camel, &location);
        }
        assert_eq!(again.finish().expect("the same mesh"), meshes);
    }

    #[test]
    fn all_errors_are_reported() {
        let mut assembly = Assembly::new();
        add(&mut assembly, "mesh/demo", json!({}));
        add(&mut assembly, "mesh/demo/virtualNode/blue", json!({"listener": []}));
        add(&mut assembly, "mesh/other/virtualService/a", json!({}));
        add(&mut assembly, "mesh/demo/virtualService/b", json!({}));
        add(&mut assembly, "mesh/demo/virtualService/b", json!({}));
        let route = json!({"tcpRoute": {"action": {"weightedTargets": [{"virtualNode": "blue", "weight": 1}]}}});
        add(&mut assembly, "mesh/demo/virtualRouter/none/route/all", route);
        let diagnostics = assembly.finish().expect_err("four errors").to_string();
        let lines: Vec<&str> = diagnostics.lines().collect();
        assert_eq!(lines.len(), 4, "{diagnostics}");
        assert!(lines[0].starts_with("mesh/demo/virtualNode/blue"), "{diagnostics}");
        assert!(lines[1].contains("describes the virtual service `b`"), "{diagnostics}");
        assert!(lines[2].contains("in the mesh `other`"), "{diagnostics}");
        assert!(lines[3].contains("in the virtual router `none`"), "{diagnostics}");
    }

    #[test]
    fn reference_errors_have_the_path_of_the_document() {
        let mut assembly = Assembly::new();
        add(&mut assembly, "mesh/demo", json!({}));
        let http = json!({"portMapping": {"port": 80, "protocol": "http"}});
        add(
            &mut assembly,
            "mesh/demo/virtualRouter/split",
            json!({"listeners": [http]}),
        );
        let route = json!({"httpRoute": {"match": {"prefix": "/", "port": 81}, "action": {"weightedTargets": [
            {"virtualNode": "blue", "weight": 1}]}}});
        let path = ResourcePath::parse("mesh/demo/virtualRouter/split/route/all").expect("a path");
        assembly.add(path, &route, KeyCasing::Camel, "Resources.Route.Properties.Spec");
        let errors = assembly.finish().expect_err("two errors");
        assert!(errors.documents.is_empty());
        assert_eq!(
            errors.to_string(),
            "Resources.Route.Properties.Spec: its match names port 81, which the router does not have; it has 80\n\
             Resources.Route.Properties.Spec: refers to the virtual node `blue`, which does not exist"
        );
    }
}
