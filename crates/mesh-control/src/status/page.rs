//! Pages of the status: a summary, and some of the Envoys.

use serde::Serialize;
use url::form_urlencoded;
use xds_server::NodeStatus;

use super::{SourceStatus, Status};

/// A page of the status of a control plane, as served by `GET /status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusPage {
    /// All connected Envoys in numbers.
    pub summary: StatusSummary,
    /// The polled sources of the mesh state. Empty if the mesh state is set in process.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceStatus>,
    /// Some of the Envoys that match the query, sorted by task.
    pub nodes: Vec<NodeStatus>,
    /// The offset of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<usize>,
}

/// All connected Envoys in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StatusSummary {
    /// Connected Envoys.
    pub nodes: usize,
    /// Those that have ACKed or NACKed everything.
    pub settled: usize,
    /// Those that reject a resource.
    pub rejecting: usize,
    /// Those with notes.
    pub with_notes: usize,
    /// The oldest revision of the mesh state that an Envoy is configured for; none without Envoys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_revision: Option<u64>,
}

/// Envoys on a page, unless the query has another number.
const DEFAULT_LIMIT: usize = 100;

/// The query of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageQuery {
    offset: usize,
    limit: usize,
    /// Part of the node id or of the task.
    node: Option<String>,
    state: Option<State>,
}

/// A state of Envoys to select.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Settled,
    Unsettled,
    Rejecting,
}

impl PageQuery {
    /// Parses the query of a URL, such as `offset=100&limit=50&node=blue&state=rejecting`.
    pub(crate) fn parse(query: &str) -> Result<Self, String> {
        let mut parsed = Self {
            offset: 0,
            limit: DEFAULT_LIMIT,
            node: None,
            state: None,
        };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let number = || {
                let invalid = |_| format!("`{key}={value}`: expected a number");
                value.parse::<usize>().map_err(invalid)
            };
            match &*key {
                "offset" => parsed.offset = number()?,
                "limit" => parsed.limit = number()?,
                "node" => parsed.node = Some(value.into_owned()),
                "state" => {
                    parsed.state = Some(match &*value {
                        "settled" => State::Settled,
                        "unsettled" => State::Unsettled,
                        "rejecting" => State::Rejecting,
                        _ => return Err(format!("`state={value}`: expected settled, unsettled or rejecting")),
                    });
                }
                _ => {
                    return Err(format!(
                        "unknown parameter `{key}`; expected offset, limit, node or state"
                    ));
                }
            }
        }
        Ok(parsed)
    }

    /// The page of this status.
    pub(crate) fn page(&self, status: Status) -> StatusPage {
        let Status { sources, nodes } = status;
        let summary = StatusSummary::of(&nodes);
        let mut nodes = nodes.into_iter().filter(|node| self.selects(node)).skip(self.offset);
        let page: Vec<NodeStatus> = nodes.by_ref().take(self.limit).collect();
        let next_offset = nodes.next().map(|_| self.offset + page.len());
        StatusPage {
            summary,
            sources,
            nodes: page,
            next_offset,
        }
    }

    fn selects(&self, node: &NodeStatus) -> bool {
        let has_text = |text: &str| {
            let task = node.task.as_deref().unwrap_or_default();
            node.id.contains(text) || task.contains(text)
        };
        self.node.as_deref().is_none_or(has_text)
            && self.state.is_none_or(|state| match state {
                State::Settled => node.settled,
                State::Unsettled => !node.settled,
                State::Rejecting => node.rejected().next().is_some(),
            })
    }
}

impl StatusSummary {
    pub(crate) fn of(nodes: &[NodeStatus]) -> Self {
        let count = |is_counted: &dyn Fn(&NodeStatus) -> bool| nodes.iter().filter(|node| is_counted(node)).count();
        Self {
            nodes: nodes.len(),
            settled: count(&|node| node.settled),
            rejecting: count(&|node| node.rejected().next().is_some()),
            with_notes: count(&|node| !node.notes.is_empty()),
            oldest_revision: nodes.iter().map(|node| node.revision).min(),
        }
    }
}

#[cfg(test)]
mod tests {
    use xds_server::{RejectedResource, TypeReport, XdsProtocol};

    use super::*;

    fn node(number: usize) -> NodeStatus {
        let rejected = RejectedResource {
            name: "c".to_owned(),
            version: "1".to_owned(),
            message: "no".to_owned(),
        };
        NodeStatus {
            id: format!("mesh/m/virtualNode/{}", ["blue", "green"][number % 2]),
            task: Some(format!("task-{number:02}")),
            zone: None,
            protocol: XdsProtocol::Delta,
            revision: 7 + u64::try_from(number).expect("small"),
            settled: number != 3,
            notes: Vec::new(),
            clusters: TypeReport {
                rejected: (number == 5).then_some(rejected).into_iter().collect(),
                ..TypeReport::default()
            },
            endpoints: TypeReport::default(),
            listeners: TypeReport::default(),
            routes: TypeReport::default(),
        }
    }

    fn page(query: &str) -> StatusPage {
        let status = Status {
            sources: Vec::new(),
            nodes: (0..10).map(node).collect(),
        };
        PageQuery::parse(query).expect("a valid query").page(status)
    }

    fn tasks(page: &StatusPage) -> Vec<&str> {
        page.nodes.iter().filter_map(|node| node.task.as_deref()).collect()
    }

    #[test]
    fn pages_follow_each_other_and_have_the_whole_summary() {
        let first = page("limit=4&node=blue");
        assert_eq!(tasks(&first), ["task-00", "task-02", "task-04", "task-06"]);
        assert_eq!(first.next_offset, Some(4));
        let second = page("limit=4&node=blue&offset=4");
        assert_eq!(tasks(&second), ["task-08"]);
        assert_eq!(second.next_offset, None);
        let summary = StatusSummary {
            nodes: 10,
            settled: 9,
            rejecting: 1,
            with_notes: 0,
            oldest_revision: Some(7),
        };
        assert_eq!((first.summary, second.summary), (summary.clone(), summary));
    }

    #[test]
    fn envoys_are_selected_by_state_and_task() {
        assert_eq!(tasks(&page("state=unsettled")), ["task-03"]);
        assert_eq!(tasks(&page("state=rejecting")), ["task-05"]);
        assert_eq!(page("state=settled").nodes.len(), 9);
        assert_eq!(tasks(&page("node=task%2D09")), ["task-09"]);
    }

    #[test]
    fn an_invalid_query_says_what_is_expected() {
        let error = |query| PageQuery::parse(query).expect_err("invalid");
        assert_eq!(
            error("page=2"),
            "unknown parameter `page`; expected offset, limit, node or state"
        );
        assert_eq!(error("limit=all"), "`limit=all`: expected a number");
        assert_eq!(
            error("state=ok"),
            "`state=ok`: expected settled, unsettled or rejecting"
        );
    }
}
