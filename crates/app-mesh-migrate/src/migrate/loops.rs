//! Carries out the loops (`Fn::ForEach`) of stacks, so that what follows sees each resource.
//!
//! A mesh resource in a loop has no logical id or name before that, and an Envoy no container.

use std::borrow::Cow;

use cfn::evaluate::{Context, Evaluator, NothingKnown, StackInput};
use sidecar_contract::Diagnostics;

use super::stacks::{SourceStack, parameter_values};

/// The stacks with their loops carried out with the values of parameters. Reports collections that are not known.
pub(crate) fn expand<'s>(sources: &'s [SourceStack], diagnostics: &mut Diagnostics) -> Cow<'s, [SourceStack]> {
    if !sources.iter().any(has_loops) {
        return Cow::Borrowed(sources);
    }
    let inputs = sources.iter().map(|stack| StackInput {
        name: &stack.name,
        template: &stack.template,
        parameters: parameter_values(stack),
    });
    // Duplicate names are reported when the stacks are read.
    let evaluator = Evaluator::with_stacks(inputs, NothingKnown, &mut Diagnostics::new());
    let expanded = sources.iter().zip(evaluator.stacks()).map(|(source, scope)| {
        let template = scope.expand_loops(&mut Context::new(diagnostics));
        SourceStack {
            template: template.unwrap_or_else(|| source.template.clone()),
            ..source.clone()
        }
    });
    Cow::Owned(expanded.collect())
}

/// Whether resources or outputs of a stack are in loops.
pub(crate) fn has_loops(source: &SourceStack) -> bool {
    !source.template.resource_loops.is_empty() || !source.template.output_loops.is_empty()
}
