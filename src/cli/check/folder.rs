//! Finds the templates in folders.

use std::path::{Path, PathBuf};

use mesh_infra::Template;

use super::CheckError;
use crate::cli::error::CliError;
use crate::cli::template::{TemplateFile, TemplateFileError};

/// The largest template that CloudFormation accepts, in bytes.
const MAX_SIZE: u64 = 1024 * 1024;

/// The endings of template files.
const ENDINGS: [&str; 4] = ["json", "template", "yaml", "yml"];

/// Folders with files of tools.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

/// The files in folders.
pub(super) struct Folder {
    /// The templates, sorted by path.
    pub(super) templates: Vec<Candidate>,
    /// The number of other files.
    pub(super) others: usize,
}

/// A file with a template, or with what should be one.
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) file: Result<TemplateFile, TemplateFileError>,
}

/// Reads the templates among these files and in these folders. A given file must be a template; in a folder, a file is one
/// if it has an object `Resources`. Hidden files are left out, and links are not followed.
pub(super) fn find(given: &[PathBuf]) -> Result<Folder, CliError> {
    let mut folder = Folder {
        templates: Vec::new(),
        others: 0,
    };
    for path in given {
        if path.is_dir() {
            folder.add_folder(path)?;
        } else {
            let file = TemplateFile::read(path);
            folder.templates.push(Candidate {
                path: path.clone(),
                file,
            });
        }
    }
    folder.templates.sort_by(|a, b| a.path.cmp(&b.path));
    folder.templates.dedup_by(|a, b| a.path == b.path);
    if folder.templates.is_empty() {
        let given: Vec<String> = given.iter().map(|path| path.display().to_string()).collect();
        return Err(CliError::Check(CheckError::NoTemplate(given.join(", "))));
    }
    Ok(folder)
}

impl Folder {
    fn add_folder(&mut self, path: &Path) -> Result<(), TemplateFileError> {
        let mut pending = vec![path.to_owned()];
        while let Some(path) = pending.pop() {
            let failed = |source| TemplateFileError::Read {
                path: path.clone(),
                source,
            };
            for entry in path.read_dir().map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let kind = entry.file_type().map_err(failed)?;
                if name.starts_with('.') {
                    continue;
                }
                if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
                    pending.push(entry.path());
                } else if kind.is_file() {
                    let size = entry.metadata().map_err(failed)?.len();
                    let path = entry.path();
                    // As people write paths of the current folder.
                    let path = path.strip_prefix(".").unwrap_or(&path);
                    match candidate(path, size)? {
                        Some(candidate) => self.templates.push(candidate),
                        None => self.others += 1,
                    }
                }
            }
        }
        Ok(())
    }
}

/// The template in a file. `None` if it is another file.
fn candidate(path: &Path, size: u64) -> Result<Option<Candidate>, TemplateFileError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    if !ENDINGS.contains(&ending.as_ref()) || size > MAX_SIZE {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(|source| TemplateFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(None);
    };
    let is_template = match Template::document_from_text(&text) {
        Ok(document) => document.get("Resources").is_some_and(serde_json::Value::is_object),
        Err(_) => text.lines().any(begins_resources),
    };
    Ok(is_template.then(|| Candidate {
        path: path.to_owned(),
        file: TemplateFile::from_text(path, text),
    }))
}

/// Whether a line of a file that cannot be read begins a section `Resources`.
fn begins_resources(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '{']);
    line.starts_with("Resources:") || line.starts_with("\"Resources\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_recognized_by_their_resources() {
        let folder = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        write("b.yaml", "Resources: {C: {Type: AWS::ECS::Cluster}}");
        write("parts/a.template.json", r#"{"Resources": {}}"#);
        write("parts/broken.yml", "Parameters: {}\nResources: [");
        write(
            "parts/manifest.json",
            r#"{"version": "1", "artifacts": {"Resources": {}}}"#,
        );
        write("parts/k8s.yaml", "kind: A\n---\nkind: B");
        write("notes.md", "Resources: none");
        write("node_modules/x/t.yaml", "Resources: {}");
        write(".git/t.yaml", "Resources: {}");
        let found = find(&[folder.path().to_owned()]).unwrap_or_else(|error| panic!("{error}"));
        let names: Vec<String> = found
            .templates
            .iter()
            .map(|candidate| {
                let path = candidate.path.strip_prefix(folder.path()).expect("in the folder");
                format!("{} {}", path.display(), candidate.file.is_ok())
            })
            .collect();
        assert_eq!(
            names,
            ["b.yaml true", "parts/a.template.json true", "parts/broken.yml false"]
        );
        assert_eq!(found.others, 3);
    }
}
