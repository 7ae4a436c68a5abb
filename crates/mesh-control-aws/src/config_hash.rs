//! The hash of a configuration: equal on all replicas that have read the same parameter versions. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::parameter::Parameter;

/// SHA-256 over the names and versions of a mesh's parameters, sorted by name, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigHash(String);

impl ConfigHash {
    /// The hash of these parameters, in any order.
    pub(crate) fn of(parameters: &[Parameter]) -> Self {
        let mut versions: Vec<(&str, i64)> = parameters
            .iter()
            .map(|parameter| (parameter.name.as_str(), parameter.version))
            .collect();
        versions.sort_unstable();
        let mut hash = Sha256::new();
        for (name, version) in versions {
            // Names have no line breaks, so different lists have different texts.
            hash.update(format!("{name} {version}\n"));
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(hex)
    }
}

impl fmt::Display for ConfigHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_hash(versions: &[(&str, i64)]) -> ConfigHash {
        let parameters: Vec<Parameter> = versions
            .iter()
            .map(|(name, version)| Parameter::text(name, *version, "{}"))
            .collect();
        ConfigHash::of(&parameters)
    }

    #[test]
    fn the_order_makes_no_difference_and_a_version_does() {
        let first = config_hash(&[("/meshwright/m", 1), ("/meshwright/m/virtualNode/a", 2)]);
        let other_order = config_hash(&[("/meshwright/m/virtualNode/a", 2), ("/meshwright/m", 1)]);
        assert_eq!(first, other_order);
        assert_ne!(
            first,
            config_hash(&[("/meshwright/m", 2), ("/meshwright/m/virtualNode/a", 2)])
        );
        assert_ne!(first, config_hash(&[("/meshwright/m", 1)]));
        // The format, pinned: replicas of other releases must agree.
        assert_eq!(
            config_hash(&[("/meshwright/m", 1)]).to_string(),
            "67e7c0a88bd95d304ff10153815a1e9cddf4d3bf8780ae741fb21ee91c264ef5"
        );
    }
}
