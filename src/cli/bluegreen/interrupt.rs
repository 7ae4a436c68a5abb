//! Interruption of a local rollout: where traffic stands, and the ways on.

use std::future::Future;

use bluegreen_deploy::{LocalStateDir, describe_interruption};
use stop_signals::StopSignals;

use crate::cli::error::CliError;
use crate::console::print_error;
use crate::exit_code::Exit;

/// Runs a command until it ends or a signal arrives. The rollout remains as it is stored.
pub(super) async fn interruptible(
    state_dir: &LocalStateDir,
    command: impl Future<Output = Result<(), CliError>>,
) -> Result<Exit, CliError> {
    let mut signals = StopSignals::for_terminal().map_err(CliError::Signals)?;
    let signal = tokio::select! {
        result = command => return result.map(|()| Exit::Done),
        signal = signals.next_distinct() => signal,
    };
    print_error(&format!("{signal}: stopped"));
    print_error(&match state_dir.state().await {
        Ok(Some(state)) => describe_interruption(&state, ""),
        Ok(None) => "nothing was deployed yet".to_owned(),
        Err(error) => format!("where traffic stands is unknown: {error}"),
    });
    Ok(Exit::Interrupted)
}
