//! Outputs and exports of several stacks, and cycles of imports.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::stack::{MAX_TEXT_LENGTH, check_length};
use super::{Context, Evaluated, Evaluator, Reason, StackScope, Unknown, scalar_text};

/// Exports by name: the index of the stack, and the output.
pub(super) type Exports = BTreeMap<String, (usize, String)>;

impl Evaluator<'_> {
    /// Reports stacks that import from each other in a cycle, as far as imports have been evaluated: CloudFormation
    /// could create none of them first.
    pub fn check_import_cycles(&self, diagnostics: &mut Diagnostics) {
        let mut reported: BTreeSet<usize> = BTreeSet::new();
        for (index, stack) in self.stacks.iter().enumerate() {
            let reachable = self.reachable_from(index);
            if !reachable.contains(&index) || reported.contains(&index) {
                continue;
            }
            let cycle: Vec<usize> = reachable
                .into_iter()
                .filter(|other| self.reachable_from(*other).contains(&index))
                .collect();
            let names: Vec<&str> = cycle.iter().map(|other| self.stacks[*other].name).collect();
            let message = match names.as_slice() {
                [_] => "imports its own export".to_owned(),
                names => format!(
                    "{} import from each other: none of them can be created first",
                    names.join(", ")
                ),
            };
            diagnostics.add(format!("stack {}", stack.name), message);
            reported.extend(cycle);
        }
    }

    fn reachable_from(&self, index: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut pending = vec![index];
        while let Some(index) = pending.pop() {
            for next in self.stacks[index].imports.borrow().iter() {
                if reached.insert(*next) {
                    pending.push(*next);
                }
            }
        }
        reached
    }

    pub(super) fn find_exports(&self, diagnostics: &mut Diagnostics) -> Exports {
        let mut exports = Exports::new();
        for scope in self.stacks() {
            let prefix = scope.path_prefix();
            for (id, output) in &scope.template().outputs {
                let Some(export) = &output.export else { continue };
                let path = format!("{prefix}Outputs.{id}.Export.Name");
                let mut context = Context::new(diagnostics);
                if !scope.has_output(id, &mut context) {
                    continue;
                }
                let name = export
                    .get("Name")
                    .and_then(|name| scope.evaluate(name, &path, &mut context));
                match name.map(Evaluated::into_known) {
                    Some(Err(_unknown)) => {}
                    Some(Ok(Json::String(name))) if !name.is_empty() => {
                        if let Some((other, first)) = exports.get(&name) {
                            let first = format!("{}Outputs.{first}", self.stacks[*other].prefix);
                            diagnostics.add(path, format!("`{name}` is already exported by {first}"));
                        } else {
                            exports.insert(name, (scope.index, id.clone()));
                        }
                    }
                    _ => diagnostics.add(path, "must be a string"),
                }
            }
        }
        exports
    }
}

impl StackScope<'_> {
    /// The value of an output, as another stack imports it. Remembered.
    pub(super) fn exported_output(self, id: &str, path: &str, context: &mut Context<'_>) -> Evaluated {
        let stack = self.stack();
        if let Some(value) = stack.cache.borrow().outputs.get(id) {
            return value.clone();
        }
        let output_path = format!("{}Outputs.{id}", stack.prefix);
        let invalid = || Evaluated::Unknown(Unknown::new(path, Reason::Invalid, Json::Null));
        let Some(output) = stack.template.outputs.get(id) else {
            return invalid();
        };
        let value = context.visit(&output_path, path, |context| {
            let path = format!("{output_path}.Value");
            let value = self.evaluate(&output.value, &path, context);
            match value.unwrap_or(Evaluated::Known(Json::Null)).into_known() {
                Err(unknown) => Evaluated::Unknown(unknown),
                // Exports are strings.
                Ok(value) => check_length(scalar_text(&value), MAX_TEXT_LENGTH, &path, context)
                    .map_or_else(invalid, |text| Evaluated::Known(Json::from(text))),
            }
        });
        let value = value.unwrap_or_else(invalid);
        stack.cache.borrow_mut().outputs.insert(id.to_owned(), value.clone());
        value
    }

    pub(super) fn has_output(self, id: &str, context: &mut Context<'_>) -> bool {
        let output = self.template().outputs.get(id);
        match output.and_then(|output| output.condition.as_deref()) {
            Some(condition) => {
                let path = format!("{}Outputs.{id}.Condition", self.stack().prefix);
                self.condition(condition, &path, context).unwrap_or(true)
            }
            None => output.is_some(),
        }
    }
}
