//! What is known of services of Cloud Map: what to ask next, and what follows from an response.

use std::time::{Duration, Instant};

use super::{LogEvent, State, said};
use crate::cloud_map::{Query, Response};
use crate::discovery::{Discovery, RequiredServices, Service};
use crate::error::{AwsError, ErrorKind};
use crate::poll_budget::{INSTANCE_CALLS_PER_SECOND, PollIntervals, backoff, scaled_interval};
use mesh_control::NodeEndpoint;

/// What is known of a service.
#[derive(Debug, Default)]
pub(super) struct ServiceState {
    pub(super) found: Option<Discovery>,
    /// Whether an instance was healthy at some time. Forgotten when the service is.
    was_healthy: bool,
    revision: Option<i64>,
    /// When it was last asked about, whatever came of it.
    asked: Option<Instant>,
    /// When its instances were last read.
    read: Option<Instant>,
    /// Why there was no answer when it was last asked about, and how many times in a row there was none.
    failure: Option<AwsError>,
    failures: u32,
}

impl ServiceState {
    /// Who serves, for virtual nodes that are found by Cloud Map; `None` before the first response.
    pub(super) fn serving(&self) -> Option<Vec<NodeEndpoint>> {
        Some(self.found.as_ref()?.serving(self.was_healthy))
    }

    /// The same for a host name; `None` if that is left to DNS, too.
    pub(super) fn host(&self) -> Option<Vec<NodeEndpoint>> {
        self.serving()
            .filter(|_| self.found.as_ref().is_some_and(Discovery::is_for_host))
    }

    /// What people should know of it.
    pub(super) fn remark(&self, service: &Service, is_host: bool) -> Option<String> {
        self.found.as_ref()?.remark(service, is_host, self.was_healthy)
    }

    fn take(&mut self, found: Discovery) {
        self.was_healthy = match &found {
            Discovery::Instances(_) => self.was_healthy || found.healthy().next().is_some(),
            // Cloud Map has forgotten it, and one of the same name starts anew.
            Discovery::NotFound => false,
            Discovery::Denied(_) => self.was_healthy,
        };
        self.found = Some(found);
    }
}

impl State {
    /// How many services are asked about.
    pub(crate) fn services(&self) -> usize {
        self.services.len()
    }

    /// What is to be asked of Cloud Map now. What belongs to a namespace whose name there is not known yet has to wait.
    pub(crate) fn queries(&mut self, now: Instant) -> Vec<Query> {
        let views = self.meshes.values().flat_map(|mesh| [&mesh.served, &mesh.next]);
        let wanted = RequiredServices::of(views.flatten().map(|view| &view.topology));
        let wanted = wanted.all();
        self.services.retain(|service, _| wanted.contains(service));
        for service in wanted {
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
                // Each service by itself, so that one which may not be asked about does not slow the others.
                _ if known.failures > 0 => backoff(endpoints, known.failures, longest),
                Some(Discovery::NotFound | Discovery::Denied(_)) => unknown,
                _ => Duration::ZERO,
            };
            if !is_past(known.asked, pause) {
                continue;
            }
            // Who is not healthy yet is waited for: by callers, and by deployments.
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

    /// Whether Cloud Map has to be asked before anything else can be served.
    pub(crate) fn is_waiting(&self) -> bool {
        let waiting = self.meshes.values().filter_map(|mesh| mesh.next.as_ref());
        RequiredServices::of(waiting.map(|view| &view.topology))
            .all()
            .into_iter()
            .any(|service| !self.services.contains_key(service))
    }

    /// Takes in an answer of Cloud Map, if it is about something that is still wanted. Says whether more or something else
    /// is known now, and what is worth a line.
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
        known.asked = Some(now);
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
        let mut news = self.update_cloud_map_status(now);
        if let Some(ServiceState {
            found: Some(Discovery::Denied(reason)),
            ..
        }) = self.services.get(service).filter(|_| has_changed)
        {
            news.push(LogEvent::Warning(format!("{service} is left to DNS: {reason}")));
        }
        (has_changed, news)
    }

    /// The response; or, if it is that one may not ask about a host name of which nothing is known, that this is so: it is
    /// outside the mesh, perhaps. DNS may know it, and others need not wait for it.
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
            let wanted = RequiredServices::of(self.views().map(|view| &view.topology));
            wanted.services.contains(service)
        };
        if matches!(found, None | Some(Discovery::Denied(_))) && !is_needed() {
            Ok(Response::Now(Discovery::Denied(failure.to_string()), None))
        } else {
            Err(failure)
        }
    }

    /// Whether Cloud Map is well, from what it last answered about each service.
    fn update_cloud_map_status(&mut self, now: Instant) -> Vec<LogEvent> {
        let failures = self.services.values().filter_map(|known| known.failure.as_ref());
        let mut failures: Vec<&AwsError> = failures.collect();
        // What is denied comes last: it is about one service, and the others may have a better reason.
        failures.sort_by_key(|failure| failure.reason == ErrorKind::Denied);
        if let Some((first, others)) = failures.split_first() {
            let mut error = first.to_string();
            if !others.is_empty() {
                error = format!("{error}; and {} more", others.len());
            }
            let is_news = self.cloud_map.record_failure(error, Some(first.reason), now);
            said(is_news, &self.cloud_map)
        } else if self.cloud_map.record_success(now) {
            vec![LogEvent::Info("Cloud Map answers again".to_owned())]
        } else {
            Vec::new()
        }
    }
}
