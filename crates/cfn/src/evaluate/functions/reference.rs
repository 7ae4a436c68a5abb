//! `Ref` and `Fn::GetAtt`.

use serde_json::{Value as Json, json};

use super::super::{Context, Evaluated, Reason, Reference, Resolution, StackScope, Unknown, scalar_text};
use super::Call;
use crate::schema::closest;
use crate::template::Parameter;

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
        // `AWS::LanguageExtensions` allows functions that return the name.
        Json::Object(_) => Some(match call.known_argument(context) {
            Ok(Json::String(name)) => reference(call.stack, &name, call.path, context),
            Ok(_) => call.invalid("Ref requires a name", context),
            Err(remaining) => remaining,
        }),
        _ => Some(call.invalid("Ref requires a name", context)),
    }
}

pub(super) fn get_att(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let parts = match call.argument {
        Json::String(dotted) => dotted.split_once('.'),
        Json::Array(items) => match items.as_slice() {
            [Json::String(target), Json::String(attribute)] => Some((target.as_str(), attribute.as_str())),
            // `AWS::LanguageExtensions` allows functions that return the names.
            [_, _] => match call.known_arguments(context) {
                Ok(names) => return Some(get_att_of_names(call, &names, context)),
                Err(remaining) => return Some(remaining),
            },
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

fn get_att_of_names(call: Call<'_>, names: &[Json], context: &mut Context<'_>) -> Evaluated {
    match names {
        [Json::String(target), Json::String(name)] => attribute(call.stack, target, name, call.path, context),
        _ => call.invalid("Fn::GetAtt requires a resource and an attribute", context),
    }
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
    if let Some(parameter) = stack.template().parameters.get(name) {
        let given = stack.parameter_from_parent(name, path, context);
        let given = given.or_else(|| stack.stack().parameters.get(name).cloned().map(Evaluated::Known));
        return match given {
            Some(Evaluated::Known(value)) if parameter.is_ssm() => {
                ssm_value(stack, name, parameter, &value, path, context)
            }
            // The expression of the parent has no meaning here.
            Some(Evaluated::Unknown(value)) => Evaluated::Unknown(value.within(json!({ "Ref": name }))),
            Some(value) => value,
            None => unresolved(),
        };
    }
    if !stack.template().resources.contains_key(name) {
        let names = stack
            .template()
            .parameters
            .keys()
            .chain(stack.template().resources.keys());
        let hint = did_you_mean(name, names.map(String::as_str).chain(PSEUDO_PARAMETERS));
        context.report(
            path,
            format!("refers to `{name}`, which is neither a parameter nor a resource{hint}"),
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
        let hint = did_you_mean(logical_id, stack.template().resources.keys().map(String::as_str));
        context.report(path, format!("refers to `{logical_id}`, which is not a resource{hint}"));
        return unknown(Reason::Invalid);
    }
    resolve(stack, logical_id, Some(attribute), path, context).unwrap_or_else(unknown)
}

/// The value of a parameter whose value names a parameter of Systems Manager. Remembered.
fn ssm_value(
    stack: StackScope<'_>,
    name: &str,
    parameter: &Parameter,
    ssm_name: &Json,
    path: &str,
    context: &mut Context<'_>,
) -> Evaluated {
    if let Some(value) = stack.stack().cache.borrow().ssm_parameters.get(name) {
        return value.clone();
    }
    // A list type has one name, too.
    let ssm_name = match ssm_name {
        Json::Array(items) => items.iter().map(scalar_text).collect::<Vec<_>>().join(","),
        scalar => scalar_text(scalar),
    };
    let unknown = |reason| Evaluated::Unknown(Unknown::new(path, reason, json!({ "Ref": name })));
    let visited = format!("{}Parameters.{name}", stack.path_prefix());
    let resolver = stack.resolver();
    let found = match resolver.ssm_parameter(stack, &ssm_name) {
        Resolution::Unknown if !context.is_visiting(&visited) => {
            let declared = context.visit(&visited, path, |context| stack.ssm_parameter(&ssm_name, path, context));
            declared.flatten().unwrap_or(Resolution::Unknown)
        }
        other => other,
    };
    let value = match found {
        Resolution::Known(value) => Evaluated::Known(parameter.value_from_text(&scalar_text(&value))),
        Resolution::Unknown => unknown(Reason::Unresolved(format!("ssm:{ssm_name}"))),
        Resolution::Invalid => unknown(Reason::Invalid),
    };
    // Within another lookup, some resources are left out.
    if !context.is_visiting(&visited) && value.known().is_some() {
        let mut cache = stack.stack().cache.borrow_mut();
        cache.ssm_parameters.insert(name.to_owned(), value.clone());
    }
    value
}

/// The end of an error message: the most similar name, if there is one.
fn did_you_mean<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    closest(name, names).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
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
    if let Some(attribute) = attribute
        && let Some(output) = stack.nested_output(logical_id, attribute, path, context)
    {
        return match output? {
            // The expression of the nested stack has no meaning here.
            Evaluated::Unknown(unknown) => Ok(Evaluated::Unknown(
                unknown.within(json!({ "Fn::GetAtt": [logical_id, attribute] })),
            )),
            known => Ok(known),
        };
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
