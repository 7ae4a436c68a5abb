//! A client that makes steady traffic, and counts who answers: `traffic <address>`.
//!
//! ```text
//! $ cargo run -p demo-service --bin traffic -- 127.0.0.1:8080/split
//! 200 OK blue:1=74 green:1=76
//! 200 OK blue:1=80 green:1=71
//! ```
//!
//! It calls the address that it is given, over plain HTTP/1.1, with `GET`, and follows no redirect. Of the environment
//! it reads nothing, so no proxy is in between but the mesh's own. `--help` lists the options.
//!
//! # Lines
//!
//! Each interval, a second by default, is told in as many lines as it takes. Every call is counted once, in the
//! interval in which it ended. A line is words without `=`, then `key=count` pairs, all separated by single spaces:
//!
//! | line | means |
//! |---|---|
//! | `200 OK blue:1=74 green:1=76` | answers with this status, by `service:version` of who answered, sorted |
//! | `503 Service Unavailable other=3` | one line for each status, in their order; `other` answered in words that are not the demo service's |
//! | `failed connection-refused=3 timeout=1` | calls without a usable answer, by [`Cause`], sorted |
//! | `no answers` | no call ended |
//!
//! A version that is not told is `unknown`. Blanks, `=`, `%`, control characters and whatever is not ASCII are
//! percent-encoded in a key, and so are colons in the name of a service: the first colon separates it from its
//! version. Beyond a thousand different keys, the rest is `other`.
//!
//! At the end there is a summary: an empty line, a line that begins with `summary`, and lines that begin with blanks. It
//! lists the first hundred failures, and counts the rest.
//!
//! With `--json`, each interval is one object on a line, and the summary is one that has the only key `summary`.
//!
//! # What fails
//!
//! A call fails if it has no whole answer within `--timeout`, counted from when it is sent; if its status is not 2xx; or
//! if the body is not the demo service's. The exit code is 1 if any call failed or was given up, 2 if the arguments are
//! wrong, and 0 otherwise. A connection that was kept open, and turns out to be closed before a call is sent on it, is
//! replaced: that is no failure, as with any HTTP client. Nothing else is tried twice.
//!
//! # How fast
//!
//! Without `--rate`, each of `--concurrency` callers calls as soon as it has its answer: a *closed loop*. It measures how
//! fast answers come if nobody is in a hurry, and a stall costs it a few slow calls only, because nobody calls meanwhile.
//!
//! With `--rate`, calls are due at fixed times, whatever becomes of earlier ones: an *open loop*, as users are. At most
//! `--concurrency` are under way; those that are due and find none of them free wait, and their latency counts from when
//! they were *due*. So a stall shows in the latency of every call that it concerned (what leaves that out is known as
//! coordinated omission). A call that could not be sent for as long as `--timeout` is not sent any more, and fails as
//! `not-sent`: the backlog is bounded. Timers are exact to a millisecond or so; a call that is sent within two of when it
//! was due counts from when it was sent.
//!
//! Latencies are those of calls that were answered, whatever the status, with three significant digits. Failures have no
//! part in them: a connection that is refused at once would make the answers look fast.
//!
//! # Stopping
//!
//! After `--count` calls or `--duration`, else with Ctrl-C or SIGTERM. What was due until then is finished; a second
//! Ctrl-C gives up on it. Memory does not grow with time or the number of calls.
//!
//! # Reading order
//!
//! `arguments`, `target` and `plan` say what is wanted; `schedule` says when a call is due, `caller` makes it, `outcome` says
//! what became of it; `tally` counts, `summary` keeps what is told in the end; `run` does all that until it is over.

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
pub use self::target::{NoTarget, Target};

use self::arguments::Arguments;
use stop_signals::StopSignals;

/// Makes traffic as the arguments say, until it is over.
///
/// `arguments` are those after the program's own name. It takes SIGTERM and SIGINT for itself, and writes to stdout what
/// [the module](self) describes, and to stderr why it cannot: it is a process's whole work, not a part of it.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let name = OsString::from("traffic");
    let arguments = match Arguments::try_parse_from(std::iter::once(name).chain(arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell if stdout or stderr is closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match traffic(&arguments) {
        Ok(summary) if summary.all_went_well() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// On several threads: a terminal that is held up, or a slow reader of a pipe, holds up no call.
fn traffic(arguments: &Arguments) -> Result<Summary, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let json = arguments.json;
    let summary = runtime.block_on(async {
        let mut first = StopSignals::listen()?;
        let stop = async {
            first.next().await;
        };
        let report = |interval: &Interval| if json { say_json(interval) } else { say(interval) };
        let summary = run(&arguments.plan(), stop, second_signal(), report).await?;
        Ok::<_, Box<dyn Error>>(summary)
    })?;
    if json {
        say_json(&Last { summary: &summary })?;
    } else {
        say(&format_args!("\n{summary}"))?;
    }
    Ok(summary)
}

/// A signal after the first. Waited for once that one came.
async fn second_signal() {
    match StopSignals::listen() {
        Ok(mut signals) => {
            signals.next().await;
        }
        // Then calls under way are waited for, which takes the timeout at most.
        Err(_) => std::future::pending().await,
    }
}

#[derive(Serialize)]
struct Last<'a> {
    summary: &'a Summary,
}

fn say_json(document: &impl Serialize) -> io::Result<()> {
    say(&serde_json::to_string(document)?)
}

fn say(line: &impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Writes an error and its causes to stderr.
fn complain(error: &(dyn Error + 'static)) {
    // Nothing is left to tell if stderr is closed.
    let _ = writeln!(io::stderr().lock(), "traffic: {}", with_causes(error));
}

/// An error and its causes in one line.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

/// An error and what it came from, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
