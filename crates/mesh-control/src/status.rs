//! The document of `GET /status`: the connected Envoys and the sources of the mesh state.

mod page;

use serde::Serialize;
use xds_server::NodeStatus;

pub(crate) use page::PageQuery;
pub use page::{StatusPage, StatusSummary};

/// The status of a control plane. `GET /status` serves it in pages ([`StatusPage`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The polled sources of the mesh state. Empty if the mesh state is set in process.
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
