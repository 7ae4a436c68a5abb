//! Terminal output: a spinner with lines above it on a terminal, plain lines elsewhere.
//!
//! Progress goes to standard error, results (responses, addresses, documents) go to standard output.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The default log filter. AWS's SDK logs warnings about failures that its errors report as well.
const WARNINGS: &str = "warn,aws_config=error,aws_runtime=error,aws_smithy_runtime=error";

/// The default log filter of `serve`.
const SERVICE_EVENTS: &str = "warn,xds_server=info,mesh_control=info,server_tls=info,\
                              aws_config=error,aws_runtime=error,aws_smithy_runtime=error";

/// A document could not be written to standard output.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub(crate) struct OutputError(#[source] io::Error);

/// Standard error and standard output, shared by clones.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    spinner: ProgressBar,
    #[cfg(feature = "aws")]
    question: std::sync::Arc<Question>,
}

/// A question at the terminal, which a signal ends.
#[cfg(feature = "aws")]
#[derive(Debug, Default)]
struct Question {
    is_open: std::sync::atomic::AtomicBool,
    interrupted: tokio::sync::Notify,
}

impl Console {
    /// A console with a spinner if standard error is a terminal.
    pub(crate) fn new() -> Self {
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        if !spinner.is_hidden() {
            spinner.enable_steady_tick(Duration::from_millis(80));
        }
        Self {
            spinner,
            #[cfg(feature = "aws")]
            question: std::sync::Arc::default(),
        }
    }

    /// Waits for [`Console::interrupt_question`], while a question is open.
    #[cfg(feature = "aws")]
    pub(crate) async fn interrupted(&self) {
        use std::sync::atomic::Ordering;

        struct Closing<'a>(&'a Question);
        impl Drop for Closing<'_> {
            fn drop(&mut self) {
                self.0.is_open.store(false, Ordering::SeqCst);
            }
        }
        self.question.is_open.store(true, Ordering::SeqCst);
        let _closing = Closing(&self.question);
        self.question.interrupted.notified().await;
    }

    /// Ends an open question. False if there is none.
    #[cfg(feature = "aws")]
    pub(crate) fn interrupt_question(&self) -> bool {
        let is_open = self.question.is_open.load(std::sync::atomic::Ordering::SeqCst);
        if is_open {
            self.question.interrupted.notify_one();
        }
        is_open
    }

    /// Sets the spinner's text, until the next call of this or of [`Console::clear_status`].
    pub(crate) fn set_status(&self, text: &str) {
        self.spinner.set_message(text.to_owned());
    }

    /// Sets the spinner's text and shows a progress bar if the total is known.
    #[cfg(feature = "aws")]
    pub(crate) fn set_progress(&self, finished: usize, total: Option<usize>, text: &str) {
        let Some(total) = total else {
            return self.set_status(text);
        };
        let style = ProgressStyle::with_template("{spinner} {bar:24.green} {pos}/{len} {wide_msg}");
        self.spinner
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.spinner.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        self.spinner.set_position(u64::try_from(finished).unwrap_or(u64::MAX));
        self.spinner.set_message(text.to_owned());
    }

    /// Removes the spinner.
    pub(crate) fn clear_status(&self) {
        self.spinner.finish_and_clear();
    }

    /// Prints a line of progress to standard error.
    pub(crate) fn progress(&self, line: &str) {
        self.spinner.suspend(|| print_error(line));
    }

    /// Prints a result to standard output.
    pub(crate) fn show(&self, text: &str) {
        self.spinner.suspend(|| show(text));
    }

    /// The columns of standard output; 100 if it is not a terminal.
    pub(crate) fn width(&self) -> usize {
        let size = ::console::Term::stdout().size_checked();
        size.map_or(100, |(_rows, columns)| columns.into())
    }

    /// Prints log events of this process: warnings and errors, or what `RUST_LOG` selects.
    pub(crate) fn install_log_subscriber(&self) {
        self.install_subscriber(WARNINGS);
    }

    /// The same, with the connections of Envoys and renewed certificates: for a process that serves for a long time.
    pub(crate) fn install_service_log_subscriber(&self) {
        self.install_subscriber(SERVICE_EVENTS);
    }

    fn install_subscriber(&self, default: &str) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(!self.spinner.is_hidden())
            .with_writer(Lines(self.clone()));
        // The embedding program may have set a subscriber already.
        let _already_set = subscriber.try_init();
    }
}

/// Prints lines to standard output. A closed standard output is ignored; `println!` would panic.
pub(crate) fn show(text: &str) {
    let mut output = io::stdout().lock();
    let _closed = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// Prints a document to standard output. A failed write is an error, because part of a document is useless; a closed
/// standard output is ignored.
pub(crate) fn print(document: &str) -> Result<(), OutputError> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{}", document.trim_end()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OutputError(error)),
        _ => Ok(()),
    }
}

/// Prints lines to standard error. A closed standard error is ignored.
pub(crate) fn print_error(text: &str) {
    let _closed = writeln!(io::stderr().lock(), "{text}");
}

/// Writes log events between the spinner's frames.
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

/// An error and its sources, joined by colons.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| (*error).source());
    let texts: Vec<String> = std::iter::once(error).chain(sources).map(ToString::to_string).collect();
    texts.join(": ")
}
