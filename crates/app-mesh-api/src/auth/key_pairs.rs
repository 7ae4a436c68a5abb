//! The key pairs of a server, from a file or a secret.
//!
//! ```json
//! {
//!   "keys": [
//!     {
//!       "accessKeyId": "MESHREADER",
//!       "secretAccessKey": "WlV0VkXkqDxw5YuS8tQSt7TUdbvHFQyJ8TmYFVg3",
//!       "access": "read-only",
//!       "meshes": ["shop"]
//!     }
//!   ]
//! }
//! ```
//!
//! `access` is `read-only` or `read-write`. Without `meshes`, a key may use all. Clients use a pair as they use AWS's:
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`. `openssl rand -base64 30` makes a secret.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use sigv4_verify::{AccessKey, Secret};
use zeroize::Zeroizing;

use crate::caller::{Access, Caller, Origin};

/// Who holds a signed request can try secrets against it without asking the server, so secrets have to be long. AWS's
/// have 40 characters.
const MIN_SECRET: usize = 32;
/// As AWS's limit for access key ids.
const MAX_ID: usize = 128;
/// Far above any number of keys; a larger file is another one.
const MAX_FILE: u64 = 1024 * 1024;

/// A key and what it may do.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The key that signs.
    pub key: AccessKey,
    /// The caller that it stands for. Its name is the access key id.
    pub caller: Caller,
}

/// The key pairs of a server: at least one, with distinct ids.
#[derive(Debug, Clone)]
pub struct KeyPairs {
    pairs: Vec<KeyPair>,
}

/// Why there are no key pairs. The message never has a part of a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyPairsError {
    /// The file cannot be read.
    #[error("cannot read the key file {}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Other users of the machine can read it.
    #[error(
        "the key file {file} can be used by other users (mode {mode:04o}); make it private: chmod 600 {file}",
        file = file.display()
    )]
    NotPrivate {
        /// The file.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is a directory.
    #[error("the key file {} is a directory; give a file in it", file.display())]
    Directory {
        /// The directory.
        file: PathBuf,
    },
    /// The document is not a list of key pairs.
    #[error("{source_name} is not a valid list of key pairs: {problem}")]
    Invalid {
        /// The file, or the secret.
        source_name: String,
        /// The field and what is expected of it.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    access_key_id: String,
    #[serde(deserialize_with = "secret")]
    secret_access_key: (Secret, usize),
    access: AccessName,
    meshes: Option<BTreeSet<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AccessName {
    ReadOnly,
    ReadWrite,
}

/// A secret and its length. The text is moved, not copied.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Secret, usize), D::Error> {
    let text = String::deserialize(deserializer)?;
    let length = text.chars().count();
    Ok((Secret::new(text), length))
}

impl KeyPairs {
    /// Reads a key file. On Unix it must be private: without permissions for group and others.
    ///
    /// # Errors
    ///
    /// [`KeyPairsError`].
    pub fn read(path: &Path) -> Result<Self, KeyPairsError> {
        Self::parse(&source_name(path), &read_file(path)?)
    }

    /// Reads the document of a key file. `source_name` stands in errors for where it is from.
    ///
    /// # Errors
    ///
    /// [`KeyPairsError::Invalid`].
    pub fn parse(source_name: &str, json: &[u8]) -> Result<Self, KeyPairsError> {
        let invalid = |problem| KeyPairsError::Invalid {
            source_name: source_name.to_owned(),
            problem,
        };
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let document: Document = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| invalid(problem(&error.path().to_string(), error.inner())))?;
        deserializer.end().map_err(|error| invalid(problem(".", &error)))?;
        if document.keys.is_empty() {
            return Err(invalid(
                "`keys` is empty; a server with authentication needs one key".to_owned(),
            ));
        }
        let mut ids = BTreeSet::new();
        let mut pairs = Vec::new();
        for (at, entry) in document.keys.into_iter().enumerate() {
            let pair = entry
                .check()
                .map_err(|(field, problem)| invalid(format!("keys[{at}].{field} {problem}")))?;
            if !ids.insert(pair.caller.name.clone()) {
                return Err(invalid(format!(
                    "keys[{at}].accessKeyId `{}` is there twice",
                    pair.caller.name
                )));
            }
            pairs.push(pair);
        }
        Ok(Self { pairs })
    }

    /// The pairs, in the order of the document.
    #[must_use]
    pub fn pairs(&self) -> &[KeyPair] {
        &self.pairs
    }
}

fn source_name(path: &Path) -> String {
    format!("the key file {}", path.display())
}

/// The text of a key file, which must be private.
pub(super) fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyPairsError> {
    let io = |source| KeyPairsError::Io {
        file: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    check_private(path, &file).map_err(|error| error.unwrap_or_else(io))?;
    let mut text = Zeroizing::new(Vec::new());
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(io)?;
    if text.len() as u64 > MAX_FILE {
        return Err(KeyPairsError::Invalid {
            source_name: source_name(path),
            problem: format!("it has more than {MAX_FILE} bytes"),
        });
    }
    Ok(text)
}

impl Entry {
    fn check(self) -> Result<KeyPair, (&'static str, String)> {
        let id = self.access_key_id;
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if id.is_empty() || id.len() > MAX_ID || !id.chars().all(is_id) {
            // Not repeated: it may be a secret in the wrong field.
            let problem = format!("must be 1 to {MAX_ID} letters, digits, `_` and `-`");
            return Err(("accessKeyId", problem));
        }
        let (secret, length) = self.secret_access_key;
        if length < MIN_SECRET {
            let problem = format!(
                "of `{id}` has {length} characters; use at least {MIN_SECRET}, such as the output of `openssl rand -base64 30`"
            );
            return Err(("secretAccessKey", problem));
        }
        if self.meshes.as_ref().is_some_and(BTreeSet::is_empty) {
            let problem = format!("of `{id}` is empty; name meshes, or leave it out for all meshes");
            return Err(("meshes", problem));
        }
        Ok(KeyPair {
            key: AccessKey::new(&id, secret),
            caller: Caller {
                name: id,
                access: match self.access {
                    AccessName::ReadOnly => Access::ReadOnly,
                    AccessName::ReadWrite => Access::ReadWrite,
                },
                meshes: self.meshes,
                origin: Origin::default(),
            },
        })
    }
}

/// The parser's error without values of the document, among which are secrets.
fn problem(path: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if !error.is_data() {
        return format!("it is not JSON (line {line}, column {column})");
    }
    let message = error.to_string();
    // These name fields only.
    let names_fields = ["missing field", "unknown field", "duplicate field"];
    let what = match names_fields.iter().any(|start| message.starts_with(start)) {
        true => message.split(" at line").next().unwrap_or_default().to_owned(),
        false if path == "." => "must be an object with the list `keys`".to_owned(),
        false if path.ends_with("access") => "must be `read-only` or `read-write`".to_owned(),
        false => "has a value of the wrong type".to_owned(),
    };
    format!("`{path}`: {what} (line {line}, column {column})")
}

/// `Err(Ok(_))` if it is not private, `Err(Err(_))` if that cannot be found out.
#[cfg(unix)]
fn check_private(path: &Path, file: &File) -> Result<(), Result<KeyPairsError, io::Error>> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file.metadata().map_err(Err)?;
    if metadata.is_dir() {
        return Err(Ok(KeyPairsError::Directory { file: path.to_owned() }));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Ok(KeyPairsError::NotPrivate {
        file: path.to_owned(),
        mode,
    }))
}

#[cfg(not(unix))]
fn check_private(_path: &Path, _file: &File) -> Result<(), Result<KeyPairsError, io::Error>> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "WlV0VkXkqDxw5YuS8tQSt7TUdbvHFQyJ8TmYFVg3";

    fn parse(json: &str) -> Result<KeyPairs, String> {
        KeyPairs::parse("the document", json.as_bytes()).map_err(|error| error.to_string())
    }

    fn one(fields: &str) -> String {
        format!(r#"{{"keys": [{{{fields}}}]}}"#)
    }

    #[test]
    fn access_and_meshes_are_read() {
        let json = format!(
            r#"{{"keys": [
                {{"accessKeyId": "A", "secretAccessKey": "{SECRET}", "access": "read-only", "meshes": ["m", "n"]}},
                {{"accessKeyId": "B", "secretAccessKey": "{SECRET}", "access": "read-write"}}
            ]}}"#
        );
        let pairs = parse(&json).unwrap();
        let [reader, writer] = pairs.pairs() else {
            panic!("two pairs")
        };
        assert_eq!((reader.key.id(), reader.caller.access), ("A", Access::ReadOnly));
        assert!(reader.caller.may_use_mesh("n") && !reader.caller.may_use_mesh("o"));
        assert_eq!(writer.caller, Caller::unrestricted("B"));
        assert!(!format!("{pairs:?}").contains(SECRET));
    }

    #[test]
    fn errors_name_the_field_and_no_secret() {
        let good = format!(r#""accessKeyId": "A", "secretAccessKey": "{SECRET}", "access": "read-only""#);
        for (json, expected) in [
            ("{".to_owned(), "not JSON (line 1, column 1)"),
            (format!("{}]", one(&good)), "not JSON"),
            (r#"{"keys": []}"#.to_owned(), "`keys` is empty"),
            ("[]".to_owned(), "`.`: must be an object with the list `keys`"),
            (
                format!(r#"{{"keys": "{SECRET}"}}"#),
                "`keys`: has a value of the wrong type",
            ),
            (
                one(&good.replace("\"access\": \"read-only\"", "\"other\": 1")),
                "unknown field `other`",
            ),
            (one(r#""accessKeyId": "A""#), "missing field `secretAccessKey`"),
            (
                one(&good.replace("read-only", SECRET)),
                "must be `read-only` or `read-write`",
            ),
            (
                one(&good.replace(&format!("\"{SECRET}\""), "12345678")),
                "keys[0].secretAccessKey`: has a value of the",
            ),
            (
                one(&good.replace(SECRET, "short-secret")),
                "keys[0].secretAccessKey of `A` has 12 characters",
            ),
            (
                one(&good.replace("\"A\"", &format!("\"{SECRET}/\""))),
                "keys[0].accessKeyId must be",
            ),
            (
                one(&format!("{good}, \"meshes\": []")),
                "keys[0].meshes of `A` is empty",
            ),
            (
                format!(r#"{{"keys": [{{{good}}}, {{{good}}}]}}"#),
                "keys[1].accessKeyId `A` is there twice",
            ),
        ] {
            let message = parse(&json).unwrap_err();
            assert!(message.contains(expected), "{json}: {message}");
            for secret in [SECRET, "12345678", "short-secret"] {
                assert!(!message.contains(secret), "{message}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_rejected() {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.json");
        let json = one(&format!(
            r#""accessKeyId": "A", "secretAccessKey": "{SECRET}", "access": "read-only""#
        ));
        fs::write(&file, json).unwrap();
        for (mode, is_private) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o620, false),
        ] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            match KeyPairs::read(&file) {
                Ok(pairs) => assert!(is_private && pairs.pairs().len() == 1, "{mode:o}"),
                Err(error) => {
                    let message = error.to_string();
                    assert!(!is_private && message.contains(&format!("{mode:04o}")), "{message}");
                    assert!(message.contains("chmod 600"), "{message}");
                }
            }
        }
        let directory = KeyPairs::read(dir.path()).unwrap_err();
        assert!(
            directory.to_string().ends_with("is a directory; give a file in it"),
            "{directory}"
        );
        let missing = KeyPairs::read(&dir.path().join("none")).unwrap_err();
        assert!(matches!(missing, KeyPairsError::Io { .. }), "{missing}");
    }
}
