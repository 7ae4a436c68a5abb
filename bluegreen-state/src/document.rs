//! JSON documents of the state, compatible with the tools that used them before this crate.

mod consistency;
pub(crate) mod empty_object;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::phase::Rollout;
use crate::side::{Side, Weights};
use crate::state::State;

/// The value of the key `form` in documents with more than the three basic keys.
pub const FORMAT_VERSION: u64 = 1;

/// Length limit of a document quoted in an error, in characters.
const MAX_QUOTED: usize = 500;

/// Why a document was not read or not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The text is not a state document, or a damaged one.
    #[error("not a blue-green state document ({reason}); it was not changed: {found}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
        /// The document, truncated to 500 characters.
        found: String,
    },
    /// The document was written by a newer version of this crate.
    #[error(
        "state document has form {form}, supported up to {FORMAT_VERSION}: use the tool that wrote it, or a newer \
         version of this one; it was not changed: {found}"
    )]
    UnsupportedFormat {
        /// The value of its key `form`.
        form: u64,
        /// The document, truncated to 500 characters.
        found: String,
    },
    /// The versions cannot be written as JSON, or read back as different values.
    #[error("state cannot be stored, because its versions do not survive conversion to JSON: {reason}")]
    NotSerializable {
        /// What fails.
        reason: String,
    },
}

/// The current form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document<V> {
    next_update: Side,
    next_version: V,
    current_version: V,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    form: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<Weights>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<u64>,
    #[serde(rename = "unfinished", default, skip_serializing_if = "Option::is_none")]
    dirty_side: Option<Side>,
    // `default` without a path would make serde require `V: Default`.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    rollout: Option<Rollout<V>>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    last: Option<Outcome<V>>,
}

fn none<T>() -> Option<T> {
    None
}

/// The older form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OlderDocument<V> {
    next_update: Side,
    current_version: V,
    previous_version: V,
}

/// The keys that identify the form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatKeys {
    form: Option<u64>,
    next_version: Option<IgnoredAny>,
    previous_version: Option<IgnoredAny>,
}

impl<V: DeserializeOwned> State<V> {
    /// Reads a state document.
    ///
    /// # Document format
    ///
    /// The basic form has the version of each side: `nextVersion` is the version of the side named by `nextUpdate`,
    /// `currentVersion` that of the other side.
    ///
    /// ```json
    /// {"nextUpdate":"green","nextVersion":2,"currentVersion":1}
    /// ```
    ///
    /// Its weights are even. Everything else is added behind these three keys, so older readers still find them:
    /// `form` (1, the format version), `weights`, `request`, `unfinished`, `rollout` and `last`. During a rollout,
    /// `nextUpdate` is the side that is rolled out; during and after a rollback, it is the side that served before.
    /// An older tool therefore also puts the next version on the side without traffic. If such a tool rewrites the
    /// document in the basic form, the other keys are lost.
    ///
    /// A rollout has `times`: when it and its phase began, and when its controller was last seen. A document without them,
    /// of a rollout that an earlier version of this crate began, stays as it is. Earlier versions reject a document with
    /// `times`, and change nothing; they read the document again once the rollout has ended.
    ///
    /// The older form has `previousVersion`, and its `currentVersion` is the newer version. It is read like the basic
    /// form with both keys renamed, and written back in the basic form:
    ///
    /// ```json
    /// {"nextUpdate":"green","currentVersion":2,"previousVersion":1}
    /// ```
    ///
    /// Any other text is an error: a document with an unknown key, or with a rollout that contradicts the weights, is
    /// no basis for shifting traffic.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Invalid`] and [`DocumentError::UnsupportedFormat`]; both quote the document.
    pub fn from_json(text: &str) -> Result<Self, DocumentError> {
        let invalid = |reason: String| DocumentError::Invalid {
            reason,
            found: quote(text),
        };
        let json_error = |error: serde_json::Error| invalid(error.to_string());
        let keys: FormatKeys = serde_json::from_str(text).map_err(json_error)?;
        if let Some(form) = keys.form.filter(|form| *form != FORMAT_VERSION) {
            let found = quote(text);
            return Err(DocumentError::UnsupportedFormat { form, found });
        }
        if keys.previous_version.is_some() && keys.next_version.is_none() {
            let older: OlderDocument<V> = serde_json::from_str(text).map_err(json_error)?;
            return Ok(Self::from_versions(
                older.next_update,
                older.current_version,
                older.previous_version,
            ));
        }
        let document: Document<V> = serde_json::from_str(text).map_err(json_error)?;
        let state = Self {
            weights: document.weights.unwrap_or(Weights::EVEN),
            request: document.request.unwrap_or(0),
            dirty_side: document.dirty_side,
            rollout: document.rollout,
            last: document.last,
            ..Self::from_versions(document.next_update, document.next_version, document.current_version)
        };
        match consistency::contradiction(&state) {
            None => Ok(state),
            Some(contradiction) => Err(invalid(contradiction)),
        }
    }
}

impl<V: Serialize + DeserializeOwned + PartialEq + Clone> State<V> {
    /// Writes the [state document](Self::from_json) on one line; in the basic form where that is sufficient.
    ///
    /// # Errors
    ///
    /// [`DocumentError::NotSerializable`] if the document would not read back as this state.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        let not_serializable = |reason| DocumentError::NotSerializable { reason };
        let (next, current) = (self.version(self.target), self.version(self.target.other()));
        let mut document = Document {
            next_update: self.target,
            next_version: next.clone(),
            current_version: current.clone(),
            form: None,
            weights: Some(self.weights).filter(|weights| *weights != Weights::EVEN),
            request: Some(self.request).filter(|request| *request != 0),
            dirty_side: self.dirty_side,
            rollout: self.rollout.clone(),
            last: self.last.clone(),
        };
        // The other keys occur only after a first request.
        let is_basic = document.weights.is_none() && document.request.is_none();
        document.form = (!is_basic).then_some(FORMAT_VERSION);
        let text = serde_json::to_string(&document).map_err(|error| not_serializable(error.to_string()))?;
        match Self::from_json(&text) {
            Ok(read) if read == *self => Ok(text),
            Ok(_) => Err(not_serializable(format!(
                "it would read back as another state: {}",
                quote(&text)
            ))),
            Err(error) => Err(not_serializable(error.to_string())),
        }
    }
}

fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(MAX_QUOTED).flat_map(char::escape_debug).collect();
    // Escaped quotation marks would make JSON hard to read.
    quoted = quoted.replace("\\\"", "\"").replace("\\'", "'");
    let ellipsis = if text.chars().nth(MAX_QUOTED).is_some() {
        " …"
    } else {
        ""
    };
    format!("`{quoted}`{ellipsis}")
}

#[cfg(test)]
mod tests;
