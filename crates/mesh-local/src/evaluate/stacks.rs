//! The stacks to run, evaluated together.

use cfn::evaluate::{Context, Evaluator, StackScope};
use sidecar_contract::Diagnostics;

use super::physical::LocalResolver;
use super::{PreparedStacks, Resource};
use crate::stack_environment::StackEnvironment;

/// Stacks that may import from each other.
#[derive(Debug)]
pub(crate) struct Stacks<'t> {
    evaluator: Evaluator<'t>,
    environment: &'t StackEnvironment,
    left_out: &'t [(String, String)],
}

impl<'t> Stacks<'t> {
    /// Collects exports. Reports invalid or duplicate ones.
    pub(crate) fn new(
        prepared: &'t PreparedStacks,
        environment: &'t StackEnvironment,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let resolver = LocalResolver { environment };
        let nesting = prepared.nesting.clone();
        Self {
            evaluator: Evaluator::with_nested_stacks(prepared.inputs(), nesting, resolver, diagnostics),
            environment,
            left_out: &prepared.left_out,
        }
    }

    /// The resources of all stacks, without those whose condition is false.
    pub(crate) fn resources(&self, diagnostics: &mut Diagnostics) -> Vec<Resource<'_>> {
        let mut context = Context::new(diagnostics);
        let mut resources = Vec::new();
        for stack in self.evaluator.stacks() {
            for (id, resource) in stack.resources(&mut context) {
                let kind = resource.kind.as_str();
                resources.push(Resource {
                    stack,
                    environment: self.environment,
                    id,
                    kind,
                });
            }
        }
        resources
    }

    /// All stacks, nested ones included.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = StackScope<'_>> {
        self.evaluator.stacks()
    }

    /// What is left out of the templates as a whole, each with its path.
    pub(crate) fn left_out(&self) -> &[(String, String)] {
        self.left_out
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
