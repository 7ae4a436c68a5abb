//! The rule for names of resources.
//!
//! App Mesh's model has a length and no pattern (`ResourceName` and `ServiceName` of the AWS SDK's service model, version
//! 2019-01-25, read 2026-11-23). A name is part of paths, ARNs, node ids and log lines, so three further kinds are
//! rejected: those of which [`ResourcePath::parse`](super::ResourcePath::parse) would not return the same path, and
//! those that would break a line.

use std::fmt;

use super::Kind;

/// Maximum number of characters.
const MAX_CHARACTERS: usize = 255;

/// A name that no resource can have, as the predicate of a sentence: ``is "a/b"; …``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName(String);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidName {}

impl Kind {
    /// Checks the name of a resource of this type.
    ///
    /// # Errors
    ///
    /// If it has not 1 to 255 characters, contains `/` or control characters, or is the name of a mesh and ends in the
    /// owner of a shared mesh, `@` and 12 digits.
    pub fn check_name(self, name: &str) -> Result<(), InvalidName> {
        let length = name.chars().count();
        if !(1..=MAX_CHARACTERS).contains(&length) {
            return Err(InvalidName(format!(
                "has {length} characters; allowed are 1 to {MAX_CHARACTERS}"
            )));
        }
        if name.contains(|c: char| c == '/' || c.is_control()) {
            return Err(InvalidName(format!(
                "is {name:?}; a name contains neither / nor control characters"
            )));
        }
        if self == Self::Mesh && split_owner(name).is_some() {
            return Err(InvalidName(format!(
                "is {name:?}; a mesh's name does not end in @ and 12 digits, the form of a mesh that an account shares"
            )));
        }
        Ok(())
    }
}

/// A mesh's name and the account that shares it, of `MESH@ACCOUNT`.
pub(super) fn split_owner(mesh: &str) -> Option<(&str, &str)> {
    let (name, owner) = mesh.rsplit_once('@')?;
    let is_account = owner.len() == 12 && owner.bytes().all(|digit| digit.is_ascii_digit());
    (is_account && !name.is_empty()).then_some((name, owner))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ResourcePath;
    use super::*;

    /// Names near the limits of the rule, most of them valid.
    fn names() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            8 => "[a-z0-9._-]{1,6}",
            4 => any::<char>().prop_map(String::from),
            4 => Just("@123456789012".to_owned()),
            1 => Just("mesh/".to_owned()),
            4 => Just("arn:".to_owned()),
            4 => Just("virtualNode".to_owned()),
        ];
        prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
    }

    fn paths() -> impl Strategy<Value = ResourcePath> {
        (prop::sample::select(Kind::ALL.to_vec()), names(), names(), names()).prop_map(|(kind, mesh, parent, name)| {
            match kind {
                Kind::Mesh => ResourcePath::of_mesh(&mesh),
                Kind::Route | Kind::GatewayRoute => ResourcePath::within(&mesh, &parent, kind, &name),
                _ => ResourcePath::new(&mesh, kind, &name),
            }
        })
    }

    proptest! {
        #[test]
        fn paths_of_accepted_names_are_read_as_they_are_written(path in paths()) {
            prop_assume!(path.check_names().is_ok());
            let text = path.to_string();
            prop_assert_eq!(ResourcePath::from_path(&text), Some(path.clone()));
            prop_assert_eq!(ResourcePath::parse(&text), Some(path.clone()));
            let arn = format!("arn:aws:appmesh:eu-west-1:111122223333:{text}");
            prop_assert_eq!(ResourcePath::parse(&arn), Some(path.clone()));
            prop_assert_eq!(ResourcePath::from_parameter(&path.to_parameter()), Some(path));
        }
    }

    #[test]
    fn names_are_rejected_with_the_reason() {
        let message = |kind: Kind, name: &str| kind.check_name(name).map_err(|error| error.to_string());
        for name in ["a", "a b.local", "ä@b", "@123456789012", &"n".repeat(255)] {
            assert_eq!(message(Kind::Mesh, name), Ok(()), "{name}");
        }
        let long = "n".repeat(256);
        for (name, reason) in [
            ("", "has 0 characters; allowed are 1 to 255"),
            (&long, "has 256 characters; allowed are 1 to 255"),
            ("a/b", "is \"a/b\"; a name contains neither"),
            ("a\n", "is \"a\\n\"; a name contains neither"),
            (
                "shop@123456789012",
                "is \"shop@123456789012\"; a mesh's name does not end in @",
            ),
        ] {
            let found = message(Kind::Mesh, name).expect_err(name);
            assert!(found.starts_with(reason), "{found}");
        }
        // Only a mesh has an owner.
        assert_eq!(message(Kind::VirtualNode, "shop@123456789012"), Ok(()));
    }
}
