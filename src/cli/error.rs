//! The error of a command, with its exit code.

use std::io;
use std::process::ExitCode;

use mesh_infra::{PolicyError, TemplateError, ValidationErrors};

use crate::cli::aws_args::StackInputsError;
use crate::cli::check::CheckError;
use crate::cli::doctor::DoctorError;
use crate::cli::import::ImportError;
use crate::cli::migrate::MigrateError;
use crate::cli::running::RunningCommandError;
use crate::cli::serve::NoDefaultState;
use crate::cli::shell::ManualError;
use crate::cli::template::TemplateFileError;
use crate::cli::token::TokenCommandError;
use crate::cli::translate::TranslateError;
use crate::console::{OutputError, chain, print_error};
use crate::exit_code::{self, Exit};
use crate::serve::ServeError;
use crate::up::UpError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Arguments that clap accepts but that do not fit the app or each other.
    #[error("{0}")]
    Usage(String),
    /// The app's description is invalid.
    #[error(transparent)]
    Description(#[from] ValidationErrors),
    /// The synthesized template cannot be read back.
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("this template cannot be run locally\n{0}")]
    NotRunnable(ValidationErrors),
    #[error(transparent)]
    TemplateFile(#[from] TemplateFileError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Translate(#[from] TranslateError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Up(#[from] UpError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Token(#[from] TokenCommandError),
    #[error(transparent)]
    Running(#[from] RunningCommandError),
    #[error(transparent)]
    Doctor(#[from] DoctorError),
    #[error(transparent)]
    Manual(#[from] ManualError),
    #[error(transparent)]
    NoDefaultState(#[from] NoDefaultState),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("cannot start the async runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// A command for an AWS account in a program without the feature `aws`.
    #[cfg(not(feature = "aws"))]
    #[error("{0}")]
    AwsDisabled(String),
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Aws(#[from] crate::cli::aws::AwsError),
    #[error(transparent)]
    BlueGreen(bluegreen_deploy::Error),
    #[error("nothing was deployed yet: start the application first, in another terminal")]
    NotStarted,
    #[cfg(feature = "aws")]
    #[error("nothing was deployed yet: run `deploy --aws --version N` first")]
    NotDeployed,
    #[error(transparent)]
    StackInputs(#[from] StackInputsError),
    #[error("cannot create a temporary state directory; set TMPDIR to an existing directory")]
    TemporaryDirectory(#[source] io::Error),
}

impl CliError {
    /// Whether a signal ended a question, and nothing was changed.
    #[cfg(feature = "aws")]
    pub(crate) fn is_interruption(&self) -> bool {
        matches!(self, Self::Aws(error) if error.is_interruption())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::StackInputs(_) | Self::NoDefaultState(_) => exit_code::USAGE,
            Self::BlueGreen(
                bluegreen_deploy::Error::UnknownEnvoy { .. } | bluegreen_deploy::Error::HookNotExecutable { .. },
            ) => exit_code::USAGE,
            Self::Serve(ServeError::Access(_)) => exit_code::USAGE,
            Self::Serve(ServeError::Xds(error)) if error.is_usage() => exit_code::USAGE,
            Self::Token(TokenCommandError::TooLong) => exit_code::USAGE,
            Self::Up(error) if error.is_usage() => exit_code::USAGE,
            Self::Running(error) if error.is_usage() => exit_code::USAGE,
            Self::Translate(TranslateError::Interrupted(_)) | Self::Up(UpError::Interrupted { .. }) => {
                exit_code::INTERRUPTED
            }
            Self::Migrate(MigrateError::Usage(_)) | Self::Import(ImportError::Usage(_)) => exit_code::USAGE,
            Self::Translate(TranslateError::Node(_)) => exit_code::USAGE,
            Self::Check(CheckError::UnknownParameter { .. }) => exit_code::USAGE,
            #[cfg(feature = "aws")]
            Self::Aws(error) if error.is_usage() => exit_code::USAGE,
            _ => exit_code::FAILURE,
        }
    }
}

impl From<bluegreen_deploy::Error> for CliError {
    fn from(error: bluegreen_deploy::Error) -> Self {
        Self::BlueGreen(error)
    }
}

#[cfg(feature = "aws")]
impl From<crate::cli::aws::inputs::InputError> for CliError {
    fn from(error: crate::cli::aws::inputs::InputError) -> Self {
        Self::Aws(error.into())
    }
}

/// The exit code of a command. The reason of a failure is printed to standard error.
pub(crate) fn report(result: Result<Exit, CliError>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            print_error(&format!("error: {}", chain(&error).replace('\n', "\n  ")));
            ExitCode::from(error.exit_code())
        }
    }
}
