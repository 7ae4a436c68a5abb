//! The ways a call can fail: for each one what is known of it, its label, its sentence.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use mesh_model::{Fault, MeshSuffixes};

use super::words::Words;

pub(super) enum Kind {
    /// Not sent: what is wrong with it.
    Builder(String),
    /// Not sent: the suffixes that names must have.
    OutsideMesh(MeshSuffixes),
    /// Not sent: the egress listener that takes no connection.
    SidecarUnreachable(SocketAddr),
    /// The sidecar answered in the service's place.
    Fault {
        fault: Fault,
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
    /// The connection to the sidecar broke before there was an answer.
    Interrupted(SocketAddr),
    /// The service answered, and its status says no.
    Status(StatusCode),
    /// The answer's body broke off.
    Body,
    /// The answer's body is not what was asked for.
    Decode,
}

impl Kind {
    pub(super) const LABELS: [&'static str; 13] = [
        "builder",
        "outside_mesh",
        "sidecar_unreachable",
        "unknown_service",
        "no_route",
        "no_healthy_endpoint",
        "unreachable",
        "timeout",
        "other_fault",
        "interrupted",
        "status",
        "body",
        "decode",
    ];

    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Builder(_) => "builder",
            Self::OutsideMesh(_) => "outside_mesh",
            Self::SidecarUnreachable(_) => "sidecar_unreachable",
            Self::Fault { fault, .. } => match fault {
                Fault::UnknownService => "unknown_service",
                Fault::NoRoute => "no_route",
                Fault::NoHealthyEndpoint => "no_healthy_endpoint",
                Fault::Unreachable => "unreachable",
                Fault::TimedOut => "timeout",
            },
            Self::OtherFault { .. } => "other_fault",
            Self::NoAnswer(_) | Self::NoEnd(_) => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::Status(_) => "status",
            Self::Body => "body",
            Self::Decode => "decode",
        }
    }

    /// Writes the sentence about a call to `service`. Only a call without a usable URL has none.
    pub(super) fn describe(&self, service: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            Self::SidecarUnreachable(at) => {
                write!(f, "the sidecar at {at} is not reachable, so `{name}` was not called")
            }
            Self::Fault { fault, words, .. } => match fault {
                Fault::UnknownService => write!(f, "no service `{name}` in this mesh{words}"),
                Fault::NoRoute => write!(f, "no route of `{name}` is for such a request{words}"),
                Fault::NoHealthyEndpoint => write!(f, "no healthy endpoint of `{name}`{words}"),
                Fault::Unreachable => write!(f, "the mesh could not reach `{name}`{words}"),
                Fault::TimedOut => write!(f, "`{name}` did not answer within the time that the mesh allows{words}"),
            },
            Self::OtherFault { value, status, words } => {
                write!(
                    f,
                    "the sidecar answered {status} in place of `{name}`, for a reason that this version does not know{value}{words}"
                )
            }
            Self::NoAnswer(timeout) => write!(f, "`{name}` did not answer within {timeout:?}"),
            Self::NoEnd(timeout) => write!(f, "`{name}` began to answer, but did not end within {timeout:?}"),
            Self::Interrupted(at) => {
                write!(
                    f,
                    "the connection to the sidecar at {at} broke before `{name}` answered"
                )
            }
            Self::Status(status) => write!(f, "`{name}` answered {status}"),
            Self::Body => write!(f, "the answer of `{name}` broke off"),
            Self::Decode => write!(f, "the answer of `{name}` is not the JSON that was asked for"),
        }
    }
}
