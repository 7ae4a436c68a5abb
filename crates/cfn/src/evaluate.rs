//! Partial evaluation of intrinsic functions. Pure.
//!
//! An [`Evaluator`] evaluates the values of one or several templates. What the templates leave open, such as physical
//! ids, comes from a [`Resolver`]. A value that the resolver does not know is [`Unknown`], with its reason and the
//! expression that remains; it propagates through every function:
//!
//! ```
//! use cfn::Template;
//! use cfn::evaluate::{Evaluator, NothingKnown};
//! use serde_json::json;
//!
//! let template = Template::from_text("Resources: {Role: {Type: AWS::IAM::Role}}")?;
//! let evaluator = Evaluator::new(&template, NothingKnown);
//! let value = evaluator.evaluate(&json!({"Fn::Join": ["/", ["a", {"Fn::GetAtt": ["Role", "Arn"]}]]}));
//! assert!(value.known().is_none());
//! assert_eq!(value.to_string(), "a/${Role.Arn}");
//! # Ok::<(), cfn::TemplateError>(())
//! ```
//!
//! | function | file | unknown if |
//! |---|---|---|
//! | `Ref`, `Fn::GetAtt` | `functions/reference.rs` | the resolver does not know the parameter, resource or attribute |
//! | `Fn::ImportValue` | `functions/import.rs` | no given stack exports the name, and the resolver does not know it |
//! | `Fn::Sub`, `Fn::Join`, `Fn::Split`, `Fn::Base64`, `Fn::ToJsonString` | `functions/text.rs` | a part is unknown |
//! | `Fn::Select`, `Fn::Length` | `functions/list.rs` | the index, the selected item, or the number of items is unknown |
//! | `Fn::Cidr`, `Fn::GetAZs` | `functions/network.rs` | an argument is unknown, or the resolver knows no zones |
//! | `Fn::FindInMap` | `functions/mapping.rs` | a key is unknown |
//! | `Fn::If` | `functions/condition.rs` | the condition is unknown |
//! | `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, `Condition` | `conditions.rs` | the result depends on an unknown part |
//!
//! Beyond functions:
//! - loops (`Fn::ForEach`) are carried out first, by [`StackScope::expand_loops`];
//! - dynamic references (`{{resolve:ssm:…}}`) are resolved after the functions around them, if the resolver takes part in
//!   it; see [`DynamicReference`];
//! - parameters of the types `AWS::SSM::Parameter::Value<…>` get the value of an `AWS::SSM::Parameter` of one of the
//!   stacks, or of the resolver;
//! - nested stacks ([`Nesting`]) get their parameters from the parent, and the parent their outputs.
//!
//! Not evaluated:
//! - `Fn::Transform`, macros, and any other function: reported as an error, unknown;
//! - `Rules`, which validate parameters, and `Metadata`.
//!
//! To add a function, add it to its family's file and to the table in `functions.rs`.

#![allow(
    clippy::result_large_err,
    reason = "an unknown is a value like the known one and as rarely moved"
)]

mod conditions;
mod context;
mod dynamic_reference;
mod evaluated;
mod exports;
mod functions;
mod loops;
mod nested;
mod render;
mod resolver;
mod stack;

use std::cell::OnceCell;

use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::template::Template;

pub use context::Context;
pub use dynamic_reference::{DynamicReference, DynamicService};
pub use evaluated::{Evaluated, Reason, Unknown};
pub use nested::{NESTED_STACK, Nesting};
pub use render::{contains_expression, escape_sub, render, scalar_text};
pub use resolver::{Import, NothingKnown, Reference, Resolution, Resolver};
pub use stack::{StackInput, StackScope};

use exports::Exports;
use stack::Stack;

/// Evaluates the values of one or several stacks' templates.
///
/// Conditions, outputs and names are evaluated on first use and remembered.
#[derive(Debug)]
pub struct Evaluator<'t> {
    stacks: Vec<Stack<'t>>,
    nesting: Vec<Nesting>,
    exports: OnceCell<Exports>,
    resolver: Box<dyn Resolver + 't>,
}

impl<'t> Evaluator<'t> {
    /// An evaluator of a single template. Parameter values are unknown.
    pub fn new(template: &'t Template, resolver: impl Resolver + 't) -> Self {
        let stack = StackInput {
            name: "",
            template,
            parameters: Default::default(),
        };
        Self::with_stacks([stack], resolver, &mut Diagnostics::new())
    }

    /// An evaluator of stacks that may import from each other, in any order.
    ///
    /// Reports duplicate stack names, and export names that are duplicate or not a string. Paths of several stacks
    /// begin with the stack's name and a slash.
    pub fn with_stacks(
        stacks: impl IntoIterator<Item = StackInput<'t>>,
        resolver: impl Resolver + 't,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        Self::with_nested_stacks(stacks, Vec::new(), resolver, diagnostics)
    }

    /// An evaluator of stacks, some of which are nested in others. Otherwise as [`Evaluator::with_stacks`].
    ///
    /// The indices in `nesting` are positions in `stacks`. A nested stack has one parent, and no stack is nested in itself.
    pub fn with_nested_stacks(
        stacks: impl IntoIterator<Item = StackInput<'t>>,
        nesting: Vec<Nesting>,
        resolver: impl Resolver + 't,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let inputs: Vec<StackInput<'t>> = stacks.into_iter().collect();
        let is_single = inputs.len() == 1;
        let mut stacks: Vec<Stack<'t>> = Vec::new();
        for input in inputs {
            if stacks.iter().any(|other| other.name == input.name) {
                diagnostics.add(format!("stack {}", input.name), "is specified twice");
            }
            stacks.push(Stack::new(input, is_single));
        }
        let evaluator = Self {
            stacks,
            nesting,
            exports: OnceCell::new(),
            resolver: Box::new(resolver),
        };
        let exports = evaluator.find_exports(diagnostics);
        let _ = evaluator.exports.set(exports);
        evaluator
    }

    /// The stacks, in the order given.
    pub fn stacks(&self) -> impl Iterator<Item = StackScope<'_>> {
        (0..self.stacks.len()).map(|index| StackScope::new(self, index))
    }

    /// Evaluates a value of the first stack, without reporting errors. `AWS::NoValue` is null.
    #[must_use]
    pub fn evaluate(&self, json: &Json) -> Evaluated {
        let evaluated = self
            .stacks()
            .next()
            .and_then(|stack| stack.evaluate(json, "", &mut Context::new(&mut Diagnostics::new())));
        evaluated.unwrap_or(Evaluated::Known(Json::Null))
    }

    /// The value of a condition of the first stack, without reporting errors. `None` if it is unknown.
    #[must_use]
    pub fn condition(&self, name: &str) -> Option<bool> {
        self.stacks()
            .next()?
            .condition(name, "", &mut Context::new(&mut Diagnostics::new()))
    }
}

#[cfg(test)]
mod tests;
