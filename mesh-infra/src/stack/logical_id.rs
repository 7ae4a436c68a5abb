//! Logical ids.

use std::fmt;

use mesh_model::key_casing;

/// Between the stack and the logical id of a reference; neither contains it.
pub(crate) const SEPARATOR: char = '/';

/// A logical id and its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalId {
    pub(super) stack: String,
    pub(super) id: String,
}

impl LogicalId {
    /// The id in the template.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }

    /// The name of the stack.
    pub(crate) fn stack(&self) -> &str {
        &self.stack
    }

    /// The id in references from any stack of an app, which synthesis resolves: `network/Cluster`.
    #[must_use]
    pub(crate) fn qualified(&self) -> String {
        format!("{}{SEPARATOR}{}", self.stack, self.id)
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// The words of a given id, capitalized: `blue-green_api` becomes `BlueGreenApi`. `None` for an id with other
/// characters, or without any.
pub(super) fn capitalised(given: &str) -> Option<String> {
    let separator = |c: char| matches!(c, '-' | '_' | '.' | ' ');
    if !given.chars().all(|c| c.is_ascii_alphanumeric() || separator(c)) {
        return None;
    }
    let id: String = given.split(separator).map(key_casing::pascal_case).collect();
    // CloudFormation allows 255 characters; the rest is reserved for suffixes such as `TaskDefinition`.
    (1..=200).contains(&id.len()).then_some(id)
}

/// The stem of a construct's ids: the given id without the kind, so that neither `green` nor `GreenService` becomes
/// `GreenServiceService`.
pub(super) fn stem<'a>(capitalised: &'a str, kind: &str) -> &'a str {
    capitalised.strip_suffix(kind).unwrap_or(capitalised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_ids_are_capitalized() {
        for (given, id) in [
            ("green", "Green"),
            ("GreenService", "GreenService"),
            ("blue-green_api.v2 x", "BlueGreenApiV2X"),
            ("--a--", "A"),
        ] {
            assert_eq!(capitalised(given).as_deref(), Some(id), "{given}");
        }
        for given in ["", "--", "grün", "a/b", &"x".repeat(201)] {
            assert_eq!(capitalised(given), None, "{given}");
        }
    }

    #[test]
    fn stems_exclude_the_kind() {
        assert_eq!(stem("Green", "Service"), "Green");
        assert_eq!(stem("GreenService", "Service"), "Green");
        assert_eq!(stem("Service", "Service"), "");
        assert_eq!(stem("Anything", ""), "Anything");
    }
}
