//! `import`: a mesh from dumps, templates or Terraform, as a template or as Rust source. Makes no call to AWS.

use std::path::{Path, PathBuf};
use std::{fs, io};

use app_mesh_migrate::{
    JsonText, Meshes, SourceStack, read_dumps, read_templates, read_terraform, to_rust, to_template,
};
use clap::{Args, ValueEnum};
use mesh_infra::{MeshEncoding, Template, ValidationErrors};
use serde_json::Value as Json;

use crate::cli::synth::TemplateFormat;
use crate::cli::template::{TemplateFileError, parameter, read_template, stack_name};
use crate::console::{OutputError, print, print_error};

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Source: files or directories. A directory contains the JSON of `aws appmesh describe-…` commands
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
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

/// The format of the target, on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    /// CloudFormation template with the parameters that the control plane reads
    Parameters,
    /// CloudFormation template with App Mesh's own resource types, which AWS no longer serves
    AppMesh,
    /// Rust program that describes the mesh with mesh-infra, and prints the template
    Rust,
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
    #[error(transparent)]
    TemplateFile(#[from] TemplateFileError),
    #[error("this mesh cannot be read\n{0}")]
    Source(ValidationErrors),
    #[error("this mesh cannot be written\n{0}")]
    Target(ValidationErrors),
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Reads the sources, writes the target, and prints what the mesh does not contain.
pub(crate) fn run(arguments: &ImportArguments) -> Result<(), ImportError> {
    let meshes = read(arguments)?;
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
            match &arguments.output {
                Some(path) => write(path, &source)?,
                None => print(source.trim_end())?,
            }
        }
    }
    print_error(&format!("{} mesh resources imported", meshes.resources.len()));
    Ok(())
}

fn write_template(arguments: &ImportArguments, meshes: &Meshes, encoding: MeshEncoding) -> Result<(), ImportError> {
    let template = to_template(meshes, &arguments.stack, encoding).map_err(ImportError::Target)?;
    match &arguments.output {
        Some(path) => write(path, &template.to_json()),
        None => Ok(arguments.format.print(&template)?),
    }
}

fn write(path: &Path, text: &str) -> Result<(), ImportError> {
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
    if let Some((file, _)) = files.iter().zip(&kinds).find(|(_, other)| **other != kind) {
        let message = format!(
            "{} and {} have different formats; import them one after the other, or set --from",
            files[0].display(),
            file.display()
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
        let mut found = Vec::new();
        for entry in fs::read_dir(source).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            match path.extension() {
                Some(ending) if ending == "json" && path.is_file() => found.push(path),
                _ => print_error(&format!(
                    "note: {} is not a file with the ending .json, and is left out",
                    path.display()
                )),
            }
        }
        found.sort();
        files.extend(found);
    }
    if files.is_empty() {
        return Err(ImportError::Usage(
            "the directory contains no file with the ending .json".to_owned(),
        ));
    }
    Ok(files)
}

/// The format of a file, by its members.
fn detect(file: &Path) -> Result<Source, ImportError> {
    let text = read_text(file)?;
    let Ok(document) = serde_json::from_str::<Json>(&text) else {
        // The reader of templates reports what is neither YAML nor JSON.
        return Ok(Source::Templates);
    };
    let has = |name: &str| document.get(name).is_some();
    Ok(if has("Resources") {
        Source::Templates
    } else if has("terraform_version") || has("planned_values") || has("values") {
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
