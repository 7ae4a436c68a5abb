//! Command line of the `meshwright` binary: commands for template files.

mod account_values;
mod files;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use mesh_infra::cfn::closest;
use mesh_local::{Image, Images, Plan};
use sidecar_contract::{Diagnostics, ValidationErrors};

pub(crate) use self::account_values::fetch as fetch_account_values;
pub(crate) use self::files::{
    Location, Syntax, TemplateFile, TemplateFileError, TemplateFiles, Templates, closest_hint, parameter,
    parameter_file_beside, read as read_template, stack_name,
};
use crate::cli::arguments::{self, address};
use crate::cli::check::{self, CheckArguments};
use crate::cli::diagram;
use crate::cli::doctor;
use crate::cli::error::{CliError, report};
use crate::cli::header_limits::HeaderLimitArguments;
use crate::cli::images::{self, ImagesArguments};
use crate::cli::import::{self, ImportArguments};
use crate::cli::migrate::{self, MigrateArguments};
use crate::cli::page::PageArguments;
use crate::cli::publish::PublishArguments;
use crate::cli::running::{self, DetachArguments, RunningCommand, RunningCommandError};
use crate::cli::serve::ServeArguments;
use crate::cli::shell;
use crate::cli::token::TokenArguments;
use crate::cli::translate::{self, TranslateArguments};
use crate::console::print;
use crate::exit_code::{self, Exit};
use crate::self_exec;
use crate::serve;
use crate::smoke_test::SmokeTest;
use crate::up::{self, BoxError, Network, Up, Watch};

/// A self-hosted service mesh for Amazon ECS
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, after_help = exit_code::TEMPLATE_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a template's services and their Envoys locally until Ctrl-C
    Up(UpArguments),
    /// Serve App Mesh's API and its Envoy endpoint until Ctrl-C
    Serve(ServeArguments),
    /// Check that templates, or all templates of a folder, can be run locally, and print what they run
    Check(CheckArguments),
    /// Print the Envoy configuration of a virtual node, virtual gateway or Service Connect service
    Translate(TranslateArguments),
    /// Read a mesh of App Mesh from dumps, templates, Terraform or a server of its API, and write it as any of these or as Rust
    /// source
    Import(ImportArguments),
    /// Turn stacks that were written for App Mesh into stacks that deploy today
    Migrate(MigrateArguments),
    /// Print the commands that build this project's container images and push them to Amazon ECR
    Images(ImagesArguments),
    /// Print a Mermaid diagram of a template
    Diagram(TemplateFiles),
    #[command(flatten)]
    Running(RunningCommand),
    /// Check what this machine has, and what it is needed for; installs Envoy, as the first start of a mesh would
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Write manual pages, one for each command
    Manual {
        /// Directory for the pages, such as ~/.local/share/man/man1
        directory: PathBuf,
    },
    /// Print a token with which an Envoy may act as given nodes of serve
    Token(TokenArguments),
}

#[derive(Debug, Args)]
struct UpArguments {
    #[command(flatten)]
    template: TemplateArguments,
    #[command(flatten)]
    api: ApiArguments,
    /// Fail unless everything works: every task runs, every port is open, every Envoy accepts its configuration
    #[arg(long)]
    strict: bool,
    /// Name of the mesh, for commands from other terminals. Default: the name of the first stack
    #[arg(long, value_parser = mesh_name)]
    name: Option<String>,
    #[command(flatten)]
    page: PageArguments,
    #[command(flatten)]
    detach: DetachArguments,
}

/// `--api`, of every program that runs a mesh.
#[derive(Debug, Args)]
pub(crate) struct ApiArguments {
    /// Serve App Mesh's API over the mesh that runs here, at this loopback address
    #[arg(long = "api", value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0", value_parser = address)]
    pub(crate) address: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct TemplateArguments {
    #[command(flatten)]
    pub(crate) files: TemplateFiles,
    /// Local program and arguments of a container image (repeatable)
    #[arg(long = "image", value_name = "NAME=COMMAND", value_parser = image)]
    images: Vec<ImageCommand>,
    /// Network of the tasks
    #[arg(long, value_enum, default_value_t)]
    pub(crate) network: Network,
    /// Run the demo service in place of every other image, on the container's first port
    #[arg(long)]
    stub: bool,
    #[command(flatten)]
    pub(crate) header_limits: HeaderLimitArguments,
    #[command(flatten)]
    publish: PublishArguments,
}

/// `--image NAME=COMMAND`.
#[derive(Debug, Clone)]
struct ImageCommand {
    name: String,
    /// The command as it was given.
    text: String,
    /// Never empty.
    words: Vec<String>,
}

/// The name of a mesh, which is part of a file's name.
fn mesh_name(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_allowed) && !text.starts_with('.') {
        true => Ok(text.to_owned()),
        false => Err("allowed are letters, digits, `-`, `_` and `.`, which is not the first".to_owned()),
    }
}

/// Runs the `meshwright` binary.
pub(crate) fn main() -> ExitCode {
    let start = Instant::now();
    if let Some(code) = self_exec::run() {
        return code;
    }
    report(execute(arguments::parse::<Arguments>().command, start))
}

fn execute(command: Command, start: Instant) -> Result<Exit, CliError> {
    match command {
        Command::Up(arguments) => return up(&arguments, start),
        Command::Serve(arguments) => return Ok(serve::run(&arguments.resolve()?)?),
        Command::Check(arguments) => check::run(&arguments)?,
        Command::Translate(arguments) => {
            let mut templates = arguments.files.read()?;
            templates.set_header_limits(arguments.header_limits.into());
            fetch_account_values(&arguments.files, &mut templates)?;
            translate::run(&arguments, &templates)?;
        }
        Command::Import(arguments) => import::run(&arguments)?,
        Command::Migrate(arguments) => migrate::run(&arguments)?,
        Command::Images(arguments) => print(&images::script(&arguments))?,
        Command::Diagram(files) => diagram::run(&files)?,
        Command::Running(command) => return running::run(command),
        Command::Doctor { json } => doctor::run(json)?,
        Command::Completions { shell } => shell::print_completions(shell, Arguments::command())?,
        Command::Manual { directory } => shell::write_manual(&directory, Arguments::command())?,
        Command::Token(arguments) => print(&arguments.issue()?)?,
    }
    Ok(Exit::Done)
}

fn up(
    UpArguments {
        template: arguments,
        api,
        strict,
        name,
        page,
        detach,
    }: &UpArguments,
    start: Instant,
) -> Result<Exit, CliError> {
    let name = match name {
        Some(name) => name.clone(),
        None => arguments.files.first_stack_name(),
    };
    if detach.is_requested() {
        // Errors of the templates appear here rather than in the output of the background process.
        plan(arguments, Runnable::Services)?;
        return running::detached(&name);
    }
    detach.leave_terminal().map_err(RunningCommandError::from)?;
    // The stamps of the files are taken before they are read, so that no change is missed.
    let mut files = arguments.files.paths();
    let mut watch = watch(arguments, files.clone());
    let (mut runnable, nested) = plan(arguments, Runnable::Services)?;
    if !nested.is_empty() {
        files.extend(nested);
        watch = self::watch(arguments, files);
        runnable = plan(arguments, Runnable::Services)?.0;
    }
    Ok(up::run(Up {
        start,
        name,
        page: page.port(),
        plan: runnable,
        smoke_test: &SmokeTest::new(),
        once: false,
        strict: *strict,
        network: arguments.network.into(),
        watch: Some(watch),
        api: api.address,
        control: None,
        scenario: None,
    })?)
}

/// Watches the files of a plan.
fn watch(arguments: &TemplateArguments, files: Vec<PathBuf>) -> Watch<'_> {
    Watch::new(files, || {
        let planned = plan(arguments, Runnable::Services);
        planned.map(|(plan, _)| plan).map_err(BoxError::from)
    })
}

/// What a plan must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runnable {
    /// At least one service.
    Services,
    /// At least one resource: a mesh, or what other stacks use.
    OrResources,
}

/// The plan of the templates, and the files of nested stacks. Validates the templates together with the `--image` options.
pub(crate) fn plan(arguments: &TemplateArguments, required: Runnable) -> Result<(Plan, Vec<PathBuf>), CliError> {
    let mut templates = arguments.files.read()?;
    templates.set_network(arguments.network.into());
    templates.set_header_limits(arguments.header_limits.into());
    fetch_account_values(&arguments.files, &mut templates)?;
    let plan = plan_of(&templates, &arguments.images(), required);
    let plan = plan.and_then(|plan| plan.publish(&arguments.publish.ports));
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(plan.as_ref().err().cloned().into_iter().flatten());
    let used = if arguments.images.is_empty() {
        None
    } else {
        Plan::image_names(&templates.stacks(), templates.environment())
    };
    diagnostics.extend(arguments.image_errors(used.as_ref()));
    templates.print_warnings();
    match plan {
        Ok(plan) if diagnostics.is_empty() => {
            templates.warn_of_unread_values();
            templates.warn(&plan);
            Ok((plan, templates.nested_files()))
        }
        _ => Err(CliError::NotRunnable(
            templates.located(ValidationErrors::from(diagnostics)),
        )),
    }
}

/// The plan of templates that were read.
pub(crate) fn plan_of(templates: &Templates, images: &Images, required: Runnable) -> Result<Plan, ValidationErrors> {
    let plan = Plan::in_environment(&templates.stacks(), templates.environment(), images);
    plan.and_then(|plan| match required {
        Runnable::OrResources if templates.have_resources() => Ok(plan),
        _ => plan.with_services(),
    })
}

impl TemplateArguments {
    /// Whether images are given.
    pub(crate) fn has_images(&self) -> bool {
        !self.images.is_empty()
    }

    /// The local programs of images.
    pub(crate) fn images(&self) -> Images {
        let known = if self.stub {
            self_exec::known_images_and_stub()
        } else {
            self_exec::known_images()
        };
        let images = self.images.iter();
        images.fold(known, |images, image| {
            images.with(&image.name, Image::new(image.words.clone()))
        })
    }

    /// Errors of the `--image` options. `used` are the images of the templates, if all of them are known.
    pub(crate) fn image_errors(&self, used: Option<&BTreeSet<String>>) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        for ImageCommand { name, text, words } in &self.images {
            let path = format!("--image {name}={text}");
            let alone = Images::default().with(name, Image::new([""]));
            if let Some(used) = used
                && !used.iter().any(|used| alone.get(used).is_some())
            {
                let names: Vec<&str> = used.iter().map(String::as_str).collect();
                let message = match closest(name, names.iter().copied()) {
                    Some(meant) => format!("the template has no such image; did you mean {meant}?"),
                    None => format!("the template has no such image; it has {}", names.join(", ")),
                };
                diagnostics.add(path.as_str(), message);
            }
            if let Some(program) = words.first().filter(|program| !is_executable(program)) {
                diagnostics.add(
                    path,
                    format!("`{program}` is not a program: {}", search_failure(program)),
                );
            }
        }
        diagnostics
    }
}

/// Whether a program can be found by containers, whose processes have the `PATH` and working directory of this one.
fn is_executable(program: &str) -> bool {
    let is_executable_file = |file: &Path| {
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_executable_file(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| is_executable_file(&directory.join(program)))
}

fn search_failure(program: &str) -> &'static str {
    if program.contains('/') {
        "no such file, or not executable"
    } else {
        "not found in PATH"
    }
}

fn image(text: &str) -> Result<ImageCommand, String> {
    let (name, command) = files::pair(text).ok_or_else(|| "expected NAME=COMMAND".to_owned())?;
    let words = shell_words::split(&command).map_err(|error| error.to_string())?;
    if words.is_empty() {
        return Err("expected a program after the `=`".to_owned());
    }
    Ok(ImageCommand {
        name,
        text: command,
        words,
    })
}
