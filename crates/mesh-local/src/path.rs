//! The path a request really took, put together from what each Envoy wrote down.
//!
//! Envoys write down requests with an [`observed_trace_id`] and no others. An Envoy writes its line when a request
//! is over, so the lines of inner calls are there before those of the calls that waited for them. Once the line of
//! the outermost hop is there, so are all its application's calls, and each of those names the Envoy whose line
//! comes next.
//!
//! A virtual gateway has no application: its Envoy passes a request to itself, in at its ingress and out through its
//! egress, which leaves two lines and is one station.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mesh_control::hop::Hop;
pub use mesh_control::hop::observed_trace_id;
use tokio::time::Instant;

use crate::slot::Slot;

/// Lines are written within milliseconds; an Envoy that was killed never writes its own.
const PATIENCE: Duration = Duration::from_secs(2);

/// A place on a request's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Station {
    /// The Envoy of this task.
    Envoy(String),
    /// An application container of this task.
    Application(String),
}

impl fmt::Display for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Station::Envoy(task) => write!(f, "envoy of {task}"),
            Station::Application(task) => f.write_str(task),
        }
    }
}

/// The stations of a request, in the order in which it came to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journey {
    /// The stations.
    pub stations: Vec<Station>,
    /// False if some Envoy did not write down its part in time.
    pub complete: bool,
}

impl Journey {
    /// The applications on the path.
    pub fn applications(&self) -> impl Iterator<Item = &str> {
        self.stations.iter().filter_map(|station| match station {
            Station::Application(task) => Some(task.as_str()),
            Station::Envoy(_) => None,
        })
    }
}

impl fmt::Display for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("you")?;
        for station in &self.stations {
            write!(f, " → {station}")?;
        }
        if !self.complete {
            f.write_str(" → ?")?;
        }
        Ok(())
    }
}

/// Where everything is: what is needed to read hops.
#[derive(Debug, Default)]
pub(crate) struct Atlas {
    tasks: BTreeMap<String, TaskPlaces>,
}

#[derive(Debug)]
struct TaskPlaces {
    hops: PathBuf,
    /// Where others call its Envoy.
    ingresses: Vec<SocketAddr>,
    /// Where its Envoy finds itself and its applications.
    egress: Option<SocketAddr>,
    apps: Vec<SocketAddr>,
    /// Where others find its applications, if it has no Envoy.
    exposed: Vec<SocketAddr>,
}

impl Atlas {
    pub(crate) fn new<'s>(slots: impl IntoIterator<Item = &'s Slot>) -> Self {
        let tasks = slots.into_iter().map(|slot| {
            let places = TaskPlaces {
                hops: slot.hops(),
                ingresses: slot.ingresses().map(|(_, address)| address).collect(),
                egress: slot.egress(),
                apps: slot.apps_beside_envoy().collect(),
                exposed: if slot.is_in_mesh() {
                    Vec::new()
                } else {
                    slot.apps().map(|(_, address)| address).collect()
                },
            };
            (slot.name.clone(), places)
        });
        Self { tasks: tasks.collect() }
    }

    /// The path of the request with this trace id that was sent to `entry`, an Envoy's ingress listener. Waits
    /// up to two seconds for Envoys that have not written down their part yet.
    pub(crate) async fn path(&self, trace_id: &str, entry: SocketAddr) -> Journey {
        let deadline = Instant::now() + PATIENCE;
        let mut path = Journey {
            stations: Vec::new(),
            complete: true,
        };
        // Calls of an application come after it, in order: a stack, last call pushed first.
        let mut ahead = vec![Step {
            caller: None,
            from: None,
            to: Some(entry),
        }];
        let mut visited = BTreeSet::new();
        while let Some(Step { caller, from, to }) = ahead.pop() {
            path.stations.extend(caller.clone().map(Station::Envoy));
            let Some(address) = to else { continue };
            let Some((task, places)) = self.task_at(address) else {
                path.stations.extend(self.application_at(address));
                continue;
            };
            if caller.as_deref() == Some(task) && !address.ip().is_loopback() {
                // The rules leave alone what a task sends to itself.
                path.stations.push(Station::Application(task.to_owned()));
                continue;
            }
            path.stations.push(Station::Envoy(task.to_owned()));
            let Some((hops, inbound)) = arrived(&places.hops, trace_id, from.as_deref(), deadline).await else {
                path.complete = false;
                continue;
            };
            let went_to = |address: &SocketAddr| inbound.upstream == address.to_string();
            let caller = if places.apps.iter().any(went_to) {
                path.stations.push(Station::Application(task.to_owned()));
                Some(task.to_owned())
            } else if places.egress.iter().any(went_to) {
                None
            } else {
                continue;
            };
            // Its calls are those of all its visits, and are told once.
            let first_visit = visited.insert(task);
            let calls: Vec<&Hop> = hops.iter().filter(|hop| first_visit && !hop.is_inbound()).collect();
            ahead.extend(calls.into_iter().rev().map(|call| Step {
                caller: caller.clone(),
                from: Some(call.from.clone()),
                to: call.upstream.parse().ok(),
            }));
        }
        path
    }

    /// The application of a task without an Envoy.
    fn application_at(&self, address: SocketAddr) -> Option<Station> {
        let mut tasks = self.tasks.iter();
        let (task, _) = tasks.find(|(_, places)| places.exposed.contains(&address))?;
        Some(Station::Application(task.clone()))
    }

    fn task_at(&self, ingress: SocketAddr) -> Option<(&str, &TaskPlaces)> {
        self.tasks
            .iter()
            .find(|(_, places)| places.ingresses.contains(&ingress))
            .map(|(task, places)| (task.as_str(), places))
    }
}

/// A call on a path.
struct Step {
    /// The task whose application made it; `None` if somebody outside did, or an Envoy by itself.
    caller: Option<String>,
    /// The address from which the caller's Envoy called, if that is known.
    from: Option<String>,
    /// Where it went; `None` if the caller's own Envoy refused it.
    to: Option<SocketAddr>,
}

/// All hops of a trace in a file, once the one that came in is among them, and that one. A task that calls itself has
/// several; which is meant is told by where the caller called `from`.
async fn arrived(
    file: &std::path::Path,
    trace_id: &str,
    from: Option<&str>,
    deadline: Instant,
) -> Option<(Vec<Hop>, Hop)> {
    loop {
        let text = tokio::fs::read_to_string(file).await.unwrap_or_default();
        let hops: Vec<Hop> = text
            .lines()
            .filter_map(Hop::parse)
            .filter(|hop| hop.trace_id() == Some(trace_id))
            .collect();
        let is_meant = |hop: &&Hop| hop.is_inbound() && from.is_none_or(|from| hop.caller == from);
        if let Some(inbound) = hops.iter().rfind(is_meant).cloned() {
            return Some((hops, inbound));
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[cfg(test)]
mod tests;
