//! Settings from environment variables.
//!
//! An empty variable counts as not set, because templates may fill in nothing; all errors are reported together. `mesh_client`
//! reads the variables of the mesh.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use sidecar_contract::{Diagnostics, ValidationErrors};
use tracing_subscriber::EnvFilter;

use crate::server::LONGEST_DEREGISTRATION;

const NAME: &str = "SERVICE_NAME";
const VERSION: &str = "SERVICE_VERSION";
const PORT: &str = "SERVICE_PORT";
const BIND: &str = "SERVICE_BIND";
const DOWNSTREAM_PORTS: &str = "SERVICE_DOWNSTREAM_PORTS";
const DELAY: &str = "SERVICE_DELAY";
const FAILURES: &str = "SERVICE_FAILURES";
const DEREGISTRATION: &str = "SERVICE_DEREGISTRATION";
const LOG: &str = "RUST_LOG";

const DEFAULT_NAME: &str = "unknown";
const DEFAULT_PORT: u16 = 3000;
/// Only this host can connect by default.
const DEFAULT_BIND: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The default port of services in the mesh.
const DEFAULT_DOWNSTREAM_PORT: u16 = 80;
const DEFAULT_LOG: &str = "info";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The address to listen on; port 0 for any free port.
    pub(crate) address: SocketAddr,
    pub(crate) downstream_ports: Ports,
    /// The delay of its own responses.
    pub(crate) delay: Duration,
    /// The share of its own responses that fail, in percent.
    pub(crate) failures: u8,
    /// The wait for deregistration, if it is set; at most [`LONGEST_DEREGISTRATION`].
    pub(crate) deregistration: Option<Duration>,
    /// A valid filter of the log.
    pub(crate) log_filter: String,
}

/// The allowed ports of downstream services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ports(BTreeSet<u16>);

impl Ports {
    pub(crate) fn new(ports: impl IntoIterator<Item = u16>) -> Self {
        Self(ports.into_iter().collect())
    }

    pub(crate) fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports: Vec<String> = self.0.iter().map(u16::to_string).collect();
        f.write_str(&ports.join(", "))
    }
}

impl Settings {
    /// Reads the variables of this process.
    pub(crate) fn from_environment() -> Result<Self, ValidationErrors> {
        Self::read(|name| std::env::var_os(name))
    }

    fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ValidationErrors> {
        let mut variables = Variables {
            lookup,
            diagnostics: Diagnostics::new(),
        };
        let port = variables.parsed(PORT, "a port from 0 to 65535", |text| text.parse().ok());
        let bind = variables.parsed(BIND, "an IP address, such as 127.0.0.1", |text| text.parse().ok());
        let downstream_ports = variables.parsed(DOWNSTREAM_PORTS, "ports from 1 to 65535, separated by commas", ports);
        let delay = variables.parsed(DELAY, "a time such as 500ms", |text| {
            humantime::parse_duration(text).ok()
        });
        let failures = variables.parsed(FAILURES, "a share from 0% to 100%", |text| {
            let percent = text.strip_suffix('%')?.parse().ok();
            percent.filter(|percent| *percent <= 100)
        });
        let deregistrations = format!("a time up to {LONGEST_DEREGISTRATION:?}, such as 5s");
        let deregistration = variables.parsed(DEREGISTRATION, &deregistrations, |text| {
            let wait = humantime::parse_duration(text).ok();
            wait.filter(|wait| *wait <= LONGEST_DEREGISTRATION)
        });
        let log_filter = variables.parsed(LOG, "a filter such as info or demo_service=debug", |text| {
            EnvFilter::try_new(text).ok().map(|_| text.to_owned())
        });
        let settings = Self {
            name: variables.line(NAME),
            version: variables.line(VERSION),
            address: SocketAddr::new(bind.unwrap_or(DEFAULT_BIND), port.unwrap_or(DEFAULT_PORT)),
            downstream_ports: downstream_ports.unwrap_or_else(|| Ports::new([DEFAULT_DOWNSTREAM_PORT])),
            delay: delay.unwrap_or_default(),
            failures: failures.unwrap_or_default(),
            deregistration,
            log_filter: log_filter.unwrap_or_else(|| DEFAULT_LOG.to_owned()),
        };
        variables.diagnostics.into_result(settings)
    }
}

/// Access to the environment variables, and their errors.
struct Variables<L> {
    lookup: L,
    diagnostics: Diagnostics,
}

impl<L: Fn(&str) -> Option<OsString>> Variables<L> {
    fn text(&mut self, name: &str) -> Option<String> {
        match (self.lookup)(name)?.into_string() {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(text.trim().to_owned()),
            Err(value) => {
                self.diagnostics
                    .add(name, format!("is `{}`, which is not UTF-8", value.display()));
                None
            }
        }
    }

    fn parsed<T>(&mut self, name: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.diagnostics
                .add(name, format!("is `{}`; allowed is {allowed}", text.escape_debug()));
        }
        value
    }

    /// Text for the start line, which must be one line.
    fn line(&mut self, name: &str) -> String {
        self.parsed(name, "text without control characters", |text| {
            (!text.contains(char::is_control)).then(|| text.to_owned())
        })
        .unwrap_or_else(|| DEFAULT_NAME.to_owned())
    }
}

fn ports(list: &str) -> Option<Ports> {
    let ports: Option<Vec<u16>> = list
        .split(',')
        .map(|port| port.trim().parse().ok().filter(|port| *port > 0))
        .collect();
    ports.map(Ports::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, ValidationErrors> {
        Settings::read(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn all_variables_are_optional() {
        let expected = Settings {
            name: "unknown".to_owned(),
            version: "unknown".to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 3000)),
            downstream_ports: Ports::new([80]),
            delay: Duration::ZERO,
            failures: 0,
            deregistration: None,
            log_filter: "info".to_owned(),
        };
        assert_eq!(read(&[]), Ok(expected));
        assert_eq!(
            read(&[(NAME, ""), (PORT, " "), (BIND, ""), (DOWNSTREAM_PORTS, "")]),
            read(&[])
        );
    }

    #[test]
    fn all_variables_can_be_set() {
        let settings = read(&[
            (NAME, "green"),
            (VERSION, "10"),
            (PORT, "0"),
            (BIND, "::1"),
            (DOWNSTREAM_PORTS, "8080, 80"),
            (DELAY, "500ms"),
            (FAILURES, "20%"),
            (DEREGISTRATION, "8s"),
            (LOG, "warn,demo_service=debug"),
        ]);
        let expected = Settings {
            name: "green".to_owned(),
            version: "10".to_owned(),
            address: "[::1]:0".parse().expect("an address"),
            downstream_ports: Ports::new([80, 8080]),
            delay: Duration::from_millis(500),
            failures: 20,
            deregistration: Some(Duration::from_secs(8)),
            log_filter: "warn,demo_service=debug".to_owned(),
        };
        assert_eq!(settings, Ok(expected));
        assert_eq!(Ports::new([8080, 80]).to_string(), "80, 8080");
    }

    #[test]
    fn zero_can_be_written_in_several_ways() {
        for zero in ["0", "0s", "0ms"] {
            let settings = read(&[(DEREGISTRATION, zero)]);
            let wait = settings.map(|settings| settings.deregistration);
            assert_eq!(wait, Ok(Some(Duration::ZERO)), "{zero}");
        }
    }

    #[test]
    fn all_errors_are_reported() {
        let diagnostics = read(&[
            (NAME, "gr\nue"),
            (PORT, "65536"),
            (BIND, "localhost"),
            (DOWNSTREAM_PORTS, "80,0"),
            (DELAY, "long"),
            (FAILURES, "101%"),
            (DEREGISTRATION, "9s"),
            (LOG, "demo_service=loud"),
        ])
        .unwrap_err();
        assert_eq!(
            diagnostics.to_string(),
            "SERVICE_PORT: is `65536`; allowed is a port from 0 to 65535\n\
             SERVICE_BIND: is `localhost`; allowed is an IP address, such as 127.0.0.1\n\
             SERVICE_DOWNSTREAM_PORTS: is `80,0`; allowed is ports from 1 to 65535, separated by commas\n\
             SERVICE_DELAY: is `long`; allowed is a time such as 500ms\n\
             SERVICE_FAILURES: is `101%`; allowed is a share from 0% to 100%\n\
             SERVICE_DEREGISTRATION: is `9s`; allowed is a time up to 8s, such as 5s\n\
             RUST_LOG: is `demo_service=loud`; allowed is a filter such as info or demo_service=debug\n\
             SERVICE_NAME: is `gr\\nue`; allowed is text without control characters"
        );
    }
}
