//! What is shown while CloudFormation works: each event as a line, and a bar.

use console::style;
use mesh_infra::deploy::{Event, Observer, Progress};

use crate::console::Console;

/// Shows what happens to one stack.
pub(super) struct Shown<'a> {
    console: &'a Console,
    /// What is being done, such as "deploying appmesh".
    doing: String,
}

impl<'a> Shown<'a> {
    pub(super) fn new(console: &'a Console, doing: String) -> Self {
        console.counting(0, None, &doing);
        Self { console, doing }
    }
}

impl Observer for Shown<'_> {
    fn event(&mut self, event: &Event, progress: Progress) {
        let line = event.to_string();
        // Colours are left out where standard error is no terminal.
        let line = match (event.is_failure(), progress.is_rollback) {
            (true, _) => style(line).red().for_stderr(),
            (false, true) => style(line).yellow().for_stderr(),
            (false, false) => style(line).for_stderr(),
        };
        self.console.progress(&line.to_string());
        let doing = match progress.is_rollback {
            true => format!("{}, which failed: CloudFormation takes it back", self.doing),
            false => self.doing.clone(),
        };
        self.console.counting(progress.finished, progress.total, &doing);
    }

    fn note(&mut self, note: &str) {
        self.console.progress(note);
    }
}
