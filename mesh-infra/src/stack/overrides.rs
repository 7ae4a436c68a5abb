//! Property overrides, applied after all constructs were added.

use cfn::Template;
use serde_json::{Map, Value as Json};
use sidecar_contract::Diagnostics;

/// One property to set.
#[derive(Debug)]
pub(super) struct Override {
    logical_id: String,
    path: String,
    value: Json,
}

/// One step along a path.
#[derive(Debug, PartialEq)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Override {
    pub(super) fn new(logical_id: &str, path: &str, value: Json) -> Self {
        Self {
            logical_id: logical_id.to_owned(),
            path: path.to_owned(),
            value,
        }
    }

    pub(super) fn apply(&self, template: &mut Template, diagnostics: &mut Diagnostics) {
        let Some(resource) = template.resources.get_mut(&self.logical_id) else {
            let known: Vec<_> = template.resources.keys().map(|id| format!("`{id}`")).collect();
            diagnostics.add(
                format!("Resources.{}", self.logical_id),
                format!(
                    "is overridden but does not exist; the resources are {}",
                    known.join(", ")
                ),
            );
            return;
        };
        let result = match steps(&self.path) {
            Some(steps) => set(&mut resource.properties, &steps, &self.value),
            None => Err("is not a valid path; expected a path like A.B[0].C"),
        };
        if let Err(message) = result {
            diagnostics.add(
                format!("Resources.{}.Properties.{}", self.logical_id, self.path),
                message,
            );
        }
    }
}

fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (key, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        if key.is_empty() {
            return None;
        }
        steps.push(Step::Key(key));
        while !indices.is_empty() {
            let (index, rest) = indices.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            indices = rest;
        }
    }
    Some(steps)
}

fn set(json: &mut Json, steps: &[Step<'_>], value: &Json) -> Result<(), &'static str> {
    match (steps, json) {
        ([Step::Key(key)], Json::Object(object)) if value.is_null() => {
            object.shift_remove(*key);
            Ok(())
        }
        ([Step::Key(key), rest @ ..], Json::Object(object)) => {
            let next = object.entry(*key).or_insert_with(|| Json::Object(Map::new()));
            set(next, rest, value)
        }
        ([Step::Index(index), rest @ ..], Json::Array(items)) => match items.get_mut(*index) {
            Some(item) => set(item, rest, value),
            None => Err("has an index beyond the end of a list"),
        },
        ([], json) => {
            *json = value.clone();
            Ok(())
        }
        ([Step::Key(_), ..], _) => Err("has a key of a value that is not an object"),
        ([Step::Index(_), ..], _) => Err("has an index of a value that is not a list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_select_in_objects_and_lists() {
        let mut properties = json!({"A": [{"B": 1}], "Z": true});
        for (path, value) in [("A[0].B", json!(2)), ("C.D", json!("new")), ("Z", Json::Null)] {
            set(&mut properties, &steps(path).unwrap(), &value).unwrap();
        }
        assert_eq!(properties, json!({"A": [{"B": 2}], "C": {"D": "new"}}));
        for path in ["A.B", "A[1]", "A[0].B.C"] {
            assert!(
                set(&mut properties, &steps(path).unwrap(), &json!(1)).is_err(),
                "{path}"
            );
        }
    }

    #[test]
    fn invalid_paths_are_rejected() {
        for path in ["", "A..B", "A[x]", "A[0", "[0]", "A[0]B"] {
            assert_eq!(steps(path), None, "{path}");
        }
    }
}
