//! `Fn::Select` and `Fn::Length`.

use serde_json::Value as Json;

use super::super::{Context, Evaluated};
use super::Call;
use crate::value::intrinsic;

pub(super) fn select(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    const USAGE: &str = "Fn::Select requires an index and a list";
    let argument = call.evaluate_argument(context);
    let Some([index, list]) = items(&argument).and_then(|items| <[Evaluated; 2]>::try_from(items).ok()) else {
        return Some(match argument {
            Evaluated::Known(_) | Evaluated::List(_) => call.invalid(USAGE, context),
            unknown => call.remaining(unknown),
        });
    };
    let (Some(index), Some(items)) = (index.text(), items(&list)) else {
        return Some(match (index, list) {
            (Evaluated::Known(_), Evaluated::Known(_)) => call.invalid(USAGE, context),
            _ => call.remaining(argument),
        });
    };
    if !is_length_known(&items) {
        return Some(call.remaining(argument));
    }
    let item = index.parse::<usize>().ok().and_then(|index| items.get(index));
    Some(match item {
        Some(Evaluated::Known(item)) => Evaluated::Known(item.clone()),
        // Without the items that are not selected.
        Some(item) => item.clone(),
        None => {
            let message = format!(
                "Fn::Select: index {index} is out of range for a list of {}",
                items.len()
            );
            call.invalid(message, context)
        }
    })
}

pub(super) fn length(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let argument = call.evaluate_argument(context);
    Some(match items(&argument) {
        Some(items) if is_length_known(&items) => Evaluated::Known(Json::from(items.len())),
        Some(_) => call.remaining(argument),
        None if argument.known().is_some() => call.invalid("Fn::Length requires a list", context),
        None => call.remaining(argument),
    })
}

/// The items of a list, known or not. `None` for anything else.
fn items(evaluated: &Evaluated) -> Option<Vec<Evaluated>> {
    match evaluated {
        Evaluated::Known(Json::Array(items)) => Some(items.iter().cloned().map(Evaluated::Known).collect()),
        Evaluated::List(items) => Some(items.clone()),
        _ => None,
    }
}

/// False if an `Fn::If` may remove an item.
fn is_length_known(items: &[Evaluated]) -> bool {
    !items.iter().any(|item| match item {
        Evaluated::Unknown(unknown) => matches!(intrinsic(unknown.expression()), Some(("Fn::If", _))),
        _ => false,
    })
}
