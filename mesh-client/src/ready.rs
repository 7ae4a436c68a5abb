//! Readiness of the sidecar.
//!
//! ECS starts the containers of a task together unless `dependsOn` orders them, and an Envoy has no listeners before its
//! control plane sends them. How readiness can be checked differs between tasks; [`Sidecar`] describes it.

mod health_page;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sidecar_contract::Diagnostics;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use self::health_page::HealthPage;
use crate::config::ConfigError;
use crate::traffic_mode::{DetectedBy, TrafficMode};

/// The timeout of one check. A sidecar is on this host and responds within a millisecond; a second allows for a host that is
/// starting ten tasks.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The first pause between two checks: short, for a sidecar that is almost ready. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause. The agent of App Mesh and Service Connect limits its clients to ten requests a second in total
/// (`agent/config/agent_config.go` of aws/amazon-ecs-service-connect-agent, read 2026-11-23).
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A port for connections that are redirected to the sidecar: the redirection rules match any port.
const ANY_PORT: u16 = 80;

/// A sidecar, and how its readiness is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    check: Check,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Check {
    /// No sidecar.
    None,
    /// Its health page reports that it is ready.
    HealthPage(HealthPage),
    /// Its egress listener accepts a connection to this address.
    Listener(SocketAddr),
}

impl Sidecar {
    /// No sidecar: always ready.
    #[must_use]
    pub fn none() -> Self {
        Self { check: Check::None }
    }

    /// A sidecar that is ready when a connection to `address` succeeds: its egress listener in explicit-proxy mode, or an
    /// address from which connections are redirected to it.
    ///
    /// An Envoy has no listener before its control plane sends one, so this checks more than that the process runs.
    #[must_use]
    pub fn listener(address: SocketAddr) -> Self {
        Self {
            check: Check::Listener(address),
        }
    }

    /// A sidecar that is ready when its health page responds with 200: Envoy's `/ready` (503 before its first configuration;
    /// Envoy's documentation, operations/admin, read 2026-11-23), or `/status` of the agent of App Mesh and Service Connect,
    /// which always responds with 200 and contains Envoy's health in `healthStatus` (`agent/healthcheck/health_check.go` of
    /// aws/amazon-ecs-service-connect-agent, read 2026-11-23).
    ///
    /// `url` is for instance `http://127.0.0.1:9901/ready`, or `http://unix:/tmp/envoy_admin.sock:/ready` on a Unix socket.
    ///
    /// # Errors
    ///
    /// `url` has another form.
    pub fn health_page(url: &str) -> Result<Self, ConfigError> {
        let mut diagnostics = Diagnostics::new();
        match Self::parse_url("health_page", url, &mut diagnostics) {
            Some(sidecar) => Ok(sidecar),
            None => Err(ConfigError::new(diagnostics)),
        }
    }

    /// Like [`health_page`](Self::health_page), with errors added to `diagnostics` with the path `path`.
    pub(crate) fn parse_url(path: &str, url: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        match HealthPage::parse(url) {
            Ok(page) => Some(Self {
                check: Check::HealthPage(page),
            }),
            Err(reason) => {
                diagnostics.add(path, reason);
                None
            }
        }
    }

    /// The sidecar of a client in this traffic mode, without a health page: checked by its egress listener.
    ///
    /// In transparent-proxy mode a connection to a virtual address of Service Connect or to `vip` is redirected to that
    /// listener.
    pub(crate) fn for_mode(mode: &TrafficMode, vip: IpAddr) -> Self {
        match mode {
            TrafficMode::ExplicitProxy { egress, .. } => Self::listener(*egress),
            TrafficMode::TransparentProxy {
                detected_by: DetectedBy::HostsFile(address),
            } => Self::listener(SocketAddr::new(*address, ANY_PORT)),
            TrafficMode::TransparentProxy { .. } => Self::listener(SocketAddr::new(vip, ANY_PORT)),
            TrafficMode::NoProxy { .. } => Self::none(),
        }
    }

    /// Checks once, for at most a second: `Err` is the result of the failed check.
    pub(crate) async fn check(&self) -> Result<(), String> {
        let check = async {
            match &self.check {
                Check::None => Ok(()),
                Check::HealthPage(page) => page.check().await,
                Check::Listener(address) => TcpStream::connect(address).await.map(drop).map_err(|e| e.to_string()),
            }
        };
        timeout(CHECK_TIMEOUT, check)
            .await
            .unwrap_or_else(|_| Err(format!("no response within {CHECK_TIMEOUT:?}")))
    }

    /// Waits until the sidecar is ready, for at most `timeout`.
    ///
    /// Cancelling it is safe.
    ///
    /// # Errors
    ///
    /// The timeout has passed: which check failed, and its last result.
    pub async fn ready(&self, timeout: Duration) -> Result<(), NotReady> {
        let started = Instant::now();
        let result = self.wait(started, timeout).await;
        #[cfg(feature = "telemetry")]
        crate::telemetry::metrics::readiness(result.is_ok(), started.elapsed());
        result
    }

    async fn wait(&self, started: Instant, timeout: Duration) -> Result<(), NotReady> {
        let mut last = "no check has finished".to_owned();
        let mut pause = FIRST_PAUSE;
        let waiting = async {
            while let Err(result) = self.check().await {
                if result != last {
                    tracing::debug!(check = %self, result, "the sidecar is not ready yet");
                }
                last = result;
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        match tokio::time::timeout_at(started + timeout, waiting).await {
            Ok(()) => Ok(()),
            Err(_) => Err(NotReady {
                check: self.to_string(),
                last,
                timeout,
            }),
        }
    }
}

/// The check, as the object of "waited for".
impl fmt::Display for Sidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.check {
            Check::None => f.write_str("no sidecar"),
            Check::HealthPage(page) => page.fmt(f),
            Check::Listener(address) => write!(f, "a connection to the egress listener at {address}"),
        }
    }
}

/// The sidecar was not ready in time. `Debug` writes what `Display` writes, for programs that return it from `main`.
#[derive(Clone, PartialEq, Eq)]
pub struct NotReady {
    check: String,
    last: String,
    timeout: Duration,
}

impl NotReady {
    /// What was waited for: a health page, or a connection.
    #[must_use]
    pub fn waited_for(&self) -> &str {
        &self.check
    }

    /// The result of the last check.
    #[must_use]
    pub fn last_result(&self) -> &str {
        &self.last
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the sidecar is not ready after {:?}: waited for {}; last result: {}",
            self.timeout, self.check, self.last
        )
    }
}

impl fmt::Debug for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NotReady {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_follows_from_the_traffic_mode() {
        let vip = [10, 10, 10, 10].into();
        let egress = SocketAddr::from(([127, 0, 0, 1], 15001));
        for (mode, expected) in [
            (
                TrafficMode::explicit_proxy(egress, DetectedBy::Builder),
                "a connection to the egress listener at 127.0.0.1:15001",
            ),
            (
                TrafficMode::transparent_proxy(DetectedBy::HostsFile([127, 255, 0, 1].into())),
                "a connection to the egress listener at 127.255.0.1:80",
            ),
            (
                TrafficMode::transparent_proxy(DetectedBy::Builder),
                "a connection to the egress listener at 10.10.10.10:80",
            ),
            (TrafficMode::no_proxy(DetectedBy::Default), "no sidecar"),
        ] {
            assert_eq!(Sidecar::for_mode(&mode, vip).to_string(), expected);
        }
    }

    #[tokio::test]
    async fn no_sidecar_is_always_ready() {
        assert_eq!(Sidecar::none().ready(Duration::ZERO).await, Ok(()));
    }
}
