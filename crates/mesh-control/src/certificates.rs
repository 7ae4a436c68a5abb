//! Certificates that the control plane sends to Envoys, in place of those that a mesh or a load balancer names.

use std::collections::BTreeMap;
use std::fmt;

/// Certificates by the name that is configured for them: the ARN in Certificate Manager, or the path of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// Certificate chains with their keys, by the ARN or the path of the chain.
    pub identities: BTreeMap<String, ServerCertificate>,
    /// Certificates of authorities, in PEM, by the ARN or the path of the bundle.
    pub authorities: BTreeMap<String, String>,
}

/// A certificate chain and its key, in PEM. `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerCertificate {
    /// The chain, the own certificate first.
    pub chain: String,
    /// The private key of the own certificate.
    pub key: String,
}

impl Certificates {
    /// The certificates of several authorities as one bundle. `None` if none of them is known.
    #[must_use]
    pub fn bundle<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
        let mut known: Vec<&str> = names
            .into_iter()
            .filter_map(|name| self.authorities.get(name))
            .map(String::as_str)
            .collect();
        known.dedup();
        (!known.is_empty()).then(|| known.concat())
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificate").finish_non_exhaustive()
    }
}
