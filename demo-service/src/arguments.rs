//! Command line of the demo service.

use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  stopped by a signal, or healthy (health)
  1  failed, or unhealthy (health); the reason is on standard error
  2  wrong usage: unknown command or option";

/// A small HTTP service for demonstrations of a mesh. Without a command, it serves.
///
/// Configured by environment variables: SERVICE_NAME, SERVICE_VERSION, SERVICE_PORT, SERVICE_BIND, SERVICE_DELAY,
/// SERVICE_FAILURES, SERVICE_DOWNSTREAM_PORTS, SERVICE_DEREGISTRATION, RUST_LOG.
///
/// On SIGTERM it becomes unready, accepts requests for SERVICE_DEREGISTRATION (5s unless set, up to 8s) while its
/// deregistration propagates, and finishes the requests in flight. Ctrl-C stops it without that wait. Each further signal
/// ends the current step.
#[derive(Debug, Parser)]
#[command(name = "demo-service", disable_help_subcommand = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Check the service on SERVICE_PORT. Exit code 0 if it responds with status 200, 1 otherwise.
    Health,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use mesh_client::server::DEFAULT_DEREGISTRATION;

    use super::*;
    use crate::server::LONGEST_DEREGISTRATION;

    #[test]
    fn the_command_is_optional() {
        Arguments::command().debug_assert();
        let command = |arguments: &[&str]| {
            let arguments = std::iter::once(&"demo-service").chain(arguments);
            Arguments::try_parse_from(arguments).map(|arguments| arguments.command)
        };
        assert_eq!(command(&[]).unwrap(), None);
        assert_eq!(command(&["health"]).unwrap(), Some(Command::Health));
        for invalid in [&["serve"][..], &["health", "now"], &[""], &["--prot"]] {
            assert_eq!(command(invalid).unwrap_err().exit_code(), 2, "{invalid:?}");
        }
    }

    #[test]
    fn the_help_lists_the_exit_codes() {
        let help = Arguments::command().render_help().to_string();
        assert!(help.contains(EXIT_CODES), "{help}");
    }

    #[test]
    fn the_help_contains_the_limits_of_deregistration() {
        let help = Arguments::command().render_long_help().to_string().replace('\n', " ");
        let limits =
            format!("SERVICE_DEREGISTRATION ({DEFAULT_DEREGISTRATION:?} unless set, up to {LONGEST_DEREGISTRATION:?})");
        assert!(help.contains(&limits), "{help}");
    }
}
