//! The client.

mod builder;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use sidecar_contract::MeshSuffixes;

pub use self::builder::{ClientBuilder, DEFAULT_IDLE_TIMEOUT, DEFAULT_TIMEOUT};
use crate::config::ConfigError;
use crate::ready::{NotReady, Sidecar};
use crate::request::RequestBuilder;
use crate::retry::Retries;
use crate::target::AllowedNames;
use crate::tcp_egress::TcpEgress;
use crate::traffic_mode::TrafficMode;
use crate::transport::Transport;
use crate::url_cache::UrlCache;

/// Calls services of the mesh by name.
///
/// Create one and keep it: it has a connection pool and a DNS cache. Clones are cheap and share both.
///
/// URLs are `http://name/…`; in explicit-proxy mode the name must have one of the mesh's suffixes, see [`Client::suffixes`].
/// The Host header contains the name in lower case without a trailing dot, and the port unless it is 80. An invalid URL is an
/// error of [`RequestBuilder::send`].
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    url_cache: UrlCache,
    traffic_mode: TrafficMode,
    transport: Transport,
    suffixes: MeshSuffixes,
    sidecar: Sidecar,
    tcp: TcpEgress,
    /// `None` for the default, which is not sent to the next hop.
    timeout: Option<Duration>,
    retries: Retries,
}

impl Client {
    /// Creates a client from the variables of [`environment`](crate::environment) and detects the traffic mode. The first
    /// match decides:
    ///
    /// 1. `MESHWRIGHT_WIRING` is `explicit` (explicit proxy), `intercepted` (transparent proxy) or `direct` (no proxy);
    /// 2. `MESHWRIGHT_EGRESS` is set: explicit proxy;
    /// 3. the hosts file contains an address of Service Connect, such as 127.255.0.1: transparent proxy;
    /// 4. otherwise: no proxy.
    ///
    /// A sidecar to which iptables redirects all connections, such as App Mesh's, cannot be detected: the variables
    /// `APPMESH_…` belong to Envoy's container, and the listener on port 15001 may not exist yet when the service starts.
    /// Set `MESHWRIGHT_WIRING` there.
    ///
    /// # Errors
    ///
    /// All errors in the variables.
    pub fn from_env() -> Result<Self, ConfigError> {
        ClientBuilder::from_env()?.build()
    }

    /// Configures a client in code instead of by [`Client::from_env`].
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// How calls leave this process, and how the client detected it. Logged once, when the client is created.
    #[must_use]
    pub fn traffic_mode(&self) -> &TrafficMode {
        &self.inner.traffic_mode
    }

    /// The sidecar and how its readiness is checked: by the URL in `MESHWRIGHT_READY`
    /// ([`environment::READY`](crate::environment::READY)), or else by a connection to its egress listener.
    #[must_use]
    pub fn sidecar(&self) -> &Sidecar {
        &self.inner.sidecar
    }

    /// Waits until the sidecar is ready, for at most `timeout`. Call it before the first call. Without a sidecar it returns
    /// immediately.
    ///
    /// Cancelling it is safe.
    ///
    /// # Errors
    ///
    /// The timeout has passed: which check failed, and its last result.
    pub async fn ready(&self, timeout: Duration) -> Result<(), NotReady> {
        self.inner.sidecar.ready(timeout).await
    }

    /// The suffixes of the mesh's host names. In explicit-proxy mode only these names can be called.
    #[must_use]
    pub fn suffixes(&self) -> &MeshSuffixes {
        &self.inner.suffixes
    }

    /// The timeout of calls that set none. Default: [`DEFAULT_TIMEOUT`].
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.inner.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// The timeout, if it was configured.
    pub(crate) fn configured_timeout(&self) -> Option<Duration> {
        self.inner.timeout
    }

    pub(crate) fn retries(&self) -> &Retries {
        &self.inner.retries
    }

    pub(crate) fn tcp_egress(&self) -> &TcpEgress {
        &self.inner.tcp
    }

    /// Builds a `GET`.
    pub fn get(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Builds a `HEAD`.
    pub fn head(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Builds a `POST`.
    pub fn post(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Builds a `PUT`.
    pub fn put(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Builds a `PATCH`.
    pub fn patch(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Builds a `DELETE`.
    pub fn delete(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Builds a call with any method except `CONNECT`.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, url.as_ref())
    }

    /// The names that can be called.
    pub(crate) fn allowed_names(&self) -> AllowedNames<'_> {
        match self.inner.transport {
            Transport::Egress(_) => AllowedNames::WithSuffix(&self.inner.suffixes),
            Transport::Resolver(_) => AllowedNames::Any(&self.inner.suffixes),
        }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    pub(crate) fn url_cache(&self) -> &UrlCache {
        &self.inner.url_cache
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }
}
