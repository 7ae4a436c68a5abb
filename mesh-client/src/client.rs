//! The client: what it is wired to, and the verbs by which calls begin.

mod builder;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use sidecar_contract::MeshSuffixes;

pub use self::builder::{ClientBuilder, DEFAULT_IDLE_TIMEOUT, DEFAULT_TIMEOUT};
use crate::bases::Bases;
use crate::config::ConfigError;
use crate::names::Names;
use crate::ready::{NotReady, Sidecar};
use crate::request::RequestBuilder;
use crate::retry::Retries;
use crate::target::Callable;
use crate::tcp::TcpEgress;
use crate::wiring::Wiring;

/// Calls services of the mesh by name.
///
/// Make one and keep it: it holds connections and reuses them, and remembers where names lead. Clones are cheap and
/// share both.
///
/// URLs are `http://name/…`; in explicit wiring the name ends in one of the mesh's suffixes, see
/// [`Client::suffixes`]. Whoever answers sees the name in lower case and without a trailing dot, and the port unless it
/// is 80. A URL that cannot be called is an error of [`RequestBuilder::send`], not of the verb.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    bases: Bases,
    wiring: Wiring,
    way: Way,
    suffixes: MeshSuffixes,
    sidecar: Sidecar,
    tcp: TcpEgress,
    /// `None` for the default, which the next hop is not told.
    timeout: Option<Duration>,
    retries: Retries,
}

/// What calls connect to.
#[derive(Debug)]
pub(crate) enum Way {
    /// The same address always.
    Sidecar(SocketAddr),
    /// Whatever a name leads to.
    Names(Box<Names>),
}

impl Client {
    /// The client that the environment describes, by the variables of [`sidecar_contract::environment`] and what else there
    /// is in the task. The first of these decides:
    ///
    /// 1. `MESHWRIGHT_WIRING` says `explicit`, `intercepted` or `direct`;
    /// 2. `MESHWRIGHT_EGRESS` is set: explicit;
    /// 3. the hosts file has an address of Service Connect, such as 127.255.0.1: intercepted;
    /// 4. nothing: direct.
    ///
    /// A sidecar to which the kernel leads all connections, as App Mesh's, leaves no trace that a service could rely
    /// on: the variables `APPMESH_…` belong to Envoy's container, and a listener at port 15001 may not be there yet
    /// when the service starts. Then `MESHWRIGHT_WIRING` has to say so.
    ///
    /// # Errors
    ///
    /// All mistakes in the variables at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        ClientBuilder::from_env()?.build()
    }

    /// Says in so many words what [`Client::from_env`] reads.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// How calls leave this process, and how the client knows. It is logged once, when the client is made.
    #[must_use]
    pub fn wiring(&self) -> &Wiring {
        &self.inner.wiring
    }

    /// What tells that the sidecar takes calls: the page that `MESHWRIGHT_READY` names
    /// ([`sidecar_contract::environment::READY`]), or else a connection to its egress listener.
    #[must_use]
    pub fn sidecar(&self) -> &Sidecar {
        &self.inner.sidecar
    }

    /// Waits until the sidecar takes calls, for at most `deadline`: what a service does before its first call. Without
    /// a sidecar there is nothing to wait for.
    ///
    /// Cancelling it waits no longer.
    ///
    /// # Errors
    ///
    /// The deadline has passed: what was waited for, and what was seen last.
    pub async fn ready(&self, deadline: Duration) -> Result<(), NotReady> {
        self.inner.sidecar.ready(deadline).await
    }

    /// The suffixes of the mesh's names. In explicit wiring no other names can be called.
    #[must_use]
    pub fn suffixes(&self) -> &MeshSuffixes {
        &self.inner.suffixes
    }

    /// How long a call may take that says nothing of its own. Default: [`DEFAULT_TIMEOUT`].
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.inner.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// The same, if somebody said so.
    pub(crate) fn stated_timeout(&self) -> Option<Duration> {
        self.inner.timeout
    }

    pub(crate) fn retries(&self) -> &Retries {
        &self.inner.retries
    }

    pub(crate) fn tcp_egress(&self) -> &TcpEgress {
        &self.inner.tcp
    }

    /// Begins a `GET`.
    pub fn get(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Begins a `HEAD`.
    pub fn head(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Begins a `POST`.
    pub fn post(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Begins a `PUT`.
    pub fn put(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Begins a call with any method but `CONNECT`, which would ask for a tunnel and the mesh has none.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, url.as_ref())
    }

    /// What names can be called.
    pub(crate) fn callable(&self) -> Callable<'_> {
        match self.inner.way {
            Way::Sidecar(_) => Callable::Within(&self.inner.suffixes),
            Way::Names(_) => Callable::AnyName(&self.inner.suffixes),
        }
    }

    pub(crate) fn way(&self) -> &Way {
        &self.inner.way
    }

    /// The URLs of the addresses that are called.
    pub(crate) fn bases(&self) -> &Bases {
        &self.inner.bases
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }
}
