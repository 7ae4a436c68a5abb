//! How a client is made, and the defaults it is made with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mesh_model::namespace::DEFAULT_PER_REQUEST_TIMEOUT;
use mesh_model::{MeshSuffixes, Problems, environment};

use super::{Client, Inner};
use crate::config::{ConfigError, check_egress, check_suffixes};
use crate::environment::read;
use crate::wiring::{Evidence, Wiring};

/// The deadline of a call that sets none of its own: 17 seconds, from sending to the last byte of the answer.
///
/// The mesh allows a call [15 seconds](DEFAULT_PER_REQUEST_TIMEOUT) unless configured otherwise, and then answers
/// itself, marked as a fault: an answer that says more than a deadline of ours could. Its clock starts when the
/// sidecar has the whole request, later than ours, so ours must run longer. Two seconds on top leave room for
/// sending the request, for a first packet that is lost between hosts (sent again after one second), and for a
/// task that is out of CPU for a moment. A mesh that allows more than this needs a longer deadline here as well.
pub const DEFAULT_TIMEOUT: Duration = DEFAULT_PER_REQUEST_TIMEOUT.saturating_add(MARGIN);
const MARGIN: Duration = Duration::from_secs(2);

/// How long connecting to the sidecar may take. It is on this host, where a connection takes microseconds or is
/// never made; giving up before the deadline tells "no sidecar" from "no answer".
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Says what a [`Client`] is wired to. From [`Client::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    egress: Option<SocketAddr>,
    evidence: Evidence,
    suffixes: MeshSuffixes,
    timeout: Duration,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            egress: None,
            evidence: Evidence::Program,
            suffixes: MeshSuffixes::default(),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Begins with what the environment says, to change parts of it. See [`Client::from_env`].
    ///
    /// # Errors
    ///
    /// All mistakes in the variables at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        let environment = read(|name| std::env::var_os(name))?;
        Ok(Self {
            egress: Some(environment.egress),
            evidence: Evidence::Variable(environment::EGRESS),
            suffixes: environment.suffixes,
            timeout: DEFAULT_TIMEOUT,
        })
    }

    /// The address of the sidecar's egress listener. No default.
    pub fn egress(mut self, address: SocketAddr) -> Self {
        self.egress = Some(address);
        self.evidence = Evidence::Program;
        self
    }

    /// The suffixes of the names that can be called. No default; at least one is needed.
    pub fn suffixes(mut self, suffixes: MeshSuffixes) -> Self {
        self.suffixes = suffixes;
        self
    }

    /// The deadline of every call that sets none of its own, from sending to the last byte of the answer.
    /// Default: [`DEFAULT_TIMEOUT`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client. Nothing is connected before the first call.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each named after the method that says it right. [`ConfigError::is_unwired`] if
    /// nothing but the egress address is missing.
    pub fn build(self) -> Result<Client, ConfigError> {
        let mut problems = Problems::none();
        check_suffixes("suffixes", &self.suffixes, &mut problems);
        let Some(egress) = self.egress else {
            let nothing_else_is_wrong = problems.is_empty();
            problems.add(
                "egress",
                "is not said; expected is the address of the sidecar's egress listener",
            );
            return Err(if nothing_else_is_wrong {
                ConfigError::unwired(problems)
            } else {
                ConfigError::wrong(problems)
            });
        };
        check_egress("egress", egress, &mut problems);
        let http = http_client()
            .map_err(|error| problems.add("client", format!("cannot be set up: {error}")))
            .ok();
        let Some(http) = http.filter(|_| problems.is_empty()) else {
            return Err(ConfigError::wrong(problems));
        };
        let wiring = Wiring::explicit(egress, self.evidence);
        tracing::info!(%wiring, suffixes = %self.suffixes, "calls into the mesh are wired");
        Ok(Client {
            inner: Arc::new(Inner {
                http,
                wiring,
                suffixes: self.suffixes,
                timeout: self.timeout,
            }),
        })
    }
}

fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Whether a call may be repeated is configured in the mesh, where one can see and change it.
        .retry(reqwest::retry::never())
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mesh_answers_before_the_client_gives_up() {
        assert_eq!(DEFAULT_TIMEOUT, Duration::from_secs(17));
        assert!(DEFAULT_TIMEOUT > DEFAULT_PER_REQUEST_TIMEOUT);
    }

    #[test]
    fn what_is_said_is_what_the_client_has() {
        let egress = SocketAddr::from(([127, 0, 0, 1], 15001));
        let client = Client::builder()
            .egress(egress)
            .suffixes(MeshSuffixes::from_list("appmesh"))
            .timeout(Duration::from_secs(3))
            .build()
            .unwrap();
        assert_eq!(client.wiring(), &Wiring::explicit(egress, Evidence::Program));
        assert_eq!(client.wiring().evidence(), Evidence::Program);
        assert_eq!(client.suffixes().to_string(), "appmesh");
        assert_eq!(client.timeout(), Duration::from_secs(3));
    }

    #[test]
    fn what_is_not_said_is_missed() {
        let error = Client::builder().build().unwrap_err();
        assert!(!error.is_unwired());
        assert_eq!(error.problems().iter().count(), 2);
        assert!(error.to_string().contains("suffixes: names no suffix"), "{error}");

        let builder = Client::builder().suffixes(MeshSuffixes::from_list("appmesh"));
        let error = builder.clone().build().unwrap_err();
        assert!(error.is_unwired());
        assert!(error.to_string().starts_with("egress: is not said"), "{error}");

        let error = builder
            .egress(SocketAddr::from(([127, 0, 0, 1], 0)))
            .build()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "egress: is `127.0.0.1:0`; allowed is a port from 1 to 65535"
        );
    }
}
