//! Mermaid's flowchart syntax, with escaping of arbitrary text.
//!
//! Source: Mermaid documentation, "Flowcharts: basic syntax" (read 2026-11-23). Its grammar has no escape
//! character: an id must not be a keyword, and special characters in a label are written as entities.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use indexmap::IndexMap;

/// A flowchart under construction. Nodes are identified by arbitrary keys; each gets an id of its own.
#[derive(Debug, Default)]
pub(super) struct Flowchart {
    lines: Vec<String>,
    edges: Vec<String>,
    ids: IndexMap<String, String>,
    drawn: BTreeSet<String>,
    in_group: bool,
}

/// The shape of a node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Box,
    Hexagon,
    Rhombus,
    Rounded,
    Stadium,
    Trapezoid,
}

/// The style of an edge.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrow {
    Thin,
    Thick,
    Dotted,
}

impl Flowchart {
    /// Draws a node, unless it was drawn before.
    pub(super) fn node(&mut self, key: &str, shape: Shape, label: &[String]) {
        if !self.drawn.insert(key.to_owned()) {
            return;
        }
        let id = self.id(key);
        let label = escaped_lines(label);
        let (open, close) = match shape {
            Shape::Box => ("[", "]"),
            Shape::Hexagon => ("{{", "}}"),
            Shape::Rhombus => ("{", "}"),
            Shape::Rounded => ("(", ")"),
            Shape::Stadium => ("([", "])"),
            Shape::Trapezoid => ("[/", "\\]"),
        };
        let indent = if self.in_group { "        " } else { "    " };
        self.lines.push(format!("{indent}{id}{open}\"{label}\"{close}"));
    }

    /// Begins a group, which contains the nodes until its end. Mermaid has room for a label of one line.
    pub(super) fn begin_group(&mut self, key: &str, label: &str) {
        let id = self.id(key);
        self.lines.push(format!("    subgraph {id}[\"{}\"]", escaped(label)));
        self.in_group = true;
    }

    pub(super) fn end_group(&mut self) {
        self.lines.push("    end".to_owned());
        self.in_group = false;
    }

    /// Draws an edge. Edges follow all nodes, because Mermaid places a node where it first occurs.
    pub(super) fn edge(&mut self, from: &str, arrow: Arrow, label: &str, to: &str) {
        let (from, to) = (self.id(from), self.id(to));
        let arrow = match arrow {
            Arrow::Thin => "-->",
            Arrow::Thick => "==>",
            Arrow::Dotted => "-.->",
        };
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", escaped(label))
        };
        self.edges.push(format!("    {from} {arrow}{label} {to}"));
    }

    /// The id of a key: its letters and digits, unique and not a keyword.
    fn id(&mut self, key: &str) -> String {
        if let Some(id) = self.ids.get(key) {
            return id.clone();
        }
        let words: Vec<_> = key
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let mut id = words.join("_");
        // A lower-case `end` closes a group anywhere, and other keywords have similar effects.
        if id.starts_with(|c: char| !c.is_ascii_uppercase()) {
            id.insert_str(0, "N_");
        }
        let base = id.clone();
        let mut number = 2;
        while self.ids.values().any(|taken| *taken == id) {
            id = format!("{base}_{number}");
            number += 1;
        }
        self.ids.insert(key.to_owned(), id.clone());
        id
    }
}

impl fmt::Display for Flowchart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flowchart LR\n")?;
        for line in self.lines.iter().chain(&self.edges) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

fn escaped_lines(lines: &[String]) -> String {
    lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>")
}

/// Escapes characters with a meaning in Mermaid, HTML or Markdown as `#code;`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_word = false;
    while let Some(char) = chars.next() {
        let next = chars.peek();
        let is_plain = match char {
            // `${Name}` is an unresolved value; `$$` begins a formula.
            '$' => next == Some(&'{'),
            // Within a word they are plain; elsewhere they begin lists and emphasis.
            '_' | '-' => in_word,
            other => other.is_alphanumeric() || " ./:,()+={}'".contains(other),
        };
        if is_plain {
            escaped.push(char);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "#{};", u32::from(char));
        }
        in_word = char.is_alphanumeric();
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_escape_special_characters() {
        assert_eq!(escaped("${Image}:1 of blue-green's"), "${Image}:1 of blue-green's");
        assert_eq!(escaped("- _x_"), "#45; #95;x_");
        assert_eq!(
            escaped("a\"]; <b> `c` $$ #1"),
            "a#34;#93;#59; #60;b#62; #96;c#96; #36;#36; #35;1"
        );
    }

    #[test]
    fn ids_are_unique_and_not_keywords() {
        let mut chart = Flowchart::default();
        assert_eq!(chart.id("GreenService"), "GreenService");
        assert_eq!(chart.id("end"), "N_end");
        assert_eq!(chart.id("A-b"), "A_b");
        assert_eq!(chart.id("A.b"), "A_b_2");
        assert_eq!(chart.id("A-b"), "A_b");
    }
}
