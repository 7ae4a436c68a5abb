//! Translate: print what one node's Envoy would be told, and have an Envoy judge it.

use clap::{Args, ValueEnum};
use mesh_local::Plan;
use mesh_local::inspect::{self, Inspection, TrafficMode};
use stop_signals::StopSignals;

use crate::cli::template::TemplateFiles;
use crate::console::{chain, print, tell};
use crate::self_exec;

#[derive(Debug, Args)]
pub(crate) struct Translate {
    #[command(flatten)]
    files: TemplateFiles,
    /// Whose Envoy: virtualNode/NAME, virtualGateway/NAME, the same after mesh/MESH/ or as an ARN, or service/NAME.
    #[arg(long, value_name = "NODE")]
    node: String,
    /// How the parts of a task are connected.
    #[arg(long, value_enum, default_value_t = Wiring::Explicit)]
    wiring: Wiring,
    /// Have an Envoy judge the configuration; the exit code says whether it would start with it. It looks for the
    /// certificates that are named in it on this machine.
    #[arg(long)]
    validate: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Wiring {
    /// As in `up` unless told otherwise: applications speak to their Envoy on loopback, where it has ports that a task
    /// is given when it is started; others stand for them here.
    Explicit,
    /// As on AWS: the connections of applications are redirected to their Envoy.
    Intercepted,
}

impl From<Wiring> for TrafficMode {
    fn from(wiring: Wiring) -> Self {
        match wiring {
            Wiring::Explicit => Self::ExplicitProxy,
            Wiring::Intercepted => Self::TransparentProxy,
        }
    }
}

impl Translate {
    pub(crate) fn run(&self) -> Result<(), String> {
        let read = self.files.read()?;
        // No container is started, so it does not matter what its image is.
        let plan = Plan::new(&read.stacks(), &self_exec::known_images_and_stub());
        let plan = plan.map_err(|diagnostics| format!("this template cannot be translated\n{diagnostics}"))?;
        let node = inspect::find(&plan, &self.node).map_err(|error| format!("--node: {error}"))?;
        let inspection = inspect::inspect(&plan, &node, self.wiring.into()).map_err(|error| chain(&error))?;
        print(&format!("{:#}", inspection.configuration))?;
        for note in &inspection.notes {
            tell(&format!("not translated: {note}"));
        }
        if self.validate { validate(&inspection) } else { Ok(()) }
    }
}

/// Has an Envoy judge it.
///
/// # Errors
///
/// Its reason, if it refuses it; and why it could not be asked.
fn validate(inspection: &Inspection) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let verdict = runtime.block_on(async {
        let mut signals = StopSignals::for_terminal().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let launcher = self_exec::launcher();
        let judged = inspect::validate(&inspection.configuration, &launcher, |step| tell(&step.to_string()));
        tokio::select! {
            // First, so that no signal ends this process on the spot once something was started.
            biased;
            name = signals.next_distinct() => Err(format!("interrupted by {name} before Envoy had judged it")),
            verdict = judged => verdict.map_err(|error| chain(&error)),
        }
    })?;
    let words = match verdict.words.as_str() {
        "" => String::new(),
        words => format!(":\n{words}"),
    };
    if verdict.is_accepted {
        tell(&format!("Envoy {} accepts this configuration{words}", verdict.version));
        Ok(())
    } else {
        Err(format!("Envoy {} refuses this configuration{words}", verdict.version))
    }
}
