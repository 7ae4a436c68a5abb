//! The calls to virtual nodes in the status of a replica, and those of all replicas together. Pure.

use std::collections::BTreeMap;
use std::time::SystemTime;

use mesh_control::{CallStatistics, Counts, NodeStatistics};
use serde::{Deserialize, Deserializer, Serialize};

use crate::split::SplitNodes;
use crate::sync_status::{FRESH_FOR, ReplicaStatus};

/// Maximum length of a report, in bytes: half of a parameter, so that the rest of the status has room.
const MAX_LENGTH: usize = 2048;

/// The calls to virtual nodes that a replica has counted since its start.
///
/// An Envoy sends its calls to any replica, so only the sum over all replicas is complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallReport {
    /// The time of its start, in milliseconds since 1970: tells the counters of a restarted replica from those before.
    pub since: u64,
    /// Upper bounds of the latency buckets, in milliseconds.
    pub limits: Vec<f64>,
    /// The calls to each virtual node.
    pub nodes: BTreeMap<String, NodeCalls>,
    /// The number of virtual nodes that did not fit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unlisted: usize,
}

/// The calls to a virtual node: completed, failed, and the responses in each latency bucket without trailing zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCalls(pub u64, pub u64, pub Vec<u64>);

/// The calls to virtual nodes, from all replicas.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportedCalls {
    /// For each requested virtual node, the calls that each replica has counted since its start.
    Counted(Vec<NodeStatistics>),
    /// A replica, or all, do not report them.
    Unavailable {
        /// The reason.
        reason: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl CallReport {
    /// The calls so far of a replica that was started at `since`, as many virtual nodes as fit.
    pub(crate) fn of(split: &SplitNodes, calls: &CallStatistics, since: u64) -> Self {
        let counted: Vec<(&String, Counts)> = split
            .by_importance()
            .into_iter()
            .map(|(name, node)| (name, calls.of(&node.clusters)))
            .collect();
        let limits = counted.iter().find(|(_, counts)| !counts.within.is_empty());
        let limits = limits.map_or_else(Vec::new, |(_, counts)| bounds(counts));
        let mut report = Self {
            since,
            limits,
            nodes: BTreeMap::new(),
            unlisted: counted.len(),
        };
        for (name, counts) in counted {
            let calls = NodeCalls::of(&counts);
            report.nodes.insert(name.clone(), calls);
            report.unlisted -= 1;
            if report.length() > MAX_LENGTH {
                report.nodes.remove(name);
                report.unlisted += 1;
                break;
            }
        }
        report
    }

    /// In bytes.
    fn length(&self) -> usize {
        // Numbers and strings always serialize.
        serde_json::to_string(self).map_or(0, |text| text.len())
    }

    fn counts(&self, node: &str) -> Option<Counts> {
        let NodeCalls(ended, failed, responses) = self.nodes.get(node)?;
        let mut sum = 0_u64;
        let responses = responses.iter().copied().chain(std::iter::repeat(0));
        let within = self.limits.iter().zip(responses).map(|(limit, count)| {
            sum = sum.saturating_add(count);
            (*limit, sum)
        });
        Some(Counts {
            ended: *ended,
            failed: *failed,
            within: within.collect(),
        })
    }
}

fn bounds(counts: &Counts) -> Vec<f64> {
    counts.within.iter().map(|(limit, _)| *limit).collect()
}

impl NodeCalls {
    fn of(counts: &Counts) -> Self {
        let mut before = 0;
        let mut responses: Vec<u64> = counts
            .within
            .iter()
            .map(|(_, cumulative)| cumulative.saturating_sub(std::mem::replace(&mut before, *cumulative)))
            .collect();
        let used = responses
            .iter()
            .rposition(|count| *count > 0)
            .map_or(0, |last| last + 1);
        responses.truncate(used);
        Self(counts.ended, counts.failed, responses)
    }
}

/// The report in a status, if it is valid: the rest of the status must not depend on it.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CallReport>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// The calls to these virtual nodes, from the statuses of replicas. A stale status does not count; neither does the rest
/// if a replica does not report one of the nodes, because the calls to one side alone would be missing.
pub(crate) fn reported(statuses: &[(String, ReplicaStatus)], nodes: &[&str], now: SystemTime) -> ReportedCalls {
    match counted(statuses, nodes, now) {
        Ok(statistics) => ReportedCalls::Counted(statistics),
        Err(reason) => ReportedCalls::Unavailable { reason },
    }
}

fn counted(
    statuses: &[(String, ReplicaStatus)],
    nodes: &[&str],
    now: SystemTime,
) -> Result<Vec<NodeStatistics>, String> {
    let fresh: Vec<&(String, ReplicaStatus)> = statuses.iter().filter(|(_, status)| status.is_fresh(now)).collect();
    if fresh.is_empty() {
        let limit = FRESH_FOR.as_secs();
        return Err(format!(
            "no replica of the control plane has reported its status within {limit} s; look at its logs"
        ));
    }
    // Of the replicas' clocks, as are the starts of their counters.
    let at = fresh.iter().filter_map(|(_, status)| status.published_at()).max();
    let at = at.map_or(0, |at| {
        at.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis()
    });
    let at = u64::try_from(at).unwrap_or(u64::MAX);
    let of_node = |node: &&str| {
        let counters = fresh.iter().map(|(replica, status)| {
            let report = status.calls.as_ref().ok_or_else(|| {
                format!(
                    "replica {replica} of the control plane reports no valid calls: it is of another release, or its status has \
                     no room for them"
                )
            })?;
            let counts = report.counts(node).ok_or_else(|| match report.unlisted {
                0 => format!(
                    "replica {replica} of the control plane reports no calls to virtual node {node}: no route has it \
                     and another target"
                ),
                unlisted => format!(
                    "the calls to virtual node {node} are not reported: {unlisted} virtual nodes do not fit into the \
                     status of replica {replica}"
                ),
            })?;
            Ok((format!("{replica} since {}", report.since), report.since, counts))
        });
        let counters: Result<Vec<_>, String> = counters.collect();
        Ok(NodeStatistics::with_starts(counters?, at))
    };
    nodes.iter().map(of_node).collect()
}

#[cfg(test)]
mod tests;
