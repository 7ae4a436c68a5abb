//! The state as text: what other tools have read and written since before this crate, and what it adds.
//!
//! The plain form says which side carries what. The side named by `nextUpdate` carries `nextVersion`, the other
//! one `currentVersion`:
//!
//! ```json
//! {"nextUpdate":"green","nextVersion":2,"currentVersion":1}
//! ```
//!
//! Its traffic is divided evenly. What else there is to say is added after these three keys, where an older reader
//! finds what it always found: `form` (1, the number of this form), `weights`, `request`, `unfinished`, `rollout` and `last`. While
//! a rollout is under way, `nextUpdate` is the side it goes to; once it is taken back, or being taken back,
//! `nextUpdate` is the side that served before. So an older tool, too, puts the next version where nothing serves.
//! Should one rewrite the document in the plain form, the rest is forgotten.
//!
//! The older form has `previousVersion`, and its `currentVersion` is the newer one of the two. It reads as the plain
//! form does with both keys renamed, and is written as that form:
//!
//! ```json
//! {"nextUpdate":"green","currentVersion":2,"previousVersion":1}
//! ```
//!
//! Everything else is an error that quotes what was found: a document with a key that nobody knows, or with a
//! rollout that does not fit the weights, is no basis for moving traffic.

mod consistency;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::phase::Rollout;
use crate::side::{Side, Weights};
use crate::state::State;

/// The number of the form that this crate writes when it adds to the plain one.
pub const FORM: u64 = 1;

/// As much of a document as an error quotes, in characters.
const QUOTED: usize = 500;

/// Why a document was not read or not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is no state document, or a damaged one.
    #[error("this is no state of a blue-green deployment ({reason}), and it is left as it is: {found}")]
    Unknown {
        /// What is wrong with it.
        reason: String,
        /// What was found, up to its 500th character.
        found: String,
    },
    /// It has a form that this crate does not know, made by a newer one.
    #[error(
        "this state has form {form}, and forms up to {FORM} are understood here: use the tool that wrote it, or a \
         newer version of this one; it is left as it is: {found}"
    )]
    Newer {
        /// The number of its form.
        form: u64,
        /// What was found, up to its 500th character.
        found: String,
    },
    /// The versions cannot be written as JSON, or do not read back as what they were.
    #[error("this state cannot be stored, since its versions do not survive being written as JSON: {reason}")]
    Unwritable {
        /// What goes wrong with them.
        reason: String,
    },
}

/// The form that is written, and read if nothing says otherwise.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Form<V> {
    next_update: Side,
    next_version: V,
    current_version: V,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    form: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<Weights>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unfinished: Option<Side>,
    // Without this, serde would ask for a version that has a default.
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    rollout: Option<Rollout<V>>,
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    last: Option<Outcome<V>>,
}

fn nothing<T>() -> Option<T> {
    None
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OlderForm<V> {
    next_update: Side,
    current_version: V,
    previous_version: V,
}

/// What tells the forms apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signs {
    form: Option<u64>,
    next_version: Option<IgnoredAny>,
    previous_version: Option<IgnoredAny>,
}

/// Reads a document.
///
/// # Errors
///
/// [`DocumentError::Unknown`] and [`DocumentError::Newer`], both with what was found in them.
pub fn read<V: DeserializeOwned>(text: &str) -> Result<State<V>, DocumentError> {
    let unknown = |reason: String| DocumentError::Unknown {
        reason,
        found: quote(text),
    };
    let not_json = |error: serde_json::Error| unknown(error.to_string());
    let signs: Signs = serde_json::from_str(text).map_err(not_json)?;
    if let Some(form) = signs.form.filter(|form| *form != FORM) {
        let found = quote(text);
        return Err(DocumentError::Newer { form, found });
    }
    if signs.previous_version.is_some() && signs.next_version.is_none() {
        let older: OlderForm<V> = serde_json::from_str(text).map_err(not_json)?;
        return Ok(State::plain(
            older.next_update,
            older.current_version,
            older.previous_version,
        ));
    }
    let form: Form<V> = serde_json::from_str(text).map_err(not_json)?;
    let state = State {
        weights: form.weights.unwrap_or(Weights::EVEN),
        request: form.request.unwrap_or(0),
        unfinished: form.unfinished,
        rollout: form.rollout,
        last: form.last,
        ..State::plain(form.next_update, form.next_version, form.current_version)
    };
    match consistency::complaint(&state) {
        None => Ok(state),
        Some(complaint) => Err(unknown(complaint)),
    }
}

/// Writes a document: in the plain form if that says everything, on one line.
///
/// # Errors
///
/// [`DocumentError::Unwritable`] if what was written would not read back as this state.
pub fn write<V: Serialize + DeserializeOwned + PartialEq + Clone>(state: &State<V>) -> Result<String, DocumentError> {
    let unwritable = |reason| DocumentError::Unwritable { reason };
    let (next, current) = (state.version(state.target), state.version(state.target.other()));
    let mut form = Form {
        next_update: state.target,
        next_version: next.clone(),
        current_version: current.clone(),
        form: None,
        weights: Some(state.weights).filter(|weights| *weights != Weights::EVEN),
        request: Some(state.request).filter(|request| *request != 0),
        unfinished: state.unfinished,
        rollout: state.rollout.clone(),
        last: state.last.clone(),
    };
    // Nothing of the rest is without a request before it.
    let plain = form.weights.is_none() && form.request.is_none();
    form.form = (!plain).then_some(FORM);
    let text = serde_json::to_string(&form).map_err(|error| unwritable(error.to_string()))?;
    match read(&text) {
        Ok(read) if read == *state => Ok(text),
        Ok(_) => Err(unwritable(format!(
            "it would read back as something else: {}",
            quote(&text)
        ))),
        Err(error) => Err(unwritable(error.to_string())),
    }
}

fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    // The quotation marks of JSON would be hard to read if each had a backslash.
    quoted = quoted.replace("\\\"", "\"").replace("\\'", "'");
    let more = if text.chars().nth(QUOTED).is_some() { " …" } else { "" };
    format!("`{quoted}`{more}")
}

#[cfg(test)]
mod tests;
