//! Shell completions and manual pages, from the definition of the command line.

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::cli::error::CliError;
use crate::console::print;

/// The manual pages cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the manual pages to {}", directory.display())]
pub(crate) struct ManualError {
    directory: PathBuf,
    #[source]
    source: io::Error,
}

/// Prints the completions of a command line for a shell.
pub(crate) fn print_completions(shell: Shell, mut command: Command) -> Result<(), CliError> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}

/// Writes a manual page for each command to a directory, which is created if it does not exist.
pub(crate) fn write_manual(directory: &Path, command: Command) -> Result<(), ManualError> {
    let written = std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(command, directory));
    written.map_err(|source| ManualError {
        directory: directory.to_owned(),
        source,
    })
}
