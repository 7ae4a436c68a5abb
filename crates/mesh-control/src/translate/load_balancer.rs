//! Translates a load balancer to the configuration of the Envoy that stands in for it.
//!
//! ```text
//!  clients ──► listener ── rules, as routes in order ──► cluster per target group ──► targets
//!              (a chain of filters for each block of source addresses that a rule names)
//! ```
//!
//! Where clients are in another network, the listener also accepts connections on a Unix socket, its entrance.
//!
//! Reading order:
//! - `routes`, with `conditions` and `redirect`: the rules of a listener;
//! - `source_addresses`: which rules hold for which clients;
//! - `manager`, with `trace_id`: the HTTP connection manager;
//! - `cluster`: target groups, their health checks and their targets;
//! - `certificate`: the TLS of listeners and to targets.

mod certificate;
mod cluster;
mod conditions;
mod manager;
mod redirect;
mod routes;
mod source_addresses;
#[cfg(test)]
mod tests;
mod trace_id;

use std::collections::{BTreeMap, BTreeSet};

use envoy_types::pb::envoy::config::core::v3::address::Address as AddressKind;
use envoy_types::pb::envoy::config::core::v3::{Address, Pipe, TrafficDirection, TransportSocket};
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener as EnvoyListener, ListenerFilter};
use envoy_types::pb::envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;
use mesh_model::load_balancer::{Action, Listener, ListenerProtocol, LoadBalancer};
use xds_server::Snapshot;

use self::manager::Manager;
use self::routes::{Ports, Routes};
use super::envoy::{any, listening};
use super::listener::Tcp;
use super::{EndpointSource, Translation};
use crate::mesh_state::MeshState;
use crate::node::{NodeMetadata, ingress_listener};

/// The configuration of the load balancer of this name. `None` if there is none.
pub(crate) fn load_balancer(state: &MeshState, name: &str, metadata: &NodeMetadata) -> Option<Translation> {
    let load_balancer = state.load_balancers.get(name)?;
    let mut node = Node {
        state,
        load_balancer,
        metadata,
        snapshot: Snapshot::new(),
        notes: Vec::new(),
        endpoints: BTreeMap::new(),
    };
    for (port, listener) in &load_balancer.listeners {
        node.add_listener(*port, listener);
    }
    let target_groups: BTreeSet<&str> = load_balancer.target_groups().collect();
    for target_group in target_groups {
        node.add_target_group(target_group);
    }
    Some(Translation {
        snapshot: node.snapshot,
        notes: node.notes,
        endpoints: node.endpoints,
    })
}

/// The targets of a target group as endpoints of its cluster. `None` if there is no such target group.
pub(super) fn load_assignment(state: &MeshState, target_group: &str) -> Option<ClusterLoadAssignment> {
    let targets = state.targets.get(target_group).map_or(&[][..], Vec::as_slice);
    let target_group = state.target_groups.get(target_group)?;
    Some(cluster::endpoints(target_group, targets))
}

/// The translation of a load balancer.
struct Node<'a> {
    state: &'a MeshState,
    load_balancer: &'a LoadBalancer,
    metadata: &'a NodeMetadata,
    snapshot: Snapshot,
    notes: Vec<String>,
    endpoints: BTreeMap<String, EndpointSource>,
}

/// Where a listener accepts connections.
struct At<'a> {
    /// Its name, and the prefix of the names of its route configurations.
    name: String,
    /// The socket.
    address: Address,
    /// Whether the connections begin with the PROXY protocol.
    has_proxy_protocol: bool,
    /// The ports that its clients see.
    ports: Ports<'a>,
}

impl<'a> Node<'a> {
    fn add_listener(&mut self, port: u16, listener: &Listener) {
        let socket = if listener.has_tls() {
            match certificate::of_listener(listener, &self.state.certificates) {
                Ok(socket) => Some(socket),
                Err(missing) => {
                    self.notes.push(format!(
                        "port {port} is not served: there is no certificate for {missing}"
                    ));
                    return;
                }
            }
        } else {
            None
        };
        let wired = ingress_listener(&port.to_string());
        let Some(own) = self.metadata.listener_ports.get(&wired).copied() else {
            self.notes.push(format!(
                "port {port} is not served: the node metadata have no port for `{wired}`"
            ));
            return;
        };
        let metadata = self.metadata;
        let own = At {
            name: format!("listener/{port}"),
            address: listening(metadata.extension.ingress_address, own),
            has_proxy_protocol: false,
            ports: Ports::of_listeners(&metadata.listener_ports),
        };
        let entrance = metadata.extension.entrances.get(&port).map(|entrance| At {
            name: format!("entrance/{port}"),
            address: pipe(&entrance.socket),
            has_proxy_protocol: true,
            ports: Ports::of_entrances(&metadata.extension.entrances),
        });
        for at in [own].into_iter().chain(entrance) {
            self.add_listener_at(port, listener, socket.as_ref(), at);
        }
    }

    fn add_listener_at(&mut self, port: u16, listener: &Listener, socket: Option<&TransportSocket>, at: At<'a>) {
        let mut chains = Vec::new();
        for clients in source_addresses::partition(&listener.rules) {
            let filter = if is_http(listener) {
                self.http_filter(port, listener, &clients, &at)
            } else {
                self.tcp_filter(listener, &at.name)
            };
            chains.push(FilterChain {
                filter_chain_match: clients.filter_chain_match(),
                filters: filter.into_iter().collect(),
                transport_socket: socket.cloned(),
                ..Default::default()
            });
        }
        let proxy_protocol = at.has_proxy_protocol.then(|| ListenerFilter {
            name: "envoy.filters.listener.proxy_protocol".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&ProxyProtocol::default()))),
            ..Default::default()
        });
        let listener = EnvoyListener {
            name: at.name,
            address: Some(at.address),
            traffic_direction: TrafficDirection::Inbound.into(),
            listener_filters: proxy_protocol.into_iter().collect(),
            filter_chains: chains,
            ..Default::default()
        };
        self.snapshot = std::mem::take(&mut self.snapshot).with_listener(&listener);
    }

    fn http_filter(
        &mut self,
        port: u16,
        listener: &Listener,
        clients: &source_addresses::Clients,
        at: &At<'_>,
    ) -> Option<Filter> {
        let name = clients.route_configuration(&at.name);
        let mut routes = Routes {
            state: self.state,
            load_balancer: self.load_balancer,
            ports: &at.ports,
            notes: &mut self.notes,
        };
        let configuration = routes.configuration(&name, port, listener, clients);
        let has_cookies = routes.has_stickiness(listener);
        self.snapshot = std::mem::take(&mut self.snapshot).with_routes(&configuration);
        let manager = Manager {
            stat_prefix: at.name.replace('/', "."),
            routes: name,
            load_balancer: self.load_balancer,
            has_cookies,
        };
        Some(manager.filter(&self.metadata.extension))
    }

    /// Network load balancers have a default action alone: to forward.
    fn tcp_filter(&mut self, listener: &Listener, name: &str) -> Option<Filter> {
        let Action::Forward(forward) = &listener.default_action else {
            self.notes.push(format!("{name} forwards nothing"));
            return None;
        };
        let Some(to) = cluster::for_tcp(forward) else {
            self.notes
                .push(format!("{name} forwards nothing: its target groups have no weight"));
            return None;
        };
        let tcp = Tcp {
            stat_prefix: name.replace('/', "."),
            to,
            idle_timeout: Some(self.load_balancer.idle_timeout),
            attempts: 1,
            access_logs: Vec::new(),
        };
        Some(tcp.filter())
    }

    fn add_target_group(&mut self, name: &str) {
        let target_group = self.state.target_groups.get(name);
        let (Some(target_group), Some(endpoints)) = (target_group, load_assignment(self.state, name)) else {
            self.notes
                .push(format!("target group `{name}` does not exist, and has no targets"));
            let cluster = cluster::without_targets(name);
            self.snapshot = std::mem::take(&mut self.snapshot).with_cluster(&cluster);
            return;
        };
        let cluster = cluster::of_target_group(target_group, self.load_balancer);
        let source = EndpointSource::TargetGroup(name.to_owned());
        self.endpoints.insert(cluster.name.clone(), source);
        self.snapshot = std::mem::take(&mut self.snapshot)
            .with_cluster(&cluster)
            .with_endpoints(&endpoints);
    }
}

fn pipe(path: &str) -> Address {
    Address {
        address: Some(AddressKind::Pipe(Pipe {
            path: path.to_owned(),
            // Private to this user, who connects to it.
            mode: 0o600,
        })),
    }
}

fn is_http(listener: &Listener) -> bool {
    matches!(listener.protocol, ListenerProtocol::Http | ListenerProtocol::Https)
}
