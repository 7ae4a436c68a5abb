//! Listeners of virtual nodes and virtual gateways.

use mesh_model::app_mesh::listener::{self, ConnectionPool, HealthCheck, ListenerTimeout, OutlierDetection};
use mesh_model::app_mesh::tls::ListenerTls;
use mesh_model::app_mesh::{PortMapping, Protocol};

/// A port on which a virtual node or a virtual gateway receives requests: a builder for the model's
/// [`Listener`](listener::Listener), which converts into it.
///
/// A timeout, outlier detection and TCP are errors on a virtual gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener(listener::Listener);

impl Listener {
    /// A listener for HTTP/1.1 on a port.
    #[must_use]
    pub fn http(port: u16) -> Self {
        Self::new(Protocol::Http, port)
    }

    /// A listener for HTTP/2 without TLS on a port.
    #[must_use]
    pub fn http2(port: u16) -> Self {
        Self::new(Protocol::Http2, port)
    }

    /// A listener for gRPC on a port.
    #[must_use]
    pub fn grpc(port: u16) -> Self {
        Self::new(Protocol::Grpc, port)
    }

    /// A listener for TCP on a port.
    #[must_use]
    pub fn tcp(port: u16) -> Self {
        Self::new(Protocol::Tcp, port)
    }

    fn new(protocol: Protocol, port: u16) -> Self {
        Self(listener::Listener {
            port_mapping: PortMapping { port, protocol },
            tls: None,
            health_check: None,
            timeout: None,
            connection_pool: None,
            outlier_detection: None,
        })
    }

    /// Sets the health check by which clients check its tasks. Default: none.
    #[must_use]
    pub fn with_health_check(mut self, check: HealthCheck) -> Self {
        self.0.health_check = Some(check);
        self
    }

    /// Limits the duration of requests and of idle connections. Default, decided by App Mesh: 15 s per request,
    /// retries included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: ListenerTimeout) -> Self {
        self.0.timeout = Some(timeout);
        self
    }

    /// Sets TLS towards clients. Default: none.
    #[must_use]
    pub fn with_tls(mut self, tls: ListenerTls) -> Self {
        self.0.tls = Some(tls);
        self
    }

    /// Limits connections and pending requests. Default, decided by App Mesh: no limit.
    #[must_use]
    pub fn with_connection_pool(mut self, pool: ConnectionPool) -> Self {
        self.0.connection_pool = Some(pool);
        self
    }

    /// Sets outlier detection, by which clients eject failing tasks for a time. Default: none.
    #[must_use]
    pub fn with_outlier_detection(mut self, detection: OutlierDetection) -> Self {
        self.0.outlier_detection = Some(detection);
        self
    }
}

impl From<listener::Listener> for Listener {
    fn from(listener: listener::Listener) -> Self {
        Self(listener)
    }
}

impl From<Listener> for listener::Listener {
    fn from(listener: Listener) -> Self {
        listener.0
    }
}
