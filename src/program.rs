//! A described app as a program with verbs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mesh_infra::{App, Template, diagram};
use mesh_local::launcher::become_program;
use mesh_local::{Image, Images, Launcher};

use crate::up::{self, Up};
use crate::walk::Walk;

/// The image name of the demo service, which every program knows how to run.
pub const DEMO_SERVICE_IMAGE: &str = "meshwright/demo-service";

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
    walk: Walk,
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
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the CloudFormation template.
    Synth {
        /// Which stack; may be left out if there is only one.
        stack: Option<String>,
    },
    /// Print a Mermaid diagram.
    Diagram {
        /// Which stack; may be left out if there is only one.
        stack: Option<String>,
    },
}

impl Program {
    /// A program that knows one image, the demo service, and takes no walk.
    pub fn new(app: impl Into<App>) -> Self {
        Self {
            app: app.into(),
            images: known_images(),
            walk: Walk::new(),
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
    pub fn with_walk(mut self, walk: Walk) -> Self {
        self.walk = walk;
        self
    }

    /// Reads the command line and does what it says. Mistakes are explained on standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let beginning = std::time::Instant::now();
        if let Some(code) = as_child() {
            return code;
        }
        let arguments = Arguments::parse();
        let result = match arguments.verb {
            Some(Verb::Synth { stack }) => self
                .template(stack.as_deref())
                .map(|(_, template)| show(&template.to_json())),
            Some(Verb::Diagram { stack }) => self
                .template(stack.as_deref())
                .map(|(_, template)| show(&diagram(&template))),
            None => self.template(None).and_then(|(stack, template)| {
                up::run(&Up {
                    beginning,
                    // The template as text is all that passes from the description to the runner.
                    template: &Template::from_json(&template.to_json()).map_err(|error| error.to_string())?,
                    stack: &stack,
                    parameters: &BTreeMap::new(),
                    images: &self.images,
                    walk: &self.walk,
                    once: arguments.once,
                })
            }),
        };
        exit_code(result)
    }

    fn template(&self, wanted: Option<&str>) -> Result<(String, Template), String> {
        let mut templates = self.app.synth().map_err(|problems| problems.to_string())?;
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

pub(crate) fn show(text: &str) {
    print!("{text}");
}

/// Success, or the reason on standard error and exit code 1.
pub(crate) fn exit_code(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {}", reason.replace('\n', "\n  "));
            ExitCode::FAILURE
        }
    }
}

// The program as its own children: what a runner starts is itself once more, under these first arguments. That
// keeps a single `cargo run` enough to have a service to run.

const DEMO_SERVICE: &str = "__demo-service";
const BECOME: &str = "__become";

/// The exit code, if this process was started as a child of another one of its kind.
pub(crate) fn as_child() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    let rest: Vec<OsString> = arguments.collect();
    match first.to_str()? {
        DEMO_SERVICE => Some(demo_service::main(rest)),
        BECOME => Some(exit_code(Err(become_program(&rest).to_string()))),
        _ => None,
    }
}

/// This executable, to be started as a child.
fn own_executable() -> OsString {
    std::env::current_exe().map_or_else(|_| OsString::from("meshwright"), OsString::from)
}

/// How children are started so that they do not outlive this process.
pub(crate) fn launcher() -> Launcher {
    Launcher::new([own_executable(), BECOME.into()])
}

/// The images that every program knows.
pub(crate) fn known_images() -> Images {
    Images::default().with(DEMO_SERVICE_IMAGE, demo_service_image())
}

/// The demo service, whose image holds one program.
pub(crate) fn demo_service_image() -> Image {
    let command = [own_executable(), DEMO_SERVICE.into()];
    Image::new(command.clone()).with_program("demo-service", command)
}
