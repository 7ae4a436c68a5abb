//! Orders spans as a tree. Pure and total: every span is included exactly once, whatever its ids.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::span::{Span, SpanId};

/// A span and its depth in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Branch<'s> {
    pub(super) span: &'s Span,
    pub(super) depth: usize,
}

/// The spans of one trace in depth-first order, siblings by start time.
///
/// A span without its parent becomes a child of the shortest span that encloses it in time: applications without an
/// exporter, or with another one, leave such gaps. All spans are from one machine with one clock.
pub(super) fn branches(spans: &[Span]) -> Vec<Branch<'_>> {
    let mut in_order: Vec<usize> = (0..spans.len()).collect();
    in_order.sort_by_key(|index| beginning(spans, *index));
    let mut parts: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    let by_id = index_by_id(spans);
    for index in &in_order {
        parts.entry(parent_of(spans, &by_id, *index)).or_default().push(*index);
    }
    let mut is_drawn = vec![false; spans.len()];
    let mut branches = Vec::new();
    let mut draw = |first: usize, is_drawn: &mut Vec<bool>| {
        let mut ahead = vec![(first, 0)];
        while let Some((index, depth)) = ahead.pop() {
            if std::mem::replace(&mut is_drawn[index], true) {
                continue;
            }
            branches.push(Branch {
                span: &spans[index],
                depth,
            });
            let parts = parts.get(&Some(index)).map_or(&[][..], Vec::as_slice);
            ahead.extend(parts.iter().rev().map(|part| (*part, depth + 1)));
        }
    };
    for first in parts.get(&None).into_iter().flatten() {
        draw(*first, &mut is_drawn);
    }
    // Spans in a cycle: it is cut at its first span.
    for index in in_order {
        if !is_drawn[index] {
            draw(index, &mut is_drawn);
        }
    }
    branches
}

/// Sort key. Of spans with the same start, the longer one comes first and is the parent.
fn beginning(spans: &[Span], index: usize) -> (u64, Reverse<u64>, usize) {
    let span = &spans[index];
    (span.start, Reverse(span.end), index)
}

/// Of several spans with the same id, the first.
fn index_by_id(spans: &[Span]) -> BTreeMap<SpanId, usize> {
    let mut by_id: BTreeMap<SpanId, usize> = BTreeMap::new();
    for index in 0..spans.len() {
        let known = by_id.entry(spans[index].id).or_insert(index);
        if beginning(spans, index) < beginning(spans, *known) {
            *known = index;
        }
    }
    by_id
}

/// The index of a span's parent.
fn parent_of(spans: &[Span], by_id: &BTreeMap<SpanId, usize>, index: usize) -> Option<usize> {
    let span = &spans[index];
    let parent = span.parent?;
    if let Some(known) = by_id.get(&parent) {
        return (*known != index).then_some(*known);
    }
    let encloses = |other: &usize| beginning(spans, *other) < beginning(spans, index) && spans[*other].end >= span.end;
    // The latest of the enclosing spans is the shortest if they are nested.
    let others = (0..spans.len()).filter(encloses);
    others.max_by_key(|other| beginning(spans, *other))
}
