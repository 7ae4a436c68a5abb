//! Translate: prints the Envoy configuration of one node and has an Envoy validate it.

use std::io;

use clap::{Args, ValueEnum};
use mesh_infra::ValidationErrors;
use mesh_local::Plan;
use mesh_local::inspect::{self, FindError, InspectError, Inspection, ValidationError};
use stop_signals::{StopSignal, StopSignals};

use crate::cli::header_limits::HeaderLimitArguments;
use crate::cli::template::{TemplateFiles, Templates};
use crate::console::{OutputError, print, print_error};
use crate::self_exec;

#[derive(Debug, Args)]
pub(crate) struct TranslateArguments {
    #[command(flatten)]
    pub(crate) files: TemplateFiles,
    /// Node: virtualNode/NAME, virtualGateway/NAME, either of them after mesh/MESH/ or as an ARN, or service/NAME
    #[arg(long, value_name = "NODE")]
    node: String,
    /// Traffic between an application and its Envoy
    #[arg(long, value_enum, default_value_t = TrafficMode::ExplicitProxy, alias = "wiring")]
    traffic_mode: TrafficMode,
    /// Validate the configuration with an Envoy; the exit code is 1 if Envoy rejects it. Certificates are read from this
    /// machine
    #[arg(long)]
    validate: bool,
    /// Fail if anything is assumed, or is not translated
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(crate) header_limits: HeaderLimitArguments,
}

/// The traffic mode, on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum TrafficMode {
    /// As `up` by default: applications call their Envoy on loopback. Listener ports are placeholders for the ports that
    /// a task is assigned when it starts
    #[value(alias = "explicit")]
    ExplicitProxy,
    /// As on AWS: the connections of applications are redirected to their Envoy
    #[value(alias = "intercepted")]
    TransparentProxy,
}

impl From<TrafficMode> for inspect::TrafficMode {
    fn from(mode: TrafficMode) -> Self {
        match mode {
            TrafficMode::ExplicitProxy => Self::ExplicitProxy,
            TrafficMode::TransparentProxy => Self::TransparentProxy,
        }
    }
}

/// Why a configuration was not printed, or is not valid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TranslateError {
    #[error("this template cannot be translated\n{0}")]
    Template(ValidationErrors),
    #[error("--node: {0}")]
    Node(FindError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("cannot start the async runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("interrupted by {0} before Envoy had validated the configuration")]
    Interrupted(StopSignal),
    #[error(transparent)]
    Validation(#[from] ValidationError),
    #[error("--strict: {assumed} assumed and {untranslated} not translated")]
    Strict { assumed: usize, untranslated: usize },
    #[error("Envoy {version} rejects this configuration{output}")]
    Rejected { version: String, output: String },
}

/// Prints the configuration, and validates it if requested.
pub(crate) fn run(arguments: &TranslateArguments, templates: &Templates) -> Result<(), TranslateError> {
    // No container is started, so any image will do.
    let images = self_exec::known_images_and_stub();
    let plan = Plan::in_environment(&templates.stacks(), templates.environment(), &images);
    templates.print_warnings();
    let plan = plan.map_err(|errors| TranslateError::Template(templates.located(errors)))?;
    templates.warn_of_unread_values();
    templates.warn(&plan);
    for (path, note) in &plan.assumed {
        print_error(&format!("assumed: {path}: {note}"));
    }
    let node = inspect::find(&plan, &arguments.node).map_err(TranslateError::Node)?;
    let inspection = inspect::inspect(&plan, &node, arguments.traffic_mode.into())?;
    print(&format!("{:#}", inspection.configuration))?;
    for note in &inspection.notes {
        print_error(&format!("not translated: {note}"));
    }
    if arguments.validate {
        validate(&inspection)?;
    }
    let (assumed, untranslated) = (plan.assumed.len(), inspection.notes.len());
    if arguments.strict && assumed + untranslated > 0 {
        return Err(TranslateError::Strict { assumed, untranslated });
    }
    Ok(())
}

/// Validates a configuration with an Envoy.
fn validate(inspection: &Inspection) -> Result<(), TranslateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(TranslateError::Runtime)?;
    let validation = runtime.block_on(async {
        let mut signals = StopSignals::for_terminal().map_err(TranslateError::Signals)?;
        let launcher = self_exec::launcher();
        let validation = inspect::validate(&inspection.configuration, &launcher, |step| {
            print_error(&step.to_string());
        });
        tokio::select! {
            // Signals first, so that none ends this process at once while a child is running.
            biased;
            signal = signals.next_distinct() => Err(TranslateError::Interrupted(signal)),
            validation = validation => Ok(validation?),
        }
    })?;
    let version = validation.version.to_string();
    let output = match validation.output.as_str() {
        "" => String::new(),
        output => format!(":\n{output}"),
    };
    if validation.is_accepted {
        print_error(&format!("Envoy {version} accepts this configuration{output}"));
        Ok(())
    } else {
        Err(TranslateError::Rejected { version, output })
    }
}
