//! Which span is part of which. Pure, and total: whatever the spans say, each is there once.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::span::{Span, SpanId};

/// A span, and of how many others it is part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Branch<'s> {
    pub(super) span: &'s Span,
    pub(super) depth: usize,
}

/// The spans of one trace, each followed by its parts in the order in which they began.
///
/// A span whose parent is not there is taken for a part of the shortest one that began before it and ended after it: an
/// application that reports to nobody, or to somebody else, leaves such gaps. All are on one machine, with one clock.
pub(super) fn branches(spans: &[Span]) -> Vec<Branch<'_>> {
    let mut in_order: Vec<usize> = (0..spans.len()).collect();
    in_order.sort_by_key(|index| beginning(spans, *index));
    let mut parts: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    let by_id = by_id(spans);
    for index in &in_order {
        parts.entry(whole(spans, &by_id, *index)).or_default().push(*index);
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
    // Spans that are part of each other in a circle: it is cut where it begins.
    for index in in_order {
        if !is_drawn[index] {
            draw(index, &mut is_drawn);
        }
    }
    branches
}

/// Who comes first. What begins at the same time and lasts longer is the whole of the other.
fn beginning(spans: &[Span], index: usize) -> (u64, Reverse<u64>, usize) {
    let span = &spans[index];
    (span.start, Reverse(span.end), index)
}

/// Of several with the same id, the first to begin.
fn by_id(spans: &[Span]) -> BTreeMap<SpanId, usize> {
    let mut by_id: BTreeMap<SpanId, usize> = BTreeMap::new();
    for index in 0..spans.len() {
        let known = by_id.entry(spans[index].id).or_insert(index);
        if beginning(spans, index) < beginning(spans, *known) {
            *known = index;
        }
    }
    by_id
}

/// What a span is part of.
fn whole(spans: &[Span], by_id: &BTreeMap<SpanId, usize>, index: usize) -> Option<usize> {
    let span = &spans[index];
    let parent = span.parent?;
    if let Some(known) = by_id.get(&parent) {
        return (*known != index).then_some(*known);
    }
    let encloses = |other: &usize| beginning(spans, *other) < beginning(spans, index) && spans[*other].end >= span.end;
    // The last to begin of those that enclose it is the shortest where they enclose each other, too.
    let others = (0..spans.len()).filter(encloses);
    others.max_by_key(|other| beginning(spans, *other))
}
