//! Parser of RE2 syntax.

use super::class::{self, ByteSet};
use super::group::{self, Flags, Group, GroupStart};
use super::repetition::{self, MAX_COPIES};
use super::{Node, Repeat, SyntaxError, escape};

pub(crate) fn parse(text: &[u8]) -> Result<Node, SyntaxError> {
    let mut parser = Parser {
        text,
        at: 0,
        flags: Flags::default(),
        groups: vec![Group::default()],
        last_repetition: None,
    };
    while let Some(byte) = parser.peek() {
        let last_repetition = parser.last_repetition.take();
        parser.token(byte, last_repetition)?;
    }
    parser.finish()
}

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
    flags: Flags,
    /// The open groups; the first is the whole expression.
    groups: Vec<Group>,
    /// The start of the repetition operator that was just parsed.
    last_repetition: Option<usize>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn token(&mut self, byte: u8, last_repetition: Option<usize>) -> Result<(), SyntaxError> {
        let start = self.at;
        match byte {
            b'(' if self.rest().starts_with(b"(?") => return self.perl_group(),
            b'(' => self.open(start, true),
            b')' => return self.close(),
            b'|' => {
                let group = self.group();
                let items = std::mem::take(&mut group.items);
                group.branches.push(Node::Concat(items));
            }
            b'^' => self.push(Node::StartAnchor),
            b'$' => self.push(Node::Empty),
            b'.' => {
                self.push(Node::Bytes(if self.flags.dot_is_all {
                    ByteSet::all()
                } else {
                    ByteSet::one(b'\n').negated()
                }));
            }
            b'[' => {
                let (bytes, end) = class::brackets(self.text, start)?;
                self.at = end;
                self.push_bytes(bytes);
                return Ok(());
            }
            b'*' => return self.repetition(0, None, 1, last_repetition),
            b'+' => return self.repetition(1, None, 1, last_repetition),
            b'?' => return self.repetition(0, Some(1), 1, last_repetition),
            b'{' => match repetition::parse_counts(self.rest()) {
                Some((min, max, length)) => return self.repetition(min, max, length, last_repetition),
                None => self.push_bytes(Some(ByteSet::one(byte))),
            },
            b'\\' => return self.backslash(),
            _ => self.push_bytes(Some(ByteSet::one(byte))),
        }
        self.at += 1;
        Ok(())
    }

    fn group(&mut self) -> &mut Group {
        // The whole expression is a group that is never closed.
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn push(&mut self, node: Node) {
        self.group().items.push(node);
    }

    fn push_bytes(&mut self, bytes: Option<ByteSet>) {
        let folds_case = self.flags.folds_case;
        self.push(match bytes {
            Some(bytes) if folds_case => Node::Bytes(bytes.folded()),
            Some(bytes) => Node::Bytes(bytes),
            None => Node::UnknownBytes,
        });
    }

    fn open(&mut self, at: usize, captures: bool) {
        let flags = self.flags;
        self.groups.push(Group {
            at,
            captures,
            flags,
            ..Group::default()
        });
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let at = self.at..self.at + 1;
        match self.groups.pop() {
            Some(group) if !self.groups.is_empty() => {
                self.flags = group.flags;
                self.at += 1;
                let captures = group.captures;
                let node = group.finished();
                self.push(if captures { Node::Capture(Box::new(node)) } else { node });
                Ok(())
            }
            _ => Err(SyntaxError::new(at, "closes no group; write \\) for a parenthesis")),
        }
    }

    fn finish(mut self) -> Result<Node, SyntaxError> {
        match self.groups.pop() {
            Some(whole) if self.groups.is_empty() => Ok(whole.finished()),
            open => {
                let at = open.map_or(0, |group| group.at);
                Err(SyntaxError::new(
                    at..self.text.len(),
                    "starts a group that is not closed",
                ))
            }
        }
    }

    /// Parses an operator of this length, and the `?` that may follow it.
    fn repetition(
        &mut self,
        min: u32,
        max: Option<u32>,
        length: usize,
        last_repetition: Option<usize>,
    ) -> Result<(), SyntaxError> {
        let start = self.at;
        let is_counted = self.peek() == Some(b'{');
        self.at += length;
        if self.peek() == Some(b'?') {
            self.at += 1;
        }
        let operator = start..self.at;
        if let Some(last) = last_repetition {
            let what = "repeats a repetition; put the inner one in a group";
            return Err(SyntaxError::new(last..self.at, what));
        }
        if max.is_some_and(|max| max < min) || min.max(max.unwrap_or(0)) > MAX_COPIES {
            let what = format!("is not a valid count; allowed are 0 to {MAX_COPIES}, the smaller number first");
            return Err(SyntaxError::new(operator, what));
        }
        let Some(body) = self.group().items.pop() else {
            return Err(SyntaxError::new(operator, "has nothing before it to repeat"));
        };
        let node = Node::Repeat(Repeat {
            body: Box::new(body),
            min,
            max,
            is_counted,
        });
        if is_counted
            && (min >= 2 || max.is_some_and(|max| max >= 2))
            && repetition::remaining_copies(&node, MAX_COPIES) == 0
        {
            let what = format!("and the repetitions in it make more than {MAX_COPIES} copies");
            return Err(SyntaxError::new(operator, what));
        }
        self.push(node);
        self.last_repetition = Some(start);
        Ok(())
    }

    /// Parses `(?…`.
    fn perl_group(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let (start_of_group, end) = group::parse(self.text, start, self.flags)?;
        match start_of_group {
            GroupStart::Capture => self.open(start, true),
            GroupStart::Group(flags) => {
                self.open(start, false);
                self.flags = flags;
            }
            GroupStart::Flags(flags) => self.flags = flags,
        }
        self.at = end;
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let node = match self.text.get(start + 1) {
            Some(b'b' | b'B' | b'z') => Node::Empty,
            Some(b'A') => Node::StartAnchor,
            Some(b'C') => Node::Bytes(ByteSet::all()),
            Some(b'Q') => {
                self.quoted();
                return Ok(());
            }
            _ => {
                if let Some((bytes, end)) = class::escaped(self.text, start)? {
                    self.at = end;
                    self.push_bytes(bytes);
                } else {
                    let (byte, end) = escape::parse(self.text, start)?;
                    self.at = end;
                    self.push_bytes(Some(ByteSet::one(byte)));
                }
                return Ok(());
            }
        };
        self.at += 2;
        self.push(node);
        Ok(())
    }

    /// Parses `\Q…\E`, or `\Q…` to the end: literal text.
    fn quoted(&mut self) {
        self.at += 2;
        while let Some(byte) = self.peek() {
            if self.rest().starts_with(br"\E") {
                self.at += 2;
                return;
            }
            self.push_bytes(Some(ByteSet::one(byte)));
            self.at += 1;
        }
    }
}
