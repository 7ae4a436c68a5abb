//! Virtual nodes: groups of equal tasks.

use serde::{Deserialize, Serialize};

use super::IpPreference;
use super::client_policy::{BackendDefaults, ClientPolicy};
use super::listener::Listener;
use super::logging::Logging;

/// `VirtualNodeSpec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNodeSpec {
    /// Where it takes requests, on distinct ports. Empty for one that only calls others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Listener>,
    /// How others find it. Needed where there is a listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_discovery: Option<ServiceDiscovery>,
    /// The virtual services it may call. Its Envoy knows of no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backends: Vec<Backend>,
    /// What holds for all backends unless they say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_defaults: Option<BackendDefaults>,
    /// Where its Envoy writes what passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
}

/// How a virtual node's tasks are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServiceDiscovery {
    /// By DNS.
    Dns(DnsServiceDiscovery),
    /// By Cloud Map.
    AwsCloudMap(AwsCloudMapServiceDiscovery),
}

/// Tasks found by DNS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsServiceDiscovery {
    /// The name to resolve.
    pub hostname: String,
    /// What an answer means. Default, decided by App Mesh: [`DnsResponseType::Loadbalancer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_type: Option<DnsResponseType>,
    /// Which family of addresses to use. Default: the mesh's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_preference: Option<IpPreference>,
}

/// What the addresses of a DNS answer are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DnsResponseType {
    /// Equal doors to the same thing: one is used at a time.
    #[default]
    Loadbalancer,
    /// Tasks: all of them are used.
    Endpoints,
}

/// Tasks found by Cloud Map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwsCloudMapServiceDiscovery {
    /// The namespace, 1 to 1024 characters.
    pub namespace_name: String,
    /// The service in it, 1 to 1024 characters.
    pub service_name: String,
    /// What instances must carry, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AwsCloudMapInstanceAttribute>,
    /// Which family of addresses to use. Default: the mesh's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_preference: Option<IpPreference>,
}

/// Something that Cloud Map knows of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsCloudMapInstanceAttribute {
    /// Its name, 1 to 255 printable characters without spaces.
    pub key: String,
    /// Its value, up to 1024 printable characters.
    pub value: String,
}

/// Something a virtual node may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Backend {
    /// A virtual service.
    VirtualService(VirtualServiceBackend),
}

/// A virtual service that a virtual node may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualServiceBackend {
    /// Its name.
    pub virtual_service_name: String,
    /// How to call it. Default: the backend defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_policy: Option<ClientPolicy>,
}
