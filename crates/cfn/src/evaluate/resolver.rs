//! What the environment of a stack knows: the interface between the evaluator and its callers.

use std::fmt;

use serde_json::Value as Json;

use super::{Context, DynamicReference, StackScope};
use crate::template::Resource;

/// Knowledge of the environment in which templates are evaluated: an account, a machine, or nothing.
///
/// Every method has a default: not known.
pub trait Resolver: fmt::Debug {
    /// The value of a pseudo parameter, such as `AWS::Region`. `AWS::NoValue` is handled by the evaluator.
    fn pseudo_parameter(&self, stack: StackScope<'_>, name: &str) -> Option<Json> {
        let _ = (stack, name);
        None
    }

    /// What a resource returns for `Ref` or `Fn::GetAtt`. It exists in the template, and its condition, if any, is
    /// not known to be false.
    fn resource(&self, reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
        let _ = (reference, context);
        Resolution::Unknown
    }

    /// The value of an export that none of the evaluator's stacks has.
    fn import(&self, import: Import<'_>, context: &mut Context<'_>) -> Resolution {
        let _ = (import, context);
        Resolution::Unknown
    }

    /// The value of a dynamic reference. `None`: the reference stays as it is, part of a known text. For
    /// [`Resolution::Unknown`], a parameter of one of the evaluator's stacks is looked up.
    fn dynamic_reference(
        &self,
        stack: StackScope<'_>,
        reference: &DynamicReference,
        context: &mut Context<'_>,
    ) -> Option<Resolution> {
        let _ = (stack, reference, context);
        None
    }

    /// The value of a parameter of Systems Manager that is the value of a template's parameter, and that none of the
    /// evaluator's stacks declares.
    fn ssm_parameter(&self, stack: StackScope<'_>, name: &str) -> Resolution {
        let _ = (stack, name);
        Resolution::Unknown
    }

    /// Whether a comparison with an unknown value holds. `None`: its result is unknown.
    fn assumed_comparison(&self) -> Option<bool> {
        None
    }

    /// What to do about a key that a mapping does not have, for an error message. `keys` are those that it has.
    fn mapping_hint(&self, stack: StackScope<'_>, key: &str, keys: &[&str]) -> Option<String> {
        let _ = (stack, key, keys);
        None
    }

    /// The availability zones of a region. An empty name is the stack's own region.
    fn availability_zones(&self, region: &str) -> Option<Vec<String>> {
        let _ = region;
        None
    }
}

/// A reference to a resource of a template.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Reference<'a> {
    /// The stack that contains it.
    pub stack: StackScope<'a>,
    /// Its logical id.
    pub logical_id: &'a str,
    /// The resource.
    pub resource: &'a Resource,
    /// The attribute of `Fn::GetAtt`; `None` for `Ref`.
    pub attribute: Option<&'a str>,
    /// The path of the reference.
    pub path: &'a str,
}

/// A reference to an export.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Import<'a> {
    /// The name of the export.
    pub name: &'a str,
    /// The names that the evaluator's stacks export.
    pub exported: &'a [&'a str],
    /// The path of the reference.
    pub path: &'a str,
}

/// What a resolver knows of a reference.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// Its value.
    Known(Json),
    /// Nothing: its value is known only once deployed.
    Unknown,
    /// It is an error, which the resolver has reported to the [`Context`].
    Invalid,
}

/// The resolver that knows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingKnown;

impl Resolver for NothingKnown {}

impl<R: Resolver + ?Sized> Resolver for &R {
    fn pseudo_parameter(&self, stack: StackScope<'_>, name: &str) -> Option<Json> {
        (**self).pseudo_parameter(stack, name)
    }

    fn resource(&self, reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
        (**self).resource(reference, context)
    }

    fn import(&self, import: Import<'_>, context: &mut Context<'_>) -> Resolution {
        (**self).import(import, context)
    }

    fn dynamic_reference(
        &self,
        stack: StackScope<'_>,
        reference: &DynamicReference,
        context: &mut Context<'_>,
    ) -> Option<Resolution> {
        (**self).dynamic_reference(stack, reference, context)
    }

    fn ssm_parameter(&self, stack: StackScope<'_>, name: &str) -> Resolution {
        (**self).ssm_parameter(stack, name)
    }

    fn assumed_comparison(&self) -> Option<bool> {
        (**self).assumed_comparison()
    }

    fn mapping_hint(&self, stack: StackScope<'_>, key: &str, keys: &[&str]) -> Option<String> {
        (**self).mapping_hint(stack, key, keys)
    }

    fn availability_zones(&self, region: &str) -> Option<Vec<String>> {
        (**self).availability_zones(region)
    }
}
