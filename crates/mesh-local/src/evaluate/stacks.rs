//! The stacks to run: evaluator, parameter values and imports.

use cfn::Template;
use cfn::evaluate::{Context, Evaluator, scalar_text};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::physical::LocalResolver;
use super::{Resource, parameters};
use crate::stack_input::StackInput;

/// Stacks that may import from each other.
#[derive(Debug)]
pub(crate) struct Stacks<'t> {
    evaluator: Evaluator<'t>,
}

impl<'t> Stacks<'t> {
    /// Sets parameter values and collects exports.
    ///
    /// Reports parameters that do not exist, have no value or a value that is not allowed, macros, and invalid or
    /// duplicate exports.
    pub(crate) fn new(stacks: &[StackInput<'t>], diagnostics: &mut Diagnostics) -> Self {
        let mut inputs = Vec::new();
        for stack in stacks {
            let prefix = match stacks {
                [_] => String::new(),
                _ => format!("{}/", stack.name),
            };
            reject_macros(stack.template, &prefix, diagnostics);
            inputs.push(cfn::evaluate::StackInput {
                name: stack.name,
                template: stack.template,
                parameters: parameters::values(stack.template, stack.parameters, &prefix, diagnostics),
            });
        }
        Self {
            evaluator: Evaluator::with_stacks(inputs, LocalResolver, diagnostics),
        }
    }

    /// The resources of all stacks, without those whose condition is false.
    pub(crate) fn resources(&self, diagnostics: &mut Diagnostics) -> Vec<Resource<'_>> {
        let mut context = Context::new(diagnostics);
        let mut resources = Vec::new();
        for stack in self.evaluator.stacks() {
            for (id, resource) in stack.resources(&mut context) {
                let kind = resource.kind.as_str();
                resources.push(Resource { stack, id, kind });
            }
        }
        resources
    }

    /// Reports stacks that import from each other, as far as imports have been evaluated.
    pub(crate) fn check_import_cycles(&self, diagnostics: &mut Diagnostics) {
        self.evaluator.check_import_cycles(diagnostics);
    }

    #[cfg(test)]
    pub(super) fn evaluator(&self) -> &Evaluator<'t> {
        &self.evaluator
    }
}

/// Reports macros, which rewrite the template. `AWS::LanguageExtensions` is accepted: it adds functions, which are
/// validated by name.
fn reject_macros(template: &Template, prefix: &str, diagnostics: &mut Diagnostics) {
    let transforms = match template.other.get("Transform") {
        Some(Json::Array(list)) => list.iter().collect(),
        one => one.into_iter().collect::<Vec<_>>(),
    };
    for transform in transforms {
        let name = transform.get("Name").unwrap_or(transform);
        if name != "AWS::LanguageExtensions" {
            let message = format!("`{}` is a macro, which cannot be run locally", scalar_text(name));
            diagnostics.add(format!("{prefix}Transform"), message);
        }
    }
}
