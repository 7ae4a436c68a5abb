//! Texts with parts that CloudFormation evaluates.

use cfn::Value;
use serde_json::json;

/// The parts in a row: known if all are, else an expression.
pub(super) fn concat(parts: &[Value<String>]) -> Value<String> {
    let known: Option<String> = parts.iter().map(|part| part.known().map(String::as_str)).collect();
    if let Some(known) = known {
        return Value::Known(known);
    }
    let substituted: Option<String> = parts.iter().map(in_sub).collect();
    match substituted {
        Some(text) => Value::Sub(text),
        None => {
            let parts: Vec<_> = parts.iter().map(Value::to_json).collect();
            Value::Function {
                name: "Fn::Join".to_owned(),
                argument: json!(["", parts]),
            }
        }
    }
}

/// The value as a part of an `Fn::Sub`; `None` for a function, which cannot be one.
pub(super) fn in_sub(value: &Value<String>) -> Option<String> {
    match value {
        Value::Known(text) => Some(text.replace("${", "${!")),
        Value::Sub(text) => Some(text.clone()),
        Value::Ref(id) => Some(format!("${{{id}}}")),
        Value::GetAtt { logical_id, attribute } => Some(format!("${{{logical_id}.{attribute}}}")),
        Value::Function { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_a_text_or_an_expression() {
        let end = || Value::from(":key");
        let of = |start: Value<String>| concat(&[start, end()]).to_json();
        assert_eq!(of(Value::from("a")), json!("a:key"));
        assert_eq!(of(Value::reference("A")), json!({"Fn::Sub": "${A}:key"}));
        assert_eq!(of(Value::attribute("A", "Arn")), json!({"Fn::Sub": "${A.Arn}:key"}));
        assert_eq!(of(Value::Sub("${B}/x".to_owned())), json!({"Fn::Sub": "${B}/x:key"}));
        let import = Value::Function {
            name: "Fn::ImportValue".to_owned(),
            argument: json!("arn"),
        };
        assert_eq!(
            of(import),
            json!({"Fn::Join": ["", [{"Fn::ImportValue": "arn"}, ":key"]]})
        );
        assert_eq!(
            concat(&[Value::reference("A"), Value::from("${x}")]).to_json(),
            json!({"Fn::Sub": "${A}${!x}"})
        );
    }
}
