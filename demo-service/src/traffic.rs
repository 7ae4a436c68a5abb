//! A load client that counts which version responds: `traffic <address>`.
//!
//! ```text
//! $ cargo run -p demo-service --bin traffic -- 127.0.0.1:8080/split
//! 200 OK blue:1=74 green:1=76
//! 200 OK blue:1=80 green:1=71
//! ```
//!
//! It sends `GET` requests to one address, over plain HTTP/1.1, and does not follow redirects. It reads no environment variables,
//! so no proxy except the mesh is used. `--help` lists the options.
//!
//! # Output
//!
//! Each interval, a second by default, has one or more lines. Every call is counted once, in the interval in which it ended. A
//! line is words without `=`, then `key=count` pairs, all separated by single spaces:
//!
//! | line | meaning |
//! |---|---|
//! | `200 OK blue:1=74 green:1=76` | responses with this status, by `service:version`, sorted |
//! | `503 Service Unavailable other=3` | one line for each status, sorted; `other` is a response that is not the demo service's |
//! | `failed connection-refused=3 timeout=1` | calls without a usable response, by [`Cause`], sorted |
//! | `no responses` | no call ended |
//!
//! A missing version is `unknown`. In a key, blanks, `=`, `%`, control characters and non-ASCII characters are percent-encoded,
//! and so are colons in the name of a service: the first colon separates it from the version. Beyond a thousand different keys,
//! the rest is `other`.
//!
//! The summary at the end consists of an empty line, a line that begins with `summary`, and lines that begin with blanks. It lists
//! the first hundred failures and counts the others.
//!
//! With `--json`, each interval is an object on one line, and the summary is an object with the only key `summary`.
//!
//! # Failures
//!
//! A call fails if its response is not complete within `--timeout`, counted from when it is sent; if the status is not 2xx; or if
//! the body is not the demo service's. The exit code is 1 if any call failed or was abandoned, 2 for invalid arguments, and 0
//! otherwise. A kept connection that is closed before a call is sent on it is replaced without a failure, as in any HTTP client.
//! There are no other retries.
//!
//! # Rate
//!
//! Without `--rate`, each of `--concurrency` callers calls again when it has its response: a *closed loop*. A stall affects only a
//! few calls then, because no calls are made meanwhile.
//!
//! With `--rate`, calls are due at fixed times: an *open loop*, as with users. At most `--concurrency` calls are in flight; others
//! wait, and their latency counts from when they were *due*. So a stall shows in the latency of every call that it delayed (the
//! opposite is known as coordinated omission). A call that could not be sent for `--timeout` fails as `not-sent`, so the backlog
//! is bounded. Timers are exact to about a millisecond; the latency of a call that is sent within two of its due time counts from
//! when it was sent.
//!
//! Latencies are those of calls with a response, with any status, in three significant digits. Other failures are excluded,
//! because a refused connection would look like a fast response.
//!
//! # Stopping
//!
//! After `--count` calls or `--duration`, else on Ctrl-C or SIGTERM. Calls that are due by then are finished; a second signal
//! abandons them. Memory does not grow with time or the number of calls.
//!
//! # Reading order
//!
//! `arguments`, `target` and `plan`; `schedule` (when a call is due), `caller` (makes it), `outcome`; `counters` and `summary`;
//! `run`.

mod arguments;
mod caller;
mod counters;
mod outcome;
mod plan;
mod run;
mod schedule;
mod summary;
mod target;

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use serde::Serialize;

pub use self::counters::Counters;
pub use self::outcome::Cause;
pub use self::plan::Plan;
pub use self::run::{Interval, RunError, run};
pub use self::summary::Summary;
pub use self::target::{InvalidTarget, Target};

use self::arguments::Arguments;
use stop_signals::StopSignals;

/// Runs the load client.
///
/// `arguments` are those after the program's name. It handles SIGTERM and SIGINT, writes the output described in
/// [the module](self) to stdout and errors to stderr: it must be the only work of its process.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let name = OsString::from("traffic");
    let arguments = match Arguments::try_parse_from(std::iter::once(name).chain(arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // There is no way to report that stdout or stderr is closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run_plan(&arguments) {
        Ok(summary) if summary.is_success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            print_error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// On several threads, so that a slow terminal or pipe does not delay calls.
fn run_plan(arguments: &Arguments) -> Result<Summary, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let json = arguments.json;
    let summary = runtime.block_on(async {
        let mut first = StopSignals::listen()?;
        let stop = async {
            first.next().await;
        };
        let report = |interval: &Interval| {
            if json {
                print_json(interval)
            } else {
                print_line(interval)
            }
        };
        let summary = run(&arguments.plan(), stop, second_signal(), report).await?;
        Ok::<_, Box<dyn Error>>(summary)
    })?;
    if json {
        print_json(&SummaryLine { summary: &summary })?;
    } else {
        print_line(&format_args!("\n{summary}"))?;
    }
    Ok(summary)
}

/// Waits for a signal after the first.
async fn second_signal() {
    match StopSignals::listen() {
        Ok(mut signals) => {
            signals.next().await;
        }
        // Calls in flight are then finished, which takes at most their timeout.
        Err(_) => std::future::pending().await,
    }
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    summary: &'a Summary,
}

fn print_json(document: &impl Serialize) -> io::Result<()> {
    print_line(&serde_json::to_string(document)?)
}

fn print_line(line: &impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Writes an error and its causes to stderr.
fn print_error(error: &(dyn Error + 'static)) {
    // There is no way to report that stderr is closed.
    let _ = writeln!(io::stderr().lock(), "traffic: {}", with_causes(error));
}

/// An error and its causes in one line.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

/// An error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
