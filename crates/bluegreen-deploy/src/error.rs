//! Errors of this crate.

use std::io;
use std::path::PathBuf;

use bluegreen_state::{ControllerError, HookStage, InvalidStrategy, Reason, Rejected, Strategy};
use cfn::TemplateError;
use sidecar_contract::ValidationErrors;

use crate::Version;
use crate::control_api::ClientError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The application's description is invalid.
    #[error(transparent)]
    Description(#[from] ValidationErrors),
    /// The synthesized template cannot be read back.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The template has no parameter with this name, or its value is not known at synth time.
    #[error("the template has no AWS::SSM::Parameter `{name}` with a known value")]
    ParameterNotFound {
        /// The name of the parameter.
        name: String,
    },
    /// The state machine rejects the command.
    #[error("{}", describe_rejected(.0))]
    Rejected(Rejected),
    /// A deployment in progress has another strategy.
    #[error(
        "version {version} is being deployed with strategy {current}: omit --strategy to continue it, `promote` it, or \
         abort it and deploy again with {requested}"
    )]
    StrategyConflict {
        /// The version that is being deployed.
        version: Version,
        /// The strategy of the deployment in progress.
        current: Box<Strategy>,
        /// The requested strategy.
        requested: Box<Strategy>,
    },
    /// The strategy does not fit the application.
    #[error(transparent)]
    Strategy(InvalidStrategy),
    /// The rollout has a hook at a stage, and the application has none for it.
    #[error(
        "the rollout runs a hook at {stage}, which this command does not have: repeat the command with --hook \
         {stage}=COMMAND, or abort the rollout"
    )]
    HookMissing {
        /// The stage.
        stage: HookStage,
    },
    /// The application has a hook, and the rollout in progress began without it.
    #[error(
        "the rollout in progress began without a hook at {stage}, and would not run it: repeat the command without it, or \
         abort the rollout and deploy again"
    )]
    HookNotInRollout {
        /// The stage.
        stage: HookStage,
    },
    /// The program of a hook does not exist, or is not executable.
    #[error("the hook at {stage} cannot run `{program}`: {reason}; nothing was changed")]
    HookNotExecutable {
        /// The stage.
        stage: HookStage,
        /// The file name of the program.
        program: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name of an Envoy that a command is to ignore is not one.
    #[error("--ignore {name}: no Envoy has this name; the mesh has {}", known.join(", "))]
    UnknownEnvoy {
        /// The given name.
        name: String,
        /// The node ids of the mesh.
        known: Vec<String>,
    },
    /// A stage has two hooks.
    #[error("{stage} has two hooks: combine them in one")]
    DuplicateHook {
        /// The stage.
        stage: HookStage,
    },
    /// A hook at a stage of the test traffic, and the application has no route for test traffic.
    #[error("a hook at {stage} never runs, because the application has no route for test traffic")]
    NoTestTraffic {
        /// The stage.
        stage: HookStage,
    },
    /// The strategy has test traffic, and the application has no route for it.
    #[error(
        "the strategy has test traffic, and the application has no route for it: leave out `test`, or describe the route \
         (`with_test_route`)"
    )]
    NoTestRoute,
    /// The strategy mirrors requests, and the route of the description does not.
    #[error(
        "the strategy mirrors requests, and the route of the application does not: abort the rollout, and leave out \\
         `mirror` or describe it (`HttpRoute::with_mirror` with `Sides::mirrors`)"
    )]
    NoMirror,
    /// There is no state, because nothing was ever deployed.
    #[error("nothing was deployed yet")]
    NotInitialized,
    /// No mesh listens on the control socket.
    #[error(
        "no mesh is running at {}, and nothing was changed: start the application in another terminal, then repeat the \
         command",
        socket.display()
    )]
    MeshNotRunning {
        /// The path of the control socket.
        socket: PathBuf,
    },
    /// Another process has deployed the application first.
    #[cfg(feature = "aws")]
    #[error(
        "another process has deployed this application at the same time, and its state is not that of version {version}; see \
         `status --aws`, and deploy again"
    )]
    DeployedMeanwhile {
        /// The version that was deployed by this process.
        version: Version,
    },
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] bluegreen_state::Error),
    /// The controller stopped.
    #[error(transparent)]
    Controller(ControllerError),
    /// The state directory cannot be created.
    #[error("cannot create the state directory {}: {source}", path.display())]
    StateDir {
        /// The path of the directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is no default for the state directory.
    #[error("no default state directory, because neither XDG_STATE_HOME nor HOME is set: use --state")]
    NoDefaultStateDir,
    /// The client of the control socket cannot be created.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The deployment was rolled back.
    #[error("the deployment was rolled back: {0}")]
    RolledBack(Reason),
    /// The version was deployed, although it was to be rolled back.
    #[error("version {version} was not rolled back: another process has deployed it since")]
    NotRolledBack {
        /// The version.
        version: Version,
    },
    /// The rollback failed.
    #[error("the rollback failed, because the previous version is unhealthy: {0}")]
    RollbackFailed(Reason),
    /// The state parameter of a deleted stack remains.
    #[cfg(feature = "aws")]
    #[error("the stack is deleted, but its state parameter `{name}` is not: {source}")]
    StateNotDeleted {
        /// The name of the parameter.
        name: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<ControllerError> for Error {
    fn from(error: ControllerError) -> Self {
        match error {
            ControllerError::NotInitialized => Self::NotInitialized,
            ControllerError::Rejected(rejected) => Self::Rejected(rejected),
            other => Self::Controller(other),
        }
    }
}

/// Why a command was rejected, and what to do.
#[must_use]
pub fn describe_rejected(rejected: &Rejected) -> String {
    match rejected {
        Rejected::RollingBack => format!("{rejected}; if its controller has stopped, `abort` completes the rollback"),
        _ => rejected.to_string(),
    }
}
