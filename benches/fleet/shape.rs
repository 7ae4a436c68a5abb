//! The meshes: realistic shapes, and the changes of each scenario.
//!
//! A mesh of App Mesh: each service has one or two listeners and five backends, one of which is the same for all; every
//! tenth has a virtual router. A namespace of Service Connect: every node may call every service and calls five. Node `n` is a task of
//! service `n % services`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_control::node::{MeshwrightMetadata, egress_listener, ingress_listener};
use mesh_control::{Endpoint, MeshState, NodeEndpoint, NodeMetadata, ServiceIdentity};
use mesh_model::app_mesh::mesh::{EgressFilter, EgressFilterType};
use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath, Topology};
use mesh_model::namespace::{DEFAULT_HTTP_IDLE_TIMEOUT, DEFAULT_PER_REQUEST_TIMEOUT, Namespace, ServiceConnectService};
use mesh_model::service_connect::AppProtocol;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::AnyError;
use crate::scenario::Scenario;

/// The mesh or namespace.
const MESH: &str = "fleet";
/// The Cloud Map namespace of a mesh.
const CLOUD_MAP: &str = "fleet.local";
/// Tasks of a service, at least.
const MIN_TASKS: usize = 3;
/// Backends of a virtual node.
const BACKENDS: usize = 5;
/// The service that is added.
const NEW: &str = "service-new";

/// The kind of mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Kind {
    AppMesh,
    Namespace,
}

/// A mesh and its fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) kind: Kind,
    pub(crate) nodes: usize,
    pub(crate) services: usize,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::AppMesh => "App Mesh, five backends each",
            Kind::Namespace => "Service Connect, one namespace",
        };
        write!(f, "{kind}: {} nodes, {} services", self.nodes, self.services)
    }
}

impl Size {
    fn tasks(self) -> usize {
        MIN_TASKS.max(self.nodes.div_ceil(self.services))
    }

    /// The services that a virtual node calls: the first one, and others spread over the mesh.
    fn backends(self, service: usize) -> BTreeSet<usize> {
        let others = (0..).map(|step| (service * 17 + step * 31 + 1) % self.services);
        std::iter::once(0)
            .chain(others.take(self.services * BACKENDS))
            .filter(|backend| *backend != service)
            .scan(BTreeSet::new(), |seen, backend| {
                (seen.len() < BACKENDS).then(|| {
                    seen.insert(backend);
                    backend
                })
            })
            .collect()
    }

    /// The clusters of the services that a node calls. In a mesh, a node has no others anyway.
    pub(crate) fn calls(self, node: usize) -> Vec<String> {
        match self.kind {
            Kind::AppMesh => Vec::new(),
            Kind::Namespace => {
                let backends = self.backends(node % self.services).into_iter();
                backends
                    .map(|backend| format!("cds_egress_{MESH}_{}_http_80", name(backend)))
                    .collect()
            }
        }
    }

    /// A node that each scenario concerns.
    pub(crate) fn recorded_nodes(self) -> BTreeSet<usize> {
        let calls = |service: usize, backend: usize| self.backends(service).contains(&backend);
        let services = 0..self.services.min(self.nodes);
        let caller = |backend| services.clone().find(|service| calls(*service, backend));
        let new = self.callers_of_new().into_iter().next();
        [Some(1), caller(0), caller(10 % self.services), new]
            .into_iter()
            .flatten()
            .collect()
    }

    fn callers_of_new(self) -> BTreeSet<usize> {
        [1, 2, 3].map(|service| service % self.services).into()
    }

    /// The mesh state at the start.
    pub(crate) fn mesh_state(self) -> Result<MeshState, AnyError> {
        let mut state = MeshState::default();
        match self.kind {
            Kind::AppMesh => {
                state.meshes.insert(MESH.to_owned(), self.topology()?);
                for service in 0..self.services {
                    let tasks = (0..self.tasks()).map(|task| node_endpoint(service, task));
                    let key = (CLOUD_MAP.to_owned(), name(service));
                    state.node_endpoints.insert(key, tasks.collect());
                }
            }
            Kind::Namespace => {
                let services = (0..self.services).map(|number| namespace_service(&name(number)));
                let namespace = Namespace {
                    name: MESH.to_owned(),
                    services: services.collect(),
                };
                state.namespaces.insert(MESH.to_owned(), namespace);
                for service in 0..self.services {
                    state.services.insert(identity(service), MESH.to_owned());
                    let tasks = (0..self.tasks()).map(|task| endpoint(service, task));
                    state
                        .endpoints
                        .insert((MESH.to_owned(), name(service)), tasks.collect());
                }
            }
        }
        Ok(state)
    }

    fn topology(self) -> Result<Topology, AnyError> {
        let mut mesh = Assembly::new();
        let mut add = |path: String, spec: &Value| {
            let resource = ResourcePath::parse(&path).ok_or_else(|| format!("{path} is not a resource path"))?;
            mesh.add(resource, spec, KeyCasing::Camel, &path);
            Ok::<(), AnyError>(())
        };
        add(format!("mesh/{MESH}"), &json!({}))?;
        for service in 0..self.services {
            let own = name(service);
            let listeners = if service % 2 == 0 {
                json!([listener(8080, "http")])
            } else {
                json!([listener(8080, "http"), listener(9090, "grpc")])
            };
            let backends: Vec<Value> = self
                .backends(service)
                .into_iter()
                .map(|to| backend(&name(to)))
                .collect();
            add(
                format!("mesh/{MESH}/virtualNode/{own}"),
                &json!({"listeners": listeners, "serviceDiscovery": discovery(&own), "backends": backends}),
            )?;
            let provider = if service % 10 == 0 {
                let router = format!("mesh/{MESH}/virtualRouter/{own}");
                add(router.clone(), &json!({"listeners": [listener(8080, "http")]}))?;
                let target = |number: usize, weight: u32| json!({"virtualNode": name(number % self.services), "weight": weight, "port": 8080});
                let targets = json!([target(service, 90), target(service + 1, 10)]);
                let route = json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}});
                add(format!("{router}/route/all"), &route)?;
                json!({"virtualRouter": {"virtualRouterName": own}})
            } else {
                json!({"virtualNode": {"virtualNodeName": own}})
            };
            let path = format!("mesh/{MESH}/virtualService/{own}.{CLOUD_MAP}");
            add(path, &json!({ "provider": provider }))?;
        }
        let mut meshes = mesh.finish().map_err(|problems| problems.to_string())?;
        Ok(meshes.remove(MESH).ok_or("the mesh is missing")?)
    }

    /// The changes of a scenario, to be applied one after another.
    pub(crate) fn changes(self, scenario: Scenario) -> Vec<Change> {
        match scenario {
            Scenario::FirstConfiguration | Scenario::Reconnect => Vec::new(),
            Scenario::Weight => vec![weight(0)],
            Scenario::WeightOfFew => vec![weight(10 % self.services)],
            Scenario::Task => vec![self.replace_task(0, 1)],
            Scenario::TaskOfFew => vec![self.replace_task(10 % self.services, 1)],
            Scenario::EgressFilter => vec![Box::new(|state| {
                if let Some(mesh) = state.meshes.get_mut(MESH) {
                    mesh.mesh.egress_filter = Some(EgressFilter {
                        kind: EgressFilterType::AllowAll,
                    });
                }
            })],
            Scenario::NewService => vec![self.add_service()],
            Scenario::RollingDeployment => (0..self.services)
                .flat_map(|service| [self.add_task(service, 2), self.remove_task(service)])
                .collect(),
        }
    }

    fn add_service(self) -> Change {
        match self.kind {
            Kind::AppMesh => {
                let topology = Assembly::new;
                let callers = self.callers_of_new();
                Box::new(move |state| {
                    let mut mesh = topology();
                    let node = json!({"listeners": [listener(8080, "http")], "serviceDiscovery": discovery(NEW), "backends": []});
                    let service = json!({"provider": {"virtualNode": {"virtualNodeName": NEW}}});
                    let caller = json!({"backends": [backend(NEW)]});
                    for (path, spec) in [
                        ("mesh/fleet".to_owned(), json!({})),
                        (format!("mesh/fleet/virtualNode/{NEW}"), node),
                        (format!("mesh/fleet/virtualService/{NEW}.{CLOUD_MAP}"), service),
                        ("mesh/fleet/virtualNode/caller".to_owned(), caller),
                    ] {
                        if let Some(resource) = ResourcePath::parse(&path) {
                            mesh.add(resource, &spec, KeyCasing::Camel, &path);
                        }
                    }
                    let mut new = mesh.finish().unwrap_or_else(|problems| panic!("{problems}"));
                    let (Some(mut new), Some(old)) = (new.remove(MESH), state.meshes.get_mut(MESH)) else {
                        return;
                    };
                    let to_new = new
                        .virtual_nodes
                        .remove("caller")
                        .map(|node| node.backends)
                        .unwrap_or_default();
                    old.virtual_nodes.append(&mut new.virtual_nodes);
                    old.virtual_services.append(&mut new.virtual_services);
                    for caller in callers {
                        if let Some(node) = old.virtual_nodes.get_mut(&name(caller)) {
                            node.backends.extend(to_new.iter().cloned());
                        }
                    }
                    let key = (CLOUD_MAP.to_owned(), NEW.to_owned());
                    state.node_endpoints.insert(key, vec![node_endpoint(60_000, 0)]);
                })
            }
            Kind::Namespace => Box::new(|state| {
                if let Some(namespace) = state.namespaces.get_mut(MESH) {
                    namespace.services.push(namespace_service(NEW));
                }
                let key = (MESH.to_owned(), NEW.to_owned());
                state.endpoints.insert(key, vec![endpoint(60_000, 0)]);
            }),
        }
    }

    /// Adds a task of a generation, which differs from all others in its address.
    fn add_task(self, service: usize, generation: usize) -> Change {
        let task = self.tasks() * generation;
        match self.kind {
            Kind::AppMesh => Box::new(move |state| {
                let key = (CLOUD_MAP.to_owned(), name(service));
                state
                    .node_endpoints
                    .entry(key)
                    .or_default()
                    .push(node_endpoint(service, task));
            }),
            Kind::Namespace => Box::new(move |state| {
                let key = (MESH.to_owned(), name(service));
                state.endpoints.entry(key).or_default().push(endpoint(service, task));
            }),
        }
    }

    fn remove_task(self, service: usize) -> Change {
        match self.kind {
            Kind::AppMesh => Box::new(move |state| {
                let key = (CLOUD_MAP.to_owned(), name(service));
                drop(state.node_endpoints.entry(key).or_default().remove(0));
            }),
            Kind::Namespace => Box::new(move |state| {
                let key = (MESH.to_owned(), name(service));
                drop(state.endpoints.entry(key).or_default().remove(0));
            }),
        }
    }

    fn replace_task(self, service: usize, generation: usize) -> Change {
        let (add, remove) = (self.add_task(service, generation), self.remove_task(service));
        Box::new(move |state| {
            add(state);
            remove(state);
        })
    }

    /// Node id and metadata of a node.
    pub(crate) fn node(self, node: usize) -> (String, Map<String, Value>) {
        let service = node % self.services;
        let task = Some(format!("{}/{}", name(service), node / self.services));
        let (id, mut metadata) = match self.kind {
            Kind::AppMesh => (
                format!("mesh/{MESH}/virtualNode/{}", name(service)),
                NodeMetadata::transparent_proxy(),
            ),
            Kind::Namespace => (
                identity(service).node_id("local", "000000000000", "1"),
                NodeMetadata {
                    listener_ports: BTreeMap::from([(egress_listener(), 15001), (ingress_listener("http"), 15000)]),
                    extension: MeshwrightMetadata {
                        ingress_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                        ..MeshwrightMetadata::default()
                    },
                },
            ),
        };
        metadata.extension.task = task;
        (id, metadata.to_metadata().as_object().cloned().unwrap_or_default())
    }
}

/// A change of the mesh state.
pub(crate) type Change = Box<dyn FnOnce(&mut MeshState) + Send>;

fn weight(service: usize) -> Change {
    Box::new(move |state| {
        let route = state
            .meshes
            .get_mut(MESH)
            .and_then(|mesh| mesh.virtual_routers.get_mut(&name(service)))
            .and_then(|router| router.routes.get_mut("all"))
            .and_then(|route| route.http_route.as_mut());
        if let Some(target) = route.and_then(|route| route.action.weighted_targets.first_mut()) {
            target.weight -= 1;
        }
    })
}

fn name(service: usize) -> String {
    format!("service-{service:04}")
}

fn identity(service: usize) -> ServiceIdentity {
    ServiceIdentity {
        cluster: MESH.to_owned(),
        service: name(service),
    }
}

fn listener(port: u16, protocol: &str) -> Value {
    json!({"portMapping": {"port": port, "protocol": protocol}})
}

fn discovery(service: &str) -> Value {
    json!({"awsCloudMap": {"namespaceName": CLOUD_MAP, "serviceName": service}})
}

fn backend(service: &str) -> Value {
    json!({"virtualService": {"virtualServiceName": format!("{service}.{CLOUD_MAP}")}})
}

fn namespace_service(name: &str) -> ServiceConnectService {
    ServiceConnectService {
        discovery_name: name.to_owned(),
        service: name.to_owned(),
        port_name: "http".to_owned(),
        container_port: 3000,
        dns_name: format!("{name}.{MESH}"),
        port: 80,
        protocol: AppProtocol::Http,
        ingress_port_override: None,
        idle_timeout: Some(DEFAULT_HTTP_IDLE_TIMEOUT),
        per_request_timeout: Some(DEFAULT_PER_REQUEST_TIMEOUT),
    }
}

/// The address of a task: none is used twice.
fn address(service: usize, task: usize) -> Ipv4Addr {
    let number = u32::try_from(service * 256 + task).unwrap_or_default();
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + number)
}

fn endpoint(service: usize, task: usize) -> Endpoint {
    Endpoint {
        id: format!("{}/{task}", name(service)),
        address: SocketAddr::from((address(service, task), 15000)),
    }
}

fn node_endpoint(service: usize, task: usize) -> NodeEndpoint {
    NodeEndpoint {
        id: format!("{}/{task}", name(service)),
        addresses: vec![address(service, task).into()],
        attributes: BTreeMap::new(),
        ingress: BTreeMap::new(),
    }
}
