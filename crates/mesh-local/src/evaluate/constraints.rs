//! What CloudFormation allows as the value of a parameter: allowed values, numbers and their range, length, pattern.
//!
//! Source: Parameters section of the CloudFormation User Guide, read on 2026-12-01. Types of AWS's own, such as
//! `AWS::EC2::Subnet::Id`, are not checked: nothing here knows which subnets exist.

use cfn::Parameter;
use cfn::evaluate::scalar_text;
use regex_lite::Regex;
use serde_json::Value as Json;

/// The reason why CloudFormation would reject `text` as the parameter's value. A secret is not quoted.
pub(super) fn violation(text: &str, parameter: &Parameter) -> Option<String> {
    let allowed = expectation(text, parameter)?;
    let found = if parameter.is_secret() {
        "has a value (NoEcho: not shown) that is not allowed".to_owned()
    } else {
        format!("is `{text}`")
    };
    let description = parameter.other.get("ConstraintDescription").and_then(Json::as_str);
    Some(match description {
        Some(description) => format!("{found}; allowed is {allowed} ({description})"),
        None => format!("{found}; allowed is {allowed}"),
    })
}

/// What is allowed instead of `text`; `None` if `text` is allowed.
fn expectation(text: &str, parameter: &Parameter) -> Option<String> {
    if !parameter.allowed_values.is_empty() {
        let allowed: Vec<String> = parameter.allowed_values.iter().map(scalar_text).collect();
        // Each item of a list has to be one of them.
        let is_allowed = |value: &str| allowed.iter().any(|allowed| allowed == value);
        let all_allowed = is_allowed(text) || (parameter.is_list() && text.split(',').map(str::trim).all(is_allowed));
        return (!all_allowed).then(|| format!("one of {}", allowed.join(", ")));
    }
    match parameter.kind.as_str() {
        "Number" => not_in_range(text, parameter),
        "List<Number>" => text.split(',').find_map(|item| not_in_range(item.trim(), parameter)),
        "String" => wrong_length(text, parameter).or_else(|| pattern_mismatch(text, parameter)),
        "CommaDelimitedList" => pattern_mismatch(text, parameter),
        _ => None,
    }
}

fn not_in_range(text: &str, parameter: &Parameter) -> Option<String> {
    let Some(value) = text.parse::<f64>().ok().filter(|value| value.is_finite()) else {
        return Some("a number".to_owned());
    };
    let (min, max) = (limit(parameter, "MinValue"), limit(parameter, "MaxValue"));
    let is_in_range = min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max);
    (!is_in_range).then(|| format!("a number {}", range(min, max)))
}

fn wrong_length(text: &str, parameter: &Parameter) -> Option<String> {
    let (min, max) = (limit(parameter, "MinLength"), limit(parameter, "MaxLength"));
    #[allow(clippy::cast_precision_loss, reason = "a template has at most 1 MiB")]
    let length = text.chars().count() as f64;
    let is_in_range = min.is_none_or(|min| length >= min) && max.is_none_or(|max| length <= max);
    (!is_in_range).then(|| format!("a text with a length {}", range(min, max)))
}

/// CloudFormation matches the whole value. Patterns are Java's: one that the library here cannot read, such as one with
/// lookahead, is not checked.
fn pattern_mismatch(text: &str, parameter: &Parameter) -> Option<String> {
    let pattern = parameter.other.get("AllowedPattern").and_then(Json::as_str)?;
    let regex = Regex::new(&format!("^(?:{pattern})$")).ok()?;
    let matches =
        regex.is_match(text) || (parameter.is_list() && text.split(',').all(|item| regex.is_match(item.trim())));
    (!matches).then(|| format!("what matches {pattern}"))
}

/// Numbers are written as numbers or as text.
fn limit(parameter: &Parameter, attribute: &str) -> Option<f64> {
    scalar_text(parameter.other.get(attribute)?).parse().ok()
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("of at least {min}"),
        (None, Some(max)) => format!("of at most {max}"),
        (None, None) => "of any size".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameter(kind: &str, attributes: &Json) -> Parameter {
        let mut parameter = Parameter::new(kind);
        parameter.other = attributes.as_object().unwrap().clone();
        parameter
    }

    #[test]
    fn values_are_what_the_template_allows() {
        for (kind, attributes, value, expected) in [
            ("Number", json!({}), "1.5", None),
            ("Number", json!({}), "abc", Some("is `abc`; allowed is a number")),
            ("Number", json!({}), "NaN", Some("is `NaN`; allowed is a number")),
            ("Number", json!({"MinValue": 1, "MaxValue": "3"}), "3", None),
            (
                "Number",
                json!({"MinValue": 1, "MaxValue": "3"}),
                "7",
                Some("is `7`; allowed is a number from 1 to 3"),
            ),
            ("List<Number>", json!({}), "1, 2", None),
            ("List<Number>", json!({}), "1,b", Some("is `1,b`; allowed is a number")),
            (
                "String",
                json!({"MinLength": "3"}),
                "ab",
                Some("is `ab`; allowed is a text with a length of at least 3"),
            ),
            ("String", json!({"AllowedPattern": "[a-z]+"}), "abc", None),
            (
                "String",
                json!({"AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"}),
                "abc9",
                Some("is `abc9`; allowed is what matches [a-z]+ (small letters)"),
            ),
            ("String", json!({"AllowedPattern": "(?=a)b"}), "c", None),
            ("CommaDelimitedList", json!({"AllowedPattern": "[a-z]+"}), "a, b", None),
            ("AWS::EC2::VPC::Id", json!({"AllowedPattern": "vpc-.*"}), "x", None),
        ] {
            assert_eq!(
                violation(value, &parameter(kind, &attributes)).as_deref(),
                expected,
                "{kind} {attributes} {value}"
            );
        }
    }

    #[test]
    fn a_secret_is_not_quoted() {
        let secret = parameter("String", &json!({"NoEcho": true, "MinLength": 8}));
        assert!(!violation("hunter2", &secret).unwrap().contains("hunter2"));
    }

    #[test]
    fn each_item_of_a_list_is_an_allowed_value() {
        let mut list = Parameter::new("CommaDelimitedList");
        list.allowed_values = vec![json!("a"), json!("b")];
        assert_eq!(violation("a, b", &list), None);
        assert_eq!(
            violation("a,c", &list).as_deref(),
            Some("is `a,c`; allowed is one of a, b")
        );
    }
}
