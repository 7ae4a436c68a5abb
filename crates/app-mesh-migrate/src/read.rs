//! Sources of meshes. Nothing in them is left out silently: what a mesh does not contain is an error or a note.

pub(crate) mod dumps;
mod templates;
mod terraform;

pub use dumps::read_dumps;
pub use templates::read_templates;
pub use terraform::read_terraform;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use sidecar_contract::{Diagnostics, ValidationErrors};

/// A text of JSON with its place for errors, such as the name of its file.
#[derive(Debug, Clone)]
pub struct JsonText {
    /// The place.
    pub location: String,
    /// The text.
    pub text: String,
}

/// Parses all texts.
fn parse(texts: &[JsonText]) -> Result<Vec<(&str, Json)>, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    let mut documents = Vec::new();
    for JsonText { location, text } in texts {
        match serde_json::from_str(text) {
            Ok(document) => documents.push((location.as_str(), document)),
            Err(error) => diagnostics.add(location.as_str(), format!("is not JSON: {error}")),
        }
    }
    diagnostics.into_result(documents)
}

/// An object of texts: tags.
fn texts(object: &Map<String, Json>) -> Option<BTreeMap<String, String>> {
    let pairs = object
        .iter()
        .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    pairs.collect()
}
