//! The spans of the traces that somebody watches, for as long as somebody does. All others are dropped when they come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::span::{Span, SpanId, TraceId};
use super::timeline::TraceTimeline;
use crate::request_path::{Hop, RequestPath};

/// Of one trace. A request of a walk leaves a dozen; a service that reports each of its steps is still welcome.
const MOST_SPANS: usize = 1000;

/// Envoys send spans within 50 ms and services within 100. What was lost never comes.
const PATIENCE: Duration = Duration::from_secs(2);
/// Services send theirs within 50 ms, if they send any.
const PATIENCE_FOR_APPLICATIONS: Duration = Duration::from_millis(500);

/// The spans of the traces that somebody watches. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct TraceStore(Arc<watch::Sender<BTreeMap<TraceId, Watched>>>);

#[derive(Debug, Default)]
struct Watched {
    watchers: usize,
    spans: Vec<Span>,
}

impl TraceStore {
    /// Keeps these spans, each once, as far as somebody watches their traces and has room.
    pub(super) fn take_in(&self, spans: impl IntoIterator<Item = (TraceId, Span)>) {
        self.0.send_if_modified(|traces| {
            let mut is_modified = false;
            for (trace, span) in spans {
                let Some(watched) = traces.get_mut(&trace) else {
                    continue;
                };
                // A batch that seemed lost on the way to here comes twice.
                let is_known = watched.spans.iter().any(|known| known.id == span.id);
                if !is_known && watched.spans.len() < MOST_SPANS {
                    watched.spans.push(span);
                    is_modified = true;
                }
            }
            is_modified
        });
    }

    /// Keeps the spans of a trace from now on, until what is given is dropped. `caller` is the span of whoever begins it,
    /// who reports none.
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

/// Keeps the spans of one trace. Dropping it lets them go.
#[derive(Debug)]
pub struct TraceWatch {
    store: TraceStore,
    trace: TraceId,
    caller: SpanId,
}

impl TraceWatch {
    /// The request on a time axis, once the spans of all Envoys on its way are there, and those that they are part of.
    /// Waits up to two seconds for them, and then half a second for those of applications, which may have none; shows what
    /// has come by then. Cancelling it loses nothing.
    pub async fn timeline(&self, path: &RequestPath) -> TraceTimeline {
        let mut traces = self.store.0.subscribe();
        let are_there = traces.wait_for(|traces| {
            let spans = traces.get(&self.trace).map(|watched| watched.spans.as_slice());
            spans.is_some_and(|spans| is_whole(spans, self.caller, path))
        });
        // What never comes is not shown, and what came is.
        drop(tokio::time::timeout(PATIENCE, are_there).await);
        let are_told = traces.wait_for(|traces| {
            let spans = traces.get(&self.trace).map(|watched| watched.spans.as_slice());
            spans.is_some_and(|spans| have_all_told(spans, path, is_application))
        });
        drop(tokio::time::timeout(PATIENCE_FOR_APPLICATIONS, are_told).await);
        let traces = self.store.0.borrow();
        let spans = traces.get(&self.trace).map(|watched| watched.spans.as_slice());
        TraceTimeline::of(spans.unwrap_or_default())
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

/// Whether the spans of a request are all there, as far as can be known: that which the caller's is above, those that
/// others say they are part of, and one for each time that the request came to an Envoy.
fn is_whole(spans: &[Span], caller: SpanId, path: &RequestPath) -> bool {
    let ids: BTreeSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let has_parent = |span: &Span| {
        span.parent
            .is_none_or(|parent| parent == caller || ids.contains(&parent))
    };
    spans.iter().any(|span| span.parent == Some(caller))
        && spans.iter().all(has_parent)
        && have_all_told(spans, path, |hop| !is_application(hop))
}

/// Whether there is a span for each time that the request came to one of these hops.
fn have_all_told(spans: &[Span], path: &RequestPath, are_meant: impl Fn(&Hop) -> bool) -> bool {
    let visits = |hop: &Hop| path.hops.iter().filter(|other| *other == hop).count();
    let of = |hop: &Hop| spans.iter().filter(|span| span.hop == *hop).count();
    let mut hops = path.hops.iter().filter(|hop| are_meant(hop));
    hops.all(|hop| of(hop) >= visits(hop))
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
    fn only_watched_traces_are_kept_and_only_while_they_are_watched() {
        let store = TraceStore::default();
        store.take_in([span(1, CALLER, "green/1")]);
        assert_eq!(kept(&store), 0);
        let (first, second) = (store.watch(TRACE, CALLER), store.watch(TRACE, CALLER));
        store.take_in([
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
    fn a_trace_has_an_end() {
        let store = TraceStore::default();
        let _watch = store.watch(TRACE, CALLER);
        store.take_in((1..=MOST_SPANS as u64 + 10).map(|id| span(id, CALLER, "green/1")));
        assert_eq!(kept(&store), MOST_SPANS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waterfall_waits_for_every_envoy_and_for_what_their_spans_are_part_of() {
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
                store.take_in(spans);
            }
        };
        let (timeline, ()) = tokio::join!(watch.timeline(&path), come);
        assert_eq!(timeline.text(100).lines().count(), 4);
        assert_eq!(beginning.elapsed(), later * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_is_waited_for_within_limits() {
        let store = TraceStore::default();
        let watch = store.watch(TRACE, CALLER);
        store.take_in([span(1, CALLER, "green/1")]);
        let beginning = tokio::time::Instant::now();
        let timeline = watch.timeline(&path(&["green/1", "blue/1"])).await;
        assert_eq!(timeline.text(100).lines().count(), 1);
        assert!(beginning.elapsed() >= PATIENCE && beginning.elapsed() < PATIENCE * 2);
    }
}
