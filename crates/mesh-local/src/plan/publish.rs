//! Published ports: addresses of this machine that stay while tasks are replaced.
//!
//! A published port of a service is a listener of a load balancer of its own: an application load balancer for HTTP, so that
//! clients can keep their connections while tasks are replaced, otherwise a network load balancer. Load balancers of the
//! templates have such addresses anyway; publishing chooses their port.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cfn::closest;
use mesh_model::app_mesh::{Protocol, Topology};
use mesh_model::load_balancer::{
    Action, Forward, Listener, ListenerProtocol, LoadBalancer, LoadBalancerKind, TargetGroup, TargetProtocol,
};
use mesh_model::service_connect::AppProtocol;
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::parts::{Membership, ServicePlan, TargetPlan};
use super::{Plan, load_balancer_service};

/// How long a task that is replaced keeps connections without requests. Decided here: clients connect again.
const DEREGISTRATION_DELAY: Duration = Duration::from_secs(5);

/// A port to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    /// The name of a service or of a load balancer.
    pub name: String,
    /// Its port in the template. Default: the only one.
    pub port: Option<u16>,
    /// The port of this machine. Default: any free one.
    pub local_port: Option<u16>,
}

impl Plan {
    /// Publishes ports of services, and chooses those of load balancers.
    ///
    /// # Errors
    ///
    /// If a service, load balancer or port does not exist, or a port of this machine is chosen twice.
    pub fn publish(mut self, ports: &[PublishedPort]) -> Result<Self, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        let mut chosen = BTreeSet::new();
        for published in ports {
            let path = format!("--publish {}", published.name);
            if let Some(local) = published.local_port
                && !chosen.insert(local)
            {
                diagnostics.add(&path, format!("port {local} is chosen twice"));
            } else if let Err(message) = self.publish_one(published) {
                diagnostics.add(&path, message);
            }
        }
        diagnostics.into_result(self)
    }

    fn publish_one(&mut self, published: &PublishedPort) -> Result<(), String> {
        if self.load_balancers.contains_key(&published.name) {
            return self.choose_port(published);
        }
        let names = self.services.iter().map(|service| service.name.as_str());
        let names: Vec<&str> = names.chain(self.load_balancers.keys().map(String::as_str)).collect();
        let hint = match closest(&published.name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        let service = self.services.iter_mut().find(|service| service.name == published.name);
        let service = service.ok_or_else(|| format!("is neither a service nor a load balancer; {hint}"))?;
        let port = the_port(&ports_of(service), published.port)?;
        let protocol = protocol_of(service, port, &self.meshes);
        let name = format!("published-{}-{port}", service.name);
        service.targets.push(TargetPlan {
            target_group: name.clone(),
            container_port: port,
            health_check_port: None,
        });
        let mut target_group = TargetGroup::new(&name, protocol);
        target_group.deregistration_delay = DEREGISTRATION_DELAY;
        self.target_groups.insert(name.clone(), target_group);
        let (kind, listener) = match protocol {
            TargetProtocol::Tcp => (LoadBalancerKind::Network, ListenerProtocol::Tcp),
            _ => (LoadBalancerKind::Application, ListenerProtocol::Http),
        };
        let mut load_balancer = LoadBalancer::new(&name, kind, &name);
        load_balancer.listeners.insert(
            port,
            Listener {
                protocol: listener,
                certificates: Vec::new(),
                rules: Vec::new(),
                default_action: Action::Forward(Forward::to(&name)),
            },
        );
        let mut plan = load_balancer_service(&load_balancer);
        if let Membership::LoadBalancer(node) = &mut plan.membership {
            node.local_ports.extend(published.local_port.map(|local| (port, local)));
            node.publishes = Some(published.name.clone());
        }
        self.load_balancer_services.push(plan);
        self.load_balancers.insert(name, load_balancer);
        Ok(())
    }

    /// Name of the service that a load balancer publishes.
    pub(crate) fn published_service(&self, load_balancer: &str) -> Option<String> {
        let nodes = self.load_balancer_services.iter();
        let mut nodes = nodes.filter_map(|service| match &service.membership {
            Membership::LoadBalancer(node) => Some(node),
            _ => None,
        });
        nodes.find(|node| node.name == load_balancer)?.publishes.clone()
    }

    /// Chooses the port of this machine for a listener of a load balancer.
    fn choose_port(&mut self, published: &PublishedPort) -> Result<(), String> {
        for service in &mut self.load_balancer_services {
            if let Membership::LoadBalancer(node) = &mut service.membership
                && node.name == published.name
            {
                let ports: BTreeSet<u16> = node.listeners.keys().copied().collect();
                let port = the_port(&ports, published.port)?;
                node.local_ports.extend(published.local_port.map(|local| (port, local)));
            }
        }
        Ok(())
    }
}

/// The ports that callers of a task use: those of its Envoy's listeners, or of its containers.
fn ports_of(service: &ServicePlan) -> BTreeSet<u16> {
    let containers = service.containers.iter().flat_map(|container| &container.ports);
    let containers = containers.map(|port| port.mapping.container_port);
    match &service.membership {
        Membership::Mesh(node) => {
            let listeners: BTreeSet<u16> = node.listeners.keys().copied().collect();
            if listeners.is_empty() {
                containers.collect()
            } else {
                listeners
            }
        }
        Membership::None | Membership::Namespace(_) | Membership::LoadBalancer(_) => containers.collect(),
    }
}

/// The protocol of a port that callers of a task use. TLS ends at the task.
fn protocol_of(service: &ServicePlan, port: u16, meshes: &BTreeMap<String, Topology>) -> TargetProtocol {
    if let Membership::Mesh(node) = &service.membership
        && let Some(protocol) = node.listeners.get(&port)
    {
        let listeners = meshes
            .get(&node.path.mesh)
            .map_or(&[][..], |mesh| mesh.listeners(&node.path));
        let has_tls = listeners
            .iter()
            .any(|listener| listener.port_mapping.port == port && listener.tls.is_some());
        return match protocol {
            _ if has_tls => TargetProtocol::Tcp,
            Protocol::Http => TargetProtocol::Http1,
            Protocol::Http2 => TargetProtocol::Http2,
            Protocol::Grpc => TargetProtocol::Grpc,
            Protocol::Tcp => TargetProtocol::Tcp,
        };
    }
    let containers = service.containers.iter().flat_map(|container| &container.ports);
    let mut mappings = containers.filter(|mapped| mapped.mapping.container_port == port);
    match mappings.next().map(|mapped| mapped.mapping.protocol) {
        Some(AppProtocol::Http) => TargetProtocol::Http1,
        Some(AppProtocol::Http2) => TargetProtocol::Http2,
        Some(AppProtocol::Grpc) => TargetProtocol::Grpc,
        Some(AppProtocol::Tcp) | None => TargetProtocol::Tcp,
    }
}

fn the_port(ports: &BTreeSet<u16>, wanted: Option<u16>) -> Result<u16, String> {
    let list = || ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    match (wanted, ports.len()) {
        (_, 0) => Err("has no port".to_owned()),
        (Some(port), _) if ports.contains(&port) => Ok(port),
        (Some(port), _) => Err(format!("has no port {port}; it has {}", list())),
        (None, 1) => Ok(ports.first().copied().unwrap_or_default()),
        (None, _) => Err(format!(
            "has several ports, {}; name one, as in NAME:PORT=LOCAL",
            list()
        )),
    }
}
