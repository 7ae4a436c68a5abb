//! Templates in files: the verbs of the `meshwright` binary.

mod files;
mod report;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use clap::{Args, Parser, Subcommand};
use mesh_infra::diagram;
use mesh_local::{Image, Images, Plan};
use sidecar_contract::Diagnostics;

pub(crate) use self::files::{TemplateFiles, parameter};
use crate::cli::exit_code;
use crate::cli::images::ImagesArguments;
use crate::cli::translate::Translate;
use crate::console::print;
use crate::self_exec;
use crate::smoke_test::SmokeTest;
use crate::up::{self, Network, Up};

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
    /// Print the Envoy configuration of one virtual node, virtual gateway or Service Connect service.
    Translate(Translate),
    /// Print the commands that build this project's container images and push them to Amazon ECR.
    Images(ImagesArguments),
    /// Print a Mermaid diagram of a template.
    Diagram {
        /// A CloudFormation template in JSON or YAML.
        #[arg(long, value_name = "FILE")]
        template: PathBuf,
    },
}

#[derive(Debug, Args)]
struct TemplateArguments {
    #[command(flatten)]
    files: TemplateFiles,
    /// What a container image runs on this machine: a program and its arguments; may be repeated.
    #[arg(long = "image", value_name = "NAME=COMMAND", value_parser = image)]
    images: Vec<(String, String)>,
    /// What network the tasks are in.
    #[arg(long, value_enum, default_value_t)]
    network: Network,
    /// Run the demo service in place of every other image, on the container's first port.
    #[arg(long)]
    stub: bool,
}

pub(crate) fn main() -> ExitCode {
    let beginning = Instant::now();
    if let Some(code) = self_exec::run() {
        return code;
    }
    exit_code(match Arguments::parse().verb {
        Verb::Up(arguments) => arguments.up(beginning),
        Verb::Check(arguments) => arguments.check(),
        Verb::Translate(translate) => translate.run(),
        Verb::Images(images) => images.run(),
        Verb::Diagram { template } => files::read(&template).and_then(|template| print(&diagram(&template))),
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
            seen: arguments.files.stamps(),
        }
    }

    /// What the templates ask for now, if a file changed since the last look.
    pub(crate) fn look(&mut self) -> Option<Result<Plan, String>> {
        let now = self.arguments.files.stamps();
        if now == self.seen {
            return None;
        }
        self.seen = now;
        Some(self.arguments.plan())
    }
}

impl TemplateArguments {
    fn up(&self, beginning: Instant) -> Result<(), String> {
        let watch = Watch::new(self);
        let plan = self.plan()?;
        up::run(Up {
            beginning,
            plan,
            walk: &SmokeTest::new(),
            once: false,
            network: self.network.into(),
            watch: Some(watch),
            controlled: None,
            story: None,
        })
    }

    fn check(&self) -> Result<(), String> {
        print(&report::text(&self.plan()?, self.network.into()))
    }

    /// What the templates ask for, once nothing is wrong with them and with what was said of their images.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let read = self.files.read()?;
        let images = self.images()?;
        let stacks = read.stacks();
        let plan = Plan::new(&stacks, &images).and_then(Plan::with_services);
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(plan.as_ref().err().cloned().into_iter().flatten());
        let used = Plan::image_names(&stacks);
        for (name, command) in &self.images {
            let path = format!("--image {name}={command}");
            let alone = Images::default().with(name, Image::new([""]));
            if let Some(used) = &used
                && !used.iter().any(|used| alone.get(used).is_some())
            {
                let has: Vec<&str> = used.iter().map(String::as_str).collect();
                let message = format!("the template uses no such image; it uses {}", has.join(", "));
                diagnostics.add(path.as_str(), message);
            }
            let words = shell_words::split(command).unwrap_or_default();
            if let Some(program) = words.first().filter(|program| !can_be_started(program)) {
                diagnostics.add(path, format!("`{program}` is no program: {}", where_sought(program)));
            }
        }
        match plan {
            Ok(plan) if diagnostics.is_empty() => Ok(plan),
            _ => Err(up::cannot_be_run(&diagnostics.into())),
        }
    }

    fn images(&self) -> Result<Images, String> {
        let known = if self.stub {
            self_exec::known_images_and_stub()
        } else {
            self_exec::known_images()
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

fn image(text: &str) -> Result<(String, String), String> {
    pair(text).ok_or_else(|| "expected NAME=COMMAND".to_owned())
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}
