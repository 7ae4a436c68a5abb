//! The manifest of a view: its resources by hash, signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use xds_server::ResourceType;

use crate::keys::{PublicKey, SigningKey};
use crate::view_key::ViewKey;

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// The resources of one view, at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The node id, for people.
    pub node_id: String,
    /// The view. A manifest in the place of another one is rejected.
    pub view: String,
    /// When an Envoy had accepted it, in milliseconds since 1970.
    pub accepted_ms: u64,
    /// The resources, sorted by type and name.
    pub resources: Vec<Entry>,
}

/// One resource of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The type: `cluster`, `endpoints`, `listener` or `routes`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of the resource.
    pub name: String,
    /// The SHA-256 of its message, in hexadecimal digits.
    pub sha256: String,
    /// True for a cluster that is discovered on demand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_demand: bool,
}

/// A manifest as it is stored: the signature is over the text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    manifest: String,
    /// In Base64.
    signature: String,
}

/// A stored manifest that is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is cut off or no JSON of this shape.
    #[error("it is truncated or corrupt: {0}")]
    Corrupt(String),
    /// Its signature is not that of the key.
    #[error("its signature does not belong to the public key")]
    Forged,
    /// It has another format.
    #[error("its format is {0}; this version reads format {FORMAT}")]
    Format(u32),
    /// It is of another view.
    #[error("it is the manifest of another node, {0}")]
    OtherView(String),
}

impl Manifest {
    /// The bytes to store.
    ///
    /// # Errors
    ///
    /// Never in practice: if serialization fails.
    pub fn sign(&self, key: &SigningKey) -> serde_json::Result<Vec<u8>> {
        let manifest = serde_json::to_string(self)?;
        let signature = STANDARD.encode(key.sign(manifest.as_bytes()));
        serde_json::to_vec(&Signed { manifest, signature })
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    ///
    /// If they are not the manifest of this view, signed by the key.
    pub fn verify(bytes: &[u8], key: &PublicKey, view: &ViewKey) -> Result<Self, ManifestError> {
        let corrupt = |error: serde_json::Error| ManifestError::Corrupt(error.to_string());
        let Signed { manifest, signature } = serde_json::from_slice(bytes).map_err(corrupt)?;
        let signature = STANDARD.decode(signature).map_err(|_| ManifestError::Forged)?;
        if !key.verifies(manifest.as_bytes(), &signature) {
            return Err(ManifestError::Forged);
        }
        let head: Head = serde_json::from_str(&manifest).map_err(corrupt)?;
        if head.format != FORMAT {
            return Err(ManifestError::Format(head.format));
        }
        let manifest: Self = serde_json::from_str(&manifest).map_err(corrupt)?;
        if manifest.view != view.as_str() {
            return Err(ManifestError::OtherView(manifest.node_id));
        }
        Ok(manifest)
    }
}

/// What every format has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Entry {
    /// Its type; `None` for one that this version does not serve.
    #[must_use]
    pub fn resource_type(&self) -> Option<ResourceType> {
        let types = ResourceType::IN_ORDER.iter().copied();
        types.into_iter().find(|kind| kind.to_string() == self.kind)
    }
}
