//! Groups: how they begin, and what holds in them.

use super::class::Bytes;
use super::{Mistake, Node};

const LOOK_AROUND: [&[u8]; 4] = [b"=", b"!", b"<=", b"<!"];

const OTHERS: &str = "begins no group that RE2 has; it has (?:…), (?P<name>…), (?<name>…) and the flags i, m, s and U";

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    /// `i`: letters stand for both cases.
    pub(crate) folds_case: bool,
    /// `s`: the dot stands for line ends, too.
    pub(crate) dot_is_all: bool,
}

#[derive(Default)]
pub(crate) struct Group {
    /// Where it begins.
    pub(crate) at: usize,
    pub(crate) captures: bool,
    /// What held before it.
    pub(crate) flags: Flags,
    /// The alternatives that are complete.
    pub(crate) branches: Vec<Node>,
    /// The alternative that is being read.
    pub(crate) items: Vec<Node>,
}

impl Group {
    /// What it says, once it is closed.
    pub(crate) fn finished(mut self) -> Node {
        let last = Node::Sequence(self.items);
        if self.branches.is_empty() {
            return last;
        }
        self.branches.push(last);
        // RE2 makes one class of single characters.
        let bytes = self.branches.iter().map(|branch| match branch {
            Node::Sequence(items) => match items.as_slice() {
                [Node::Bytes(bytes)] => Some(*bytes),
                _ => None,
            },
            _ => None,
        });
        match bytes.collect::<Option<Vec<_>>>() {
            Some(bytes) => Node::Bytes(Bytes::any_of(bytes)),
            None => Node::Choice(self.branches),
        }
    }
}

/// What begins with `(?`.
pub(crate) enum Beginning {
    /// A group with a name.
    Capture,
    /// A group with these flags.
    Group(Flags),
    /// No group: the flags that hold from here on.
    Nothing(Flags),
}

/// Reads the `(?…` at `start`, and tells where it ends.
pub(crate) fn read(text: &[u8], start: usize, flags: Flags) -> Result<(Beginning, usize), Mistake> {
    let inner = &text[start + 2..];
    if let Some(sign) = LOOK_AROUND.iter().find(|sign| inner.starts_with(sign)) {
        let at = start..start + 2 + sign.len();
        return Err(Mistake::new(at, "is look-around, which RE2 does not have"));
    }
    let Some(named) = inner.strip_prefix(b"P<").or_else(|| inner.strip_prefix(b"<")) else {
        return read_flags(text, start, flags);
    };
    let name = named.split(|byte| *byte == b'>').next().unwrap_or_default();
    let end = (text.len() - named.len() + name.len() + 1).min(text.len());
    if name.is_empty() || name.len() == named.len() || !name.iter().copied().all(is_of_name) {
        let what = "begins a group without a sound name; allowed are letters, digits and _, then >";
        return Err(Mistake::new(start..end, what));
    }
    Ok((Beginning::Capture, end))
}

/// Reads `(?i)`, `(?i-s:` and the like.
fn read_flags(text: &[u8], start: usize, mut flags: Flags) -> Result<(Beginning, usize), Mistake> {
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
            Some(b':') if !is_negated || names_any => return Ok((Beginning::Group(flags), at)),
            Some(b')') if !is_negated || names_any => return Ok((Beginning::Nothing(flags), at)),
            _ => return Err(Mistake::new(start..at, OTHERS)),
        }
        names_any = true;
    }
}

/// RE2 reads bytes, so of the letters beyond ASCII it sees halves, some of which are letters.
fn is_of_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_digit() || char::from(byte).is_alphabetic()
}
