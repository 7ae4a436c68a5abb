//! The virtual hosts of a listener: which Host means which port of which virtual service.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::route::v3::{Route, VirtualHost};

use super::member::Member;
use super::service::{ServicePort, is_http_family};

/// The virtual hosts of one listener. Envoy refuses all of them if two have a domain in common.
#[derive(Default)]
pub(super) struct Hosts {
    pub(super) hosts: Vec<VirtualHost>,
    taken: BTreeSet<String>,
}

impl Hosts {
    pub(super) fn add(&mut self, member: &mut Member<'_>, name: &str, domains: &[String], routes: Vec<Route>) {
        let mut free = Vec::new();
        for domain in domains {
            if domain.contains('*') {
                member.note(format!("`{domain}` cannot be called: no host is called so"));
            } else if self.taken.insert(domain.to_ascii_lowercase()) {
                free.push(domain.clone());
            } else {
                member.note(format!("`{domain}` is the name of two backends; the first has it"));
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
}

/// The port that goes without saying: 80, as in all of HTTP, or the only one there is. In intercepted wiring the port
/// is known from the connection; here the host is all there is.
pub(super) fn default_port(ports: &[ServicePort<'_>]) -> Option<u16> {
    let http: Vec<u16> = ports
        .iter()
        .filter(|port| is_http_family(port.protocol))
        .map(|port| port.port)
        .collect();
    match http.as_slice() {
        [only] => Some(*only),
        several => several.iter().copied().find(|port| *port == 80),
    }
}
