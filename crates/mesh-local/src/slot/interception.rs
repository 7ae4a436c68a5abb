//! Envoy listeners and traffic interception of a task in a network namespace.

use std::collections::BTreeMap;

use mesh_control::node::{EGRESS_PORT, TRANSPARENT_INGRESS, egress_listener, ingress_listener};
use mesh_model::app_mesh::Kind;
use mesh_model::namespace::Namespace;

use crate::network::{BRIDGE, ENVOY, IptablesRules, ServiceConnectRedirects, User};
use crate::plan::{Interception, LoadBalancerNode, Membership, MeshNode, ServicePlan};

/// Service Connect's Envoy listeners. ECS picks ports from 32768, which are also ephemeral ports; Envoy binds its own
/// before the task makes any call.
const CONNECT_EGRESS: u16 = 33000;
const CONNECT_INGRESS: u16 = 34000;

/// Listeners and interception rules of one Envoy.
#[derive(Debug)]
pub(super) struct InterceptionSetup {
    /// The ports of its listeners, by listener key.
    pub(super) listeners: BTreeMap<String, u16>,
    /// The ports that other tasks call, by port name.
    pub(super) ingress: BTreeMap<String, u16>,
    /// Whether the task's own calls are intercepted, rather than sent to Envoy explicitly.
    pub(super) is_transparent_proxy: bool,
    /// The mesh whose virtual services the task calls, and its virtual node, if it is one.
    pub(super) node: Option<(String, String)>,
    pub(super) rules: IptablesRules,
    /// Envoy's user.
    pub(super) user: User,
}

impl InterceptionSetup {
    /// The setup of a service's tasks, if they have an Envoy. `namespace` is their Service Connect namespace.
    pub(super) fn of(plan: &ServicePlan, namespace: Option<&Namespace>) -> Option<Self> {
        match &plan.membership {
            Membership::Mesh(node) => Some(Self::of_mesh_node(node)),
            Membership::Namespace(_) => namespace.map(|namespace| Self::of_service(&plan.name, namespace)),
            Membership::LoadBalancer(node) => Some(Self::of_load_balancer(node)),
            Membership::None => None,
        }
    }

    /// A load balancer: it listens on its own ports and intercepts nothing. No rule has to tell its Envoy's connections from
    /// others, so the Envoy runs as the user who may bind ports below 1024.
    fn of_load_balancer(node: &LoadBalancerNode) -> Self {
        let ports = || node.listeners.keys().copied();
        Self {
            listeners: ports()
                .map(|port| (ingress_listener(&port.to_string()), port))
                .collect(),
            ingress: ports().map(|port| (port.to_string(), port)).collect(),
            is_transparent_proxy: false,
            node: None,
            rules: IptablesRules::default(),
            user: User { id: 0, group: 0 },
        }
    }

    /// Service Connect: intercepts calls to endpoint addresses, and inbound connections to the service's ports.
    fn of_service(service: &str, namespace: &Namespace) -> Self {
        // Two endpoints may share a container port, which has a single listener.
        let offered = namespace.services_of(service);
        let ingress: BTreeMap<String, u16> = offered
            .map(|endpoint| (endpoint.port_name.clone(), endpoint.container_port))
            .collect();
        let listening: Vec<(&String, u16, u16)> = ingress
            .iter()
            .zip(CONNECT_INGRESS..)
            .map(|((name, container_port), listener)| (name, *container_port, listener))
            .collect();
        let rules = ServiceConnectRedirects {
            egress_port: CONNECT_EGRESS,
            ingress: listening.iter().map(|(_, from, to)| (*from, *to)).collect(),
        };
        let listeners = listening.iter().map(|(name, _, port)| (ingress_listener(name), *port));
        Self {
            listeners: listeners.chain([(egress_listener(), CONNECT_EGRESS)]).collect(),
            is_transparent_proxy: true,
            node: None,
            rules: rules.rules(),
            user: ENVOY,
            ingress,
        }
    }

    /// App Mesh: intercepts all traffic of a virtual node, and none of a virtual gateway, whose listeners have the
    /// called ports.
    fn of_mesh_node(node: &MeshNode) -> Self {
        let ports = || node.listeners.keys().copied();
        let ingress = ports().map(|port| (port.to_string(), port)).collect();
        if node.path.kind == Kind::VirtualGateway {
            let listeners = ports().map(|port| (ingress_listener(&port.to_string()), port));
            return Self {
                listeners: listeners.chain([(egress_listener(), EGRESS_PORT)]).collect(),
                ingress,
                is_transparent_proxy: false,
                node: None,
                rules: IptablesRules::default(),
                user: ENVOY,
            };
        }
        let defaults = || Interception::app_mesh_defaults(ports());
        let mut interception = node.interception.clone().unwrap_or_else(defaults);
        // The runner's own servers are outside the mesh, which would drop these calls.
        interception.ignored_ips.push(BRIDGE.into());
        let incoming = interception
            .ingress_port
            .map(|port| (TRANSPARENT_INGRESS.to_owned(), port));
        Self {
            listeners: incoming
                .into_iter()
                .chain([(egress_listener(), interception.egress_port)])
                .collect(),
            ingress,
            is_transparent_proxy: true,
            node: Some((node.path.mesh.clone(), node.path.name.clone())),
            rules: IptablesRules::app_mesh(&interception),
            user: User {
                id: interception.ignored_uid.unwrap_or(ENVOY.id),
                group: interception.ignored_gid.unwrap_or(ENVOY.group),
            },
        }
    }
}
