//! How large a program RE2 makes of an expression, at least.
//!
//! It writes one instruction for each range of bytes, again for each copy of what is repeated, and one more for each
//! copy that may be left out (measured with Envoy 1.40.0 on 2026-11-23). Of what it may simplify, the smallest outcome
//! is counted here.

use super::class::Bytes;
use super::{Node, Repeat};

/// Instructions that every program has.
const FRAME: u64 = 2;
/// Instructions that look for where a match begins, unless it is the beginning of the text.
const SEARCH: u64 = 2;

pub(crate) fn at_least(tree: &Node) -> u64 {
    if may_never_match(tree) {
        // Of what never matches, no program remains.
        return 0;
    }
    let search = if may_be_anchored(tree) { 0 } else { SEARCH };
    FRAME + search + size(after_literal_prefix(tree))
}

/// What comes after `^` and the plain text behind it, which RE2 may compare without a program. Whatever else is in
/// front, the whole.
fn after_literal_prefix(tree: &Node) -> &[Node] {
    let items = match tree {
        Node::Sequence(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    let Some((Node::Beginning, rest)) = items.split_first() else {
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
        let Some(Run { bytes, .. }) = run(first) else {
            total += of_one(first);
            rest = others;
            continue;
        };
        // Neighbours that repeat the same become one, and without a limit what may be left out goes with it.
        let runs = rest
            .iter()
            .map_while(|node| run(node).filter(|other| other.bytes == bytes));
        let runs: Vec<Run> = runs.collect();
        let (same, others) = rest.split_at(runs.len());
        total += if runs.iter().any(|run| run.is_endless) {
            let copies: u64 = runs.iter().map(|run| run.least).sum();
            copies.max(1) * instructions(bytes)
        } else {
            same.iter().map(|node| of_one(node)).sum()
        };
        rest = others;
    }
    total
}

/// What is in a sequence, without what makes no instructions.
fn flatten<'n>(items: &'n [Node], flat: &mut Vec<&'n Node>) {
    for item in items {
        match item {
            Node::Sequence(items) => flatten(items, flat),
            Node::Nothing | Node::Beginning | Node::SomeBytes | Node::Repeat(Repeat { max: Some(0), .. }) => {}
            other => flat.push(other),
        }
    }
}

fn of_one(node: &Node) -> u64 {
    match node {
        Node::Nothing | Node::Beginning | Node::SomeBytes => 0,
        Node::Bytes(bytes) => instructions(*bytes),
        Node::Sequence(items) => size(items),
        // Alternatives may share what they begin with.
        Node::Choice(branches) => branches.iter().map(of_one).max().unwrap_or(0),
        Node::Capture(node) => match of_one(node) {
            // A group of nothing is not repeated.
            0 => 0,
            size => 2 + size,
        },
        Node::Repeat(Repeat { body, min, max, .. }) => {
            let body_size = of_one(body);
            let (min, most) = (u64::from(*min), max.map(u64::from));
            // What may match nothing need not be left out, and what is repeated anyway takes that over.
            let is_repeated = matches!(single(body), Node::Repeat(_));
            let skip = u64::from(body_size > 0 && !is_repeated && !may_be_empty(body));
            match most {
                None => min.max(1) * body_size,
                Some(most) => min * body_size + most.saturating_sub(min) * (body_size + skip),
            }
        }
    }
}

/// One class, so many times.
struct Run {
    bytes: Bytes,
    least: u64,
    is_endless: bool,
}

/// `None` for what is no class, and no repetition of one.
fn run(node: &Node) -> Option<Run> {
    match single(node) {
        Node::Bytes(bytes) => Some(Run {
            bytes: *bytes,
            least: 1,
            is_endless: false,
        }),
        Node::Repeat(repeat) if repeat.max != Some(0) => run(&repeat.body).map(|inner| Run {
            least: inner.least * u64::from(repeat.min),
            is_endless: inner.is_endless || repeat.max.is_none(),
            ..inner
        }),
        _ => None,
    }
}

/// The only node of a sequence of one.
fn single(node: &Node) -> &Node {
    match node {
        Node::Sequence(items) => match items.as_slice() {
            [only] => single(only),
            _ => node,
        },
        other => other,
    }
}

/// One for each range. If all letters are there in both cases, those in upper case go with the others.
fn instructions(bytes: Bytes) -> u64 {
    let folds = (b'a'..=b'z').all(|letter| bytes.has(letter) == bytes.has(letter.to_ascii_uppercase()));
    let ranges = bytes.ranges();
    let is_upper = |(low, high): &&(u8, u8)| low.is_ascii_uppercase() && high.is_ascii_uppercase();
    let spared = if folds {
        ranges.iter().filter(is_upper).count()
    } else {
        0
    };
    (ranges.len() - spared) as u64
}

fn may_be_empty(node: &Node) -> bool {
    match node {
        Node::Nothing | Node::Beginning => true,
        Node::Bytes(_) | Node::SomeBytes => false,
        Node::Sequence(items) => items.iter().all(may_be_empty),
        Node::Choice(branches) => branches.iter().any(may_be_empty),
        Node::Capture(node) => may_be_empty(node),
        Node::Repeat(repeat) => repeat.min == 0 || may_be_empty(&repeat.body),
    }
}

/// True if there is a `^` anywhere.
fn may_be_anchored(node: &Node) -> bool {
    match node {
        Node::Beginning => true,
        Node::Nothing | Node::Bytes(_) | Node::SomeBytes => false,
        Node::Sequence(nodes) | Node::Choice(nodes) => nodes.iter().any(may_be_anchored),
        Node::Capture(node) => may_be_anchored(node),
        Node::Repeat(repeat) => may_be_anchored(&repeat.body),
    }
}

/// True if there is a class somewhere that may have nothing in it, as most Unicode groups have no byte.
fn may_never_match(node: &Node) -> bool {
    match node {
        Node::Bytes(bytes) => bytes.is_empty(),
        Node::SomeBytes => true,
        Node::Nothing | Node::Beginning => false,
        Node::Sequence(nodes) | Node::Choice(nodes) => nodes.iter().any(may_never_match),
        Node::Capture(node) => may_never_match(node),
        Node::Repeat(repeat) => may_never_match(&repeat.body),
    }
}
