//! Parsing of command lines, and of values that several commands have.

use std::net::SocketAddr;

use clap::error::ErrorKind;
use clap::{Arg, Command, Parser};

/// The arguments of this process. Prints help and errors, and then ends the process, as [`Parser::parse`] does.
///
/// An empty variable of AWS counts as not set, as in AWS's SDKs; other empty variables are named in the error.
pub(crate) fn parse<A: Parser>() -> A {
    let mut empty = Vec::new();
    let command = edit(A::command(), &mut |argument| {
        let name = argument
            .get_env()
            .filter(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
        let name = name.map(|name| name.to_string_lossy().into_owned());
        match name {
            Some(name) if name.starts_with("AWS_") => argument.env(None::<&str>),
            Some(name) => {
                empty.push(name);
                argument
            }
            None => argument,
        }
    });
    let parsed = command
        .try_get_matches()
        .and_then(|matches| A::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if !empty.is_empty() => {
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
            let message = format!(
                "{text}\n\nEmpty environment variables: {}; unset them\n",
                empty.join(", ")
            );
            clap::Error::raw(error.kind(), message).exit()
        }
        _ => error.exit(),
    })
}

/// Changes the arguments of a command and its subcommands.
fn edit(command: Command, change: &mut dyn FnMut(Arg) -> Arg) -> Command {
    let command = command.mut_args(&mut *change);
    command.mut_subcommands(|subcommand| edit(subcommand, &mut *change))
}

/// An address to listen on.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:18002".to_owned())
}
