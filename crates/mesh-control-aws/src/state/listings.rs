//! Lists of the services in namespaces, with their numbers of instances: one call shows registrations and
//! deregistrations in a hundred services.
//!
//! A number that differs from the known instances is a reason to query the service. If it still differs after that, time
//! and again, the list is late or counts otherwise, and revisions are compared instead for an hour.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{LogEvent, State};
use crate::discovery::{Discovery, Service};
use crate::error::AwsError;
use crate::poll_budget::{LISTING_PAGE, backoff, listing_interval};

/// The lists, by namespace: of those with a given id.
#[derive(Debug, Default)]
pub(super) struct Listings(BTreeMap<String, Listing>);

#[derive(Debug, Default)]
struct Listing {
    counts: BTreeMap<String, usize>,
    /// The time of the last successful list.
    listed: Option<Instant>,
    failures: u32,
    error: Option<String>,
    /// Lists in a row with the wrong number for a service that was queried since the one before.
    mismatches: u32,
    /// Set if it proved wrong.
    distrusted: Option<Instant>,
}

/// Consecutive wrong lists after which revisions are compared instead, decided by us.
const MAX_MISMATCHES: u32 = 3;

/// How long, decided by us.
const DISTRUST: Duration = Duration::from_secs(3600);

/// Maximum age of a list, in intervals.
const MAX_AGE: u32 = 3;

impl Listings {
    pub(super) fn of(ids: &BTreeMap<String, String>) -> Self {
        Self(ids.keys().map(|name| (name.clone(), Listing::default())).collect())
    }

    /// The number of calls to list all namespaces.
    fn calls(&self) -> usize {
        let pages = |listing: &Listing| listing.counts.len().div_ceil(LISTING_PAGE).max(1);
        self.0.values().map(pages).sum()
    }

    /// Whether the number of instances of a service is known, and will be known within `interval`.
    pub(super) fn covers(&self, service: &Service, interval: Duration, now: Instant) -> bool {
        let Some(listing) = self.0.get(&service.namespace) else {
            return false;
        };
        let age = |at| now.saturating_duration_since(at);
        // With the default intervals, lists of up to two hundred services are as new as revisions.
        listing_interval(interval, self.calls()) <= interval
            && listing.distrusted.is_none_or(|at| age(at) >= DISTRUST)
            && listing.listed.is_some_and(|at| age(at) < interval * MAX_AGE)
            && listing.counts.contains_key(&service.service)
    }

    /// The notes for the status page.
    pub(super) fn notes(&self, now: Instant) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(move |(name, listing)| {
            let is_distrusted = |at| now.saturating_duration_since(at) < DISTRUST;
            if listing.distrusted.is_some_and(is_distrusted) {
                Some(format!(
                    "namespace {name}: numbers of instances in ListServices differ from DiscoverInstances; the revision \
                     of each service is compared instead"
                ))
            } else {
                let error = listing.error.as_ref()?;
                Some(format!("namespace {name}: the revision of each service is compared, because {error}"))
            }
        })
    }
}

impl State {
    /// The time until a namespace is listed again.
    pub(crate) fn listing_pause(&self, namespace: &str) -> Duration {
        let interval = listing_interval(self.intervals.endpoints, self.listings.calls());
        let failures = self.listings.0.get(namespace).map_or(0, |listing| listing.failures);
        backoff(interval, failures, self.intervals.longest)
    }

    /// Applies the number of instances of each service in a namespace. Returns log events; services to query are due.
    pub(crate) fn on_listing(
        &mut self,
        namespace: &str,
        response: Result<BTreeMap<String, usize>, AwsError>,
        now: Instant,
    ) -> Vec<LogEvent> {
        let Some(listing) = self.listings.0.get_mut(namespace) else {
            return Vec::new();
        };
        let counts = match response {
            Ok(counts) => counts,
            Err(failure) => {
                listing.failures = listing.failures.saturating_add(1);
                let is_news = listing.error.is_none();
                let error = failure.to_string();
                let events = is_news
                    .then(|| LogEvent::Warning(format!("{error}; the revision of each service is compared instead")));
                listing.error = Some(error);
                return events.into_iter().collect();
            }
        };
        let before = listing.listed;
        let mut is_wrong = false;
        for (service, known) in &mut self.services {
            let Some(count) = counts.get(&service.service).filter(|_| service.namespace == namespace) else {
                continue;
            };
            let is_different = match &known.found {
                Some(Discovery::NotFound) => true,
                Some(found @ Discovery::Instances(_)) => found.registered() != *count,
                Some(Discovery::Denied(_)) | None => false,
            };
            if is_different {
                known.is_wanted = true;
                // Read after the list before, and different again.
                is_wrong |= known
                    .read
                    .is_some_and(|read| before.is_some_and(|before| read > before))
                    && listing.counts.get(&service.service) == Some(count);
            }
        }
        listing.mismatches = if is_wrong { listing.mismatches + 1 } else { 0 };
        let is_news = listing.mismatches >= MAX_MISMATCHES;
        if is_news {
            listing.mismatches = 0;
            listing.distrusted = Some(now);
        }
        listing.counts = counts;
        listing.listed = Some(now);
        listing.failures = 0;
        listing.error = None;
        let event = format!(
            "namespace {namespace}: numbers of instances in ListServices differ from DiscoverInstances; the revision of \
             each service is compared instead for an hour"
        );
        is_news.then_some(LogEvent::Warning(event)).into_iter().collect()
    }
}
