//! Templates in files: the verbs of the `meshwright` binary.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use clap::{Args, Parser, Subcommand};
use mesh_infra::{Template, diagram};
use mesh_local::plan::Membership;
use mesh_local::{Image, Images, Plan, StackTemplate};

use mesh_model::namespace::Endpoint;

use crate::child;
use crate::console::print;
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
    /// A CloudFormation template in JSON or YAML; may be repeated for stacks that import from each other.
    #[arg(long = "template", value_name = "FILE", required = true)]
    templates: Vec<PathBuf>,
    /// The value of a template parameter; may be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// What a container image runs on this machine: a program and its arguments; may be repeated.
    #[arg(long = "image", value_name = "NAME=COMMAND", value_parser = image)]
    images: Vec<(String, String)>,
    /// Run the demo service in place of every other image, on the container's first port.
    #[arg(long)]
    stub: bool,
}

pub(crate) fn main() -> ExitCode {
    let beginning = Instant::now();
    if let Some(code) = child::run() {
        return code;
    }
    exit_code(match Arguments::parse().verb {
        Verb::Up(arguments) => arguments.up(beginning),
        Verb::Check(arguments) => arguments.check(),
        Verb::Diagram { template } => read(&template).and_then(|template| print(&diagram(&template))),
    })
}

/// The templates' files, looked at again and again while their mesh runs.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    arguments: &'a TemplateArguments,
    seen: Vec<Option<(SystemTime, u64)>>,
}

impl<'a> Watch<'a> {
    fn new(arguments: &'a TemplateArguments) -> Self {
        Self {
            arguments,
            seen: arguments.stamps(),
        }
    }

    /// What the templates ask for now, if a file changed since the last look.
    pub(crate) fn look(&mut self) -> Option<Result<Plan, String>> {
        let now = self.arguments.stamps();
        if now == self.seen {
            return None;
        }
        self.seen = now;
        Some(self.arguments.plan())
    }
}

impl TemplateArguments {
    /// What tells a changed file from one that is as it was.
    fn stamps(&self) -> Vec<Option<(SystemTime, u64)>> {
        let stamp = |file: &PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        self.templates.iter().map(stamp).collect()
    }

    fn up(&self, beginning: Instant) -> Result<(), String> {
        let watch = Watch::new(self);
        let plan = self.plan()?;
        up::run(Up {
            beginning,
            plan,
            walk: &Walk::new(),
            once: false,
            watch: Some(watch),
        })
    }

    fn check(&self) -> Result<(), String> {
        let plan = self.plan()?;
        let services = plan.services.iter().map(|service| {
            let containers = service.containers.iter().map(|container| container.name.as_str());
            let containers: Vec<&str> = containers.collect();
            let containers = (!containers.is_empty()).then(|| format!("container {}", containers.join(", ")));
            let envoy = match &service.membership {
                Membership::Mesh(member) => Some(format!("Envoy of {}", member.path)),
                Membership::None | Membership::Namespace(_) => None,
            };
            let parts: Vec<String> = containers.into_iter().chain(envoy).collect();
            format!(
                "service {} × {}: {}\n",
                service.name,
                service.desired_count,
                parts.join(", ")
            )
        });
        let endpoints = plan
            .namespaces
            .iter()
            .flat_map(|namespace| &namespace.endpoints)
            .map(|endpoint| {
                let Endpoint {
                    dns_name,
                    port,
                    protocol,
                    service,
                    ..
                } = endpoint;
                format!("endpoint {dns_name}:{port} ({protocol}): service {service}\n")
            });
        let not_simulated = plan.not_simulated.iter();
        let not_simulated = not_simulated.map(|(what, kind)| format!("not simulated: {what} ({kind})\n"));
        print(&services.chain(endpoints).chain(not_simulated).collect::<String>())
    }

    /// What the templates ask for, once nothing is wrong with them and with what was said of their images.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let read: Vec<(String, Template)> = self
            .templates
            .iter()
            .map(|file| Ok((stack_name(file), read(file)?)))
            .collect::<Result<_, String>>()?;
        let images = self.images()?;
        let parameters: Vec<BTreeMap<String, String>> =
            (0..read.len()).map(|index| self.parameters_of(index, &read)).collect();
        let stacks: Vec<StackTemplate<'_>> = read
            .iter()
            .zip(&parameters)
            .map(|((name, template), parameters)| StackTemplate {
                name,
                template,
                parameters,
            })
            .collect();
        let plan = Plan::new(&stacks, &images);
        let mut problems = plan.as_ref().err().cloned().unwrap_or_default();
        let used = Plan::image_names(&stacks);
        for (name, command) in &self.images {
            let path = format!("--image {name}={command}");
            let alone = Images::default().with(name, Image::new([""]));
            if let Some(used) = &used
                && !used.iter().any(|used| alone.get(used).is_some())
            {
                let has: Vec<&str> = used.iter().map(String::as_str).collect();
                let message = format!("the template uses no such image; it uses {}", has.join(", "));
                problems.add(path.as_str(), message);
            }
            let words = shell_words::split(command).unwrap_or_default();
            if let Some(program) = words.first().filter(|program| !can_be_started(program)) {
                problems.add(path, format!("`{program}` is no program: {}", where_sought(program)));
            }
        }
        match plan {
            Ok(plan) if problems.is_empty() => Ok(plan),
            _ => Err(up::cannot_be_run(&problems)),
        }
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

    fn images(&self) -> Result<Images, String> {
        let known = if self.stub {
            child::known_images_and_stub()
        } else {
            child::known_images()
        };
        self.images.iter().try_fold(known, |images, (name, command)| {
            let words = shell_words::split(command).map_err(|error| format!("--image {name}={command}: {error}"))?;
            if words.is_empty() {
                return Err(format!("--image {name}=: a program is missing after the `=`"));
            }
            Ok(images.with(name, Image::new(words)))
        })
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

fn read(path: &Path) -> Result<Template, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Template::from_text(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a program can be found as the containers' processes would look for it: they have this one's `PATH` and
/// working directory.
fn can_be_started(program: &str) -> bool {
    let is_executable = |file: &Path| {
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_executable(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_executable(&folder.join(program)))
}

fn where_sought(program: &str) -> &'static str {
    if program.contains('/') {
        "there is no such file, or it cannot be executed"
    } else {
        "it is in no folder of PATH"
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    pair(text).ok_or_else(|| "expected NAME=VALUE".to_owned())
}

fn image(text: &str) -> Result<(String, String), String> {
    pair(text).ok_or_else(|| "expected NAME=COMMAND".to_owned())
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}
