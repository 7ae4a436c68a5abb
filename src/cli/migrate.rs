//! `migrate`: stacks that were written for App Mesh, as stacks that deploy today. Makes no call to AWS.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use app_mesh_migrate::{Comparison, ControlPlaneLocation, Migration, Options, compare, migrate, read_templates};
use clap::Args;
use mesh_infra::ValidationErrors;

use crate::cli::synth::TemplateFormat;
use crate::cli::template::{Syntax, TemplateFileError, TemplateFiles};
use crate::console::{OutputError, print, print_error};

#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    #[command(flatten)]
    files: TemplateFiles,
    /// Directory for the templates, as STACK.json or STACK.yaml. Default: standard output, for a single template
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Syntax of the templates. Default: that of each given template. Comments of YAML are lost
    #[arg(long, value_enum, value_name = "SYNTAX")]
    format: Option<Syntax>,
    /// Existing control plane: a stack with the outputs of a migrated one, or the host and port that Envoys connect to.
    /// Default: one is added for each mesh
    #[arg(long, value_name = "STACK|HOST:PORT", value_parser = location)]
    control_plane: Option<ControlPlaneLocation>,
    /// Image of added control planes. Default: the account's own registry, see `meshwright images`
    #[arg(long, value_name = "IMAGE")]
    control_plane_image: Option<String>,
    /// Image of Envoys. Default: the account's own registry, see `meshwright images`
    #[arg(long, value_name = "IMAGE")]
    envoy_image: Option<String>,
    /// Print instead which features of the meshes Service Connect and VPC Lattice lack
    #[arg(long, conflicts_with_all = ["output", "control_plane", "control_plane_image", "envoy_image"])]
    compare: bool,
    #[command(flatten)]
    json: TemplateFormat,
}

/// Why nothing was migrated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    TemplateFile(#[from] TemplateFileError),
    #[error("these templates cannot be migrated\n{0}")]
    Template(ValidationErrors),
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Writes the migrated templates, and prints what changes.
pub(crate) fn run(arguments: &MigrateArguments) -> Result<(), MigrateError> {
    let ignored = arguments.files.not_in_sources();
    if !ignored.is_empty() {
        let message = format!(
            "migrate does not use {}: its result is deployed in any region and account; values of parameters are given by \
             --parameter",
            ignored.join(", ")
        );
        return Err(MigrateError::Usage(message));
    }
    let sources = arguments.files.read_sources()?;
    if arguments.compare {
        let meshes = read_templates(&sources).map_err(MigrateError::Template)?;
        if meshes.resources.is_empty() {
            print_error("nothing to compare: the templates contain no App Mesh resources");
            return Ok(());
        }
        let rows = compare(meshes.specs());
        if rows.is_empty() {
            print("The meshes use none of the features that are compared.")?;
        } else {
            print(&comparison_table(&rows))?;
        }
        return Ok(());
    }
    if arguments.output.is_none() && sources.len() > 1 {
        let message = "--output DIR is required for several templates";
        return Err(MigrateError::Usage(message.to_owned()));
    }
    let given = arguments.files.syntaxes()?;
    let syntax_of = |stack: &str| arguments.format.or(given.get(stack).copied()).unwrap_or(Syntax::Json);
    let migration = migrate(&sources, &options(arguments)).map_err(MigrateError::Template)?;
    if let Some(directory) = &arguments.output {
        write(&migration, directory, &arguments.files.paths(), &syntax_of)?;
    } else if let Some((stack, template)) = migration.templates.first() {
        match syntax_of(stack) {
            Syntax::Json => arguments.json.print(template)?,
            Syntax::Yaml => print(template.to_yaml().trim_end())?,
        }
    }
    for change in &migration.changes {
        print_error(&change.to_string());
    }
    if migration.changes.is_empty() {
        print_error(
            "nothing to migrate: the templates contain no App Mesh resources, and no Envoys of App Mesh without a bootstrap",
        );
    }
    Ok(())
}

fn options(arguments: &MigrateArguments) -> Options {
    let mut options = Options::default();
    options.control_plane.clone_from(&arguments.control_plane);
    options.control_plane_image.clone_from(&arguments.control_plane_image);
    options.envoy_image.clone_from(&arguments.envoy_image);
    options
}

/// Writes the templates to a directory. None of the given files is overwritten.
fn write(
    migration: &Migration,
    directory: &Path,
    given: &[PathBuf],
    syntax_of: &impl Fn(&str) -> Syntax,
) -> Result<(), MigrateError> {
    let failed = |path: &Path, source| MigrateError::Write {
        path: path.to_owned(),
        source,
    };
    if directory.exists() && !directory.is_dir() {
        let message = format!("--output {} is a file; give a directory", directory.display());
        return Err(MigrateError::Usage(message));
    }
    fs::create_dir_all(directory).map_err(|source| failed(directory, source))?;
    let given: Vec<PathBuf> = given.iter().filter_map(|path| path.canonicalize().ok()).collect();
    for (stack, template) in &migration.templates {
        let (ending, text) = match syntax_of(stack) {
            Syntax::Json => ("json", template.to_json()),
            Syntax::Yaml => ("yaml", template.to_yaml()),
        };
        let path = directory.join(format!("{stack}.{ending}"));
        if path.canonicalize().is_ok_and(|path| given.contains(&path)) {
            let message = format!(
                "{} is one of the given templates; choose another --output",
                path.display()
            );
            return Err(MigrateError::Usage(message));
        }
        fs::write(&path, text).map_err(|source| failed(&path, source))?;
    }
    Ok(())
}

/// The comparison as a table in Markdown.
fn comparison_table(rows: &[Comparison]) -> String {
    /// Resources per row; the rest is counted.
    const MOST: usize = 3;
    let mut table = "| feature | used by | Service Connect | VPC Lattice |\n|---|---|---|---|".to_owned();
    for row in rows {
        let mut used_by: Vec<String> = row.used_by.iter().take(MOST).map(ToString::to_string).collect();
        if row.used_by.len() > MOST {
            used_by.push(format!("{} more", row.used_by.len() - MOST));
        }
        let [connect, lattice] = [row.service_connect, row.vpc_lattice].map(|alternative| {
            format!(
                "{}: {} ({})",
                alternative.verdict.as_str(),
                alternative.detail,
                alternative.source
            )
        });
        let _infallible = write!(
            table,
            "\n| {} | {} | {connect} | {lattice} |",
            row.feature,
            used_by.join(", ")
        );
    }
    table
}

/// A name of a stack contains no colon, and an address does.
fn location(text: &str) -> Result<ControlPlaneLocation, String> {
    let Some((host, port)) = text.rsplit_once(':') else {
        let is_name = text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
            && !text.is_empty();
        return is_name
            .then(|| ControlPlaneLocation::Stack(text.to_owned()))
            .ok_or_else(|| "expected the name of a stack, or HOST:PORT".to_owned());
    };
    match port.parse() {
        Ok(port) if port > 0 && !host.is_empty() && !host.contains([' ', '$', '{', '"']) => {
            Ok(ControlPlaneLocation::Address {
                host: host.to_owned(),
                port,
            })
        }
        _ => Err("expected the name of a stack, or HOST:PORT".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_plane_is_a_stack_or_an_address() {
        assert_eq!(location("mesh-1"), Ok(ControlPlaneLocation::Stack("mesh-1".to_owned())));
        let address = ControlPlaneLocation::Address {
            host: "mesh-control.demo".to_owned(),
            port: 18000,
        };
        assert_eq!(location("mesh-control.demo:18000"), Ok(address));
        for invalid in ["", "a b", "host:", "host:0", ":1", "${x}:1", "a.b"] {
            assert!(location(invalid).is_err(), "{invalid}");
        }
    }
}
