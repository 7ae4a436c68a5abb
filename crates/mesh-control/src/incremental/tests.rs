//! Property test: after any sequence of changes, the incremental result equals a translation from scratch, and every view
//! whose result has changed was announced.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use envoy_bootstrap::{MeshwrightMetadata, ServiceIdentity};
use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath, Topology};
use mesh_model::load_balancer::{
    Action, Forward, Listener, ListenerProtocol, LoadBalancer, LoadBalancerKind, Rule, TargetGroup, TargetProtocol,
    TargetStickiness,
};
use mesh_model::namespace::{Namespace, ServiceConnectService};
use mesh_model::service_connect::AppProtocol;
use proptest::prelude::*;
use serde_json::{Value, json};
use xds_server::{Configured, ResourceType, Snapshot, View as _};

use super::*;
use crate::certificates::{Certificates, ServerCertificate};
use crate::mesh_state::{Endpoint, HeaderLimits, NodeEndpoint, Target};
use crate::node::{NodeMetadata, TRANSPARENT_INGRESS, egress_listener, ingress_listener, load_balancer_node_id};

/// Resources of each kind in the mesh.
const NAMES: u8 = 4;
/// Variants of each resource.
const VARIANTS: u8 = 4;
/// The name of a certificate, and of an authority.
const CERTIFICATE: &str = "arn:a";

/// One change: what it is about, which one of these, and its new content; none removes it.
#[derive(Debug, Clone, Copy)]
struct Change {
    subject: Subject,
    number: u8,
    variant: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Subject {
    Mesh,
    MeshSpec,
    VirtualNode,
    /// The backends of a virtual node, and nothing else of it.
    Backends,
    VirtualService,
    VirtualRouter,
    VirtualGateway,
    ExtraListeners,
    NodeEndpoints,
    DnsEndpoints,
    Namespace,
    NamespaceService,
    Service,
    Endpoints,
    HeaderLimits,
    Certificates,
    LoadBalancer,
    TargetGroup,
    Targets,
}

const SUBJECTS: [Subject; 19] = [
    Subject::Mesh,
    Subject::MeshSpec,
    Subject::VirtualNode,
    Subject::Backends,
    Subject::VirtualService,
    Subject::VirtualRouter,
    Subject::VirtualGateway,
    Subject::ExtraListeners,
    Subject::NodeEndpoints,
    Subject::DnsEndpoints,
    Subject::Namespace,
    Subject::NamespaceService,
    Subject::Service,
    Subject::Endpoints,
    Subject::HeaderLimits,
    Subject::Certificates,
    Subject::LoadBalancer,
    Subject::TargetGroup,
    Subject::Targets,
];

fn changes() -> impl Strategy<Value = Change> {
    let variant = prop::option::weighted(0.8, 0..VARIANTS);
    (prop::sample::select(&SUBJECTS[..]), 0..NAMES, variant).prop_map(|(subject, number, variant)| Change {
        subject,
        number,
        variant,
    })
}

/// A name that DNS resolves, unless its endpoints are known; one of them never needs DNS.
fn host(number: u8) -> String {
    match number {
        3 => "localhost".to_owned(),
        _ => format!("host-{number}"),
    }
}

/// A mesh with every kind of resource. Variants differ in discovery, backends, providers, targets, weights and TLS.
fn mesh(variant: u8) -> Topology {
    let mut mesh = Assembly::new();
    let mut add = |path: String, spec: Value| {
        let resource = ResourcePath::parse(&path).expect("a path");
        mesh.add(resource, &spec, KeyCasing::Camel, &path);
    };
    let listener = |port: u16, protocol: &str| json!({"portMapping": {"port": port, "protocol": protocol}});
    let filter = ["DROP_ALL", "ALLOW_ALL"][usize::from(variant % 2)];
    add("mesh/m".to_owned(), json!({"egressFilter": {"type": filter}}));
    for number in 0..NAMES {
        let (this, next) = (number, (number + variant + 1) % NAMES);
        let discovery = match (number + variant) % 3 {
            0 => json!({"dns": {"hostname": host(this)}}),
            _ => {
                json!({"awsCloudMap": {"namespaceName": "cloud", "serviceName": format!("n{}", (this + variant) % NAMES)}})
            }
        };
        let backend = |service: u8| json!({"virtualService": {"virtualServiceName": format!("s{service}")}});
        let mut own = listener(8080 + u16::from(variant % 2), "http");
        if (number + variant) % 4 == 1 {
            own["tls"] = json!({"mode": "STRICT", "certificate": {"acm": {"certificateArn": CERTIFICATE}}});
        }
        let trust = json!({"trust": {"acm": {"certificateAuthorityArns": [CERTIFICATE]}}});
        let policy = match (number + variant) % 4 {
            3 => json!({"clientPolicy": {"tls": {"validation": trust}}}),
            _ => json!({}),
        };
        let backends: Vec<Value> = (0..=variant).map(|step| backend((number + step) % NAMES)).collect();
        add(
            format!("mesh/m/virtualNode/n{this}"),
            json!({
                "listeners": [own],
                "backendDefaults": policy,
                "serviceDiscovery": discovery,
                "backends": backends,
            }),
        );
        let provider = if (number + variant).is_multiple_of(2) {
            json!({"virtualNode": {"virtualNodeName": format!("n{next}")}})
        } else {
            json!({"virtualRouter": {"virtualRouterName": format!("r{next}")}})
        };
        add(
            format!("mesh/m/virtualService/s{this}"),
            json!({ "provider": provider }),
        );
        add(
            format!("mesh/m/virtualRouter/r{this}"),
            json!({"listeners": [listener(80, "http")]}),
        );
        let target = |node: u8, weight: u8| json!({"virtualNode": format!("n{node}"), "weight": weight});
        add(
            format!("mesh/m/virtualRouter/r{this}/route/all"),
            json!({"httpRoute": {
                "match": {"prefix": "/"},
                "action": {"weightedTargets": [target(this, 1 + variant), target(next, 3)]},
            }}),
        );
        add(
            format!("mesh/m/virtualGateway/n{this}"),
            json!({"listeners": [listener(9000, "http")]}),
        );
        let target = json!({"virtualService": {"virtualServiceName": format!("s{next}")}});
        add(
            format!("mesh/m/virtualGateway/n{this}/gatewayRoute/all"),
            json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"target": target}}}),
        );
    }
    let mut meshes = mesh.finish().unwrap_or_else(|problems| panic!("{problems}"));
    meshes.remove("m").expect("the mesh")
}

fn service(number: u8, variant: u8) -> ServiceConnectService {
    ServiceConnectService {
        discovery_name: format!("d{number}"),
        service: format!("a{}", variant % 2),
        port_name: "http".to_owned(),
        container_port: 3000,
        dns_name: format!("d{number}.ns"),
        port: 80 + u16::from(variant),
        protocol: [AppProtocol::Http, AppProtocol::Tcp][usize::from(variant / 2 % 2)],
        ingress_port_override: None,
        idle_timeout: None,
        per_request_timeout: None,
    }
}

fn task(number: u8) -> (String, Ipv4Addr) {
    (format!("task-{number}"), Ipv4Addr::new(10, 0, 0, number))
}

fn node_endpoints(variant: u8) -> Vec<NodeEndpoint> {
    let endpoint = |(id, address): (String, Ipv4Addr)| NodeEndpoint {
        id,
        addresses: vec![address.into()],
        attributes: BTreeMap::new(),
        ingress: BTreeMap::new(),
    };
    (0..variant).map(task).map(endpoint).collect()
}

/// A load balancer. Variants differ in target groups, rules and TLS.
fn load_balancer(number: u8, variant: u8) -> LoadBalancer {
    let kind = match variant {
        3 => LoadBalancerKind::Network,
        _ => LoadBalancerKind::Application,
    };
    let forward_to = |number: u8| Action::Forward(Forward::to(format!("t{}", number % NAMES)));
    let listener = |protocol, rules: Vec<Rule>| Listener {
        protocol,
        certificates: vec![CERTIFICATE.to_owned()],
        rules,
        default_action: forward_to(number),
    };
    let rule = Rule {
        name: "rule".to_owned(),
        conditions: Vec::new(),
        action: forward_to(number + variant),
    };
    let mut load_balancer = LoadBalancer::new(format!("l{number}"), kind, "l.test");
    load_balancer.listeners = match variant {
        3 => BTreeMap::from([
            (80, listener(ListenerProtocol::Tcp, Vec::new())),
            (443, listener(ListenerProtocol::Tls, Vec::new())),
        ]),
        _ => BTreeMap::from([
            (80, listener(ListenerProtocol::Http, vec![rule.clone()])),
            (443, listener(ListenerProtocol::Https, vec![rule])),
        ]),
    };
    load_balancer
}

/// A target group. Variants differ in the protocol and in stickiness.
fn target_group(number: u8, variant: u8) -> TargetGroup {
    let protocol = [TargetProtocol::Http1, TargetProtocol::Http2][usize::from(variant % 2)];
    let mut target_group = TargetGroup::new(format!("t{number}"), protocol);
    target_group.stickiness = (variant / 2 == 1).then_some(TargetStickiness {
        cookie: "AWSALB",
        duration: None,
    });
    target_group
}

fn targets(variant: u8) -> Vec<Target> {
    let target = |(id, address): (String, Ipv4Addr)| Target {
        id,
        address: SocketAddr::from((address, 8080)),
        health_check_port: None,
        is_draining: variant == 3,
    };
    (0..variant).map(task).map(target).collect()
}

fn certificates(variant: u8) -> Certificates {
    let text = |kind: &str| format!("{kind} {variant}");
    let identity = ServerCertificate {
        chain: text("chain"),
        key: text("key"),
    };
    Certificates {
        identities: BTreeMap::from([(CERTIFICATE.to_owned(), identity)]),
        authorities: BTreeMap::from([(CERTIFICATE.to_owned(), text("authority"))]),
    }
}

fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

impl Change {
    fn apply(self, state: &mut MeshState, meshes: &[Topology]) {
        let (number, from) = (self.number, self.variant.map(|variant| &meshes[usize::from(variant)]));
        let to = state.meshes.get_mut("m");
        match self.subject {
            Subject::Mesh => set(&mut state.meshes, "m".to_owned(), from.cloned()),
            Subject::MeshSpec => {
                if let (Some(mesh), Some(from)) = (to, from) {
                    mesh.mesh = from.mesh.clone();
                }
            }
            Subject::VirtualNode => {
                if let Some(mesh) = to {
                    let name = format!("n{number}");
                    let value = from.map(|from| from.virtual_nodes[&name].clone());
                    set(&mut mesh.virtual_nodes, name, value);
                }
            }
            Subject::Backends => {
                let name = format!("n{number}");
                if let Some(node) = to.and_then(|mesh| mesh.virtual_nodes.get_mut(&name)) {
                    node.backends = from
                        .map(|from| from.virtual_nodes[&name].backends.clone())
                        .unwrap_or_default();
                }
            }
            Subject::VirtualService => {
                if let Some(mesh) = to {
                    let name = format!("s{number}");
                    let value = from.map(|from| from.virtual_services[&name].clone());
                    set(&mut mesh.virtual_services, name, value);
                }
            }
            Subject::VirtualRouter => {
                if let Some(mesh) = to {
                    let name = format!("r{number}");
                    let value = from.map(|from| from.virtual_routers[&name].clone());
                    set(&mut mesh.virtual_routers, name, value);
                }
            }
            Subject::VirtualGateway => {
                if let Some(mesh) = to {
                    let name = format!("n{number}");
                    let value = from.map(|from| from.virtual_gateways[&name].clone());
                    set(&mut mesh.virtual_gateways, name, value);
                }
            }
            Subject::ExtraListeners => {
                let name = format!("n{number}");
                let listeners = from.map(|from| from.virtual_nodes[&name].listeners.clone());
                set(&mut state.extra_listeners, ("m".to_owned(), name), listeners);
            }
            Subject::NodeEndpoints => {
                let key = ("cloud".to_owned(), format!("n{number}"));
                set(&mut state.node_endpoints, key, self.variant.map(node_endpoints));
            }
            Subject::DnsEndpoints => {
                set(&mut state.dns_endpoints, host(number), self.variant.map(node_endpoints));
            }
            Subject::Namespace => {
                let services = |variant| (0..NAMES).map(move |number| service(number, variant)).collect();
                let namespace = self.variant.map(|variant| Namespace {
                    name: "ns".to_owned(),
                    services: services(variant),
                });
                set(&mut state.namespaces, "ns".to_owned(), namespace);
            }
            Subject::NamespaceService => {
                if let Some(namespace) = state.namespaces.get_mut("ns") {
                    namespace
                        .services
                        .retain(|other| other.discovery_name != format!("d{number}"));
                    namespace
                        .services
                        .extend(self.variant.map(|variant| service(number, variant)));
                }
            }
            Subject::Service => {
                let identity = ServiceIdentity {
                    cluster: "c".to_owned(),
                    service: format!("a{}", number % 2),
                };
                let namespace = self
                    .variant
                    .map(|variant| ["ns", "other"][usize::from(variant / 3)].to_owned());
                set(&mut state.services, identity, namespace);
            }
            Subject::Endpoints => {
                let endpoint = |(id, address): (String, Ipv4Addr)| Endpoint {
                    id,
                    address: SocketAddr::from((address, 15000)),
                };
                let tasks = self
                    .variant
                    .map(|variant| (0..variant).map(task).map(endpoint).collect());
                set(&mut state.endpoints, ("ns".to_owned(), format!("d{number}")), tasks);
            }
            Subject::HeaderLimits => {
                let limits = self.variant.map(|variant| HeaderLimits {
                    kib: 60 + u32::from(variant),
                    ..HeaderLimits::default()
                });
                state.header_limits = limits.unwrap_or_default();
            }
            Subject::Certificates => state.certificates = self.variant.map(certificates).unwrap_or_default(),
            Subject::LoadBalancer => {
                let number = number % 2;
                let load_balancer = self.variant.map(|variant| load_balancer(number, variant));
                set(&mut state.load_balancers, format!("l{number}"), load_balancer);
            }
            Subject::TargetGroup => {
                let target_group = self.variant.map(|variant| target_group(number, variant));
                set(&mut state.target_groups, format!("t{number}"), target_group);
            }
            Subject::Targets => set(&mut state.targets, format!("t{number}"), self.variant.map(targets)),
        }
    }
}

/// Nodes of every kind, in both traffic modes.
fn nodes() -> Vec<Node> {
    let explicit = |task: &str| NodeMetadata {
        listener_ports: BTreeMap::from([
            (egress_listener(), 15001),
            (ingress_listener("http"), 15000),
            (ingress_listener("8080"), 15002),
            (ingress_listener("9000"), 15003),
            (ingress_listener("80"), 15005),
            (ingress_listener("443"), 15006),
            ("egress-d0.ns-82".to_owned(), 15004),
        ]),
        extension: MeshwrightMetadata {
            task: Some(task.to_owned()),
            ..MeshwrightMetadata::default()
        },
    };
    let intercepted = |task: &str| NodeMetadata {
        listener_ports: BTreeMap::from([(egress_listener(), 15001), (TRANSPARENT_INGRESS.to_owned(), 15000)]),
        extension: MeshwrightMetadata {
            is_transparent_proxy: true,
            virtual_addresses: (0..3_u8)
                .map(|number| (format!("d{number}.ns"), IpAddr::from([127, 0, 1, number])))
                .collect(),
            ..explicit(task).extension
        },
    };
    let service = |name: &str| {
        let identity = ServiceIdentity {
            cluster: "c".to_owned(),
            service: name.to_owned(),
        };
        identity.node_id("local", "000000000000", "1")
    };
    let mesh_nodes = (0..NAMES).map(|number| format!("mesh/m/virtualNode/n{number}"));
    let ids = mesh_nodes.chain([
        "mesh/m/virtualGateway/n0".to_owned(),
        service("a0"),
        service("a1"),
        load_balancer_node_id("l0"),
        load_balancer_node_id("l1"),
    ]);
    ids.flat_map(|id| {
        // The last one is equal to the first but for its name.
        [explicit("1"), intercepted("2"), explicit("3")].map(|metadata| {
            let metadata = metadata.to_metadata().as_object().cloned().expect("an object");
            Node::new(&id, metadata)
        })
    })
    .collect()
}

fn outcome(configured: Result<Configured, SourceError>) -> Result<(Snapshot, Vec<String>), String> {
    let configured = configured.map_err(|error| error.to_string())?;
    Ok(((*configured.snapshot).clone(), configured.notes))
}

struct Followed {
    node: Node,
    view: NodeView,
    changes: watch::Receiver<u64>,
    last: Option<Result<(Snapshot, Vec<String>), String>>,
}

impl Followed {
    fn check(&mut self, expected: &MeshState, history: &[Vec<Change>]) {
        let now = outcome(self.view.configure());
        let from_scratch = outcome(expected.configure(&self.node));
        assert!(
            now == from_scratch,
            "{}: {now:#?}\nis not\n{from_scratch:#?}\nafter {history:#?}",
            self.node.id
        );
        let was_announced = self.changes.has_changed().expect("the view lives");
        self.changes.mark_unchanged();
        if let Some(last) = &self.last {
            assert!(
                *last == now || was_announced,
                "{} changed without an announcement after {history:#?}",
                self.node.id
            );
        }
        self.last = Some(now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn incremental_translation_equals_one_from_scratch(
        steps in prop::collection::vec((prop::collection::vec(changes(), 1..4), any::<u32>()), 1..25),
    ) {
        let meshes: Vec<Topology> = (0..VARIANTS).map(mesh).collect();
        let mut expected = MeshState::default();
        for subject in [Subject::Mesh, Subject::Namespace, Subject::Service, Subject::LoadBalancer, Subject::TargetGroup, Subject::Certificates] {
            Change { subject, number: 0, variant: Some(0) }.apply(&mut expected, &meshes);
        }
        let translations = Arc::new(Translations::new(expected.clone()));
        let mut all: Vec<Followed> = nodes()
            .into_iter()
            .map(|node| {
                let view = translations.view(&node).expect("a valid node");
                Followed { changes: view.changes(), last: None, node, view }
            })
            .collect();
        let mut history = Vec::new();
        // Some views are configured after several changes only.
        for (changes, configured) in steps {
            for change in &changes {
                change.apply(&mut expected, &meshes);
            }
            translations.update(|state| {
                for change in &changes {
                    change.apply(state, &meshes);
                }
            });
            history.push(changes);
            for (number, followed) in all.iter_mut().enumerate() {
                if configured & (1 << number) != 0 {
                    followed.check(&expected, &history);
                }
            }
        }
        for followed in &mut all {
            followed.check(&expected, &history);
        }
    }
}

/// The endpoints of a cluster change without a translation, and without a new set of any other type.
#[test]
fn endpoints_change_nothing_else() {
    let mut state = MeshState::default();
    let meshes: Vec<Topology> = (0..VARIANTS).map(mesh).collect();
    let change = |subject, number, variant| Change {
        subject,
        number,
        variant: Some(variant),
    };
    change(Subject::Mesh, 0, 0).apply(&mut state, &meshes);
    let translations = Arc::new(Translations::new(state));
    let view = |node: &str| {
        let node = Node::new(format!("mesh/m/virtualNode/{node}"), serde_json::Map::new());
        translations.view(&node).expect("a valid node")
    };
    // Variant 0: `n0` calls `n1` as `s0`, and `n2` calls none of the tasks of `n1`.
    let (concerned, other) = (view("n0"), view("n2"));
    let (mut changes, mut others) = (concerned.changes(), other.changes());
    let configured = |view: &NodeView| view.configure().expect("configured").snapshot;
    let (before, other_before) = (configured(&concerned), configured(&other));
    translations.update(|state| change(Subject::NodeEndpoints, 1, 3).apply(state, &meshes));
    assert!(changes.has_changed().expect("lives"));
    assert!(!others.has_changed().expect("lives"));
    let after = configured(&concerned);
    assert!(Arc::ptr_eq(&configured(&other), &other_before));
    let resources = |snapshot: &Snapshot, kind| -> Vec<_> { snapshot.of_type(kind).map(Arc::as_ptr).collect() };
    for kind in [ResourceType::Cluster, ResourceType::Listener, ResourceType::Route] {
        assert_eq!(resources(&before, kind), resources(&after, kind), "{kind}");
    }
    assert_ne!(before, after);
    changes.mark_unchanged();
    others.mark_unchanged();
    // The same content again is no change.
    translations.update(|state| change(Subject::NodeEndpoints, 1, 3).apply(state, &meshes));
    assert!(!changes.has_changed().expect("lives"));
}

/// The targets of a target group change without a translation; its settings and certificates with one, for the load
/// balancers that they concern.
#[test]
fn load_balancers_follow_what_they_forward_to() {
    let mut state = MeshState::default();
    let change = |subject, number, variant| Change {
        subject,
        number,
        variant: Some(variant),
    };
    let meshes: Vec<Topology> = (0..VARIANTS).map(mesh).collect();
    for number in [0, 1] {
        change(Subject::LoadBalancer, number, 0).apply(&mut state, &meshes);
        change(Subject::TargetGroup, number, 0).apply(&mut state, &meshes);
    }
    let translations = Arc::new(Translations::new(state));
    let all = nodes();
    let view = |name: &str| {
        let id = load_balancer_node_id(name);
        let node = all.iter().find(|node| node.id == id).expect("a node");
        translations.view(node).expect("a valid node")
    };
    let (concerned, other) = (view("l0"), view("l1"));
    let (mut changes, mut others) = (concerned.changes(), other.changes());
    let configured = |view: &NodeView| view.configure().expect("configured").snapshot;
    let resources = |snapshot: &Snapshot, kind| -> Vec<_> { snapshot.of_type(kind).map(Arc::as_ptr).collect() };
    let mut woken = |changed: Change| {
        translations.update(|state| changed.apply(state, &meshes));
        let woken = [&mut changes, &mut others].map(|changes| {
            let has_changed = changes.has_changed().expect("lives");
            changes.mark_unchanged();
            has_changed
        });
        (configured(&concerned), configured(&other), woken)
    };
    let before = (configured(&concerned), configured(&other));
    let (targets, unconcerned, is_woken) = woken(change(Subject::Targets, 0, 2));
    assert_eq!(is_woken, [true, false]);
    assert!(Arc::ptr_eq(&unconcerned, &before.1));
    assert_ne!(targets, before.0);
    for kind in [ResourceType::Cluster, ResourceType::Listener, ResourceType::Route] {
        assert_eq!(resources(&before.0, kind), resources(&targets, kind), "{kind}");
    }
    let (settings, unconcerned, is_woken) = woken(change(Subject::TargetGroup, 0, 1));
    assert_eq!(is_woken, [true, false]);
    assert!(Arc::ptr_eq(&unconcerned, &before.1));
    assert_ne!(
        resources(&targets, ResourceType::Cluster),
        resources(&settings, ResourceType::Cluster)
    );
    let (certificates, _, is_woken) = woken(change(Subject::Certificates, 0, 0));
    assert_eq!(is_woken, [true, true]);
    assert_ne!(certificates, settings);
}
