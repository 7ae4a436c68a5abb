//! The ways a call can fail: for each one what is known of it, its label, its sentence.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::StatusCode;
use sidecar_contract::environment::EGRESS;
use sidecar_contract::{LocalReply, MeshSuffixes};

use super::words::Words;
use crate::names::Why;

pub(super) enum Kind {
    /// Not sent: what is wrong with it.
    Builder(String),
    /// Not sent: the suffixes that names must have.
    OutsideMesh(MeshSuffixes),
    /// Not sent: its deadline had passed.
    Expired,
    /// Not sent: why the name leads nowhere, and whether to say how to mend it.
    Name(NameKind, bool),
    /// Not sent: no address took a connection. Whether a sidecar should have.
    NotConnected { intercepted: bool },
    /// Not sent: the egress listener that takes no connection.
    SidecarUnreachable(SocketAddr),
    /// The sidecar answered in the service's place.
    LocalReply {
        fault: LocalReply,
        status: StatusCode,
        words: Words,
    },
    /// The sidecar answered in the service's place, for a reason that a later version than this one knows.
    OtherFault {
        value: Words,
        status: StatusCode,
        words: Words,
    },
    /// The caller's deadline passed before there was an answer.
    NoAnswer(Duration),
    /// The caller's deadline passed in the middle of the answer.
    NoEnd(Duration),
    /// The connection broke before there was an answer.
    Interrupted(Peer),
    /// The call's own body broke off while it was sent.
    RequestBody,
    /// The service answered, and its status says no.
    Status(StatusCode),
    /// The answer's body broke off.
    Body,
    /// The answer's body is not what was asked for.
    Decode,
}

/// Why a name leads nowhere.
pub(super) enum NameKind {
    NotFound { exists: bool },
    NoAnswer,
    Refused { address: IpAddr, why: &'static str },
}

impl From<Why> for NameKind {
    fn from(why: Why) -> Self {
        match why {
            Why::NoSuchName => Self::NotFound { exists: false },
            Why::NoAddress => Self::NotFound { exists: true },
            Why::NoAnswer => Self::NoAnswer,
            Why::Refused { address, why } => Self::Refused { address, why },
        }
    }
}

/// Who a call was sent to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    /// A sidecar's egress listener.
    Sidecar(SocketAddr),
    /// An address of the name that was called.
    Address(SocketAddr),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sidecar(at) => write!(f, "the sidecar at {at}"),
            Self::Address(at) => at.fmt(f),
        }
    }
}

/// ` (tried: a; b)`, or nothing.
struct Tried<'a>(&'a [String]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, " (tried: {})", self.0.join("; "))
    }
}

impl Kind {
    pub(super) const LABELS: [&'static str; 19] = [
        "builder",
        "outside_mesh",
        "expired",
        "name_not_found",
        "name_lookup",
        "address_refused",
        "connect",
        "sidecar_unreachable",
        "unknown_service",
        "no_route",
        "no_healthy_endpoint",
        "unreachable",
        "timeout",
        "other_fault",
        "interrupted",
        "request_body",
        "status",
        "body",
        "decode",
    ];

    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Builder(_) => "builder",
            Self::OutsideMesh(_) => "outside_mesh",
            Self::Expired => "expired",
            Self::Name(NameKind::NotFound { .. }, _) => "name_not_found",
            Self::Name(NameKind::NoAnswer, _) => "name_lookup",
            Self::Name(NameKind::Refused { .. }, _) => "address_refused",
            Self::NotConnected { .. } => "connect",
            Self::SidecarUnreachable(_) => "sidecar_unreachable",
            Self::LocalReply { fault, .. } => match fault {
                LocalReply::UnknownService => "unknown_service",
                LocalReply::NoRoute => "no_route",
                LocalReply::NoHealthyEndpoint => "no_healthy_endpoint",
                LocalReply::Unreachable => "unreachable",
                LocalReply::TimedOut => "timeout",
            },
            Self::OtherFault { .. } => "other_fault",
            Self::NoAnswer(_) | Self::NoEnd(_) => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::RequestBody => "request_body",
            Self::Status(_) => "status",
            Self::Body => "body",
            Self::Decode => "decode",
        }
    }

    /// Writes the sentence about a call to `service`. Only a call without a usable URL has none.
    pub(super) fn describe(&self, service: Option<&str>, tried: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = service.unwrap_or("?");
        match self {
            Self::Builder(why) => match service {
                Some(name) => write!(f, "the call to `{name}` was not sent: {why}"),
                None => write!(f, "the call was not sent: {why}"),
            },
            Self::OutsideMesh(suffixes) => {
                let suffixes: Vec<String> = suffixes.iter().map(|suffix| format!("`{suffix}`")).collect();
                write!(
                    f,
                    "`{name}` is outside the mesh, whose names end in {}",
                    suffixes.join(" or ")
                )
            }
            Self::Expired => write!(f, "`{name}` was not called: the deadline had passed already"),
            Self::Name(why, advise) => {
                why.describe(name, f)?;
                if *advise && !matches!(why, NameKind::Refused { .. }) {
                    write!(
                        f,
                        "; without a sidecar it needs a record in a private DNS zone or an entry in the hosts file; \
                         with one, set {EGRESS}"
                    )?;
                }
                write!(f, "{}", Tried(tried))
            }
            Self::NotConnected { intercepted } => {
                write!(f, "`{name}` was not called: no connection came about")?;
                if *intercepted {
                    f.write_str(", as happens when the sidecar is not running")?;
                }
                write!(f, "{}", Tried(tried))
            }
            Self::SidecarUnreachable(at) => {
                write!(f, "the sidecar at {at} is not reachable, so `{name}` was not called")
            }
            Self::LocalReply { fault, words, .. } => match fault {
                LocalReply::UnknownService => write!(f, "no service `{name}` in this mesh{words}"),
                LocalReply::NoRoute => write!(f, "no route of `{name}` is for such a request{words}"),
                LocalReply::NoHealthyEndpoint => write!(f, "no healthy endpoint of `{name}`{words}"),
                LocalReply::Unreachable => write!(f, "the mesh could not reach `{name}`{words}"),
                LocalReply::TimedOut => {
                    write!(f, "`{name}` did not answer within the time that the mesh allows{words}")
                }
            },
            Self::OtherFault { value, status, words } => {
                write!(
                    f,
                    "the sidecar answered {status} in place of `{name}`, for a reason that this version does not know{value}{words}"
                )
            }
            Self::NoAnswer(timeout) => write!(f, "`{name}` did not answer within {timeout:?}"),
            Self::NoEnd(timeout) => write!(f, "`{name}` began to answer, but did not end within {timeout:?}"),
            Self::Interrupted(peer) => {
                write!(f, "the connection to {peer} broke before `{name}` answered")
            }
            Self::RequestBody => write!(f, "the call to `{name}` broke off: its own body did"),
            Self::Status(status) => write!(f, "`{name}` answered {status}"),
            Self::Body => write!(f, "the answer of `{name}` broke off"),
            Self::Decode => write!(f, "the answer of `{name}` is not the JSON that was asked for"),
        }
    }
}

impl NameKind {
    fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { exists: false } => write!(f, "`{name}` leads nowhere: DNS has no such name"),
            Self::NotFound { exists: true } => write!(f, "`{name}` leads nowhere: DNS has the name without an address"),
            Self::NoAnswer => write!(f, "`{name}` leads nowhere yet: it could not be looked up"),
            Self::Refused { address, why } => {
                write!(
                    f,
                    "`{name}` leads to {address}, which is never connected to: it is {why}"
                )
            }
        }
    }
}
