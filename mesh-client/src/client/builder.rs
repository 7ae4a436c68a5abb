//! How a client is made, and the defaults it is made with.

mod names;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sidecar_contract::{DEFAULT_PER_REQUEST_TIMEOUT, Diagnostics, MeshSuffixes};

use super::{Client, Inner, Way};
use crate::bases::Bases;
use crate::config::{ConfigError, check_egress, check_placeholder, check_suffixes};
use crate::environment::read;
use crate::names::{HostName, Hosts, NameSettings, Names};
use crate::ready::Sidecar;
use crate::retry::{DEFAULT_RETRIES, Retries};
use crate::tcp::TcpEgress;
use crate::wiring::{Evidence, Wiring};

/// How long a call may take that says nothing of its own: 17 seconds, from sending to the last byte of the answer.
///
/// The mesh allows a call [15 seconds](DEFAULT_PER_REQUEST_TIMEOUT) unless configured otherwise, and then answers
/// itself, marked as a fault: an answer that says more than a deadline of ours could. Its clock starts when the
/// sidecar has the whole request, later than ours, so ours must run longer. Two seconds on top leave room for
/// sending the request, for a first packet that is lost between hosts (sent again after one second), and for a
/// task that is out of CPU for a moment. A mesh that allows more than this needs a longer deadline here as well.
pub const DEFAULT_TIMEOUT: Duration = DEFAULT_PER_REQUEST_TIMEOUT.saturating_add(MARGIN);
const MARGIN: Duration = Duration::from_secs(2);

/// How long connecting may take. A sidecar is on this host, where a connection takes microseconds or is never made;
/// another host is in the same network, and two seconds allow for one lost packet. Giving up before the deadline tells
/// "nobody there" from "no answer", and leaves time for the next address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection is kept that no call uses, but for the one to an egress listener: 20 seconds.
///
/// A task that has left DNS gets no new call, and has its connections closed once this has passed. ECS gives a task 30
/// seconds between telling it to stop and stopping it, unless `stopTimeout` says otherwise.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The ends of the mesh's names where nothing says others: `appmesh` and `serviceconnect`.
const DEFAULT_SUFFIXES: [&str; 2] = ["appmesh", "serviceconnect"];

/// Says what a [`Client`] is wired to. From [`Client::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    wiring: Option<Wiring>,
    /// Whether to find out what the wiring is, if nobody says.
    finds_out: bool,
    suffixes: Option<MeshSuffixes>,
    timeout: Option<Duration>,
    retries: u32,
    idle_timeout: Option<Duration>,
    sidecar: Option<Sidecar>,
    tcp: TcpEgress,
    /// What was said of TCP services that are none.
    tcp_mistakes: Diagnostics,
    names: NameSettings,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            wiring: None,
            finds_out: false,
            suffixes: None,
            timeout: None,
            retries: DEFAULT_RETRIES,
            idle_timeout: None,
            sidecar: None,
            tcp: TcpEgress::default(),
            tcp_mistakes: Diagnostics::new(),
            names: NameSettings::default(),
        }
    }

    /// Begins with what the environment says, to change parts of it. See [`Client::from_env`].
    ///
    /// # Errors
    ///
    /// All mistakes in the variables at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// The same with variables from elsewhere, for a service's own tests.
    ///
    /// # Errors
    ///
    /// All mistakes in the variables at once.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let environment = read(lookup)?;
        Ok(Self {
            wiring: environment.wiring,
            finds_out: true,
            suffixes: environment.suffixes,
            sidecar: environment.sidecar,
            tcp: environment.tcp,
            ..Self::new()
        })
    }

    /// Explicit wiring: the address of the sidecar's egress listener.
    pub fn egress(mut self, address: SocketAddr) -> Self {
        self.wiring = Some(Wiring::explicit(address, Evidence::Program));
        self
    }

    /// Intercepted wiring: connections to whatever a name resolves to are led to the sidecar.
    pub fn intercepted(mut self) -> Self {
        self.wiring = Some(Wiring::intercepted(Evidence::Program));
        self
    }

    /// Direct wiring: there is no sidecar, and calls go to the addresses of a name in turn.
    pub fn direct(mut self) -> Self {
        self.wiring = Some(Wiring::direct(Evidence::Program));
        self
    }

    /// The suffixes of the mesh's names.
    ///
    /// In explicit wiring no other names can be called, and there is no default: at least one is needed. In the other
    /// wirings any name can be called; the default is `appmesh` and `serviceconnect`, and they say which names get a
    /// [`placeholder`](Self::placeholder), or advice, if they lead nowhere.
    pub fn suffixes(mut self, suffixes: MeshSuffixes) -> Self {
        self.suffixes = Some(suffixes);
        self
    }

    /// How long a call may take that says nothing of its own, from sending to the last byte of the answer.
    /// Default: [`DEFAULT_TIMEOUT`].
    ///
    /// The next hop is told what is left of it, but not of the default: that is there so that no call hangs for ever,
    /// and is longer than what the mesh allows. See [`Deadline`](crate::Deadline).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How often a call is sent once more, in direct wiring, where no proxy does so. Default: twice; zero switches it
    /// off.
    ///
    /// A call of any method is sent once more if no connection came about; one of an idempotent method (`GET`, `PUT`,
    /// `DELETE` and so on, but not `POST` and `PATCH`) also if the connection broke before the answer, or the answer
    /// was 503. There is a growing pause before each, and all retries of a client are at most a fifth of its calls and
    /// one per second.
    pub fn retries(mut self, at_most: u32) -> Self {
        self.retries = at_most;
        self
    }

    /// How long a connection is kept that no call uses. Default: 90 seconds to an egress listener, which does not
    /// change its address, and [`DEFAULT_IDLE_TIMEOUT`] in the other wirings.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// What tells that the sidecar takes calls. Default: a connection to its egress listener. See
    /// [`Client::ready`].
    pub fn sidecar(mut self, sidecar: Sidecar) -> Self {
        self.sidecar = Some(sidecar);
        self
    }

    /// In explicit wiring, the address of the sidecar's listener for a TCP service: see
    /// [`Client::tcp_address`]. One for each.
    pub fn tcp_egress(mut self, name: &str, port: u16, address: SocketAddr) -> Self {
        check_egress("tcp_egress", address, &mut self.tcp_mistakes);
        match HostName::parse(name) {
            Ok(name) => self.tcp.insert(&name, port, address),
            Err(why) => self
                .tcp_mistakes
                .add("tcp_egress", format!("the name `{}` {why}", name.escape_debug())),
        }
        self
    }

    /// The client. Nothing is connected before the first call. In other wirings than explicit, the hosts file and
    /// `resolv.conf` are read here.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each named after the method that says it right.
    pub fn build(self) -> Result<Client, ConfigError> {
        let mut diagnostics = self.tcp_mistakes;
        let hosts = Hosts::new(self.names.hosts_file.clone(), self.names.rules());
        let wiring = self.wiring.or_else(|| self.finds_out.then(|| found_out(&hosts)));
        let default = || MeshSuffixes::new(DEFAULT_SUFFIXES);
        let suffixes = match &wiring {
            Some(Wiring::Explicit { egress, .. }) => {
                check_egress("egress", *egress, &mut diagnostics);
                self.suffixes.unwrap_or_default()
            }
            Some(_) => {
                check_placeholder("placeholder", self.names.placeholder, hosts.rules(), &mut diagnostics);
                self.suffixes.unwrap_or_else(default)
            }
            None => {
                diagnostics.add(
                    "wiring",
                    "is not said; expected is one of egress, intercepted and direct",
                );
                self.suffixes.unwrap_or_else(default)
            }
        };
        check_suffixes("suffixes", &suffixes, &mut diagnostics);
        let idle_timeout = match (&wiring, self.idle_timeout) {
            (Some(Wiring::Explicit { .. }), None) => None,
            (_, said) => Some(said.unwrap_or(DEFAULT_IDLE_TIMEOUT)),
        };
        let http = http_client(idle_timeout)
            .map_err(|error| diagnostics.add("client", format!("cannot be set up: {error}")))
            .ok();
        let way = match &wiring {
            Some(Wiring::Explicit { egress, .. }) => Some(Way::Sidecar(*egress)),
            _ => {
                let intercepted = matches!(wiring, Some(Wiring::Intercepted { .. }));
                let placeholder_for = intercepted.then(|| suffixes.clone());
                Names::new(&self.names, hosts, placeholder_for)
                    .map_err(|error| diagnostics.add("names", format!("cannot be looked up: {error}")))
                    .map(|names| Way::Names(Box::new(names)))
                    .ok()
            }
        };
        let (Some(wiring), Some(http), Some(way), true) = (wiring, http, way, diagnostics.is_empty()) else {
            return Err(ConfigError::new(diagnostics));
        };
        let sidecar = self
            .sidecar
            .unwrap_or_else(|| Sidecar::of(&wiring, self.names.placeholder));
        tracing::info!(%wiring, %suffixes, "calls into the mesh are wired");
        Ok(Client {
            inner: Arc::new(Inner {
                http,
                bases: Bases::default(),
                wiring,
                way,
                suffixes,
                sidecar,
                tcp: self.tcp,
                timeout: self.timeout,
                retries: Retries::new(self.retries),
            }),
        })
    }
}

/// The wiring of a task that says nothing of it.
fn found_out(hosts: &Hosts) -> Wiring {
    hosts.service_connect().map_or_else(
        || Wiring::direct(Evidence::Nothing),
        |address| Wiring::intercepted(Evidence::ServiceConnect(address)),
    )
}

fn http_client(idle_timeout: Option<Duration>) -> Result<reqwest::Client, reqwest::Error> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Whether a call may be repeated is configured in the mesh, where one can see and change it.
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
