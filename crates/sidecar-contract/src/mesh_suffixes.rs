//! Suffixes of the host names that belong to a mesh.

use std::fmt;

/// Suffixes of the host names that belong to a mesh.
///
/// A name belongs to the mesh if it equals a suffix or ends in a dot and a suffix: with the suffix `serviceconnect`,
/// `serviceconnect` and `blue.serviceconnect` belong to it and `blueserviceconnect` does not. Case and one trailing dot are
/// ignored, as in DNS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeshSuffixes(Vec<String>);

impl MeshSuffixes {
    /// Creates suffixes from names. Leading and trailing dots are removed, empty names are ignored.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut suffixes: Vec<String> = names
            .into_iter()
            .map(|name| name.as_ref().trim().trim_matches('.').to_ascii_lowercase())
            .filter(|name| !name.is_empty())
            .collect();
        suffixes.sort();
        suffixes.dedup();
        Self(suffixes)
    }

    /// Parses a comma-separated list, as in [`crate::environment::SUFFIXES`].
    #[must_use]
    pub fn from_list(list: &str) -> Self {
        Self::new(list.split(','))
    }

    /// True if `host`, a name without a port, belongs to the mesh. Without suffixes no name does.
    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.0.iter().any(|suffix| {
            host == *suffix
                || host
                    .strip_suffix(suffix.as_str())
                    .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        })
    }

    /// The suffixes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// True if there are no suffixes, so that no name belongs to the mesh.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for MeshSuffixes {
    /// The list that [`MeshSuffixes::from_list`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_match_whole_labels() {
        let suffixes = MeshSuffixes::from_list("serviceconnect, .appmesh.,");
        for name in ["blue.serviceconnect", "BLUE.appmesh.", "a.b.appmesh", "appmesh"] {
            assert!(suffixes.contains(name), "{name}");
        }
        for name in ["blueappmesh", "appmesh.example.com", "", ".", ".appmesh", "blue"] {
            assert!(!suffixes.contains(name), "{name}");
        }
        assert_eq!(suffixes.to_string(), "appmesh,serviceconnect");
        assert!(!MeshSuffixes::default().contains("blue.appmesh"));
    }
}
