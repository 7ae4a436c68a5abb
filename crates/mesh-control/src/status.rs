//! The document of `GET /status`: the connected Envoys and the sources of the mesh state.

use serde::Serialize;
use xds_server::NodeStatus;

/// The status of a control plane, as served by `GET /status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The polled sources of the mesh state. Empty if the mesh state is set in process.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceStatus>,
    /// The connected Envoys, sorted by task.
    pub nodes: Vec<NodeStatus>,
}

/// The status of one polled source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// The name of the source.
    pub name: String,
    /// Seconds since its last successful response; `None` if there was none.
    pub last_success_seconds_ago: Option<u64>,
    /// Seconds since the first failure after the last success; `None` if the last request succeeded.
    pub failing_for_seconds: Option<u64>,
    /// The last failure in one line: the call, its object, what to do.
    pub error: Option<String>,
    /// The parts of its response that are not used as they are, each with its path.
    pub notes: Vec<String>,
}
