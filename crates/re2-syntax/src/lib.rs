//! Validates regular expressions against RE2's syntax and program size.
//!
//! Envoy compiles regular expressions with RE2, and rejects a whole route configuration for an invalid one. This crate follows
//! RE2's parser: no other crate has its syntax, and similar ones differ in what they accept (`a**`, `[[a]]`, `[a--b]`, `\<`,
//! `\Q…\E`, `a{,5}`).
//!
//! - `parser`: the syntax, with `group` for `(?…` and `repetition` for braces;
//! - `class`: bracket expressions, and `\p`;
//! - `escape`: characters written as `\…`;
//! - `size`: the estimated size of the program.
//!
//! Precision:
//!
//! | | |
//! |---|---|
//! | syntax | as RE2 in Envoy 1.40.0, expression by expression (measured 2026-11-23; a test compares both on a table) |
//! | characters beyond ASCII | Envoy 1.40 reads expressions byte by byte: `é` is two characters, `\x{100}` is invalid |
//! | `\p{…}` | the general categories and the scripts of Unicode 15, with RE2's names; a later Envoy may accept more |
//! | size of the program | rejected if it certainly exceeds [`MAX_PROGRAM_SIZE`]. The estimate is a lower bound, because RE2 simplifies: an Envoy may reject others, mostly alternations that are repeated hundreds of times, and any with `\p` |
//!
//! Source: RE2's syntax page, github.com/google/re2/wiki/Syntax, and its `parse.cc` (read 2026-11-23).

mod class;
mod escape;
mod group;
mod parser;
mod repetition;
mod size;

use std::ops::Range;

/// The largest RE2 program: the limit that App Mesh's agent set for its Envoys. Source: the agent's `envoy_bootstrap.go`,
/// `re2.max_program_size.error_level` (read 2026-11-23). Envoy's own default is 100.
pub const MAX_PROGRAM_SIZE: u64 = 1000;

/// Validates an expression.
///
/// # Errors
///
/// Why it is invalid, as the end of a sentence that begins with the name of its field.
pub fn check(expression: &str) -> Result<(), String> {
    let tree = parser::parse(expression.as_bytes()).map_err(|error| error.message(expression))?;
    let size = size::lower_bound(&tree);
    if size > MAX_PROGRAM_SIZE {
        return Err(format!(
            "is `{expression}`, which compiles to a program of {size} instructions or more; allowed are {MAX_PROGRAM_SIZE}; \
             use smaller repetitions or `*`"
        ));
    }
    Ok(())
}

/// An error in an expression, with its position.
#[derive(Debug)]
struct SyntaxError {
    /// The byte range.
    at: Range<usize>,
    /// The predicate of the error message.
    what: String,
}

impl SyntaxError {
    fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }

    fn message(self, expression: &str) -> String {
        // Expressions are parsed by bytes, and displayed by characters.
        let start = expression.floor_char_boundary(self.at.start);
        let end = expression.ceil_char_boundary(self.at.end);
        let number = expression[..start].chars().count() + 1;
        let part = &expression[start..end];
        format!("is `{expression}`; at character {number}, `{part}` {}", self.what)
    }
}

/// A syntax tree with the details that determine the program size.
#[derive(Debug)]
enum Node {
    /// Matches the empty string.
    Empty,
    /// The start of the text.
    StartAnchor,
    /// One of these bytes.
    Bytes(class::ByteSet),
    /// One byte of a set that depends on a Unicode group.
    UnknownBytes,
    /// Concatenation.
    Concat(Vec<Node>),
    /// Alternation.
    Alternation(Vec<Node>),
    /// A capture group.
    Capture(Box<Node>),
    /// A repetition.
    Repeat(Repeat),
}

#[derive(Debug)]
struct Repeat {
    body: Box<Node>,
    min: u32,
    /// `None` for no limit.
    max: Option<u32>,
    /// Written with braces.
    is_counted: bool,
}

#[cfg(test)]
mod tests;

/// The README's example, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
