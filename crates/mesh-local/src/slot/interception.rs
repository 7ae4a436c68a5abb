//! Where the Envoy of a task with a network of its own listens, and which connections are led to it.

use std::collections::BTreeMap;

use mesh_control::node::{EGRESS_PORT, TRANSPARENT_INGRESS, egress_listener, ingress_listener};
use mesh_model::app_mesh::Kind;
use mesh_model::namespace::Namespace;

use crate::network::{BRIDGE, ENVOY, IptablesRules, ServiceConnectRedirects, User};
use crate::plan::{Interception, Membership, MeshNode, ServicePlan};

/// Where Service Connect's Envoys listen here. ECS picks ports from 32768 on, and the kernel gives a task's own calls
/// ports from there, too: Envoy has its own before any of them is made.
const CONNECT_EGRESS: u16 = 33000;
const CONNECT_INGRESS: u16 = 34000;

/// Where one Envoy listens, and which connections are led to it.
#[derive(Debug)]
pub(super) struct InterceptionSetup {
    /// The ports of its listeners, by the names that the control plane knows.
    pub(super) listeners: BTreeMap<String, u16>,
    /// The ports at which others call, by port name.
    pub(super) ingress: BTreeMap<String, u16>,
    /// Whether the task's own calls are led to it, rather than made to it.
    pub(super) is_intercepted: bool,
    /// The mesh whose virtual services the task calls, if it is a virtual node of one.
    pub(super) mesh: Option<String>,
    pub(super) rules: IptablesRules,
    /// Whom it runs as.
    pub(super) user: User,
}

impl InterceptionSetup {
    /// That of a service's tasks, if they have an Envoy. `namespace` is the one they take part in.
    pub(super) fn of(plan: &ServicePlan, namespace: Option<&Namespace>) -> Option<Self> {
        match &plan.membership {
            Membership::Mesh(member) => Some(Self::of_member(member)),
            Membership::Namespace(_) => namespace.map(|namespace| Self::of_service(&plan.name, namespace)),
            Membership::None => None,
        }
    }

    /// In Service Connect: what goes to an endpoint's address, and what comes to the ports that are offered.
    fn of_service(service: &str, namespace: &Namespace) -> Self {
        // Two endpoints may stand for one port. It has one listener.
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
            is_intercepted: true,
            mesh: None,
            rules: rules.rules(),
            user: ENVOY,
            ingress,
        }
    }

    /// In a mesh of App Mesh: everything, if it is a virtual node; and nothing, if it is a virtual gateway, which
    /// listens where it is called.
    fn of_member(member: &MeshNode) -> Self {
        let ports = || member.listeners.keys().copied();
        let ingress = ports().map(|port| (port.to_string(), port)).collect();
        if member.path.kind == Kind::VirtualGateway {
            let listeners = ports().map(|port| (ingress_listener(&port.to_string()), port));
            return Self {
                listeners: listeners.chain([(egress_listener(), EGRESS_PORT)]).collect(),
                ingress,
                is_intercepted: false,
                mesh: None,
                rules: IptablesRules::default(),
                user: ENVOY,
            };
        }
        let usual = || Interception::usual(ports());
        let mut interception = member.interception.clone().unwrap_or_else(usual);
        // What the runner itself has for applications is no member of the mesh, which would drop the calls.
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
            is_intercepted: true,
            mesh: Some(member.path.mesh.clone()),
            rules: IptablesRules::app_mesh(&interception),
            user: User {
                id: interception.ignored_uid.unwrap_or(ENVOY.id),
                group: interception.ignored_gid.unwrap_or(ENVOY.group),
            },
        }
    }
}
