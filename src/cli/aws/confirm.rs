//! Confirmation before a change.

use std::io::{self, IsTerminal, Write};

use crate::console::Console;

/// Why a change was not confirmed. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfirmError {
    #[error("{0} Nothing was changed, because standard input is not a terminal; use --yes to confirm")]
    NotInteractive(String),
    #[error("not confirmed; nothing was changed")]
    Declined,
    #[error("interrupted; nothing was changed")]
    Interrupted,
    #[error("cannot read the confirmation")]
    Read(#[source] io::Error),
}

impl ConfirmError {
    /// The message where something was changed before the question.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Self::NotInteractive(_) => "standard input is not a terminal; use --yes to confirm",
            Self::Declined => "not confirmed",
            Self::Interrupted => "interrupted",
            Self::Read(_) => "the confirmation cannot be read",
        }
    }
}

/// Asks a yes-or-no question at the terminal, unless `yes` was given.
pub(super) async fn confirm(console: &Console, question: &str, yes: bool) -> Result<(), ConfirmError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(ConfirmError::NotInteractive(question.to_owned()));
    }
    console.clear_status();
    let question = format!("{question} [y/N] ");
    // On a thread of its own: signals still end the program while it waits for input.
    let answer = tokio::task::spawn_blocking(move || {
        let mut error = io::stderr().lock();
        error.write_all(question.as_bytes())?;
        error.flush()?;
        drop(error);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = tokio::select! {
        answer = answer => answer.map_err(|error| ConfirmError::Read(error.into()))?,
        // The caller discards what it has prepared.
        () = console.interrupted() => return Err(ConfirmError::Interrupted),
    };
    match is_yes(&answer.map_err(ConfirmError::Read)?) {
        true => Ok(()),
        false => Err(ConfirmError::Declined),
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_y_and_yes_confirm() {
        for yes in ["y\n", "Y", " yes ", "YES\r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n", "yep", "yes no"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
