//! Templates in files: the verbs of the `meshwright` binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use mesh_infra::{Template, diagram};
use mesh_local::{Image, Images, Plan};

use crate::child;
use crate::console::show;
use crate::program::exit_code;
use crate::up::{self, Up};
use crate::walk::Walk;

/// A service mesh for Amazon ECS that its users own.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a template's services and their Envoys on this machine, until Ctrl-C.
    Up(TemplateArguments),
    /// Say whether a template can be run here, and if not, everything that is in the way.
    Check(TemplateArguments),
    /// Print a Mermaid diagram of a template.
    Diagram {
        /// A CloudFormation template in JSON or YAML.
        #[arg(long, value_name = "FILE")]
        template: PathBuf,
    },
}

#[derive(Debug, Args)]
struct TemplateArguments {
    /// A CloudFormation template in JSON or YAML.
    #[arg(long, value_name = "FILE")]
    template: PathBuf,
    /// The value of a template parameter; may be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// What a container image runs on this machine: a program and its arguments; may be repeated.
    #[arg(long = "image", value_name = "NAME=COMMAND", value_parser = pair)]
    images: Vec<(String, String)>,
}

pub(crate) fn main() -> ExitCode {
    let beginning = Instant::now();
    if let Some(code) = child::run() {
        return code;
    }
    exit_code(match Arguments::parse().verb {
        Verb::Up(arguments) => arguments.up(beginning),
        Verb::Check(arguments) => arguments.check(),
        Verb::Diagram { template } => read(&template).map(|template| show(diagram(&template).trim_end())),
    })
}

impl TemplateArguments {
    fn up(&self, beginning: Instant) -> Result<(), String> {
        up::run(&Up {
            beginning,
            template: &read(&self.template)?,
            stack: &self.stack(),
            parameters: &self.parameters(),
            images: &self.images()?,
            walk: &Walk::new(),
            once: false,
        })
    }

    fn check(&self) -> Result<(), String> {
        let template = read(&self.template)?;
        let plan = Plan::new(&template, &self.stack(), &self.parameters(), &self.images()?)
            .map_err(|problems| up::cannot_be_run(&problems))?;
        for service in &plan.services {
            let containers: Vec<&str> = service
                .containers
                .iter()
                .map(|container| container.name.as_str())
                .collect();
            show(&format!(
                "service {} × {}: container {}",
                service.name,
                service.desired_count,
                containers.join(", ")
            ));
        }
        for namespace in &plan.namespaces {
            for endpoint in &namespace.endpoints {
                show(&format!(
                    "endpoint {}:{} ({}): service {}",
                    endpoint.dns_name, endpoint.port, endpoint.protocol, endpoint.service
                ));
            }
        }
        for (logical_id, kind) in &plan.not_simulated {
            show(&format!("not simulated: {logical_id} ({kind})"));
        }
        Ok(())
    }

    /// A stack is named after its file, in the characters that a stack's name may have.
    fn stack(&self) -> String {
        let stem = self.template.file_stem().unwrap_or_default().to_string_lossy();
        match stem.split('.').next() {
            Some(name) if !name.is_empty() => name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            _ => "stack".to_owned(),
        }
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        self.parameters.iter().cloned().collect()
    }

    fn images(&self) -> Result<Images, String> {
        self.images
            .iter()
            .try_fold(child::known_images(), |images, (name, command)| {
                let words =
                    shell_words::split(command).map_err(|error| format!("--image {name}={command}: {error}"))?;
                if words.is_empty() {
                    return Err(format!("--image {name}=: a program is missing after the `=`"));
                }
                Ok(images.with(name, Image::new(words)))
            })
    }
}

fn read(path: &Path) -> Result<Template, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Template::from_text(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected NAME=VALUE".to_owned())
}
