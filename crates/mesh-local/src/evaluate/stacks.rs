//! Several stacks together: each a template with the values of its parameters, and what they export to each other.
//!
//! A value is found when something asks for it, so no order has to be found first. Which stack asked which is kept:
//! CloudFormation creates one stack after the other, and cannot create two that each need the other.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::Template;
use mesh_infra::cfn::{closest, unknown};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::{Evaluation, Progress, Resource, bounded, has_unknown, parameters, text_of, wrong};
use crate::stack_input::StackInput;

/// A text longer than this is no value that AWS would give: parameters may have 8 KiB at most, and everything else
/// less. Values made of values must not grow without bound.
pub(super) const LONGEST: usize = 8192;

/// Stacks with everything that was found out about them.
#[derive(Debug)]
pub(crate) struct Stacks<'t> {
    all: Vec<Stack<'t>>,
    exports: OnceCell<Exports>,
}

/// Where each export stands: its stack, and the output in it.
type Exports = BTreeMap<String, (usize, String)>;

/// One of the stacks.
#[derive(Debug)]
pub(super) struct Stack<'t> {
    pub(super) template: &'t Template,
    pub(super) name: &'t str,
    pub(super) parameters: BTreeMap<String, Json>,
    /// What begins the path of every problem: nothing where there is one stack, else the stack's name and a slash.
    pub(super) prefix: String,
    pub(super) found: RefCell<Found>,
    /// The stacks that it imports from.
    imports: RefCell<BTreeSet<usize>>,
}

/// What was found before, by what it was asked for. Without it, a template in which each name refers to the
/// next one twice would take twice as long with every resource.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Properties by logical id and name; `None` for one that is not known.
    pub(super) properties: BTreeMap<(String, String), Option<String>>,
    /// `None` for a condition that cannot be evaluated.
    pub(super) conditions: BTreeMap<String, Option<bool>>,
    /// By name.
    outputs: BTreeMap<String, Json>,
}

impl<'t> Stacks<'t> {
    /// Decides the parameters' values, and finds out what is exported. Notes parameters that lack a value, have one that
    /// is not allowed, or do not exist; names of exports that cannot be evaluated, or that two outputs have.
    pub(crate) fn new(stacks: &[StackInput<'t>], diagnostics: &mut Diagnostics) -> Self {
        let mut all: Vec<Stack<'t>> = Vec::new();
        for stack in stacks {
            let prefix = match stacks {
                [_] => String::new(),
                _ => format!("{}/", stack.name),
            };
            if all.iter().any(|other| other.name == stack.name) {
                diagnostics.add(format!("stack {}", stack.name), "is given twice");
            }
            refuse_macros(stack.template, &prefix, diagnostics);
            all.push(Stack {
                template: stack.template,
                name: stack.name,
                parameters: parameters::values(stack.template, stack.parameters, &prefix, diagnostics),
                prefix,
                found: RefCell::default(),
                imports: RefCell::default(),
            });
        }
        let stacks = Self {
            all,
            exports: OnceCell::new(),
        };
        let exports = stacks.find_exports(diagnostics);
        // Nobody else fills it.
        let _first = stacks.exports.set(exports);
        stacks
    }

    /// The stacks, in the order they were given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Evaluation<'_>> {
        (0..self.all.len()).map(|index| Evaluation::new(self, index))
    }

    /// The resources of all stacks that are there: their condition holds, or they have none.
    pub(crate) fn resources(&self, diagnostics: &mut Diagnostics) -> Vec<Resource<'_>> {
        self.iter().flat_map(|stack| stack.resources(diagnostics)).collect()
    }

    /// Notes stacks that import from each other in a circle, as far as anything was imported until now.
    pub(crate) fn refuse_circles(&self, diagnostics: &mut Diagnostics) {
        let mut told: BTreeSet<usize> = BTreeSet::new();
        for (index, stack) in self.all.iter().enumerate() {
            let reachable = self.reachable_from(index);
            if reachable.contains(&index) && !told.contains(&index) {
                let circle: Vec<usize> = reachable
                    .into_iter()
                    .filter(|other| self.reachable_from(*other).contains(&index))
                    .collect();
                let names: Vec<&str> = circle.iter().map(|other| self.all[*other].name).collect();
                let message = match names.as_slice() {
                    [_] => "imports what it exports itself".to_owned(),
                    names => format!(
                        "{} import from each other: none of them can be created first",
                        names.join(", ")
                    ),
                };
                diagnostics.add(format!("stack {}", stack.name), message);
                told.extend(circle);
            }
        }
    }

    fn reachable_from(&self, index: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut ahead = vec![index];
        while let Some(index) = ahead.pop() {
            for next in self.all[index].imports.borrow().iter() {
                if reached.insert(*next) {
                    ahead.push(*next);
                }
            }
        }
        reached
    }

    pub(super) fn stack(&self, index: usize) -> &Stack<'t> {
        &self.all[index]
    }

    fn find_exports(&self, diagnostics: &mut Diagnostics) -> Exports {
        let mut exports = Exports::new();
        for evaluation in self.iter() {
            let index = evaluation.index;
            let Stack { template, prefix, .. } = &self.all[index];
            for (id, output) in &template.outputs {
                let Some(export) = &output.export else { continue };
                let path = format!("{prefix}Outputs.{id}.Export.Name");
                let mut progress = Progress::new(diagnostics);
                if !evaluation.has_output(id, &mut progress) {
                    continue;
                }
                let name = export
                    .get("Name")
                    .map(|name| evaluation.value(name, &path, &mut progress));
                match name.flatten() {
                    Some(name) if has_unknown(&name) => {}
                    Some(Json::String(name)) if !name.is_empty() => {
                        if let Some((other, first)) = exports.get(&name) {
                            let first = format!("{}Outputs.{first}", self.all[*other].prefix);
                            diagnostics.add(path, format!("`{name}` is exported by {first} already"));
                        } else {
                            exports.insert(name, (index, id.clone()));
                        }
                    }
                    _ => diagnostics.add(path, "must be a text"),
                }
            }
        }
        exports
    }
}

impl<'s> Evaluation<'s> {
    /// `Fn::ImportValue`.
    pub(super) fn import(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let name = match self.value(argument, path, progress) {
            Some(name) if has_unknown(&name) => return unknown(),
            Some(Json::String(name)) => name,
            _ => return wrong(path, "Fn::ImportValue takes the name of an export", progress),
        };
        let Some(exports) = self.stacks.exports.get() else {
            let message = format!("names of exports cannot depend on `{name}`, which is an export itself");
            return wrong(path, &message, progress);
        };
        let Some((index, output)) = exports.get(&name) else {
            return wrong(path, &no_export(&name, exports), progress);
        };
        self.stack().imports.borrow_mut().insert(*index);
        Evaluation::new(self.stacks, *index).output(output, path, progress)
    }

    fn output(self, id: &str, path: &str, progress: &mut Progress<'_>) -> Json {
        if let Some(value) = self.stack().found.borrow().outputs.get(id) {
            return value.clone();
        }
        let place = format!("{}Outputs.{id}", self.stack().prefix);
        let Some(output) = self.stack().template.outputs.get(id) else {
            return unknown();
        };
        let value = progress.visit(&place, path, |progress| {
            let path = format!("{place}.Value");
            let value = self.value(&output.value, &path, progress).unwrap_or(Json::Null);
            match value {
                value if has_unknown(&value) => unknown(),
                // Whoever imports gets a text, whatever it was made of.
                value => bounded(text_of(&value), LONGEST, &path, progress).map_or_else(unknown, Json::from),
            }
        });
        let value = value.unwrap_or_else(unknown);
        let mut found = self.stack().found.borrow_mut();
        found.outputs.insert(id.to_owned(), value.clone());
        value
    }

    fn has_output(self, id: &str, progress: &mut Progress<'_>) -> bool {
        let output = self.stack().template.outputs.get(id);
        match output.and_then(|output| output.condition.as_deref()) {
            Some(condition) => {
                let path = format!("{}Outputs.{id}.Condition", self.stack().prefix);
                self.named_condition(condition, &path, progress).unwrap_or(true)
            }
            None => output.is_some(),
        }
    }
}

/// Notes macros, which make another template of this one. `AWS::LanguageExtensions` only adds functions, and is judged
/// by those.
fn refuse_macros(template: &Template, prefix: &str, diagnostics: &mut Diagnostics) {
    let transform = template.other.get("Transform");
    let list = match transform {
        Some(Json::Array(list)) => list.iter().collect(),
        one => one.into_iter().collect::<Vec<_>>(),
    };
    for transform in list {
        let name = transform.get("Name").unwrap_or(transform);
        if name != "AWS::LanguageExtensions" {
            let message = format!("`{}` is a macro, which cannot be carried out here", text_of(name));
            diagnostics.add(format!("{prefix}Transform"), message);
        }
    }
}

fn no_export(name: &str, exports: &Exports) -> String {
    let names = || exports.keys().map(String::as_str);
    let has = match closest(name, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if exports.is_empty() => "they export nothing; give the template of the stack that does, too".to_owned(),
        None => format!("they export {}", names().collect::<Vec<_>>().join(", ")),
    };
    format!("`Fn::ImportValue` needs `{name}`, which none of the given stacks exports; {has}")
}
