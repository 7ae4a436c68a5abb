//! HTTP names of namespaces, which have a hash if another namespace had the name before.

use std::collections::BTreeMap;
use std::time::Instant;

use super::listings::Listings;
use super::{LogEvent, State, failure_event};
use crate::error::AwsError;
use crate::source_status::SourceTracker;
use mesh_control::SourceStatus;

/// The namespaces with given ids, by name. All others are queried by their names.
#[derive(Debug, Default)]
pub(super) struct Namespaces(BTreeMap<String, Namespace>);

#[derive(Debug)]
struct Namespace {
    id: String,
    /// The HTTP name; `None` before it is known.
    http_name: Option<String>,
    line: SourceTracker,
}

impl Namespaces {
    pub(super) fn of(ids: &BTreeMap<String, String>) -> Self {
        let namespace = |id: &String| Namespace {
            id: id.clone(),
            http_name: None,
            line: SourceTracker::default(),
        };
        Self(ids.iter().map(|(name, id)| (name.clone(), namespace(id))).collect())
    }

    /// The HTTP name for queries about services of a namespace; `None` while it is not known.
    pub(super) fn http_name<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match self.0.get(name) {
            Some(namespace) => namespace.http_name.as_deref(),
            None => Some(name),
        }
    }

    /// The reason why it is not known.
    pub(super) fn error(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.line.error()
    }

    /// The status of each namespace.
    pub(super) fn sources(&self, now: Instant) -> impl Iterator<Item = SourceStatus> {
        self.0.iter().map(move |(name, Namespace { id, http_name, line })| {
            let other = http_name.iter().filter(|http_name| *http_name != name);
            let notes = other.map(|other| format!("its HTTP name is {other}"));
            line.status(format!("namespace {name}, {id}"), notes.collect(), now)
        })
    }
}

impl State {
    /// Adds namespaces with these ids.
    pub(crate) fn with_namespaces(mut self, ids: &BTreeMap<String, String>) -> Self {
        self.namespaces = Namespaces::of(ids);
        self.listings = Listings::of(ids);
        self
    }

    /// Applies the HTTP name of a namespace, or the error.
    pub(crate) fn on_namespace(
        &mut self,
        name: &str,
        response: Result<String, AwsError>,
        now: Instant,
    ) -> Vec<LogEvent> {
        let Some(namespace) = self.namespaces.0.get_mut(name) else {
            return Vec::new();
        };
        match response {
            Ok(http_name) => {
                let had_failed = namespace.line.record_success(now);
                let is_other = http_name != name;
                let known = format!("namespace {name} has the HTTP name {http_name}");
                namespace.http_name = Some(http_name);
                let events = (had_failed || is_other).then_some(LogEvent::Info(known));
                events.into_iter().collect()
            }
            Err(failure) => {
                let is_news = namespace
                    .line
                    .record_failure(failure.to_string(), Some(failure.reason), now);
                failure_event(is_news, &namespace.line)
            }
        }
    }

    /// The consecutive failures for a namespace.
    pub(crate) fn namespace_backoff(&self, name: &str) -> u32 {
        let namespace = self.namespaces.0.get(name);
        namespace.map_or(0, |namespace| namespace.line.failures())
    }
}
