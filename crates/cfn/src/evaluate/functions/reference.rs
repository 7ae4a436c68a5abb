//! `Ref` and `Fn::GetAtt`.

use serde_json::{Value as Json, json};

use super::super::{Context, Evaluated, Reason, Reference, Resolution, StackScope, Unknown};
use super::Call;

/// Source: CloudFormation user guide, "Pseudo parameters reference" (read 2026-11-23).
const PSEUDO_PARAMETERS: [&str; 7] = [
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

pub(super) fn call_ref(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    match call.argument {
        Json::String(name) if name == "AWS::NoValue" => None,
        Json::String(name) => Some(reference(call.stack, name, call.path, context)),
        _ => Some(call.invalid("Ref requires a name", context)),
    }
}

pub(super) fn get_att(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let parts = match call.argument {
        Json::String(dotted) => dotted.split_once('.'),
        Json::Array(items) => match items.as_slice() {
            [Json::String(target), Json::String(attribute)] => Some((target.as_str(), attribute.as_str())),
            _ => None,
        },
        _ => None,
    };
    Some(match parts {
        Some((target, name)) => match attribute(call.stack, target, name, call.path, context) {
            // As it was written: a string or a list.
            Evaluated::Unknown(unknown) => Evaluated::Unknown(unknown.within(json!({ call.name: call.argument }))),
            known => known,
        },
        None => call.invalid("Fn::GetAtt requires a resource and an attribute", context),
    })
}

pub(in crate::evaluate) fn reference(
    stack: StackScope<'_>,
    name: &str,
    path: &str,
    context: &mut Context<'_>,
) -> Evaluated {
    let unknown = |reason| Evaluated::Unknown(Unknown::new(path, reason, json!({ "Ref": name })));
    let unresolved = || unknown(Reason::Unresolved(name.to_owned()));
    if PSEUDO_PARAMETERS.contains(&name) {
        let value = stack.resolver().pseudo_parameter(stack, name);
        return value.map_or_else(unresolved, Evaluated::Known);
    }
    if let Some(value) = stack.stack().parameters.get(name) {
        return Evaluated::Known(value.clone());
    }
    if stack.template().parameters.contains_key(name) {
        return unresolved();
    }
    if !stack.template().resources.contains_key(name) {
        context.report(
            path,
            format!("refers to `{name}`, which is neither a parameter nor a resource"),
        );
        return unknown(Reason::Invalid);
    }
    resolve(stack, name, None, path, context).unwrap_or_else(unknown)
}

pub(in crate::evaluate) fn attribute(
    stack: StackScope<'_>,
    logical_id: &str,
    attribute: &str,
    path: &str,
    context: &mut Context<'_>,
) -> Evaluated {
    let expression = || json!({ "Fn::GetAtt": [logical_id, attribute] });
    let unknown = |reason| Evaluated::Unknown(Unknown::new(path, reason, expression()));
    if !stack.template().resources.contains_key(logical_id) {
        context.report(path, format!("refers to `{logical_id}`, which is not a resource"));
        return unknown(Reason::Invalid);
    }
    resolve(stack, logical_id, Some(attribute), path, context).unwrap_or_else(unknown)
}

/// What a resource returns.
fn resolve(
    stack: StackScope<'_>,
    logical_id: &str,
    attribute: Option<&str>,
    path: &str,
    context: &mut Context<'_>,
) -> Result<Evaluated, Reason> {
    if !stack.has_resource(logical_id, context) {
        context.report(
            path,
            format!("refers to `{logical_id}`, which does not exist: its condition is false"),
        );
        return Err(Reason::Invalid);
    }
    let reference = Reference {
        stack,
        logical_id,
        resource: &stack.template().resources[logical_id],
        attribute,
        path,
    };
    match stack.resolver().resource(reference, context) {
        Resolution::Known(value) => Ok(Evaluated::Known(value)),
        Resolution::Unknown => Err(Reason::Unresolved(match attribute {
            Some(attribute) => format!("{logical_id}.{attribute}"),
            None => logical_id.to_owned(),
        })),
        Resolution::Invalid => Err(Reason::Invalid),
    }
}
