//! `trace`: makes one request, and prints its path and timeline.

use clap::Args;

use super::columns::plain;
use super::{Output, RunningCommandError};
use crate::cli::error::CliError;
use crate::console::Console;
use crate::running::client::RunningClient;
use crate::running::command::{TraceRequest, Traced};

#[derive(Debug, Args)]
pub(crate) struct TraceArguments {
    /// Method of the request
    #[arg(short = 'X', long = "request", value_name = "METHOD", default_value = "GET")]
    method: String,
    /// Header of the request (repeatable)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Body of the request
    #[arg(short, long, value_name = "TEXT")]
    data: Option<String>,
    /// Address that `ps` prints, with a path; or a service and a path, such as api/users
    url: String,
}

pub(super) async fn run(client: &RunningClient, output: &Output, arguments: TraceArguments) -> Result<(), CliError> {
    let request = TraceRequest {
        method: arguments.method,
        url: arguments.url,
        headers: arguments.headers,
        body: arguments.data,
        width: Console::new().width(),
    };
    let traced = client.trace(&request).await.map_err(RunningCommandError::from)?;
    output.print(&traced, &text(&traced))
}

fn text(traced: &Traced) -> String {
    let body: Vec<String> = traced.body.lines().map(plain).collect();
    let mut text = format!(
        "{} in {:.1} ms: {}\n{}\n",
        traced.status,
        traced.milliseconds,
        traced.path,
        body.join("\n")
    );
    if !traced.is_complete {
        text.push_str("\nAn Envoy on the path has no access-log entry.\n");
    }
    match traced.timeline.is_empty() {
        true => text.push_str("\nThere is no timeline, because no spans arrived.\n"),
        false => text.push_str(&format!("\n{}\n", traced.timeline.trim_end())),
    }
    text
}
