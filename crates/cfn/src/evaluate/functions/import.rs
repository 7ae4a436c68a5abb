//! `Fn::ImportValue`.

use serde_json::{Value as Json, json};

use super::super::{Context, Evaluated, Import, Reason, Resolution, StackScope};
use super::Call;

pub(super) fn import_value(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let name = match call.known_argument(context) {
        Ok(Json::String(name)) => name,
        Ok(_) => return Some(call.invalid("Fn::ImportValue requires the name of an export", context)),
        Err(remaining) => return Some(remaining),
    };
    let evaluator = call.stack.evaluator;
    let Some(exports) = evaluator.exports.get() else {
        let message = format!("the name of an export cannot depend on `{name}`, which is an export itself");
        return Some(call.invalid(message, context));
    };
    if let Some((index, output)) = exports.get(&name) {
        call.stack.stack().imports.borrow_mut().insert(*index);
        let exporter = StackScope::new(evaluator, *index);
        return Some(match exporter.exported_output(output, call.path, context) {
            // The expression of the other stack has no meaning in this one.
            Evaluated::Unknown(unknown) => Evaluated::Unknown(unknown.within(json!({ call.name: name }))),
            known => known,
        });
    }
    let exported: Vec<&str> = exports.keys().map(String::as_str).collect();
    let import = Import {
        name: &name,
        exported: &exported,
        path: call.path,
    };
    Some(match call.stack.resolver().import(import, context) {
        Resolution::Known(value) => Evaluated::Known(value),
        Resolution::Unknown => call.unknown(Reason::Unresolved(name)),
        Resolution::Invalid => call.unknown(Reason::Invalid),
    })
}
