//! Client builder and its defaults.

mod resolver;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sidecar_contract::{DEFAULT_PER_REQUEST_TIMEOUT, Diagnostics, MeshSuffixes};

use super::{Client, Inner};
use crate::config::{ConfigError, check_egress, check_suffixes, check_synthetic_vip};
use crate::env;
use crate::ready::Sidecar;
use crate::resolver::{HostName, Hosts, Resolver, ResolverSettings};
use crate::retry::{DEFAULT_RETRIES, Retries};
use crate::tcp_egress::TcpEgress;
use crate::traffic_mode::{DetectedBy, TrafficMode};
use crate::transport::Transport;
use crate::url_cache::UrlCache;

/// The default timeout of a call, from sending to the last byte of the response: 17 seconds.
///
/// The mesh's own timeout is [15 seconds](DEFAULT_PER_REQUEST_TIMEOUT) by default; the sidecar then sends a local reply, which
/// contains more than a timeout here could. The sidecar's clock starts when it has the complete request, later than this one,
/// so this timeout must be longer. The two seconds are for sending the request, for a first packet that is lost between hosts
/// (retransmitted after one second), and for a task that is out of CPU for a moment. A mesh with a longer timeout needs a
/// longer one here as well.
pub const DEFAULT_TIMEOUT: Duration = DEFAULT_PER_REQUEST_TIMEOUT.saturating_add(MARGIN);
const MARGIN: Duration = Duration::from_secs(2);

/// The connect timeout. A connection to a sidecar on this host takes microseconds or never succeeds; another host is in the
/// same network, and two seconds allow for one lost packet. It is shorter than the timeout of a call, to distinguish "no
/// connection" from "no response" and to leave time for the next address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an idle connection is kept, except to an egress listener: 20 seconds.
///
/// A task that is no longer in DNS gets no new calls, and its connections are closed after this time. ECS gives a task 30
/// seconds between SIGTERM and SIGKILL, unless `stopTimeout` sets another time.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The default suffixes of the mesh's names, where there is no egress listener.
const DEFAULT_SUFFIXES: [&str; 2] = ["appmesh", "serviceconnect"];

/// Configures a [`Client`]. From [`Client::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    traffic_mode: Option<TrafficMode>,
    /// Whether to detect the traffic mode if it is not set.
    detects_mode: bool,
    suffixes: Option<MeshSuffixes>,
    timeout: Option<Duration>,
    retries: u32,
    idle_timeout: Option<Duration>,
    sidecar: Option<Sidecar>,
    tcp: TcpEgress,
    /// Errors of `tcp_egress`, reported by `build`.
    tcp_errors: Diagnostics,
    resolver: ResolverSettings,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            traffic_mode: None,
            detects_mode: false,
            suffixes: None,
            timeout: None,
            retries: DEFAULT_RETRIES,
            idle_timeout: None,
            sidecar: None,
            tcp: TcpEgress::default(),
            tcp_errors: Diagnostics::new(),
            resolver: ResolverSettings::default(),
        }
    }

    /// Starts with the configuration in the environment variables. See [`Client::from_env`].
    ///
    /// # Errors
    ///
    /// All errors in the variables.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// Like [`from_env`](Self::from_env) with other variables than the process's, for tests.
    ///
    /// # Errors
    ///
    /// All errors in the variables.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let environment = env::parse(lookup)?;
        Ok(Self {
            traffic_mode: environment.traffic_mode,
            detects_mode: true,
            suffixes: environment.suffixes,
            sidecar: environment.sidecar,
            tcp: environment.tcp,
            ..Self::new()
        })
    }

    /// Sets the traffic mode to explicit proxy, with the address of the sidecar's egress listener.
    pub fn egress(mut self, address: SocketAddr) -> Self {
        self.traffic_mode = Some(TrafficMode::explicit_proxy(address, DetectedBy::Builder));
        self
    }

    /// Sets the traffic mode to transparent proxy: the kernel redirects connections to the sidecar.
    pub fn transparent_proxy(mut self) -> Self {
        self.traffic_mode = Some(TrafficMode::transparent_proxy(DetectedBy::Builder));
        self
    }

    /// Sets the traffic mode to no proxy: calls go to the addresses of a name, round robin.
    pub fn no_proxy(mut self) -> Self {
        self.traffic_mode = Some(TrafficMode::no_proxy(DetectedBy::Builder));
        self
    }

    /// Sets the suffixes of the mesh's names.
    ///
    /// In explicit-proxy mode only these names can be called, and at least one suffix is required. In the other modes any name
    /// can be called; the default is `appmesh` and `serviceconnect`. If a name with such a suffix does not resolve, it gets the
    /// [`synthetic_vip`](Self::synthetic_vip), or its error contains a hint.
    pub fn suffixes(mut self, suffixes: MeshSuffixes) -> Self {
        self.suffixes = Some(suffixes);
        self
    }

    /// Sets the timeout of calls that set none, from sending to the last byte of the response. Default: [`DEFAULT_TIMEOUT`].
    ///
    /// The remaining time is sent to the next hop, except for the default: that only prevents a call from hanging forever, and
    /// is longer than the mesh's timeout. See [`Deadline`](crate::Deadline).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the most retries of a call without a sidecar. Default: 2. Behind a sidecar there are none, whatever this is.
    ///
    /// A call is retried if no connection could be established. A call with an idempotent method (`GET`, `PUT`, `DELETE` and
    /// so on, but not `POST` and `PATCH`) is also retried if the connection broke before the response, or the status was 503.
    /// Retries are delayed by exponential backoff, and limited to a fifth of the client's calls plus one per second.
    pub fn retries(mut self, at_most: u32) -> Self {
        self.retries = at_most;
        self
    }

    /// Sets how long an idle connection is kept. Default: 90 seconds to an egress listener, whose address does not change, and
    /// [`DEFAULT_IDLE_TIMEOUT`] in the other modes.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Sets how the readiness of the sidecar is checked. Default: by a connection to its egress listener. See
    /// [`Client::ready`].
    pub fn sidecar(mut self, sidecar: Sidecar) -> Self {
        self.sidecar = Some(sidecar);
        self
    }

    /// Adds the address of the sidecar's listener for a TCP service, for explicit-proxy mode: see [`Client::tcp_address`].
    pub fn tcp_egress(mut self, name: &str, port: u16, address: SocketAddr) -> Self {
        check_egress("tcp_egress", address, &mut self.tcp_errors);
        match HostName::parse(name) {
            Ok(name) => self.tcp.insert(&name, port, address),
            Err(reason) => self
                .tcp_errors
                .add("tcp_egress", format!("the name `{}` {reason}", name.escape_debug())),
        }
        self
    }

    /// Builds the client. It does not connect before the first call. Except in explicit-proxy mode, it reads the hosts file
    /// and `resolv.conf`.
    ///
    /// # Errors
    ///
    /// All errors in the configuration; their paths are the names of this builder's methods.
    pub fn build(self) -> Result<Client, ConfigError> {
        let mut diagnostics = self.tcp_errors;
        let hosts = Hosts::new(self.resolver.hosts_file.clone(), self.resolver.policy());
        let traffic_mode = self
            .traffic_mode
            .or_else(|| self.detects_mode.then(|| detect_mode(&hosts)));
        let default = || MeshSuffixes::new(DEFAULT_SUFFIXES);
        let suffixes = match &traffic_mode {
            Some(TrafficMode::ExplicitProxy { egress, .. }) => {
                check_egress("egress", *egress, &mut diagnostics);
                self.suffixes.unwrap_or_default()
            }
            Some(_) => {
                check_synthetic_vip(
                    "synthetic_vip",
                    self.resolver.synthetic_vip,
                    hosts.policy(),
                    &mut diagnostics,
                );
                self.suffixes.unwrap_or_else(default)
            }
            None => {
                diagnostics.add("traffic_mode", "is not set; call egress, transparent_proxy or no_proxy");
                self.suffixes.unwrap_or_else(default)
            }
        };
        check_suffixes("suffixes", &suffixes, &mut diagnostics);
        let idle_timeout = match (&traffic_mode, self.idle_timeout) {
            (Some(TrafficMode::ExplicitProxy { .. }), None) => None,
            (_, timeout) => Some(timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT)),
        };
        let http = http_client(idle_timeout)
            .map_err(|error| diagnostics.add("client", format!("cannot be created: {error}")))
            .ok();
        let transport = match &traffic_mode {
            Some(TrafficMode::ExplicitProxy { egress, .. }) => Some(Transport::Egress(*egress)),
            _ => {
                let is_transparent = matches!(traffic_mode, Some(TrafficMode::TransparentProxy { .. }));
                let vip_suffixes = is_transparent.then(|| suffixes.clone());
                Resolver::new(&self.resolver, hosts, vip_suffixes)
                    .map_err(|error| diagnostics.add("resolver", format!("cannot be created: {error}")))
                    .map(|resolver| Transport::Resolver(Box::new(resolver)))
                    .ok()
            }
        };
        let (Some(traffic_mode), Some(http), Some(transport), true) =
            (traffic_mode, http, transport, diagnostics.is_empty())
        else {
            return Err(ConfigError::new(diagnostics));
        };
        let sidecar = self
            .sidecar
            .unwrap_or_else(|| Sidecar::for_mode(&traffic_mode, self.resolver.synthetic_vip));
        tracing::info!(%traffic_mode, %suffixes, "mesh client created");
        Ok(Client {
            inner: Arc::new(Inner {
                http,
                url_cache: UrlCache::default(),
                traffic_mode,
                transport,
                suffixes,
                sidecar,
                tcp: self.tcp,
                timeout: self.timeout,
                retries: Retries::new(self.retries),
            }),
        })
    }
}

/// The traffic mode of a task that does not set it.
fn detect_mode(hosts: &Hosts) -> TrafficMode {
    hosts.service_connect().map_or_else(
        || TrafficMode::no_proxy(DetectedBy::Default),
        |address| TrafficMode::transparent_proxy(DetectedBy::HostsFile(address)),
    )
}

fn http_client(idle_timeout: Option<Duration>) -> Result<reqwest::Client, reqwest::Error> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Retries are configured in the mesh, where they are visible and can be changed.
        .retry(reqwest::retry::never())
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT);
    match idle_timeout {
        Some(timeout) => client.pool_idle_timeout(timeout),
        None => client,
    }
    .build()
}

#[cfg(test)]
mod tests;
