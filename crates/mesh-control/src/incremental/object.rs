//! The objects of a mesh state that translations depend on, and the ones that differ between two states.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use envoy_bootstrap::ServiceIdentity;
use mesh_model::app_mesh::{Topology, VirtualNodeSpec};
use mesh_model::namespace::{Namespace, ServiceConnectService};

use crate::mesh_state::MeshState;

/// What a translation depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Object {
    /// All services of a Service Connect namespace.
    Namespace(String),
    /// Those of one ECS service.
    ServicesOf {
        namespace: String,
        service: String,
    },
    /// The namespace of an ECS service.
    Service(ServiceIdentity),
    /// The endpoints of a Service Connect service.
    Endpoints {
        namespace: String,
        discovery_name: String,
    },
    /// A mesh without its resources.
    Mesh(String),
    /// Any resource of a mesh.
    AnyOfMesh(String),
    /// A virtual node, as its own Envoys need it.
    VirtualNode {
        mesh: String,
        name: String,
    },
    /// The listeners and the service discovery of a virtual node: what its callers need of it.
    Upstream {
        mesh: String,
        node: String,
    },
    /// With its routes.
    VirtualRouter {
        mesh: String,
        name: String,
    },
    VirtualService {
        mesh: String,
        name: String,
    },
    /// With its gateway routes.
    VirtualGateway {
        mesh: String,
        name: String,
    },
    /// Further listeners of a virtual node.
    ExtraListeners {
        mesh: String,
        node: String,
    },
    /// Endpoints in Cloud Map.
    NodeEndpoints {
        namespace: String,
        service: String,
    },
    /// Whether the endpoints of a host name are known.
    HostName(String),
    /// Known endpoints of a host name.
    DnsEndpoints(String),
    LoadBalancer(String),
    /// A target group without its targets.
    TargetGroup(String),
    /// The targets of a target group.
    Targets(String),
    HeaderLimits,
    /// All certificates: they change seldom, and together.
    Certificates,
}

/// Brings `state` up to `current`, and returns the objects that differed.
pub(super) fn apply_changes(state: &mut MeshState, current: &MeshState) -> BTreeSet<Object> {
    // A new field does not compile here until its changes are objects, too.
    let MeshState {
        namespaces: _,
        services: _,
        endpoints: _,
        meshes: _,
        extra_listeners: _,
        node_endpoints: _,
        dns_endpoints: _,
        header_limits: _,
        load_balancers: _,
        target_groups: _,
        targets: _,
        certificates: _,
    } = current;
    let mut objects = BTreeSet::new();
    apply(&mut state.namespaces, &current.namespaces, |name, before, after| {
        objects.insert(Object::Namespace(name.clone()));
        let services = changed_services(before, after).into_iter();
        objects.extend(services.map(|service| Object::ServicesOf {
            namespace: name.clone(),
            service,
        }));
    });
    apply(&mut state.services, &current.services, |identity, _, _| {
        objects.insert(Object::Service(identity.clone()));
    });
    apply(
        &mut state.endpoints,
        &current.endpoints,
        |(namespace, discovery_name), _, _| {
            objects.insert(Object::Endpoints {
                namespace: namespace.clone(),
                discovery_name: discovery_name.clone(),
            });
        },
    );
    apply_meshes(&mut state.meshes, &current.meshes, &mut objects);
    apply(
        &mut state.extra_listeners,
        &current.extra_listeners,
        |(mesh, node), _, _| {
            objects.insert(Object::ExtraListeners {
                mesh: mesh.clone(),
                node: node.clone(),
            });
        },
    );
    apply(
        &mut state.node_endpoints,
        &current.node_endpoints,
        |(namespace, service), _, _| {
            objects.insert(Object::NodeEndpoints {
                namespace: namespace.clone(),
                service: service.clone(),
            });
        },
    );
    apply(
        &mut state.dns_endpoints,
        &current.dns_endpoints,
        |host, before, after| {
            objects.insert(if before.is_some() == after.is_some() {
                Object::DnsEndpoints(host.clone())
            } else {
                Object::HostName(host.clone())
            });
        },
    );
    apply(&mut state.load_balancers, &current.load_balancers, |name, _, _| {
        objects.insert(Object::LoadBalancer(name.clone()));
    });
    apply(&mut state.target_groups, &current.target_groups, |name, _, _| {
        objects.insert(Object::TargetGroup(name.clone()));
    });
    apply(&mut state.targets, &current.targets, |target_group, _, _| {
        objects.insert(Object::Targets(target_group.clone()));
    });
    if state.header_limits != current.header_limits {
        state.header_limits = current.header_limits;
        objects.insert(Object::HeaderLimits);
    }
    if state.certificates != current.certificates {
        state.certificates.clone_from(&current.certificates);
        objects.insert(Object::Certificates);
    }
    objects
}

/// The ECS services whose Service Connect services differ.
fn changed_services(before: Option<&Namespace>, after: Option<&Namespace>) -> BTreeSet<String> {
    let by_service = |namespace: Option<&Namespace>| {
        let mut services: BTreeMap<String, Vec<ServiceConnectService>> = BTreeMap::new();
        for service in namespace.into_iter().flat_map(|namespace| &namespace.services) {
            services
                .entry(service.service.clone())
                .or_default()
                .push(service.clone());
        }
        services
    };
    let mut changed = BTreeSet::new();
    if before.map(|namespace| &namespace.name) != after.map(|namespace| &namespace.name) {
        // Its name is part of every resource.
        changed.extend(by_service(before).into_keys().chain(by_service(after).into_keys()));
        return changed;
    }
    apply(&mut by_service(before), &by_service(after), |service, _, _| {
        changed.insert(service.clone());
    });
    changed
}

fn apply_meshes(
    state: &mut BTreeMap<String, Topology>,
    current: &BTreeMap<String, Topology>,
    objects: &mut BTreeSet<Object>,
) {
    state.retain(|name, mesh| {
        let stays = current.contains_key(name);
        if !stays {
            objects.insert(Object::Mesh(name.clone()));
            apply_mesh(name, mesh, &Topology::default(), objects);
        }
        stays
    });
    for (name, mesh) in current {
        let before = state.entry(name.clone()).or_insert_with(|| {
            objects.insert(Object::Mesh(name.clone()));
            Topology::default()
        });
        apply_mesh(name, before, mesh, objects);
    }
}

fn apply_mesh(key: &str, state: &mut Topology, current: &Topology, objects: &mut BTreeSet<Object>) {
    let before = objects.len();
    let (mesh, name) = (|| key.to_owned(), String::clone);
    if state.mesh != current.mesh || state.name != current.name {
        objects.insert(Object::Mesh(mesh()));
        state.mesh = current.mesh.clone();
        state.name.clone_from(&current.name);
    }
    apply(
        &mut state.virtual_nodes,
        &current.virtual_nodes,
        |node, before, after| {
            objects.insert(Object::VirtualNode {
                mesh: mesh(),
                name: name(node),
            });
            let upstream = |spec: &VirtualNodeSpec| (spec.listeners.clone(), spec.service_discovery.clone());
            if before.map(upstream) != after.map(upstream) {
                objects.insert(Object::Upstream {
                    mesh: mesh(),
                    node: name(node),
                });
            }
        },
    );
    apply(&mut state.virtual_routers, &current.virtual_routers, |router, _, _| {
        objects.insert(Object::VirtualRouter {
            mesh: mesh(),
            name: name(router),
        });
    });
    apply(
        &mut state.virtual_services,
        &current.virtual_services,
        |service, _, _| {
            objects.insert(Object::VirtualService {
                mesh: mesh(),
                name: name(service),
            });
        },
    );
    apply(
        &mut state.virtual_gateways,
        &current.virtual_gateways,
        |gateway, _, _| {
            objects.insert(Object::VirtualGateway {
                mesh: mesh(),
                name: name(gateway),
            });
        },
    );
    if objects.len() != before {
        objects.insert(Object::AnyOfMesh(mesh()));
    }
}

/// Brings `state` up to `current`. Calls `changed` with the key and both values of each entry that differs. Linear in the
/// number of entries, without copies of those that are equal.
fn apply<K: Ord + Clone, V: PartialEq + Clone>(
    state: &mut BTreeMap<K, V>,
    current: &BTreeMap<K, V>,
    mut changed: impl FnMut(&K, Option<&V>, Option<&V>),
) {
    let mut keys = Vec::new();
    let (mut before, mut after) = (state.iter().peekable(), current.iter().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let old = before.next_if(|_| order.is_le());
        let new = after.next_if(|_| order.is_ge());
        let (old_value, new_value) = (old.map(|(_, value)| value), new.map(|(_, value)| value));
        if old_value != new_value
            && let Some((key, _)) = new.or(old)
        {
            changed(key, old_value, new_value);
            keys.push(key.clone());
        }
    }
    for key in keys {
        match current.get(&key) {
            Some(value) => drop(state.insert(key, value.clone())),
            None => drop(state.remove(&key)),
        }
    }
}
