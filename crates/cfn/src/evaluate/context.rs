//! State of an evaluation in progress: nesting, cycles, and errors found so far.

use sidecar_contract::Diagnostics;

/// Limit on nested values and references. A document has at most 128 levels; chains of references add to them.
const MAX_DEPTH: usize = 256;

/// An evaluation in progress: the references being followed, and the errors found so far.
#[derive(Debug)]
pub struct Context<'d> {
    /// Resources, outputs and conditions under evaluation, to detect cycles.
    visiting: Vec<String>,
    depth: usize,
    diagnostics: &'d mut Diagnostics,
}

impl<'d> Context<'d> {
    /// A new evaluation that reports errors to `diagnostics`.
    pub fn new(diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            visiting: Vec::new(),
            depth: 0,
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
        self.depth += 1;
        let evaluated = evaluate(self);
        self.depth -= 1;
        Some(evaluated)
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
            diagnostics: &mut Diagnostics::new(),
        };
        let evaluated = evaluate(&mut muted);
        self.visiting = muted.visiting;
        evaluated
    }

    pub(super) fn is_visiting(&self, item: &str) -> bool {
        self.visiting.iter().any(|visited| visited == item)
    }
}
