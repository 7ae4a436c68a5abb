//! Writes JSON as YAML for CloudFormation, which reads YAML 1.1: there `on`, `0123` and `22:22` are no texts. Libraries quote
//! by YAML 1.2. So a text is plain only if it cannot be anything else, and otherwise quoted as in JSON.

use serde_json::{Map, Value as Json};

/// Spaces of one level.
const INDENT: usize = 2;

pub(super) fn write(document: &Json) -> String {
    let mut text = String::new();
    match document {
        Json::Object(object) if !object.is_empty() => mapping(object, 0, &mut text),
        other => {
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
    text
}

/// The entries of an object. The first is at the end of the text; the others are indented.
fn mapping(object: &Map<String, Json>, indent: usize, text: &mut String) {
    for (index, (key, value)) in object.iter().enumerate() {
        if index > 0 {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        text.push_str(&string(key));
        text.push(':');
        match value {
            Json::Object(object) if !object.is_empty() => {
                text.push('\n');
                text.extend(std::iter::repeat_n(' ', indent + INDENT));
                mapping(object, indent + INDENT, text);
            }
            Json::Array(items) if !items.is_empty() => {
                text.push('\n');
                text.extend(std::iter::repeat_n(' ', indent + INDENT));
                sequence(items, indent + INDENT, text);
            }
            Json::String(lines) if is_block(lines) => block(lines, indent + INDENT, text),
            other => {
                text.push(' ');
                text.push_str(&scalar(other));
                text.push('\n');
            }
        }
    }
}

/// The items of an array. The first is at the end of the text; the others are indented.
fn sequence(items: &[Json], indent: usize, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        text.push_str("- ");
        match item {
            Json::Object(object) if !object.is_empty() => mapping(object, indent + INDENT, text),
            Json::Array(items) if !items.is_empty() => sequence(items, indent + INDENT, text),
            other => {
                text.push_str(&scalar(other));
                text.push('\n');
            }
        }
    }
}

/// Whether a text is readable as a block: several lines, without anything that a block would change.
fn is_block(text: &str) -> bool {
    let is_printable = |letter: char| letter == '\n' || (letter >= ' ' && letter != '\u{7f}' && letter <= '\u{7e}');
    let mut lines = text.split('\n');
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && text.chars().all(is_printable)
        && lines.all(|line| !line.ends_with(' '))
}

fn block(lines: &str, indent: usize, text: &mut String) {
    text.push_str(if lines.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
        if !line.is_empty() {
            text.extend(std::iter::repeat_n(' ', indent));
            text.push_str(line);
        }
        text.push('\n');
    }
}

fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => string(text),
        // Empty collections, numbers, booleans and null are the same in JSON.
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    // A JSON string is one of YAML, except for the characters after ASCII that YAML does not allow in a line.
    let quoted = Json::from(text).to_string();
    quoted
        .chars()
        .map(|letter| match letter {
            ' '..='\u{7e}' | '\u{a0}'..='\u{2027}' | '\u{2030}'..='\u{d7ff}' | '\u{10000}'.. => letter.to_string(),
            other => format!("\\u{:04x}", u32::from(other)),
        })
        .collect()
}

/// Whether a text is one without quotes: words that begin with a letter or a slash, and are no boolean, null or number.
fn is_plain(text: &str) -> bool {
    /// Of YAML 1.1, in any case. Source: YAML 1.1 type repository, "bool", "null" and "merge" (read 2026-12-01).
    const RESERVED: [&str; 9] = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-./:@$*%+".contains(letter);
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/')
        && text.chars().all(is_part)
        && !text.ends_with(':')
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::template::yaml;

    #[test]
    fn texts_are_quoted_where_yaml_would_read_something_else() {
        let document = json!({
            "Plain": ["blue.local", "AWS::ECS::Service", "/meshwright/demo"],
            "Quoted": ["on", "No", "0123", "22:22", "2012-10-17", "", "a b", "*", "key:", "~", "${A}", "é\u{2028}\u{85}"],
            "Others": [1, 1.5, true, null, {}, []],
            "Nested": [[1, {"A": {"B": "C"}, "D": []}], {"E": [{"F": "G"}]}],
            "Lines": "one\n  two\n\nthree: 3\n",
        });
        let expected = "\
Plain:
  - blue.local
  - AWS::ECS::Service
  - /meshwright/demo
Quoted:
  - \"on\"
  - \"No\"
  - \"0123\"
  - \"22:22\"
  - \"2012-10-17\"
  - \"\"
  - \"a b\"
  - \"*\"
  - \"key:\"
  - \"~\"
  - \"${A}\"
  - \"é\\u2028\\u0085\"
Others:
  - 1
  - 1.5
  - true
  - null
  - {}
  - []
Nested:
  - - 1
    - A:
        B: C
      D: []
  - E:
      - F: G
Lines: |
  one
    two

  three: 3
";
        assert_eq!(write(&document), expected);
    }

    fn json() -> impl Strategy<Value = Json> {
        let text = prop_oneof![
            "[ -~\n]{0,12}",
            any::<String>(),
            "(on|No|~|0x1|1e3|1_0|=|<<|-|- a|a: b|#a)"
        ];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            text.clone().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(text.clone(), inner, 0..4)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(document in prop::collection::btree_map("[A-Z][a-z]{0,6}", json(), 1..4)) {
            let document = Json::Object(document.into_iter().collect());
            let text = write(&document);
            let (read, _) = yaml::document(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            prop_assert_eq!(read, document, "{}", text);
        }
    }
}
