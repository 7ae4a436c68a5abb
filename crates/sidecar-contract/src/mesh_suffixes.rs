//! Which host names belong to the mesh.

use std::fmt;

/// The suffixes that mark a host name as one of the mesh.
///
/// A name belongs to the mesh if it is one of the suffixes or ends in a dot and one of them: with the suffix
/// `serviceconnect`, both `serviceconnect` and `blue.serviceconnect` do and `blueserviceconnect` does not.
/// Case and one trailing dot make no difference, as in DNS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeshSuffixes(Vec<String>);

impl MeshSuffixes {
    /// Suffixes from names; leading and trailing dots are dropped, empty names are ignored.
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

    /// Suffixes from a list separated by commas, as in [`crate::environment::SUFFIXES`].
    #[must_use]
    pub fn from_list(list: &str) -> Self {
        Self::new(list.split(','))
    }

    /// True if `host` (a name without a port) is in the mesh. No suffix, no name.
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

    /// True if there is no suffix, and so no name in the mesh.
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
    fn a_name_belongs_by_whole_labels() {
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
