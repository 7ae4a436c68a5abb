//! Resolves plain scalars by YAML 1.1, as CloudFormation does: `yes` is true, `0755` is 493, `12:30:45` is 45045.
//!
//! Source of the forms: yaml.org/type (bool, int, float, null; read 2026-11-30), without `y` and `n`, which common readers
//! leave as texts. `.inf` and `.nan` stay texts, since JSON has no such numbers.

use granit_parser::ScalarStyle;
use serde_json::{Number, Value as Json};

/// The value of a scalar. Quoted scalars, block scalars and those with `is_text` are texts.
pub(super) fn scalar(text: &str, style: ScalarStyle, is_text: bool) -> Json {
    if style != ScalarStyle::Plain || is_text {
        return Json::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Json::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Json::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Json::Bool(false),
        _ => number(text).map_or_else(|| Json::from(text), Json::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    // Only digits begin a number here: `_1` and `.5` are texts in templates that people write.
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(magnitude) = integer(digits) {
        let value = i128::from(magnitude) * if is_negative { -1 } else { 1 };
        return i64::try_from(value)
            .map(Number::from)
            .or_else(|_| u64::try_from(value).map(Number::from))
            .ok();
    }
    float(digits).and_then(|value| Number::from_f64(if is_negative { -value } else { value }))
}

/// Decimal, octal, hexadecimal, binary and base-60 integers, with underscores.
fn integer(digits: &str) -> Option<u64> {
    let plain = digits.replace('_', "");
    if let Some(hexadecimal) = plain.strip_prefix("0x") {
        return u64::from_str_radix(hexadecimal, 16).ok();
    }
    if let Some(binary) = plain.strip_prefix("0b") {
        return u64::from_str_radix(binary, 2).ok();
    }
    if plain.contains(':') {
        return base_60(&plain);
    }
    if !plain.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    // `09` is no octal number and stays a text: account ids begin with a zero.
    match plain.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ => plain.parse().ok(),
    }
}

/// `12:30:45`: the first part is not zero, the others are below 60.
fn base_60(digits: &str) -> Option<u64> {
    let mut parts = digits.split(':');
    let first = parts.next().filter(|first| !first.starts_with('0'))?;
    let first: u64 = decimal(first)?;
    parts.try_fold(first, |value, part| {
        let part = decimal(part).filter(|value| *value < 60 && part.len() <= 2)?;
        value.checked_mul(60)?.checked_add(part)
    })
}

fn decimal(digits: &str) -> Option<u64> {
    let is_decimal = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    is_decimal.then(|| digits.parse().ok()).flatten()
}

fn float(digits: &str) -> Option<f64> {
    let plain = digits.replace('_', "");
    let has_leading_zero = plain.len() > 1 && plain.starts_with('0') && !plain.starts_with("0.");
    let is_float = plain
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    (is_float && !has_leading_zero).then(|| plain.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_follow_yaml_1_1() {
        for (text, expected) in [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!("y")),
            ("~", json!(null)),
            ("0755", json!(493)),
            ("0", json!(0)),
            ("-0o7", json!("-0o7")),
            ("1_000", json!(1000)),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("12:30:45", json!(45045)),
            ("-1:30", json!(-90)),
            ("1:75", json!("1:75")),
            ("00:30", json!("00:30")),
            ("aa:bb", json!("aa:bb")),
            ("012345678901", json!("012345678901")),
            ("123456789012", json!(123_456_789_012_u64)),
            ("0.50", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("-2.5", json!(-2.5)),
            ("18446744073709551615", json!(u64::MAX)),
            ("2024-01-02", json!("2024-01-02")),
            ("2010-09-09", json!("2010-09-09")),
            ("10.0.0.0", json!("10.0.0.0")),
            ("1.2.3", json!("1.2.3")),
            ("_1", json!("_1")),
            (".5", json!(".5")),
            (".inf", json!(".inf")),
        ] {
            assert_eq!(scalar(text, ScalarStyle::Plain, false), expected, "{text}");
        }
        assert_eq!(scalar("yes", ScalarStyle::SingleQuoted, false), json!("yes"));
        assert_eq!(scalar("0755", ScalarStyle::Plain, true), json!("0755"));
    }
}
