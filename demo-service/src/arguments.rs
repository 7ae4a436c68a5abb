//! The command line: what this process is to do.

use std::ffi::OsString;

use thiserror::Error;

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
Usage: demo-service [health]

Without an argument it serves, as the environment says (SERVICE_NAME, SERVICE_VERSION, SERVICE_PORT, SERVICE_BIND,
SERVICE_DELAY, SERVICE_FAILURES, SERVICE_DOWNSTREAM_PORTS, SERVICE_DEREGISTRATION, RUST_LOG).

SIGTERM stops it: it says that it is not ready, goes on answering for SERVICE_DEREGISTRATION (5s unless set, up to 8s), so
that callers learn of it, and finishes what it was asked. Ctrl-C stops it without that wait. Each further signal ends what
it is waiting for.

  health    asks the service on SERVICE_PORT whether it is well: exit code 0 if it is, 1 if not
  --help    prints this";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Serve,
    Health,
    Help,
}

#[derive(Debug, Error, PartialEq, Eq)]
#[error("unknown argument `{0}`; expected is nothing, `health` or `--help`")]
pub(crate) struct UnknownArgument(String);

impl Command {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UnknownArgument> {
        let mut arguments = arguments.into_iter();
        let command = match arguments.next() {
            None => Self::Serve,
            Some(argument) => match argument.to_str() {
                Some("health") => Self::Health,
                Some("--help" | "-h") => Self::Help,
                _ => return Err(unknown(&argument)),
            },
        };
        match arguments.next() {
            None => Ok(command),
            Some(extra) => Err(unknown(&extra)),
        }
    }
}

fn unknown(argument: &OsString) -> UnknownArgument {
    UnknownArgument(argument.display().to_string())
}

#[cfg(test)]
mod tests {
    use mesh_client::server::DEFAULT_DEREGISTRATION;

    use super::*;
    use crate::server::LONGEST_DEREGISTRATION;

    fn parse(arguments: &[&str]) -> Result<Command, UnknownArgument> {
        Command::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn arguments_are_commands() {
        assert_eq!(parse(&[]), Ok(Command::Serve));
        assert_eq!(parse(&["health"]), Ok(Command::Health));
        assert_eq!(parse(&["-h"]), Ok(Command::Help));
        assert_eq!(parse(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn the_help_says_how_long_it_goes_on_answering() {
        let waits =
            format!("SERVICE_DEREGISTRATION ({DEFAULT_DEREGISTRATION:?} unless set, up to {LONGEST_DEREGISTRATION:?})");
        assert!(USAGE.contains(&waits), "{USAGE}");
    }

    #[test]
    fn anything_else_is_named() {
        for (arguments, named) in [(&["serve"][..], "serve"), (&["health", "now"], "now"), (&[""], "")] {
            assert_eq!(parse(arguments), Err(UnknownArgument(named.to_owned())));
        }
    }
}
