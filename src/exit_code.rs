//! Exit codes of every command.
//!
//! | code | constant | meaning |
//! |---|---|---|
//! | 0 | [`SUCCESS`] | done; also `serve` that SIGTERM has stopped |
//! | 1 | [`FAILURE`] | failed; the reason is on standard error |
//! | 2 | [`USAGE`] | wrong usage: unknown command, option or name, or an invalid value |
//! | 3 | [`DIFFERENCES`] | `diff --exit-code` found differences |
//! | 130 | [`INTERRUPTED`] | interrupted by Ctrl-C (SIGINT), SIGTERM or SIGHUP, also while a mesh runs here |

use std::process::ExitCode;

/// Done.
pub const SUCCESS: u8 = 0;
/// Failed; the reason is on standard error.
pub const FAILURE: u8 = 1;
/// Wrong usage: unknown command, option or name, or an invalid value. Also clap's exit code.
pub const USAGE: u8 = 2;
/// `diff --exit-code` found differences.
pub const DIFFERENCES: u8 = 3;
/// Interrupted by a signal. 128 plus the number of SIGINT, as in shells.
pub const INTERRUPTED: u8 = 130;

/// The section about exit codes in `--help` of described apps.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    failed
  2    wrong usage
  3    differences found (diff --exit-code)
  130  interrupted (Ctrl-C, SIGTERM, SIGHUP)";

/// The same of the program for template files, which has no `diff`.
pub(crate) const TEMPLATE_HELP: &str = "\
Exit codes:
  0    done; also serve, stopped by SIGTERM
  1    failed
  2    wrong usage
  130  interrupted (Ctrl-C, SIGTERM, SIGHUP)";

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Done; differences were found and `--exit-code` was given.
    #[cfg(feature = "aws")]
    Differences,
    /// Interrupted by a signal, which was reported already.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => SUCCESS,
            #[cfg(feature = "aws")]
            Exit::Differences => DIFFERENCES,
            Exit::Interrupted => INTERRUPTED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_exit_code() {
        for code in [SUCCESS, FAILURE, USAGE, DIFFERENCES, INTERRUPTED] {
            let line = format!("\n  {code:<5}");
            assert!(HELP.contains(&line), "{code} is missing");
            assert_eq!(TEMPLATE_HELP.contains(&line), code != DIFFERENCES, "{code}");
        }
    }
}
