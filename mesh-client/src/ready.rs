//! Waiting for the sidecar: a service that calls before its sidecar listens fails for no reason of its own.
//!
//! ECS starts the containers of a task together unless `dependsOn` says otherwise, and an Envoy that runs has no
//! listeners before its control plane has spoken. What tells that it is done differs from task to task; [`Sidecar`] is
//! that description, and everything else asks it.

mod page;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sidecar_contract::Diagnostics;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use self::page::Page;
use crate::config::ConfigError;
use crate::wiring::{Evidence, Wiring};

/// How long one look may take. A sidecar is on this host and answers within a millisecond; a second forgives a host
/// that is starting ten tasks.
const LOOK: Duration = Duration::from_secs(1);

/// The first pause between two looks, so that a sidecar that is nearly there costs no time. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause. The agent of App Mesh and Service Connect answers ten requests a second and no more
/// (`agent/config/agent_config.go` of aws/amazon-ecs-service-connect-agent, read 2026-11-23), and others ask it too.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A port for connections to addresses that lead to the sidecar: its rules look at the address alone.
const ANY_PORT: u16 = 80;

/// What tells that the sidecar takes calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    sign: Sign,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sign {
    /// There is no sidecar to wait for.
    None,
    /// A page answers that it is well.
    Page(Page),
    /// Its egress listener takes a connection to this address.
    Listener(SocketAddr),
}

impl Sidecar {
    /// No sidecar: there is nothing to wait for.
    #[must_use]
    pub fn none() -> Self {
        Self { sign: Sign::None }
    }

    /// A sidecar that is ready once a connection to `address` comes about: its egress listener in explicit wiring, or
    /// an address from which connections are led there.
    ///
    /// An Envoy has no listener before its control plane has told it of one, so this asks for more than that it runs.
    #[must_use]
    pub fn listener(address: SocketAddr) -> Self {
        Self {
            sign: Sign::Listener(address),
        }
    }

    /// A sidecar that is ready once a page answers 200: Envoy's `/ready` (200 when it has its first configuration and
    /// 503 before; Envoy's documentation, operations/admin, read 2026-11-23), or `/status` of the agent of App Mesh and
    /// Service Connect, which always answers 200 and says in `healthStatus` how Envoy is
    /// (`agent/healthcheck/health_check.go` of aws/amazon-ecs-service-connect-agent, read 2026-11-23).
    ///
    /// `url` is `http://127.0.0.1:9901/ready`, or `http://unix:/tmp/envoy_admin.sock:/ready` for a page on a Unix
    /// socket.
    ///
    /// # Errors
    ///
    /// A `url` of another form.
    pub fn page(url: &str) -> Result<Self, ConfigError> {
        let mut diagnostics = Diagnostics::new();
        match Self::page_named("page", url, &mut diagnostics) {
            Some(sidecar) => Ok(sidecar),
            None => Err(ConfigError::new(diagnostics)),
        }
    }

    /// The same, with mistakes noted under `path`.
    pub(crate) fn page_named(path: &str, url: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        match Page::parse(url) {
            Ok(page) => Some(Self { sign: Sign::Page(page) }),
            Err(why) => {
                diagnostics.add(path, why);
                None
            }
        }
    }

    /// The sidecar of a client that is wired so, where nothing names a page: its egress listener.
    ///
    /// Where connections are intercepted, one to any address that leads into the mesh reaches that listener: to
    /// Service Connect's own, or to `placeholder`.
    pub(crate) fn of(wiring: &Wiring, placeholder: IpAddr) -> Self {
        match wiring {
            Wiring::Explicit { egress, .. } => Self::listener(*egress),
            Wiring::Intercepted {
                evidence: Evidence::ServiceConnect(address),
            } => Self::listener(SocketAddr::new(*address, ANY_PORT)),
            Wiring::Intercepted { .. } => Self::listener(SocketAddr::new(placeholder, ANY_PORT)),
            Wiring::Direct { .. } => Self::none(),
        }
    }

    /// Looks once, for at most a second: `Err` says what was seen instead of a sidecar that takes calls.
    ///
    /// Cancelling it looks no further.
    pub(crate) async fn look(&self) -> Result<(), String> {
        let look = async {
            match &self.sign {
                Sign::None => Ok(()),
                Sign::Page(page) => page.look().await,
                Sign::Listener(address) => TcpStream::connect(address).await.map(drop).map_err(|e| e.to_string()),
            }
        };
        timeout(LOOK, look)
            .await
            .unwrap_or_else(|_| Err(format!("nothing within {LOOK:?}")))
    }

    /// Waits until the sidecar takes calls, for at most `deadline`.
    ///
    /// Cancelling it waits no longer.
    ///
    /// # Errors
    ///
    /// The deadline has passed: what was waited for, and what was seen last.
    pub async fn ready(&self, deadline: Duration) -> Result<(), NotReady> {
        let begun = Instant::now();
        let result = self.wait(begun, deadline).await;
        #[cfg(feature = "telemetry")]
        crate::telemetry::measure::readiness(result.is_ok(), begun.elapsed());
        result
    }

    async fn wait(&self, begun: Instant, deadline: Duration) -> Result<(), NotReady> {
        let mut seen = "nothing yet".to_owned();
        let mut pause = FIRST_PAUSE;
        let waiting = async {
            while let Err(instead) = self.look().await {
                if instead != seen {
                    tracing::debug!(sidecar = %self, instead, "the sidecar is not ready yet");
                }
                seen = instead;
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        match tokio::time::timeout_at(begun + deadline, waiting).await {
            Ok(()) => Ok(()),
            Err(_) => Err(NotReady {
                waited_for: self.to_string(),
                seen,
                deadline,
            }),
        }
    }
}

/// What is waited for, to stand behind "waited for".
impl fmt::Display for Sidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sign {
            Sign::None => f.write_str("no sidecar"),
            Sign::Page(page) => page.fmt(f),
            Sign::Listener(address) => write!(f, "the egress listener to take a connection to {address}"),
        }
    }
}

/// The sidecar did not take calls in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    waited_for: String,
    seen: String,
    deadline: Duration,
}

impl NotReady {
    /// What was waited for: a page, or a connection.
    #[must_use]
    pub fn waited_for(&self) -> &str {
        &self.waited_for
    }

    /// What was seen last instead.
    #[must_use]
    pub fn last_seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the sidecar is not ready after {:?}: waited for {}, and saw last: {}",
            self.deadline, self.waited_for, self.seen
        )
    }
}

impl std::error::Error for NotReady {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wiring_says_what_to_wait_for() {
        let placeholder = [10, 10, 10, 10].into();
        let egress = SocketAddr::from(([127, 0, 0, 1], 15001));
        for (wiring, expected) in [
            (
                Wiring::explicit(egress, Evidence::Program),
                "the egress listener to take a connection to 127.0.0.1:15001",
            ),
            (
                Wiring::intercepted(Evidence::ServiceConnect([127, 255, 0, 1].into())),
                "the egress listener to take a connection to 127.255.0.1:80",
            ),
            (
                Wiring::intercepted(Evidence::Program),
                "the egress listener to take a connection to 10.10.10.10:80",
            ),
            (Wiring::direct(Evidence::Nothing), "no sidecar"),
        ] {
            assert_eq!(Sidecar::of(&wiring, placeholder).to_string(), expected);
        }
    }

    #[tokio::test]
    async fn without_a_sidecar_there_is_nothing_to_wait_for() {
        assert_eq!(Sidecar::none().ready(Duration::ZERO).await, Ok(()));
    }
}
