//! iptables rules that redirect a task's connections to its Envoy, as input of `iptables-restore`.
//!
//! They are exactly those of AWS's CNI plugins: App Mesh's from `aws-appmesh`
//! (`plugins/aws-appmesh/plugin/commands.go`) and Service Connect's in network mode `awsvpc` from
//! `ecs-serviceconnect` (`plugin/egress.go`, `ingress.go`), both of github.com/aws/amazon-vpc-cni-plugins (read
//! 2026-11-23). Task networks have IPv4 only, so there are no rules for IPv6.
//!
//! Pure.

use std::fmt::{self, Display, Write};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::addresses;
use crate::plan::Interception;

/// Limit of `iptables` for ports per rule. App Mesh's plugin drops further ones; here they get another rule.
const PORTS_PER_RULE: usize = 15;

/// The rules of one task: `iptables` arguments for the table `nat`, one rule per line. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IptablesRules(Vec<String>);

/// Service Connect in network mode `awsvpc`: redirects connections to endpoint addresses, and inbound connections to
/// the service's ports. Envoy's own connections match neither rule, so its user needs no exception.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceConnectRedirects {
    /// Envoy's port for outbound connections.
    pub(crate) egress_port: u16,
    /// Container ports and the Envoy ports that replace them.
    pub(crate) ingress: Vec<(u16, u16)>,
}

impl IptablesRules {
    /// App Mesh's rules, in the order of its plugin: redirects all outbound and inbound connections, with exceptions.
    pub(crate) fn app_mesh(interception: &Interception) -> Self {
        let mut rules = Self::default();
        if let (Some(port), false) = (interception.ingress_port, interception.app_ports.is_empty()) {
            rules.add("-N APPMESH_INGRESS");
            for ports in interception.app_ports.chunks(PORTS_PER_RULE) {
                rules.add(format_args!(
                    "-A APPMESH_INGRESS -p tcp -m multiport --dports {} -j REDIRECT --to-port {port}",
                    list(ports)
                ));
            }
            rules.add("-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j APPMESH_INGRESS");
        }
        rules.add("-N APPMESH_EGRESS");
        if let Some(uid) = interception.ignored_uid {
            rules.add(format_args!("-A APPMESH_EGRESS -m owner --uid-owner {uid} -j RETURN"));
        }
        if let Some(gid) = interception.ignored_gid {
            rules.add(format_args!("-A APPMESH_EGRESS -m owner --gid-owner {gid} -j RETURN"));
        }
        for ports in interception.ignored_ports.chunks(PORTS_PER_RULE) {
            rules.add(format_args!(
                "-A APPMESH_EGRESS -p tcp -m multiport --dports {} -j RETURN",
                list(ports)
            ));
        }
        if !interception.ignored_ips.is_empty() {
            let ips: Vec<Address> = interception.ignored_ips.iter().copied().map(Address).collect();
            rules.add(format_args!("-A APPMESH_EGRESS -p tcp -d {} -j RETURN", list(&ips)));
        }
        rules.add(format_args!(
            "-A APPMESH_EGRESS -p tcp -j REDIRECT --to {}",
            interception.egress_port
        ));
        rules.add("-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS");
        rules
    }
}

impl ServiceConnectRedirects {
    /// The rules, in the order of the plugin.
    pub(crate) fn rules(&self) -> IptablesRules {
        let mut rules = IptablesRules::default();
        rules.add(format_args!(
            "-A OUTPUT -p tcp -d {} -j REDIRECT --to-port {}",
            addresses::ENDPOINTS,
            self.egress_port
        ));
        if self.ingress.is_empty() {
            return rules;
        }
        rules.add("-N ECS_SERVICE_CONNECT_INGRESS");
        for (intercepted, listener) in &self.ingress {
            rules.add(format_args!(
                "-A ECS_SERVICE_CONNECT_INGRESS -p tcp --dport {intercepted} -j REDIRECT --to-port {listener}"
            ));
        }
        rules.add("-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j ECS_SERVICE_CONNECT_INGRESS");
        rules
    }
}

impl IptablesRules {
    fn add(&mut self, rule: impl Display) {
        self.0.push(rule.to_string());
    }

    /// Input of `iptables-restore`, or `None` without rules.
    pub(crate) fn to_restore(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("*nat\n{self}COMMIT\n"))
    }
}

impl Display for IptablesRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|rule| writeln!(f, "{rule}"))
    }
}

/// An address as written by the plugin: without a prefix length for a single address.
struct Address(Ipv4Net);

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() {
            32 => Ipv4Addr::fmt(&self.0.addr(), f),
            _ => Ipv4Net::fmt(&self.0, f),
        }
    }
}

fn list(items: &[impl Display]) -> String {
    let mut list = String::new();
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ok = write!(list, "{comma}{item}");
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual_interception() -> Interception {
        Interception {
            ignored_ports: vec![22],
            ..Interception::app_mesh_defaults([8080, 9090])
        }
    }

    #[test]
    fn app_mesh_has_the_rules_of_its_plugin_in_order() {
        let interception = Interception {
            ignored_gid: Some(1338),
            ..usual_interception()
        };
        assert_eq!(
            IptablesRules::app_mesh(&interception).to_string(),
            "\
-N APPMESH_INGRESS
-A APPMESH_INGRESS -p tcp -m multiport --dports 8080,9090 -j REDIRECT --to-port 15000
-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j APPMESH_INGRESS
-N APPMESH_EGRESS
-A APPMESH_EGRESS -m owner --uid-owner 1337 -j RETURN
-A APPMESH_EGRESS -m owner --gid-owner 1338 -j RETURN
-A APPMESH_EGRESS -p tcp -m multiport --dports 22 -j RETURN
-A APPMESH_EGRESS -p tcp -d 169.254.170.2,169.254.169.254 -j RETURN
-A APPMESH_EGRESS -p tcp -j REDIRECT --to 15001
-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS
"
        );
    }

    #[test]
    fn without_app_ports_inbound_connections_are_not_redirected() {
        let interception = Interception {
            app_ports: Vec::new(),
            ignored_ports: Vec::new(),
            ignored_ips: vec!["10.0.0.0/8".parse().expect("a network")],
            ..usual_interception()
        };
        assert_eq!(
            IptablesRules::app_mesh(&interception).to_restore().as_deref(),
            Some(
                "\
*nat
-N APPMESH_EGRESS
-A APPMESH_EGRESS -m owner --uid-owner 1337 -j RETURN
-A APPMESH_EGRESS -p tcp -d 10.0.0.0/8 -j RETURN
-A APPMESH_EGRESS -p tcp -j REDIRECT --to 15001
-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS
COMMIT
"
            )
        );
    }

    #[test]
    fn long_port_lists_are_split() {
        let interception = Interception {
            app_ports: (1..=31).collect(),
            ignored_ports: (101..=116).collect(),
            ..usual_interception()
        };
        let text = IptablesRules::app_mesh(&interception).to_string();
        let lists: Vec<&str> = text
            .lines()
            .filter_map(|rule| rule.split_once("--dports ")?.1.split(' ').next())
            .collect();
        assert_eq!(
            lists,
            [
                "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
                "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
                "31",
                "101,102,103,104,105,106,107,108,109,110,111,112,113,114,115",
                "116",
            ]
        );
    }

    #[test]
    fn service_connect_redirects_endpoint_addresses_and_service_ports() {
        let rules = ServiceConnectRedirects {
            egress_port: 33000,
            ingress: vec![(80, 34000), (8080, 34001)],
        };
        assert_eq!(
            rules.rules().to_string(),
            "\
-A OUTPUT -p tcp -d 127.255.0.0/16 -j REDIRECT --to-port 33000
-N ECS_SERVICE_CONNECT_INGRESS
-A ECS_SERVICE_CONNECT_INGRESS -p tcp --dport 80 -j REDIRECT --to-port 34000
-A ECS_SERVICE_CONNECT_INGRESS -p tcp --dport 8080 -j REDIRECT --to-port 34001
-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j ECS_SERVICE_CONNECT_INGRESS
"
        );
        let only_a_client = ServiceConnectRedirects {
            ingress: Vec::new(),
            ..rules
        };
        assert_eq!(
            only_a_client.rules().to_string(),
            "-A OUTPUT -p tcp -d 127.255.0.0/16 -j REDIRECT --to-port 33000\n"
        );
    }

    #[test]
    fn a_task_without_an_envoy_has_no_rules() {
        assert_eq!(IptablesRules::default().to_restore(), None);
    }
}
