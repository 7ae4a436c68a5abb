//! Commands of the API of a running mesh, and their results.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// A command that the mesh carries out between its other changes.
#[derive(Debug)]
pub(crate) enum Command {
    /// Describe the mesh.
    Describe,
    /// Return the calls between services.
    Edges,
    /// Return the status of its Envoys.
    Proxies,
    /// Replace tasks one by one.
    Restart { name: String },
    /// Kill the containers of a task.
    Kill { task: String, container: Option<String> },
    /// Set the number of tasks of a service.
    Scale { service: String, count: u32 },
    /// Set the weights of a route's targets.
    SetWeights {
        route: String,
        weights: BTreeMap<String, u32>,
    },
    /// Return the environment of a container.
    Environment { task: String, container: Option<String> },
    /// Make a request, and return its path and timeline.
    Trace(TraceRequest),
    /// Wait until every Envoy has acknowledged or rejected its configuration.
    Settle,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CommandError {
    /// The reason.
    pub(crate) message: String,
    /// Whether the command names something that does not exist.
    pub(crate) is_unknown: bool,
}

impl CommandError {
    /// The command is not possible.
    pub(crate) fn impossible(message: String) -> Self {
        Self {
            message,
            is_unknown: false,
        }
    }
}

/// A command, and the sender of its response, which is a JSON document.
pub(crate) type Request = (Command, oneshot::Sender<Result<String, CommandError>>);

/// The result of a command that changed tasks or routes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    /// Tasks that were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) started: Vec<String>,
    /// Tasks that were stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) stopped: Vec<String>,
    /// Envoys that have neither acknowledged nor rejected the change in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unsettled: Vec<String>,
}

/// The processes that were killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Killed {
    /// Their ids.
    pub(crate) pids: Vec<u32>,
}

/// Weights of a route before and after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weights {
    /// Path of the route.
    pub(crate) route: String,
    /// By virtual node.
    pub(crate) before: BTreeMap<String, u32>,
    /// By virtual node.
    pub(crate) after: BTreeMap<String, u32>,
}

/// A request to trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TraceRequest {
    pub(crate) method: String,
    /// An absolute URL, or a service and a path.
    pub(crate) url: String,
    /// Headers as `Name: value`.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Option<String>,
    /// The columns of the timeline.
    pub(crate) width: usize,
}

/// A traced request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Traced {
    pub(crate) trace_id: String,
    pub(crate) status: u16,
    pub(crate) milliseconds: f64,
    /// Up to 64 KiB of the response's body.
    pub(crate) body: String,
    /// The Envoys and applications on the path, in order.
    pub(crate) path: String,
    /// False if an Envoy on the path has no access-log entry.
    pub(crate) is_complete: bool,
    /// The spans on a time axis; empty without spans.
    pub(crate) timeline: String,
}
