//! Templates of nested stacks: local files.

use std::path::{Path, PathBuf};

use mesh_infra::cfn::closest;
use mesh_local::{NestedStackRequest, NestedTemplate};

use super::{Source, Sources, TemplateFile};

/// Finds the files of nested stacks' templates.
pub(super) struct NestedTemplates {
    /// Files by URL.
    urls: Vec<(String, String)>,
    sources: Sources,
}

impl NestedTemplates {
    pub(super) fn new(urls: Vec<(String, String)>, sources: Sources) -> Self {
        Self { urls, sources }
    }

    /// Reads the template of a nested stack.
    pub(super) fn find(&self, request: &NestedStackRequest<'_>) -> Result<NestedTemplate, String> {
        let path = self.file(request)?;
        let file = TemplateFile::read(&path).map_err(|error| crate::console::chain(&error))?;
        let id = path
            .canonicalize()
            .unwrap_or_else(|_| path.clone())
            .display()
            .to_string();
        let source = Source {
            path,
            text: file.text,
            warnings: file.warnings,
        };
        self.sources.borrow_mut().insert(request.name.to_owned(), source);
        Ok(NestedTemplate {
            template: file.template,
            id,
        })
    }

    /// The file: the one given for the URL; that beside the parent's for a path, or for a template that the CDK wrote
    /// beside it; for a URL, one with the end of its path.
    fn file(&self, request: &NestedStackRequest<'_>) -> Result<PathBuf, String> {
        let given = request
            .url
            .and_then(|url| self.urls.iter().find(|(known, _)| known == url));
        if let Some((_, file)) = given {
            return Ok(PathBuf::from(file));
        }
        let parent = self
            .sources
            .borrow()
            .get(request.parent)
            .map(|source| source.path.clone());
        let directory = parent
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
            .to_owned();
        if let Some(asset) = request
            .asset_path
            .map(|asset| directory.join(asset))
            .filter(|file| file.is_file())
        {
            return Ok(asset);
        }
        let Some(url) = request.url else {
            return Err("is known only on AWS; give the template with --template-url URL=FILE".to_owned());
        };
        let Some((_, rest)) = url.split_once("://").filter(|(scheme, _)| *scheme != "file") else {
            let path = directory.join(url.strip_prefix("file://").unwrap_or(url));
            return if path.is_file() { Ok(path) } else { Err(missing(&path)) };
        };
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).filter(|segment| !segment.is_empty()).collect();
        let is_plain = segments.iter().all(|segment| !matches!(*segment, "." | ".."));
        let ends = (0..segments.len())
            .filter(|_| is_plain)
            .map(|first| segments[first..].join("/"));
        let found = ends.map(|end| directory.join(end)).find(|file| file.is_file());
        found.ok_or_else(|| {
            let known = closest(url, self.urls.iter().map(|(known, _)| known.as_str()));
            let hint = known.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            format!("no local file for `{url}`; give one with --template-url '{url}=FILE'{hint}")
        })
    }
}

/// The error for a file that does not exist, with the most similar one beside it.
fn missing(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let entries = path.parent().map(|parent| {
        if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        }
    });
    let entries = entries.and_then(|parent| std::fs::read_dir(parent).ok());
    let names: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let meant = closest(&name, names.iter().map(String::as_str));
    let hint = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    format!("there is no file {}{hint}", path.display())
}
