//! Mermaid's flowchart syntax, and how to put any text into it.
//!
//! Source: Mermaid documentation, "Flowcharts: basic syntax" (read 2026-11-23). Its grammar has no escape
//! character: an id must avoid its keywords, and in a label what could mean something is written as an entity.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use indexmap::IndexMap;

/// A flowchart under construction. Nodes are named by keys of any form; each gets an id of its own.
#[derive(Debug, Default)]
pub(super) struct Flowchart {
    lines: Vec<String>,
    edges: Vec<String>,
    ids: IndexMap<String, String>,
    drawn: BTreeSet<String>,
    in_group: bool,
}

/// How a node looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Box,
    Hexagon,
    Rhombus,
    Rounded,
    Stadium,
    Trapezoid,
}

/// How an edge looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrow {
    Thin,
    Thick,
    Dotted,
}

impl Flowchart {
    /// Draws a node, once: a node drawn again stays as it is.
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

    /// Begins a group; the nodes that follow stand in it. Its label is one line: Mermaid leaves room for no more.
    pub(super) fn begin_group(&mut self, key: &str, label: &str) {
        let id = self.id(key);
        self.lines.push(format!("    subgraph {id}[\"{}\"]", escaped(label)));
        self.in_group = true;
    }

    pub(super) fn end_group(&mut self) {
        self.lines.push("    end".to_owned());
        self.in_group = false;
    }

    /// Draws an edge. Edges come after all nodes: Mermaid puts a node where it is first named.
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

    /// The id that stands for a key: its letters and digits, made unique and no keyword.
    fn id(&mut self, key: &str) -> String {
        if let Some(id) = self.ids.get(key) {
            return id.clone();
        }
        let words: Vec<_> = key
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let mut id = words.join("_");
        // A lower-case `end` closes a group wherever it stands, and other keywords are as touchy.
        if id.starts_with(|c: char| !c.is_ascii_uppercase()) {
            id.insert_str(0, "N_");
        }
        let wanted = id.clone();
        let mut number = 2;
        while self.ids.values().any(|taken| *taken == id) {
            id = format!("{wanted}_{number}");
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

/// The text with everything that Mermaid, HTML or Markdown could read as more than text written as `#code;`.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut in_word = false;
    while let Some(letter) = letters.next() {
        let next = letters.peek();
        let plain = match letter {
            // `${Name}` is how late values read; `$$` would begin a formula.
            '$' => next == Some(&'{'),
            // Between letters they join words; elsewhere they begin lists and emphasis.
            '_' | '-' => in_word,
            other => other.is_alphanumeric() || " ./:,()+={}'".contains(other),
        };
        if plain {
            written.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(written, "#{};", u32::from(letter));
        }
        in_word = letter.is_alphanumeric();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_any_text() {
        assert_eq!(escaped("${Image}:1 of blue-green's"), "${Image}:1 of blue-green's");
        assert_eq!(escaped("- _x_"), "#45; #95;x_");
        assert_eq!(
            escaped("a\"]; <b> `c` $$ #1"),
            "a#34;#93;#59; #60;b#62; #96;c#96; #36;#36; #35;1"
        );
    }

    #[test]
    fn ids_are_unique_and_no_keywords() {
        let mut chart = Flowchart::default();
        assert_eq!(chart.id("GreenService"), "GreenService");
        assert_eq!(chart.id("end"), "N_end");
        assert_eq!(chart.id("A-b"), "A_b");
        assert_eq!(chart.id("A.b"), "A_b_2");
        assert_eq!(chart.id("A-b"), "A_b");
    }
}
