//! The state of Cloud Map services: the next queries, and the responses.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{LogEvent, State, failure_event};
use crate::cloud_map::{Query, REVISION_CALL, Response};
use crate::discovery::{Discovery, RequiredServices, Service};
use crate::error::{AwsError, ErrorKind};
use crate::service_plan::{ServiceFacts, ServicePlan};
use crate::usage::used_services;
use mesh_control::NodeEndpoint;

/// Consecutive failures without a response in between that may be a coincidence.
const MIN_OUTAGE: usize = 2;

/// The state of a service.
#[derive(Debug, Default)]
pub(super) struct ServiceState {
    pub(super) found: Option<Discovery>,
    /// Whether an instance was healthy at some time. Reset with the service.
    was_healthy: bool,
    revision: Option<i64>,
    /// Whether it is to be queried at once.
    pub(super) is_wanted: bool,
    /// The last change of its instances.
    changed: Option<Instant>,
    /// The time of the last query.
    queried: Option<Instant>,
    /// The time of the last read of its instances.
    pub(super) read: Option<Instant>,
    /// The last error, and the number of consecutive failures.
    failure: Option<AwsError>,
    failures: u32,
    /// The jitter of the next query, between 0 and 1.
    luck: f64,
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

    fn is_denied(&self) -> bool {
        let failure = self.failure.as_ref();
        failure.is_some_and(|failure| failure.reason == ErrorKind::Denied)
    }

    fn facts(&self) -> ServiceFacts {
        ServiceFacts {
            is_unknown: matches!(self.found, Some(Discovery::NotFound | Discovery::Denied(_))),
            has_unhealthy: self.found.as_ref().is_some_and(Discovery::has_unhealthy),
            is_wanted: self.is_wanted,
            changed: self.changed,
            revision: self.revision,
            queried: self.queried,
            read: self.read,
            failures: self.failures,
            is_denied: self.is_denied(),
            is_revision_failing: self
                .failure
                .as_ref()
                .is_some_and(|failure| failure.call == REVISION_CALL),
            luck: self.luck,
            ..ServiceFacts::default()
        }
    }
}

impl State {
    /// The queries that are due. Services in a namespace without a known HTTP name have to wait.
    pub(crate) fn queries(&mut self, now: Instant) -> Vec<Query> {
        let required = RequiredServices::of(self.topologies());
        let required = required.all();
        self.services.retain(|service, _| required.contains(service));
        for service in required {
            self.services.entry(service.clone()).or_default();
        }
        let failing = self
            .services
            .values()
            .filter(|known| known.failures > 0 && !known.is_denied());
        let plan = ServicePlan::new(self.intervals, self.services.len(), failing.count());
        let mut queries = Vec::new();
        for (service, known) in &self.services {
            let Some(namespace) = self.namespaces.http_name(&service.namespace) else {
                continue;
            };
            let facts = ServiceFacts {
                is_used: self.used.contains(service),
                is_listed: self.listings.covers(service, self.intervals.endpoints, now),
                ..known.facts()
            };
            queries.extend(plan.due(&facts, now).map(|check| Query {
                service: service.clone(),
                namespace: namespace.to_owned(),
                check,
            }));
        }
        queries
    }

    /// Applies the node ids of all connected Envoys. Services that are used from now on are due, since they may not have
    /// been queried for a while.
    pub(crate) fn on_connected(&mut self, node_ids: BTreeSet<String>) {
        if !std::mem::take(&mut self.has_new_views) && self.connected == node_ids {
            return;
        }
        let used = self.topologies().flat_map(|mesh| used_services(mesh, &node_ids));
        let used: BTreeSet<Service> = used.collect();
        for service in used.difference(&self.used) {
            if let Some(known) = self.services.get_mut(service) {
                known.is_wanted = true;
            }
        }
        self.used = used;
        self.connected = node_ids;
    }

    /// Makes every service due that fails for another reason than a missing permission: Cloud Map responds again.
    pub(crate) fn retry_services(&mut self) {
        for known in self.services.values_mut() {
            known.is_wanted |= known.failures > 0 && !known.is_denied();
        }
    }

    /// Whether a view waits for Cloud Map.
    pub(crate) fn is_waiting(&self) -> bool {
        RequiredServices::of(self.waiting())
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
        known.is_wanted = false;
        known.luck = self.random.f64();
        let has_failed = match response {
            Ok(Response::Unchanged) => {
                known.failures = 0;
                false
            }
            Ok(Response::Now(found, revision)) => {
                // A response without a revision may be newer than the known one, which then differs from the next.
                let before = known.revision.filter(|_| found != Discovery::NotFound);
                known.take(found);
                known.revision = revision.or(before);
                known.read = Some(now);
                known.failures = 0;
                false
            }
            Err(failure) => {
                let is_denied = failure.reason == ErrorKind::Denied;
                known.failure = Some(failure);
                known.failures = known.failures.saturating_add(1);
                !is_denied
            }
        };
        let has_changed = known.found != before;
        if has_changed && before.is_some() {
            known.changed = Some(now);
        }
        if has_failed {
            self.failed_in_row = self.failed_in_row.saturating_add(1);
        } else {
            let failed = std::mem::take(&mut self.failed_in_row);
            let failing = self
                .services
                .values()
                .filter(|known| known.failures > 0 && !known.is_denied());
            // All that fail have failed since the last response, so it was an outage.
            if failed > failing.count().max(MIN_OUTAGE) {
                self.retry_services();
            }
        }
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
            let required = RequiredServices::of(self.topologies());
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
