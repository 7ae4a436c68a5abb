//! How calls leave this process, and how the client knows.
//!
//! A service that cannot be reached is often one that is wired differently from what its author believes. The
//! wiring is therefore a value that can be printed, and it carries the evidence it was concluded from.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// How calls into the mesh leave this process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wiring {
    /// Calls connect to the sidecar's egress listener and name the service in the Host header.
    #[non_exhaustive]
    Explicit {
        /// The address of the egress listener.
        egress: SocketAddr,
        /// Why the client believes so.
        evidence: Evidence,
    },
    /// Calls connect to whatever their name resolves to, and the kernel leads the connection to the sidecar: as App
    /// Mesh did with everything, and Service Connect does with its virtual addresses.
    #[non_exhaustive]
    Intercepted {
        /// Why the client believes so.
        evidence: Evidence,
    },
    /// There is no sidecar: calls connect to one of the addresses that their name resolves to, in turn.
    #[non_exhaustive]
    Direct {
        /// Why the client believes so.
        evidence: Evidence,
    },
}

impl Wiring {
    pub(crate) fn explicit(egress: SocketAddr, evidence: Evidence) -> Self {
        Self::Explicit { egress, evidence }
    }

    pub(crate) fn intercepted(evidence: Evidence) -> Self {
        Self::Intercepted { evidence }
    }

    pub(crate) fn direct(evidence: Evidence) -> Self {
        Self::Direct { evidence }
    }

    /// What the wiring was concluded from.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        match self {
            Self::Explicit { evidence, .. } | Self::Intercepted { evidence } | Self::Direct { evidence } => *evidence,
        }
    }

    /// True if a proxy stands between this process and the services it calls.
    #[must_use]
    pub fn has_sidecar(&self) -> bool {
        match self {
            Self::Explicit { .. } | Self::Intercepted { .. } => true,
            Self::Direct { .. } => false,
        }
    }
}

impl fmt::Display for Wiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit { egress, evidence } => {
                write!(f, "explicit, through the egress listener at {egress} ({evidence})")
            }
            Self::Intercepted { evidence } => {
                write!(
                    f,
                    "intercepted, through a sidecar that connections are led to ({evidence})"
                )
            }
            Self::Direct { evidence } => write!(f, "direct, without a sidecar ({evidence})"),
        }
    }
}

/// What a wiring was concluded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The environment variable of this name is set.
    Variable(&'static str),
    /// The hosts file gives a name this address, which is one of Service Connect's.
    ServiceConnect(IpAddr),
    /// Nothing tells of a sidecar.
    Nothing,
    /// The program said so, with a method of [`ClientBuilder`](crate::ClientBuilder).
    Program,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "{name} is set"),
            Self::ServiceConnect(address) => write!(f, "the hosts file has {address}, an address of Service Connect"),
            Self::Nothing => f.write_str("nothing tells of a sidecar"),
            Self::Program => f.write_str("the program says so"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiring_says_what_it_is_and_why() {
        let egress = SocketAddr::from(([127, 0, 0, 1], 15001));
        let vip = IpAddr::from([127, 255, 0, 1]);
        for (wiring, expected) in [
            (
                Wiring::explicit(egress, Evidence::Variable("MESHWRIGHT_EGRESS")),
                "explicit, through the egress listener at 127.0.0.1:15001 (MESHWRIGHT_EGRESS is set)",
            ),
            (
                Wiring::explicit(egress, Evidence::Program),
                "explicit, through the egress listener at 127.0.0.1:15001 (the program says so)",
            ),
            (
                Wiring::intercepted(Evidence::ServiceConnect(vip)),
                "intercepted, through a sidecar that connections are led to (the hosts file has 127.255.0.1, an address \
                 of Service Connect)",
            ),
            (
                Wiring::direct(Evidence::Nothing),
                "direct, without a sidecar (nothing tells of a sidecar)",
            ),
        ] {
            assert_eq!(wiring.to_string(), expected);
            assert_eq!(wiring.has_sidecar(), !expected.starts_with("direct"));
        }
    }
}
