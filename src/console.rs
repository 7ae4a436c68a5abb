//! What is shown while a mesh comes up: on a terminal a spinner with lines above it, elsewhere plain lines.
//!
//! Progress goes to standard error, and what was asked for (answers, addresses) to standard output.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is let through by default. AWS's SDK warns in its own words of what its errors say as well.
const WARNINGS: &str = "warn,aws_config=error,aws_runtime=error,aws_smithy_runtime=error";

/// The terminal, or whatever stands in for it. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    spinner: ProgressBar,
}

impl Console {
    /// A console that spins if standard error is a terminal.
    pub(crate) fn new() -> Self {
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        if !spinner.is_hidden() {
            spinner.enable_steady_tick(Duration::from_millis(80));
        }
        Self { spinner }
    }

    /// Shows that something is going on, until the next call of this or of [`Console::at_rest`].
    pub(crate) fn waiting(&self, what: &str) {
        self.spinner.set_message(what.to_owned());
    }

    /// Shows how far something is, of which it may be known how much there is in all.
    #[cfg(feature = "aws")]
    pub(crate) fn counting(&self, finished: usize, total: Option<usize>, what: &str) {
        let Some(total) = total else {
            return self.waiting(what);
        };
        let style = ProgressStyle::with_template("{spinner} {bar:24.green} {pos}/{len} {wide_msg}");
        self.spinner
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.spinner.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        self.spinner.set_position(u64::try_from(finished).unwrap_or(u64::MAX));
        self.spinner.set_message(what.to_owned());
    }

    /// Nothing is going on any more.
    pub(crate) fn at_rest(&self) {
        self.spinner.finish_and_clear();
    }

    /// A line of progress.
    pub(crate) fn progress(&self, line: &str) {
        self.spinner.suspend(|| tell(line));
    }

    /// What was asked for.
    pub(crate) fn show(&self, text: &str) {
        self.spinner.suspend(|| show(text));
    }

    /// How many columns a line on standard output has room for. Where it is no terminal, as many as fit into most.
    pub(crate) fn width(&self) -> usize {
        let size = ::console::Term::stdout().size_checked();
        size.map_or(100, |(_rows, columns)| columns.into())
    }

    /// Lets warnings of this process's own parts through to the console. `RUST_LOG` decides otherwise.
    pub(crate) fn take_warnings(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(WARNINGS));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(!self.spinner.is_hidden())
            .with_writer(Lines(self.clone()));
        // Somebody who embeds this may have set up a subscriber of their own.
        let _already_set = subscriber.try_init();
    }
}

/// A line, or lines, on standard output. Whoever closed it does not want to know: `println!` would panic.
pub(crate) fn show(text: &str) {
    let mut output = io::stdout().lock();
    let _closed = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// A document on standard output, which is no document if part of it is missing. Whoever closed standard output has
/// had enough of it.
pub(crate) fn print(document: &str) -> Result<(), String> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{}", document.trim_end()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the output: {error}")),
        _ => Ok(()),
    }
}

/// A line, or lines, on standard error, in the same way.
pub(crate) fn tell(text: &str) {
    let _closed = writeln!(io::stderr().lock(), "{text}");
}

/// Writes log events between the spinner's pictures.
struct Lines(Console);

struct Line {
    console: Console,
    text: Mutex<Vec<u8>>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            console: self.0.clone(),
            text: Mutex::default(),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = self.text.get_mut().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(text);
        self.console.progress(text.trim_end());
    }
}

/// An error and what is behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let behind = std::iter::successors(error.source(), |error| (*error).source());
    let words: Vec<String> = std::iter::once(error).chain(behind).map(ToString::to_string).collect();
    words.join(": ")
}
