//! Listeners of virtual nodes and virtual gateways.

use mesh_model::app_mesh::listener::{self, ConnectionPool, HealthCheck, ListenerTimeout, OutlierDetection};
use mesh_model::app_mesh::tls::ListenerTls;
use mesh_model::app_mesh::{PortMapping, Protocol};

/// Where a virtual node or a virtual gateway takes requests: a builder for the model's
/// [`Listener`](listener::Listener), from which it can be made as well.
///
/// A virtual gateway's has no timeout, no outlier detection and no TCP; any of them is a problem there.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener(listener::Listener);

impl Listener {
    /// A listener for HTTP/1.1 on a port.
    #[must_use]
    pub fn http(port: u16) -> Self {
        Self::speaking(Protocol::Http, port)
    }

    /// A listener for HTTP/2 on a port, without TLS of its own.
    #[must_use]
    pub fn http2(port: u16) -> Self {
        Self::speaking(Protocol::Http2, port)
    }

    /// A listener for gRPC on a port.
    #[must_use]
    pub fn grpc(port: u16) -> Self {
        Self::speaking(Protocol::Grpc, port)
    }

    /// A listener for any TCP on a port.
    #[must_use]
    pub fn tcp(port: u16) -> Self {
        Self::speaking(Protocol::Tcp, port)
    }

    fn speaking(protocol: Protocol, port: u16) -> Self {
        Self(listener::Listener {
            port_mapping: PortMapping { port, protocol },
            tls: None,
            health_check: None,
            timeout: None,
            connection_pool: None,
            outlier_detection: None,
        })
    }

    /// The same listener, its tasks asked by callers whether they are well. Default: they are not.
    #[must_use]
    pub fn with_health_check(mut self, check: HealthCheck) -> Self {
        self.0.health_check = Some(check);
        self
    }

    /// The same listener with limits to how long requests and idle connections last. Default, decided by App Mesh:
    /// 15 s for a request, retries included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: ListenerTimeout) -> Self {
        self.0.timeout = Some(timeout);
        self
    }

    /// The same listener with TLS towards those who call. Default: none.
    #[must_use]
    pub fn with_tls(mut self, tls: ListenerTls) -> Self {
        self.0.tls = Some(tls);
        self
    }

    /// The same listener with a limit to how much is under way at once. Default, decided by App Mesh: no limit.
    #[must_use]
    pub fn with_connection_pool(mut self, pool: ConnectionPool) -> Self {
        self.0.connection_pool = Some(pool);
        self
    }

    /// The same listener, a failing task left alone by its callers for a while. Default: it is not.
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
