//! Groups and flags.

use super::class::ByteSet;
use super::{Node, SyntaxError};

const LOOK_AROUND: [&[u8]; 4] = [b"=", b"!", b"<=", b"<!"];

const OTHERS: &str = "is not a group of RE2; allowed are (?:…), (?P<name>…), (?<name>…) and the flags i, m, s and U";

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    /// `i`: letters match both cases.
    pub(crate) folds_case: bool,
    /// `s`: the dot also matches line ends.
    pub(crate) dot_is_all: bool,
}

#[derive(Default)]
pub(crate) struct Group {
    /// The position of its start.
    pub(crate) at: usize,
    pub(crate) captures: bool,
    /// The flags before it.
    pub(crate) flags: Flags,
    /// The complete alternatives.
    pub(crate) branches: Vec<Node>,
    /// The current alternative.
    pub(crate) items: Vec<Node>,
}

impl Group {
    /// The node of a closed group.
    pub(crate) fn finished(mut self) -> Node {
        let last = Node::Concat(self.items);
        if self.branches.is_empty() {
            return last;
        }
        self.branches.push(last);
        // RE2 merges single characters into one class.
        let bytes = self.branches.iter().map(|branch| match branch {
            Node::Concat(items) => match items.as_slice() {
                [Node::Bytes(bytes)] => Some(*bytes),
                _ => None,
            },
            _ => None,
        });
        match bytes.collect::<Option<Vec<_>>>() {
            Some(bytes) => Node::Bytes(ByteSet::any_of(bytes)),
            None => Node::Alternation(self.branches),
        }
    }
}

/// The start of a group, or flags.
pub(crate) enum GroupStart {
    /// A named capture group.
    Capture,
    /// A group with these flags, without capture.
    Group(Flags),
    /// Flags for the rest of the enclosing group.
    Flags(Flags),
}

/// Parses the `(?…` at `start`; returns its end as well.
pub(crate) fn parse(text: &[u8], start: usize, flags: Flags) -> Result<(GroupStart, usize), SyntaxError> {
    let inner = &text[start + 2..];
    if let Some(sign) = LOOK_AROUND.iter().find(|sign| inner.starts_with(sign)) {
        let at = start..start + 2 + sign.len();
        return Err(SyntaxError::new(at, "is look-around, which RE2 does not support"));
    }
    let Some(named) = inner.strip_prefix(b"P<").or_else(|| inner.strip_prefix(b"<")) else {
        return parse_flags(text, start, flags);
    };
    let name = named.split(|byte| *byte == b'>').next().unwrap_or_default();
    let end = (text.len() - named.len() + name.len() + 1).min(text.len());
    if name.is_empty() || name.len() == named.len() || !name.iter().copied().all(is_name_byte) {
        let what = "starts a group without a valid name; allowed are letters, digits and _, then >";
        return Err(SyntaxError::new(start..end, what));
    }
    Ok((GroupStart::Capture, end))
}

/// Parses `(?i)`, `(?i-s:` and the like.
fn parse_flags(text: &[u8], start: usize, mut flags: Flags) -> Result<(GroupStart, usize), SyntaxError> {
    let (mut is_negated, mut names_any) = (false, false);
    let mut at = start + 2;
    loop {
        let byte = text.get(at).copied();
        at = (at + 1).min(text.len());
        match byte {
            Some(b'i') => flags.folds_case = !is_negated,
            Some(b's') => flags.dot_is_all = !is_negated,
            Some(b'm' | b'U') => {}
            Some(b'-') if !is_negated => {
                (is_negated, names_any) = (true, false);
                continue;
            }
            Some(b':') if !is_negated || names_any => return Ok((GroupStart::Group(flags), at)),
            Some(b')') if !is_negated || names_any => return Ok((GroupStart::Flags(flags), at)),
            _ => return Err(SyntaxError::new(start..at, OTHERS)),
        }
        names_any = true;
    }
}

/// RE2 reads bytes: it sees the bytes of non-ASCII letters, some of which are letters in Latin-1.
fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_digit() || char::from(byte).is_alphabetic()
}
