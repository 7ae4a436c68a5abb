//! What a copy says of its Envoys, and what follows from what all copies say. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_ssm::primitives::{DateTime, DateTimeFormat};
use mesh_model::app_mesh::ResourcePath;
use serde::{Deserialize, Serialize};

use crate::config_hash::ConfigHash;
use mesh_control::Identity;
use mesh_control::NodeStatus;

/// Where copies publish: `/meshwright-status/MESH/COPY`. It is apart from the meshes, so that no reading of a mesh has
/// it.
pub const STATUS_PREFIX: &str = "/meshwright-status/";

/// How old the word of a copy may be. It is repeated every 30 s; one that was killed does not take it back.
pub const FRESH_FOR: Duration = Duration::from_secs(90);

/// How many refusals are repeated at most, and how much of each, in characters.
const REFUSALS: usize = 5;
const QUOTED: usize = 300;

/// How long a parameter may be, in bytes (Systems Manager user guide, "Managing parameter tiers", read 2026-11-23).
const LONGEST: usize = 4096;

/// What a copy of the control plane says of a mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// The configuration that it serves.
    pub configuration: ConfigHash,
    /// The last configuration that each of its connected Envoys had accepted, all of it.
    pub accepted: Option<ConfigHash>,
    /// How many Envoys of the mesh are connected to it.
    pub envoys: usize,
    /// How many healthy instances it knows of each virtual node. Those that are left to DNS are left out.
    #[serde(default)]
    pub healthy: BTreeMap<String, usize>,
    /// How many virtual nodes did not fit into the parameter: those with the most healthy instances.
    #[serde(default)]
    pub unlisted: usize,
    /// What could not be read, and what Envoys refused; the first few.
    pub refused: Vec<String>,
    /// When it said so, as RFC 3339 has it.
    pub at: String,
}

/// What all copies have come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncStatus {
    /// Every copy serves what the parameters say, and all their Envoys have accepted it.
    Synced {
        /// How many replicas there are.
        replicas: usize,
        /// How many Envoys they serve.
        envoys: usize,
    },
    /// Not yet.
    Pending {
        /// Whom it waits for.
        reason: String,
    },
    /// Something of it was not taken: not all of it could be read, or an Envoy refused a part.
    Rejected {
        /// What was rejected, and why.
        rejections: Vec<String>,
    },
    /// No copy has said anything for [`FRESH_FOR`].
    NoReports,
}

/// What copies know of the instances of a virtual node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointHealth {
    /// So many are healthy, by the copy that knows the fewest.
    AtLeast(usize),
    /// No copy counts them: they are left to DNS, the virtual node does not exist, did not fit, or copies are of a
    /// release that does not count.
    Unknown,
    /// A copy does not know yet what it is to serve, or there is none.
    Pending {
        /// Whom it waits for.
        reason: String,
    },
}

/// The name of the parameter in which a copy publishes.
pub(crate) fn parameter_of(mesh: &str, copy: &str) -> String {
    format!("{STATUS_PREFIX}{mesh}/{copy}")
}

/// How far the Envoys of a mesh are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvoyProgress {
    pub(crate) envoys: usize,
    /// Whether all have, or have refused, what they were to have at a revision.
    pub(crate) is_settled: bool,
    pub(crate) refused: Vec<String>,
}

impl EnvoyProgress {
    /// Of the Envoys that are connected, at this revision or a later one.
    pub(crate) fn of(status: &[NodeStatus], mesh: &str, revision: u64) -> Self {
        let nodes: Vec<&NodeStatus> = status.iter().filter(|node| is_in(node, mesh)).collect();
        // The tasks of a virtual node refuse alike.
        let refused: BTreeSet<String> = nodes
            .iter()
            .flat_map(|node| {
                let rejected = node.rejected();
                rejected.map(|resource| format!("{} refuses {}: {}", node.id, resource.name, resource.message))
            })
            .collect();
        Self {
            envoys: nodes.len(),
            is_settled: nodes.iter().all(|node| node.settled && node.revision >= revision),
            refused: refused.into_iter().collect(),
        }
    }
}

fn is_in(node: &NodeStatus, mesh: &str) -> bool {
    matches!(Identity::parse(&node.id), Ok(Identity::MeshNode(ResourcePath { mesh: own, .. })) if own == mesh)
}

/// The first few of what went wrong, each shortened.
pub(crate) fn truncated(refused: Vec<String>) -> Vec<String> {
    let more = refused.len().saturating_sub(REFUSALS);
    let mut first: Vec<String> = refused
        .into_iter()
        .take(REFUSALS)
        .map(|text| match text.char_indices().nth(QUOTED) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        })
        .collect();
    if more > 0 {
        first.push(format!("and {more} more"));
    }
    first
}

/// A time as RFC 3339 has it, in UTC.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let time = DateTime::from(time);
    // A time that has no such form does not come from a clock.
    time.fmt(DateTimeFormat::DateTime).unwrap_or_default()
}

impl ReplicaStatus {
    /// The parameter's value. Refusals that do not fit are left out from the end; then virtual nodes, those with the most
    /// healthy instances first, since it is those with none that somebody waits for.
    pub(crate) fn to_json(&self) -> String {
        let mut said = Self {
            healthy: BTreeMap::new(),
            unlisted: self.healthy.len(),
            ..self.clone()
        };
        while length(&said) > LONGEST && said.refused.pop().is_some() {}
        let mut room = LONGEST.saturating_sub(length(&said));
        let mut counts: Vec<(usize, &String)> = self.healthy.iter().map(|(node, count)| (*count, node)).collect();
        counts.sort_unstable();
        for (count, node) in counts {
            // A colon and a comma.
            let taken = length(node) + length(&count) + 2;
            if taken > room {
                break;
            }
            room -= taken;
            said.healthy.insert(node.clone(), count);
            said.unlisted -= 1;
        }
        json(&said)
    }

    /// How old it is; nothing if the clock that wrote it is ahead. `None` if its time is none.
    pub(crate) fn age(&self, now: SystemTime) -> Option<Duration> {
        let at = DateTime::from_str(&self.at, DateTimeFormat::DateTime).ok()?;
        let at = SystemTime::try_from(at).ok()?;
        Some(now.duration_since(at).unwrap_or_default())
    }
}

/// Numbers and texts: it always has a form.
fn json(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_default()
}

/// In bytes.
fn length(of: &impl Serialize) -> usize {
    json(of).len()
}

/// What copies say that live, each under its name.
fn fresh(said: &[(String, ReplicaStatus)], now: SystemTime) -> Vec<&(String, ReplicaStatus)> {
    let is_fresh = |acknowledgement: &ReplicaStatus| acknowledgement.age(now).is_some_and(|age| age <= FRESH_FOR);
    said.iter().filter(|(_, said)| is_fresh(said)).collect()
}

/// Why this copy is waited for, if it serves something else than the parameters say.
fn outdated_reason((copy, said): &(String, ReplicaStatus), configuration: &ConfigHash) -> Option<String> {
    let text = || format!("copy {copy} does not serve the configuration yet that the parameters hold");
    (said.configuration != *configuration).then(text)
}

/// How many healthy instances a virtual node has, by what copies say, if the parameters are `configuration` now.
pub(crate) fn healthy(
    configuration: &ConfigHash,
    said: &[(String, ReplicaStatus)],
    node: &str,
    now: SystemTime,
) -> EndpointHealth {
    let fresh = fresh(said, now);
    if fresh.is_empty() {
        let reason = "no copy of the control plane says what it knows; look at its logs".to_owned();
        return EndpointHealth::Pending { reason };
    }
    if let Some(reason) = fresh.iter().find_map(|said| outdated_reason(said, configuration)) {
        return EndpointHealth::Pending { reason };
    }
    let counts = fresh.iter().filter_map(|(_, said)| said.healthy.get(node));
    counts
        .min()
        .map_or(EndpointHealth::Unknown, |least| EndpointHealth::AtLeast(*least))
}

/// What follows from what copies say, each under its name, if the parameters are `configuration` now.
pub(crate) fn evaluate(configuration: &ConfigHash, said: &[(String, ReplicaStatus)], now: SystemTime) -> SyncStatus {
    let fresh = fresh(said, now);
    if fresh.is_empty() {
        return SyncStatus::NoReports;
    }
    let refused: Vec<String> = fresh
        .iter()
        .filter(|(_, said)| said.configuration == *configuration)
        .flat_map(|(copy, said)| {
            said.refused
                .iter()
                .map(move |refused| format!("copy {copy}: {refused}"))
        })
        .collect();
    if !refused.is_empty() {
        return SyncStatus::Rejected { rejections: refused };
    }
    let waiting = fresh.iter().find_map(|told| {
        let (copy, said) = told;
        let are_behind = || {
            format!(
                "not all Envoys of copy {copy} have accepted it yet; {} are connected",
                said.envoys
            )
        };
        outdated_reason(told, configuration)
            .or_else(|| (said.accepted.as_ref() != Some(configuration)).then(are_behind))
    });
    match waiting {
        Some(reason) => SyncStatus::Pending { reason },
        None => SyncStatus::Synced {
            replicas: fresh.len(),
            envoys: fresh.iter().map(|(_, said)| said.envoys).sum(),
        },
    }
}

#[cfg(test)]
mod tests;
