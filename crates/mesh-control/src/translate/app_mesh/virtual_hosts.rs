//! The virtual hosts of a listener: the Host header selects a port of a virtual service.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::route::v3::{Route, VirtualHost};

use sidecar_contract::local_reply;

use super::context::NodeContext;
use super::virtual_service::{ServicePort, is_http_family};

/// The virtual hosts of one listener. Envoy rejects all of them if two have a domain in common.
#[derive(Default)]
pub(super) struct VirtualHosts {
    pub(super) hosts: Vec<VirtualHost>,
    taken: BTreeSet<String>,
}

impl VirtualHosts {
    pub(super) fn add(&mut self, context: &mut NodeContext<'_>, name: &str, domains: &[String], routes: Vec<Route>) {
        let mut free = Vec::new();
        for domain in domains {
            if domain.contains('*') {
                context.note(format!("`{domain}` cannot be called: it is not a host name"));
            } else if self.taken.insert(domain.to_ascii_lowercase()) {
                free.push(domain.clone());
            } else {
                context.note(format!("`{domain}` is the name of two backends; the first one is used"));
            }
        }
        if !free.is_empty() {
            self.hosts.push(VirtualHost {
                name: name.to_owned(),
                domains: free,
                routes,
                ..Default::default()
            });
        }
    }

    /// Adds routes to the application beside the Envoy, for those domains that no backend has. Headers of local replies
    /// are removed from its responses.
    pub(super) fn add_application(&mut self, name: &str, domains: &[String], routes: Vec<Route>) {
        let domains = domains.iter().filter(|domain| !domain.contains('*'));
        let free: Vec<String> = domains
            .filter(|domain| self.taken.insert(domain.to_ascii_lowercase()))
            .cloned()
            .collect();
        if !free.is_empty() {
            self.hosts.push(VirtualHost {
                name: name.to_owned(),
                domains: free,
                routes,
                response_headers_to_remove: vec![local_reply::HEADER.to_owned()],
                ..Default::default()
            });
        }
    }
}

/// The default port: 80, as in all of HTTP, or the only one. A transparent proxy knows the port from the connection;
/// here there is only the host.
pub(super) fn default_port(ports: &[ServicePort<'_>]) -> Option<u16> {
    let http: Vec<u16> = ports
        .iter()
        .filter(|port| is_http_family(port.protocol))
        .map(|port| port.port)
        .collect();
    default_of(&http)
}

/// The default port among these.
pub(super) fn default_of(http: &[u16]) -> Option<u16> {
    match http {
        [only] => Some(*only),
        several => several.iter().copied().find(|port| *port == 80),
    }
}
