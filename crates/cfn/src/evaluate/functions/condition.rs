//! `Fn::If`.

use serde_json::{Value as Json, json};

use super::super::{Context, Evaluated, Unknown};
use super::Call;

pub(super) fn choose(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let Some([Json::String(name), yes, no]) = call.argument.as_array().map(Vec::as_slice) else {
        return Some(call.invalid("Fn::If requires the name of a condition and two values", context));
    };
    match call.stack.named_condition(name, call.path, context) {
        Ok(true) => call.stack.evaluate(yes, call.path, context),
        Ok(false) => call.stack.evaluate(no, call.path, context),
        Err(reason) => {
            let mut branch = |value: &Json| {
                let evaluated = call.stack.evaluate(value, call.path, context);
                evaluated.map_or_else(|| json!({"Ref": "AWS::NoValue"}), Evaluated::into_expression)
            };
            let expression = json!({ call.name: [name, branch(yes), branch(no)] });
            Some(Evaluated::Unknown(Unknown::new(call.path, reason, expression)))
        }
    }
}
