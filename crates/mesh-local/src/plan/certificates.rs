//! The certificates and trusted authorities that meshes and load balancers name. Pure.
//!
//! The names in a certificate are those by which its server is called, and those that its peers expect: a certificate that
//! is made for development must pass the checks that the templates ask for, and no others.

use std::collections::{BTreeMap, BTreeSet};

use mesh_model::app_mesh::client_policy::BackendDefaults;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::tls::{
    ClientPolicyTls, ClientTlsCertificate, ClientTlsTrust, ListenerTls, ListenerTlsCertificate, ListenerTlsTrust,
    SubjectAlternativeNames, TlsMode,
};
use mesh_model::app_mesh::virtual_node::{Backend, ServiceDiscovery};
use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{GatewayRouteSpec, Kind, ResourcePath, RouteSpec, Topology, VirtualNodeSpec};
use mesh_model::load_balancer::{Condition, LoadBalancer, Pattern};

/// What a template names a certificate or an authority by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// An ARN: AWS keeps the key.
    Arn,
    /// The path of a file, which this machine may have.
    File,
}

/// A certificate that something serves or presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateUse {
    pub(crate) source: Source,
    /// The names that it needs.
    pub(crate) host_names: BTreeSet<String>,
    /// What has it, for messages.
    pub(crate) owner: String,
}

/// The certificates and authorities of a plan, by ARN or path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CertificateUses {
    pub(crate) certificates: BTreeMap<String, CertificateUse>,
    pub(crate) authorities: BTreeMap<String, Source>,
}

impl CertificateUses {
    /// Those of meshes and load balancers. `names` has the names in certificates of the templates, by ARN.
    pub(super) fn new<'p>(
        meshes: impl IntoIterator<Item = &'p Topology>,
        load_balancers: impl IntoIterator<Item = &'p LoadBalancer>,
        names: &BTreeMap<String, BTreeSet<String>>,
    ) -> Self {
        let mut uses = Self::default();
        for mesh in meshes {
            uses.add_mesh(mesh);
        }
        for load_balancer in load_balancers {
            uses.add_load_balancer(load_balancer);
        }
        for (arn, certificate) in &mut uses.certificates {
            certificate
                .host_names
                .extend(names.get(arn).into_iter().flatten().cloned());
        }
        uses
    }

    fn add_load_balancer(&mut self, load_balancer: &LoadBalancer) {
        for (port, listener) in &load_balancer.listeners {
            let conditions = listener.rules.iter().flat_map(|rule| &rule.conditions);
            let hosts = conditions.filter_map(|condition| match condition {
                Condition::Host(patterns) => Some(patterns),
                _ => None,
            });
            let hosts = hosts.flatten().filter_map(|pattern| match pattern {
                Pattern::Wildcard(host) if is_certifiable(host) => Some(host.to_ascii_lowercase()),
                Pattern::Wildcard(_) | Pattern::Regex(_) => None,
            });
            let host_names: BTreeSet<String> = hosts.chain(load_balancer.host_names().cloned()).collect();
            for arn in &listener.certificates {
                let owner = format!("load balancer {}, port {port}", load_balancer.name);
                self.add_certificate(arn, Source::Arn, owner, host_names.clone());
            }
        }
    }

    fn add_mesh(&mut self, mesh: &Topology) {
        let calls = calls(mesh);
        for (name, node) in &mesh.virtual_nodes {
            let path = ResourcePath::new(&mesh.name, Kind::VirtualNode, name);
            let mut host_names = host_names(mesh, name, node);
            let callers = calls.iter().filter(|call| call.targets.contains(name.as_str()));
            host_names
                .extend(callers.flat_map(|call| expected(call.policy.validation.subject_alternative_names.as_ref())));
            self.add_listeners(&path, &node.listeners, &host_names);
        }
        for (name, gateway) in &mesh.virtual_gateways {
            let path = ResourcePath::new(&mesh.name, Kind::VirtualGateway, name);
            let routes = gateway.gateway_routes.values().filter_map(GatewayRouteSpec::target);
            let services = routes.map(|target| target.virtual_service.virtual_service_name.clone());
            self.add_listeners(
                &path,
                &gateway.spec.listeners,
                &services.chain([name.clone()]).collect(),
            );
        }
        for call in &calls {
            self.add_call(mesh, call);
        }
    }

    fn add_listeners(&mut self, path: &ResourcePath, listeners: &[Listener], host_names: &BTreeSet<String>) {
        let secured = listeners.iter().filter_map(|listener| listener.tls.as_ref());
        for ListenerTls {
            certificate,
            validation,
            ..
        } in secured.filter(|tls| tls.mode != TlsMode::Disabled)
        {
            let owner = path.to_string();
            let host_names = host_names.clone();
            match certificate {
                ListenerTlsCertificate::Acm(acm) => {
                    self.add_certificate(&acm.certificate_arn, Source::Arn, owner.clone(), host_names);
                }
                ListenerTlsCertificate::File(files) => {
                    self.add_certificate(&files.certificate_chain, Source::File, owner.clone(), host_names);
                }
                ListenerTlsCertificate::Sds(_) => {}
            }
            if let Some(ListenerTlsTrust::File(file)) = validation.as_ref().map(|validation| &validation.trust) {
                self.add_authority(&file.certificate_chain, Source::File);
            }
        }
    }

    fn add_call(&mut self, mesh: &Topology, call: &Call<'_>) {
        let owner = call.caller.to_string();
        match &call.policy.validation.trust {
            ClientTlsTrust::Acm(acm) => {
                for arn in &acm.certificate_authority_arns {
                    self.add_authority(arn, Source::Arn);
                }
            }
            ClientTlsTrust::File(file) => self.add_authority(&file.certificate_chain, Source::File),
            ClientTlsTrust::Sds(_) => {}
        }
        if let Some(ClientTlsCertificate::File(files)) = &call.policy.certificate {
            let node = mesh.virtual_nodes.get(&call.caller.name);
            let own = node.filter(|_| call.caller.kind == Kind::VirtualNode);
            let mut names = own.map_or_else(
                || BTreeSet::from([call.caller.name.clone()]),
                |node| host_names(mesh, &call.caller.name, node),
            );
            let targets = call.targets.iter().filter_map(|target| mesh.virtual_nodes.get(*target));
            let listeners = targets.flat_map(|node| &node.listeners);
            let validations = listeners.filter_map(|listener| listener.tls.as_ref()?.validation.as_ref());
            names.extend(validations.flat_map(|validation| expected(validation.subject_alternative_names.as_ref())));
            self.add_certificate(&files.certificate_chain, Source::File, owner, names);
        }
    }

    fn add_certificate(&mut self, name: &str, source: Source, owner: String, host_names: BTreeSet<String>) {
        let known = self.certificates.entry(name.to_owned()).or_insert(CertificateUse {
            source,
            host_names: BTreeSet::new(),
            owner,
        });
        known.host_names.extend(host_names);
    }

    fn add_authority(&mut self, name: &str, source: Source) {
        self.authorities.entry(name.to_owned()).or_insert(source);
    }
}

/// Calls of a virtual node or gateway under one client policy, and the virtual nodes that they reach.
struct Call<'m> {
    caller: ResourcePath,
    policy: &'m ClientPolicyTls,
    targets: BTreeSet<&'m str>,
}

fn calls(mesh: &Topology) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    for (name, node) in &mesh.virtual_nodes {
        for Backend::VirtualService(backend) in &node.backends {
            let own = backend.client_policy.as_ref().and_then(|policy| policy.tls.as_ref());
            if let Some(policy) = own.or_else(|| default_policy(node.backend_defaults.as_ref())) {
                calls.push(Call {
                    caller: ResourcePath::new(&mesh.name, Kind::VirtualNode, name),
                    policy,
                    targets: nodes_of(mesh, &backend.virtual_service_name),
                });
            }
        }
    }
    for (name, gateway) in &mesh.virtual_gateways {
        if let Some(policy) = default_policy(gateway.spec.backend_defaults.as_ref()) {
            let routes = gateway.gateway_routes.values().filter_map(GatewayRouteSpec::target);
            let targets = routes.flat_map(|target| nodes_of(mesh, &target.virtual_service.virtual_service_name));
            calls.push(Call {
                caller: ResourcePath::new(&mesh.name, Kind::VirtualGateway, name),
                policy,
                targets: targets.collect(),
            });
        }
    }
    calls
}

fn default_policy(defaults: Option<&BackendDefaults>) -> Option<&ClientPolicyTls> {
    defaults?.client_policy.as_ref()?.tls.as_ref()
}

/// The virtual nodes behind a virtual service.
fn nodes_of<'m>(mesh: &'m Topology, service: &str) -> BTreeSet<&'m str> {
    let provider = mesh
        .virtual_services
        .get(service)
        .and_then(|spec| spec.provider.as_ref());
    match provider {
        None => BTreeSet::new(),
        Some(VirtualServiceProvider::VirtualNode(node)) => BTreeSet::from([node.virtual_node_name.as_str()]),
        Some(VirtualServiceProvider::VirtualRouter(router)) => {
            let router = mesh.virtual_routers.get(&router.virtual_router_name);
            let routes = router.into_iter().flat_map(|router| router.routes.values());
            let targets = routes.flat_map(RouteSpec::targets);
            targets.map(|target| target.virtual_node.as_str()).collect()
        }
    }
}

/// The names by which a virtual node is called: that of its service discovery, and those of its virtual services.
fn host_names(mesh: &Topology, name: &str, node: &VirtualNodeSpec) -> BTreeSet<String> {
    let discovery = match &node.service_discovery {
        Some(ServiceDiscovery::Dns(dns)) => Some(dns.hostname.clone()),
        Some(ServiceDiscovery::AwsCloudMap(cloud_map)) => {
            Some(format!("{}.{}", cloud_map.service_name, cloud_map.namespace_name))
        }
        None => None,
    };
    let services = mesh.virtual_services.keys();
    let own = services
        .filter(|service| nodes_of(mesh, service).contains(name))
        .cloned();
    discovery.into_iter().chain(own).collect()
}

fn expected(names: Option<&SubjectAlternativeNames>) -> impl Iterator<Item = String> {
    names.into_iter().flat_map(|names| names.matching.exact.iter().cloned())
}

/// Whether a certificate can have this pattern of hosts: a wildcard stands for the first label alone.
fn is_certifiable(host: &str) -> bool {
    let rest = host.strip_prefix("*.").unwrap_or(host);
    !rest.contains(['*', '?'])
}
