//! `import`: a mesh from dumps, templates, Terraform or App Mesh's API, as a template, as Rust source, as dumps, or through
//! the API. Makes no call to AWS.
//!
//! - `api`: the API as source and target, with the feature `aws`.

#[cfg(feature = "aws")]
mod api;

use std::path::{Path, PathBuf};
use std::{fs, io};

use app_mesh_migrate::{
    JsonText, Meshes, SourceStack, read_dumps, read_templates, read_terraform, to_dumps, to_rust, to_template,
};
use clap::{Args, ValueEnum};
use mesh_infra::{MeshEncoding, Template, ValidationErrors};
use serde_json::Value as Json;

use crate::cli::synth::TemplateFormat;
use crate::cli::template::{TemplateFileError, parameter, read_template, stack_name};
use crate::console::{OutputError, print, print_error};

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Source: files or directories. A directory contains the JSON of `aws appmesh describe-…` commands. Default: the server
    /// of --endpoint-url
    #[arg(value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// URL of a server of App Mesh's API, such as `meshwright serve`: the source, or the target of --to api. Credentials are
    /// those of the AWS CLI
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Mesh to read through the API (repeatable). Default: all meshes
    #[arg(long = "mesh", value_name = "NAME")]
    meshes: Vec<String>,
    /// Region of the server, for which requests are signed. Default: `AWS_REGION`, or the profile's region
    #[arg(long, value_name = "REGION", requires = "endpoint_url")]
    region: Option<String>,
    /// Delete resources of the server that the source does not have, in the meshes of the source. Only with --to api
    #[arg(long)]
    prune: bool,
    /// Format of the source. Default: found out from each file
    #[arg(long, value_enum)]
    from: Option<Source>,
    /// What to write
    #[arg(long, value_enum)]
    to: Target,
    /// Value of a template parameter (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Name of the stack
    #[arg(long, value_name = "NAME", default_value = "mesh")]
    stack: String,
    /// File to write. Default: standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: TemplateFormat,
}

/// The format of a source, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// Output of `aws appmesh describe-…` and `list-…`, or bodies of the API's responses
    Dumps,
    /// CloudFormation templates in JSON or YAML, AWS CDK's included
    Templates,
    /// Terraform state, or the output of `terraform show -json` for a state or plan
    Terraform,
}

impl Source {
    fn description(self) -> &'static str {
        match self {
            Self::Dumps => "a dump",
            Self::Templates => "a template",
            Self::Terraform => "Terraform's",
        }
    }
}

/// The format of the target, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// CloudFormation template with the parameters that the control plane reads
    Parameters,
    /// CloudFormation template with App Mesh's own resource types, which AWS no longer serves
    AppMesh,
    /// Rust program that describes the mesh with mesh-infra, and prints the template
    Rust,
    /// One JSON list of dumps, which this command reads
    Dumps,
    /// The server of --endpoint-url: creates what is missing, updates what differs, leaves the rest alone
    Api,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("{0}")]
    Usage(String),
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file that is in none of the formats.
    #[error("{} {problem}", path.display())]
    Format { path: PathBuf, problem: String },
    #[error("{} exists; choose another --output, or remove it", path.display())]
    Exists { path: PathBuf },
    #[error(transparent)]
    TemplateFile(#[from] TemplateFileError),
    #[error("this mesh cannot be read\n{0}")]
    Source(ValidationErrors),
    #[error("this mesh cannot be written\n{0}")]
    Target(ValidationErrors),
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Api(#[from] api::ApiError),
    #[cfg(not(feature = "aws"))]
    #[error("{0}")]
    AwsDisabled(String),
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Reads the sources, writes the target, and prints what the mesh does not contain.
pub(crate) fn run(arguments: &ImportArguments) -> Result<(), ImportError> {
    arguments.check()?;
    let meshes = match &arguments.endpoint_url {
        Some(url) if arguments.sources.is_empty() => read_api(url, arguments.region.as_deref(), &arguments.meshes)?,
        _ => read(arguments)?,
    };
    for note in &meshes.notes {
        print_error(&format!("note: {note}"));
    }
    if meshes.resources.is_empty() {
        let message = "the source contains no mesh resource; see --from for the formats";
        return Err(ImportError::Usage(message.to_owned()));
    }
    match arguments.to {
        Target::Parameters => write_template(arguments, &meshes, MeshEncoding::Parameters)?,
        Target::AppMesh => write_template(arguments, &meshes, MeshEncoding::AppMesh)?,
        Target::Rust => {
            let source = to_rust(&meshes, &arguments.stack).map_err(ImportError::Target)?;
            write_text(arguments, &source)?;
        }
        Target::Dumps => write_text(arguments, &to_dumps(&meshes))?,
        Target::Api => {
            // `check` requires it.
            let url = arguments.endpoint_url.as_deref().unwrap_or_default();
            return write_api(url, arguments.region.as_deref(), &meshes, arguments.prune);
        }
    }
    print_error(&format!("{} mesh resources imported", meshes.resources.len()));
    Ok(())
}

impl ImportArguments {
    /// Checks that the options fit each other.
    fn check(&self) -> Result<(), ImportError> {
        let (has_files, has_url) = (!self.sources.is_empty(), self.endpoint_url.is_some());
        let is_to_api = self.to == Target::Api;
        let is_from_api = has_url && !has_files;
        let message = if !has_files && !has_url {
            "no source: give files or directories, or --endpoint-url"
        } else if is_to_api && !has_url {
            "--to api requires --endpoint-url"
        } else if is_to_api && !has_files {
            "the API is both source and target: import it with `--to dumps --output FILE` first, and then FILE with `--to api`"
        } else if has_files && has_url && !is_to_api {
            "both files and --endpoint-url are given as source; with --to api, the URL is the target"
        } else if !self.meshes.is_empty() && !is_from_api {
            "--mesh is an option for a mesh that is read from --endpoint-url"
        } else if self.prune && !is_to_api {
            "--prune is an option of --to api"
        } else if is_to_api && self.output.is_some() {
            "--output is not an option of --to api"
        } else if is_from_api && (self.from.is_some() || !self.parameters.is_empty()) {
            "--from and --parameter are options for files"
        } else {
            return Ok(());
        };
        Err(ImportError::Usage(message.to_owned()))
    }
}

#[cfg(feature = "aws")]
fn read_api(url: &str, region: Option<&str>, meshes: &[String]) -> Result<Meshes, ImportError> {
    Ok(api::read(url, region, meshes)?)
}

#[cfg(not(feature = "aws"))]
fn read_api(_url: &str, _region: Option<&str>, _meshes: &[String]) -> Result<Meshes, ImportError> {
    Err(ImportError::AwsDisabled(crate::cli::aws_disabled::enable_hint()))
}

#[cfg(feature = "aws")]
fn write_api(url: &str, region: Option<&str>, meshes: &Meshes, prune: bool) -> Result<(), ImportError> {
    Ok(api::write(url, region, meshes, prune)?)
}

#[cfg(not(feature = "aws"))]
fn write_api(_url: &str, _region: Option<&str>, _meshes: &Meshes, _prune: bool) -> Result<(), ImportError> {
    Err(ImportError::AwsDisabled(crate::cli::aws_disabled::enable_hint()))
}

fn write_text(arguments: &ImportArguments, text: &str) -> Result<(), ImportError> {
    match &arguments.output {
        Some(path) => write(path, text),
        None => Ok(print(text.trim_end())?),
    }
}

fn write_template(arguments: &ImportArguments, meshes: &Meshes, encoding: MeshEncoding) -> Result<(), ImportError> {
    let template = to_template(meshes, &arguments.stack, encoding).map_err(ImportError::Target)?;
    match &arguments.output {
        Some(path) => write(path, &template.to_json()),
        None => Ok(arguments.format.print(&template)?),
    }
}

/// Writes a new file, or to a device: what was imported before may have been edited.
fn write(path: &Path, text: &str) -> Result<(), ImportError> {
    if path.is_file() {
        return Err(ImportError::Exists { path: path.to_owned() });
    }
    fs::write(path, text).map_err(|source| ImportError::Write {
        path: path.to_owned(),
        source,
    })
}

fn read(arguments: &ImportArguments) -> Result<Meshes, ImportError> {
    let files = files(&arguments.sources)?;
    let mut kinds = Vec::new();
    for file in &files {
        kinds.push(match arguments.from {
            Some(kind) => kind,
            None => detect(file)?,
        });
    }
    let kind = kinds[0];
    if let Some((file, other)) = files.iter().zip(&kinds).find(|(_, other)| **other != kind) {
        let message = format!(
            "{} is read as {}, and {} as {}; import them one after the other, or set --from",
            files[0].display(),
            kind.description(),
            file.display(),
            other.description()
        );
        return Err(ImportError::Usage(message));
    }
    if kind != Source::Templates && !arguments.parameters.is_empty() {
        return Err(ImportError::Usage("--parameter is an option for templates".to_owned()));
    }
    let meshes = match kind {
        Source::Templates => read_templates(&stacks(arguments, &files)?),
        Source::Dumps => read_dumps(&texts(&files)?),
        Source::Terraform => read_terraform(&texts(&files)?),
    };
    meshes.map_err(ImportError::Source)
}

/// The given files, and those with the ending `.json` in the given directories, in order.
fn files(sources: &[PathBuf]) -> Result<Vec<PathBuf>, ImportError> {
    let mut files = Vec::new();
    for source in sources {
        let failed = |error| ImportError::Read {
            path: source.clone(),
            source: error,
        };
        if !source.is_dir() {
            files.push(source.clone());
            continue;
        }
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(source).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            match path.extension() {
                Some(ending) if ending == "json" && path.is_file() => found.push(path),
                _ => others.push(path),
            }
        }
        found.sort();
        others.sort();
        if found.is_empty() {
            let hint = match others.iter().find(|path| path.is_file()) {
                Some(file) => format!("name the file instead, such as {}", file.display()),
                None => "give another SOURCE".to_owned(),
            };
            let directory = source.display();
            return Err(ImportError::Usage(format!(
                "the directory {directory} contains no file with the ending .json; {hint}"
            )));
        }
        for path in others {
            print_error(&format!(
                "note: {} is not a file with the ending .json, and is left out",
                path.display()
            ));
        }
        files.extend(found);
    }
    Ok(files)
}

/// The format of a file, by its members.
fn detect(file: &Path) -> Result<Source, ImportError> {
    let text = read_text(file)?;
    let failed = |problem| ImportError::Format {
        path: file.to_owned(),
        problem,
    };
    if text.trim().is_empty() {
        return Err(failed("is empty".to_owned()));
    }
    let document: Json = match serde_json::from_str(&text) {
        Ok(document) => document,
        Err(error)
            if text.trim_start().starts_with(['{', '[']) && file.extension().is_some_and(|end| end == "json") =>
        {
            return Err(failed(format!("is not JSON: {error}")));
        }
        // The reader of templates reports what is neither YAML nor JSON.
        Err(_) => return Ok(Source::Templates),
    };
    let has = |name: &str| document.get(name).is_some();
    Ok(if has("Resources") {
        Source::Templates
    } else if has("terraform_version") || has("planned_values") || has("values") || (has("version") && has("resources"))
    {
        Source::Terraform
    } else {
        Source::Dumps
    })
}

fn texts(files: &[PathBuf]) -> Result<Vec<JsonText>, ImportError> {
    let texts = files.iter().map(|file| {
        Ok(JsonText {
            location: file.display().to_string(),
            text: read_text(file)?,
        })
    });
    texts.collect()
}

fn read_text(path: &Path) -> Result<String, ImportError> {
    fs::read_to_string(path).map_err(|source| ImportError::Read {
        path: path.to_owned(),
        source,
    })
}

fn stacks(arguments: &ImportArguments, files: &[PathBuf]) -> Result<Vec<SourceStack>, ImportError> {
    let mut stacks: Vec<SourceStack> = Vec::new();
    for file in files {
        let template: Template = read_template(file)?;
        let given = arguments.parameters.iter();
        let parameters = given
            .filter(|(name, _)| template.parameters.contains_key(name))
            .cloned();
        stacks.push(SourceStack {
            name: stack_name(file),
            parameters: parameters.collect(),
            template,
        });
    }
    let is_declared = |name: &str| stacks.iter().any(|stack| stack.parameters.contains_key(name));
    match arguments.parameters.iter().find(|(name, _)| !is_declared(name)) {
        Some((name, _)) => Err(ImportError::Usage(format!("no template has the parameter `{name}`"))),
        None => Ok(stacks),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        import: ImportArguments,
    }

    fn check(line: &str) -> Result<(), String> {
        let words = ["program"].into_iter().chain(line.split_whitespace());
        let parsed = Program::try_parse_from(words).map_err(|error| error.to_string())?;
        parsed.import.check().map_err(|error| error.to_string())
    }

    #[test]
    fn the_api_is_source_or_target() {
        for line in [
            "dumps --to rust",
            "--endpoint-url http://h --mesh a --mesh b --to dumps",
            "--endpoint-url http://h --region eu-west-1 --to parameters --output f",
            "dumps --to api --endpoint-url http://h --prune",
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
        for (line, reason) in [
            ("--to rust", "no source"),
            ("dumps --to api", "requires --endpoint-url"),
            ("--to api --endpoint-url http://h", "both source and target"),
            ("dumps --to rust --endpoint-url http://h", "the URL is the target"),
            ("dumps --to rust --mesh a", "--mesh is an option"),
            ("dumps --to rust --prune", "--prune is an option"),
            (
                "dumps --to api --endpoint-url http://h --output f",
                "--output is not an option",
            ),
            ("--endpoint-url http://h --to rust --from dumps", "options for files"),
            ("dumps --to rust --region r", "--endpoint-url"),
        ] {
            let error = check(line).expect_err(reason);
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
