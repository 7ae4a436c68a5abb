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

use self::api_meshes::ApiMesh;
use self::listings::Listings;
use self::namespaces::Namespaces;
use self::services::ServiceState;
use crate::config_hash::ConfigHash;
use crate::configuration::{Configuration, View};
use crate::discovery::{RequiredServices, Service};
use crate::error::AwsError;
use crate::parameter_plan::ParameterPlan;
use crate::poll_budget::PollIntervals;
use crate::source_status::SourceTracker;
use crate::split::SplitNodes;
use mesh_control::MeshState;
use mesh_model::app_mesh::Topology;

/// Everything read from AWS.
#[derive(Debug)]
pub(crate) struct State {
    intervals: PollIntervals,
    meshes: BTreeMap<String, Mesh>,
    /// Whether there is App Mesh's API, and its meshes. `None` before it was read.
    has_api: bool,
    api_meshes: Option<BTreeMap<String, ApiMesh>>,
    services: BTreeMap<Service, ServiceState>,
    /// The services that connected Envoys use, and the node ids of these Envoys.
    used: BTreeSet<Service>,
    connected: BTreeSet<String>,
    /// Whether a view was read since they were determined.
    has_new_views: bool,
    /// Consecutive failures of all services, other than of missing permissions.
    failed_in_row: usize,
    listings: Listings,
    namespaces: Namespaces,
    /// The jitter of queries.
    random: fastrand::Rng,
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
    plan: ParameterPlan,
    /// The number of parameters at the last read.
    parameters: usize,
    /// The number of revision markers at the last read.
    markers: usize,
    /// The view that is served to Envoys.
    served: Option<View>,
    /// The next view, which waits for Cloud Map.
    next: Option<View>,
}

impl State {
    /// The state of these meshes, before the first read. `seed` selects the jitter of queries.
    pub(crate) fn of<'m>(meshes: impl Iterator<Item = &'m String>, intervals: PollIntervals, seed: u64) -> Self {
        let mesh = |name: &String| Mesh {
            configuration: Configuration::of(name),
            line: SourceTracker::default(),
            plan: ParameterPlan::new(intervals),
            parameters: 0,
            markers: 0,
            served: None,
            next: None,
        };
        Self {
            intervals,
            meshes: meshes.map(|name| (name.clone(), mesh(name))).collect(),
            has_api: false,
            api_meshes: None,
            services: BTreeMap::new(),
            used: BTreeSet::new(),
            connected: BTreeSet::new(),
            has_new_views: false,
            failed_in_row: 0,
            listings: Listings::default(),
            namespaces: Namespaces::default(),
            random: fastrand::Rng::with_seed(seed),
            cloud_map: SourceTracker::default(),
            published: BTreeMap::new(),
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
        self.advance_api_meshes();
        events
    }

    /// Writes the served views into the mesh state.
    pub(crate) fn write(&self, mesh_state: &mut MeshState) {
        let served = self
            .meshes
            .iter()
            .filter_map(|(name, mesh)| Some((name, mesh.served.as_ref()?)));
        // A mesh has one source. If it has two nonetheless, the stack's parameters are served.
        let of_api = self
            .api_meshes()
            .filter_map(|(name, mesh)| Some((name, mesh.served.as_ref()?)));
        mesh_state.meshes = of_api
            .map(|(name, topology)| (name.clone(), (**topology).clone()))
            .chain(served.map(|(name, view)| (name.clone(), view.topology.clone())))
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

    /// The virtual nodes of the served configuration that share a route with others.
    pub(crate) fn split(&self, name: &str) -> SplitNodes {
        let view = self.meshes.get(name).and_then(|mesh| mesh.served.as_ref());
        view.map(|view| SplitNodes::of(&view.topology)).unwrap_or_default()
    }

    /// The meshes that are served, and those that will be.
    fn topologies(&self) -> impl Iterator<Item = &Topology> {
        let views = self
            .meshes
            .values()
            .flat_map(|mesh| mesh.served.iter().chain(&mesh.next));
        let of_api = self
            .api_meshes()
            .flat_map(|(_, mesh)| mesh.served.iter().chain(&mesh.next));
        views
            .map(|view| &view.topology)
            .chain(of_api.map(|topology| &**topology))
    }

    /// The meshes that wait for Cloud Map.
    fn waiting(&self) -> impl Iterator<Item = &Topology> {
        let views = self.meshes.values().filter_map(|mesh| mesh.next.as_ref());
        let of_api = self.api_meshes().filter_map(|(_, mesh)| mesh.next.as_deref());
        views.map(|view| &view.topology).chain(of_api)
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

mod api_meshes;
mod endpoint_health;
mod listings;
mod mesh_reads;
mod namespaces;
mod report;
mod services;
#[cfg(test)]
mod tests;
