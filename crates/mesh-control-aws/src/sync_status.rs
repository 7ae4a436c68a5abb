//! The status that each replica publishes, and the sync status of all replicas. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_ssm::primitives::{DateTime, DateTimeFormat};
use mesh_model::app_mesh::ResourcePath;
use serde::{Deserialize, Serialize};

use crate::call_report::CallReport;
use crate::config_hash::ConfigHash;
use mesh_control::Identity;
use mesh_control::NodeStatus;

/// Prefix of the published parameters: `/meshwright-status/MESH/REPLICA`. It is not below a mesh's own parameters, so
/// reading a mesh does not include it.
pub const STATUS_PREFIX: &str = "/meshwright-status/";

/// Maximum age of a replica status. It is repeated every 30 s; a killed replica does not withdraw it.
pub const FRESH_FOR: Duration = Duration::from_secs(90);

/// Maximum number of rejections, and maximum length of each, in characters.
const MAX_REJECTIONS: usize = 5;
const MAX_QUOTED: usize = 300;

/// Maximum length of a parameter, in bytes (Systems Manager user guide, "Managing parameter tiers", read 2026-11-23).
const MAX_PARAMETER: usize = 4096;

/// The published status of a replica for one mesh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// The configuration that it serves.
    pub configuration: ConfigHash,
    /// The last configuration that all of its connected Envoys have ACKed.
    pub accepted: Option<ConfigHash>,
    /// The number of connected Envoys of the mesh.
    pub envoys: usize,
    /// The connected Envoys that have neither ACKed nor NACKed it, by node id and task; the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsettled: Vec<String>,
    /// The number of healthy instances of each virtual node. Virtual nodes that are resolved by DNS are not included.
    #[serde(default)]
    pub healthy: BTreeMap<String, usize>,
    /// The number of virtual nodes that did not fit into the parameter: those with the most healthy instances.
    #[serde(default)]
    pub unlisted: usize,
    /// The calls to virtual nodes that share a route with others. None from earlier releases, or if the document
    /// has invalid ones.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::call_report::lenient"
    )]
    pub calls: Option<CallReport>,
    /// Invalid parameters and NACKs; the first few.
    #[serde(rename = "refused")]
    pub rejections: Vec<String>,
    /// The time of publication, RFC 3339.
    pub at: String,
}

/// The status of all replicas together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncStatus {
    /// Every replica serves the current parameters, and all their Envoys have ACKed them.
    Synced {
        /// The number of replicas.
        replicas: usize,
        /// The number of connected Envoys.
        envoys: usize,
    },
    /// Not yet.
    Pending {
        /// The reason.
        reason: String,
    },
    /// A parameter is invalid, or an Envoy sent a NACK.
    Rejected {
        /// The rejections, each with its reason.
        rejections: Vec<String>,
    },
    /// No replica has published a status within [`FRESH_FOR`].
    NoReports,
}

/// The number of healthy instances of a virtual node, from all replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointHealth {
    /// The minimum over all replicas that report it.
    AtLeast(usize),
    /// No replica reports it: it is resolved by DNS, does not exist, did not fit, or replicas are of an older release.
    Unknown,
    /// A replica does not serve the current parameters yet, or there is none.
    Pending {
        /// The reason.
        reason: String,
    },
}

/// The name of a replica's parameter.
pub(crate) fn parameter_of(mesh: &str, replica: &str) -> String {
    format!("{STATUS_PREFIX}{mesh}/{replica}")
}

/// The progress of the Envoys of a mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvoyProgress {
    pub(crate) envoys: usize,
    /// Those that have not ACKed or NACKed everything of a revision.
    pub(crate) unsettled: Vec<String>,
    pub(crate) nacks: Vec<String>,
}

impl EnvoyProgress {
    /// The progress of the connected Envoys, at this revision or a later one.
    pub(crate) fn of(status: &[NodeStatus], mesh: &str, revision: u64) -> Self {
        let nodes: Vec<&NodeStatus> = status.iter().filter(|node| is_in(node, mesh)).collect();
        // The tasks of a virtual node send the same NACK.
        let nacks: BTreeSet<String> = nodes
            .iter()
            .flat_map(|node| {
                let rejected = node.rejected();
                rejected.map(|resource| format!("{} rejects {}: {}", node.id, resource.name, resource.message))
            })
            .collect();
        Self {
            envoys: nodes.len(),
            unsettled: nodes
                .iter()
                .filter(|node| !node.is_settled_at(revision))
                .map(|node| node.display_name())
                .collect(),
            nacks: nacks.into_iter().collect(),
        }
    }
}

fn is_in(node: &NodeStatus, mesh: &str) -> bool {
    matches!(Identity::parse(&node.id), Ok(Identity::MeshNode(ResourcePath { mesh: own, .. })) if own == mesh)
}

/// The first few texts, each truncated.
pub(crate) fn truncated(nacks: Vec<String>) -> Vec<String> {
    let more = nacks.len().saturating_sub(MAX_REJECTIONS);
    let mut first: Vec<String> = nacks
        .into_iter()
        .take(MAX_REJECTIONS)
        .map(|text| match text.char_indices().nth(MAX_QUOTED) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        })
        .collect();
    if more > 0 {
        first.push(format!("and {more} more"));
    }
    first
}

/// RFC 3339, in UTC.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let time = DateTime::from(time);
    // Clocks have no times without such a form.
    time.fmt(DateTimeFormat::DateTime).unwrap_or_default()
}

impl ReplicaStatus {
    /// The parameter's value. If it is too long, rejections are removed from the end, then call statistics; then virtual
    /// nodes with the most healthy instances, because deploy tools wait for those with none.
    pub(crate) fn to_json(&self) -> String {
        let mut value = Self {
            healthy: BTreeMap::new(),
            unlisted: self.healthy.len(),
            ..self.clone()
        };
        while length(&value) > MAX_PARAMETER && value.rejections.pop().is_some() {}
        if length(&value) > MAX_PARAMETER
            && let Some(calls) = &mut value.calls
        {
            calls.unlisted += std::mem::take(&mut calls.nodes).len();
        }
        if length(&value) > MAX_PARAMETER {
            value.calls = None;
        }
        let mut room = MAX_PARAMETER.saturating_sub(length(&value));
        let mut counts: Vec<(usize, &String)> = self.healthy.iter().map(|(node, count)| (*count, node)).collect();
        counts.sort_unstable();
        for (count, node) in counts {
            // A colon and a comma.
            let taken = length(node) + length(&count) + 2;
            if taken > room {
                break;
            }
            room -= taken;
            value.healthy.insert(node.clone(), count);
            value.unlisted -= 1;
        }
        json(&value)
    }

    /// Whether it was published within [`FRESH_FOR`].
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        self.age(now).is_some_and(|age| age <= FRESH_FOR)
    }

    /// The age; zero if the clock of the writer is ahead. `None` for an invalid time.
    pub(crate) fn age(&self, now: SystemTime) -> Option<Duration> {
        Some(now.duration_since(self.published_at()?).unwrap_or_default())
    }

    /// The time of publication. `None` if it is invalid.
    pub(crate) fn published_at(&self) -> Option<SystemTime> {
        let at = DateTime::from_str(&self.at, DateTimeFormat::DateTime).ok()?;
        SystemTime::try_from(at).ok()
    }
}

/// Numbers and strings always serialize.
fn json(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_default()
}

/// In bytes.
fn length(of: &impl Serialize) -> usize {
    json(of).len()
}

/// The statuses that are not stale, by replica.
fn fresh(statuses: &[(String, ReplicaStatus)], now: SystemTime) -> Vec<&(String, ReplicaStatus)> {
    statuses.iter().filter(|(_, status)| status.is_fresh(now)).collect()
}

/// The reason to wait for this replica, if it does not serve the current parameters.
fn outdated_reason((replica, status): &(String, ReplicaStatus), configuration: &ConfigHash) -> Option<String> {
    let text = || format!("replica {replica} does not serve the current parameters yet");
    (status.configuration != *configuration).then(text)
}

/// The endpoint health of a virtual node, from the statuses of replicas and the hash of the current parameters.
pub(crate) fn healthy(
    configuration: &ConfigHash,
    statuses: &[(String, ReplicaStatus)],
    node: &str,
    now: SystemTime,
) -> EndpointHealth {
    let fresh = fresh(statuses, now);
    if fresh.is_empty() {
        let reason = "no replica of the control plane reports its status; look at its logs".to_owned();
        return EndpointHealth::Pending { reason };
    }
    if let Some(reason) = fresh.iter().find_map(|status| outdated_reason(status, configuration)) {
        return EndpointHealth::Pending { reason };
    }
    let counts = fresh.iter().filter_map(|(_, status)| status.healthy.get(node));
    counts
        .min()
        .map_or(EndpointHealth::Unknown, |least| EndpointHealth::AtLeast(*least))
}

/// Whether an operator ignores all Envoys that have not settled. A list that was cut is not known to be.
fn all_ignored(status: &ReplicaStatus, ignored: &[String]) -> bool {
    let is_ignored = |envoy: &String| ignored.iter().any(|name| NodeStatus::is_named(envoy, name));
    !status.unsettled.is_empty() && status.unsettled.iter().all(is_ignored)
}

fn not_accepted(replica: &str, status: &ReplicaStatus) -> String {
    let connected = status.envoys;
    match status.unsettled.as_slice() {
        [] => format!("not all Envoys of replica {replica} have accepted it yet; {connected} are connected"),
        waiting => format!(
            "of {connected} Envoys of replica {replica}, these have not accepted it yet: {}",
            waiting.join(", ")
        ),
    }
}

/// The sync status, from the statuses of replicas and the hash of the current parameters. Envoys in `ignored`, by node
/// id or task, are not waited for.
pub(crate) fn evaluate(
    configuration: &ConfigHash,
    statuses: &[(String, ReplicaStatus)],
    ignored: &[String],
    now: SystemTime,
) -> SyncStatus {
    let fresh = fresh(statuses, now);
    if fresh.is_empty() {
        return SyncStatus::NoReports;
    }
    let rejections: Vec<String> = fresh
        .iter()
        .filter(|(_, status)| status.configuration == *configuration)
        .flat_map(|(replica, status)| {
            status
                .rejections
                .iter()
                .map(move |rejection| format!("replica {replica}: {rejection}"))
        })
        .collect();
    if !rejections.is_empty() {
        return SyncStatus::Rejected { rejections };
    }
    let waiting = fresh.iter().find_map(|entry| {
        let (replica, status) = entry;
        let is_accepted = status.accepted.as_ref() == Some(configuration) || all_ignored(status, ignored);
        outdated_reason(entry, configuration).or_else(|| (!is_accepted).then(|| not_accepted(replica, status)))
    });
    match waiting {
        Some(reason) => SyncStatus::Pending { reason },
        None => SyncStatus::Synced {
            replicas: fresh.len(),
            envoys: fresh.iter().map(|(_, status)| status.envoys).sum(),
        },
    }
}

#[cfg(test)]
mod tests;
