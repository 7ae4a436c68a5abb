//! Where logical ids come from.

use std::fmt;

use mesh_model::key_casing;

/// A logical id, and the stack in which it means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalId {
    pub(super) stack: String,
    pub(super) id: String,
}

impl LogicalId {
    /// The id as the template has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// The words of a given id, each with a capital: `blue-green_api` becomes `BlueGreenApi`. `None` when the id is
/// made of other letters, or of none.
pub(super) fn capitalised(given: &str) -> Option<String> {
    let separator = |c: char| matches!(c, '-' | '_' | '.' | ' ');
    if !given.chars().all(|c| c.is_ascii_alphanumeric() || separator(c)) {
        return None;
    }
    let id: String = given.split(separator).map(key_casing::pascal_case).collect();
    // CloudFormation allows 255 letters; the rest is room for `TaskDefinition` and its like.
    (1..=200).contains(&id.len()).then_some(id)
}

/// The stem that the ids of a construct begin with: the given id without the kind, so that neither `green` nor
/// `GreenService` ends up as `GreenServiceService`.
pub(super) fn stem<'a>(capitalised: &'a str, kind: &str) -> &'a str {
    capitalised.strip_suffix(kind).unwrap_or(capitalised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_words_with_capitals() {
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
    fn the_kind_is_not_said_twice() {
        assert_eq!(stem("Green", "Service"), "Green");
        assert_eq!(stem("GreenService", "Service"), "Green");
        assert_eq!(stem("Service", "Service"), "");
        assert_eq!(stem("Anything", ""), "Anything");
    }
}
