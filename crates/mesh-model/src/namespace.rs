//! The Service Connect services of a namespace, resolved from the configurations of its ECS services.
//!
//! Resolution finds the port mapping of each configured service in its task definition, applies ECS's defaults, and
//! checks that names are unique in the namespace. All errors are reported, not only the first.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::service_connect::{AppProtocol, ClientAlias, ServiceConnectConfiguration, ServiceConnectServiceSpec};
use sidecar_contract::{Diagnostics, ValidationErrors};

/// Default idle timeout of HTTP connections, decided by ECS: five minutes.
/// Source: ECS developer guide, Service Connect concepts (read 2026-11-23).
pub const DEFAULT_HTTP_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// Default idle timeout of TCP connections, decided by ECS: one hour. Source: as above.
pub const DEFAULT_TCP_IDLE_TIMEOUT: Duration = Duration::from_secs(3600);
pub use sidecar_contract::DEFAULT_PER_REQUEST_TIMEOUT;

/// An ECS service with a Service Connect configuration.
#[derive(Debug, Clone)]
pub struct EcsService<'a> {
    /// The ECS service's name.
    pub service: &'a str,
    /// Path to the configuration, with which the path of every error starts.
    pub path: &'a str,
    /// Its configuration.
    pub configuration: &'a ServiceConnectConfiguration,
    /// The port mappings of the containers in its task definition.
    pub ports: &'a [PortMapping],
}

/// The port mapping of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortMapping {
    /// The name, to which `portName` refers.
    pub name: Option<String>,
    /// The port the container listens on.
    pub container_port: u16,
    /// Its protocol.
    pub protocol: AppProtocol,
}

/// A namespace and its services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The Cloud Map namespace's name.
    pub name: String,
    /// The services, sorted by discovery name.
    pub services: Vec<ServiceConnectService>,
}

/// A Service Connect service: a name that clients call, and the port mapping of the ECS service behind it.
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
    /// Its protocol.
    pub protocol: AppProtocol,
    /// The port on which the proxy accepts requests, if it is not the container's.
    pub ingress_port_override: Option<u16>,
    /// Timeout of idle connections; `None` for none.
    pub idle_timeout: Option<Duration>,
    /// Timeout of the complete response, retries included; `None` for none. Always `None` for TCP.
    pub per_request_timeout: Option<Duration>,
}

impl Namespace {
    /// Resolves the Service Connect services of `ecs_services` in the namespace `name`.
    ///
    /// Configurations that are not `enabled` are skipped without validation.
    ///
    /// # Errors
    ///
    /// All errors: port names without a port mapping, names with forbidden characters, names that are not unique,
    /// timeouts that the protocol does not have, fields that are not supported yet.
    pub fn resolve(name: &str, ecs_services: &[EcsService<'_>]) -> Result<Self, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        let mut resolved: Vec<(String, ServiceConnectService)> = Vec::new();
        for ecs_service in ecs_services
            .iter()
            .filter(|ecs_service| ecs_service.configuration.enabled)
        {
            if ecs_service.configuration.access_log_configuration.is_some() {
                diagnostics.add(
                    format!("{}.AccessLogConfiguration", ecs_service.path),
                    "is not supported yet; remove it",
                );
            }
            for (index, spec) in ecs_service.configuration.services.iter().enumerate() {
                let path = format!("{}.Services[{index}]", ecs_service.path);
                if let Some(service) = resolve_service(name, ecs_service, spec, &path, &mut diagnostics) {
                    resolved.push((path, service));
                }
            }
        }
        check_unique_names(&resolved, &mut diagnostics);
        let mut services: Vec<ServiceConnectService> = resolved.into_iter().map(|(_, service)| service).collect();
        services.sort_by(|a, b| a.discovery_name.cmp(&b.discovery_name));
        diagnostics.into_result(Self {
            name: name.to_owned(),
            services,
        })
    }

    /// The service that clients call as `dns_name` and `port`.
    #[must_use]
    pub fn service(&self, dns_name: &str, port: u16) -> Option<&ServiceConnectService> {
        self.services
            .iter()
            .find(|service| service.dns_name == dns_name && service.port == port)
    }

    /// The Service Connect services of the ECS service `service`.
    pub fn services_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a ServiceConnectService> {
        self.services.iter().filter(move |resolved| resolved.service == service)
    }
}

fn resolve_service(
    namespace: &str,
    ecs_service: &EcsService<'_>,
    spec: &ServiceConnectServiceSpec,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<ServiceConnectService> {
    if spec.tls.is_some() {
        diagnostics.add(format!("{path}.Tls"), "is not supported yet; remove it");
    }
    let discovery_name = spec.discovery_name.as_deref().unwrap_or(&spec.port_name);
    check_discovery_name(discovery_name, &format!("{path}.DiscoveryName"), diagnostics);
    if spec.client_aliases.len() > 1 {
        diagnostics.add(
            format!("{path}.ClientAliases"),
            format!("has {} aliases; ECS allows one", spec.client_aliases.len()),
        );
    }
    let alias = spec.client_aliases.first();
    let dns_name = alias
        .and_then(|alias| alias.dns_name.clone())
        .unwrap_or_else(|| format!("{discovery_name}.{namespace}"));
    check_alias(alias, &dns_name, path, diagnostics);
    let override_port = port_in_range(
        spec.ingress_port_override,
        &format!("{path}.IngressPortOverride"),
        diagnostics,
    );

    let mapping = find_port(ecs_service, &spec.port_name, path, diagnostics)?;
    let per_request = check_timeout(spec, mapping.protocol, path, diagnostics);
    let idle = spec.timeout.and_then(|timeout| timeout.idle_timeout_seconds);
    let default_idle = if mapping.protocol.is_http_family() {
        DEFAULT_HTTP_IDLE_TIMEOUT
    } else {
        DEFAULT_TCP_IDLE_TIMEOUT
    };
    Some(ServiceConnectService {
        discovery_name: discovery_name.to_owned(),
        service: ecs_service.service.to_owned(),
        port_name: spec.port_name.clone(),
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

/// The configured timeout or the default; 0 seconds disable it.
fn seconds_or(configured: Option<u32>, default: Duration) -> Option<Duration> {
    match configured {
        Some(0) => None,
        Some(seconds) => Some(Duration::from_secs(seconds.into())),
        None => Some(default),
    }
}

fn check_timeout(
    spec: &ServiceConnectServiceSpec,
    protocol: AppProtocol,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Duration> {
    let configured = spec.timeout.and_then(|timeout| timeout.per_request_timeout_seconds);
    if protocol.is_http_family() {
        return seconds_or(configured, DEFAULT_PER_REQUEST_TIMEOUT);
    }
    if let Some(seconds) = configured {
        diagnostics.add(
            format!("{path}.Timeout.PerRequestTimeoutSeconds"),
            format!("is {seconds}, but `{}` is a TCP port, which has no requests; remove it or give the port mapping an AppProtocol (http, http2 or grpc)", spec.port_name),
        );
    }
    None
}

fn find_port<'a>(
    ecs_service: &EcsService<'a>,
    port_name: &str,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a PortMapping> {
    let found = ecs_service
        .ports
        .iter()
        .find(|port| port.name.as_deref() == Some(port_name));
    if found.is_none() {
        let names: Vec<String> = ecs_service
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
            format!("`{port_name}` is no port of service `{}`: {known}", ecs_service.service),
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
    // A name derived from the discovery name has been checked with it.
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

fn check_unique_names(services: &[(String, ServiceConnectService)], diagnostics: &mut Diagnostics) {
    let mut discovery_names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut client_names: BTreeMap<(&str, u16), &str> = BTreeMap::new();
    for (path, service) in services {
        let name = service.discovery_name.as_str();
        if let Some(owner) = discovery_names.insert(name, &service.service) {
            diagnostics.add(
                format!("{path}.DiscoveryName"),
                format!(
                    "`{name}` is claimed by service `{owner}` already; a discovery name is unique in its namespace"
                ),
            );
            // The client name is usually derived from it, so one error is enough.
            continue;
        }
        let client_name = (service.dns_name.as_str(), service.port);
        if let Some(owner) = client_names.insert(client_name, &service.service) {
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
