//! The files of one or several stacks, and the values of their parameters, as the command line names them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use mesh_infra::Template;
use mesh_local::StackInput;

use crate::console::tell;

#[derive(Debug, Args)]
pub(crate) struct TemplateFiles {
    /// A CloudFormation template in JSON or YAML; may be repeated for stacks that import from each other.
    #[arg(long = "template", value_name = "FILE", required = true)]
    templates: Vec<PathBuf>,
    /// The value of a template parameter; may be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
}

/// The files' content.
pub(crate) struct TemplateStacks(Vec<TemplateStack>);

struct TemplateStack {
    name: String,
    template: Template,
    parameters: BTreeMap<String, String>,
}

impl TemplateFiles {
    /// Reads all files.
    pub(crate) fn read(&self) -> Result<TemplateStacks, String> {
        let read: Vec<(String, Template)> = self
            .templates
            .iter()
            .map(|file| Ok((stack_name(file), read(file)?)))
            .collect::<Result<_, String>>()?;
        let parameters: Vec<_> = (0..read.len()).map(|index| self.parameters_of(index, &read)).collect();
        let stacks = read.into_iter().zip(parameters);
        let stacks = stacks.map(|((name, template), parameters)| TemplateStack {
            name,
            template,
            parameters,
        });
        Ok(TemplateStacks(stacks.collect()))
    }

    /// What tells a changed file from one that is as it was.
    pub(super) fn stamps(&self) -> Vec<Option<(SystemTime, u64)>> {
        let stamp = |file: &PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        self.templates.iter().map(stamp).collect()
    }

    /// The parameters for one of several templates: those it has. One that no template has goes to the first, which
    /// will say so.
    fn parameters_of(&self, index: usize, read: &[(String, Template)]) -> BTreeMap<String, String> {
        let has = |index: usize, name: &str| {
            let template = read.get(index).map(|(_, template)| template);
            template.is_some_and(|template| template.parameters.contains_key(name))
        };
        let nobody_has = |name: &str| (0..read.len()).all(|index| !has(index, name));
        let given = self.parameters.iter();
        given
            .filter(|(name, _)| has(index, name) || (index == 0 && nobody_has(name)))
            .cloned()
            .collect()
    }
}

impl TemplateStacks {
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

/// A stack is named after its file, in the characters that a stack's name may have.
fn stack_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    match stem.split('.').next() {
        Some(name) if !name.is_empty() => name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        _ => "stack".to_owned(),
    }
}

pub(super) fn read(path: &Path) -> Result<Template, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let (template, warnings) =
        Template::from_text_with_warnings(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for warning in warnings {
        tell(&format!("warning: {}: {warning}", path.display()));
    }
    Ok(template)
}

pub(crate) fn parameter(text: &str) -> Result<(String, String), String> {
    super::pair(text).ok_or_else(|| "expected NAME=VALUE".to_owned())
}
