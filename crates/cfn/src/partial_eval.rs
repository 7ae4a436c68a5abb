//! Putting in what is known: references replaced by the texts they stand for, as far as somebody knows these.

use serde_json::{Map, Value as Json, json};

use crate::value::{Value, intrinsic};

/// `json` with every reference replaced for which `answer` has a text. It is asked with a logical id and, for
/// `Fn::GetAtt`, an attribute. What it does not know stays an expression.
pub fn settled<A>(json: &Json, answer: &mut A) -> Json
where
    A: FnMut(&str, Option<&str>) -> Option<String>,
{
    match json {
        _ if intrinsic(json).is_some() => function(json, answer),
        Json::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), settled(value, answer)))
            .collect::<Map<_, _>>()
            .into(),
        Json::Array(items) => items.iter().map(|item| settled(item, answer)).collect(),
        scalar => scalar.clone(),
    }
}

/// Whether there is an expression anywhere in it.
pub fn is_late(json: &Json) -> bool {
    match json {
        _ if intrinsic(json).is_some() => true,
        Json::Object(object) => object.values().any(is_late),
        Json::Array(items) => items.iter().any(is_late),
        _ => false,
    }
}

fn function<A>(json: &Json, answer: &mut A) -> Json
where
    A: FnMut(&str, Option<&str>) -> Option<String>,
{
    let text = match Value::<String>::from_json(json) {
        Ok(Value::Ref(logical_id)) => answer(&logical_id, None),
        Ok(Value::GetAtt { logical_id, attribute }) => answer(&logical_id, Some(&attribute)),
        Ok(Value::Sub(text)) => return substitution(&text, Map::new(), answer),
        Ok(Value::Function { name, argument }) => return other_function(&name, &argument, answer),
        Ok(Value::Known(_)) | Err(_) => None,
    };
    text.map_or_else(|| json.clone(), Json::from)
}

fn other_function<A>(name: &str, argument: &Json, answer: &mut A) -> Json
where
    A: FnMut(&str, Option<&str>) -> Option<String>,
{
    let argument = settled(argument, answer);
    match (name, argument.as_array().map(Vec::as_slice)) {
        ("Fn::Sub", Some([Json::String(text), Json::Object(variables)])) => {
            substitution(text, variables.clone(), answer)
        }
        ("Fn::Join", Some([Json::String(separator), Json::Array(items)])) => {
            let texts: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
            texts.map_or_else(|| json!({ name: argument }), |texts| Json::from(texts.join(separator)))
        }
        _ => json!({ name: argument }),
    }
}

/// `Fn::Sub` with all that is known put in: a text if that is everything, otherwise what is left of the function.
fn substitution<A>(text: &str, mut variables: Map<String, Json>, answer: &mut A) -> Json
where
    A: FnMut(&str, Option<&str>) -> Option<String>,
{
    // The text by itself, and the text as `Fn::Sub` wants it if something remains.
    let (mut plain, mut template) = (String::new(), String::new());
    let mut remains = false;
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once("${") {
        let Some((name, after)) = opened.split_once('}') else {
            break;
        };
        rest = after;
        plain.push_str(before);
        template.push_str(before);
        let trimmed = name.trim();
        let known = match trimmed.strip_prefix('!') {
            Some(literal) => Some(format!("${{{literal}}}")),
            None => match (variables.get(trimmed), trimmed.split_once('.')) {
                (Some(value), _) => value.as_str().map(str::to_owned),
                (None, Some((logical_id, attribute))) => answer(logical_id, Some(attribute)),
                (None, None) => answer(trimmed, None),
            },
        };
        match known {
            Some(known) => {
                template.push_str(&escaped(&known));
                plain.push_str(&known);
            }
            None => {
                remains = true;
                template.push_str(&format!("${{{name}}}"));
            }
        }
    }
    if !remains {
        return Json::from(plain + rest);
    }
    template.push_str(rest);
    // Those that are known have been put in, and a variable that nothing names is frowned upon.
    variables.retain(|_, value| !value.is_string());
    if variables.is_empty() {
        json!({ "Fn::Sub": template })
    } else {
        json!({ "Fn::Sub": [template, variables] })
    }
}

/// The text as `Fn::Sub` leaves it alone.
pub fn escaped(text: &str) -> String {
    text.replace("${", "${!")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(json: &Json) -> Json {
        settled(json, &mut |id, attribute| match (id, attribute) {
            ("Blue", Some("Name")) => Some("blue".to_owned()),
            ("Odd", None) => Some("${x}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn what_is_known_is_put_in_and_the_rest_stays() {
        for (given, expected) in [
            (json!([{"Fn::GetAtt": ["Blue", "Name"]}, 3]), json!(["blue", 3])),
            (json!({"Fn::GetAtt": "Blue.Name"}), json!("blue")),
            (json!({"Ref": "Blue"}), json!({"Ref": "Blue"})),
            (json!({"Fn::Sub": "a-${Blue.Name}-${!b}"}), json!("a-blue-${b}")),
            (
                json!({"Fn::Sub": "${Odd}-${AWS::Region}-${!b}"}),
                json!({"Fn::Sub": "${!x}-${AWS::Region}-${!b}"}),
            ),
            (
                json!({"Fn::Sub": ["${B}-${R}", {"B": {"Fn::GetAtt": ["Blue", "Name"]}, "R": {"Ref": "R"}}]}),
                json!({"Fn::Sub": ["blue-${R}", {"R": {"Ref": "R"}}]}),
            ),
            (
                json!({"Fn::Join": [".", [{"Fn::GetAtt": ["Blue", "Name"]}, "appmesh"]]}),
                json!("blue.appmesh"),
            ),
            (
                json!({"Fn::If": ["C", {"Ref": "Odd"}, {"Ref": "X"}]}),
                json!({"Fn::If": ["C", "${x}", {"Ref": "X"}]}),
            ),
            (json!({"Fn::Sub": "${open"}), json!("${open")),
        ] {
            assert_eq!(settle(&given), expected, "{given}");
        }
        assert!(is_late(&json!({"a": [{"Ref": "X"}]})) && !is_late(&json!({"a": ["Ref"]})));
    }
}
