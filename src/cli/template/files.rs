//! Template files of one or several stacks, and the values of their parameters.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use app_mesh_migrate::SourceStack;
use clap::Args;
use mesh_infra::cfn::connect_stacks;
use mesh_infra::{Template, TemplateError};
use mesh_local::StackInput;

use crate::console::print_error;

#[derive(Debug, Args)]
pub(crate) struct TemplateFiles {
    /// CloudFormation template in JSON or YAML (repeatable, for stacks that import from each other)
    #[arg(long = "template", value_name = "FILE", required = true)]
    templates: Vec<PathBuf>,
    /// Value of a template parameter (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
}

/// Why a template file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateFileError {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The message has the position and the reason already.
    #[error("{}: {error}", path.display())]
    Parse { path: PathBuf, error: TemplateError },
}

/// The templates of the files.
pub(crate) struct Templates(Vec<Stack>);

struct Stack {
    name: String,
    template: Template,
    parameters: BTreeMap<String, String>,
}

impl TemplateFiles {
    /// Reads all files.
    pub(crate) fn read(&self) -> Result<Templates, TemplateFileError> {
        let mut templates: Vec<(String, Template)> = self
            .templates
            .iter()
            .map(|file| Ok((stack_name(file), read(file)?)))
            .collect::<Result<_, TemplateFileError>>()?;
        connect_stacks(templates.iter_mut().map(|(name, template)| (name.as_str(), template)));
        let parameters: Vec<_> = (0..templates.len())
            .map(|index| self.parameters_of(index, &templates))
            .collect();
        let stacks = templates.into_iter().zip(parameters);
        let stacks = stacks.map(|((name, template), parameters)| Stack {
            name,
            template,
            parameters,
        });
        Ok(Templates(stacks.collect()))
    }

    /// Reads all files as they are, for a migration: imports of one another stay parameters.
    pub(crate) fn read_sources(&self) -> Result<Vec<SourceStack>, TemplateFileError> {
        let templates: Vec<(String, Template)> = self
            .templates
            .iter()
            .map(|file| Ok((stack_name(file), read(file)?)))
            .collect::<Result<_, TemplateFileError>>()?;
        let parameters: Vec<_> = (0..templates.len())
            .map(|index| self.parameters_of(index, &templates))
            .collect();
        let stacks = templates.into_iter().zip(parameters);
        let sources = stacks.map(|((name, template), parameters)| SourceStack {
            name,
            template,
            parameters,
        });
        Ok(sources.collect())
    }

    /// The paths of the files.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.templates
    }

    /// The parameters that one of several templates declares. A parameter that no template declares goes to the first
    /// template, whose validation reports it.
    fn parameters_of(&self, index: usize, templates: &[(String, Template)]) -> BTreeMap<String, String> {
        let declares = |index: usize, name: &str| {
            let template = templates.get(index).map(|(_, template)| template);
            template.is_some_and(|template| template.parameters.contains_key(name))
        };
        let is_undeclared = |name: &str| (0..templates.len()).all(|index| !declares(index, name));
        let parameters = self.parameters.iter();
        parameters
            .filter(|(name, _)| declares(index, name) || (index == 0 && is_undeclared(name)))
            .cloned()
            .collect()
    }
}

impl Templates {
    pub(crate) fn stacks(&self) -> Vec<StackInput<'_>> {
        let stacks = self.0.iter();
        let stacks = stacks.map(|stack| StackInput {
            name: &stack.name,
            template: &stack.template,
            parameters: &stack.parameters,
        });
        stacks.collect()
    }
}

/// The name of a file's stack: the file name, in the characters of stack names.
pub(crate) fn stack_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    match stem.split('.').next() {
        Some(name) if !name.is_empty() => name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        _ => "stack".to_owned(),
    }
}

pub(crate) fn read(path: &Path) -> Result<Template, TemplateFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| TemplateFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    let (template, warnings) = Template::from_text_with_warnings(&text).map_err(|error| TemplateFileError::Parse {
        path: path.to_owned(),
        error,
    })?;
    for warning in warnings {
        print_error(&format!("warning: {}: {warning}", path.display()));
    }
    Ok(template)
}

pub(crate) fn parameter(text: &str) -> Result<(String, String), String> {
    pair(text).ok_or_else(|| "expected NAME=VALUE".to_owned())
}

/// Splits `NAME=VALUE`, with a name that is not empty.
pub(super) fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}
