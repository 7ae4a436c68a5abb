//! Lower bound of the size of RE2's program.
//!
//! RE2 generates one instruction for each range of bytes, again for each copy of a repetition, and one more for each optional
//! copy (measured with Envoy 1.40.0 on 2026-11-23). Where RE2 may simplify, the smallest result is counted.

use super::class::ByteSet;
use super::{Node, Repeat};

/// Instructions of every program.
const FRAME: u64 = 2;
/// Instructions for an unanchored search.
const SEARCH: u64 = 2;

pub(crate) fn lower_bound(tree: &Node) -> u64 {
    if may_never_match(tree) {
        // RE2 removes expressions that never match.
        return 0;
    }
    let search = if may_be_anchored(tree) { 0 } else { SEARCH };
    FRAME + search + size(after_literal_prefix(tree))
}

/// The part after `^` and literal text, which RE2 may compare without a program. Without such a prefix, the whole.
fn after_literal_prefix(tree: &Node) -> &[Node] {
    let items = match tree {
        Node::Concat(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    let Some((Node::StartAnchor, rest)) = items.split_first() else {
        return items;
    };
    let literal = rest.iter().take_while(|node| matches!(node, Node::Bytes(_))).count();
    &rest[literal..]
}

fn size(items: &[Node]) -> u64 {
    let mut flat = Vec::new();
    flatten(items, &mut flat);
    let mut total = 0;
    let mut rest = flat.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let Some(Run { bytes, .. }) = class_run(first) else {
            total += node_size(first);
            rest = others;
            continue;
        };
        // RE2 merges adjacent repetitions of the same class; one without a limit also absorbs optional ones.
        let runs = rest
            .iter()
            .map_while(|node| class_run(node).filter(|other| other.bytes == bytes));
        let runs: Vec<Run> = runs.collect();
        let (same, others) = rest.split_at(runs.len());
        total += if runs.iter().any(|run| run.is_unbounded) {
            let copies: u64 = runs.iter().map(|run| run.min).sum();
            copies.max(1) * instructions(bytes)
        } else {
            same.iter().map(|node| node_size(node)).sum()
        };
        rest = others;
    }
    total
}

/// The items of a concatenation, without those that generate no instructions.
fn flatten<'n>(items: &'n [Node], flat: &mut Vec<&'n Node>) {
    for item in items {
        match item {
            Node::Concat(items) => flatten(items, flat),
            Node::Empty | Node::StartAnchor | Node::UnknownBytes | Node::Repeat(Repeat { max: Some(0), .. }) => {}
            other => flat.push(other),
        }
    }
}

fn node_size(node: &Node) -> u64 {
    match node {
        Node::Empty | Node::StartAnchor | Node::UnknownBytes => 0,
        Node::Bytes(bytes) => instructions(*bytes),
        Node::Concat(items) => size(items),
        // Alternatives may share a prefix.
        Node::Alternation(branches) => branches.iter().map(node_size).max().unwrap_or(0),
        Node::Capture(node) => match node_size(node) {
            // RE2 removes an empty group.
            0 => 0,
            size => 2 + size,
        },
        Node::Repeat(Repeat { body, min, max, .. }) => {
            let body_size = node_size(body);
            let (min, max) = (u64::from(*min), max.map(u64::from));
            // No extra instruction for a body that may be empty or is itself a repetition.
            let is_repeated = matches!(single(body), Node::Repeat(_));
            let skip = u64::from(body_size > 0 && !is_repeated && !may_be_empty(body));
            match max {
                None => min.max(1) * body_size,
                Some(max) => min * body_size + max.saturating_sub(min) * (body_size + skip),
            }
        }
    }
}

/// A repeated class.
struct Run {
    bytes: ByteSet,
    min: u64,
    is_unbounded: bool,
}

/// `None` unless `node` is a class or a repetition of one.
fn class_run(node: &Node) -> Option<Run> {
    match single(node) {
        Node::Bytes(bytes) => Some(Run {
            bytes: *bytes,
            min: 1,
            is_unbounded: false,
        }),
        Node::Repeat(repeat) if repeat.max != Some(0) => class_run(&repeat.body).map(|inner| Run {
            min: inner.min * u64::from(repeat.min),
            is_unbounded: inner.is_unbounded || repeat.max.is_none(),
            ..inner
        }),
        _ => None,
    }
}

/// The only item of a concatenation, or the node itself.
fn single(node: &Node) -> &Node {
    match node {
        Node::Concat(items) => match items.as_slice() {
            [only] => single(only),
            _ => node,
        },
        other => other,
    }
}

/// One instruction for each range. If all letters are in both cases, RE2 omits the upper-case ranges.
fn instructions(bytes: ByteSet) -> u64 {
    let folds = (b'a'..=b'z').all(|letter| bytes.has(letter) == bytes.has(letter.to_ascii_uppercase()));
    let ranges = bytes.ranges();
    let is_upper = |(low, high): &&(u8, u8)| low.is_ascii_uppercase() && high.is_ascii_uppercase();
    let omitted = if folds {
        ranges.iter().filter(is_upper).count()
    } else {
        0
    };
    (ranges.len() - omitted) as u64
}

fn may_be_empty(node: &Node) -> bool {
    match node {
        Node::Empty | Node::StartAnchor => true,
        Node::Bytes(_) | Node::UnknownBytes => false,
        Node::Concat(items) => items.iter().all(may_be_empty),
        Node::Alternation(branches) => branches.iter().any(may_be_empty),
        Node::Capture(node) => may_be_empty(node),
        Node::Repeat(repeat) => repeat.min == 0 || may_be_empty(&repeat.body),
    }
}

/// True if the expression contains `^`.
fn may_be_anchored(node: &Node) -> bool {
    match node {
        Node::StartAnchor => true,
        Node::Empty | Node::Bytes(_) | Node::UnknownBytes => false,
        Node::Concat(nodes) | Node::Alternation(nodes) => nodes.iter().any(may_be_anchored),
        Node::Capture(node) => may_be_anchored(node),
        Node::Repeat(repeat) => may_be_anchored(&repeat.body),
    }
}

/// True if the expression contains a class that may be empty; most Unicode groups have no byte.
fn may_never_match(node: &Node) -> bool {
    match node {
        Node::Bytes(bytes) => bytes.is_empty(),
        Node::UnknownBytes => true,
        Node::Empty | Node::StartAnchor => false,
        Node::Concat(nodes) | Node::Alternation(nodes) => nodes.iter().any(may_never_match),
        Node::Capture(node) => may_never_match(node),
        Node::Repeat(repeat) => may_never_match(&repeat.body),
    }
}
