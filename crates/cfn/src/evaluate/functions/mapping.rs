//! `Fn::FindInMap`.

use super::super::{Context, Evaluated, scalar_text};
use super::Call;

pub(super) fn find_in_map(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let arguments = match call.known_arguments(context) {
        Ok(arguments) => arguments,
        Err(remaining) => return Some(remaining),
    };
    let [map, first, second] = arguments.as_slice() else {
        let message = "Fn::FindInMap requires a map, a top-level key and a second-level key";
        return Some(call.invalid(message, context));
    };
    let keys = [map, first, second].map(scalar_text);
    let value = call.stack.template().mappings.get(&keys[0]);
    let value = value
        .and_then(|map| map.get(&keys[1]))
        .and_then(|map| map.get(&keys[2]));
    Some(match value {
        Some(value) => Evaluated::Known(value.clone()),
        None => call.invalid(format!("Fn::FindInMap: no entry {}", keys.join(" / ")), context),
    })
}
