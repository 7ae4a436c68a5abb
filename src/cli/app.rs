//! A described app as a program with verbs.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use mesh_infra::{App, MeshEncoding, Template, diagram};
use mesh_local::{Image, Images, Plan, StackInput};

use crate::cli::aws_args::AwsCommand;
use crate::console::{print, tell};
use crate::self_exec;
use crate::smoke_test::SmokeTest;
use crate::up::{self, Network, Up};

/// Runs a described app: reads the command line, does what it says, and gives the exit code. Short for
/// [`Program::new`] and [`Program::run`].
#[must_use]
pub fn run(app: impl Into<App>) -> ExitCode {
    Program::new(app).run()
}

/// An app, and what is needed to run it on this machine.
#[derive(Debug)]
pub struct Program {
    app: App,
    images: Images,
    walk: SmokeTest,
}

/// Describe once, run anywhere.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Take the walk, then stop; the exit code says whether all went as expected.
    #[arg(long)]
    once: bool,
    /// What network the tasks are in.
    #[arg(long, value_enum, default_value_t)]
    network: Network,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the CloudFormation template.
    Synth {
        /// Which stack; may be left out if there is only one.
        stack: Option<String>,
        /// How to write a mesh: as parameters that the control plane reads, or as App Mesh's own resources, which AWS
        /// no longer serves.
        #[arg(long, value_enum, default_value_t = Form::Parameters)]
        mesh: Form,
    },
    /// Print a Mermaid diagram.
    Diagram {
        /// Which stack; may be left out if there is only one.
        stack: Option<String>,
    },
    #[command(flatten)]
    Account(AwsCommand),
}

/// How a mesh is written in a template.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Parameters,
    AppMesh,
}

impl From<Form> for MeshEncoding {
    fn from(form: Form) -> Self {
        match form {
            Form::Parameters => Self::Parameters,
            Form::AppMesh => Self::AppMesh,
        }
    }
}

impl Program {
    /// A program that knows one image, the demo service, and takes no walk.
    pub fn new(app: impl Into<App>) -> Self {
        Self {
            app: app.into(),
            images: self_exec::known_images(),
            walk: SmokeTest::new(),
        }
    }

    /// Says what an image means on this machine.
    #[must_use]
    pub fn with_image(mut self, name: &str, image: Image) -> Self {
        self.images = self.images.with(name, image);
        self
    }

    /// Calls to make once everything runs.
    #[must_use]
    pub fn with_smoke_test(mut self, walk: SmokeTest) -> Self {
        self.walk = walk;
        self
    }

    /// Reads the command line and does what it says. Mistakes are explained on standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let beginning = std::time::Instant::now();
        if let Some(code) = self_exec::run() {
            return code;
        }
        let arguments = Arguments::parse();
        let result = match arguments.verb {
            Some(Verb::Account(verb)) => {
                return verb.run(&self.app).unwrap_or_else(|reason| exit_code(Err(reason)));
            }
            Some(Verb::Synth { stack, mesh }) => self
                .template(stack.as_deref(), mesh.into())
                .and_then(|(_, template)| print(&template.to_json())),
            Some(Verb::Diagram { stack }) => self
                .template(stack.as_deref(), MeshEncoding::default())
                .and_then(|(_, template)| print(&diagram(&template))),
            None => self.plan().and_then(|plan| {
                up::run(Up {
                    beginning,
                    plan,
                    walk: &self.walk,
                    once: arguments.once,
                    network: arguments.network.into(),
                    watch: None,
                    controlled: None,
                    story: None,
                })
            }),
        };
        exit_code(result)
    }

    fn plan(&self) -> Result<Plan, String> {
        let (name, template) = self.template(None, MeshEncoding::default())?;
        // The template as text is all that passes from the description to the runner.
        let template = Template::from_json(&template.to_json()).map_err(|error| error.to_string())?;
        let stack = StackInput {
            name: &name,
            template: &template,
            parameters: &BTreeMap::new(),
        };
        Plan::new(&[stack], &self.images)
            .and_then(Plan::with_services)
            .map_err(|diagnostics| up::cannot_be_run(&diagnostics))
    }

    fn template(&self, wanted: Option<&str>, form: MeshEncoding) -> Result<(String, Template), String> {
        let mut templates = self.app.synth_as(form).map_err(|diagnostics| diagnostics.to_string())?;
        let names: Vec<String> = templates.keys().cloned().collect();
        let name = match (wanted, names.as_slice()) {
            (Some(name), _) => name.to_owned(),
            (None, [only]) => only.clone(),
            (None, _) => return Err(format!("say which stack: there are {}", names.join(", "))),
        };
        let template = templates
            .shift_remove(&name)
            .ok_or_else(|| format!("there is no stack `{name}`; there are {}", names.join(", ")))?;
        Ok((name, template))
    }
}

/// Success, or the reason on standard error and exit code 1.
pub(crate) fn exit_code(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tell(&format!("error: {}", reason.replace('\n', "\n  ")));
            ExitCode::FAILURE
        }
    }
}
