//! Which of a task's connections are redirected to its Envoy: `ProxyConfigurationProperties`.
//!
//! Source of the names and what they mean: Amazon ECS API reference, `ProxyConfiguration` (read 2026-11-23).

use std::net::{AddrParseError, IpAddr, Ipv4Addr};
use std::num::NonZero;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use mesh_control::node::{EGRESS_PORT, INGRESS_PORT};
use mesh_infra::cfn::ecs;
use sidecar_contract::Diagnostics;

use super::container::known;
use super::report;

/// Where `169.254.170.2`, the credentials of the task, and `169.254.169.254`, the metadata of the machine, are on AWS.
/// What App Mesh's guides leave out of the redirection.
const LINK_LOCAL: [Ipv4Addr; 2] = [Ipv4Addr::new(169, 254, 170, 2), Ipv4Addr::new(169, 254, 169, 254)];
/// Whom App Mesh's guides let Envoy run as.
const ENVOY_USER: u32 = 1337;

/// Which of a task's connections are redirected to its Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interception {
    /// Where the template says it.
    pub path: String,
    /// The user whose connections are Envoy's own.
    pub ignored_uid: Option<u32>,
    /// The group whose connections are Envoy's own.
    pub ignored_gid: Option<u32>,
    /// Where Envoy takes connections from other tasks. Without it, none are redirected.
    pub ingress_port: Option<u16>,
    /// Where Envoy takes connections of its own task. Default, decided by App Mesh: 15001.
    pub egress_port: u16,
    /// The ports of the task's applications to which connections are redirected.
    pub app_ports: Vec<u16>,
    /// Ports anywhere to which the task's processes connect directly.
    pub ignored_ports: Vec<u16>,
    /// IPv4 addresses to which the task's processes connect directly.
    pub ignored_ips: Vec<Ipv4Net>,
}

impl Interception {
    /// What App Mesh's guides propose for a task whose applications listen on these ports.
    #[must_use]
    pub fn usual(app_ports: impl IntoIterator<Item = u16>) -> Self {
        Self {
            ignored_uid: Some(ENVOY_USER),
            ingress_port: Some(INGRESS_PORT),
            app_ports: app_ports.into_iter().collect(),
            ignored_ips: LINK_LOCAL.map(Ipv4Net::from).into(),
            ..Self::nothing(String::new())
        }
    }

    fn nothing(path: String) -> Self {
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

/// Reads a task definition's, if it has one. `path` is that of the task definition's properties. What cannot be
/// evaluated was reported.
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
    let mut read = Interception::nothing(path.clone());
    for (index, property) in properties.iter().enumerate() {
        let (Some(name), Some(value)) = (known(&property.name), known(&property.value)) else {
            continue;
        };
        // ECS takes an empty value for none.
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
            "IgnoredUID" => read.ignored_uid = reader.one("the number of a user"),
            "IgnoredGID" => read.ignored_gid = reader.one("the number of a group"),
            "ProxyIngressPort" => read.ingress_port = reader.port(),
            "ProxyEgressPort" => read.egress_port = reader.port().unwrap_or(read.egress_port),
            "AppPorts" => read.app_ports = reader.ports(),
            "EgressIgnoredPorts" => read.ignored_ports = reader.ports(),
            "EgressIgnoredIPs" => read.ignored_ips = reader.ips(),
            other => {
                let message = format!(
                    "`{other}` is none of IgnoredUID, IgnoredGID, ProxyIngressPort, ProxyEgressPort, AppPorts, \
                     EgressIgnoredPorts and EgressIgnoredIPs"
                );
                report(diagnostics, path.replace(".Value", ".Name"), message);
            }
        }
    }
    Some(read)
}

/// The value of a property, to be read.
struct PropertyValue<'a> {
    path: &'a str,
    value: &'a str,
    diagnostics: &'a mut Diagnostics,
}

impl PropertyValue<'_> {
    fn one<T: FromStr>(&mut self, expected: &str) -> Option<T> {
        let read = self.value.trim().parse().ok();
        if read.is_none() {
            self.refuse(expected);
        }
        read
    }

    fn port(&mut self) -> Option<u16> {
        self.one("a port from 1 to 65535").map(NonZero::get)
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
        let words = self.value.split(',').map(str::trim);
        let read: Option<Vec<T>> = words.map(|word| word.parse().ok()).collect();
        if read.is_none() {
            self.refuse(expected);
        }
        read.unwrap_or_default()
    }

    fn refuse(&mut self, expected: &str) {
        let message = format!("is `{}` and must be {expected}", self.value);
        report(self.diagnostics, self.path, message);
    }
}

/// A network, with nothing in it if it is one of IPv6, which the networks of tasks do not have.
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
    fn what_is_said_is_what_is_redirected() {
        let (read, diagnostics) = read_properties(&[
            ("IgnoredUID", "1338"),
            ("ProxyIngressPort", "15100"),
            ("ProxyEgressPort", "15101"),
            ("AppPorts", "80, 8080"),
            ("EgressIgnoredPorts", ""),
            ("EgressIgnoredIPs", "169.254.170.2,10.1.2.3/8,fd00:ec2::254"),
        ]);
        assert_eq!(diagnostics, "");
        let read = read.expect("it is there");
        assert_eq!((read.ignored_uid, read.ignored_gid), (Some(1338), None));
        assert_eq!((read.ingress_port, read.egress_port), (Some(15100), 15101));
        assert_eq!((read.app_ports, read.ignored_ports), (vec![80, 8080], vec![]));
        let ips: Vec<String> = read.ignored_ips.iter().map(ToString::to_string).collect();
        assert_eq!(ips, ["169.254.170.2/32", "10.0.0.0/8"]);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let (_, diagnostics) = read_properties(&[
            ("IgnoredUID", "envoy"),
            ("AppPorts", "80,0"),
            ("EgressIgnoredIPs", "localhost"),
            ("IgnoredUid", "1"),
        ]);
        let place = "Task.Properties.ProxyConfiguration.ProxyConfigurationProperties";
        for expected in [
            format!("{place}[0].Value: is `envoy` and must be the number of a user"),
            format!("{place}[1].Value: is `80,0` and must be ports from 1 to 65535, separated by commas"),
            format!("{place}[2].Value: is `localhost` and must be IP addresses or CIDR blocks"),
            format!("{place}[3].Name: `IgnoredUid` is none of IgnoredUID,"),
        ] {
            assert!(diagnostics.contains(&expected), "{diagnostics}");
        }
    }

    #[test]
    fn a_task_definition_without_it_says_nothing() {
        assert_eq!(read_properties(&[]).0, None);
    }
}
