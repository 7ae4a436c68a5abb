//! Listeners of virtual nodes and virtual gateways, and what can be said of them.

use serde::{Deserialize, Serialize};

use super::tls::ListenerTls;
use super::{Duration, PortMapping, Protocol};

/// Where a virtual node or a virtual gateway takes requests.
///
/// Virtual gateways have no [`timeout`](Self::timeout), no [`outlier_detection`](Self::outlier_detection) and no
/// TCP; documents that say otherwise are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// The port, and what it speaks.
    pub port_mapping: PortMapping,
    /// TLS towards those who call. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
    /// How callers find out whether a task is well. Default: they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// How long requests and idle connections may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<ListenerTimeout>,
    /// How much may be under way at once. Default, decided by App Mesh: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<ConnectionPool>,
    /// When callers leave a failing task alone. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetection>,
}

/// How callers find out whether a task is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// What to speak.
    pub protocol: Protocol,
    /// The path to ask for; HTTP and HTTP/2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The port to ask. Default, and only value allowed: the listener's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Time between checks, 5000 to 300000 ms.
    pub interval_millis: u64,
    /// How long a check may take, 2000 to 60000 ms.
    pub timeout_millis: u64,
    /// How many checks in a row must pass, 2 to 10.
    pub healthy_threshold: u32,
    /// How many checks in a row must fail, 2 to 10.
    pub unhealthy_threshold: u32,
}

/// How long requests and idle connections may last, by what the listener speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ListenerTimeout {
    /// HTTP/1.1.
    Http(RequestTimeout),
    /// HTTP/2.
    Http2(RequestTimeout),
    /// gRPC.
    Grpc(RequestTimeout),
    /// TCP.
    Tcp(IdleTimeout),
}

/// How long requests and idle connections may last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestTimeout {
    /// For a whole answer, retries included; 0 for no limit. Default, decided by App Mesh: 15 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_request: Option<Duration>,
    /// For a connection on which nothing happens; 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
}

/// How long idle connections may last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleTimeout {
    /// For a connection on which nothing happens; 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
}

/// How much may be under way at once, by what the listener speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionPool {
    /// HTTP/1.1.
    Http(HttpConnectionPool),
    /// HTTP/2.
    Http2(RequestPool),
    /// gRPC.
    Grpc(RequestPool),
    /// TCP. Virtual gateways do not have it.
    Tcp(TcpConnectionPool),
}

/// Limits of HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpConnectionPool {
    /// Connections at once, 1 or more.
    pub max_connections: u32,
    /// Requests that wait for one, 1 or more. Default, decided by App Mesh: 2147483647.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pending_requests: Option<u32>,
}

/// Limits of HTTP/2 and gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestPool {
    /// Requests at once, 1 or more.
    pub max_requests: u32,
}

/// Limits of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpConnectionPool {
    /// Connections at once, 1 or more.
    pub max_connections: u32,
}

/// When callers leave a failing task alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlierDetection {
    /// After so many 5xx answers in a row, 1 or more.
    pub max_server_errors: u64,
    /// Time between looks.
    pub interval: Duration,
    /// How long the first time; longer each time.
    pub base_ejection_duration: Duration,
    /// At most this share of the tasks at once, 0 to 100.
    pub max_ejection_percent: u32,
}
