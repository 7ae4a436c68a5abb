//! Assertions about templates, for tests.
//!
//! A failed assertion names the closest resource and all its differences.

use std::fmt;

use serde_json::Value as Json;

use crate::template::Template;

/// No resource has the expected properties.
///
/// `Debug` prints the same text as `Display`, so that `unwrap` in a test shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AssertionError {
    kind: String,
    closest: Option<Closest>,
}

#[derive(Clone, PartialEq, Eq)]
struct Closest {
    logical_id: String,
    differences: Vec<Difference>,
}

/// A difference between expected and actual properties.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The path, such as `Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets[0]`.
    pub path: String,
    /// The expected value.
    pub expected: Json,
    /// The actual value; `None` if absent.
    pub found: Option<Json>,
}

impl Template {
    /// Checks that a resource of type `kind` has at least these properties.
    ///
    /// Objects may have more keys than expected, at any depth. Lists must have the expected length; their items are
    /// compared by the same rule. Expressions are compared as they are written: `{"Ref": "Cluster"}`.
    ///
    /// # Errors
    ///
    /// The closest resource of that type with its differences, or that there is none of the type.
    pub fn has_resource(&self, kind: &str, properties: &Json) -> Result<(), AssertionError> {
        let closest = self
            .resources
            .iter()
            .filter(|(_, resource)| resource.kind == kind)
            .map(|(logical_id, resource)| {
                let mut differences = Vec::new();
                compare("Properties", properties, Some(&resource.properties), &mut differences);
                Closest {
                    logical_id: logical_id.clone(),
                    differences,
                }
            })
            .min_by_key(|candidate| candidate.differences.len());
        match closest {
            Some(closest) if closest.differences.is_empty() => Ok(()),
            closest => Err(AssertionError {
                kind: kind.to_owned(),
                closest,
            }),
        }
    }

    /// The number of resources of type `kind`.
    #[must_use]
    pub fn resource_count(&self, kind: &str) -> usize {
        self.resources.values().filter(|resource| resource.kind == kind).count()
    }
}

impl AssertionError {
    /// The logical id of the closest resource; `None` if there is none of the type.
    #[must_use]
    pub fn closest(&self) -> Option<&str> {
        self.closest.as_ref().map(|closest| closest.logical_id.as_str())
    }

    /// The differences of the closest resource.
    pub fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.closest.iter().flat_map(|closest| &closest.differences)
    }
}

fn compare(path: &str, expected: &Json, found: Option<&Json>, differences: &mut Vec<Difference>) {
    match (expected, found) {
        (Json::Object(expected), Some(Json::Object(found))) => {
            for (key, value) in expected {
                compare(&format!("{path}.{key}"), value, found.get(key), differences);
            }
        }
        (Json::Array(expected), Some(Json::Array(found))) if expected.len() == found.len() => {
            for (index, (value, item)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), value, Some(item), differences);
            }
        }
        (expected, Some(found)) if expected == found => {}
        (expected, found) => differences.push(Difference {
            path: path.to_owned(),
            expected: expected.clone(),
            found: found.cloned(),
        }),
    }
}

impl fmt::Display for AssertionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(closest) = &self.closest else {
            return write!(f, "the template has no {}", self.kind);
        };
        write!(f, "no {} matches; the closest is `{}`:", self.kind, closest.logical_id)?;
        for difference in &closest.differences {
            write!(f, "\n  {}: expected {}, found ", difference.path, difference.expected)?;
            match &difference.found {
                Some(found) => write!(f, "{found}")?,
                None => f.write_str("nothing")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for AssertionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for AssertionError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Resource;
    use serde_json::json;

    fn template() -> Template {
        let mut template = Template::default();
        for (id, count) in [("Green", 1), ("Blue", 2)] {
            let properties = json!({"DesiredCount": count, "Subnets": ["a", "b"], "Net": {"Public": true, "X": id}});
            template
                .resources
                .insert(id.to_owned(), Resource::new("AWS::ECS::Service", properties));
        }
        template
    }

    #[test]
    fn compares_the_expected_part_only() {
        let template = template();
        assert_eq!(template.resource_count("AWS::ECS::Service"), 2);
        template
            .has_resource(
                "AWS::ECS::Service",
                &json!({"DesiredCount": 2, "Net": {"Public": true}}),
            )
            .unwrap();
    }

    #[test]
    fn shows_the_closest_resource_with_its_differences() {
        let error = template()
            .has_resource(
                "AWS::ECS::Service",
                &json!({"DesiredCount": 2, "Subnets": ["a", "c"], "Net": {"Y": 1}}),
            )
            .unwrap_err();
        assert_eq!(error.closest(), Some("Blue"));
        assert_eq!(
            format!("{error:?}"),
            "no AWS::ECS::Service matches; the closest is `Blue`:\n  \
             Properties.Subnets[1]: expected \"c\", found \"b\"\n  \
             Properties.Net.Y: expected 1, found nothing"
        );
        let none = template().has_resource("AWS::SNS::Topic", &json!({})).unwrap_err();
        assert_eq!(none.to_string(), "the template has no AWS::SNS::Topic");
    }
}
