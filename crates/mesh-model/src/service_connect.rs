//! The Service Connect configuration of one ECS service, with the ECS API's structure and keys.
//!
//! Source: ECS API reference, `ServiceConnectConfiguration`, `ServiceConnectService`, `ServiceConnectClientAlias` and
//! `TimeoutConfiguration` (read 2026-11-23). [`crate::namespace`] validates port names and the uniqueness of names, which
//! need the other services of the namespace.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `serviceConnectConfiguration` of an ECS service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnectConfiguration {
    /// Whether the service uses Service Connect.
    pub enabled: bool,
    /// The Cloud Map namespace, by name or ARN. Default: the cluster's `serviceConnectDefaults.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The named ports that the service offers. Empty for a service that only calls others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceConnectServiceSpec>,
    /// Destination of the proxy's log on AWS. Kept unchanged, not used elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<Value>,
    /// The proxy's access log. Not supported yet: rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log_configuration: Option<Value>,
}

/// A named port that a service offers, and the name that clients call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnectServiceSpec {
    /// The name of a port mapping in the service's task definition.
    pub port_name: String,
    /// The name in Cloud Map, unique in the namespace: at most 64 of `a-z 0-9 _ -`, not starting with `-`.
    /// Default, decided by ECS: the port name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_name: Option<String>,
    /// The name and port that clients call; at most one. Default, decided by ECS: the discovery name in the namespace,
    /// and the container's port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_aliases: Vec<ClientAlias>,
    /// The port on which the proxy accepts requests for this service, 1 to 65535. Default, decided by ECS in
    /// `awsvpc` mode: the container's port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port_override: Option<u32>,
    /// Timeouts of requests and idle connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Timeout>,
    /// TLS between proxies. Not supported yet: rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Value>,
}

/// A name and port under which clients call a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientAlias {
    /// The port that clients call, 1 to 65535.
    pub port: u32,
    /// The name that clients call: at most 127 of `a-z 0-9 _ . -`. Default, decided by ECS: the discovery name,
    /// a dot and the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    /// The header that marks test traffic of a blue-green deployment. Not supported yet: rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_traffic_rules: Option<Value>,
}

/// Timeouts of requests and idle connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeout {
    /// Seconds after which an idle connection is closed; 0 for no timeout. Default, decided by ECS: 300 for the HTTP
    /// family, 3600 for TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<u32>,
    /// Timeout of the complete response in seconds, retries included; 0 for none. Default, decided by ECS: 15. Not
    /// allowed for TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_request_timeout_seconds: Option<u32>,
}

/// Protocol of a port: the port mapping's `appProtocol`, or TCP if it has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppProtocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS.
    Http2,
    /// gRPC, which is HTTP/2.
    Grpc,
    /// Any protocol over TCP; the default, decided by ECS.
    #[default]
    Tcp,
}

impl AppProtocol {
    /// The ECS API's value; `tcp` for a port mapping without an `appProtocol`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AppProtocol::Http => "http",
            AppProtocol::Http2 => "http2",
            AppProtocol::Grpc => "grpc",
            AppProtocol::Tcp => "tcp",
        }
    }

    /// Parses an `appProtocol` of the ECS API: `http`, `http2` or `grpc`.
    #[must_use]
    pub fn from_app_protocol(value: &str) -> Option<Self> {
        [AppProtocol::Http, AppProtocol::Http2, AppProtocol::Grpc]
            .into_iter()
            .find(|protocol| protocol.as_str() == value)
    }

    /// True for HTTP/1.1, HTTP/2 and gRPC: requests have a Host, so one listener can serve many services.
    #[must_use]
    pub fn is_http_family(self) -> bool {
        self != AppProtocol::Tcp
    }
}

impl fmt::Display for AppProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_casing;
    use serde_json::json;

    #[test]
    fn cloudformation_documents_round_trip() {
        let cloudformation = json!({
            "Enabled": true,
            "Namespace": "serviceconnect",
            "Services": [{
                "PortName": "http",
                "DiscoveryName": "blue",
                "ClientAliases": [{"Port": 80, "DnsName": "blue.serviceconnect"}],
                "IngressPortOverride": 8080,
                "Timeout": {"IdleTimeoutSeconds": 10, "PerRequestTimeoutSeconds": 0}
            }]
        });
        let configuration: ServiceConnectConfiguration =
            serde_json::from_value(key_casing::to_camel_case(cloudformation.clone())).unwrap();
        assert_eq!(configuration.services[0].discovery_name.as_deref(), Some("blue"));
        let written = key_casing::to_pascal_case(serde_json::to_value(&configuration).unwrap());
        assert_eq!(written, cloudformation);
    }
}
