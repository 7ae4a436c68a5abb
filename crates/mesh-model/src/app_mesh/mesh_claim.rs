//! The claim of a mesh by another source than Parameter Store.
//!
//! A mesh is configured by parameters or by App Mesh's API, never by both. The parameter of the mesh decides which: a
//! server of the API that keeps its meshes elsewhere puts a claim there. It can do so only while no stack has created the
//! parameter, and a stack cannot create it afterwards.

use serde_json::{Value, json};

const KEY: &str = "claimedBy";

/// A document in place of the mesh's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshClaim {
    /// Where the mesh is, such as `the DynamoDB table meshwright`.
    pub claimed_by: String,
}

impl MeshClaim {
    /// Reads the text of a mesh's parameter. `None` if it is the spec of a mesh, or anything else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let claimed_by = document.get(KEY)?.as_str()?.to_owned();
        Some(Self { claimed_by })
    }

    /// The text of the mesh's parameter.
    #[must_use]
    pub fn to_text(&self) -> String {
        json!({ KEY: self.claimed_by }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_round_trip_and_specs_are_none() {
        let claim = MeshClaim {
            claimed_by: "the DynamoDB table \"m\"".to_owned(),
        };
        assert_eq!(MeshClaim::read(&claim.to_text()), Some(claim));
        for text in [
            "{}",
            r#"{"egressFilter":{"type":"ALLOW_ALL"}}"#,
            r#"{"claimedBy":1}"#,
            "[]",
            "{",
        ] {
            assert_eq!(MeshClaim::read(text), None, "{text}");
        }
    }
}
