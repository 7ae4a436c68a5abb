//! Host names that are valid in DNS.
//!
//! URLs may come from untrusted input. A valid name can be resolved, logged and written to a Host header. No I/O.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The longest name and the longest label that DNS allows (RFC 1035, section 2.3.4, without the root's dot).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host name: lower case, without a trailing dot. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct HostName(Arc<str>);

impl HostName {
    /// Parses a name; `Err` is the reason why it is invalid.
    ///
    /// Non-ASCII characters are not allowed: URL parsing has converted them to `xn--…`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('.').unwrap_or(text);
        // Names from URLs are already lower case, and each call has one: no allocation for them.
        let is_upper = name.bytes().any(|byte| byte.is_ascii_uppercase());
        let name = if is_upper {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(format!("has {} characters; allowed are 1 to {MAX_NAME}", name.len()));
        }
        for label in name.split('.') {
            if label.is_empty() {
                return Err("has an empty label: two dots in a row, or one at the start".to_owned());
            }
            if label.len() > MAX_LABEL {
                return Err(format!(
                    "has a label of {} characters; allowed are 1 to {MAX_LABEL}",
                    label.len()
                ));
            }
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        if let Some(invalid) = name.chars().find(|c| !allowed(*c)) {
            return Err(format!(
                "contains `{}`; allowed are a-z, 0-9, _ and -, in labels separated by dots",
                invalid.escape_debug()
            ));
        }
        Ok(Self(name.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_to_lower_case_without_a_trailing_dot() {
        for name in [
            "blue.appmesh",
            "Blue.AppMesh.",
            "a_b.c-d",
            "xn--bcher-kva.appmesh",
            "blue",
        ] {
            let expected = name.trim_end_matches('.').to_ascii_lowercase();
            assert_eq!(HostName::parse(name).unwrap().as_str(), expected);
        }
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(61));
        assert_eq!(longest.len(), 253);
        assert!(HostName::parse(&longest).is_ok());
    }

    #[test]
    fn invalid_names_are_rejected_with_a_reason() {
        for (name, why) in [
            ("", "has 0 characters"),
            (".", "has 0 characters"),
            ("blue..appmesh", "an empty label"),
            (".appmesh", "an empty label"),
            (&"a".repeat(64), "a label of 64 characters; allowed are 1 to 63"),
            (&"a.".repeat(128), "has 255 characters; allowed are 1 to 253"),
            ("bücher.appmesh", "contains `ü`"),
            ("blue\r\n.appmesh", "contains `\\r`"),
            ("*.appmesh", "contains `*`"),
            ("blue appmesh", "contains ` `"),
        ] {
            let error = HostName::parse(name).unwrap_err();
            assert!(error.contains(why), "{name}: {error}");
        }
    }
}
