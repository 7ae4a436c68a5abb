//! Listeners of virtual nodes and virtual gateways.

use super::schema::{INT32_MAX, UNLIMITED, structure, union, whole};
use super::tls::ListenerTls;
use super::{Duration, PortMapping, Protocol};

structure! {
    /// A port on which a virtual node or a virtual gateway accepts requests.
    ///
    /// Virtual gateways have no [`timeout`](Self::timeout), no [`outlier_detection`](Self::outlier_detection) and no
    /// TCP; a document with one of these is rejected.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Listener {
        /// Port and protocol.
        port_mapping: PortMapping = required("portMapping"),
        /// TLS towards callers. Default: none.
        tls: Option<ListenerTls> = optional("tls"),
        /// Active health checks by callers. Default: none.
        health_check: Option<HealthCheck> = optional("healthCheck"),
        /// Timeouts of requests and idle connections.
        timeout: Option<ListenerTimeout> = node_only("timeout"),
        /// Limits of concurrency. Default, decided by App Mesh: none.
        connection_pool: Option<ConnectionPool> = optional("connectionPool"),
        /// Ejection of failing tasks by callers. Default: none.
        outlier_detection: Option<OutlierDetection> = node_only("outlierDetection"),
    }
}

structure! {
    /// Active health checks by callers.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HealthCheck {
        /// Protocol of the checks.
        protocol: Protocol = required("protocol"),
        /// Path of the request; HTTP and HTTP/2 only.
        path: Option<String> = optional("path"),
        /// Port. Default, and only allowed value: the listener's.
        port: Option<u16> = optional("port"),
        /// Interval between checks, 5000 to 300000 ms.
        interval_millis: u64 = required("intervalMillis", whole(5_000, 300_000)),
        /// Timeout of a check, 2000 to 60000 ms.
        timeout_millis: u64 = required("timeoutMillis", whole(2_000, 60_000)),
        /// Consecutive successes to become healthy, 2 to 10.
        healthy_threshold: u32 = required("healthyThreshold", whole(2, 10)),
        /// Consecutive failures to become unhealthy, 2 to 10.
        unhealthy_threshold: u32 = required("unhealthyThreshold", whole(2, 10)),
    }
}

union! {
    /// Timeouts of requests and idle connections, by the listener's protocol.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ListenerTimeout {
        /// HTTP/1.1.
        Http(RequestTimeout) = "http",
        /// HTTP/2.
        Http2(RequestTimeout) = "http2",
        /// gRPC.
        Grpc(RequestTimeout) = "grpc",
        /// TCP.
        Tcp(IdleTimeout) = "tcp",
    }
}

structure! {
    /// Timeouts of requests and idle connections.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct RequestTimeout {
        /// Timeout of the complete response, retries included; 0 for none. Default, decided by App Mesh: 15 s.
        per_request: Option<Duration> = optional("perRequest"),
        /// Timeout of an idle connection; 0 for none.
        idle: Option<Duration> = optional("idle"),
    }
}

structure! {
    /// Timeout of idle connections.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct IdleTimeout {
        /// Timeout of an idle connection; 0 for none.
        idle: Option<Duration> = optional("idle"),
    }
}

union! {
    /// Limits of concurrency, by the listener's protocol.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ConnectionPool {
        /// HTTP/1.1.
        Http(HttpConnectionPool) = "http",
        /// HTTP/2.
        Http2(RequestPool) = "http2",
        /// gRPC.
        Grpc(RequestPool) = "grpc",
        /// TCP. Not supported by virtual gateways.
        Tcp(TcpConnectionPool) = "tcp" node_only,
    }
}

structure! {
    /// Limits of concurrency for HTTP/1.1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct HttpConnectionPool {
        /// Concurrent connections, at least 1.
        max_connections: u32 = required("maxConnections", whole(1, INT32_MAX)),
        /// Requests waiting for a connection, at least 1. Default, decided by App Mesh: 2147483647.
        max_pending_requests: Option<u32> = optional("maxPendingRequests", whole(1, INT32_MAX)),
    }
}

structure! {
    /// Limits of concurrency for HTTP/2 and gRPC.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct RequestPool {
        /// Concurrent requests, at least 1.
        max_requests: u32 = required("maxRequests", whole(1, INT32_MAX)),
    }
}

structure! {
    /// Limits of concurrency for TCP.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct TcpConnectionPool {
        /// Concurrent connections, at least 1.
        max_connections: u32 = required("maxConnections", whole(1, INT32_MAX)),
    }
}

structure! {
    /// Ejection of failing tasks by callers.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct OutlierDetection {
        /// Consecutive 5xx responses before ejection, at least 1.
        max_server_errors: u64 = required("maxServerErrors", whole(1, UNLIMITED)),
        /// Interval of the analysis.
        interval: Duration = required("interval"),
        /// Duration of the first ejection; later ones are longer.
        base_ejection_duration: Duration = required("baseEjectionDuration"),
        /// Maximum share of ejected tasks, 0 to 100.
        max_ejection_percent: u32 = required("maxEjectionPercent", whole(0, 100)),
    }
}
