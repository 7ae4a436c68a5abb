//! Traffic interception of a task definition: `ProxyConfigurationProperties`.
//!
//! Property names and semantics: Amazon ECS API reference, `ProxyConfiguration` (read 2026-11-23).

use std::net::{AddrParseError, IpAddr, Ipv4Addr};
use std::num::NonZero;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use mesh_control::node::{EGRESS_PORT, INGRESS_PORT};
use mesh_infra::cfn::ecs;
use sidecar_contract::Diagnostics;

use super::report;
use super::values::known;

/// The endpoints of task credentials (`169.254.170.2`) and instance metadata (`169.254.169.254`) on AWS, which App
/// Mesh's guides exclude from interception.
const LINK_LOCAL: [Ipv4Addr; 2] = [Ipv4Addr::new(169, 254, 170, 2), Ipv4Addr::new(169, 254, 169, 254)];
/// Envoy's user in App Mesh's guides.
const ENVOY_USER: u32 = 1337;

/// The connections of a task that are redirected to its Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interception {
    /// Its path in the template.
    pub path: String,
    /// The user whose connections are not redirected: Envoy's own.
    pub ignored_uid: Option<u32>,
    /// The group whose connections are not redirected: Envoy's own.
    pub ignored_gid: Option<u32>,
    /// Envoy's port for inbound connections. `None`: inbound connections are not redirected.
    pub ingress_port: Option<u16>,
    /// Envoy's port for outbound connections. Default, decided by App Mesh: 15001.
    pub egress_port: u16,
    /// The application ports whose inbound connections are redirected.
    pub app_ports: Vec<u16>,
    /// Destination ports whose outbound connections are not redirected.
    pub ignored_ports: Vec<u16>,
    /// IPv4 destinations whose outbound connections are not redirected.
    pub ignored_ips: Vec<Ipv4Net>,
}

impl Interception {
    /// The settings of App Mesh's guides for applications on these ports.
    #[must_use]
    pub fn app_mesh_defaults(app_ports: impl IntoIterator<Item = u16>) -> Self {
        Self {
            ignored_uid: Some(ENVOY_USER),
            ingress_port: Some(INGRESS_PORT),
            app_ports: app_ports.into_iter().collect(),
            ignored_ips: LINK_LOCAL.map(Ipv4Net::from).into(),
            ..Self::empty(String::new())
        }
    }

    fn empty(path: String) -> Self {
        Self {
            path,
            ignored_uid: None,
            ignored_gid: None,
            ingress_port: None,
            egress_port: EGRESS_PORT,
            app_ports: Vec::new(),
            ignored_ports: Vec::new(),
            ignored_ips: Vec::new(),
        }
    }
}

/// Reads the proxy configuration of a task definition with properties at `path`. `None` if it has none.
pub(super) fn read(
    definition: &ecs::TaskDefinition,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Interception> {
    let proxy = definition.proxy_configuration.as_ref()?;
    let path = format!("{path}.ProxyConfiguration.ProxyConfigurationProperties");
    let properties = &proxy.proxy_configuration_properties;
    if properties.is_empty() {
        return None;
    }
    let mut read = Interception::empty(path.clone());
    for (index, property) in properties.iter().enumerate() {
        let (Some(name), Some(value)) = (known(&property.name), known(&property.value)) else {
            continue;
        };
        // ECS ignores empty values.
        if value.trim().is_empty() {
            continue;
        }
        let path = format!("{path}[{index}].Value");
        let mut reader = PropertyValue {
            path: &path,
            value: &value,
            diagnostics,
        };
        match name.as_str() {
            "IgnoredUID" => read.ignored_uid = reader.parse("a numeric user id"),
            "IgnoredGID" => read.ignored_gid = reader.parse("a numeric group id"),
            "ProxyIngressPort" => read.ingress_port = reader.port(),
            "ProxyEgressPort" => read.egress_port = reader.port().unwrap_or(read.egress_port),
            "AppPorts" => read.app_ports = reader.ports(),
            "EgressIgnoredPorts" => read.ignored_ports = reader.ports(),
            "EgressIgnoredIPs" => read.ignored_ips = reader.ips(),
            other => {
                let message = format!(
                    "is `{other}`; allowed are IgnoredUID, IgnoredGID, ProxyIngressPort, ProxyEgressPort, AppPorts, \
                     EgressIgnoredPorts and EgressIgnoredIPs"
                );
                report(diagnostics, path.replace(".Value", ".Name"), message);
            }
        }
    }
    Some(read)
}

/// The text value of a property.
struct PropertyValue<'a> {
    path: &'a str,
    value: &'a str,
    diagnostics: &'a mut Diagnostics,
}

impl PropertyValue<'_> {
    fn parse<T: FromStr>(&mut self, expected: &str) -> Option<T> {
        let read = self.value.trim().parse().ok();
        if read.is_none() {
            self.report_invalid(expected);
        }
        read
    }

    fn port(&mut self) -> Option<u16> {
        self.parse("a port from 1 to 65535").map(NonZero::get)
    }

    fn ports(&mut self) -> Vec<u16> {
        let ports = self.list("ports from 1 to 65535, separated by commas");
        ports.into_iter().map(NonZero::get).collect()
    }

    fn ips(&mut self) -> Vec<Ipv4Net> {
        let all: Vec<AnyNet> = self.list("IP addresses or CIDR blocks, separated by commas");
        all.into_iter().filter_map(|net| net.0).collect()
    }

    fn list<T: FromStr>(&mut self, expected: &str) -> Vec<T> {
        let items = self.value.split(',').map(str::trim);
        let read: Option<Vec<T>> = items.map(|item| item.parse().ok()).collect();
        if read.is_none() {
            self.report_invalid(expected);
        }
        read.unwrap_or_default()
    }

    fn report_invalid(&mut self, expected: &str) {
        let message = format!("is `{}`; expected {expected}", self.value);
        report(self.diagnostics, self.path, message);
    }
}

/// An IPv4 network; `None` for IPv6, which task networks do not have.
struct AnyNet(Option<Ipv4Net>);

impl FromStr for AnyNet {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        let net = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))?;
        Ok(Self(match net {
            IpNet::V4(net) => Some(net.trunc()),
            IpNet::V6(_) => None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_properties(properties: &[(&str, &str)]) -> (Option<Interception>, String) {
        let properties: Vec<_> = properties
            .iter()
            .map(|(name, value)| serde_json::json!({"Name": name, "Value": value}))
            .collect();
        let definition = serde_json::json!({"ContainerDefinitions": [], "ProxyConfiguration": {
            "ContainerName": "envoy", "ProxyConfigurationProperties": properties}});
        let definition = serde_json::from_value(definition).expect("a task definition");
        let mut diagnostics = Diagnostics::new();
        let read = read(&definition, "Task.Properties", &mut diagnostics);
        (read, diagnostics.to_string())
    }

    #[test]
    fn properties_are_parsed() {
        let (read, diagnostics) = read_properties(&[
            ("IgnoredUID", "1338"),
            ("ProxyIngressPort", "15100"),
            ("ProxyEgressPort", "15101"),
            ("AppPorts", "80, 8080"),
            ("EgressIgnoredPorts", ""),
            ("EgressIgnoredIPs", "169.254.170.2,10.1.2.3/8,fd00:ec2::254"),
        ]);
        assert_eq!(diagnostics, "");
        let read = read.expect("a proxy configuration");
        assert_eq!((read.ignored_uid, read.ignored_gid), (Some(1338), None));
        assert_eq!((read.ingress_port, read.egress_port), (Some(15100), 15101));
        assert_eq!((read.app_ports, read.ignored_ports), (vec![80, 8080], vec![]));
        let ips: Vec<String> = read.ignored_ips.iter().map(ToString::to_string).collect();
        assert_eq!(ips, ["169.254.170.2/32", "10.0.0.0/8"]);
    }

    #[test]
    fn errors_have_their_paths() {
        let (_, diagnostics) = read_properties(&[
            ("IgnoredUID", "envoy"),
            ("AppPorts", "80,0"),
            ("EgressIgnoredIPs", "localhost"),
            ("IgnoredUid", "1"),
        ]);
        let path = "Task.Properties.ProxyConfiguration.ProxyConfigurationProperties";
        for expected in [
            format!("{path}[0].Value: is `envoy`; expected a numeric user id"),
            format!("{path}[1].Value: is `80,0`; expected ports from 1 to 65535, separated by commas"),
            format!("{path}[2].Value: is `localhost`; expected IP addresses or CIDR blocks"),
            format!("{path}[3].Name: is `IgnoredUid`; allowed are IgnoredUID,"),
        ] {
            assert!(diagnostics.contains(&expected), "{diagnostics}");
        }
    }

    #[test]
    fn a_task_definition_without_a_proxy_configuration_has_none() {
        assert_eq!(read_properties(&[]).0, None);
    }
}
