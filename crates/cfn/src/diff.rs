//! Differences between two templates, for people.
//!
//! ```text
//! [~] AWS::ECS::TaskDefinition GreenTaskDefinition
//!     [~] Properties.ContainerDefinitions[0].Environment[1].Value: "1" → "2"
//! [+] AWS::SSM::Parameter State
//! ```

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value as Json;

use crate::template::Template;

/// The differences between two templates. `Display` lists the entries with their changed values.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Diff {
    /// In the order of the newer template; removed parts are last.
    pub entries: Vec<Entry>,
}

/// A part of a template that differs: a resource, a parameter, an output, or a whole section.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The section, such as `Resources`.
    pub section: String,
    /// Its logical id, or the section's name for a section without logical ids.
    pub logical_id: String,
    /// Its type, if it is a resource.
    pub kind: Option<String>,
    /// The change.
    pub change: Change,
}

/// A change of a part of a template.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// It is new.
    Added,
    /// It is removed.
    Removed,
    /// Values in it differ: path, old and new value; `None` if absent.
    Changed(Vec<(String, Option<Json>, Option<Json>)>),
}

/// The differences between two templates.
#[must_use]
pub fn diff(before: &Template, after: &Template) -> Diff {
    let (before, after) = (document(before), document(after));
    let mut entries = Vec::new();
    for (section, old, new) in both(&before, &after) {
        let parts = |section: Option<&Json>| section.is_none_or(Json::is_object);
        if !parts(old) || !parts(new) {
            entries.extend(entry(section, section, old, new));
            continue;
        }
        let nothing = Json::Object(serde_json::Map::new());
        for (id, old, new) in both(old.unwrap_or(&nothing), new.unwrap_or(&nothing)) {
            entries.extend(entry(section, id, old, new));
        }
    }
    Diff { entries }
}

impl Diff {
    /// True if the templates are equal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A template as a JSON document.
fn document(template: &Template) -> Json {
    serde_json::from_str(&template.to_json()).unwrap_or_default()
}

fn entry(section: &str, id: &str, old: Option<&Json>, new: Option<&Json>) -> Option<Entry> {
    let change = match (old, new) {
        (None, None) => return None,
        (None, Some(_)) => Change::Added,
        (Some(_), None) => Change::Removed,
        (Some(old), Some(new)) => {
            let mut changed = Vec::new();
            compare(String::new(), old, new, &mut changed);
            if changed.is_empty() {
                return None;
            }
            Change::Changed(changed)
        }
    };
    let kind = new.or(old).and_then(|part| part.get("Type")?.as_str());
    Some(Entry {
        section: section.to_owned(),
        logical_id: id.to_owned(),
        kind: kind.filter(|_| section == "Resources").map(str::to_owned),
        change,
    })
}

fn compare(path: String, old: &Json, new: &Json, changed: &mut Vec<(String, Option<Json>, Option<Json>)>) {
    match (old, new) {
        (Json::Object(_), Json::Object(_)) => {
            for (name, old, new) in both(old, new) {
                let path = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                compare_parts(path, old, new, changed);
            }
        }
        (Json::Array(before), Json::Array(after)) => {
            for index in 0..before.len().max(after.len()) {
                compare_parts(format!("{path}[{index}]"), before.get(index), after.get(index), changed);
            }
        }
        _ if old == new => {}
        _ => changed.push((path, Some(old.clone()), Some(new.clone()))),
    }
}

fn compare_parts(
    path: String,
    old: Option<&Json>,
    new: Option<&Json>,
    changed: &mut Vec<(String, Option<Json>, Option<Json>)>,
) {
    match (old, new) {
        (Some(old), Some(new)) => compare(path, old, new, changed),
        (None, None) => {}
        (old, new) => changed.push((path, old.cloned(), new.cloned())),
    }
}

/// The fields of two objects, in the order of the newer one; fields that only the older one has are last.
fn both<'a>(old: &'a Json, new: &'a Json) -> Vec<(&'a str, Option<&'a Json>, Option<&'a Json>)> {
    let names = |json: &'a Json| json.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let known: BTreeSet<&str> = names(new).collect();
    let gone = names(old).filter(|name| !known.contains(name));
    names(new)
        .chain(gone)
        .map(|name| (name, old.get(name), new.get(name)))
        .collect()
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| write!(f, "{entry}"))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, changed) = match &self.change {
            Change::Added => ('+', &[][..]),
            Change::Removed => ('-', &[][..]),
            Change::Changed(changed) => ('~', changed.as_slice()),
        };
        match &self.kind {
            Some(kind) => writeln!(f, "[{sign}] {kind} {}", self.logical_id)?,
            None if self.section == self.logical_id => writeln!(f, "[{sign}] {}", self.section)?,
            None => writeln!(f, "[{sign}] {} {}", self.section, self.logical_id)?,
        }
        for (path, old, new) in changed {
            match (old, new) {
                (Some(old), Some(new)) => writeln!(f, "    [~] {path}: {old} → {new}")?,
                (None, Some(new)) => writeln!(f, "    [+] {path}: {new}")?,
                (Some(old), None) => writeln!(f, "    [-] {path}: {old}")?,
                (None, None) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str) -> Template {
        Template::from_text(text).expect("a template")
    }

    const BEFORE: &str = "
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: app, ContainerDefinitions: [{Name: app, Image: a, Cpu: 1}]}
  Old: {Type: AWS::ECS::Cluster}
Outputs:
  Url: {Value: x}
";

    #[test]
    fn lists_paths_and_both_values() {
        let after = template(
            "
Description: new
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: app, ContainerDefinitions: [{Name: app, Image: b, Memory: 2}, {Name: c, Image: d}]}
  New: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: v}}
Outputs:
  Url: {Value: x}
",
        );
        let found = diff(&template(BEFORE), &after).to_string();
        let expected = "\
[+] Description
[~] AWS::ECS::TaskDefinition Task
    [~] Properties.ContainerDefinitions[0].Image: \"a\" → \"b\"
    [+] Properties.ContainerDefinitions[0].Memory: 2
    [-] Properties.ContainerDefinitions[0].Cpu: 1
    [+] Properties.ContainerDefinitions[1]: {\"Name\":\"c\",\"Image\":\"d\"}
[+] AWS::SSM::Parameter New
[-] AWS::ECS::Cluster Old
";
        assert_eq!(found, expected);
    }

    #[test]
    fn equal_templates_have_no_differences() {
        assert!(diff(&template(BEFORE), &template(BEFORE)).is_empty());
    }

    proptest! {
        #[test]
        fn there_is_a_difference_if_and_only_if_values_differ(old in any::<i8>(), new in any::<i8>(), depth in 0usize..4) {
            let nested = |value: i8| {
                let inner = (0..depth).fold(Json::from(value), |json, _| serde_json::json!({"a": [json]}));
                let document = serde_json::json!({"Resources": {"R": {"Type": "T", "Properties": {"P": inner}}}});
                template(&document.to_string())
            };
            prop_assert_eq!(diff(&nested(old), &nested(new)).is_empty(), old == new);
        }
    }
}
