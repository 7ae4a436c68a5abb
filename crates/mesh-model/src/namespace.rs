//! The endpoints of a Service Connect namespace, resolved from the configurations of its services.
//!
//! Here the parts come together: each configured service meets the port mappings of its task definition, takes
//! the defaults that ECS would give it, and has its name checked against all the others. Every mistake in any
//! of them is reported, not only the first.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::service_connect::{AppProtocol, ClientAlias, ServiceConnectConfiguration, ServiceConnectServiceSpec};
use sidecar_contract::{Diagnostics, ValidationErrors};

/// Close an idle HTTP connection after five minutes: what ECS does unless told otherwise.
/// Source: ECS developer guide, Service Connect concepts (read 2026-11-23).
pub const DEFAULT_HTTP_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// Close an idle TCP connection after an hour: what ECS does unless told otherwise. Source: as above.
pub const DEFAULT_TCP_IDLE_TIMEOUT: Duration = Duration::from_secs(3600);
pub use sidecar_contract::DEFAULT_PER_REQUEST_TIMEOUT;

/// One ECS service that takes part in a namespace.
#[derive(Debug, Clone)]
pub struct EcsService<'a> {
    /// The ECS service's name.
    pub service: &'a str,
    /// Where the configuration was found, as the beginning of every problem's path.
    pub path: &'a str,
    /// The configuration itself.
    pub configuration: &'a ServiceConnectConfiguration,
    /// The port mappings of the containers in its task definition.
    pub ports: &'a [PortMapping],
}

/// A port of a container, as Service Connect needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortMapping {
    /// The name by which Service Connect refers to it, if it has one.
    pub name: Option<String>,
    /// The port the container listens on.
    pub container_port: u16,
    /// What is spoken there.
    pub protocol: AppProtocol,
}

/// A namespace and everything that can be called in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The Cloud Map namespace's name.
    pub name: String,
    /// The endpoints, sorted by discovery name.
    pub services: Vec<ServiceConnectService>,
}

/// A name that can be called, and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConnectService {
    /// The name in Cloud Map, unique in the namespace. Tasks register under it.
    pub discovery_name: String,
    /// The ECS service that offers it.
    pub service: String,
    /// The name of the port mapping behind it.
    pub port_name: String,
    /// The port its container listens on.
    pub container_port: u16,
    /// The name that clients call.
    pub dns_name: String,
    /// The port that clients call.
    pub port: u16,
    /// What is spoken there.
    pub protocol: AppProtocol,
    /// The port on which the proxy takes requests, if it is not the container's.
    pub ingress_port_override: Option<u16>,
    /// When an idle connection is closed; `None` for never.
    pub idle_timeout: Option<Duration>,
    /// Within which time a whole answer must have come, retries included; `None` for no limit. Always `None`
    /// for TCP.
    pub per_request_timeout: Option<Duration>,
}

impl Namespace {
    /// Resolves the endpoints that `members` offer in the namespace `name`.
    ///
    /// A member whose configuration is not `enabled` offers nothing and is not looked at further.
    ///
    /// # Errors
    ///
    /// Every problem of every member: a port name that no port mapping has, a name with forbidden characters,
    /// two endpoints that claim one name, a timeout that its protocol does not have, a field that is not
    /// supported yet.
    pub fn resolve(name: &str, members: &[EcsService<'_>]) -> Result<Self, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        let mut endpoints: Vec<(String, ServiceConnectService)> = Vec::new();
        for member in members.iter().filter(|member| member.configuration.enabled) {
            if member.configuration.access_log_configuration.is_some() {
                diagnostics.add(
                    format!("{}.AccessLogConfiguration", member.path),
                    "is not supported yet; remove it",
                );
            }
            for (index, service) in member.configuration.services.iter().enumerate() {
                let path = format!("{}.Services[{index}]", member.path);
                if let Some(endpoint) = endpoint(name, member, service, &path, &mut diagnostics) {
                    endpoints.push((path, endpoint));
                }
            }
        }
        refuse_names_claimed_twice(&endpoints, &mut diagnostics);
        let mut endpoints: Vec<ServiceConnectService> = endpoints.into_iter().map(|(_, endpoint)| endpoint).collect();
        endpoints.sort_by(|a, b| a.discovery_name.cmp(&b.discovery_name));
        diagnostics.into_result(Self {
            name: name.to_owned(),
            services: endpoints,
        })
    }

    /// The endpoint that clients call as `dns_name` and `port`.
    #[must_use]
    pub fn service(&self, dns_name: &str, port: u16) -> Option<&ServiceConnectService> {
        self.services
            .iter()
            .find(|endpoint| endpoint.dns_name == dns_name && endpoint.port == port)
    }

    /// The endpoints that `service` offers.
    pub fn services_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a ServiceConnectService> {
        self.services.iter().filter(move |endpoint| endpoint.service == service)
    }
}

fn endpoint(
    namespace: &str,
    member: &EcsService<'_>,
    service: &ServiceConnectServiceSpec,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<ServiceConnectService> {
    if service.tls.is_some() {
        diagnostics.add(format!("{path}.Tls"), "is not supported yet; remove it");
    }
    let discovery_name = service.discovery_name.as_deref().unwrap_or(&service.port_name);
    check_discovery_name(discovery_name, &format!("{path}.DiscoveryName"), diagnostics);
    if service.client_aliases.len() > 1 {
        diagnostics.add(
            format!("{path}.ClientAliases"),
            format!("holds {} aliases; ECS allows one", service.client_aliases.len()),
        );
    }
    let alias = service.client_aliases.first();
    let dns_name = alias
        .and_then(|alias| alias.dns_name.clone())
        .unwrap_or_else(|| format!("{discovery_name}.{namespace}"));
    check_alias(alias, &dns_name, path, diagnostics);
    let override_port = port_in_range(
        service.ingress_port_override,
        &format!("{path}.IngressPortOverride"),
        diagnostics,
    );

    let mapping = find_port(member, &service.port_name, path, diagnostics)?;
    let per_request = check_timeout(service, mapping.protocol, path, diagnostics);
    let idle = service.timeout.and_then(|timeout| timeout.idle_timeout_seconds);
    let default_idle = if mapping.protocol.is_http_family() {
        DEFAULT_HTTP_IDLE_TIMEOUT
    } else {
        DEFAULT_TCP_IDLE_TIMEOUT
    };
    Some(ServiceConnectService {
        discovery_name: discovery_name.to_owned(),
        service: member.service.to_owned(),
        port_name: service.port_name.clone(),
        container_port: mapping.container_port,
        dns_name,
        port: alias
            .and_then(|alias| u16::try_from(alias.port).ok())
            .unwrap_or(mapping.container_port),
        protocol: mapping.protocol,
        ingress_port_override: override_port,
        idle_timeout: seconds_or(idle, default_idle),
        per_request_timeout: per_request,
    })
}

/// The configured seconds, or the default; 0 seconds switch a timeout off.
fn seconds_or(configured: Option<u32>, default: Duration) -> Option<Duration> {
    match configured {
        Some(0) => None,
        Some(seconds) => Some(Duration::from_secs(seconds.into())),
        None => Some(default),
    }
}

fn check_timeout(
    service: &ServiceConnectServiceSpec,
    protocol: AppProtocol,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Duration> {
    let configured = service.timeout.and_then(|timeout| timeout.per_request_timeout_seconds);
    if protocol.is_http_family() {
        return seconds_or(configured, DEFAULT_PER_REQUEST_TIMEOUT);
    }
    if let Some(seconds) = configured {
        diagnostics.add(
            format!("{path}.Timeout.PerRequestTimeoutSeconds"),
            format!("is {seconds}, but `{}` is a TCP port, which knows no requests; remove it or give the port mapping an AppProtocol (http, http2 or grpc)", service.port_name),
        );
    }
    None
}

fn find_port<'a>(
    member: &EcsService<'a>,
    port_name: &str,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a PortMapping> {
    let found = member.ports.iter().find(|port| port.name.as_deref() == Some(port_name));
    if found.is_none() {
        let names: Vec<String> = member
            .ports
            .iter()
            .filter_map(|port| port.name.as_ref().map(|name| format!("`{name}`")))
            .collect();
        let known = if names.is_empty() {
            "none of its port mappings has a name".to_owned()
        } else {
            format!("its port mappings are named {}", names.join(", "))
        };
        diagnostics.add(
            format!("{path}.PortName"),
            format!("`{port_name}` is no port of service `{}`: {known}", member.service),
        );
    }
    found
}

fn check_discovery_name(name: &str, path: &str, diagnostics: &mut Diagnostics) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || name.starts_with('-') || !name.chars().all(allowed) {
        diagnostics.add(
            path,
            format!("is `{name}`; allowed are 1 to 64 of a-z, 0-9, _ and -, not starting with -"),
        );
    }
}

fn check_alias(alias: Option<&ClientAlias>, dns_name: &str, path: &str, diagnostics: &mut Diagnostics) {
    let Some(alias) = alias else { return };
    let path = format!("{path}.ClientAliases[0]");
    if alias.test_traffic_rules.is_some() {
        diagnostics.add(format!("{path}.TestTrafficRules"), "is not supported yet; remove it");
    }
    port_in_range(Some(alias.port), &format!("{path}.Port"), diagnostics);
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    // A name that follows from the discovery name is judged as that.
    if alias.dns_name.is_some() && (dns_name.is_empty() || dns_name.len() > 127 || !dns_name.chars().all(allowed)) {
        diagnostics.add(
            format!("{path}.DnsName"),
            format!("is `{dns_name}`; allowed are 1 to 127 of a-z, 0-9, _, - and ."),
        );
    }
}

fn port_in_range(port: Option<u32>, path: &str, diagnostics: &mut Diagnostics) -> Option<u16> {
    let port = port?;
    match u16::try_from(port) {
        Ok(number) if number > 0 => Some(number),
        _ => {
            diagnostics.add(path, format!("is {port}; allowed is 1 to 65535"));
            None
        }
    }
}

fn refuse_names_claimed_twice(endpoints: &[(String, ServiceConnectService)], diagnostics: &mut Diagnostics) {
    let mut discovery_names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut client_names: BTreeMap<(&str, u16), &str> = BTreeMap::new();
    for (path, endpoint) in endpoints {
        let name = endpoint.discovery_name.as_str();
        if let Some(owner) = discovery_names.insert(name, &endpoint.service) {
            diagnostics.add(
                format!("{path}.DiscoveryName"),
                format!(
                    "`{name}` is claimed by service `{owner}` already; a discovery name is unique in its namespace"
                ),
            );
            // The client name follows from it in most descriptions: one mistake, one message.
            continue;
        }
        let client_name = (endpoint.dns_name.as_str(), endpoint.port);
        if let Some(owner) = client_names.insert(client_name, &endpoint.service) {
            diagnostics.add(
                format!("{path}.ClientAliases[0]"),
                format!(
                    "`{}:{}` is claimed by service `{owner}` already; a name and port are unique in their namespace",
                    client_name.0, client_name.1
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests;
