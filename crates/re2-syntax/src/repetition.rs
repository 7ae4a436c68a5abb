//! Counted repetitions and their number of copies.

use super::Node;

/// RE2's limit for counted repetitions, and for the product of nested ones.
pub(crate) const MAX_COPIES: u32 = 1000;
/// RE2 treats braces with a longer number as literal characters.
const MAX_DIGITS: usize = 9;

/// Parses `{n}`, `{n,}` or `{n,m}`: the counts and the length. `None` for a literal brace.
pub(crate) fn parse_counts(text: &[u8]) -> Option<(u32, Option<u32>, usize)> {
    let length = text.iter().position(|byte| *byte == b'}')? + 1;
    let inner = std::str::from_utf8(&text[1..length - 1]).ok()?;
    let (min, max) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((min, max, length))
}

fn number(text: &str) -> Option<u32> {
    let has_zeros = text.len() > 1 && text.starts_with('0');
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !has_zeros && text.len() <= MAX_DIGITS;
    text.parse().ok().filter(|_| is_plain)
}

/// How many more copies are allowed of the most repeated part of `node`, if `allowed` are in total. 0 if there are too many.
pub(crate) fn remaining_copies(node: &Node, allowed: u32) -> u32 {
    let minimum = |nodes: &[Node], allowed| {
        let remaining = nodes.iter().map(|node| remaining_copies(node, allowed));
        remaining.min().unwrap_or(allowed)
    };
    match node {
        Node::Empty | Node::StartAnchor | Node::Bytes(_) | Node::UnknownBytes => allowed,
        Node::Concat(nodes) | Node::Alternation(nodes) => minimum(nodes, allowed),
        Node::Capture(node) => remaining_copies(node, allowed),
        Node::Repeat(repeat) => {
            let copies = repeat.max.unwrap_or(repeat.min);
            let divisor = if repeat.is_counted { copies.max(1) } else { 1 };
            remaining_copies(&repeat.body, allowed / divisor)
        }
    }
}
