//! Position in a document, and the diagnostics found so far.

use sidecar_contract::Diagnostics;

use crate::key_casing::KeyCasing;

/// Position in a document, and the diagnostics found so far.
#[derive(Debug)]
pub struct Cursor<'d> {
    casing: KeyCasing,
    path: String,
    diagnostics: &'d mut Diagnostics,
}

impl<'d> Cursor<'d> {
    pub(super) fn new(casing: KeyCasing, path: &str, diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            casing,
            path: path.to_owned(),
            diagnostics,
        }
    }

    /// The position of a field, specified in the API's casing: `listeners[0].healthCheck`.
    pub(super) fn at(&mut self, field: &str) -> Cursor<'_> {
        let path = field.split('.').fold(self.path.clone(), |path, part| {
            let (name, index) = part.split_at(part.find('[').unwrap_or(part.len()));
            join(&path, &(key(name, self.casing) + index))
        });
        Cursor {
            casing: self.casing,
            path,
            diagnostics: self.diagnostics,
        }
    }

    /// Adds a diagnostic at this position.
    pub(super) fn diagnostic(&mut self, message: impl Into<String>) {
        self.diagnostics.add(self.path.clone(), message);
    }
}

/// A field name as a key. CloudFormation capitalises, and writes abbreviations in capitals. Source: the CloudFormation
/// resource types `AWS::AppMesh::*` (read 2026-11-23).
pub(super) fn key(name: &str, casing: KeyCasing) -> String {
    match (casing, name) {
        (KeyCasing::Camel, _) => name.to_owned(),
        (KeyCasing::Pascal, "acm" | "dns" | "grpc" | "http" | "http2" | "sds" | "tcp" | "tls") => {
            name.to_ascii_uppercase()
        }
        (KeyCasing::Pascal, "awsCloudMap") => "AWSCloudMap".to_owned(),
        (KeyCasing::Pascal, _) => crate::key_casing::pascal_case(name),
    }
}

/// Appends a key to a path.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
