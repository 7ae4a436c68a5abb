//! Formats changes: additions green, removals red, security changes under a heading of their own.

use console::Style;
use mesh_infra::deploy::{Action, ParameterChange, Replacement, ResourceChange, SecurityChange};

/// An output stream. Has colours on a terminal, unless `NO_COLOR` or the like is set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// An empty style for this stream.
    pub(super) fn style(self) -> Style {
        match self {
            Self::Stdout => Style::new().for_stdout(),
            Self::Stderr => Style::new().for_stderr(),
        }
    }

    /// Resource changes, one per line.
    pub(super) fn resources(self, changes: &[ResourceChange]) -> String {
        lines(changes, |change| {
            let style = match (change.action, change.replacement) {
                (Action::Add | Action::Import, _) => self.style().green(),
                (Action::Remove, _) | (_, Replacement::Always) => self.style().red(),
                (_, Replacement::Conditional) => self.style().yellow(),
                _ => self.style(),
            };
            style.apply_to(change).to_string()
        })
    }

    /// Changed parameters, one per line.
    pub(super) fn parameters(self, changes: &[ParameterChange]) -> String {
        let value = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| "none".to_owned(), |value| format!("\"{value}\""))
        };
        lines(changes, |change| {
            format!(
                "[~] Parameters.{}: {} → {}",
                change.name,
                value(&change.before),
                value(&change.after)
            )
        })
    }

    /// Permission and network changes, under a heading.
    pub(super) fn security(self, changes: &[SecurityChange]) -> String {
        let statements = lines(changes, |change| match change.is_addition {
            true => self
                .style()
                .green()
                .apply_to(format!("  + {}", change.statement))
                .to_string(),
            false => self
                .style()
                .red()
                .apply_to(format!("  - {}", change.statement))
                .to_string(),
        });
        let heading = self.style().bold().apply_to("Permission and network changes:");
        format!("{heading}\n{statements}")
    }
}

fn lines<T>(items: &[T], line: impl Fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}
