//! Kinds of failures: for each its data, its label, its message.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::StatusCode;
use sidecar_contract::environment::EGRESS;
use sidecar_contract::{LocalReply, MeshSuffixes};

use super::sanitise::SanitisedText;
use crate::resolver::ResolveErrorKind;

pub(super) enum Kind {
    /// Not sent: why the call is invalid.
    Builder(String),
    /// Not sent: the suffixes that names must have.
    OutsideMesh(MeshSuffixes),
    /// Not sent: the deadline had passed.
    Expired,
    /// Not sent: why the name does not resolve, and whether to add a hint how to make it resolve.
    Name(NameKind, bool),
    /// Not sent: no address accepted a connection. Whether connections are redirected to a sidecar.
    NotConnected { redirected: bool },
    /// Not sent: the egress listener that accepted no connection.
    SidecarUnreachable(SocketAddr),
    /// The sidecar sent a local reply.
    LocalReply {
        reason: LocalReply,
        status: StatusCode,
        body: SanitisedText,
    },
    /// The sidecar sent a local reply with a reason of a later version.
    UnknownLocalReply {
        reason: SanitisedText,
        status: StatusCode,
        body: SanitisedText,
    },
    /// The caller's deadline passed before a response.
    NoResponse(Duration),
    /// The caller's deadline passed within the response.
    IncompleteResponse(Duration),
    /// The connection broke before a response.
    Interrupted(Peer),
    /// The body of the request failed while it was sent.
    RequestBody,
    /// The service responded with a status of 400 or more.
    Status(StatusCode),
    /// The connection broke within the body of the response.
    Body,
    /// The body of the response is not JSON of the expected shape.
    Decode,
}

/// Why a name does not resolve.
pub(super) enum NameKind {
    NotFound { exists: bool },
    NoAnswer,
    Rejected { address: IpAddr, reason: &'static str },
}

impl From<ResolveErrorKind> for NameKind {
    fn from(kind: ResolveErrorKind) -> Self {
        match kind {
            ResolveErrorKind::NoSuchName => Self::NotFound { exists: false },
            ResolveErrorKind::NoAddress => Self::NotFound { exists: true },
            ResolveErrorKind::NoAnswer => Self::NoAnswer,
            ResolveErrorKind::Rejected { address, reason } => Self::Rejected { address, reason },
        }
    }
}

/// The peer of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    /// A sidecar's egress listener.
    Sidecar(SocketAddr),
    /// An address that the name of the service resolves to.
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
struct Attempts<'a>(&'a [String]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, " (tried: {})", self.0.join("; "))
    }
}

impl Kind {
    pub(super) const LABELS: &'static [&'static str] = &[
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
        "headers_too_large",
        "rejected",
        "sidecar_failed",
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
            Self::Name(NameKind::Rejected { .. }, _) => "address_refused",
            Self::NotConnected { .. } => "connect",
            Self::SidecarUnreachable(_) => "sidecar_unreachable",
            Self::LocalReply { reason, .. } => match reason {
                LocalReply::UnknownService => "unknown_service",
                LocalReply::NoRoute => "no_route",
                LocalReply::NoHealthyEndpoint => "no_healthy_endpoint",
                LocalReply::Unreachable => "unreachable",
                LocalReply::TimedOut => "timeout",
                LocalReply::HeadersTooLarge => "headers_too_large",
                LocalReply::Rejected => "rejected",
                LocalReply::Failed => "sidecar_failed",
                _ => "other_fault",
            },
            Self::UnknownLocalReply { .. } => "other_fault",
            Self::NoResponse(_) | Self::IncompleteResponse(_) => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::RequestBody => "request_body",
            Self::Status(_) => "status",
            Self::Body => "body",
            Self::Decode => "decode",
        }
    }

    /// Writes the message about a call to `service`. Only a call without a valid URL has no service.
    pub(super) fn describe(
        &self,
        service: Option<&str>,
        attempts: &[String],
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let name = service.unwrap_or("?");
        match self {
            Self::Builder(reason) => match service {
                Some(name) => write!(f, "the call to `{name}` was not sent: {reason}"),
                None => write!(f, "the call was not sent: {reason}"),
            },
            Self::OutsideMesh(suffixes) => {
                let suffixes: Vec<String> = suffixes.iter().map(|suffix| format!("`{suffix}`")).collect();
                write!(
                    f,
                    "`{name}` is outside the mesh; allowed are names that end in {}",
                    suffixes.join(" or ")
                )
            }
            Self::Expired => write!(f, "`{name}` was not called: its deadline had already passed"),
            Self::Name(kind, with_hint) => {
                kind.describe(name, f)?;
                if *with_hint && !matches!(kind, NameKind::Rejected { .. }) {
                    write!(
                        f,
                        "; without a sidecar, add a record to a private DNS zone or an entry to the hosts file; with a \
                         sidecar, set {EGRESS}"
                    )?;
                }
                write!(f, "{}", Attempts(attempts))
            }
            Self::NotConnected { redirected } => {
                write!(f, "`{name}` was not called: no connection could be established")?;
                if *redirected {
                    f.write_str("; the sidecar may not be running")?;
                }
                write!(f, "{}", Attempts(attempts))
            }
            Self::SidecarUnreachable(at) => {
                write!(f, "the sidecar at {at} is not reachable, so `{name}` was not called")
            }
            Self::LocalReply { reason, status, body } => match reason {
                LocalReply::UnknownService => write!(f, "no service `{name}` in this mesh{body}"),
                LocalReply::NoRoute => write!(f, "no route of `{name}` matches the request{body}"),
                LocalReply::NoHealthyEndpoint => write!(f, "no healthy endpoint of `{name}`{body}"),
                LocalReply::Unreachable => write!(f, "the mesh could not reach `{name}`{body}"),
                LocalReply::TimedOut => {
                    write!(f, "`{name}` did not respond within the mesh's timeout{body}")
                }
                LocalReply::HeadersTooLarge => write!(
                    f,
                    "the sidecar rejected the call to `{name}`: its headers are larger, or more, than the mesh allows{body}"
                ),
                LocalReply::Rejected => write!(f, "the sidecar rejected the call to `{name}` with {status}{body}"),
                LocalReply::Failed => write!(f, "the sidecar failed with {status} in place of `{name}`{body}"),
                other => write!(f, "the sidecar replied in place of `{name}`: {other}{body}"),
            },
            Self::UnknownLocalReply { reason, status, body } => {
                write!(
                    f,
                    "the sidecar replied {status} in place of `{name}`, for a reason unknown to this version{reason}{body}"
                )
            }
            Self::NoResponse(timeout) => write!(f, "`{name}` did not respond within {timeout:?}"),
            Self::IncompleteResponse(timeout) => {
                write!(f, "the response of `{name}` was not complete within {timeout:?}")
            }
            Self::Interrupted(peer) => {
                write!(f, "the connection to {peer} broke before `{name}` responded")
            }
            Self::RequestBody => write!(f, "the call to `{name}` was aborted: its request body failed"),
            Self::Status(status) => write!(f, "`{name}` responded with {status}"),
            Self::Body => write!(f, "the connection broke within the response of `{name}`"),
            Self::Decode => write!(f, "the response of `{name}` is not JSON of the expected shape"),
        }
    }
}

impl NameKind {
    fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { exists: false } => write!(f, "`{name}` does not resolve: no such name in DNS"),
            Self::NotFound { exists: true } => write!(f, "`{name}` does not resolve: the name has no address in DNS"),
            Self::NoAnswer => write!(f, "`{name}` could not be resolved: the DNS lookup failed"),
            Self::Rejected { address, reason } => {
                write!(
                    f,
                    "`{name}` resolves to {address}, which is not allowed: it is {reason}"
                )
            }
        }
    }
}
