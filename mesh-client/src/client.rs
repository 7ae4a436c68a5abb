//! The client: what it is wired to, and the verbs by which calls begin.

mod builder;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use mesh_model::MeshSuffixes;

pub use self::builder::{ClientBuilder, DEFAULT_TIMEOUT};
use crate::config::ConfigError;
use crate::request::RequestBuilder;
use crate::wiring::Wiring;

/// Calls services of the mesh by name.
///
/// Make one and keep it: it holds the connections to the sidecar and reuses them. Clones are cheap and share
/// them.
///
/// URLs are `http://name/…`, where the name ends in one of the mesh's suffixes; see [`Client::suffixes`]. The
/// sidecar sees the name in lower case and without a trailing dot, and the port unless it is 80. A URL that
/// cannot be called is an error of [`RequestBuilder::send`], not of the verb.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    wiring: Wiring,
    suffixes: MeshSuffixes,
    timeout: Duration,
}

impl Client {
    /// The client that the environment describes, by the variables of [`mesh_model::environment`].
    ///
    /// # Errors
    ///
    /// All mistakes in the variables at once. [`ConfigError::is_unwired`] tells a process outside of any mesh.
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

    /// The suffixes of the names that can be called.
    #[must_use]
    pub fn suffixes(&self) -> &MeshSuffixes {
        &self.inner.suffixes
    }

    /// The deadline of a call that sets none of its own. Default: [`DEFAULT_TIMEOUT`].
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.inner.timeout
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

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }
}
