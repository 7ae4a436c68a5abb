//! The spans of watched traces. All others are dropped on arrival.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::span::{Span, SpanId, TraceId};
use super::timeline::TraceTimeline;
use crate::request_path::{Hop, RequestPath};

/// Limit per trace. A smoke test request has about a dozen spans; detailed services are supported too.
const MAX_SPANS: usize = 1000;

/// Timeout for spans of Envoys, which send within 50 ms. Lost spans never arrive.
const ENVOY_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout for spans of applications, which send within 50 ms, if at all.
const APPLICATION_TIMEOUT: Duration = Duration::from_millis(500);

/// The spans of watched traces. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct TraceStore(Arc<watch::Sender<BTreeMap<TraceId, Watched>>>);

#[derive(Debug, Default)]
struct Watched {
    watchers: usize,
    spans: Vec<Span>,
}

impl TraceStore {
    /// Adds the spans of watched traces, without duplicates and up to the limit.
    pub(super) fn add(&self, spans: impl IntoIterator<Item = (TraceId, Span)>) {
        self.0.send_if_modified(|traces| {
            let mut is_modified = false;
            for (trace, span) in spans {
                let Some(watched) = traces.get_mut(&trace) else {
                    continue;
                };
                // Exporters retry batches without a response.
                let is_known = watched.spans.iter().any(|known| known.id == span.id);
                if !is_known && watched.spans.len() < MAX_SPANS {
                    watched.spans.push(span);
                    is_modified = true;
                }
            }
            is_modified
        });
    }

    /// Keeps the spans of a trace until the watch is dropped. `caller` is the span id of the client, which reports no
    /// span.
    pub(super) fn watch(&self, trace: TraceId, caller: SpanId) -> TraceWatch {
        self.0.send_if_modified(|traces| {
            traces.entry(trace).or_default().watchers += 1;
            false
        });
        TraceWatch {
            store: self.clone(),
            trace,
            caller,
        }
    }
}

/// Keeps the spans of one trace until dropped.
#[derive(Debug)]
pub struct TraceWatch {
    store: TraceStore,
    trace: TraceId,
    caller: SpanId,
}

impl TraceWatch {
    /// The timeline of the request. Waits up to two seconds for the spans of all Envoys on its path and their parents,
    /// and then half a second for those of applications, which may have none; shows what has arrived by then.
    /// Cancelling this loses nothing.
    pub async fn timeline(&self, path: &RequestPath) -> TraceTimeline {
        let mut traces = self.store.0.subscribe();
        let complete = traces.wait_for(|traces| {
            let spans = traces.get(&self.trace).map(|watched| watched.spans.as_slice());
            spans.is_some_and(|spans| is_complete(spans, self.caller, path))
        });
        // On timeout, the available spans are shown.
        drop(tokio::time::timeout(ENVOY_TIMEOUT, complete).await);
        let applications = traces.wait_for(|traces| {
            let spans = traces.get(&self.trace).map(|watched| watched.spans.as_slice());
            spans.is_some_and(|spans| have_spans(spans, path, is_application))
        });
        drop(tokio::time::timeout(APPLICATION_TIMEOUT, applications).await);
        let traces = self.store.0.borrow();
        let spans = traces.get(&self.trace).map(|watched| watched.spans.as_slice());
        TraceTimeline::new(spans.unwrap_or_default())
    }
}

impl Drop for TraceWatch {
    fn drop(&mut self) {
        self.store.0.send_if_modified(|traces| {
            if let Some(watched) = traces.get_mut(&self.trace) {
                watched.watchers -= 1;
                if watched.watchers == 0 {
                    traces.remove(&self.trace);
                }
            }
            false
        });
    }
}

/// Whether all expected spans of a request have arrived: the child of the client's span, all parents, and one span for
/// each visit of an Envoy.
fn is_complete(spans: &[Span], caller: SpanId, path: &RequestPath) -> bool {
    let ids: BTreeSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let has_parent = |span: &Span| {
        span.parent
            .is_none_or(|parent| parent == caller || ids.contains(&parent))
    };
    spans.iter().any(|span| span.parent == Some(caller))
        && spans.iter().all(has_parent)
        && have_spans(spans, path, |hop| !is_application(hop))
}

/// Whether the selected hops have a span for each visit.
fn have_spans(spans: &[Span], path: &RequestPath, is_selected: impl Fn(&Hop) -> bool) -> bool {
    let visits = |hop: &Hop| path.hops.iter().filter(|other| *other == hop).count();
    let count = |hop: &Hop| spans.iter().filter(|span| span.hop == *hop).count();
    let mut hops = path.hops.iter().filter(|hop| is_selected(hop));
    hops.all(|hop| count(hop) >= visits(hop))
}

fn is_application(hop: &Hop) -> bool {
    matches!(hop, Hop::Application(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: TraceId = 5;
    const CALLER: SpanId = 9;

    fn span(id: SpanId, parent: SpanId, task: &str) -> (TraceId, Span) {
        let span = Span {
            id,
            parent: Some(parent),
            hop: Hop::Envoy(task.to_owned()),
            what: "GET /".to_owned(),
            start: id,
            end: 100,
        };
        (TRACE, span)
    }

    fn kept(store: &TraceStore) -> usize {
        store.0.borrow().values().map(|watched| watched.spans.len()).sum()
    }

    fn path(tasks: &[&str]) -> RequestPath {
        let envoys = tasks.iter().map(|task| Hop::Envoy((*task).to_owned()));
        RequestPath {
            hops: envoys.collect(),
            complete: true,
        }
    }

    #[test]
    fn only_watched_traces_are_kept_while_they_are_watched() {
        let store = TraceStore::default();
        store.add([span(1, CALLER, "green/1")]);
        assert_eq!(kept(&store), 0);
        let (first, second) = (store.watch(TRACE, CALLER), store.watch(TRACE, CALLER));
        store.add([
            span(1, CALLER, "green/1"),
            span(1, CALLER, "green/1"),
            (6, span(2, 1, "blue/1").1),
        ]);
        assert_eq!(kept(&store), 1);
        drop(first);
        assert_eq!(kept(&store), 1);
        drop(second);
        assert!(store.0.borrow().is_empty());
    }

    #[test]
    fn spans_per_trace_are_limited() {
        let store = TraceStore::default();
        let _watch = store.watch(TRACE, CALLER);
        store.add((1..=MAX_SPANS as u64 + 10).map(|id| span(id, CALLER, "green/1")));
        assert_eq!(kept(&store), MAX_SPANS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeline_waits_for_every_envoy_and_all_parents() {
        let store = TraceStore::default();
        let watch = store.watch(TRACE, CALLER);
        let path = path(&["green/1", "green/1", "blue/1"]);
        let beginning = tokio::time::Instant::now();
        let later = Duration::from_millis(100);
        let come = async {
            for spans in [
                vec![span(4, 3, "blue/1"), span(2, 1, "green/1")],
                vec![span(1, CALLER, "green/1")],
                vec![span(3, 2, "green/1")],
            ] {
                tokio::time::sleep(later).await;
                store.add(spans);
            }
        };
        let (timeline, ()) = tokio::join!(watch.timeline(&path), come);
        assert_eq!(timeline.text(100).lines().count(), 4);
        assert_eq!(beginning.elapsed(), later * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_missing_spans_is_limited() {
        let store = TraceStore::default();
        let watch = store.watch(TRACE, CALLER);
        store.add([span(1, CALLER, "green/1")]);
        let beginning = tokio::time::Instant::now();
        let timeline = watch.timeline(&path(&["green/1", "blue/1"])).await;
        assert_eq!(timeline.text(100).lines().count(), 1);
        assert!(beginning.elapsed() >= ENVOY_TIMEOUT && beginning.elapsed() < ENVOY_TIMEOUT * 2);
    }
}
