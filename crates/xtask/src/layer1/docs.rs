//! Documentation of structs and fields.

use serde_json::Value as Json;

/// The width of code in this workspace, as in `rustfmt.toml`.
const WIDTH: usize = 120;

/// The selection's lines, else the first sentence of the schema's description. `None` if both are empty.
pub(super) fn text(selected: &[&str], description: Option<&str>) -> Option<String> {
    if selected.is_empty() {
        return description.map(first_sentence).filter(|sentence| !sentence.is_empty());
    }
    let mut text = String::new();
    for line in selected.iter().map(|line| line.trim()) {
        match line {
            "" => text.push_str("\n\n"),
            line if text.is_empty() || text.ends_with('\n') => text.push_str(line),
            line => {
                text.push(' ');
                text.push_str(line);
            }
        }
    }
    Some(text)
}

/// Allowed values of a property, or of its items: a sentence with a space before it. Empty if all are allowed.
pub(super) fn allowed(schema: &Json) -> String {
    let schema = schema.get("items").unwrap_or(schema);
    if let Some(values) = schema.get("enum").and_then(Json::as_array) {
        let values = values.iter().map(|value| match value {
            Json::String(text) => format!("`{text}`"),
            other => other.to_string(),
        });
        return format!(" Allowed: {}.", values.collect::<Vec<_>>().join(", "));
    }
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(minimum), Some(maximum)) => format!(" Allowed: {minimum} to {maximum}."),
        _ => String::new(),
    }
}

/// The documentation of `other`.
pub(super) fn other(properties: &[&str]) -> String {
    let names: Vec<String> = properties.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "Properties without a field here: none yet.".to_owned(),
        names => format!("Properties without a field here: {}.", names.join(", ")),
    }
}

/// The text as a documentation comment, wrapped at the workspace's width, at a level of indentation.
pub(super) fn comment(text: &str, level: usize) -> String {
    let width = WIDTH - 4 * level - "/// ".len();
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n") {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in words(paragraph) {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines
        .iter()
        .map(|line| format!("///{}{line}\n", if line.is_empty() { "" } else { " " }))
        .collect()
}

/// A sentence after a colon. Words with other capitals, such as `HTTP`, and code keep their case.
pub(super) fn lower_case_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if !second.is_ascii_uppercase() => first.to_lowercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}

/// The words of a paragraph; code that contains spaces is one word.
fn words(paragraph: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_code = false;
    for word in paragraph.split_whitespace() {
        match words.last_mut() {
            Some(last) if in_code => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        in_code ^= word.matches('`').count() % 2 == 1;
    }
    words
}

/// The first sentence of a description in the schema's markup: with code in double backticks, links, and names of
/// services as macros (`IAMlong`).
fn first_sentence(description: &str) -> String {
    let line = description.trim().lines().next().unwrap_or_default();
    let sentence = line.split_inclusive(". ").next().unwrap_or_default().trim();
    let mut text = sentence.replace("``", "`").replace("CFNlong", "CloudFormation");
    while let Some((before, rest)) = text.split_once("](") {
        let (before, rest) = (before.to_owned(), rest.to_owned());
        let after = rest.split_once(')').map_or("", |(_, after)| after);
        let label = before.rfind('[').map_or_else(
            || before.clone(),
            |start| format!("{}{}", &before[..start], &before[start + 1..]),
        );
        text = label + after;
    }
    let text = text.replace('[', "\\[").replace(']', "\\]");
    let words: Vec<&str> = text
        .split(' ')
        .map(|word| match word.strip_suffix("long") {
            Some(name) if !name.is_empty() && name.chars().all(|letter| letter.is_ascii_uppercase()) => name,
            _ => word,
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn descriptions_are_shortened() {
        for (description, sentence) in [
            ("The CPU architecture.\n You can run", "The CPU architecture."),
            ("The ``cpu`` units. More.", "The `cpu` units."),
            (
                "The IAMlong role, see [Roles](https://example.com/a).",
                "The IAM role, see Roles.",
            ),
            ("[HTTP] The path", "\\[HTTP\\] The path"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(description), sentence);
        }
    }

    #[test]
    fn values_are_listed() {
        assert_eq!(
            allowed(&json!({"type": "string", "enum": ["A", "B"]})),
            " Allowed: `A`, `B`."
        );
        assert_eq!(allowed(&json!({"items": {"enum": ["A"]}})), " Allowed: `A`.");
        assert_eq!(allowed(&json!({"minimum": 5, "maximum": 300})), " Allowed: 5 to 300.");
        assert_eq!(allowed(&json!({"minimum": -1})), "");
    }

    #[test]
    fn comments_are_wrapped() {
        let long = "word ".repeat(23) + "`code with spaces`";
        let comment = comment(&format!("First.\n\n{long}"), 1);
        let lines: Vec<&str> = comment.lines().collect();
        assert_eq!(lines[..2], ["/// First.", "///"]);
        assert_eq!(lines[3], "/// word `code with spaces`");
        assert!(lines.iter().all(|line| line.len() <= WIDTH - 4));
    }
}
