//! What was learned from AWS so far, and what follows from it for Envoys. Pure: time is passed in.
//!
//! ```text
//! parameters ─► Configuration ─► next view ─┐  once Cloud Map has answered for
//!                                           ├─ every service that the view wants ─► served view
//! Cloud Map  ─► what is known of services ──┘
//! ```
//!
//! A view that wants services which nobody has asked for yet waits until Cloud Map has answered, so that no weight moves
//! to a virtual node before it is known where its tasks are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use self::namespaces::Namespaces;
use self::services::ServiceState;
use crate::config_hash::ConfigHash;
use crate::configuration::{Configuration, Parameter, View};
use crate::discovery::{RequiredServices, Service};
use crate::error::AwsError;
use crate::parameters;
use crate::poll_budget::PollIntervals;
use crate::source_status::SourceTracker;
use mesh_control::MeshState;

/// Everything that was learned.
#[derive(Debug)]
pub(crate) struct State {
    intervals: PollIntervals,
    meshes: BTreeMap<String, Mesh>,
    services: BTreeMap<Service, ServiceState>,
    namespaces: Namespaces,
    cloud_map: SourceTracker,
    /// What was published of a mesh, if it is.
    published: BTreeMap<String, SourceTracker>,
}

/// What is worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogEvent {
    Info(String),
    Warning(String),
}

#[derive(Debug)]
struct Mesh {
    configuration: Configuration,
    line: SourceTracker,
    /// How many parameters the last reading had.
    parameters: usize,
    /// What Envoys are told.
    served: Option<View>,
    /// What they are to be told once Cloud Map has answered.
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

    /// Takes in a reading of a mesh's parameters.
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
                return said(
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
                let mut news: Vec<LogEvent> = unknown.cloned().map(LogEvent::Warning).collect();
                if is_back {
                    news.push(LogEvent::Info(format!(
                        "the parameters of mesh {name} can be read again"
                    )));
                }
                mesh.next = Some(view);
                news
            }
            Err(no_mesh) => said(mesh.line.record_failure(no_mesh, None, now), &mesh.line),
        }
    }

    /// Takes in what became of publishing what is known of a mesh.
    pub(crate) fn on_published(&mut self, name: &str, outcome: Result<(), AwsError>, now: Instant) -> Vec<LogEvent> {
        let line = self.published.entry(name.to_owned()).or_default();
        match outcome {
            Ok(()) => {
                line.record_success(now);
                Vec::new()
            }
            Err(failure) => said(
                line.record_failure(failure.to_string(), Some(failure.reason), now),
                line,
            ),
        }
    }

    /// How many readings of a mesh's parameters have failed in a row, and how many calls one reading of all meshes takes.
    pub(crate) fn parameters_backoff(&self, name: &str) -> (u32, usize) {
        let failures = self.meshes.get(name).map_or(0, |mesh| mesh.line.failures());
        let calls = self.meshes.values().map(|mesh| parameters::calls(mesh.parameters));
        (failures, calls.sum())
    }

    /// How many attempts to publish what is known of a mesh have failed in a row.
    pub(crate) fn publish_failures(&self, name: &str) -> u32 {
        self.published.get(name).map_or(0, SourceTracker::failures)
    }

    /// Serves what can be served now.
    pub(crate) fn advance(&mut self) -> Vec<LogEvent> {
        let mut news = Vec::new();
        for (name, mesh) in &mut self.meshes {
            let Some(next) = &mesh.next else { continue };
            let wanted = RequiredServices::of(std::iter::once(&next.topology));
            let is_answered =
                |service: &&Service| self.services.get(service).is_some_and(|known| known.found.is_some());
            if wanted.all().iter().all(is_answered) {
                if mesh
                    .served
                    .as_ref()
                    .is_none_or(|served| served.config_hash != next.config_hash)
                {
                    news.push(LogEvent::Info(format!(
                        "mesh {name}: serving configuration {}",
                        next.config_hash
                    )));
                }
                mesh.served = mesh.next.take();
            }
        }
        news
    }

    /// Writes what is served into the world.
    pub(crate) fn write(&self, world: &mut MeshState) {
        let served = self
            .meshes
            .iter()
            .filter_map(|(name, mesh)| Some((name, mesh.served.as_ref()?)));
        world.meshes = served
            .map(|(name, view)| (name.clone(), view.topology.clone()))
            .collect();
        let wanted = RequiredServices::of(world.meshes.values());
        let known = |service: &Service| self.services.get(service);
        world.node_endpoints = wanted
            .services
            .iter()
            .filter_map(|service| {
                let key = (service.namespace.clone(), service.service.clone());
                Some((key, known(service)?.serving()?))
            })
            .collect();
        world.dns_endpoints = wanted
            .hosts
            .iter()
            .filter_map(|(host, service)| Some((host.clone(), known(service)?.host()?)))
            .collect();
    }

    /// The names of the meshes.
    pub(crate) fn meshes(&self) -> impl Iterator<Item = &String> {
        self.meshes.keys()
    }

    /// The configuration that is served of a mesh: of which reading, and what of it could not be used.
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

/// A source's error, if it is news.
fn said(is_news: bool, line: &SourceTracker) -> Vec<LogEvent> {
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
