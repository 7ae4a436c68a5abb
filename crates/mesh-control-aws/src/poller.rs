//! Polls Parameter Store and Cloud Map, and updates the mesh state.

mod mesh;

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore, watch};

use crate::clients::Clients;
use crate::cloud_map;
use crate::cloud_map::{Query, Response};
use crate::config_hash::ConfigHash;
use crate::discovery::Service;
use crate::endpoint_discovery::ApiMeshes;
use crate::endpoint_policy::EndpointPolicy;
use crate::error::AwsError;
use crate::options::Options;
use crate::poll_budget::{PollIntervals, backoff, jittered};
use crate::split::SplitNodes;
use crate::state::{LogEvent, State};
use mesh_control::SourceStatus;
use mesh_control::{CallStatistics, ControlPlane, ReadinessSource};

/// The maximum number of concurrent requests to Cloud Map.
const MAX_CONCURRENT_QUERIES: usize = 16;

/// How often due queries are collected, at least and at most.
const MIN_ROUND: Duration = Duration::from_millis(25);
const MAX_ROUND: Duration = Duration::from_secs(1);

/// The state read from AWS, shared with the status page and the publisher.
#[derive(Debug)]
pub(crate) struct PolledState {
    state: Mutex<State>,
    pub(crate) is_known: watch::Sender<bool>,
    served: watch::Sender<BTreeMap<String, Served>>,
}

/// The configuration of a mesh that is served to Envoys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) config_hash: ConfigHash,
    pub(crate) damaged: Vec<String>,
    /// The number of healthy instances of each virtual node.
    pub(crate) healthy: BTreeMap<String, usize>,
    /// The virtual nodes that share a route with others.
    pub(crate) split: SplitNodes,
    /// The first revision of the control plane with this configuration.
    pub(crate) revision: u64,
}

impl PolledState {
    pub(crate) fn new(options: &Options) -> Self {
        let mut state =
            State::of(options.meshes.iter(), options.intervals, fastrand::u64(..)).with_namespaces(&options.namespaces);
        if options.api_meshes.is_some() {
            state = state.with_api();
        }
        Self {
            state: Mutex::new(state),
            is_known: watch::Sender::new(false),
            served: watch::Sender::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends once every mesh is served.
    pub(crate) fn wait_until_known(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut is_known = self.is_known.subscribe();
        async move {
            // The sender is part of the server, so it cannot be dropped before.
            let _known = is_known.wait_for(|is_known| *is_known).await.map(drop);
        }
    }

    pub(crate) fn served(&self) -> watch::Receiver<BTreeMap<String, Served>> {
        self.served.subscribe()
    }
}

impl ReadinessSource for PolledState {
    fn sources(&self) -> Vec<SourceStatus> {
        self.state().sources(Instant::now())
    }

    fn is_ready(&self) -> Result<(), String> {
        self.state().is_ready()
    }
}

/// Polls AWS for one control plane.
pub(crate) struct Poller {
    pub(crate) clients: Clients,
    pub(crate) intervals: PollIntervals,
    /// Which addresses endpoints may have.
    pub(crate) endpoints: EndpointPolicy,
    pub(crate) control: ControlPlane,
    /// The calls that Envoys report.
    pub(crate) calls: CallStatistics,
    pub(crate) polled: Arc<PolledState>,
    /// Wakes [`Poller::poll_endpoints`].
    wake: Notify,
}

impl Poller {
    pub(crate) fn new(
        clients: Clients,
        options: &Options,
        control: ControlPlane,
        calls: CallStatistics,
        polled: Arc<PolledState>,
    ) -> Self {
        Self {
            clients,
            intervals: options.intervals,
            endpoints: options.endpoints.clone(),
            control,
            calls,
            polled,
            wake: Notify::new(),
        }
    }

    /// Resolves the HTTP name of a namespace by its id. Ends once it is known.
    pub(crate) async fn resolve_namespace(&self, name: &str, id: &str) {
        loop {
            let response = cloud_map::http_name(&self.clients.discovery, name, id).await;
            let is_known = response.is_ok();
            let failures = {
                let mut state = self.polled.state();
                log(state.on_namespace(name, response, Instant::now()));
                state.namespace_backoff(name)
            };
            if is_known {
                return self.wake.notify_one();
            }
            pause(backoff(self.intervals.endpoints, failures, self.intervals.longest)).await;
        }
    }

    /// Lists the services of a namespace. Never ends.
    pub(crate) async fn poll_listing(&self, name: &str, id: &str) {
        loop {
            let response = cloud_map::instance_counts(&self.clients.discovery, id).await;
            let interval = {
                let mut state = self.polled.state();
                log(state.on_listing(name, response, Instant::now()));
                state.listing_pause(name)
            };
            self.wake.notify_one();
            pause(interval).await;
        }
    }

    /// Discovers the endpoints of all meshes, and serves the meshes of the API, if there is one. Ends with the API.
    pub(crate) async fn poll_cloud_map(&self, options: &Options) {
        let names = || options.namespaces.iter();
        let namespaces = async {
            join_all(names().map(|(name, id)| self.resolve_namespace(name, id))).await;
            pending::<()>().await;
        };
        let listings = async {
            join_all(names().map(|(name, id)| self.poll_listing(name, id))).await;
            // Without a namespace there is nothing to list.
            pending::<()>().await;
        };
        let api = async {
            match options.api_meshes.clone() {
                Some(meshes) => self.follow_api(meshes).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.poll_endpoints() => {}
            () = namespaces => {}
            () = listings => {}
            () = api => {}
        }
    }

    /// Serves the meshes of the API. Writes during an update are served together by the next one. Ends with the API.
    async fn follow_api(&self, mut meshes: ApiMeshes) {
        loop {
            let now = Arc::clone(&meshes.borrow_and_update());
            self.polled.state().on_api_meshes(&now);
            self.apply();
            if meshes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Polls Cloud Map. Never ends. A request without a response does not delay the others.
    pub(crate) async fn poll_endpoints(&self) {
        let permits = Semaphore::new(MAX_CONCURRENT_QUERIES);
        let mut in_flight = FuturesUnordered::new();
        let mut in_progress = BTreeSet::new();
        // Queries are due at times of their own.
        let round = (self.intervals.active.min(self.intervals.endpoints) / 4).clamp(MIN_ROUND, MAX_ROUND);
        loop {
            let nodes = self.control.status_board().nodes().into_iter();
            let connected = nodes.map(|node| node.id).collect();
            let queries = {
                let mut state = self.polled.state();
                state.on_connected(connected);
                state.queries(Instant::now())
            };
            for query in queries {
                if in_progress.insert(query.service.clone()) {
                    in_flight.push(self.query(query, &permits));
                }
            }
            let mut next_round = pin!(tokio::time::sleep(round));
            loop {
                tokio::select! {
                    Some((service, response)) = in_flight.next() => {
                        in_progress.remove(&service);
                        let outcome = self.polled.state().on_response(&service, response, Instant::now());
                        let (has_changed, events) = outcome;
                        log(events);
                        if has_changed {
                            self.apply();
                        }
                    }
                    () = &mut next_round => break,
                    () = self.wake.notified() => break,
                }
            }
        }
    }

    async fn query(&self, query: Query, permits: &Semaphore) -> (Service, Result<Response, AwsError>) {
        // It is never closed.
        let _permit = permits.acquire().await;
        let response = cloud_map::query(&self.clients.discovery, &query, &self.endpoints).await;
        (query.service, response)
    }

    /// Updates the mesh state with everything that can be served.
    fn apply(&self) {
        let mut state = self.polled.state();
        log(state.advance());
        self.control.update(|mesh_state| state.write(mesh_state));
        let revision = self.control.revision();
        self.polled.served.send_if_modified(|served| {
            let mut has_changed = false;
            for mesh in state.meshes() {
                let Some((config_hash, damaged)) = state.served(mesh) else {
                    continue;
                };
                let before = served.get(mesh);
                let is_same = |before: &&Served| before.config_hash == *config_hash && before.damaged == damaged;
                let now = Served {
                    config_hash: config_hash.clone(),
                    damaged: damaged.to_vec(),
                    healthy: state.healthy(mesh),
                    split: state.split(mesh),
                    // Endpoints change without a new configuration.
                    revision: before.filter(is_same).map_or(revision, |before| before.revision),
                };
                if before != Some(&now) {
                    self.calls.watch(now.split.clusters());
                    served.insert(mesh.clone(), now);
                    has_changed = true;
                }
            }
            has_changed
        });
        if state.is_waiting() {
            self.wake.notify_one();
        }
        if state.is_ready().is_ok() && !self.polled.is_known.send_replace(true) {
            tracing::info!(xds = %self.control.addresses().xds, "all meshes known; serving Envoys");
        }
    }
}

async fn pause(interval: Duration) {
    tokio::time::sleep(jittered(interval, fastrand::f64())).await;
}

pub(crate) fn log(events: Vec<LogEvent>) {
    for event in events {
        match event {
            LogEvent::Info(text) => tracing::info!("{text}"),
            LogEvent::Warning(text) => tracing::warn!("{text}"),
        }
    }
}
