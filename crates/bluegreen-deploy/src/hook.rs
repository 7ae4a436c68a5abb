//! Hooks of an application: a command or an HTTP request per lifecycle stage.

mod call;
mod command;
mod http;
#[cfg(feature = "aws")]
mod https;
mod output;
mod program;
mod response;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bluegreen_state::{HookStage, HookStatus, InvalidStrategy, Strategy};
use mesh_local::Launcher;
use reqwest::Url;

pub(crate) use call::HookCall;
pub use output::MAX_OUTPUT_LINES;

use crate::error::Error;

/// The default of [`Hook::with_timeout`]: the limit of an invocation of Lambda, which runs the hooks of ECS (AWS Lambda
/// developer guide, "Configure Lambda function timeout", 2026-11-30).
pub const DEFAULT_HOOK_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// What runs at a lifecycle stage, where the rollout controller runs. A rollout proceeds from the stage once the hook has
/// succeeded, and is rolled back if it fails.
///
/// A hook runs at least once: a controller that takes over from one that stopped calls it again. All calls at a stage and
/// step have the same idempotency key.
///
/// # Commands
///
/// A program with arguments, without a shell. It inherits the environment, with these variables added:
///
/// | variable | value |
/// |---|---|
/// | `MESHWRIGHT_LIFECYCLE_STAGE` | the stage, such as `POST_SCALE_UP` |
/// | `MESHWRIGHT_APPLICATION` | the name of the application |
/// | `MESHWRIGHT_VERSION`, `MESHWRIGHT_SIDE` | the version that is rolled out, and its side: `blue` or `green` |
/// | `MESHWRIGHT_OTHER_VERSION` | the version of the other side |
/// | `MESHWRIGHT_BLUE_WEIGHT`, `MESHWRIGHT_GREEN_WEIGHT` | the percentages of the traffic |
/// | `MESHWRIGHT_TEST_SIDE` | the side with the test traffic, or empty |
/// | `MESHWRIGHT_EXECUTION_ID` | identifies the rollout |
/// | `MESHWRIGHT_IDEMPOTENCY_KEY` | identifies the stage and step in the rollout |
///
/// Exit code 0 is success, any other is a failure. If the last line of its output is a JSON object with `hookStatus`, as in
/// a response below, and the exit code is 0, that decides.
///
/// The command has a process group of its own, which is killed when the command has ended, times out, or its call is
/// dropped.
///
/// # Requests
///
/// An HTTP POST. Its JSON body has the keys of a Lambda hook of ECS that apply (Amazon ECS developer guide, "Lambda hooks
/// for Amazon ECS service deployments", 2026-11-30), and further ones:
///
/// ```json
/// {"executionId": "shop-7-1796054400000", "lifecycleStage": "POST_SCALE_UP", "idempotencyKey": "…",
///  "executionDetails": {"application": "shop", "version": 2, "side": "green", "otherVersion": 1,
///    "productionTrafficWeights": {"blue": 100, "green": 0}, "testTrafficWeights": {}}}
/// ```
///
/// The response has the status 200 to 299 and the body `{"hookStatus": "SUCCEEDED"}`, `"FAILED"` or `"IN_PROGRESS"`; with
/// the last, the hook is called again after `callBackDelay` seconds, 30 by default. Any other response is a failure.
#[derive(Debug, Clone)]
pub struct Hook {
    action: Action,
    timeout: Duration,
}

#[derive(Debug, Clone)]
enum Action {
    /// The program and its arguments.
    Command(String, Vec<String>),
    Post(Url),
}

/// Why there is no such hook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHook {
    /// The command line is empty.
    #[error("the command of the hook is empty")]
    EmptyCommand,
    /// The text is not a URL.
    #[error("`{url}` is not a URL of a hook: {reason}")]
    Url {
        /// Scheme and host, as far as they are known. The rest may be secret.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Hook {
    /// A program and its arguments.
    ///
    /// # Errors
    ///
    /// [`InvalidHook::EmptyCommand`].
    pub fn command(line: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, InvalidHook> {
        let mut words = line.into_iter().map(Into::into);
        let program = words.next().filter(|program| !program.is_empty());
        let program = program.ok_or(InvalidHook::EmptyCommand)?;
        Ok(Self::new(Action::Command(program, words.collect())))
    }

    /// An HTTP POST to this URL. `https` needs the feature `aws`, and trusts the certificates of this machine, or those in
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    ///
    /// # Errors
    ///
    /// [`InvalidHook::Url`] if it is not a URL, or its scheme is not supported.
    pub fn post(url: &str) -> Result<Self, InvalidHook> {
        let parsed = Url::parse(url).map_err(|error| InvalidHook::Url {
            // The end of user information is not known.
            url: url
                .split_once("://")
                .map_or_else(|| "…".to_owned(), |(scheme, _)| format!("{scheme}://…")),
            reason: error.to_string(),
        })?;
        let invalid = |reason: String| InvalidHook::Url {
            url: format!("{}://{}", parsed.scheme(), parsed.host_str().unwrap_or_default()),
            reason,
        };
        match parsed.scheme() {
            "http" => Ok(Self::new(Action::Post(parsed))),
            "https" if cfg!(feature = "aws") => Ok(Self::new(Action::Post(parsed))),
            "https" => Err(invalid(
                "https needs the feature `aws`; add `--features aws`, or use a command such as curl".to_owned(),
            )),
            scheme => Err(invalid(format!("its scheme is {scheme}, expected http or https"))),
        }
    }

    fn new(action: Action) -> Self {
        Self {
            action,
            timeout: DEFAULT_HOOK_TIMEOUT,
        }
    }

    /// How long a call may take. The stage as a whole is limited by [`Strategy::stage_timeout`]. Default:
    /// [`DEFAULT_HOOK_TIMEOUT`].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Checks that the program of a command can be started. A request is not checked: the service may be reachable later.
    fn check(&self) -> Result<(), &'static str> {
        match &self.action {
            Action::Command(program, _) => program::check(program),
            Action::Post(_) => Ok(()),
        }
    }

    /// Calls the hook, and returns its result with the last lines of its output.
    async fn call(&self, call: &HookCall<'_>, launcher: &Launcher) -> (HookStatus, Vec<String>) {
        match &self.action {
            Action::Command(program, arguments) => command::run(program, arguments, call, launcher, self.timeout).await,
            Action::Post(url) => (http::post(url, call, self.timeout).await, Vec::new()),
        }
    }
}

/// The name of the hook in messages, without arguments, path and query, which may be secret: the program's file name, or the
/// host.
impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Command(program, _) => {
                let name = program.rsplit('/').next().unwrap_or(program);
                write!(f, "{}", name.escape_debug())
            }
            Action::Post(url) => write!(f, "{}", url.host_str().unwrap_or_default()),
        }
    }
}

/// The hooks of an application, one per stage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hooks {
    by_stage: BTreeMap<HookStage, Hook>,
    pub(crate) launcher: Launcher,
}

impl Hooks {
    pub(crate) fn insert(&mut self, stage: HookStage, hook: Hook) -> Result<(), Error> {
        match self.by_stage.insert(stage, hook) {
            Some(_) => Err(Error::DuplicateHook { stage }),
            None => Ok(()),
        }
    }

    pub(crate) fn get(&self, stage: HookStage) -> Option<&Hook> {
        self.by_stage.get(&stage)
    }

    /// Checks that the programs of all commands can be started: before a rollout begins or is continued.
    fn check_programs(&self) -> Result<(), Error> {
        for (stage, hook) in &self.by_stage {
            hook.check().map_err(|reason| Error::HookNotExecutable {
                stage: *stage,
                program: hook.to_string(),
                reason,
            })?;
        }
        Ok(())
    }

    /// The strategy with the hooks' stages. Fails if it has stages without a hook, or a hook has no program.
    pub(crate) fn added_to(&self, strategy: Strategy) -> Result<Strategy, Error> {
        self.check(&strategy)?;
        self.check_programs()?;
        strategy
            .with_hooks(self.by_stage.keys().copied())
            .map_err(|invalid| match invalid {
                InvalidStrategy::NoTestTraffic { stage } => Error::NoTestTraffic { stage },
                other => Error::Strategy(other),
            })
    }

    /// Checks that there is a hook for each stage of the strategy.
    pub(crate) fn check(&self, strategy: &Strategy) -> Result<(), Error> {
        let missing = strategy.hooks().iter().find(|stage| self.get(**stage).is_none());
        match missing {
            Some(stage) => Err(Error::HookMissing { stage: *stage }),
            None => Ok(()),
        }
    }

    /// Checks that each hook has a stage in the strategy of a rollout in progress, which would not call it otherwise, and that
    /// it can be started.
    pub(crate) fn check_stages(&self, strategy: &Strategy) -> Result<(), Error> {
        self.check_programs()?;
        let unused = self.by_stage.keys().find(|stage| !strategy.hooks().contains(stage));
        match unused {
            Some(stage) => Err(Error::HookNotInRollout { stage: *stage }),
            None => Ok(()),
        }
    }

    /// Calls a hook, and reports its progress.
    pub(crate) async fn call(&self, hook: &Hook, call: &HookCall<'_>, report: &dyn Fn(&str)) -> HookStatus {
        let title = format!("hook {hook} at {}", call.stage());
        report(&format!("{title} is running"));
        let start = tokio::time::Instant::now();
        let (status, output) = hook.call(call, &self.launcher).await;
        let took = humantime::format_duration(Duration::from_millis(
            u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        ));
        match &status {
            HookStatus::Succeeded => report(&format!("{title} succeeded after {took}")),
            HookStatus::InProgress { call_after } => {
                let again = humantime::format_duration(*call_after);
                report(&format!(
                    "{title} is in progress after {took}, and is called again in {again}"
                ));
            }
            HookStatus::Failed(finding) => {
                report(&format!("{title} failed after {took}: {finding}"));
                for line in output {
                    report(&format!("  | {line}"));
                }
            }
        }
        match status {
            // The name is part of the stored reason.
            HookStatus::Failed(finding) => HookStatus::Failed(format!("{hook}: {finding}")),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
