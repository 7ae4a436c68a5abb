//! Traffic modes: how calls leave the process, and how the client detected it.
//!
//! Unreachable services are often the result of a traffic mode other than the author assumes. The mode is therefore a value
//! that can be printed, together with how it was detected.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// How calls into the mesh leave this process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrafficMode {
    /// Calls connect to the sidecar's egress listener and name the service in the Host header.
    #[non_exhaustive]
    ExplicitProxy {
        /// The address of the egress listener.
        egress: SocketAddr,
        /// How the client detected this mode.
        detected_by: DetectedBy,
    },
    /// Calls connect to the address that their name resolves to, and the kernel redirects the connection to the sidecar:
    /// all connections under App Mesh, those to virtual addresses under Service Connect.
    #[non_exhaustive]
    TransparentProxy {
        /// How the client detected this mode.
        detected_by: DetectedBy,
    },
    /// There is no sidecar: calls connect to the addresses that their name resolves to, round robin.
    #[non_exhaustive]
    NoProxy {
        /// How the client detected this mode.
        detected_by: DetectedBy,
    },
}

impl TrafficMode {
    pub(crate) fn explicit_proxy(egress: SocketAddr, detected_by: DetectedBy) -> Self {
        Self::ExplicitProxy { egress, detected_by }
    }

    pub(crate) fn transparent_proxy(detected_by: DetectedBy) -> Self {
        Self::TransparentProxy { detected_by }
    }

    pub(crate) fn no_proxy(detected_by: DetectedBy) -> Self {
        Self::NoProxy { detected_by }
    }

    /// How the client detected this mode.
    #[must_use]
    pub fn detected_by(&self) -> DetectedBy {
        match self {
            Self::ExplicitProxy { detected_by, .. }
            | Self::TransparentProxy { detected_by }
            | Self::NoProxy { detected_by } => *detected_by,
        }
    }

    /// True if calls go through a sidecar.
    #[must_use]
    pub fn has_sidecar(&self) -> bool {
        match self {
            Self::ExplicitProxy { .. } | Self::TransparentProxy { .. } => true,
            Self::NoProxy { .. } => false,
        }
    }
}

impl fmt::Display for TrafficMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExplicitProxy { egress, detected_by } => {
                write!(
                    f,
                    "explicit proxy, through the egress listener at {egress} ({detected_by})"
                )
            }
            Self::TransparentProxy { detected_by } => {
                write!(
                    f,
                    "transparent proxy: connections are redirected to the sidecar ({detected_by})"
                )
            }
            Self::NoProxy { detected_by } => write!(f, "no proxy ({detected_by})"),
        }
    }
}

/// How a traffic mode was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetectedBy {
    /// The environment variable with this name is set.
    EnvironmentVariable(&'static str),
    /// The hosts file contains this address, which is in Service Connect's range.
    HostsFile(IpAddr),
    /// There is no sign of a sidecar.
    Default,
    /// A method of [`ClientBuilder`](crate::ClientBuilder) sets it.
    Builder,
}

impl fmt::Display for DetectedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvironmentVariable(name) => write!(f, "{name} is set"),
            Self::HostsFile(address) => {
                write!(f, "the hosts file contains {address}, an address of Service Connect")
            }
            Self::Default => f.write_str("no sidecar detected"),
            Self::Builder => f.write_str("set by the program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_the_mode_and_how_it_was_detected() {
        let egress = SocketAddr::from(([127, 0, 0, 1], 15001));
        let vip = IpAddr::from([127, 255, 0, 1]);
        for (mode, expected) in [
            (
                TrafficMode::explicit_proxy(egress, DetectedBy::EnvironmentVariable("MESHWRIGHT_EGRESS")),
                "explicit proxy, through the egress listener at 127.0.0.1:15001 (MESHWRIGHT_EGRESS is set)",
            ),
            (
                TrafficMode::explicit_proxy(egress, DetectedBy::Builder),
                "explicit proxy, through the egress listener at 127.0.0.1:15001 (set by the program)",
            ),
            (
                TrafficMode::transparent_proxy(DetectedBy::HostsFile(vip)),
                "transparent proxy: connections are redirected to the sidecar (the hosts file contains 127.255.0.1, an \
                 address of Service Connect)",
            ),
            (
                TrafficMode::no_proxy(DetectedBy::Default),
                "no proxy (no sidecar detected)",
            ),
        ] {
            assert_eq!(mode.to_string(), expected);
            assert_eq!(mode.has_sidecar(), !expected.starts_with("no proxy"));
        }
    }
}
