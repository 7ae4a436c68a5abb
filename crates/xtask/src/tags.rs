//! The table of taggable resource types, for `crates/cfn/src/tags.rs`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::schemas::{Schema, Schemas};

/// Characters of a line, with the indentation and the backslash.
const WIDTH: usize = 118;

/// The table as Rust code: for each property and form, the types separated by spaces.
///
/// Types whose tags cannot change without a replacement are left out: a new tag would replace the resource.
pub(crate) fn generate(schemas: &Schemas) -> Result<String, String> {
    let mut groups: BTreeMap<(&'static str, String), Vec<&str>> = BTreeMap::new();
    for kind in schemas.kinds() {
        if let Some((form, property)) = tag_property(&schemas.schema(kind)?) {
            groups.entry((form, property)).or_default().push(kind);
        }
    }
    let mut code = format!(
        "//! Generated from the CloudFormation resource schemas of {} in cfn-lint by `cargo run -p xtask -- generate`.\n\
         //! Do not edit.\n\n\
         use super::TagForm;\n\n\
         /// Resource types by the form and the name of their tag property.\n\
         pub(super) static TAGGABLE: &[(TagForm, &str, &str)] = &[\n",
        schemas.date
    );
    for ((form, property), kinds) in groups {
        let _ = write!(code, "(TagForm::{form}, {property:?}, \"\\\n{}\"),\n", wrapped(&kinds));
    }
    code.push_str("];\n");
    Ok(code)
}

/// The form and the name of a type's tag property; `None` if it cannot be tagged, or in a form of its own.
fn tag_property(schema: &Schema) -> Option<(&'static str, String)> {
    let property = match schema.tagging() {
        // Older schemas do not say whether the type is taggable.
        None => "Tags",
        Some(tagging) if tagging.get("taggable").is_some_and(|taggable| taggable == false) => return None,
        Some(tagging) => tagging.get("tagProperty")?.as_str()?.strip_prefix("/properties/")?,
    };
    if !schema.resource().replacement(property).is_empty() {
        return None;
    }
    let resolved = schema.resolve(schema.property(property)?);
    let form = match resolved.get("type")?.as_str()? {
        "object" => "Map",
        "array" => match schema.resolve(resolved.get("items")?).get("properties")?.as_object()? {
            item if item.len() == 2 && item.contains_key("Key") && item.contains_key("Value") => "List",
            item if item.contains_key("PropagateAtLaunch") => "Propagated",
            _ => return None,
        },
        _ => return None,
    };
    Some((form, property.to_owned()))
}

/// The words in lines that end in a backslash. The compiler removes a line's end and its indentation, so the space before
/// the backslash separates the words.
fn wrapped(words: &[&str]) -> String {
    let mut lines = vec![String::new()];
    for word in words {
        let is_full = lines.last().is_some_and(|line| line.len() + word.len() + 10 > WIDTH);
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("         {line}")).collect();
    lines.join("\\\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn words_are_wrapped() {
        let words = ["AWS::Service::ResourceType"; 9];
        let text = wrapped(&words);
        assert!(text.lines().all(|line| line.len() <= 120), "{text}");
        assert_eq!(text.lines().count(), 3);
        assert_eq!(text.replace('\\', "").split_whitespace().count(), words.len());
    }
}
