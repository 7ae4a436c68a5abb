//! The path of one request through the mesh, reconstructed from Envoy access logs.
//!
//! Envoys log only requests with an [`sampled_trace_id`]. An Envoy writes its entry at the end of a request, so
//! entries of inner calls precede those of the calls that waited for them. Once the entry of the outermost hop exists,
//! all calls of its application are logged, and each entry contains the upstream address, which identifies the next
//! Envoy.
//!
//! A virtual gateway has no application: its Envoy passes a request from its ingress listener to its own egress
//! listener, which leaves two entries and counts as one hop.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mesh_control::access_log::AccessLogEntry;
pub use mesh_control::access_log::sampled_trace_id;
use tokio::time::Instant;

use crate::slot::Slot;

/// Timeout for missing entries. They appear within milliseconds; a killed Envoy never writes its own.
const LOG_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval between two reads of an access log.
const LOG_POLL_INTERVAL: Duration = Duration::from_millis(2);

/// One hop of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hop {
    /// The Envoy of this task.
    Envoy(String),
    /// An application container of this task.
    Application(String),
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hop::Envoy(task) => write!(f, "envoy of {task}"),
            Hop::Application(task) => f.write_str(task),
        }
    }
}

/// The hops of a request, in order of arrival.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestPath {
    /// The hops.
    pub hops: Vec<Hop>,
    /// False if an access-log entry was missing after the timeout.
    pub complete: bool,
}

impl RequestPath {
    /// The applications on the path, by task.
    pub fn applications(&self) -> impl Iterator<Item = &str> {
        self.hops.iter().filter_map(|hop| match hop {
            Hop::Application(task) => Some(task.as_str()),
            Hop::Envoy(_) => None,
        })
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("you")?;
        for hop in &self.hops {
            write!(f, " → {hop}")?;
        }
        if !self.complete {
            f.write_str(" → ?")?;
        }
        Ok(())
    }
}

/// Maps addresses in access-log entries to tasks.
#[derive(Debug, Default)]
pub(crate) struct AddressIndex {
    tasks: BTreeMap<String, TaskAddresses>,
}

#[derive(Debug)]
struct TaskAddresses {
    access_log: PathBuf,
    /// Ingress listeners of its Envoy, as seen by other tasks.
    ingresses: Vec<SocketAddr>,
    /// Egress listener of its Envoy, as seen by that Envoy.
    egress: Option<SocketAddr>,
    /// Its applications, as seen by its Envoy.
    apps: Vec<SocketAddr>,
    /// Its applications, as seen by other tasks, if it has no Envoy.
    exposed: Vec<SocketAddr>,
}

impl AddressIndex {
    pub(crate) fn new<'s>(slots: impl IntoIterator<Item = &'s Slot>) -> Self {
        let tasks = slots.into_iter().map(|slot| {
            let addresses = TaskAddresses {
                access_log: slot.access_log(),
                ingresses: slot.ingresses().map(|(_, address)| address).collect(),
                egress: slot.egress(),
                apps: slot.apps_beside_envoy().collect(),
                exposed: if slot.is_in_mesh() {
                    Vec::new()
                } else {
                    slot.apps().map(|(_, address)| address).collect()
                },
            };
            (slot.name.clone(), addresses)
        });
        Self { tasks: tasks.collect() }
    }

    /// The path of the request with this trace id that was sent to `entry`, an Envoy's ingress listener. Waits up to
    /// two seconds for missing access-log entries.
    pub(crate) async fn path(&self, trace_id: &str, entry: SocketAddr) -> RequestPath {
        let deadline = Instant::now() + LOG_TIMEOUT;
        let mut path = RequestPath {
            hops: Vec::new(),
            complete: true,
        };
        // Calls of an application follow it in order: a stack, last call pushed first.
        let mut pending = vec![Call {
            caller: None,
            source: None,
            target: Some(entry),
        }];
        let mut visited = BTreeSet::new();
        while let Some(Call { caller, source, target }) = pending.pop() {
            path.hops.extend(caller.clone().map(Hop::Envoy));
            let Some(address) = target else { continue };
            let Some((task, addresses)) = self.task_at(address) else {
                path.hops.extend(self.application_at(address));
                continue;
            };
            if caller.as_deref() == Some(task) && !address.ip().is_loopback() {
                // The iptables rules do not redirect calls of a task to itself.
                path.hops.push(Hop::Application(task.to_owned()));
                continue;
            }
            path.hops.push(Hop::Envoy(task.to_owned()));
            let Some((entries, inbound)) =
                wait_for_inbound(&addresses.access_log, trace_id, source.as_deref(), deadline).await
            else {
                path.complete = false;
                continue;
            };
            let is_upstream = |address: &SocketAddr| inbound.upstream == address.to_string();
            let caller = if addresses.apps.iter().any(is_upstream) {
                path.hops.push(Hop::Application(task.to_owned()));
                Some(task.to_owned())
            } else if addresses.egress.iter().any(is_upstream) {
                None
            } else {
                continue;
            };
            // A task's entries include the calls of all its visits; they are listed once.
            let first_visit = visited.insert(task);
            let calls: Vec<&AccessLogEntry> = entries
                .iter()
                .filter(|entry| first_visit && !entry.is_inbound())
                .collect();
            pending.extend(calls.into_iter().rev().map(|call| Call {
                caller: caller.clone(),
                source: Some(call.from.clone()),
                target: call.upstream.parse().ok(),
            }));
        }
        path
    }

    /// The application of a task without an Envoy.
    fn application_at(&self, address: SocketAddr) -> Option<Hop> {
        let mut tasks = self.tasks.iter();
        let (task, _) = tasks.find(|(_, addresses)| addresses.exposed.contains(&address))?;
        Some(Hop::Application(task.clone()))
    }

    fn task_at(&self, ingress: SocketAddr) -> Option<(&str, &TaskAddresses)> {
        self.tasks
            .iter()
            .find(|(_, addresses)| addresses.ingresses.contains(&ingress))
            .map(|(task, addresses)| (task.as_str(), addresses))
    }
}

/// A call on a path.
struct Call {
    /// The task of the calling application; `None` for the first call and for calls of an Envoy to itself.
    caller: Option<String>,
    /// The source address of the caller's Envoy, if known.
    source: Option<String>,
    /// The upstream address; `None` if the caller's Envoy sent a local reply.
    target: Option<SocketAddr>,
}

/// Waits for the inbound entry of a trace, and returns it with all entries of the trace in the file. A task that calls
/// itself has several inbound entries; `source`, the caller's source address, selects one.
async fn wait_for_inbound(
    file: &Path,
    trace_id: &str,
    source: Option<&str>,
    deadline: Instant,
) -> Option<(Vec<AccessLogEntry>, AccessLogEntry)> {
    loop {
        let text = tokio::fs::read_to_string(file).await.unwrap_or_default();
        let entries: Vec<AccessLogEntry> = text
            .lines()
            .filter_map(AccessLogEntry::parse)
            .filter(|entry| entry.trace_id() == Some(trace_id))
            .collect();
        let is_match =
            |entry: &&AccessLogEntry| entry.is_inbound() && source.is_none_or(|source| entry.caller == source);
        if let Some(inbound) = entries.iter().rfind(is_match).cloned() {
            return Some((entries, inbound));
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(LOG_POLL_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests;
