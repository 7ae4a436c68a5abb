//! Template files of one or several stacks, and what CloudFormation would know of them: names, parameters, region,
//! account, templates of nested stacks, and values that only AWS has.

mod nested;
mod parameter_file;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use app_mesh_migrate::SourceStack;
use clap::{Args, ValueEnum};
use mesh_infra::cfn::{Positions, closest, connect_stacks};
use mesh_infra::{Template, TemplateError};
use mesh_local::{Region, StackEnvironment, StackInput, Values};
use serde_json::Value as Json;
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

use self::nested::NestedTemplates;
use crate::console::print_error;

#[derive(Debug, Args)]
pub(crate) struct TemplateFiles {
    /// CloudFormation template in JSON or YAML (repeatable, for stacks that import from each other)
    #[arg(long = "template", value_name = "FILE", required = true)]
    templates: Vec<PathBuf>,
    /// Value of a template parameter, in all stacks that have it or in one (repeatable)
    #[arg(long = "parameter", value_name = "[STACK.]NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// File with parameter values, for all stacks or for one: a list of ParameterKey and ParameterValue, or an object with
    /// Parameters (repeatable)
    #[arg(long = "parameters", value_name = "[STACK=]FILE")]
    parameter_files: Vec<String>,
    /// Name of a template's stack (repeatable). Default: the name of the file
    #[arg(long = "stack-name", value_name = "FILE=NAME", value_parser = last_pair)]
    stack_names: Vec<(String, String)>,
    /// AWS region of the stacks. Default: local
    #[arg(long, value_parser = region)]
    region: Option<Region>,
    /// Account ID of the stacks, 12 digits. Default: 000000000000
    #[arg(long, value_parser = account)]
    account: Option<String>,
    /// Value that only AWS knows: of a resource's attribute (NAME.ATTRIBUTE), an import, a dynamic reference
    /// (resolve:ssm:/NAME) or a property, by its path (repeatable)
    #[arg(long = "value", value_name = "PATH=VALUE", value_parser = parameter)]
    values: Vec<(String, String)>,
    /// File with such values: an object in JSON or YAML (repeatable)
    #[arg(long = "values", value_name = "FILE")]
    value_files: Vec<PathBuf>,
    /// Local file of a nested stack's TemplateURL (repeatable)
    #[arg(long = "template-url", value_name = "URL=FILE", value_parser = last_pair)]
    template_urls: Vec<(String, String)>,
}

/// The syntax of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Syntax {
    Json,
    Yaml,
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
    /// A file with values of another shape than its format's.
    #[error("{}: {message}", path.display())]
    Shape { path: PathBuf, message: String },
    /// An option that names a stack or a file that is not given.
    #[error("{option}: {message}")]
    Option { option: String, message: String },
}

/// The templates of the files, and their environment.
pub(crate) struct Templates {
    stacks: Vec<Stack>,
    environment: StackEnvironment,
    sources: Sources,
}

/// The files of stacks by the stack's name, nested ones included, as far as they were read.
type Sources = Rc<RefCell<BTreeMap<String, Source>>>;

/// A template's file.
struct Source {
    path: PathBuf,
    text: String,
}

struct Stack {
    name: String,
    template: Template,
    parameters: BTreeMap<String, String>,
}

impl TemplateFiles {
    /// Reads all files.
    pub(crate) fn read(&self) -> Result<Templates, TemplateFileError> {
        let names = self.stack_names()?;
        let sources = Sources::default();
        let mut templates: Vec<(String, Template)> = Vec::new();
        for (name, file) in names.into_iter().zip(&self.templates) {
            let (template, text) = read_with_text(file)?;
            let source = Source {
                path: file.clone(),
                text,
            };
            sources.borrow_mut().insert(name.clone(), source);
            templates.push((name, template));
        }
        connect_stacks(templates.iter_mut().map(|(name, template)| (name.as_str(), template)));
        let parameters = self.parameters(&templates)?;
        let stacks = templates.into_iter().zip(parameters);
        let stacks = stacks.map(|((name, template), parameters)| Stack {
            name,
            template,
            parameters,
        });
        let nested = NestedTemplates::new(self.template_urls.clone(), Rc::clone(&sources));
        let mut environment = StackEnvironment::default();
        environment.region.clone_from(&self.region);
        environment.account.clone_from(&self.account);
        environment.values = self.values()?;
        environment.nested_templates = Some(Rc::new(move |request| nested.find(request)));
        Ok(Templates {
            stacks: stacks.collect(),
            environment,
            sources,
        })
    }

    /// Reads all files as they are, for a migration: imports of one another stay parameters.
    pub(crate) fn read_sources(&self) -> Result<Vec<SourceStack>, TemplateFileError> {
        let names = self.stack_names()?.into_iter();
        let templates: Vec<(String, Template)> = names
            .zip(&self.templates)
            .map(|(name, file)| Ok((name, read(file)?)))
            .collect::<Result<_, TemplateFileError>>()?;
        let parameters = self.parameters(&templates)?;
        let stacks = templates.into_iter().zip(parameters);
        let sources = stacks.map(|((name, template), parameters)| SourceStack {
            name,
            template,
            parameters,
        });
        Ok(sources.collect())
    }

    /// The syntax of each stack's template.
    pub(crate) fn syntaxes(&self) -> Result<BTreeMap<String, Syntax>, TemplateFileError> {
        let names = self.stack_names()?.into_iter();
        let syntaxes = names.zip(&self.templates).map(|(name, file)| {
            let text = std::fs::read_to_string(file).map_err(|source| TemplateFileError::Read {
                path: file.clone(),
                source,
            })?;
            // An object of YAML may begin so, too; JSON is one.
            let syntax = if text.trim_start().starts_with('{') {
                Syntax::Json
            } else {
                Syntax::Yaml
            };
            Ok((name, syntax))
        });
        syntaxes.collect()
    }

    /// The paths of the given files.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let parameters = self.parameter_files.iter().map(|given| {
            let scoped = given
                .split_once('=')
                .map(|(_, file)| file)
                .filter(|_| !Path::new(given).exists());
            PathBuf::from(scoped.unwrap_or(given))
        });
        let urls = self.template_urls.iter().map(|(_, file)| PathBuf::from(file));
        let files = self.templates.iter().chain(&self.value_files).cloned();
        files.chain(parameters).chain(urls).collect()
    }

    /// The names of the stacks: as given, else that of the file in the characters of stack names.
    fn stack_names(&self) -> Result<Vec<String>, TemplateFileError> {
        let mut names: Vec<String> = self.templates.iter().map(|file| stack_name(file)).collect();
        for (file, name) in &self.stack_names {
            let is_meant = |template: &&PathBuf| {
                template.as_path() == Path::new(file) || template.file_name().is_some_and(|name| name == file.as_str())
            };
            let index = self.templates.iter().position(|template| is_meant(&template));
            let Some(index) = index else {
                let files: Vec<String> = self.templates.iter().map(|file| file.display().to_string()).collect();
                return Err(TemplateFileError::Option {
                    option: format!("--stack-name {file}={name}"),
                    message: format!("`{file}` is not a given template; these are {}", files.join(", ")),
                });
            };
            let is_valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !is_valid {
                return Err(TemplateFileError::Option {
                    option: format!("--stack-name {file}={name}"),
                    message: "the name of a stack is of a-z, A-Z, 0-9 and -, and begins with a letter".to_owned(),
                });
            }
            names[index].clone_from(name);
        }
        Ok(names)
    }

    /// The parameters of each template. `--parameter` counts more than a file, and from the same source what is given for
    /// one stack counts more than what is given for all. A parameter that no template declares goes to the first one,
    /// whose validation reports it.
    fn parameters(&self, templates: &[(String, Template)]) -> Result<Vec<BTreeMap<String, String>>, TemplateFileError> {
        let mut given: Vec<(Option<usize>, String, String)> = Vec::new();
        let index_of = |name: &str| templates.iter().position(|(stack, _)| stack == name);
        for file in &self.parameter_files {
            let scope = file
                .split_once('=')
                .and_then(|(stack, path)| Some((index_of(stack)?, path)));
            let (index, path) = match scope {
                Some((index, path)) => (Some(index), path),
                None => (None, file.as_str()),
            };
            if index.is_none()
                && let Some((stack, path)) = path.split_once('=').filter(|_| !Path::new(path).exists())
            {
                return Err(unknown_stack(&format!("--parameters {stack}={path}"), stack, templates));
            }
            let path = Path::new(path.strip_prefix("file://").unwrap_or(path));
            let parameters = parameter_file::read(path)?;
            given.extend(parameters.into_iter().map(|(name, value)| (index, name, value)));
        }
        // Stable: of two files, the later one counts.
        given.sort_by_key(|(index, ..)| index.is_some());
        let mut options: BTreeMap<(Option<usize>, String), String> = BTreeMap::new();
        for (name, value) in &self.parameters {
            let scope = match name.split_once('.') {
                Some((stack, name)) => match index_of(stack) {
                    Some(index) => (Some(index), name.to_owned()),
                    None => return Err(unknown_stack(&format!("--parameter {stack}.{name}"), stack, templates)),
                },
                None => (None, name.clone()),
            };
            if options
                .insert(scope, value.clone())
                .is_some_and(|earlier| earlier != *value)
            {
                return Err(TemplateFileError::Option {
                    option: format!("--parameter {name}"),
                    message: "is given twice, with different values".to_owned(),
                });
            }
        }
        // In the order of the keys, so that those of one stack come last.
        given.extend(options.into_iter().map(|((index, name), value)| (index, name, value)));
        let declares = |index: usize, name: &str| templates[index].1.parameters.contains_key(name);
        let is_undeclared = |name: &str| (0..templates.len()).all(|index| !declares(index, name));
        let parameters = (0..templates.len()).map(|index| {
            let own = given.iter().filter(|(scope, name, _)| match scope {
                Some(scope) => *scope == index,
                None => declares(index, name) || (index == 0 && is_undeclared(name)),
            });
            own.map(|(_, name, value)| (name.clone(), value.clone())).collect()
        });
        Ok(parameters.collect())
    }

    fn values(&self) -> Result<Values, TemplateFileError> {
        let mut values = Values::default();
        for file in &self.value_files {
            let Json::Object(entries) = parameter_file::document(file)? else {
                return Err(TemplateFileError::Shape {
                    path: file.clone(),
                    message: "is not an object with the values by name".to_owned(),
                });
            };
            values = entries
                .into_iter()
                .fold(values, |values, (name, value)| values.with(name, value));
        }
        let given = self.values.iter();
        Ok(given.fold(values, |values, (name, value)| values.with(name, value.as_str())))
    }
}

impl Templates {
    pub(crate) fn stacks(&self) -> Vec<StackInput<'_>> {
        let stacks = self.stacks.iter();
        let stacks = stacks.map(|stack| StackInput {
            name: &stack.name,
            template: &stack.template,
            parameters: &stack.parameters,
        });
        stacks.collect()
    }

    /// Whether one of the templates has a resource.
    pub(super) fn have_resources(&self) -> bool {
        let mut stacks = self.stacks.iter();
        stacks.any(|stack| !stack.template.resources.is_empty() || !stack.template.resource_loops.is_empty())
    }

    /// What CloudFormation would know of the stacks.
    pub(crate) fn environment(&self) -> &StackEnvironment {
        &self.environment
    }

    /// The files of nested stacks that were read.
    pub(super) fn nested_files(&self) -> Vec<PathBuf> {
        let sources = self.sources.borrow();
        let nested = sources
            .iter()
            .filter(|(name, _)| self.stacks.iter().all(|stack| stack.name != **name));
        nested.map(|(_, source)| source.path.clone()).collect()
    }

    /// Prints the values that nothing has read, as warnings.
    pub(crate) fn warn_of_unread_values(&self) {
        for (name, message) in self.environment.values.unread() {
            print_error(&format!("warning: --value {name}: {message}"));
        }
    }

    /// The errors with file, line and column before their paths.
    pub(crate) fn located(&self, errors: ValidationErrors) -> ValidationErrors {
        let sources = self.sources.borrow();
        let mut positions: BTreeMap<&str, Positions> = BTreeMap::new();
        let mut located = Diagnostics::new();
        for Diagnostic { path, message } in errors {
            let (stack, within) = match (path.split_once('/'), sources.len()) {
                (Some((stack, within)), _) if sources.contains_key(stack) => (stack, within),
                (_, 1) => (self.stacks[0].name.as_str(), path.as_str()),
                _ => ("", path.as_str()),
            };
            let position = sources.get_key_value(stack).and_then(|(name, source)| {
                let positions = positions.entry(name).or_insert_with(|| Positions::of(&source.text));
                let (line, column) = positions.get(within)?;
                Some(format!("{}:{line}:{column}: ", source.path.display()))
            });
            located.add(format!("{}{path}", position.unwrap_or_default()), message);
        }
        ValidationErrors::from(located)
    }
}

fn unknown_stack(option: &str, stack: &str, templates: &[(String, Template)]) -> TemplateFileError {
    let names: Vec<&str> = templates.iter().map(|(name, _)| name.as_str()).collect();
    let hint = match closest(stack, names.iter().copied()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("the stacks are {}", names.join(", ")),
    };
    TemplateFileError::Option {
        option: option.to_owned(),
        message: format!("no stack is named `{stack}`; {hint}"),
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
    read_with_text(path).map(|(template, _)| template)
}

/// The template in a file, and the file's text. Prints warnings.
fn read_with_text(path: &Path) -> Result<(Template, String), TemplateFileError> {
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
    Ok((template, text))
}

pub(crate) fn parameter(text: &str) -> Result<(String, String), String> {
    pair(text).ok_or_else(|| "expected NAME=VALUE".to_owned())
}

/// Splits `FILE=NAME` or `URL=FILE` at the last equals sign: a URL may have others.
fn last_pair(text: &str) -> Result<(String, String), String> {
    let pair = text
        .rsplit_once('=')
        .filter(|(left, right)| !left.is_empty() && !right.is_empty());
    pair.map(|(left, right)| (left.to_owned(), right.to_owned()))
        .ok_or_else(|| "expected two parts with a `=` between them".to_owned())
}

fn region(text: &str) -> Result<Region, String> {
    Region::new(text)
}

fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit());
    is_account
        .then(|| text.to_owned())
        .ok_or_else(|| "expected an account ID of 12 digits".to_owned())
}

/// Splits `NAME=VALUE`, with a name that is not empty.
pub(super) fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}
