//! Progress of a stack operation: stack events as lines, and a progress bar.

use console::style;
use mesh_infra::deploy::{Event, Observer, Progress};

use crate::console::Console;

/// Prints the events of one stack.
pub(super) struct StackProgress<'a> {
    console: &'a Console,
    /// The operation, such as "updating appmesh".
    operation: String,
}

impl<'a> StackProgress<'a> {
    pub(super) fn new(console: &'a Console, operation: String) -> Self {
        console.set_progress(0, None, &operation);
        Self { console, operation }
    }
}

impl Observer for StackProgress<'_> {
    fn event(&mut self, event: &Event, progress: Progress) {
        let line = event.to_string();
        // Colours are left out where standard error is no terminal.
        let line = match (event.is_failure(), progress.is_rollback) {
            (true, _) => style(line).red().for_stderr(),
            (false, true) => style(line).yellow().for_stderr(),
            (false, false) => style(line).for_stderr(),
        };
        self.console.progress(&line.to_string());
        let status = match progress.is_rollback {
            true => format!("{} failed, rolling back", self.operation),
            false => self.operation.clone(),
        };
        self.console.set_progress(progress.finished, progress.total, &status);
    }

    fn note(&mut self, note: &str) {
        self.console.progress(note);
    }
}
