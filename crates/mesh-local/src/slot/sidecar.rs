//! The Envoy of a task, derived from its service's namespace or mesh.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mesh_control::ServiceIdentity;
use mesh_control::node::{egress_listener, ingress_listener, load_balancer_node_id, tcp_egress_listener};
use mesh_model::app_mesh::Protocol;
use mesh_model::namespace::Namespace;
use sidecar_contract::{MeshSuffixes, environment as variables};

use super::listeners::ListenAddresses;
use crate::evaluate::{ACCOUNT, REGION};
use crate::plan::{LoadBalancerNode, MeshNode};

/// A task's Envoy, as far as it is constant across restarts.
#[derive(Debug)]
pub(super) struct Sidecar {
    /// Its node id.
    pub(super) node_id: String,
    /// Its ingress ports by name; true for TCP.
    pub(super) ingress: BTreeMap<String, bool>,
    /// Whether applications beside it, or itself, call others through it.
    pub(super) has_egress: bool,
    /// Its TCP upstreams, by name and port.
    tcp_egress: BTreeSet<(String, u16)>,
    /// The name suffixes that its applications call through it. `None` if they call nothing.
    suffixes: Option<MeshSuffixes>,
    /// The Unix socket of its secret discovery service.
    pub(super) sds: Option<PathBuf>,
    /// The address of its applications, if it is sent to the control plane.
    pub(super) app_address: Option<IpAddr>,
}

impl Sidecar {
    /// The Envoy of a Service Connect service.
    pub(super) fn of_service(service: &ServiceIdentity, namespace: &Namespace) -> Self {
        let offered = namespace.services_of(&service.service);
        let ingress = offered.map(|endpoint| (endpoint.port_name.clone(), !endpoint.protocol.is_http_family()));
        let tcp = namespace
            .services
            .iter()
            .filter(|endpoint| !endpoint.protocol.is_http_family());
        let names = namespace.services.iter().map(|endpoint| endpoint.dns_name.as_str());
        let in_namespace = MeshSuffixes::new([&namespace.name]);
        let aliases = names.filter(|name| !in_namespace.contains(name));
        Self {
            node_id: service.node_id(REGION, ACCOUNT, "local"),
            ingress: ingress.collect(),
            has_egress: true,
            tcp_egress: tcp.map(|endpoint| (endpoint.dns_name.clone(), endpoint.port)).collect(),
            suffixes: Some(MeshSuffixes::new(aliases.chain([namespace.name.as_str()]))),
            sds: None,
            app_address: None,
        }
    }

    /// The Envoy of a virtual node or a virtual gateway.
    pub(super) fn of_mesh_node(node: &MeshNode) -> Self {
        let listeners = node.listeners.iter();
        Self {
            node_id: node.path.to_string(),
            ingress: listeners
                .map(|(port, protocol)| (port.to_string(), *protocol == Protocol::Tcp))
                .collect(),
            has_egress: true,
            tcp_egress: node.tcp_backends.clone(),
            // In a mesh without virtual services they call nothing.
            suffixes: node.suffixes.clone().filter(|suffixes| !suffixes.is_empty()),
            sds: node.sds.clone(),
            // A mesh that prefers IPv6 would use `::1`, where no application listens.
            app_address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        }
    }

    /// The Envoy of a load balancer.
    pub(super) fn of_load_balancer(node: &LoadBalancerNode) -> Self {
        Self {
            node_id: load_balancer_node_id(&node.name),
            ingress: node
                .listeners
                .iter()
                .map(|(port, is_tcp)| (port.to_string(), *is_tcp))
                .collect(),
            has_egress: false,
            tcp_egress: BTreeSet::new(),
            suffixes: None,
            sds: None,
            app_address: None,
        }
    }

    /// The keys of its listeners in explicit-proxy mode.
    pub(super) fn listeners(&self) -> impl Iterator<Item = String> {
        let ingress = self.ingress.keys().map(|name| ingress_listener(name));
        let egress = self.has_egress.then(egress_listener);
        egress.into_iter().chain(ingress).chain(self.tcp_egress_listeners())
    }

    /// Whether its applications call TCP through it.
    pub(super) fn has_tcp_egress(&self) -> bool {
        !self.tcp_egress.is_empty()
    }

    /// The keys of its TCP egress listeners in explicit-proxy mode.
    pub(super) fn tcp_egress_listeners(&self) -> impl Iterator<Item = String> {
        self.tcp_egress
            .iter()
            .map(|(name, port)| tcp_egress_listener(name, *port))
    }

    /// The sidecar variables of the task's services in transparent-proxy mode.
    pub(super) fn transparent_proxy_variables(&self) -> Vec<(String, String)> {
        let Some(suffixes) = &self.suffixes else {
            return Vec::new();
        };
        vec![
            (
                variables::TRAFFIC_MODE.to_owned(),
                variables::TRANSPARENT_PROXY.to_owned(),
            ),
            (variables::SUFFIXES.to_owned(), suffixes.to_string()),
        ]
    }

    /// The sidecar variables of the task's services in explicit-proxy mode.
    pub(super) fn explicit_proxy_variables(&self, addresses: &ListenAddresses) -> Vec<(String, String)> {
        let (Some(suffixes), Some(egress)) = (&self.suffixes, addresses.listener(&egress_listener())) else {
            return Vec::new();
        };
        let mut variables = vec![
            (variables::EGRESS.to_owned(), egress.to_string()),
            (variables::SUFFIXES.to_owned(), suffixes.to_string()),
        ];
        let tcp = self.tcp_egress.iter().filter_map(|(name, port)| {
            let address: SocketAddr = addresses.listener(&tcp_egress_listener(name, *port))?;
            Some(format!("{name}:{port}={address}"))
        });
        let tcp: Vec<String> = tcp.collect();
        if !tcp.is_empty() {
            variables.push((variables::TCP_EGRESS.to_owned(), tcp.join(",")));
        }
        variables
    }
}
