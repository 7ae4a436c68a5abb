//! What Cloud Map calls namespaces: its `HttpName`, which has a hash if another namespace had the name before.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{LogEvent, State, said};
use crate::error::AwsError;
use crate::source_status::SourceTracker;
use mesh_control::SourceStatus;

/// The namespaces whose ids were given, by name. All others are asked about by their names.
#[derive(Debug, Default)]
pub(super) struct Namespaces(BTreeMap<String, Namespace>);

#[derive(Debug)]
struct Namespace {
    id: String,
    /// Where it is asked about; `None` before that is known.
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

    /// By which name Cloud Map is asked about the services of a namespace; `None` while that is not known.
    pub(super) fn http_name<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match self.0.get(name) {
            Some(namespace) => namespace.http_name.as_deref(),
            None => Some(name),
        }
    }

    /// Why that is not known.
    pub(super) fn error(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.line.error()
    }

    /// What people should know of each.
    pub(super) fn sources(&self, now: Instant) -> impl Iterator<Item = SourceStatus> {
        self.0.iter().map(move |(name, Namespace { id, http_name, line })| {
            let other = http_name.iter().filter(|http_name| *http_name != name);
            let notes = other.map(|other| format!("Cloud Map calls it {other}"));
            line.status(format!("namespace {name}, {id}"), notes.collect(), now)
        })
    }
}

impl State {
    /// The same, with namespaces whose ids these are.
    pub(crate) fn with_namespaces(mut self, ids: &BTreeMap<String, String>) -> Self {
        self.namespaces = Namespaces::of(ids);
        self
    }

    /// Takes in by which name a namespace is asked about, or why that is not known.
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
                let known = format!("namespace {name} is asked about as {http_name}");
                namespace.http_name = Some(http_name);
                let news = (had_failed || is_other).then_some(LogEvent::Info(known));
                news.into_iter().collect()
            }
            Err(failure) => {
                let is_news = namespace
                    .line
                    .record_failure(failure.to_string(), Some(failure.reason), now);
                said(is_news, &namespace.line)
            }
        }
    }

    /// How many queries about the name of a namespace have failed in a row.
    pub(crate) fn namespace_backoff(&self, name: &str) -> u32 {
        let namespace = self.namespaces.0.get(name);
        namespace.map_or(0, |namespace| namespace.line.failures())
    }
}
