//! Command line of an app described in Rust.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand, ValueEnum};
use mesh_infra::cfn::connect_stacks;
use mesh_infra::{App, MeshEncoding, Template, TemplateError, diagram};
use mesh_local::{Image, Images, Plan, StackInput};

use crate::cli::arguments;
use crate::cli::aws_args::{AwsCommand, StackSelection};
use crate::cli::error::{CliError, report};
use crate::cli::page::PageArguments;
use crate::cli::policy::{PolicyArguments, print_policy};
use crate::cli::publish::PublishArguments;
use crate::cli::synth::TemplateFormat;
use crate::cli::template::ApiArguments;
use crate::console::print;
use crate::exit_code::{self, Exit};
use crate::self_exec;
use crate::smoke_test::SmokeTest;
use crate::up::{self, Network, Up};

/// Runs the command line of a described app and returns its [exit code](crate::exit_code). Short for [`Program::new`] and
/// [`Program::run`].
#[must_use]
pub fn run(app: impl Into<App>) -> ExitCode {
    Program::new(app).run()
}

/// An app with its command line, and what it needs to run locally.
#[derive(Debug)]
pub struct Program {
    app: App,
    images: Images,
    smoke_test: SmokeTest,
}

/// Run the app locally, print its template or deploy it to AWS
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true, after_help = exit_code::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run the smoke test, then stop
    #[arg(long)]
    once: bool,
    /// Network of the tasks
    #[arg(long, value_enum, default_value_t)]
    network: Network,
    #[command(flatten)]
    api: ApiArguments,
    #[command(flatten)]
    publish: PublishArguments,
    #[command(flatten)]
    page: PageArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the CloudFormation template
    Synth {
        /// Name of the stack; optional if there is only one
        stack: Option<String>,
        /// Encoding of App Mesh resources: parameters, which the control plane reads, or App Mesh's own resource types,
        /// which AWS no longer serves
        #[arg(long, value_enum, default_value_t = Encoding::Parameters)]
        mesh: Encoding,
        #[command(flatten)]
        format: TemplateFormat,
    },
    /// Print a Mermaid diagram
    Diagram {
        /// Name of the stack; optional if there is only one
        stack: Option<String>,
    },
    /// Print an IAM policy for the deployer or for CloudFormation's service role
    Policy {
        #[command(flatten)]
        policy: PolicyArguments,
        #[command(flatten)]
        selection: StackSelection,
    },
    #[command(flatten)]
    Aws(AwsCommand),
}

/// The encoding of a mesh in a template, on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encoding {
    Parameters,
    AppMesh,
}

impl From<Encoding> for MeshEncoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Parameters => Self::Parameters,
            Encoding::AppMesh => Self::AppMesh,
        }
    }
}

impl Program {
    /// A program without a smoke test that knows one image, the demo service.
    pub fn new(app: impl Into<App>) -> Self {
        Self {
            app: app.into(),
            images: self_exec::known_images(),
            smoke_test: SmokeTest::new(),
        }
    }

    /// Sets the local program of an image.
    #[must_use]
    pub fn with_image(mut self, name: &str, image: Image) -> Self {
        self.images = self.images.with(name, image);
        self
    }

    /// Sets the calls to make once all tasks are running.
    #[must_use]
    pub fn with_smoke_test(mut self, smoke_test: SmokeTest) -> Self {
        self.smoke_test = smoke_test;
        self
    }

    /// Parses the command line, runs the command and returns its [exit code](crate::exit_code). Errors are printed to
    /// standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let start = Instant::now();
        if let Some(code) = self_exec::run() {
            return code;
        }
        report(self.execute(arguments::parse::<Arguments>(), start))
    }

    fn execute(&self, arguments: Arguments, start: Instant) -> Result<Exit, CliError> {
        if arguments.once && arguments.command.is_some() {
            return Err(CliError::Usage(
                "--once runs the app here, and takes no command".to_owned(),
            ));
        }
        if arguments.api.address.is_some() && arguments.command.is_some() {
            return Err(CliError::Usage(
                "--api serves the mesh that runs here, and takes no command".to_owned(),
            ));
        }
        match arguments.command {
            Some(Command::Aws(command)) => return self.execute_in_account(command),
            Some(Command::Synth { stack, mesh, format }) => {
                let (_, template) = self.template(stack.as_deref(), mesh.into())?;
                format.print(&template)?;
            }
            Some(Command::Diagram { stack }) => {
                let (_, template) = self.template(stack.as_deref(), MeshEncoding::default())?;
                print(&diagram(&template))?;
            }
            Some(Command::Policy { policy, selection }) => {
                let mut stacks = self.app.synth()?;
                if let Some(unknown) = selection.stacks.iter().find(|stack| !stacks.contains_key(*stack)) {
                    return Err(unknown_stack(unknown, &stacks.into_keys().collect::<Vec<_>>()));
                }
                stacks.retain(|name, _| selection.stacks.is_empty() || selection.stacks.contains(name));
                print_policy(&policy, &selection.target, &stacks)?;
            }
            None => {
                return Ok(up::run(Up {
                    start,
                    name: self_exec::program_name(),
                    page: arguments.page.port(),
                    plan: self
                        .plan()?
                        .publish(&arguments.publish.ports)
                        .map_err(CliError::NotRunnable)?,
                    smoke_test: &self.smoke_test,
                    once: arguments.once,
                    // Its author can change what does not work.
                    strict: true,
                    network: arguments.network.into(),
                    watch: None,
                    api: arguments.api.address,
                    control: None,
                    scenario: None,
                })?);
            }
        }
        Ok(Exit::Done)
    }

    #[cfg(feature = "aws")]
    fn execute_in_account(&self, command: AwsCommand) -> Result<Exit, CliError> {
        crate::cli::aws::run(command, &self.app)
    }

    #[cfg(not(feature = "aws"))]
    fn execute_in_account(&self, _command: AwsCommand) -> Result<Exit, CliError> {
        Err(CliError::AwsDisabled(crate::cli::aws_disabled::enable_hint()))
    }

    fn plan(&self) -> Result<Plan, CliError> {
        // The runner reads the templates' text, as CloudFormation does.
        let templates = self.app.synth()?.into_iter();
        let read = |(name, template): (String, Template)| Ok((name, Template::from_json(&template.to_compact_json())?));
        let mut templates = templates.map(read).collect::<Result<Vec<_>, TemplateError>>()?;
        connect_stacks(templates.iter_mut().map(|(name, template)| (name.as_str(), template)));
        let parameters = BTreeMap::new();
        let stacks = templates.iter().map(|(name, template)| StackInput {
            name,
            template,
            parameters: &parameters,
        });
        Plan::new(&stacks.collect::<Vec<_>>(), &self.images)
            .and_then(Plan::with_services)
            .map_err(CliError::NotRunnable)
    }

    fn template(&self, stack: Option<&str>, encoding: MeshEncoding) -> Result<(String, Template), CliError> {
        let mut templates = self.app.synth_as(encoding)?;
        let names: Vec<String> = templates.keys().cloned().collect();
        let name = match (stack, names.as_slice()) {
            (Some(name), _) => name.to_owned(),
            (None, [only]) => only.clone(),
            (None, _) => {
                let message = format!("the name of a stack is required; the app has {}", names.join(", "));
                return Err(CliError::Usage(message));
            }
        };
        let template = templates
            .shift_remove(&name)
            .ok_or_else(|| unknown_stack(&name, &names))?;
        Ok((name, template))
    }
}

fn unknown_stack(name: &str, known: &[String]) -> CliError {
    CliError::Usage(format!("unknown stack `{name}`; the app has {}", known.join(", ")))
}
