//! How calls leave this process, and how the client knows.
//!
//! A service that cannot be reached is often one that is wired differently from what its author believes. The
//! wiring is therefore a value that can be printed, and it carries the evidence it was concluded from.

use std::fmt;
use std::net::SocketAddr;

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
}

impl Wiring {
    pub(crate) fn explicit(egress: SocketAddr, evidence: Evidence) -> Self {
        Self::Explicit { egress, evidence }
    }

    /// What the wiring was concluded from.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        match self {
            Self::Explicit { evidence, .. } => *evidence,
        }
    }

    /// The address that every connection goes to.
    pub(crate) fn connects_to(&self) -> SocketAddr {
        match self {
            Self::Explicit { egress, .. } => *egress,
        }
    }
}

impl fmt::Display for Wiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit { egress, evidence } => {
                write!(f, "explicit, through the egress listener at {egress} ({evidence})")
            }
        }
    }
}

/// What a wiring was concluded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The environment variable of this name is set.
    Variable(&'static str),
    /// The program said so, with [`ClientBuilder::egress`](crate::ClientBuilder::egress).
    Program,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "{name} is set"),
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
        let wiring = Wiring::explicit(egress, Evidence::Variable("MESHWRIGHT_EGRESS"));
        assert_eq!(
            wiring.to_string(),
            "explicit, through the egress listener at 127.0.0.1:15001 (MESHWRIGHT_EGRESS is set)"
        );
        assert_eq!(
            Wiring::explicit(egress, Evidence::Program).to_string(),
            "explicit, through the egress listener at 127.0.0.1:15001 (the program says so)"
        );
    }
}
