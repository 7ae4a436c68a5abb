//! Counted repetitions, and how many copies they make.

use super::Node;

/// RE2's limit for counted repetitions, also for those within each other, multiplied.
pub(crate) const MOST_COPIES: u32 = 1000;
/// RE2 takes braces with a longer number for plain characters.
const LONGEST_NUMBER: usize = 9;

/// `{n}`, `{n,}` or `{n,m}` with the length of it. `None` for a brace that stands for itself.
pub(crate) fn counts(text: &[u8]) -> Option<(u32, Option<u32>, usize)> {
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
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !has_zeros && text.len() <= LONGEST_NUMBER;
    text.parse().ok().filter(|_| is_plain)
}

/// How many more copies there could be of what is repeated most within `node`, if so many are allowed. 0 if there are
/// too many.
pub(crate) fn room_for_copies(node: &Node, allowed: u32) -> u32 {
    let of_all = |nodes: &[Node], allowed| {
        let rooms = nodes.iter().map(|node| room_for_copies(node, allowed));
        rooms.min().unwrap_or(allowed)
    };
    match node {
        Node::Nothing | Node::Beginning | Node::Bytes(_) | Node::SomeBytes => allowed,
        Node::Sequence(nodes) | Node::Choice(nodes) => of_all(nodes, allowed),
        Node::Capture(node) => room_for_copies(node, allowed),
        Node::Repeat(repeat) => {
            let copies = repeat.max.unwrap_or(repeat.min);
            let divisor = if repeat.is_counted { copies.max(1) } else { 1 };
            room_for_copies(&repeat.body, allowed / divisor)
        }
    }
}
