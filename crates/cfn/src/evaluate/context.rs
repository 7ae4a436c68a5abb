//! State of an evaluation in progress: nesting, cycles, and errors found so far.

use sidecar_contract::Diagnostics;

/// Limit on nested values and references. A document has at most 128 levels; chains of references add to them.
const MAX_DEPTH: usize = 256;

/// Limit on the text that the functions of one value make, in bytes. CloudFormation accepts templates of 1 MB, also after
/// their macros.
const MAX_TEXT: usize = 4 << 20;

/// An evaluation in progress: the references being followed, and the errors found so far.
#[derive(Debug)]
pub struct Context<'d> {
    /// Resources, outputs and conditions under evaluation, to detect cycles.
    visiting: Vec<String>,
    depth: usize,
    /// The bytes that functions have made for the outermost value under evaluation.
    text: usize,
    diagnostics: &'d mut Diagnostics,
}

impl<'d> Context<'d> {
    /// A new evaluation that reports errors to `diagnostics`.
    pub fn new(diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            visiting: Vec::new(),
            depth: 0,
            text: 0,
            diagnostics,
        }
    }

    /// Reports an error.
    pub fn report(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.diagnostics.add(path, message);
    }

    /// Runs `evaluate` one level deeper. `None` beyond the limit, which is reported.
    pub(super) fn nested<T>(&mut self, path: &str, evaluate: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth == MAX_DEPTH {
            self.report(
                path,
                format!("values and references are nested more than {MAX_DEPTH} levels deep"),
            );
            return None;
        }
        if self.depth == 0 {
            self.text = 0;
        }
        self.depth += 1;
        let evaluated = evaluate(self);
        self.depth -= 1;
        Some(evaluated)
    }

    /// Counts `bytes` that a function is about to make. `false` beyond the limit, which is reported once for each value.
    pub(super) fn has_room(&mut self, bytes: usize, path: &str) -> bool {
        let was_within = self.text <= MAX_TEXT;
        self.text = self.text.saturating_add(bytes);
        let is_within = self.text <= MAX_TEXT;
        if was_within && !is_within {
            let limit = MAX_TEXT >> 20;
            self.report(
                path,
                format!("the functions of this value make more than {limit} MiB of text"),
            );
        }
        is_within
    }

    /// Runs `evaluate` with `item` marked as under evaluation. `None` if it is already, which is reported at `path`.
    pub(super) fn visit<T>(&mut self, item: &str, path: &str, evaluate: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if let Some(beginning) = self.visiting.iter().position(|visited| visited == item) {
            let cycle = format!("{} -> {item}", self.visiting[beginning..].join(" -> "));
            self.report(path, format!("depends on itself: {cycle}"));
            return None;
        }
        self.visiting.push(item.to_owned());
        let evaluated = evaluate(self);
        self.visiting.pop();
        Some(evaluated)
    }

    /// Runs `evaluate` without reporting its errors.
    pub(super) fn muted<T>(&mut self, evaluate: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let mut muted = Context {
            visiting: std::mem::take(&mut self.visiting),
            depth: self.depth,
            text: self.text,
            diagnostics: &mut Diagnostics::new(),
        };
        let evaluated = evaluate(&mut muted);
        self.visiting = muted.visiting;
        self.text = muted.text;
        evaluated
    }

    pub(super) fn is_visiting(&self, item: &str) -> bool {
        self.visiting.iter().any(|visited| visited == item)
    }
}
