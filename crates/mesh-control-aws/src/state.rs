//! The state read from AWS, and the mesh state that follows from it. Pure: time is passed in.
//!
//! ```text
//! parameters ─► Configuration ─► next view ─┐  once Cloud Map has responded for
//!                                           ├─ every service that the view requires ─► served view
//! Cloud Map  ─► what is known of services ──┘
//! ```
//!
//! A view with services that were never queried waits for Cloud Map's responses, so that no weight moves to a virtual
//! node without known endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use self::namespaces::Namespaces;
use self::services::ServiceState;
use crate::config_hash::ConfigHash;
use crate::configuration::{Configuration, View};
use crate::discovery::{RequiredServices, Service};
use crate::error::AwsError;
use crate::parameter::Parameter;
use crate::parameters;
use crate::poll_budget::PollIntervals;
use crate::source_status::SourceTracker;
use mesh_control::MeshState;

/// Everything read from AWS.
#[derive(Debug)]
pub(crate) struct State {
    intervals: PollIntervals,
    meshes: BTreeMap<String, Mesh>,
    services: BTreeMap<Service, ServiceState>,
    namespaces: Namespaces,
    cloud_map: SourceTracker,
    /// The status of publishing, by mesh.
    published: BTreeMap<String, SourceTracker>,
}

/// A log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogEvent {
    Info(String),
    Warning(String),
}

#[derive(Debug)]
struct Mesh {
    configuration: Configuration,
    line: SourceTracker,
    /// The number of parameters at the last read.
    parameters: usize,
    /// The view that is served to Envoys.
    served: Option<View>,
    /// The next view, which waits for Cloud Map.
    next: Option<View>,
}

impl State {
    pub(crate) fn of<'m>(meshes: impl Iterator<Item = &'m String>, intervals: PollIntervals) -> Self {
        let mesh = |name: &String| Mesh {
            configuration: Configuration::of(name),
            line: SourceTracker::default(),
            parameters: 0,
            served: None,
            next: None,
        };
        Self {
            intervals,
            meshes: meshes.map(|name| (name.clone(), mesh(name))).collect(),
            services: BTreeMap::new(),
            namespaces: Namespaces::default(),
            cloud_map: SourceTracker::default(),
            published: BTreeMap::new(),
        }
    }

    /// Applies the parameters of a mesh.
    pub(crate) fn on_parameters(
        &mut self,
        name: &str,
        reading: Result<Vec<Parameter>, AwsError>,
        now: Instant,
    ) -> Vec<LogEvent> {
        let Some(mesh) = self.meshes.get_mut(name) else {
            return Vec::new();
        };
        let parameters = match reading {
            Ok(parameters) => parameters,
            Err(failure) => {
                return failure_event(
                    mesh.line.record_failure(failure.to_string(), Some(failure.reason), now),
                    &mesh.line,
                );
            }
        };
        match mesh.configuration.read(&parameters) {
            Ok(view) => {
                let is_back = mesh.line.record_success(now);
                mesh.parameters = parameters.len();
                let before = mesh.next.as_ref().or(mesh.served.as_ref());
                let known: BTreeSet<&String> = before.into_iter().flat_map(|view| &view.damaged).collect();
                let unknown = view.damaged.iter().filter(|damaged| !known.contains(damaged));
                let mut events: Vec<LogEvent> = unknown.cloned().map(LogEvent::Warning).collect();
                if is_back {
                    events.push(LogEvent::Info(format!("mesh {name}: parameters are readable again")));
                }
                mesh.next = Some(view);
                events
            }
            Err(no_mesh) => failure_event(mesh.line.record_failure(no_mesh, None, now), &mesh.line),
        }
    }

    /// Applies the result of publishing.
    pub(crate) fn on_published(&mut self, name: &str, outcome: Result<(), AwsError>, now: Instant) -> Vec<LogEvent> {
        let line = self.published.entry(name.to_owned()).or_default();
        match outcome {
            Ok(()) => {
                line.record_success(now);
                Vec::new()
            }
            Err(failure) => failure_event(
                line.record_failure(failure.to_string(), Some(failure.reason), now),
                line,
            ),
        }
    }

    /// The consecutive failures to read a mesh's parameters, and the number of calls to read all meshes.
    pub(crate) fn parameters_backoff(&self, name: &str) -> (u32, usize) {
        let failures = self.meshes.get(name).map_or(0, |mesh| mesh.line.failures());
        let calls = self.meshes.values().map(|mesh| parameters::calls(mesh.parameters));
        (failures, calls.sum())
    }

    /// The consecutive failures to publish.
    pub(crate) fn publish_failures(&self, name: &str) -> u32 {
        self.published.get(name).map_or(0, SourceTracker::failures)
    }

    /// Serves every view that is complete.
    pub(crate) fn advance(&mut self) -> Vec<LogEvent> {
        let mut events = Vec::new();
        for (name, mesh) in &mut self.meshes {
            let Some(next) = &mesh.next else { continue };
            let required = RequiredServices::of(std::iter::once(&next.topology));
            let has_response =
                |service: &&Service| self.services.get(service).is_some_and(|known| known.found.is_some());
            if required.all().iter().all(has_response) {
                if mesh
                    .served
                    .as_ref()
                    .is_none_or(|served| served.config_hash != next.config_hash)
                {
                    events.push(LogEvent::Info(format!(
                        "mesh {name}: serving configuration {}",
                        next.config_hash
                    )));
                }
                mesh.served = mesh.next.take();
            }
        }
        events
    }

    /// Writes the served views into the mesh state.
    pub(crate) fn write(&self, mesh_state: &mut MeshState) {
        let served = self
            .meshes
            .iter()
            .filter_map(|(name, mesh)| Some((name, mesh.served.as_ref()?)));
        mesh_state.meshes = served
            .map(|(name, view)| (name.clone(), view.topology.clone()))
            .collect();
        let required = RequiredServices::of(mesh_state.meshes.values());
        let known = |service: &Service| self.services.get(service);
        mesh_state.node_endpoints = required
            .services
            .iter()
            .filter_map(|service| {
                let key = (service.namespace.clone(), service.service.clone());
                Some((key, known(service)?.serving()?))
            })
            .collect();
        mesh_state.dns_endpoints = required
            .hosts
            .iter()
            .filter_map(|(host, service)| Some((host.clone(), known(service)?.host()?)))
            .collect();
    }

    /// The names of the meshes.
    pub(crate) fn meshes(&self) -> impl Iterator<Item = &String> {
        self.meshes.keys()
    }

    /// The served configuration of a mesh: its hash, and its invalid parameters.
    pub(crate) fn served(&self, name: &str) -> Option<(&ConfigHash, &[String])> {
        let view = self.meshes.get(name)?.served.as_ref()?;
        Some((&view.config_hash, &view.damaged))
    }

    fn views(&self) -> impl Iterator<Item = &View> {
        self.meshes
            .values()
            .flat_map(|mesh| mesh.served.iter().chain(&mesh.next))
    }
}

/// A source's error, if it is new.
fn failure_event(is_news: bool, line: &SourceTracker) -> Vec<LogEvent> {
    let error = line.error().filter(|_| is_news);
    error
        .map(|error| LogEvent::Warning(error.to_owned()))
        .into_iter()
        .collect()
}

mod endpoint_health;
mod namespaces;
mod report;
mod services;
#[cfg(test)]
mod tests;
