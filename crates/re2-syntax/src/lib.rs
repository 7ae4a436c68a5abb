//! Regular expressions, judged before a proxy sees them.
//!
//! Envoy compiles them with RE2, and refuses a whole route configuration for one that does not compile. So they are
//! judged here as RE2's parser does: no crate speaks its syntax, and those that speak a similar one take and refuse
//! other things (`a**`, `[[a]]`, `[a--b]`, `\<`, `\Q…\E`, `a{,5}`).
//!
//! - `parser`: the syntax, with `group` for what begins with `(?` and `repetition` for braces;
//! - `class`: what stands in brackets, and after `\p`;
//! - `escape`: characters written as `\…`;
//! - `size`: how large a program becomes of it.
//!
//! What is judged, and which side errs:
//!
//! | | |
//! |---|---|
//! | syntax | as RE2 in Envoy 1.40.0, expression by expression (measured 2026-11-23; a test has both judge a table) |
//! | characters beyond ASCII | Envoy 1.40 reads expressions byte by byte: `é` is two characters, `\x{100}` does not exist |
//! | `\p{…}` | the general categories and the scripts of Unicode 15, by RE2's names; a later Envoy may know more |
//! | size of the program | refused if it is beyond [`LARGEST_PROGRAM`] for certain. The estimate leaves out what RE2 may simplify, so an Envoy may refuse others: mostly alternatives that are repeated hundreds of times, and any with `\p` |
//!
//! Source: RE2's syntax page, github.com/google/re2/wiki/Syntax, and its `parse.cc` (read 2026-11-23).

mod class;
mod escape;
mod group;
mod parser;
mod repetition;
mod size;

use std::ops::Range;

/// How large RE2's program may be: what App Mesh's agent allowed its Envoys. Source: the agent's `envoy_bootstrap.go`,
/// `re2.max_program_size.error_level` (read 2026-11-23). Envoy's own default is 100.
pub const LARGEST_PROGRAM: u64 = 1000;

/// Judges an expression.
///
/// # Errors
///
/// What is wrong with it, as the end of a sentence that begins with its field.
pub fn check(expression: &str) -> Result<(), String> {
    let tree = parser::parse(expression.as_bytes()).map_err(|mistake| mistake.explained(expression))?;
    let size = size::at_least(&tree);
    if size > LARGEST_PROGRAM {
        return Err(format!(
            "is `{expression}`, which makes a program of {size} instructions or more; allowed are {LARGEST_PROGRAM}, \
             so repeat less often or say `*`"
        ));
    }
    Ok(())
}

/// What is wrong with an expression, and where.
#[derive(Debug)]
struct Mistake {
    /// Which of its bytes.
    at: Range<usize>,
    /// What they are.
    what: String,
}

impl Mistake {
    fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }

    fn explained(self, expression: &str) -> String {
        // Expressions are read byte by byte, and shown by character.
        let start = expression.floor_char_boundary(self.at.start);
        let end = expression.ceil_char_boundary(self.at.end);
        let number = expression[..start].chars().count() + 1;
        let part = &expression[start..end];
        format!("is `{expression}`; at character {number}, `{part}` {}", self.what)
    }
}

/// What an expression says, as far as its size depends on it.
#[derive(Debug)]
enum Node {
    /// Matches between characters.
    Nothing,
    /// The beginning of the text.
    Beginning,
    /// One of these bytes.
    Bytes(class::Bytes),
    /// One of some bytes.
    SomeBytes,
    /// One after the other.
    Sequence(Vec<Node>),
    /// One of them.
    Choice(Vec<Node>),
    /// A group of its own.
    Capture(Box<Node>),
    /// The same again.
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
