//! What Cloud Map calls namespaces: its `HttpName`, which has a hash if another namespace had the name before.

use std::collections::BTreeMap;
use std::time::Instant;

use super::super::failure::Failure;
use super::super::source_line::SourceLine;
use super::{News, State, said};
use crate::ads::SourceStatus;

/// The namespaces whose ids were given, by name. All others are asked about by their names.
#[derive(Debug, Default)]
pub(super) struct Namespaces(BTreeMap<String, Namespace>);

#[derive(Debug)]
struct Namespace {
    id: String,
    /// Where it is asked about; `None` before that is known.
    http_name: Option<String>,
    line: SourceLine,
}

impl Namespaces {
    pub(super) fn of(ids: &BTreeMap<String, String>) -> Self {
        let namespace = |id: &String| Namespace {
            id: id.clone(),
            http_name: None,
            line: SourceLine::default(),
        };
        Self(ids.iter().map(|(name, id)| (name.clone(), namespace(id))).collect())
    }

    /// By which name Cloud Map is asked about the services of a namespace; `None` while that is not known.
    pub(super) fn asked_as<'a>(&'a self, name: &'a str) -> Option<&'a str> {
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
    pub(in super::super) fn with_namespaces(mut self, ids: &BTreeMap<String, String>) -> Self {
        self.namespaces = Namespaces::of(ids);
        self
    }

    /// Takes in by which name a namespace is asked about, or why that is not known.
    pub(in super::super) fn take_namespace(
        &mut self,
        name: &str,
        answer: Result<String, Failure>,
        now: Instant,
    ) -> Vec<News> {
        let Some(namespace) = self.namespaces.0.get_mut(name) else {
            return Vec::new();
        };
        match answer {
            Ok(http_name) => {
                let had_failed = namespace.line.has_answered(now);
                let is_other = http_name != name;
                let known = format!("namespace {name} is asked about as {http_name}");
                namespace.http_name = Some(http_name);
                let news = (had_failed || is_other).then_some(News::Good(known));
                news.into_iter().collect()
            }
            Err(failure) => {
                let is_news = namespace
                    .line
                    .has_failed(failure.to_string(), Some(failure.reason), now);
                said(is_news, &namespace.line)
            }
        }
    }

    /// How many questions about the name of a namespace have failed in a row.
    pub(in super::super) fn namespace_pace(&self, name: &str) -> u32 {
        let namespace = self.namespaces.0.get(name);
        namespace.map_or(0, |namespace| namespace.line.failures())
    }
}
