//! Asking before something is done that somebody may not want.

use std::io::{self, IsTerminal, Write};

use crate::console::Console;

/// Whether to go on: as `--yes` says, or somebody at the terminal.
///
/// # Errors
///
/// If nobody can be asked, or somebody says no: nothing was done then.
pub(super) async fn ask(console: &Console, question: &str, is_said: bool) -> Result<(), String> {
    if is_said {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(format!(
            "{question} Nobody can be asked, as standard input is no terminal, so nothing was done; --yes says that it is \
             wanted"
        ));
    }
    console.at_rest();
    let question = format!("{question} [y/N] ");
    // Waits for as long as somebody thinks, while signals still end the program.
    let answered = tokio::task::spawn_blocking(move || {
        let mut error = io::stderr().lock();
        error.write_all(question.as_bytes())?;
        error.flush()?;
        drop(error);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = answered.await.map_err(|error| error.to_string())?;
    let answer = answer.map_err(|error| format!("the answer could not be read: {error}"))?;
    match is_yes(&answer) {
        true => Ok(()),
        false => Err("that was no yes, so nothing was done".to_owned()),
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_a_yes() {
        for yes in ["y\n", "Y", " yes ", "YES\r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n", "yep", "yes no"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
