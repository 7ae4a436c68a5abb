//! The state of Cloud Map services: the next queries, and the responses.

use std::time::{Duration, Instant};

use super::{LogEvent, State, failure_event};
use crate::cloud_map::{Query, Response};
use crate::discovery::{Discovery, RequiredServices, Service};
use crate::error::{AwsError, ErrorKind};
use crate::poll_budget::{INSTANCE_CALLS_PER_SECOND, PollIntervals, backoff, scaled_interval};
use mesh_control::NodeEndpoint;

/// The state of a service.
#[derive(Debug, Default)]
pub(super) struct ServiceState {
    pub(super) found: Option<Discovery>,
    /// Whether an instance was healthy at some time. Reset with the service.
    was_healthy: bool,
    revision: Option<i64>,
    /// The time of the last query.
    queried: Option<Instant>,
    /// The time of the last read of its instances.
    read: Option<Instant>,
    /// The last error, and the number of consecutive failures.
    failure: Option<AwsError>,
    failures: u32,
}

impl ServiceState {
    /// The endpoints, for virtual nodes with Cloud Map discovery; `None` before the first response.
    pub(super) fn serving(&self) -> Option<Vec<NodeEndpoint>> {
        Some(self.found.as_ref()?.serving(self.was_healthy))
    }

    /// The endpoints for a host name; `None` also if it is resolved by DNS.
    pub(super) fn host(&self) -> Option<Vec<NodeEndpoint>> {
        self.serving()
            .filter(|_| self.found.as_ref().is_some_and(Discovery::is_for_host))
    }

    /// The note for the status page.
    pub(super) fn note(&self, service: &Service, is_host: bool) -> Option<String> {
        self.found.as_ref()?.note(service, is_host, self.was_healthy)
    }

    fn take(&mut self, found: Discovery) {
        self.was_healthy = match &found {
            Discovery::Instances(_) => self.was_healthy || found.healthy().next().is_some(),
            // The service was deleted; another one of the same name starts anew.
            Discovery::NotFound => false,
            Discovery::Denied(_) => self.was_healthy,
        };
        self.found = Some(found);
    }
}

impl State {
    /// The number of services.
    pub(crate) fn services(&self) -> usize {
        self.services.len()
    }

    /// The queries that are due. Services in a namespace without a known HTTP name have to wait.
    pub(crate) fn queries(&mut self, now: Instant) -> Vec<Query> {
        let views = self.meshes.values().flat_map(|mesh| [&mesh.served, &mesh.next]);
        let required = RequiredServices::of(views.flatten().map(|view| &view.topology));
        let required = required.all();
        self.services.retain(|service, _| required.contains(service));
        for service in required {
            self.services.entry(service.clone()).or_default();
        }
        let is_past =
            |since: Option<Instant>, time| since.is_none_or(|since| now.saturating_duration_since(since) >= time);
        let PollIntervals {
            endpoints,
            health,
            unknown,
            longest,
            ..
        } = self.intervals;
        let affordable = |interval| scaled_interval(interval, self.services.len(), INSTANCE_CALLS_PER_SECOND);
        let mut queries = Vec::new();
        for (service, known) in &self.services {
            let Some(namespace) = self.namespaces.http_name(&service.namespace) else {
                continue;
            };
            let pause = match &known.found {
                // Backoff is per service, so that a denied one does not slow the others.
                _ if known.failures > 0 => backoff(endpoints, known.failures, longest),
                Some(Discovery::NotFound | Discovery::Denied(_)) => unknown,
                _ => Duration::ZERO,
            };
            if !is_past(known.queried, pause) {
                continue;
            }
            // Callers and deployments wait for unhealthy instances.
            let health = match &known.found {
                Some(found) if found.has_unhealthy() => endpoints.min(health),
                _ => health,
            };
            queries.push(Query {
                service: service.clone(),
                namespace: namespace.to_owned(),
                known: known.revision.filter(|_| !is_past(known.read, affordable(health))),
            });
        }
        queries
    }

    /// Whether a view waits for Cloud Map.
    pub(crate) fn is_waiting(&self) -> bool {
        let waiting = self.meshes.values().filter_map(|mesh| mesh.next.as_ref());
        RequiredServices::of(waiting.map(|view| &view.topology))
            .all()
            .into_iter()
            .any(|service| !self.services.contains_key(service))
    }

    /// Applies a response of Cloud Map, if its service is still required. Returns whether the state has changed, and
    /// log events.
    pub(crate) fn on_response(
        &mut self,
        service: &Service,
        response: Result<Response, AwsError>,
        now: Instant,
    ) -> (bool, Vec<LogEvent>) {
        let response = self.or_fall_back_to_dns(service, response);
        let Some(known) = self.services.get_mut(service) else {
            return (false, Vec::new());
        };
        let before = known.found.clone();
        known.queried = Some(now);
        known.failure = None;
        match response {
            Ok(Response::Unchanged) => known.failures = 0,
            Ok(Response::Now(found, revision)) => {
                known.take(found);
                known.revision = revision;
                known.read = Some(now);
                known.failures = 0;
            }
            Err(failure) => {
                known.failure = Some(failure);
                known.failures = known.failures.saturating_add(1);
            }
        }
        let has_changed = known.found != before;
        let mut events = self.update_cloud_map_status(now);
        if let Some(ServiceState {
            found: Some(Discovery::Denied(reason)),
            ..
        }) = self.services.get(service).filter(|_| has_changed)
        {
            events.push(LogEvent::Warning(format!("{service} is resolved by DNS: {reason}")));
        }
        (has_changed, events)
    }

    /// The response; or DNS as fallback if querying an unknown host name is denied: it may be outside the mesh, and
    /// others need not wait for it.
    fn or_fall_back_to_dns(
        &self,
        service: &Service,
        response: Result<Response, AwsError>,
    ) -> Result<Response, AwsError> {
        let failure = match response {
            Err(failure) if failure.reason == ErrorKind::Denied => failure,
            response => return response,
        };
        let found = self.services.get(service).and_then(|known| known.found.as_ref());
        let is_needed = || {
            let required = RequiredServices::of(self.views().map(|view| &view.topology));
            required.services.contains(service)
        };
        if matches!(found, None | Some(Discovery::Denied(_))) && !is_needed() {
            Ok(Response::Now(Discovery::Denied(failure.to_string()), None))
        } else {
            Err(failure)
        }
    }

    /// Updates the health of Cloud Map from the last result of each service.
    fn update_cloud_map_status(&mut self, now: Instant) -> Vec<LogEvent> {
        let failures = self.services.values().filter_map(|known| known.failure.as_ref());
        let mut failures: Vec<&AwsError> = failures.collect();
        // Denied calls come last: they concern one service, and others may have a more general reason.
        failures.sort_by_key(|failure| failure.reason == ErrorKind::Denied);
        if let Some((first, others)) = failures.split_first() {
            let mut error = first.to_string();
            if !others.is_empty() {
                error = format!("{error}; and {} more", others.len());
            }
            let is_news = self.cloud_map.record_failure(error, Some(first.reason), now);
            failure_event(is_news, &self.cloud_map)
        } else if self.cloud_map.record_success(now) {
            vec![LogEvent::Info("Cloud Map responds again".to_owned())]
        } else {
            Vec::new()
        }
    }
}
