//! Template files of one or several stacks, and what CloudFormation would know of them: names, parameters, region,
//! account, templates of nested stacks, and values that only AWS has.

mod certificates;
mod nested;
mod parameter_file;
mod templates;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use app_mesh_migrate::SourceStack;
use clap::{Args, ValueEnum};
use mesh_infra::cfn::{closest, connect_stacks};
use mesh_infra::{Template, TemplateError};
use mesh_local::{Region, StackEnvironment, Values, parse_hosts_file};
use serde_json::Value as Json;

use self::nested::NestedTemplates;
use crate::cli::aws_names::account;
use crate::console::print_error;

#[derive(Debug, Clone, Args)]
pub(crate) struct TemplateFiles {
    /// CloudFormation template in JSON or YAML (repeatable, for stacks that import from each other). `check` also takes
    /// folders
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
    #[arg(long, value_parser = Region::new)]
    region: Option<Region>,
    /// Account ID of the stacks, 12 digits. Default: 000000000000
    #[arg(long, value_parser = account)]
    account: Option<String>,
    /// Value that only AWS knows: of a resource's attribute (NAME.ATTRIBUTE), an import, a dynamic reference
    /// (resolve:ssm:/NAME), an environment file (s3://BUCKET/KEY) or a property, by its path (repeatable). The content of
    /// a file is file://PATH
    #[arg(long = "value", value_name = "PATH=VALUE", value_parser = parameter)]
    values: Vec<(String, String)>,
    /// File with such values: an object in JSON or YAML (repeatable)
    #[arg(long = "values", value_name = "FILE")]
    value_files: Vec<PathBuf>,
    /// Certificate and key in PEM in place of the certificate that the templates name by this ARN or path, or with one file
    /// an authority to trust (repeatable). Default: those of a local development authority, where they are missing
    #[arg(long = "certificate", value_name = "ARN_OR_PATH=CERT.pem,KEY.pem", value_parser = last_pair)]
    certificates: Vec<(String, String)>,
    /// Local file of a nested stack's TemplateURL (repeatable)
    #[arg(long = "template-url", value_name = "URL=FILE", value_parser = last_pair)]
    template_urls: Vec<(String, String)>,
    /// Read parameters of Systems Manager and secrets that the templates name from the AWS account; requires the feature
    /// `aws`. Their region is --region, or that of the profile
    #[arg(long)]
    aws: bool,
    /// Profile in ~/.aws/config, for --aws
    #[arg(long, value_name = "NAME", requires = "aws")]
    profile: Option<String>,
    /// Whether these are some of the templates that were given: a parameter that none of them declares is another one's.
    #[arg(skip)]
    is_part: bool,
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
    #[error("{} is a folder; `check` judges the templates of a folder, other commands take files", .0.display())]
    Folder(PathBuf),
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
    /// Certificates that cannot be used.
    #[error("{}", .0.join("\n"))]
    Certificates(Vec<String>),
}

/// The templates of the files, and their environment.
pub(crate) struct Templates {
    stacks: Vec<Stack>,
    environment: StackEnvironment,
    sources: Sources,
    /// Where values that a file has are written, by name.
    value_locations: BTreeMap<String, Location>,
}

/// The files of stacks by the stack's name, nested ones included, as far as they were read.
type Sources = Rc<RefCell<BTreeMap<String, Source>>>;

/// A template's file.
#[derive(Clone)]
struct Source {
    path: PathBuf,
    text: String,
    warnings: Vec<String>,
}

/// A template that was read from a file.
#[derive(Clone)]
pub(crate) struct TemplateFile {
    pub(crate) path: PathBuf,
    pub(crate) template: Template,
    /// What is accepted and probably not meant, each with its line.
    pub(crate) warnings: Vec<String>,
    text: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

struct Stack {
    name: String,
    template: Template,
    parameters: BTreeMap<String, String>,
}

impl TemplateFiles {
    /// Reads all files.
    pub(crate) fn read(&self) -> Result<Templates, TemplateFileError> {
        let files: Vec<TemplateFile> = self
            .templates
            .iter()
            .map(|path| TemplateFile::read(path))
            .collect::<Result<_, _>>()?;
        self.with_templates(files)
    }

    /// Whether values are read from an AWS account.
    pub(crate) fn reads_account(&self) -> bool {
        self.aws
    }

    /// The account from which they are read.
    #[cfg(feature = "aws")]
    pub(crate) fn aws_target(&self) -> crate::cli::aws_args::AwsTarget {
        crate::cli::aws_args::AwsTarget {
            aws: true,
            region: self.region.as_ref().map(|region| region.name().to_owned()),
            profile: self.profile.clone(),
            role_arn: None,
            endpoint_url: None,
            template_bucket: None,
        }
    }

    /// The given files and folders.
    pub(crate) fn given(&self) -> &[PathBuf] {
        &self.templates
    }

    /// The same options for some of the templates, with the names of their stacks. `known` are the names of all stacks. With
    /// `beside`, files with parameters that are beside the templates are read.
    pub(crate) fn part(
        &self,
        templates: &[(String, &TemplateFile)],
        known: &[String],
        beside: bool,
    ) -> Result<Self, TemplateFileError> {
        let of_other_stack =
            |stack: &str| known.iter().any(|name| name == stack) && templates.iter().all(|(name, _)| name != stack);
        let scoped = self.parameters.iter().filter_map(|(name, _)| name.split_once('.'));
        for (stack, name) in scoped {
            if !known.iter().any(|name| name == stack) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                return Err(unknown_stack(&format!("--parameter {stack}.{name}"), stack, &known));
            }
        }
        let mut part = self.clone();
        part.is_part = true;
        part.templates = templates.iter().map(|(_, file)| file.path.clone()).collect();
        part.stack_names = templates
            .iter()
            .map(|(name, file)| (file.path.display().to_string(), name.clone()))
            .collect();
        part.parameters
            .retain(|(name, _)| !name.split_once('.').is_some_and(|(stack, _)| of_other_stack(stack)));
        // Files beside templates count less than options.
        let beside = templates.iter().filter(|_| beside).filter_map(|(name, file)| {
            let path = parameter_file_beside(&file.path)?;
            Some(format!("{name}={}", path.display()))
        });
        let beside: Vec<String> = beside.collect();
        part.parameter_files.splice(0..0, beside);
        part.parameter_files
            .retain(|file| !file.split_once('=').is_some_and(|(stack, _)| of_other_stack(stack)));
        Ok(part)
    }

    /// The parameters that were given for all stacks, by name.
    pub(crate) fn parameters_for_all(&self) -> impl Iterator<Item = &str> {
        let names = self.parameters.iter().map(|(name, _)| name.as_str());
        names.filter(|name| !name.contains('.'))
    }

    /// The name of the first stack.
    pub(crate) fn first_stack_name(&self) -> String {
        let first = self.templates.first();
        let given = first.and_then(|file| self.stack_name_of(file));
        let given = given.map(str::to_owned);
        given.or_else(|| first.map(|file| stack_name(file))).unwrap_or_default()
    }

    /// The name that was given for a file's stack.
    pub(crate) fn stack_name_of(&self, path: &Path) -> Option<&str> {
        let given = self.stack_names.iter();
        let mut given = given.filter(|(file, _)| path.ends_with(Path::new(file)));
        given.next_back().map(|(_, name)| name.as_str())
    }

    /// The templates with their environment, from files that were read.
    pub(crate) fn with_templates(&self, files: Vec<TemplateFile>) -> Result<Templates, TemplateFileError> {
        let names = self.stack_names()?;
        let sources = Sources::default();
        let mut templates: Vec<(String, Template)> = Vec::new();
        for (name, file) in names.into_iter().zip(files) {
            let source = Source {
                path: file.path,
                text: file.text,
                warnings: file.warnings,
            };
            sources.borrow_mut().insert(name.clone(), source);
            templates.push((name, file.template));
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
        let (values, value_locations) = self.values()?;
        environment.values = values;
        environment.certificates = certificates::read(&self.certificates)?;
        environment.nested_templates = Some(Rc::new(move |request| nested.find(request)));
        // A machine without a hosts file has no such names.
        environment.hosts = parse_hosts_file(&std::fs::read_to_string("/etc/hosts").unwrap_or_default());
        Ok(Templates {
            stacks: stacks.collect(),
            environment,
            sources,
            value_locations,
        })
    }

    /// The given options that [`TemplateFiles::read_sources`] does not read.
    pub(crate) fn not_in_sources(&self) -> Vec<&'static str> {
        let given = [
            ("--region", self.region.is_some()),
            ("--account", self.account.is_some()),
            ("--value", !self.values.is_empty()),
            ("--values", !self.value_files.is_empty()),
            ("--certificate", !self.certificates.is_empty()),
            ("--template-url", !self.template_urls.is_empty()),
            ("--aws", self.aws),
        ];
        given
            .into_iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(option, _)| option)
            .collect()
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
        let certificates = self.certificates.iter().flat_map(|(_, files)| files.split(','));
        let files = self.templates.iter().chain(&self.value_files).cloned();
        files
            .chain(parameters)
            .chain(urls)
            .chain(certificates.map(PathBuf::from))
            .collect()
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
        let names: Vec<&str> = templates.iter().map(|(name, _)| name.as_str()).collect();
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
                return Err(unknown_stack(&format!("--parameters {stack}={path}"), stack, &names));
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
                    None => return Err(unknown_stack(&format!("--parameter {stack}.{name}"), stack, &names)),
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
                None => declares(index, name) || (index == 0 && !self.is_part && is_undeclared(name)),
            });
            own.map(|(_, name, value)| (name.clone(), value.clone())).collect()
        });
        Ok(parameters.collect())
    }

    /// The given values, and where those of files are written.
    fn values(&self) -> Result<(Values, BTreeMap<String, Location>), TemplateFileError> {
        let mut values = Values::default();
        let mut locations = BTreeMap::new();
        for file in &self.value_files {
            let (document, positions) = parameter_file::document_with_positions(file)?;
            let Json::Object(entries) = document else {
                return Err(TemplateFileError::Shape {
                    path: file.clone(),
                    message: "is not an object with the values by name".to_owned(),
                });
            };
            for (name, value) in entries {
                if let Some((line, column)) = positions.get(&name) {
                    let file = file.clone();
                    locations.insert(name.clone(), Location { file, line, column });
                }
                values = values.with(name, value);
            }
        }
        for (name, value) in &self.values {
            let value = match value.strip_prefix("file://") {
                Some(path) => {
                    let path = PathBuf::from(path);
                    std::fs::read_to_string(&path).map_err(|source| TemplateFileError::Read { path, source })?
                }
                None => value.clone(),
            };
            values = values.with(name, value);
        }
        Ok((values, locations))
    }
}

fn unknown_stack(option: &str, stack: &str, names: &[&str]) -> TemplateFileError {
    let hint = match closest(stack, names.iter().copied()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("the stacks are {}", names.join(", ")),
    };
    TemplateFileError::Option {
        option: option.to_owned(),
        message: format!("no stack is named `{stack}`; {hint}"),
    }
}

/// The file with values of a template's parameters that tools write beside it: `front.params.json` for `front.stack.yml`.
pub(crate) fn parameter_file_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.split('.').next()?;
    let files = ["params.json", "parameters.json"].map(|ending| path.with_file_name(format!("{name}.{ending}")));
    files.into_iter().find(|file| file.is_file())
}

/// A hint at the most similar name, for the end of a message.
pub(crate) fn closest_hint<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    closest(name, known).map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
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
    let file = TemplateFile::read(path)?;
    print_warnings(&file.path, &file.warnings);
    Ok(file.template)
}

impl TemplateFile {
    /// Reads the template in a file.
    pub(crate) fn read(path: &Path) -> Result<Self, TemplateFileError> {
        if path.is_dir() {
            return Err(TemplateFileError::Folder(path.to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|source| TemplateFileError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_text(path, text)
    }

    /// The template in a file's text.
    pub(crate) fn from_text(path: &Path, text: String) -> Result<Self, TemplateFileError> {
        let read = Template::from_text_with_warnings(&text);
        let (template, warnings) = read.map_err(|error| TemplateFileError::Parse {
            path: path.to_owned(),
            error,
        })?;
        Ok(Self {
            path: path.to_owned(),
            template,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            text,
        })
    }
}

fn print_warnings(path: &Path, warnings: &[String]) {
    for warning in warnings {
        print_error(&format!("warning: {}: {warning}", path.display()));
    }
}

/// As editors and terminals link it: `FILE:LINE:COLUMN`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
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

/// Splits `NAME=VALUE`, with a name that is not empty.
pub(super) fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}
